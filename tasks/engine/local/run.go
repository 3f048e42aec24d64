package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// Why a run ends before its jobs do.
var (
	errCancelled   = errors.New("cancelled")
	errInterrupted = errors.New("interrupted")
	errTimeout     = errors.New("timed out")
)

var (
	textCancelled   = slipway.T("Cancelled.", "已取消。")
	textInterrupted = slipway.T(
		"Interrupted: Slipway stopped while the workflow was running. Look how far it got before you retry it.",
		"已中断：工作流运行期间 Slipway 停止了运行。请先确认执行到了哪一步，再重试。")
)

// run is a run of this process that is under way.
type run struct {
	e          *Engine
	asked      slipway.Run
	definition *slipway.Workflow
	dir        string // where scripts run
	ctx        context.Context
	stop       context.CancelCauseFunc

	mu      sync.Mutex
	rec     record
	log     *runLog
	changed chan struct{} // closed and replaced at each change
}

// Start makes the record of the run, then runs it in the background.
func (e *Engine) Start(ctx context.Context, asked slipway.Run, mark engine.Mark) (engine.Ref, error) {
	if err := e.checkMark(mark); err != nil {
		return "", slipway.Refuse(slipway.Conflict, "This start was written down for another machine.",
			"这次启动是为另一台机器记录的。").Because(err)
	}
	f, w, err := e.resolve(asked.Workflow)
	if err != nil {
		return "", err
	}
	if !sameDefinition(w, asked.Workflow.Definition) {
		return "", slipway.Refuse(slipway.Conflict,
			"The workflow “%[1]s” changed since the plan was submitted, so it was not started. Replan, look at it, and submit again.",
			"工作流“%[1]s”在发布计划提交后发生了变化，因此没有启动。请重新规划，确认后再次提交。", w.Name)
	}
	r := &run{e: e, asked: asked, definition: w, dir: f.dir, changed: make(chan struct{})}
	// The run belongs to the engine: it goes on when whoever asked for it is gone.
	r.ctx, r.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	r.rec = record{Mark: mark.ID, Owner: e.self, State: firstState(w)}

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return "", slipway.Refuse(slipway.Unavailable, "Slipway is stopping; nothing is started.", "Slipway 正在停止，不再启动任何工作流。")
	}
	if err := e.records.create(&r.rec); errors.Is(err, fs.ErrExist) {
		return "", slipway.Refuse(slipway.Conflict, "This run was started before.", "这次运行此前已经启动。")
	} else if err != nil {
		return "", fmt.Errorf("record run %s: %w", mark.ID, err)
	}
	e.runs[mark.ID] = r
	e.done.Add(1)
	go r.execute() //nolint:contextcheck // the run has a context of its own
	return e.ref(mark.ID), nil
}

func firstState(w *slipway.Workflow) engine.State {
	state := engine.State{Status: engine.Queued, Stages: []engine.StageState{}}
	for _, stage := range w.Stages {
		s := engine.StageState{Name: stage.Name, Status: engine.Queued, Jobs: []engine.JobState{}}
		for i := range stage.Jobs {
			job := &stage.Jobs[i]
			status := engine.Queued
			if !willRun(job) {
				status = engine.Skipped
			}
			s.Jobs = append(s.Jobs, engine.JobState{Name: job.Name, Type: job.Type, Status: status})
		}
		s.Status = fold(s.Jobs)
		state.Stages = append(state.Stages, s)
	}
	return state
}

// fold is the status of a stage: that of the job that matters most.
func fold(jobs []engine.JobState) engine.Status {
	order := []engine.Status{
		engine.Running, engine.Queued, engine.Failed, engine.Timeout, engine.Cancelled, engine.Passed,
	}
	for _, status := range order {
		if slices.ContainsFunc(jobs, func(j engine.JobState) bool { return j.Status == status }) {
			return status
		}
	}
	return engine.Skipped
}

// execute runs the stages one after another and settles the run.
func (r *run) execute() {
	defer r.e.done.Done()
	defer r.stop(nil)
	go r.obeyCancelFile()

	workDir := r.e.records.path(r.rec.Mark, "")
	err := r.prepare(workDir)
	if err == nil {
		r.change(func() { r.rec.State.Status, r.rec.State.Started = engine.Running, r.e.millis() })
		for s := range r.definition.Stages {
			r.runStage(s, workDir)
		}
	}
	result := r.result(err)
	if err := os.RemoveAll(workDir); err != nil {
		r.e.config.Logger.Warn("run folder is left", "run_mark", r.rec.Mark, "error", err)
	}
	r.settle(result)
}

// prepare makes the private folder of the run and opens its log.
func (r *run) prepare(workDir string) error {
	if err := os.MkdirAll(workDir+"/shared", 0o700); err != nil {
		return fmt.Errorf("make run folder: %w", err)
	}
	log, err := openLog(r.e.records.path(r.rec.Mark, ".log"), r.e.config.MaxLogBytes)
	if err != nil {
		return err
	}
	r.log = log
	return nil
}

// runStage runs the jobs of a stage side by side. After a failure, or when the run
// was stopped, there is nothing left to do and they are skipped.
func (r *run) runStage(s int, workDir string) {
	over := context.Cause(r.ctx) != nil
	r.mu.Lock()
	for _, earlier := range r.rec.State.Stages[:s] {
		over = over || earlier.Status != engine.Passed && earlier.Status != engine.Skipped
	}
	r.mu.Unlock()

	var jobs sync.WaitGroup
	for j := range r.definition.Stages[s].Jobs {
		job := &r.definition.Stages[s].Jobs[j]
		switch {
		case !willRun(job):
		case over:
			r.changeJob(s, j, func(state *engine.JobState) { state.Status = engine.Skipped })
		default:
			jobs.Go(func() { r.runJob(s, j, job, workDir) })
		}
	}
	jobs.Wait()
}

// result folds the jobs of the run; err is why it could not begin.
func (r *run) result(err error) engine.Result {
	cause := context.Cause(r.ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.e.config.Logger.Error("run cannot begin", "run_mark", r.rec.Mark, "error", err)
		return engine.Result{Status: engine.Failed, Reason: slipway.T(
			"Slipway could not prepare the run; its log says why.", "Slipway 无法准备这次运行，原因见其日志。")}
	case r.allPassed():
		return engine.Result{Status: engine.Passed}
	case errors.Is(cause, errCancelled):
		return engine.Result{Status: engine.Cancelled, Reason: textCancelled}
	case errors.Is(cause, errInterrupted):
		return engine.Result{Status: engine.Failed, Reason: textInterrupted}
	}
	return worst(r.rec.State)
}

func (r *run) allPassed() bool {
	for s := range r.definition.Stages {
		for j := range r.definition.Stages[s].Jobs {
			if willRun(&r.definition.Stages[s].Jobs[j]) && r.rec.State.Stages[s].Jobs[j].Status != engine.Passed {
				return false
			}
		}
	}
	return true
}

// worst names the jobs that failed, or else those that took too long.
func worst(state engine.State) engine.Result {
	for _, status := range []engine.Status{engine.Failed, engine.Timeout} {
		var reasons []slipway.Text
		for _, stage := range state.Stages {
			for _, job := range stage.Jobs {
				if job.Status == status {
					reasons = append(reasons, slipway.T("Job “%[1]s”: %[2]s", "任务“%[1]s”：%[2]s", job.Name, job.Reason))
				}
			}
		}
		if len(reasons) > 0 {
			result := engine.Result{Status: status, Reason: reasons[0]}
			for _, more := range reasons[1:] {
				result.Reason = slipway.T("%[1]s %[2]s", "%[1]s%[2]s", result.Reason, more)
			}
			return result
		}
	}
	return engine.Result{Status: engine.Failed, Reason: textInterrupted}
}

// settle writes the result down. From then on the file alone answers for the run; if
// it cannot be written, the run stays in memory.
func (r *run) settle(result engine.Result) {
	if r.log != nil {
		if err := r.log.close(); err != nil {
			r.e.config.Logger.Error("run log is incomplete", "run_mark", r.rec.Mark, "error", err)
		}
	}
	saved := r.change(func() {
		r.rec.Result, r.rec.State.Status, r.rec.State.Ended = &result, result.Status, r.e.millis()
	})
	if saved {
		r.e.mu.Lock()
		delete(r.e.runs, r.rec.Mark)
		r.e.mu.Unlock()
	}
	r.e.config.Logger.Info("local run ended", "run_mark", r.rec.Mark, "workflow", r.definition.Name,
		"status", string(result.Status), "duration", time.Duration(r.rec.State.Ended-r.rec.State.Started)*time.Millisecond)
}

// change changes the record, saves it and wakes the watchers. It tells whether the
// record is saved.
func (r *run) change(edit func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	edit()
	err := r.e.records.save(&r.rec)
	if err != nil {
		r.e.config.Logger.Error("run is not saved", "run_mark", r.rec.Mark, "error", err)
	}
	r.wake()
	return err == nil
}

// changeJob changes a job within its stage.
func (r *run) changeJob(s, j int, edit func(*engine.JobState)) {
	r.change(func() {
		stage := &r.rec.State.Stages[s]
		edit(&stage.Jobs[j])
		stage.Status = fold(stage.Jobs)
	})
}

func (r *run) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// snapshot returns a copy of the record, and what is closed at its next change.
func (r *run) snapshot() (*record, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	copied := r.rec
	copied.State.Stages = slices.Clone(r.rec.State.Stages)
	for i := range copied.State.Stages {
		copied.State.Stages[i].Jobs = slices.Clone(copied.State.Stages[i].Jobs)
	}
	return &copied, r.changed
}

// say adds a line to the log of the run.
func (r *run) say(job, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.log.add(engine.Line{At: r.e.millis(), Job: job, Text: text}); err != nil {
		r.e.config.Logger.Error("line is not logged", "run_mark", r.rec.Mark, "error", err)
	}
	r.wake()
}

// obeyCancelFile stops the run when another process asks for it.
func (r *run) obeyCancelFile() {
	ticker := time.NewTicker(r.e.config.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-ticker.C:
			if _, err := os.Stat(r.e.records.path(r.rec.Mark, ".cancel")); err == nil {
				r.stop(errCancelled)
			}
		}
	}
}

func (e *Engine) millis() int64 { return e.config.Now().UnixMilli() }

// runLog is the file with the lines of a run.
type runLog struct {
	file *os.File
	left int64
	seq  int64
	full bool
}

func openLog(path string, limit int64) (*runLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // in the state folder
	if err != nil {
		return nil, fmt.Errorf("open run log: %w", err)
	}
	return &runLog{file: f, left: limit}, nil
}

// lineCost is what a line counts beside its text, so that empty lines fill the log too.
const lineCost = 64

// add writes a line and gives it its number. After the limit it writes one line that
// says so, and no more.
func (l *runLog) add(line engine.Line) error {
	if l.full {
		return nil
	}
	if l.left -= int64(len(line.Text)) + lineCost; l.left < 0 {
		l.full = true
		line.Text = "… the log is too long and ends here / 日志过长，此后不再记录"
	}
	l.seq++
	line.Seq = l.seq
	data, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = l.file.Write(append(data, '\n'))
	return err
}

func (l *runLog) close() error { return errors.Join(l.file.Sync(), l.file.Close()) }
