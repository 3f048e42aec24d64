package remote

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
)

func neverThere(context.Context, slipway.WorkflowSpec, time.Time) (engine.Ref, engine.Outcome, error) {
	return "", engine.NeverStarted, nil
}

func TestOnlyASecondLookIsSureThatNothingWasStarted(t *testing.T) {
	t.Parallel()
	type sight struct {
		ref     engine.Ref
		outcome engine.Outcome
		err     error
	}
	away := errors.New("connection refused")
	nothing, there := sight{outcome: engine.NeverStarted}, sight{ref: "1/2", outcome: engine.Started}
	for _, tt := range []struct {
		name   string
		sights []sight
		looks  []time.Duration
	}{
		{"it is there", []sight{there}, seconds(0)},
		{"it appears", []sight{nothing, there}, seconds(0, 60)},
		{"it never appears", []sight{nothing, nothing}, seconds(0, 60)},
		{"it cannot be known", []sight{{}}, seconds(0)},
		{"the engine is away", []sight{{err: away}}, seconds(0)},
		{"the engine goes away", []sight{nothing, {err: away}}, seconds(0, 60)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var looks []time.Duration
				begun := time.Now()
				s := startsAt("gitlab.example")
				ref, outcome, err := s.Find(t.Context(), s.mark("m"), func(context.Context, slipway.WorkflowSpec, time.Time) (engine.Ref, engine.Outcome, error) {
					seen := tt.sights[len(looks)]
					looks = append(looks, time.Since(begun))
					return seen.ref, seen.outcome, seen.err
				})
				last := tt.sights[len(tt.sights)-1]
				if ref != last.ref || outcome != last.outcome || !errors.Is(err, last.err) {
					t.Errorf("%q, outcome %d, %v", ref, outcome, err)
				}
				if diff := cmp.Diff(tt.looks, looks); diff != "" {
					t.Errorf("looks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWhoLooksForAStartMayLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := startsAt("gitlab.example")
		_, outcome, err := s.Find(ctx, s.mark("m"), neverThere)
		if outcome != engine.Unknowable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outcome %d, %v", outcome, err)
		}
	})
}

func TestAStartIsLookedForWhereItWasMade(t *testing.T) {
	t.Parallel()
	away := errors.New("database is down")
	for _, tt := range []struct {
		name string
		runs func(context.Context, string) (slipway.WorkflowSpec, error)
		want string // project in which is looked
		err  error
	}{
		{"nobody knows", nil, "", nil},
		{"it is told", func(_ context.Context, mark string) (slipway.WorkflowSpec, error) {
			return slipway.WorkflowSpec{Project: "of " + mark}, nil
		}, "of m", nil},
		{"no such run", func(context.Context, string) (slipway.WorkflowSpec, error) {
			return slipway.WorkflowSpec{}, slipway.Refuse(slipway.NotFound, "No.", "没有。")
		}, "", nil},
		{"it cannot be told", func(context.Context, string) (slipway.WorkflowSpec, error) { return slipway.WorkflowSpec{}, away }, "", away},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, got := startsAt("gitlab.example"), ""
			s.Runs = tt.runs
			_, _, err := s.Find(t.Context(), s.mark("m"), func(_ context.Context, spec slipway.WorkflowSpec, since time.Time) (engine.Ref, engine.Outcome, error) {
				if got = spec.Project; !since.Equal(hour.Add(-skew)) {
					t.Errorf("looked since %v", since)
				}
				return "", engine.Unknowable, nil
			})
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("looked in %q, %v", got, err)
			}
		})
	}
}

func TestAStartThatWasTakenIsNeverSaidToBeNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startsAt("gitlab.example")
		for mark, want := range map[string]engine.Outcome{"taken": engine.Unknowable, "lost": engine.NeverStarted} {
			_, err := s.Once(s.mark(mark), slipway.WorkflowSpec{}, func() (engine.Ref, error) {
				if mark == "taken" {
					s.Taken(mark)
				}
				return "", errors.New("no run is seen")
			})
			if err == nil {
				t.Fatal("it was seen")
			}
			if _, outcome, err := s.Find(t.Context(), s.mark(mark), neverThere); outcome != want || err != nil {
				t.Errorf("%s: outcome %d, %v", mark, outcome, err)
			}
		}
	})
}

func TestWhatAStartLedToIsKnown(t *testing.T) {
	t.Parallel()
	s := startsAt("gitlab.example")
	if _, err := s.Once(s.mark("m"), slipway.WorkflowSpec{}, leadsTo("1/2", nil)); err != nil {
		t.Fatal(err)
	}
	if ref, outcome, err := s.Find(t.Context(), s.mark("m"), nil); ref != "1/2" || outcome != engine.Started || err != nil {
		t.Errorf("%q, outcome %d, %v", ref, outcome, err)
	}
	other := startsAt("other.example")
	if _, outcome, err := s.Find(t.Context(), other.mark("m"), nil); outcome != engine.Unknowable || err != nil {
		t.Errorf("of another vendor: outcome %d, %v", outcome, err)
	}
}
