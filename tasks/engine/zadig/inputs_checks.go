package zadig

import (
	"slices"

	"slipway"
)

// module is a test or a scan, of a service or by itself.
type module struct {
	service, part, name string
	keys                []slipway.KeyVal
	repos               []slipway.Repo
}

// checked is a job of type zadig-test or zadig-scanning, which are alike.
type checked struct {
	byService bool
	source    string
	modules   []module // by themselves
	services  []module // of the job
	choices   []module // that can be chosen, when the services are those of another job
}

// named is a test or a scan that a plan names.
type named struct {
	name  string
	repos []repoInput
	keys  []keyInput
}

func (c *checked) check(n *note, job string, services []serviceInput, list []named) {
	if !c.byService {
		if len(services) > 0 {
			n.add("service_list", "Job “%s” is not one of services.", "任务“%s”不是服务任务。", job)
		}
		for _, in := range list {
			i := slices.IndexFunc(c.modules, func(m module) bool { return m.name == in.name })
			if i < 0 {
				n.add("", "There is no “%[2]s” in job “%[1]s”.", "任务“%[1]s”中没有“%[2]s”。", job, in.name)
				continue
			}
			checkKeys(n, c.modules[i].keys, in.keys)
			checkRepos(n, c.modules[i].repos, in.repos)
		}
		return
	}
	if len(list) > 0 || len(services) == 0 {
		n.add("service_list", "Say for which services job “%s” runs, in service_list: without one, it does nothing.",
			"请在 service_list 中填写任务“%s”要处理的服务，否则该任务不会执行任何操作。", job)
	}
	for _, in := range services {
		m := c.choice(in)
		if m == nil {
			n.add("service_list", "Job “%[1]s” has nothing for %[2]s/%[3]s.", "任务“%[1]s”中没有 %[2]s/%[3]s。", job, in.ServiceName, in.ServiceModule)
			continue
		}
		checkKeys(n, m.keys, in.Inputs)
		checkRepos(n, m.repos, in.RepoInfo)
	}
}

func (c *checked) choice(in serviceInput) *module {
	list := c.services
	if c.source == fromJob {
		list = append(slices.Clone(c.choices), c.services...)
	}
	for i := range list {
		if in.is(list[i].service, list[i].part) {
			return &list[i]
		}
	}
	return nil
}

// set returns the modules with the values of the plan.
func (c *checked) set(services []serviceInput, list []named) (modules, ofServices []module) {
	if !c.byService {
		for _, m := range c.modules {
			for _, in := range list {
				if in.name == m.name {
					m.keys, m.repos = setKeys(m.keys, in.keys), setRepos(m.repos, in.repos)
				}
			}
			modules = append(modules, m)
		}
		return modules, c.services
	}
	for _, in := range services {
		if m := c.choice(in); m != nil {
			set := *m
			set.keys, set.repos = setKeys(m.keys, in.Inputs), setRepos(m.repos, in.RepoInfo)
			ofServices = append(ofServices, set)
		}
	}
	return c.modules, ofServices
}

// testInput is for jobs of type zadig-test.
type testInput struct {
	ServiceList []serviceInput `json:"service_list,omitempty"`
	TestingList []testingInput `json:"testing_list,omitempty"`
}

type testingInput struct {
	TestingName string      `json:"testing_name"`
	RepoInfo    []repoInput `json:"repo_info"`
	Inputs      []keyInput  `json:"inputs"`
}

func (p *testInput) named() []named {
	var list []named
	for _, t := range p.TestingList {
		list = append(list, named{t.TestingName, t.RepoInfo, t.Inputs})
	}
	return list
}

func testsOf(spec *slipway.TestSpec, o options) *checked {
	c := &checked{byService: spec.TestType != "", source: spec.Source}
	for _, m := range spec.TestModules {
		c.modules = append(c.modules, module{"", "", m.Name, m.KeyVals, m.Repos})
	}
	for _, s := range spec.ServiceAndTests {
		c.services = append(c.services, module{s.ServiceName, s.ServiceModule, s.Name, s.KeyVals, s.Repos})
	}
	for _, s := range o.ServiceTests {
		c.choices = append(c.choices, module{s.ServiceName, s.ServiceModule, s.Name, s.KeyVals, s.Repos})
	}
	return c
}

func (p *testInput) check(n *note, job *slipway.Job, o options) {
	testsOf(job.Spec.(*slipway.TestSpec), o).check(n, job.Name, p.ServiceList, p.named())
}

func (p *testInput) apply(job *slipway.Job, o options) {
	spec := job.Spec.(*slipway.TestSpec)
	modules, services := testsOf(spec, o).set(p.ServiceList, p.named())
	spec.TestModules, spec.ServiceAndTests = nil, nil
	for _, m := range modules {
		spec.TestModules = append(spec.TestModules, slipway.TestModule{Name: m.name, KeyVals: m.keys, Repos: m.repos})
	}
	for _, m := range services {
		spec.ServiceAndTests = append(spec.ServiceAndTests,
			slipway.ServiceAndTest{ServiceName: m.service, ServiceModule: m.part, Name: m.name, KeyVals: m.keys, Repos: m.repos})
	}
}

// scanInput is for jobs of type zadig-scanning.
type scanInput struct {
	ServiceList  []serviceInput  `json:"service_list,omitempty"`
	ScanningList []scanningInput `json:"scanning_list,omitempty"`
}

type scanningInput struct {
	ScanningName string      `json:"scanning_name"`
	RepoInfo     []repoInput `json:"repo_info"`
	Inputs       []keyInput  `json:"inputs"`
}

func (p *scanInput) named() []named {
	var list []named
	for _, s := range p.ScanningList {
		list = append(list, named{s.ScanningName, s.RepoInfo, s.Inputs})
	}
	return list
}

func scansOf(spec *slipway.ScanSpec, o options) *checked {
	c := &checked{byService: spec.ScanningType != "", source: spec.Source}
	for _, m := range spec.Scannings {
		c.modules = append(c.modules, module{"", "", m.Name, m.KeyVals, m.Repos})
	}
	for _, s := range spec.ServiceAndScannings {
		c.services = append(c.services, module{s.ServiceName, s.ServiceModule, s.Name, s.KeyVals, s.Repos})
	}
	for _, s := range o.ServiceScannings {
		c.choices = append(c.choices, module{s.ServiceName, s.ServiceModule, s.Name, s.KeyVals, s.Repos})
	}
	return c
}

func (p *scanInput) check(n *note, job *slipway.Job, o options) {
	scansOf(job.Spec.(*slipway.ScanSpec), o).check(n, job.Name, p.ServiceList, p.named())
}

func (p *scanInput) apply(job *slipway.Job, o options) {
	spec := job.Spec.(*slipway.ScanSpec)
	modules, services := scansOf(spec, o).set(p.ServiceList, p.named())
	spec.Scannings, spec.ServiceAndScannings = nil, nil
	for _, m := range modules {
		spec.Scannings = append(spec.Scannings, slipway.ScanModule{Name: m.name, KeyVals: m.keys, Repos: m.repos})
	}
	for _, m := range services {
		spec.ServiceAndScannings = append(spec.ServiceAndScannings,
			slipway.ServiceAndScan{ServiceName: m.service, ServiceModule: m.part, Name: m.name, KeyVals: m.keys, Repos: m.repos})
	}
}
