//go:build unix

package local_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/local"
)

// workflows are the files of the suite's scenarios.
var workflows = map[enginetest.Scenario]string{
	enginetest.Passes: `
name: passes
stages: [{name: s, jobs: [{name: one, type: freestyle, spec: {run: "echo hello"}}]}]
`,
	enginetest.Fails: `
name: fails
stages:
  - name: first
    jobs:
      - {name: bad, type: freestyle, spec: {run: "touch $SLIPWAY_RUN_DIR/failed; exit 3"}}
      - {name: good, type: freestyle, spec: {run: "while [ ! -e $SLIPWAY_RUN_DIR/failed ]; do sleep 0.01; done"}}
  - {name: second, jobs: [{name: never, type: freestyle, spec: {run: "exit 0"}}]}
`,
	enginetest.Blocks: `
name: blocks
stages: [{name: s, jobs: [{name: one, type: freestyle, spec: {run: "echo $SLIPWAY_RUN_MARK >> started; echo ready; sleep 600"}}]}]
`,
	enginetest.Slow: `
name: slow
stages: [{name: s, jobs: [{name: one, type: freestyle, spec: {run: "sleep 600", timeout: 1}}]}]
`,
	enginetest.Params: `
name: params
params:
  - {name: GREETING, type: text}
  - {name: TARGET, type: choice, choice_option: [a, b], default: a}
stages:
  - name: s
    jobs:
      - name: one
        type: freestyle
        spec:
          envs: [{key: COPY, value: "{{.workflow.params.TARGET}}", source: reference}]
          run: printf '[%s][%s]\n' "$GREETING" "$COPY"
`,
	enginetest.Secret: `
name: secret
params: [{name: TOKEN, type: string, is_credential: true}]
stages: [{name: s, jobs: [{name: one, type: freestyle, spec: {run: "echo \"<$TOKEN>\""}}]}]
`,
	enginetest.Chatter: `
name: chatter
stages: [{name: s, jobs: [{name: one, type: freestyle, spec: {run: "for i in $(seq 200); do echo $i; done"}}]}]
`,
	enginetest.Stages: `
name: stages
stages:
  - name: first
    jobs:
      - &meet
        name: left
        type: freestyle
        spec:
          run: |
            touch "$SLIPWAY_RUN_DIR/$SLIPWAY_JOB"
            while [ "$(ls "$SLIPWAY_RUN_DIR" | wc -l)" -lt 2 ]; do sleep 0.01; done
      - {<<: *meet, name: right}
  - {name: second, jobs: [{name: last, type: freestyle, spec: {run: "test -e $SLIPWAY_RUN_DIR/left"}}]}
`,
	enginetest.Broken: `
name: broken
stages: [{name: s, jobs: [{name: odd, type: zadig-build, spec: {}}]}]
`,
}

// world is an engine of its own with a workflows folder.
type world struct {
	*local.Engine
	dir, state string
}

func newWorld(t *testing.T, files ...string) world {
	t.Helper()
	w := world{dir: t.TempDir(), state: t.TempDir()}
	for i, file := range files {
		w.write(t, fmt.Sprintf("w%d.yaml", i), file)
	}
	w.Engine = w.another(t)
	return w
}

// another returns an engine of another process.
func (w world) another(t *testing.T) *local.Engine {
	t.Helper()
	e := open(t, w.dir, w.state)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), enginetest.Patience)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}

func open(t *testing.T, dir, state string) *local.Engine {
	t.Helper()
	e, err := local.New(config(dir, state))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func config(dir, state string) local.Config {
	return local.Config{
		Dir: dir, StateDir: state, Rand: rand.Reader, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Environ: append(os.Environ(), "SLIPWAY_ADMIN_TOKEN=never-shown", "OTHER=hidden"), Pass: []string{"PATH", "SLIPWAY_ADMIN_TOKEN"},
		KillGrace: time.Second, MaxLogBytes: 64 << 10, Poll: 20 * time.Millisecond,
	}
}

func (w world) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// script is a workflow named w with one job and a script.
func script(lines ...string) string {
	return "name: w\nstages: [{name: s, jobs: [{name: one, type: freestyle, spec: {run: " +
		strconv.Quote(strings.Join(lines, "\n")) + "}}]}]\n"
}

var named = slipway.WorkflowSpec{Engine: local.Name, Name: "w"}

func TestConformance(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		t.Helper()
		var files []string
		for _, file := range workflows {
			files = append(files, file)
		}
		w := newWorld(t, files...)
		return enginetest.World{
			Engine: w.Engine,
			Another: func(s enginetest.Settings) engine.Engine {
				if s.WrongToken {
					return nil
				}
				return w.another(t)
			},
			Starts: func(mark string) int {
				started, err := os.ReadFile(filepath.Join(w.dir, "started"))
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
				return strings.Count(string(started), mark+"\n")
			},
			Workflow: func(s enginetest.Scenario) (slipway.WorkflowSpec, bool) {
				_, ok := workflows[s]
				return slipway.WorkflowSpec{Engine: local.Name, Name: string(s)}, ok
			},
		}
	})
}

func TestAScriptSeesItsRunAndNoSecretOfSlipway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "project: p\n"+script("env | grep -v -e ^PATH= -e ^PWD= -e ^_= -e ^SHLVL= -e RUN_DIR | sort", "pwd"))
	p := enginetest.Start(t, w, named)
	p.End()
	dir, err := filepath.EvalSymlinks(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"SLIPWAY_ITEM_ID=item", "SLIPWAY_JOB=one", "SLIPWAY_PLAN_ID=plan", "SLIPWAY_PROJECT=p",
		"SLIPWAY_RUN_MARK=" + p.Mark.ID, "SLIPWAY_STAGE=s", "SLIPWAY_TASK_ID=7", "SLIPWAY_WORKFLOW=w", dir,
	}
	if diff := cmp.Diff(want, p.Texts()); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestCancelEndsGrandchildrenThatRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script(`sh -c 'trap "" TERM; echo $$ > pid; echo ready; while :; do sleep 0.05; done' &`, "wait"))
	p := enginetest.Start(t, w, named)
	end := p.Until("ready")
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if result := end(); result.Status != engine.Cancelled {
		t.Errorf("result is %+v", result)
	}
	wantGone(t, filepath.Join(w.dir, "pid"))
}

func TestACancelledScriptMayTidyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script(`trap 'echo tidy; exit 0' TERM`, "echo ready", "while :; do sleep 0.02; done"))
	p := enginetest.Start(t, w, named)
	end := p.Until("ready")
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if result := end(); result.Status != engine.Cancelled {
		t.Errorf("result is %+v", result)
	}
	if texts := p.Texts(); texts[len(texts)-1] != "tidy" {
		t.Errorf("log is %q", texts)
	}
}

func TestNothingIsLeftBehindAScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script("sleep 600 & echo $! > pid"))
	p := enginetest.Start(t, w, named)
	if result := p.End(); result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
	wantGone(t, filepath.Join(w.dir, "pid"))
	if _, err := os.Stat(filepath.Join(w.state, "runs", p.Mark.ID)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the run's folder is left: %v", err)
	}
}

func TestCloseInterruptsRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script("echo ready; sleep 600"))
	p := enginetest.Start(t, w, named)
	end := p.Until("ready")
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if result := end(); result.Status != engine.Failed || !strings.Contains(result.Reason.EN, "Interrupted") {
		t.Errorf("result is %+v", result)
	}
	run, mark := enginetest.RunOf(t, w, named)
	mark.ID += "-2"
	_, err := w.Start(t.Context(), run, mark)
	if slipway.CodeOf(err) != slipway.Unavailable {
		t.Errorf("start after close: %v", err)
	}
}

func TestSkippedJobsAndReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
name: w
stages:
  - name: s
    jobs:
      - {name: off, type: jenkins, run_policy: skip}
      - {name: choose, type: freestyle, run_policy: default_not_run, spec: {run: "exit 1"}}
      - {name: strict, type: freestyle, spec: {run: "false; echo not reached"}}
      - {name: killed, type: freestyle, spec: {run: "kill -9 $$"}}
`)
	p := enginetest.Start(t, w, named)
	result := p.End()
	want := slipway.Text{
		EN: "Job “strict”: exit code 1. Job “killed”: ended by signal 9 (killed).",
		ZH: "任务“strict”：退出码 1。任务“killed”：被信号 9（killed）终止。",
	}
	if diff := cmp.Diff(engine.Result{Status: engine.Failed, Reason: want}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	jobs := map[string]engine.Status{
		"off": engine.Skipped, "choose": engine.Skipped, "strict": engine.Failed, "killed": engine.Failed,
	}
	if diff := cmp.Diff(jobs, p.Jobs()); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestALogEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script("yes 0123456789012345678901234567890123456789 | head -n 5000"))
	p := enginetest.Start(t, w, named)
	if result := p.End(); result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
	texts := p.Texts()
	if len(texts) != 64<<10/(40+64)+1 || !strings.Contains(texts[len(texts)-1], "too long") {
		t.Errorf("%d lines, the last is %q", len(texts), texts[len(texts)-1])
	}
}

func TestPruneForgetsAfterSevenDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script("echo hello"))
	p := enginetest.Start(t, w, named)
	p.End()
	for _, tt := range []struct {
		days int
		want engine.Outcome
	}{{6, engine.Started}, {8, engine.NeverStarted}} {
		if err := w.Prune(time.Now().Add(time.Duration(tt.days) * 24 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, outcome, err := w.Find(t.Context(), p.Mark); err != nil || outcome != tt.want {
			t.Errorf("after %d days: outcome %d, %v", tt.days, outcome, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(w.state, "runs", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// wantGone waits until the process whose number is in a file has ended.
func wantGone(t *testing.T, pidFile string) {
	t.Helper()
	data, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.After(enginetest.Patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !isGone(pid) {
		select {
		case <-deadline:
			t.Fatalf("process %d still lives", pid)
		case <-tick.C:
		}
	}
}

// isGone tells whether a process has ended; a zombie has.
func isGone(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil {
		return true
	}
	out, err := exec.CommandContext(context.Background(), "ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}
