package slipway

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// No order of votes, reminders, edits and hours that pass starts a plan without a valid
// approval of exactly what it runs, or lets one expire that is decided.
func TestNoOrderOfTimeAndVotesStartsAPlanWithoutItsApproval(t *testing.T) {
	t.Parallel()
	people := []Actor{bob, carol, dave, eve, {Kind: Person, ID: "frank", Name: "Frank"}, alice}
	var to []PersonRef
	for _, who := range []Actor{eve, people[4], alice, bob} {
		to = append(to, PersonRef{who.ID, who.Name})
	}
	seen := map[Verb]int{}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 6))
		w := newWorld(t)
		d := w.draft()
		d.StartTime, d.EndTime = 0, 0
		d.Approval = ruled(t, []string{"any bob carol", "all bob carol; any dave", "2 bob carol dave", "any bob + any carol; all bob dave"}[r.IntN(4)])
		d.Approval.TimeRules = TimeRules{RemindAfter: hourly(2), EscalateAfter: hourly(5), EscalateTo: to, ExpireAfter: hourly(15)}
		w.create(d)
		for range 40 {
			before := w.plan.Clone()
			c, err := w.chance(r, people, to)
			if err != nil {
				if diff := cmp.Diff(before, w.plan); diff != "" && err != Unchanged { //nolint:errorlint // a control value
					t.Fatalf("seed %d: a refused move changed the plan:\n%s", seed, diff)
				}
				continue
			}
			seen[c.Entry.Verb]++
			w.judge(t, seed, before, c)
		}
	}
	for _, v := range []Verb{VerbApprove, VerbReject, VerbRemindAgain, VerbEscalate, VerbExpireApproval, VerbReplan, VerbEdit, VerbSubmit} {
		if seen[v] < 10 {
			t.Errorf("%s came only %d times", v, seen[v])
		}
	}
}

// chance does something at random.
func (w *world) chance(r *rand.Rand, people []Actor, to []PersonRef) (*Change, error) {
	p := w.plan
	switch n := r.IntN(20); {
	case n < 7:
		return p.Vote(w.req(people[r.IntN(len(people))]), r.IntN(12) != 0, "")
	case n < 15:
		w.at = w.at.Add(time.Duration(1+r.IntN(300)) * time.Minute)
		return p.LosePatience(w.req(SystemActor()), zoned, to)
	case n < 16:
		return p.Remind(w.req(alice))
	case n < 17:
		d := p.Draft()
		d.Items[0].Text.Content += "!"
		return p.Edit(w.req(people[r.IntN(2)*5]), d) // Alice, or Bob who may not
	case n < 19:
		return p.Submit(w.req(alice), nil)
	default:
		return p.Replan(w.req(alice), "")
	}
}

// judge holds a move against what must never be.
func (w *world) judge(t *testing.T, seed uint64, before *Plan, c *Change) {
	t.Helper()
	p, a, was := w.plan, w.plan.Approval, before.Status()
	if p.Status() == Executing && was != Executing {
		now := p.content(w.rules)
		for i := range a.Rule() {
			l := &a.Rule()[i]
			if n := l.count(func(id string) string {
				v := a.VoteOf(id)
				if v == nil || !v.Approve || v.Content != now.Digest || p.involved(v.By.ID) {
					return ""
				}
				return v.By.ID
			}); n < l.Need() {
				t.Fatalf("seed %d: %s started the plan with %d of %d in level %d: %+v", seed, c.Entry.Verb, n, l.Need(), i+1, a)
			}
		}
		if c.Entry.Actor.Kind != Person {
			t.Fatalf("seed %d: the clock started the plan", seed)
		}
	}
	if c.Entry.Actor.Kind == System && (was != WaitForApproval || before.Approval.Result != ApprovalOpen) {
		t.Fatalf("seed %d: %s touched a plan in %s", seed, c.Entry.Verb, was)
	}
	if c.Entry.Verb == VerbExpireApproval && w.at.Unix() < before.Approval.Waiting.Asked+15*3600 {
		t.Fatalf("seed %d: expired too early", seed)
	}
	timer, dropped := w.timerOf(c)
	if waits := p.Status() == WaitForApproval; waits && was != WaitForApproval && timer == "" || !waits && was == WaitForApproval && (timer != "" || !dropped) {
		t.Fatalf("seed %d: %s led from %s to %s with a timer at %q, dropped %v", seed, c.Entry.Verb, was, p.Status(), timer, dropped)
	}
	if (a.Result == ApprovalExpired || a.Result == ApprovalRejected) != (p.Status() == Denied) {
		t.Fatalf("seed %d: %s in %s", seed, a.Result, p.Status())
	}
}

func (w *world) timerOf(c *Change) (string, bool) {
	w.last = c
	return w.timer()
}
