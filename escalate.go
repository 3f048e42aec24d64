package slipway

import "slices"

// Escalation tells that a level of an approval was put before others as well: each of
// them may take the place of an approver of it who is missing.
type Escalation struct {
	Level int         `json:"level"` // its place, from 0
	To    []PersonRef `json:"to"`
	At    int64       `json:"at"`
}

// escalation returns the escalation of the level at a place, nil if there is none.
func (a *Approval) escalation(level int) *Escalation {
	for i := range a.Escalations {
		if a.Escalations[i].Level == level {
			return &a.Escalations[i]
		}
	}
	return nil
}

// escalatedTo tells whether a level was put before the user.
func (a *Approval) escalatedTo(userID string) bool {
	return slices.ContainsFunc(a.Escalations, func(e Escalation) bool {
		return isAmong(e.To, userID)
	})
}

// withStandIns returns the levels with those who may decide in the place of others.
func (a *Approval) withStandIns(levels []Level) []Level {
	if len(a.Escalations) == 0 {
		return levels
	}
	levels = slices.Clone(levels)
	for i := range levels {
		if e := a.escalation(i); e != nil {
			levels[i].StandIns = e.To
		}
	}
	return levels
}

func (l *Level) standsIn(userID string) bool { return isAmong(l.StandIns, userID) }

// escalate puts the open level before people who may decide and have not yet: an
// approval that was given already does not pass another level by itself. Where nobody of
// them may decide, they and the manager are told all the same.
func (p *Plan) escalate(req Request, to []PersonRef) *Change {
	c := p.newChange(req, VerbEscalate)
	a, asked := p.Approval, p.Asked(req.Rules)
	var waited []Text
	for _, x := range asked {
		waited = append(waited, Text{EN: x.Name, ZH: x.Name})
	}
	elsewhere := a.here(&a.Rule()[a.Waiting.Level]).Elsewhere
	e := Escalation{Level: a.Waiting.Level, At: req.At.Unix(), To: []PersonRef{}}
	for _, x := range to {
		known := isAmong(e.To, x.ID) || isAmong(elsewhere, x.ID)
		if x.ID != "" && !known && !a.heard(x.ID) && p.mayDecide(x.ID, req.Rules) {
			a.forget(x.ID) // whoever may take a place is asked, whatever they said before
			e.To = append(e.To, x)
			c.Entry.Data.People = append(c.Entry.Data.People, x.Name)
		}
	}
	a.keep(nil)
	a.Escalations = append(a.Escalations, e)
	if len(e.To) == 0 {
		reason := T("Nobody to whom it would be escalated may decide on it.", "升级对象中没有人可以审批该发布计划。")
		c.Entry.Data.Reason = &reason
		c.notify(req, p, T("Plan #%[1]d %[2]s has waited for the approval of %[3]s for %[4]s of working time, and there is nobody to escalate it to.",
			"发布计划 #%[1]d %[2]s 等待 %[3]s 审批已超过 %[4]s（工作时间），且没有可以升级的审批人。",
			p.Index, p.Name, EitherOf(waited), a.Waiting.Rules.EscalateAfter.Text()), p.Manager.ID)
		return c
	}
	told := slices.Clone(e.To)
	for _, x := range p.Asked(req.Rules) { // whoever stands in for one of them, too
		if !slices.Contains(asked, x) && !slices.Contains(told, x) {
			told = append(told, x)
		}
	}
	a.Waiting.tell(told, req.At.Unix())
	c.tell(req, p, Notice{
		To: ids(told), Card: true, Urgent: true, Asks: AskedFirst,
		Text: T("Plan #%[1]d %[2]s has waited for the approval of %[3]s for %[4]s of working time. It is escalated to you: you may decide in their place.",
			"发布计划 #%[1]d %[2]s 等待 %[3]s 审批已超过 %[4]s（工作时间），现升级给您，您可以代为审批。",
			p.Index, p.Name, EitherOf(waited), a.Waiting.Rules.EscalateAfter.Text()),
	})
	return c
}
