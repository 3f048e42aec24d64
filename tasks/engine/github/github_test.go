package github_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/github"
	"slipway/tasks/engine/github/githubtest"
)

const (
	project    = "team/app"
	token      = "ghp_of-the-test"
	hookSecret = "hook-of-the-test"
)

// descriptionFile is GitHub's own description of its API, which the tests' stand-ins hold
// everything against.
const descriptionFile = "../../../deploy/dev/sdk/node_modules/@octokit/openapi/generated/api.github.com.json"

var description = sync.OnceValues(func() (*githubtest.Description, error) {
	return githubtest.LoadDescription(descriptionFile)
})

func TestGitHubsDescriptionIsThere(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(descriptionFile); err != nil {
		t.Fatal("GitHub's description of its API is missing: run make test, or deploy/dev/install sdk")
	}
	if _, err := description(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	enginetest.Start(t, w, spec("passes")).End()
	if n := w.server.Exchanges(); n < 8 {
		t.Errorf("%d exchanges were held against it", n)
	}
}

func TestWhatIsNotAsDescribedIsNoticed(t *testing.T) {
	t.Parallel()
	d, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"ref":"main","inputs":{}}`: "", `{"inputs":{}}`: `"ref" is missing`, `{"ref":"main","inputs":[]}`: "must be an object",
		`{"ref":"main","return_run_details":"yes"}`: "must be a boolean",
	} {
		s := githubtest.New(githubtest.Config{Token: token, Workflows: workflows(), Description: d})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v3/repos/team/app/actions/workflows/passes.yml/dispatches",
			strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "test")
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
		if got := strings.Join(s.Violations(), "\n"); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q", body, got)
		}
		s.Close()
	}
}

func flow(name string, params []standin.Param, stages ...standin.Stage) standin.Workflow {
	return standin.Workflow{Project: project, Name: name, Params: params, Stages: stages}
}

func stage(name string, jobs ...standin.Job) standin.Stage {
	return standin.Stage{Name: name, Jobs: jobs}
}

// workflows are those of the suite, and some of GitHub's own ways.
func workflows() []standin.Workflow {
	unmarked := flow("unmarked", nil, stage("run", standin.Job{Name: "one", Says: []string{"ready"}, Ends: standin.Blocks}))
	unmarked.Unmarked = true
	return append(standin.Scenarios(project, "job odd needs what is not there"), unmarked,
		flow("passes@release/4", nil, stage("run", standin.Job{Name: "other", Says: []string{"hello from the branch"}})),
		flow("partly", nil, stage("first", standin.Job{Name: "zero", Says: []string{"once"}}),
			stage("run", standin.Job{Name: "one", FailsFirst: 1, Says: []string{"trying"}}), stage("after", standin.Job{Name: "two"})),
	)
}

// world is a GitHub and an engine that reaches it.
type world struct {
	*github.Engine
	server *githubtest.Server
	config github.Config
}

func newWorld(t *testing.T, change ...func(*githubtest.Config)) *world {
	t.Helper()
	c := githubtest.Config{Token: token, WebhookSecret: hookSecret, Workflows: workflows()}
	c.Description, _ = description() // a test of its own demands it
	for _, f := range change {
		f(&c)
	}
	w := &world{server: githubtest.New(c)}
	enginetest.Serve(t, w.server, "GitHub")
	w.config = github.Config{
		Access: enginetest.Quick(), URL: w.server.URL(), Token: token, WebhookSecret: hookSecret,
		Runs: func(context.Context, string) (slipway.WorkflowSpec, error) {
			return slipway.WorkflowSpec{Project: project}, nil
		},
	}
	w.config.Timeout = 5 * time.Second // each exchange is held against the description
	w.Engine = w.another(t)
	return w
}

// another returns an engine of another process.
func (w *world) another(t *testing.T) *github.Engine {
	t.Helper()
	return made(t, w.config)
}

func made(t *testing.T, c github.Config) *github.Engine {
	t.Helper()
	e, err := github.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func spec(name string) slipway.WorkflowSpec {
	return slipway.WorkflowSpec{Engine: github.Name, Project: project, Name: name + ".yml"}
}

// suite is the world as the suite sees it.
func (w *world) suite(t *testing.T) enginetest.World {
	t.Helper()
	return enginetest.World{
		Engine: w.Engine,
		Workflow: func(s enginetest.Scenario) (slipway.WorkflowSpec, bool) {
			named := spec(string(s))
			frozen := named
			frozen.Definition, _ = w.Resolve(t.Context(), named) // one cannot be resolved
			w.config.Runs = func(context.Context, string) (slipway.WorkflowSpec, error) { return frozen, nil }
			return named, true
		},
		Another: func(s enginetest.Settings) engine.Engine {
			c := w.config
			s.Change(&c.Access)
			if s.WrongToken {
				c.Token = "ghp_of-nobody"
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
			id := string(ref)[strings.LastIndexByte(string(ref), '/')+1:]
			page := w.server.URL() + "/" + project + "/actions/runs/" + id
			return []string{id, "#" + id, page, page + "/job/5", page + "/attempts/1", page + "?pr=4"}
		},
		Notices: w.server,
		Notice:  func(body []byte) engine.Notice { return signed("workflow_run", body) },
		Secrets: []string{token, hookSecret},
	}
}

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World { return newWorld(t).suite(t) })
}

func TestEngineOfAServerThatDoesNotTellTheRun(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		w := newWorld(t, func(c *githubtest.Config) { c.Age = githubtest.Silent })
		w.config.Settle = time.Second
		w.Engine = w.another(t)
		return w.suite(t)
	})
}

func TestEngineOfWorkflowsWithoutAPlaceForTheMark(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		w := newWorld(t, func(c *githubtest.Config) {
			for i := range c.Workflows {
				c.Workflows[i].Unmarked = true
			}
		})
		s := w.suite(t)
		// What comes after a crash is played by itself: no mark says which run it was.
		return enginetest.World{Engine: s.Engine, Workflow: s.Workflow, Undecidable: true, Rerun: s.Rerun, Said: s.Said}
	})
}

// signed is a webhook that GitHub signed.
func signed(event string, body []byte) engine.Notice {
	sum := hmac.New(sha256.New, []byte(hookSecret))
	sum.Write(body)
	return engine.Notice{Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "X-Github-Event": {event},
		"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(sum.Sum(nil))},
	}}
}

// hear gives GitHub's webhooks to a function.
func (w *world) hear(t *testing.T, mode standin.Mode, take func([]engine.Hint, error)) {
	t.Helper()
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the test is over
		}
		take(w.Hear(r.Context(), engine.Notice{Header: r.Header, Query: r.URL.Query(), Body: body}))
	}))
	t.Cleanup(hooks.Close)
	w.server.NotifyURL(hooks.URL)
	w.server.Notify(mode)
}
