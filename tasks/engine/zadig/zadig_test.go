package zadig_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/zadig"
	"slipway/tasks/engine/zadig/zadigtest"
)

const (
	project   = "payments"
	hookToken = "hook-of-the-test"
)

var token = zadigtest.Token("signature-of-the-test")

func flow(name string, stages ...standin.Stage) zadigtest.Workflow {
	return zadigtest.Workflow{Workflow: standin.Workflow{Project: project, Name: name, Stages: stages}}
}

func stage(name string, jobs ...standin.Job) standin.Stage {
	return standin.Stage{Name: name, Jobs: jobs}
}

func workflows() []zadigtest.Workflow {
	var all []zadigtest.Workflow
	for _, w := range standin.Scenarios(project, "its job is of a type that the API does not start") {
		all = append(all, zadigtest.Workflow{Workflow: w})
	}
	return all
}

// world is a Zadig and an engine that reaches it.
type world struct {
	*zadig.Engine
	server *zadigtest.Server
	config zadig.Config
	looked atomic.Value // the workflow whose runs marks are looked for among
}

func newWorld(t *testing.T, change ...func(*zadigtest.Config)) *world {
	t.Helper()
	c := zadigtest.Config{Token: token, WebhookToken: hookToken, Workflows: workflows()}
	for _, f := range change {
		f(&c)
	}
	w := &world{server: zadigtest.New(c)}
	enginetest.Serve(t, w.server, "Zadig")
	w.config = zadig.Config{
		Access: enginetest.Quick(), URL: w.server.URL(), Token: token, WebhookToken: hookToken,
		LogPoll: time.Nanosecond, LogQuiet: 30 * time.Millisecond,
		Runs: func(context.Context, string) (slipway.WorkflowSpec, error) {
			name, _ := w.looked.Load().(string)
			return spec(name), nil
		},
	}
	w.Engine = made(t, w.config)
	return w
}

func made(t *testing.T, c zadig.Config) *zadig.Engine {
	t.Helper()
	e, err := zadig.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func spec(workflow string) slipway.WorkflowSpec {
	return slipway.WorkflowSpec{Engine: zadig.Name, Project: project, Name: workflow}
}

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World { return newWorld(t).suite(t) })
}

// TestEngineV4 plays the suite with a Zadig of before version 5.
func TestEngineV4(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		return newWorld(t, func(c *zadigtest.Config) { c.V4 = true }).suite(t)
	})
}

// another returns an engine of another process.
func (w *world) another(t *testing.T) *zadig.Engine { return made(t, w.config) }

// suite declares the world to the suite of all engines.
func (w *world) suite(t *testing.T) enginetest.World {
	t.Helper()
	return enginetest.World{
		Engine: w.Engine,
		Workflow: func(s enginetest.Scenario) (slipway.WorkflowSpec, bool) {
			w.looked.Store(string(s))
			return spec(string(s)), true
		},
		Another: func(s enginetest.Settings) engine.Engine {
			c := w.config
			s.Change(&c.Access)
			if s.WrongToken {
				c.Token = zadigtest.Token("of-nobody")
			}
			return made(t, c)
		},
		Faults: w.server.Faults(),
		Starts: w.server.Starts,
		Rerun:  func(ref engine.Ref) { w.server.Rerun(string(ref)) },
		Edit: func(s enginetest.Scenario) {
			w.server.Edit(flow(string(s), stage("run", standin.Job{Name: "one", Says: []string{"changed"}})))
		},
		Said: func(ref engine.Ref) []string {
			// The number alone names a run of the item's own workflow: see TestARunIsAdoptedByItsNumber.
			page := w.server.URL() + "/v1/projects/detail/" + project + "/pipelines/custom/" + string(ref)
			return []string{page, page + "?display_name=The%20workflow"}
		},
		Notices: w.server,
		Notice: func(body []byte) engine.Notice {
			return engine.Notice{Header: http.Header{"X-Zadig-Token": {hookToken}}, Body: body}
		},
		Secrets: []string{token, hookToken},
	}
}
