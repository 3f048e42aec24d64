package slipway

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
)

const outsideID = "6b04d8587efe53958245c151"

// outside is a plan of Zadig's that Bob or Carol decide about.
func (w *world) outside(o Origin) *world {
	w.t.Helper()
	d := w.draft()
	d.Items[0].Status, d.Items[1].Status, d.Items[1].Workflow.RunStatus = Done, Failed, RunFailed
	d.Approval.Approvers = append(d.Approval.Approvers, PersonRef{"alice", "Alice"}) // who manages it there, too
	if !o.Asks {
		d.Approval = nil
	}
	req := w.req(Actor{Kind: Receiver, ID: "zadig", Name: "Zadig"})
	if w.plan == nil {
		p, c, err := NewMirror(req, outsideID, d, o)
		if err != nil {
			w.t.Fatal(err)
		}
		p.Index = 1
		w.plan, w.last = p, c
		return w
	}
	return w.do(w.plan.Mirror(req, d, o))
}

func origin(ev Event, code string) Origin {
	return Origin{System: "Zadig", Endpoint: "zadig", Index: 7, Event: ev, Code: code, Asks: true}
}

// decision is what the last change tells the other system.
func (w *world) decision() map[string]string {
	w.t.Helper()
	if len(w.last.Deliveries) != 1 || w.last.Deliveries[0].Endpoint != "zadig" || !hasTask(w.last, TaskHook) {
		w.t.Fatalf("told: %+v", w.last.Deliveries)
	}
	var said map[string]string
	if err := json.Unmarshal(w.last.Deliveries[0].Body, &said); err != nil {
		w.t.Fatal(err)
	}
	return said
}

func TestPeopleDecideTheCheckOfAnotherSystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Events()...).outside(origin(EventFinishPlanning, "a")).is(WaitForApproval)
	if w.plan.ID != outsideID || w.plan.Items[0].Status != Done || w.plan.Items[1].Workflow.RunStatus != RunFailed || w.tellings() != 1 {
		t.Fatalf("shown: %+v, %d told", w.plan, w.tellings())
	}
	w.do(w.plan.Vote(w.req(bob), true, "looks good")).is(FinishPlanning)
	want := map[string]string{
		"release_plan_id": outsideID, "instance_code": "a", "hook_event": "finish_planning", "result": "success", "failed_reason": "", "description": "looks good",
	}
	for k, v := range want {
		if got := w.decision()[k]; got != v {
			t.Errorf("%s is %q, want %q", k, got, v)
		}
	}

	w.outside(origin(EventStartExecute, "b")).is(WaitForApproval).do(w.plan.Vote(w.req(carol), false, "not today")).is(Denied)
	if said := w.decision(); said["result"] != "failed" || said["failed_reason"] != "not today" || said["instance_code"] != "b" {
		t.Errorf("told %v", said)
	}
	w.outside(origin(EventStartExecute, "b")).do(w.plan.Vote(w.req(alice), true, "")).is(Executing)
	if said := w.decision(); said["result"] != "success" || said["description"] != "Alice, success" {
		t.Errorf("told %v", said)
	}
}

func TestWhatLivesElsewhereIsChangedThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t).outside(origin(EventStartExecute, "a"))
	for _, verb := range Verbs() {
		for _, a := range []Actor{alice, bob, root} {
			if verb == VerbCreate || slices.Contains(mirrorVerbs, verb) {
				continue
			}
			if _, err := w.try(verb, a); CodeOf(err) != Conflict {
				t.Errorf("%s may %s it: %v", a.Name, verb, err)
			}
		}
	}
	for _, v := range append(w.plan.Possible(), w.plan.Allowed(root, w.rules)...) {
		if v == VerbReplan || v == VerbEdit {
			t.Errorf("%s is offered", v)
		}
	}
	o := origin(EventAllJobDone, "")
	o.Asks = false
	w.outside(o).is(Success)
	native := newWorld(t).create(newWorld(t).draft())
	if _, err := native.plan.Mirror(w.req(SystemActor()), w.draft(), origin(EventStartExecute, "a")); CodeOf(err) != Conflict {
		t.Errorf("a plan of ours is overwritten: %v", err)
	}
}

func TestADecisionThatDoesNotArriveIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t).outside(origin(EventStartExecute, "a"))
	if _, err := w.plan.FailWait(w.req(SystemActor()), VerbGiveUp, "msg_other", T("x", "x")); !errors.Is(err, Unchanged) {
		t.Errorf("something else: %v", err)
	}
	w.do(w.plan.Vote(w.req(bob), true, ""))
	told := w.last.Deliveries[0].ID
	w.do(w.plan.FailWait(w.req(SystemActor()), VerbGiveUp, told, T("It was tried.", "已尝试。"))).is(Executing)
	if w.tellings() != 1 || w.last.Entry.Data.Endpoint != "zadig" {
		t.Errorf("%d told, entry %+v", w.tellings(), w.last.Entry)
	}
}
