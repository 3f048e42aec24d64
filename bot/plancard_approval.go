package bot

import (
	"strings"

	"slipway"
)

// people lists the votes, the levels if there are several, who is asked, and what was
// changed since those who are asked again approved.
func (v View) people(p *slipway.Plan) []Line {
	a := p.Approval
	if a == nil {
		return nil
	}
	var lines []Line
	for _, vote := range a.Votes {
		by := forText(vote.By, vote.For)
		what := slipway.T("✅ %s approved · ", "✅ %s 已通过 · ", by)
		if !vote.Approve {
			what = slipway.T("⛔ %s rejected · ", "⛔ %s 已拒绝 · ", by)
		}
		l := Line{plain(v.say(what)), moment(vote.At)}
		if vote.Comment != "" {
			l = l.add(plain(" · "), quote(vote.Comment))
		}
		lines = append(lines, l)
	}
	for _, t := range a.Transfers {
		lines = append(lines, Line{plain(v.say(slipway.T("↪ %[1]s passed the decision to %[2]s · ", "↪ %[1]s 已将审批转交给 %[2]s · ", t.From.Name, t.To.Name))), moment(t.At)})
	}
	lines = append(lines, v.questionLines(p)...)
	lines = append(lines, v.levelLines(p)...)
	lines = append(lines, v.timeLines(p)...)
	if p.Status() != slipway.WaitForApproval {
		if len(a.Levels) == 0 && a.Result == slipway.ApprovalOpen {
			lines = append(lines, Line{plain(v.say(slipway.T("Approvers: %s", "审批人：%s", personList(a.Approvers))))})
		}
		return lines
	}
	seats := p.Seats(v.Rules)
	if len(seats) > 0 {
		names := make([]slipway.Text, len(seats))
		for i, s := range seats {
			names[i] = v.seatText(s)
		}
		lines = append(lines, Line{plain(v.say(slipway.T("✋ Asked: %s", "✋ 待审批：%s", slipway.JoinTexts(names))))})
	}
	for _, s := range seats {
		if changed := a.ChangedSince(s.Place.ID); len(changed) > 0 {
			lines = append(lines, Line{plain(v.say(slipway.T("↻ Changed since %[1]s approved: %[2]s", "↻ %[1]s 上次通过之后的改动：%[2]s",
				s.Place.Name, shortList(changed))))})
		}
	}
	return lines
}

// approveConfirm says what is approved, before it is: the card has the details.
func (v View) approveConfirm(p *slipway.Plan) *Confirm {
	a := p.Approval
	items := slipway.T("%d items.", "共 %d 个发布项。", len(p.Items))
	if len(p.Items) == 1 {
		items.EN = "1 item."
	}
	said := []slipway.Text{items, slipway.T("Approvals so far: %[1]d of %[2]d.", "已有 %[1]d/%[2]d 人通过。", a.Approvals(), a.Needed)}
	if i := a.OpenLevel(); i < len(a.Levels) {
		level := a.Levels[i].Title(i)
		said = append(said, slipway.T("Asked now: %s.", "当前审批：%s。", slipway.Text{EN: shorten(level.EN, maxLevelAsked), ZH: shorten(level.ZH, maxLevelAsked)}))
	}
	said = append(said, v.changedFor(p)...)
	text := slipway.Text{}
	for _, t := range said {
		text.EN, text.ZH = strings.TrimSpace(text.EN+" "+t.EN), text.ZH+t.ZH
	}
	title := shorten(oneLine(planTitle(p)), maxPlanAsked)
	return v.confirm(slipway.T("Approve %s?", "通过 %s？", title), text, buttonText(ActionID(slipway.VerbApprove)))
}

// How much of the names of plans and levels is asked about.
const (
	maxPlanAsked  = 80
	maxLevelAsked = 60
)

// changedFor says what was changed since the viewer approved last; on a shared card, for
// whom anything was.
func (v View) changedFor(p *slipway.Plan) (said []slipway.Text) {
	var names []string
	for _, s := range p.Seats(v.Rules) {
		changed := p.Approval.ChangedSince(s.Place.ID)
		switch {
		case len(changed) == 0:
		case v.Viewer == nil:
			names = append(names, s.Place.Name)
		case v.Viewer.ID == s.Place.ID && v.Viewer.ID == s.By.ID:
			said = append(said, slipway.T("Changed since you last approved: %s.", "您上次通过之后的改动：%s。", shortList(changed)))
		case v.Viewer.ID == s.By.ID:
			said = append(said, slipway.T("Changed since %[1]s last approved: %[2]s.", "%[1]s 上次通过之后的改动：%[2]s。", s.Place.Name, shortList(changed)))
		}
	}
	if len(names) > 0 {
		said = append(said, slipway.T("Changed since %s last approved.", "%s 上次通过之后有改动。", nameList(names)))
	}
	return said
}

// seatText names who is asked: "Carol for Bob until 2026-12-05 24:00 UTC".
func (v View) seatText(s slipway.Seat) slipway.Text {
	if s.Until == 0 {
		return slipway.T(s.By.Name, s.By.Name)
	}
	return slipway.T("%[1]s for %[2]s until %[3]s", "%[1]s（代 %[2]s，至 %[3]s）", s.By.Name, s.Place.Name, Clock(s.Until, v.location()))
}

// forText names somebody, and for whom they stood in, if for anybody.
func forText(by, of slipway.PersonRef) slipway.Text {
	if of.ID == "" {
		return slipway.T(by.Name, by.Name)
	}
	return slipway.T("%[1]s for %[2]s", "%[1]s（代 %[2]s）", by.Name, of.Name)
}

// levelLines say what each level takes, and which is asked now.
func (v View) levelLines(p *slipway.Plan) []Line {
	a := p.Approval
	open := len(a.Levels)
	if p.Status() == slipway.WaitForApproval {
		open = a.OpenLevel()
	}
	lines := make([]Line, 0, len(a.Levels))
	for i := range a.Levels {
		mark := "▫️"
		switch {
		case a.Result == slipway.ApprovalPassed || open < len(a.Levels) && i < open:
			mark = "✅"
		case i == open:
			mark = "✋"
		}
		lines = append(lines, Line{plain(v.say(slipway.T("%[1]s %[2]s: %[3]s", "%[1]s %[2]s：%[3]s", mark, a.Levels[i].Title(i), a.Levels[i].Text())))})
	}
	return lines
}

// maxChangesListed is how many changes a card names.
const maxChangesListed = 8

func shortList(texts []slipway.Text) slipway.Text {
	if more := len(texts) - maxChangesListed; more > 0 {
		return slipway.T("%[1]s and %[2]d more", "%[1]s等，另有 %[2]d 处", slipway.JoinTexts(texts[:maxChangesListed]), more)
	}
	return slipway.JoinTexts(texts)
}

func personList(people []slipway.PersonRef) slipway.Text {
	names := make([]string, len(people))
	for i, p := range people {
		names[i] = p.Name
	}
	return nameList(names)
}
