package githubtest

import (
	"fmt"
	"net/http"
	"slices"

	"slipway/tasks/engine/enginetest/standin"
)

// gateOf is what a job that asks waits for.
func (s *Server) gateOf(job string) Gate {
	if g, found := s.config.Gates[job]; found {
		return g
	}
	return Gate{Environment: "production", Reviewers: []string{Username}, MayReview: true}
}

// asking are the jobs of a run that ask.
func (r *run) asking() []*standin.Attempt {
	var list []*standin.Attempt
	for _, a := range r.run.Present() {
		if a.Status == standin.Asking {
			list = append(list, a)
		}
	}
	return list
}

func (s *Server) pending(c *call) {
	r := s.findRun(c)
	if r == nil {
		return
	}
	list := []map[string]any{}
	for _, a := range r.asking() {
		g := s.gateOf(a.Job.Name)
		reviewers := []map[string]any{}
		for _, login := range g.Reviewers {
			reviewers = append(reviewers, map[string]any{"type": "User", "reviewer": s.account(login)})
		}
		var since any
		if g.Minutes > 0 {
			since = moment(a.Created)
		}
		list = append(list, map[string]any{
			"environment": s.environmentOf(r.repository, g.Environment), "wait_timer": g.Minutes, "wait_timer_started_at": since,
			"current_user_can_approve": g.MayReview && c.login == Username, "reviewers": reviewers,
		})
	}
	c.say(http.StatusOK, list)
}

func (s *Server) review(c *call) {
	r := s.findRun(c)
	var said struct {
		Environments []int  `json:"environment_ids"`
		State        string `json:"state"`
		Comment      string `json:"comment"`
	}
	if r == nil || !c.read(&said) {
		return
	}
	deployments := []map[string]any{}
	for _, a := range r.asking() {
		g := s.gateOf(a.Job.Name)
		if !slices.Contains(said.Environments, environmentID(g.Environment)) {
			continue
		}
		if !g.MayReview || c.login != Username {
			c.refuse(http.StatusUnprocessableEntity, "You are not allowed to review this deployment")
			return
		}
		s.settle(r, a, said.State == "approved", said.Comment, c.login)
		deployments = append(deployments, s.deployment(r, a))
	}
	if len(deployments) == 0 {
		c.refuse(http.StatusUnprocessableEntity, "No pending deployment requests to approve or reject")
		return
	}
	s.advance()
	c.say(http.StatusOK, deployments)
}

// settle lets a job begin, or fails it.
func (s *Server) settle(r *run, a *standin.Attempt, approved bool, comment, login string) {
	state := "approved"
	if approved {
		r.run.Agree(a.ID, s.Now())
	} else {
		state = "rejected"
		r.run.Refuse(a, s.Now())
	}
	e := s.environmentOf(r.repository, s.gateOf(a.Job.Name).Environment)
	e["created_at"], e["updated_at"] = long, long
	r.reviews = append(r.reviews, map[string]any{
		"state": state, "comment": comment, "environments": []any{e}, "user": s.account(login),
	})
}

func (s *Server) deployment(r *run, a *standin.Attempt) map[string]any {
	api := fmt.Sprintf("%s/api/v3/repos/%s", s.URL(), r.repository)
	at := fmt.Sprintf("%s/deployments/%d", api, a.ID)
	environment := s.gateOf(a.Job.Name).Environment
	return map[string]any{
		"url": at, "id": a.ID, "node_id": fmt.Sprintf("DE_%d", a.ID), "sha": sha(r.branch), "ref": r.branch, "task": "deploy",
		"payload": map[string]any{}, "original_environment": environment, "environment": environment, "description": nil,
		"creator": s.account(r.login), "created_at": moment(a.Created), "updated_at": moment(r.run.Updated), "statuses_url": at + "/statuses",
		"repository_url": api, "transient_environment": false, "production_environment": true,
	}
}

func (s *Server) approvals(c *call) {
	if r := s.findRun(c); r != nil {
		c.say(http.StatusOK, append([]map[string]any{}, r.reviews...))
	}
}

// decide is the answer of the app that is a protection rule.
func (s *Server) decide(c *call) {
	r := s.findRun(c)
	var said struct {
		Environment string `json:"environment_name"`
		State       string `json:"state"`
		Comment     string `json:"comment"`
	}
	if r == nil || !c.read(&said) {
		return
	}
	if c.login == Username {
		c.refuse(http.StatusForbidden, "Resource not accessible by personal access token")
		return
	}
	if len([]rune(said.Comment)) > 1024 {
		s.Notes.Addf("the comment of a protection rule is too long")
	}
	for _, a := range r.asking() {
		g := s.gateOf(a.Job.Name)
		if !g.Rule || g.Environment != said.Environment {
			continue
		}
		switch said.State {
		case "approved", "rejected":
			s.settle(r, a, said.State == "approved", said.Comment, c.login)
		case "":
		default:
			c.refuse(http.StatusUnprocessableEntity, "state is not included in the list")
			return
		}
		s.advance()
		c.status = http.StatusNoContent
		return
	}
	c.refuse(http.StatusUnprocessableEntity, "There are no pending deployment protection rules for this environment")
}

// Verdicts returns what was said of the deployments of all runs, such as "approved: go".
func (s *Server) Verdicts() []string {
	s.Lock()
	defer s.Unlock()
	var list []string
	for _, r := range s.runs {
		for _, said := range r.reviews {
			list = append(list, fmt.Sprintf("%s: %s", said["state"], said["comment"]))
		}
	}
	return list
}

// ask tells the app of a deployment that it decides.
func (s *Server) ask(r *run, a *standin.Attempt) func() {
	environment := s.gateOf(a.Job.Name).Environment
	return s.notice("deployment_protection_rule", map[string]any{
		"action": "requested", "environment": environment, "event": "workflow_dispatch", "sha": sha(r.branch), "ref": "refs/heads/" + r.branch,
		"deployment_callback_url": fmt.Sprintf("%s/api/v3/repos/%s/actions/runs/%d/deployment_protection_rule", s.URL(), r.repository, r.run.ID),
		"deployment":              s.deployment(r, a), "pull_requests": []any{}, "repository": s.whole(r.repository),
		"installation": map[string]any{"id": installationID, "node_id": "MDIz"}, "sender": s.account(r.login),
	})
}
