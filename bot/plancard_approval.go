package bot

import "slipway"

// people lists the votes, the levels if there are several, who is asked, and what was
// changed since those who are asked again approved.
func (v View) people(p *slipway.Plan) []Line {
	a := p.Approval
	if a == nil {
		return nil
	}
	var lines []Line
	for _, vote := range a.Votes {
		what := slipway.T("✅ %s approved · ", "✅ %s 已通过 · ", vote.By.Name)
		if !vote.Approve {
			what = slipway.T("⛔ %s rejected · ", "⛔ %s 已拒绝 · ", vote.By.Name)
		}
		l := Line{plain(v.say(what)), moment(vote.At)}
		if vote.Comment != "" {
			l = l.add(plain(" · "), quote(vote.Comment))
		}
		lines = append(lines, l)
	}
	lines = append(lines, v.questionLines(p)...)
	lines = append(lines, v.levelLines(p)...)
	if p.Status() != slipway.WaitForApproval {
		if len(a.Levels) == 0 && a.Result == slipway.ApprovalOpen {
			lines = append(lines, Line{plain(v.say(slipway.T("Approvers: %s", "审批人：%s", personList(a.Approvers))))})
		}
		return lines
	}
	asked := p.Asked(v.Rules)
	if len(asked) > 0 {
		lines = append(lines, Line{plain(v.say(slipway.T("✋ Asked: %s", "✋ 待审批：%s", personList(asked))))})
	}
	for _, x := range asked {
		if changed := a.ChangedSince(x.ID); len(changed) > 0 {
			lines = append(lines, Line{plain(v.say(slipway.T("↻ Changed since %[1]s approved: %[2]s", "↻ %[1]s 上次通过之后的改动：%[2]s",
				x.Name, shortList(changed))))})
		}
	}
	return lines
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
