package github_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/github"
	"slipway/tasks/engine/github/githubtest"
)

// knows has other processes know what the run's mark was to start.
func (w *world) knows(run slipway.Run) {
	w.config.Runs = func(context.Context, string) (slipway.WorkflowSpec, error) { return run.Workflow, nil }
}

// aged is a world whose server has an age. Its engine waits longer for runs to appear.
func aged(t *testing.T, age githubtest.Age) *world {
	t.Helper()
	w := newWorld(t, func(c *githubtest.Config) { c.Age = age })
	w.config.Settle = 500 * time.Millisecond
	w.Engine = w.another(t)
	return w
}

func TestAServerThatRefusesToTellTheRunIsAskedOnce(t *testing.T) {
	t.Parallel()
	w := aged(t, githubtest.Refuses)
	for i, want := range []int{2, 1} { // it is refused once, and then never asked again
		run, mark := enginetest.RunOf(t, w, spec("passes"))
		mark.ID += strings.Repeat("x", i)
		before := w.server.Faults().Changes()
		ref, err := w.Start(t.Context(), run, mark)
		if err != nil {
			t.Fatal(err)
		}
		if sent := w.server.Faults().Changes() - before; sent != want || w.server.Starts(mark.ID) != 1 {
			t.Errorf("%d requests, %d runs", sent, w.server.Starts(mark.ID))
		}
		if r := enginetest.Attach(t, w, mark, ref).End(); r.Status != engine.Passed {
			t.Errorf("result is %+v", r)
		}
	}
}

func TestWithoutAMarkARunIsKnownIfItIsAlone(t *testing.T) {
	t.Parallel()
	for _, age := range []githubtest.Age{githubtest.Silent, githubtest.Refuses} {
		w := aged(t, age)
		w.server.Dispatch(project, "unmarked", githubtest.Username) // was there before
		run, mark := enginetest.RunOf(t, w, spec("unmarked"))
		ref, err := w.Start(t.Context(), run, mark)
		if err != nil || w.server.Runs() != 2 {
			t.Fatalf("%d runs, %v", w.server.Runs(), err)
		}
		p := enginetest.Attach(t, w, mark, ref)
		end := p.Until("ready")
		if err := w.Cancel(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if r := end(); r.Status != engine.Cancelled {
			t.Errorf("result is %+v", r)
		}
	}
}

func TestWithoutAMarkTwoRunsAtOnceAreNotToldApart(t *testing.T) {
	t.Parallel()
	w := aged(t, githubtest.Silent)
	run, mark := enginetest.RunOf(t, w, spec("unmarked"))
	w.knows(run)
	over := make(chan error, 1)
	arrived, letGo := w.server.Faults().HoldNextRequest()
	go func() {
		_, err := w.Start(t.Context(), run, mark)
		over <- err
	}()
	<-arrived
	w.server.Dispatch(project, "unmarked", "somebody") // does not count
	w.server.Dispatch(project, "unmarked", githubtest.Username)
	letGo()
	if err := <-over; err == nil || slipway.CodeOf(err) != slipway.Internal {
		t.Errorf("it is taken for known: %v", err)
	}
	for _, e := range []*github.Engine{w.Engine, w.another(t)} {
		if ref, outcome, err := e.Find(t.Context(), mark); err != nil || outcome != engine.Unknowable {
			t.Errorf("find: %q, %d, %v", ref, outcome, err)
		}
	}
}

func TestWithoutAMarkALostAnswerIsForAPersonToDecide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("unmarked"))
	w.knows(run)
	w.server.Dispatch(project, "unmarked", "somebody")
	w.server.Faults().DropNextRequest()
	if _, err := w.Start(t.Context(), run, mark); err == nil {
		t.Fatal("a lost request is no error")
	}
	if ref, outcome, err := w.another(t).Find(t.Context(), mark); err != nil || outcome != engine.NeverStarted {
		t.Errorf("only others started it, find: %q, %d, %v", ref, outcome, err)
	}
	mark.ID += "-again"
	w.server.Faults().LoseNextAnswer()
	if _, err := w.Start(t.Context(), run, mark); err == nil || slipway.CodeOf(err) != slipway.Internal {
		t.Fatalf("a lost answer is %v", err)
	}
	if ref, outcome, err := w.another(t).Find(t.Context(), mark); err != nil || outcome != engine.Unknowable {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
	if n := w.server.Runs(); n != 2 {
		t.Errorf("there are %d runs", n)
	}
}

func TestAStartThatGitHubTookIsNotDoneAgainThoughItsRunIsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *githubtest.Config) { c.Age, c.Hidden = githubtest.Silent, time.Hour })
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.knows(run)
	if _, err := w.Start(t.Context(), run, mark); err == nil || slipway.CodeOf(err) != slipway.Internal {
		t.Fatalf("it is taken for known: %v", err)
	}
	if ref, outcome, err := w.Find(t.Context(), mark); err != nil || outcome != engine.Unknowable {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
}

func TestARunOfAnotherMarkIsNotTakenForOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.knows(run)
	longer := mark
	longer.ID += "-2"
	if _, err := w.Start(t.Context(), run, longer); err != nil {
		t.Fatal(err)
	}
	if ref, outcome, err := w.another(t).Find(t.Context(), mark); err != nil || outcome != engine.NeverStarted {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
}

func TestWithoutTheRepositoryAStartIsUnknowable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.Runs = nil
	if ref, outcome, err := w.another(t).Find(t.Context(), mark); err != nil || outcome != engine.Unknowable {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
}

func TestAStartThatNeverGotThereIsARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.URL = "http://127.0.0.1:1"
	e := w.another(t)
	mark.Place = e.Place()
	ctx, cancel := context.WithTimeout(t.Context(), enginetest.Patience)
	defer cancel()
	if _, err := e.Start(ctx, run, mark); slipway.CodeOf(err) != slipway.Unavailable {
		t.Errorf("error is %v", err)
	}
}

func TestAnAdoptedRunIsOneOfTheBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("passes"))
	p.End()
	other := spec("passes")
	other.Name = "passes.yml@release/4"
	id := string(p.Ref)[strings.LastIndexByte(string(p.Ref), '/')+1:]
	_, err := w.Adopt(t.Context(), other, id)
	enginetest.WantRefusal(t, err, slipway.Conflict, "release/4")
	_, err = w.Adopt(t.Context(), spec("passes"), w.server.URL()+"/team/other/actions/runs/"+id)
	enginetest.WantRefusal(t, err, slipway.Conflict, "team/other")
}

func TestARunThatDoesNotEndIsCancelledByForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *githubtest.Config) { c.Stubborn = true })
	var passed atomic.Int64
	w.config.Now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	w.Engine = w.another(t)
	p := enginetest.Start(t, w, spec("blocks"))
	end := p.Until("ready")
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	passed.Store(int64(16 * time.Minute))
	if r := end(); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
	if changes := w.server.Faults().Changes(); changes != 3 { // the start, and two to end it
		t.Errorf("%d requests changed something", changes)
	}
}

// counting is a way to GitHub on which answers are noticed that say that nothing changed.
type counting struct{ unchanged chan struct{} }

// RoundTrip implements http.RoundTripper.
func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && answer.StatusCode == http.StatusNotModified {
		select {
		case c.unchanged <- struct{}{}:
		default:
		}
	}
	return answer, err
}

func TestWhatDidNotChangeIsNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	way := counting{make(chan struct{}, 1000)}
	w.config.Transport = way
	w.Engine = w.another(t)
	p := enginetest.Start(t, w, spec("blocks"))
	end := p.Until("ready")
	before := w.Requests() - int64(len(way.unchanged))
	for range 20 {
		<-way.unchanged
	}
	if sent := w.Requests() - before; sent > 30 {
		t.Errorf("%d requests for 20 answers that are free", sent)
	}
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	end()
}

func TestOnlyTheJobsThatFailedRunAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("partly"))
	p.End()
	if err := w.Retry(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	again := enginetest.Attach(t, w, p.Mark, p.Ref)
	if r := again.End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
	if got := strings.Join(again.Texts(), " "); got != "once trying trying" { // what passed is listed twice by GitHub
		t.Errorf("log is %q", got)
	}
	if jobs := again.Jobs(); len(jobs) != 3 || jobs["zero"] != engine.Passed || jobs["two"] != engine.Passed {
		t.Errorf("jobs are %v", jobs)
	}
}

func TestARetryIsFollowedThoughGitHubIsSlowToShowIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Settle = enginetest.Patience
	w.Engine = w.another(t)
	p := enginetest.Start(t, w, spec("flaky"))
	p.End()
	w.server.SlowToRerun(100 * time.Millisecond)
	if err := w.Retry(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := enginetest.Attach(t, w, p.Mark, p.Ref).End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
}

func TestWebhooksOfAPersonsRunAreHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	heard := make(chan engine.Ref, 100)
	w.hear(t, standin.On, func(hints []engine.Hint, err error) {
		if err != nil {
			t.Errorf("hear: %v", err)
		}
		for _, h := range hints {
			heard <- h.Ref
		}
	})
	ref := engine.Ref(w.server.Dispatch(project, "passes", "somebody"))
	select {
	case got := <-heard:
		if got != ref {
			t.Errorf("it is about %q, not %q", got, ref)
		}
	case <-time.After(enginetest.Patience):
		t.Error("nothing was heard")
	}
}
