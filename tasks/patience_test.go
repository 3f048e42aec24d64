package tasks

import (
	"slices"
	"testing"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// asked makes a plan that waits for Root's approval.
func (w *world) asked(t *testing.T, r slipway.TimeRules) *slipway.Plan {
	t.Helper()
	for _, u := range []*slipway.User{alice, root} {
		if err := w.Store.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	return w.plan(t, func(d *slipway.Draft) {
		d.Approval = &slipway.Approval{Type: slipway.NativeApproval, Needed: 1, Approvers: []slipway.PersonRef{root.Ref()}, TimeRules: r}
	})
}

func hours(n int) slipway.Period { return slipway.Period(n) * slipway.Period(time.Hour) }

// The task waits for working hours without a try, does each thing once, and is gone when the
// approval is.
func TestAnApprovalThatDoesNotComeRunsByTheClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.asked(t, slipway.TimeRules{RemindAfter: hours(10), ExpireAfter: hours(72)})
		if got := w.due(t, slipway.TaskPatience); len(got) != 0 {
			t.Fatalf("due at once: %v", got)
		}
		w.clock.advance(10 * time.Hour) // 19:00: too late for today
		id := w.one(t, slipway.TaskPatience)
		w.handle(t, id, Again)
		w.handle(t, id, Gone)
		w.clock.advance(14 * time.Hour)
		if again := w.one(t, slipway.TaskPatience); again != id {
			t.Errorf("the task became another one while nothing was done")
		}
		w.handle(t, id, Done)
		next := w.due(t, slipway.TaskPatience)
		w.clock.advance(60 * time.Hour)
		next = append(next, w.one(t, slipway.TaskPatience))
		if len(next) != 1 || next[0] == id {
			t.Fatalf("after the reminder %v are due", next)
		}
		w.handle(t, next[0], Done)
		want := []slipway.Verb{slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbRemindAgain, slipway.VerbExpireApproval}
		if got := w.verbs(t, p.ID); !slices.Equal(got, want) {
			t.Errorf("the log tells %v, want %v", got, want)
		}
		if p = w.look(t, p.ID); p.Status() != slipway.Denied || p.Approval.Result != slipway.ApprovalExpired {
			t.Errorf("the plan is %s, %s", p.Status(), p.Approval.Result)
		}
		if n := w.count(t, slipway.TaskPatience); n != 0 {
			t.Errorf("%d tasks are left", n)
		}
	})
}

// A worker that dies after the commit, before its row is gone, has done it all the same: the
// request has the row's id.
func TestATimerDoneTwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.asked(t, slipway.TimeRules{ExpireAfter: hours(1)})
		w.clock.advance(time.Hour)
		id := w.one(t, slipway.TaskPatience)
		l := w.lease(t, id, "dying").Lease
		for range 2 {
			if err := w.timer(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.verbs(t, p.ID); len(got) != 3 || got[2] != slipway.VerbExpireApproval {
			t.Errorf("the log tells %v", got)
		}
	})
}

func TestAReminderDoneTwiceIsGivenOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.asked(t, slipway.TimeRules{RemindAfter: hours(1)})
		w.clock.advance(time.Hour)
		l := w.lease(t, w.one(t, slipway.TaskPatience), "dying").Lease
		if err := w.timer(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(leaseTime + time.Second) // the lease runs out; the next task has another id and time
		if got := w.due(t, slipway.TaskPatience); len(got) != 0 {
			t.Errorf("due again: %v", got)
		}
		w.clock.advance(time.Hour)
		w.handle(t, w.one(t, slipway.TaskPatience), Done)
		want := []slipway.Verb{slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbRemindAgain, slipway.VerbRemindAgain}
		if got := w.verbs(t, p.ID); !slices.Equal(got, want) {
			t.Errorf("the log tells %v, want %v", got, want)
		}
	})
}

// Whatever ends the question drops the timer, also while a worker holds it.
func TestADecisionIsNotOvertakenByTheClock(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, t *testing.T, id string) (storage.Outcome, error){
		"approved": func(w *world, t *testing.T, id string) (storage.Outcome, error) {
			return w.Commands.Approve(t.Context(), commands.Ask{User: root}, id, "")
		},
		"rejected": func(w *world, t *testing.T, id string) (storage.Outcome, error) {
			return w.Commands.Reject(t.Context(), commands.Ask{User: root}, id, "no")
		},
		"replanned": func(w *world, t *testing.T, id string) (storage.Outcome, error) {
			return w.Commands.Replan(t.Context(), commands.Ask{User: alice}, id, "")
		},
		"cancelled": func(w *world, t *testing.T, id string) (storage.Outcome, error) {
			return w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, id, "no")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				p := w.asked(t, slipway.TimeRules{ExpireAfter: hours(1)})
				w.clock.advance(time.Hour)
				l := w.lease(t, w.one(t, slipway.TaskPatience), "slow").Lease
				out, err := end(w, t, p.ID)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.timer(t.Context(), l); err != nil {
					t.Fatal(err)
				}
				if got := w.look(t, p.ID); got.Seq != out.Plan.Seq || got.Status() != out.Plan.Status() {
					t.Errorf("the clock made %s of %s", got.Status(), out.Plan.Status())
				}
				if n := w.count(t, slipway.TaskPatience); n != 0 {
					t.Errorf("%d tasks are left", n)
				}
			})
		})
	}
}

// An admin puts one more endpoint in force while an approval is asked for.
func TestAnApprovalIsAskedForAnewOnceWhenAnEndpointComes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.asked(t, slipway.TimeRules{})
		w.rules = &slipway.Rules{Endpoints: []slipway.Endpoint{office()}}
		for range 2 { // by the page, and at the next start
			if err := w.Commands.AskAnew(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.handle(t, w.one(t, slipway.TaskPatience), Done)
		if err := w.Commands.AskAnew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.due(t, slipway.TaskPatience); len(got) != 0 {
			t.Errorf("looked at again: %v", got)
		}
		want := []slipway.Verb{slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbAskAnew}
		if got := w.verbs(t, p.ID); !slices.Equal(got, want) {
			t.Errorf("the log tells %v, want %v", got, want)
		}
	})
}
