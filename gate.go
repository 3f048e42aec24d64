package slipway

import "crypto/subtle"

// Gate is an open question to outside systems that holds a move back.
type Gate struct {
	Event    Event     `json:"event"`
	State    GateState `json:"state"`
	OpenedAt int64     `json:"opened_at"`
	Reason   Text      `json:"reason"` // why it failed
	Waits    []Wait    `json:"waits"`
}

// GateState is the state of a gate or of one wait in it.
type GateState string

// The states. A gate that passed is gone; a wait that passed stays visible until
// the others answer.
const (
	GateOpen   GateState = "waiting"
	GateFailed GateState = "failed"
	GatePassed GateState = "passed"
)

// Wait is one endpoint's share of a gate.
type Wait struct {
	Endpoint   string    `json:"endpoint"`
	DeliveryID string    `json:"delivery_id"`
	Code       string    `json:"code"` // the instance code of this question
	State      GateState `json:"state"`
	Since      int64     `json:"since"`
	Deadline   int64     `json:"deadline"` // zero: none
	Progress   string    `json:"progress,omitempty"`
	ProgressAt int64     `json:"progress_at,omitempty"`
	AnsweredAt int64     `json:"answered_at,omitempty"`
	Reason     Text      `json:"reason"`
}

func (g *Gate) clone() *Gate {
	if g == nil {
		return nil
	}
	c := *g
	c.Waits = append([]Wait(nil), g.Waits...)
	return &c
}

// wait returns the wait with the code, comparing in constant time.
func (g *Gate) wait(code string) *Wait {
	var found *Wait
	for i := range g.Waits {
		if subtle.ConstantTimeCompare([]byte(g.Waits[i].Code), []byte(code)) == 1 {
			found = &g.Waits[i]
		}
	}
	return found
}

// through makes the move that an event announces, or opens its gate when an endpoint
// is to be asked first.
func (p *Plan) through(req Request, c *Change, ev Event) {
	var asked, told []Endpoint
	for _, e := range req.Rules.Endpoints {
		switch {
		case !e.Hears(ev):
		case e.Wait:
			asked = append(asked, e)
		default:
			told = append(told, e)
		}
	}
	if len(asked) > 0 {
		p.Gate = &Gate{Event: ev, State: GateOpen, OpenedAt: req.At.Unix()}
		for i := range asked {
			p.Gate.Waits = append(p.Gate.Waits, p.newWait(req, c, &asked[i]))
		}
		// The bodies are frozen only now that the plan shows what it waits for.
		for i := range asked {
			w := p.Gate.Waits[i]
			p.deliver(req, c, ev, &asked[i], w.DeliveryID, w.Code)
		}
	} else {
		p.enter(req, ev)
	}
	for i := range told {
		p.deliver(req, c, ev, &told[i], "", "")
	}
	if len(asked) == 0 {
		p.follow(req, c, ev)
	}
}

// newWait asks one endpoint: a fresh code, and a task for the deadline.
func (p *Plan) newWait(req Request, c *Change, e *Endpoint) Wait {
	w := Wait{
		Endpoint: e.Name, DeliveryID: "msg_" + req.hex(16), Code: req.hex(16), State: GateOpen, Since: req.At.Unix(),
	}
	if e.Deadline > 0 {
		at := req.At.Add(e.Deadline)
		w.Deadline = at.Unix()
		c.task(req, p, TaskDeadline, "deadline:"+w.DeliveryID, at, w.DeliveryID)
	}
	return w
}

func (p *Plan) deliver(req Request, c *Change, ev Event, e *Endpoint, id, code string) {
	waits := id != ""
	if !waits {
		id, code = "msg_"+req.hex(16), req.hex(16)
	}
	c.Deliveries = append(c.Deliveries, Delivery{
		ID: id, PlanID: p.ID, Endpoint: e.Name, Event: ev, InstanceCode: code, Waits: waits,
		Body: p.hookBody(ev, e, code, req.Rules), At: req.At.UnixMilli(),
	})
	c.Entry.Data.Hooks = append(c.Entry.Data.Hooks, e.Name)
	c.task(req, p, TaskHook, "hook:"+id, req.At, id)
}

// Answer is what an outside system says to a gate.
type Answer struct {
	Event       Event
	Code        string
	Result      Result
	Reason      string // with ResultFailed
	Description string // progress, with ResultExecuting
}

// Result is the documented result of an outside check.
type Result string

// The results.
const (
	ResultSuccess   Result = "success"
	ResultFailed    Result = "failed"
	ResultExecuting Result = "executing" // still at it; only shows progress
)

// Answer takes an outside system's answer: success passes its share of the gate and,
// with the last one, makes the held move; failed fails the gate; executing shows
// progress. It is refused with Conflict when the code is of an earlier round, the
// gate is not open, or this endpoint has answered otherwise before.
func (p *Plan) Answer(req Request, a Answer) (*Change, error) {
	if p.Gate == nil || p.Gate.Event != a.Event {
		return nil, Refuse(Conflict,
			"The plan does not wait for an answer to %[1]s now; it is in status %[2]s.",
			"该发布计划当前没有在等待 %[1]s 的结果，当前状态为 %[2]s。", a.Event, p.Status())
	}
	w := p.Gate.wait(a.Code)
	if w == nil {
		return nil, Refuse(Conflict,
			"The instance_code is not the one that is asked for now. Use the code of the newest hook.",
			"instance_code 不是当前等待的代码，请使用最近一次 Hook 中的代码。")
	}
	if w.State != GateOpen {
		return nil, Refuse(Conflict,
			"%[1]s has answered this already with %[2]s. An answer is final; the plan's manager can ask again.",
			"%[1]s 已经答复过（%[2]s）。答复不可更改，发布负责人可以重新发起检测。", w.Endpoint, w.State)
	}
	c := p.newChange(req, VerbAnswer)
	c.Entry.Data = EntryData{Event: a.Event, Endpoint: w.Endpoint, Result: string(a.Result)}
	switch a.Result {
	case ResultExecuting:
		w.Progress, w.ProgressAt = a.Description, req.At.Unix()
		c.Entry.Comment = a.Description
	case ResultFailed:
		c.Entry.Comment = a.Reason
		reason := T(a.Reason, a.Reason)
		if a.Reason == "" {
			reason = T("No reason was given.", "未说明原因。")
		}
		p.failWait(req, c, w, reason)
	case ResultSuccess:
		w.State, w.AnsweredAt = GatePassed, req.At.Unix()
		p.passGate(req, c)
	}
	return p.done(req, c), nil
}

// passGate makes the held move when nobody is waited for any more.
func (p *Plan) passGate(req Request, c *Change) {
	for _, w := range p.Gate.Waits {
		if w.State != GatePassed {
			return
		}
	}
	ev := p.Gate.Event
	p.Gate = nil
	c.Drop = append(c.Drop, TaskDeadline)
	p.enter(req, ev)
	p.follow(req, c, ev)
}

// closeGate gives up a question that may be open: nobody needs to be asked it any more.
func (p *Plan) closeGate(c *Change) {
	if p.Gate == nil {
		return
	}
	for _, w := range p.Gate.Waits {
		c.Unsend = append(c.Unsend, w.DeliveryID)
	}
	p.Gate = nil
}

func (p *Plan) failWait(req Request, c *Change, w *Wait, reason Text) {
	w.State, w.AnsweredAt, w.Reason = GateFailed, req.At.Unix(), reason
	p.Gate.State = GateFailed
	p.Gate.Reason = T("%[1]s: %[2]s", "%[1]s：%[2]s", w.Endpoint, reason)
	c.notify(req, p, T("The outside %[1]s of plan #%[2]d %[3]s failed. %[4]s",
		"发布计划 #%[2]d %[3]s 的外部%[1]s失败。%[4]s", p.Gate.Event.Text(), p.Index, p.Name, p.Gate.Reason), p.Manager.ID)
}

// FailWait fails the gate on behalf of the system: the deadline of a delivery has
// passed, or it cannot be delivered. A question that is no longer open is Unchanged.
func (p *Plan) FailWait(req Request, verb Verb, deliveryID string, reason Text) (*Change, error) {
	if p.Gate == nil {
		return nil, Unchanged
	}
	for i := range p.Gate.Waits {
		w := &p.Gate.Waits[i]
		if w.DeliveryID != deliveryID || w.State != GateOpen {
			continue
		}
		c := p.newChange(req, verb)
		c.Entry.Data = EntryData{Event: p.Gate.Event, Endpoint: w.Endpoint, Result: string(ResultFailed), Reason: &reason}
		p.failWait(req, c, w, reason)
		return p.done(req, c), nil
	}
	return nil, Unchanged
}

// AskAgain asks every endpoint of a failed gate that has not passed once more, with
// new codes and a new deadline.
func (p *Plan) AskAgain(req Request) (*Change, error) {
	if err := p.may(req, VerbAskAgain); err != nil {
		return nil, err
	}
	c := p.newChange(req, VerbAskAgain)
	g := p.Gate
	c.Entry.Data.Event = g.Event
	c.Drop = append(c.Drop, TaskDeadline)
	g.State, g.Reason, g.OpenedAt = GateOpen, Text{}, req.At.Unix()
	var asked []*Endpoint
	for i := range g.Waits {
		if g.Waits[i].State == GatePassed {
			continue
		}
		e := req.Rules.Endpoint(g.Waits[i].Endpoint)
		if e == nil {
			return nil, Refuse(Conflict,
				"The endpoint %[1]s is no longer configured, so it cannot be asked again. An admin can `override` the check, or `replan`.",
				"接收方 %[1]s 已不在配置中，无法重新发起检测。管理员可以“放行”，或重新规划。", g.Waits[i].Endpoint)
		}
		c.Unsend = append(c.Unsend, g.Waits[i].DeliveryID)
		g.Waits[i] = p.newWait(req, c, e)
		asked = append(asked, e)
	}
	n := 0
	for i := range g.Waits {
		if w := g.Waits[i]; w.State == GateOpen {
			p.deliver(req, c, g.Event, asked[n], w.DeliveryID, w.Code)
			n++
		}
	}
	if g.Event == EventStartExecute {
		p.watchWindow(req, c) // it may have ended while the check had failed
	}
	return p.done(req, c), nil
}

// Override makes the held move of a waiting or failed gate, for a reason.
func (p *Plan) Override(req Request, reason string) (*Change, error) {
	if err := p.may(req, VerbOverride); err != nil {
		return nil, err
	}
	if err := needReason(VerbOverride, reason); err != nil {
		return nil, err
	}
	c := p.newChange(req, VerbOverride)
	c.Entry.Comment = reason
	c.Entry.Data.Event = p.Gate.Event
	ev := p.Gate.Event
	p.closeGate(c)
	p.Overrides = append(p.Overrides, Overriding{Event: ev, By: req.Actor.Name, Reason: reason, At: req.At.Unix()})
	c.Drop = append(c.Drop, TaskDeadline)
	p.enter(req, ev)
	p.follow(req, c, ev)
	return p.done(req, c), nil
}

// Overriding tells that an outside check was overridden; the card shows it.
type Overriding struct {
	Event  Event  `json:"event"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	At     int64  `json:"at"`
}
