package storage_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// Everything that a plan can hold comes back as it was written, whatever the letters.
func TestAPlanComesBackAsItWas(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		d := draft(t, `支付 4.2 'x' "y" \ % _ ? ?0 🚀`)
		d.ScheduleExecuteTime = d.StartTime + 120
		d.Items[1].Workflow.Inputs = json.RawMessage(`[{"a":"<b> & 'c' \\ ? "}]`)
		d.Items[1].Workflow.Definition = deploy(t)
		d.Items[1].Workflow.Inline = true
		p := create(t, s, d)
		req := ask(alice, noRules)
		out := move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) {
			p.Gate = &slipway.Gate{
				Event: slipway.EventStartExecute, State: slipway.GateFailed, OpenedAt: 1, Reason: slipway.T("no", "不"),
				Waits: []slipway.Wait{{Endpoint: "office", DeliveryID: "msg_1", Code: "c1", State: slipway.GateFailed, Since: 1}},
			}
			p.Phase, p.Round, p.Version, p.CancelReason, p.ScheduleFired, p.RunSeq = slipway.PhaseFinishPlanning, 2, 3, "why", true, 7
			p.Overrides = []slipway.Overriding{{Event: slipway.EventFinishPlanning, By: "管理员", Reason: "now", At: 2}}
			p.PlanningTime, p.FinishPlanningTime, p.ApprovalTime, p.ExecutingTime, p.SuccessTime = 1, 2, 3, 4, 5
			p.Approval.Votes = []slipway.Vote{{By: bob.Ref(), Approve: true, Comment: "ok", At: 9}}
			p.Approval.Result = slipway.ApprovalPassed
			it := p.Items[1]
			it.Status, it.Remark, it.Reason, it.ExecutedBy, it.ExecutedTime = slipway.Failed, "r", slipway.T("e", "错"), "系统", 8
			it.Workflow.RunID, it.Workflow.TaskID, it.Workflow.RunStatus, it.Workflow.URL = "r1", 7, slipway.RunTimeout, "https://x"
			return p.Resend(req, &slipway.Delivery{ID: "msg_1", Endpoint: "office", Event: slipway.EventStartExecute})
		})
		read := mustPlan(t, s, p.ID)
		if diff := cmp.Diff(out.Plan, read, planDiff); diff != "" {
			t.Errorf("the plan (-written +read):\n%s", diff)
		}
		if got, want := string(read.Items[1].Workflow.Inputs), string(d.Items[1].Workflow.Inputs); got != want {
			t.Errorf("inputs are %s, want %s", got, want)
		}
		byIndex, err := s.PlanByIndex(t.Context(), p.Index)
		if err != nil || byIndex.ID != p.ID {
			t.Errorf("plan #%d: %v, %v", p.Index, byIndex, err)
		}
		_, err = s.Plan(t.Context(), "nope\x00")
		wantCode(t, err, slipway.NotFound)
		_, err = s.PlanByIndex(t.Context(), 99)
		wantCode(t, err, slipway.NotFound)
	})
}

// No database text holds the NUL character and ill-formed UTF-8; people's slips are kept
// as replacement characters, not answered with a fault.
func TestIllFormedTextIsKeptReadable(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		d := bare("odd")
		d.Description = "nul \x00 and half a letter \xe5\x8f"
		p := create(t, s, d)
		if got, want := mustPlan(t, s, p.ID).Description, "nul \uFFFD and half a letter \uFFFD\uFFFD"; got != want {
			t.Errorf("description %q, want %q", got, want)
		}
	})
}

// Items that trade places and names, come and go: the schema's unique indexes are never
// in the way, and what was done stays.
func TestItemsTradePlaces(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		d := bare("moving")
		for _, name := range []string{"b", "c", "d"} {
			d.Items = append(d.Items, &slipway.Item{Name: name, Type: slipway.TextItem, Text: &slipway.TextSpec{Content: name}})
		}
		p := create(t, s, d)
		edit := func(change func(*slipway.Draft)) *slipway.Plan {
			req := ask(alice, noRules)
			out := move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) {
				d := p.Draft()
				change(&d)
				return p.Edit(req, d)
			})
			read := mustPlan(t, s, p.ID)
			if diff := cmp.Diff(out.Plan, read, planDiff); diff != "" {
				t.Fatalf("the plan (-written +read):\n%s", diff)
			}
			return read
		}
		edit(func(d *slipway.Draft) { d.Items[0], d.Items[3] = d.Items[3], d.Items[0] })
		edit(func(d *slipway.Draft) { d.Items[1].Name, d.Items[2].Name = d.Items[2].Name, d.Items[1].Name })
		edit(func(d *slipway.Draft) { d.Items = d.Items[1:] })
		read := edit(func(d *slipway.Draft) {
			d.Items = append([]*slipway.Item{{Name: "new", Type: slipway.TextItem, Text: &slipway.TextSpec{Content: "n"}}}, d.Items...)
		})
		var names []string
		for _, it := range read.Items {
			names = append(names, it.Name)
		}
		if diff := cmp.Diff([]string{"new", "c", "b", "announce"}, names); diff != "" {
			t.Errorf("items (-want +got):\n%s", diff)
		}
	})
}

// A large workflow as the documents show it is frozen whole, and taking part in a
// change does not cost its parsing each time: the reads share it.
func TestAFrozenWorkflowIsKeptWhole(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		data, err := os.ReadFile("../testdata/hook-example.json")
		if err != nil {
			t.Fatal(err)
		}
		var example struct {
			Plan struct {
				Jobs []struct {
					Spec struct{ Workflow *slipway.Workflow }
				}
			} `json:"release_plan"`
		}
		if err := json.Unmarshal(data, &example); err != nil {
			t.Fatal(err)
		}
		d := draft(t, "documented")
		var frozen *slipway.Workflow
		for _, job := range example.Plan.Jobs {
			if job.Spec.Workflow != nil {
				frozen = job.Spec.Workflow
			}
		}
		d.Items[1].Workflow.Definition, d.Items[1].Workflow.Inline = frozen, true
		p := create(t, s, d)
		one, two := mustPlan(t, s, p.ID), mustPlan(t, s, p.ID)
		if !one.Items[1].Workflow.Definition.Equal(frozen) {
			t.Error("the workflow differs from what was frozen")
		}
		if one.Items[1].Workflow.Definition != two.Items[1].Workflow.Definition {
			t.Error("the workflow was parsed twice")
		}
	})
}
