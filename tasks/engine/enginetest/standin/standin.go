// Package standin is what stand-ins of workflow engines have in common: workflows
// that behave as a test says, runs of them, faults of the network and of the server,
// and notes of every request that the real server would refuse. A stand-in adds the
// words, paths and bodies of its vendor.
package standin

import (
	"os"
	"time"
)

// Ending is how a job ends.
type Ending string

// The endings of a job.
const (
	Passes   Ending = ""          // ends well
	Fails    Ending = "fails"     // ends badly
	Blocks   Ending = "blocks"    // runs until it is cancelled
	TimesOut Ending = "times_out" // runs until its timeout of one second
)

// timeout is that of a job that TimesOut.
const timeout = time.Second

// Job is what one job of a workflow does.
type Job struct {
	Name       string
	Says       []string      // its log when it begins; ${NAME} is the value of a param
	Ends       Ending        // how it ends
	FailsFirst int           // so many attempts fail before it ends as said
	Lasts      time.Duration // from its begin to its end
	Asks       bool          // begins only when a person agrees
}

// Stage is a set of jobs that run side by side.
type Stage struct {
	Name string
	Jobs []Job
}

// Param is one that the workflow declares.
type Param struct {
	Name    string
	Default string
	Choices []string
	Secret  bool
	Input   bool // of those engines that know two kinds
}

// Workflow is one that the stand-in has.
type Workflow struct {
	Project  string
	Name     string
	Params   []Param
	Stages   []Stage
	Broken   string // why the engine refuses it, if it does
	Unmarked bool   // has no place for Slipway's mark
	Single   bool   // has no stages of its own, where the engine knows such
}

// Status is where a run or a job is.
type Status string

// The statuses.
const (
	Created   Status = "created"
	Running   Status = "running"
	Asking    Status = "asking"
	Passed    Status = "passed"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
	TimedOut  Status = "timed_out"
	Skipped   Status = "skipped"
)

// Over tells whether the status is final.
func (s Status) Over() bool {
	switch s {
	case Passed, Failed, Cancelled, TimedOut, Skipped:
		return true
	case Created, Running, Asking:
	}
	return false
}

// Attempt is one execution of a job.
type Attempt struct {
	ID      int
	Job     Job
	Stage   string
	Status  Status
	Created time.Time
	Started time.Time // zero: not yet
	Ended   time.Time // zero: not yet
	Log     []string

	number int // from 1 on
}

// Run is one run of a workflow. It has no lock of its own.
type Run struct {
	ID       int
	Workflow Workflow
	Vars     map[string]string
	Created  time.Time
	Updated  time.Time
	Refused  bool // by a person who was asked

	stages [][]*Attempt // the present attempts
	all    []*Attempt
	nextID func() int
}

// NewRun returns a run that has begun; nextID numbers its jobs.
func NewRun(id int, w Workflow, vars map[string]string, now time.Time, nextID func() int) *Run {
	r := &Run{ID: id, Workflow: w, Vars: vars, Created: now, Updated: now, nextID: nextID}
	for _, stage := range w.Stages {
		var jobs []*Attempt
		for _, job := range stage.Jobs {
			jobs = append(jobs, r.attempt(stage.Name, job, 1, now))
		}
		r.stages = append(r.stages, jobs)
	}
	return r
}

func (r *Run) attempt(stage string, job Job, number int, now time.Time) *Attempt {
	a := &Attempt{ID: r.nextID(), Job: job, Stage: stage, Status: Created, Created: now, number: number}
	r.all = append(r.all, a)
	return a
}

// Attempts returns every execution of every job, the oldest first.
func (r *Run) Attempts() []*Attempt { return r.all }

// Present returns the newest execution of every job, in the order of the workflow.
func (r *Run) Present() []*Attempt {
	var jobs []*Attempt
	for _, stage := range r.stages {
		jobs = append(jobs, stage...)
	}
	return jobs
}

// Status folds the statuses of the jobs.
func (r *Run) Status() Status {
	for _, s := range []Status{Running, Asking, Failed, TimedOut, Cancelled, Created} {
		if r.has(s) {
			return s
		}
	}
	return Passed
}

// has tells whether a job has the status. It is asked of every run at every tick, so it
// makes nothing.
func (r *Run) has(s Status) bool {
	for _, stage := range r.stages {
		for _, a := range stage {
			if a.Status == s {
				return true
			}
		}
	}
	return false
}

// Started returns when the first job began, zero if none has.
func (r *Run) Started() time.Time {
	var first time.Time
	for _, a := range r.all {
		if !a.Started.IsZero() && (first.IsZero() || a.Started.Before(first)) {
			first = a.Started
		}
	}
	return first
}

// Advance does what is due, and tells whether anything changed.
func (r *Run) Advance(now time.Time) bool {
	changed, stopped := false, false
	for _, stage := range r.stages {
		over := true
		for _, a := range stage {
			if r.step(a, stopped, now) {
				changed = true
			}
			over = over && a.Status.Over()
		}
		for _, a := range stage {
			stopped = stopped || (over && a.Status != Passed)
		}
		if !over {
			break
		}
	}
	if changed {
		r.Updated = now
	}
	return changed
}

// CatchUp does all that is due: a run of jobs that take no time is over at once.
func (r *Run) CatchUp(now time.Time) {
	for range 20 {
		if !r.Advance(now) {
			return
		}
	}
}

func (r *Run) step(a *Attempt, stopped bool, now time.Time) bool {
	switch a.Status {
	case Created:
		switch {
		case stopped:
			a.Status = Skipped
		case a.Job.Asks:
			a.Status = Asking
		default:
			r.begin(a, now)
		}
		return true
	case Running:
		spent := now.Sub(a.Started)
		switch {
		case a.Job.Ends == Blocks, a.Job.Ends == TimesOut && spent < timeout, spent < a.Job.Lasts:
			return false
		case a.Job.Ends == TimesOut:
			a.Status = TimedOut
		case a.Job.Ends == Fails, a.number <= a.Job.FailsFirst:
			a.Status = Failed
		default:
			a.Status = Passed
		}
		a.Ended = now
		return true
	case Asking, Passed, Failed, Cancelled, TimedOut, Skipped:
	}
	return false
}

func (r *Run) begin(a *Attempt, now time.Time) {
	a.Status, a.Started = Running, now
	for _, line := range a.Job.Says {
		a.Log = append(a.Log, os.Expand(line, func(name string) string { return r.Vars[name] }))
	}
}

// Agree lets a job that asks begin; false if it does not ask.
func (r *Run) Agree(id int, now time.Time) bool {
	for _, a := range r.Present() {
		if a.ID == id && a.Status == Asking {
			r.begin(a, now)
			r.Updated = now
			return true
		}
	}
	return false
}

// Refuse fails a job that a person was asked for, and said no to.
func (r *Run) Refuse(a *Attempt, now time.Time) {
	a.Status, a.Ended, r.Refused, r.Updated = Failed, now, true, now
}

// Pass ends well every job that runs and would not end by itself; false if there is
// none.
func (r *Run) Pass(now time.Time) bool {
	passed := false
	for _, a := range r.Present() {
		if a.Status == Running && a.Job.Ends == Blocks {
			a.Status, a.Ended, passed = Passed, now, true
			r.Updated = now
		}
	}
	return passed
}

// Cancel ends every job that is not over.
func (r *Run) Cancel(now time.Time) {
	for _, a := range r.Present() {
		if a.Status.Over() {
			continue
		}
		a.Status = Cancelled
		if !a.Started.IsZero() {
			a.Ended = now
		}
		r.Updated = now
	}
}

// Retry makes a new attempt of every job that failed or was cancelled, and lets those
// that were skipped wait again; false if there is none.
func (r *Run) Retry(now time.Time) bool {
	again := false
	for _, stage := range r.stages {
		for i, a := range stage {
			switch a.Status {
			case Failed, Cancelled, TimedOut:
				stage[i] = r.attempt(a.Stage, a.Job, a.number+1, now)
				again = true
			case Skipped:
				a.Status = Created
			case Created, Running, Asking, Passed:
			}
		}
	}
	if again {
		r.Updated = now
	}
	return again
}
