package slipway

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
)

// Workflow is the documented definition of a workflow: what an engine runs, and
// what the hooks carry. Marshalling one writes every documented key, the fields
// whose spelling differs between the document's tables and its example under
// both names, lists never as null, and every key the workflow was read with
// that Slipway does not know. Marshal whole workflows: a Stage or Job alone is
// written without these rules.
type Workflow struct {
	Name                 string  `json:"name"`
	DisplayName          string  `json:"display_name"`
	Disabled             bool    `json:"disabled"`
	Category             string  `json:"category"`
	Params               []Param `json:"params"`
	Stages               []Stage `json:"stages"`
	Project              string  `json:"project"`
	Description          string  `json:"description"`
	CreatedBy            string  `json:"created_by"`
	CreateTime           int64   `json:"create_time"` // Unix seconds
	UpdatedBy            string  `json:"updated_by"`
	UpdateTime           int64   `json:"update_time"` // Unix seconds
	Remark               string  `json:"remark"`
	EnableApprovalTicket bool    `json:"enable_approval_ticket"`
	ApprovalTicketID     string  `json:"approval_ticket_id"`

	// raw is the object the workflow was read from. Only keys that no struct
	// knows are taken from it when the workflow is written again.
	raw map[string]any
}

// Param is a global variable of a workflow.
type Param struct {
	Name         string      `json:"name"`
	Description  string      `json:"description"`
	Type         ParamType   `json:"type"`
	Value        string      `json:"value"`
	Repo         *Repo       `json:"repo"` // only for type repo, else nil
	ChoiceOption []string    `json:"choice_option" also:"choice_options"`
	ChoiceValue  []string    `json:"choice_value"`
	Default      string      `json:"default"`
	IsCredential bool        `json:"is_credential"`
	Source       ParamSource `json:"source"`
}

// ParamType says what a Param holds; empty means ParamString.
type ParamType string

// The types of a Param.
const (
	ParamString      ParamType = "string"
	ParamText        ParamType = "text"
	ParamChoice      ParamType = "choice"
	ParamMultiSelect ParamType = "multi-select"
	ParamRepo        ParamType = "repo"
	ParamFile        ParamType = "file"
)

// ParamSource says where the value of a Param or KeyVal comes from; empty means
// SourceRuntime.
type ParamSource string

// The sources of a value.
const (
	SourceRuntime   ParamSource = "runtime"   // given when the run starts
	SourceFixed     ParamSource = "fixed"     // fixed in the definition
	SourceReference ParamSource = "reference" // taken from another variable
)

// Repo is a source repository and what of it is used.
type Repo struct {
	Source        string  `json:"source"`
	RepoOwner     string  `json:"repo_owner"`
	RepoNamespace string  `json:"repo_namespace"`
	RepoName      string  `json:"repo_name"`
	RemoteName    string  `json:"remote_name"`
	Branch        string  `json:"branch"`
	PRs           []int64 `json:"prs"`
	Tag           string  `json:"tag"`
	CommitID      string  `json:"commit_id"`
	CommitMessage string  `json:"commit_message"`
	CheckoutPath  string  `json:"checkout_path"`
	Submodules    bool    `json:"submodules"`
	CodehostID    int64   `json:"codehost_id"`
	Address       string  `json:"address"`
}

// Stage is a set of jobs that run side by side. Stages run one after another.
type Stage struct {
	Name string `json:"name"`
	Jobs []Job  `json:"jobs"`
}

// Job is one job of a stage. Spec is a pointer to the struct that belongs to
// Type (*BuildSpec for JobBuild and so on) or *UnknownSpec for any other type;
// nil counts as the empty spec of the type.
type Job struct {
	Name      string    `json:"name"`
	Type      JobType   `json:"type"`
	Spec      JobSpec   `json:"spec"`
	RunPolicy RunPolicy `json:"run_policy"`
}

// RunPolicy says whether a job runs.
type RunPolicy string

// The run policies.
const (
	RunDefault       RunPolicy = ""                // runs unless deselected
	RunDefaultNotRun RunPolicy = "default_not_run" // runs only when selected
	RunForce         RunPolicy = "force_run"       // always runs
	RunSkip          RunPolicy = "skip"            // never runs
)

// KeyVal is a variable of a job.
type KeyVal struct {
	Key               string      `json:"key"`
	Value             string      `json:"value"`
	Type              string      `json:"type"` // string, text, choice, multi-select, image, script, file, external
	RegistryID        string      `json:"registry_id"`
	Script            string      `json:"script"`
	CallFunction      string      `json:"call_function"`
	FunctionReference []string    `json:"function_reference,omitempty"`
	FilePath          string      `json:"file_path,omitempty"`
	FileName          string      `json:"file_name,omitempty"`
	FileID            string      `json:"file_id,omitempty"`
	ChoiceOption      []string    `json:"choice_option"`
	ChoiceValue       []string    `json:"choice_value"`
	IsCredential      bool        `json:"is_credential"`
	Description       string      `json:"description"`
	Required          bool        `json:"required,omitempty"`
	Source            ParamSource `json:"source"`
}

// FieldProblem names a place in a document and what belongs there in English and
// Chinese, such as "stages[0].jobs[1].name" and "a name that no other job has".
// An empty Path is the document itself.
type FieldProblem struct {
	Path   string
	Want   string
	WantZH string
}

// Under returns the problem for people, its path seen from a document that holds
// the workflow at prefix; an empty prefix changes nothing.
func (p FieldProblem) Under(prefix string) Problem {
	path := prefix
	if p.Path != "" {
		path = join(prefix, p.Path)
	}
	return Problem{Path: path, Text: T("Must be %s.", "应为%s。", Text{EN: p.Want, ZH: p.WantZH})}
}

// String is the problem on one line, "path: want ...".
func (p FieldProblem) String() string {
	if p.Path == "" {
		return "want " + p.Want
	}
	return p.Path + ": want " + p.Want
}

// MarshalJSON writes the workflow as Workflow describes. The same workflow
// always gives the same bytes.
func (w Workflow) MarshalJSON() ([]byte, error) {
	var e encoder
	e.value(reflect.ValueOf(w), w.raw)
	return e.buf.Bytes(), e.err
}

// UnmarshalJSON reads a workflow in either spelling and keeps what it does not
// know. It fails when a known key has the wrong JSON type; the error names all
// such keys. Rules beyond types are checked by DecodeWorkflow.
func (w *Workflow) UnmarshalJSON(data []byte) error {
	read, problems := readWorkflow(data)
	if len(problems) > 0 {
		errs := make([]error, len(problems))
		for i, p := range problems {
			errs[i] = errors.New(p.String())
		}
		return fmt.Errorf("read workflow: %w", errors.Join(errs...))
	}
	*w = *read
	return nil
}

// Clone returns a deep copy, unknown keys included.
func (w *Workflow) Clone() *Workflow {
	return w.rewrite(func(map[string]any) {})
}

// Equal tells whether both workflows are written as the same bytes.
func (w *Workflow) Equal(other *Workflow) bool {
	if w == nil || other == nil {
		return w == other
	}
	a, errA := w.MarshalJSON()
	b, errB := other.MarshalJSON()
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// DecodeWorkflow reads a workflow from JSON and checks it: types, the name of
// the workflow, names and types of jobs, names that occur twice, run policies,
// types and sources of params. It returns every problem at once, in the order of
// the document. Unknown keys are kept, unknown job types are allowed. The
// workflow is nil only if data is not a JSON object.
func DecodeWorkflow(data []byte) (*Workflow, []FieldProblem) {
	w, problems := readWorkflow(data)
	if w == nil {
		return nil, problems
	}
	broken := make(map[string]struct{}, len(problems))
	for _, p := range problems {
		broken[p.Path] = struct{}{}
	}
	for _, p := range check(w) {
		if _, found := broken[p.Path]; !found {
			problems = append(problems, p)
		}
	}
	return w, problems
}

// UnknownKeys lists the places of the keys that the workflow was read with and
// Slipway does not know: they are kept, but may be a slip of the pen.
func (w *Workflow) UnknownKeys() []string {
	var d decoder
	d.value("", w.raw, reflect.ValueOf(&Workflow{}).Elem())
	return d.unknown
}

func readWorkflow(data []byte) (*Workflow, []FieldProblem) {
	var d decoder
	tree, err := parseTree(data)
	if err != nil {
		d.want("", want{"JSON (" + err.Error() + ")", " JSON（" + err.Error() + "）"})
		return nil, d.problems
	}
	object, ok := tree.(map[string]any)
	if !ok {
		d.want("", wantObject)
		return nil, d.problems
	}
	w := &Workflow{raw: object}
	d.value("", object, reflect.ValueOf(w).Elem())
	return w, d.problems
}
