package gitlab

import (
	"context"
	"fmt"
	"slices"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine"
)

// Cancel implements engine.Engine. GitLab leaves manual jobs alone when it cancels a
// pipeline, so those that it waits for are cancelled one by one.
func (e *Engine) Cancel(ctx context.Context, ref engine.Ref) error {
	project, pipeline, err := parseRef(ref)
	if err != nil {
		return err
	}
	all, status, err := e.listJobs(ctx, project, pipeline)
	if err != nil {
		return e.missing(ctx, err, ref)
	}
	if folded(status).Over() {
		return nil
	}
	if _, _, err = e.api.Pipelines.CancelPipelineBuild(project, pipeline, gl.WithContext(ctx)); err != nil {
		return e.missing(ctx, err, ref)
	}
	for _, j := range newest(all) {
		if j.waits() {
			if _, _, err := e.api.Jobs.CancelJob(project, j.id, gl.WithContext(ctx)); err != nil && !isNotFound(err) {
				return e.vendor.Acting(ctx, err)
			}
		}
	}
	e.Nudge(ref)
	return nil
}

// missing makes an error of one about a run.
func (e *Engine) missing(ctx context.Context, err error, ref engine.Ref) error {
	if isNotFound(err) {
		return fmt.Errorf("pipeline %q: %w", ref, engine.ErrNoRun)
	}
	return e.vendor.Acting(ctx, err)
}

// Attempt implements engine.Retrier: a job that is run again gets a new, higher
// number.
func (e *Engine) Attempt(ctx context.Context, ref engine.Ref) (string, error) {
	project, pipeline, err := parseRef(ref)
	if err != nil {
		return "", err
	}
	jobs, err := e.listAll(ctx, project, pipeline)
	if isNotFound(err) {
		return "", fmt.Errorf("pipeline %q: %w", ref, engine.ErrNoRun)
	} else if err != nil {
		return "", e.vendor.Reading(ctx, err)
	}
	last := int64(0)
	for _, j := range jobs {
		last = max(last, j.id)
	}
	return fmt.Sprint(last), nil
}

// Retry implements engine.Retrier: GitLab runs the failed and cancelled jobs again,
// and what they held up.
func (e *Engine) Retry(ctx context.Context, ref engine.Ref) error {
	project, pipeline, err := parseRef(ref)
	if err != nil {
		return err
	}
	p, _, err := e.api.Pipelines.GetPipeline(project, pipeline, gl.WithContext(ctx))
	switch {
	case isNotFound(err):
		return fmt.Errorf("pipeline %q: %w", ref, engine.ErrNoRun)
	case err != nil:
		return e.vendor.Reading(ctx, err)
	case !folded(p.Status).Over():
		return slipway.Refuse(slipway.Conflict, "The pipeline is not over yet.", "流水线尚未结束。")
	case p.Status == "success":
		return slipway.Refuse(slipway.Conflict, "The pipeline passed: there is nothing to run again.", "流水线已成功，没有需要重新运行的任务。")
	}
	if _, _, err := e.api.Pipelines.RetryPipelineBuild(project, pipeline, gl.WithContext(ctx)); err != nil {
		return e.missing(ctx, err, ref)
	}
	e.Nudge(ref)
	return nil
}

// Answer implements engine.Answerer. Yes starts the job that waits, or approves its
// deployment; no cancels the pipeline, or rejects the deployment.
func (e *Engine) Answer(ctx context.Context, ref engine.Ref, name string, answer engine.Answer) error {
	project, pipeline, err := parseRef(ref)
	if err != nil {
		return err
	}
	all, err := e.listAll(ctx, project, pipeline)
	if err != nil {
		return e.missing(ctx, err, ref)
	}
	present := newest(all)
	i := slices.IndexFunc(present, func(j job) bool { return j.name == name && j.waits() })
	if i < 0 {
		return slipway.Refuse(slipway.Conflict, "Job “%s” waits for nobody any more.", "任务“%s”已不再等待处理。", name)
	}
	blocked, err := e.blockedDeployments(ctx, project)
	if err != nil {
		return e.vendor.Reading(ctx, err)
	}
	defer e.Nudge(ref)
	for _, d := range blocked {
		if d.Deployable.ID == present[i].id {
			return e.decide(ctx, project, d.ID, present[i], answer)
		}
	}
	if !answer.Approve {
		return e.Cancel(ctx, ref)
	}
	return e.play(ctx, project, present[i])
}

func (e *Engine) play(ctx context.Context, project int64, j job) error {
	if _, _, err := e.api.Jobs.PlayJob(project, j.id, nil, gl.WithContext(ctx)); err != nil {
		return e.vendor.Acting(ctx, err)
	}
	return nil
}

// decide approves or rejects a deployment. One that needed only this approval is
// started.
func (e *Engine) decide(ctx context.Context, project, deployment int64, j job, answer engine.Answer) error {
	status := gl.DeploymentApprovalStatusRejected
	if answer.Approve {
		status = gl.DeploymentApprovalStatusApproved
	}
	comment := answer.By
	if answer.Comment != "" {
		comment += ": " + answer.Comment
	}
	_, err := e.api.Deployments.ApproveOrRejectProjectDeployment(project, deployment,
		&gl.ApproveOrRejectProjectDeploymentOptions{Status: &status, Comment: &comment}, gl.WithContext(ctx))
	if err != nil || !answer.Approve {
		if err != nil {
			return e.vendor.Acting(ctx, err)
		}
		return nil
	}
	now, _, err := e.api.Jobs.GetJob(project, j.id, gl.WithContext(ctx))
	if err != nil {
		return e.vendor.Reading(ctx, err)
	}
	blocked, err := e.blockedDeployments(ctx, project)
	if err != nil {
		return e.vendor.Reading(ctx, err)
	}
	if now.Status != "manual" || slices.ContainsFunc(blocked, func(d *gl.Deployment) bool { return d.ID == deployment }) {
		return nil // it runs, or others have to approve as well
	}
	return e.play(ctx, project, j)
}
