package bot

import (
	"fmt"
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
		r.Body = excerpt(it.Text.Content, maxContent)
		if strings.TrimSpace(it.Text.Content) == it.Name {
			r.Body = ""
		}
	}
	if it.Workflow != nil {
		// What a person has to see to stands first: what is cut away stands last.
		r.Details = append(v.waitLines(it), Line{faint(workflowName(it.Workflow) + params(it.Workflow))})
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

// params lists what a workflow is given. Values that the definition calls credentials
// are masked.
func params(w *slipway.WorkflowSpec) string {
	if len(w.Params) == 0 {
		return ""
	}
	secret := map[string]bool{}
	if w.Definition != nil {
		for _, p := range w.Definition.Params {
			secret[p.Name] = p.IsCredential
		}
	}
	parts := make([]string, 0, len(w.Params))
	for _, k := range sortedKeys(w.Params) {
		value := oneLine(w.Params[k])
		if secret[k] {
			value = "***"
		}
		parts = append(parts, shorten(fmt.Sprintf("%s=%s", k, value), 80))
	}
	return " (" + strings.Join(parts, ", ") + ")"
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
