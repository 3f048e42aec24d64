package gitlab

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine"
)

// job is a job of a pipeline or a bridge to another pipeline.
type job struct {
	id             int64
	name, stage    string
	status, reason string // GitLab's words
	optional       bool   // it may fail, or never be started by hand
	bridge         bool
	url            string
	started, ended *time.Time
}

func (e *Engine) listJobs(ctx context.Context, project, pipeline int64) (all []job, status string, err error) {
	options := &gl.ListJobsOptions{ListOptions: gl.ListOptions{PerPage: 100, Page: 1}, IncludeRetried: gl.Ptr(true)}
	for {
		list, answer, err := e.api.Jobs.ListPipelineJobs(project, pipeline, options, gl.WithContext(ctx))
		if err != nil {
			return nil, "", err
		}
		for _, j := range list {
			status = j.Pipeline.Status
			all = append(all, job{
				id: j.ID, name: j.Name, stage: j.Stage, status: j.Status, reason: j.FailureReason, optional: j.AllowFailure,
				url: j.WebURL, started: j.StartedAt, ended: j.FinishedAt,
			})
		}
		if answer.NextPage == 0 {
			slices.SortFunc(all, func(a, b job) int { return cmp.Compare(a.id, b.id) })
			return all, status, nil
		}
		options.Page = answer.NextPage
	}
}

func (e *Engine) listBridges(ctx context.Context, project, pipeline int64) ([]job, error) {
	list, _, err := e.api.Jobs.ListPipelineBridges(project, pipeline,
		&gl.ListJobsOptions{ListOptions: gl.ListOptions{PerPage: 100}}, gl.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	var all []job
	for _, b := range list {
		j := job{
			id: b.ID, name: b.Name, stage: b.Stage, status: b.Status, reason: b.FailureReason, optional: b.AllowFailure,
			bridge: true, url: b.WebURL, started: b.StartedAt, ended: b.FinishedAt,
		}
		if b.DownstreamPipeline != nil {
			j.url = cmp.Or(b.DownstreamPipeline.WebURL, j.url)
		}
		all = append(all, j)
	}
	return all, nil
}

// listAll returns the jobs and the bridges, of earlier attempts too.
func (e *Engine) listAll(ctx context.Context, project, pipeline int64) ([]job, error) {
	jobs, _, err := e.listJobs(ctx, project, pipeline)
	if err != nil {
		return nil, err
	}
	bridges, err := e.listBridges(ctx, project, pipeline)
	return append(jobs, bridges...), err
}

// newest returns the last attempt of each job, in the order of the first attempts.
func newest(all []job) []job {
	var present []job
	for _, j := range all {
		i := slices.IndexFunc(present, func(p job) bool { return p.name == j.name })
		if i < 0 {
			present = append(present, j)
		} else {
			present[i] = j
		}
	}
	return present
}

func (e *Engine) blockedDeployments(ctx context.Context, project int64) ([]*gl.Deployment, error) {
	list, answer, err := e.api.Deployments.ListProjectDeployments(project, &gl.ListProjectDeploymentsOptions{
		ListOptions: gl.ListOptions{PerPage: 100}, Status: gl.Ptr("blocked"), OrderBy: gl.Ptr("id"), Sort: gl.Ptr("desc"),
	}, gl.WithContext(ctx))
	if answer != nil && answer.Response != nil && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusNotFound) {
		return nil, nil
	}
	return list, err
}

// active tells whether the job runs or will without anybody's doing, so that its
// pipeline cannot be over.
func (j *job) active() bool {
	switch j.status {
	case "created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "scheduled", "running", "canceling":
		return true
	}
	return false
}

// waits tells whether the job holds up its pipeline until a person starts it.
func (j *job) waits() bool { return j.status == "manual" && !j.optional }

func (j *job) folded() engine.Status {
	switch j.status {
	case "manual":
		if j.optional {
			return engine.Skipped
		}
		return engine.Waiting
	case "failed":
		if j.reason == "job_execution_timeout" || j.reason == "stuck_or_timeout_failure" {
			return engine.Timeout
		}
	}
	return folded(j.status)
}

// why says for people why a job failed.
func (j *job) why() slipway.Text {
	switch j.reason {
	case "script_failure", "":
		return slipway.T("Its script failed.", "脚本执行失败。")
	case "job_execution_timeout":
		return slipway.T("It took longer than its timeout.", "执行时间超过了超时限制。")
	case "stuck_or_timeout_failure", "stuck_pending_no_runner", "no_matching_runner":
		return slipway.T("No runner took it in time.", "没有 runner 及时接手该任务。")
	case "runner_system_failure", "runner_unsupported":
		return slipway.T("The runner failed.", "runner 发生故障。")
	case "deployment_rejected":
		return slipway.T("Its deployment was rejected.", "其部署被拒绝。")
	case "missing_dependency_failure":
		return slipway.T("Artifacts of an earlier job are missing.", "缺少前序任务的产物。")
	}
	return slipway.T("GitLab says: %s.", "GitLab 给出的原因：%s。", strings.ReplaceAll(j.reason, "_", " "))
}
