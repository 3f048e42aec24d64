package commands_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

func TestTimeRulesAreReadFromADocument(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p := o.plan(t, "approval: {approvers: [Bob], remind_after: 4h, escalate_after: 1d, escalate_to: [root@example.com], expire_after: never}")
	want := slipway.TimeRules{
		RemindAfter: slipway.Period(4 * time.Hour), EscalateAfter: slipway.Period(24 * time.Hour), EscalateTo: []slipway.PersonRef{o.root.Ref()},
		ExpireAfter: slipway.Never,
	}
	kept, err := o.Store.Plan(t.Context(), p.ID)
	if diff := cmp.Diff(want, kept.Approval.TimeRules); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	_, err = o.ParseDocument(t.Context(), []byte("name: x\napproval: {approvers: [Bob], remind_after: soon, escalate_after: 4, escalate_to: [Zoe], expire_after: 100d}"))
	var paths []string
	for _, f := range slipway.ProblemsOf(err) {
		paths = append(paths, f.Path)
	}
	for _, path := range []string{"approval.remind_after", "approval.escalate_after", "approval.escalate_to[0]", "approval.expire_after"} {
		if !slices.Contains(paths, path) {
			t.Errorf("%s is not named: %v", path, err)
		}
	}
}

// Whom the configuration names is looked up when it comes to that; whom nobody knows is left
// out.
func TestAnApprovalIsEscalatedAsTheConfigurationSays(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.rules.Approval = slipway.TimeRules{
		EscalateAfter: slipway.Period(time.Hour), EscalateTo: []slipway.PersonRef{{Name: "nobody@example.com"}, {Name: "Twin"}, {Name: "Root"}},
	}
	p := o.plan(t, "approval: {approvers: [Bob]}")
	if _, err := o.Submit(t.Context(), o.ask(o.alice, ""), p.ID); err != nil {
		t.Fatal(err)
	}
	o.at = noon.Add(24 * time.Hour)
	if next, err := o.LosePatience(t.Context(), "task:1", p.ID); err != nil || !next.IsZero() {
		t.Fatalf("%v, %v", next, err)
	}
	p, err := o.Store.Plan(t.Context(), p.ID)
	if err != nil || len(p.Approval.Escalations) != 1 || !cmp.Equal(p.Approval.Escalations[0].To, []slipway.PersonRef{o.root.Ref()}) {
		t.Fatalf("%v: %+v", err, p.Approval)
	}
	if _, err := o.Approve(t.Context(), o.ask(o.root, ""), p.ID, "Bob is ill"); err != nil {
		t.Fatal(err)
	}
	// Root finds it among the plans that concern them.
	mine, err := o.Store.Plans(t.Context(), storage.Filter{PersonID: o.root.ID, Limit: 10})
	if err != nil || len(mine.Rows) != 1 {
		t.Errorf("%d plans concern Root, %v", len(mine.Rows), err)
	}
}

func TestNewHoursMoveTheReminder(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p := o.plan(t, "approval: {approvers: [Bob], remind_after: 4h}")
	out, err := o.Submit(t.Context(), o.ask(o.alice, ""), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	next := func() string {
		t.Helper()
		times, err := o.Times(t.Context(), out.Plan)
		if err != nil {
			t.Fatal(err)
		}
		return time.Unix(times.Next(), 0).UTC().Format("Mon 15:04")
	}
	if got := next(); got != "Tue 16:00" {
		t.Errorf("next at %s", got)
	}
	late := "Mon-Fri 18-22"
	var woken []slipway.Task
	o.Store.OnCommit(func(_ context.Context, c storage.Committed) { woken = append(woken, c.Tasks...) })
	u, err := o.SetHours(t.Context(), o.bob, o.bob.ID, commands.NewHours{WorkingHours: &late})
	if err != nil || u.WorkingHours != "Mon-Fri 18:00-22:00" {
		t.Fatalf("%+v, %v", u, err)
	}
	if got := next(); got != "Tue 18:00" {
		t.Errorf("next at %s", got)
	}
	if len(woken) != 1 || woken[0].Kind != slipway.TaskPresence || woken[0].Ref != o.bob.ID {
		t.Errorf("woken: %+v", woken)
	}
	// Others may not, and what is wrong changes nothing.
	if _, err := o.SetHours(t.Context(), o.alice, o.bob.ID, commands.NewHours{WorkingHours: &late}); slipway.CodeOf(err) != slipway.Forbidden {
		t.Errorf("Alice sets Bob's hours: %v", err)
	}
	bad, days := "late", []string{"someday"}
	_, err = o.SetHours(t.Context(), o.root, o.bob.ID, commands.NewHours{WorkingHours: &bad, Holidays: &days})
	if len(slipway.ProblemsOf(err)) != 2 {
		t.Errorf("two problems are expected: %v", err)
	}
	if u, err = o.Store.User(t.Context(), o.bob.ID); err != nil || u.WorkingHours != "Mon-Fri 18:00-22:00" || u.Holidays != nil {
		t.Errorf("Bob is %+v, %v", u, err)
	}
	// The configuration does not overwrite what Bob said.
	u, err = o.KeepUser(t.Context(), commands.NewUser{Name: "Bob", Email: "bob@example.com", WorkingHours: "Mon-Fri 8-9", Holidays: []string{"2026-12-25"}})
	if err != nil || u.WorkingHours != "Mon-Fri 18:00-22:00" || !slices.Equal(u.Holidays, []string{"2026-12-25"}) {
		t.Errorf("Bob is %+v, %v", u, err)
	}
}

// What waits for somebody is looked at again when it becomes known that they are there at
// other times, from wherever that is known; also when they decide for somebody else.
func TestWhateverMovesSomebodysDayHasTheirApprovalsLookedAt(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p := o.plan(t, "approval: {approvers: [Bob], remind_after: 4h}")
	if _, err := o.Submit(t.Context(), o.ask(o.alice, ""), p.ID); err != nil {
		t.Fatal(err)
	}
	o.rules.Delegations = []slipway.Delegation{{Of: o.bob.Ref(), To: o.root.Ref(), Start: noon.Unix(), End: noon.Unix() + 3600}}
	var woken []slipway.Task
	o.Store.OnCommit(func(_ context.Context, c storage.Committed) { woken = append(woken, c.Tasks...) })
	moved := *o.bob
	moved.TimeZone = "Asia/Shanghai"
	weeks := moved
	weeks.WorkingHours = "Mon-Fri 08:00-12:00"
	for name, do := range map[string]func() error{
		"a zone that they chose": func() error { return o.SaveUser(t.Context(), o.bob, &moved) },
		"a platform tells it":    func() error { return o.Acquaint(t.Context(), o.bob.ID, "", "Asia/Tokyo") },
		"the configuration": func() error {
			_, err := o.KeepUser(t.Context(), commands.NewUser{Name: "Bob", Email: o.bob.Email, WorkingHours: weeks.WorkingHours, Holidays: []string{"2026-12-25"}})
			return err
		},
		"they are away": func() error {
			_, _, err := o.Away(t.Context(), o.bob, o.bob, o.root, noon.Unix()+60, noon.Unix()+120)
			return err
		},
		"they are back": func() error {
			_, err := o.Back(t.Context(), o.bob, o.bob)
			return err
		},
	} {
		woken = nil
		if err := do(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(woken) != 1 || woken[0].Key != slipway.PresenceKey(o.bob.ID) || woken[0].RunAt != o.at.UnixMilli() {
			t.Errorf("%s wakes %+v", name, woken)
		}
	}
	woken = nil
	if err := o.Acquaint(t.Context(), o.bob.ID, slipway.Chinese, ""); err != nil {
		t.Fatal(err)
	}
	if len(woken) > 0 {
		t.Errorf("another language wakes %+v", woken)
	}

	// Root's day counts as well, since they decide for Bob.
	if err := o.Store.PutDelegation(t.Context(), o.rules.Delegations[0], o.bob.ID, o.at); err != nil {
		t.Fatal(err)
	}
	if next, err := o.LookAgainFor(t.Context(), o.root.ID); err != nil || !next.IsZero() {
		t.Errorf("%v, %v", next, err)
	}
	if len(woken) == 0 || woken[0].Kind != slipway.TaskPatience || woken[0].PlanID != p.ID {
		t.Errorf("woken: %+v", woken)
	}
}
