package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/tasks/engine"
)

// begin executes the plan's workflow item and returns the row of its run.
func (w *world) begin(t *testing.T, p *slipway.Plan) string {
	t.Helper()
	w.must(t)(w.Commands.Execute(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID))
	return w.one(t, slipway.TaskRun)
}

func (w *world) ref(t *testing.T, planID string) engine.Ref {
	t.Helper()
	return engine.Ref("ref-" + w.onlyRun(t, planID).ID)
}

func TestARunIsStartedWatchedAndSettled(t *testing.T) {
	t.Parallel()
	tests := []struct {
		result engine.Result
		want   slipway.ItemStatus
	}{
		{engine.Result{Status: engine.Passed}, slipway.Done},
		{engine.Result{Status: engine.Failed, Reason: slipway.T("exit 1", "退出码 1")}, slipway.Failed},
		{engine.Result{Status: engine.Timeout, Reason: slipway.T("too long", "超时")}, slipway.Failed},
	}
	for _, tt := range tests {
		t.Run(string(tt.result.Status), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				p := w.executing(t, "deploy")
				row := w.begin(t, p)
				topics := w.Notices.Subscribe(t.Context())
				ending := make(chan Ending)
				go func() { ending <- w.Handle(t.Context(), row) }()
				eventually(t, "the plan says that the run has begun", func() bool {
					return w.look(t, p.ID).Items[1].Workflow.RunStatus == slipway.RunRunning
				})
				run := w.onlyRun(t, p.ID)
				eventually(t, "the run page is told", func() bool { return receive(t, "a notice", topics) == TopicRun+run.ID })

				w.engine.end(w.ref(t, p.ID), tt.result)

				if got := receive(t, "the task ends", ending); got != Done {
					t.Fatalf("ending %q, log:\n%s", got, w.logged)
				}
				run = w.onlyRun(t, p.ID)
				lines, err := w.Store.RunLog(t.Context(), run.ID, 0, 10)
				if err != nil || len(lines) != 2 || lines[1].Text != "world" {
					t.Errorf("log %v, error %v", lines, err)
				}
				var state engine.State
				if err := json.Unmarshal(run.Progress, &state); err != nil || state.Status != engine.Running {
					t.Errorf("progress %s, error %v", run.Progress, err)
				}
				if run.Phase != storage.RunPhaseEnded || run.Status != tt.result.Status.RunStatus() || run.Reason != tt.result.Reason {
					t.Errorf("run %s %s %v, want %v", run.Phase, run.Status, run.Reason, tt.result)
				}
				it := w.look(t, p.ID).Items[1]
				if it.Status != tt.want || it.Reason != tt.result.Reason || it.Workflow.URL != "https://engine.example.com/"+run.ID {
					t.Errorf("item %s %v at %s", it.Status, it.Reason, it.Workflow.URL)
				}
				if diff := cmp.Diff([]string{run.ID + "@the network"}, w.engine.begun()); diff != "" {
					t.Errorf("starts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What a process finds of a run whose process died, by how far that one came and what
// the engine says. Nothing is ever started that may run already.
func TestARunWhoseProcessDied(t *testing.T) {
	t.Parallel()
	away := errors.New("engine is away")
	tests := []struct {
		name   string
		before func(t *testing.T, w *world, run *storage.Run)
		finds  func() (engine.Outcome, error)
		age    time.Duration
		ending Ending
		starts int
		status slipway.ItemStatus
		reason string
	}{
		{name: "before anything was written down", ending: Done, starts: 1, status: slipway.Done},
		{
			name: "before the start", before: written, ending: Done, starts: 1, status: slipway.Done,
		},
		{
			name: "after the start", before: startedUnwritten, ending: Done, status: slipway.Done,
		},
		{
			name: "after the start was written down", before: started, ending: Done, status: slipway.Done,
		},
		{
			name: "after half of the log", before: halfLogged, ending: Done, status: slipway.Done,
		},
		{
			name: "after the end was written down", before: ended, ending: Done, status: slipway.Failed, reason: "exit 1",
		},
		{
			name: "and the engine cannot know", before: written,
			finds:  func() (engine.Outcome, error) { return engine.Unknowable, nil },
			ending: Done, status: slipway.Failed, reason: "Start outcome unknown",
		},
		{
			name: "and the engine is away for a while", before: written,
			finds:  func() (engine.Outcome, error) { return engine.Unknowable, away },
			ending: Again, status: slipway.Running,
		},
		{
			name: "and the engine is away for long", before: written, age: startPatience,
			finds:  func() (engine.Outcome, error) { return engine.Unknowable, away },
			ending: Done, status: slipway.Failed, reason: "Start outcome unknown",
		},
		{
			name: "and the engine has forgotten the run", before: func(t *testing.T, w *world, run *storage.Run) {
				started(t, w, run)
				clear(w.engine.runs)
			}, ending: Done, status: slipway.Failed, reason: "The engine no longer knows the run",
		},
		{
			name: "and it was to be stopped before the start", before: func(t *testing.T, w *world, run *storage.Run) {
				w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, run.PlanID, "no"))
			}, ending: Done, status: slipway.Failed, reason: "The plan was cancelled",
		},
		{
			name: "and it was to be stopped meanwhile", before: func(t *testing.T, w *world, run *storage.Run) {
				written(t, w, run)
				w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, run.PlanID, "no"))
			}, ending: Done, status: slipway.Failed, reason: "The plan was cancelled",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				p := w.executing(t, "deploy")
				row := w.begin(t, p)
				run := w.onlyRun(t, p.ID)
				if tt.before != nil {
					tt.before(t, w, run)
				}
				w.engine.mu.Lock()
				w.engine.findAs = tt.finds
				for _, r := range w.engine.runs {
					r.result = engine.Result{Status: engine.Passed}
					close(r.ended)
				}
				w.engine.mu.Unlock()
				w.clock.advance(tt.age)
				if tt.starts > 0 {
					go func() {
						eventually(t, "the run is started", func() bool { return w.started(run.ID) })
						w.engine.end(engine.Ref("ref-"+run.ID), engine.Result{Status: engine.Passed})
					}()
				}

				w.handle(t, row, tt.ending)

				if got := w.engine.begun(); len(got) != tt.starts {
					t.Errorf("started %v, want %d starts", got, tt.starts)
				}
				it := w.look(t, p.ID).Items[1]
				if it.Status != tt.status || !strings.HasPrefix(it.Reason.EN, tt.reason) {
					t.Errorf("the item is %s because %q, want %s because %q", it.Status, it.Reason.EN, tt.status, tt.reason)
				}
				lines, err := w.Store.RunLog(t.Context(), run.ID, 0, 10)
				if err != nil || len(lines) != 0 && len(lines) != 2 {
					t.Errorf("log %v, error %v; want each line once", lines, err)
				}
				if ended := w.onlyRun(t, p.ID).Phase == storage.RunPhaseEnded; ended != (tt.ending == Done) {
					t.Errorf("the run has ended: %t", ended)
				}
			})
		})
	}
}

// started tells whether the engine has a run.
func (w *world) started(id string) bool {
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	return w.engine.runs[engine.Ref("ref-"+id)] != nil
}

// The ways in which a process may have died.

func written(t *testing.T, w *world, run *storage.Run) {
	t.Helper()
	place := json.RawMessage(`{"place":"the network"}`)
	if err := errors.Join(w.Store.RunProgress(t.Context(), run.ID, place), w.Store.RunStarting(t.Context(), run.ID)); err != nil {
		t.Fatal(err)
	}
}

func startedUnwritten(t *testing.T, w *world, run *storage.Run) {
	t.Helper()
	written(t, w, run)
	w.engine.add(engine.Mark{ID: run.ID})
}

func started(t *testing.T, w *world, run *storage.Run) {
	t.Helper()
	startedUnwritten(t, w, run)
	if err := w.Store.RunStartedAs(t.Context(), run.ID, "ref-"+run.ID, morning); err != nil {
		t.Fatal(err)
	}
}

func halfLogged(t *testing.T, w *world, run *storage.Run) {
	t.Helper()
	started(t, w, run)
	if err := w.Store.AppendRunLog(t.Context(), run.ID, []storage.LogLine{{At: 1, Job: "go", Text: "hello"}}); err != nil {
		t.Fatal(err)
	}
}

func ended(t *testing.T, w *world, run *storage.Run) {
	t.Helper()
	started(t, w, run)
	if err := w.Store.EndRun(t.Context(), run.ID, slipway.RunEnd{Status: slipway.RunFailed, Reason: slipway.T("exit 1", "退出码 1")}, morning); err != nil {
		t.Fatal(err)
	}
}

func TestAStartThatIsRefusedOrFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		err    error
		ending Ending
		reason string
	}{
		{"refused", slipway.Refuse(slipway.Conflict, "The workflow has changed.", "工作流已变化。"), Done, "The workflow has changed."},
		{"not now", slipway.Refuse(slipway.Unavailable, "Too busy.", "繁忙。"), Again, ""},
		{"nobody knows", errors.New("connection reset"), Again, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				p := w.executing(t, "deploy")
				w.engine.startAs = func() error { return tt.err }
				w.handle(t, w.begin(t, p), tt.ending)
				if it := w.look(t, p.ID).Items[1]; it.Reason.EN != tt.reason || (it.Status == slipway.Failed) != (tt.reason != "") {
					t.Errorf("the item is %s because %q", it.Status, it.Reason.EN)
				}
			})
		})
	}
}

func TestARunOfAnEngineThatIsNoLongerConfiguredFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.executing(t, "deploy")
		row := w.begin(t, p)
		w.Engines = NewEngines()
		w.handle(t, row, Done)
		if it := w.look(t, p.ID).Items[1]; it.Status != slipway.Failed || !strings.Contains(it.Reason.EN, `no engine "fake"`) {
			t.Errorf("the item is %s because %q", it.Status, it.Reason.EN)
		}
	})
}

func TestCancellingAPlanCancelsItsRuns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.executing(t, "deploy")
		w.start(t)
		w.must(t)(w.Commands.Execute(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID))
		eventually(t, "the run is under way", func() bool { return w.onlyRun(t, p.ID).Phase == storage.RunPhaseStarted })

		w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, p.ID, "not today"))

		eventually(t, "the run is cancelled and its task gone", func() bool {
			return w.onlyRun(t, p.ID).Status == slipway.RunCancelled && w.count(t, slipway.TaskRun) == 0
		})
	})
}

// A run that outlives the process is left to the next one, at once.
func TestARunIsHandedOverWhenTheProcessEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.executing(t, "deploy")
		w.start(t)
		w.must(t)(w.Commands.Execute(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID))
		eventually(t, "the run is under way", func() bool { return w.onlyRun(t, p.ID).Phase == storage.RunPhaseStarted })

		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			t.Fatal(err)
		}

		if it := w.look(t, p.ID).Items[1]; it.Status != slipway.Running {
			t.Fatalf("the item is %s because %q", it.Status, it.Reason.EN)
		}
		next := w.join(t, w.Store, "")
		row := w.one(t, slipway.TaskRun)
		w.engine.end(w.ref(t, p.ID), engine.Result{Status: engine.Passed})
		if got := next.Handle(t.Context(), row); got != Done {
			t.Fatalf("ending %q", got)
		}
		if it := w.look(t, p.ID).Items[1]; it.Status != slipway.Done || len(w.engine.begun()) != 1 {
			t.Errorf("the item is %s after %d starts", it.Status, len(w.engine.begun()))
		}
	})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	engines := NewEngines(newFakeEngine())
	tests := []struct {
		engine, workflow string
		problems         []slipway.Problem
		err              slipway.Code
	}{
		{engine: "fake", workflow: "deploy"},
		{engine: "jenkins", workflow: "deploy", problems: []slipway.Problem{{
			Path: "engine", Text: slipway.T(`There is no engine "jenkins" here. Known: fake.`, `没有名为 "jenkins" 的引擎。现有：fake。`),
		}}},
		{engine: "fake", workflow: "missing", problems: []slipway.Problem{{
			Path: "workflow", Text: slipway.T(`There is no workflow "missing".`, `没有工作流 "missing"。`),
		}}},
		{engine: "fake", workflow: "broken", problems: []slipway.Problem{{Path: "params.version"}}},
		{engine: "fake", workflow: "away", err: slipway.Unavailable},
	}
	for _, tt := range tests {
		w, problems, err := engines.Resolve(t.Context(), &slipway.WorkflowSpec{Engine: tt.engine, Name: tt.workflow})
		if diff := cmp.Diff(tt.problems, problems); diff != "" || slipway.CodeOf(err) != tt.err {
			t.Errorf("%s %s: error %v, problems (-want +got):\n%s", tt.engine, tt.workflow, err, diff)
		}
		if (w != nil) != (tt.problems == nil && tt.err == "") {
			t.Errorf("%s %s: workflow %v", tt.engine, tt.workflow, w)
		}
	}
}
