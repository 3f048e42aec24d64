package gitlab_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/gitlab/gitlabtest"
)

// waiting starts the pipeline that asks, and returns it when it does.
func waiting(t *testing.T, w *world) (p *enginetest.Play, state engine.State, end func() engine.Result) {
	t.Helper()
	p = enginetest.Start(t, w, spec("asks"))
	state, end = p.UntilStatus(engine.Waiting)
	return p, state, end
}

func TestADeploymentWaitsForApprovals(t *testing.T) {
	t.Parallel()
	for _, approve := range []bool{true, false} {
		t.Run(fmt.Sprint(approve), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *gitlabtest.Config) { c.Approvals = map[string]int{"gate": 1} })
			p, state, end := waiting(t, w)
			if !strings.Contains(state.WaitFor.EN, "approval of its deployment to production") {
				t.Errorf("it waits for %+v", state.WaitFor)
			}
			if err := w.Answer(t.Context(), p.Ref, "gate", engine.Answer{Approve: approve, By: "Ann", Comment: "go"}); err != nil {
				t.Fatal(err)
			}
			want := engine.Passed
			if !approve {
				want = engine.Failed
			}
			if r := end(); r.Status != want || (!approve && !strings.Contains(r.Reason.EN, "rejected")) {
				t.Errorf("result is %+v", r)
			}
		})
	}
}

func TestADeploymentWaitsForAllItsApprovals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *gitlabtest.Config) { c.Approvals = map[string]int{"gate": 2} })
	p, _, end := waiting(t, w)
	for range 2 {
		if jobs := p.Jobs(); jobs["gate"] != engine.Waiting {
			t.Errorf("jobs are %v", jobs)
		}
		if err := w.Answer(t.Context(), p.Ref, "gate", engine.Answer{Approve: true, By: "Ann"}); err != nil {
			t.Fatal(err)
		}
	}
	if r := end(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
}

// TestATriggerJobWaits: what starts another pipeline is no job to GitLab's API, and
// cannot be cancelled.
func TestATriggerJobWaits(t *testing.T) {
	t.Parallel()
	bridge := func(c *gitlabtest.Config) { c.Bridges = []string{"gate"} }
	w := newWorld(t, bridge)
	p, _, end := waiting(t, w)
	if err := w.Answer(t.Context(), p.Ref, "gate", engine.Answer{Approve: true, By: "Ann"}); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
	for what, stop := range map[string]func(*world, engine.Ref) error{
		"cancelled": func(w *world, ref engine.Ref) error { return w.Cancel(t.Context(), ref) },
		"declined": func(w *world, ref engine.Ref) error {
			return w.Answer(t.Context(), ref, "gate", engine.Answer{By: "Ann"})
		},
	} {
		w := newWorld(t, bridge)
		p, _, end := waiting(t, w)
		if err := stop(w, p.Ref); err != nil {
			t.Fatal(err)
		}
		if r := end(); r.Status != engine.Cancelled {
			t.Errorf("%s: result is %+v", what, r)
		}
	}
}

func TestTheLogShowsEveryAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("flaky"))
	p.End()
	if err := w.Retry(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	again := enginetest.Attach(t, w, p.Mark, p.Ref)
	again.End()
	if diff := cmp.Diff([]string{"trying", "trying"}, again.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestAServerThatFailsIsNoEndOfARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("blocks"))
	end := p.Until("ready")
	w.server.Faults().Status(http.StatusInternalServerError)
	state, _ := enginetest.Attach(t, w, p.Mark, p.Ref).UntilStatus(engine.Unknown)
	if !strings.Contains(state.WaitFor.EN, "GitLab has not answered since") {
		t.Errorf("state is %+v", state)
	}
	w.server.Faults().Status(0)
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
}

func TestALogThatIsNotThereIsToldOf(t *testing.T) {
	t.Parallel()
	instead := func(ending string, status int, body []byte) way {
		return func(r *http.Request) (*http.Response, error) {
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil || !strings.HasSuffix(r.URL.Path, ending) {
				return answer, err
			}
			answer.Body.Close()
			answer.StatusCode, answer.Body, answer.ContentLength = status, io.NopCloser(bytes.NewReader(body)), -1
			return answer, nil
		}
	}
	for _, tt := range []struct {
		name string
		way  way
		want string
	}{
		{"erased", instead("/trace", http.StatusNotFound, nil), "erased"},
		{"too large", instead("/trace", http.StatusOK, make([]byte, 8<<20+1)), "larger than 8 MiB"},
		{"of a pipeline whose variables are not for us", instead("/variables", http.StatusForbidden, nil), "cannot hide credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ref := enginetest.Start(t, w, spec("passes")).Ref
			w.config.Transport = tt.way
			p := enginetest.Attach(t, w.another(t), engine.Mark{}, ref)
			if r := p.End(); r.Status != engine.Passed {
				t.Errorf("result is %+v", r)
			}
			if texts := p.Texts(); len(texts) != 1 || !strings.Contains(texts[0], tt.want) {
				t.Errorf("log is %q", texts)
			}
		})
	}
}

func TestARunIsAdoptedByTheAddressOfItsJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("passes"))
	p.End()
	states := p.States()
	job := states[len(states)-1].Stages[0].Jobs[0].URL
	if ref, err := w.Adopt(t.Context(), spec("passes"), job); err != nil || ref != p.Ref {
		t.Errorf("%q is %q, %v", job, ref, err)
	}
	for said, code := range map[string]slipway.Code{
		job + "0": slipway.NotFound, "0": slipway.NotFound, strings.Replace(job, project, "team/other", 1): slipway.Conflict,
	} {
		_, err := w.Adopt(t.Context(), spec("passes"), said)
		enginetest.WantRefusal(t, err, code, "")
	}
}
