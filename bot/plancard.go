package bot

import (
	"slices"
	"strings"

	"slipway"
	"slipway/storage"
)

// View is for whom a card is made.
type View struct {
	Lang slipway.Lang
	// Zone is the IANA name of the reader's or the room's time zone; "" is UTC.
	Zone string
	// Viewer is the one person who sees the card; nil on a card that many share, which
	// then has the buttons of everybody.
	Viewer *slipway.Actor
	// Rules are the settings in force; nil are the defaults.
	Rules *slipway.Rules
	// Link returns the address of a plan's page, "" if there is none. It may be nil.
	Link func(*slipway.Plan) string
	// Runs are what is known of the present runs of the plan's items, by their ids. It
	// may be nil.
	Runs map[string]*storage.Glance
	// Times are what is to happen next if the plan's approval does not come.
	Times slipway.Times
	// Sprints are what Jira told last of the sprints behind the plan, by their numbers. It
	// may be nil.
	Sprints map[int64]*slipway.SprintLook
	// Page tells that the card is for the plan's own page, which has room for everything:
	// nothing that people wrote is shortened. It shows runs, output and differences by itself.
	Page bool
}

func (v View) say(t slipway.Text) string { return t.In(v.Lang) }

func (v View) link(p *slipway.Plan) string {
	if v.Link == nil {
		return ""
	}
	return v.Link(p)
}

// PlanCard shows a plan: where it stands, what it waits for, its items with who did
// what, and buttons for what can be done now.
func PlanCard(p *slipway.Plan, v View) Card {
	c := Card{
		Lang: v.Lang, Zone: v.Zone, Plan: p.ID, Title: planTitle(p), State: statusState(p.Status(), v.Lang),
		Intro: slices.Concat(v.gateLines(p), v.halfOverridden(p), v.overrideLines(p), v.adviceLines(p), v.endLines(p)),
		Facts: v.facts(p), Body: v.excerpt(p.Description, maxDescription), People: v.people(p), Link: v.link(p),
	}
	c.Summary = v.say(slipway.T("%[1]s: %[2]s", "%[1]s：%[2]s", c.Title, p.Status().Text()))
	for _, it := range p.Items {
		c.Rows = append(c.Rows, v.itemRow(p, it))
	}
	c.Actions, c.More = v.planActions(p)
	c.Footer = []Line{v.footer(p)}
	return c
}

// How much of what people wrote a card shows; the plan's page has all of it.
const (
	maxDescription = 3000
	maxContent     = 600
)

func (v View) excerpt(markdown string, n int) Markdown {
	if v.Page {
		return Markdown(markdown)
	}
	return Markdown(shorten(markdown, n))
}

func planTitle(p *slipway.Plan) string { return planNumber(p) + " " + p.Name }

// statusState shows a plan's status.
func statusState(s slipway.Status, lang slipway.Lang) *State {
	colour, emoji := Grey, ""
	switch s {
	case slipway.Planning:
		colour, emoji = Grey, "📝"
	case slipway.FinishPlanning:
		colour, emoji = Blue, "📋"
	case slipway.WaitForApproval:
		colour, emoji = Amber, "✋"
	case slipway.Executing:
		colour, emoji = Blue, "🚀"
	case slipway.Denied:
		colour, emoji = Red, "⛔"
	case slipway.Timeout:
		colour, emoji = Red, "⌛"
	case slipway.Success:
		colour, emoji = Green, "✅"
	case slipway.Cancelled:
		colour, emoji = Grey, "🚫"
	case slipway.WaitFinishPlanning, slipway.WaitExecute, slipway.WaitAllDone:
		colour, emoji = Amber, "⏳"
	case slipway.FinishPlanningCheckFailed, slipway.ExecuteCheckFailed, slipway.AllDoneCheckFailed:
		colour, emoji = Red, "❗"
	}
	return &State{Colour: colour, Emoji: emoji, Word: s.Text().In(lang)}
}

// itemState shows where an item is, and that it waits for a person.
func (v View) itemState(it *slipway.Item) *State {
	if isWaiting(it) {
		return &State{Colour: Amber, Emoji: "✋", Word: v.say(WordOfStep("waiting").Text)}
	}
	return itemState(it.Status, v.Lang)
}

func itemState(s slipway.ItemStatus, lang slipway.Lang) *State {
	colour, emoji := Grey, ""
	switch s {
	case slipway.Todo:
		colour, emoji = Grey, "⬜"
	case slipway.Running:
		colour, emoji = Blue, "🔄"
	case slipway.Done:
		colour, emoji = Green, "✅"
	case slipway.Skipped:
		colour, emoji = Grey, "⏭️"
	case slipway.Failed:
		colour, emoji = Red, "❌"
	}
	return &State{Colour: colour, Emoji: emoji, Word: s.Text().In(lang)}
}

// gateLines say who is waited for, since when and until when, or why a check failed.
func (v View) gateLines(p *slipway.Plan) []Line {
	if p.Gate == nil {
		return nil
	}
	var lines []Line
	for _, w := range p.Gate.Waits {
		var l Line
		switch w.State {
		case slipway.GatePassed:
			l = l.add(plain(v.say(slipway.T("✅ The %[2]s by %[1]s passed · ", "✅ %[1]s 的%[2]s已通过 · ", w.Endpoint, p.Gate.Event.Text()))), moment(w.AnsweredAt))
		case slipway.GateFailed:
			l = l.add(plain(v.say(slipway.T("❗ The %[2]s by %[1]s failed · ", "❗ %[1]s 的%[2]s未通过 · ", w.Endpoint, p.Gate.Event.Text()))),
				moment(w.AnsweredAt), plain(" · "), quote(v.say(w.Reason)))
		case slipway.GateOpen:
			l = l.add(plain(v.say(slipway.T("⏳ Waiting for %[1]s (%[2]s), asked ", "⏳ 等待 %[1]s（%[2]s），发起于 ", w.Endpoint, p.Gate.Event.Text()))), moment(w.Since))
			if w.Deadline != 0 {
				l = l.add(plain(v.say(slipway.T(", answer due by ", "，截止 "))), moment(w.Deadline))
			}
		}
		lines = append(lines, l)
		if w.State == slipway.GateOpen && w.Progress != "" {
			lines = append(lines, Line{}.add(plain(v.say(slipway.T("↳ %s reports ", "↳ %s 的进展 ", w.Endpoint))), moment(w.ProgressAt), plain(" · "), quote(w.Progress)))
		}
	}
	return lines
}

func (v View) overrideLines(p *slipway.Plan) []Line {
	lines := make([]Line, 0, len(p.Overrides))
	for _, o := range p.Overrides {
		lines = append(lines, Line{}.add(
			plain(v.say(slipway.T("⚠️ %[1]s overrode the %[2]s · ", "⚠️ %[1]s 放行了%[2]s · ", o.By, o.Event.Text()))), moment(o.At), plain(" · "), quote(o.Reason)))
	}
	return lines
}

// endLines say why a plan came to its end.
func (v View) endLines(p *slipway.Plan) []Line {
	switch {
	case p.Phase == slipway.PhaseDenied:
		return v.expiredLine(p)
	case p.Phase == slipway.PhaseCancel:
		return []Line{Line{}.add(plain(v.say(slipway.T("Cancelled: ", "取消原因："))), quote(p.CancelReason))}
	case p.Phase == slipway.PhaseTimeout:
		return []Line{{plain(v.say(slipway.T("The window ended before the plan was done. Replan it with a new window.", "发布计划未在窗口期内完成，请重新规划并设置新的窗口期。")))}}
	case p.Phase == slipway.PhasePlanning && len(p.Items) == 0:
		return []Line{{plain(v.say(slipway.T("No items yet: add what is to be done.", "还没有发布项，请添加要做的事。")))}}
	}
	return nil
}

func (v View) facts(p *slipway.Plan) []Fact {
	var facts []Fact
	fact := func(label slipway.Text, value Line) {
		if len(value) > 0 {
			facts = append(facts, Fact{Label: v.say(label), Value: value})
		}
	}
	fact(slipway.T("Manager", "发布负责人"), Line{plain(p.Manager.Name)})
	if o := p.Origin; o != nil {
		fact(slipway.T("From", "来源"), Line{plain(v.say(slipway.T("%[1]s, plan %[2]d: %[3]s", "%[1]s 的发布计划 %[2]d：%[3]s", o.System, o.Index, o.Event.Text())))})
	}
	fact(slipway.T("Window", "发布窗口期"), v.window(p))
	if p.ScheduleExecuteTime != 0 {
		l := Line{moment(p.ScheduleExecuteTime)}
		if p.ScheduleFired {
			l = l.add(plain(v.say(slipway.T(" (done)", "（已执行）"))))
		}
		fact(slipway.T("Schedule", "定时执行"), l)
	}
	if a := p.Approval; a != nil {
		fact(slipway.T("Approval", "审批"), Line{}.add(
			plain(v.say(slipway.T("%[1]d of %[2]d", "%[1]d/%[2]d 人通过", a.Approvals(), a.Needed))), plain(v.approvalKind(a))))
	}
	if n := len(p.Items); n > 0 {
		fact(slipway.T("Items", "发布项"), Line{plain(v.progress(p))})
	}
	if len(p.Labels) > 0 {
		fact(slipway.T("Labels", "标签"), Line{plain(strings.Join(p.Labels, ", "))})
	}
	fact(slipway.T("Sprints", "需求关联"), v.sprintFacts(p))
	return facts
}

func (v View) approvalKind(a *slipway.Approval) string {
	switch a.Type {
	case slipway.LarkApproval:
		return v.say(slipway.T(" in Feishu", "（飞书审批）"))
	case slipway.DingTalkApproval:
		return v.say(slipway.T(" in DingTalk", "（钉钉审批）"))
	case slipway.NativeApproval:
	}
	return ""
}

func (v View) window(p *slipway.Plan) Line {
	switch {
	case p.StartTime != 0 && p.EndTime != 0:
		return Line{moment(p.StartTime), plain(" – "), moment(p.EndTime)}
	case p.StartTime != 0:
		return Line{plain(v.say(slipway.T("from ", "开始于 "))), moment(p.StartTime)}
	case p.EndTime != 0:
		return Line{plain(v.say(slipway.T("until ", "截止 "))), moment(p.EndTime)}
	}
	return nil
}

// progress counts the items: "2 of 5 done, 1 failed".
func (v View) progress(p *slipway.Plan) string {
	count := map[slipway.ItemStatus]int{}
	for _, it := range p.Items {
		count[it.Status]++
	}
	parts := []slipway.Text{slipway.T("%[1]d of %[2]d done", "%[1]d/%[2]d 已完成", count[slipway.Done]+count[slipway.Skipped], len(p.Items))}
	for _, s := range []slipway.ItemStatus{slipway.Running, slipway.Failed} {
		if count[s] > 0 {
			parts = append(parts, slipway.T("%[1]d %[2]s", "%[1]d 个%[2]s", count[s], s.Text()))
		}
	}
	return v.say(slipway.JoinTexts(parts))
}

func sprints(j *slipway.JiraAssociation) string {
	names := make([]string, len(j.Sprints))
	for i, s := range j.Sprints {
		names[i] = s.Title()
	}
	return strings.Join(names, ", ")
}

// footer says what happened last.
func (v View) footer(p *slipway.Plan) Line {
	l := Line{faint(v.say(slipway.T("Version %[1]d, created by %[2]s", "第 %[1]d 版，由 %[2]s 创建", p.Version, p.Creator.Name)))}
	if p.Last.By == "" {
		return l
	}
	return append(l, faint(v.say(slipway.T(" · last: %s · ", " · 最近：%s · ", lastText(p.Last)))), moment(p.Last.At))
}
