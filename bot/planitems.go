package bot

import (
	"strings"

	"slipway"
)

// itemRow shows an item: what it is, who is to do it or did it, and its buttons.
func (v View) itemRow(p *slipway.Plan, it *slipway.Item) Row {
	r := Row{
		Number: p.ItemNumber(it.ID), ID: it.ID, State: v.itemState(it), Title: Line{bold(it.Name)},
	}
	if it.Owner.Name != "" {
		r.Title = r.Title.add(faint(" · " + it.Owner.Name))
	}
	if it.Text != nil {
		r.Body = v.excerpt(it.Text.Content, maxContent)
		if strings.TrimSpace(it.Text.Content) == it.Name {
			r.Body = ""
		}
	}
	if it.Workflow != nil {
		listed, left := v.params(it.Workflow)
		about := Line{faint(workflowName(it.Workflow) + listed)}
		if left != "" { // a span of its own, which is still there when a chat cuts the list short
			about = about.add(faint(left))
		}
		// What a person has to see to stands first: what is cut away stands last.
		r.Details = append(v.waitLines(it), about)
	}
	if l := v.doneLine(it); len(l) > 0 {
		r.Details = append(r.Details, l)
	}
	if it.Workflow != nil {
		r.Details = append(r.Details, v.runLines(it)...)
	}
	r.Actions, r.More = v.itemActions(p, it)
	return r
}

func workflowName(w *slipway.WorkflowSpec) string {
	name := w.Name
	if w.Project != "" {
		name = w.Project + "/" + name
	}
	return w.Engine + ": " + name
}

// How many characters of a workflow's parameters a card lists, and of one of them.
const (
	maxParams = 160
	maxParam  = 60
)

// params lists what a workflow is given, and says how much of it is left out. Credentials
// are masked.
func (v View) params(w *slipway.WorkflowSpec) (listed, left string) {
	if len(w.Params) == 0 {
		return "", ""
	}
	shown := w.ShownParams()
	keys := sortedKeys(shown)
	parts := make([]string, 0, len(keys))
	length := 0
	for i, k := range keys {
		part := string(v.excerpt(k+"="+oneLine(shown[k]), maxParam))
		if length += len([]rune(part)); length > maxParams && !v.Page {
			return " (" + strings.Join(parts, ", "), v.say(slipway.T(" and %d more)", " 等，另有 %d 个参数)", len(keys)-i))
		}
		parts = append(parts, part)
	}
	return " (" + strings.Join(parts, ", ") + ")", ""
}

// doneLine says who did what to the item, how it went and how long it took.
func (v View) doneLine(it *slipway.Item) Line {
	by := actorName(it.ExecutedBy).In(v.Lang)
	var l Line
	switch it.Status {
	case slipway.Todo:
		return nil
	case slipway.Running:
		l = Line{plain(v.say(slipway.T("started by %s · ", "由 %s 开始执行 · ", by))), moment(it.ExecutedTime)}
	case slipway.Done:
		l = Line{plain(v.say(slipway.T("done by %s · ", "由 %s 完成 · ", by))), moment(it.ExecutedTime)}
	case slipway.Skipped:
		l = Line{plain(v.say(slipway.T("skipped by %s · ", "由 %s 跳过 · ", by))), moment(it.ExecutedTime)}
	case slipway.Failed:
		l = Line{plain(v.say(slipway.T("failed, started by %s · ", "执行失败，由 %s 开始 · ", by))), moment(it.ExecutedTime)}
		if reason := v.say(it.Reason); reason != "" {
			l = l.add(plain(" · "), quote(reason))
		}
	}
	if it.Remark != "" {
		l = l.add(plain(" · "), quote(it.Remark))
	}
	if took := v.say(v.tookText(it)); took != "" {
		l = l.add(plain(" · " + took))
	}
	if w := it.Workflow; w != nil && w.URL != "" {
		l = l.add(plain(" · "), Span{Text: v.say(slipway.T("run", "运行详情")), Link: w.URL})
	}
	return l
}
