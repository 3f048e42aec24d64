package bot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slipway"
	"slipway/commands"
)

// answers turns the answers to a form, or the settings of a typed command, into changes
// of a draft. It looks people up and reads times; the faults it finds carry the names
// of the fields.
type answers struct {
	slipway.Faults
	ctx context.Context //nolint:containedctx // lives as long as one call
	b   *Bot
	v   *visit
	err error // a look-up that failed for a reason of ours
}

// change is a change of a draft.
type change func(*slipway.Draft)

// readPlan reads the answers about a plan. Fields that were not asked stay as they are.
// was is what the plan is linked to.
func (b *Bot) readPlan(ctx context.Context, v *visit, vals Values, was *slipway.JiraAssociation) (*answers, change) {
	a := &answers{ctx: ctx, b: b, v: v}
	var changes []change
	put := func(c change) { changes = append(changes, c) }
	if vals.Has("name") {
		put(func(d *slipway.Draft) { d.Name = vals.Get("name") })
	}
	if vals.Has("description") {
		put(func(d *slipway.Draft) { d.Description = vals.Get("description") })
	}
	if vals.Has("manager") {
		manager := a.person("manager", vals.Get("manager"))
		put(func(d *slipway.Draft) { d.Manager = manager })
	}
	times := []struct {
		field string
		of    func(*slipway.Draft) *int64
	}{
		{"start_time", func(d *slipway.Draft) *int64 { return &d.StartTime }},
		{"end_time", func(d *slipway.Draft) *int64 { return &d.EndTime }},
		{"schedule_execute_time", func(d *slipway.Draft) *int64 { return &d.ScheduleExecuteTime }},
	}
	for _, t := range times {
		if vals.Has(t.field) {
			at := a.time(t.field, vals.Get(t.field))
			put(func(d *slipway.Draft) { *t.of(d) = at })
		}
	}
	if vals.Has("approval.approvers") || vals.Has("approval.needed_approvers") || vals.Has("approval.levels") {
		put(a.approval(vals))
	}
	if slices.ContainsFunc(timeSettings, vals.Has) {
		put(a.timeRules(vals))
	}
	if vals.Has(SprintsField) {
		put(a.sprints(vals, was))
	}
	if vals.Has("approval.type") {
		put(func(d *slipway.Draft) {
			if d.Approval != nil {
				d.Approval.Type = slipway.ApprovalType(vals.Get("approval.type"))
			}
		})
	}
	if vals.Has("jobs") {
		put(a.items(vals))
	}
	return a, func(d *slipway.Draft) {
		for _, c := range changes {
			c(d)
		}
	}
}

// check returns all that is wrong: with the answers, and with the draft that they make.
func (a *answers) check(d slipway.Draft, c change) error {
	if a.err != nil {
		return a.err
	}
	c(&d)
	found := slipway.ProblemsOf(a.Err("", ""))
	for _, p := range slipway.ProblemsOf(d.Check()) {
		if !slices.ContainsFunc(found, func(f slipway.Problem) bool {
			return f.Path == p.Path || strings.HasPrefix(f.Path, p.Path+"[") || strings.HasPrefix(p.Path, f.Path+"[")
		}) {
			a.Append(p)
		}
	}
	return a.Err("The plan is not right yet.", "发布计划的内容有误。")
}

func (a *answers) person(path, name string) slipway.PersonRef {
	if trim(name) == "" {
		return slipway.PersonRef{}
	}
	if u := a.user(path, name); u != nil {
		return u.Ref()
	}
	return slipway.PersonRef{}
}

// user finds who is named; nil and a fault if that is nobody.
func (a *answers) user(path, name string) *slipway.User {
	u, err := a.b.person(a.ctx, name)
	if err != nil {
		if isInternal(err) {
			a.err = err
		}
		a.Append(slipway.Problem{Path: path, Text: slipway.TextOf(err)})
		return nil
	}
	return u
}

// isNone tells whether somebody said that there is to be none.
func isNone(s string) bool {
	return slices.Contains([]string{"", "none", "no", "-", "无", "没有", "不限", "清除"}, fold(trim(s)))
}

func (a *answers) time(path, s string) int64 {
	if isNone(s) {
		return 0
	}
	at, err := commands.ParseTime(strings.Map(foldRune, s), a.b.Now(), a.v.zone)
	if err != nil {
		a.Append(slipway.Problem{Path: path, Text: slipway.TextOf(err)})
	}
	return at
}

func (a *answers) approval(vals Values) change {
	if vals.Has("approval.levels") {
		return a.approvalLevels(vals)
	}
	var people []slipway.PersonRef
	for _, name := range vals["approval.approvers"] {
		if p := a.person("approval.approvers", name); p.ID != "" {
			people = append(people, p)
		}
	}
	needed := 0
	if s := vals.Get("approval.needed_approvers"); s != "" {
		n, err := strconv.Atoi(fold(s))
		if err != nil || n < 1 {
			a.Add("approval.needed_approvers", "a number from 1 is expected", "应为大于等于 1 的数字")
		}
		needed = n
	}
	return func(d *slipway.Draft) {
		if vals.Has("approval.approvers") {
			if len(people) == 0 {
				d.Approval = nil
				return
			}
			if d.Approval == nil {
				d.Approval = &slipway.Approval{Type: slipway.NativeApproval, Needed: 1}
			}
			if len(d.Approval.Levels) > 0 {
				d.Approval.Levels, d.Approval.Needed = nil, 1
			}
			d.Approval.Approvers = people
			d.Approval.Needed = min(d.Approval.Needed, len(people))
		}
		if d.Approval != nil && needed > 0 {
			if len(d.Approval.Levels) > 0 {
				a.Add("approval.needed_approvers", "the approval of this plan has levels; say all of them, or name the approvers, too",
					"该发布计划设有多级审批；请写出全部级别，或同时填写审批人")
			}
			d.Approval.Needed = needed
		}
	}
}

func (a *answers) approvalLevels(vals Values) change {
	if vals.Has("approval.approvers") || vals.Has("approval.needed_approvers") {
		a.Add("approval.levels", "name the approvers either in levels or as one group", "审批人要么按级别填写，要么作为一组填写")
	}
	text := vals.Get("approval.levels")
	if isNone(text) {
		return func(d *slipway.Draft) { d.Approval = nil }
	}
	levels := a.levels(text)
	return func(d *slipway.Draft) { setLevels(d, slices.Clone(levels)) }
}

// items reads the item editor: the entries become the items, in their order.
func (a *answers) items(vals Values) change {
	entries := vals.Entries("jobs")
	edits := make([]func(*slipway.Item), len(entries))
	for i, e := range entries {
		edits[i] = a.item(fmt.Sprintf("jobs[%d].", i), e)
	}
	return func(d *slipway.Draft) {
		items := make([]*slipway.Item, 0, len(entries))
		for i, e := range entries {
			it := &slipway.Item{}
			if n := slices.IndexFunc(d.Items, func(o *slipway.Item) bool { return o.ID != "" && o.ID == e.Get("id") }); n >= 0 {
				it = d.Items[n].Clone()
			}
			edits[i](it)
			items = append(items, it)
		}
		d.Items = items
	}
}

// item reads the answers about one item; fields that were not asked stay as they are.
func (a *answers) item(at string, e Values) func(*slipway.Item) {
	owner := a.person(at+"manager", e.Get("manager"))
	given, badParam := readParams(e.Get("spec.params"))
	if badParam != "" {
		a.Add(at+"spec.params", "key=value is expected on each line, not %q", "每行应为 键=值，而不是 %q", badParam)
	}
	return func(it *slipway.Item) {
		if e.Has("name") {
			it.Name = e.Get("name")
		}
		if e.Has("manager") {
			it.Owner = owner
		}
		if e.Has("type") {
			it.Type = slipway.ItemType(e.Get("type"))
		}
		switch it.Type {
		case slipway.TextItem:
			it.Workflow = nil
			if it.Text == nil {
				it.Text = &slipway.TextSpec{}
			}
			if e.Has("spec.content") {
				it.Text.Content = e.Get("spec.content")
			}
			if it.Text.Content == "" {
				it.Text.Content = it.Name // the name says all there is to do
			}
		case slipway.WorkflowItem:
			it.Text = nil
			a.workflow(it, e, given)
		}
	}
}

func (a *answers) workflow(it *slipway.Item, e Values, given map[string]string) {
	if it.Workflow == nil {
		it.Workflow = &slipway.WorkflowSpec{Engine: a.b.Engines[0]}
	}
	w := it.Workflow
	if e.Has("spec.engine") && e.Get("spec.engine") != "" {
		w.Engine = e.Get("spec.engine")
	}
	if e.Has("spec.project") {
		w.Project = e.Get("spec.project")
	}
	if e.Has("spec.workflow") && e.Get("spec.workflow") != w.Name {
		// Another workflow: what was written inline, or given to the old one, is not its.
		w.Name, w.Inline, w.Definition, w.Inputs = e.Get("spec.workflow"), false, nil, nil
	}
	if e.Has("spec.params") {
		w.SetParams(given)
	}
}

// readParams reads lines of key=value; bad is the first line that is none. A value may be
// in double quotes with Go's escapes.
func readParams(s string) (out map[string]string, bad string) {
	for line := range strings.Lines(s) {
		if line = trim(line); line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if key = trim(key); !ok || key == "" {
			return nil, line
		}
		value = trim(value)
		if plain, err := strconv.Unquote(value); err == nil && strings.HasPrefix(value, `"`) {
			value = plain
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = value
	}
	return out, ""
}

// fieldErrors are the problems of a refused submission by the names of the form's
// fields.
func fieldErrors(form FormID, err error, lang slipway.Lang) map[string]string {
	out := map[string]string{}
	for _, p := range slipway.ProblemsOf(err) {
		name := fieldName(form, p.Path)
		text := p.Text.In(lang)
		if name == "" {
			text = problemLine(p, lang).Text(lang, nil)
		}
		if out[name] != "" {
			text = out[name] + "\n" + text
		}
		out[name] = text
	}
	if len(out) == 0 {
		out[""] = slipway.TextOf(err).In(lang)
	}
	return out
}

// fieldName maps the path of a problem to the field that it belongs to, "" if the form
// has none.
func fieldName(form FormID, path string) string {
	item, inItem := "", false
	if rest, ok := strings.CutPrefix(path, "jobs["); ok {
		if _, item, inItem = strings.Cut(rest, "]."); !inItem {
			return onlyIn(form, "jobs", FormNew, FormEdit)
		}
		for _, f := range []string{"spec.params", "spec.workflow"} {
			if strings.HasPrefix(item, f+".") || strings.HasPrefix(item, f+"[") {
				path, item = strings.TrimSuffix(path, item)+f, f
			}
		}
	}
	switch {
	case inItem && (form == FormAdd || form == FormItem):
		return item
	case inItem:
		return onlyIn(form, path, FormNew, FormEdit)
	case strings.HasPrefix(path, "approval.approvers"):
		return onlyIn(form, "approval.approvers", FormNew, FormEdit, FormApprovers)
	case strings.HasPrefix(path, "approval.levels"):
		return onlyIn(form, "approval.levels", FormEdit, FormApprovers)
	case path == "approval.needed_approvers", path == "approval.type":
		return onlyIn(form, path, FormNew, FormEdit, FormApprovers)
	case slices.Contains(timeSettings, path) || strings.HasPrefix(path, escalateTo):
		field, _, _ := strings.Cut(path, "[")
		return onlyIn(form, field, FormApprovers)
	case path == "start_time", path == "end_time":
		return onlyIn(form, path, FormNew, FormEdit, FormWindow)
	case strings.HasPrefix(path, "jira_sprint_association"):
		return onlyIn(form, SprintsField, FormNew, FormEdit, FormSprints)
	case path == "schedule_execute_time":
		return onlyIn(form, path, FormNew, FormEdit, FormSchedule)
	case path == "name":
		return onlyIn(form, path, FormNew, FormEdit, FormCopy)
	case path == "manager", path == "description":
		return onlyIn(form, path, FormNew, FormEdit)
	case path == "to":
		return onlyIn(form, path, FormTransfer, FormAway)
	case path == "start", path == "end", path == "of":
		return onlyIn(form, path, FormAway)
	case path == "run":
		return onlyIn(form, path, FormAdopt)
	case isReason(path):
		return onlyIn(form, "comment", FormApprove, FormReject, FormComplete, FormSkip, FormOverride, FormReplan, FormCancel, FormDecline, FormTransfer)
	}
	return ""
}

// isReason tells whether a problem is about what was said with a verb: the API calls it
// comment for plans and remark for items.
func isReason(path string) bool { return path == "comment" || path == "remark" }

func onlyIn(form FormID, name string, forms ...FormID) string {
	if slices.Contains(forms, form) {
		return name
	}
	return ""
}
