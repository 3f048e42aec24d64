package slipway

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// asks are endpoints that hear of the end of the planning.
func asks(endpoints ...Endpoint) []Endpoint {
	for i := range endpoints {
		e := &endpoints[i]
		e.Events, e.Wait = []Event{EventFinishPlanning}, true
	}
	return endpoints
}

func (w *world) says(endpoint, code string, r Result) error {
	c, err := w.plan.Answer(w.req(Actor{Kind: Receiver, Name: endpoint}), Answer{
		Event: EventFinishPlanning, Code: code, Result: r, Reason: "too risky", Description: "half way",
	})
	if err == nil {
		w.last = c
	}
	return err
}

// tellings counts what the last change tells people.
func (w *world) tellings() int {
	return len(slices.DeleteFunc(slices.Clone(w.last.Tasks), func(t Task) bool { return t.Kind != TaskNotice }))
}

func TestAdviceIsShownAndHoldsNothingBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = asks(Endpoint{Name: "risk", Advisory: true, Deadline: time.Hour}, Endpoint{Name: "cost", Advisory: true})
	w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil)).is(WaitForApproval)
	risk, cost := w.plan.Advice[0], w.plan.Advice[1]
	if len(w.last.Deliveries) != 2 || !w.last.Deliveries[0].Waits || w.last.Deliveries[0].InstanceCode != risk.Code {
		t.Fatalf("asked: %+v", w.last.Deliveries)
	}

	if err := w.says("risk", risk.Code, ResultExecuting); err != nil || w.plan.Advice[0].Progress != "half way" {
		t.Errorf("progress: %v, %+v", err, w.plan.Advice[0])
	}
	if err := w.says("risk", risk.Code, ResultFailed); err != nil || w.plan.Advice[0].State != GateFailed || w.tellings() != 1 {
		t.Errorf("advice against it: %v, %+v, %d told", err, w.plan.Advice[0], w.tellings())
	}
	if err := w.says("risk", risk.Code, ResultSuccess); CodeOf(err) != Conflict {
		t.Errorf("a changed mind is taken: %v", err)
	}
	w.is(WaitForApproval).do(w.plan.Vote(w.req(bob), true, "")).is(Executing)
	if err := w.says("cost", cost.Code, ResultSuccess); err != nil || w.plan.Advice[1].State != GatePassed {
		t.Errorf("advice that comes late: %v, %+v", err, w.plan.Advice[1])
	}
	if _, err := w.plan.Expire(w.req(SystemActor()), risk.DeliveryID, nil); !errors.Is(err, Unchanged) {
		t.Errorf("an answered question expires: %v", err)
	}

	w.do(w.plan.Replan(w.req(alice), "")).do(w.plan.Submit(w.req(alice), nil))
	if err := w.says("cost", cost.Code, ResultSuccess); CodeOf(err) != Conflict {
		t.Errorf("an answer to the round before is taken: %v", err)
	}
	w.at = w.at.Add(2 * time.Hour)
	// The plan goes on meanwhile: what Bob approved before is what is submitted again.
	w.do(w.plan.Expire(w.req(SystemActor()), w.plan.Advice[0].DeliveryID, nil)).is(Executing)
	if w.plan.Advice[0].State != GateFailed || !w.last.Entry.Data.Advisory {
		t.Errorf("after its deadline: %+v", w.plan.Advice[0])
	}
	open := w.plan.Advice[1].DeliveryID
	w.do(w.plan.Cancel(w.req(alice), "no more")).is(Cancelled)
	if len(w.plan.Advice) != 1 || !slices.Contains(w.last.Unsend, open) {
		t.Errorf("a cancelled plan still asks: %+v, takes back %v", w.plan.Advice, w.last.Unsend)
	}
}

func TestPeopleAreRemindedBeforeADeadline(t *testing.T) {
	t.Parallel()
	for deadline, early := range map[time.Duration]time.Duration{
		24 * time.Hour: time.Hour, time.Hour: 15 * time.Minute, 4 * time.Minute: time.Minute, 3 * time.Minute: 0, 0: 0,
	} {
		w := newWorld(t)
		w.rules.Endpoints = asks(Endpoint{Name: "office", Deadline: deadline})
		w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil)).is(WaitFinishPlanning)
		var at []time.Duration
		for _, task := range w.last.Tasks {
			if task.Kind == TaskDeadline {
				at = append(at, time.UnixMilli(task.RunAt).Sub(noon))
			}
		}
		want := []time.Duration{deadline, deadline - early}
		switch {
		case deadline == 0:
			want = nil
		case early == 0:
			want = want[:1]
		}
		if !slices.Equal(at, want) {
			t.Errorf("with a deadline of %s something happens after %v, want %v", deadline, at, want)
		}
		if early == 0 {
			continue
		}
		id := w.plan.Gate.Waits[0].DeliveryID
		w.at = noon.Add(deadline - early)
		w.do(w.plan.Expire(w.req(SystemActor()), id, nil)).is(WaitFinishPlanning)
		if w.last.Entry.Verb != VerbRemind || w.last.Entry.Data.Endpoint != "office" || w.tellings() != 1 {
			t.Errorf("the reminder: %+v, %d told", w.last.Entry, w.tellings())
		}
		w.at = noon.Add(deadline)
		w.do(w.plan.Expire(w.req(SystemActor()), id, nil)).is(FinishPlanningCheckFailed)
		if w.last.Entry.Verb != VerbExpireGate || w.tellings() != 1 {
			t.Errorf("the deadline: %+v, %d told", w.last.Entry, w.tellings())
		}
	}
}

func TestAfterADeadlineAPersonMayBeAskedToDecide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = asks(Endpoint{Name: "office", Deadline: time.Hour, AfterDeadline: DeadlineAsks})
	w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil))
	w.at = noon.Add(time.Hour)
	w.do(w.plan.Expire(w.req(SystemActor()), w.plan.Gate.Waits[0].DeliveryID, nil)).is(FinishPlanningCheckFailed)
	want := "office: No answer came before the deadline. A person decides now: the manager (Alice) can ask again, an admin can override the check."
	if got := w.plan.Gate.Reason.EN; got != want || w.tellings() != 2 {
		t.Errorf("reason %q, want %q; %d told, want the news and the call", got, want, w.tellings())
	}
	w.do(w.plan.Override(w.req(root), "asked by phone")).is(WaitForApproval)
}

func TestWhomAnEndpointNamesIsCalledAfterItsDeadline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		named  []PersonRef
		called []string
	}{
		{nil, []string{"alice", "alice"}}, // the manager, the creator
		{[]PersonRef{{"bob", "Bob"}, {"root", "Root"}}, []string{"bob", "root"}},
	} {
		w := newWorld(t)
		w.rules.Endpoints = asks(Endpoint{Name: "office", Deadline: time.Hour, AfterDeadline: DeadlineAsks})
		w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil))
		w.at = noon.Add(time.Hour)
		w.do(w.plan.Expire(w.req(SystemActor()), w.plan.Gate.Waits[0].DeliveryID, tt.named)).is(FinishPlanningCheckFailed)
		var called []string
		for _, task := range w.last.Tasks {
			var n Notice
			if task.Kind == TaskNotice && json.Unmarshal(task.Data, &n) == nil && n.Urgent {
				called = append(called, n.To...)
			}
		}
		if !slices.Equal(called, tt.called) {
			t.Errorf("named %v: called %v, want %v", tt.named, called, tt.called)
		}
	}
}

func TestOneOfSeveralIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = asks(Endpoint{Name: "office"}, Endpoint{Name: "risk"}, Endpoint{Name: "cost"})
	w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil))
	code := func(i int) string { return w.plan.Gate.Waits[i].Code }
	for i, r := range []Result{ResultFailed, ResultFailed, ResultSuccess} {
		if err := w.says("", code(i), r); err != nil {
			t.Fatal(err)
		}
	}
	for name, who := range map[string]string{"somebody who is not asked": "nobody", "who has agreed": "cost"} {
		if _, err := w.plan.AskAgain(w.req(alice), who); CodeOf(err) != Conflict {
			t.Errorf("%s is asked again: %v", name, err)
		}
	}
	risk := code(1)
	w.do(w.plan.AskAgain(w.req(alice), "office")).is(FinishPlanningCheckFailed)
	if len(w.last.Deliveries) != 1 || w.last.Deliveries[0].Endpoint != "office" || code(1) != risk || w.plan.Gate.Reason.EN != "risk: too risky" {
		t.Errorf("asked %+v; the gate says %q", w.last.Deliveries, w.plan.Gate.Reason.EN)
	}
	if err := w.says("office", code(0), ResultSuccess); err != nil {
		t.Fatal(err)
	}
	w.is(FinishPlanningCheckFailed).do(w.plan.AskAgain(w.req(alice))).is(WaitFinishPlanning)
	if len(w.last.Deliveries) != 1 || w.last.Deliveries[0].Endpoint != "risk" {
		t.Errorf("asked %+v", w.last.Deliveries)
	}
	if err := w.says("risk", code(1), ResultSuccess); err != nil {
		t.Fatal(err)
	}
	w.is(WaitForApproval)
}

func TestAnOverrideMayTakeTwoAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, EventFinishPlanning)
	w.rules.Overriders = 2
	second := Actor{Kind: Person, ID: "ruth", Name: "Ruth", Admin: true}
	w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil))
	w.do(w.plan.Override(w.req(root), "asked by phone")).is(WaitFinishPlanning)
	if w.last.Entry.Data.Votes != "1/2" || w.tellings() != 1 {
		t.Errorf("the first: %+v, %d told", w.last.Entry.Data, w.tellings())
	}
	if _, err := w.plan.Override(w.req(root), "really"); CodeOf(err) != Conflict {
		t.Errorf("one admin counts twice: %v", err)
	}
	w.do(w.plan.Override(w.req(second), "I agree")).is(WaitForApproval)
	if len(w.plan.Overrides) != 2 || w.plan.Overrides[0].By != "Root" || w.plan.Overrides[1].By != "Ruth" {
		t.Errorf("overridden by %+v", w.plan.Overrides)
	}

	w = newWorld(t, EventFinishPlanning)
	w.rules.Overriders = 2
	w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil)).do(w.plan.Override(w.req(root), "asked by phone"))
	w.answer(ResultFailed).do(w.plan.AskAgain(w.req(alice)))
	w.do(w.plan.Override(w.req(second), "fine")).is(WaitFinishPlanning) // what was agreed was about another question
}

func TestTenNotesOfAWaitAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, EventFinishPlanning)
	w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil))
	for i := range 13 {
		w.at = w.at.Add(time.Second)
		w.do(w.plan.Answer(w.req(Actor{Kind: Receiver}), Answer{
			Event: EventFinishPlanning, Code: w.plan.Gate.Waits[0].Code, Result: ResultExecuting, Description: fmt.Sprint("step ", i+1),
		}))
	}
	notes := w.plan.Gate.Waits[0].Notes
	if len(notes) != MaxNotes || notes[0].Text != "step 4" || notes[9].Text != "step 13" || w.plan.Gate.Waits[0].Progress != "step 13" {
		t.Errorf("%d notes, %+v", len(notes), notes)
	}
}

func TestAnEndpointMayHearOfSomePlansOnly(t *testing.T) {
	t.Parallel()
	for project, want := range map[string]Status{"payments": WaitFinishPlanning, "search": WaitForApproval} {
		w := newWorld(t)
		w.rules.Endpoints = asks(Endpoint{Name: "office", Projects: []string{"billing", "payments"}})
		d := w.draft()
		d.Items[1].Workflow.Project = project
		w.create(d).do(w.plan.Submit(w.req(alice), nil)).is(want)
	}
}

func TestDeliveriesOfAPlanAreNumberedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = []Endpoint{{Name: "wall", Events: Events()}, {Name: "board", Events: Events()}}
	d := w.draft()
	d.Approval = nil
	w.create(d)
	last := int64(0)
	for _, step := range []func() (*Change, error){
		func() (*Change, error) { return w.plan.Submit(w.req(alice), nil) },
		func() (*Change, error) { return w.plan.Start(w.req(alice)) },
	} {
		w.do(step())
		for _, d := range w.last.Deliveries {
			if d.Seq <= last {
				t.Errorf("the hook about %s to %s has number %d after %d", d.Event, d.Endpoint, d.Seq, last)
			}
			last = d.Seq
		}
	}
}
