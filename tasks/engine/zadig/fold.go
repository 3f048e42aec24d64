package zadig

import (
	"slipway"
	"slipway/tasks/engine"
)

// folded is Zadig's word for where a run, a stage or a job is, in ours. A job that has
// not begun has no word.
func folded(word string) engine.Status {
	switch word {
	case "", "created", "waiting", "queued", "blocked", "pending", "prepare":
		return engine.Queued
	case "running", "distributed":
		return engine.Running
	case "pause", "wait_for_approval", "wait_for_manual_error_handling", "debug_before", "debug_after":
		return engine.Waiting
	case "passed", "unstable":
		return engine.Passed
	case "failed", "reject":
		return engine.Failed
	case "timeout":
		return engine.Timeout
	case "cancelled":
		return engine.Cancelled
	case "skipped", "disabled", "notRun":
		return engine.Skipped
	}
	return engine.Unknown // "changed" is of notices only
}

// over tells whether a run has ended. Its end time does not tell: a paused run has one.
func over(t *task) bool {
	switch t.Status {
	case "passed", "failed", "timeout", "cancelled", "reject":
		return true
	}
	return folded(t.Status).Over()
}

// state folds a run.
func (v *view) state(t *task) engine.State {
	s := engine.State{
		Status: folded(t.Status), URL: v.e.page(t.Project, t.Workflow, t.ID), Stages: []engine.StageState{},
		Started: millis(t.StartTime), Waits: v.waits(t),
	}
	switch s.Status {
	case engine.Skipped:
		s.Status = engine.Failed
	case engine.Queued:
		s.Started = 0 // until then it is when the run was made
	case engine.Running, engine.Waiting, engine.Passed, engine.Failed, engine.Cancelled, engine.Timeout, engine.Unknown:
	}
	running := false
	for i := range t.Stages {
		stage := engine.StageState{Name: t.Stages[i].Name, Status: folded(t.Stages[i].Status)}
		for j := range t.Stages[i].Jobs {
			job := v.job(t, &t.Stages[i].Jobs[j])
			running = running || job.Status == engine.Running
			stage.Jobs = append(stage.Jobs, job)
		}
		if v.over && !stage.Status.Over() {
			stage.Status = settledStatus(t, stage.Status)
		}
		s.Stages = append(s.Stages, stage)
	}
	switch {
	case v.over:
		s.Ended, s.Waits = max(millis(t.EndTime), s.Started), nil
	case s.Status.Over():
		s.Status, s.Waits = engine.Running, nil // its jobs are about to stop
	case s.Status == engine.Running && len(s.Waits) > 0 && !running:
		s.Status = engine.Waiting // Zadig says that it runs
	case s.Status == engine.Waiting && len(s.Waits) == 0:
		s.Status = engine.Running // somebody has just answered
	}
	if s.Status == engine.Waiting {
		s.WaitFor = s.Waits[0].For
	}
	return s
}

// settledStatus is what becomes of what was not over when its run ended: jobs stop a
// moment after their run, and those that had not begun never will.
func settledStatus(t *task, s engine.Status) engine.Status {
	switch {
	case s == engine.Queued:
		return engine.Skipped
	case folded(t.Status) == engine.Passed:
		return s
	}
	return folded(t.Status)
}

func (v *view) job(t *task, j *taskJob) engine.JobState {
	shown := engine.JobState{
		Name: v.name(t, j), Type: j.Type, Status: folded(j.Status), Started: millis(j.StartTime), Ended: millis(j.EndTime),
	}
	if v.over && !shown.Status.Over() {
		shown.Status = settledStatus(t, shown.Status)
	}
	if shown.Status == engine.Failed || shown.Status == engine.Timeout {
		shown.Reason = v.why(j)
	}
	return shown
}

// name is what people call a job; if several are called so, what Zadig calls it.
func (v *view) name(t *task, j *taskJob) string {
	same := 0
	for _, s := range t.Stages {
		for _, other := range s.Jobs {
			if other.DisplayName == j.DisplayName {
				same++
			}
		}
	}
	if j.DisplayName == "" || same > 1 {
		return j.Name
	}
	return j.DisplayName
}

// why says for people why a job failed.
func (v *view) why(j *taskJob) slipway.Text {
	switch {
	case j.Status == "reject":
		return slipway.T("It was rejected.", "审批被拒绝。")
	case j.Error != "":
		said := v.clean(j.Error)
		return slipway.T("Zadig says: %s", "Zadig 给出的原因：%s", said)
	case j.Status == "timeout":
		return slipway.T("It took longer than its timeout.", "执行时间超过了超时限制。")
	}
	return slipway.T("It failed; its log says more.", "执行失败，详见日志。")
}

// millis turns Zadig's Unix seconds into milliseconds.
func millis(seconds int64) int64 { return seconds * 1000 }
