package github

import (
	"fmt"
	"slices"
	"time"

	gh "github.com/google/go-github/v93/github"

	"slipway"
	"slipway/tasks/engine"
)

// job is a job of a run, of one attempt.
type job struct {
	id                 int64
	attempt            int
	name               string
	status, conclusion string // GitHub's words
	url                string
	started, ended     time.Time
	begun              bool   // it has steps
	steps              int    // that are over
	failed             string // the step that failed
	late               bool   // its log says that it took too long
}

func newJob(j *gh.WorkflowJob) job {
	made := job{
		id: j.GetID(), attempt: max(1, int(j.GetRunAttempt())), name: j.GetName(), status: j.GetStatus(), conclusion: j.GetConclusion(),
		url: j.GetHTMLURL(), started: j.GetStartedAt().Time, ended: j.GetCompletedAt().Time, begun: len(j.Steps) > 0,
	}
	for _, step := range j.Steps {
		if step.GetStatus() == "completed" {
			made.steps++
		}
		if step.GetConclusion() == "failure" && made.failed == "" {
			made.failed = step.GetName()
		}
	}
	return made
}

// folded is GitHub's words for where a run or a job is, in ours.
func folded(status, conclusion string) engine.Status {
	switch status {
	case "queued", "requested", "pending":
		return engine.Queued
	case "in_progress":
		return engine.Running
	case "waiting":
		return engine.Waiting
	case "completed":
	default:
		return engine.Unknown
	}
	switch conclusion {
	case "success", "neutral":
		return engine.Passed
	case "failure", "startup_failure":
		return engine.Failed
	case "cancelled":
		return engine.Cancelled
	case "skipped":
		return engine.Skipped
	case "timed_out", "stale":
		return engine.Timeout
	case "action_required":
		return engine.Waiting
	}
	return engine.Unknown
}

func (j *job) folded() engine.Status {
	s := folded(j.status, j.conclusion)
	if j.late && (s == engine.Cancelled || s == engine.Failed) {
		return engine.Timeout
	}
	return s
}

// newest returns the last attempt of each job, in the order of the first ones. What did
// not pass in an earlier attempt of the run, and is not listed in this one, is still to
// come; it has no status.
func newest(all []job, attempt int) []job {
	var present []job
	seen := map[string]int{} // jobs of a name, in an attempt: they may be several
	places := map[string]int{}
	for _, j := range all {
		of := fmt.Sprintf("%d %s", j.attempt, j.name)
		seen[of]++
		key := fmt.Sprintf("%d %s", seen[of], j.name)
		if i, found := places[key]; found {
			present[i] = j
			continue
		}
		places[key] = len(present)
		present = append(present, j)
	}
	for i, j := range present {
		if j.attempt < attempt && j.folded() != engine.Passed {
			present[i] = job{name: j.name, attempt: attempt}
		}
	}
	return present
}

// state folds the run and its jobs.
func (v *view) state() engine.State {
	s := engine.State{Status: folded(v.run.GetStatus(), v.run.GetConclusion()), URL: v.run.GetHTMLURL(), Stages: []engine.StageState{}}
	if v.e.noted.awaited(v.ref, v.run.GetRunAttempt(), v.e.config.Now(), v.e.config.Settle) && s.Status.Over() {
		s.Status = engine.Queued
	}
	present := newest(v.jobs, v.run.GetRunAttempt())
	timeouts, failures := 0, 0
	for _, j := range present {
		switch j.folded() {
		case engine.Timeout:
			timeouts++
		case engine.Failed:
			failures++
		case engine.Running:
			if s.Status == engine.Queued || s.Status == engine.Waiting {
				s.Status = engine.Running
			}
		case engine.Queued, engine.Waiting, engine.Passed, engine.Cancelled, engine.Skipped, engine.Unknown:
		}
	}
	switch {
	case s.Status == engine.Skipped:
		s.Status = engine.Failed
	case (s.Status == engine.Failed || s.Status == engine.Cancelled) && timeouts > 0 && failures == 0:
		s.Status = engine.Timeout
	}
	s.Stages = v.stages(present, s.Status)
	if !s.Status.Over() {
		s.Waits = v.waitPoints(present)
	}
	idle := !slices.ContainsFunc(present, func(j job) bool { return j.status == "in_progress" || j.status == "queued" })
	if s.Status == engine.Running && idle && len(s.Waits) > 0 {
		s.Status = engine.Waiting
	}
	if s.Status == engine.Waiting {
		s.WaitFor = v.waitsFor(s.Waits)
	}
	s.Started, s.Ended = v.times(s.Status, present)
	return s
}

// times are when the run began and ended.
func (v *view) times(status engine.Status, present []job) (started, ended int64) {
	for _, j := range present {
		if at := millis(j.started); j.begun && at != 0 && (started == 0 || at < started) {
			started = at
		}
		if status.Over() {
			ended = max(ended, millis(j.ended))
		}
	}
	if !status.Over() {
		return started, 0
	}
	if ended == 0 {
		ended = millis(v.run.GetUpdatedAt().Time)
	}
	if started == 0 {
		started = ended
	}
	return started, max(started, ended)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// stages sorts the jobs by the depth of what they need, as the workflow's file has them.
// What is not listed yet waits for its turn, or is skipped if there will be none.
func (v *view) stages(present []job, status engine.Status) []engine.StageState {
	stages := []engine.StageState{}
	add := func(depth int, shown engine.JobState) {
		for len(stages) < max(1, depth) {
			stages = append(stages, engine.StageState{Name: stageName(len(stages) + 1), Jobs: []engine.JobState{}})
		}
		at := &stages[max(1, depth)-1]
		at.Jobs = append(at.Jobs, shown)
	}
	left := slices.Clone(present)
	for i := range v.file.jobs {
		planned, listed := &v.file.jobs[i], false
		left = slices.DeleteFunc(left, func(j job) bool {
			if !v.belongs(j, planned) {
				return false
			}
			add(planned.depth, shown(j, status))
			listed = true
			return true
		})
		if !listed {
			add(planned.depth, shown(job{name: planned.title()}, status))
		}
	}
	for _, j := range left {
		add(len(stages), shown(j, status))
	}
	for i := range stages {
		stages[i].Status = stageStatus(stages[i].Jobs)
	}
	return stages
}

// belongs tells whether a job of the run is one of the file. A job that has exactly the
// name of another is that one.
func (v *view) belongs(j job, planned *jobPlan) bool {
	exact := slices.IndexFunc(v.file.jobs, func(p jobPlan) bool { return p.title() == j.name })
	if exact >= 0 {
		return v.file.jobs[exact].id == planned.id
	}
	return planned.names.MatchString(j.name)
}

// shown is a job for people; one without a status did not begin.
func shown(j job, run engine.Status) engine.JobState {
	s := engine.JobState{Name: j.name, Type: jobType, Status: j.folded(), URL: j.url}
	switch {
	case j.status == "" && run.Over():
		s.Status = engine.Skipped
	case j.status == "":
		s.Status = engine.Queued
	case s.Status != engine.Skipped && s.Status != engine.Queued && s.Status != engine.Waiting:
		s.Started, s.Ended = millis(j.started), millis(j.ended)
	}
	if s.Status == engine.Failed || s.Status == engine.Timeout {
		s.Reason = j.why()
	}
	return s
}

// stageStatus folds the statuses of the jobs of a stage.
func stageStatus(jobs []engine.JobState) engine.Status {
	seen := map[engine.Status]bool{}
	for _, j := range jobs {
		seen[j.Status] = true
	}
	if seen[engine.Queued] && len(seen) > 1 && !seen[engine.Waiting] && !seen[engine.Skipped] {
		return engine.Running
	}
	for _, s := range []engine.Status{
		engine.Running, engine.Waiting, engine.Unknown, engine.Queued, engine.Failed, engine.Timeout, engine.Cancelled, engine.Passed,
	} {
		if seen[s] {
			return s
		}
	}
	return engine.Skipped
}

// why says for people why a job failed.
func (j *job) why() slipway.Text {
	switch {
	case j.folded() == engine.Timeout:
		return slipway.T("It took longer than its timeout.", "执行时间超过了超时限制。")
	case j.failed != "":
		return slipway.T("Its step “%s” failed.", "步骤“%s”执行失败。", j.failed)
	case !j.begun:
		return slipway.T("It did not begin: its deployment was rejected, or it could not be prepared.", "任务没有开始：其部署被拒绝，或任务无法准备。")
	}
	return slipway.T("See its log.", "请查看其日志。")
}
