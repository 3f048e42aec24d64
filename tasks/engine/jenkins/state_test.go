package jenkins_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/jenkins/jenkinstest"
)

func TestStagesOfAPipelineAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("suite", "fails"))
	r := p.End()
	if r.Status != engine.Failed || !strings.Contains(r.Reason.EN, "script returned exit code 1") {
		t.Errorf("result is %+v", r)
	}
	bare := newWorld(t, func(c *jenkinstest.Config) { c.Stageless = true })
	p = enginetest.Start(t, bare, spec("suite", "fails"))
	if r := p.End(); r.Status != engine.Failed {
		t.Errorf("result without the plugin is %+v", r)
	}
	if diff := cmp.Diff(map[string]engine.Status{"fails": engine.Failed}, p.Jobs()); diff != "" {
		t.Errorf("jobs without the plugin (-want +got):\n%s", diff)
	}
}

func TestHowBuildsEnd(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]engine.Status{
		"SUCCESS": engine.Passed, "UNSTABLE": engine.Failed, "FAILURE": engine.Failed, "NOT_BUILT": engine.Failed, "ABORTED": engine.Cancelled,
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *jenkinstest.Config) { c.Results = map[string]string{"passes/one": word} })
			r := enginetest.Start(t, w, spec("passes", "one")).End()
			if r.Status != want || (r.Reason.EN == "") != (want == engine.Passed) {
				t.Errorf("result is %+v", r)
			}
		})
	}
}

func TestAWordThatIsNotUnderstoodIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *jenkinstest.Config) { c.Results = map[string]string{"passes/one": "PERHAPS"} })
	state, _ := enginetest.Start(t, w, spec("passes", "one")).UntilStatus(engine.Unknown)
	if !strings.Contains(state.WaitFor.EN, "PERHAPS") || !strings.Contains(state.WaitFor.ZH, "PERHAPS") {
		t.Errorf("state is %+v", state)
	}
}

func TestStagesSideBySideAreListedOneAfterAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("suite", "stages"))
	p.End()
	states := p.States()
	var names []string
	for _, g := range states[len(states)-1].Stages {
		names = append(names, g.Name+" "+string(g.Status))
	}
	if diff := cmp.Diff([]string{"left passed", "right passed", "last passed"}, names); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
}

func TestAPipelineTakesTooLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("apps", "slow"))
	if r := p.End(); r.Status != engine.Timeout {
		t.Errorf("result is %+v", r)
	}
	if diff := cmp.Diff(map[string]engine.Status{"waits": engine.Timeout}, p.Jobs()); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestAnInputWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for _, approve := range []bool{true, false} {
		t.Run(fmt.Sprint(approve), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ref := enginetest.Start(t, w, spec("apps/shop", "deploy")).Ref
			state := until(t, w, ref, engine.Waiting)
			if len(state.Waits) != 1 || state.Waits[0].Job != "deploy" || !state.Waits[0].Answerable || !strings.Contains(state.WaitFor.ZH, "deploy") {
				t.Fatalf("waits are %+v", state.Waits)
			}
			if err := w.Answer(t.Context(), ref, "build", engine.Answer{Approve: true}); slipway.CodeOf(err) != slipway.Conflict {
				t.Errorf("answer to what does not wait: %v", err)
			}
			if err := w.Answer(t.Context(), ref, "deploy", engine.Answer{Approve: approve, By: "Ann"}); err != nil {
				t.Fatal(err)
			}
			p := enginetest.Attach(t, w, engine.Mark{}, ref)
			r := p.End()
			if approve {
				want := map[string]engine.Status{"build": engine.Passed, "deploy": engine.Passed}
				if diff := cmp.Diff(want, p.Jobs()); diff != "" || r.Status != engine.Passed {
					t.Errorf("result is %+v, jobs (-want +got):\n%s", r, diff)
				}
			} else if r.Status != engine.Failed || !strings.Contains(r.Reason.EN, "Rejected by") {
				t.Errorf("result is %+v", r)
			}
			if err := w.Answer(t.Context(), ref, "deploy", engine.Answer{Approve: true}); slipway.CodeOf(err) != slipway.Conflict {
				t.Errorf("answered again: %v", err)
			}
		})
	}
}

func TestAnInputThatAsksForValuesIsAnsweredInJenkins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *jenkinstest.Config) { c.AsksValues = []string{"deploy"} })
	ref := enginetest.Start(t, w, spec("apps/shop", "deploy")).Ref
	state := until(t, w, ref, engine.Waiting)
	if len(state.Waits) != 1 || state.Waits[0].Answerable || !strings.Contains(state.WaitFor.EN, "in Jenkins only") {
		t.Errorf("waits are %+v", state.Waits)
	}
	if err := w.Answer(t.Context(), ref, state.Waits[0].Job, engine.Answer{Approve: true}); slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("answer: %v", err)
	}
	if r := cancelled(t, w, ref); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
}

// until watches until the run has a status.
func until(t *testing.T, e engine.Engine, ref engine.Ref, status engine.Status) engine.State {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), enginetest.Patience)
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

func cancelled(t *testing.T, w *world, ref engine.Ref) engine.Result {
	t.Helper()
	if err := w.Cancel(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	return enginetest.Attach(t, w, engine.Mark{}, ref).End()
}

func TestABuildIsCancelledInTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Hold(true)
	ref := enginetest.Start(t, w, spec("passes", "one")).Ref
	if s := until(t, w, ref, engine.Queued); len(s.Stages) != 1 || !strings.Contains(s.WaitFor.EN, "executor") {
		t.Errorf("state is %+v", s)
	}
	if r := cancelled(t, w, ref); r.Status != engine.Cancelled || r.Reason.ZH == "" {
		t.Errorf("result is %+v", r)
	}
}

func TestAnItemThatLeftTheQueueLongAgoIsStillFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *jenkinstest.Config) { c.Remember = time.Nanosecond })
	p := enginetest.Start(t, w, spec("blocks", "one"))
	end := p.Until("ready")
	if s := until(t, w.another(t), p.Ref, engine.Running); !strings.HasSuffix(s.URL, "/job/blocks/job/one/1/") {
		t.Errorf("state is %+v", s)
	}
	if err := w.another(t).Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
}
