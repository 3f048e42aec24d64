// Package engine is the contract between Slipway and whatever runs workflows: the
// operator's own scripts (package local), Zadig, GitHub, and so on.
//
// An engine resolves a workflow when a plan is submitted, starts it with a Mark
// that Slipway made up, and watches it to its end. The mark is written down before
// the start, so that after a crash the engine can be asked what became of it: a
// workflow is never started twice silently. What engines differ in is folded here
// into one set of statuses, states and log lines. Abilities that only some engines
// have are interfaces of their own: Lister, Retrier, Answerer, and the others below.
//
// Package enginetest holds the suite that every engine passes.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"slipway"
)

// Engine runs workflows. Its methods may be called from several goroutines.
//
// Errors that are *slipway.Error are refusals: nothing happened, and their text is
// for people. After any other error of Start it is not known whether the workflow
// runs, and Find is the way on.
type Engine interface {
	// Name is the word for the engine in plan documents, such as "local".
	Name() string
	// Place says where Start acts: it is the same on all machines for an engine
	// that is reached over the network, and different on each machine for one that
	// runs processes. It goes into the Mark.
	Place() string
	// Resolve checks that the engine can run what the spec asks for and returns the
	// full definition, the values of the spec's params filled in, to be frozen in
	// the plan. It refuses with slipway.Invalid and a problem for each fault, or
	// with slipway.NotFound. Paths are relative to the spec, such as
	// "params.version".
	Resolve(context.Context, slipway.WorkflowSpec) (*slipway.Workflow, error)
	// Start starts the run's workflow as the plan froze it; the run's Workflow must
	// carry a Definition that Resolve returned. It refuses with slipway.Conflict
	// when the workflow is not what was frozen or the mark was used before.
	Start(context.Context, slipway.Run, Mark) (Ref, error)
	// Find says what became of a start that was written down. Ref is set if, and
	// only if, the outcome is Started.
	Find(context.Context, Mark) (Ref, Outcome, error)
	// Watch reports a run to the observer until the run ends, then returns its
	// result. It may be called again, by several watchers, and after the end. When
	// the context ends the run goes on and the context's error is returned.
	Watch(context.Context, Ref, Observer) (Result, error)
	// Cancel asks a run to end and does not wait for it: Watch tells the outcome.
	// Cancelling a run that is over changes nothing.
	Cancel(context.Context, Ref) error
}

// Lister is an engine that can say which workflows it has.
type Lister interface {
	// Workflows returns the workflows of a project, of all projects if it is empty.
	Workflows(ctx context.Context, project string) ([]*slipway.Workflow, error)
}

// Retrier is an engine that can run what failed in a run again, as the same run. A run
// that is running again is not over: Watch follows it to its new end.
type Retrier interface {
	// Attempt returns a word that differs whenever the run was run again, by Retry or
	// by a person in the engine's own page.
	Attempt(context.Context, Ref) (string, error)
	// Retry refuses with slipway.Conflict when the run is not over or cannot be run
	// again.
	Retry(context.Context, Ref) error
}

// Answerer is an engine in which a run may wait for a person whose answer can be
// given from outside. The job is the name of the one that waits.
type Answerer interface {
	Answer(ctx context.Context, ref Ref, job string, answer Answer) error
}

// Answer is what a person says to a run that waits.
type Answer struct {
	Approve bool
	Comment string
	By      string // the person's name
}

// Adopter is an engine in which a person can point at a run that Slipway is to follow,
// when it is not known whether a start happened.
type Adopter interface {
	// Adopt returns the run that a person named by its address or its number. It
	// refuses with slipway.Invalid when it cannot read what was said, with
	// slipway.NotFound when there is no such run, and with slipway.Conflict when the
	// run is one of another workflow; the texts name what is expected.
	Adopt(ctx context.Context, spec slipway.WorkflowSpec, said string) (Ref, error)
}

// Hearer is an engine that sends notices of what happens to its runs by HTTP.
type Hearer interface {
	// Hear verifies a notice and says whom it is about. It changes nothing: a notice
	// is a reason to look, not a truth. It refuses with slipway.Unauthenticated when
	// the token or the signature is missing or wrong, and with slipway.Invalid when
	// the body cannot be read. A notice about something else has no hints.
	Hear(context.Context, Notice) ([]Hint, error)
}

// Notice is what an engine sent.
type Notice struct {
	Header http.Header
	Query  url.Values
	Body   []byte
}

// Hint says which run a notice is about: by its Ref, or by its mark.
type Hint struct {
	Ref  Ref
	Mark string // the mark's ID, if only that is known
	// Report is what the notice says of the run, for an engine that cannot be asked.
	// It is kept with the run. Nil for the others.
	Report json.RawMessage
	// Question is set when the notice asks for a decision; see Gatekept.
	Question *Question
}

// Question asks whether a deployment may go on.
type Question struct {
	ID          string          `json:"id"`      // the same for the same question
	Project     string          `json:"project"` // as in plan documents
	Environment string          `json:"environment"`
	Run         Ref             `json:"run,omitempty"` // the run that asks, if it can be told
	SHA         string          `json:"sha,omitempty"`
	Data        json.RawMessage `json:"data"` // what Reply needs, of the engine's own; no secrets
}

// Gatekept is an engine that lets Slipway decide whether a deployment may go on.
type Gatekept interface {
	// Reply answers a question. Answering again, or what is no longer asked, changes
	// nothing and is no error. A comment is Markdown.
	Reply(ctx context.Context, q Question, approve bool, comment string) error
}

// Nudger wakes those who watch a run, so that they look at once. A Ref that nobody
// watches is ignored.
type Nudger interface {
	Nudge(Ref)
}

// Checker can tell whether the engine can be reached and lets us in, for "slipway
// doctor". The error's text says how to mend it.
type Checker interface {
	Check(context.Context) error
}

// Versioned is an engine whose workflows may be changed by others after a plan froze
// them. It is asked again before each start, and the differences are shown to a person.
type Versioned interface {
	Versioned()
}

// Mark identifies one start. The caller writes it down before Start.
type Mark struct {
	ID    string // unique among all starts: letters, digits, ".", "_", "-"; at most 128
	Place string // the engine's Place when it was written down
}

// Ref names a run in its engine. It is opaque, and can be stored.
type Ref string

// Outcome is what became of a start.
type Outcome int

// The outcomes of a start.
const (
	Unknowable   Outcome = iota // it may have happened or not: a person must look
	NeverStarted                // it did not happen and may be done now
	Started                     // it happened
)

// ErrNoRun is returned for a Ref that this engine has no run for, for example
// because it was pruned or belongs to another Place.
var ErrNoRun = errors.New("no such run")
