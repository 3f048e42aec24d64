package storage_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// ended brings a run to its end as an engine would, having taken so long.
func ended(tb testing.TB, s *storage.Store, run *storage.Run, ref string, end slipway.RunEnd, began time.Time, took time.Duration) {
	tb.Helper()
	ctx := tb.Context()
	must(tb, s.RunStartedAs(ctx, run.ID, ref, began))
	must(tb, s.EndRun(ctx, run.ID, end, began.Add(took)))
	req := ask(root, noRules)
	req.Actor = slipway.SystemActor()
	move(tb, s, run.PlanID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.RunEnded(req, run.ID, end) })
}

// follow makes the next run of a plan's workflow item.
func follow(tb testing.TB, s *storage.Store, planID string, fn func(slipway.Request, *slipway.Plan, *slipway.Item) (*slipway.Change, error)) *storage.Run {
	tb.Helper()
	req := ask(alice, noRules)
	out := move(tb, s, planID, req, func(p *slipway.Plan) (*slipway.Change, error) { return fn(req, p, p.Items[1]) })
	return mustRun(tb, s, out.Plan.Items[1].Workflow.RunID)
}

func TestARunKeepsWhyItIsInDoubt(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		run := execute(t, s)
		now := deploy(t)
		now.Description = "another ? 描述"
		end := slipway.RunEnd{
			Status: slipway.RunFailed, Reason: slipway.T("It was changed.", "已改动。"),
			Doubt: slipway.DoubtChanged, Change: slipway.CompareDefinitions(deploy(t), now),
		}
		ended(t, s, run, "", end, morning, time.Second)
		if diff := cmp.Diff(end, mustRun(t, s, run.ID).End()); diff != "" {
			t.Errorf("the run's end (-want +got):\n%s", diff)
		}
		it := mustPlan(t, s, run.PlanID).Items[1]
		if it.Workflow.Doubt != slipway.DoubtChanged || !cmp.Equal(it.Workflow.Change, end.Change) {
			t.Errorf("the item is %+v", it.Workflow)
		}
		// What is accepted is frozen, in the plan and in its run.
		again := follow(t, s, run.PlanID, func(req slipway.Request, p *slipway.Plan, it *slipway.Item) (*slipway.Change, error) {
			req.Actor = bob.Actor() // who approved the plan
			return p.Retry(req, it.ID, end.Change.Digest, now)
		})
		it = mustPlan(t, s, run.PlanID).Items[1]
		if !it.Workflow.Definition.Equal(now) || !again.Workflow.Definition.Equal(now) || it.Workflow.Change != nil || again.Again != "" {
			t.Errorf("accepted: item %+v, run %+v", it.Workflow, again)
		}
	})
}

func TestWaitPointsAreKeptWithTheItem(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		run := execute(t, s)
		req := ask(root, noRules)
		waits := []slipway.RunWait{{Job: "approve", For: slipway.T("the operators", "运维人员"), Answerable: true}, {Job: "ticket ?"}}
		move(t, s, run.PlanID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.RunWaits(req, run.ID, waits) })
		req = ask(alice, noRules)
		move(t, s, run.PlanID, req, func(p *slipway.Plan) (*slipway.Change, error) {
			return p.Decide(req, p.Items[1].ID, "", true, "go")
		})
		waits[0].By = "Alice"
		if diff := cmp.Diff(waits, mustPlan(t, s, run.PlanID).Items[1].Workflow.Wait); diff != "" {
			t.Errorf("wait points (-want +got):\n%s", diff)
		}
		if n, err := s.TaskCounts(t.Context()); err != nil || n[slipway.TaskAnswer] != 1 {
			t.Errorf("tasks: %v, %v", n, err)
		}
	})
}

func TestARunIsFoundByItsNameInTheEngine(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		failed := slipway.RunEnd{Status: slipway.RunFailed}
		first := execute(t, s)
		for _, ref := range []string{"7", ""} {
			_, err := s.RunByRef(ctx, "local", ref)
			wantCode(t, err, slipway.NotFound)
		}
		ended(t, s, first, "7", failed, morning, time.Minute)
		if got, err := s.RunByRef(ctx, "local", "7"); err != nil || got.ID != first.ID {
			t.Fatalf("found %+v, %v", got, err)
		}
		_, err := s.RunByRef(ctx, "zadig", "7")
		wantCode(t, err, slipway.NotFound)

		second := follow(t, s, first.PlanID, func(req slipway.Request, p *slipway.Plan, it *slipway.Item) (*slipway.Change, error) {
			return p.Retry(req, it.ID, "", nil)
		})
		if second.Again != first.ID || second.Ref != "" {
			t.Errorf("the retried run is %+v", second)
		}
		ended(t, s, second, "7", failed, morning, time.Minute)
		third := follow(t, s, first.PlanID, func(req slipway.Request, p *slipway.Plan, _ *slipway.Item) (*slipway.Change, error) {
			req.Actor = slipway.SystemActor()
			return p.RunResumed(req, second.ID, "7")
		})
		if third.Ref != "7" || third.Phase != storage.RunPhaseCreated {
			t.Errorf("the resumed run is %+v", third)
		}
		if got, err := s.RunByRef(ctx, "local", "7"); err != nil || got.ID != third.ID {
			t.Errorf("of three runs with one name: %+v, %v", got, err)
		}
	})
}

func TestWhatAnEngineReportsIsKeptWithTheRun(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		run := execute(t, s)
		if report, err := s.RunReport(ctx, run.ID); report != nil || err != nil {
			t.Errorf("before any: %s, %v", report, err)
		}
		for _, said := range []string{`{"status":"running"}`, `{"status":"passed?","文":"\u0000"}`} {
			must(t, s.SaveRunReport(ctx, run.ID, json.RawMessage(said)))
			if report, err := s.RunReport(ctx, run.ID); string(report) != said || err != nil {
				t.Errorf("kept %s, %v", report, err)
			}
		}
		_, err := s.RunReport(ctx, "none")
		wantCode(t, err, slipway.NotFound)
		wantCode(t, s.SaveRunReport(ctx, "none", json.RawMessage(`{}`)), slipway.NotFound)

		must(t, s.RunAttempt(ctx, run.ID, "2"))
		if got := mustRun(t, s, run.ID).Attempt; got != "2" {
			t.Errorf("attempt %q", got)
		}
	})
}

func TestWhatIsUsualIsToldByWholeRunsOfTheWorkflowThatPassed(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		passed, failed := slipway.RunEnd{Status: slipway.RunPassed}, slipway.RunEnd{Status: slipway.RunFailed}
		for i := range 4 {
			ended(t, s, execute(t, s), fmt.Sprint(i), passed, morning.Add(time.Duration(i)*time.Hour), time.Duration(i+1)*time.Minute)
		}
		run := execute(t, s)
		ended(t, s, run, "x", failed, morning.Add(9*time.Hour), time.Second)
		again := follow(t, s, run.PlanID, func(req slipway.Request, p *slipway.Plan, it *slipway.Item) (*slipway.Change, error) {
			return p.Retry(req, it.ID, "", nil)
		})
		ended(t, s, again, "x", passed, morning.Add(10*time.Hour), time.Second)
		usual := func(change func(*slipway.WorkflowSpec)) []time.Duration {
			d := draft(t, "running")
			change(d.Items[1].Workflow)
			p, req := executing(t, s, d), ask(alice, noRules)
			out := move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Execute(req, p.Items[1].ID) })
			return glance(t, s, mustRun(t, s, out.Plan.Items[1].Workflow.RunID)).Usual
		}
		want := []time.Duration{4 * time.Minute, 3 * time.Minute, 2 * time.Minute, time.Minute}
		if got := usual(func(*slipway.WorkflowSpec) {}); !slices.Equal(got, want) {
			t.Errorf("took %v; want %v", got, want)
		}
		for name, change := range map[string]func(*slipway.WorkflowSpec){
			"another engine":   func(w *slipway.WorkflowSpec) { w.Engine = "zadig" },
			"another project":  func(w *slipway.WorkflowSpec) { w.Project = "payments" },
			"another workflow": func(w *slipway.WorkflowSpec) { w.Name = "build" },
		} {
			if got := usual(change); len(got) != 0 {
				t.Errorf("%s took %v", name, got)
			}
		}
	})
}

func TestRunsToStopAreFoundAtOnce(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		a, b := execute(t, s), execute(t, s)
		if stop, err := s.RunsToStop(ctx, []string{a.ID, b.ID}); err != nil || len(stop) != 0 {
			t.Errorf("before a cancel: %v, %v", stop, err)
		}
		req := ask(alice, noRules)
		move(t, s, b.PlanID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Cancel(req, "not needed") })
		if stop, err := s.RunsToStop(ctx, []string{a.ID, b.ID, "none"}); err != nil || !slices.Equal(stop, []string{b.ID}) {
			t.Errorf("after the cancel of %s: %v, %v", b.ID, stop, err)
		}
		if stop, err := s.RunsToStop(ctx, []string{a.ID}); err != nil || len(stop) != 0 {
			t.Errorf("of the others: %v, %v", stop, err)
		}
		if stop, err := s.RunsToStop(ctx, nil); err != nil || stop != nil {
			t.Errorf("of none: %v, %v", stop, err)
		}
	})
}

func TestPlansOnTheirWayAreFoundByWhatTheyRun(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		using := func(name, engine, project string) *slipway.Plan {
			d := draft(t, name)
			d.Items[1].Workflow.Engine, d.Items[1].Workflow.Project = engine, project
			return create(t, s, d)
		}
		first := using("first", "git_hub", "org/pay%ments")
		using("another project", "git_hub", "org/payments")
		using("another engine", "githhub", "org/pay%ments")
		create(t, s, bare("no workflow"))
		over := using("over", "git_hub", "org/pay%ments")
		req := ask(alice, noRules)
		move(t, s, over.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Cancel(req, "not needed") })
		last := executing(t, s, func() slipway.Draft {
			d := draft(t, "last")
			d.Items[1].Workflow.Engine, d.Items[1].Workflow.Project = "git_hub", "org/pay%ments"
			return d
		}())
		plans, err := s.PlansUsing(t.Context(), "git_hub", "org/pay%ments")
		must(t, err)
		if diff := cmp.Diff([]*slipway.Plan{mustPlan(t, s, first.ID), mustPlan(t, s, last.ID)}, plans, planDiff); diff != "" {
			t.Errorf("plans (-want +got):\n%s", diff)
		}
	})
}

func TestManyLeasesAreRenewedAtOnce(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		var leases []*storage.Lease
		for i := range 1200 { // more than SQLite takes as one expression
			id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
			task := slipway.Task{ID: id, Kind: slipway.TaskRun, Key: "run:?" + id, PlanID: "p", RunAt: morning.UnixMilli()}
			must(t, s.PutTask(ctx, task, morning))
			l, err := s.LeaseTask(ctx, id, "me", morning, time.Minute)
			must(t, err)
			leases = append(leases, l)
		}
		// One is finished, one has run out and is another's.
		must(t, s.FinishTask(ctx, leases[3]))
		must(t, s.RetryTask(ctx, leases[7], morning, ""))
		stolen, err := s.LeaseTask(ctx, leases[7].Task.ID, "another", morning, time.Hour)
		must(t, err)

		until := morning.Add(5 * time.Minute)
		lost, err := s.RenewLeases(ctx, leases, until)
		if err != nil || !slices.Equal(lost, []*storage.Lease{leases[3], leases[7]}) {
			t.Fatalf("%d lost, %v", len(lost), err)
		}
		if !leases[0].Until.Equal(until) || !leases[3].Until.Equal(morning.Add(time.Minute)) {
			t.Errorf("until %s and %s", leases[0].Until, leases[3].Until)
		}
		if l, err := s.LeaseTask(ctx, leases[0].Task.ID, "another", until.Add(-time.Second), time.Minute); l != nil || err != nil {
			t.Errorf("taken although it was renewed: %+v, %v", l, err)
		}
		if kept, err := renewed(ctx, s, stolen, until); !kept || err != nil {
			t.Errorf("the other's lease: %t, %v", kept, err)
		}
		if lost, err := s.RenewLeases(ctx, nil, until); lost != nil || err != nil {
			t.Errorf("none at all: %v, %v", lost, err)
		}
	})
}
