package slipway

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
// progress. An advisory endpoint's answer is noted and shown. It is refused with Conflict
// when the code is of an earlier round, the gate is not open, or this endpoint has
// answered otherwise before.
func (p *Plan) Answer(req Request, a Answer) (*Change, error) {
	w, advisory := p.advice(a.Event, a.Code), true
	if w == nil {
		var err error
		if w, err = p.asking(a); err != nil {
			return nil, err
		}
		advisory = false
	}
	if w.State != GateOpen {
		return nil, Refuse(Conflict,
			"%[1]s has answered this already with %[2]s. An answer is final; the plan's manager can ask again.",
			"%[1]s 已经答复过（%[2]s）。答复不可更改，发布负责人可以重新发起检测。", w.Endpoint, w.State)
	}
	c := p.newChange(req, VerbAnswer)
	c.Entry.Data = EntryData{Event: a.Event, Endpoint: w.Endpoint, Result: string(a.Result), Advisory: advisory}
	switch a.Result {
	case ResultExecuting:
		w.note(req.At.Unix(), a.Description)
		c.Entry.Comment = a.Description
	case ResultFailed:
		c.Entry.Comment = a.Reason
		reason := T(a.Reason, a.Reason)
		if a.Reason == "" {
			reason = T("No reason was given.", "未说明原因。")
		}
		if advisory {
			w.State, w.AnsweredAt, w.Reason = GateFailed, req.At.Unix(), reason
			p.tellAdvice(req, c, a.Event, w)
			break
		}
		p.failWait(req, c, w, reason)
	case ResultSuccess:
		w.State, w.AnsweredAt = GatePassed, req.At.Unix()
		if !advisory {
			p.passGate(req, c)
		}
	}
	return p.done(req, c), nil
}

// asking returns the wait of the gate that an answer is for.
func (p *Plan) asking(a Answer) (*Wait, error) {
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
	return w, nil
}

// note keeps what an outside system reports of its progress.
func (w *Wait) note(at int64, said string) {
	w.Progress, w.ProgressAt = said, at
	w.Notes = append(w.Notes, Note{At: at, Text: said})
	w.Notes = w.Notes[max(0, len(w.Notes)-MaxNotes):]
}

// passGate makes the held move when nobody is waited for any more.
func (p *Plan) passGate(req Request, c *Change) {
	for _, w := range p.Gate.Waits {
		if w.State != GatePassed {
			return
		}
	}
	ev := p.Gate.Event
	p.dropDeadlines(c)
	p.Gate = nil
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
	p.dropDeadlines(c)
	p.Gate = nil
}

// dropDeadlines takes back what was to happen if the gate's answers did not come.
func (p *Plan) dropDeadlines(c *Change) {
	for _, w := range p.Gate.Waits {
		c.Moot = append(c.Moot, w.DeliveryID)
	}
}

func (p *Plan) failWait(req Request, c *Change, w *Wait, reason Text) {
	w.State, w.AnsweredAt, w.Reason = GateFailed, req.At.Unix(), reason
	p.Gate.State = GateFailed
	p.Gate.Reason = T("%[1]s: %[2]s", "%[1]s：%[2]s", w.Endpoint, reason)
	c.notify(req, p, T("The outside %[1]s of plan #%[2]d %[3]s failed. %[4]s",
		"发布计划 #%[2]d %[3]s 的外部%[1]s失败。%[4]s", p.Gate.Event.Text(), p.Index, p.Name, p.Gate.Reason), p.Manager.ID)
}

// tellAdvice tells the manager of an advisory no.
func (p *Plan) tellAdvice(req Request, c *Change, ev Event, w *Wait) {
	c.notify(req, p, T("%[1]s advises against plan #%[2]d %[3]s (%[4]s). %[5]s The plan goes on.",
		"%[1]s 对发布计划 #%[2]d %[3]s 提出反对意见（%[4]s）。%[5]s发布计划不受影响。", w.Endpoint, p.Index, p.Name, ev.Text(), w.Reason), p.Manager.ID)
}

// FailWait fails the gate on behalf of the system: the deadline of a delivery has
// passed, or it cannot be delivered. A question that is no longer open is Unchanged.
func (p *Plan) FailWait(req Request, verb Verb, deliveryID string, reason Text) (*Change, error) {
	w, ev, advisory := p.open(deliveryID)
	if w == nil && p.Origin != nil && p.Origin.Told == deliveryID {
		return p.notTold(req, verb, reason), nil
	}
	if w == nil {
		return nil, Unchanged
	}
	c := p.newChange(req, verb)
	c.Entry.Data = EntryData{Event: ev, Endpoint: w.Endpoint, Result: string(ResultFailed), Reason: &reason, Advisory: advisory}
	if advisory {
		w.State, w.AnsweredAt, w.Reason = GateFailed, req.At.Unix(), reason
	} else {
		p.failWait(req, c, w, reason)
	}
	return p.done(req, c), nil
}

// open returns the question of a delivery if it still waits for its answer.
func (p *Plan) open(deliveryID string) (w *Wait, ev Event, advisory bool) {
	if p.Gate != nil {
		for i := range p.Gate.Waits {
			if w := &p.Gate.Waits[i]; w.DeliveryID == deliveryID && w.State == GateOpen {
				return w, p.Gate.Event, false
			}
		}
	}
	for i := range p.Advice {
		if a := &p.Advice[i]; a.DeliveryID == deliveryID && a.State == GateOpen {
			return &a.Wait, a.Event, true
		}
	}
	return nil, "", false
}

// Expire is what the time of a TaskDeadline brings: before the deadline the manager is
// reminded of it, after it the check fails. Who is asked then are the people that the
// endpoint names. A question that is no longer open is Unchanged.
func (p *Plan) Expire(req Request, deliveryID string, asked []PersonRef) (*Change, error) {
	w, ev, advisory := p.open(deliveryID)
	if w == nil {
		return nil, Unchanged
	}
	if req.At.Unix() < w.Deadline {
		return p.remindOfDeadline(req, w, ev), nil
	}
	reason := T("No answer came before the deadline.", "在截止时间前没有收到答复。")
	e := req.Rules.Endpoint(w.Endpoint)
	if advisory || e == nil || e.AfterDeadline != DeadlineAsks {
		return p.FailWait(req, VerbExpireGate, deliveryID, reason)
	}
	if len(asked) == 0 {
		asked = []PersonRef{p.Manager, p.Creator}
	}
	reason = T("No answer came before the deadline. A person decides now: %[1]s can ask again, an admin can override the check.",
		"在截止时间前没有收到答复，请人工处理：%[1]s可以重新发起检测，管理员可以放行。", p.whoText(WhoManager, nil))
	c, err := p.FailWait(req, VerbExpireGate, deliveryID, reason)
	if err == nil {
		c.tell(req, p, Notice{
			To: ids(asked), Card: true, Urgent: true,
			Text: T("Plan #%[1]d %[2]s needs your decision: %[3]s did not answer the %[4]s in time. `ask again`, or have an admin `override`.",
				"发布计划 #%[1]d %[2]s 需要您处理：%[3]s 未在期限内答复%[4]s。请“重新检测”，或请管理员“放行”。", p.Index, p.Name, w.Endpoint, ev.Text()),
		})
	}
	return c, err
}

func (p *Plan) remindOfDeadline(req Request, w *Wait, ev Event) *Change {
	c := p.newChange(req, VerbRemind)
	c.Entry.Data = EntryData{Event: ev, Endpoint: w.Endpoint}
	c.notify(req, p, T("%[1]s has not answered the %[2]s of plan #%[3]d %[4]s yet. The deadline is %[5]s; without an answer the check fails.",
		"%[1]s 尚未答复发布计划 #%[3]d %[4]s 的%[2]s，截止时间为 %[5]s，届时未答复则检测失败。",
		w.Endpoint, ev.Text(), p.Index, p.Name, clock(w.Deadline, req.At.Location())), p.Manager.ID)
	return p.done(req, c)
}
