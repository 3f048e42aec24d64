package slipway

import "slices"

// involved tells whether a user's approval would be of their own work.
func (p *Plan) involved(userID string) bool {
	return userID == p.Manager.ID || userID == p.Creator.ID || userID == p.Editor.ID
}

// mayDecide tells whether a user's approval would count, if they are an approver: it is
// not of their own work, unless the rules allow that. Nil are the rules by default.
func (p *Plan) mayDecide(userID string, rules *Rules) bool {
	return p.selfApproval(rules) || !p.involved(userID)
}

// Asked lists those who are asked for their approval now, once each; see Seats. Nil are
// the rules by default.
func (p *Plan) Asked(rules *Rules) []PersonRef { return askedOf(p.Seats(rules)) }

// Vote is an approver's yes or no to what the plan runs. When every level has its yes
// the plan starts; one no denies it.
func (p *Plan) Vote(req Request, approve bool, comment string) (*Change, error) {
	verb := VerbReject
	if approve {
		verb = VerbApprove
	}
	if err := p.may(req, verb); err != nil {
		return nil, err
	}
	a := p.Approval.clone()
	// The outside checks that hold the plan may be others than when it was asked for.
	lapsed := a.ask(p, req.Rules)
	place, err := p.seat(req, a)
	if err != nil {
		return nil, err
	}
	p.Approval = a
	c := p.newChange(req, verb)
	c.Entry.Comment = comment
	before := a.OpenLevel()
	vote := Vote{
		By: PersonRef{ID: req.Actor.ID, Name: req.Actor.Name}, Approve: approve, Comment: comment, At: req.At.Unix(), Content: a.Content,
	}
	if place.ID != req.Actor.ID {
		vote.For, c.Entry.Data.For = place, place.Name
	}
	a.say(vote)
	c.Entry.Data.Votes = a.votes()
	if approve {
		p.passOn(req, c, before, lapsed)
	} else {
		p.deny(req, c, req.Actor.Name, comment)
	}
	return p.done(req, c), nil
}

// deny ends the approval with the no of somebody.
func (p *Plan) deny(req Request, c *Change, by, comment string) {
	p.Approval.Result, p.ApprovalTime, p.Phase = ApprovalRejected, req.At.Unix(), PhaseDenied
	c.Drop = append(c.Drop, TaskSchedule, TaskWindow, TaskPatience)
	if p.Origin != nil {
		p.decideElsewhere(req, c, ResultFailed, comment)
	}
	c.notify(req, p, T("%[1]s rejected plan #%[2]d %[3]s. %[4]s", "%[1]s 拒绝了发布计划 #%[2]d %[3]s。%[4]s",
		by, p.Index, p.Name, comment), p.Manager.ID)
}

// passOn starts the plan if that was the last approval it needs, else asks whoever comes
// next, and those whose approval no longer counts.
func (p *Plan) passOn(req Request, c *Change, before int, lapsed []string) {
	switch a := p.Approval; {
	case a.passed():
		p.approved(req, c)
	case a.OpenLevel() != before:
		p.askApprovers(req, c, p.Asked(req.Rules))
	default:
		p.askApprovers(req, c, p.askedFor(req.Rules, lapsed))
	}
}

// askedFor lists those who are asked now for the approvals of some places.
func (p *Plan) askedFor(rules *Rules, places []string) []PersonRef {
	return askedOf(slices.DeleteFunc(p.Seats(rules), func(s Seat) bool { return !slices.Contains(places, s.Place.ID) }))
}

// say adds what was said in an approver's place, instead of what was said there before.
func (a *Approval) say(v Vote) {
	a.forget(v.place())
	a.Votes = append(a.Votes, v)
	a.keep(nil)
}

// heard tells whether a user has decided, in whoever's place, or somebody has in theirs.
func (a *Approval) heard(userID string) bool {
	return slices.ContainsFunc(a.Votes, func(v Vote) bool { return v.By.ID == userID || v.place() == userID })
}

// forget leaves nothing of what was said in an approver's place.
func (a *Approval) forget(userID string) {
	there := func(v Vote) bool { return v.place() == userID }
	a.Votes, a.Earlier = slices.DeleteFunc(a.Votes, there), slices.DeleteFunc(a.Earlier, there)
}

// votes is how the log tells what is given of what is needed.
func (a *Approval) votes() string { return T("%d/%d", "%d/%d", a.Approvals(), a.Needed).EN }

// seat returns the place that somebody decides when they vote, or says why there is none.
func (p *Plan) seat(req Request, a *Approval) (PersonRef, error) {
	me := req.Actor.ID
	if !p.mayDecide(me, req.Rules) {
		return PersonRef{}, Refuse(Forbidden,
			"Nobody decides on their own plan: you manage it, created it or edited it last. It needs %[1]d approval(s) from the other approvers.",
			"不能审批自己的发布计划：您是它的负责人、创建者或最后编辑者。还需要其他审批人中的 %[1]d 人审批。", a.Needed-a.Approvals())
	}
	if place := a.placeFor(me, req.Rules); place != nil {
		return *place, nil
	}
	for _, v := range a.Votes {
		switch at := clock(v.At, req.At.Location()); {
		case v.By.ID == me:
			return PersonRef{}, Refuse(Conflict, "You approved this plan at %[3]s already. It has %[1]d of %[2]d approvals.",
				"您已于 %[3]s 审批通过该发布计划，目前为 %[1]d/%[2]d 人通过。", a.Approvals(), a.Needed, at)
		case v.place() == me || req.Rules.standsIn(me, v.place()):
			return PersonRef{}, Refuse(Conflict, "%[4]s approved this plan at %[3]s already, which counts for you both. It has %[1]d of %[2]d approvals.",
				"%[4]s 已于 %[3]s 审批通过该发布计划，双方只计一次，目前为 %[1]d/%[2]d 人通过。", a.Approvals(), a.Needed, at, v.By.Name)
		}
	}
	n := a.OpenLevel()
	if n == len(a.Rule()) {
		return PersonRef{}, Refuse(Conflict, "Everybody approved this plan already: it starts by itself.", "该发布计划已全部审批通过，将自动开始执行。")
	}
	l := a.Rule()[n]
	if l.names(me) {
		return PersonRef{}, p.decideThere(a, n, me)
	}
	return PersonRef{}, Refuse(Conflict,
		"Plan #%[1]d is at %[2]s of its approval now, which takes %[3]s. You are asked when your level comes.",
		"发布计划 #%[1]d 当前处于审批的%[2]s，需要 %[3]s 审批。轮到您所在的级别时会通知您。", p.Index, l.Title(n), l.Text())
}

// requestApproval asks the approvers for what the plan runs. Whoever approved exactly
// that before is not asked again; if nobody is left to ask, the plan starts.
func (p *Plan) requestApproval(req Request, c *Change) {
	p.Phase = PhaseApproval
	a := p.Approval
	a.ask(p, req.Rules)
	for _, v := range a.Votes {
		c.Entry.Data.Kept = append(c.Entry.Data.Kept, v.By.Name)
	}
	c.Entry.Data.Kept = append(c.Entry.Data.Kept, a.keptOutside()...)
	if a.passed() {
		p.approved(req, c)
		return
	}
	p.askApprovers(req, c, p.Asked(req.Rules))
}

// askApprovers tells people that they are asked, and asks in other systems.
func (p *Plan) askApprovers(req Request, c *Change, people []PersonRef) {
	p.askOutside(req, c)
	p.await(req, c, people)
	c.tell(req, p, Notice{
		To: ids(people), Card: true, Asks: AskedFirst,
		Text: T("Plan #%[1]d %[2]s asks for your approval.", "发布计划 #%[1]d %[2]s 需要您审批。", p.Index, p.Name),
	})
}

// approved starts the plan, of which every level has approved exactly what it runs.
func (p *Plan) approved(req Request, c *Change) {
	p.Approval.Result, p.ApprovalTime = ApprovalPassed, req.At.Unix()
	c.Drop = append(c.Drop, TaskPatience)
	if p.Origin != nil {
		p.decideElsewhere(req, c, ResultSuccess, c.Entry.Comment)
		p.goOn(req)
		return
	}
	p.through(req, c, EventStartExecute)
}
