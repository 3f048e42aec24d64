// Package commands holds the use cases: what people and outside systems may ask of
// Slipway, and what Slipway asks of itself. Each use case finds its plan, calls one
// pure transition of package slipway through the one write path of storage, and
// returns the outcome. The edges (bot, webhook, tasks) translate the outside world
// into these calls and decide nothing themselves.
package commands

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"slipway"
	"slipway/storage"
)

// Config is what the use cases need.
type Config struct {
	Store *storage.Store
	// Rules returns the settings in force.
	Rules     func() *slipway.Rules
	Workflows Workflows
	// Sources answers for the user groups and departments that approvals name; nil: none
	// can be looked up.
	Sources Sources
	// Sprints answers for Jira; nil: it is not connected.
	Sprints Sprints
	// SprintPatience is how long Jira is waited for while somebody waits for an answer; zero
	// is a second and a half.
	SprintPatience time.Duration
	// Hooks is what endpoints are checked and tried with.
	Hooks Hooks
	// Refresh brings endpoints that were changed into force; nil: somebody else does.
	Refresh func(context.Context) error
	// Announce tells other processes what has changed; optional.
	Announce func(ctx context.Context, topics ...string)
	Now      func() time.Time
	Rand     io.Reader
	// AdminTokenHash is the hash of the bearer token that acts as Admin and may act
	// as others; empty: there is none.
	AdminTokenHash string
	// Admin is who the admin token acts as unless it names somebody.
	Admin *slipway.User
}

// Workflows answers for the engines.
type Workflows interface {
	// Resolve returns the workflow that an item names, as its engine would run it
	// now. Problems say why the engine cannot run it; an error says that the engine
	// could not be asked.
	Resolve(ctx context.Context, spec *slipway.WorkflowSpec) (*slipway.Workflow, []slipway.Problem, error)
	// Adopt returns the engine's name for the run that a person named by its address or
	// its number. A refusal says what is expected; any other error, that the engine could
	// not be asked.
	Adopt(ctx context.Context, spec *slipway.WorkflowSpec, said string) (ref string, err error)
}

// Sources answers for the places where people are kept.
type Sources interface {
	// Members lists the people of a source, users who may be new by now. A refusal says
	// why it cannot be asked, for people; any other error is a fault of ours.
	Members(ctx context.Context, s slipway.Source) ([]slipway.PersonRef, error)
}

// Commands are the use cases.
type Commands struct {
	Config
}

// New returns the use cases.
func New(c Config) *Commands { return &Commands{Config: c} }

// Ask is who asks for a change, and how the same request is recognised when it
// arrives twice.
type Ask struct {
	// RequestID is unique per request, prefixed with its source: "slack:...",
	// "api:...", "task:...". Empty: a request that cannot arrive twice.
	RequestID string
	User      *slipway.User
	// Version, if not zero, is the plan version that the person saw.
	Version int64
	// Comment is kept in the log; the use cases that do more with one take it as an
	// argument.
	Comment string
	actor   slipway.Actor
	members map[slipway.Source][]slipway.PersonRef // for Submit
}

func systemAsk(requestID string) Ask {
	return Ask{RequestID: requestID, actor: slipway.SystemActor()}
}

func (c *Commands) request(ask Ask) slipway.Request {
	if ask.User != nil {
		ask.actor = ask.User.Actor()
	}
	at := c.Now()
	if ask.User != nil {
		// Refusals name times in the zone of who asks.
		if zone, err := time.LoadLocation(ask.User.TimeZone); err == nil {
			at = at.In(zone)
		}
	}
	if ask.RequestID == "" {
		ask.RequestID = "once:" + c.random(16)
	}
	return slipway.Request{
		ID: ask.RequestID, Actor: ask.actor, At: at, Version: ask.Version, Comment: ask.Comment, Rand: c.Rand, Rules: c.Rules(), Members: ask.members,
	}
}

// random returns n random bytes in hex.
func (c *Commands) random(n int) string {
	b := make([]byte, n)
	if _, err := io.ReadFull(c.Rand, b); err != nil {
		panic(fmt.Sprintf("read randomness: %v", err))
	}
	return hex.EncodeToString(b)
}

// change calls a transition through the write path. A request id that was used for
// something else before is refused, so that nothing is taken for done that was not.
func (c *Commands) change(ctx context.Context, ask Ask, planID string, verb slipway.Verb,
	fn func(slipway.Request, *slipway.Plan) (*slipway.Change, error),
) (storage.Outcome, error) {
	req := c.request(ask)
	out, err := c.Store.Change(ctx, req, planID, func(p *slipway.Plan) (*slipway.Change, error) {
		return fn(req, p)
	})
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("%s plan %s: %w", verb, planID, err)
	}
	if out.Repeated && out.Entry.Verb != verb {
		return storage.Outcome{}, usedKey()
	}
	return out, nil
}

func usedKey() error {
	return slipway.Refuse(slipway.Conflict,
		"This request id (Idempotency-Key) was used for another request before. Use a new one for each request.",
		"该请求标识（Idempotency-Key）已用于另一个请求，请为每个请求使用新的标识。")
}

// IsUnchanged tells whether a transition had nothing to do.
func IsUnchanged(err error) bool { return errors.Is(err, slipway.Unchanged) }
