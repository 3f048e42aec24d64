package commands_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"slipway"
	"slipway/commands"
)

// running is a plan of Alice's whose workflow item runs.
func (o *office) running(t *testing.T) (*slipway.Plan, *slipway.Item) {
	t.Helper()
	ctx := t.Context()
	o.engine.workflow = version("1")
	doc, err := o.ParseDocument(ctx, []byte("name: payments\njobs: [{name: deploy, type: workflow, spec: {engine: local, workflow: deploy}}]"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.Create(ctx, o.ask(o.alice, ""), doc)
	for _, do := range []func(id string) error{
		func(id string) error { _, err := o.Submit(ctx, o.ask(o.alice, ""), id); return err },
		func(id string) error { _, err := o.Start(ctx, o.ask(o.alice, ""), id); return err },
		func(id string) error {
			out, err = o.Execute(ctx, o.ask(o.alice, ""), id, out.Plan.Items[0].ID)
			return err
		},
	} {
		if err == nil {
			err = do(out.Plan.ID)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Plan, out.Plan.Items[0]
}

// ended is a plan whose workflow item has failed so.
func (o *office) ended(t *testing.T, end slipway.RunEnd) (planID, itemID string) {
	t.Helper()
	p, it := o.running(t)
	end.Status = slipway.RunFailed
	if _, err := o.RunEnded(t.Context(), "task:end-"+it.Workflow.RunID, p.ID, it.Workflow.RunID, end); err != nil {
		t.Fatal(err)
	}
	return p.ID, it.ID
}

func (o *office) item(t *testing.T, planID string) *slipway.Item {
	t.Helper()
	p, err := o.Store.Plan(t.Context(), planID)
	if err != nil {
		t.Fatal(err)
	}
	return p.Items[0]
}

func version(v string) *slipway.Workflow {
	return &slipway.Workflow{Name: "deploy", Params: []slipway.Param{{Name: "version", Value: v}}}
}

func changed(v string) slipway.RunEnd {
	return slipway.RunEnd{Doubt: slipway.DoubtChanged, Change: slipway.CompareDefinitions(version("1"), version(v))}
}

func TestAChangeIsAcceptedAsTheEngineHasIt(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	seen := changed("2")
	planID, itemID := o.ended(t, seen)
	retry := func(id, accept string) error {
		_, err := o.Retry(t.Context(), o.ask(o.alice, id), planID, itemID, accept)
		return err
	}
	if err := retry("", ""); slipway.CodeOf(err) != slipway.Conflict || !strings.Contains(err.Error(), "1 → 2") {
		t.Errorf("accepted unseen: %v", err)
	}

	o.engine.workflow = version("3")
	for range 2 { // the second time the same request
		if err := retry("test:accept", seen.Change.Digest); slipway.CodeOf(err) != slipway.Conflict || !strings.Contains(err.Error(), "1 → 3") {
			t.Fatalf("it changed again, and Alice is told %v", err)
		}
	}
	now := o.item(t, planID)
	if now.Status != slipway.Failed || now.Workflow.Change.Digest != changed("3").Change.Digest {
		t.Errorf("the item is %s, %+v", now.Status, now.Workflow.Change)
	}

	o.engine.problems = []slipway.Problem{{Path: "workflow", Text: slipway.T("it is disabled", "已停用")}}
	if err := retry("", now.Workflow.Change.Digest); slipway.CodeOf(err) != slipway.Unfit || len(slipway.ProblemsOf(err)) != 1 {
		t.Errorf("the engine cannot run it: %v", err)
	}
	o.engine.problems = nil
	for range 2 {
		if err := retry("test:accept-3", now.Workflow.Change.Digest); err != nil {
			t.Fatal(err)
		}
	}
	if it := o.item(t, planID); it.Status != slipway.Running || !it.Workflow.Definition.Equal(version("3")) {
		t.Errorf("the item is %s with %+v", it.Status, it.Workflow)
	}
}

func TestThePersonPointsAtTheRun(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	planID, itemID := o.ended(t, slipway.RunEnd{Doubt: slipway.DoubtUnknownStart})
	asked := 0
	o.engine.adopt = func(said string) (string, error) {
		asked++
		switch said {
		case "77":
			return "ref-77", nil
		case "away":
			return "", errors.New("connection refused")
		}
		return "", slipway.Refuse(slipway.NotFound, "There is no run %s.", "没有运行 %s。", said)
	}
	adopt := func(u *slipway.User, id, said string) error {
		_, err := o.Adopt(t.Context(), o.ask(u, id), planID, itemID, said)
		return err
	}
	for _, said := range []string{"", " \t", "a\x00b", strings.Repeat("7", 3000)} {
		if err := adopt(o.alice, "", said); slipway.CodeOf(err) != slipway.Invalid || slipway.ProblemsOf(err)[0].Path != "run" {
			t.Errorf("%.10q: %v", said, err)
		}
	}
	if err := adopt(o.bob, "", "77"); slipway.CodeOf(err) != slipway.Forbidden || asked != 0 {
		t.Errorf("Bob, who may not: %v, and the engine was asked %d times", err, asked)
	}
	if err := adopt(o.alice, "", "78"); slipway.CodeOf(err) != slipway.NotFound {
		t.Errorf("no such run: %v", err)
	}
	if err := adopt(o.alice, "", "away"); slipway.CodeOf(err) != slipway.Internal {
		t.Errorf("the engine is away: %v", err)
	}
	for range 2 {
		if err := adopt(o.alice, "test:adopt", " 77 "); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 3 {
		t.Errorf("the engine was asked %d times, also for the repeated request", asked)
	}
	it := o.item(t, planID)
	run, err := o.Store.Run(t.Context(), it.Workflow.RunID)
	if err != nil || it.Status != slipway.Running || run.Ref != "ref-77" {
		t.Errorf("the item is %s, the run %+v, %v", it.Status, run, err)
	}

	// Nor can this item have a run twice that passed.
	if err := o.Store.EndRun(t.Context(), run.ID, slipway.RunEnd{Status: slipway.RunPassed}, noon); err != nil {
		t.Fatal(err)
	}
	end := slipway.RunEnd{Status: slipway.RunFailed, Doubt: slipway.DoubtUnknownStart}
	if _, err := o.RunEnded(t.Context(), "task:unknown", planID, run.ID, end); err != nil {
		t.Fatal(err)
	}
	if err := adopt(o.alice, "", "77"); slipway.CodeOf(err) != slipway.Conflict || !strings.Contains(err.Error(), "earlier run") {
		t.Errorf("a run that passed before: %v", err)
	}

	// Another item cannot have the same run.
	planID, itemID = o.ended(t, slipway.RunEnd{Doubt: slipway.DoubtUnknownStart})
	if err := adopt(o.alice, "", "77"); slipway.CodeOf(err) != slipway.Conflict || o.item(t, planID).Status != slipway.Failed {
		t.Errorf("a run of two items: %v", err)
	}
	if err := adopt(o.alice, "test:adopt", "77"); slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("the request id of another plan: %v", err)
	}
}

func TestAWaitingRunIsAnswered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ctx := t.Context()
	p, it := o.running(t)
	run := it.Workflow.RunID
	decide := func(id, comment string) error {
		_, err := o.Decide(ctx, o.ask(o.alice, id), p.ID, it.ID, "approve", true, comment)
		return err
	}
	if err := decide("", ""); slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("nothing waits: %v", err)
	}
	waits := []slipway.RunWait{{Job: "approve", Answerable: true}}
	for i := range 2 {
		_, err := o.RunWaits(ctx, fmt.Sprintf("task:waits-%d", i), p.ID, run, waits)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := decide("", strings.Repeat("x", slipway.MaxComment+1)); slipway.CodeOf(err) != slipway.Invalid {
		t.Errorf("a long comment: %v", err)
	}
	for range 2 {
		if err := decide("test:decide", "go"); err != nil {
			t.Fatal(err)
		}
	}
	d := slipway.Decision{Job: "approve", Approve: true, By: o.alice.Ref()}
	if _, err := o.DecisionRefused(ctx, "task:refused", p.ID, run, d, slipway.T("No.", "不行。")); err != nil {
		t.Fatal(err)
	}
	if err := decide("", "go"); err != nil {
		t.Errorf("after the engine refused the first answer: %v", err)
	}
}

func TestARunThatWasRestartedIsFollowedOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	planID, _ := o.ended(t, slipway.RunEnd{})
	failed := o.item(t, planID).Workflow.RunID
	for i, id := range []string{"task:1", "task:1", "task:2"} {
		out, err := o.RunResumed(t.Context(), id, planID, failed, "ref-1")
		if err != nil || out.Repeated != (i == 1) || (out.Entry == nil) != (i == 2) {
			t.Errorf("%d: %+v, %v", i, out, err)
		}
	}
	runs, err := o.Store.Runs(t.Context(), planID)
	if err != nil || len(runs) != 2 || runs[1].Ref != "ref-1" {
		t.Errorf("the runs are %+v, %v", runs, err)
	}
}

var _ commands.Workflows = (*fakeEngine)(nil)
