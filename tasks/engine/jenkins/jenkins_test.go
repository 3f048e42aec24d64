package jenkins_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/jenkins"
	"slipway/tasks/engine/jenkins/jenkinstest"
)

const (
	user      = "slipway-bot"
	token     = "11aa-token-of-the-test"
	hookToken = "hook-of-the-test"
)

// single is a freestyle job, in a folder of the name of what it does.
func single(folder, name string, job standin.Job, params ...standin.Param) standin.Workflow {
	job.Name = name
	return standin.Workflow{Project: folder, Name: name, Single: true, Params: params, Stages: []standin.Stage{{Name: name, Jobs: []standin.Job{job}}}}
}

func pipeline(folder, name string, stages ...standin.Stage) standin.Workflow {
	return standin.Workflow{Project: folder, Name: name, Stages: stages}
}

func stage(jobs ...standin.Job) standin.Stage { return standin.Stage{Name: jobs[0].Name, Jobs: jobs} }

// workflows are those of the suite: what is one job is a freestyle job of its name in a
// folder of the scenario's, the others are pipelines.
func workflows() []standin.Workflow {
	all := standin.Scenarios("suite", "it is disabled")
	for i, w := range all {
		if job := w.Stages[0].Jobs[0]; len(w.Stages) == 1 && len(w.Stages[0].Jobs) == 1 {
			all[i].Project, all[i].Name, all[i].Single = w.Name, job.Name, true
		}
	}
	plain := single("plain", "one", standin.Job{Says: []string{"hello"}})
	plain.Unmarked = true
	unmarked := single("unmarked", "one", standin.Job{Says: []string{"hello"}}, standin.Param{Name: "VERSION"})
	unmarked.Unmarked = true
	return append(all, plain, unmarked,
		pipeline("apps", "slow", stage(standin.Job{Name: "waits", Ends: standin.TimesOut})),
		pipeline("apps/shop", "deploy", stage(standin.Job{Name: "build"}), stage(standin.Job{Name: "deploy", Asks: true})),
		pipeline("apps/shop", "feature%2Flogin", stage(standin.Job{Name: "test"})),
		single("apps", "kinds", standin.Job{Says: []string{"[${DRY_RUN}]"}},
			standin.Param{Name: "DRY_RUN", Default: "true", Choices: []string{"true", "false"}}, standin.Param{Name: "PLAN_FILE", Default: "file:"}))
}

// world is a Jenkins and an engine that reaches it.
type world struct {
	*jenkins.Engine
	server *jenkinstest.Server
	config jenkins.Config

	mu    sync.Mutex
	known *slipway.WorkflowSpec
}

func newWorld(t *testing.T, change ...func(*jenkinstest.Config)) *world {
	t.Helper()
	c := jenkinstest.Config{User: user, Token: token, WebhookToken: hookToken, Workflows: workflows()}
	for _, f := range change {
		f(&c)
	}
	w := &world{server: jenkinstest.New(c)}
	enginetest.Serve(t, w.server, "Jenkins")
	w.config = jenkins.Config{
		Access: enginetest.Quick(), URL: w.server.URL() + "/", User: user, Token: token, WebhookToken: hookToken, LogPoll: time.Nanosecond,
	}
	w.config.Runs = w.spec
	w.Engine = w.another(t)
	return w
}

// spec is what all marks of the test were to start.
func (w *world) spec(context.Context, string) (slipway.WorkflowSpec, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known == nil {
		return slipway.WorkflowSpec{}, slipway.Refuse(slipway.NotFound, "none", "无")
	}
	return *w.known, nil
}

// another returns an engine of another process.
func (w *world) another(t *testing.T) *jenkins.Engine {
	t.Helper()
	return made(t, w.config)
}

func made(t *testing.T, c jenkins.Config) *jenkins.Engine {
	t.Helper()
	e, err := jenkins.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// knows makes all processes know what marks were to start.
func (w *world) knows(s slipway.WorkflowSpec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = &s
}

func spec(folder, name string) slipway.WorkflowSpec {
	return slipway.WorkflowSpec{Engine: jenkins.Name, Project: folder, Name: name}
}

// of is the workflow of a scenario. Jenkins tells of a stage only when it is reached, so
// that stages that run side by side cannot be told from those that follow each other.
func of(s enginetest.Scenario) (slipway.WorkflowSpec, bool) {
	switch s {
	case enginetest.Stages:
		return slipway.WorkflowSpec{}, false
	case enginetest.Broken:
		return spec("broken", "odd"), true
	case enginetest.Fails, enginetest.Asks, enginetest.Flaky:
		return spec("suite", string(s)), true
	default:
		return spec(string(s), "one"), true
	}
}

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		w := newWorld(t, func(c *jenkinstest.Config) { c.Past = []string{"suite/asks"} })
		return enginetest.World{
			Engine: w.Engine,
			Workflow: func(s enginetest.Scenario) (slipway.WorkflowSpec, bool) {
				asked, ok := of(s)
				if s != enginetest.Chatter { // which is another one than that which is played
					w.knows(asked)
				}
				return asked, ok
			},
			Another: func(s enginetest.Settings) engine.Engine {
				c := w.config
				s.Change(&c.Access)
				if s.WrongToken {
					c.Token = "11ff-of-nobody"
				}
				return made(t, c)
			},
			Faults: w.server.Faults(),
			Starts: w.server.Starts,
			Edit: func(s enginetest.Scenario) {
				w.server.Edit(single(string(s), "one", standin.Job{Says: []string{"changed"}}))
			},
			Said: func(ref engine.Ref) []string {
				path, _, _ := strings.Cut(string(ref), "@")
				page := w.server.URL() + "/job/" + strings.ReplaceAll(path, "/", "/job/") + "/1"
				return []string{page, page + "/", page + "/console"}
			},
			Notices: w.server,
			Notice: func(body []byte) engine.Notice {
				return engine.Notice{Header: http.Header{}, Query: url.Values{"token": {hookToken}}, Body: body}
			},
			Secrets: []string{token, hookToken, user + ":" + token},
		}
	})
}

func TestJenkinsIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("blocks", "one"))
	end := p.Until("ready")
	w.server.Faults().Status(http.StatusInternalServerError)
	if s := until(t, w, p.Ref, engine.Unknown); !strings.Contains(s.WaitFor.EN, "has not answered since") {
		t.Errorf("state is %+v", s)
	}
	w.server.Faults().Status(0)
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
	if diff := cmp.Diff([]string{"ready"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestAskedTooOftenItWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Faults().RateLimit(time.Second)
	if _, err := w.Resolve(t.Context(), spec("passes", "one")); err != nil {
		t.Error(err)
	}
}

func TestNoMoreRequestsAreSentThanAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.PerMinute = 600 // thirty at once, then less than ten a second
	e := w.another(t)
	begun := time.Now()
	for range 18 { // of two requests each
		if err := e.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); e.Requests() != 36 || took < 600*time.Millisecond {
		t.Errorf("%d requests in %v", e.Requests(), took)
	}
}

func TestARunIsAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("passes", "one"))
	p.End()
	page := w.server.URL() + "/job/passes/job/one/"
	for _, said := range []string{"1", "#1", page + "1", " " + page + "1/console"} {
		if ref, err := w.Adopt(t.Context(), spec("passes", "one"), said); err != nil || ref != p.Ref {
			t.Errorf("%q: %q, %v", said, ref, err)
		}
	}
	for said, code := range map[string]slipway.Code{
		"that one": slipway.Invalid, "https://elsewhere.example/job/passes/job/one/1": slipway.Invalid, page + "99999": slipway.NotFound,
		page: slipway.Invalid, "0": slipway.Invalid, w.server.URL() + "/job/blocks/job/one/1": slipway.Conflict,
	} {
		if ref, err := w.Adopt(t.Context(), spec("passes", "one"), said); slipway.CodeOf(err) != code {
			t.Errorf("%q: %q, %v", said, ref, err)
		}
	}
}

func TestAnAdoptedBuildWithAPasswordShowsNoLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	number := w.server.Build("ann", "secret/one")
	ref, err := w.Adopt(t.Context(), spec("secret", "one"), fmt.Sprint(number))
	if err != nil {
		t.Fatal(err)
	}
	p := enginetest.Attach(t, w, engine.Mark{}, ref)
	p.End()
	if texts := p.Texts(); len(texts) != 1 || !strings.Contains(texts[0], "not shown") {
		t.Errorf("log is %q", texts)
	}
}

func TestAnotherProcessMasksWhatThePlanGave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := spec("secret", "one")
	s.Params = map[string]string{"TOKEN": "hunter2"}
	ref := enginetest.Start(t, w, s).Ref
	w.knows(s)
	p := enginetest.Attach(t, w.another(t), engine.Mark{}, ref)
	p.End()
	if diff := cmp.Diff([]string{"<***>"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestCheckTellsHowToMendTheCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Check(t.Context()); err != nil {
		t.Error(err)
	}
	const wrong = "11bb-wrong-one"
	w.config.Token = wrong
	err := w.another(t).Check(t.Context())
	enginetest.WantRefusal(t, err, slipway.Unauthenticated, "SLIPWAY_JENKINS_TOKEN")
	if strings.Contains(err.Error(), wrong) {
		t.Errorf("the token is in %v", err)
	}
}

func TestSettingsAreRefusedWithoutRepeatingThem(t *testing.T) {
	t.Parallel()
	for _, c := range []jenkins.Config{
		{URL: "ftp://ci.example.com", User: user, Token: token},
		{URL: "https://ann:" + token + "@ci.example.com", User: user, Token: token},
		{URL: "https://ci.example.com", Token: token},
		{URL: "https://ci.example.com", User: user},
		{User: user, Token: token},
	} {
		if _, err := jenkins.New(c); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", c.URL, err)
		}
	}
}
