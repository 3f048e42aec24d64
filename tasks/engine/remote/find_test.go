package remote

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/tasks/engine"
)

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
				ref, outcome, err := Find(t.Context(), time.Minute, func(context.Context) (engine.Ref, engine.Outcome, error) {
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
		_, outcome, err := Find(ctx, time.Minute, func(context.Context) (engine.Ref, engine.Outcome, error) {
			return "", engine.NeverStarted, nil
		})
		if outcome != engine.Unknowable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outcome %d, %v", outcome, err)
		}
	})
}
