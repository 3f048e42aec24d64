package zadig

import (
	"slices"

	"slipway"
)

const (
	fromJob     = "fromjob" // a job whose services are those of another
	sourceFixed = "fixed"
)

// buildInput is for jobs of type zadig-build.
type buildInput struct {
	Registry    string         `json:"registry"` // address/namespace
	ServiceList []serviceInput `json:"service_list"`
}

// buildChoice returns a service that a job can build, nil if it cannot.
func buildChoice(job *slipway.Job, o options, in *serviceInput) *slipway.ServiceAndBuild {
	for _, list := range [][]slipway.ServiceAndBuild{o.Builds, job.Spec.(*slipway.BuildSpec).ServiceAndBuilds} {
		for i := range list {
			if in.is(list[i].ServiceName, list[i].ServiceModule) {
				return &list[i]
			}
		}
	}
	return nil
}

func (p *buildInput) check(n *note, job *slipway.Job, o options) {
	if p.Registry == "" {
		n.add("registry", "Give the image registry, as address/namespace.", "请填写镜像仓库，格式为“地址/命名空间”。")
	}
	if len(p.ServiceList) == 0 {
		n.add("service_list", "Say which services to build: without one, the job does nothing.", "请填写要构建的服务，否则该任务不会执行任何操作。")
	}
	for i := range p.ServiceList {
		in := &p.ServiceList[i]
		choice := buildChoice(job, o, in)
		if choice == nil {
			n.add("service_list", "Job “%[1]s” does not build %[2]s/%[3]s.", "任务“%[1]s”不能构建 %[2]s/%[3]s。", job.Name, in.ServiceName, in.ServiceModule)
			continue
		}
		checkKeys(n, choice.KeyVals, in.Inputs)
		checkRepos(n, choice.Repos, in.RepoInfo)
	}
}

func (p *buildInput) apply(job *slipway.Job, o options) {
	spec := job.Spec.(*slipway.BuildSpec)
	var list []slipway.ServiceAndBuild
	for i := range p.ServiceList {
		in := &p.ServiceList[i]
		choice := buildChoice(job, o, in)
		if choice == nil {
			continue
		}
		b := *choice
		b.KeyVals = setKeys(b.KeyVals, in.Inputs)
		// A build keeps the repositories that are not given.
		b.Repos = slices.Clone(b.Repos)
		for r := range b.Repos {
			if set := setRepos(b.Repos[r:r+1], in.RepoInfo); len(set) > 0 {
				b.Repos[r] = set[0]
			}
		}
		list = append(list, b)
	}
	spec.ServiceAndBuilds = list
}

// deployInput is for jobs of type zadig-deploy.
type deployInput struct {
	EnvName     string           `json:"env_name"`
	ServiceList []deployedModule `json:"service_list"`
}

type deployedModule struct {
	ServiceName        string `json:"service_name"`
	ServiceModule      string `json:"service_module"`
	ImageName          string `json:"image_name"`
	ValueMergeStrategy string `json:"value_merge_strategy,omitempty"`
}

func (p *deployInput) check(n *note, job *slipway.Job, _ options) {
	if p.EnvName == "" {
		n.add("env_name", "Say to which environment job “%s” deploys.", "请填写任务“%s”要部署的环境。", job.Name)
	}
	spec := job.Spec.(*slipway.DeploySpec)
	if spec.EnvSource == sourceFixed && spec.Env != "" && p.EnvName != spec.Env {
		n.add("env_name", "Job “%[1]s” always deploys to %[2]s.", "任务“%[1]s”固定部署到 %[2]s。", job.Name, spec.Env)
	}
	if len(p.ServiceList) == 0 && spec.Source != fromJob {
		n.add("service_list", "Say which services to deploy: without one, the job does nothing.", "请填写要部署的服务，否则该任务不会执行任何操作。")
	}
	for _, in := range p.ServiceList {
		switch {
		case in.ServiceName == "" || in.ServiceModule == "":
			n.add("service_list", "Give service_name and service_module of each service.", "请为每个服务填写 service_name 和 service_module。")
		case in.ImageName == "" && spec.Source != fromJob:
			n.add("service_list", "Give the image of %[1]s/%[2]s.", "请填写 %[1]s/%[2]s 的镜像。", in.ServiceName, in.ServiceModule)
		}
	}
}

func (p *deployInput) apply(job *slipway.Job, _ options) {
	spec := job.Spec.(*slipway.DeploySpec)
	spec.Env = p.EnvName
	if len(p.ServiceList) == 0 && spec.Source == fromJob {
		return // those of the other job, as the definition tells
	}
	var services []slipway.DeployService
	for _, in := range p.ServiceList {
		i := slices.IndexFunc(services, func(s slipway.DeployService) bool { return s.ServiceName == in.ServiceName })
		if i < 0 {
			s := slipway.DeployService{ServiceName: in.ServiceName}
			if old := slices.IndexFunc(spec.Services, func(s slipway.DeployService) bool { return s.ServiceName == in.ServiceName }); old >= 0 {
				s = spec.Services[old]
			}
			s.Modules = nil
			services, i = append(services, s), len(services)
		}
		services[i].Modules = append(services[i].Modules, slipway.DeployModule{ServiceModule: in.ServiceModule, Image: in.ImageName})
		services[i].ValueMergeStrategy = in.ValueMergeStrategy
	}
	spec.Services = services
}

// vmDeployInput is for jobs of type zadig-vm-deploy.
type vmDeployInput struct {
	EnvName     string      `json:"env_name"`
	ServiceList []vmService `json:"service_list"`
}

type vmService struct {
	ServiceName string `json:"service_name"`
	FileName    string `json:"file_name"`
}

func (p *vmDeployInput) check(n *note, job *slipway.Job, _ options) {
	spec := job.Spec.(*slipway.VMDeploySpec)
	if p.EnvName == "" {
		n.add("env_name", "Say to which environment job “%s” deploys.", "请填写任务“%s”要部署的环境。", job.Name)
	}
	if len(p.ServiceList) == 0 && spec.Source != fromJob {
		n.add("service_list", "Say which services to deploy: without one, the job does nothing.", "请填写要部署的服务，否则该任务不会执行任何操作。")
	}
	var seen []string
	for _, in := range p.ServiceList {
		switch {
		case in.ServiceName == "" || in.FileName == "":
			n.add("service_list", "Give service_name and file_name of each service: Zadig's API deploys files that it keeps.",
				"请为每个服务填写 service_name 和 file_name：Zadig 的接口只部署其保存的文件。")
		case slices.Contains(seen, in.ServiceName):
			n.add("service_list", "Service %s is there twice.", "服务 %s 出现了两次。", in.ServiceName)
		}
		seen = append(seen, in.ServiceName)
	}
}

func (p *vmDeployInput) apply(job *slipway.Job, _ options) {
	spec := job.Spec.(*slipway.VMDeploySpec)
	spec.Env = p.EnvName
	if len(p.ServiceList) == 0 && spec.Source == fromJob {
		return
	}
	var list []slipway.ServiceAndVMDeploy
	for _, in := range p.ServiceList {
		s := slipway.ServiceAndVMDeploy{ServiceName: in.ServiceName}
		for _, old := range spec.ServiceAndVMDeploys {
			if old.ServiceName == in.ServiceName {
				s = old
			}
		}
		s.FileName = in.FileName
		list = append(list, s)
	}
	spec.ServiceAndVMDeploys = list
}

// sqlInput is for jobs of type sql.
type sqlInput struct {
	DatabaseName string `json:"database_name"`
	SQL          string `json:"sql"`
}

func (p *sqlInput) check(n *note, job *slipway.Job, _ options) {
	spec := job.Spec.(*slipway.SQLSpec)
	if p.SQL == "" {
		n.add("sql", "Give the statements that job “%s” runs.", "请填写任务“%s”要执行的 SQL。", job.Name)
	}
	if p.DatabaseName == "" && spec.Source != sourceFixed {
		n.add("database_name", "Say on which database job “%s” runs.", "请填写任务“%s”使用的数据库。", job.Name)
	}
}

func (p *sqlInput) apply(job *slipway.Job, _ options) {
	job.Spec.(*slipway.SQLSpec).SQL = p.SQL
}

// freestyleInput is for jobs of type freestyle.
type freestyleInput struct {
	Services []serviceInput `json:"services,omitempty"`
	KV       []keyInput     `json:"kv,omitempty"`
	RepoInfo []repoInput    `json:"repo_info,omitempty"`
}

func (p *freestyleInput) check(n *note, job *slipway.Job, _ options) {
	spec := job.Spec.(*slipway.FreestyleSpec)
	if spec.FreestyleType == "" {
		if len(p.Services) > 0 {
			n.add("services", "Job “%s” is not one of services: use kv and repo_info.", "任务“%s”不是服务任务，请使用 kv 和 repo_info。", job.Name)
		}
		checkKeys(n, spec.Envs, p.KV)
		checkCodehosts(n, p.RepoInfo)
		return
	}
	if len(p.KV)+len(p.RepoInfo) > 0 {
		n.add("", "Job “%s” is one of services: use services.", "任务“%s”是服务任务，请使用 services。", job.Name)
	}
	if len(p.Services) == 0 {
		n.add("services", "Say for which services job “%s” runs.", "请填写任务“%s”要处理的服务。", job.Name)
	}
	for i := range p.Services {
		checkKeys(n, spec.Envs, p.Services[i].Inputs)
		checkCodehosts(n, p.Services[i].RepoInfo)
	}
}

func (p *freestyleInput) apply(job *slipway.Job, _ options) {
	spec := job.Spec.(*slipway.FreestyleSpec)
	if spec.FreestyleType == "" {
		spec.Envs, spec.Repos = setKeys(spec.Envs, p.KV), anyRepos(spec.Repos, p.RepoInfo)
		return
	}
	var list []slipway.FreestyleService
	for _, in := range p.Services {
		list = append(list, slipway.FreestyleService{
			ServiceName: in.ServiceName, ServiceModule: in.ServiceModule,
			Repos: anyRepos(spec.Repos, in.RepoInfo), KeyVals: setKeys(spec.Envs, in.Inputs),
		})
	}
	spec.Services = list
}

// anyRepos is setRepos for scripts, which take any repository.
func anyRepos(repos []slipway.Repo, inputs []repoInput) []slipway.Repo {
	if len(inputs) == 0 {
		return repos
	}
	var set []slipway.Repo
	for _, in := range inputs {
		if known := setRepos(repos, []repoInput{in}); len(known) > 0 {
			set = append(set, known[0])
			continue
		}
		set = append(set, slipway.Repo{
			RepoOwner: in.RepoNamespace, RepoNamespace: in.RepoNamespace, RepoName: in.RepoName, RemoteName: in.RemoteName,
			Branch: in.Branch, PRs: in.PRs, CommitID: in.CommitID, CheckoutPath: in.CheckoutPath, Submodules: in.Submodules,
		})
	}
	return set
}
