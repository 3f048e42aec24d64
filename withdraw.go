package slipway

import "slices"

// Withdraw takes back what somebody approved, or what was approved in their place, while
// nothing has started. A plan that waits for the check before executing waits for its
// approval again; what the check would have answered is moot.
func (p *Plan) Withdraw(req Request, comment string) (*Change, error) {
	if err := p.may(req, VerbWithdraw); err != nil {
		return nil, err
	}
	a := p.Approval
	places := a.given(req.Actor.ID)
	if len(places) == 0 {
		return nil, Refuse(Conflict,
			"You have not approved plan #%[1]d, so there is nothing to take back.", "您没有审批通过发布计划 #%[1]d，无需撤回。", p.Index)
	}
	c := p.newChange(req, VerbWithdraw)
	c.Entry.Comment = comment
	var before []PersonRef
	if p.Gate != nil {
		p.closeGate(c)
		p.dropAdviceOn(c, EventStartExecute)
		a.Result, p.ApprovalTime = ApprovalOpen, 0
		if w := a.Waiting; w != nil { // nobody kept anybody waiting while it was approved
			a.Waiting = &Waiting{Asked: req.At.Unix(), Level: -1, Rules: w.Rules}
		}
	} else {
		before = p.Asked(req.Rules)
	}
	for _, place := range places {
		if place.ID != req.Actor.ID {
			c.Entry.Data.For = place.Name
		}
		a.forget(place.ID)
	}
	a.keep(nil)
	c.Entry.Data.Votes = a.votes()
	c.notify(req, p, T("%[1]s withdrew their approval of plan #%[2]d %[3]s, which has %[5]s approvals now. %[4]s", "%[1]s 撤回了对发布计划 #%[2]d %[3]s 的审批，目前为 %[5]s 人通过。%[4]s",
		req.Actor.Name, p.Index, p.Name, comment, a.votes()), p.Manager.ID)
	p.askApprovers(req, c, slices.DeleteFunc(p.Asked(req.Rules), func(x PersonRef) bool { return slices.Contains(before, x) }))
	return p.done(req, c), nil
}

// given lists the places whose approval a user can take back: what they gave, and what
// was given in their place.
func (a *Approval) given(userID string) []PersonRef {
	var out []PersonRef
	for _, v := range a.Votes {
		if !v.Approve || v.By.ID != userID && v.place() != userID {
			continue
		}
		place := v.By
		if v.For.ID != "" {
			place = v.For
		}
		out = append(out, place)
	}
	return out
}

// dropAdviceOn takes back the advice about an event that does not come about.
func (p *Plan) dropAdviceOn(c *Change, ev Event) {
	p.Advice = slices.DeleteFunc(p.Advice, func(a Advice) bool {
		if a.Event == ev {
			c.Unsend, c.Moot = append(c.Unsend, a.DeliveryID), append(c.Moot, a.DeliveryID)
		}
		return a.Event == ev
	})
}
