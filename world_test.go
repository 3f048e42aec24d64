package slipway

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// noon is when every story of these tests begins.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

var (
	alice = Actor{Kind: Person, ID: "alice", Name: "Alice"} // manager and creator
	bob   = Actor{Kind: Person, ID: "bob", Name: "Bob"}     // approver
	carol = Actor{Kind: Person, ID: "carol", Name: "Carol"} // approver
	dave  = Actor{Kind: Person, ID: "dave", Name: "Dave"}   // owner of the text item
	eve   = Actor{Kind: Person, ID: "eve", Name: "Eve"}     // nobody in the plan
	root  = Actor{Kind: Person, ID: "root", Name: "Root", Admin: true}
)

// world is a plan with everything that its transitions need.
type world struct {
	t     testing.TB
	rules *Rules
	rand  io.Reader
	at    time.Time
	plan  *Plan
	last  *Change
	n     int
}

type repeatable struct{ r *rand.ChaCha8 }

func (r repeatable) Read(p []byte) (int, error) { return r.r.Read(p) }

func newWorld(t testing.TB, gates ...Event) *world {
	t.Helper()
	w := &world{t: t, rules: &Rules{}, rand: repeatable{rand.NewChaCha8([32]byte{1})}, at: noon}
	if len(gates) > 0 {
		w.rules.Endpoints = []Endpoint{{Name: "office", URL: "https://office.example.com", Events: gates, Wait: true, Deadline: time.Hour}}
	}
	return w
}

func (w *world) req(a Actor) Request {
	w.n++
	return Request{ID: fmt.Sprintf("test:%d", w.n), Actor: a, At: w.at, Rand: w.rand, Rules: w.rules}
}

// draft is a plan with a text item of Dave's and a workflow item, to be approved by
// one of Bob and Carol.
func (w *world) draft() Draft {
	return Draft{
		Name: "payments 4.2", Manager: PersonRef{"alice", "Alice"}, Description: "Tell the **hotline**",
		StartTime: noon.Add(-time.Hour).Unix(), EndTime: noon.Add(time.Hour).Unix(),
		Approval: &Approval{Type: NativeApproval, Needed: 1, Approvers: []PersonRef{{"bob", "Bob"}, {"carol", "Carol"}}},
		Items: []*Item{
			{Name: "announce", Type: TextItem, Owner: PersonRef{"dave", "Dave"}, Text: &TextSpec{Content: "Tell the hotline"}},
			{Name: "deploy", Type: WorkflowItem, Workflow: &WorkflowSpec{Engine: "local", Name: "deploy-payments", Params: map[string]string{"version": "4.2"}}},
		},
	}
}

func (w *world) create(d Draft) *world {
	w.t.Helper()
	p, c, err := NewPlan(w.req(alice), d)
	if err != nil {
		w.t.Fatalf("create: %v", err)
	}
	p.Index = 1
	w.plan, w.last = p, c
	return w
}

// do makes a move that must be possible.
func (w *world) do(c *Change, err error) *world {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("in status %s: %v", w.plan.Status(), err)
	}
	w.last = c
	return w
}

func (w *world) answer(r Result) *world {
	w.t.Helper()
	g := w.plan.Gate
	if g == nil {
		w.t.Fatalf("no gate is open in %s", w.plan.Status())
	}
	return w.do(w.plan.Answer(w.req(Actor{Kind: Receiver, Name: "office"}), Answer{Event: g.Event, Code: g.Waits[0].Code, Result: r, Reason: "no"}))
}

func (w *world) finishItems() *world {
	w.t.Helper()
	p := w.plan
	w.do(p.Complete(w.req(dave), p.Items[0].ID, "told"))
	w.do(p.Execute(w.req(alice), p.Items[1].ID))
	return w.do(p.RunEnded(w.req(SystemActor()), p.Items[1].Workflow.RunID, RunEnd{Status: RunPassed}))
}

func (w *world) is(s Status) *world {
	w.t.Helper()
	if got := w.plan.Status(); got != s {
		w.t.Fatalf("status is %s, want %s", got, s)
	}
	return w
}

// reach returns a world whose plan is in the status.
func reach(t testing.TB, s Status) *world {
	t.Helper()
	switch s {
	case Planning:
		w := newWorld(t)
		return w.create(w.draft()).is(s)
	case WaitFinishPlanning, FinishPlanningCheckFailed:
		w := newWorld(t, EventFinishPlanning)
		w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil))
		if s == FinishPlanningCheckFailed {
			w.answer(ResultFailed)
		}
		return w.is(s)
	case FinishPlanning:
		w := newWorld(t)
		d := w.draft()
		d.Approval = nil
		return w.create(d).do(w.plan.Submit(w.req(alice), nil)).is(s)
	case WaitForApproval:
		w := newWorld(t)
		return w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil)).is(s)
	case Denied:
		w := reach(t, WaitForApproval)
		return w.do(w.plan.Vote(w.req(bob), false, "not today")).is(s)
	case WaitExecute, ExecuteCheckFailed:
		w := newWorld(t, EventStartExecute)
		w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil)).do(w.plan.Vote(w.req(bob), true, ""))
		if s == ExecuteCheckFailed {
			w.answer(ResultFailed)
		}
		return w.is(s)
	case Executing:
		w := reach(t, WaitForApproval)
		return w.do(w.plan.Vote(w.req(bob), true, "")).is(s)
	case WaitAllDone, AllDoneCheckFailed:
		w := newWorld(t, EventAllJobDone)
		w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil)).do(w.plan.Vote(w.req(bob), true, ""))
		w.finishItems()
		if s == AllDoneCheckFailed {
			w.answer(ResultFailed)
		}
		return w.is(s)
	case Success:
		return reach(t, Executing).finishItems().is(s)
	case Timeout:
		w := reach(t, Executing)
		w.at = noon.Add(2 * time.Hour)
		return w.do(w.plan.EndWindow(w.req(SystemActor()))).is(s)
	case Cancelled:
		w := reach(t, Executing)
		return w.do(w.plan.Cancel(w.req(alice), "not needed")).is(s)
	}
	t.Fatalf("no way to %s", s)
	return nil
}

// try does a verb in whatever status the plan is, on the item that suits it best.
func (w *world) try(verb Verb, a Actor) (*Change, error) {
	p := w.plan
	item := func(t ItemType) string {
		for _, it := range p.Items {
			if it.Type == t {
				return it.ID
			}
		}
		return ""
	}
	switch verb {
	case VerbEdit:
		d := p.Draft()
		d.Name += "!"
		return p.Edit(w.req(a), d)
	case VerbSubmit:
		return p.Submit(w.req(a), nil)
	case VerbApprove:
		return p.Vote(w.req(a), true, "")
	case VerbReject:
		return p.Vote(w.req(a), false, "")
	case VerbWithdraw:
		return p.Withdraw(w.req(a), "")
	case VerbTransfer:
		return p.Transfer(w.req(a), PersonRef{"eve", "Eve"}, "")
	case VerbRemind:
		return p.Remind(w.req(a))
	case VerbStart:
		return p.Start(w.req(a))
	case VerbExecute:
		return p.Execute(w.req(a), item(WorkflowItem))
	case VerbComplete:
		return p.Complete(w.req(a), item(TextItem), "")
	case VerbSkip:
		return p.Skip(w.req(a), item(TextItem), "")
	case VerbRetry:
		return p.Retry(w.req(a), item(WorkflowItem), "", nil)
	case VerbAdopt:
		return p.Adopt(w.req(a), item(WorkflowItem), "7", "https://engine.example.com/runs/7")
	case VerbDecide:
		return p.Decide(w.req(a), item(WorkflowItem), "", true, "")
	case VerbAskAgain:
		return p.AskAgain(w.req(a))
	case VerbOverride:
		return p.Override(w.req(a), "because")
	case VerbReplan:
		return p.Replan(w.req(a), "")
	case VerbCancel:
		return p.Cancel(w.req(a), "because")
	}
	return nil, errors.New("no such verb of people: " + string(verb))
}
