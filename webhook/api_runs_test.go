package webhook_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
)

// running is a plan whose workflow runs.
func running(t *testing.T) (*world, plan) {
	t.Helper()
	w, p := reach(t, slipway.Executing)
	return w, w.do("alice", p.ID, "jobs/deploy/execute", "")
}

// ends lets the run of the plan's workflow end.
func (w *world) ends(p plan, end slipway.RunEnd) plan {
	w.t.Helper()
	if _, err := w.cmds.RunEnded(w.t.Context(), fmt.Sprintf("task:%d", w.n.Add(1)), p.ID, p.Jobs[1].RunID, end); err != nil {
		w.t.Fatal(err)
	}
	return w.show("alice", p.ID)
}

func TestARunThatWaitsIsAnsweredThroughTheAPI(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	waits := []slipway.RunWait{
		{Job: "approve", For: slipway.T("the operators", "运维人员"), Answerable: true},
		{Job: "smoke", Answerable: true},
		{Job: "ticket", For: slipway.T("CHG-7", "CHG-7")},
	}
	if _, err := w.cmds.RunWaits(t.Context(), "task:waits", p.ID, p.Jobs[1].RunID, waits); err != nil {
		t.Fatal(err)
	}
	p = w.show("alice", p.ID)
	want := []wait{{Job: "approve", For: "the operators", Answerable: true}, {Job: "smoke", Answerable: true}, {Job: "ticket", For: "CHG-7"}}
	if diff := cmp.Diff(want, p.Jobs[1].Waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	for _, who := range []string{"alice", "eve"} {
		may := w.show(who, p.ID)
		if got := slices.Contains(may.Jobs[1].Allowed, slipway.VerbDecide); got != (who == "alice") || got != slices.Contains(may.Allowed, slipway.VerbDecide) {
			t.Errorf("%s may %v", who, may.Jobs[1].Allowed)
		}
	}
	w.send("eve", "POST", "/api/v1/plans/1/jobs/2/decide", `{"approve":true,"job":"smoke"}`).want(403)
	unclear := w.send("alice", "POST", "/api/v1/plans/1/jobs/2/decide", `{"approve":true}`).want(400)
	if got := unclear.refusal(); len(got.Problems) != 1 || got.Problems[0].Path != "job" || !strings.Contains(got.Message, "approve, smoke") {
		t.Errorf("without a job: %+v", got)
	}
	p = w.do("alice", p.ID, "jobs/2/decide", `{"approve":false,"job":"smoke","comment":"too slow"}`)
	if p.Jobs[1].Waits[1].By != "Alice" {
		t.Errorf("answered: %+v", p.Jobs[1].Waits)
	}
	w.send("alice", "POST", "/api/v1/plans/1/jobs/2/decide", `{"approve":true,"job":"smoke"}`).want(409)
	w.do("alice", p.ID, "jobs/2/decide", `{"approve":true}`) // the only one that is left
	var log struct {
		Entries []struct {
			Verb, Comment string
			Data          struct{ Job, Result string }
		}
	}
	w.send("eve", "GET", "/api/v1/plans/1/log?limit=2", "").want(200).into(&log)
	if e := log.Entries; e[0].Data.Job != "approve" || e[0].Data.Result != "passed" || e[1].Data.Job != "smoke" || e[1].Data.Result != "rejected" || e[1].Comment != "too slow" {
		t.Errorf("the log has %+v", log.Entries)
	}
}

func TestARunIsNamedThroughTheAPI(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	p = w.ends(p, slipway.RunEnd{Status: slipway.RunFailed, Doubt: slipway.DoubtUnknownStart})
	want := []slipway.Verb{slipway.VerbAdopt, slipway.VerbRetry, slipway.VerbSkip}
	if p.Jobs[1].Doubt != slipway.DoubtUnknownStart || !slices.Equal(p.Jobs[1].Allowed, want) {
		t.Errorf("in doubt: %+v", p.Jobs[1])
	}
	var list struct{ Plans []plan }
	w.send("alice", "GET", "/api/v1/plans", "").want(200).into(&list)
	if got := list.Plans[0]; got.Jobs[1].Doubt != slipway.DoubtUnknownStart || !slices.Equal(got.Jobs[1].Allowed, want) || !slices.Contains(got.Allowed, slipway.VerbAdopt) {
		t.Errorf("in the list: %+v", got)
	}
	first := w.send("alice", "POST", "/api/v1/plans/1/jobs/deploy/adopt", `{"run":"https://engine.example.com/7"}`, "Idempotency-Key", "a").want(200).plan()
	again := w.send("alice", "POST", "/api/v1/plans/1/jobs/deploy/adopt", `{"run":"https://engine.example.com/7"}`, "Idempotency-Key", "a").want(200).plan()
	if first.Jobs[1].Status != slipway.Running || first.Jobs[1].RunID == p.Jobs[1].RunID || first.Jobs[1].RunID != again.Jobs[1].RunID || first.Jobs[1].Doubt != "" {
		t.Errorf("followed: %+v, then %+v", first.Jobs[1], again.Jobs[1])
	}
	run, err := w.store.Run(t.Context(), first.Jobs[1].RunID)
	if err != nil || run.Ref != "https://engine.example.com/7" {
		t.Errorf("the run is %+v, %v", run, err)
	}
}

func TestAChangedWorkflowIsAcceptedThroughTheAPI(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	stored, err := w.store.Plan(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	frozen := stored.Items[1].Workflow.Definition
	now := *frozen
	now.Description, w.described = "faster", "faster"
	p = w.ends(p, slipway.RunEnd{Status: slipway.RunFailed, Doubt: slipway.DoubtChanged, Change: slipway.CompareDefinitions(frozen, &now)})
	job := p.Jobs[1]
	if job.Doubt != slipway.DoubtChanged || len(job.Changes) != 1 || !strings.Contains(job.Changes[0], "faster") || job.Digest == "" {
		t.Errorf("changed: %+v", job)
	}
	for _, body := range []string{"", `{"accept":"0123"}`} {
		e := w.send("alice", "POST", "/api/v1/plans/1/jobs/2/retry", body).want(409).refusal()
		if !strings.Contains(e.Message, job.Digest) || len(e.Problems) != 1 || !strings.Contains(e.Problems[0].Message, "faster") {
			t.Errorf("retried with %q: %+v", body, e)
		}
	}
	w.described = "harder"
	accept := fmt.Sprintf(`{"accept":%q,"remark":"seen"}`, job.Digest)
	w.send("alice", "POST", "/api/v1/plans/1/jobs/2/retry", accept).want(409)
	next := w.show("alice", p.ID).Jobs[1]
	if next.Digest == job.Digest || !strings.Contains(next.Changes[0], "harder") {
		t.Errorf("changed once more: %+v", next)
	}
	accept = fmt.Sprintf(`{"accept":%q,"remark":"seen"}`, next.Digest)
	if e := w.send("alice", "POST", "/api/v1/plans/1/jobs/2/retry", accept).want(403).refusal(); !strings.Contains(e.Message, "Bob, Carol") {
		t.Errorf("accepted without those who approved: %+v", e)
	}
	p = w.do("bob", p.ID, "jobs/2/retry", accept)
	if p.Jobs[1].Status != slipway.Running || p.Jobs[1].Digest != "" || len(p.Jobs[1].Changes) != 0 || !strings.Contains(string(p.Jobs[1].Spec), "harder") {
		t.Errorf("accepted: %+v", p.Jobs[1])
	}
}

func TestVerbsOfRunsThatAreNotRight(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	for _, c := range []struct {
		verb, body string
		status     int
		paths      []string
	}{
		{"adopt", `{}`, 400, []string{"run"}},
		{"adopt", `{"run":7,"remark":"x"}`, 400, []string{"remark", "run"}},
		{"adopt", `{"run":"` + strings.Repeat("x", 2001) + `"}`, 400, []string{"run"}},
		{"adopt", `{"run":"7"}`, 409, nil},
		{"decide", `{}`, 400, []string{"approve"}},
		{"decide", `{"approve":"yes","job":1,"version":0}`, 400, []string{"job", "approve", "version"}},
		{"decide", `{"approve":null}`, 400, []string{"approve"}},
		{"decide", `{"approve":true}`, 409, nil},
		{"decide", `{"approve":true,"version":99}`, 409, nil},
		{"retry", `{"accept":true,"comment":"x"}`, 400, []string{"comment", "accept"}},
		{"retry", `{}`, 409, nil},
	} {
		a := w.send("alice", "POST", "/api/v1/plans/"+p.ID+"/jobs/2/"+c.verb, c.body).want(c.status)
		if diff := cmp.Diff(c.paths, a.paths()); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.verb, c.body, diff)
		}
	}
	w.send("alice", "POST", "/api/v1/plans/"+p.ID+"/jobs/9/adopt", `{"run":"7"}`).want(404)
}
