package slipway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// patient is a plan whose approval has time rules, waiting since noon on a Tuesday; Bob
// works in London, Carol in New York.
func patient(t testing.TB, r TimeRules, edit ...func(*Draft)) *world {
	t.Helper()
	w := newWorld(t)
	d := w.draft()
	d.StartTime, d.EndTime = 0, 0
	d.Approval.TimeRules = r
	for _, e := range edit {
		e(&d)
	}
	return w.create(d).do(w.plan.Submit(w.req(alice), nil)).is(WaitForApproval)
}

func zoned(userID string) Hours {
	if userID == "carol" {
		return Hours{Zone: newYork}
	}
	return Hours{}
}

var newYork = func() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}()

// look is what the task does.
func (w *world) look(to ...PersonRef) error {
	w.t.Helper()
	c, err := w.plan.LosePatience(w.req(SystemActor()), zoned, to)
	if err == nil {
		w.last = c
	}
	return err
}

// until moves the clock to a moment of UTC.
func (w *world) until(s string) *world {
	w.t.Helper()
	at, err := time.Parse(minuteLayout, s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.at = at
	return w
}

// nothing makes sure that nothing is due.
func (w *world) nothing() {
	w.t.Helper()
	before := w.plan.Clone()
	if err := w.look(); err != Unchanged { //nolint:errorlint // a control value
		w.t.Fatalf("at %s: %v, want nothing", w.at, err)
	}
	if diff := cmp.Diff(before, w.plan); diff != "" {
		w.t.Errorf("nothing was due and yet (-was +now):\n%s", diff)
	}
}

func (w *world) next() string {
	w.t.Helper()
	return clockIn(w.plan.Times(w.at, w.rules, zoned).Next())
}

func clockIn(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format(minuteLayout)
}

// heard lists who is told something by the last change.
func (w *world) heard() (people []string, text string, urgent bool) {
	w.t.Helper()
	for _, task := range w.last.Tasks {
		if task.Kind != TaskNotice {
			continue
		}
		var n Notice
		if err := json.Unmarshal(task.Data, &n); err != nil {
			w.t.Fatal(err)
		}
		if !n.Card || strings.Contains(n.Text.EN+n.Text.ZH, "%!") {
			w.t.Errorf("a bad notice: %+v", n)
		}
		people, text, urgent = append(people, n.To...), n.Text.EN, n.Urgent
	}
	return people, text, urgent
}

// timer is when the last change has Slipway look again, and whether it takes that back.
func (w *world) timer() (at string, dropped bool) {
	for _, task := range w.last.Tasks {
		if task.Kind == TaskPatience {
			at = clockIn(task.RunAt / 1000)
		}
	}
	return at, slices.Contains(w.last.Drop, TaskPatience)
}

func hourly(n int) Period { return Period(n) * Period(time.Hour) }

func TestApproversAreRemindedInTheirWorkingHours(t *testing.T) {
	t.Parallel()
	w := patient(t, TimeRules{RemindAfter: hourly(4)})
	if at, _ := w.timer(); at != "2026-11-24 16:00" {
		t.Fatalf("the first look is at %q", at)
	}
	w.until("2026-11-24 15:59").nothing()
	w.until("2026-11-24 16:00")
	w.do(w.plan.LosePatience(w.req(SystemActor()), zoned, nil))
	people, text, urgent := w.heard()
	if !slices.Equal(people, []string{"bob", "carol"}) || !urgent || !strings.Contains(text, "still waits for your approval") {
		t.Errorf("told %v urgently %v: %q", people, urgent, text)
	}
	if e := w.last.Entry; e.Verb != VerbRemindAgain || e.Actor.Kind != System || !slices.Equal(e.Data.People, []string{"Bob", "Carol"}) {
		t.Errorf("the log tells %+v", e)
	}
	// Bob's day is over then, Carol's is not.
	if at, _ := w.timer(); at != "2026-11-24 20:00" {
		t.Errorf("the next look is at %q", at)
	}
	w.nothing()
	w.until("2026-11-24 20:00")
	w.do(w.plan.LosePatience(w.req(SystemActor()), zoned, nil))
	if people, _, _ := w.heard(); !slices.Equal(people, []string{"carol"}) {
		t.Errorf("in the evening of London %v are told", people)
	}
	w.until("2026-11-25 08:59").nothing()
	w.until("2026-11-25 09:00")
	w.do(w.plan.LosePatience(w.req(SystemActor()), zoned, nil))
	if people, _, _ := w.heard(); !slices.Equal(people, []string{"bob"}) {
		t.Errorf("in the morning of London %v are told", people)
	}
	// A reminder by hand counts, and whoever has decided is left alone.
	w.until("2026-11-25 13:30").do(w.plan.Remind(w.req(alice)))
	if got := w.next(); got != "2026-11-25 17:30" {
		t.Errorf("after a reminder by hand the next is at %q", got)
	}
	w.do(w.plan.Vote(w.req(bob), true, "")).is(Executing)
	if at, dropped := w.timer(); at != "" || !dropped {
		t.Errorf("the timer goes on after the approval: %q, %v", at, dropped)
	}
	w.until("2026-11-26 16:00").nothing()
}

// A reminder that was late, because Slipway was away, waits for working hours as well.
func TestALateReminderWaitsForTheMorning(t *testing.T) {
	t.Parallel()
	w := patient(t, TimeRules{RemindAfter: hourly(4)})
	w.until("2026-11-25 02:00").nothing()
	if got := w.next(); got != "2026-11-25 09:00" {
		t.Errorf("the next is at %q", got)
	}
}

func TestAReminderDoesNotWaitWhereTheReleaseWouldBegin(t *testing.T) {
	t.Parallel()
	begins := func(s string) func(*Draft) {
		at, err := time.Parse(minuteLayout, s)
		if err != nil {
			t.Fatal(err)
		}
		return func(d *Draft) { d.StartTime = at.Unix() }
	}
	w := patient(t, TimeRules{RemindAfter: hourly(7)}, begins("2026-11-25 02:00"), func(d *Draft) { d.Approval.Approvers = d.Approval.Approvers[:1] })
	w.until("2026-11-24 19:00")
	w.do(w.plan.LosePatience(w.req(SystemActor()), zoned, nil))
	if people, text, _ := w.heard(); !slices.Equal(people, []string{"bob"}) || !strings.Contains(text, "outside your working hours because the release") {
		t.Errorf("told %v: %q", people, text)
	}
	if w.last.Entry.Data.Reason == nil {
		t.Error("the log does not say why it was at once")
	}
	// Once more at 02:00, when it begins, and then it waits for the morning.
	w.until("2026-11-25 02:00")
	w.do(w.plan.LosePatience(w.req(SystemActor()), zoned, nil))
	w.until("2026-11-25 08:59").nothing()
	if got := w.next(); got != "2026-11-25 09:00" {
		t.Errorf("the next is at %q", got)
	}
	// A release that begins after the next working moment can wait.
	w = patient(t, TimeRules{RemindAfter: hourly(7)}, begins("2026-11-25 10:00"), func(d *Draft) { d.Approval.Approvers = d.Approval.Approvers[:1] })
	w.until("2026-11-24 19:00").nothing()
}

func TestAnApprovalThatDoesNotComeIsEscalated(t *testing.T) {
	t.Parallel()
	frank, grace := PersonRef{"frank", "Frank"}, PersonRef{"grace", "Grace"}
	w := patient(t, TimeRules{EscalateAfter: hourly(8), EscalateTo: []PersonRef{frank, grace}}, func(d *Draft) {
		d.Approval.Needed = 2
	})
	// Carol works eight hours by 22:00 of London, Bob only in the next morning.
	if got := w.next(); got != "2026-11-24 22:00" {
		t.Fatalf("it is escalated at %q", got)
	}
	w.do(w.plan.Vote(w.req(carol), true, "fine"))
	if got := w.next(); got != "2026-11-25 11:00" {
		t.Errorf("without Carol it is escalated at %q", got)
	}
	w.until("2026-11-25 11:00")
	_, err := w.plan.Vote(w.req(Actor{Kind: Person, ID: "frank", Name: "Frank"}), true, "")
	wantRefusal(t, err, Forbidden)
	w.do(w.plan.LosePatience(w.req(SystemActor()), zoned, []PersonRef{frank, {"alice", "Alice"}, {"carol", "Carol"}, frank}))
	people, text, urgent := w.heard()
	if !slices.Equal(people, []string{"frank"}) || !urgent || !strings.Contains(text, "has waited for the approval of Bob for 8 hours of working time") {
		t.Errorf("told %v urgently %v: %q", people, urgent, text)
	}
	if e := w.last.Entry; e.Verb != VerbEscalate || !slices.Equal(e.Data.People, []string{"Frank"}) {
		t.Errorf("the log tells %+v", e)
	}
	if got := ids(w.plan.Asked(w.rules)); !slices.Equal(got, []string{"bob", "frank"}) {
		t.Errorf("%v are asked", got)
	}
	w.nothing()
	w.do(w.plan.Vote(w.req(Actor{Kind: Person, ID: "frank", Name: "Frank"}), true, "for Bob")).is(Executing)
	// Re-planned, Frank is nobody in the plan.
	w.do(w.plan.Replan(w.req(alice), "again")).do(w.plan.Submit(w.req(alice), nil)).is(WaitForApproval)
	if got := ids(w.plan.Asked(w.rules)); !slices.Equal(got, []string{"bob"}) || w.plan.Approval.Approvals() != 1 {
		t.Errorf("%v are asked, %d approvals", got, w.plan.Approval.Approvals())
	}
}

// In the next round somebody to whom it is escalated once more is asked once more, though
// they approved the same before.
func TestAnEscalationDoesNotBringBackWhatWasSaidInTheRoundBefore(t *testing.T) {
	t.Parallel()
	frank := Actor{Kind: Person, ID: "frank", Name: "Frank"}
	to := PersonRef{frank.ID, frank.Name}
	w := patient(t, TimeRules{EscalateAfter: hourly(1), EscalateTo: []PersonRef{to}}, func(d *Draft) {
		d.Approval.Approvers = append(d.Approval.Approvers, PersonRef{"dave", "Dave"})
		d.Approval.Needed = 2
	})
	escalated := func() {
		t.Helper()
		w.at = w.at.Add(time.Hour)
		if err := w.look(to); err != nil || w.last.Entry.Verb != VerbEscalate {
			t.Fatalf("%v, %+v", err, w.last.Entry)
		}
	}
	escalated()
	w.approve(frank).is(WaitForApproval).do(w.plan.Replan(w.req(alice), "")).submit()
	escalated()
	if people, _, _ := w.heard(); !slices.Equal(people, []string{"frank"}) {
		t.Errorf("told %v", people)
	}
	w.approve(bob).is(WaitForApproval)
	if got := w.plan.Approval.votes(); got != "1/2" {
		t.Errorf("after Bob there are %s", got)
	}
	w.approve(frank).is(Executing)
}

func TestOneToWhomItIsEscalatedMayBeAwayAsWell(t *testing.T) {
	t.Parallel()
	frank, grace := PersonRef{"frank", "Frank"}, Actor{Kind: Person, ID: "grace", Name: "Grace"}
	w := patient(t, TimeRules{EscalateAfter: hourly(1), EscalateTo: []PersonRef{frank}}).away("frank>grace")
	_, err := w.plan.Vote(w.req(grace), true, "")
	wantRefusal(t, err, Forbidden)
	w.at = w.at.Add(time.Hour)
	if err := w.look(frank); err != nil {
		t.Fatal(err)
	}
	if people, _, _ := w.heard(); !slices.Equal(people, []string{"frank", "grace"}) {
		t.Errorf("told %v", people)
	}
	if got := w.plan.Allowed(grace, w.rules); !slices.Contains(got, VerbApprove) {
		t.Errorf("Grace may %v", got)
	}
	w.approve(grace).is(Executing)
	if v := w.plan.Approval.Votes[0]; v.By.ID != "grace" || v.For.ID != "frank" {
		t.Errorf("the vote is %+v", v)
	}
}

// Whoever gets a place was told just now, and the approval of one puts off no reminder of
// another.
func TestReminderFollowsWhenEachWasTold(t *testing.T) {
	t.Parallel()
	w := patient(t, TimeRules{RemindAfter: hourly(4)}, func(d *Draft) {
		d.Approval.Approvers = append(d.Approval.Approvers, PersonRef{"dave", "Dave"})
		d.Approval.Needed = 3
	})
	w.until("2026-11-24 15:30").pass(bob, eve).approve(dave)
	if at, _ := w.timer(); at != "2026-11-24 16:00" {
		t.Errorf("after Dave's approval the next look is at %q", at)
	}
	w.until("2026-11-24 16:00")
	if err := w.look(); err != nil {
		t.Fatal(err)
	}
	if people, _, _ := w.heard(); !slices.Equal(people, []string{"carol"}) {
		t.Errorf("%v are reminded; Eve was asked half an hour ago", people)
	}
}

func TestALevelThatIsOpenAgainHasItsTimeAgain(t *testing.T) {
	t.Parallel()
	w := patient(t, TimeRules{EscalateAfter: hourly(3), EscalateTo: []PersonRef{{"frank", "Frank"}}}, func(d *Draft) {
		times := d.Approval.TimeRules
		d.Approval = ruled(t, "any bob; any dave")
		d.Approval.TimeRules = times
	})
	w.until("2026-11-24 13:00").approve(bob)
	w.until("2026-11-24 14:00").do(w.plan.Withdraw(w.req(bob), ""))
	if got := w.next(); got != "2026-11-24 17:00" {
		t.Errorf("it is escalated at %q", got)
	}
}

// The time that an approval takes does not pass while it is given.
func TestAnApprovalTakenBackIsWaitedForAnew(t *testing.T) {
	t.Parallel()
	w := patient(t, TimeRules{EscalateAfter: hourly(2), EscalateTo: []PersonRef{{"frank", "Frank"}}, ExpireAfter: hourly(4)})
	w.rules.Endpoints = []Endpoint{{Name: "office", Events: []Event{EventStartExecute}, Wait: true}}
	w.until("2026-11-24 13:00").approve(bob).is(WaitExecute)
	w.until("2026-11-25 09:00").do(w.plan.Withdraw(w.req(bob), "")).is(WaitForApproval)
	w.nothing()
	if at, _ := w.timer(); at != "2026-11-25 11:00" {
		t.Errorf("the next look is at %q", at)
	}
	w.rules.Approval.ExpireAfter = hourly(1) // what the configuration says by now is of the next round
	if times := w.plan.Times(w.at, w.rules, zoned); clockIn(times.Escalation) != "2026-11-25 11:00" || clockIn(times.Expiry) != "2026-11-25 13:00" {
		t.Errorf("escalated at %s, expired at %s", clockIn(times.Escalation), clockIn(times.Expiry))
	}
}

// Whoever stands in counts once, and only in the level that was escalated.
func TestAnEscalationPassesOnePlaceOfOneLevel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.StartTime, d.EndTime = 0, 0
	d.Approval = ruled(t, "all bob carol; any dave")
	frank := PersonRef{"frank", "Frank"}
	d.Approval.TimeRules = TimeRules{EscalateAfter: hourly(1), EscalateTo: []PersonRef{frank}}
	w.create(d).do(w.plan.Submit(w.req(alice), nil))
	w.at = w.at.Add(time.Hour)
	if err := w.look(frank); err != nil {
		t.Fatal(err)
	}
	w.do(w.plan.Vote(w.req(Actor{Kind: Person, ID: "frank", Name: "Frank"}), true, "")).is(WaitForApproval)
	if got := w.plan.Approval; got.OpenLevel() != 0 || got.Approvals() != 1 {
		t.Fatalf("level %d, %d approvals", got.OpenLevel(), got.Approvals())
	}
	w.do(w.plan.Vote(w.req(bob), true, "")).is(WaitForApproval)
	if got := w.plan.Approval.OpenLevel(); got != 1 {
		t.Fatalf("level %d is open", got)
	}
	// Frank has decided, so when the next level is late too the manager hears that there is
	// nobody: an approval that is there never passes another level by the clock.
	w.at = w.at.Add(time.Hour)
	if err := w.look(frank); err != nil {
		t.Fatal(err)
	}
	w.is(WaitForApproval)
	if people, text, _ := w.heard(); !slices.Equal(people, []string{"alice"}) || !strings.Contains(text, "nobody to escalate it to") {
		t.Errorf("told %v: %q", people, text)
	}
	w.do(w.plan.Vote(w.req(dave), true, "")).is(Executing)
}

func TestAnApprovalExpiresAndIsNeverGiven(t *testing.T) {
	t.Parallel()
	w := patient(t, TimeRules{ExpireAfter: hourly(72), RemindAfter: Never}, func(d *Draft) { d.Approval.Needed = 2 })
	w.rules.Approval = TimeRules{RemindAfter: hourly(1)} // it was asked for before
	w.do(w.plan.Vote(w.req(bob), true, ""))
	w.until("2026-11-27 11:59").nothing()
	w.until("2026-11-27 12:00")
	w.do(w.plan.LosePatience(w.req(SystemActor()), zoned, nil)).is(Denied)
	a := w.plan.Approval
	if a.Result != ApprovalExpired || w.last.Entry.Data.Reason.EN != "The approval did not come within 72 hours." || w.last.Entry.Data.Votes != "1/2" {
		t.Errorf("%s, and the log tells %+v", a.Result, w.last.Entry.Data)
	}
	if people, text, _ := w.heard(); !slices.Equal(people, []string{"alice"}) || !strings.Contains(text, "expired (1/2)") {
		t.Errorf("told %v: %q", people, text)
	}
	if _, dropped := w.timer(); !dropped {
		t.Error("the timer goes on")
	}
	_, err := w.plan.Vote(w.req(carol), true, "")
	wantRefusal(t, err, Conflict)
	w.do(w.plan.Replan(w.req(alice), "")).do(w.plan.Submit(w.req(alice), nil)).is(WaitForApproval)
	if got := w.plan.Approval; got.Result != ApprovalOpen || got.Waiting.Asked != w.at.Unix() || got.Approvals() != 1 {
		t.Errorf("asked again: %+v", got)
	}
}

// The defaults hold where the plan says nothing, from the moment it asks; never is never.
func TestDefaultsHoldWhereThePlanSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Approval = TimeRules{RemindAfter: hourly(4), EscalateAfter: hourly(24), EscalateTo: []PersonRef{{"", "frank"}}, ExpireAfter: hourly(72)}
	d := w.draft()
	d.StartTime, d.EndTime = 0, 0
	d.Approval.TimeRules = TimeRules{RemindAfter: hourly(2), ExpireAfter: Never}
	w.create(d).do(w.plan.Submit(w.req(alice), nil))
	want := TimeRules{RemindAfter: hourly(2), EscalateAfter: hourly(24), EscalateTo: []PersonRef{{"", "frank"}}}
	if diff := cmp.Diff(want, w.plan.Approval.Waiting.Rules); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(d.Approval.TimeRules, w.plan.Draft().Approval.TimeRules); diff != "" {
		t.Errorf("the plan itself says more now:\n%s", diff)
	}
}

func TestTimeRulesThatLeadNowhereAreRefused(t *testing.T) {
	t.Parallel()
	submit := func(r TimeRules) error {
		w := newWorld(t)
		d := w.draft()
		d.Approval.TimeRules = r
		if err := d.Check(); err != nil {
			return err
		}
		_, err := w.create(d).plan.Submit(w.req(alice), nil)
		return err
	}
	frank := []PersonRef{{"frank", "Frank"}}
	for name, row := range map[string]struct {
		rules TimeRules
		path  string
	}{
		"to nobody":       {TimeRules{EscalateAfter: hourly(1)}, "approval.escalate_to"},
		"without a time":  {TimeRules{EscalateTo: frank}, "approval.escalate_after"},
		"to the manager":  {TimeRules{EscalateAfter: hourly(1), EscalateTo: []PersonRef{{"alice", "Alice"}}}, "approval.escalate_to"},
		"twice":           {TimeRules{EscalateAfter: hourly(1), EscalateTo: slices.Concat(frank, frank)}, "approval.escalate_to[1]"},
		"all the time":    {TimeRules{RemindAfter: Period(time.Minute)}, "approval.remind_after"},
		"after a second":  {TimeRules{ExpireAfter: Period(time.Second)}, "approval.expire_after"},
		"after a decade":  {TimeRules{ExpireAfter: hourly(100_000)}, "approval.expire_after"},
		"in order":        {TimeRules{EscalateAfter: hourly(1), EscalateTo: frank, RemindAfter: Never}, ""},
		"never escalated": {TimeRules{EscalateAfter: Never}, ""},
	} {
		err := submit(row.rules)
		var paths []string
		for _, p := range ProblemsOf(err) {
			paths = append(paths, p.Path)
		}
		if (row.path == "") != (err == nil) || row.path != "" && !slices.Contains(paths, row.path) {
			t.Errorf("%s: %v names %v, want %q", name, err, paths, row.path)
		}
	}
}

func TestPeriodsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"4h": "4h 4 hours 4 小时", "90m": "1h30m 1 hour 30 minutes 1 小时 30 分钟", "3d": "72h 72 hours 72 小时", "1d12h": "36h 36 hours 36 小时",
		"4d": "96h 4 days 4 天", "1m": "1m 1 minute 1 分钟", " 1H ": "1h 1 hour 1 小时",
		"": "", "0": "", "59s": "", "-4h": "", "91d": "", "4": "", "4 hours": "", "d": "",
	} {
		p, ok := ParsePeriod(typed)
		got := fmt.Sprintf("%s %s %s", p, p.Text().EN, p.Text().ZH)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q (%v), want %q", typed, got, ok, want)
		}
		var back Period
		if data, err := json.Marshal(p); ok && (err != nil || json.Unmarshal(data, &back) != nil || back != p) {
			t.Errorf("%q comes back from JSON as %s", typed, back)
		}
	}
	if p, ok := ParsePeriod("never"); !ok || p != Never || p.String() != "never" {
		t.Errorf("never is %s", p)
	}
}

// The three moves of the clock are held against the table, in every status.
func TestTheClockMovesOnlyWhatTheTableSays(t *testing.T) {
	t.Parallel()
	for _, verb := range []Verb{VerbRemindAgain, VerbEscalate, VerbExpireApproval} {
		for _, s := range Statuses() {
			w := reach(t, s)
			if a := w.plan.Approval; a != nil && a.Waiting != nil {
				rules := map[Verb]TimeRules{
					VerbRemindAgain: {RemindAfter: hourly(1)}, VerbEscalate: {EscalateAfter: hourly(1)}, VerbExpireApproval: {ExpireAfter: hourly(1)},
				}
				a.Waiting.Rules = rules[verb]
			}
			w.at = noon.Add(time.Hour)
			err := w.look(PersonRef{"frank", "Frank"})
			m := move(s, verb)
			if (m != nil) != (err == nil) {
				t.Errorf("%s in %s: %v", verb, s, err)
			}
			if m != nil && (w.last.Entry.Verb != verb || !slices.Contains(m.To, w.plan.Status()) || !w.plan.is(w.last.Entry.Actor, m.Who[0], nil)) {
				t.Errorf("in %s came %s by %s, and led to %s", s, w.last.Entry.Verb, w.last.Entry.Actor.Kind, w.plan.Status())
			}
		}
	}
}
