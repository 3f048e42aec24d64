package zadig_test

import (
	"net/http"
	"strings"
	"testing"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/zadig/zadigtest"
)

// held is a world with a workflow that is held up in its second stage, "release".
func held(t *testing.T, change ...func(*zadigtest.Config)) *world {
	t.Helper()
	return newWorld(t, append([]func(*zadigtest.Config){func(c *zadigtest.Config) {
		c.Workflows = []zadigtest.Workflow{flow("held", stage("build", standin.Job{Name: "build"}),
			stage("release", standin.Job{Name: "switch", Asks: true}), stage("check", standin.Job{Name: "check"}))}
	}}, change...)...)
}

func manual(c *zadigtest.Config) { c.Manual = []string{"release"} }

// waiting starts the workflow and returns its wait point, and how to wait for the end.
func (w *world) waiting(t *testing.T) (*enginetest.Play, engine.Wait, func() engine.Result) {
	t.Helper()
	p := enginetest.Start(t, w, spec("held"))
	state, end := p.UntilStatus(engine.Waiting)
	if len(state.Waits) != 1 || state.WaitFor != state.Waits[0].For {
		t.Fatalf("it waits at %+v", state)
	}
	return p, state.Waits[0], end
}

func (w *world) cancelled(t *testing.T, p *enginetest.Play, end func() engine.Result) {
	t.Helper()
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
}

func TestAStageIsStartedByHand(t *testing.T) {
	t.Parallel()
	for _, approve := range []bool{true, false} {
		w := held(t, manual)
		p, wait, end := w.waiting(t)
		if wait.Job != "release" || !wait.Answerable || !strings.Contains(wait.For.EN, zadigtest.Account) {
			t.Fatalf("it waits at %+v", wait)
		}
		if err := w.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{Approve: approve, By: "Ann"}); err != nil {
			t.Fatal(err)
		}
		want := engine.Passed
		if !approve {
			want = engine.Cancelled
		}
		if r := end(); r.Status != want {
			t.Errorf("approved %v, the result is %+v", approve, r)
		}
	}
}

func TestAStageThatIsForOthers(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change func(*zadigtest.Config)
		code   slipway.Code
	}{
		"of a group":    {func(c *zadigtest.Config) { c.Others = []string{"release"} }, slipway.Conflict},
		"of old Zadigs": {func(c *zadigtest.Config) { c.V4 = true }, slipway.NotFound},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := held(t, manual, c.change)
			p, wait, end := w.waiting(t)
			if wait.Answerable || wait.For.ZH == "" {
				t.Errorf("it waits at %+v", wait)
			}
			if what == "of a group" && (!strings.Contains(wait.For.EN, "release managers") || !strings.Contains(wait.For.ZH, "release managers")) {
				t.Errorf("who may is not said: %+v", wait.For)
			}
			err := w.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{Approve: true, By: "Ann"})
			enginetest.WantRefusal(t, err, c.code, "")
			w.cancelled(t, p, end)
		})
	}
}

func TestAStageThatWeMayNoLongerStart(t *testing.T) {
	t.Parallel()
	w := held(t, manual)
	p, wait, end := w.waiting(t)
	w.server.Forbid(project)
	if state := first(t, w.another(t), p.Ref); len(state.Waits) != 1 || state.Waits[0].Answerable {
		t.Errorf("who looks now sees %+v", state)
	}
	err := w.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{Approve: true, By: "Ann"})
	enginetest.WantRefusal(t, err, slipway.Forbidden, "")
	w.cancelled(t, p, end)
}

func TestWaitsThatAreAnsweredElsewhere(t *testing.T) {
	t.Parallel()
	for how, said := range map[string][2]string{
		"lark": {"Feishu", "飞书"}, "error": {"Ann must say in Zadig", "Ann 在 Zadig"}, "debug": {"breakpoint", "断点"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := held(t, func(c *zadigtest.Config) { c.Waits = map[string]string{"switch": how} })
			p, wait, end := w.waiting(t)
			if wait.Job != "switch" || wait.Answerable || !strings.Contains(wait.For.EN, said[0]) || !strings.Contains(wait.For.ZH, said[1]) {
				t.Errorf("it waits at %+v", wait)
			}
			err := w.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{Approve: true, By: "Ann"})
			enginetest.WantRefusal(t, err, slipway.Conflict, "switch")
			w.cancelled(t, p, end)
		})
	}
}

func TestAnApprovalOfOthers(t *testing.T) {
	t.Parallel()
	w := held(t, func(c *zadigtest.Config) { c.Waits = map[string]string{"switch": "stranger"} })
	p, wait, end := w.waiting(t)
	if !strings.Contains(wait.For.EN, "Ann") {
		t.Errorf("who is to approve is not said: %+v", wait)
	}
	err := w.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{Approve: true, By: "Bob"})
	enginetest.WantRefusal(t, err, slipway.Forbidden, "switch")
	w.cancelled(t, p, end)
}

func TestARejectedRunSaysSo(t *testing.T) {
	t.Parallel()
	w := held(t)
	p, wait, end := w.waiting(t)
	if err := w.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{By: "Ann", Comment: "no"}); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Failed || !strings.Contains(r.Reason.EN, "rejected") || !strings.Contains(r.Reason.ZH, "拒绝") {
		t.Errorf("result is %+v", r)
	}
}

func TestAFailedRunStaysFailedWhenItIsCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("fails"))
	p.End()
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := enginetest.Attach(t, w, p.Mark, p.Ref).End(); r.Status != engine.Failed {
		t.Errorf("result is %+v", r)
	}
}

func TestARunIsAdoptedByItsNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("passes"))
	p.End()
	for _, said := range []string{"1", "#1", " 1\n"} {
		if ref, err := w.Adopt(t.Context(), spec("passes"), said); err != nil || ref != p.Ref {
			t.Errorf("%q is %q, %v", said, ref, err)
		}
	}
	elsewhere := spec("passes")
	elsewhere.Project = "another"
	_, err := w.Adopt(t.Context(), elsewhere, "1")
	enginetest.WantRefusal(t, err, slipway.Conflict, project)
	_, err = w.Adopt(t.Context(), spec("passes"), "2")
	enginetest.WantRefusal(t, err, slipway.NotFound, "2")
}

// meanwhile lets something happen right before a request that deletes.
type meanwhile func()

func (m meanwhile) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodDelete {
		m()
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestARunThatPassesWhileItIsBeingCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("blocks"))
	w.config.Transport = meanwhile(func() { w.server.Say(string(p.Ref), "passed") })
	if err := w.another(t).Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := p.End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
}
