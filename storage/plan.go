package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"slipway"
)

// planRow is a plan without its items. What is filtered by or promised in the schema
// has a column of its own; the rest is JSON.
type planRow struct {
	bun.BaseModel `bun:"table:plans,alias:p"`

	ID                  string `bun:",pk"`
	Number              int64
	Version             int64
	Seq                 int64
	Round               int64
	Name                string
	NameFolded          string
	ManagerID           string
	ManagerName         string
	CreatorID           string
	CreatorName         string
	EditorID            string
	EditorName          string
	Description         string
	StartTime           int64
	EndTime             int64
	ScheduleExecuteTime int64
	Jira                string `bun:",nullzero"`
	Approval            string `bun:",nullzero"`
	Phase               slipway.Phase
	GateEvent           slipway.Event
	GateState           slipway.GateState
	Gate                string `bun:",nullzero"`
	Advice              string `bun:",nullzero"`
	Labels              string `bun:",nullzero"`
	Origin              string `bun:",nullzero"`
	Status              slipway.Status
	InstanceCode        string
	CancelReason        string
	Overrides           string `bun:",nullzero"`
	ScheduleFired       bool
	RunSeq              int64
	LastMove            string
	UpdatedBy           string
	CreateTime          int64
	UpdateTime          int64
	PlanningTime        int64
	FinishPlanningTime  int64
	ApprovalTime        int64
	ExecutingTime       int64
	SuccessTime         int64
}

// itemRow is one item of a plan.
type itemRow struct {
	bun.BaseModel `bun:"table:items,alias:i"`

	ID           string `bun:",pk"`
	PlanID       string
	Position     int64
	Name         string
	Type         slipway.ItemType
	OwnerID      string
	OwnerName    string
	Text         string `bun:",nullzero"`
	Workflow     string `bun:",nullzero"` // the spec without its definition
	Definition   string `bun:",nullzero"`
	Status       slipway.ItemStatus
	RunStatus    slipway.RunStatus
	Remark       string
	Reason       string `bun:",nullzero"`
	ExecutedBy   string
	ExecutedTime int64
}

// fold makes names comparable whatever their case, in every script and the same way
// on both databases.
func fold(s string) string { return strings.ToLower(s) }

func newPlanRow(p *slipway.Plan) (planRow, error) {
	r := planRow{
		ID: p.ID, Number: p.Index, Version: p.Version, Seq: p.Seq, Round: p.Round, Name: p.Name, NameFolded: fold(p.Name),
		ManagerID: p.Manager.ID, ManagerName: p.Manager.Name, CreatorID: p.Creator.ID, CreatorName: p.Creator.Name,
		EditorID: p.Editor.ID, EditorName: p.Editor.Name, Description: p.Description, StartTime: p.StartTime,
		EndTime: p.EndTime, ScheduleExecuteTime: p.ScheduleExecuteTime, Phase: p.Phase, Status: p.Status(),
		InstanceCode: p.InstanceCode, CancelReason: p.CancelReason, ScheduleFired: p.ScheduleFired, RunSeq: p.RunSeq,
		UpdatedBy: p.UpdatedBy, CreateTime: p.CreateTime, UpdateTime: p.UpdateTime, PlanningTime: p.PlanningTime,
		FinishPlanningTime: p.FinishPlanningTime, ApprovalTime: p.ApprovalTime, ExecutingTime: p.ExecutingTime,
		SuccessTime: p.SuccessTime,
	}
	var j jsonWriter
	if p.Jira != nil {
		r.Jira = j.text(p.Jira)
	}
	if p.Approval != nil {
		r.Approval = j.text(p.Approval)
	}
	if p.Gate != nil {
		r.GateEvent, r.GateState, r.Gate = p.Gate.Event, p.Gate.State, j.text(p.Gate)
	}
	if len(p.Labels) > 0 {
		r.Labels = j.text(p.Labels)
	}
	if p.Origin != nil {
		r.Origin = j.text(p.Origin)
	}
	if len(p.Advice) > 0 {
		r.Advice = j.text(p.Advice)
	}
	if len(p.Overrides) > 0 {
		r.Overrides = j.text(p.Overrides)
	}
	r.LastMove = j.text(p.Last)
	return r, j.err
}

func (r *planRow) plan() (*slipway.Plan, error) {
	p := &slipway.Plan{
		ID: r.ID, Index: r.Number, Version: r.Version, Seq: r.Seq, Round: r.Round, Name: r.Name,
		Manager:     slipway.PersonRef{ID: r.ManagerID, Name: r.ManagerName},
		Creator:     slipway.PersonRef{ID: r.CreatorID, Name: r.CreatorName},
		Editor:      slipway.PersonRef{ID: r.EditorID, Name: r.EditorName},
		Description: r.Description, StartTime: r.StartTime, EndTime: r.EndTime, ScheduleExecuteTime: r.ScheduleExecuteTime,
		Phase: r.Phase, InstanceCode: r.InstanceCode, CancelReason: r.CancelReason, ScheduleFired: r.ScheduleFired,
		RunSeq: r.RunSeq, UpdatedBy: r.UpdatedBy, CreateTime: r.CreateTime, UpdateTime: r.UpdateTime,
		PlanningTime: r.PlanningTime, FinishPlanningTime: r.FinishPlanningTime, ApprovalTime: r.ApprovalTime,
		ExecutingTime: r.ExecutingTime, SuccessTime: r.SuccessTime,
	}
	var j jsonReader
	j.read(r.Jira, &p.Jira)
	j.read(r.Approval, &p.Approval)
	j.read(r.Gate, &p.Gate)
	j.read(r.Advice, &p.Advice)
	j.read(r.Labels, &p.Labels)
	j.read(r.Origin, &p.Origin)
	j.read(r.Overrides, &p.Overrides)
	j.read(r.LastMove, &p.Last)
	return p, j.err
}

// newItemRow makes the row of an item. A definition that is still the one that was
// read is not written out again, because definitions are large and never change.
func newItemRow(planID string, position int, it *slipway.Item, was readItem) (itemRow, error) {
	r := itemRow{
		ID: it.ID, PlanID: planID, Position: int64(position), Name: it.Name, Type: it.Type, OwnerID: it.Owner.ID,
		OwnerName: it.Owner.Name, Status: it.Status, Remark: it.Remark, ExecutedBy: it.ExecutedBy, ExecutedTime: it.ExecutedTime,
	}
	var j jsonWriter
	if it.Text != nil {
		r.Text = j.text(it.Text)
	}
	if w := it.Workflow; w != nil {
		r.RunStatus = w.RunStatus
		spec := *w
		spec.Definition = nil
		r.Workflow = j.text(spec)
		switch w.Definition {
		case nil:
		case was.definition:
			r.Definition = was.row.Definition
		default:
			r.Definition = j.text(w.Definition)
		}
	}
	if it.Reason != (slipway.Text{}) {
		r.Reason = j.text(it.Reason)
	}
	return r, j.err
}

func (s *Store) item(r *itemRow) (*slipway.Item, error) {
	it := &slipway.Item{
		ID: r.ID, Name: r.Name, Type: r.Type, Owner: slipway.PersonRef{ID: r.OwnerID, Name: r.OwnerName},
		Status: r.Status, Remark: r.Remark, ExecutedBy: r.ExecutedBy, ExecutedTime: r.ExecutedTime,
	}
	var j jsonReader
	j.read(r.Text, &it.Text)
	j.read(r.Workflow, &it.Workflow)
	j.read(r.Reason, &it.Reason)
	if j.err == nil && r.Definition != "" && it.Workflow != nil {
		it.Workflow.Definition, j.err = s.definitions.read(r.Definition)
	}
	return it, j.err
}

// readPlan is a plan with the rows it was read from, so that only what differs is
// written back.
type readPlan struct {
	plan   *slipway.Plan
	row    planRow
	items  map[string]readItem
	people []string
}

type readItem struct {
	row        itemRow
	definition *slipway.Workflow
}

// loadItems reads the items of plans, in order, into them.
func (s *Store) loadItems(ctx context.Context, db bun.IDB, plans ...*slipway.Plan) ([]itemRow, error) {
	if len(plans) == 0 {
		return nil, nil
	}
	byID := make(map[string]*slipway.Plan, len(plans))
	ids := make([]string, 0, len(plans))
	for _, p := range plans {
		byID[p.ID] = p
		ids = append(ids, p.ID)
	}
	var rows []itemRow
	err := db.NewSelect().Model(&rows).Where("plan_id IN (?)", bun.List(ids)).OrderExpr("plan_id, position").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	for i := range rows {
		it, err := s.item(&rows[i])
		if err != nil {
			return nil, fmt.Errorf("read item %s: %w", rows[i].ID, err)
		}
		p := byID[rows[i].PlanID]
		p.Items = append(p.Items, it)
	}
	return rows, nil
}

// columnsThatDiffer names the columns in which two rows of plans differ. Writing only
// those halves the time of a change on SQLite.
func (s *Store) columnsThatDiffer(a, b *planRow) []string {
	var columns []string
	va, vb := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for _, f := range s.write.Table(va.Type()).Fields {
		if !f.Value(va).Equal(f.Value(vb)) {
			columns = append(columns, f.Name)
		}
	}
	return columns
}

// involved lists the users whose plan it is: manager, creator, owners of items, approvers,
// and whoever decided in the place of one.
func involved(p *slipway.Plan) []string {
	ids := []string{p.Manager.ID, p.Creator.ID}
	for _, it := range p.Items {
		ids = append(ids, it.Owner.ID)
	}
	if p.Approval != nil {
		for _, a := range p.Approval.Approvers {
			ids = append(ids, a.ID)
		}
		for _, e := range p.Approval.Escalations {
			for _, a := range e.To {
				ids = append(ids, a.ID)
			}
		}
		for _, v := range slices.Concat(p.Approval.Votes, p.Approval.Earlier) {
			ids = append(ids, v.By.ID)
		}
		for i := range p.Approval.Outside {
			for _, o := range p.Approval.Outside[i].Said {
				ids = append(ids, o.By.ID)
			}
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}

// jsonWriter marshals several values and keeps the first error.
type jsonWriter struct{ err error }

// text writes JSON without the escapes for HTML, so that raw JSON inside comes back as
// it was.
func (j *jsonWriter) text(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && j.err == nil {
		j.err = err
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// jsonReader unmarshals several texts, empty ones not at all, and keeps the first error.
type jsonReader struct{ err error }

func (j *jsonReader) read(text string, v any) {
	if text == "" || j.err != nil {
		return
	}
	j.err = json.Unmarshal([]byte(text), v)
}
