package slipway

import (
	"crypto/subtle"
	"time"
)

// Gate is an open question to outside systems that holds a move back.
type Gate struct {
	Event    Event     `json:"event"`
	State    GateState `json:"state"`
	OpenedAt int64     `json:"opened_at"`
	Reason   Text      `json:"reason"` // why it failed
	Waits    []Wait    `json:"waits"`
	// Overrides are the admins who want to go on without the check, while more are needed.
	Overrides []Overriding `json:"overrides,omitempty"`
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
	Notes      []Note    `json:"notes,omitempty"` // what it reported, the newest last; MaxNotes at most
	AnsweredAt int64     `json:"answered_at,omitempty"`
	Reason     Text      `json:"reason"`
}

// Note is what an outside system reported while it was at work.
type Note struct {
	At   int64  `json:"at"`
	Text string `json:"text"`
}

// MaxNotes is how many notes of one wait are kept.
const MaxNotes = 10

func (g *Gate) clone() *Gate {
	if g == nil {
		return nil
	}
	c := *g
	c.Waits = make([]Wait, len(g.Waits))
	for i, w := range g.Waits {
		c.Waits[i] = w.clone()
	}
	c.Overrides = append([]Overriding(nil), g.Overrides...)
	return &c
}

func (w Wait) clone() Wait {
	w.Notes = append([]Note(nil), w.Notes...)
	return w
}

// has tells whether the wait is for the code, comparing in constant time.
func (w *Wait) has(code string) bool {
	return subtle.ConstantTimeCompare([]byte(w.Code), []byte(code)) == 1
}

// wait returns the wait with the code. It looks at all, so time tells nothing.
func (g *Gate) wait(code string) *Wait {
	var found *Wait
	for i := range g.Waits {
		if g.Waits[i].has(code) {
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
		case !e.Hears(ev) || !e.Concerns(p):
		case e.Wait && !e.Advisory:
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
			p.deliver(req, c, ev, &asked[i], &p.Gate.Waits[i])
		}
	} else {
		p.enter(req, ev)
	}
	for i := range told {
		p.deliver(req, c, ev, &told[i], p.seekAdvice(req, c, ev, &told[i]))
	}
	if len(asked) == 0 {
		p.follow(req, c, ev)
	}
}

// newWait asks one endpoint: a fresh code, and tasks for the deadline and the reminder
// before it.
func (p *Plan) newWait(req Request, c *Change, e *Endpoint) Wait {
	w := Wait{
		Endpoint: e.Name, DeliveryID: "msg_" + req.hex(16), Code: req.hex(16), State: GateOpen, Since: req.At.Unix(),
	}
	if e.Deadline > 0 {
		at := req.At.Add(e.Deadline)
		w.Deadline = at.Unix()
		c.task(req, p, TaskDeadline, "deadline:"+w.DeliveryID, at, w.DeliveryID)
		if early := remindEarly(e.Deadline); early > 0 && !e.Advisory {
			c.task(req, p, TaskDeadline, "remind:"+w.DeliveryID, at.Add(-early), w.DeliveryID)
		}
	}
	return w
}

// remindEarly is how long before a deadline people are reminded of it: a quarter of the
// time there is, at most an hour; zero where that is too short to do anything.
func remindEarly(deadline time.Duration) time.Duration {
	early := min(deadline/4, time.Hour)
	if early < time.Minute {
		return 0
	}
	return early
}

// deliver tells an endpoint of an event; w is what is waited for, nil for nothing.
func (p *Plan) deliver(req Request, c *Change, ev Event, e *Endpoint, w *Wait) {
	d := Delivery{
		PlanID: p.ID, Endpoint: e.Name, Event: ev, At: req.At.UnixMilli(),
		Seq: (p.Seq+1)*deliveriesPerChange + int64(len(c.Deliveries)),
	}
	if w != nil {
		d.ID, d.InstanceCode, d.Waits = w.DeliveryID, w.Code, true
	} else {
		d.ID, d.InstanceCode = "msg_"+req.hex(16), req.hex(16)
	}
	d.Body = p.hookBody(ev, e, d.InstanceCode, req.Rules)
	c.Deliveries = append(c.Deliveries, d)
	c.Entry.Data.Hooks = append(c.Entry.Data.Hooks, e.Name)
	c.task(req, p, TaskHook, "hook:"+d.ID, req.At, d.ID)
}

// deliveriesPerChange is more than one change of a plan can bring; Delivery.Seq counts
// the changes in steps of it.
const deliveriesPerChange = 10_000
