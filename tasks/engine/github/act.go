package github

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// toEnd is how long a run that was cancelled may take to end: steps that clean up, by
// always(), still run. GitHub itself gives the others five minutes.
const toEnd = 15 * time.Minute

// Cancel implements engine.Engine. A run that does not end in a quarter of an hour is
// cancelled by force, if this process watches it still.
func (e *Engine) Cancel(ctx context.Context, ref engine.Ref) error {
	r, id, err := parseRef(ref)
	if err != nil {
		return err
	}
	_, err = e.api.Actions.CancelWorkflowRunByID(ctx, r.owner, r.name, id)
	if err = accepted(err); err != nil && statusOf(err) != http.StatusConflict { // it is over
		return e.missing(ctx, err, ref)
	}
	e.noted.ending.Keep(ref, e.config.Now())
	e.Nudge(ref)
	return nil
}

// force cancels a run that does not end.
func (e *Engine) force(ctx context.Context, r repository, id int64) {
	request, err := e.api.NewRequest(ctx, http.MethodPost, fmt.Sprintf("repos/%s/actions/runs/%d/force-cancel", r, id), nil)
	if err == nil {
		_, err = e.api.Do(request, nil)
	}
	if err = accepted(err); err != nil {
		e.config.Log.WarnContext(ctx, "run not cancelled by force", "run", refOfRun(r, id), "error", e.vendor.Redacted(err))
	}
}

// missing makes an error of one about a run.
func (e *Engine) missing(ctx context.Context, err error, ref engine.Ref) error {
	if isGone(err) {
		return fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	}
	return e.vendor.Acting(ctx, err)
}

// Attempt implements engine.Retrier.
func (e *Engine) Attempt(ctx context.Context, ref engine.Ref) (string, error) {
	r, id, err := parseRef(ref)
	if err != nil {
		return "", err
	}
	run, _, err := e.api.Actions.GetWorkflowRunByID(ctx, r.owner, r.name, id)
	if isGone(err) {
		return "", fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	} else if err != nil {
		return "", e.vendor.Reading(ctx, err)
	}
	return strconv.Itoa(run.GetRunAttempt()), nil
}

// Retry implements engine.Retrier: GitHub runs the jobs that did not pass again, and
// those that need them.
func (e *Engine) Retry(ctx context.Context, ref engine.Ref) error {
	r, id, err := parseRef(ref)
	if err != nil {
		return err
	}
	run, _, err := e.api.Actions.GetWorkflowRunByID(ctx, r.owner, r.name, id)
	switch {
	case isGone(err):
		return fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	case err != nil:
		return e.vendor.Reading(ctx, err)
	case run.GetStatus() != "completed":
		return slipway.Refuse(slipway.Conflict, "The run is not over yet.", "该次运行尚未结束。")
	case run.GetConclusion() == "success":
		return slipway.Refuse(slipway.Conflict, "The run passed: there is nothing to run again.", "该次运行已成功，没有需要重新运行的任务。")
	}
	again := e.api.Actions.RerunFailedJobsByID
	if run.GetConclusion() == "startup_failure" { // it has no jobs
		again = e.api.Actions.RerunWorkflowByID
	}
	_, err = again(ctx, r.owner, r.name, id)
	if status := statusOf(err); status == http.StatusForbidden || status == http.StatusUnprocessableEntity {
		return slipway.Refuse(slipway.Conflict, "GitHub does not run it again: %s", "GitHub 无法重新运行：%s", e.vendor.Hide(said(err))).
			Because(e.vendor.Redacted(err))
	}
	if err = accepted(err); err != nil {
		return e.missing(ctx, err, ref)
	}
	e.noted.again.Keep(ref, retried{run.GetRunAttempt(), e.config.Now()})
	e.Nudge(ref)
	return nil
}
