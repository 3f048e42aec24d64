package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v93/github"

	"slipway"
	"slipway/tasks/engine"
)

// waitPoints are the environments that the run waits at, each under the name of the job
// that is to deploy there.
func (v *view) waitPoints(present []job) []engine.Wait {
	var waits []engine.Wait
	for i, p := range v.pending {
		job := v.gate(i, present)
		waits = append(waits, engine.Wait{Job: job, For: waitsAt(job, p), Answerable: p.GetCurrentUserCanApprove()})
	}
	return waits
}

// gate names a pending deployment by its job, or by its environment if that cannot be
// told.
func (v *view) gate(i int, present []job) string {
	var waiting []string
	for _, j := range present {
		if j.status == "waiting" {
			waiting = append(waiting, j.name)
		}
	}
	environment := v.pending[i].GetEnvironment().GetName()
	if len(v.pending) == 1 && len(waiting) == 1 {
		return waiting[0]
	}
	of := slices.DeleteFunc(waiting, func(name string) bool {
		return !slices.ContainsFunc(v.file.jobs, func(p jobPlan) bool { return p.environment == environment && p.names.MatchString(name) })
	})
	if len(of) == 1 {
		return of[0]
	}
	return environment
}

// waitsAt says whom or what the deployment of a job waits for.
func waitsAt(job string, p *gh.PendingDeployment) slipway.Text {
	environment := p.GetEnvironment().GetName()
	what := slipway.T("Job “%[1]s”, which deploys to %[2]s,", "任务“%[1]s”（部署到 %[2]s）", job, environment)
	if job == environment {
		what = slipway.T("The deployment to %s", "%s 的部署", environment)
	}
	var who []string
	for _, r := range p.Reviewers {
		switch reviewer := r.Reviewer.(type) {
		case *gh.User:
			who = append(who, reviewer.GetLogin())
		case *gh.Team:
			who = append(who, reviewer.GetSlug())
		}
	}
	begun, minutes := p.GetWaitTimerStartedAt(), p.GetWaitTimer()
	switch {
	case len(who) > 0:
		return slipway.T("%[1]s waits for a review by %[2]s.", "%[1]s等待 %[2]s 审批。", what, strings.Join(who, ", "))
	case minutes > 0 && !begun.IsZero():
		until := begun.Add(time.Duration(minutes) * time.Minute).UTC().Format("15:04")
		return slipway.T("%[1]s waits for its timer, until %[2]s UTC.", "%[1]s等待定时器，至 %[2]s（UTC）。", what, until)
	}
	return slipway.T("%s waits for the environment's protection rules.", "%s等待该环境的保护规则。", what)
}

// waitsFor is what the run as a whole waits for.
func (v *view) waitsFor(waits []engine.Wait) slipway.Text {
	switch {
	case len(waits) > 0:
		return waits[0].For
	case v.run.GetConclusion() == "action_required":
		return slipway.T("Someone with the right to write in the repository has to approve the run in GitHub.", "需要拥有仓库写权限的人在 GitHub 中批准该次运行。")
	}
	return slipway.T("The run waits for a protected environment.", "该次运行等待受保护的环境。")
}

// Answer implements engine.Answerer. It reviews the deployment that a job waits with, if
// Slipway's account is one of the reviewers.
func (e *Engine) Answer(ctx context.Context, ref engine.Ref, name string, answer engine.Answer) error {
	r, id, err := parseRef(ref)
	if err != nil {
		return err
	}
	v := &view{e: e, ref: ref, repository: r, id: id}
	if err := v.read(ctx); err != nil {
		return e.missing(ctx, err, ref)
	}
	present := newest(v.jobs, v.run.GetRunAttempt())
	var found *gh.PendingDeployment
	for i, p := range v.pending {
		if v.gate(i, present) == name {
			found = p
		}
	}
	switch {
	case found == nil:
		return slipway.Refuse(slipway.Conflict, "Job “%s” waits for nobody any more.", "任务“%s”已不再等待处理。", name)
	case !found.GetCurrentUserCanApprove():
		text := waitsAt(name, found)
		return &slipway.Error{Code: slipway.Forbidden, Text: slipway.T(
			"GitHub does not let Slipway's account answer this. %[1]s Answer it in GitHub: %[2]s",
			"GitHub 不允许 Slipway 的账号处理此项。%[1]s请在 GitHub 中处理：%[2]s", text, v.run.GetHTMLURL(),
		)}
	}
	state := "rejected"
	if answer.Approve {
		state = "approved"
	}
	comment := answer.By
	if answer.Comment != "" {
		comment += ": " + answer.Comment
	}
	_, _, err = e.api.Actions.PendingDeployments(ctx, r.owner, r.name, id, gh.PendingDeploymentsRequest{
		EnvironmentIDs: []int64{found.GetEnvironment().GetID()}, State: state, Comment: cutComment(comment),
	})
	if statusOf(err) == http.StatusUnprocessableEntity {
		return slipway.Refuse(slipway.Conflict, "Job “%s” waits for nobody any more.", "任务“%s”已不再等待处理。", name).Because(e.vendor.Redacted(err))
	} else if err != nil {
		return e.missing(ctx, err, ref)
	}
	e.Nudge(ref)
	return nil
}
