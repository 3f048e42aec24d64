package slipway

import "time"

// RemindPause is the least time between two reminders of the same plan.
const RemindPause = 10 * time.Minute

// Remind tells the approvers who have not decided yet, with more than a message where
// that is possible. It is refused with Conflict within RemindPause of the reminder
// before.
func (p *Plan) Remind(req Request) (*Change, error) {
	if err := p.may(req, VerbRemind); err != nil {
		return nil, err
	}
	var people []PersonRef
	for _, a := range p.Asked(req.Rules) {
		if a.ID != req.Actor.ID {
			people = append(people, a)
		}
	}
	if len(people) == 0 {
		if err := p.remindThere(); err != nil {
			return nil, err
		}
		return nil, Refuse(Conflict,
			"Nobody else is asked about plan #%[1]d any more: you are the approver it waits for. `approve` or `reject` it.",
			"发布计划 #%[1]d 只差您本人的审批，没有其他人可以催办。请直接“通过”或“拒绝”。", p.Index)
	}
	if next := time.Unix(p.Approval.RemindedAt, 0).Add(RemindPause); p.Approval.RemindedAt != 0 && req.At.Before(next) {
		return nil, Refuse(Conflict,
			"The approvers of plan #%[1]d were reminded at %[2]s. You can remind them again from %[3]s.",
			"已于 %[2]s 催办过发布计划 #%[1]d 的审批人，%[3]s 之后可以再次催办。",
			p.Index, clock(p.Approval.RemindedAt, req.At.Location()), clock(next.Unix(), req.At.Location()))
	}
	c := p.newChange(req, VerbRemind)
	p.Approval.RemindedAt = req.At.Unix()
	p.Approval.Waiting.tell(people, req.At.Unix())
	for _, a := range people {
		c.Entry.Data.People = append(c.Entry.Data.People, a.Name)
	}
	c.tell(req, p, Notice{
		To: ids(people), Card: true, Urgent: true, Asks: AskedAgain,
		Text: T("%[1]s reminds you: plan #%[2]d %[3]s still waits for your approval.",
			"%[1]s 提醒您：发布计划 #%[2]d %[3]s 仍在等待您审批。", req.Actor.Name, p.Index, p.Name),
	})
	return p.done(req, c), nil
}

func ids(people []PersonRef) []string {
	out := make([]string, len(people))
	for i, p := range people {
		out[i] = p.ID
	}
	return out
}
