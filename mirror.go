package slipway

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Origin is where a plan lives if it is only shown here: another system's plan, which
// asks the people here whether it may go on. It has the id that it has there. What they
// decide, by approving or rejecting, is told to the other system as an answer to its
// check; everything else is done there.
type Origin struct {
	System   string `json:"system"` // its name for people
	Endpoint string `json:"endpoint"`
	Index    int64  `json:"index"` // the plan's number there
	Event    Event  `json:"event"`
	Code     string `json:"code"` // the instance code that the answer needs
	// Asks tells that an answer is waited for; false: the hook only informed.
	Asks bool `json:"asks"`
	// Told is the delivery of the answer, "" before there is one.
	Told string `json:"told,omitempty"`
}

// mirrorVerbs are what people may do to a plan that lives elsewhere.
var mirrorVerbs = []Verb{VerbApprove, VerbReject, VerbWithdraw, VerbTransfer, VerbRemind, VerbCancel}

// elsewhere refuses what has to be done where the plan lives.
func (p *Plan) elsewhere(verb Verb) error {
	if p.Origin == nil || slices.Contains(mirrorVerbs, verb) {
		return nil
	}
	return Refuse(Conflict,
		"Plan #%[1]d %[2]s lives in %[3]s, where it is number %[4]d; %[5]s is done there. Here its check is decided: approve or reject.",
		"发布计划 #%[1]d %[2]s 由 %[3]s 管理（编号 %[4]d），请在那里进行“%[5]s”。此处只决定其外部检测：通过或拒绝。",
		p.Index, p.Name, p.Origin.System, p.Origin.Index, verb.Text())
}

// Possible returns the verbs of people that are possible now, whoever may use them.
func (p *Plan) Possible() []Verb {
	return slices.DeleteFunc(VerbsIn(p.Status()), func(v Verb) bool {
		return p.pointless(v) || p.elsewhere(v) != nil || v == VerbWithdraw && !p.offered(v)
	})
}

// selfApproval tells whether people may decide about their own plan. Those who decide for
// another system were named for that by whoever set it up.
func (p *Plan) selfApproval(rules *Rules) bool {
	return p.Origin != nil || rules != nil && rules.SelfApproval
}

// NewMirror shows the plan of another system for the first time, under the id that it has
// there. The items of the draft are taken with their status.
func NewMirror(req Request, id string, d Draft, o Origin) (*Plan, *Change, error) {
	if err := d.Check(); err != nil {
		return nil, nil, err
	}
	p := &Plan{
		ID: id, Version: 1, Phase: PhasePlanning, Creator: d.Manager, Editor: d.Manager, CreateTime: req.At.Unix(),
		InstanceCode: req.hex(16), Origin: &Origin{},
	}
	c := p.newChange(req, VerbCreate)
	c.Entry.From = ""
	p.take(req, d)
	p.mirror(req, c, d, o)
	return p, p.done(req, c), nil
}

// Mirror shows how the plan of another system is now, with the question that it asks now.
// A question before it that nobody has decided is moot.
func (p *Plan) Mirror(req Request, d Draft, o Origin) (*Change, error) {
	if p.Origin == nil {
		return nil, Refuse(Conflict, "There is a plan with this id that does not live elsewhere.", "已存在使用该 ID 的本地发布计划。")
	}
	if err := d.Check(); err != nil {
		return nil, err
	}
	c := p.newChange(req, VerbEdit)
	c.Entry.Data.Fields = p.take(req, d)
	p.Version++
	p.InstanceCode = req.hex(16)
	p.mirror(req, c, d, o)
	return p.done(req, c), nil
}

// mirror copies what take does not, and asks the people.
func (p *Plan) mirror(req Request, c *Change, d Draft, o Origin) {
	c.Entry.Data.Event = o.Event
	for i, it := range p.Items {
		it.Status, it.Remark, it.ExecutedBy, it.ExecutedTime = d.Items[i].Status, d.Items[i].Remark, d.Items[i].ExecutedBy, d.Items[i].ExecutedTime
		if it.Workflow != nil {
			it.Workflow.RunStatus, it.Workflow.TaskID = d.Items[i].Workflow.RunStatus, d.Items[i].Workflow.TaskID
		}
	}
	p.Origin, p.CancelReason = &o, ""
	p.PlanningTime, p.ApprovalTime, p.ExecutingTime, p.SuccessTime = req.At.Unix(), 0, 0, 0
	if !o.Asks {
		p.goOn(req)
		return
	}
	p.Phase = PhaseApproval
	p.Approval.Earlier, p.Approval.Contents = nil, nil // each question is decided by itself
	p.Approval.ask(p, req.Rules)
	p.await(req, c, p.Asked(req.Rules))
	c.tell(req, p, Notice{To: ids(p.Asked(req.Rules)), Card: true, Asks: AskedFirst, Text: T("%[1]s asks whether its release plan #%[2]d %[3]s may go on (%[4]s).",
		"%[1]s 请您决定其发布计划 #%[2]d %[3]s 能否继续（%[4]s）。", o.System, p.Index, p.Name, o.Event.Text())})
}

// goOn puts the plan where it stands in the other system after the event.
func (p *Plan) goOn(req Request) { p.enter(req, p.Origin.Event) }

// decideElsewhere tells the other system what people have decided.
func (p *Plan) decideElsewhere(req Request, c *Change, r Result, reason string) {
	o := p.Origin
	d := Delivery{
		ID: "msg_" + req.hex(16), PlanID: p.ID, Endpoint: o.Endpoint, Event: o.Event, InstanceCode: req.hex(16), Waits: true,
		At: req.At.UnixMilli(), Seq: (p.Seq + 1) * deliveriesPerChange,
	}
	said := reason
	if said == "" {
		said = fmt.Sprintf("%s, %s", req.Actor.Name, r)
	}
	answer := map[string]any{
		"release_plan_id": p.ID, "instance_code": o.Code, "hook_event": o.Event, "result": r, "failed_reason": "", "description": said,
	}
	if r == ResultFailed {
		answer["failed_reason"] = said
	}
	d.Body, _ = json.Marshal(answer) // texts marshal
	o.Told = d.ID
	c.Deliveries = append(c.Deliveries, d)
	c.Entry.Data.Hooks = append(c.Entry.Data.Hooks, o.Endpoint)
	c.task(req, p, TaskHook, "hook:"+d.ID, req.At, d.ID)
}

// notTold says that the other system could not be told of a decision. That it waits for
// ever must not go unnoticed.
func (p *Plan) notTold(req Request, verb Verb, reason Text) *Change {
	c := p.newChange(req, verb)
	c.Entry.Data = EntryData{Event: p.Origin.Event, Endpoint: p.Origin.Endpoint, Result: string(ResultFailed), Reason: &reason}
	to := []string{p.Manager.ID}
	for _, v := range p.Approval.Votes {
		to = append(to, v.By.ID)
	}
	c.notify(req, p, T("%[1]s could not be told what was decided about plan #%[2]d %[3]s, and still waits. %[4]s Send the hook again from `hooks`, or answer there.",
		"无法将发布计划 #%[2]d %[3]s 的决定告知 %[1]s，对方仍在等待。%[4]s请通过“推送”重新发送，或直接在对方系统中处理。",
		p.Origin.System, p.Index, p.Name, reason), to...)
	return p.done(req, c)
}
