package zadigtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// creation is the body of a start.
type creation struct {
	Project    string `json:"project_key"`
	Workflow   string `json:"workflow_key"`
	Parameters []struct {
		Name  string `json:"name"`
		Type  string `json:"type"`
		Value string `json:"value"`
		Repo  *struct {
			CodehostName  string  `json:"codehost_name"`
			RepoNamespace string  `json:"repo_namespace"`
			RepoName      string  `json:"repo_name"`
			Branch        string  `json:"branch"`
			PRs           []int64 `json:"prs"`
		} `json:"repo"`
	} `json:"parameters"`
	Inputs []struct {
		JobName    string          `json:"job_name"`
		JobType    string          `json:"job_type"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"inputs"`
}

// read reads the body of a request; what is not in the contract is noted.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		s.Notes.Addf("%s %s: %v", r.Method, r.URL.Path, err)
		typed(w, 400, "Bad Request", "%v", err)
		return false
	}
	return true
}

// start creates a run. Notices of it are sent before it is stored.
func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	defer s.Unlock()
	var c creation
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !s.read(w, r, &c) {
		return
	}
	if slices.Contains(s.config.Unpermitted, c.Project) || !slices.Contains(s.projectKeys(), c.Project) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	flow := s.find(c.Workflow)
	if flow == nil {
		typed(w, 6542, "查询workflow失败", "mongo: no documents in result")
		return
	}
	values, selected, err := s.check(flow, &c)
	switch {
	case err != nil:
		plain(w, "%v", err)
		return
	case s.refuse != "":
		typed(w, 6160, "创建工作流任务失败", "%s", s.refuse)
		s.refuse = ""
		return
	case len(selected) == 0:
		s.Notes.Addf("workflow %s was started with no job to run", flow.Name)
	}
	t := s.newTask(flow, Account, values, selected)
	if s.Notices.Early() {
		s.TellNow(s.news(t)...)
	}
	s.tasks, s.bodies = append(s.tasks, t), append(s.bodies, body)
	s.advance()
	answer(w, map[string]any{"project_name": flow.Project, "workflow_name": flow.Name, "task_id": t.number})
}

// check returns the values of the variables and the jobs that run, or what Zadig says
// against the start.
func (s *Server) check(flow *Workflow, c *creation) (map[string]string, []string, error) {
	if flow.Project != c.Project {
		s.Notes.Addf("workflow %s is not one of project %s", flow.Name, c.Project)
	}
	params, stages := s.stored(flow)
	values := vars(flow, nil)
	for _, given := range c.Parameters {
		i := slices.IndexFunc(params, func(p map[string]any) bool { return p["name"] == given.Name })
		if i < 0 {
			return nil, nil, fmt.Errorf("param %s not found in workflow", given.Name)
		}
		switch kind := params[i]["type"]; kind {
		case "string", "text":
		case "choice":
			if options, _ := params[i]["choice_option"].([]string); !slices.Contains(options, given.Value) {
				return nil, nil, fmt.Errorf("invalid choice value %s for param %s", given.Value, given.Name)
			}
		case "repo":
			host := ""
			if given.Repo != nil {
				host = given.Repo.CodehostName
			}
			if !slices.Contains(s.config.CodeHosts, host) {
				return nil, nil, errors.New("failed to find code host with name:" + host)
			}
		default:
			s.Notes.Addf("param %s of type %v is left as it is", given.Name, kind)
		}
		values[given.Name] = given.Value
	}
	var selected []string
	for _, stage := range stages {
		for _, job := range stage.Jobs {
			for _, in := range c.Inputs {
				if in.JobName != job["name"] {
					continue
				}
				if in.JobType != job["type"] {
					s.Notes.Addf("job %s is of type %v, not %s", in.JobName, job["type"], in.JobType)
				}
				if err := s.checkInput(job, in.Parameters); err != nil {
					return nil, nil, err
				}
				selected = append(selected, in.JobName)
			}
		}
	}
	for _, in := range c.Inputs {
		if !slices.Contains(selected, in.JobName) {
			s.Notes.Addf("the input for job %s is ignored: there is no such job", in.JobName)
		}
	}
	return values, selected, nil
}

// empty are the job types that take no parameters.
var empty = []string{
	"plugin", "approval", "k8s-blue-green-deploy", "k8s-blue-green-release", "k8s-canary-deploy", "k8s-canary-release", "ai-task",
	"ai-release-specialist", "tapd", "custom-deploy", "k8s-gray-release", "k8s-gray-rollback", "k8s-resource-patch",
}

type repo struct {
	CodehostName  string  `json:"codehost_name"`
	RepoNamespace string  `json:"repo_namespace"`
	RepoName      string  `json:"repo_name"`
	Branch        string  `json:"branch"`
	PR            int64   `json:"pr"`
	PRs           []int64 `json:"prs"`
	EnableCommit  bool    `json:"enable_commit"`
	CommitID      string  `json:"commit_id"`
	RemoteName    string  `json:"remote_name"`
	CheckoutPath  string  `json:"checkout_path"`
	Submodules    bool    `json:"submodules"`
	Stream        string  `json:"stream"`
	ViewMapping   string  `json:"view_mapping"`
	ChangelistID  int64   `json:"changelist_id"`
	ShelveID      int64   `json:"shelve_id"`
}

type keyValue struct {
	Key          string `json:"key"`
	Value        string `json:"value"`
	Type         string `json:"type"`
	IsCredential bool   `json:"is_credential"`
	FileID       string `json:"file_id"`
	FileName     string `json:"file_name"`
	FilePath     string `json:"file_path"`
}

// list is an element of any of the lists in the parameters of a job.
type list struct {
	ServiceName        string     `json:"service_name"`
	ServiceModule      string     `json:"service_module"`
	ImageName          string     `json:"image_name"`
	ValueMergeStrategy string     `json:"value_merge_strategy"`
	FileName           string     `json:"file_name"`
	TestingName        string     `json:"testing_name"`
	ScanningName       string     `json:"scanning_name"`
	RepoInfo           []repo     `json:"repo_info"`
	Inputs             []keyValue `json:"inputs"`
}

// parameters of any type of job; keys says which of them a type has.
type parameters struct {
	Registry     string     `json:"registry"`
	EnvName      string     `json:"env_name"`
	ServiceList  []list     `json:"service_list"`
	TestingList  []list     `json:"testing_list"`
	ScanningList []list     `json:"scanning_list"`
	Services     []list     `json:"services"`
	KV           []keyValue `json:"kv"`
	RepoInfo     []repo     `json:"repo_info"`
	DatabaseName string     `json:"database_name"`
	SQL          string     `json:"sql"`
}

var keys = map[string][]string{
	"zadig-build": {"registry", "service_list"}, "zadig-deploy": {"env_name", "service_list"}, "zadig-vm-deploy": {"env_name", "service_list"},
	"zadig-test": {"service_list", "testing_list"}, "zadig-scanning": {"service_list", "scanning_list"},
	"freestyle": {"services", "kv", "repo_info"}, "sql": {"database_name", "sql"},
}

// checkInput returns what Zadig says against the parameters of a job, and notes what it
// would ignore.
func (s *Server) checkInput(job map[string]any, raw json.RawMessage) error {
	kind := job["type"].(string)
	if slices.Contains(empty, kind) {
		return nil
	}
	known, startable := keys[kind]
	if !startable {
		return fmt.Errorf("undefined job type of type:%s", kind)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	for name := range object {
		if !slices.Contains(known, name) {
			s.Notes.Addf("jobs of type %s have no parameter %s", kind, name)
		}
	}
	var p parameters
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		s.Notes.Addf("parameters of job %v: %v", job["name"], err)
	}
	if err := s.checkRepos(&p); err != nil {
		return err
	}
	spec, _ := job["spec"].(map[string]any)
	switch kind {
	case "zadig-build":
		if !slices.ContainsFunc(s.config.Registries, func(r Registry) bool { return r.Address+"/"+r.Namespace == p.Registry }) {
			return errors.New("didn't find the specified image registry")
		}
		s.noteServices(job, spec["service_and_builds_options"], p.ServiceList)
	case "zadig-deploy", "zadig-vm-deploy":
		if p.EnvName == "" {
			return errors.New("environment not found")
		}
	case "sql":
		if spec["source"] == "runtime" && !slices.Contains(valuesOf(s.config.Databases), p.DatabaseName) {
			return fmt.Errorf("failed to find database instance %s, error: mongo: no documents in result", p.DatabaseName)
		}
	}
	return nil
}

func valuesOf(m map[string]string) []string {
	var list []string
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// checkRepos wants every code host to be there.
func (s *Server) checkRepos(p *parameters) error {
	all := slices.Clone(p.RepoInfo)
	for _, l := range slices.Concat(p.ServiceList, p.TestingList, p.ScanningList, p.Services) {
		all = append(all, l.RepoInfo...)
	}
	for _, r := range all {
		if !slices.Contains(s.config.CodeHosts, r.CodehostName) {
			return errors.New("failed to find code host with name:" + r.CodehostName)
		}
	}
	return nil
}

// noteServices notes services that cannot be chosen: Zadig ignores them.
func (s *Server) noteServices(job map[string]any, options any, given []list) {
	choices, _ := options.([]any)
	for _, in := range given {
		if !slices.ContainsFunc(choices, func(o any) bool {
			choice, _ := o.(map[string]any)
			return choice["service_name"] == in.ServiceName && choice["service_module"] == in.ServiceModule
		}) {
			s.Notes.Addf("job %v does not build %s/%s", job["name"], in.ServiceName, in.ServiceModule)
		}
	}
}
