package zadig

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"slipway"
)

// parameters are what Zadig's API takes for one job of a type.
type parameters interface {
	// check notes what Zadig would refuse, or silently leave out.
	check(n *note, job *slipway.Job, o options)
	// apply brings the values into the job's spec, as Zadig does.
	apply(job *slipway.Job, o options)
}

// newParameters returns the empty parameters of a job type; nil if they are of a type
// that the document of hooks does not describe.
func newParameters(t slipway.JobType) parameters {
	switch t {
	case slipway.JobBuild:
		return &buildInput{}
	case slipway.JobDeploy:
		return &deployInput{}
	case slipway.JobVMDeploy:
		return &vmDeployInput{}
	case slipway.JobTest:
		return &testInput{}
	case slipway.JobScan:
		return &scanInput{}
	case slipway.JobFreestyle:
		return &freestyleInput{}
	case slipway.JobSQL:
		return &sqlInput{}
	case slipway.JobDistributeImage, slipway.JobApollo, slipway.JobNacos:
	}
	return nil
}

// undocumented are the other job types that the API can start: true if their stored
// values do for a start, false if they must be given.
var undocumented = map[slipway.JobType]bool{
	"plugin": true, "approval": true, "k8s-blue-green-deploy": true, "k8s-blue-green-release": true, "k8s-canary-deploy": true,
	"k8s-canary-release": true, "ai-task": true, "ai-release-specialist": true,
	"tapd": false, "custom-deploy": false, "k8s-gray-release": false, "k8s-gray-rollback": false, "k8s-resource-patch": false,
}

// startable tells whether the API can start jobs of a type.
func startable(t slipway.JobType) bool {
	_, known := undocumented[t]
	return known || newParameters(t) != nil
}

// note gathers what is wrong with the parameters at a path.
type note struct {
	faults *slipway.Faults
	path   string
	frozen bool // by Resolve: what cannot be set is Zadig's own, of then
}

func (n *note) add(below, en, zh string, args ...any) {
	path := n.path
	if below != "" {
		path += "." + below
	}
	n.faults.Add(path, en, zh, args...)
}

// repoInput is a repository and what of it is used.
type repoInput struct {
	CodehostName  string  `json:"codehost_name"`
	RepoNamespace string  `json:"repo_namespace"`
	RepoName      string  `json:"repo_name"`
	Branch        string  `json:"branch"`
	PR            int64   `json:"pr,omitempty"`
	PRs           []int64 `json:"prs,omitempty"`
	EnableCommit  bool    `json:"enable_commit,omitempty"`
	CommitID      string  `json:"commit_id,omitempty"`
	RemoteName    string  `json:"remote_name,omitempty"`
	CheckoutPath  string  `json:"checkout_path,omitempty"`
	Submodules    bool    `json:"submodules,omitempty"`
	Stream        string  `json:"stream,omitempty"`
	ViewMapping   string  `json:"view_mapping,omitempty"`
	ChangelistID  int64   `json:"changelist_id,omitempty"`
	ShelveID      int64   `json:"shelve_id,omitempty"`
}

// keyInput is the value of a variable of a job.
type keyInput struct {
	Key          string `json:"key"`
	Value        string `json:"value"`
	Type         string `json:"type,omitempty"`
	IsCredential bool   `json:"is_credential,omitempty"`
	FileID       string `json:"file_id,omitempty"`
	FileName     string `json:"file_name,omitempty"`
	FilePath     string `json:"file_path,omitempty"`
}

// serviceInput is a service of a build, a test, a scan or a script.
type serviceInput struct {
	ServiceName   string      `json:"service_name"`
	ServiceModule string      `json:"service_module"`
	RepoInfo      []repoInput `json:"repo_info"`
	Inputs        []keyInput  `json:"inputs"`
}

func (s *serviceInput) is(service, module string) bool {
	return s.ServiceName == service && s.ServiceModule == module
}

// decode reads the parameters that a plan gives for a job.
func decode(n *note, job *slipway.Job, raw json.RawMessage) any {
	if len(raw) == 0 || string(raw) == "null" {
		raw = json.RawMessage("{}")
	}
	p := newParameters(job.Type)
	if p == nil {
		var object map[string]any
		if json.Unmarshal(raw, &object) != nil {
			n.add("", "An object is expected.", "应为对象。")
		}
		return raw
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		n.add("", "Zadig's API takes other parameters for jobs of type %[1]s: %[2]s.", "Zadig 的接口对 %[1]s 类型任务的参数要求不同：%[2]s。",
			job.Type, strings.TrimPrefix(err.Error(), "json: "))
		return nil
	}
	return p
}

// setKeys brings values into variables.
func setKeys(keys []slipway.KeyVal, inputs []keyInput) []slipway.KeyVal {
	keys = slices.Clone(keys)
	for i := range keys {
		for _, in := range inputs {
			if in.Key != keys[i].Key {
				continue
			}
			keys[i].Value = in.Value
			switch keys[i].Type {
			case "multi-select":
				keys[i].ChoiceValue = nil
				if in.Value != "" {
					keys[i].ChoiceValue = strings.Split(in.Value, ",")
				}
			case "file":
				keys[i].FileID, keys[i].FileName, keys[i].FilePath = in.FileID, in.FileName, in.FilePath
			}
		}
	}
	return keys
}

// checkKeys notes variables that a job does not have, and choices that it does not offer.
func checkKeys(n *note, keys []slipway.KeyVal, inputs []keyInput) {
	for _, in := range inputs {
		i := slices.IndexFunc(keys, func(k slipway.KeyVal) bool { return k.Key == in.Key })
		switch {
		case i < 0:
			n.add("", "There is no variable “%s” in the job.", "任务中没有变量“%s”。", in.Key)
		case keys[i].Type == "choice" && !keys[i].IsCredential && !slices.Contains(keys[i].ChoiceOption, in.Value):
			n.add("", "%[1]q is not an option of variable “%[2]s”. Choose %[3]s.", "%[1]q 不是变量“%[2]s”的可选项。可选：%[3]s。",
				in.Value, in.Key, strings.Join(keys[i].ChoiceOption, ", "))
		}
	}
}

// setRepos brings branches and pull requests into repositories. Zadig uses those only
// that are given, if any is.
func setRepos(repos []slipway.Repo, inputs []repoInput) []slipway.Repo {
	var set []slipway.Repo
	for _, r := range repos {
		for _, in := range inputs {
			if !in.names(r) {
				continue
			}
			r.Branch, r.PRs = in.Branch, in.PRs
			if in.PR != 0 && len(r.PRs) == 0 {
				r.PRs = []int64{in.PR}
			}
			// What is checked out is not known before; the commit of an earlier run is not it.
			r.CommitID, r.CommitMessage = in.CommitID, ""
			set = append(set, r)
		}
	}
	if len(inputs) == 0 {
		return repos
	}
	return set
}

func (in *repoInput) names(r slipway.Repo) bool {
	namespace := r.RepoNamespace
	if namespace == "" {
		namespace = r.RepoOwner
	}
	return in.RepoNamespace == namespace && in.RepoName == r.RepoName
}

// checkRepos notes repositories that are not those of the job, and what is missing.
func checkRepos(n *note, repos []slipway.Repo, inputs []repoInput) {
	checkCodehosts(n, inputs)
	for _, in := range inputs {
		if !in.isPerforce() && !slices.ContainsFunc(repos, in.names) {
			n.add("", "%[1]s/%[2]s is not one of the repositories of the job.", "%[1]s/%[2]s 不是该任务的代码库。", in.RepoNamespace, in.RepoName)
		}
	}
}

func checkCodehosts(n *note, inputs []repoInput) {
	for _, in := range inputs {
		if in.CodehostName == "" {
			n.add("", "Give the codehost_name of repository %[1]s/%[2]s: what the code host is called in Zadig's settings.",
				"请填写代码库 %[1]s/%[2]s 的 codehost_name，即 Zadig 代码源的标识。", in.RepoNamespace, in.RepoName)
		}
	}
}

func (in *repoInput) isPerforce() bool { return in.Stream != "" || in.ViewMapping != "" }
