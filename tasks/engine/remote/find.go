package remote

import (
	"context"
	"fmt"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// Search looks once for the run that was to be started, among those since a time. What
// the spec is empty of is not known. NeverStarted says that the run is not there now.
type Search func(ctx context.Context, spec slipway.WorkflowSpec, since time.Time) (engine.Ref, engine.Outcome, error)

// Find says what became of a start. What is not there may still be on its way, so that
// only a second look, after the time in which it must appear, is sure. That time runs
// from now on and not from when the mark was written down: the request may have been
// sent much later, by a process that has died just now.
func (s *Starts) Find(ctx context.Context, mark engine.Mark, search Search) (engine.Ref, engine.Outcome, error) {
	since, ours := s.Since(mark)
	if !ours {
		return "", engine.Unknowable, nil
	}
	start, known := s.of(mark.ID)
	if start.ref != "" {
		return start.ref, engine.Started, nil
	}
	if !known && s.Runs != nil {
		spec, err := s.Runs(ctx, mark.ID)
		if err != nil && slipway.CodeOf(err) != slipway.NotFound {
			return "", engine.Unknowable, fmt.Errorf("look up run: %w", err)
		}
		start.spec = spec
	}
	settled := time.NewTimer(s.Settle)
	defer settled.Stop()
	ref, outcome, err := search(ctx, start.spec, since)
	if err != nil || outcome != engine.NeverStarted {
		return ref, outcome, err
	}
	select {
	case <-ctx.Done():
		return "", engine.Unknowable, ctx.Err()
	case <-settled.C:
	}
	ref, outcome, err = search(ctx, start.spec, since)
	switch {
	case err != nil || outcome != engine.NeverStarted:
		return ref, outcome, err
	case start.taken:
		return "", engine.Unknowable, nil // it is late, but it was started
	}
	s.forget(mark.ID)
	return "", engine.NeverStarted, nil
}
