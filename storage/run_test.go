package storage_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// execute starts the run of the draft's workflow item.
func execute(tb testing.TB, s *storage.Store) *storage.Run {
	tb.Helper()
	p := executing(tb, s, draft(tb, "running"))
	req := ask(alice, noRules)
	out := move(tb, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Execute(req, p.Items[1].ID) })
	return mustRun(tb, s, out.Plan.Items[1].Workflow.RunID)
}

func mustRun(tb testing.TB, s *storage.Store, id string) *storage.Run {
	tb.Helper()
	run, err := s.Run(tb.Context(), id)
	must(tb, err)
	return run
}

// A run is noted as starting before its engine is called, once; what the engine says
// later is noted until it has ended, and not after.
func TestARunGoesFromItsCreationToItsEnd(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		run := execute(t, s)
		want := *run
		if run.Phase != storage.RunPhaseCreated || run.Status != slipway.RunCreated || run.Mark != run.ID || run.TaskID != 1 {
			t.Errorf("the new run: %+v", run)
		}
		must(t, s.RunStarting(ctx, run.ID))
		wantCode(t, s.RunStarting(ctx, run.ID), slipway.Conflict)
		if got := mustRun(t, s, run.ID); got.Phase != storage.RunPhaseStarting || got.Status != slipway.RunCreated {
			t.Errorf("the run when its engine is called: %+v", got)
		}
		must(t, s.RunStartedAs(ctx, run.ID, "pipeline-7", morning))
		const told = `{"status":"running","url":"https://engine.example.com/7"}`
		must(t, s.RunProgress(ctx, run.ID, json.RawMessage(told)))
		reason := slipway.T("exit status 1", "退出码 1")
		must(t, s.EndRun(ctx, run.ID, slipway.RunEnd{Status: slipway.RunFailed, Reason: reason}, morning.Add(time.Minute)))
		must(t, s.EndRun(ctx, run.ID, slipway.RunEnd{Status: slipway.RunPassed}, morning.Add(time.Hour)))
		must(t, s.RunStartedAs(ctx, run.ID, "another", morning.Add(time.Hour)))

		want.Phase, want.Status, want.Ref, want.URL = storage.RunPhaseEnded, slipway.RunFailed, "pipeline-7", "https://engine.example.com/7"
		want.Progress, want.Reason = json.RawMessage(told), reason
		want.StartedAt, want.EndedAt = morning.UnixMilli(), morning.Add(time.Minute).UnixMilli()
		runs, err := s.Runs(ctx, run.PlanID)
		if diff := cmp.Diff([]storage.Run{want}, runs, planDiff); err != nil || diff != "" {
			t.Errorf("the runs of the plan (-want +got): %v\n%s", err, diff)
		}
		_, err = s.Run(ctx, "none")
		wantCode(t, err, slipway.NotFound)
	})
}

func TestTheLogOfARunIsReadAsItGrows(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		run := execute(t, s)
		must(t, s.AppendRunLog(ctx, run.ID, []storage.LogLine{{At: 1, Job: "go", Text: "one ? 一"}, {At: 2, Job: "go", Text: "two"}}))
		must(t, s.AppendRunLog(ctx, run.ID, nil))
		must(t, s.AppendRunLog(ctx, run.ID, []storage.LogLine{{At: 3, Job: "vet", Text: "three \x00\xff"}}))
		read := func(after int64, limit int) []storage.LogLine {
			lines, err := s.RunLog(ctx, run.ID, after, limit)
			must(t, err)
			return lines
		}
		if diff := cmp.Diff([]storage.LogLine{{1, 1, "go", "one ? 一"}, {2, 2, "go", "two"}}, read(0, 2)); diff != "" {
			t.Errorf("the first lines (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]storage.LogLine{{3, 3, "vet", "three \uFFFD\uFFFD"}}, read(2, 100)); diff != "" {
			t.Errorf("the lines after (-want +got):\n%s", diff)
		}
		wantCode(t, s.AppendRunLog(ctx, "none", []storage.LogLine{{}}), slipway.NotFound)

		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if err := s.AppendRunLog(ctx, run.ID, []storage.LogLine{{Job: fmt.Sprint(i)}, {Job: fmt.Sprint(i)}}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		lines := read(3, 100)
		for i, l := range lines {
			if l.Seq != int64(4+i) || l.Job != lines[i-i%2].Job {
				t.Errorf("line %d of those written side by side: %+v", i, l)
			}
		}
		if len(lines) != 16 {
			t.Errorf("%d lines, want 16", len(lines))
		}
	})
}
