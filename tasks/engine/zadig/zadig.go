// Package zadig runs workflows of Zadig as workflows of plans.
//
// A plan names the project and the workflow by their keys. Which jobs run and with what
// is said by the plan's inputs, as Zadig's API takes them; a plan that has none runs the
// jobs that Zadig would run by default, and a plan that holds the documented Workflow
// object runs the jobs in it, with the values in it. What Zadig's API cannot start
// (nacos, apollo, distribution of images, and others) is refused when the plan is
// submitted. What the plan freezes is the documented structure, of the jobs that run,
// with the plan's values, and a digest of each job's whole definition.
//
// Zadig has no field for a mark. A workflow that declares the variable SLIPWAY_MARK
// gets it there, and each of its runs is found again. The runs of any other workflow
// have none: when it is not known whether one was started, it is only certain that it
// was not if Slipway's account started nothing since.
package zadig

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// Name is the engine's name in plan documents.
const Name = "zadig"

// Config says how Zadig is reached. URL and Token are needed.
type Config struct {
	remote.Access

	URL   string // such as https://zadig.example.com
	Token string // an API token, of the account that starts the runs
	// WebhookToken is the token of Zadig's webhooks; without one, none is heard.
	WebhookToken string
	LogPoll      time.Duration // between two looks at the log of a job that runs; default 3 times Poll
	LogQuiet     time.Duration // a log that is silent so long has said all there is; default 500 ms
	// Runs tells what a mark was to start, so that it is known where to look for it.
	// Without it, only starts of this process are found.
	Runs func(ctx context.Context, mark string) (slipway.WorkflowSpec, error)
}

// Engine runs workflows of one Zadig. It implements, beside engine.Engine, all that an
// engine may be able to do, but engine.Gatekept.
type Engine struct {
	config   Config
	way      *remote.Transport
	vendor   remote.Vendor
	client   *http.Client
	base     string // of all addresses
	host     string // and the path, if it is not at the root
	account  string // the name of the token's owner; empty: not known
	starts   remote.Starts
	watchers remote.Watchers
	marks    remote.Memory[engine.Ref, carried] // of runs that were looked at
}

// Compile-time list of what the engine can do.
var (
	_ engine.Engine    = (*Engine)(nil)
	_ engine.Lister    = (*Engine)(nil)
	_ engine.Retrier   = (*Engine)(nil)
	_ engine.Answerer  = (*Engine)(nil)
	_ engine.Adopter   = (*Engine)(nil)
	_ engine.Hearer    = (*Engine)(nil)
	_ engine.Nudger    = (*Engine)(nil)
	_ engine.Checker   = (*Engine)(nil)
	_ engine.Versioned = (*Engine)(nil)
)

// New returns an engine; nothing is asked of Zadig yet.
func New(c Config) (*Engine, error) {
	base, err := remote.Address("Zadig", c.URL)
	if err != nil {
		return nil, err
	}
	if c.Token == "" {
		return nil, fmt.Errorf("zadig at %s has no token", base.Host)
	}
	c.Complete(5 * time.Second)
	c.LogPoll = cmp.Or(c.LogPoll, 3*c.Poll)
	c.LogQuiet = cmp.Or(c.LogQuiet, 500*time.Millisecond)
	path := strings.TrimSuffix(base.Path, "/")
	e := &Engine{
		config: c, base: base.Scheme + "://" + base.Host + path, host: base.Host + path, account: accountOf(c.Token),
		way:      remote.NewTransport(remote.TransportConfig{Next: c.Transport, Timeout: c.Timeout, PerMinute: c.PerMinute}),
		watchers: remote.Watchers{Service: "Zadig", Poll: c.Poll, MaxPoll: c.MaxPoll, Now: c.Now, Rand: c.Rand},
		starts:   remote.Starts{Host: base.Host + path, Settle: c.Settle, Now: c.Now, Runs: c.Runs},
	}
	e.vendor = remote.Vendor{
		Name: "Zadig", Host: e.host, Own: func() []string { return []string{c.Token, c.WebhookToken} }, Refusal: e.refusal,
	}
	e.client = e.way.Client()
	return e, nil
}

// accountOf reads the name of the token's owner: tokens of Zadig are JSON Web Tokens,
// and the name in them is the creator of the runs.
func accountOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return ""
	}
	var claims struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Name
}

// Name returns "zadig".
func (*Engine) Name() string { return Name }

// Versioned implements engine.Versioned: anybody with the right may edit a workflow.
func (*Engine) Versioned() {}

// Nudge implements engine.Nudger.
func (e *Engine) Nudge(ref engine.Ref) { e.watchers.Nudge(ref) }

// Requests returns how many requests were sent so far.
func (e *Engine) Requests() int64 { return e.way.Sent() }

// Check implements engine.Checker.
func (e *Engine) Check(ctx context.Context) error {
	var registries []registry
	if err := e.get(ctx, "/openapi/system/registry", nil, &registries); err != nil {
		return e.reading(ctx, err)
	}
	return nil
}

// Watch implements engine.Engine. While Zadig does not answer, the run's status is
// unknown, and it is asked again.
func (e *Engine) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, error) {
	workflow, task, err := parseRef(ref)
	if err != nil {
		return engine.Result{}, err
	}
	return e.watchers.Watch(ctx, ref, obs, newView(e, workflow, task).look)
}
