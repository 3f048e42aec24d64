package engine

import "slipway"

// Status is where a run, a stage or a job is. The engines' own words are folded to
// these.
type Status string

// The statuses. Queued, Running, Waiting and Unknown may change; the others are
// final. Skipped is for stages and jobs only.
const (
	Queued    Status = "queued"    // accepted, not begun
	Running   Status = "running"   // at work
	Waiting   Status = "waiting"   // needs a person
	Passed    Status = "passed"    // ended well
	Failed    Status = "failed"    // ended badly, or was refused by a person
	Cancelled Status = "cancelled" // ended because someone asked
	Timeout   Status = "timeout"   // ended because it took too long
	Skipped   Status = "skipped"   // will not run
	Unknown   Status = "unknown"   // the engine's word is not understood, or it does not answer
)

// Over tells whether the status is final.
func (s Status) Over() bool {
	switch s {
	case Passed, Failed, Cancelled, Timeout, Skipped:
		return true
	case Queued, Running, Waiting, Unknown:
		return false
	}
	return false
}

// RunStatus is the documented word for the status of a run.
func (s Status) RunStatus() slipway.RunStatus {
	switch s {
	case Queued:
		return slipway.RunCreated
	case Passed:
		return slipway.RunPassed
	case Failed:
		return slipway.RunFailed
	case Cancelled:
		return slipway.RunCancelled
	case Timeout:
		return slipway.RunTimeout
	case Running, Waiting, Skipped, Unknown:
		return slipway.RunRunning
	}
	return slipway.RunRunning
}

// State is everything there is to show of a run at one moment.
type State struct {
	Status  Status       `json:"status"`
	URL     string       `json:"url,omitempty"`     // the run's own page, if the engine has one
	WaitFor slipway.Text `json:"wait_for,omitzero"` // whom or what a Waiting run waits for
	Stages  []StageState `json:"stages"`            // in the order they run
	Started int64        `json:"started,omitempty"` // Unix milliseconds, 0: not yet
	Ended   int64        `json:"ended,omitempty"`   // Unix milliseconds, 0: not yet
	Waits   []Wait       `json:"waits,omitempty"`   // each open wait point, in the order of the jobs
}

// Wait is a point at which a run waits for a person.
type Wait struct {
	Job        string       `json:"job"`                  // unique among the run's open wait points
	For        slipway.Text `json:"for"`                  // whom or what it waits for, a sentence that names the job
	Answerable bool         `json:"answerable,omitempty"` // the engine takes an answer from outside: see Answerer
}

// StageState is a stage within a State.
type StageState struct {
	Name   string     `json:"name"`
	Status Status     `json:"status"`
	Jobs   []JobState `json:"jobs"`
}

// JobState is a job within a State.
type JobState struct {
	Name    string          `json:"name"`
	Type    slipway.JobType `json:"type"`
	Status  Status          `json:"status"`
	Reason  slipway.Text    `json:"reason,omitzero"`   // why it did not pass
	Started int64           `json:"started,omitempty"` // Unix milliseconds, 0: not yet
	Ended   int64           `json:"ended,omitempty"`   // Unix milliseconds, 0: not yet
	URL     string          `json:"url,omitempty"`     // the job's own page, if the engine has one
}

// Line is one line of a run's log, safe to show: credentials are masked, control
// characters removed.
type Line struct {
	Seq  int64  `json:"seq"` // 1, 2, 3, ... within the run
	At   int64  `json:"at"`  // Unix milliseconds
	Job  string `json:"job"`
	Text string `json:"text"`
}

// Observer is told what happens in a run. Both functions may be nil; they are called
// one at a time, and Watch waits for them.
type Observer struct {
	// State is called with the first state and with each that differs from the last.
	State func(State)
	// Lines is called with new lines, in order, at least one.
	Lines func([]Line)
	// Seen is the Seq of the last line that the observer has already; 0 for none.
	Seen int64
}

// Result is how a run ended.
type Result struct {
	Status Status       `json:"status"`          // a final one, not Skipped
	Reason slipway.Text `json:"reason,omitzero"` // why it did not pass, for people
}
