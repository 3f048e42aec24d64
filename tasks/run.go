package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/tasks/engine"
)

// startPatience is how long it is tried to start a run, or to learn whether it was
// started, while the engine does not answer.
const startPatience = 10 * time.Minute

// What becomes of runs, for people.
var (
	textCancelledBefore = slipway.T("It was cancelled before it started.", "在开始之前已被取消。")
	textUnknown         = slipway.T(
		"Start outcome unknown: Slipway was interrupted while it started the run, and the engine cannot say whether it runs. Look there, then retry or skip the item.",
		"启动结果未知：Slipway 在启动工作流时中断，引擎无法确认其是否已运行。请先到引擎中查看，再重试或跳过该发布项。")
	textRunGone = slipway.T(
		"The engine no longer knows the run. Look there what became of it, then retry or skip the item.",
		"引擎中已找不到该次运行。请先到引擎中查看结果，再重试或跳过该发布项。")
)

// run carries a run to its end: starts it if it was never started, finds it if the
// process died while it was being started, and watches it. What is about to be done is
// written down first, so that no run is started twice.
func (t *Tasks) run(ctx context.Context, l *storage.Lease) error {
	run, err := t.Store.Run(ctx, l.Task.Ref)
	if err != nil {
		return fmt.Errorf("load run: %w", err)
	}
	if run.Phase == storage.RunPhaseEnded {
		return t.settleRun(ctx, l, run, run.End())
	}
	x := t.Engines.Named(run.Engine)
	if x == nil {
		return t.endRun(ctx, l, run, slipway.RunEnd{Status: slipway.RunFailed, Reason: t.Engines.unknown(run.Engine)})
	}
	r := &running{t: t, l: l, run: run, engine: x}
	switch run.Phase {
	case storage.RunPhaseStarted:
		return r.watch(ctx, engine.Ref(run.Ref))
	case storage.RunPhaseStarting:
		return r.find(ctx)
	case storage.RunPhaseCreated, storage.RunPhaseEnded:
	}
	return r.start(ctx)
}

// endRun writes the end of a run and settles its item.
func (t *Tasks) endRun(ctx context.Context, l *storage.Lease, run *storage.Run, end slipway.RunEnd) error {
	if err := t.Store.EndRun(ctx, run.ID, end, t.Now()); err != nil {
		return fmt.Errorf("end run: %w", err)
	}
	t.Notices.Publish(ctx, TopicRun+run.ID)
	return t.settleRun(ctx, l, run, end)
}

func (t *Tasks) settleRun(ctx context.Context, l *storage.Lease, run *storage.Run, end slipway.RunEnd) error {
	_, err := t.Commands.RunEnded(ctx, requestOf(l), run.PlanID, run.ID, end)
	return err
}

// running is a run on its way.
type running struct {
	t      *Tasks
	l      *storage.Lease
	run    *storage.Run
	engine engine.Engine
}

// place is kept as the progress of a run that is being started: it says where Start
// acts, which is part of the mark.
type place struct {
	Place string `json:"place"`
}

// mark is the run's mark: its id, and the place that was written down.
func (r *running) mark() engine.Mark {
	var p place
	if len(r.run.Progress) > 0 {
		// What is not readable is no place; the engine then cannot know.
		_ = json.Unmarshal(r.run.Progress, &p)
	}
	return engine.Mark{ID: r.run.ID, Place: p.Place}
}

// start writes down that the run is being started, and starts it.
func (r *running) start(ctx context.Context) error {
	if r.run.Stop {
		return r.end(ctx, slipway.RunCancelled, textCancelledBefore)
	}
	if r.t.isLeaving() {
		return errLeaving
	}
	here, err := json.Marshal(place{r.engine.Place()})
	if err != nil {
		return fmt.Errorf("note place of run: %w", err)
	}
	if err := r.t.Store.RunProgress(ctx, r.run.ID, here); err != nil {
		return fmt.Errorf("note place of run: %w", err)
	}
	r.run.Progress = here
	if err := r.t.Store.RunStarting(ctx, r.run.ID); err != nil {
		return fmt.Errorf("note start of run: %w", err)
	}
	return r.launch(ctx)
}

// launch calls the engine. Only here is a run started.
func (r *running) launch(ctx context.Context) error {
	ref, err := r.engine.Start(ctx, r.run.Run, r.mark())
	refusal := (*slipway.Error)(nil)
	switch {
	case err == nil:
		if err := r.t.Store.RunStartedAs(ctx, r.run.ID, string(ref), "", r.t.Now()); err != nil {
			return fmt.Errorf("note run as started: %w", err)
		}
		return r.watch(ctx, ref)
	case r.t.isLeaving():
		return errors.Join(errLeaving, err)
	case ctx.Err() != nil:
		return err
	case errors.As(err, &refusal) && (!passing(err) || r.late()):
		return r.end(ctx, slipway.RunFailed, slipway.TextOf(err))
	case r.late():
		r.t.Log.WarnContext(ctx, "run given up: its start keeps failing", "run", r.run.ID, "error", err)
		return r.end(ctx, slipway.RunFailed, textUnknown)
	default:
		// It may run or not; the next try begins by asking.
		return fmt.Errorf("start run: %w", err)
	}
}

// find asks the engine what became of a start that was written down.
func (r *running) find(ctx context.Context) error {
	ref, outcome, err := r.engine.Find(ctx, r.mark())
	switch {
	case err != nil && !r.late():
		return fmt.Errorf("find run: %w", err)
	case err != nil:
		return r.end(ctx, slipway.RunFailed, textUnknown)
	}
	switch outcome {
	case engine.Started:
		if err := r.t.Store.RunStartedAs(ctx, r.run.ID, string(ref), "", r.t.Now()); err != nil {
			return fmt.Errorf("note run as started: %w", err)
		}
		return r.watch(ctx, ref)
	case engine.NeverStarted:
		switch {
		case r.run.Stop:
			return r.end(ctx, slipway.RunCancelled, textCancelledBefore)
		case r.t.isLeaving():
			return errLeaving
		}
		return r.launch(ctx)
	case engine.Unknowable:
	}
	return r.end(ctx, slipway.RunFailed, textUnknown)
}

// late tells whether the patience with the start is over.
func (r *running) late() bool {
	return r.t.Now().Sub(time.UnixMilli(r.run.At)) > startPatience
}

func (r *running) end(ctx context.Context, s slipway.RunStatus, reason slipway.Text) error {
	return r.t.endRun(ctx, r.l, r.run, slipway.RunEnd{Status: s, Reason: reason})
}

// watch follows the run until it ends, and cancels it when that is asked for. A run
// that outlives this process is left to the next one when this one ends.
func (r *running) watch(ctx context.Context, ref engine.Ref) error {
	var heeding sync.WaitGroup
	defer heeding.Wait()
	watching, stop := context.WithCancel(ctx)
	defer stop()
	wake, unwatch := r.t.stops.watch(r.run.ID)
	defer unwatch()
	heeding.Go(func() { r.heedStop(watching, ref, wake) })
	if _, endsWithUs := r.engine.(closer); !endsWithUs {
		defer context.AfterFunc(r.t.staying, stop)() //nolint:contextcheck // that of the process
	}
	rec, err := r.newRecorder(watching)
	if err != nil {
		return err
	}
	result, err := r.engine.Watch(watching, ref, rec.observer())
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
		return r.end(keep, result.Status.RunStatus(), result.Reason)
	case errors.Is(err, engine.ErrNoRun):
		return r.end(keep, slipway.RunFailed, textRunGone)
	case r.t.isLeaving() && ctx.Err() == nil:
		return errors.Join(errLeaving, err)
	default:
		return fmt.Errorf("watch run: %w", err)
	}
}

// heedStop cancels the run when it is to be stopped. It looks when it is woken, and
// now and then by itself.
func (r *running) heedStop(ctx context.Context, ref engine.Ref, wake <-chan struct{}) {
	tick := time.NewTicker(r.t.renewEvery)
	defer tick.Stop()
	for {
		run, err := r.t.Store.Run(ctx, r.run.ID)
		if err == nil && run.Stop {
			if err = r.engine.Cancel(ctx, ref); err == nil {
				return
			}
		}
		if err != nil && ctx.Err() == nil {
			r.t.Log.WarnContext(ctx, "run not cancelled", slog.String("run", r.run.ID), slog.String("err", err.Error()))
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-tick.C:
		}
	}
}
