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
	Name   string
	Repos  []repoInput
	Inputs []keyInput
}

func (c *checked) check(n *note, job string, services []serviceInput, list []named) {
	if !c.byService {
		if len(services) > 0 {
			n.add("service_list", "Job “%s” is not one of services.", "任务“%s”不是服务任务。", job)
		}
		for _, in := range list {
			i := slices.IndexFunc(c.modules, func(m module) bool { return m.name == in.Name })
			if i < 0 {
				n.add("", "There is no “%[2]s” in job “%[1]s”.", "任务“%[1]s”中没有“%[2]s”。", job, in.Name)
				continue
			}
			checkKeys(n, c.modules[i].keys, in.Inputs)
			checkRepos(n, c.modules[i].repos, in.Repos)
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
				if in.Name == m.name {
					m.keys, m.repos = setKeys(m.keys, in.Inputs), setRepos(m.repos, in.Repos)
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

// each turns every element into what f makes of it.
func each[A, B any](list []A, f func(A) B) []B {
	var made []B
	for _, a := range list {
		made = append(made, f(a))
	}
	return made
}

// testInput is for jobs of type zadig-test.
type testInput struct {
	ServiceList []serviceInput `json:"service_list,omitempty"`
	TestingList []testingInput `json:"testing_list,omitempty"`
}

type testingInput struct {
	Name   string      `json:"testing_name"`
	Repos  []repoInput `json:"repo_info"`
	Inputs []keyInput  `json:"inputs"`
}

// scanInput is for jobs of type zadig-scanning.
type scanInput struct {
	ServiceList  []serviceInput  `json:"service_list,omitempty"`
	ScanningList []scanningInput `json:"scanning_list,omitempty"`
}

type scanningInput struct {
	Name   string      `json:"scanning_name"`
	Repos  []repoInput `json:"repo_info"`
	Inputs []keyInput  `json:"inputs"`
}

// namedOf and writtenAs turn what the API writes in two ways into what it means, and back.
func namedOf[N testingInput | scanningInput](list []N) []named {
	return each(list, func(n N) named { return named(n) })
}

func writtenAs[N testingInput | scanningInput](list []named) []N {
	return each(list, func(n named) N { return N(n) })
}

func testsOf(spec *slipway.TestSpec, o options) *checked {
	ofService := func(s slipway.ServiceAndTest) module {
		return module{s.ServiceName, s.ServiceModule, s.Name, s.KeyVals, s.Repos}
	}
	return &checked{
		byService: spec.TestType != "", source: spec.Source,
		modules:  each(spec.TestModules, func(m slipway.TestModule) module { return module{"", "", m.Name, m.KeyVals, m.Repos} }),
		services: each(spec.ServiceAndTests, ofService), choices: each(o.ServiceTests, ofService),
	}
}

func scansOf(spec *slipway.ScanSpec, o options) *checked {
	ofService := func(s slipway.ServiceAndScan) module {
		return module{s.ServiceName, s.ServiceModule, s.Name, s.KeyVals, s.Repos}
	}
	return &checked{
		byService: spec.ScanningType != "", source: spec.Source,
		modules:  each(spec.Scannings, func(m slipway.ScanModule) module { return module{"", "", m.Name, m.KeyVals, m.Repos} }),
		services: each(spec.ServiceAndScannings, ofService), choices: each(o.ServiceScannings, ofService),
	}
}

func (p *testInput) check(n *note, job *slipway.Job, o options) {
	testsOf(job.Spec.(*slipway.TestSpec), o).check(n, job.Name, p.ServiceList, namedOf(p.TestingList))
}

func (p *scanInput) check(n *note, job *slipway.Job, o options) {
	scansOf(job.Spec.(*slipway.ScanSpec), o).check(n, job.Name, p.ServiceList, namedOf(p.ScanningList))
}

func (p *testInput) apply(job *slipway.Job, o options) {
	spec := job.Spec.(*slipway.TestSpec)
	modules, services := testsOf(spec, o).set(p.ServiceList, namedOf(p.TestingList))
	spec.TestModules = each(modules, func(m module) slipway.TestModule {
		return slipway.TestModule{Name: m.name, KeyVals: m.keys, Repos: m.repos}
	})
	spec.ServiceAndTests = each(services, func(m module) slipway.ServiceAndTest {
		return slipway.ServiceAndTest{ServiceName: m.service, ServiceModule: m.part, Name: m.name, KeyVals: m.keys, Repos: m.repos}
	})
}

func (p *scanInput) apply(job *slipway.Job, o options) {
	spec := job.Spec.(*slipway.ScanSpec)
	modules, services := scansOf(spec, o).set(p.ServiceList, namedOf(p.ScanningList))
	spec.Scannings = each(modules, func(m module) slipway.ScanModule {
		return slipway.ScanModule{Name: m.name, KeyVals: m.keys, Repos: m.repos}
	})
	spec.ServiceAndScannings = each(services, func(m module) slipway.ServiceAndScan {
		return slipway.ServiceAndScan{ServiceName: m.service, ServiceModule: m.part, Name: m.name, KeyVals: m.keys, Repos: m.repos}
	})
}
