package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
)

func TestOneRowHasOneWorker(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.plan(t, nil)
		card := w.one(t, slipway.TaskCard)
		begun, finish := make(chan struct{}), make(chan struct{})
		w.cards.repaint = func(context.Context, string) error {
			close(begun)
			<-finish
			return nil
		}
		first := make(chan Ending)
		go func() { first <- w.Handle(t.Context(), card) }()
		receive(t, "the first worker begins", begun)

		w.handle(t, card, Gone)

		close(finish)
		if got := receive(t, "the first worker ends", first); got != Done {
			t.Errorf("the first worker's ending is %q, want %q", got, Done)
		}
		w.handle(t, card, Gone)
		if w.cards.painted != 1 {
			t.Errorf("painted %d times, want once", w.cards.painted)
		}
	})
}

func TestAWorkerThatLosesItsLeaseIsStopped(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.plan(t, nil)
		card := w.one(t, slipway.TaskCard)
		w.renewEvery = time.Hour // a worker that is stuck
		begun := make(chan struct{}, 2)
		w.cards.repaint = func(ctx context.Context, _ string) error {
			begun <- struct{}{}
			if len(begun) == 2 {
				return nil // the second worker
			}
			<-ctx.Done()
			return ctx.Err()
		}
		lease := w.lease(t, card, "stuck")
		ctx, cancel := context.WithCancelCause(t.Context())
		stuck := make(chan error, 1)
		go func() { stuck <- w.perform(ctx, lease) }()
		eventually(t, "the first worker begins", func() bool { return len(begun) == 1 })

		w.clock.advance(leaseTime + time.Second)
		w.handle(t, card, Done)

		// It comes back to itself.
		defer w.hold(lease.Lease, cancel)()
		w.Renew(t.Context())
		if err := receive(t, "the first worker ends", stuck); !errors.Is(err, context.Canceled) {
			t.Errorf("the first worker's error is %v, want that it was cancelled", err)
		}
		if cause := context.Cause(ctx); !errors.Is(cause, errLeaseLost) {
			t.Errorf("the cause is %v, want %v", cause, errLeaseLost)
		}
	})
}

func TestALeaseIsKeptWhileTheWorkGoesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.plan(t, nil)
		card := w.one(t, slipway.TaskCard)
		w.renewEvery = time.Millisecond
		begun, finish := make(chan struct{}), make(chan struct{})
		w.cards.repaint = func(context.Context, string) error {
			close(begun)
			<-finish
			return nil
		}
		first := make(chan Ending)
		go func() { first <- w.Handle(t.Context(), card) }()
		receive(t, "the work begins", begun)

		for range 4 {
			w.clock.advance(leaseTime / 2)
			seen := w.clock.looks()
			// A renewal begins with a look at the clock; with the second the first is done.
			eventually(t, "the lease is renewed", func() bool { return w.clock.looks() >= seen+2 })
		}
		w.handle(t, card, Gone)

		close(finish)
		if got := receive(t, "the work ends", first); got != Done {
			t.Errorf("ending %q, want %q", got, Done)
		}
	})
}

func TestATaskThatIsReplacedWhileItRunsRunsAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.executing(t)
		card := w.one(t, slipway.TaskCard)
		w.offerAll(t)
		w.cards.repaint = func(ctx context.Context, _ string) error {
			w.cards.mu.Lock()
			w.cards.repaint = nil
			w.cards.mu.Unlock()
			_, err := w.Commands.Complete(ctx, commands.Ask{User: alice}, p.ID, p.Items[0].ID, "told them")
			return err
		}

		w.handle(t, card, Done)

		if n := w.count(t, slipway.TaskCard); n != 1 {
			t.Fatalf("%d card tasks are left, want one", n)
		}
		w.offerAll(t)
		w.start(t)
		eventually(t, "the second change is painted", func() bool { return w.count(t, slipway.TaskCard) == 0 })
		if w.cards.painted != 2 {
			t.Errorf("painted %d times, want twice", w.cards.painted)
		}
	})
}

func TestAPanicIsLoggedAndTriedAgain(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		w.plan(t, nil)
		w.cards.repaint = func(context.Context, string) error { panic("no such colour") }

		w.handle(t, w.one(t, slipway.TaskCard), Again)

		if log := w.logged.String(); !strings.Contains(log, "level=ERROR msg=task") || !strings.Contains(log, "no such colour") {
			t.Errorf("the log is\n%s", log)
		}
		w.cards.repaint = nil
		w.handle(t, w.one(t, slipway.TaskCard), Done)
	})
}

func TestWhatGoesWrongIsTriedAgainLaterAndLater(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		w.plan(t, nil)
		card := w.one(t, slipway.TaskCard)
		w.cards.repaint = func(context.Context, string) error { return errors.New("chat is away") }
		for _, within := range []time.Duration{2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second} {
			w.handle(t, card, Again)
			w.handle(t, card, Gone) // not yet
			w.clock.advance(within)
		}
		w.clock.advance(24 * time.Hour)
		w.handle(t, card, Dropped)
		w.handle(t, card, Gone)
	})
}

func TestARefusalIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		w.plan(t, nil)
		w.cards.repaint = func(context.Context, string) error {
			return slipway.Refuse(slipway.NotFound, "The room is gone.", "房间已不存在。")
		}
		w.handle(t, w.one(t, slipway.TaskCard), Dropped)
		if n := w.count(t, slipway.TaskCard); n != 0 {
			t.Errorf("%d card tasks are left, want none", n)
		}
	})
}

func TestNoticesReachPeople(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		w.plan(t, func(d *slipway.Draft) {
			d.Approval = &slipway.Approval{Type: slipway.NativeApproval, Needed: 1, Approvers: []slipway.PersonRef{root.Ref()}}
		})
		w.handle(t, w.one(t, slipway.TaskNotice), Done)
		if diff := cmp.Diff([]string{"Plan #1 payments 4.2 asks for your approval."}, w.cards.told); diff != "" {
			t.Error(diff)
		}
	})
}

// A worker may die after the effect of its work and before its row is gone. Then the
// work is done once more and nothing comes of it.
func TestWorkThatWasDoneButNotRecordedHasOneEffect(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		kind slipway.TaskKind
		plan func(t *testing.T, w *world) *slipway.Plan
		want []slipway.Verb
	}{
		{
			"the window ends", slipway.TaskWindow,
			func(t *testing.T, w *world) *slipway.Plan {
				return w.plan(t, func(d *slipway.Draft) { d.EndTime = morning.Add(time.Hour).Unix() })
			},
			[]slipway.Verb{slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbTimeout},
		},
		{
			"a gate's deadline passes", slipway.TaskDeadline,
			func(t *testing.T, w *world) *slipway.Plan {
				e := office()
				e.Deadline = 3 * time.Minute // too short for a reminder
				w.rules.Endpoints = []slipway.Endpoint{e}
				return w.plan(t, nil)
			},
			[]slipway.Verb{slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbExpireGate},
		},
		{
			"the schedule comes", slipway.TaskSchedule,
			func(t *testing.T, w *world) *slipway.Plan {
				p := w.plan(t, func(d *slipway.Draft) { d.ScheduleExecuteTime = morning.Add(time.Hour).Unix() }, "deploy")
				return w.must(t)(w.Commands.Start(t.Context(), commands.Ask{User: alice}, p.ID))
			},
			[]slipway.Verb{slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbStart, slipway.VerbSchedule},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				p := tt.plan(t, w)
				if ids := w.due(t, tt.kind); len(ids) != 0 {
					t.Fatalf("%d tasks are due before their time", len(ids))
				}
				w.clock.advance(time.Hour)
				id := w.one(t, tt.kind)
				lease := w.lease(t, id, "dies")
				if err := w.perform(t.Context(), lease); err != nil {
					t.Fatal(err)
				}

				w.clock.advance(leaseTime)
				w.handle(t, id, Done)

				if diff := cmp.Diff(tt.want, w.verbs(t, p.ID)); diff != "" {
					t.Errorf("verbs (-want +got):\n%s", diff)
				}
				if tt.kind == slipway.TaskSchedule && w.count(t, slipway.TaskRun) != 1 {
					t.Errorf("%d runs are to be started, want one", w.count(t, slipway.TaskRun))
				}
			})
		})
	}
}

func TestATimerThatFiresEarlyWaits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.plan(t, func(d *slipway.Draft) { d.EndTime = morning.Add(time.Hour).Unix() })
		var window string
		for {
			c := receive(t, "a commit", w.commits)
			for _, task := range c.Tasks {
				if task.Kind == slipway.TaskWindow {
					window = task.ID
				}
			}
			if window != "" {
				break
			}
		}

		w.handle(t, window, Gone)
		if got := w.look(t, p.ID).Status(); got != slipway.FinishPlanning {
			t.Errorf("status %s, want %s", got, slipway.FinishPlanning)
		}
		w.clock.advance(time.Hour + time.Second)
		w.handle(t, window, Done)
		if got := w.look(t, p.ID).Status(); got != slipway.Timeout {
			t.Errorf("status %s, want %s", got, slipway.Timeout)
		}
	})
}

func TestATimerOfAnEarlierRoundDoesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.plan(t, func(d *slipway.Draft) { d.EndTime = morning.Add(time.Hour).Unix() })
		w.clock.advance(time.Hour)
		window := w.one(t, slipway.TaskWindow)
		lease := w.lease(t, window, "slow")
		w.must(t)(w.Commands.Replan(t.Context(), commands.Ask{User: alice}, p.ID, "not today"))

		if err := w.perform(t.Context(), lease); err != nil {
			t.Fatal(err)
		}

		if got := w.look(t, p.ID).Status(); got != slipway.Planning {
			t.Errorf("status %s, want %s", got, slipway.Planning)
		}
	})
}

func TestWhatDoesNotEndInTimeIsAbandonedAndLeftToTheNextProcess(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		begun := make(chan struct{})
		w.cards.repaint = func(ctx context.Context, _ string) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		}
		w.start(t)
		w.plan(t, nil)
		receive(t, "the work begins", begun)

		ctx, cancel := context.WithCancel(t.Context())
		cancel() // no time at all
		if err := w.Stop(ctx); err != nil {
			t.Fatal(err)
		}

		w.cards.repaint = nil
		next := w.join(t, w.Store, "")
		if got := next.Handle(t.Context(), w.one(t, slipway.TaskCard)); got != Done {
			t.Errorf("ending %q, want %q", got, Done)
		}
	})
}

// Whom an endpoint names is called when its deadline has passed; who has left is not waited
// for.
func TestAfterADeadlineTheNamedPeopleAreCalled(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		bob := &slipway.User{ID: "u-bob", Name: "Bob", Email: "bob@example.com", Role: slipway.RoleMember, Locale: slipway.English}
		if err := w.Store.CreateUser(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
		e := office()
		e.Deadline, e.AfterDeadline, e.Ask = 3*time.Minute, slipway.DeadlineAsks, []string{"bob@example.com", "Walter"}
		w.rules.Endpoints = []slipway.Endpoint{e}
		w.plan(t, nil)
		w.clock.advance(time.Hour)
		w.handle(t, w.one(t, slipway.TaskDeadline), Done)
		var called []string
		for _, id := range w.due(t, slipway.TaskNotice) {
			var n slipway.Notice
			if err := json.Unmarshal(w.lease(t, id, "reads").Task.Data, &n); err != nil {
				t.Fatal(err)
			}
			if n.Urgent {
				called = append(called, n.To...)
			}
		}
		if diff := cmp.Diff([]string{bob.ID}, called); diff != "" {
			t.Errorf("called (-want +got):\n%s", diff)
		}
	})
}
