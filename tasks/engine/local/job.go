package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// gate is what the shell reads first: it waits for a word on descriptor 3 and then
// becomes the shell that reads the script. The word is given when the process has
// been written down; if Slipway dies before, the script never begins.
const gate = `read -r go <&3 || exit 125; exec 3<&-; exec "$0" -e "$1"`

// drainTime is how long output is read after all processes of a job have ended. Only
// a process that left the group can still hold the other end.
const drainTime = time.Second

// runJob runs one job to its end.
func (r *run) runJob(s, j int, job *slipway.Job, workDir string) {
	r.changeJob(s, j, func(state *engine.JobState) {
		state.Status, state.Started = engine.Running, r.e.millis()
	})
	status, reason := r.runScript(s, j, job, workDir)
	r.changeJob(s, j, func(state *engine.JobState) {
		state.Status, state.Reason, state.Ended = status, reason, r.e.millis()
	})
}

func (r *run) runScript(s, j int, job *slipway.Job, workDir string) (engine.Status, slipway.Text) {
	spec := job.Spec.(*slipway.FreestyleSpec) // Resolve lets no other through
	script := filepath.Join(workDir, fmt.Sprintf("%d-%d.sh", s, j))
	if err := os.WriteFile(script, []byte(spec.Run), 0o600); err != nil {
		return r.broken(job, fmt.Errorf("write script: %w", err))
	}
	timeout := r.e.config.DefaultTimeout
	if spec.Timeout > 0 {
		timeout = time.Duration(spec.Timeout) * time.Second
	}
	p := &jobProcess{
		shell: r.e.config.Shell, script: script, dir: r.dir, grace: r.e.config.KillGrace,
		environ: r.environ(s, job, spec, filepath.Join(workDir, "shared")),
	}
	p.written = func(leader process) error {
		if !r.change(func() { r.rec.Leaders = append(r.rec.Leaders, leader) }) {
			return errors.New("process is not written down")
		}
		return nil
	}
	m := output.NewMasker(r.definition.Credentials())
	p.output = &output.Splitter{Limit: m.Limit(), Line: func(line []byte, cut bool) { r.say(job.Name, m.Line(line, cut)) }}

	ctx, cancel := context.WithTimeoutCause(r.ctx, timeout, errTimeout)
	defer cancel()
	state, err := p.run(ctx)
	cause := context.Cause(ctx)
	switch {
	case err != nil:
		return r.broken(job, err)
	case p.terminated && errors.Is(cause, errTimeout):
		return engine.Timeout, slipway.T("took longer than %s.", "运行时间超过 %s。", timeout)
	case p.terminated && errors.Is(cause, errInterrupted):
		return engine.Failed, slipway.T("interrupted.", "已中断。")
	case p.terminated:
		return engine.Cancelled, slipway.T("cancelled.", "已取消。")
	case state.Success():
		return engine.Passed, slipway.Text{}
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return engine.Failed, slipway.T("ended by signal %d (%s).", "被信号 %d（%s）终止。", int(status.Signal()), status.Signal())
	}
	return engine.Failed, slipway.T("exit code %d.", "退出码 %d。", state.ExitCode())
}

// broken is the outcome of a job that Slipway could not run.
func (r *run) broken(job *slipway.Job, err error) (engine.Status, slipway.Text) {
	r.e.config.Logger.Error("job cannot be run", "run_mark", r.rec.Mark, "job", job.Name, "error", err)
	return engine.Failed, slipway.T("could not be started on this machine; Slipway's log says why.",
		"无法在这台机器上启动，原因见 Slipway 的日志。")
}

// environ is the environment of a job. Later entries win, so nothing replaces what
// Slipway says about the run.
func (r *run) environ(s int, job *slipway.Job, spec *slipway.FreestyleSpec, shared string) []string {
	env := append([]string(nil), r.e.environ...)
	for _, p := range r.definition.Params {
		env = append(env, p.Name+"="+p.Value)
	}
	for _, kv := range spec.Envs {
		value := kv.Value
		if kv.Source == slipway.SourceReference {
			if p, found := referenced(r.definition, kv.Value); found {
				value = p.Value
			}
		}
		env = append(env, kv.Key+"="+value)
	}
	return append(
		env,
		"SLIPWAY_PLAN_ID="+r.asked.PlanID,
		"SLIPWAY_ITEM_ID="+r.asked.ItemID,
		fmt.Sprintf("SLIPWAY_TASK_ID=%d", r.asked.TaskID),
		"SLIPWAY_PROJECT="+r.definition.Project,
		"SLIPWAY_WORKFLOW="+r.definition.Name,
		"SLIPWAY_STAGE="+r.definition.Stages[s].Name,
		"SLIPWAY_JOB="+job.Name,
		"SLIPWAY_RUN_MARK="+r.rec.Mark,
		"SLIPWAY_RUN_DIR="+shared,
	)
}

// baseEnviron picks the named variables, and none of Slipway's own.
func baseEnviron(environ, pass []string) []string {
	var base []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "SLIPWAY_") {
			continue
		}
		for _, wanted := range pass {
			if name == wanted {
				base = append(base, variable)
			}
		}
	}
	return base
}

// jobProcess is the process group of a job.
type jobProcess struct {
	shell, script, dir string
	environ            []string
	grace              time.Duration
	output             *output.Splitter
	written            func(leader process) error // writes the leader down before the script begins

	terminated bool // set by run: the context ended first
}

// run runs the script until it ends or the context does, and leaves no process of
// the group behind. The error is why the script could not be begun.
func (p *jobProcess) run(ctx context.Context) (*os.ProcessState, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make output pipe: %w", err)
	}
	defer out.Close()
	word, start, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make gate: %w", err), in.Close())
	}
	defer start.Close() // closed before, unless something failed

	cmd := exec.Command(p.shell, "-c", gate, p.shell, p.script) //nolint:gosec,noctx // the operator's script; the group is ended below
	cmd.Dir, cmd.Env, cmd.SysProcAttr = p.dir, p.environ, groupAttributes()
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = in, in, []*os.File{word}
	life := begin(cmd)
	err = errors.Join(<-life.started, in.Close(), word.Close())
	if err != nil {
		close(life.swept)
		return nil, fmt.Errorf("start shell: %w", err)
	}
	drained := make(chan struct{})
	go func() {
		_, _ = io.Copy(p.output, out) // ends with the pipe, whatever the reason
		close(drained)
	}()

	group := cmd.Process.Pid
	leader, err := inspect(group)
	if err == nil {
		err = p.written(leader)
	}
	if err == nil {
		_, err = start.WriteString("go\n")
	}
	err = errors.Join(err, start.Close())
	if err == nil {
		p.await(ctx, group, life.ended)
	}
	killGroup(group)
	<-life.ended
	close(life.swept)
	<-life.reaped

	drain := time.NewTimer(drainTime)
	defer drain.Stop()
	select {
	case <-drained:
	case <-drain.C:
		_ = out.Close()
		<-drained
	}
	p.output.Flush()
	return cmd.ProcessState, err
}

// await returns when the leader has ended by itself, or when the context ended and
// the group has had its grace to end.
func (p *jobProcess) await(ctx context.Context, group int, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	p.terminated = true
	terminateGroup(group)
	grace := time.NewTimer(p.grace)
	defer grace.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for groupLives(group) {
		select {
		case <-grace.C:
			return
		case <-look.C:
		}
	}
}

// life tells how far a process is. The process is reaped after swept is closed.
type life struct {
	started chan error
	ended   chan struct{}
	swept   chan struct{}
	reaped  chan struct{}
}

// begin starts a process on a thread that lives as long as the process does, because
// the kernel kills the process when that thread ends.
func begin(cmd *exec.Cmd) life {
	l := life{make(chan error, 1), make(chan struct{}), make(chan struct{}), make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(l.reaped)
		err := cmd.Start()
		l.started <- err
		if err != nil {
			return
		}
		reap := awaitLeader(cmd)
		close(l.ended)
		<-l.swept
		_ = reap() // how it ended is read from cmd.ProcessState
	}()
	return l
}
