package bot

import (
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/storage"
)

// How much a card shows of one item; the plan's page has all of it.
const (
	maxWaits   = 4
	maxChanges = 6
)

// glance is what is known of the present run of an item, nil if nothing is.
func (v View) glance(it *slipway.Item) *storage.Glance {
	if it.Workflow == nil {
		return nil
	}
	return v.Runs[it.Workflow.RunID]
}

// isWaiting tells whether the run of an item waits for somebody who has not answered.
func isWaiting(it *slipway.Item) bool {
	return it.Status == slipway.Running && it.Workflow != nil &&
		slices.ContainsFunc(it.Workflow.Wait, func(w slipway.RunWait) bool { return w.By == "" })
}

// waitLines say whom or what the run of an item waits for, and where that is answered.
func (v View) waitLines(it *slipway.Item) []Line {
	if it.Status != slipway.Running {
		return nil
	}
	var lines []Line
	for i := range it.Workflow.Wait {
		if i == maxWaits && !v.Page {
			lines = append(lines, Line{faint(v.say(slipway.T("… %d more wait", "……还有 %d 处等待", len(it.Workflow.Wait)-i)))})
			break
		}
		lines = append(lines, v.waitLine(it, &it.Workflow.Wait[i]))
	}
	return lines
}

func (v View) waitLine(it *slipway.Item, w *slipway.RunWait) Line {
	job := shorten(oneLine(w.Job), maxStepName)
	waits := w.For
	if waits == (slipway.Text{}) {
		waits = slipway.T("“%s” waits for a person.", "“%s”等待人工处理。", job)
	}
	switch {
	case w.By != "":
		return Line{plain(v.say(slipway.T("⏳ %[2]s has answered “%[1]s”; the engine is being told", "⏳ %[2]s 已处理“%[1]s”，正在通知引擎", job, w.By)))}
	case w.Answerable:
		return Line{plain("✋ " + oneLine(v.say(waits)))}
	}
	l := Line{plain("✋ " + oneLine(v.say(waits)) + " · ")}
	where := slipway.T("answer in the engine", "请到引擎中处理")
	if address := v.whereToAnswer(it, w.Job); address != "" {
		return append(l, Span{Text: v.say(where), Link: address})
	}
	return append(l, plain(v.say(where)))
}

// whereToAnswer is the page of a job that waits, else that of its run.
func (v View) whereToAnswer(it *slipway.Item, job string) string {
	g := v.glance(it)
	if g != nil {
		if j := g.State.Job(job); j != nil && j.URL != "" {
			return j.URL
		}
	}
	if it.Workflow.URL == "" && g != nil && g.State != nil {
		return g.State.URL
	}
	return it.Workflow.URL
}

// tookText says how long the run of an item took, or may take.
func (v View) tookText(it *slipway.Item) slipway.Text {
	g := v.glance(it)
	switch {
	case g == nil || v.Page:
	case it.Status == slipway.Running && g.State != nil && g.State.Status == "queued":
		return slipway.T("queued in the engine", "在引擎中排队")
	case it.Status == slipway.Running:
		return UsualText(g.Usual)
	case (it.Status == slipway.Done || it.Status == slipway.Failed) && g.StartedAt != 0 && g.EndedAt > g.StartedAt:
		return slipway.T("took %s", "用时 %s", TookText(time.Duration(g.EndedAt-g.StartedAt)*time.Millisecond))
	}
	return slipway.Text{}
}

// runLines say where the run of an item is, or why it cannot simply be run again, with
// the end of its output.
func (v View) runLines(it *slipway.Item) []Line {
	if v.Page {
		return nil
	}
	if it.Status == slipway.Failed && it.Workflow.Doubt == slipway.DoubtChanged {
		return v.changeLines(it.Workflow.Change)
	}
	g := v.glance(it)
	if g == nil || it.Status != slipway.Running && it.Status != slipway.Failed {
		return nil
	}
	var lines []Line
	if it.Status == slipway.Running && g.State != nil && g.State.Status == "unknown" {
		said := g.State.WaitFor // since when it does not answer, or why
		if said == (slipway.Text{}) {
			said = slipway.T("The engine does not answer clearly; this is what it told last.", "引擎暂时没有明确的答复，以下是最近一次的状态。")
		}
		lines = append(lines, Line{plain("⚠️ " + v.say(said))})
	}
	if l := v.stepLine(g.State); len(l) > 0 {
		lines = append(lines, l)
	}
	if it.Status == slipway.Failed {
		lines = append(lines, tailLines(g.Tail)...)
	}
	return lines
}

// changeLines show how a workflow differs from the plan's.
func (v View) changeLines(c *slipway.DefinitionChange) []Line {
	if c == nil {
		return nil
	}
	var lines []Line
	for i, change := range c.Lines {
		if i == maxChanges && len(c.Lines) > maxChanges+1 {
			lines = append(lines, Line{faint(v.say(slipway.T("… %d more differences on the page", "……还有 %d 处改动，请在页面查看", len(c.Lines)-i)))})
			break
		}
		lines = append(lines, Line{{Text: strings.TrimSpace(change), Style: Code}})
	}
	return lines
}
