package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/commands"
	"slipway/storage"
)

// A card that has to wait comes back when the platform said, and that is no failure;
// what fails in a room is tried again at a growing distance and was logged by the bot.
func TestCardsThatWait(t *testing.T) {
	t.Parallel()
	room := &bot.RoomError{Room: bot.RoomRef{Platform: bot.Slack, ID: "C1"}, Err: errors.New("no such team")}
	limited := func(d time.Duration) error { return &bot.RateLimited{After: d} }
	for name, test := range map[string]struct {
		err    error
		least  time.Duration
		most   time.Duration
		counts bool
	}{
		"limited":                {fmt.Errorf("repaint: %w", limited(700*time.Millisecond)), 700 * time.Millisecond, 700 * time.Millisecond, false},
		"two limited":            {errors.Join(limited(time.Minute), fmt.Errorf("x: %w", limited(time.Second))), time.Second, time.Second, false},
		"somebody else is at it": {fmt.Errorf("post: %w: %w", bot.ErrBusy, limited(time.Second)), time.Second, time.Second, false},
		"a room fails":           {fmt.Errorf("repaint: %w", errors.Join(room)), 800 * time.Millisecond, 1200 * time.Millisecond, true},
		"a room fails, limited":  {fmt.Errorf("repaint: %w", errors.Join(room, limited(100*time.Millisecond))), 100 * time.Millisecond, 100 * time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				w.plan(t, nil)
				w.cards.repaint = func(context.Context, string) error { return test.err }
				id := w.one(t, slipway.TaskCard)
				w.handle(t, id, Again)
				lease := func(at time.Time) *storage.Lease {
					l, err := w.Store.LeaseTask(t.Context(), id, "test", at, time.Second)
					if err != nil {
						t.Fatal(err)
					}
					return l
				}
				if l := lease(w.clock.now().Add(test.least - time.Millisecond)); l != nil {
					t.Error("it came back too soon")
				}
				l := lease(w.clock.now().Add(test.most))
				if l == nil {
					t.Fatal("it did not come back in time")
				}
				if counted := l.Attempt > 0; counted != test.counts {
					t.Errorf("it counts as %d tries", l.Attempt)
				}
				if log := w.logged.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
					t.Errorf("it was logged:\n%s", log)
				}
			})
		})
	}
}

// A short wait is kept to, although the queue counts in seconds.
func TestAShortWaitIsShort(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		var looks atomic.Int64
		w.cards.repaint = func(context.Context, string) error {
			if looks.Add(1) > 1 {
				return nil
			}
			return &bot.RateLimited{After: 50 * time.Millisecond}
		}
		w.start(t)
		_, err := w.Commands.CreateDraft(t.Context(), commands.Ask{User: alice}, slipway.Draft{Name: "p", Manager: alice.Ref()})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the second look", func() bool {
			w.clock.advance(2 * time.Millisecond) // about as fast as time passes
			return looks.Load() == 2
		})
		eventually(t, "the task ends", func() bool { return w.count(t, slipway.TaskCard) == 0 })
	})
}

// Cards that stayed behind while a platform was away are painted after the next start.
func TestCardsThatAreBehindArePaintedAtTheStart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.plan(t, nil)
		for _, id := range w.due(t, slipway.TaskCard) {
			w.handle(t, id, Done)
		}
		c := storage.CardRef{Platform: "slack", RoomID: "C1", MessageID: "1.1", PlanID: p.ID, Seq: 1}
		if _, err := w.Store.PutCard(t.Context(), c, w.clock.now()); err != nil {
			t.Fatal(err)
		}
		painted := make(chan string, 10)
		w.cards.repaint = func(_ context.Context, planID string) error {
			painted <- planID
			return nil
		}
		w.start(t)
		if got := receive(t, "a repaint", painted); got != p.ID {
			t.Errorf("plan %s was painted", got)
		}
	})
}
