package gitlab_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/gitlab"
	"slipway/tasks/engine/gitlab/gitlabtest"
)

const (
	project   = "team/app"
	token     = "glpat-of-the-test"
	hookToken = "hook-of-the-test"
)

func flow(ref string, params []standin.Param, stages ...standin.Stage) standin.Workflow {
	return standin.Workflow{Project: project, Name: ref, Params: params, Stages: stages}
}

func stage(name string, jobs ...standin.Job) standin.Stage {
	return standin.Stage{Name: name, Jobs: jobs}
}

func workflows() []standin.Workflow {
	return append(standin.Scenarios(project, "jobs:odd config contains unknown keys: magic"),
		flow("main", nil, stage("run", standin.Job{Name: "one"})),
		flow("inputs", []standin.Param{{Name: "environment", Default: "test", Choices: []string{"test", "live"}, Input: true}},
			stage("run", standin.Job{Name: "one", Says: []string{"to ${environment}"}})))
}

// world is a GitLab and an engine that reaches it.
type world struct {
	*gitlab.Engine
	server *gitlabtest.Server
	config gitlab.Config
}

func newWorld(t *testing.T, change ...func(*gitlabtest.Config)) *world {
	t.Helper()
	c := gitlabtest.Config{Token: token, WebhookToken: hookToken, Workflows: workflows()}
	for _, f := range change {
		f(&c)
	}
	w := &world{server: gitlabtest.New(c)}
	enginetest.Serve(t, w.server, "GitLab")
	w.config = gitlab.Config{
		Access: enginetest.Quick(), URL: w.server.URL(), Token: token, WebhookToken: hookToken, LogPoll: time.Nanosecond,
		Runs: func(context.Context, string) (slipway.WorkflowSpec, error) {
			return slipway.WorkflowSpec{Project: project}, nil
		},
	}
	w.Engine = w.another(t)
	return w
}

// another returns an engine of another process.
func (w *world) another(t *testing.T) *gitlab.Engine {
	t.Helper()
	return made(t, w.config)
}

func made(t *testing.T, c gitlab.Config) *gitlab.Engine {
	t.Helper()
	e, err := gitlab.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func spec(ref string) slipway.WorkflowSpec {
	return slipway.WorkflowSpec{Engine: gitlab.Name, Project: project, Name: ref}
}

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		w := newWorld(t)
		return enginetest.World{
			Engine:   w.Engine,
			Workflow: func(s enginetest.Scenario) (slipway.WorkflowSpec, bool) { return spec(string(s)), true },
			Another: func(s enginetest.Settings) engine.Engine {
				c := w.config
				s.Change(&c.Access)
				if s.WrongToken {
					c.Token = "glpat-of-nobody"
				}
				return made(t, c)
			},
			Faults: w.server.Faults(),
			Starts: w.server.Starts,
			Rerun:  func(ref engine.Ref) { w.server.Rerun(string(ref)) },
			Edit: func(s enginetest.Scenario) {
				w.server.Edit(flow(string(s), nil, stage("run", standin.Job{Name: "one", Says: []string{"changed"}})))
			},
			Said: func(ref engine.Ref) []string {
				_, id, _ := strings.Cut(string(ref), "/")
				page := w.server.URL() + "/" + project + "/-/pipelines/" + id
				return []string{id, "#" + id, page, page + "/builds"}
			},
			Notices: w.server,
			Notice: func(body []byte) engine.Notice {
				return engine.Notice{Header: http.Header{"X-Gitlab-Token": {hookToken}}, Body: body}
			},
			Secrets: []string{token, hookToken},
		}
	})
}
