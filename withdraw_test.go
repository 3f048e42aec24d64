package slipway

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnApprovalIsTakenBackWhileNothingHasStarted(t *testing.T) {
	t.Parallel()
	w := levelled(t).submit().approve(bob).is(WaitForApproval)
	if _, err := w.plan.Withdraw(w.req(carol), ""); CodeOf(err) != Conflict {
		t.Errorf("Carol, who said nothing, withdraws: %v", err)
	}
	if _, err := w.plan.Withdraw(w.req(eve), ""); CodeOf(err) != Forbidden {
		t.Errorf("a stranger withdraws: %v", err)
	}
	if got := w.plan.Allowed(bob, nil); !slices.Contains(got, VerbWithdraw) || slices.Contains(got, VerbApprove) {
		t.Errorf("Bob may %v", got)
	}
	w.do(w.plan.Withdraw(w.req(bob), "not so fast")).is(WaitForApproval)
	if e := w.last.Entry; e.Comment != "not so fast" || e.Data.Votes != "0/3" || e.Data.For != "" {
		t.Errorf("the entry is %+v", e)
	}
	// The manager is told, and those who are asked now; the level before is open again.
	if diff := cmp.Diff([]string{"alice", "carol"}, w.told()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if n := len(w.plan.Approval.Votes) + len(w.plan.Approval.Earlier); n != 0 {
		t.Errorf("%d votes are left", n)
	}
	if got := w.plan.Allowed(bob, nil); slices.Contains(got, VerbWithdraw) || !slices.Contains(got, VerbApprove) {
		t.Errorf("afterwards Bob may %v", got)
	}
	w.approve(bob).approve(dave).approve(root).is(Executing)
	_, err := w.plan.Withdraw(w.req(bob), "")
	wantRefusal(t, err, Conflict)
}

func TestAWithdrawalClosesTheCheckBeforeExecuting(t *testing.T) {
	t.Parallel()
	for _, s := range []Status{WaitExecute, ExecuteCheckFailed} {
		w := reach(t, s)
		asked := w.plan.Gate.Waits[0]
		w.do(w.plan.Withdraw(w.req(bob), "")).is(WaitForApproval)
		if a := w.plan.Approval; w.plan.Gate != nil || a.Result != ApprovalOpen || w.plan.ApprovalTime != 0 || len(a.Votes)+len(a.Earlier) != 0 {
			t.Errorf("%s: left of the approval: %+v", s, a)
		}
		if !slices.Equal(w.last.Unsend, []string{asked.DeliveryID}) || !slices.Equal(w.last.Moot, []string{asked.DeliveryID}) {
			t.Errorf("%s: taken back: %v, moot: %v", s, w.last.Unsend, w.last.Moot)
		}
		if diff := cmp.Diff([]string{"alice", "carol"}, w.told()); diff != "" {
			t.Errorf("%s: told (-want +got):\n%s", s, diff)
		}
		// What the office answers to the old question comes too late.
		_, err := w.plan.Answer(w.req(Actor{Kind: Receiver, Name: "office"}), Answer{Event: EventStartExecute, Code: asked.Code, Result: ResultSuccess})
		wantRefusal(t, err, Conflict)
		w.approve(carol).is(WaitExecute)
		if w.plan.Gate.Waits[0].Code == asked.Code {
			t.Error("the code is the old one")
		}
		w.answer(ResultSuccess).is(Executing)
	}
}

func TestAWithdrawnAdviceIsAskedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, EventStartExecute)
	w.rules.Endpoints = append(w.rules.Endpoints, Endpoint{Name: "metrics", Events: Events(), Wait: true, Advisory: true})
	w.create(w.draft()).submit().approve(bob).is(WaitExecute)
	w.do(w.plan.Withdraw(w.req(bob), ""))
	if len(w.plan.Advice) != 1 || w.plan.Advice[0].Event != EventFinishPlanning || len(w.last.Unsend) != 2 {
		t.Errorf("advice %+v, taken back %v", w.plan.Advice, w.last.Unsend)
	}
	w.approve(bob).is(WaitExecute)
	if len(w.plan.Advice) != 2 {
		t.Errorf("advice %+v", w.plan.Advice)
	}
}

func TestAWithdrawnApprovalIsNotKept(t *testing.T) {
	t.Parallel()
	w := reach(t, WaitExecute)
	w.do(w.plan.Withdraw(w.req(bob), "")).do(w.plan.Replan(w.req(alice), "")).submit().is(WaitForApproval)
	if len(w.last.Entry.Data.Kept) != 0 || !strings.Contains(outcome(w.plan), "bob carol") {
		t.Errorf("kept %v, %s", w.last.Entry.Data.Kept, outcome(w.plan))
	}
}
