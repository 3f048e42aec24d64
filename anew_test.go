package slipway

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inTwoLevels is a plan that Bob is to approve, then Carol; both were told.
func inTwoLevels(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.rules = &Rules{}
	d := w.draft()
	d.StartTime, d.EndTime = 0, 0
	d.Approval = &Approval{Type: NativeApproval, Levels: []Level{
		{Groups: []Group{{Approvers: []PersonRef{bob.ref()}, Needed: QuorumAny}}},
		{Groups: []Group{{Approvers: []PersonRef{carol.ref()}, Needed: QuorumAny}}},
	}}
	return w.create(d).do(w.plan.Submit(w.req(alice), nil)).is(WaitForApproval)
}

func (a Actor) ref() PersonRef { return PersonRef{ID: a.ID, Name: a.Name} }

// holds puts one more endpoint in force, or none.
func (w *world) holds(names ...string) *world {
	w.rules = &Rules{}
	for _, n := range names {
		w.rules.Endpoints = append(w.rules.Endpoints, Endpoint{Name: n, Wait: true, Deadline: time.Hour, Events: []Event{EventStartExecute}})
	}
	return w
}

func (w *world) wantAsked(want ...string) {
	w.t.Helper()
	var got []string
	for _, x := range w.plan.Asked(w.rules) {
		got = append(got, x.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Fatalf("who is asked (-want +got):\n%s", diff)
	}
}

// An endpoint that is to hold the plan comes while the second level is asked: the first has
// not approved that, and learns of it without anybody's doing.
func TestAnApprovalIsAskedForAnewWhenTheOutsideChecksChange(t *testing.T) {
	t.Parallel()
	w := inTwoLevels(t).approve(bob).is(WaitForApproval)
	w.wantAsked("carol")
	w.nothing()

	w.holds("risk")
	if err := w.look(); err != nil {
		t.Fatal(err)
	}
	w.is(WaitForApproval).wantAsked("bob")
	if people, _, _ := w.heard(); !cmp.Equal(people, []string{"bob"}) {
		t.Errorf("%v were told, want Bob", people)
	}
	data := w.last.Entry.Data
	if w.last.Entry.Verb != VerbAskAnew || !cmp.Equal(data.People, []string{"Bob"}) || data.Reason == nil || data.Reason.EN != "Changed: the outside checks." || data.Votes != "0/2" {
		t.Errorf("the log tells %s %+v", w.last.Entry.Verb, data)
	}
	w.nothing()
	seen := w.req(bob)
	seen.Version = 1
	if _, err := w.plan.Vote(seen, true, ""); CodeOf(err) != Stale {
		t.Errorf("a button that was shown before the endpoint came: %v", err)
	}

	// Without the endpoint it is what Bob approved before.
	w.holds()
	if err := w.look(); err != nil {
		t.Fatal(err)
	}
	w.is(WaitForApproval).wantAsked("carol")
	if people, _, _ := w.heard(); !cmp.Equal(people, []string{"carol"}) {
		t.Errorf("%v were told, want Carol", people)
	}
	w.approve(carol).is(Executing)
}

// What everybody approved in an earlier round starts when it is the same again.
func TestAPlanStartsWhenTheChecksAreAgainThoseThatWereApproved(t *testing.T) {
	t.Parallel()
	w := inTwoLevels(t).approve(bob).approve(carol).is(Executing)
	w.do(w.plan.Replan(w.req(alice), "")).holds("risk")
	w.do(w.plan.Submit(w.req(alice), nil)).is(WaitForApproval).wantAsked("bob")

	w.holds()
	for _, a := range []Actor{bob, carol} { // a press before Slipway has looked
		if _, err := w.plan.Vote(w.req(a), true, ""); CodeOf(err) != Conflict {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
	if err := w.look(); err != nil {
		t.Fatal(err)
	}
	w.is(Executing)
	if data := w.last.Entry.Data; w.last.Entry.Verb != VerbAskAnew || len(data.People) > 0 || data.Votes != "2/2" {
		t.Errorf("the log tells %s %+v", w.last.Entry.Verb, data)
	}
}
