package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"slipway/cmd/slipway/processtest"
)

const (
	crashSeed    = 20261124
	crashedPlans = 200
	// crashBound is far above the time that it takes, also on a machine that is busy.
	crashBound = 6 * time.Minute
)

// disaster is something that happens while people work.
type disaster string

// The disasters.
const (
	killOne      disaster = "kill -9 of a replica"
	killBoth     disaster = "kill -9 of both replicas"
	stopOne      disaster = "stop of a replica"
	flushQueue   disaster = "FLUSHALL"
	killDatabase disaster = "kill -9 of PostgreSQL"
	killQueue    disaster = "kill -9 of Redis"
)

// disasters is how often each of them happens.
var disasters = map[disaster]int{killOne: 16, killBoth: 2, stopOne: 2, flushQueue: 10, killDatabase: 1, killQueue: 1}

// crashes carries 200 plans to success while replicas are killed, Redis is emptied and
// the database dies, and then judges everything that was left behind.
func crashes(t *testing.T, program string) {
	ctx, cancel := context.WithTimeout(t.Context(), crashBound)
	defer cancel()
	people := newCrowd(ctx)
	outside := processtest.NewReceiver(people.heard, people.complain)
	t.Cleanup(outside.Close)
	marks := filepath.Join(t.TempDir(), "marks")
	f := newFleet(t, program, crashSettings(outside.URL), map[string]string{"deploy": markingWorkflow(marks)})
	people.bases = f.bases

	began := time.Now()
	fate := newFate(f, people.answered)
	fateEnded := make(chan error, 1)
	working, rest := context.WithCancel(ctx)
	defer rest()
	go func() { fateEnded <- fate.run(working) }()
	carryAll(ctx, t, people)
	rest()
	if err := <-fateEnded; err != nil {
		t.Error(err)
	}
	took := time.Since(began)
	awaitNoTasks(t, f)
	people.calls.Wait()

	for _, err := range people.problems {
		t.Error(err)
	}
	t.Logf("%d plans in %v (and %v until the last task was done): %v; presses delivered twice %d, requests without an answer %d, answers 429 %d",
		crashedPlans, took.Round(time.Second), (time.Since(began) - took).Round(time.Second), fate.done, people.doubles.Load(), people.lost.Load(), people.waits.Load())
	judge(t, f, people, marks)
}

func crashSettings(receiver string) settings {
	s := settings{Users: []person{
		{Name: "Olga", Email: "olga@example.com", Role: "admin"},
		{Name: "Alice", Email: "alice@example.com"},
		{Name: "Bob", Email: "bob@example.com"},
		{Name: "Carol", Email: "carol@example.com"},
		{Name: "Dave", Email: "dave@example.com"},
		{Name: "Erin", Email: "erin@example.com"},
	}}
	for _, name := range []string{askedEndpoint, toldEndpoint} {
		s.Hooks = append(s.Hooks, hook{
			Name: name, URL: receiver + "/" + name, Events: hookEvents, Wait: name == askedEndpoint,
			Secrets: []string{hookSecrets[name]}, AllowPrivate: true,
		})
	}
	// A deadline far away: its task has to go with the answer.
	s.Hooks[0].Deadline = "24h"
	return s
}

// markingWorkflow notes the beginning and the end of each run in a file.
func markingWorkflow(marks string) string {
	return fmt.Sprintf(`name: deploy
stages:
  - name: deploy
    jobs:
      - name: deploy
        type: freestyle
        spec:
          run: |
            echo "start $SLIPWAY_ITEM_ID $SLIPWAY_RUN_MARK" >> '%[1]s'
            echo "deploying"
            sleep 0.2
            echo "end $SLIPWAY_ITEM_ID $SLIPWAY_RUN_MARK" >> '%[1]s'
`, marks)
}

// carryAll carries all plans, many at once.
func carryAll(ctx context.Context, t *testing.T, people *crowd) {
	const atOnce = 100
	turn := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for n := range crashedPlans {
		c := people.newCarrier(crashSeed, shapeOf(n))
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			if err := c.carry(ctx); err != nil {
				t.Errorf("%s: %v", c.shape.name, err)
			}
		})
	}
	all.Wait()
}

// fate brings the disasters about, in an order and at moments that follow from the
// seed: after so many answers that changed a plan.
type fate struct {
	*fleet
	answered <-chan struct{}
	rng      *rand.Rand
	deck     []disaster
	done     map[disaster]int
}

func newFate(f *fleet, answered <-chan struct{}) *fate {
	x := &fate{fleet: f, answered: answered, rng: rand.New(rand.NewPCG(crashSeed, 1)), done: map[disaster]int{}}
	for _, d := range []disaster{killOne, killBoth, stopOne, flushQueue, killDatabase, killQueue} {
		for range disasters[d] {
			x.deck = append(x.deck, d)
		}
	}
	x.rng.Shuffle(len(x.deck), func(i, j int) { x.deck[i], x.deck[j] = x.deck[j], x.deck[i] })
	return x
}

// run ends when every disaster has happened. Before that the context must not end:
// the plans must not be through before the last one.
func (x *fate) run(ctx context.Context) error {
	for i, d := range x.deck {
		for range 15 + x.rng.IntN(60) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("the plans were through before %d of %d disasters", len(x.deck)-i, len(x.deck))
			case <-x.answered:
			}
		}
		// What is being mended is mended to the end, also when the plans are through.
		mend, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
		err := x.strike(mend, d)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", d, err)
		}
		x.done[d]++
	}
	return nil
}

// strike brings one disaster about and has the operator mend it.
func (x *fate) strike(ctx context.Context, d disaster) error {
	victim := x.replicas[x.rng.IntN(len(x.replicas))]
	switch d {
	case killOne:
		victim.Kill()
		return victim.Restart(ctx)
	case stopOne:
		err := victim.Stop(ctx)
		return errors.Join(err, victim.Restart(ctx))
	case killBoth:
		for _, r := range x.replicas {
			r.Kill()
		}
		for _, r := range x.replicas {
			if err := r.Restart(ctx); err != nil {
				return err
			}
		}
		return nil
	case flushQueue:
		return x.flush(ctx)
	case killDatabase:
		x.database.Kill()
		return x.database.Restart(ctx)
	case killQueue:
		x.queue.Kill()
		return x.queue.Restart(ctx)
	}
	return errors.New("unknown disaster")
}
