package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// result is how the run ended, and why.
func (v *view) result(ctx context.Context, status engine.Status) *engine.Result {
	r := &engine.Result{Status: status}
	switch status {
	case engine.Cancelled:
		r.Reason = slipway.T("The run was cancelled in GitHub.", "该次运行已在 GitHub 中取消。")
	case engine.Failed, engine.Timeout:
		r.Reason = v.failures()
		if by, comment := v.rejection(ctx); by != "" {
			r.Reason = slipway.T("%[1]s rejected the deployment. %[2]s", "%[1]s 拒绝了该部署。%[2]s", by, v.e.vendor.Hide(output.Short(comment)))
		}
		switch {
		case r.Reason.EN != "":
		case v.run.GetConclusion() == "startup_failure":
			r.Reason = slipway.T("GitHub could not start the run: the workflow is faulty, or its repository may run nothing.",
				"GitHub 无法启动该次运行：工作流有误，或该仓库不允许运行。")
		case v.run.GetConclusion() == "skipped":
			r.Reason = slipway.T("GitHub skipped the run: nothing in it was run.", "GitHub 跳过了该次运行，没有运行任何任务。")
		default:
			r.Reason = slipway.T("The run failed.", "该次运行失败。")
		}
	case engine.Passed, engine.Queued, engine.Running, engine.Waiting, engine.Skipped, engine.Unknown:
	}
	return r
}

// failures names the jobs that failed, and why.
func (v *view) failures() slipway.Text {
	var en, zh []string
	for _, j := range newest(v.jobs, v.run.GetRunAttempt()) {
		if s := j.folded(); s == engine.Failed || s == engine.Timeout {
			why := j.why()
			en = append(en, fmt.Sprintf("Job “%s” failed: %s", j.name, why.EN))
			zh = append(zh, fmt.Sprintf("任务“%s”失败：%s", j.name, why.ZH))
		}
	}
	return slipway.Text{EN: strings.Join(en, " "), ZH: strings.Join(zh, "")}
}

// rejection returns who rejected a deployment of a job that did not begin. It is only
// for people, so nothing is said when GitHub does not tell.
func (v *view) rejection(ctx context.Context) (by, comment string) {
	for _, j := range newest(v.jobs, v.run.GetRunAttempt()) {
		if j.begun || j.folded() != engine.Failed {
			continue
		}
		var reviews []struct {
			State   string `json:"state"`
			Comment string `json:"comment"`
			User    struct {
				Login string `json:"login"`
			} `json:"user"`
		}
		request, err := v.e.api.NewRequest(ctx, http.MethodGet, fmt.Sprintf("repos/%s/actions/runs/%d/approvals", v.repository, v.id), nil)
		if err != nil {
			return "", ""
		}
		if _, err := v.e.api.Do(request, &reviews); err != nil {
			return "", ""
		}
		for _, r := range reviews {
			if r.State == "rejected" {
				return r.User.Login, r.Comment
			}
		}
	}
	return "", ""
}
