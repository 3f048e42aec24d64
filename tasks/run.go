package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		"Start outcome unknown: Slipway was interrupted while it started the run, and the engine cannot say whether it runs. Look there and say: it did start (and which run it is), or it did not.",
		"启动结果未知：Slipway 在启动工作流时中断，引擎无法确认其是否已运行。请到引擎中查看，然后选择“已经启动”（并指明是哪次运行）或“没有启动”。")
	textChanged = slipway.T(
		"The workflow is not what the plan was submitted with. Look at the changes, then run it as it is now, or skip the item.",
		"工作流与提交发布计划时的内容不一致。请查看改动，再选择按现在的内容运行或跳过该发布项。")
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

// start writes down that the run is being started, and starts it: the run of before
// once more, if that is what was asked for and the engine can do it. A run that is there
// already is only followed.
func (r *running) start(ctx context.Context) error {
	switch {
	case r.run.Stop:
		return r.end(ctx, slipway.RunCancelled, textCancelledBefore)
	case r.run.Ref != "":
		return r.begun(ctx, engine.Ref(r.run.Ref))
	case r.t.isLeaving():
		return errLeaving
	}
	again, err := r.again(ctx)
	switch {
	case err != nil:
		return err
	case again != nil && again.restarted:
		return r.begun(ctx, again.ref)
	}
	if err := r.writePlace(ctx); err != nil {
		return err
	}
	if err := r.t.Store.RunStarting(ctx, r.run.ID); err != nil {
		return fmt.Errorf("note start of run: %w", err)
	}
	if again != nil {
		return again.retry(ctx)
	}
	return r.launch(ctx)
}

// writePlace writes down where the run is about to be started.
func (r *running) writePlace(ctx context.Context) error {
	here, err := json.Marshal(place{r.engine.Place()})
	if err == nil {
		err = r.t.Store.RunProgress(ctx, r.run.ID, here)
	}
	if err != nil {
		return fmt.Errorf("note place of run: %w", err)
	}
	r.run.Progress = here
	return nil
}

// begun writes down that the engine has the run, and follows it.
func (r *running) begun(ctx context.Context, ref engine.Ref) error {
	if err := r.t.Store.RunStartedAs(ctx, r.run.ID, string(ref), r.t.Now()); err != nil {
		return fmt.Errorf("note run as started: %w", err)
	}
	return r.watch(ctx, ref)
}

// launch calls the engine. Only here is a run started.
func (r *running) launch(ctx context.Context) error {
	ref, err := r.engine.Start(ctx, r.run.Run, r.mark())
	refusal := (*slipway.Error)(nil)
	switch {
	case err == nil:
		return r.begun(ctx, ref)
	case r.t.isLeaving():
		return errors.Join(errLeaving, err)
	case ctx.Err() != nil:
		return err
	case errors.As(err, &refusal) && (!passing(err) || r.late()):
		return r.refused(ctx, err)
	case r.late():
		r.t.Log.WarnContext(ctx, "run given up: its start keeps failing", "run", r.run.ID, "error", err)
		return r.unknown(ctx)
	default:
		// It may run or not; the next try begins by asking.
		return r.t.notYet(r.l, "start run", err)
	}
}

// refused ends a run that the engine refused to start. If that is because others changed
// the workflow since it was frozen, a person is shown how, and decides.
func (r *running) refused(ctx context.Context, refusal error) error {
	end := slipway.RunEnd{Status: slipway.RunFailed, Reason: slipway.TextOf(refusal)}
	if _, versioned := r.engine.(engine.Versioned); versioned && slipway.CodeOf(refusal) == slipway.Conflict {
		now, err := r.engine.Resolve(ctx, r.run.Workflow)
		if err != nil && passing(err) {
			return r.t.notYet(r.l, "compare workflow", err)
		}
		if err == nil {
			end.Change = slipway.CompareDefinitions(r.run.Workflow.Definition, now)
		}
		if end.Change != nil {
			end.Doubt, end.Reason = slipway.DoubtChanged, textChanged
		}
	}
	return r.t.endRun(ctx, r.l, r.run, end)
}

// unknown ends a run of which nobody can say whether it was started.
func (r *running) unknown(ctx context.Context) error {
	return r.t.endRun(ctx, r.l, r.run, slipway.RunEnd{Status: slipway.RunFailed, Reason: textUnknown, Doubt: slipway.DoubtUnknownStart})
}

// find asks the engine what became of a start that was written down.
func (r *running) find(ctx context.Context) error {
	again, err := r.earlier(ctx)
	switch {
	case err != nil:
		return err
	case again != nil && r.run.Attempt != "":
		return again.find(ctx)
	}
	ref, outcome, err := r.engine.Find(ctx, r.mark())
	switch {
	case err != nil && !r.late():
		return r.t.notYet(r.l, "find run", err)
	case err != nil:
		return r.unknown(ctx)
	}
	switch outcome {
	case engine.Started:
		return r.begun(ctx, ref)
	case engine.NeverStarted:
		switch {
		case r.run.Stop:
			return r.end(ctx, slipway.RunCancelled, textCancelledBefore)
		case r.t.isLeaving():
			return errLeaving
		}
		// From a new place on, so that a later search need not look back so far.
		if err := r.writePlace(ctx); err != nil {
			return err
		}
		return r.launch(ctx)
	case engine.Unknowable:
	}
	return r.unknown(ctx)
}

// late tells whether the patience with the start is over.
func (r *running) late() bool {
	return r.t.Now().Sub(time.UnixMilli(r.run.At)) > startPatience
}

func (r *running) end(ctx context.Context, s slipway.RunStatus, reason slipway.Text) error {
	return r.t.endRun(ctx, r.l, r.run, slipway.RunEnd{Status: s, Reason: reason})
}
