// Package httpengine runs workflows of a server of one's own: whatever starts them by an
// HTTP request. The operator describes the server in slipway.yaml: the requests, with
// placeholders in them, and where in its answers to find what is needed. The workflows
// are declared there too; nothing is asked of the server to resolve one.
//
// How a run is told in one of two ways: the server is asked again and again, and a
// callback is only a reason to ask at once; or it cannot be asked, and the callbacks are
// the truth, which Slipway keeps with the run and hands back.
//
// A run is named by its mark, its workflow and the server's own name for it.
package httpengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// Config says how a server is reached. Name and Settings are needed.
type Config struct {
	remote.Access

	Name     string            // of the engine, in plan documents
	Settings Settings          // checked
	Secrets  map[string]string // what Settings.Reveal returned
	// CallbackURL is where the server reports: the placeholder callback_url.
	CallbackURL string
	// Runs returns the run of a mark, so that it can be looked for, and to know which
	// credentials must not be shown. Without it, only starts of this process are found.
	Runs func(ctx context.Context, mark string) (slipway.Run, error)
	// Report returns what the server reported last of the run of a mark, as the hints of
	// Hear had it; nil if it never did. Needed if the server cannot be asked.
	Report func(ctx context.Context, mark string) (json.RawMessage, error)
}

// Engine runs workflows of one server. If it can run again what failed, New returns it
// as a Retrying.
type Engine struct {
	config   Config
	settings *Settings
	way      *remote.Transport
	client   *http.Client
	vendor   remote.Vendor
	starts   remote.Starts
	watchers remote.Watchers
	secrets  remote.Memory[string, []string] // the credentials of runs that this process started, by mark
	again    remote.Memory[engine.Ref, attempt]
}

// attempt is one that was run again by us.
type attempt struct {
	of string
	at time.Time
}

// Retrying is an engine whose server can run again what failed in a run.
type Retrying struct{ *Engine }

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
	_ engine.Retrier   = Retrying{}
)

// New returns an engine; nothing is asked of the server yet. It is an engine.Retrier if
// the settings say how to retry.
func New(c Config) (engine.Engine, error) {
	var problems []string
	note := func(key, format string, args ...any) {
		problems = append(problems, key+": "+fmt.Sprintf(format, args...))
	}
	c.Settings.Check(note)
	for name := range c.Settings.Secrets {
		if c.Secrets[name] == "" {
			note("secrets."+name, "a value is expected")
		}
	}
	switch {
	case len(problems) > 0:
		slices.Sort(problems)
		return nil, fmt.Errorf("engine %s: %s", c.Name, strings.Join(problems, "; "))
	case c.Settings.Status == nil && c.Report == nil:
		return nil, errors.New("engine " + c.Name + " cannot be asked and keeps no reports")
	}
	c.Complete(5 * time.Second)
	e := &Engine{
		config: c, settings: &c.Settings,
		starts:   remote.Starts{Host: hostOf(c.Name, &c.Settings), Settle: c.Settle, Now: c.Now},
		way:      remote.NewTransport(remote.TransportConfig{Next: c.Transport, Timeout: c.Timeout, PerMinute: c.PerMinute}),
		watchers: remote.Watchers{Service: c.Name, Poll: c.Poll, MaxPoll: c.MaxPoll, Now: c.Now, Rand: c.Rand},
	}
	e.vendor = remote.Vendor{
		Own: func() []string { return slices.Collect(maps.Values(c.Secrets)) }, Refusal: e.refusal,
		Away: slipway.T("The engine %s does not answer at the moment. Try again in a little while.", "引擎 %s 暂时没有响应，请稍后重试。", c.Name),
	}
	e.client = e.way.Client()
	if c.Settings.Retry != nil {
		return Retrying{e}, nil
	}
	return e, nil
}

// Name returns the engine's name in slipway.yaml.
func (e *Engine) Name() string { return e.config.Name }

// Versioned implements engine.Versioned: the operator may change the settings.
func (*Engine) Versioned() {}

// Nudge implements engine.Nudger.
func (e *Engine) Nudge(ref engine.Ref) { e.watchers.Nudge(ref) }

// Requests returns how many requests were sent so far.
func (e *Engine) Requests() int64 { return e.way.Sent() }

// Check implements engine.Checker, with the request that is set for it. Without one,
// nothing can be told.
func (e *Engine) Check(ctx context.Context) error {
	if e.settings.Probe == nil {
		return nil
	}
	if _, err := e.send(ctx, e.settings.Probe, http.MethodGet, e.values(run{}, nil), nil); err != nil {
		return e.vendor.Reading(ctx, err)
	}
	return nil
}

// sources names where the secrets of the settings are, for people.
func (e *Engine) sources() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(e.settings.Secrets)) {
		s := e.settings.Secrets[name]
		list = append(list, s.Env+s.File)
	}
	return strings.Join(list, ", ")
}
