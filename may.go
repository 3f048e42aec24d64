package slipway

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// is tells whether an actor has a role in the plan; item may be nil.
func (p *Plan) is(a Actor, w Who, item *Item) bool {
	person := a.Kind == Person && a.ID != ""
	switch w {
	case WhoManager:
		return person && a.ID == p.Manager.ID
	case WhoCreator:
		return person && a.ID == p.Creator.ID
	case WhoCollaborator:
		return person && slices.ContainsFunc(p.Items, func(it *Item) bool { return it.Owner.ID == a.ID })
	case WhoOwner:
		if item == nil {
			return p.is(a, WhoCollaborator, nil)
		}
		return person && a.ID == item.Owner.ID
	case WhoApprover:
		// Of an item they only have a say in what changed after they were asked.
		of := item == nil || item.Workflow != nil && item.Workflow.Doubt == DoubtChanged
		return person && of && p.Approval != nil && p.Approval.Has(a.ID)
	case WhoAdmin:
		return person && a.Admin
	case WhoReceiver:
		return a.Kind == Receiver
	case WhoSystem:
		return a.Kind == System
	}
	return false
}

func (p *Plan) hasRole(a Actor, m *Move, item *Item) bool {
	return slices.ContainsFunc(m.Who, func(w Who) bool { return p.is(a, w, item) })
}

// may refuses a verb that is stale, not possible now, or not this person's.
func (p *Plan) may(req Request, verb Verb) error {
	return p.mayItem(req, verb, nil)
}

func (p *Plan) mayItem(req Request, verb Verb, item *Item) error {
	if req.Version != 0 && req.Version != p.Version {
		e := Refuse(Stale,
			"Plan #%[1]d %[2]s has changed since you saw it (%[3]s). Look at it again, then decide.",
			"发布计划 #%[1]d %[2]s 在您查看之后已有变化（%[3]s）。请重新查看后再操作。",
			p.Index, p.Name, p.Last.text(req.At.Location()))
		return e
	}
	if err := p.elsewhere(verb); err != nil {
		return err
	}
	m := move(p.Status(), verb)
	if m == nil || p.pointless(verb) {
		return p.refuse(req, verb)
	}
	if !p.hasRole(req.Actor, m, item) && !p.standsIn(req.Actor, verb, req.Rules) {
		who := make([]Text, 0, len(m.Who))
		for _, w := range m.Who {
			who = append(who, p.whoText(w, item))
		}
		return Refuse(Forbidden,
			"Only %[1]s can %[2]s here. Ask one of them.", "只有%[1]s可以“%[2]s”，请联系他们。", EitherOf(who), verb.Text())
	}
	return nil
}

func (p *Plan) whoText(w Who, item *Item) Text {
	names := ""
	switch w {
	case WhoManager:
		names = p.Manager.Name
	case WhoCreator:
		names = p.Creator.Name
	case WhoOwner:
		if item != nil {
			names = item.Owner.Name
		}
	case WhoApprover:
		if p.Approval != nil {
			for i, a := range p.Approval.Approvers {
				if i > 0 {
					names += ", "
				}
				names += a.Name
			}
		}
	case WhoCollaborator, WhoAdmin, WhoReceiver, WhoSystem:
	}
	if names == "" {
		return w.Text()
	}
	return T("%[1]s (%[2]s)", "%[1]s（%[2]s）", w.Text(), names)
}

// refuse says why a verb is not possible, who did what before, and what is possible
// instead.
func (p *Plan) refuse(req Request, verb Verb) error {
	possible, mine := p.Allowed(req.Actor, req.Rules), T("Possible", "现在可以")
	if len(possible) == 0 {
		mine = T("Possible for others", "其他人现在可以")
		for _, m := range moves {
			if slices.Contains(m.From, p.Status()) && slices.Contains(Verbs(), m.Verb) && !slices.Contains(possible, m.Verb) && !p.pointless(m.Verb) && p.offered(m.Verb) {
				possible = append(possible, m.Verb)
			}
		}
	}
	before := Text{}
	if p.Last.By != "" {
		before = T(" (%s)", "（%s）", p.Last.text(req.At.Location()))
	}
	if len(possible) == 0 {
		return Refuse(Conflict,
			"Plan #%[1]d %[2]s is in status “%[3]s”%[4]s, so %[5]s is not possible. Nothing more can happen to it; `copy` makes a new plan from it.",
			"发布计划 #%[1]d %[2]s 当前为“%[3]s”%[4]s，不能“%[5]s”。它已经结束，可以“复制”出一个新的发布计划。",
			p.Index, p.Name, p.Status().Text(), before, verb.Text())
	}
	names := make([]Text, len(possible))
	for i, v := range possible {
		names[i] = v.Text()
	}
	return Refuse(Conflict,
		"Plan #%[1]d %[2]s is in status “%[3]s”%[4]s, so %[5]s is not possible now. %[7]s: %[6]s.",
		"发布计划 #%[1]d %[2]s 当前为“%[3]s”%[4]s，不能“%[5]s”。%[7]s：%[6]s。",
		p.Index, p.Name, p.Status().Text(), before, verb.Text(), JoinTexts(names), mine)
}

// text says who did what, and when, in the zone.
func (l LastMove) text(zone *time.Location) Text {
	by := T(l.By, l.By)
	if l.By == SystemName {
		by.EN = "Slipway"
	}
	return T("%[1]s: %[2]s, %[3]s", "%[1]s：%[2]s，%[3]s", by, l.Verb.Text(), clock(l.At, zone))
}

// Allowed returns the verbs that an actor may use on the plan now, under the rules; nil
// are the rules by default. Verbs of items are listed when at least one item allows
// them, apart from the window, which AtWindow judges.
func (p *Plan) Allowed(a Actor, rules *Rules) []Verb {
	var out []Verb
	for _, v := range Verbs() {
		m := move(p.Status(), v)
		switch {
		case m == nil || p.pointless(v) || p.elsewhere(v) != nil:
		case itemVerb(v):
			if slices.ContainsFunc(p.Items, func(it *Item) bool { return slices.Contains(p.AllowedItem(a, it), v) }) {
				out = append(out, v)
			}
		case !p.hasRole(a, m, nil) && !p.standsIn(a, v, rules):
		case approverVerb(v):
			if p.mayAsApprover(a.ID, v, rules) {
				out = append(out, v)
			}
		default:
			out = append(out, v)
		}
	}
	return out
}

// anyItem tells whether a verb is possible on one of the items.
func (p *Plan) anyItem(v Verb) bool {
	return slices.ContainsFunc(p.Items, func(it *Item) bool { return itemMove(it, v) })
}

// AllowedItem returns the verbs that an actor may use on an item now, apart from the
// window, which AtWindow judges.
func (p *Plan) AllowedItem(a Actor, it *Item) []Verb {
	return slices.DeleteFunc(p.ItemVerbs(it), func(v Verb) bool { return !p.hasRole(a, move(p.Status(), v), it) })
}

// ItemVerbs returns the verbs that are possible on an item now, whoever may use them,
// apart from the window.
func (p *Plan) ItemVerbs(it *Item) []Verb {
	var out []Verb
	for _, v := range []Verb{VerbExecute, VerbComplete, VerbDecide, VerbAdopt, VerbRetry, VerbSkip} {
		if move(p.Status(), v) != nil && itemMove(it, v) && p.elsewhere(v) == nil {
			out = append(out, v)
		}
	}
	return out
}

// AtWindow refuses work outside the plan's window; it names times in the zone of at.
func (p *Plan) AtWindow(at time.Time) error {
	switch {
	case p.StartTime != 0 && at.Unix() < p.StartTime:
		return Refuse(Conflict,
			"The window of plan #%[1]d opens at %[2]s. Until then no item can be worked on; `replan` lets you change the window.",
			"发布计划 #%[1]d 的发布窗口期从 %[2]s 开始，在此之前不能操作发布项；如需调整窗口期，请重新规划。",
			p.Index, clock(p.StartTime, at.Location()))
	case p.EndTime != 0 && at.Unix() > p.EndTime:
		return Refuse(Conflict,
			"The window of plan #%[1]d ended at %[2]s. `replan` to give it a new one.",
			"发布计划 #%[1]d 的发布窗口期已于 %[2]s 结束，请重新规划新的窗口期。",
			p.Index, clock(p.EndTime, at.Location()))
	}
	return nil
}

func clock(unix int64, zone *time.Location) string {
	return time.Unix(unix, 0).In(zone).Format("2006-01-02 15:04 MST")
}

func needReason(verb Verb, reason string) error {
	said := strings.ContainsFunc(reason, func(r rune) bool { return !unicode.IsSpace(r) && unicode.IsPrint(r) })
	if said {
		return nil
	}
	field := "comment"
	if itemVerb(verb) {
		field = "remark"
	}
	return &Error{
		Code:     Invalid,
		Text:     T("Please say why: %[1]s needs a reason.", "请说明原因：“%[1]s”需要填写理由。", verb.Text()),
		Problems: []Problem{{Path: field, Text: T("a reason is expected", "需要填写原因")}},
	}
}
