package remote

import (
	"context"
	"time"

	"slipway/tasks/engine"
)

// Search looks for a start once. NeverStarted says that it is not there now.
type Search func(context.Context) (engine.Ref, engine.Outcome, error)

// Find says what became of a start: what is not there may still be on its way, so that
// only a second look, after the time in which it must appear, is sure. That time runs
// from now on and not from when the mark was written down: the request may have been
// sent much later, by a process that has died just now.
func Find(ctx context.Context, settle time.Duration, search Search) (engine.Ref, engine.Outcome, error) {
	settled := time.NewTimer(settle)
	defer settled.Stop()
	ref, outcome, err := search(ctx)
	if err != nil || outcome != engine.NeverStarted {
		return ref, outcome, err
	}
	select {
	case <-ctx.Done():
		return "", engine.Unknowable, ctx.Err()
	case <-settled.C:
		return search(ctx)
	}
}
