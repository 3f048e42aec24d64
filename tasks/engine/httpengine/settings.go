package httpengine

// Settings describe an engine of one's own: an entry of engines in slipway.yaml. Texts
// in requests may hold placeholders such as ${mark}; see the engine's page in the docs.
type Settings struct {
	Secrets   map[string]Secret `yaml:"secrets"`
	Headers   map[string]string `yaml:"headers"` // of all requests
	Start     Start             `yaml:"start"`
	Status    *Status           `yaml:"status"`   // nil: the server reports by callbacks
	Callback  *Callback         `yaml:"callback"` // nil: none is heard
	Words     map[string]string `yaml:"words"`    // the server's word → Slipway's
	Find      *Find             `yaml:"find"`
	Cancel    *Request          `yaml:"cancel"`
	Retry     *Request          `yaml:"retry"`
	Approve   *Request          `yaml:"approve"`
	Reject    *Request          `yaml:"reject"`
	Logs      *Logs             `yaml:"logs"`
	Probe     *Request          `yaml:"check"`
	Workflows []Workflow        `yaml:"workflows"`
}

// Secret says where a credential is: it never stands in the settings themselves.
type Secret struct {
	Env  string `yaml:"env"`  // the variable that holds it
	File string `yaml:"file"` // or the file
}

// Request is one that is sent to the server.
type Request struct {
	Method  string            `yaml:"method"` // default: GET of what reads, POST of the others
	URL     string            `yaml:"url"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"` // JSON, or a form if the header Content-Type says so
}

// Start is the request that starts a run.
type Start struct {
	Request    `yaml:",inline"`
	Ref        string `yaml:"ref"`        // path of the server's name for the run; "": it is the mark
	Idempotent bool   `yaml:"idempotent"` // the server honours Idempotency-Key
}

// Status is the request that reads how a run is, with the paths of what is read.
type Status struct {
	Request  `yaml:",inline"`
	Status   string `yaml:"status"`
	Reason   string `yaml:"reason"`
	Page     string `yaml:"page"` // the address of the run's own page
	Started  string `yaml:"started"`
	Ended    string `yaml:"ended"`
	Attempt  string `yaml:"attempt"` // differs whenever the run was run again
	Mark     string `yaml:"mark"`
	Workflow string `yaml:"workflow"`
	Jobs     *Jobs  `yaml:"jobs"`
}

// Jobs are the paths of what is read of the jobs of a run: List within the answer, the
// others within an element of the list.
type Jobs struct {
	List    string `yaml:"list"`
	Name    string `yaml:"name"`
	Stage   string `yaml:"stage"`
	Status  string `yaml:"status"`
	Reason  string `yaml:"reason"`
	Started string `yaml:"started"`
	Ended   string `yaml:"ended"`
}

// Callback says how the server's reports prove where they come from.
type Callback struct {
	Token string `yaml:"token"` // the name of a secret
}

// Find is the request that looks for a run by its mark.
type Find struct {
	Request `yaml:",inline"`
	Ref     string `yaml:"ref"` // path; what is not there was not started
}

// Logs is the request that reads the log of a run so far.
type Logs struct {
	Request `yaml:",inline"`
	Text    string `yaml:"text"` // path of a text or of a list of lines; "": the answer is the text
}

// Workflow is one that the server can run.
type Workflow struct {
	Project     string  `yaml:"project"`
	Name        string  `yaml:"name"`
	DisplayName string  `yaml:"display_name"`
	Description string  `yaml:"description"`
	Params      []Param `yaml:"params"`
	Stages      []Stage `yaml:"stages"` // none: one, with one job, named as the workflow
}

// Param is one of a workflow.
type Param struct {
	Name        string   `yaml:"name"`
	Description string   `yaml:"description"`
	Type        string   `yaml:"type"` // string, text, choice, boolean or number; default string
	Default     string   `yaml:"default"`
	Choices     []string `yaml:"choices"`
	Credential  bool     `yaml:"credential"`
	Required    bool     `yaml:"required"`
}

// Stage is one of a workflow.
type Stage struct {
	Name string   `yaml:"name"`
	Jobs []string `yaml:"jobs"`
}

func (s *Settings) workflow(project, name string) *Workflow {
	for i := range s.Workflows {
		if w := &s.Workflows[i]; w.Project == project && w.Name == name {
			return w
		}
	}
	return nil
}

func (w *Workflow) param(name string) *Param {
	for i := range w.Params {
		if w.Params[i].Name == name {
			return &w.Params[i]
		}
	}
	return nil
}
