package httpengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/httpengine"
	"slipway/tasks/engine/httpengine/httpenginetest"
)

const (
	name      = "deployer"
	project   = "shop"
	token     = "token-of-the-test"
	hookToken = "hook-of-the-test"
)

// asked describes a server that is asked; SERVER stands for its address.
const asked = `
secrets:
  token: {env: SLIPWAY_DEPLOYER_TOKEN}
  hook: {file: hook.txt}
` + httpenginetest.Settings

// declared are the workflows of the suite, with one more.
const declared = `
workflows:
  - {project: shop, name: passes, stages: [{name: run, jobs: [one]}]}
  - {project: shop, name: fails, stages: [{name: first, jobs: [bad, good]}, {name: second, jobs: [never]}]}
  - {project: shop, name: blocks, stages: [{name: run, jobs: [one]}]}
  - {project: shop, name: slow, stages: [{name: run, jobs: [one]}]}
  - project: shop
    name: params
    params: [{name: GREETING, description: what to say}, {name: TARGET, type: choice, choices: [a, b], default: a}]
    stages: [{name: run, jobs: [one]}]
  - {project: shop, name: secret, params: [{name: TOKEN, credential: true}], stages: [{name: run, jobs: [one]}]}
  - {project: shop, name: chatter, stages: [{name: run, jobs: [one]}]}
  - {project: shop, name: stages, stages: [{name: first, jobs: [left, right]}, {name: second, jobs: [last]}]}
  - {project: shop, name: asks, stages: [{name: first, jobs: [before]}, {name: second, jobs: [gate]}, {name: third, jobs: [after]}]}
  - {project: shop, name: flaky, stages: [{name: first, jobs: [one]}, {name: second, jobs: [two]}]}
  - project: shop
    name: typed
    params: [{name: COUNT, type: number, required: true}, {name: DRY, type: boolean}, {name: NOTE, type: text}]
`

// world is a server and an engine that reaches it.
type world struct {
	engine.Engine
	server *httpenginetest.Server
	config httpengine.Config

	mu      sync.Mutex
	run     *slipway.Run
	reports map[string]json.RawMessage
}

func settings(t *testing.T, text string) httpengine.Settings {
	t.Helper()
	var s httpengine.Settings
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorld(t *testing.T, text string, change ...func(*httpenginetest.Config)) *world {
	t.Helper()
	c := httpenginetest.Config{Token: token, CallbackToken: hookToken, Workflows: append(standin.Scenarios(project, ""), standin.Workflow{
		Project: project, Name: "typed", Params: []standin.Param{{Name: "COUNT"}, {Name: "DRY"}, {Name: "NOTE"}},
		Stages: []standin.Stage{{Name: "typed", Jobs: []standin.Job{{Name: "typed", Says: []string{"${COUNT} ${DRY} ${NOTE}"}}}}},
	})}
	for _, f := range change {
		f(&c)
	}
	w := &world{server: httpenginetest.New(c), reports: map[string]json.RawMessage{}}
	enginetest.Serve(t, w.server, "the server")
	w.config = httpengine.Config{
		Access: enginetest.Quick(), Name: name, Settings: settings(t, strings.ReplaceAll(text+declared, "SERVER", w.server.URL())),
		CallbackURL: "https://slipway.example.com/api/engine/deployer", Runs: w.known, Report: w.report,
	}
	w.config.Secrets = w.config.Settings.Reveal(
		func(string) (string, bool) { return token, true }, func(string) ([]byte, error) { return []byte(hookToken + "\n"), nil },
		func(key, format string, args ...any) { t.Errorf("%s: %s", key, fmt.Sprintf(format, args...)) })
	w.Engine = made(t, w.config)
	return w
}

// another returns an engine of another process.
func (w *world) another(t *testing.T) engine.Engine {
	t.Helper()
	return made(t, w.config)
}

func made(t *testing.T, c httpengine.Config) engine.Engine {
	t.Helper()
	e, err := httpengine.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// knows makes all processes know the run of every mark.
func (w *world) knows(r slipway.Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run = &r
}

func (w *world) known(context.Context, string) (slipway.Run, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.run == nil {
		return slipway.Run{}, slipway.Refuse(slipway.NotFound, "none", "无")
	}
	return *w.run, nil
}

func (w *world) report(_ context.Context, mark string) (json.RawMessage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reports[mark], nil
}

// listen keeps what the server reports, as Slipway does.
func (w *world) listen(t *testing.T) {
	t.Helper()
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		hearer := w.Engine.(engine.Hearer) //nolint:forcetypeassert // it is one
		w.mu.Unlock()
		hints, err := hearer.Hear(r.Context(), noticeOf(t, r))
		if err != nil {
			t.Errorf("hear: %v", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, h := range hints {
			if h.Report != nil {
				w.reports[h.Mark] = h.Report
			}
		}
	}))
	t.Cleanup(hooks.Close)
	w.server.NotifyURL(hooks.URL)
	w.server.Notify(standin.On)
}

func noticeOf(t *testing.T, r *http.Request) engine.Notice {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return engine.Notice{Header: r.Header, Query: r.URL.Query(), Body: body}
}

func spec(workflow string) slipway.WorkflowSpec {
	return slipway.WorkflowSpec{Engine: name, Project: project, Name: workflow}
}

func (w *world) suite(t *testing.T) enginetest.World {
	t.Helper()
	return enginetest.World{
		Engine: w.Engine,
		Workflow: func(s enginetest.Scenario) (slipway.WorkflowSpec, bool) {
			asked := spec(string(s))
			if s != enginetest.Broken && s != enginetest.Chatter { // Chatter is another one than that which is played
				definition, err := w.Resolve(context.Background(), asked)
				if err != nil {
					t.Fatal(err)
				}
				run := slipway.Run{PlanID: "plan", ItemID: "item", Workflow: asked}
				run.Workflow.Definition = definition
				w.knows(run)
			}
			return asked, s != enginetest.Broken // what cannot run is not declared
		},
		Another: func(s enginetest.Settings) engine.Engine {
			c := w.config
			s.Change(&c.Access)
			if s.WrongToken {
				return nil // the settings alone resolve a workflow: see the story of its own
			}
			return made(t, c)
		},
		Starts: w.server.Starts,
		Notice: func(body []byte) engine.Notice {
			return engine.Notice{Header: http.Header{"X-Slipway-Token": {hookToken}}, Body: body}
		},
		Secrets: []string{token, hookToken},
	}
}

// refIn is the server's name in a Ref.
func refIn(ref engine.Ref) string {
	parts := strings.Split(string(ref), "/")
	plain, _ := url.PathUnescape(parts[len(parts)-1])
	return plain
}

func TestEngineThatIsAsked(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		w := newWorld(t, asked)
		s := w.suite(t)
		s.Faults = w.server.Faults()
		s.Notices = w.server
		s.Rerun = func(ref engine.Ref) { w.server.Rerun(refIn(ref)) }
		s.Said = func(ref engine.Ref) []string { return []string{refIn(ref)} }
		return s
	})
}
