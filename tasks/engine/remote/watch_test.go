package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
)

// sight is what one look sees.
type sight struct {
	status engine.Status
	lines  []string
	err    error
}

// scene is a run that is looked at: what each look sees, the last one for ever, and
// what came of it.
type scene struct {
	sights []sight
	looks  []time.Duration
	begun  time.Time
	states []engine.State
	lines  []engine.Line
}

func (s *scene) look(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
	s.looks = append(s.looks, time.Since(s.begun))
	seen := s.sights[0]
	if len(s.sights) > 1 {
		s.sights = s.sights[1:]
	}
	if seen.err != nil {
		return engine.State{}, nil, nil, seen.err
	}
	state := engine.State{Status: seen.status, Stages: []engine.StageState{{Name: "run"}}}
	if seen.status == engine.Waiting {
		state.Waits = []engine.Wait{{Job: "gate"}}
	}
	var lines []engine.Line
	for _, text := range seen.lines {
		lines = append(lines, engine.Line{Text: text})
	}
	if seen.status.Over() {
		return state, lines, &engine.Result{Status: seen.status}, nil
	}
	return state, lines, nil, ctx.Err()
}

func (s *scene) observer() engine.Observer {
	return engine.Observer{
		State: func(state engine.State) { s.states = append(s.states, state) },
		Lines: func(lines []engine.Line) { s.lines = append(s.lines, lines...) },
	}
}

func (s *scene) statuses() []engine.Status {
	var all []engine.Status
	for _, state := range s.states {
		all = append(all, state.Status)
	}
	return all
}

func watchers() *Watchers {
	return &Watchers{Service: "GitLab", Poll: time.Second, MaxPoll: 5 * time.Second, Now: time.Now}
}

// watch plays a scene to its end, or for a minute.
func watch(t *testing.T, w *Watchers, s *scene, obs engine.Observer) (engine.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.begun = time.Now()
	result, err := w.Watch(ctx, "1/2", obs, s.look)
	if len(w.nudges) > 0 {
		t.Errorf("nobody watches, and %d listen", len(w.nudges))
	}
	return result, err
}

func seconds(all ...float64) []time.Duration {
	var times []time.Duration
	for _, s := range all {
		times = append(times, time.Duration(s*float64(time.Second)))
	}
	return times
}

func TestARunThatChangesIsLookedAtMoreOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		running := sight{status: engine.Running}
		s := &scene{sights: []sight{
			{status: engine.Queued}, running, running, running, running, running, {status: engine.Running, lines: []string{"news"}}, {status: engine.Passed},
		}}
		result, err := watch(t, watchers(), s, s.observer())
		if err != nil || result.Status != engine.Passed {
			t.Errorf("result is %+v, %v", result, err)
		}
		if diff := cmp.Diff(seconds(0, 1, 2, 3.5, 5.75, 9.125, 14.125, 15.125), s.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]engine.Status{engine.Queued, engine.Running, engine.Passed}, s.statuses()); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}

func TestANudgeMakesEveryWatcherLookAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := watchers()
		w.Poll, w.MaxPoll = time.Hour, time.Hour
		scenes := []*scene{{}, {}}
		ended := make(chan engine.Result, len(scenes))
		for _, s := range scenes {
			s.sights, s.begun = []sight{{status: engine.Running}, {status: engine.Passed}}, time.Now()
			go func() {
				result, err := w.Watch(t.Context(), "1/2", s.observer(), s.look)
				if err != nil {
					t.Error(err)
				}
				ended <- result
			}()
		}
		synctest.Wait()
		w.Nudge("1/3")
		synctest.Wait()
		for range 3 {
			w.Nudge("1/2")
		}
		for range scenes {
			if result := <-ended; result.Status != engine.Passed {
				t.Errorf("result is %+v", result)
			}
		}
		for _, s := range scenes {
			if diff := cmp.Diff(seconds(0, 0), s.looks); diff != "" {
				t.Errorf("looks (-want +got):\n%s", diff)
			}
		}
		w.Nudge("1/2") // nobody watches any more
	})
}

func TestARunMayBeMissingForAMoment(t *testing.T) {
	t.Parallel()
	gone := sight{err: engine.ErrNoRun}
	for _, tt := range []struct {
		name   string
		sights []sight
		want   error
	}{
		{"at first", []sight{gone, gone, {status: engine.Passed}}, nil},
		{"now and then", []sight{gone, gone, {status: engine.Running}, gone, gone, {status: engine.Passed}}, nil},
		{"for good", []sight{gone}, engine.ErrNoRun},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &scene{sights: tt.sights}
				if _, err := watch(t, watchers(), s, s.observer()); !errors.Is(err, tt.want) {
					t.Errorf("error is %v", err)
				}
				if tt.want != nil && len(s.looks) != maxMissing {
					t.Errorf("looked %d times", len(s.looks))
				}
			})
		})
	}
}

func TestARunIsUnknownWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := sight{err: errors.New("connection refused")}
		s := &scene{sights: []sight{
			{status: engine.Waiting, lines: []string{"a"}}, away, away, away, {status: engine.Running, lines: []string{"b"}}, {status: engine.Passed},
		}}
		if result, err := watch(t, watchers(), s, s.observer()); err != nil || result.Status != engine.Passed {
			t.Errorf("result is %+v, %v", result, err)
		}
		if diff := cmp.Diff([]engine.Status{engine.Waiting, engine.Unknown, engine.Running, engine.Passed}, s.statuses()); diff != "" {
			t.Fatalf("states (-want +got):\n%s", diff)
		}
		unknown := s.states[1]
		want := slipway.T("GitLab has not answered since 00:00 UTC; Slipway keeps asking.", "自 00:00（UTC）起 GitLab 没有响应，Slipway 会继续查询。")
		if unknown.WaitFor != want || unknown.Waits != nil || len(unknown.Stages) != 1 {
			t.Errorf("while the engine is away the state is %+v", unknown)
		}
		if diff := cmp.Diff(seconds(0, 1, 3, 7, 12, 13), s.looks); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]engine.Line{{Seq: 1, Text: "a"}, {Seq: 2, Text: "b"}}, s.lines); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestWhoIsNotLetInSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, code := range []slipway.Code{slipway.Unauthenticated, slipway.Forbidden} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &scene{sights: []sight{{err: slipway.Refuse(code, "Set a new token.", "请设置新令牌。")}, {status: engine.Passed}}}
				if result, err := watch(t, watchers(), s, s.observer()); err != nil || result.Status != engine.Passed {
					t.Errorf("result is %+v, %v", result, err)
				}
				if first := s.states[0]; first.Status != engine.Unknown || first.WaitFor != slipway.T("Set a new token.", "请设置新令牌。") {
					t.Errorf("state is %+v", first)
				}
			})
		})
	}
}

func TestAWatcherGetsTheLinesItHasNotSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{sights: []sight{{status: engine.Running, lines: []string{"a", "b"}}, {status: engine.Passed, lines: []string{"c", "d"}}}}
		obs := s.observer()
		obs.Seen = 3
		if _, err := watch(t, watchers(), s, obs); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]engine.Line{{Seq: 4, Text: "d"}}, s.lines); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		blind := &scene{sights: []sight{{status: engine.Running, lines: []string{"a"}}, {status: engine.Passed}}}
		if result, err := watch(t, watchers(), blind, engine.Observer{}); err != nil || result.Status != engine.Passed {
			t.Errorf("an observer of nothing: %+v, %v", result, err)
		}
	})
}

func TestAWatcherLeavesWhenItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{sights: []sight{{status: engine.Running}}}
		if _, err := watch(t, watchers(), s, s.observer()); !errors.Is(err, context.DeadlineExceeded) || time.Since(s.begun) != time.Minute {
			t.Errorf("after %v: %v", time.Since(s.begun), err)
		}
	})
}

func TestLooksAreSpread(t *testing.T) {
	t.Parallel()
	w := watchers()
	w.Rand = rand.Reader
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := w.jitter(time.Minute)
		if d < 45*time.Second || d > time.Minute {
			t.Fatalf("a minute is spread to %v", d)
		}
		seen[d] = true
	}
	if len(seen) < 900 {
		t.Errorf("1000 looks come after %d different times", len(seen))
	}
	if d := w.jitter(3); d != 3 {
		t.Errorf("3 ns are spread to %v", d)
	}
	w.Rand = iotest.ErrReader(errors.New("no randomness"))
	if d := w.jitter(time.Minute); d != time.Minute {
		t.Errorf("without randomness a minute is %v", d)
	}
	w.Rand = strings.NewReader("\xff\xff\xff\xff\xff\xff\xff\xff")
	if d := w.jitter(time.Minute); d <= 45*time.Second {
		t.Errorf("a minute is spread to %v", d)
	}
}
