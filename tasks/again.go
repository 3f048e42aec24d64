package tasks

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/tasks/engine"
)

// Waiting for an engine to say that a run is running again, after it agreed to it.
const (
	againPatience = 30 * time.Second
	againPause    = 500 * time.Millisecond
)

// rerun is a run that is to be an earlier run once more, in the engine's own way.
type rerun struct {
	*running
	engine    engine.Retrier
	ref       engine.Ref // of both
	before    string     // how often it was run when it failed; empty: not known
	restarted bool       // somebody else had it run again
}

// earlier returns the run that is to be run again. Nil: the run is to be started anew,
// because that was asked for, or because there is nothing that the engine could run
// again.
func (r *running) earlier(ctx context.Context) (*rerun, error) {
	retrier, able := r.engine.(engine.Retrier)
	if r.run.Again == "" || !able {
		return nil, nil
	}
	before, err := r.t.Store.Run(ctx, r.run.Again)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound || err == nil && before.Ref == "":
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("load run before: %w", err)
	}
	return &rerun{running: r, engine: retrier, ref: engine.Ref(before.Ref), before: before.Attempt}, nil
}

// again returns the run that is to be run again, and writes down how often that was run
// before: after a crash it tells whether it is running again.
func (r *running) again(ctx context.Context) (*rerun, error) {
	a, err := r.earlier(ctx)
	if a == nil || err != nil {
		return nil, err
	}
	attempt, err := a.engine.Attempt(ctx, a.ref)
	switch {
	case err != nil && (errors.Is(err, engine.ErrNoRun) || !passing(err)):
		return nil, nil
	case err != nil:
		return nil, r.t.notYet(r.l, "look at run before", err)
	}
	a.restarted = a.before != "" && attempt != a.before
	return a, a.note(ctx, attempt)
}

func (a *rerun) note(ctx context.Context, attempt string) error {
	if err := a.t.Store.RunAttempt(ctx, a.run.ID, attempt); err != nil {
		return err
	}
	a.run.Attempt = attempt
	return nil
}

// retry has the engine run it again, and follows it.
func (a *rerun) retry(ctx context.Context) error {
	err := a.engine.Retry(ctx, a.ref)
	refusal := (*slipway.Error)(nil)
	switch {
	case err == nil:
		if err := a.await(ctx); err != nil {
			return err
		}
		return a.begun(ctx, a.ref)
	case a.t.isLeaving():
		return errors.Join(errLeaving, err)
	case ctx.Err() != nil:
		return err
	case errors.Is(err, engine.ErrNoRun):
		return a.anew(ctx)
	case errors.As(err, &refusal) && slipway.CodeOf(err) == slipway.Conflict:
		return a.notAgain(ctx)
	case errors.As(err, &refusal) && (!passing(err) || a.late()):
		return a.end(ctx, slipway.RunFailed, slipway.TextOf(err))
	case a.late():
		return a.unknown(ctx)
	}
	return a.t.notYet(a.l, "run again", err)
}

// notAgain goes on when the engine does not run it again: somebody else did, and it is
// followed; or it cannot be, and is started anew.
func (a *rerun) notAgain(ctx context.Context) error {
	state, err := peek(ctx, a.running.engine, a.ref)
	switch {
	case err != nil && !errors.Is(err, engine.ErrNoRun):
		return a.t.notYet(a.l, "look at run before", err)
	case err == nil && state.Status == engine.Unknown:
		return slipway.Refuse(slipway.Unavailable, "The engine does not answer.", "引擎没有响应。")
	case err == nil && (!state.Status.Over() || state.Status == engine.Passed):
		return a.begun(ctx, a.ref)
	}
	return a.anew(ctx)
}

// anew starts it as a new run. From now on a crash in between is judged by the mark.
func (a *rerun) anew(ctx context.Context) error {
	if err := a.note(ctx, ""); err != nil {
		return err
	}
	if a.t.isLeaving() {
		return errLeaving
	}
	return a.launch(ctx)
}

// find goes on after a crash: the engine may have been asked or not.
func (a *rerun) find(ctx context.Context) error {
	attempt, err := a.engine.Attempt(ctx, a.ref)
	switch {
	case errors.Is(err, engine.ErrNoRun):
		return a.anew(ctx)
	case err != nil && !a.late():
		return a.t.notYet(a.l, "find run", err)
	case err != nil:
		return a.unknown(ctx)
	case attempt != a.run.Attempt:
		return a.begun(ctx, a.ref)
	case a.run.Stop:
		return a.end(ctx, slipway.RunCancelled, textCancelledBefore)
	case a.t.isLeaving():
		return errLeaving
	}
	return a.retry(ctx)
}

// await waits until the engine shows that it is running again: until then it shows the
// end of before.
func (a *rerun) await(ctx context.Context) error {
	for until := a.t.Now().Add(againPatience); ; {
		attempt, err := a.engine.Attempt(ctx, a.ref)
		if err == nil && attempt != a.run.Attempt || a.t.Now().After(until) {
			return nil // it is watched in any case
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.t.staying.Done():
			return errLeaving
		case <-time.After(againPause):
		}
	}
}

// peek looks at a run once.
func peek(ctx context.Context, x engine.Engine, ref engine.Ref) (engine.State, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var first *engine.State
	_, err := x.Watch(ctx, ref, engine.Observer{Seen: math.MaxInt64, State: func(s engine.State) {
		if first == nil {
			first = &s
			stop()
		}
	}})
	if first != nil {
		return *first, nil
	}
	return engine.State{}, err
}

// recheckEvery is how often it is looked whether a run that failed runs again: at first,
// and when that did not happen for long. After recheckFor nobody looks any more.
const (
	recheckFirst = 30 * time.Second
	recheckLast  = 10 * time.Minute
	recheckFor   = 7 * 24 * time.Hour
)

// expectAgain has it looked now and then whether a run that failed is run again in the
// engine's own page. attempt is how often it was run when it failed.
func (t *Tasks) expectAgain(ctx context.Context, run *storage.Run, attempt string) error {
	if err := t.Store.RunAttempt(ctx, run.ID, attempt); err != nil {
		return err
	}
	return t.recheckAt(ctx, run, t.Now().Add(recheckFirst))
}

func (t *Tasks) recheckAt(ctx context.Context, run *storage.Run, at time.Time) error {
	return t.Store.PutTask(ctx, slipway.Task{
		ID: t.Commands.NewID(), Kind: slipway.TaskRecheck, Key: "recheck:" + run.ID, PlanID: run.PlanID, RunAt: at.UnixMilli(), Ref: run.ID,
	}, t.Now())
}

// recheck looks whether a run that failed runs again.
func (t *Tasks) recheck(ctx context.Context, l *storage.Lease) error {
	run, err := t.Store.Run(ctx, l.Task.Ref)
	if err != nil {
		return fmt.Errorf("load run: %w", err)
	}
	p, err := t.Store.Plan(ctx, run.PlanID)
	if err != nil {
		return fmt.Errorf("load plan: %w", err)
	}
	retrier, able := t.Engines.Named(run.Engine).(engine.Retrier)
	it := p.ItemOfRun(run.ID)
	if !able || run.Attempt == "" || it == nil || it.Status != slipway.Failed || p.Status() != slipway.Executing {
		return nil
	}
	age := t.Now().Sub(time.UnixMilli(run.EndedAt))
	if age > recheckFor {
		return nil
	}
	attempt, err := retrier.Attempt(ctx, engine.Ref(run.Ref))
	switch {
	case errors.Is(err, engine.ErrNoRun):
		return nil
	case err != nil && passing(err):
		return t.notYet(l, "look at run", err)
	case err != nil:
		return later{at: t.Now().Add(recheckLast)}
	case attempt != run.Attempt:
		_, err := t.Commands.RunResumed(ctx, requestOf(l), run.PlanID, run.ID, run.Ref)
		return err
	}
	return later{at: t.Now().Add(min(max(age/4, recheckFirst), recheckLast))}
}
