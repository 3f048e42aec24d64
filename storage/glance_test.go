package storage_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

func glance(tb testing.TB, s *storage.Store, run *storage.Run) *storage.Glance {
	tb.Helper()
	seen, err := s.Glances(tb.Context(), mustPlan(tb, s, run.PlanID))
	must(tb, err)
	return seen[run.ID]
}

// What is shown of a run: where it is while it is under way and how long its like took,
// how its output ends once it has failed.
func TestAGlanceAtRuns(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		if seen, err := s.Glances(ctx, executing(t, s, draft(t, "idle"))); err != nil || seen != nil {
			t.Errorf("nothing runs, but there is %v, %v", seen, err)
		}
		for i := range 7 {
			at := morning.Add(time.Duration(i) * time.Hour)
			ended(t, s, execute(t, s), "", slipway.RunEnd{Status: slipway.RunPassed}, at, time.Duration(i)*time.Minute)
		}
		run := execute(t, s)
		must(t, s.RunProgress(ctx, run.ID, json.RawMessage(`{"place":"here"}`)))
		usual := []time.Duration{6 * time.Minute, 5 * time.Minute, 4 * time.Minute, 3 * time.Minute, 2 * time.Minute}
		want := &storage.Glance{ID: run.ID, Status: slipway.RunCreated, Usual: usual}
		if diff := cmp.Diff(want, glance(t, s, run)); diff != "" {
			t.Errorf("a run that is being started (-want +got):\n%s", diff)
		}
		must(t, s.RunStartedAs(ctx, run.ID, "7", morning))
		must(t, s.RunProgress(ctx, run.ID, json.RawMessage(
			`{"status":"running","stages":[{"name":"all ?","status":"running","jobs":[{"name":"go","status":"failed","reason":{"en":"no","zh":"否"}}]}]}`)))
		for i := range 5 {
			must(t, s.AppendRunLog(ctx, run.ID, []storage.LogLine{{At: int64(i), Job: "go", Text: fmt.Sprint("line ", i)}}))
		}
		job := storage.RunJob{Name: "go", Status: "failed", Reason: slipway.T("no", "否")}
		want.Status, want.StartedAt = slipway.RunRunning, morning.UnixMilli()
		want.State = &storage.RunState{Status: "running", Stages: []storage.RunStage{{Name: "all ?", Status: "running", Jobs: []storage.RunJob{job}}}}
		got := glance(t, s, run)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("a run under way (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(&job, got.State.Job("go")); diff != "" || got.State.Job("stop") != nil {
			t.Errorf("its job (-want +got):\n%s", diff)
		}
		must(t, s.EndRun(ctx, run.ID, slipway.RunEnd{Status: slipway.RunFailed}, morning.Add(time.Minute)))
		want.Status, want.EndedAt, want.Usual = slipway.RunFailed, morning.Add(time.Minute).UnixMilli(), nil
		for i := 2; i < 5; i++ {
			want.Tail = append(want.Tail, storage.LogLine{Seq: int64(i + 1), At: int64(i), Job: "go", Text: fmt.Sprint("line ", i)})
		}
		if diff := cmp.Diff(want, glance(t, s, run)); diff != "" {
			t.Errorf("a run that failed (-want +got):\n%s", diff)
		}
	})
}

// Cards are painted again when their runs move on, however often that happens while one
// is painted, and none of it puts off a card that is waiting for its turn.
func TestCardsAreRefreshedWithoutAChangeOfThePlan(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p := create(t, s, bare("shown"))
		putCard(t, s, storage.CardRef{PlanID: p.ID, Platform: "slack", RoomID: "C1", MessageID: "1.1", Seq: p.Seq}, false)
		stale := func() storage.CardRef { return cardsOf(t, s, p.ID)[0] }
		must(t, s.RefreshCards(ctx, p.ID, morning))
		painted := stale()
		if painted.StaleAt != morning.UnixMilli() {
			t.Fatalf("refreshed: %+v", painted)
		}
		if behind, err := s.PlansBehind(ctx); err != nil || !cmp.Equal(behind, []string{p.ID}) {
			t.Errorf("behind: %v, %v", behind, err)
		}
		must(t, s.RefreshCards(ctx, p.ID, morning.Add(time.Hour)))
		must(t, s.NoteCard(ctx, &painted))
		if now := stale(); now.StaleAt != morning.UnixMilli()+1 {
			t.Errorf("refreshed while it was painted: %+v", now)
		}
		now := stale()
		must(t, s.NoteCard(ctx, &now))
		if now := stale(); now.StaleAt != 0 {
			t.Errorf("painted: %+v", now)
		}
		if n, err := s.TaskCounts(ctx); err != nil || n[slipway.TaskCard] != 1 {
			t.Errorf("tasks: %v, %v", n, err)
		}
	})
}
