package slipway

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestNoOrderOfRequestsBreaksThePlan presses everything in random order.
func TestNoOrderOfRequestsBreaksThePlan(t *testing.T) {
	t.Parallel()
	actors := []Actor{alice, bob, carol, dave, eve, root}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t, Events()[:r.IntN(4)]...)
		w.create(w.draft())
		for range 60 {
			before := *w.plan
			c, err := w.step(r, actors)
			if err != nil && w.plan.Seq != before.Seq {
				t.Fatalf("seed %d: refused, yet changed", seed)
			}
			if err == nil {
				w.invariants(seed, before, c)
			}
			w.at = w.at.Add(time.Duration(r.IntN(90)) * time.Second)
		}
	}
}

func (w *world) step(r *rand.Rand, actors []Actor) (*Change, error) {
	p := w.plan
	switch n := r.IntN(20); {
	case n < 13:
		return w.try(Verbs()[1+r.IntN(len(Verbs())-1)], actors[r.IntN(len(actors))])
	case n < 16 && p.Gate != nil:
		g := p.Gate
		return p.Answer(w.req(Actor{Kind: Receiver}), Answer{
			Event: g.Event, Code: g.Waits[0].Code, Result: []Result{ResultSuccess, ResultFailed, ResultExecuting}[r.IntN(3)],
		})
	case n < 19:
		for _, it := range p.Items {
			if it.Workflow != nil && it.Workflow.RunID != "" {
				return w.engineSays(r, it)
			}
		}
	}
	return p.EndWindow(w.req(SystemActor()))
}

// engineSays tells something of a run, whether or not it is the time for it.
func (w *world) engineSays(r *rand.Rand, it *Item) (*Change, error) {
	req, run := w.req(SystemActor()), it.Workflow.RunID
	switch r.IntN(6) {
	case 0:
		return w.plan.RunWaits(req, run, []RunWait{{Job: "approve", Answerable: true}, {Job: "ticket"}}[r.IntN(3)/2:])
	case 1:
		return w.plan.RunWaits(req, run, nil)
	case 2:
		return w.plan.RunResumed(req, run, "7")
	case 3:
		return w.plan.DecisionRefused(req, run, Decision{Job: "approve", By: PersonRef{ID: "dave"}}, T("No.", "不。"))
	}
	ends := []RunEnd{
		{Status: RunPassed},
		{Status: RunFailed},
		{Status: RunFailed, Doubt: DoubtUnknownStart},
		{Status: RunFailed, Doubt: DoubtChanged, Change: CompareDefinitions(definition("1"), definition("2"))},
		{Status: RunFailed, Doubt: DoubtChanged},
	}
	return w.plan.RunEnded(req, run, ends[r.IntN(len(ends))])
}

func (w *world) invariants(seed uint64, before Plan, c *Change) {
	w.t.Helper()
	p := w.plan
	bad := func(format string, args ...any) {
		w.t.Helper()
		w.t.Fatalf("seed %d: after %s by %s: %s", seed, c.Entry.Verb, c.Entry.Actor.Name, fmt.Sprintf(format, args...))
	}
	if _, known := ParseStatus(string(p.Status())); !known {
		bad("status %q", p.Status())
	}
	if p.Seq != before.Seq+1 || c.Entry.RequestID == "" || c.Entry.To != p.Status() {
		bad("seq %d after %d, entry %+v", p.Seq, before.Seq, c.Entry)
	}
	if before.Status().Over() && c.Entry.Verb != VerbResend {
		bad("a plan that was over moved")
	}
	finished := !slices.ContainsFunc(p.Items, func(it *Item) bool { return it.Status != Done && it.Status != Skipped })
	if p.Phase == PhaseSuccess && !finished {
		bad("success with unfinished items")
	}
	if p.Phase == PhaseExecuting && !p.Approval.passed() {
		bad("executing without approval")
	}
	if p.Phase == PhaseExecuting && p.Gate == nil && finished {
		bad("a finished plan stands still")
	}
	for _, it := range p.Items {
		if it.Status == Running && (p.Phase == PhasePlanning || p.Phase == PhaseCancel || p.Phase == PhaseSuccess) {
			bad("an item runs in %s", p.Phase)
		}
		if spec := it.Workflow; spec != nil {
			if len(spec.Wait) > 0 && it.Status != Running || spec.Doubt != DoubtNone && it.Status != Failed ||
				(spec.Doubt == DoubtChanged) != (spec.Change != nil) {
				bad("a %s item waits at %v, with doubt %q and change %v", it.Status, spec.Wait, spec.Doubt, spec.Change)
			}
		}
	}
}
