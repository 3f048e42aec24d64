package webhook

import (
	"slices"
	"time"

	"slipway"
	"slipway/storage"
)

// planBody is a plan as the REST API shows it: the documented payload of hooks, and
// what a caller needs beside it. It never holds the instance code of a question that
// is open; instance_code is the plan's own, which changes with each edit and answers
// nothing.
type planBody struct {
	*slipway.HookPlan
	Jobs         []jobBody            `json:"jobs"`
	Seq          int64                `json:"seq"`
	Round        int64                `json:"round"`
	Approval     *approvalBody        `json:"approval"`
	Gate         *gateBody            `json:"gate"`
	Advice       []adviceBody         `json:"advice"`
	Overrides    []slipway.Overriding `json:"overrides"`
	Labels       []string             `json:"labels"`
	CancelReason string               `json:"cancel_reason"`
	Last         slipway.LastMove     `json:"last"`
	Allowed      []slipway.Verb       `json:"allowed"`
	// Warnings are in the answer of submit only.
	Warnings []warningBody `json:"warnings,omitempty"`
}

// approvalBody is an approval, and where it stands.
type approvalBody struct {
	*slipway.Approval
	// Level is the number of the level that is asked, from 1, while the plan waits for
	// approval; Asked are those of it who are needed still.
	Level int                 `json:"level"`
	Asked []slipway.PersonRef `json:"asked"`
	// What is to happen next if it does not come; zero is never. Lists do not tell.
	NextReminder int64 `json:"next_reminder"`
	EscalatesAt  int64 `json:"escalates_at"`
	ExpiresAt    int64 `json:"expires_at"`
}

type jobBody struct {
	slipway.HookJob
	Number  int            `json:"number"` // the place in the plan, from 1
	Engine  string         `json:"engine"`
	Remark  string         `json:"remark"`
	Reason  string         `json:"reason"` // why a run failed
	RunID   string         `json:"run_id"`
	URL     string         `json:"url"`
	Waits   []runWaitBody  `json:"waits"`   // what the run waits for people at
	Doubt   slipway.Doubt  `json:"doubt"`   // what a person has to decide before it is run again
	Changes []string       `json:"changes"` // how the workflow differs from the plan's
	Digest  string         `json:"digest"`  // of these changes; a retry accepts them with it
	Allowed []slipway.Verb `json:"allowed"`
}

type gateBody struct {
	Event    slipway.Event     `json:"event"`
	State    slipway.GateState `json:"state"`
	Reason   string            `json:"reason"`
	OpenedAt int64             `json:"opened_at"`
	Waits    []waitBody        `json:"waits"`
	// Overrides are the admins who want to go on, while more are needed.
	Overrides []slipway.Overriding `json:"overrides"`
}

type adviceBody struct {
	Event slipway.Event `json:"event"`
	waitBody
}

type waitBody struct {
	Endpoint   string            `json:"endpoint"`
	DeliveryID string            `json:"delivery_id"`
	State      slipway.GateState `json:"state"`
	Since      int64             `json:"since"`
	Deadline   int64             `json:"deadline"`
	Progress   string            `json:"progress"`
	ProgressAt int64             `json:"progress_at"`
	Notes      []slipway.Note    `json:"notes"`
	AnsweredAt int64             `json:"answered_at"`
	Reason     string            `json:"reason"`
}

// viewer is who looks at a plan, and when.
type viewer struct {
	user  *slipway.User
	lang  slipway.Lang
	rules *slipway.Rules
	now   time.Time
	times slipway.Times // of the one plan that is shown
}

func (v viewer) plan(p *slipway.Plan) planBody { return v.body(p, p) }

// row is a plan in a list: without the specs of its items, which may be large.
func (v viewer) row(p *slipway.Plan) planBody { return v.body(p, withoutSpecs(p)) }

// body shows a plan; shown is what of it the documented part has.
func (v viewer) body(p, shown *slipway.Plan) planBody {
	b := planBody{
		HookPlan: shown.Wire("", p.InstanceCode, v.rules, slipway.Masked), Jobs: make([]jobBody, 0, len(p.Items)),
		Seq: p.Seq, Round: p.Round, Approval: v.approval(p), Gate: v.gate(p.Gate), Advice: v.advice(p.Advice), Overrides: p.Overrides,
		CancelReason: p.CancelReason, Last: p.Last, Allowed: v.allowed(p),
	}
	if b.Overrides == nil {
		b.Overrides = []slipway.Overriding{}
	}
	if b.Labels = p.Labels; b.Labels == nil {
		b.Labels = []string{}
	}
	open := p.AtWindow(v.now) == nil
	for i, it := range p.Items {
		j := v.job(it)
		j.HookJob, j.Number = b.HookPlan.Jobs[i], i+1
		if verbs := p.AllowedItem(v.user.Actor(), it); open && verbs != nil {
			j.Allowed = verbs
		}
		b.Jobs = append(b.Jobs, j)
	}
	return b
}

func (v viewer) approval(p *slipway.Plan) *approvalBody {
	if p.Approval == nil {
		return nil
	}
	b := &approvalBody{
		Approval: p.Clone().Approval, Asked: []slipway.PersonRef{},
		NextReminder: v.times.Reminder, EscalatesAt: v.times.Escalation, ExpiresAt: v.times.Expiry,
	}
	b.Contents = nil // the digests tell what is the same
	if b.Votes == nil {
		b.Votes = []slipway.Vote{}
	}
	if p.Status() == slipway.WaitForApproval {
		b.Level, b.Asked = p.Approval.OpenLevel()+1, append(b.Asked, p.Asked(v.rules)...)
	}
	return b
}

// job is what a caller needs of an item beside the documented payload.
func (v viewer) job(it *slipway.Item) jobBody {
	j := jobBody{
		Remark: it.Remark, Reason: it.Reason.In(v.lang), Waits: []runWaitBody{}, Changes: []string{}, Allowed: []slipway.Verb{},
	}
	w := it.Workflow
	if w == nil {
		return j
	}
	j.Engine, j.RunID, j.URL, j.Doubt, j.Waits = w.Engine, w.RunID, w.URL, w.Doubt, v.runWaits(w)
	if w.Change != nil {
		j.Changes, j.Digest = w.Change.Lines, w.Change.Digest
	}
	return j
}

func withoutSpecs(p *slipway.Plan) *slipway.Plan {
	c := *p
	c.Items = make([]*slipway.Item, len(p.Items))
	for i, it := range p.Items {
		bare := *it
		bare.Text, bare.Workflow = nil, nil
		c.Items[i] = &bare
	}
	return &c
}

// allowed returns what the caller may do now: what the plan allows, without work
// outside the window.
func (v viewer) allowed(p *slipway.Plan) []slipway.Verb {
	closed := p.AtWindow(v.now) != nil
	verbs := slices.DeleteFunc(p.Allowed(v.user.Actor(), v.rules), func(verb slipway.Verb) bool {
		switch verb { //nolint:exhaustive // the others are never held back
		case slipway.VerbExecute, slipway.VerbComplete, slipway.VerbSkip, slipway.VerbRetry, slipway.VerbAdopt, slipway.VerbDecide:
			return closed
		}
		return false
	})
	if verbs == nil {
		return []slipway.Verb{}
	}
	return verbs
}

func (v viewer) gate(g *slipway.Gate) *gateBody {
	if g == nil {
		return nil
	}
	b := &gateBody{
		Event: g.Event, State: g.State, Reason: g.Reason.In(v.lang), OpenedAt: g.OpenedAt, Waits: []waitBody{}, Overrides: g.Overrides,
	}
	if b.Overrides == nil {
		b.Overrides = []slipway.Overriding{}
	}
	for i := range g.Waits {
		b.Waits = append(b.Waits, v.wait(&g.Waits[i]))
	}
	return b
}

func (v viewer) wait(w *slipway.Wait) waitBody {
	b := waitBody{
		Endpoint: w.Endpoint, DeliveryID: w.DeliveryID, State: w.State, Since: w.Since, Deadline: w.Deadline, Progress: w.Progress,
		ProgressAt: w.ProgressAt, Notes: w.Notes, AnsweredAt: w.AnsweredAt, Reason: w.Reason.In(v.lang),
	}
	if b.Notes == nil {
		b.Notes = []slipway.Note{}
	}
	return b
}

func (v viewer) advice(list []slipway.Advice) []adviceBody {
	out := make([]adviceBody, 0, len(list))
	for i := range list {
		out = append(out, adviceBody{Event: list[i].Event, waitBody: v.wait(&list[i].Wait)})
	}
	return out
}

// freshen shows what the engines have told of runs before the plan has taken note.
func freshen(p *slipway.Plan, runs []storage.Run) {
	for i := range runs {
		it := p.ItemOfRun(runs[i].ID)
		if it == nil || it.Workflow.RunStatus.Over() {
			continue
		}
		it.Workflow.RunStatus = runs[i].Status
		if it.Workflow.URL == "" {
			it.Workflow.URL = runs[i].URL
		}
	}
}
