package slipway

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// away puts delegations such as "b>e c>e" in force: e stands in for b and for c.
func (w *world) away(delegations string) *world {
	w.rules.Delegations = delegated(delegations)
	return w
}

func delegated(delegations string) []Delegation {
	var out []Delegation
	for _, d := range strings.Fields(delegations) {
		of, to, _ := strings.Cut(d, ">")
		out = append(out, Delegation{Of: PersonRef{of, of}, To: PersonRef{to, to}, End: noon.Unix() + 3600})
	}
	return out
}

func TestWhoeverStandsInIsAskedAndMayDecide(t *testing.T) {
	t.Parallel()
	w := levelled(t).away("bob>eve").submit()
	if diff := cmp.Diff([]string{"eve", "carol"}, w.told()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	want := []Seat{{Place: PersonRef{"bob", "Bob"}, By: PersonRef{"eve", "eve"}, Until: noon.Unix() + 3600}, {Place: PersonRef{"carol", "Carol"}, By: PersonRef{"carol", "Carol"}}}
	if diff := cmp.Diff(want, w.plan.Seats(w.rules)); diff != "" {
		t.Errorf("seats (-want +got):\n%s", diff)
	}
	for _, a := range []Actor{bob, eve} {
		if got := w.plan.Allowed(a, w.rules); !slices.Contains(got, VerbApprove) || slices.Contains(got, VerbTransfer) != (a.ID == bob.ID) {
			t.Errorf("%s may %v", a.Name, got)
		}
	}
	if got := w.plan.Allowed(eve, nil); len(got) != 0 {
		t.Errorf("without a delegation Eve may %v", got)
	}
	_, err := w.plan.Transfer(w.req(eve), PersonRef{"alice", "Alice"}, "")
	wantRefusal(t, err, Forbidden)

	w.approve(eve)
	if v := w.plan.Approval.Votes[0]; v.By.ID != "eve" || v.For.ID != "bob" || w.last.Entry.Data.For != "Bob" || w.last.Entry.Data.Votes != "1/3" {
		t.Errorf("the vote is %+v, the entry %+v", v, w.last.Entry)
	}
	// Bob's place counts once, whoever of the two decides.
	for _, a := range []Actor{bob, eve} {
		_, err := w.plan.Vote(w.req(a), true, "")
		wantRefusal(t, err, Conflict)
	}
	// What was decided stays decided when he is back; and he may take it back, as she may.
	w.away("")
	for _, a := range []Actor{bob, eve} {
		if !slices.Contains(w.plan.Allowed(a, w.rules), VerbWithdraw) {
			t.Errorf("%s may %v", a.Name, w.plan.Allowed(a, w.rules))
		}
	}
	w.do(w.plan.Withdraw(w.req(bob), ""))
	if w.last.Entry.Data.For != "" || outcome(w.plan) != "1: bob carol" {
		t.Errorf("%s, entry %+v", outcome(w.plan), w.last.Entry)
	}
	w.away("bob>eve").approve(eve).away("").do(w.plan.Withdraw(w.req(eve), ""))
	if w.last.Entry.Data.For != "Bob" {
		t.Errorf("the entry is %+v", w.last.Entry)
	}
	w.approve(bob).approve(dave).approve(root).is(Executing)
}

func TestOnePersonInSeveralPlacesCountsOnceInALevel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval = ruled(t, "all bob carol; all bob dave")
	w.create(d).away("bob>carol").submit()
	// Carol has a place of her own there: Bob's is left to him.
	if got := outcomeUnder(w.plan, w.rules); got != "1: bob carol" {
		t.Fatalf("asked %s", got)
	}
	w.approve(carol)
	if got := outcomeUnder(w.plan, w.rules); got != "1: bob" {
		t.Errorf("asked %s", got)
	}
	_, err := w.plan.Vote(w.req(carol), true, "") // for Bob it would help nothing: one person is one
	wantRefusal(t, err, Conflict)
	w.approve(bob).approve(dave).is(Executing)
}

func TestAnApproverDecidesInPersonWhereTwoPeopleAreNeeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval = ruled(t, "any bob; all bob eve")
	w.create(d).away("bob>eve").submit().approve(eve)
	// Eve decided for Bob at level 1. At level 2 she is named herself, and he must decide in person.
	if got := outcomeUnder(w.plan, w.rules); got != "2: bob eve" {
		t.Fatalf("asked %s", got)
	}
	w.approve(bob)
	if a := w.plan.Approval; len(a.Votes) != 1 || a.Votes[0].By.ID != "bob" || outcomeUnder(w.plan, w.rules) != "2: eve" {
		t.Errorf("the votes are %+v, asked %s", a.Votes, outcomeUnder(w.plan, w.rules))
	}
	w.approve(eve).is(Executing)
}

func TestTheOneWhoStandsInIsJudgedAsAPerson(t *testing.T) {
	t.Parallel()
	// Alice manages the plan: nobody decides in her favour but others, and she for nobody.
	w := newWorld(t)
	d := w.draft()
	d.Approval = ruled(t, "any alice; any bob")
	w.create(d).away("bob>alice")
	_, err := w.plan.Submit(w.req(alice), nil)
	wantRefusal(t, err, Unfit) // nobody can decide in Alice's place
	w.plan.Editor = PersonRef{"eve", "Eve"}
	_, err = w.away("alice>eve").plan.Submit(w.req(alice), nil)
	wantRefusal(t, err, Unfit) // nor can Eve, who edited last
	w.plan.Editor = PersonRef{"alice", "Alice"}
	w.away("alice>eve bob>alice").submit()
	if got := outcomeUnder(w.plan, w.rules); got != "1: eve" {
		t.Errorf("asked %s", got)
	}
	_, err = w.plan.Vote(w.req(alice), true, "")
	wantRefusal(t, err, Forbidden)
	w.approve(eve)
	if got := outcomeUnder(w.plan, w.rules); got != "2: bob" {
		t.Errorf("asked %s", got)
	}
	w.approve(bob).is(Executing)
}

func TestADelegationGoesNoFurther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval = ruled(t, "any bob dave")
	w.create(d).away("bob>carol carol>eve").submit()
	if got := outcomeUnder(w.plan, w.rules); got != "1: carol dave" {
		t.Errorf("asked %s", got)
	}
	_, err := w.plan.Vote(w.req(eve), true, "")
	wantRefusal(t, err, Forbidden)
	w.approve(carol).is(Executing)
}

func TestADelegatedNoIsANo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(w.draft()).away("bob>eve").submit().do(w.plan.Vote(w.req(eve), false, "not today")).is(Denied)
	if w.last.Entry.Data.For != "Bob" {
		t.Errorf("the entry is %+v", w.last.Entry)
	}
}

// Whoever stands in from now on is told once; so is whoever was not asked while they were
// away.
func TestAnAbsenceThatBeginsOrEndsTellsWhoIsAskedNow(t *testing.T) {
	t.Parallel()
	w := patient(t, TimeRules{RemindAfter: hourly(4)}).away("bob>eve carol>eve")
	w.do(w.plan.LosePatience(w.req(SystemActor()), zoned, nil))
	people, text, urgent := w.heard()
	if !slices.Equal(people, []string{"eve"}) || urgent || !strings.HasPrefix(text, "You decide for Bob, Carol now: plan #") {
		t.Errorf("told %v urgently %v: %q", people, urgent, text)
	}
	if e := w.last.Entry; e.Verb != VerbRemindAgain || e.Data.For != "Bob, Carol" || !slices.Equal(e.Data.People, []string{"eve"}) {
		t.Errorf("the log tells %+v", e)
	}
	if at, _ := w.timer(); at != "2026-11-24 16:00" {
		t.Errorf("the next look is at %q", at)
	}
	w.nothing()
	w.away("")
	w.nothing() // both were told at first

	w = patient(t, TimeRules{}, func(d *Draft) { d.Approval.Needed = 2 })
	w.away("bob>eve").do(w.plan.Replan(w.req(alice), "once more")).do(w.plan.Submit(w.req(alice), nil)).is(WaitForApproval)
	w.away("").do(w.plan.LosePatience(w.req(SystemActor()), zoned, nil))
	if people, text, _ := w.heard(); !slices.Equal(people, []string{"bob"}) || !strings.HasSuffix(text, "asks for your approval.") || w.last.Entry.Data.For != "" {
		t.Errorf("told %v: %q", people, text)
	}
	w.nothing()
	// Who may not decide is not asked.
	w.away("carol>alice")
	w.nothing()
}
