package slipway

import "slices"

// Transfer is an approver's place that was passed on.
type Transfer struct {
	From PersonRef `json:"from"`
	To   PersonRef `json:"to"`
	At   int64     `json:"at"`
	// Levels are the levels in which To stands in the place of From, from 0.
	Levels []int `json:"levels"`
}

// Transfer passes the actor's place as an approver to somebody else, in every level that
// has not passed yet, until the plan is planned again.
func (p *Plan) Transfer(req Request, to PersonRef, comment string) (*Change, error) {
	if err := p.may(req, VerbTransfer); err != nil {
		return nil, err
	}
	levels, err := p.passable(req.Actor.ID, req.Rules)
	if err != nil {
		return nil, err
	}
	if err := p.mayTake(req, to, levels); err != nil {
		return nil, err
	}
	c := p.newChange(req, VerbTransfer)
	c.Entry.Comment, c.Entry.Data.People = comment, []string{to.Name}
	before := p.Asked(req.Rules)
	a := p.Approval
	a.forget(to.ID) // whoever takes a place is asked, whatever they said before
	a.replace(req.Actor.ID, to, levels)
	a.Transfers = append(a.Transfers, Transfer{
		From: PersonRef{ID: req.Actor.ID, Name: req.Actor.Name}, To: to, At: req.At.Unix(), Levels: levels,
	})
	a.keep(nil)
	asked := slices.DeleteFunc(p.Asked(req.Rules), func(x PersonRef) bool { return slices.Contains(before, x) })
	a.Waiting.tell(asked, req.At.Unix())
	c.tell(req, p, Notice{
		To: ids(asked), Card: true, Asks: AskedFirst,
		Text: T("%[1]s passed to you the decision on plan #%[2]d %[3]s, which waits for your approval. %[4]s",
			"%[1]s 将发布计划 #%[2]d %[3]s 的审批转交给您，请您审批。%[4]s", req.Actor.Name, p.Index, p.Name, comment),
	})
	return p.done(req, c), nil
}

// MayTransfer refuses if the actor has no place that could be passed on.
func (p *Plan) MayTransfer(req Request) error {
	if err := p.may(req, VerbTransfer); err != nil {
		return err
	}
	_, err := p.passable(req.Actor.ID, req.Rules)
	return err
}

// passable returns the levels whose place a user can pass on, or says why there are none.
func (p *Plan) passable(userID string, rules *Rules) ([]int, error) {
	a := p.Approval
	if v := a.VoteOf(userID); v != nil {
		return nil, Refuse(Conflict, "%[2]s decided on plan #%[1]d in this place already. `withdraw` that first, then pass the place on.",
			"%[2]s 已对发布计划 #%[1]d 作出审批。请先“撤回审批”，再转交。", p.Index, v.By.Name)
	}
	if !p.mayDecide(userID, rules) {
		return nil, Refuse(Forbidden,
			"Nobody decides on their own plan, so you are not asked about plan #%[1]d and have nothing to pass on.",
			"不能审批自己的发布计划，因此发布计划 #%[1]d 没有请您审批，也无需转交。", p.Index)
	}
	var levels []int
	rule := a.Rule()
	for i := range rule {
		if i >= a.OpenLevel() && a.here(&rule[i]).names(userID) {
			levels = append(levels, i)
		}
	}
	if len(levels) == 0 {
		return nil, Refuse(Conflict, "Nothing about plan #%[1]d waits for you: the levels that name you have passed.",
			"发布计划 #%[1]d 无需您处理：您所在的审批级别已经通过。", p.Index)
	}
	return levels, nil
}

// mayTake refuses somebody who cannot take the actor's place in the levels.
func (p *Plan) mayTake(req Request, to PersonRef, levels []int) error {
	a, rule := p.Approval, p.Approval.Rule()
	var why Text
	switch n := slices.IndexFunc(levels, func(n int) bool { return rule[n].Has(to.ID) }); {
	case to.ID == "" || to.ID == req.Actor.ID:
		why = T("somebody else is expected", "请选择其他人")
	case !p.mayDecide(to.ID, req.Rules):
		why = T("nobody decides on their own plan: %s manages it, created it or edited it last", "不能审批自己的发布计划：%s 是它的负责人、创建者或最后编辑者", to.Name)
	case a.heard(to.ID):
		why = T("%s decided on this plan already", "%s 已对该发布计划作出审批", to.Name)
	case n >= 0:
		why = T("%[1]s is named in %[2]s already, and counts there once", "%[1]s 已是%[2]s的审批人，同一级中每人只计一次", to.Name, rule[levels[n]].Title(levels[n]))
	default:
		return nil
	}
	return &Error{
		Code: Conflict, Text: T("The place cannot be passed on like this: %s.", "不能这样转交：%s。", why),
		Problems: []Problem{{Path: "to", Text: why}},
	}
}

// replace puts a person in the place of another, in some levels of the rule.
func (a *Approval) replace(from string, to PersonRef, levels []int) {
	swap := func(people []PersonRef) {
		if i := slices.IndexFunc(people, func(p PersonRef) bool { return p.ID == from }); i >= 0 {
			people[i] = to
		}
	}
	if len(a.Levels) == 0 {
		swap(a.Approvers)
		return
	}
	for _, n := range levels {
		for i := range a.Levels[n].Groups {
			swap(a.Levels[n].Groups[i].Approvers)
		}
	}
	a.settle()
}

// untransfer gives the places back that were passed on.
func (a *Approval) untransfer() {
	for _, t := range slices.Backward(a.Transfers) {
		a.replace(t.To.ID, t.From, t.Levels)
	}
	a.Transfers = nil
}
