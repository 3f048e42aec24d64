package github_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/github/githubtest"
)

// gated is a world in which the job "gate" waits for a gate.
func gated(t *testing.T, g githubtest.Gate) *world {
	t.Helper()
	return newWorld(t, func(c *githubtest.Config) { c.Gates = map[string]githubtest.Gate{"gate": g} })
}

func TestOnlyReviewersAnswer(t *testing.T) {
	t.Parallel()
	w := gated(t, githubtest.Gate{Environment: "production", Reviewers: []string{"ann", "bob"}})
	p := enginetest.Start(t, w, spec("asks"))
	state, end := p.UntilStatus(engine.Waiting)
	if len(state.Waits) != 1 || state.Waits[0].Answerable || !strings.Contains(state.WaitFor.ZH, "ann, bob") || !strings.Contains(state.WaitFor.EN, "production") {
		t.Fatalf("state is %+v", state)
	}
	err := w.Answer(t.Context(), p.Ref, "gate", engine.Answer{Approve: true, By: "Ann"})
	enginetest.WantRefusal(t, err, slipway.Forbidden, state.URL)
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
}

func TestATimerIsToldOf(t *testing.T) {
	t.Parallel()
	w := gated(t, githubtest.Gate{Environment: "production", Minutes: 30})
	p := enginetest.Start(t, w, spec("asks"))
	state, _ := p.UntilStatus(engine.Waiting)
	if !strings.Contains(state.WaitFor.EN, "timer, until ") || state.Waits[0].Answerable {
		t.Errorf("state is %+v", state)
	}
}

func TestWhoRejectsADeploymentIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("asks"))
	_, end := p.UntilStatus(engine.Waiting)
	if err := w.Answer(t.Context(), p.Ref, "gate", engine.Answer{By: "Ann", Comment: "not on a Friday"}); err != nil {
		t.Fatal(err)
	}
	r := end()
	if r.Status != engine.Failed || !strings.Contains(r.Reason.EN, githubtest.Username) || !strings.Contains(r.Reason.ZH, "Ann: not on a Friday") {
		t.Errorf("result is %+v", r)
	}
	if diff := cmp.Diff([]string{"rejected: Ann: not on a Friday"}, w.server.Verdicts()); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestDeploymentsToSeveralEnvironmentsAreAnsweredOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *githubtest.Config) {
		c.Workflows = append(c.Workflows, flow("two", nil,
			stage("deploy", standin.Job{Name: "east", Asks: true}, standin.Job{Name: "west", Asks: true})))
		c.Gates = map[string]githubtest.Gate{
			"east": {Environment: "eu-east", Reviewers: []string{githubtest.Username}, MayReview: true},
			"west": {Environment: "eu-west", Reviewers: []string{githubtest.Username}, MayReview: true},
		}
	})
	p := enginetest.Start(t, w, spec("two"))
	state, end := p.UntilStatus(engine.Waiting)
	if len(state.Waits) != 2 || state.Waits[0].Job != "east" || state.Waits[1].Job != "west" {
		t.Fatalf("waits are %+v", state.Waits)
	}
	for _, job := range []string{"west", "east"} {
		if err := w.Answer(t.Context(), p.Ref, job, engine.Answer{Approve: true, By: "Ann"}); err != nil {
			t.Fatal(err)
		}
	}
	if r := end(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
}

func TestALogThatComesAtTheEndIsReadThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *githubtest.Config) { c.LogsAtEnd, c.LogsLate = true, 100*time.Millisecond })
	w.config.Settle = enginetest.Patience
	w.Engine = w.another(t)
	p := enginetest.Start(t, w, spec("passes"))
	if r := p.End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
	if diff := cmp.Diff([]string{"hello"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestAnotherProcessMasksCredentialsIfItKnowsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := spec("secret")
	s.Params = map[string]string{"TOKEN": "hunter2"}
	run, mark := enginetest.RunOf(t, w, s)
	ref, err := w.Start(t.Context(), run, mark)
	if err != nil {
		t.Fatal(err)
	}
	blind := enginetest.Attach(t, w.another(t), mark, ref)
	blind.End()
	if got := strings.Join(blind.Texts(), ""); strings.Contains(got, "hunter2") || !strings.Contains(got, "not shown") {
		t.Errorf("without them, the log is %q", got)
	}
	w.config.Started = func(_ context.Context, asked engine.Ref) (slipway.WorkflowSpec, error) {
		if asked != ref {
			return slipway.WorkflowSpec{}, slipway.Refuse(slipway.NotFound, "There is no such run.", "没有该次运行。")
		}
		return run.Workflow, nil
	}
	seeing := enginetest.Attach(t, w.another(t), mark, ref)
	seeing.End()
	if diff := cmp.Diff([]string{"<***>"}, seeing.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	stranger := engine.Ref(w.server.Dispatch(project, "secret", "somebody"))
	other := enginetest.Attach(t, w.another(t), engine.Mark{}, stranger)
	other.End()
	if got := strings.Join(other.Texts(), ""); !strings.Contains(got, "not shown") {
		t.Errorf("of a run that is not ours, the log is %q", got)
	}
}
