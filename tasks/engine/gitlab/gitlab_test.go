package gitlab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/gitlab"
	"slipway/tasks/engine/gitlab/gitlabtest"
	"slipway/tasks/engine/remote"
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
	if err := w.server.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.server.Close()
		if v := w.server.Violations(); len(v) > 0 {
			t.Errorf("GitLab would have refused:\n%s", strings.Join(v, "\n"))
		}
	})
	w.config = gitlab.Config{
		URL: w.server.URL(), Token: token, WebhookToken: hookToken, Timeout: 2 * time.Second, Poll: 10 * time.Millisecond,
		MaxPoll: 20 * time.Millisecond, LogPoll: time.Nanosecond, Settle: 50 * time.Millisecond, Now: time.Now,
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

// clock is the first one that there is.
func clock(all ...func() time.Time) func() time.Time {
	for _, now := range all {
		if now != nil {
			return now
		}
	}
	return time.Now
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
				c.Transport, c.Log = s.Transport, s.Log
				if s.Poll > 0 {
					c.Poll, c.MaxPoll = s.Poll, s.Poll
				}
				c.Settle, c.Now = remote.Or(s.Settle, c.Settle), clock(s.Now, c.Now)
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

func TestTheDefinitionSaysWhatWillRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := spec("params")
	s.Params = map[string]string{"GREETING": "hi"}
	got, err := w.Resolve(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := []slipway.Param{
		{Name: "ref", Type: slipway.ParamString, Value: "params", Source: slipway.SourceRuntime},
		{Name: "GREETING", Type: slipway.ParamString, Description: "about GREETING", Value: "hi", Source: slipway.SourceRuntime},
		{
			Name: "TARGET", Type: slipway.ParamChoice, Description: "about TARGET", Value: "a", Default: "a",
			ChoiceOption: []string{"a", "b"}, Source: slipway.SourceRuntime,
		},
	}
	if diff := cmp.Diff(want, got.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if len(got.Stages) != 1 || got.Stages[0].Jobs[0].Name != "one" || !strings.Contains(got.Remark, "sha256:") {
		t.Errorf("definition is %+v", got)
	}
	// Any change of the configuration is a change of the definition.
	w.server.Edit(flow("params", workflows()[4].Params, stage("run", standin.Job{Name: "one", Says: []string{"something else"}})))
	changed, err := w.Resolve(t.Context(), spec("params"))
	if err != nil || changed.Remark == got.Remark {
		t.Errorf("after a change: %v, %+v", err, changed)
	}
}

func TestADefinitionThatWasStoredIsStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := spec("secret")
	s.Params = map[string]string{"TOKEN": "hunter2"}
	run, mark := enginetest.RunOf(t, w, s)
	var tree any // the keys in another order, as a database gives them
	stored, err := json.Marshal(run.Workflow.Definition)
	if err != nil || json.Unmarshal(stored, &tree) != nil {
		t.Fatal(err)
	}
	if stored, err = json.Marshal(tree); err != nil {
		t.Fatal(err)
	}
	read := &slipway.Workflow{}
	if err := json.Unmarshal(stored, read); err != nil {
		t.Fatal(err)
	}
	run.Workflow.Definition = read
	ref, err := w.Start(t.Context(), run, mark)
	if err != nil {
		t.Fatal(err)
	}
	if fresh, err := w.Resolve(t.Context(), s); err != nil || slipway.CompareDefinitions(read, fresh) != nil {
		t.Errorf("nobody changed it: %v, %+v", err, slipway.CompareDefinitions(read, fresh))
	}
	enginetest.Attach(t, w, mark, ref).End()
}

func TestTheRefIsTheWorkflowOrAParamOrTheDefaultBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name, param, want string
	}{
		{"passes", "", "passes"}, {"pipeline", "stages", "stages"}, {"pipeline", "", "main"}, {"", "", "main"}, {"passes", "stages", ""},
	} {
		s := spec(c.name)
		if c.param != "" {
			s.Params = map[string]string{"ref": c.param}
		}
		got, err := w.Resolve(t.Context(), s)
		if c.want == "" {
			enginetest.WantRefusal(t, err, slipway.Invalid, c.name)
		} else if err != nil || got.Name != c.want {
			t.Errorf("%+v: %v, %+v", c, err, got)
		}
	}
}

func TestInputsOfThePipeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range []slipway.WorkflowSpec{
		{Project: project, Name: "inputs", Params: map[string]string{"environment": "live"}},
		{Project: project, Name: "inputs", Inputs: []byte(`{"environment": "live"}`)},
	} {
		t.Run("", func(t *testing.T) {
			p := enginetest.Start(t, w, s)
			if r := p.End(); r.Status != engine.Passed {
				t.Errorf("result is %+v", r)
			}
			if diff := cmp.Diff([]string{"to live"}, p.Texts()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
	for _, inputs := range []string{`{"environment": "moon"}`, `{"environ": "live"}`, `[1]`} {
		_, err := w.Resolve(t.Context(), slipway.WorkflowSpec{Project: project, Name: "inputs", Inputs: []byte(inputs)})
		enginetest.WantRefusal(t, err, slipway.Invalid, "inputs")
	}
}

func TestAProjectThatAllowsNoVariablesIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *gitlabtest.Config) { c.NoVariables = []string{project} })
	_, err := w.Resolve(t.Context(), spec("passes"))
	enginetest.WantRefusal(t, err, slipway.Invalid, "CI/CD")
}

func TestALostAnswerIsFoundByAnotherProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("blocks"))
	w.server.Faults().LoseNextAnswer()
	if _, err := w.Start(t.Context(), run, mark); err == nil || slipway.CodeOf(err) != slipway.Internal {
		t.Fatalf("a lost answer is %v", err)
	}
	ref, outcome, err := w.another(t).Find(t.Context(), mark)
	if err != nil || outcome != engine.Started {
		t.Fatalf("find: %q, %d, %v", ref, outcome, err)
	}
	if n := w.server.Starts(mark.ID); n != 1 {
		t.Errorf("started %d times", n)
	}
	if r := cancelled(t, w, ref); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
}

func cancelled(t *testing.T, w *world, ref engine.Ref) engine.Result {
	t.Helper()
	if err := w.Cancel(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	return enginetest.Attach(t, w, engine.Mark{}, ref).End()
}

func TestALostRequestNeverStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.server.Faults().DropNextRequest()
	if _, err := w.Start(t.Context(), run, mark); slipway.CodeOf(err) != slipway.Internal {
		t.Fatalf("a lost request is %v", err)
	}
	if ref, outcome, err := w.Find(t.Context(), mark); err != nil || outcome != engine.NeverStarted {
		t.Fatalf("find: %q, %d, %v", ref, outcome, err)
	}
	ref, err := w.Start(t.Context(), run, mark)
	if err != nil || w.server.Starts(mark.ID) != 1 {
		t.Fatalf("second start: %v, %d", err, w.server.Starts(mark.ID))
	}
	enginetest.Attach(t, w, mark, ref).End()
}

func TestAStartThatNeverGotThereIsARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.URL = "http://127.0.0.1:1"
	e := w.another(t)
	mark.Place = e.Place()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := e.Start(ctx, run, mark); slipway.CodeOf(err) != slipway.Unavailable {
		t.Errorf("error is %v", err)
	}
}

func TestWithoutTheProjectAStartIsUnknowable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.Runs = nil
	if ref, outcome, err := w.another(t).Find(t.Context(), mark); err != nil || outcome != engine.Unknowable {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
}

func TestAManualJobWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for _, approve := range []bool{true, false} {
		t.Run(fmt.Sprint(approve), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ref := enginetest.Start(t, w, spec("asks")).Ref
			state := until(t, w, ref, engine.Waiting)
			if len(state.Waits) != 1 || state.Waits[0].Job != "gate" || !state.Waits[0].Answerable || !strings.Contains(state.WaitFor.ZH, "gate") {
				t.Fatalf("waits are %+v", state.Waits)
			}
			if err := w.Answer(t.Context(), ref, "before", engine.Answer{Approve: true}); slipway.CodeOf(err) != slipway.Conflict {
				t.Errorf("answer to a job that does not wait: %v", err)
			}
			if err := w.Answer(t.Context(), ref, "gate", engine.Answer{Approve: approve, By: "Ann"}); err != nil {
				t.Fatal(err)
			}
			p := enginetest.Attach(t, w, engine.Mark{}, ref)
			want, jobs := engine.Passed, map[string]engine.Status{"before": engine.Passed, "gate": engine.Passed, "after": engine.Passed}
			if !approve {
				want = engine.Cancelled
				jobs["gate"], jobs["after"] = engine.Cancelled, engine.Cancelled
			}
			if r := p.End(); r.Status != want {
				t.Errorf("result is %+v", r)
			}
			if diff := cmp.Diff(jobs, p.Jobs()); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADeploymentWaitsForApprovals(t *testing.T) {
	t.Parallel()
	for _, approve := range []bool{true, false} {
		t.Run(fmt.Sprint(approve), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *gitlabtest.Config) { c.Approvals = map[string]int{"gate": 1} })
			ref := enginetest.Start(t, w, spec("asks")).Ref
			if s := until(t, w, ref, engine.Waiting); !strings.Contains(s.WaitFor.EN, "approval of its deployment to production") {
				t.Errorf("waits for %+v", s.WaitFor)
			}
			if err := w.Answer(t.Context(), ref, "gate", engine.Answer{Approve: approve, By: "Ann", Comment: "go"}); err != nil {
				t.Fatal(err)
			}
			want := engine.Passed
			if !approve {
				want = engine.Failed
			}
			if r := enginetest.Attach(t, w, engine.Mark{}, ref).End(); r.Status != want || (!approve && !strings.Contains(r.Reason.EN, "rejected")) {
				t.Errorf("result is %+v", r)
			}
		})
	}
}

// until watches until the run has a status.
func until(t *testing.T, e engine.Engine, ref engine.Ref, status engine.Status) engine.State {
	t.Helper()
	return untilIn(t.Context(), t, e, ref, status)
}

func untilIn(ctx context.Context, t *testing.T, e engine.Engine, ref engine.Ref, status engine.Status) engine.State {
	t.Helper()
	ctx, stop := context.WithTimeout(ctx, enginetest.Patience)
	defer stop()
	var found *engine.State
	_, err := e.Watch(ctx, ref, engine.Observer{State: func(s engine.State) {
		if s.Status == status && found == nil {
			found = &s
			stop()
		}
	}})
	if found == nil {
		t.Fatalf("the run was never %s: %v", status, err)
	}
	return *found
}

func TestWhatFailedIsRunAgain(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"us", "a person"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := enginetest.Start(t, w, spec("flaky"))
			if r := p.End(); r.Status != engine.Failed || !strings.Contains(r.Reason.ZH, "one") {
				t.Fatalf("result is %+v", r)
			}
			before, err := w.Attempt(t.Context(), p.Ref)
			if err != nil {
				t.Fatal(err)
			}
			if who == "us" {
				if err := w.Retry(t.Context(), p.Ref); err != nil {
					t.Fatal(err)
				}
			} else if !w.server.Rerun(string(p.Ref)) {
				t.Fatal("nothing to run again")
			}
			if after, err := w.Attempt(t.Context(), p.Ref); err != nil || after == before {
				t.Errorf("attempt %q, then %q, %v", before, after, err)
			}
			again := enginetest.Attach(t, w, p.Mark, p.Ref)
			if r := again.End(); r.Status != engine.Passed {
				t.Errorf("result is %+v", r)
			}
			if diff := cmp.Diff([]string{"trying", "trying"}, again.Texts()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			if err := w.Retry(t.Context(), p.Ref); slipway.CodeOf(err) != slipway.Conflict {
				t.Errorf("retry of what passed: %v", err)
			}
		})
	}
}

func TestARunThatIsNotOverIsNotRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := enginetest.Start(t, w, spec("blocks")).Ref
	if err := w.Retry(t.Context(), ref); slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("retry: %v", err)
	}
	cancelled(t, w, ref)
}

func TestGitLabIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("blocks"))
	end := p.Until("ready")
	w.server.Faults().Status(http.StatusInternalServerError)
	state := until(t, w, p.Ref, engine.Unknown)
	if !strings.Contains(state.WaitFor.EN, "has not answered since") {
		t.Errorf("state is %+v", state)
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
	if _, err := w.Resolve(t.Context(), spec("passes")); err != nil {
		t.Error(err)
	}
}

func TestARunIsAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("passes"))
	p.End()
	_, id, _ := strings.Cut(string(p.Ref), "/")
	page := w.server.URL() + "/" + project + "/-/pipelines/"
	for _, said := range []string{id, "#" + id, page + id, " " + page + id + "/builds"} {
		if ref, err := w.Adopt(t.Context(), spec("passes"), said); err != nil || ref != p.Ref {
			t.Errorf("%q: %q, %v", said, ref, err)
		}
	}
	for said, code := range map[string]slipway.Code{
		"that one": slipway.Invalid, "https://elsewhere.example/team/app/-/pipelines/1": slipway.Invalid, page + "99999": slipway.NotFound,
		w.server.URL() + "/team/other/-/pipelines/" + id: slipway.Conflict, "0": slipway.NotFound,
	} {
		if ref, err := w.Adopt(t.Context(), spec("passes"), said); slipway.CodeOf(err) != code {
			t.Errorf("%q: %q, %v", said, ref, err)
		}
	}
	if _, err := w.Adopt(t.Context(), spec("stages"), id); slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("of another branch: %v", err)
	}
}

func TestWebhooksSayWhichRunToLookAt(t *testing.T) {
	t.Parallel()
	for _, mode := range []standin.Mode{standin.On, standin.Early, standin.Doubled} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			heard := make(chan engine.Hint, 100)
			hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				hints, err := w.Hear(r.Context(), noticeOf(t, r))
				if err != nil {
					t.Errorf("hear: %v", err)
				}
				for _, h := range hints {
					w.Nudge(h.Ref)
					heard <- h
				}
			}))
			t.Cleanup(hooks.Close)
			w.server.NotifyURL(hooks.URL)
			w.server.Notify(mode)
			p := enginetest.Start(t, w, spec("passes"))
			deadline := time.After(enginetest.Patience)
			for marked := false; !marked; {
				select {
				case h := <-heard:
					if h.Ref != p.Ref {
						t.Errorf("hint is %+v, the run %s", h, p.Ref)
					}
					marked = h.Mark == p.Mark.ID
				case <-deadline:
					t.Fatal("no webhook had the mark")
				}
			}
			p.End()
		})
	}
}

func TestAWebhookMakesTheWatcherLookAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Poll = time.Hour
	slow := w.another(t)
	ref := enginetest.Start(t, w, spec("asks")).Ref
	until(t, w, ref, engine.Waiting)
	ctx, cancel := context.WithTimeout(t.Context(), enginetest.Patience)
	defer cancel()
	result, err := slow.Watch(ctx, ref, engine.Observer{State: func(s engine.State) {
		if s.Status == engine.Waiting {
			if err := w.Answer(ctx, ref, "gate", engine.Answer{Approve: true}); err != nil {
				t.Error(err)
			}
			untilIn(ctx, t, w, ref, engine.Passed)
			slow.Nudge(ref)
		}
	}})
	if err != nil || result.Status != engine.Passed {
		t.Errorf("result is %+v, %v", result, err)
	}
}

func TestForgedWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := []byte(`{"object_kind":"pipeline","object_attributes":{"id":5},"project":{"id":1}}`)
	for _, given := range []string{"", "wrong", hookToken + "x"} {
		_, err := w.Hear(t.Context(), engine.Notice{Header: http.Header{"X-Gitlab-Token": {given}}, Body: body})
		if slipway.CodeOf(err) != slipway.Unauthenticated {
			t.Errorf("token %q: %v", given, err)
		}
	}
	right := http.Header{"X-Gitlab-Token": {hookToken}}
	if _, err := w.Hear(t.Context(), engine.Notice{Header: right, Body: []byte("<")}); slipway.CodeOf(err) != slipway.Invalid {
		t.Errorf("no JSON: %v", err)
	}
	if hints, err := w.Hear(t.Context(), engine.Notice{Header: right, Body: []byte(`{"object_kind":"push"}`)}); err != nil || hints != nil {
		t.Errorf("a push: %v, %v", hints, err)
	}
	w.config.WebhookToken = ""
	if _, err := w.another(t).Hear(t.Context(), engine.Notice{Header: http.Header{}, Body: body}); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("without a token of ours: %v", err)
	}
}

func TestCheckTellsHowToMendTheCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Check(t.Context()); err != nil {
		t.Error(err)
	}
	const wrong = "glpat-wrong-one"
	w.config.Token = wrong
	err := w.another(t).Check(t.Context())
	enginetest.WantRefusal(t, err, slipway.Unauthenticated, "SLIPWAY_GITLAB_TOKEN")
	if strings.Contains(err.Error(), wrong) {
		t.Errorf("the token is in %v", err)
	}
}

// echo answers everything with a fault that repeats the caller's token, as a careless
// proxy might.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"message":"bad token %s"}`, r.Header.Get("Private-Token"))
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

func TestNoErrorRepeatsTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.Transport = echo{}
	e := w.another(t)
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	_, err := e.Start(t.Context(), run, mark)
	note(err)
	_, _, err = e.Find(t.Context(), mark)
	note(err)
	note(e.Cancel(t.Context(), "1/2"))
	note(e.Retry(t.Context(), "1/2"))
	note(e.Answer(t.Context(), "1/2", "one", engine.Answer{}))
	_, err = e.Adopt(t.Context(), spec("passes"), "5")
	note(err)
	note(e.Check(t.Context()))
	for i, err := range errs {
		if err == nil || !strings.Contains(err.Error(), slipway.Mask) {
			t.Errorf("error %d is %v", i, err)
		}
		for ; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), token) || strings.Contains(slipway.TextOf(err).EN, token) {
				t.Errorf("error %d repeats the token: %v", i, err)
			}
		}
	}
}

func noticeOf(t *testing.T, r *http.Request) engine.Notice {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return engine.Notice{Header: r.Header, Query: r.URL.Query(), Body: body}
}

func TestNoMoreRequestsAreSentThanAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.PerMinute = 600 // ten a second, and thirty at once
	e := w.another(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if err := e.Check(ctx); err != nil {
			break
		}
	}
	if n := e.Requests(); n < 30 || n > 41 {
		t.Errorf("%d requests in a second", n)
	}
}
