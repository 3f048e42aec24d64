package tasks

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/tasks/engine/local"
)

// useLocal gives the world the local engine with two workflows.
func (w *world) useLocal(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{"greet": "echo hello $NAME", "sleep": "echo ready; sleep 600"} {
		text := "name: " + name + "\nparams: [{name: NAME, type: string, default: world}]\n" +
			"stages: [{name: s, jobs: [{name: one, type: freestyle, spec: {run: '" + script + "'}}]}]\n"
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x, err := local.New(local.Config{
		Dir: dir, StateDir: t.TempDir(), Rand: rand.Reader, Now: time.Now, KillGrace: 100 * time.Millisecond,
		Environ: os.Environ(), Logger: slog.New(slog.NewTextHandler(w.logged, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Engines = NewEngines(x)
	w.Commands.Workflows = w.Engines
}

func (w *world) executeLocally(t *testing.T, workflow string) *slipway.Plan {
	t.Helper()
	p := w.plan(t, func(d *slipway.Draft) {
		d.Items = append(d.Items, &slipway.Item{
			Name: workflow, Type: slipway.WorkflowItem,
			Workflow: &slipway.WorkflowSpec{Engine: local.Name, Name: workflow, Params: map[string]string{"NAME": "Slipway"}},
		})
	})
	w.must(t)(w.Commands.Start(t.Context(), commands.Ask{User: alice}, p.ID))
	return w.must(t)(w.Commands.Execute(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID))
}

func TestALocalWorkflowRuns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.useLocal(t)
		w.start(t)

		p := w.executeLocally(t, "greet")

		eventually(t, "the item is done", func() bool { return w.look(t, p.ID).Items[1].Status == slipway.Done })
		lines, err := w.Store.RunLog(t.Context(), w.onlyRun(t, p.ID).ID, 0, 10)
		if err != nil || len(lines) != 1 || lines[0].Text != "hello Slipway" {
			t.Errorf("log %v, error %v", lines, err)
		}
	})
}

// A local run cannot outlive the process, so it is ended with it, visibly.
func TestALocalRunEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.useLocal(t)
		w.start(t)
		p := w.executeLocally(t, "sleep")
		eventually(t, "the workflow is under way", func() bool {
			lines, err := w.Store.RunLog(t.Context(), w.onlyRun(t, p.ID).ID, 0, 1)
			return err == nil && len(lines) == 1
		})

		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			t.Fatal(err)
		}

		it := w.look(t, p.ID).Items[1]
		if it.Status != slipway.Failed || !strings.HasPrefix(it.Reason.EN, "Interrupted") {
			t.Errorf("the item is %s because %q", it.Status, it.Reason.EN)
		}
		if run := w.onlyRun(t, p.ID); run.Phase != storage.RunPhaseEnded || w.count(t, slipway.TaskRun) != 0 {
			t.Errorf("the run is %s, with %d tasks", run.Phase, w.count(t, slipway.TaskRun))
		}
	})
}
