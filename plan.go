package slipway

import (
	"encoding/json"
	"slices"
)

// Plan is one release. All times are Unix seconds; zero means not set.
type Plan struct {
	ID    string // 24 hex digits
	Index int64  // short number for people, "#12"; given by storage
	// Version counts edits and re-plans. A form or button made against an older
	// version is refused.
	Version int64
	// Seq counts all changes. A card that shows an older Seq is repainted.
	Seq int64
	// Round counts re-plans. What was scheduled in an earlier round does nothing.
	Round int64

	Name                string
	Manager             PersonRef
	Creator             PersonRef
	Editor              PersonRef // who edited last
	Description         string    // Markdown; sanitised HTML on the wire
	StartTime           int64     // window, may be absent
	EndTime             int64
	ScheduleExecuteTime int64
	Jira                *JiraAssociation
	Approval            *Approval // nil: no approval needed
	Items               []*Item
	Labels              []string
	Origin              *Origin // set: it lives in another system and is only shown here

	Phase        Phase
	Gate         *Gate
	Advice       []Advice // what was asked in this round without holding the plan back
	InstanceCode string   // new after every edit
	CancelReason string
	Overrides    []Overriding // outside checks overridden in this round
	// ScheduleFired tells that the schedule did its work in this round.
	ScheduleFired bool
	// RunSeq numbers the plan's runs; it is the wire's task_id.
	RunSeq int64
	Last   LastMove

	UpdatedBy          string
	CreateTime         int64
	UpdateTime         int64
	PlanningTime       int64 // when planning was submitted
	FinishPlanningTime int64
	ApprovalTime       int64
	ExecutingTime      int64
	SuccessTime        int64
}

// LastMove is the newest thing done to a plan. A click that comes too late is told
// of it.
type LastMove struct {
	Verb Verb   `json:"verb"`
	By   string `json:"by"`
	At   int64  `json:"at"`
	Item string `json:"item,omitempty"` // item name
}

// ItemType is the kind of an item.
type ItemType string

// The documented item types.
const (
	TextItem     ItemType = "text"
	WorkflowItem ItemType = "workflow"
)

// ItemStatus is the documented status of an item.
type ItemStatus string

// The item statuses. An item begins as todo. Execute makes a workflow item running,
// its run makes it done or failed. Complete makes a text item done. Skip and retry
// leave failed.
const (
	Todo    ItemStatus = "todo"
	Running ItemStatus = "running"
	Done    ItemStatus = "done"
	Skipped ItemStatus = "skipped"
	Failed  ItemStatus = "failed"
)

// Item is one thing to do. Exactly one of Text and Workflow is set, as Type says.
type Item struct {
	ID       string // UUID
	Name     string
	Type     ItemType
	Owner    PersonRef // may execute beside the plan's manager; empty: nobody
	Text     *TextSpec
	Workflow *WorkflowSpec

	Status       ItemStatus
	Remark       string // said when completed or skipped
	Reason       Text   // why a run failed
	ExecutedBy   string
	ExecutedTime int64
}

// TextSpec is what a person does and then says so.
type TextSpec struct {
	Content string `json:"content"` // Markdown
}

// WorkflowSpec is what an engine runs.
type WorkflowSpec struct {
	Engine  string            `json:"engine"`
	Project string            `json:"project,omitempty"`
	Name    string            `json:"name"`
	Inline  bool              `json:"inline,omitempty"` // the author wrote the workflow into the plan
	Params  map[string]string `json:"params,omitempty"`
	Inputs  json.RawMessage   `json:"inputs,omitempty"` // what Zadig's API takes
	// Definition is the workflow as it was when the plan was submitted; hooks carry
	// it and only it is run.
	Definition *Workflow `json:"definition,omitempty"`

	RunID     string    `json:"run_id,omitempty"`
	TaskID    int64     `json:"task_id,omitempty"`
	RunStatus RunStatus `json:"run_status,omitempty"`
	URL       string    `json:"url,omitempty"` // the run in its engine

	// Wait is what the run waits for people at, while it runs.
	Wait []RunWait `json:"wait,omitempty"`
	// Doubt is what a person has to decide before a failed item is run again.
	Doubt Doubt `json:"doubt,omitempty"`
	// Change tells, with DoubtChanged, how the workflow differs from Definition. It is
	// never changed, only replaced.
	Change *DefinitionChange `json:"change,omitempty"`
}

// RunWait is a point at which a run waits for a person.
type RunWait struct {
	Job        string `json:"job"`                  // unique among the run's open wait points
	For        Text   `json:"for"`                  // whom or what it waits for, a sentence that names the job
	Answerable bool   `json:"answerable,omitempty"` // Decide can answer it
	By         string `json:"by,omitempty"`         // who answered it; the answer is on its way
}

// Doubt is a question that only a person can answer.
type Doubt string

// The doubts.
const (
	DoubtNone Doubt = ""
	// DoubtUnknownStart: it cannot be known whether the run was started. Adopt says
	// that it was, Retry that it was not.
	DoubtUnknownStart Doubt = "unknown_start"
	// DoubtChanged: the workflow is another than the one that was frozen; nothing was
	// started. Retry accepts it as it is now.
	DoubtChanged Doubt = "changed"
)

// undecided returns the wait points that a person can answer and nobody has.
func (w *WorkflowSpec) undecided() []*RunWait {
	var open []*RunWait
	for i := range w.Wait {
		if w.Wait[i].Answerable && w.Wait[i].By == "" {
			open = append(open, &w.Wait[i])
		}
	}
	return open
}

// forget leaves nothing of the run that was.
func (w *WorkflowSpec) forget() {
	w.RunID, w.TaskID, w.RunStatus, w.URL = "", 0, "", ""
	w.Wait, w.Doubt, w.Change = nil, DoubtNone, nil
}

// RunStatus is the documented status of a workflow task.
type RunStatus string

// The documented words of a workflow task.
const (
	RunCreated   RunStatus = "created"
	RunRunning   RunStatus = "running"
	RunPassed    RunStatus = "passed"
	RunFailed    RunStatus = "failed"
	RunTimeout   RunStatus = "timeout"
	RunCancelled RunStatus = "cancelled"
)

// Over tells whether a run with this status has ended.
func (s RunStatus) Over() bool {
	switch s {
	case RunPassed, RunFailed, RunTimeout, RunCancelled:
		return true
	case RunCreated, RunRunning:
		return false
	}
	return false
}

// Item returns the item with the id, nil if there is none.
func (p *Plan) Item(id string) *Item {
	for _, it := range p.Items {
		if it.ID == id {
			return it
		}
	}
	return nil
}

// ItemNumber returns the 1-based place of an item in the plan, 0 if it is not there.
func (p *Plan) ItemNumber(id string) int {
	for i, it := range p.Items {
		if it.ID == id {
			return i + 1
		}
	}
	return 0
}

// ItemOfRun returns the item whose present run has the id, nil if there is none.
func (p *Plan) ItemOfRun(runID string) *Item {
	for _, it := range p.Items {
		if it.Workflow != nil && it.Workflow.RunID == runID && runID != "" {
			return it
		}
	}
	return nil
}

// Clone returns a deep copy.
func (p *Plan) Clone() *Plan {
	c := *p
	c.Approval = p.Approval.clone()
	c.Gate = p.Gate.clone()
	c.Advice = cloneAdvice(p.Advice)
	c.Labels = slices.Clone(p.Labels)
	if p.Origin != nil {
		o := *p.Origin
		c.Origin = &o
	}
	c.Jira = p.Jira.Clone()
	c.Items = make([]*Item, len(p.Items))
	for i, it := range p.Items {
		c.Items[i] = it.Clone()
	}
	return &c
}

// Clone returns a deep copy; the frozen definition, which never changes, is shared.
func (it *Item) Clone() *Item {
	c := *it
	if it.Text != nil {
		t := *it.Text
		c.Text = &t
	}
	if it.Workflow != nil {
		w := *it.Workflow
		w.Params = make(map[string]string, len(it.Workflow.Params))
		for k, v := range it.Workflow.Params {
			w.Params[k] = v
		}
		w.Wait = slices.Clone(it.Workflow.Wait)
		c.Workflow = &w
	}
	return &c
}
