package zadig_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/zadig/zadigtest"
)

// unmarked is a world whose workflow has no variable for the mark.
func unmarked(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, func(c *zadigtest.Config) {
		one := flow("plain", stage("run", standin.Job{Name: "one"}))
		one.Unmarked = true
		c.Workflows = append(c.Workflows, one)
	})
	w.looked.Store("plain")
	return w
}

func (w *world) wantOutcome(t *testing.T, mark engine.Mark, want engine.Outcome) {
	t.Helper()
	ref, outcome, err := w.another(t).Find(t.Context(), mark)
	if err != nil || outcome != want {
		t.Errorf("find: %q, outcome %d, %v; want %d", ref, outcome, err, want)
	}
}

func TestAStartThatLeavesNoMark(t *testing.T) {
	t.Parallel()
	w := unmarked(t)
	run, mark := enginetest.RunOf(t, w, spec("plain"))
	w.wantOutcome(t, mark, engine.NeverStarted)
	w.server.Begin("Ann", "plain")
	w.wantOutcome(t, mark, engine.NeverStarted) // hers cannot be ours
	w.server.Faults().LoseNextAnswer()
	if _, err := w.Start(t.Context(), run, mark); slipway.CodeOf(err) != slipway.Internal {
		t.Fatalf("a lost answer is %v", err)
	}
	w.wantOutcome(t, mark, engine.Unknowable) // there is a run, and nothing tells whose

	// The process that got an answer knows whose its runs are.
	w = unmarked(t)
	run, mark = enginetest.RunOf(t, w, spec("plain"))
	other := engine.Mark{ID: "another", Place: mark.Place}
	if _, err := w.Start(t.Context(), run, other); err != nil {
		t.Fatal(err)
	}
	if _, outcome, err := w.Find(t.Context(), mark); err != nil || outcome != engine.NeverStarted {
		t.Errorf("find: outcome %d, %v", outcome, err)
	}
	w.wantOutcome(t, mark, engine.Unknowable)
}

func TestARunOfOursThatSomebodyStartedInZadig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.looked.Store("passes")
	_, mark := enginetest.RunOf(t, w, spec("passes"))
	w.server.Begin(zadigtest.Account, "passes") // its variable is there, and empty
	w.wantOutcome(t, mark, engine.NeverStarted)
}

func TestWithoutTheAccountEverybodysRunsCount(t *testing.T) {
	t.Parallel()
	opaque := "not-a-json-web-token"
	w := newWorld(t, func(c *zadigtest.Config) {
		c.Token = opaque
		for i := range c.Workflows {
			c.Workflows[i].Unmarked = true
		}
	})
	w.looked.Store("passes")
	w.config.Token = opaque
	e := w.another(t)
	w.server.Begin("Ann", "passes")
	ref, outcome, err := e.Find(t.Context(), engine.Mark{ID: "run-1", Place: e.Place()})
	if err != nil || outcome != engine.Unknowable {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
}

func TestWhatZadigSaysAgainstAStart(t *testing.T) {
	t.Parallel()
	w := unmarked(t)
	run, mark := enginetest.RunOf(t, w, spec("plain"))
	start := func() error {
		_, err := w.another(t).Start(t.Context(), run, mark)
		return err
	}
	w.server.RefuseNextStart("workflow is disabled")
	enginetest.WantRefusal(t, start(), slipway.Conflict, "workflow is disabled")
	w.server.RefuseNextStart("server selection error") // the run may be stored or not
	enginetest.WantRefusal(t, start(), slipway.Conflict, "server selection error")
	w.server.Begin(zadigtest.Account, "plain")
	w.server.RefuseNextStart("server selection error") // and now there is one
	if err := start(); slipway.CodeOf(err) != slipway.Internal {
		t.Errorf("in doubt it is %v", err)
	}
	w.server.Forbid(project)
	enginetest.WantRefusal(t, start(), slipway.Forbidden, "")
	if n := len(w.server.Bodies()); n != 0 {
		t.Errorf("started %d times", n)
	}
}

func TestWithoutTheWorkflowAStartIsUnknowable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.Runs = nil
	w.wantOutcome(t, mark, engine.Unknowable)
}

func TestAWorkflowOfAnotherProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := spec("passes")
	s.Project = "another"
	_, err := w.Resolve(t.Context(), s)
	enginetest.WantRefusal(t, err, slipway.NotFound, "another")
	for project, name := range map[string]string{"": "passes", "a b": "passes", "payments": "../x", "pay": ""} {
		_, err := w.Resolve(t.Context(), slipway.WorkflowSpec{Project: project, Name: name})
		enginetest.WantRefusal(t, err, slipway.Invalid, "Zadig")
	}
}

func TestWorkflowsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, of := range []string{project, ""} {
		list, err := w.Workflows(t.Context(), of)
		if err != nil || len(list) != len(workflows()) || list[0].Project != project || list[0].DisplayName != "The "+list[0].Name {
			t.Errorf("of project %q: %v, %+v", of, err, list)
		}
	}
}

func TestEveryWordOfZadigIsUnderstood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := enginetest.Start(t, w, spec("passes")).Ref
	enginetest.Attach(t, w, engine.Mark{}, ref).End()
	for word, want := range map[string]engine.Status{
		"created": engine.Queued, "waiting": engine.Queued, "queued": engine.Queued, "blocked": engine.Queued, "pending": engine.Queued,
		"prepare": engine.Queued, "running": engine.Running, "distributed": engine.Running, "pause": engine.Running,
		"passed": engine.Passed, "unstable": engine.Passed, "failed": engine.Failed, "reject": engine.Failed, "timeout": engine.Timeout,
		"cancelled": engine.Cancelled, "skipped": engine.Failed, "disabled": engine.Failed, "notRun": engine.Failed,
		"changed": engine.Unknown, "a word of next year": engine.Unknown,
	} {
		w.server.Say(string(ref), word)
		state := first(t, w, ref)
		if state.Status != want || state.Status.Over() != (state.Ended != 0) {
			t.Errorf("%q is %+v, want %s", word, state, want)
		}
		if !strings.HasSuffix(state.URL, "/pipelines/custom/"+string(ref)) {
			t.Errorf("its page is %s", state.URL)
		}
	}
}

// talk answers every request in the same way.
type talk struct {
	status int
	body   string
}

func (k talk) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: k.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Location": {"https://elsewhere.example"}},
		Body: io.NopCloser(strings.NewReader(k.body)), Request: r,
	}, nil
}

func TestWhatStandsBetweenUsAndZadig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	for _, c := range []struct {
		talk
		code slipway.Code
		says string
	}{
		{talk{302, ""}, slipway.Unfit, "SLIPWAY_ZADIG_URL"},
		{talk{200, "<html>Sign in</html>"}, slipway.Unavailable, "SLIPWAY_ZADIG_URL"},
		{talk{413, "<html>Too large</html>"}, slipway.Unfit, "413"},
		{talk{404, "404 page not found"}, slipway.NotFound, "Zadig"},
		{talk{500, "panic"}, slipway.Unavailable, "Zadig"},
	} {
		w.config.Transport = c.talk
		e := w.another(t)
		enginetest.WantRefusal(t, e.Check(t.Context()), c.code, c.says)
		_, err := e.Start(t.Context(), run, mark)
		enginetest.WantRefusal(t, err, c.code, c.says) // nothing was sent that starts anything
		if state := first(t, e, "passes/1"); state.Status != engine.Unknown {
			t.Errorf("status %d: state is %+v", c.status, state)
		}
	}
}
