package slipway

import (
	"bytes"
	"encoding/json"
	"strings"
)

// HookEnvelope is the documented body of a hook, in the documented order.
type HookEnvelope struct {
	ObjectKind  string    `json:"object_kind"` // "release_plan"
	Event       string    `json:"event"`
	Workflow    *struct{} `json:"workflow"` // always null for release plans
	ReleasePlan *HookPlan `json:"release_plan"`
}

// HookPlan is the documented release_plan. Times are Unix seconds, zero when unset.
type HookPlan struct {
	ID                  string           `json:"id"`
	Index               int64            `json:"index"`
	EventName           Event            `json:"event_name"`
	Name                string           `json:"name"`
	Manager             string           `json:"manager"`
	ManagerID           string           `json:"manager_id"`
	StartTime           int64            `json:"start_time"`
	EndTime             int64            `json:"end_time"`
	ScheduleExecuteTime int64            `json:"schedule_execute_time"`
	Description         string           `json:"description"` // sanitised HTML
	CreatedBy           string           `json:"created_by"`
	CreateTime          int64            `json:"create_time"`
	UpdatedBy           string           `json:"updated_by"`
	UpdateTime          int64            `json:"update_time"`
	InstanceCode        string           `json:"instance_code"`
	Jobs                []HookJob        `json:"jobs"`
	Status              Status           `json:"status"`
	PlanningTime        int64            `json:"planning_time"`
	FinishPlanningTime  int64            `json:"finish_planning_time"`
	ApprovalTime        int64            `json:"approval_time"`
	ExecutingTime       int64            `json:"executing_time"`
	SuccessTime         int64            `json:"success_time"`
	Version             int64            `json:"version"`
	Jira                *JiraAssociation `json:"jira_sprint_association"`
	Approval            *Approval        `json:"approval"` // not documented; null if none is needed
}

// HookJob is the documented HookReleasePlanJob.
type HookJob struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Manager      string     `json:"manager"`
	ManagerID    string     `json:"manager_id"`
	Type         ItemType   `json:"type"`
	Spec         any        `json:"spec"` // HookText or HookWorkflow
	Status       ItemStatus `json:"status"`
	ExecutedBy   string     `json:"executed_by"`
	ExecutedTime int64      `json:"executed_time"`
}

// HookText is the documented TextReleasePlanJob.
type HookText struct {
	Content string `json:"content"` // sanitised HTML
	Remark  string `json:"remark"`
}

// HookWorkflow is the documented WorkflowReleasePlanJob.
type HookWorkflow struct {
	Workflow *Workflow `json:"workflow"`
	Status   RunStatus `json:"status"`
	TaskID   int64     `json:"task_id"`
}

// Wire returns the plan as hooks and the REST API show it. Credentials are masked
// unless clear is given.
func (p *Plan) Wire(ev Event, code string, rules *Rules, credentials Credentials) *HookPlan {
	h := &HookPlan{
		ID: p.ID, Index: p.Index, EventName: ev, Name: p.Name, Manager: p.Manager.Name, ManagerID: p.Manager.ID,
		StartTime: p.StartTime, EndTime: p.EndTime, ScheduleExecuteTime: p.ScheduleExecuteTime,
		Description: rules.html(p.Description), CreatedBy: p.Creator.Name, CreateTime: p.CreateTime,
		UpdatedBy: p.UpdatedBy, UpdateTime: p.UpdateTime, InstanceCode: code, Status: p.Status(),
		PlanningTime: p.PlanningTime, FinishPlanningTime: p.FinishPlanningTime, ApprovalTime: p.ApprovalTime,
		ExecutingTime: p.ExecutingTime, SuccessTime: p.SuccessTime, Version: p.Version, Jira: p.Jira, Approval: p.Approval.clone(),
		Jobs: make([]HookJob, 0, len(p.Items)),
	}
	for _, it := range p.Items {
		h.Jobs = append(h.Jobs, it.wire(rules, credentials))
	}
	return h
}

// Credentials says whether values marked is_credential are shown.
type Credentials bool

// Credentials are masked for everybody but endpoints that are allowed them.
const (
	Masked Credentials = false
	Clear  Credentials = true
)

func (it *Item) wire(rules *Rules, credentials Credentials) HookJob {
	j := HookJob{
		ID: it.ID, Name: it.Name, Manager: it.Owner.Name, ManagerID: it.Owner.ID, Type: it.Type,
		Status: it.Status, ExecutedBy: it.ExecutedBy, ExecutedTime: it.ExecutedTime,
	}
	switch {
	case it.Text != nil:
		j.Spec = HookText{Content: rules.html(it.Text.Content), Remark: it.Remark}
	case it.Workflow != nil:
		j.Spec = HookWorkflow{Workflow: it.Workflow.wire(credentials), Status: it.Workflow.RunStatus, TaskID: it.Workflow.TaskID}
	}
	return j
}

// wire returns the frozen definition with the plan's parameters filled in; before
// the submission, when none is frozen yet, just its name.
func (w *WorkflowSpec) wire(credentials Credentials) *Workflow {
	def := w.Definition
	if def == nil {
		def = &Workflow{Name: w.Name, DisplayName: w.Name, Project: w.Project}
	}
	def = def.WithParams(w.Params)
	if credentials == Masked {
		def = def.Masked()
	}
	return def
}

func (r *Rules) html(markdown string) string {
	if r.HTML == nil {
		return markdown
	}
	return r.HTML(markdown)
}

// hookBody freezes the body of one delivery.
func (p *Plan) hookBody(ev Event, e *Endpoint, code string, rules *Rules) []byte {
	env := HookEnvelope{
		ObjectKind: "release_plan", Event: "release_plan",
		ReleasePlan: p.Wire(ev, code, rules, Credentials(e.Credentials)),
	}
	if e.Envelope == EnvelopeV5 {
		env.Event = string(ev)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(env); err != nil {
		// Every part of the body is a type of this package that marshals.
		panic("marshal hook body: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Hide masks the delivery's instance code in a text that people see, such as the
// answer of a receiver that echoes what it got: whoever knows the code may answer.
func (d *Delivery) Hide(text string) string {
	return strings.ReplaceAll(text, d.InstanceCode, Mask)
}

// Shown returns the body as people may see it: without the instance code, and
// without credentials even if the endpoint is allowed them.
func (d *Delivery) Shown() string {
	tree, err := parseTree(d.Body)
	if err != nil {
		return d.Hide(string(d.Body))
	}
	eachCredential(tree, func(object map[string]any, key string) { object[key] = masked(object[key]) })
	data, err := json.MarshalIndent(tree, "", "  ")
	if err != nil {
		return d.Hide(string(d.Body))
	}
	return d.Hide(string(data))
}
