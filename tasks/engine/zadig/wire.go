package zadig

import (
	"encoding/json"

	"slipway"
)

// detail is the definition of a workflow as Zadig's API tells it.
type detail struct {
	Key         string          `json:"workflow_key"`
	DisplayName string          `json:"workflow_name"`
	Project     string          `json:"project_key"`
	Description string          `json:"description"`
	CreatedBy   string          `json:"created_by"`
	CreateTime  int64           `json:"create_time"`
	Params      []slipway.Param `json:"params"`
	Stages      []struct {
		Name string            `json:"name"`
		Jobs []json.RawMessage `json:"jobs"`
	} `json:"stages"`
}

// stored is a job in a definition.
type stored struct {
	Name      string            `json:"name"`
	Type      slipway.JobType   `json:"type"`
	Spec      json.RawMessage   `json:"spec"`
	RunPolicy slipway.RunPolicy `json:"run_policy"`
}

// options are what a stored job has beside the documented fields, as far as it matters
// to a start: what can be chosen from, and what is chosen by default.
type options struct {
	RegistryID       string                    `json:"docker_registry_id"`
	Builds           []slipway.ServiceAndBuild `json:"service_and_builds_options"`
	DefaultBuilds    []slipway.ServiceAndBuild `json:"default_service_and_builds"`
	ServiceTests     []slipway.ServiceAndTest  `json:"service_test_options"`
	ServiceScannings []slipway.ServiceAndScan  `json:"service_scanning_options"`
	Script           string                    `json:"script"`
}

// registry is one of the image registries.
type registry struct {
	ID        string `json:"registry_id"`
	Address   string `json:"address"`
	Namespace string `json:"namespace"`
}

// startRequest starts a run.
type startRequest struct {
	Project    string       `json:"project_key"`
	Workflow   string       `json:"workflow_key"`
	Parameters []paramValue `json:"parameters"`
	Inputs     []input      `json:"inputs"`
}

// paramValue is the value of a variable of the workflow.
type paramValue struct {
	Name  string            `json:"name"`
	Type  slipway.ParamType `json:"type"`
	Value string            `json:"value"`
	Repo  *paramRepo        `json:"repo,omitempty"`
}

// paramRepo is the value of a variable of type repo.
type paramRepo struct {
	CodehostName  string  `json:"codehost_name"`
	RepoNamespace string  `json:"repo_namespace"`
	RepoName      string  `json:"repo_name"`
	Branch        string  `json:"branch"`
	PRs           []int64 `json:"prs"`
}

// input says how one job is to run; only jobs that have one run.
type input struct {
	JobName    string          `json:"job_name"`
	JobType    slipway.JobType `json:"job_type"`
	Parameters any             `json:"parameters"`
}

// task is a run as Zadig's API tells it.
type task struct {
	ID         int64           `json:"task_id"`
	Workflow   string          `json:"workflow_key"`
	Project    string          `json:"project_key"`
	Params     []slipway.Param `json:"params"`
	Status     string          `json:"status"`
	Creator    string          `json:"task_creator"`
	Revoker    string          `json:"task_revoker"`
	CreateTime int64           `json:"create_time"`
	StartTime  int64           `json:"start_time"`
	EndTime    int64           `json:"end_time"`
	Stages     []taskStage     `json:"stages"`
	Error      string          `json:"error"`
}

type taskStage struct {
	Name       string `json:"name"`
	Status     string `json:"status"`
	ManualExec *struct {
		Enabled  bool     `json:"enabled"`
		Executed bool     `json:"excuted"` // sic
		Users    []person `json:"manual_exec_users"`
	} `json:"manual_exec"`
	Jobs  []taskJob `json:"jobs"`
	Error string    `json:"error"`
}

type taskJob struct {
	Name        string          `json:"name"` // unique in the run
	DisplayName string          `json:"display_name"`
	Type        slipway.JobType `json:"type"`
	Status      string          `json:"status"`
	StartTime   int64           `json:"start_time"`
	EndTime     int64           `json:"end_time"`
	Error       string          `json:"error"`
	Spec        json.RawMessage `json:"spec"`
	ErrorPolicy *struct {
		Users []person `json:"approval_users"`
	} `json:"error_policy"`
}

// person is somebody, or several, who may do something in a run.
type person struct {
	Type      string `json:"type"`
	UserName  string `json:"user_name"`
	GroupName string `json:"group_name"`
}

// approval is the spec of a job of type approval.
type approval struct {
	Type   string `json:"type"`
	Native *struct {
		Users  []person `json:"approve_users"`
		Needed int      `json:"needed_approvers"`
	} `json:"native_approval"`
}

// pause is the answer to the question who may let a paused run go on.
type pause struct {
	Stage      string   `json:"stage_name"`
	CanExecute bool     `json:"can_execute"`
	Executors  []person `json:"executors"`
}

// history is a page of the runs of a workflow, the newest first.
type history struct {
	Total int64 `json:"total"`
	Tasks []struct {
		ID         int64  `json:"task_id"`
		CreateTime int64  `json:"create_time"`
		Creator    string `json:"task_creator"`
	} `json:"workflow_tasks"`
}
