package tasks

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"slipway"
	"slipway/commands"
	"slipway/storage/storagetest"
)

func TestWhatACommitBringsIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{office()}
		painted := make(chan string, 10)
		w.cards.repaint = func(_ context.Context, plan string) error {
			painted <- plan
			return nil
		}
		w.start(t)

		p := w.plan(t, nil) // the clock stands still, so nothing here is the sweep's doing

		if got := receive(t, "the plan is painted", painted); got != p.ID {
			t.Errorf("painted plan %s, want %s", got, p.ID)
		}
		eventually(t, "the hook is sent and its row gone", func() bool {
			return len(w.sender.ids()) == 1 && w.count(t, slipway.TaskHook) == 0
		})
	})
}

func TestAChangeIsNoticedByLivePages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		topics := w.Notices.Subscribe(t.Context())

		p := w.plan(t, nil)

		if got := receive(t, "a notice", topics); got != TopicPlan+p.ID {
			t.Errorf("topic %q, want that of the plan %s", got, p.ID)
		}
	})
}

func TestTheSweepOffersWhatIsDueAndAgainWhatRedisLost(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		w.plan(t, func(d *slipway.Draft) { d.EndTime = morning.Add(time.Hour).Unix() })
		sweep := func() int {
			t.Helper()
			n, err := w.Sweep(t.Context(), w.clock.now())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}

		got := []int{sweep()} // offered by the relay just now
		w.clock.advance(6 * time.Second)
		got = append(got, sweep(), sweep())
		if err := w.Redis.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(6 * time.Second)
		got = append(got, sweep())

		// The hook and the card; the end of the window is not due.
		if diff := cmp.Diff([]int{0, 2, 0, 2}, got); diff != "" {
			t.Errorf("offered (-want +got):\n%s", diff)
		}
	})
}

func TestAnEmptiedRedisOnlyDelays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		p := w.plan(t, nil)
		w.offerAll(t)
		if err := w.Redis.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}

		w.start(t)
		w.clock.advance(6 * time.Second)

		eventually(t, "the hook is delivered", func() bool { return w.delivery(t, p.ID).DoneAt != 0 })
	})
}

// offerAll offers what the commits so far brought.
func (w *world) offerAll(t *testing.T) {
	t.Helper()
	for {
		select {
		case c := <-w.commits:
			w.offerFresh(t.Context(), c.Tasks, c.Seq)
		default:
			return
		}
	}
}

func TestTheDashboardShowsWhatIsToCome(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		p := w.plan(t, func(d *slipway.Draft) { d.EndTime = morning.Add(time.Hour).Unix() })
		w.offerAll(t)
		inspector := asynq.NewInspectorFromRedisClient(w.Redis)

		hooks, err := inspector.ListPendingTasks(queueHooks)
		if err != nil || len(hooks) != 1 {
			t.Fatalf("%d pending hooks, error %v; want one", len(hooks), err)
		}
		timers, err := inspector.ListScheduledTasks(queueTimers)
		if err != nil || len(timers) != 1 {
			t.Fatalf("%d scheduled timers, error %v; want one", len(timers), err)
		}
		row := w.one(t, slipway.TaskHook)
		if got := string(hooks[0].Payload); got != row {
			t.Errorf("payload %q, want nothing but the row's id %q", got, row)
		}
		if !strings.HasPrefix(hooks[0].ID, row+":") || hooks[0].Retention != 0 || hooks[0].MaxRetry != neverGiveUp {
			t.Errorf("the task of plan %s is %+v", p.ID, hooks[0])
		}
		if in := time.Until(timers[0].NextProcessAt); in < 59*time.Minute || in > 61*time.Minute {
			t.Errorf("the window ends in %s, want an hour", in)
		}
	})
}

func TestWhileRedisIsAwayNoOfferIsCounted(t *testing.T) {
	t.Parallel()
	server, err := storagetest.StartRedis(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	w := newWorld(t, storagetest.New(t), server.URL+"?dial_timeout=200ms&max_retries=-1")
	w.plan(t, nil)
	w.clock.advance(6 * time.Second)

	server.Kill()
	if _, err := w.Sweep(t.Context(), w.clock.now()); err == nil {
		t.Fatal("a sweep without redis succeeded")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}

	eventually(t, "the card is offered", func() bool {
		n, err := w.Sweep(t.Context(), w.clock.now())
		return err == nil && n == 1
	})
}

func TestTheApiRoleOffersAndLeavesTheWorkToOthers(t *testing.T) {
	t.Parallel()
	store, url := storagetest.NewPostgres(t), storagetest.Redis(t)
	w := newWorld(t, store, url)
	w.start(t)
	api := w.join(t, store, url)
	api.Role = RoleAPI
	api.Cards = nil
	if err := api.Start(); err != nil {
		t.Fatal(err)
	}

	_, err := api.Commands.CreateDraft(t.Context(), commands.Ask{User: alice}, slipway.Draft{Name: "p", Manager: alice.Ref()})
	if err != nil {
		t.Fatal(err)
	}

	eventually(t, "the worker has painted the card", func() bool {
		w.cards.mu.Lock()
		defer w.cards.mu.Unlock()
		return w.cards.painted == 1
	})
	if len(api.servers) != 0 {
		t.Errorf("the api has %d servers, want none", len(api.servers))
	}
}

func TestSeveralProcessesShareTheWorkAndRedisIsEmptiedMeanwhile(t *testing.T) {
	t.Parallel()
	store, url := storagetest.NewPostgres(t), storagetest.Redis(t)
	w := newWorld(t, store, url)
	w.rules.Endpoints = []slipway.Endpoint{wall()}
	other := w.join(t, store, url)
	w.start(t)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}

	const plans = 30
	for i := range plans {
		w.plan(t, nil)
		if i%10 == 5 {
			if err := w.Redis.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.clock.advance(6 * time.Second) // what was lost is offered again

	eventually(t, "all tasks are done", func() bool {
		return w.count(t, slipway.TaskHook) == 0 && w.count(t, slipway.TaskCard) == 0
	})
	sent := map[string]int{}
	for _, id := range w.sender.ids() {
		sent[id]++
	}
	if len(sent) != plans || len(w.sender.ids()) != plans {
		t.Errorf("%d hooks sent %d times, want %d sent once each", len(sent), len(w.sender.ids()), plans)
	}
}
