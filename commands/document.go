package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"slipway"
)

// Document is a plan document, read and checked, its people found.
type Document struct {
	Draft slipway.Draft
}

// MaxDocument is the size of the largest plan document, in bytes.
const MaxDocument = 1 << 20

// ParseDocument reads a plan document (YAML or JSON, design section 8). Unknown keys,
// wrong types, times without a zone and people nobody knows are refused, all at
// once, each with its place.
func (c *Commands) ParseDocument(ctx context.Context, data []byte) (Document, error) {
	if len(data) > MaxDocument {
		return Document{}, slipway.Refuse(slipway.TooLarge, "The document is larger than 1 MiB.", "文档超过 1 MiB。")
	}
	tree, err := parseTree(data)
	if err != nil {
		return Document{}, slipway.Refuse(slipway.Invalid, "The plan document cannot be read: %s.", "无法读取发布计划文档：%s。", err)
	}
	r := &reader{ctx: ctx, c: c}
	root, ok := tree.(object)
	if !ok {
		return Document{}, slipway.Refuse(slipway.Invalid,
			"A plan document is a mapping of keys such as name, manager and jobs.", "发布计划文档应由 name、manager、jobs 等键组成。")
	}
	d := r.draft(root)
	if r.err != nil {
		return Document{}, r.err
	}
	// What the reader found wrong is not reported a second time as missing.
	if err := d.Check(); err != nil {
		for _, p := range slipway.ProblemsOf(err) {
			if !r.blames(p.Path) && (p.Path != "manager" || r.managerGiven) {
				r.Append(p)
			}
		}
	}
	if err := r.Err("The plan document is not right yet.", "发布计划文档有误。"); err != nil {
		return Document{}, err
	}
	return Document{Draft: d}, nil
}

// reader decodes the tree of a plan document and gathers its faults.
type reader struct {
	slipway.Faults
	ctx          context.Context //nolint:containedctx // lives as long as one call
	c            *Commands
	bad          []string
	managerGiven bool
	err          error // a look-up that failed for a reason of ours
}

func (r *reader) fault(path, en, zh string, args ...any) {
	r.bad = append(r.bad, path)
	r.Add(path, en, zh, args...)
}

func (r *reader) blames(path string) bool {
	return slices.ContainsFunc(r.bad, func(b string) bool {
		return b == path || strings.HasPrefix(b, path+".") || strings.HasPrefix(b, path+"[") || strings.HasPrefix(path, b+".")
	})
}

// keys refuses keys that a mapping does not have.
func (r *reader) keys(o object, prefix string, known ...string) {
	for _, k := range o.keys {
		if !slices.Contains(known, k) {
			r.fault(prefix+k, "is not a key that is known here; known: %s", "不是此处可用的键；可用：%s", strings.Join(known, ", "))
		}
	}
}

func (r *reader) draft(o object) slipway.Draft {
	r.keys(o, "", "name", "manager", "description", "start_time", "end_time", "schedule_execute_time",
		"jira_sprint_association", "approval", "jobs", "labels")
	d := slipway.Draft{
		Name: r.text(o, "name", ""), Description: r.text(o, "description", ""),
		StartTime: r.time(o, "start_time"), EndTime: r.time(o, "end_time"),
		ScheduleExecuteTime: r.time(o, "schedule_execute_time"),
	}
	if o.values["manager"] != nil {
		r.managerGiven = true
		d.Manager = r.person("manager", o.values["manager"])
	}
	if v := o.values["jira_sprint_association"]; v != nil {
		d.Jira = r.jira(v)
	}
	if v := o.values["approval"]; v != nil {
		d.Approval = r.approval(v)
	}
	d.Labels = r.texts(o, "labels")
	for i, v := range r.list(o, "jobs", "") {
		d.Items = append(d.Items, r.item(fmt.Sprintf("jobs[%d]", i), v))
	}
	return d
}

func (r *reader) text(o object, key, prefix string) string {
	switch v := o.values[key].(type) {
	case nil:
		return ""
	case string:
		if slipway.Unprintable(v) {
			r.bad = append(r.bad, prefix+key)
			r.Append(slipway.Problem{Path: prefix + key, Text: slipway.UnprintableText()})
		}
		return v
	case json.Number, bool:
		r.fault(prefix+key, "a text is expected; put %v in quotes", "应为文本，请给 %v 加上引号", v)
	default:
		r.fault(prefix+key, "a text is expected, not %s", "应为文本，而不是%s", kindOf(v))
	}
	return ""
}

func (r *reader) time(o object, key string) int64 {
	switch v := o.values[key].(type) {
	case nil:
		return 0
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
	case string:
		if at, ok := parseWireTime(v); ok {
			return at
		}
	}
	r.fault(key, "a time with its zone is expected, for example 2026-11-24T22:00:00+08:00, or Unix seconds",
		"应为带时区的时间，例如 2026-11-24T22:00:00+08:00，或 Unix 秒数")
	return 0
}

func (r *reader) number(o object, key, prefix string) (int64, bool) {
	switch v := o.values[key].(type) {
	case nil:
		return 0, false
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, true
		}
	}
	r.fault(prefix+key, "a whole number is expected", "应为整数")
	return 0, false
}

func (r *reader) list(o object, key, prefix string) []any {
	switch v := o.values[key].(type) {
	case nil:
	case []any:
		return v
	default:
		r.fault(prefix+key, "a list is expected, not %s", "应为列表，而不是%s", kindOf(v))
	}
	return nil
}

// texts reads a list of texts.
func (r *reader) texts(o object, key string) []string {
	var out []string
	for i, v := range r.list(o, key, "") {
		place := fmt.Sprintf("%s[%d]", key, i)
		out = append(out, r.text(object{values: map[string]any{place: v}}, place, ""))
	}
	return out
}

func (r *reader) object(v any, path string) (object, bool) {
	o, ok := v.(object)
	if !ok {
		r.fault(path, "a mapping is expected, not %s", "应为键值结构，而不是%s", kindOf(v))
	}
	return o, ok
}

func kindOf(v any) slipway.Text {
	switch v.(type) {
	case nil:
		return slipway.T("nothing", "空值")
	case object:
		return slipway.T("a mapping", "键值结构")
	case []any:
		return slipway.T("a list", "列表")
	case json.Number:
		return slipway.T("a number", "数字")
	case bool:
		return slipway.T("true or false", "布尔值")
	}
	return slipway.T("a text", "文本")
}

func (r *reader) person(path string, v any) slipway.PersonRef {
	ref, ok := v.(string)
	if !ok || strings.TrimSpace(ref) == "" {
		r.fault(path, "the name, e-mail or id of a user is expected", "应为用户的姓名、邮箱或 ID")
		return slipway.PersonRef{}
	}
	u, err := r.c.FindUser(r.ctx, ref)
	if err != nil {
		if slipway.CodeOf(err) == slipway.Internal {
			r.err = err
		}
		r.bad = append(r.bad, path)
		r.Append(slipway.Problem{Path: path, Text: slipway.TextOf(err)})
		return slipway.PersonRef{}
	}
	return u.Ref()
}

func (r *reader) jira(v any) *slipway.JiraAssociation {
	o, ok := r.object(v, "jira_sprint_association")
	if !ok {
		return nil
	}
	const prefix = "jira_sprint_association."
	r.keys(o, prefix, "jira_id", "sprints")
	j := &slipway.JiraAssociation{JiraID: r.text(o, "jira_id", prefix), Sprints: []slipway.Sprint{}}
	for i, x := range r.list(o, "sprints", prefix) {
		at := fmt.Sprintf("%ssprints[%d]", prefix, i)
		so, ok := r.object(x, at)
		if !ok {
			continue
		}
		r.keys(so, at+".", "project_key", "project_name", "board_id", "sprint_id", "sprint_name")
		s := slipway.Sprint{
			ProjectKey: r.text(so, "project_key", at+"."), ProjectName: r.text(so, "project_name", at+"."),
			SprintName: r.text(so, "sprint_name", at+"."),
		}
		s.BoardID, _ = r.number(so, "board_id", at+".")
		var given bool
		if s.SprintID, given = r.number(so, "sprint_id", at+"."); !given && !r.blames(at+".sprint_id") {
			r.fault(at+".sprint_id", "the number of a sprint is expected", "应为冲刺的编号")
		}
		if s.ProjectKey == "" && !r.blames(at+".project_key") {
			r.fault(at+".project_key", "the key of a Jira project is expected", "应为 Jira 项目的 Key")
		}
		j.Sprints = append(j.Sprints, s)
	}
	return j
}

func (r *reader) item(at string, v any) *slipway.Item {
	it := &slipway.Item{}
	o, ok := r.object(v, at)
	if !ok {
		return it
	}
	r.keys(o, at+".", "id", "name", "type", "manager", "spec")
	it.ID, it.Name = r.text(o, "id", at+"."), r.text(o, "name", at+".")
	it.Type = slipway.ItemType(r.text(o, "type", at+"."))
	if m := o.values["manager"]; m != nil {
		it.Owner = r.person(at+".manager", m)
	}
	spec, given := o.values["spec"]
	if !given || spec == nil {
		spec = object{values: map[string]any{}}
	}
	so, ok := r.object(spec, at+".spec")
	if !ok {
		return it
	}
	switch it.Type {
	case slipway.TextItem:
		r.keys(so, at+".spec.", "content")
		it.Text = &slipway.TextSpec{Content: r.text(so, "content", at+".spec.")}
	case slipway.WorkflowItem:
		it.Workflow = r.workflow(so, at+".spec.")
	}
	return it
}

func (r *reader) workflow(o object, at string) *slipway.WorkflowSpec {
	r.keys(o, at, "engine", "project", "workflow", "params", "inputs")
	w := &slipway.WorkflowSpec{Engine: r.text(o, "engine", at), Project: r.text(o, "project", at)}
	switch v := o.values["workflow"].(type) {
	case object:
		r.inline(w, v, at+"workflow")
	default:
		w.Name = r.text(o, "workflow", at)
	}
	if v := o.values["params"]; v != nil {
		if po, ok := r.object(v, at+"params"); ok {
			w.Params = make(map[string]string, len(po.keys))
			for _, k := range po.keys {
				w.Params[k] = r.text(po, k, at+"params.")
			}
		}
	}
	if inputs := r.list(o, "inputs", at); inputs != nil {
		w.Inputs = r.marshal(inputs)
	}
	return w
}

// inline takes the documented Workflow object that an author wrote into the plan.
func (r *reader) inline(w *slipway.WorkflowSpec, o object, path string) {
	def, problems := slipway.DecodeWorkflow(r.marshal(o))
	for _, p := range problems {
		r.bad = append(r.bad, path)
		r.Append(p.Under(path))
	}
	w.Inline, w.Definition = true, def
	if def != nil {
		w.Name = def.Name
		if w.Project == "" {
			w.Project = def.Project
		}
	}
}

func (r *reader) marshal(v any) json.RawMessage {
	data, err := json.Marshal(plain(v))
	if err != nil {
		r.err = fmt.Errorf("marshal part of a plan document: %w", err)
	}
	return data
}
