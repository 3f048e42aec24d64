package zadig

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"slipway"
)

// derive makes the parameters of a job from what is written of it: in a plan, or in its
// own definition. Only what differs from the definition is sent.
func (c *chooser) derive(n *note, written, job *slipway.Job, w *slipway.Workflow) {
	o := c.d.options[job.Name]
	var p parameters
	spec := written.Spec
	if spec == nil {
		spec = slipway.NewJobSpec(written.Type)
	}
	switch spec := spec.(type) {
	case *slipway.BuildSpec:
		p = c.deriveBuild(n, spec, job, o)
	case *slipway.DeploySpec:
		p = deriveDeploy(n, spec, job.Spec.(*slipway.DeploySpec))
	case *slipway.VMDeploySpec:
		p = deriveVMDeploy(n, spec, job.Spec.(*slipway.VMDeploySpec))
	case *slipway.TestSpec:
		p = c.deriveTest(n, spec, job, o, w)
	case *slipway.ScanSpec:
		p = c.deriveScan(n, spec, job, o, w)
	case *slipway.FreestyleSpec:
		p = c.deriveFreestyle(n, spec, job.Spec.(*slipway.FreestyleSpec), w)
	case *slipway.SQLSpec:
		p = c.deriveSQL(n, spec, job.Spec.(*slipway.SQLSpec))
	default:
		if undocumented[job.Type] {
			c.choose(n, job, json.RawMessage("{}"))
			return
		}
		n.add("", "Say in inputs with what job “%[1]s” of type %[2]s runs.", "请在 inputs 中填写 %[2]s 类型的任务“%[1]s”的参数。", job.Name, job.Type)
		return
	}
	c.choose(n, job, p)
}

// settled notes a field that the plan wants otherwise than the definition has it, and
// that Zadig's API cannot set. What the plan leaves empty is not said.
func settled(n *note, field string, written, defined any) {
	if said := essence(written); !n.frozen && said != nil && !reflect.DeepEqual(said, essence(defined)) {
		n.add(field, "Zadig's API cannot set this for one run; change it in the workflow in Zadig.",
			"Zadig 的接口不支持在运行时设置该项，请在 Zadig 中修改工作流。")
	}
}

// essence is a value as JSON without what is empty, nil if nothing is left.
func essence(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var tree any
	if json.Unmarshal(text, &tree) != nil {
		return nil
	}
	return filled(tree)
}

func filled(tree any) any {
	switch node := tree.(type) {
	case string:
		if node == "" {
			return nil
		}
	case bool:
		if !node {
			return nil
		}
	case []any:
		var list []any
		for _, element := range node {
			list = append(list, filled(element))
		}
		if list == nil {
			return nil
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, value := range node {
			if value = filled(value); value != nil {
				object[name] = value
			}
		}
		if len(object) == 0 {
			return nil
		}
		return object
	}
	return tree
}

// keys returns the variables whose values differ from those of the definition.
func keys(written, defined []slipway.KeyVal) []keyInput {
	list := []keyInput{}
	for _, k := range written {
		i := slices.IndexFunc(defined, func(d slipway.KeyVal) bool { return d.Key == k.Key })
		if i >= 0 && (defined[i].Value == k.Value && defined[i].FileID == k.FileID || k.IsCredential && masked(k.Value)) {
			continue
		}
		list = append(list, keyInput{
			Key: k.Key, Value: k.Value, Type: k.Type, IsCredential: k.IsCredential, FileID: k.FileID, FileName: k.FileName, FilePath: k.FilePath,
		})
	}
	return list
}

// masked tells whether a credential is not the value but what is shown of it: a plan may
// hold a workflow that was copied from a hook.
func masked(value string) bool { return value != "" && strings.Trim(value, "*") == "" }

// repos returns all repositories if a branch or a pull request differs from those of the
// definition: Zadig uses those only that it is given. The commit in a plan is the one
// that the branch had before, and is left to Zadig.
func (c *chooser) repos(n *note, written, defined []slipway.Repo) []repoInput {
	list, hosts, differs := []repoInput{}, []int64{}, false
	for _, r := range written {
		in := repoInput{
			RepoNamespace: r.RepoNamespace, RepoName: r.RepoName, Branch: r.Branch, PRs: r.PRs,
			RemoteName: r.RemoteName, CheckoutPath: r.CheckoutPath, Submodules: r.Submodules,
		}
		if in.RepoNamespace == "" {
			in.RepoNamespace = r.RepoOwner
		}
		host := r.CodehostID
		i := slices.IndexFunc(defined, in.names)
		if i >= 0 {
			host = defined[i].CodehostID
			settled(n, "repos.tag", r.Tag, defined[i].Tag)
		}
		differs = differs || i < 0 || defined[i].Branch != r.Branch || !slices.Equal(defined[i].PRs, r.PRs)
		list, hosts = append(list, in), append(hosts, host)
	}
	if !differs {
		return []repoInput{}
	}
	for i := range list {
		list[i].CodehostName = c.hostName(hosts[i])
	}
	return list
}

func (c *chooser) deriveBuild(n *note, written *slipway.BuildSpec, job *slipway.Job, o options) parameters {
	p := &buildInput{Registry: c.registryName(o.RegistryID), ServiceList: []serviceInput{}}
	for _, s := range written.ServiceAndBuilds {
		in := serviceInput{ServiceName: s.ServiceName, ServiceModule: s.ServiceModule, RepoInfo: []repoInput{}, Inputs: []keyInput{}}
		if choice := buildChoice(job, o, &in); choice != nil {
			in.Inputs, in.RepoInfo = keys(s.KeyVals, choice.KeyVals), c.repos(n, s.Repos, choice.Repos)
			settled(n, "service_and_builds.build_name", s.BuildName, choice.BuildName)
		}
		p.ServiceList = append(p.ServiceList, in)
	}
	return p
}

func deriveDeploy(n *note, written, defined *slipway.DeploySpec) parameters {
	p := &deployInput{EnvName: written.Env, ServiceList: []deployedModule{}}
	settled(n, "source", written.Source, defined.Source)
	settled(n, "version_name", written.VersionName, defined.VersionName)
	settled(n, "deploy_contents", written.DeployContents, defined.DeployContents)
	if defined.Source == fromJob {
		return p
	}
	for _, s := range written.Services {
		i := slices.IndexFunc(defined.Services, func(d slipway.DeployService) bool { return d.ServiceName == s.ServiceName })
		var old slipway.DeployService
		if i >= 0 {
			old = defined.Services[i]
		}
		settled(n, "services.variable_kvs", s.VariableKVs, old.VariableKVs)
		settled(n, "services.variable_yaml", s.VariableYAML, old.VariableYAML)
		settled(n, "services.override_kvs", s.OverrideKVs, old.OverrideKVs)
		for _, m := range s.Modules {
			p.ServiceList = append(p.ServiceList, deployedModule{s.ServiceName, m.ServiceModule, m.Image, s.ValueMergeStrategy})
		}
	}
	return p
}

func deriveVMDeploy(n *note, written, defined *slipway.VMDeploySpec) parameters {
	p := &vmDeployInput{EnvName: written.Env, ServiceList: []vmService{}}
	settled(n, "source", written.Source, defined.Source)
	for _, s := range written.ServiceAndVMDeploys {
		for _, old := range defined.ServiceAndVMDeploys {
			if old.ServiceName == s.ServiceName {
				settled(n, "service_and_vm_deploys.key_vals", s.KeyVals, old.KeyVals)
				settled(n, "service_and_vm_deploys.repos", branches(s.Repos), branches(old.Repos))
			}
		}
		if defined.Source == fromJob {
			continue
		}
		p.ServiceList = append(p.ServiceList, vmService{s.ServiceName, s.FileName})
	}
	return p
}

func branches(repos []slipway.Repo) []string {
	var list []string
	for _, r := range repos {
		list = append(list, r.RepoName+" "+r.Branch)
	}
	return list
}

// services are those of the job that another takes its services from.
func services(w *slipway.Workflow, job string, depth int) []serviceInput {
	found := findJob(w, job)
	if found == nil || depth > 10 {
		return nil
	}
	var list []serviceInput
	add := func(name, module string) {
		list = append(list, serviceInput{ServiceName: name, ServiceModule: module, RepoInfo: []repoInput{}, Inputs: []keyInput{}})
	}
	from := ""
	switch spec := found.Spec.(type) {
	case *slipway.BuildSpec:
		for _, s := range spec.ServiceAndBuilds {
			add(s.ServiceName, s.ServiceModule)
		}
	case *slipway.TestSpec:
		from = spec.JobName
		for _, s := range spec.ServiceAndTests {
			add(s.ServiceName, s.ServiceModule)
		}
	case *slipway.ScanSpec:
		from = spec.JobName
		for _, s := range spec.ServiceAndScannings {
			add(s.ServiceName, s.ServiceModule)
		}
	case *slipway.FreestyleSpec:
		from = spec.JobName
		for _, s := range spec.Services {
			add(s.ServiceName, s.ServiceModule)
		}
	}
	if len(list) == 0 && from != "" {
		return services(w, from, depth+1)
	}
	return list
}

// deriveChecked makes the parameters of a test or a scan.
func (c *chooser) deriveChecked(n *note, written, defined *checked, from string, w *slipway.Workflow) ([]serviceInput, []named) {
	if !defined.byService {
		var list []named
		for _, m := range defined.modules {
			if !slices.ContainsFunc(written.modules, func(w module) bool { return w.name == m.name }) {
				n.add("", "Zadig's API cannot leave “%s” out of the job.", "Zadig 的接口不支持去掉该任务中的“%s”。", m.name)
			}
		}
		for _, m := range written.modules {
			i := slices.IndexFunc(defined.modules, func(d module) bool { return d.name == m.name })
			if i < 0 {
				list = append(list, named{Name: m.name}) // the check will tell
				continue
			}
			one := named{m.name, c.repos(n, m.repos, defined.modules[i].repos), keys(m.keys, defined.modules[i].keys)}
			if len(one.Repos)+len(one.Inputs) > 0 {
				list = append(list, one)
			}
		}
		return nil, list
	}
	var list []serviceInput
	for _, m := range written.services {
		in := serviceInput{ServiceName: m.service, ServiceModule: m.part, RepoInfo: []repoInput{}, Inputs: []keyInput{}}
		if choice := defined.choice(in); choice != nil {
			in.RepoInfo, in.Inputs = c.repos(n, m.repos, choice.repos), keys(m.keys, choice.keys)
		}
		list = append(list, in)
	}
	if len(list) == 0 && defined.source == fromJob {
		list = services(w, from, 0)
	}
	return list, nil
}

func (c *chooser) deriveTest(n *note, spec *slipway.TestSpec, job *slipway.Job, o options, w *slipway.Workflow) parameters {
	defined := job.Spec.(*slipway.TestSpec)
	settled(n, "test_type", spec.TestType, defined.TestType)
	settled(n, "source", spec.Source, defined.Source)
	p := &testInput{}
	var list []named
	p.ServiceList, list = c.deriveChecked(n, testsOf(spec, options{}), testsOf(defined, o), defined.JobName, w)
	p.TestingList = writtenAs[testingInput](list)
	return p
}

func (c *chooser) deriveScan(n *note, spec *slipway.ScanSpec, job *slipway.Job, o options, w *slipway.Workflow) parameters {
	defined := job.Spec.(*slipway.ScanSpec)
	settled(n, "scanning_type", spec.ScanningType, defined.ScanningType)
	settled(n, "source", spec.Source, defined.Source)
	p := &scanInput{}
	var list []named
	p.ServiceList, list = c.deriveChecked(n, scansOf(spec, options{}), scansOf(defined, o), defined.JobName, w)
	p.ScanningList = writtenAs[scanningInput](list)
	return p
}

func (c *chooser) deriveFreestyle(n *note, written, defined *slipway.FreestyleSpec, w *slipway.Workflow) parameters {
	settled(n, "freestyle_type", written.FreestyleType, defined.FreestyleType)
	settled(n, "source", written.Source, defined.Source)
	settled(n, "run", written.Run, defined.Run)
	p := &freestyleInput{}
	if defined.FreestyleType == "" {
		p.KV, p.RepoInfo = keys(written.Envs, defined.Envs), c.repos(n, written.Repos, defined.Repos)
		return p
	}
	for _, s := range written.Services {
		p.Services = append(p.Services, serviceInput{
			ServiceName: s.ServiceName, ServiceModule: s.ServiceModule,
			RepoInfo: c.repos(n, s.Repos, defined.Repos), Inputs: keys(s.KeyVals, defined.Envs),
		})
	}
	if len(p.Services) == 0 && defined.Source == fromJob {
		p.Services = services(w, defined.JobName, 0)
	}
	return p
}

func (c *chooser) deriveSQL(n *note, written, defined *slipway.SQLSpec) parameters {
	p := &sqlInput{SQL: written.SQL}
	if defined.Source == sourceFixed {
		settled(n, "id", written.ID, defined.ID)
		return p
	}
	if id := written.ID; id != "" {
		p.DatabaseName = c.databaseName(id)
	} else if defined.ID != "" {
		p.DatabaseName = c.databaseName(defined.ID)
	}
	return p
}
