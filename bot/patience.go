package bot

import "slipway"

// timeLines say since when an approval is asked for, what is to happen if it does not
// come, and who may decide in the place of others.
func (v View) timeLines(p *slipway.Plan) []Line {
	a := p.Approval
	var lines []Line
	for _, e := range a.Escalations {
		if len(e.To) == 0 {
			continue
		}
		l := Line{plain(v.say(slipway.T("⬆️ Escalated to %s · ", "⬆️ 已升级给 %s · ", personList(e.To)))), moment(e.At)}
		if len(a.Levels) > 1 {
			l = l.add(plain(v.say(slipway.T(" · %s", " · %s", a.Levels[e.Level].Title(e.Level)))))
		}
		lines = append(lines, l)
	}
	w := a.Waiting
	if p.Status() != slipway.WaitForApproval || w == nil || v.Times.Since == 0 {
		return lines
	}
	l := Line{plain(v.say(slipway.T("⏱️ Asked since ", "⏱️ 发起于 "))), moment(w.Since)}
	if at := v.Times.Reminder; at != 0 {
		l = l.add(plain(v.say(slipway.T(" · next reminder ", " · 下次提醒 "))), moment(at))
	}
	if at := v.Times.Escalation; at != 0 {
		l = l.add(plain(v.say(slipway.T(" · escalates to %s ", " · 升级时间（%s）", personList(w.Rules.EscalateTo)))), moment(at))
	}
	if at := v.Times.Expiry; at != 0 {
		l = l.add(plain(v.say(slipway.T(" · expires ", " · 过期时间 "))), moment(at))
	}
	return append(lines, l)
}

// expiredLine says why a plan is denied that nobody rejected.
func (v View) expiredLine(p *slipway.Plan) []Line {
	a := p.Approval
	if a == nil || a.Result != slipway.ApprovalExpired || a.Waiting == nil {
		return nil
	}
	return []Line{{
		plain(v.say(slipway.T("⌛ The approval expired: it was asked for at ", "⌛ 审批已过期：发起于 "))), moment(a.Waiting.Asked),
		plain(v.say(slipway.T(" and did not come within %[1]s (%[2]d of %[3]d). Replan it and submit it again.",
			"，%[1]s内未获得足够审批（%[2]d/%[3]d）。请重新规划后再次提交。", a.Waiting.Rules.ExpireAfter.Text(), a.Approvals(), a.Needed))),
	}}
}

// timeSettings are the keys of the time rules of an approval.
var timeSettings = []string{"approval.remind_after", "approval.escalate_after", escalateTo, "approval.expire_after"}

const escalateTo = "approval.escalate_to"

// timeFields ask what happens when the approval does not come.
func (a Asker) timeFields(d slipway.Draft) []Field {
	var r slipway.TimeRules
	if d.Approval != nil {
		r = d.Approval.TimeRules
	}
	period := func(name string, label, hint slipway.Text, p slipway.Period) Field {
		return Field{Name: name, Kind: TextField, Label: a.say(label), Hint: a.say(hint), Value: oneText(p.String()), Max: maxPeriodText}
	}
	var to []string
	for _, p := range r.EscalateTo {
		to = append(to, p.ID)
	}
	return []Field{
		period("approval.remind_after", slipway.T("Remind after", "提醒间隔"),
			slipway.T("For example 4h; within the approvers' working hours. Nothing: the default. never: not at all.", "例如 4h，仅在审批人的工作时间内提醒；留空为默认值，never 表示不提醒。"), r.RemindAfter),
		period("approval.escalate_after", slipway.T("Escalate after", "升级时限"),
			slipway.T("How much working time the approvers have, for example 24h.", "审批人可用的工作时长，例如 24h。"), r.EscalateAfter),
		{
			Name: escalateTo, Kind: PeopleField, Label: a.say(slipway.T("Escalate to", "升级给")), Value: to, Options: a.People, Max: slipway.MaxPersons,
			Hint: a.say(slipway.T("They may then decide in the place of approvers who are missing.", "届时可代替尚未审批的人进行审批。")),
		},
		period("approval.expire_after", slipway.T("Expire after", "过期时限"),
			slipway.T("The plan is then denied, for example 72h.", "超过后发布计划将被拒绝，例如 72h。"), r.ExpireAfter),
	}
}

// maxPeriodText is how long a period is that somebody types.
const maxPeriodText = 20

func oneText(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// timeRules reads what is to happen when the approval does not come. What is not said
// stays as it is.
func (a *answers) timeRules(vals Values) change {
	var next slipway.TimeRules
	periods := []struct {
		key  string
		read *slipway.Period
		of   func(*slipway.TimeRules) *slipway.Period
	}{
		{"approval.remind_after", &next.RemindAfter, func(r *slipway.TimeRules) *slipway.Period { return &r.RemindAfter }},
		{"approval.escalate_after", &next.EscalateAfter, func(r *slipway.TimeRules) *slipway.Period { return &r.EscalateAfter }},
		{"approval.expire_after", &next.ExpireAfter, func(r *slipway.TimeRules) *slipway.Period { return &r.ExpireAfter }},
	}
	said := false
	for _, p := range periods {
		*p.read = a.period(p.key, vals.Get(p.key))
		said = said || *p.read != 0
	}
	for _, name := range vals[escalateTo] {
		if p := a.person(escalateTo, name); p.ID != "" {
			next.EscalateTo = append(next.EscalateTo, p)
		}
	}
	said = said || len(next.EscalateTo) > 0
	return func(d *slipway.Draft) {
		if d.Approval == nil {
			if said {
				a.Add("approval.approvers", "name the approvers whose silence this is about", "请先填写审批人")
			}
			return
		}
		for _, p := range periods {
			if vals.Has(p.key) {
				*p.of(&d.Approval.TimeRules) = *p.read
			}
		}
		if vals.Has(escalateTo) {
			d.Approval.EscalateTo = next.EscalateTo
		}
	}
}

func (a *answers) period(path, s string) slipway.Period {
	switch {
	case trim(s) == "":
		return 0
	case isNone(s) || fold(trim(s)) == "从不" || fold(trim(s)) == "不":
		return slipway.Never
	}
	p, ok := slipway.ParsePeriod(fold(s))
	if !ok {
		a.Add(path, "a period such as 4h, 90m or 3d is expected, or never, not %q", "应为 4h、90m、3d 这样的时长，或 never，而不是 %q", shorten(oneLine(s), 40))
	}
	return p
}

// patienceEntryText tells what came of an approval that did not come.
func patienceEntryText(e slipway.Entry) slipway.Text {
	people := nameList(e.Data.People)
	switch {
	case e.Verb == slipway.VerbExpireApproval:
		return slipway.T("The approval expired (%s)", "审批已过期（%s）", e.Data.Votes)
	case e.Verb == slipway.VerbAskAnew && len(e.Data.People) == 0:
		return slipway.T("%[1]s counted the approvals anew (%[2]s), because what is approved has changed", "审批内容有变动，%[1]s 已重新计算审批结果（%[2]s）",
			actorName(e.Actor.Name), e.Data.Votes)
	case e.Verb == slipway.VerbAskAnew:
		return slipway.T("%[1]s asked %[2]s for approval anew (%[3]s), because what is approved has changed", "审批内容有变动，%[1]s 已重新请 %[2]s 审批（%[3]s）",
			actorName(e.Actor.Name), people, e.Data.Votes)
	case e.Verb == slipway.VerbEscalate && len(e.Data.People) == 0:
		return slipway.T("The approval was to be escalated", "审批应当升级")
	case e.Verb == slipway.VerbEscalate:
		return slipway.T("The approval was escalated to %s", "审批已升级给 %s", people)
	}
	if e.Data.For != "" {
		return slipway.T("%[1]s asked %[2]s, who decides for %[3]s now", "%[1]s 已通知 %[2]s 代 %[3]s 审批", actorName(e.Actor.Name), people, e.Data.For)
	}
	return slipway.T("%[1]s reminded %[2]s", "%[1]s 自动催办了 %[2]s", actorName(e.Actor.Name), people)
}
