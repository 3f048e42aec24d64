// Package gitlab runs pipelines of GitLab as workflows of plans.
//
// A plan names the project by its full path and, as the workflow, the branch or tag
// to run; "pipeline" stands for the default branch, or for the one in the param
// "ref". The params of the workflow are the variables that its configuration declares
// globally and the inputs of its header. What the plan freezes is read from GitLab's
// own check of the merged configuration, with a digest of it.
//
// Each pipeline that Slipway starts carries the variable SLIPWAY_MARK, by which it is
// found again when it is not known whether a start happened. Manual jobs that block
// their pipeline, and deployments to protected environments that wait for an
// approval, can be answered from outside. Optional manual jobs are waited for by
// nobody and count as skipped.
//
// GitLab knows no credentials among variables: those whose names speak of a token, a
// password, a secret or a key are taken for credentials, and masked everywhere.
package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/time/rate"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// Name is the engine's name in plan documents.
const Name = "gitlab"

// Config says how GitLab is reached. URL and Token are needed.
type Config struct {
	remote.Access

	URL   string // such as https://gitlab.example.com; "" is https://gitlab.com
	Token string // of a person, a group or a project; scope api, role Developer at least
	// WebhookToken is the secret token of GitLab's webhooks; without one, none is heard.
	WebhookToken string
	LogPoll      time.Duration // between two looks at the log of a job that runs; default 3 times Poll
	// Runs tells what a mark was to start, so that it is known where to look for it.
	// Without it, only starts of this process are found.
	Runs func(ctx context.Context, mark string) (slipway.WorkflowSpec, error)
}

// Engine runs pipelines of one GitLab. It implements, beside engine.Engine, all that
// an engine may be able to do, but engine.Lister and engine.Gatekept.
type Engine struct {
	config   Config
	api      *gl.Client
	way      *remote.Transport
	vendor   remote.Vendor
	host     string // and the path, if it is not at the root
	starts   remote.Starts
	watchers remote.Watchers
	marks    remote.Memory[int64, string] // of pipelines that were looked at
	account  atomic.Pointer[string]       // the username of the token's owner; nil: not known yet
}

// Compile-time list of what the engine can do.
var (
	_ engine.Engine    = (*Engine)(nil)
	_ engine.Retrier   = (*Engine)(nil)
	_ engine.Answerer  = (*Engine)(nil)
	_ engine.Adopter   = (*Engine)(nil)
	_ engine.Hearer    = (*Engine)(nil)
	_ engine.Nudger    = (*Engine)(nil)
	_ engine.Checker   = (*Engine)(nil)
	_ engine.Versioned = (*Engine)(nil)
)

// New returns an engine; nothing is asked of GitLab yet.
func New(c Config) (*Engine, error) {
	if c.URL == "" {
		c.URL = "https://gitlab.com"
	}
	base, err := remote.Address("GitLab", c.URL)
	if err != nil {
		return nil, err
	}
	if c.Token == "" {
		return nil, fmt.Errorf("GitLab at %s has no token", base.Host)
	}
	c.Complete(5 * time.Second)
	c.LogPoll = cmp.Or(c.LogPoll, 3*c.Poll)
	host := base.Host + strings.TrimSuffix(base.Path, "/")
	e := &Engine{
		config: c, host: host,
		starts:   remote.Starts{Host: host, Settle: c.Settle, Now: c.Now, Runs: c.Runs},
		way:      remote.NewTransport(remote.TransportConfig{Next: c.Transport, Timeout: c.Timeout, PerMinute: c.PerMinute}),
		watchers: remote.Watchers{Service: "GitLab", Poll: c.Poll, MaxPoll: c.MaxPoll, Now: c.Now, Rand: c.Rand},
	}
	e.vendor = remote.Vendor{
		Name: "GitLab", Host: host, Own: func() []string { return []string{c.Token, c.WebhookToken} }, Refusal: e.refusal,
	}
	e.api, err = gl.NewClient(c.Token, gl.WithBaseURL(strings.TrimSuffix(c.URL, "/")),
		gl.WithHTTPClient(e.way.Client()),
		gl.WithoutRetries(), gl.WithCustomLimiter(rate.NewLimiter(rate.Inf, 1)),
		gl.WithURLWarningLogger(slog.New(slog.DiscardHandler)), gl.WithUserAgent("slipway"))
	if err != nil {
		return nil, fmt.Errorf("connect GitLab at %s: %w", base.Host, err)
	}
	return e, nil
}

// Name returns "gitlab".
func (*Engine) Name() string { return Name }

// Versioned implements engine.Versioned: anybody with the right may push a new
// configuration.
func (*Engine) Versioned() {}

// Nudge implements engine.Nudger.
func (e *Engine) Nudge(ref engine.Ref) { e.watchers.Nudge(ref) }

// Requests returns how many requests were sent so far.
func (e *Engine) Requests() int64 { return e.way.Sent() }

// Check implements engine.Checker.
func (e *Engine) Check(ctx context.Context) error {
	token, _, err := e.api.PersonalAccessTokens.GetSinglePersonalAccessToken(gl.WithContext(ctx))
	if err != nil {
		return e.vendor.Reading(ctx, err)
	}
	if !slices.Contains(token.Scopes, "api") {
		return slipway.Refuse(slipway.Forbidden,
			"The access token for GitLab at %[1]s lacks the scope “api” (it has: %[2]s). Make a token with it and set SLIPWAY_GITLAB_TOKEN.",
			"GitLab（%[1]s）的访问令牌缺少 api 权限范围（现有：%[2]s）。请新建带有该权限范围的令牌，并设置 SLIPWAY_GITLAB_TOKEN。",
			e.host, strings.Join(token.Scopes, ", "))
	}
	return nil
}
