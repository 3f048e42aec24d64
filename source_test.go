package slipway

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSourcesHaveNames(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"slack:S0123ABCD", "slack:@oncall", "slack:@on-call.de", "feishu:od-4e6ac4d1", " slack:SABC "} {
		if _, ok := ParseSource(good); !ok {
			t.Errorf("%q is none", good)
		}
	}
	for _, bad := range []string{"", "bob", "slack:", "slack:U0123", "slack:S", "slack:s0123", "slack:@", "slack:@a b", "feishu:ou_1", "feishu:od-", "web:S0123", "slack:S0123\n"} {
		if s, ok := ParseSource(bad); ok && s != "slack:S0123" {
			t.Errorf("%q is %q", bad, s)
		}
	}
}

// sourced is a plan of which the group names a source beside Bob.
func sourced(t *testing.T, needed Quorum) *world {
	t.Helper()
	w := newWorld(t)
	d := w.draft()
	d.Approval = &Approval{Type: NativeApproval, Levels: []Level{{Groups: []Group{
		{Approvers: []PersonRef{{"bob", "Bob"}}, From: []Source{"slack:S0OPS"}, Needed: needed},
	}}}}
	return w.create(d)
}

func (w *world) submitWith(members ...PersonRef) (*Change, error) {
	req := w.req(alice)
	req.Members = map[Source][]PersonRef{"slack:S0OPS": members}
	return w.plan.Submit(req, nil)
}

func TestMembersAreAskedUntilTheNextRound(t *testing.T) {
	t.Parallel()
	w := sourced(t, QuorumAll)
	before := w.plan.Approval.clone()
	for what, members := range map[string][]PersonRef{
		"nobody": nil, "only the manager": {{"alice", "Alice"}}, // all of Bob and Alice
	} {
		if _, err := w.submitWith(members...); CodeOf(err) != Unfit {
			t.Errorf("%s: %v", what, err)
		}
		if diff := cmp.Diff(before, w.plan.Approval); diff != "" {
			t.Errorf("%s: a refused submission changed the approval (-before +now):\n%s", what, diff)
		}
	}
	w.do(w.submitWith(PersonRef{"bob", "Bob"}, PersonRef{"carol", "Carol"})).is(WaitForApproval)
	if g := w.plan.Approval.Levels[0].Groups[0]; len(g.Found) != 1 || w.plan.Approval.Needed != 2 || !w.plan.Approval.Has("carol") {
		t.Errorf("the group is %+v", g)
	}
	w.approve(bob).pass(carol, eve).approve(eve).is(Executing)
	w.do(w.plan.Replan(w.req(alice), ""))
	if diff := cmp.Diff(before.Levels, w.plan.Approval.Levels); diff != "" {
		t.Errorf("left of the members (-written +now):\n%s", diff)
	}
	// Who is no member any more does not count, though they approved the same.
	w.do(w.submitWith(PersonRef{"dave", "Dave"})).is(WaitForApproval)
	if got := outcome(w.plan); got != "1: dave" {
		t.Errorf("asked %s", got)
	}
}

func TestTheGroupSaysWhoItIsFrom(t *testing.T) {
	t.Parallel()
	w := sourced(t, QuorumAny)
	if got := w.plan.Approval.Levels[0].Text(); got != T("any of Bob, slack:S0OPS", "Bob、slack:S0OPS任一") {
		t.Errorf("before: %v", got)
	}
	w.do(w.submitWith(PersonRef{"carol", "Carol"}))
	if got := w.plan.Approval.Levels[0].Text(); got != T("any of Bob, Carol", "Bob、Carol任一") {
		t.Errorf("after: %v", got)
	}
}
