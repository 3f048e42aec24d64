// Package jenkins runs jobs of Jenkins as workflows of plans.
//
// A plan names the folder as the project and the job as the workflow: "apps/shop" and
// "deploy" are /job/apps/job/shop/job/deploy. The params of the workflow are those that
// the job declares. What the plan freezes is read from the job's description, with a
// digest of its configuration when Slipway's account may read that.
//
// A job that declares the parameter SLIPWAY_MARK gets the mark of the start in it, by
// which the build is found again when it is not known whether a start happened. For a
// job without it, that can be told only if Slipway's account started nothing since.
//
// A run is named by its job and by its item in the queue, which its build keeps for
// good. Steps of pipelines that wait for an input can be answered from outside, unless
// they ask for values. Jenkins cannot run what failed in a build again as the same
// build: whatever is built again is a new build, so the engine is no engine.Retrier.
package jenkins

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// Name is the engine's name in plan documents.
const Name = "jenkins"

// Config says how Jenkins is reached. URL, User and Token are needed.
type Config struct {
	remote.Access

	URL   string // such as https://ci.example.com/jenkins
	User  string // whom the token belongs to
	Token string // an API token, no password: only with a token no crumb is needed
	// WebhookToken is what notices carry as the query parameter "token", or in the
	// header X-Slipway-Token; without one, none is heard.
	WebhookToken string
	LogPoll      time.Duration // between two looks at the log of a build that runs; default Poll
	// Runs tells what a mark was to start, so that it is known where to look for it and
	// which credentials must not be shown. Without it, only starts of this process are
	// found.
	Runs func(ctx context.Context, mark string) (slipway.WorkflowSpec, error)
}

// Engine runs jobs of one Jenkins. It implements, beside engine.Engine, all that an
// engine may be able to do, but engine.Retrier and engine.Gatekept.
type Engine struct {
	config   Config
	base     string // the address, without a slash at its end
	host     string // of the address, and its path
	way      *remote.Transport
	client   *http.Client
	vendor   remote.Vendor
	starts   remote.Starts
	watchers remote.Watchers
	numbers  remote.Memory[engine.Ref, int64]             // of the builds that left the queue
	secrets  remote.Memory[engine.Ref, map[string]string] // the credentials that this process gave to runs, by parameter
}

// Compile-time list of what the engine can do.
var (
	_ engine.Engine    = (*Engine)(nil)
	_ engine.Lister    = (*Engine)(nil)
	_ engine.Answerer  = (*Engine)(nil)
	_ engine.Adopter   = (*Engine)(nil)
	_ engine.Hearer    = (*Engine)(nil)
	_ engine.Nudger    = (*Engine)(nil)
	_ engine.Checker   = (*Engine)(nil)
	_ engine.Versioned = (*Engine)(nil)
)

// New returns an engine; nothing is asked of Jenkins yet.
func New(c Config) (*Engine, error) {
	base, err := remote.Address("Jenkins", c.URL)
	if err != nil {
		return nil, err
	}
	if c.User == "" || c.Token == "" || strings.Contains(c.User, ":") {
		return nil, fmt.Errorf("Jenkins at %s needs a user and an API token", base.Host) //nolint:staticcheck // a name
	}
	c.Complete(5 * time.Second)
	c.LogPoll = cmp.Or(c.LogPoll, c.Poll)
	host := base.Host + strings.TrimRight(base.Path, "/")
	e := &Engine{
		config: c, base: strings.TrimRight(c.URL, "/"), host: host,
		starts:   remote.Starts{Host: host, Settle: c.Settle, Now: c.Now, Runs: c.Runs},
		way:      remote.NewTransport(remote.TransportConfig{Next: c.Transport, Timeout: c.Timeout, PerMinute: c.PerMinute}),
		watchers: remote.Watchers{Service: "Jenkins", Poll: c.Poll, MaxPoll: c.MaxPoll, Now: c.Now, Rand: c.Rand},
	}
	own := []string{c.Token, c.WebhookToken, base64.StdEncoding.EncodeToString([]byte(c.User + ":" + c.Token))}
	e.vendor = remote.Vendor{Name: "Jenkins", Host: host, Own: func() []string { return own }, Refusal: e.refusal}
	e.client = e.way.Client()
	return e, nil
}

// Name returns "jenkins".
func (*Engine) Name() string { return Name }

// Versioned implements engine.Versioned: anybody with the right may change a job.
func (*Engine) Versioned() {}

// Nudge implements engine.Nudger.
func (e *Engine) Nudge(ref engine.Ref) { e.watchers.Nudge(ref) }

// Requests returns how many requests were sent so far.
func (e *Engine) Requests() int64 { return e.way.Sent() }

// Check implements engine.Checker.
func (e *Engine) Check(ctx context.Context) error {
	var who struct {
		Name          string `json:"name"`
		Authenticated bool   `json:"authenticated"`
		Anonymous     bool   `json:"anonymous"`
	}
	if err := e.get(ctx, "/whoAmI", "name,authenticated,anonymous", &who); err != nil {
		return e.vendor.Reading(ctx, err)
	}
	if !who.Authenticated || who.Anonymous {
		return e.notAccepted()
	}
	var root struct {
		Class string `json:"_class"`
	}
	if err := e.get(ctx, "", "nodeName", &root); err != nil {
		return e.vendor.Reading(ctx, err)
	}
	return nil
}
