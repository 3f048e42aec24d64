package tasks

import (
	"context"
	"errors"
	"fmt"

	"slipway"
	"slipway/tasks/engine"
)

// maxEnds bounds how often a run may end and run again before its end is believed.
const maxEnds = 5

// watch follows the run until it ends, and cancels it when that is asked for. A run
// that outlives this process is left to the next one when this one ends.
func (r *running) watch(ctx context.Context, ref engine.Ref) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	heeded := r.heedStop(watching, ref)
	defer func() { <-heeded }()
	defer stop()
	if _, endsWithUs := r.engine.(closer); !endsWithUs {
		defer context.AfterFunc(r.t.staying, stop)() //nolint:contextcheck // that of the process
	}
	rec, err := r.newRecorder(watching)
	if err != nil {
		return err
	}
	result, attempt, err := r.toTheEnd(watching, ref, rec.observer())
	rec.close()

	// The end of a run is written down even if the process is told to end now.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	flushed := rec.flush(keep)
	switch {
	case err == nil && flushed != nil:
		// Its beginning must be in the log before its end: the next try asks the engine
		// for the result again.
		return fmt.Errorf("record run: %w", flushed)
	case err == nil:
		if attempt != "" {
			if err := r.t.expectAgain(keep, r.run, attempt); err != nil {
				return fmt.Errorf("record run: %w", err)
			}
		}
		return r.end(keep, result.Status.RunStatus(), result.Reason)
	case errors.Is(err, engine.ErrNoRun):
		return r.end(keep, slipway.RunFailed, textRunGone)
	case r.t.isLeaving() && ctx.Err() == nil:
		return errors.Join(errLeaving, err)
	default:
		return fmt.Errorf("watch run: %w", err)
	}
}

// toTheEnd watches the run until it is over. Of one that failed and can be run again in
// its engine, it also returns how often it was run; and it makes sure that this was read
// while the run was over, so that a later restart is noticed.
func (r *running) toTheEnd(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, string, error) {
	retrier, able := r.engine.(engine.Retrier)
	for n := 1; ; n++ {
		result, err := r.engine.Watch(ctx, ref, obs)
		if err != nil || result.Status == engine.Passed || !able {
			return result, "", err
		}
		attempt, err := retrier.Attempt(ctx, ref)
		if err != nil { // the end is known; a restart would go unnoticed
			return result, "", ctx.Err()
		}
		over := n == maxEnds || r.isStill(ctx, ref, result.Status)
		if ctx.Err() != nil {
			return result, "", ctx.Err()
		}
		if over {
			return result, attempt, nil
		}
	}
}

// isStill tells whether the run shows a status still, as far as that can be known.
func (r *running) isStill(ctx context.Context, ref engine.Ref, s engine.Status) bool {
	state, err := peek(ctx, r.engine, ref)
	return err != nil || state.Status == s || state.Status == engine.Unknown
}

// heedStop cancels the run when it is to be stopped, until the context ends. The channel
// is closed then.
func (r *running) heedStop(ctx context.Context, ref engine.Ref) <-chan struct{} {
	wake, unwatch := r.t.stops.watch(r.run.ID)
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer unwatch()
		for {
			if r.stopped(ctx, ref) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-wake:
			}
		}
	}()
	return over
}

// stopped cancels the run if it is to be stopped; false: not to be, or not yet done.
func (r *running) stopped(ctx context.Context, ref engine.Ref) bool {
	stop, err := r.t.Store.RunsToStop(ctx, []string{r.run.ID})
	if err == nil && len(stop) > 0 {
		if err = r.engine.Cancel(ctx, ref); err == nil {
			return true
		}
	}
	if err != nil && ctx.Err() == nil {
		r.t.Log.WarnContext(ctx, "run not cancelled", "run", r.run.ID, "err", err)
	}
	return false
}

// lookForStops wakes the watchers of those runs that are to be stopped: one step. The
// notice of it may have been lost, or the engine not have answered.
func (t *Tasks) lookForStops(ctx context.Context) {
	ids, err := t.Store.RunsToStop(ctx, t.stops.watched())
	if err != nil {
		if ctx.Err() == nil {
			t.Log.WarnContext(ctx, "look for runs to stop", "err", err)
		}
		return
	}
	for _, id := range ids {
		t.stops.wake(id)
	}
}
