package slipway

import "time"

// Event is a documented hook event.
type Event string

// The documented events. Each may be gated: the plan then waits for the answers.
const (
	EventFinishPlanning Event = "finish_planning"
	EventStartExecute   Event = "start_execute"
	EventAllJobDone     Event = "all_job_done"
)

// Events lists the documented events.
func Events() []Event { return []Event{EventFinishPlanning, EventStartExecute, EventAllJobDone} }

// Text says what an event's check is about.
func (e Event) Text() Text {
	switch e {
	case EventFinishPlanning:
		return T("check of the planning", "规划完成检测")
	case EventStartExecute:
		return T("check before executing", "执行前检测")
	case EventAllJobDone:
		return T("check of the finished items", "发布项完成检测")
	}
	return T(string(e), string(e))
}

// Envelope says what the hook's "event" holds.
type Envelope string

// The envelopes.
const (
	EnvelopeDocument Envelope = "document" // "release_plan", as documented
	EnvelopeV5       Envelope = "v5"       // the event's name, as Zadig 5 sends
)

// Endpoint is an outside URL that is told of events and may be asked.
type Endpoint struct {
	Name   string
	URL    string
	Events []Event
	Wait   bool // a gate; false: informed only
	// Deadline is how long a gate waits for the answer; then it fails.
	Deadline      time.Duration
	Secrets       []string // Standard Webhooks, "whsec_..."; several while rotating
	CallbackToken string   // demanded as bearer token on the callback if set
	// CallbackSigned demands a Standard Webhooks signature on the callback.
	CallbackSigned bool
	Headers        map[string]string
	AllowPrivate   bool
	Compat         string // "zadig" adds the X-Zadig-* headers
	Envelope       Envelope
	Credentials    bool // credentials are sent in clear
	Disabled       bool
}

// Hears tells whether the endpoint is told of the event.
func (e *Endpoint) Hears(ev Event) bool {
	if e.Disabled {
		return false
	}
	for _, x := range e.Events {
		if x == ev {
			return true
		}
	}
	return false
}

// Endpoint returns the endpoint with the name, nil if there is none.
func (r *Rules) Endpoint(name string) *Endpoint {
	for i := range r.Endpoints {
		if r.Endpoints[i].Name == name {
			return &r.Endpoints[i]
		}
	}
	return nil
}
