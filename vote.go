package slipway

// involved tells whether a user's approval would be of their own work.
func (p *Plan) involved(userID string) bool {
	return userID == p.Manager.ID || userID == p.Creator.ID || userID == p.Editor.ID
}

// mayDecide tells whether a user's approval would count, if they are an approver: it is
// not of their own work, unless the rules allow that. Nil are the rules by default.
func (p *Plan) mayDecide(userID string, rules *Rules) bool {
	return p.selfApproval(rules) || !p.involved(userID)
}

// Asked lists those who are asked for their approval now: they are of the open level,
// have not decided, may, and help to pass it. Nil are the rules by default.
func (p *Plan) Asked(rules *Rules) []PersonRef {
	a := p.Approval
	rule, n := a.Rule(), a.OpenLevel()
	if n == len(rule) {
		return nil
	}
	l := a.here(&rule[n])
	given := l.count(a.approvedBy)
	var out []PersonRef
	for _, x := range l.people() {
		helps := func(id string) bool { return id == x.ID || a.approvedBy(id) }
		if a.VoteOf(x.ID) == nil && p.mayDecide(x.ID, rules) && l.count(helps) > given {
			out = append(out, x)
		}
	}
	return out
}

// mayVote tells whether a user can approve or reject now, apart from the status.
func (p *Plan) mayVote(userID string, rules *Rules) bool {
	a := p.Approval
	return a.VoteOf(userID) == nil && a.inOpenLevel(userID) && p.mayDecide(userID, rules)
}

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
	if err := p.refuseVote(req, a); err != nil {
		return nil, err
	}
	p.Approval = a
	c := p.newChange(req, verb)
	c.Entry.Comment = comment
	before := a.OpenLevel()
	a.say(Vote{
		By: PersonRef{ID: req.Actor.ID, Name: req.Actor.Name}, Approve: approve, Comment: comment, At: req.At.Unix(), Content: a.Content,
	})
	c.Entry.Data.Votes = a.votes()
	switch {
	case !approve:
		p.deny(req, c, req.Actor.Name, comment)
	default:
		p.passOn(req, c, before, lapsed)
	}
	return p.done(req, c), nil
}

// deny ends the approval with the no of somebody.
func (p *Plan) deny(req Request, c *Change, by, comment string) {
	p.Approval.Result, p.ApprovalTime, p.Phase = ApprovalRejected, req.At.Unix(), PhaseDenied
	c.Drop = append(c.Drop, TaskSchedule, TaskWindow)
	if p.Origin != nil {
		p.decideElsewhere(req, c, ResultFailed, comment)
	}
	c.notify(req, p, T("%[1]s rejected plan #%[2]d %[3]s. %[4]s", "%[1]s 拒绝了发布计划 #%[2]d %[3]s。%[4]s",
		by, p.Index, p.Name, comment), p.Manager.ID)
}

// passOn starts the plan if that was the last approval it needs, else asks whoever comes
// next, and those whose approval no longer counts.
func (p *Plan) passOn(req Request, c *Change, before int, lapsed []PersonRef) {
	switch a := p.Approval; {
	case a.passed():
		p.approved(req, c)
	case a.OpenLevel() != before:
		p.askApprovers(req, c, p.Asked(req.Rules))
	default:
		p.askApprovers(req, c, lapsed)
	}
}

// say adds what an approver said; it takes the place of their earlier approval.
func (a *Approval) say(v Vote) {
	for i := range a.Earlier {
		if a.Earlier[i].By.ID == v.By.ID {
			a.Earlier = append(a.Earlier[:i:i], a.Earlier[i+1:]...)
			break
		}
	}
	a.Votes = append(a.Votes, v)
	a.keep(nil)
}

// votes is how the log tells what is given of what is needed.
func (a *Approval) votes() string { return T("%d/%d", "%d/%d", a.Approvals(), a.Needed).EN }

// refuseVote says why somebody whom the plan names as an approver cannot vote now.
func (p *Plan) refuseVote(req Request, a *Approval) error {
	if !p.mayDecide(req.Actor.ID, req.Rules) {
		return Refuse(Forbidden,
			"Nobody decides on their own plan: you manage it, created it or edited it last. It needs %[1]d approval(s) from the other approvers.",
			"不能审批自己的发布计划：您是它的负责人、创建者或最后编辑者。还需要其他审批人中的 %[1]d 人审批。", a.Needed-a.Approvals())
	}
	if v := a.VoteOf(req.Actor.ID); v != nil {
		return Refuse(Conflict, "You approved this plan at %[3]s already. It has %[1]d of %[2]d approvals.",
			"您已于 %[3]s 审批通过该发布计划，目前为 %[1]d/%[2]d 人通过。", a.Approvals(), a.Needed, clock(v.At, req.At.Location()))
	}
	// With the checks as they are again, what was said before may be enough: then
	// anybody's yes sets the plan going.
	if n := a.OpenLevel(); !a.passed() && !a.inOpenLevel(req.Actor.ID) {
		l := a.Rule()[n]
		if l.Has(req.Actor.ID) {
			return p.decideThere(a, n, req.Actor.ID)
		}
		return Refuse(Conflict,
			"Plan #%[1]d is at %[2]s of its approval now, which takes %[3]s. You are asked when your level comes.",
			"发布计划 #%[1]d 当前处于审批的%[2]s，需要 %[3]s 审批。轮到您所在的级别时会通知您。", p.Index, l.Title(n), l.Text())
	}
	return nil
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
	c.notify(req, p, T("Plan #%[1]d %[2]s asks for your approval.", "发布计划 #%[1]d %[2]s 需要您审批。", p.Index, p.Name), ids(people)...)
}

// approved starts the plan, of which every level has approved exactly what it runs.
func (p *Plan) approved(req Request, c *Change) {
	p.Approval.Result, p.ApprovalTime = ApprovalPassed, req.At.Unix()
	if p.Origin != nil {
		p.decideElsewhere(req, c, ResultSuccess, c.Entry.Comment)
		p.goOn(req)
		return
	}
	p.through(req, c, EventStartExecute)
}
