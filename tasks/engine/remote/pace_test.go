package remote

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"slipway/tasks/engine"
)

// get sends one request, and returns when it was sent.
func get(ctx context.Context, t *testing.T, way *Transport) time.Time {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://gitlab.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := way.RoundTrip(r)
	if err != nil {
		t.Error(err)
		return time.Time{}
	}
	answer.Body.Close()
	return time.Now()
}

func TestNoMoreRequestsAreSentThanAllowed(t *testing.T) {
	t.Parallel()
	for _, perMinute := range []int{1, 7, 60, 600} {
		synctest.Test(t, func(t *testing.T) {
			next := &server{}
			way := NewTransport(TransportConfig{Next: next, PerMinute: perMinute})
			for range 3 * perMinute {
				get(t.Context(), t, way)
			}
			for i, from := range next.at {
				if i+perMinute < len(next.at) && next.at[i+perMinute]-from < time.Minute-time.Millisecond {
					t.Fatalf("%d a minute: more than that from %v to %v", perMinute, from, next.at[i+perMinute])
				}
			}
			if took := next.at[len(next.at)-1]; took > 3*time.Minute+10*time.Second {
				t.Errorf("%d a minute: that many in three minutes took %v", perMinute, took)
			}
		})
	}
}

func TestWhatTheLimitHoldsBackIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &server{}
		way := NewTransport(TransportConfig{Next: next, PerMinute: 1})
		get(t.Context(), t, way)
		for _, ctx := range []context.Context{t.Context(), looking(t.Context(), make(chan struct{}, 1), true)} {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				answer, err := way.RoundTrip(request(t, method, "x").WithContext(ctx))
				if err == nil {
					answer.Body.Close()
				}
				if !NeverSent(err) || len(next.at) != 1 {
					t.Errorf("%s: %v", method, err)
				}
			}
		}
	})
}

func TestRoutineLetsOthersPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		way := NewTransport(TransportConfig{Next: status(http.StatusOK), PerMinute: 600}) // thirty at once
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { get(looking(t.Context(), make(chan struct{}, 1), true), t, way) })
		}
		<-time.After(5 * time.Second)
		for range 15 {
			if asked := time.Now(); get(t.Context(), t, way) != asked {
				t.Error("routine goes first")
			}
		}
		all.Wait()
	})
}

func TestRoutineNeverComesToRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		way := NewTransport(TransportConfig{Next: status(http.StatusOK), PerMinute: 600})
		var all sync.WaitGroup
		var over atomic.Bool
		for range 5 { // more than the limit allows
			all.Go(func() {
				for !over.Load() {
					get(t.Context(), t, way)
				}
			})
		}
		begun := time.Now()
		for range 60 {
			get(looking(t.Context(), make(chan struct{}, 1), true), t, way)
		}
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("sixty requests took %v", took)
		}
		over.Store(true)
		all.Wait()
	})
}

// A look that waits for its turn is made at once when its run is told about. If it has
// asked something before, what that said may be old, and it looks again.
func TestANudgedLookWaitsNoMore(t *testing.T) {
	t.Parallel()
	for asks, want := range map[int]int{1: 1, 2: 3} { // of two the first was sent, and the second waits
		synctest.Test(t, func(t *testing.T) {
			way := NewTransport(TransportConfig{Next: status(http.StatusOK), PerMinute: 60})
			w := &Watchers{Poll: time.Second, MaxPoll: time.Second, Now: time.Now}
			ctx, stop := context.WithCancel(t.Context())
			var asked []time.Time
			var all sync.WaitGroup
			all.Go(func() {
				_, _ = w.Watch(ctx, "1/2", engine.Observer{}, func(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
					for range asks {
						asked = append(asked, get(ctx, t, way))
					}
					return engine.State{Status: engine.Running}, nil, nil, nil
				})
			})
			<-time.After(1500 * time.Millisecond)
			// From now on others take all there is.
			way.pace.routine <- struct{}{}
			<-time.After(time.Minute)
			synctest.Wait()
			before := len(asked)
			nudged := time.Now()
			w.Nudge("1/2")
			synctest.Wait()
			if n := len(asked) - before; n != want {
				t.Errorf("of looks with %d requests, %d were sent at once, want %d", asks, n, want)
			}
			if last := asked[len(asked)-1]; last.Before(nudged) {
				t.Error("it was not looked after the nudge")
			}
			stop()
			all.Wait()
		})
	}
}

// After a restart all runs are looked at, which must not hold back what people wait for.
func TestTheFirstLookIsRoutineForWhoHasSeenTheRun(t *testing.T) {
	t.Parallel()
	lines := func([]engine.Line) {}
	for _, tt := range []struct {
		name    string
		obs     engine.Observer
		routine bool
	}{
		{"a new run", engine.Observer{Lines: lines}, false},
		{"one whose log is known in part", engine.Observer{Lines: lines, Seen: 7}, true},
		{"a look at the state alone", engine.Observer{Seen: 7}, false},
	} {
		w := &Watchers{Poll: time.Second, MaxPoll: time.Second, Now: time.Now}
		_, err := w.Watch(t.Context(), "1/2", tt.obs, func(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
			if l := lookOf(ctx); l.routine != tt.routine {
				t.Errorf("%s: the first look is routine: %t", tt.name, l.routine)
			}
			return engine.State{}, nil, &engine.Result{Status: engine.Passed}, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestWhatTakesLongInALookIsCutShortByANudge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &Watchers{Poll: time.Hour, MaxPoll: time.Hour, Now: time.Now}
		begun, looks := time.Now(), 0
		look := func(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
			if looks++; looks == 2 {
				return engine.State{}, nil, &engine.Result{Status: engine.Passed}, nil
			}
			reading, cut := context.WithTimeout(ctx, time.Minute)
			defer cut()
			WhenNudged(reading, cut)
			<-reading.Done()
			return engine.State{Status: engine.Running}, nil, nil, nil
		}
		go func() {
			<-time.After(time.Second)
			w.Nudge("1/2")
		}()
		if _, err := w.Watch(t.Context(), "1/2", engine.Observer{}, look); err != nil || time.Since(begun) != time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestOutsideOfALookNobodyIsNudged(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	WhenNudged(ctx, func() { t.Error("nudged") })
}
