package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
)

func passes(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	p := Start(t, e, spec)
	if result := p.End(); result.Status != engine.Passed {
		t.Fatalf("result is %+v, log %q", result, p.Texts())
	}
	wantJobs(t, p, map[string]engine.Status{"one": engine.Passed})
	if diff := cmp.Diff([]string{"hello"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	last := p.states[len(p.states)-1]
	if last.Status != engine.Passed || last.Started == 0 || last.Ended < last.Started {
		t.Errorf("last state is %+v", last)
	}
	again := Attach(t, e, p.Mark, p.Ref)
	if result := again.End(); result.Status != engine.Passed || len(again.Texts()) != 1 {
		t.Errorf("watched after the end: %+v, log %q", result, again.Texts())
	}
	if err := e.Cancel(t.Context(), p.Ref); err != nil {
		t.Errorf("cancel after the end: %v", err)
	}
}

func fails(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	p := Start(t, e, spec)
	result := p.End()
	if result.Status != engine.Failed || !strings.Contains(result.Reason.EN, "bad") || !strings.Contains(result.Reason.ZH, "bad") {
		t.Errorf("result is %+v", result)
	}
	wantJobs(t, p, map[string]engine.Status{"bad": engine.Failed, "good": engine.Passed, "never": engine.Skipped})
}

func cancels(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	p := Start(t, e, spec)
	end := p.Until("ready")
	if err := e.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatalf("cancel: %v", err)
	}
	if result := end(); result.Status != engine.Cancelled || result.Reason.EN == "" {
		t.Errorf("result is %+v", result)
	}
	wantJobs(t, p, map[string]engine.Status{"one": engine.Cancelled})
}

func timesOut(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	p := Start(t, e, spec)
	if result := p.End(); result.Status != engine.Timeout || !strings.Contains(result.Reason.EN, "one") {
		t.Errorf("result is %+v", result)
	}
	wantJobs(t, p, map[string]engine.Status{"one": engine.Timeout})
}

func params(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	const hostile = `$(touch pwned) "; exit 3; ' ${HOME} \ * 你好 <b>&`
	spec.Params = map[string]string{"GREETING": hostile, "TARGET": "b"}
	p := Start(t, e, spec)
	if result := p.End(); result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
	if diff := cmp.Diff([]string{"[" + hostile + "][b]"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func wrongParams(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	for name, value := range map[string]string{"GREETINGS": "x", "TARGET": "zzz"} {
		spec.Params = map[string]string{name: value}
		_, err := e.Resolve(t.Context(), spec)
		WantRefusal(t, err, slipway.Invalid, name)
	}
}

func secret(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	const token = "hunter2-é-long"
	spec.Params = map[string]string{"TOKEN": token}
	p := Start(t, e, spec)
	result := p.End()
	if result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
	if diff := cmp.Diff([]string{"<" + slipway.Mask + ">"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	seen, err := json.Marshal([]any{result, p.Ref, p.States()})
	if err != nil || strings.Contains(string(seen), token) {
		t.Errorf("%v, the credential is seen in %s", err, seen)
	}
}

func chatter(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	p := Start(t, e, spec)
	p.End()
	var seqs, texts []string
	for i, line := range p.lines {
		seqs = append(seqs, strconv.Itoa(i+1))
		texts = append(texts, line.Text)
		if line.Seq != int64(i+1) || line.Job != "one" || line.At == 0 {
			t.Fatalf("line %d is %+v", i, line)
		}
	}
	if diff := cmp.Diff(seqs, texts); diff != "" || len(texts) != 200 {
		t.Errorf("%d lines (-want +got):\n%s", len(texts), diff)
	}
	var later []engine.Line
	_, err := e.Watch(t.Context(), p.Ref, engine.Observer{
		Lines: func(l []engine.Line) { later = append(later, l...) }, Seen: 198,
	})
	if err != nil || len(later) != 2 || later[0].Text != "199" {
		t.Errorf("from line 198 on: %v, %+v", err, later)
	}
}

func stages(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	p := Start(t, e, spec)
	if result := p.End(); result.Status != engine.Passed {
		t.Errorf("result is %+v, log %q", result, p.Texts())
	}
	wantJobs(t, p, map[string]engine.Status{"left": engine.Passed, "right": engine.Passed, "last": engine.Passed})
	for _, state := range p.states {
		if state.Stages[1].Jobs[0].Status != engine.Queued && !state.Stages[0].Status.Over() {
			t.Errorf("the second stage began before the first was over: %+v", state)
		}
	}
}

func stored(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	spec.Params = map[string]string{"TOKEN": "hunter2"}
	run, mark := RunOf(t, e, spec)
	run.Workflow.Definition = Stored(t, run.Workflow.Definition)
	ref, err := e.Start(t.Context(), run, mark)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := e.Resolve(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if change := slipway.CompareDefinitions(run.Workflow.Definition, fresh); change != nil {
		t.Errorf("nobody changed it: %+v", change)
	}
	if result := Attach(t, e, mark, ref).End(); result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
}

func broken(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	_, err := e.Resolve(t.Context(), spec)
	WantRefusal(t, err, slipway.Invalid, "odd")
}

func unknown(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	spec.Name = "no-such-workflow"
	_, err := e.Resolve(t.Context(), spec)
	if code := slipway.CodeOf(err); code != slipway.Invalid && code != slipway.NotFound {
		t.Fatalf("error is %v", err)
	}
	WantRefusal(t, err, slipway.CodeOf(err), "no-such-workflow")
}

func inline(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	run, mark := RunOf(t, e, spec)
	run.Workflow.Inline = true
	run.Workflow.Definition = run.Workflow.Definition.Clone()
	run.Workflow.Definition.Description = "written by the plan's author"
	if ref, err := e.Start(t.Context(), run, mark); slipway.CodeOf(err) == slipway.Internal || err == nil {
		t.Errorf("started %q, %v", ref, err)
	}
	w.wantNeverStarted(t, e, mark)
}

func watcherLeaves(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	p := Start(t, e, spec)
	end := p.Until("ready")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Watch(ctx, p.Ref, engine.Observer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("watch with an ended context: %v", err)
	}
	if status := p.Jobs()["one"]; status != engine.Running {
		t.Errorf("the job is %s", status)
	}
	if err := e.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	end()
}

func changed(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	run, mark := RunOf(t, e, spec)
	run.Workflow.Definition = run.Workflow.Definition.Clone()
	run.Workflow.Definition.Stages[0].Jobs[0].Name = "renamed"
	_, err := e.Start(t.Context(), run, mark)
	WantRefusal(t, err, slipway.Conflict, run.Workflow.Definition.Name)
	w.wantNeverStarted(t, e, mark)
}

func edited(t *testing.T, w World, spec slipway.WorkflowSpec) {
	_, changes := w.Engine.(engine.Versioned)
	if !changes || w.Edit == nil {
		return
	}
	run, mark := RunOf(t, w.Engine, spec)
	w.Edit(Passes)
	_, err := w.Engine.Start(t.Context(), run, mark)
	WantRefusal(t, err, slipway.Conflict, "")
	w.wantNeverStarted(t, w.Engine, mark)
	again, err := w.Engine.Resolve(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if change := slipway.CompareDefinitions(run.Workflow.Definition, again); change == nil || len(change.Lines) == 0 {
		t.Errorf("the change cannot be shown: %+v", change)
	}
}
