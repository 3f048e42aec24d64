package slipway

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (w *world) pass(from, to Actor) *world {
	w.t.Helper()
	return w.do(w.plan.Transfer(w.req(from), PersonRef{to.ID, to.Name}, "on holiday"))
}

func TestAPlaceIsPassedToSomebodyElse(t *testing.T) {
	t.Parallel()
	w := levelled(t).submit()
	w.pass(bob, eve).is(WaitForApproval)
	if e := w.last.Entry; e.Actor.Name != "Bob" || !slices.Equal(e.Data.People, []string{"Eve"}) || e.Comment != "on holiday" {
		t.Errorf("the entry is %+v", e)
	}
	if diff := cmp.Diff([]string{"eve"}, w.told()); diff != "" || outcome(w.plan) != "1: eve carol" {
		t.Errorf("%s; told (-want +got):\n%s", outcome(w.plan), diff)
	}
	_, err := w.plan.Vote(w.req(bob), true, "")
	wantRefusal(t, err, Forbidden)
	// Somebody of a later level need not wait for it.
	w.pass(dave, bob)
	if len(w.told()) != 0 {
		t.Errorf("told %v of a level that is not open", w.told())
	}
	w.approve(eve)
	if diff := cmp.Diff([]string{"bob", "root"}, w.told()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	w.approve(bob).approve(root).is(Executing)

	// It counts for this round only.
	w.do(w.plan.Replan(w.req(alice), ""))
	if a := w.plan.Approval; a.Transfers != nil || a.Has("eve") || !a.sameRule(levelled(t).plan.Approval) {
		t.Errorf("left of the transfers: %+v", a)
	}
	w.submit().is(WaitForApproval)
	// What Bob and Root said of the same content counts where they are named now.
	if got := outcome(w.plan); got != "2: dave" || !slices.Equal(w.last.Entry.Data.Kept, []string{"Bob", "Root"}) {
		t.Errorf("asked %s, kept %v", got, w.last.Entry.Data.Kept)
	}
}

func TestAPlaceIsPassedOnAndOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(w.draft()).submit().pass(bob, eve).pass(eve, dave).pass(dave, bob).pass(carol, dave)
	if got := outcome(w.plan); got != "1: bob dave" || len(w.plan.Approval.Transfers) != 4 {
		t.Errorf("asked %s", got)
	}
	// A copy of the plan knows nothing of it.
	if diff := cmp.Diff([]PersonRef{{"bob", "Bob"}, {"carol", "Carol"}}, w.plan.Draft().Approval.Approvers); diff != "" {
		t.Errorf("the draft (-want +got):\n%s", diff)
	}
	w.approve(dave).is(Executing)
}

func TestAPlaceIsNotPassedToJustAnybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval = ruled(t, "all bob carol; 2 bob dave root")
	w.create(d).submit().approve(carol)
	for who, to := range map[string]Actor{"themselves": bob, "the manager": alice, "who has approved": carol, "who is of a later level": dave} {
		_, err := w.plan.Transfer(w.req(bob), PersonRef{to.ID, to.Name}, "")
		wantRefusal(t, err, Conflict)
		if p := ProblemsOf(err); len(p) != 1 || p[0].Path != "to" {
			t.Errorf("to %s: %v", who, err)
		}
	}
	for who, from := range map[string]Actor{"has approved": carol} {
		_, err := w.plan.Transfer(w.req(from), PersonRef{"eve", "Eve"}, "")
		wantRefusal(t, err, Conflict)
		if slices.Contains(w.plan.Allowed(from, nil), VerbTransfer) {
			t.Errorf("who %s is offered it", who)
		}
	}
	_, err := w.plan.Transfer(w.req(alice), PersonRef{"eve", "Eve"}, "")
	wantRefusal(t, err, Forbidden)
	w.pass(bob, eve).approve(eve).approve(dave).is(Executing) // her approval counts at both levels, as his would
}

func TestOneWhoseLevelHasPassedHasNothingToPassOn(t *testing.T) {
	t.Parallel()
	w := levelled(t).submit().approve(bob)
	_, err := w.plan.Transfer(w.req(carol), PersonRef{"eve", "Eve"}, "")
	wantRefusal(t, err, Conflict)
	d := w.draft()
	d.Approval = ruled(t, "any alice bob")
	w.create(d).submit()
	_, err = w.plan.Transfer(w.req(alice), PersonRef{"eve", "Eve"}, "")
	wantRefusal(t, err, Forbidden)
}
