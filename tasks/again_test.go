package tasks

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/tasks/engine"
)

var (
	passed = engine.Result{Status: engine.Passed}
	failed = engine.Result{Status: engine.Failed, Reason: slipway.T("exit 1", "退出码 1")}
)

// fail executes the workflow item of a plan on the able engine, and the run fails there.
func (w *world) fail(t *testing.T) (*slipway.Plan, *storage.Run) {
	t.Helper()
	w.on = w.able.Name()
	p := w.executing(t, "deploy")
	row := w.begin(t, p)
	run := w.onlyRun(t, p.ID)
	w.soon(t, engine.Ref("ref-"+run.ID), failed)
	w.handle(t, row, Done)
	return w.look(t, p.ID), w.onlyRun(t, p.ID)
}

// soon ends a run of the able engine as soon as it is there and runs.
func (w *world) soon(t *testing.T, ref engine.Ref, result engine.Result) {
	t.Helper()
	go func() {
		eventually(t, "the run is under way", func() bool {
			w.able.mu.Lock()
			defer w.able.mu.Unlock()
			r := w.able.runs[ref]
			if r == nil {
				return false
			}
			select {
			case <-r.ended:
				return false
			default:
				return true
			}
		})
		w.able.end(ref, result)
	}()
}

// retry presses Retry and returns the row of the new run.
func (w *world) retry(t *testing.T, p *slipway.Plan, accept string) string {
	t.Helper()
	w.must(t)(w.Commands.Retry(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID, accept))
	return w.one(t, slipway.TaskRun)
}

func (w *world) newest(t *testing.T, planID string) *storage.Run {
	t.Helper()
	runs, err := w.Store.Runs(t.Context(), planID)
	if err != nil || len(runs) == 0 {
		t.Fatalf("runs %v, error %v", runs, err)
	}
	return &runs[len(runs)-1]
}

func TestWhatFailedIsRunAgainInItsEngine(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, first := w.fail(t)
		row := w.retry(t, p, "")
		w.soon(t, engine.Ref(first.Ref), passed)
		w.handle(t, row, Done)

		second := w.newest(t, p.ID)
		if second.ID == first.ID || second.Ref != first.Ref || second.Status != slipway.RunPassed {
			t.Errorf("the second run is %+v, the first was %+v", second, first)
		}
		if it := w.look(t, p.ID).Items[1]; it.Status != slipway.Done || len(w.able.begun()) != 1 {
			t.Errorf("the item is %s after %d starts", it.Status, len(w.able.begun()))
		}
	})
}

// What a process finds when the one before it died around running a run again, and what
// it does when the engine does not do so.
func TestRunningAgain(t *testing.T) {
	t.Parallel()
	cannot := func() error {
		return slipway.Refuse(slipway.Conflict, "It cannot be run again.", "无法重新运行。")
	}
	tests := []struct {
		name    string
		prepare func(t *testing.T, w *world, first *storage.Run, second *storage.Run)
		ending  Ending
		starts  int // beside the first
		again   int
		status  slipway.ItemStatus
		reason  string
	}{
		{
			name: "died before the engine was asked", ending: Done, again: 1, status: slipway.Done,
			prepare: func(t *testing.T, w *world, _, second *storage.Run) { w.dies(t, second, "0") },
		},
		{
			name: "died after the engine was asked", ending: Done, again: 1, status: slipway.Done,
			prepare: func(t *testing.T, w *world, first, second *storage.Run) {
				w.dies(t, second, "0")
				w.restart(first)
			},
		},
		{
			name: "the engine cannot", ending: Done, starts: 1, status: slipway.Done,
			prepare: func(_ *testing.T, w *world, _, _ *storage.Run) { w.able.retryAs = cannot },
		},
		{
			name: "a person did so before", ending: Done, again: 1, status: slipway.Done,
			prepare: func(_ *testing.T, w *world, first, _ *storage.Run) { w.restart(first) },
		},
		{
			name: "a person does so meanwhile", ending: Done, again: 1, status: slipway.Done,
			prepare: func(_ *testing.T, w *world, first, _ *storage.Run) {
				w.able.retryAs = func() error {
					w.able.restart(engine.Ref(first.Ref))
					return cannot()
				}
			},
		},
		{
			name: "the engine forgot the run", ending: Done, starts: 1, status: slipway.Done,
			prepare: func(_ *testing.T, w *world, first, _ *storage.Run) {
				w.able.mu.Lock()
				defer w.able.mu.Unlock()
				delete(w.able.runs, engine.Ref(first.Ref))
			},
		},
		{
			name: "the engine may not", ending: Done, status: slipway.Failed, reason: "Not allowed.",
			prepare: func(_ *testing.T, w *world, _, _ *storage.Run) {
				w.able.retryAs = func() error { return slipway.Refuse(slipway.Forbidden, "Not allowed.", "没有权限。") }
			},
		},
		{
			name: "the answer is lost", ending: Again, status: slipway.Running,
			prepare: func(_ *testing.T, w *world, _, _ *storage.Run) {
				w.able.retryAs = func() error { return errors.New("connection reset") }
			},
		},
		{
			name: "the engine is away", ending: Again, status: slipway.Running,
			prepare: func(_ *testing.T, w *world, _, _ *storage.Run) {
				w.able.attemptAs = func() error { return slipway.Refuse(slipway.Unavailable, "Away.", "没有响应。") }
			},
		},
		{
			name: "the engine is away for long after the crash", ending: Done, status: slipway.Failed, reason: "Start outcome unknown",
			prepare: func(t *testing.T, w *world, _, second *storage.Run) {
				w.dies(t, second, "0")
				w.able.attemptAs = func() error { return slipway.Refuse(slipway.Unavailable, "Away.", "没有响应。") }
				w.clock.advance(startPatience + time.Minute)
			},
		},
		{
			name: "it is to be stopped", ending: Done, status: slipway.Failed, reason: "The plan was cancelled",
			prepare: func(t *testing.T, w *world, _, second *storage.Run) {
				w.dies(t, second, "0")
				w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, second.PlanID, "no"))
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				p, first := w.fail(t)
				row := w.retry(t, p, "")
				second := w.newest(t, p.ID)
				tt.prepare(t, w, first, second)
				if tt.status == slipway.Done {
					ref := engine.Ref(first.Ref)
					if tt.starts > 0 {
						ref = engine.Ref("ref-" + second.ID)
					}
					w.soon(t, ref, passed)
				}
				w.handle(t, row, tt.ending)

				it := w.look(t, p.ID).Items[1]
				if it.Status != tt.status || !strings.HasPrefix(it.Reason.EN, tt.reason) {
					t.Errorf("the item is %s because %q", it.Status, it.Reason.EN)
				}
				w.able.mu.Lock()
				defer w.able.mu.Unlock()
				if n, again := len(w.able.starts)-1, w.able.attempts[engine.Ref(first.Ref)]; n != tt.starts || again != tt.again {
					t.Errorf("started %d times and run again %d times, want %d and %d", n, again, tt.starts, tt.again)
				}
			})
		})
	}
}

// dies leaves a run as a process does that died while it had it run again.
func (w *world) dies(t *testing.T, run *storage.Run, attempt string) {
	t.Helper()
	if err := errors.Join(w.Store.RunAttempt(t.Context(), run.ID, attempt), w.Store.RunStarting(t.Context(), run.ID)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) restart(run *storage.Run) {
	w.able.mu.Lock()
	defer w.able.mu.Unlock()
	w.able.restart(engine.Ref(run.Ref))
}

func TestTheRecheckOfAFailedRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(t *testing.T, w *world, p *slipway.Plan, run *storage.Run)
		ending  Ending
		verb    slipway.Verb // in the end of the log
	}{
		{"nothing happened", nil, Again, slipway.VerbRunEnded},
		{"restarted there", func(_ *testing.T, w *world, _ *slipway.Plan, run *storage.Run) { w.restart(run) }, Done, slipway.VerbRunResumed},
		{"gone there", func(_ *testing.T, w *world, _ *slipway.Plan, run *storage.Run) {
			w.able.mu.Lock()
			defer w.able.mu.Unlock()
			delete(w.able.runs, engine.Ref(run.Ref))
		}, Done, slipway.VerbRunEnded},
		{"skipped here", func(t *testing.T, w *world, p *slipway.Plan, _ *storage.Run) {
			w.must(t)(w.Commands.Skip(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID, "by hand"))
		}, Done, slipway.VerbSkip},
		{"after a week", func(_ *testing.T, w *world, _ *slipway.Plan, _ *storage.Run) { w.clock.advance(recheckFor) }, Done, slipway.VerbRunEnded},
		{"the engine is away", func(_ *testing.T, w *world, _ *slipway.Plan, _ *storage.Run) {
			w.able.attemptAs = func() error { return slipway.Refuse(slipway.Unavailable, "Away.", "没有响应。") }
		}, Again, slipway.VerbRunEnded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				p, run := w.fail(t)
				w.clock.advance(recheckFirst)
				row := w.one(t, slipway.TaskRecheck)
				if tt.prepare != nil {
					tt.prepare(t, w, p, run)
				}
				w.handle(t, row, tt.ending)
				if verbs := w.verbs(t, p.ID); verbs[len(verbs)-1] != tt.verb {
					t.Errorf("the log ends with %v", verbs)
				}
			})
		})
	}
}

func TestANoticeOfARestartIsHeededAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, first := w.fail(t)
		w.start(t)
		w.restart(first)
		w.hears(t, engine.Hint{Ref: engine.Ref(first.Ref)})
		eventually(t, "the run is followed", func() bool { return w.newest(t, p.ID).Phase == storage.RunPhaseStarted })
		w.able.end(engine.Ref(first.Ref), passed)
		eventually(t, "the item is done", func() bool { return w.look(t, p.ID).Items[1].Status == slipway.Done })
		if !slices.Contains(w.verbs(t, p.ID), slipway.VerbRunResumed) || len(w.able.begun()) != 1 {
			t.Errorf("log %v, %d starts", w.verbs(t, p.ID), len(w.able.begun()))
		}
	})
}

// A run that failed and runs again before that was written down is followed to its new
// end.
func TestARestartIsNotMissedWhileTheEndIsWritten(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		w.on = w.able.Name()
		p := w.executing(t, "deploy")
		row := w.begin(t, p)
		ref := engine.Ref("ref-" + w.onlyRun(t, p.ID).ID)
		restarted := false
		w.able.attemptAs = func() error {
			if !restarted {
				restarted = true
				w.able.restart(ref)
				w.soon(t, ref, passed)
			}
			return nil
		}
		w.soon(t, ref, failed)
		w.handle(t, row, Done)
		if it := w.look(t, p.ID).Items[1]; it.Status != slipway.Done {
			t.Errorf("the item is %s because %q", it.Status, it.Reason.EN)
		}
	})
}

func TestAChangedWorkflowIsShownAndRunOnlyAsSeen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.on = w.able.Name()
		w.able.version = "1"
		p := w.executing(t, "deploy")
		w.able.version = "2"
		w.able.startAs = func() error { return slipway.Refuse(slipway.Conflict, "It has changed.", "工作流有改动。") }
		w.handle(t, w.begin(t, p), Done)

		it := w.look(t, p.ID).Items[1]
		if it.Status != slipway.Failed || it.Workflow.Doubt != slipway.DoubtChanged || !slices.Contains(it.Workflow.Change.Lines, "remark: 1 → 2") {
			t.Fatalf("the item is %s, doubt %q, change %+v", it.Status, it.Workflow.Doubt, it.Workflow.Change)
		}
		_, err := w.Commands.Retry(t.Context(), commands.Ask{User: alice}, p.ID, it.ID, "")
		if slipway.CodeOf(err) != slipway.Conflict {
			t.Errorf("retried without a look at the change: %v", err)
		}
		w.able.startAs = nil
		row := w.retry(t, p, it.Workflow.Change.Digest)
		w.soon(t, engine.Ref("ref-"+w.newest(t, p.ID).ID), passed)
		w.handle(t, row, Done)
		if it := w.look(t, p.ID).Items[1]; it.Status != slipway.Done || it.Workflow.Definition.Remark != "2" {
			t.Errorf("the item is %s with version %s", it.Status, it.Workflow.Definition.Remark)
		}
	})
}

func TestARunOfUnknownStartIsAdopted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.on = w.able.Name()
		p := w.executing(t, "deploy")
		row := w.begin(t, p)
		written(t, w, w.onlyRun(t, p.ID))
		w.able.findAs = func() (engine.Outcome, error) { return engine.Unknowable, nil }
		w.handle(t, row, Done)
		it := w.look(t, p.ID).Items[1]
		if it.Status != slipway.Failed || it.Workflow.Doubt != slipway.DoubtUnknownStart {
			t.Fatalf("the item is %s, doubt %q", it.Status, it.Workflow.Doubt)
		}
		w.able.mu.Lock()
		w.able.add(engine.Mark{ID: "77"})
		w.able.mu.Unlock()
		w.must(t)(w.Commands.Adopt(t.Context(), commands.Ask{User: alice}, p.ID, it.ID, "77"))
		row = w.one(t, slipway.TaskRun)
		w.soon(t, "ref-77", passed)
		w.handle(t, row, Done)
		if it := w.look(t, p.ID).Items[1]; it.Status != slipway.Done || len(w.able.begun()) != 0 {
			t.Errorf("the item is %s after %d starts", it.Status, len(w.able.begun()))
		}
	})
}
