package enginetest

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"slipway"
	"slipway/tasks/engine"
)

// asking starts a run and waits until it asks a person.
func asking(t *testing.T, w World, spec slipway.WorkflowSpec) (*Play, engine.Wait, func() engine.Result) {
	t.Helper()
	p := Start(t, w.Engine, spec)
	state, end := p.UntilStatus(engine.Waiting)
	if len(state.Waits) != 1 || state.Waits[0].Job != "gate" {
		t.Fatalf("it waits at %+v", state.Waits)
	}
	wait := state.Waits[0]
	for _, text := range []slipway.Text{wait.For, state.WaitFor} {
		if text.EN == "" || text.ZH == "" {
			t.Errorf("what it waits for is not said: %+v", state)
		}
	}
	wantJobs(t, p, map[string]engine.Status{"before": engine.Passed, "gate": engine.Waiting, "after": engine.Queued})
	if _, can := w.Engine.(engine.Answerer); wait.Answerable && !can {
		t.Error("it can be answered, and the engine takes no answers")
	}
	return p, wait, end
}

func agrees(t *testing.T, w World, spec slipway.WorkflowSpec) {
	p, wait, end := asking(t, w, spec)
	answerer, can := w.Engine.(engine.Answerer)
	if !can || !wait.Answerable {
		cancelled(t, w, p, end)
		return
	}
	if err := answerer.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{Approve: true, By: "Ann", Comment: "go on"}); err != nil {
		t.Fatal(err)
	}
	if result := end(); result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
	wantJobs(t, p, map[string]engine.Status{"before": engine.Passed, "gate": engine.Passed, "after": engine.Passed})
	states := p.States()
	if last := states[len(states)-1]; len(last.Waits) > 0 || last.WaitFor != (slipway.Text{}) {
		t.Errorf("after its end it waits for %+v", last)
	}
	err := answerer.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{Approve: true, By: "Bob"})
	WantRefusal(t, err, slipway.Conflict, "")
}

func declines(t *testing.T, w World, spec slipway.WorkflowSpec) {
	p, wait, end := asking(t, w, spec)
	answerer, can := w.Engine.(engine.Answerer)
	if !can || !wait.Answerable {
		cancelled(t, w, p, end)
		return
	}
	if err := answerer.Answer(t.Context(), p.Ref, wait.Job, engine.Answer{By: "Ann", Comment: "not today"}); err != nil {
		t.Fatal(err)
	}
	result := end()
	if (result.Status != engine.Failed && result.Status != engine.Cancelled) || result.Reason.EN == "" || result.Reason.ZH == "" {
		t.Errorf("result is %+v", result)
	}
	if jobs := p.Jobs(); jobs["before"] != engine.Passed || jobs["gate"] == engine.Passed || jobs["after"] == engine.Passed {
		t.Errorf("jobs are %v", jobs)
	}
}

func notAsked(t *testing.T, w World, spec slipway.WorkflowSpec) {
	answerer, can := w.Engine.(engine.Answerer)
	if !can {
		return
	}
	p, _, end := asking(t, w, spec)
	for _, approve := range []bool{true, false} {
		for _, job := range []string{"before", "after", "no such job"} {
			err := answerer.Answer(t.Context(), p.Ref, job, engine.Answer{Approve: approve, By: "Ann"})
			WantRefusal(t, err, slipway.Conflict, "")
		}
	}
	if jobs := p.Jobs(); jobs["gate"] != engine.Waiting {
		t.Errorf("jobs are %v", jobs)
	}
	cancelled(t, w, p, end)
	for _, approve := range []bool{true, false} {
		err := answerer.Answer(t.Context(), p.Ref, "gate", engine.Answer{Approve: approve, By: "Ann"})
		WantRefusal(t, err, slipway.Conflict, "")
	}
}

func cancelsWaiting(t *testing.T, w World, spec slipway.WorkflowSpec) {
	p, _, end := asking(t, w, spec)
	cancelled(t, w, p, end)
}

// cancelled cancels a run and wants that as its end.
func cancelled(t *testing.T, w World, p *Play, end func() engine.Result) {
	t.Helper()
	if err := w.Engine.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if result := end(); result.Status != engine.Cancelled {
		t.Errorf("result is %+v", result)
	}
}

// failed starts a run that fails the first time, and returns how often it was run.
func failed(t *testing.T, w World, retrier engine.Retrier, spec slipway.WorkflowSpec) (*Play, string) {
	t.Helper()
	p := Start(t, w.Engine, spec)
	if result := p.End(); result.Status != engine.Failed || !strings.Contains(result.Reason.EN, "one") || !strings.Contains(result.Reason.ZH, "one") {
		t.Fatalf("result is %+v", result)
	}
	wantJobs(t, p, map[string]engine.Status{"one": engine.Failed, "two": engine.Skipped})
	attempt, err := retrier.Attempt(t.Context(), p.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := retrier.Attempt(t.Context(), p.Ref); err != nil || again != attempt {
		t.Errorf("nobody ran it again: attempt %q, then %q, %v", attempt, again, err)
	}
	return p, attempt
}

// wantPassedAgain follows a run that was run again to its new end.
func wantPassedAgain(t *testing.T, w World, retrier engine.Retrier, p *Play, before string) {
	t.Helper()
	if after, err := retrier.Attempt(t.Context(), p.Ref); err != nil || after == before {
		t.Errorf("attempt %q, then %q, %v", before, after, err)
	}
	again := Attach(t, w.Engine, p.Mark, p.Ref)
	if result := again.End(); result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
	wantJobs(t, again, map[string]engine.Status{"one": engine.Passed, "two": engine.Passed})
	WantRefusal(t, retrier.Retry(t.Context(), p.Ref), slipway.Conflict, "")
}

func retries(t *testing.T, w World, spec slipway.WorkflowSpec) {
	retrier, can := w.Engine.(engine.Retrier)
	if !can {
		return
	}
	p, before := failed(t, w, retrier, spec)
	if err := retrier.Retry(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	wantPassedAgain(t, w, retrier, p, before)
	if w.Starts != nil && w.Starts(p.Mark.ID) != 1 {
		t.Errorf("there are %d runs", w.Starts(p.Mark.ID))
	}
}

func rerun(t *testing.T, w World, spec slipway.WorkflowSpec) {
	retrier, can := w.Engine.(engine.Retrier)
	if !can || w.Rerun == nil {
		return
	}
	p, before := failed(t, w, retrier, spec)
	w.Rerun(p.Ref)
	wantPassedAgain(t, w, retrier, p, before)
}

func notRetried(t *testing.T, w World, spec slipway.WorkflowSpec) {
	retrier, can := w.Engine.(engine.Retrier)
	if !can {
		return
	}
	p := Start(t, w.Engine, spec)
	end := p.Until("ready")
	WantRefusal(t, retrier.Retry(t.Context(), p.Ref), slipway.Conflict, "")
	cancelled(t, w, p, end)
	if err := retrier.Retry(t.Context(), "no/such-run"); !errors.Is(err, engine.ErrNoRun) {
		t.Errorf("run again what is not there: %v", err)
	}
	if _, err := retrier.Attempt(t.Context(), "no/such-run"); !errors.Is(err, engine.ErrNoRun) {
		t.Errorf("attempt of what is not there: %v", err)
	}
}

func adopted(t *testing.T, w World, spec slipway.WorkflowSpec) {
	adopter, can := w.Engine.(engine.Adopter)
	if !can || w.Said == nil {
		return
	}
	p := Start(t, w.Engine, spec)
	p.End()
	for _, said := range w.Said(p.Ref) {
		for _, said := range []string{said, " " + said + "\n"} {
			if ref, err := adopter.Adopt(t.Context(), spec, said); err != nil || ref != p.Ref {
				t.Errorf("%q is %q, %v; want %q", said, ref, err, p.Ref)
			}
		}
	}
}

func notAdopted(t *testing.T, w World, spec slipway.WorkflowSpec) {
	adopter, can := w.Engine.(engine.Adopter)
	if !can || w.Said == nil {
		return
	}
	p := Start(t, w.Engine, spec)
	p.End()
	for said, code := range map[string]slipway.Code{
		"": slipway.Invalid, "that of yesterday evening": slipway.Invalid, "-1": slipway.Invalid, "987654321": slipway.NotFound,
	} {
		_, err := adopter.Adopt(t.Context(), spec, said)
		WantRefusal(t, err, code, "")
	}
	_, err := adopter.Adopt(t.Context(), spec, "that one")
	for _, said := range w.Said(p.Ref) {
		page, elsewhere := url.Parse(said)
		if elsewhere != nil || page.Host == "" {
			continue
		}
		WantRefusal(t, err, slipway.Invalid, page.Host) // it shows what an address looks like
		page.Host = "elsewhere.example"
		_, err := adopter.Adopt(t.Context(), spec, page.String())
		WantRefusal(t, err, slipway.Invalid, "")
	}
	if other, has := w.Workflow(Chatter); has {
		for _, said := range w.Said(p.Ref) {
			_, err := adopter.Adopt(t.Context(), other, said)
			WantRefusal(t, err, slipway.Conflict, "")
		}
	}
}
