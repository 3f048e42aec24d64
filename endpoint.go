package slipway

import (
	"slices"
	"time"
)

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

// AfterDeadline says what follows when a gate's deadline passes without an answer. The
// check has failed either way.
type AfterDeadline string

// What may follow.
const (
	DeadlineFails AfterDeadline = "fail" // the default: the manager is told
	DeadlineAsks  AfterDeadline = "ask"  // people are called to decide, and told how
)

// Endpoint is an outside URL that is told of events and may be asked.
type Endpoint struct {
	Name   string  `json:"name"`
	URL    string  `json:"url"`
	Events []Event `json:"events"`
	Wait   bool    `json:"wait"` // a gate; false: informed only
	// Advisory, with Wait, asks and shows the answer, but holds nothing back.
	Advisory bool `json:"advisory,omitempty"`
	// Deadline is how long the answer is waited for; then AfterDeadline follows.
	Deadline      time.Duration `json:"deadline,omitempty"`
	AfterDeadline AfterDeadline `json:"after_deadline,omitempty"`
	// Ask names whom DeadlineAsks calls; nobody: the plan's manager and its creator.
	Ask []string `json:"ask,omitempty"`
	// Projects and Labels limit the endpoint to plans that run a workflow of one of the
	// projects, or have one of the labels; without any it hears of all plans.
	Projects      []string `json:"projects,omitempty"`
	Labels        []string `json:"labels,omitempty"`
	Secrets       []string `json:"secrets,omitempty"`        // Standard Webhooks, "whsec_..."; several while rotating
	CallbackToken string   `json:"callback_token,omitempty"` // demanded as bearer token on the callback if set
	// CallbackSigned demands a Standard Webhooks signature on the callback.
	CallbackSigned bool `json:"callback_signed,omitempty"`
	// CallbackURL sends the address at which this one question can be answered along.
	CallbackURL  bool              `json:"callback_url,omitempty"`
	Headers      map[string]string `json:"headers,omitempty"`
	AllowPrivate bool              `json:"allow_private,omitempty"`
	// AllowNetworks opens these networks besides public addresses, in CIDR notation.
	AllowNetworks []string `json:"allow_networks,omitempty"`
	Compat        string   `json:"compat,omitempty"` // "zadig" adds the X-Zadig-* headers
	Envelope      Envelope `json:"envelope,omitempty"`
	Credentials   bool     `json:"credentials,omitempty"` // credentials are sent in clear
	// Rate is how many hooks a second it is sent at most; zero: no limit.
	Rate float64 `json:"rate,omitempty"`
	// ClientCert and ClientKey, in PEM, are shown to endpoints that ask for them.
	ClientCert string `json:"client_cert,omitempty"`
	ClientKey  string `json:"client_key,omitempty"`
	Disabled   bool   `json:"disabled,omitempty"`
	// Managed tells that it is kept in the database, not in the configuration.
	Managed bool `json:"-"`
}

// Hears tells whether the endpoint is told of the event.
func (e *Endpoint) Hears(ev Event) bool { return !e.Disabled && slices.Contains(e.Events, ev) }

// Concerns tells whether the plan is one of those that the endpoint hears of.
func (e *Endpoint) Concerns(p *Plan) bool {
	if len(e.Projects)+len(e.Labels) == 0 || slices.ContainsFunc(p.Labels, func(l string) bool { return slices.Contains(e.Labels, l) }) {
		return true
	}
	return slices.ContainsFunc(p.Items, func(it *Item) bool {
		return it.Workflow != nil && slices.Contains(e.Projects, it.Workflow.Project)
	})
}

// demandsCredentials tells whether a callback has to prove who sent it.
func (e *Endpoint) demandsCredentials() bool { return e.CallbackToken != "" || e.CallbackSigned }

// AnswersAtOnce tells whether the answer to the hook itself may decide. Where a callback
// has to bring credentials, which that answer cannot, only a callback decides.
func (e *Endpoint) AnswersAtOnce() bool { return !e.demandsCredentials() }

// Endpoint returns the endpoint with the name, nil if there is none.
func (r *Rules) Endpoint(name string) *Endpoint {
	for i := range r.Endpoints {
		if r.Endpoints[i].Name == name {
			return &r.Endpoints[i]
		}
	}
	return nil
}
