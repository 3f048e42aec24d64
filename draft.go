package slipway

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Draft is what people decide about a plan: everything but its life.
type Draft struct {
	Name                string
	Manager             PersonRef
	Description         string
	StartTime           int64
	EndTime             int64
	ScheduleExecuteTime int64
	Jira                *JiraAssociation
	Approval            *Approval // votes are ignored
	Items               []*Item   // an empty ID is a new item; the rest of its life is ignored
	Labels              []string
}

// The limits of a draft.
const (
	MaxName    = 200     // characters of a plan's or item's name
	MaxText    = 100_000 // characters of a description or item text
	MaxItems   = 200
	MaxPersons = 50 // approvers
	MaxLevels  = 10 // of an approval; also groups of a level
	MaxComment = 4000
)

// Draft returns what people decided about the plan, ready to be changed and given
// back to Edit.
func (p *Plan) Draft() Draft {
	c := p.Clone()
	c.Approval.restore()
	return Draft{
		Name: c.Name, Manager: c.Manager, Description: c.Description, StartTime: c.StartTime, EndTime: c.EndTime,
		ScheduleExecuteTime: c.ScheduleExecuteTime, Jira: c.Jira, Approval: c.Approval, Items: c.Items,
		Labels: c.Labels,
	}
}

// NewPlan makes a plan in planning from a draft. storage gives it its index.
func NewPlan(req Request, d Draft) (*Plan, *Change, error) {
	if err := d.Check(); err != nil {
		return nil, nil, err
	}
	me := PersonRef{ID: req.Actor.ID, Name: req.Actor.Name}
	p := &Plan{
		ID: req.objectID(), Version: 1, Phase: PhasePlanning, Creator: me, Editor: me,
		CreateTime: req.At.Unix(), InstanceCode: req.hex(16),
	}
	p.take(req, d)
	c := p.newChange(req, VerbCreate)
	p.askJira(req, c, JiraLook)
	c.Entry.From = ""
	return p, p.done(req, c), nil
}

// Edit replaces what people decided about the plan. Items that stay the same keep
// what was done; the version goes up and a new instance code is made.
func (p *Plan) Edit(req Request, d Draft) (*Change, error) {
	if err := p.may(req, VerbEdit); err != nil {
		return nil, err
	}
	if err := d.Check(); err != nil {
		return nil, err
	}
	c := p.newChange(req, VerbEdit)
	before := slices.Clone(p.Items)
	c.Entry.Data.Fields = p.take(req, d)
	if len(c.Entry.Data.Fields) == 0 {
		return nil, Unchanged
	}
	p.edited(before, &c.Entry.Data)
	if slices.Contains(c.Entry.Data.Fields, fieldSprints) {
		p.askJira(req, c, JiraLook)
	}
	p.Version++
	p.InstanceCode = req.hex(16)
	p.Editor = PersonRef{ID: req.Actor.ID, Name: req.Actor.Name}
	return p.done(req, c), nil
}

// take copies a draft into the plan and returns the wire names of what changed.
func (p *Plan) take(req Request, d Draft) []string {
	var changed []string
	note := func(field string, differs bool) {
		if differs {
			changed = append(changed, field)
		}
	}
	note("name", p.Name != d.Name)
	note("manager", p.Manager != d.Manager)
	note("description", p.Description != d.Description)
	note("start_time", p.StartTime != d.StartTime)
	note("end_time", p.EndTime != d.EndTime)
	note("schedule_execute_time", p.ScheduleExecuteTime != d.ScheduleExecuteTime)
	note(fieldSprints, !reflect.DeepEqual(p.Jira, d.Jira))
	note("approval", !p.Approval.sameRule(d.Approval))
	note("labels", !slices.Equal(p.Labels, d.Labels))
	p.Name, p.Manager, p.Description = d.Name, d.Manager, d.Description
	p.StartTime, p.EndTime, p.ScheduleExecuteTime = d.StartTime, d.EndTime, d.ScheduleExecuteTime
	p.Jira, p.Approval, p.Labels = d.Jira, p.Approval.ruledBy(d.Approval), slices.Clone(d.Labels)
	return append(changed, p.takeItems(req, d.Items)...)
}

func (p *Plan) takeItems(req Request, items []*Item) []string {
	var changed []string
	before := slices.Clone(p.Items)
	after := make([]*Item, 0, len(items))
	for i, d := range items {
		old := p.match(d, after)
		path := fmt.Sprintf("jobs[%d]", i)
		switch {
		case old == nil:
			it := d.Clone()
			it.ID = req.uuid()
			it.reset()
			after, changed = append(after, it), append(changed, path)
		case old.sameWork(d):
			if old.Owner != d.Owner {
				changed = append(changed, path)
			}
			old.Owner = d.Owner
			after = append(after, old)
		default:
			it := d.Clone()
			it.ID = old.ID
			it.reset()
			after, changed = append(after, it), append(changed, path)
		}
	}
	p.Items = after
	if len(changed) == 0 && !slices.Equal(before, after) {
		changed = append(changed, "jobs")
	}
	return changed
}

// What an edit did to the items that its entry names, if it did the same to all.
const (
	ItemsAdded   = "added"
	ItemsRemoved = "removed"
)

// edited names the items that an edit changed, added and removed.
func (p *Plan) edited(before []*Item, e *EntryData) {
	with := func(id string) func(*Item) bool { return func(it *Item) bool { return it.ID == id } }
	var changed, added, removed []string
	for i, it := range p.Items {
		switch {
		case !slices.ContainsFunc(before, with(it.ID)):
			added = append(added, it.Name)
		case slices.Contains(e.Fields, fmt.Sprintf("jobs[%d]", i)):
			changed = append(changed, it.Name)
		}
	}
	for _, old := range before {
		if !slices.ContainsFunc(p.Items, with(old.ID)) {
			removed = append(removed, old.Name)
		}
	}
	e.Items = slices.Concat(changed, added, removed)
	switch len(e.Items) {
	case 0:
	case len(added):
		e.Result = ItemsAdded
	case len(removed):
		e.Result = ItemsRemoved
	}
}

// match finds the present item that a drafted one stands for: by id, else by type
// and name.
func (p *Plan) match(d *Item, taken []*Item) *Item {
	for _, it := range p.Items {
		same := d.ID != "" && it.ID == d.ID || d.ID == "" && it.Type == d.Type && it.Name == d.Name
		if same && !slices.ContainsFunc(taken, func(t *Item) bool { return t.ID == it.ID }) {
			return it
		}
	}
	return nil
}

// sameWork tells whether two items ask for the same thing to be done.
func (it *Item) sameWork(o *Item) bool {
	if it.Name != o.Name || it.Type != o.Type {
		return false
	}
	if it.Type == TextItem {
		return it.Text.Content == o.Text.Content
	}
	a, b := it.Workflow, o.Workflow
	if a.Engine != b.Engine || a.Project != b.Project || a.Name != b.Name || a.Inline != b.Inline ||
		!maps.Equal(a.Params, b.Params) || string(a.Inputs) != string(b.Inputs) {
		return false
	}
	return !a.Inline || a.Definition.Equal(b.Definition)
}

// Check refuses a draft that contradicts itself; all problems at once.
func (d *Draft) Check() error {
	var f Faults
	checkTitle(&f, "name", d.Name)
	if d.Manager.ID == "" {
		f.Add("manager", "a manager is expected: the name, e-mail or id of a user", "需要填写发布负责人：用户的姓名、邮箱或 ID")
	}
	if utf8.RuneCountInString(d.Description) > MaxText {
		f.Add("description", "at most %d characters are possible", "最多 %d 个字符", MaxText)
	}
	d.checkTimes(&f)
	d.checkApproval(&f)
	d.checkItems(&f)
	d.checkLabels(&f)
	d.checkSprints(&f)
	return f.Err("The plan is not right yet.", "发布计划的内容有误。")
}

func checkTitle(f *Faults, path, name string) {
	switch n := utf8.RuneCountInString(name); {
	case strings.TrimSpace(name) == "":
		f.Add(path, "a name is expected", "需要填写名称")
	case n > MaxName:
		f.Add(path, "a name has at most %[1]d characters; this has %[2]d", "名称最多 %[1]d 个字符，目前为 %[2]d 个", MaxName, n)
	case Unprintable(name) || strings.ContainsAny(name, "\n\r\t"):
		f.Add(path, "a name is one line without control characters", "名称只能是一行文字，不能包含控制字符")
	}
}

func (d *Draft) checkTimes(f *Faults) {
	for path, t := range map[string]int64{"start_time": d.StartTime, "end_time": d.EndTime, "schedule_execute_time": d.ScheduleExecuteTime} {
		if t < 0 || t > 253402300799 {
			f.Add(path, "a time between 1970 and 9999 is expected", "时间应在 1970 年到 9999 年之间")
		}
	}
	if d.StartTime != 0 && d.EndTime != 0 && d.EndTime <= d.StartTime {
		f.Add("end_time", "the window must end after it starts", "发布窗口期的结束时间必须晚于开始时间")
	}
	if s := d.ScheduleExecuteTime; s != 0 && (s < d.StartTime || d.EndTime != 0 && s > d.EndTime) {
		f.Add("schedule_execute_time", "the schedule must lie inside the window", "定时执行时间必须在发布窗口期内")
	}
}

func (d *Draft) checkItems(f *Faults) {
	if len(d.Items) > MaxItems {
		f.Add("jobs", "at most %[1]d items are possible; this has %[2]d", "最多 %[1]d 个发布项，目前为 %[2]d 个", MaxItems, len(d.Items))
	}
	names := map[string]int{}
	for i, it := range d.Items {
		at := fmt.Sprintf("jobs[%d]", i)
		checkTitle(f, at+".name", it.Name)
		if n, ok := names[it.Name]; ok && it.Name != "" {
			f.Add(at+".name", "item %[1]d has this name already; names tell items apart", "与发布项 %[1]d 重名，请使用不同的名称", n+1)
		} else {
			names[it.Name] = i
		}
		switch it.Type {
		case TextItem:
			checkText(f, at, it.Text)
		case WorkflowItem:
			checkWorkflow(f, at, it.Workflow)
		default:
			f.Add(at+".type", "text or workflow is expected, not %q", "应为 text 或 workflow，而不是 %q", it.Type)
		}
	}
}

func checkText(f *Faults, at string, t *TextSpec) {
	switch {
	case t == nil || strings.TrimSpace(t.Content) == "":
		f.Add(at+".spec.content", "say what is to be done", "请填写要做的内容")
	case utf8.RuneCountInString(t.Content) > MaxText:
		f.Add(at+".spec.content", "at most %d characters are possible", "最多 %d 个字符", MaxText)
	}
}

func checkWorkflow(f *Faults, at string, w *WorkflowSpec) {
	if w == nil {
		f.Add(at+".spec", "engine and workflow are expected", "需要填写 engine 和 workflow")
		return
	}
	if w.Engine == "" {
		f.Add(at+".spec.engine", "an engine is expected, for example local", "需要填写引擎，例如 local")
	}
	if w.Name == "" {
		f.Add(at+".spec.workflow", "a workflow's name is expected", "需要填写工作流名称")
	}
}
