package zadig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"slipway"
	"slipway/tasks/engine"
)

// Cancel implements engine.Engine. Zadig would let a failed run be cancelled, and call
// it cancelled from then on; so it is looked at before.
func (e *Engine) Cancel(ctx context.Context, ref engine.Ref) error {
	t, err := e.task(ctx, ref)
	if err != nil {
		return err
	}
	if over(t) {
		return nil
	}
	return e.end(ctx, ref, t)
}

// end cancels a run that is not over.
func (e *Engine) end(ctx context.Context, ref engine.Ref, t *task) error {
	err := e.call(ctx, http.MethodDelete, "/openapi/workflows/custom/task", taskQuery(t.Workflow, t.ID), nil, nil)
	if err != nil {
		var a *answerError
		if errors.As(err, &a) && a.Said != "" {
			if now, again := e.task(ctx, ref); again == nil && over(now) {
				return nil // it ended in between
			}
		}
		return e.vendor.Acting(ctx, err)
	}
	e.Nudge(ref)
	return nil
}

// Attempt implements engine.Retrier: a run that is run again begins anew. Zadig counts
// in seconds, and a run that is not over begins once when it is queued, and again when
// it runs: only the words of runs that are over tell anything.
func (e *Engine) Attempt(ctx context.Context, ref engine.Ref) (string, error) {
	t, err := e.task(ctx, ref)
	if err != nil {
		return "", err
	}
	if !over(t) {
		return fmt.Sprintf("%d, running", t.StartTime), nil
	}
	return strconv.FormatInt(t.StartTime, 10), nil
}

// Retry implements engine.Retrier: Zadig runs again what did not pass.
func (e *Engine) Retry(ctx context.Context, ref engine.Ref) error {
	t, err := e.task(ctx, ref)
	switch {
	case err != nil:
		return err
	case !over(t):
		return slipway.Refuse(slipway.Conflict, "The run is not over yet.", "运行尚未结束。")
	case t.Status == "passed":
		return slipway.Refuse(slipway.Conflict, "The run passed: there is nothing to run again.", "运行已成功，没有需要重新运行的任务。")
	}
	path := "/openapi/workflows/custom/" + url.PathEscape(t.Workflow) + "/task/" + strconv.FormatInt(t.ID, 10)
	if err := e.call(ctx, http.MethodPost, path, url.Values{"projectKey": {t.Project}}, nil, nil); err != nil {
		return e.vendor.Acting(ctx, err)
	}
	e.Nudge(ref)
	return nil
}

// Answer implements engine.Answerer. At a paused stage, yes starts the stage and no
// cancels the run; at an approval, both are told to Zadig.
func (e *Engine) Answer(ctx context.Context, ref engine.Ref, job string, answer engine.Answer) error {
	t, err := e.task(ctx, ref)
	if err != nil {
		return err
	}
	v := newView(e, t.Workflow, t.ID)
	for i := range t.Stages {
		stage := &t.Stages[i]
		if t.Status == "pause" && stage.paused() && stage.Name == job {
			return e.answerStage(ctx, ref, t, stage, answer)
		}
		for j := range stage.Jobs {
			waiting := &stage.Jobs[j]
			if folded(waiting.Status) == engine.Waiting && v.name(t, waiting) == job {
				return e.answerJob(ctx, ref, t, v.jobWait(t, waiting), waiting, answer)
			}
		}
	}
	return slipway.Refuse(slipway.Conflict, "“%s” waits for nobody any more.", "“%s”已不再等待处理。", job)
}

func (e *Engine) answerStage(ctx context.Context, ref engine.Ref, t *task, stage *taskStage, answer engine.Answer) error {
	if !answer.Approve {
		return e.end(ctx, ref, t)
	}
	body := map[string]string{"stage_name": stage.Name}
	err := e.call(ctx, http.MethodPost, manualExec(t.Workflow, t.ID), url.Values{"projectKey": {t.Project}}, body, nil)
	if err != nil {
		return e.vendor.Acting(ctx, err)
	}
	e.Nudge(ref)
	return nil
}

// decision is what Zadig takes on an approval.
type decision struct {
	Workflow string `json:"workflow_key"`
	Task     int64  `json:"task_id"`
	Job      string `json:"stage_name"` // the job's name in the run, in spite of the key
	Approve  bool   `json:"approve"`
	Comment  string `json:"comment"`
}

func (e *Engine) answerJob(ctx context.Context, ref engine.Ref, t *task, wait engine.Wait, job *taskJob, answer engine.Answer) error {
	if !wait.Answerable {
		return slipway.Refuse(slipway.Conflict, "This cannot be answered from here. %s", "无法在此处处理。%s", wait.For)
	}
	comment := answer.By
	if answer.Comment != "" {
		comment += ": " + answer.Comment
	}
	err := e.call(ctx, http.MethodPost, "/openapi/workflows/custom/task/approve", nil,
		decision{Workflow: t.Workflow, Task: t.ID, Job: job.Name, Approve: answer.Approve, Comment: comment}, nil)
	var a *answerError
	switch {
	case errors.As(err, &a) && a.Code == failedToApprove:
		return slipway.Refuse(slipway.Forbidden,
			"Zadig does not take the answer of Slipway's account: it must be one of the approvers of “%[1]s”. Zadig says: %[2]s",
			"Zadig 不接受 Slipway 账号的处理：该账号须为“%[1]s”的审批人。Zadig 给出的原因：%[2]s", wait.Job, e.vendor.Hide(a.Said)).Because(e.vendor.Redacted(err))
	case err != nil:
		return e.vendor.Acting(ctx, err)
	}
	e.Nudge(ref)
	return nil
}

// failedToApprove is Zadig's code for a decision that it does not take.
const failedToApprove = 6169
