package commands_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
)

const levelledDocument = `
name: payments
approval:
  levels:
    - name: QA
      groups: [{approvers: [Bob, Root]}]
    - groups:
        - {name: leads, approvers: [Bob, Root], needed: all}
jobs:
  - {name: announce, type: text, spec: {content: x}}
  - {name: deploy, type: workflow, spec: {engine: local, workflow: w, inputs: [{b: 1, a: 2}]}}
`

func TestAnApprovalInLevelsIsKeptThroughAReplan(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.engine.workflow = &slipway.Workflow{Name: "w", Params: []slipway.Param{{Name: "token", Value: "1", IsCredential: true}}}
	doc, err := o.ParseDocument(t.Context(), []byte(levelledDocument))
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.Create(t.Context(), o.ask(o.alice, ""), doc)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Plan.ID
	do := func(err error) *slipway.Plan {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		p, err := o.Store.Plan(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	both := []slipway.PersonRef{o.bob.Ref(), o.root.Ref()}
	want := []slipway.Level{
		{Name: "QA", Groups: []slipway.Group{{Approvers: both, Needed: slipway.QuorumAny}}},
		{Groups: []slipway.Group{{Name: "leads", Approvers: both, Needed: slipway.QuorumAll}}},
	}
	p := do(nil)
	if diff := cmp.Diff(want, p.Approval.Levels); diff != "" || p.Approval.Needed != 3 || !cmp.Equal(p.Approval.Approvers, both) {
		t.Errorf("in all %d of %v; levels (-want +got):\n%s", p.Approval.Needed, p.Approval.Approvers, diff)
	}
	_, err = o.Submit(t.Context(), o.ask(o.alice, ""), id)
	do(err)
	_, err = o.Approve(t.Context(), o.ask(o.bob, ""), id, "")
	if p = do(err); p.Status() != slipway.WaitForApproval || p.Approval.OpenLevel() != 1 {
		t.Fatalf("after Bob: %s, level %d", p.Status(), p.Approval.OpenLevel())
	}
	_, err = o.Approve(t.Context(), o.ask(o.root, ""), id, "")
	if p = do(err); p.Status() != slipway.Executing {
		t.Fatalf("after Root: %s", p.Status())
	}

	// The same once more: it was approved, through all that storing does to it.
	_, err = o.Replan(t.Context(), o.ask(o.alice, ""), id, "")
	do(err)
	again, err := o.Submit(t.Context(), o.ask(o.alice, ""), id)
	if p = do(err); p.Status() != slipway.Executing || !cmp.Equal(again.Entry.Data.Kept, []string{"Bob", "Root"}) {
		t.Errorf("the same again: %s, kept %v", p.Status(), again.Entry.Data.Kept)
	}
	// The engine has another workflow by now.
	o.engine.workflow = &slipway.Workflow{Name: "w", Params: []slipway.Param{{Name: "token", Value: "2", IsCredential: true}}}
	_, err = o.Replan(t.Context(), o.ask(o.alice, ""), id, "")
	do(err)
	_, err = o.Submit(t.Context(), o.ask(o.alice, ""), id)
	p = do(err)
	if changed := p.Approval.ChangedSince(o.bob.ID); p.Status() != slipway.WaitForApproval || len(changed) != 1 || changed[0].EN != "item “deploy”" {
		t.Errorf("another workflow: %s, changed %v", p.Status(), changed)
	}
}
