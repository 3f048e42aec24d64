// Package github runs workflows of GitHub Actions as workflows of plans.
//
// A plan names the repository as owner/name and the workflow by its file, its name or
// its number; "deploy.yml@main" says the branch or tag too, which else is the param
// "ref" or the default branch. The params of the workflow are the inputs that its file
// declares for workflow_dispatch. What the plan freezes is read from the file, with a
// digest of it and of the workflows that it calls in its own repository.
//
// GitHub tells the run when it starts one. For the case that its answer is lost, and
// for servers that do not tell, a workflow may declare an input "slipway_mark" and show
// it in its run-name: then a run is found by it. Deployments that wait for required
// reviewers can be answered from outside, if GitHub lets Slipway's account.
//
// Slipway may also be a custom deployment protection rule of GitHub's environments: see
// engine.Gatekept.
//
// GitHub knows no credentials among inputs: those whose names speak of a token, a
// password, a secret or a key are taken for credentials, and masked everywhere.
package github

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gh "github.com/google/go-github/v93/github"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// Name is the engine's name in plan documents.
const Name = "github"

// Config says how GitHub is reached: with a token, or as an app.
type Config struct {
	remote.Access

	// URL is the address of the API; "" is https://api.github.com. Of an Enterprise
	// Server the address alone is enough.
	URL   string
	Token string // of an account that may write in the repositories; classic: scope repo
	AppID string // of a GitHub App, instead of a token
	// AppKey is the app's private key, PEM.
	AppKey string
	// WebhookSecret signs GitHub's webhooks; without one, none is heard.
	WebhookSecret string
	// Runs tells what a mark was to start, so that it is known where to look for it.
	// Without it, only starts of this process are found.
	Runs func(ctx context.Context, mark string) (slipway.WorkflowSpec, error)
	// Started tells what the run of a Ref was started with, so that its credentials are
	// masked in its log; NotFound if nothing is known. GitHub does not tell inputs.
	// Without it, logs of runs with credentials are shown by the process that started
	// them only.
	Started func(ctx context.Context, ref engine.Ref) (slipway.WorkflowSpec, error)
}

// Engine runs workflows of one GitHub. It implements all that an engine may be able to
// do.
type Engine struct {
	config   Config
	api      *gh.Client
	way      *remote.Transport
	vendor   remote.Vendor
	login    credentials
	base     *url.URL // of the API
	host     string   // of the API, with its path
	web      string   // where GitHub's pages are
	starts   remote.Starts
	watchers remote.Watchers
	noted    notes
	tells    atomic.Bool // the server tells the runs that it starts
	silent   atomic.Bool // it does not
	account  account
}

// account is the name under which Slipway starts runs.
type account struct {
	mu   sync.Mutex
	name string
}

// Compile-time list of what the engine can do.
var (
	_ engine.Engine    = (*Engine)(nil)
	_ engine.Lister    = (*Engine)(nil)
	_ engine.Retrier   = (*Engine)(nil)
	_ engine.Answerer  = (*Engine)(nil)
	_ engine.Adopter   = (*Engine)(nil)
	_ engine.Hearer    = (*Engine)(nil)
	_ engine.Gatekept  = (*Engine)(nil)
	_ engine.Nudger    = (*Engine)(nil)
	_ engine.Checker   = (*Engine)(nil)
	_ engine.Versioned = (*Engine)(nil)
)

// New returns an engine; nothing is asked of GitHub yet.
func New(c Config) (*Engine, error) {
	base, web, err := addresses(c.URL)
	if err != nil {
		return nil, err
	}
	c.Complete(10 * time.Second)
	host := base.Host + strings.TrimSuffix(base.Path, "/")
	e := &Engine{
		config: c, base: base, host: host, web: web,
		starts:   remote.Starts{Host: host, Settle: c.Settle, Now: c.Now, Runs: c.Runs},
		watchers: remote.Watchers{Service: "GitHub", Poll: c.Poll, MaxPoll: c.MaxPoll, Now: c.Now, Rand: c.Rand},
	}
	e.vendor = remote.Vendor{Name: "GitHub", Host: host, Own: e.own, Refusal: e.refusal}
	next := c.Transport
	if next == nil {
		next = remote.Direct(c.Timeout)
	}
	e.way = remote.NewTransport(remote.TransportConfig{Next: &limited{next, c.Now}, Timeout: c.Timeout, PerMinute: c.PerMinute})
	if e.login, err = newCredentials(c, base, e.way); err != nil {
		return nil, err
	}
	address := base.String()
	e.api, err = gh.NewClient(gh.WithURLs(&address, &address), gh.WithUserAgent("slipway"), gh.WithDisableRateLimitCheck(),
		gh.WithHTTPClient(&http.Client{
			Transport:     e.login,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}))
	if err != nil {
		return nil, fmt.Errorf("connect GitHub at %s: %w", base.Host, err)
	}
	return e, nil
}

// own are our own credentials.
func (e *Engine) own() []string { return append(e.login.secrets(), e.config.WebhookSecret) }

// addresses returns where the API and the pages are.
func addresses(given string) (api *url.URL, web string, err error) {
	u, err := remote.Address("GitHub", cmp.Or(given, "https://api.github.com"))
	if err != nil {
		return nil, "", err
	}
	path := strings.Trim(u.Path, "/")
	cloud := u.Host == "github.com" || strings.HasSuffix(u.Host, ".ghe.com")
	pages := *u
	pages.Path, pages.Host = "", strings.TrimPrefix(u.Host, "api.")
	switch {
	case cloud && !strings.HasPrefix(u.Host, "api."):
		u.Host = "api." + u.Host
	case path == "" && !strings.HasPrefix(u.Host, "api."):
		path = "api/v3"
	}
	u.Path = "/"
	if path != "" {
		u.Path = "/" + path + "/"
	}
	return u, pages.String(), nil
}

// Name returns "github".
func (*Engine) Name() string { return Name }

// Versioned implements engine.Versioned: anybody with the right may push a new workflow
// file.
func (*Engine) Versioned() {}

// Nudge implements engine.Nudger.
func (e *Engine) Nudge(ref engine.Ref) { e.watchers.Nudge(ref) }

// Requests returns how many requests were sent so far.
func (e *Engine) Requests() int64 { return e.way.Sent() }

// Check implements engine.Checker.
func (e *Engine) Check(ctx context.Context) error {
	if e.config.AppID != "" {
		if _, _, err := e.api.Apps.Get(ctx, ""); err != nil {
			return e.vendor.Reading(ctx, err)
		}
		return nil
	}
	_, answer, err := e.api.Users.Get(ctx, "")
	if err != nil {
		return e.vendor.Reading(ctx, err)
	}
	// Only classic tokens have scopes.
	scopes := answer.Header.Get("X-OAuth-Scopes")
	if classic := len(answer.Header.Values("X-OAuth-Scopes")) > 0; classic &&
		!slices.Contains(strings.FieldsFunc(scopes, func(r rune) bool { return r == ',' || r == ' ' }), "repo") {
		return slipway.Refuse(slipway.Forbidden,
			"The access token for GitHub at %[1]s lacks the scope “repo” (it has: %[2]s). Make a token with it and set SLIPWAY_GITHUB_TOKEN.",
			"GitHub（%[1]s）的访问令牌缺少 repo 权限范围（现有：%[2]s）。请新建带有该权限范围的令牌，并设置 SLIPWAY_GITHUB_TOKEN。",
			e.host, scopes)
	}
	return nil
}

// whoami returns the name under which Slipway starts runs.
func (e *Engine) whoami(ctx context.Context) (string, error) {
	e.account.mu.Lock()
	defer e.account.mu.Unlock()
	if e.account.name != "" {
		return e.account.name, nil
	}
	if e.config.AppID != "" {
		app, _, err := e.api.Apps.Get(ctx, "")
		if err != nil {
			return "", err
		}
		e.account.name = app.GetSlug() + "[bot]"
		return e.account.name, nil
	}
	user, _, err := e.api.Users.Get(ctx, "")
	if err != nil {
		return "", err
	}
	e.account.name = user.GetLogin()
	return e.account.name, nil
}
