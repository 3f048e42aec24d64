//go:build linux

package local_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/local"
)

// helperRole makes the test binary a Slipway that starts one run and never ends.
const helperRole = "LOCAL_ENGINE_TEST_HELPER"

func TestMain(m *testing.M) {
	if dirs := os.Getenv(helperRole); dirs != "" {
		if err := helper(dirs); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		select {}
	}
	os.Exit(m.Run())
}

func helper(dirs string) error {
	dir, state, _ := strings.Cut(dirs, ":")
	e, err := local.New(config(dir, state))
	if err != nil {
		return err
	}
	definition, err := e.Resolve(context.Background(), named)
	if err != nil {
		return err
	}
	spec := named
	spec.Definition = definition
	ref, err := e.Start(context.Background(), slipway.Run{ID: "m", Workflow: spec}, engine.Mark{ID: "m", Place: e.Place()})
	if err != nil {
		return err
	}
	_, err = e.Watch(context.Background(), ref, engine.Observer{
		Lines: func(lines []engine.Line) {
			for _, line := range lines {
				fmt.Println(line.Text)
			}
		},
	})
	return err
}

// otherProcess starts a helper on the folders of a world and returns when its run has
// said "ready".
func otherProcess(t *testing.T, w world) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), helperRole+"="+w.dir+":"+w.state)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "ready" {
			return cmd
		}
		t.Log(lines.Text())
	}
	t.Fatalf("the helper ended: %v", lines.Err())
	return nil
}

func TestARunOfAKilledProcessIsSettledAndItsProcessesEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script(`sh -c 'trap "" TERM; echo $$ > pid; echo ready; while :; do sleep 0.05; done' &`, "wait"))
	other := otherProcess(t, w)
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()

	mark := engine.Mark{ID: "m", Place: w.Place()}
	ref, outcome, err := w.Find(t.Context(), mark)
	if err != nil || outcome != engine.Started {
		t.Fatalf("find: %q, outcome %d, %v", ref, outcome, err)
	}
	wantGone(t, filepath.Join(w.dir, "pid"))
	p := enginetest.Attach(t, w, mark, ref)
	result := p.End()
	if result.Status != engine.Failed || !strings.HasPrefix(result.Reason.EN, "Interrupted") || p.Jobs()["one"] != engine.Failed {
		t.Errorf("result is %+v, jobs %v", result, p.Jobs())
	}
	run, _ := enginetest.RunOf(t, w, named)
	_, err = w.Start(t.Context(), run, mark)
	enginetest.WantRefusal(t, err, slipway.Conflict, "")
}

func TestARunOfALivingProcessIsWatchedAndCancelledFromAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script("echo ready; sleep 600"))
	otherProcess(t, w)
	mark := engine.Mark{ID: "m", Place: w.Place()}
	ref, outcome, err := w.Find(t.Context(), mark)
	if err != nil || outcome != engine.Started {
		t.Fatalf("find: %q, outcome %d, %v", ref, outcome, err)
	}
	p := enginetest.Attach(t, w, mark, ref)
	end := p.Until("ready")
	for range 2 {
		if err := w.Cancel(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	if result := end(); result.Status != engine.Cancelled {
		t.Errorf("result is %+v", result)
	}
}

func TestAnInnocentProcessWithAUsedNumberLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script("exit 0"))
	innocent := exec.CommandContext(context.Background(), "sleep", "600")
	innocent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := innocent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = innocent.Process.Kill()
		_ = innocent.Wait()
	})
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	leader := map[string]any{"pid": innocent.Process.Pid, "start": "1", "boot": strings.TrimSpace(string(boot))}
	record, err := json.Marshal(map[string]any{"mark": "m", "owner": leader, "leaders": []any{leader}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.state, "runs", "m.json"), record, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, outcome, err := w.Find(t.Context(), engine.Mark{ID: "m", Place: w.Place()}); err != nil || outcome != engine.Started {
		t.Fatalf("outcome %d, %v", outcome, err)
	}
	if isGone(innocent.Process.Pid) {
		t.Error("the innocent process was killed")
	}
}
