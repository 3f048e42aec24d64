package feishu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"slipway/bot"
	"slipway/bot/appapi"
	"slipway/storage"
)

var (
	_ bot.Platform  = (*Feishu)(nil)
	_ bot.Whisperer = (*Feishu)(nil)
	_ bot.Homer     = (*Feishu)(nil)
	_ bot.Linker    = (*Feishu)(nil)
	_ bot.Unfurler  = (*Feishu)(nil)
	_ bot.Buzzer    = (*Feishu)(nil)
	_ bot.Prober    = (*Feishu)(nil)
	_ bot.Finder    = (*Feishu)(nil)
	_ bot.Watched   = (*Feishu)(nil)
	_ bot.Settler   = (*Feishu)(nil)
)

// The addresses behind the short names of Config.BaseURL, and where links that open the
// client begin.
const (
	feishuURL  = "https://open.feishu.cn"
	larkURL    = "https://open.larksuite.com"
	feishuLink = "https://applink.feishu.cn"
	larkLink   = "https://applink.larksuite.com"
)

// The values of Config.Mode.
const (
	modeSocket = "ws"
	modeHTTP   = "http"
)

// Config is what the platform needs.
type Config struct {
	AppID, AppSecret string
	// VerificationToken is compared with that of every event, if set.
	VerificationToken string
	// EncryptKey opens and verifies what comes by HTTP, which is refused without it.
	EncryptKey string
	// BaseURL is "feishu" (the default), "lark", or an address.
	BaseURL string
	// Mode is "ws" (the default), the long connection, or "http".
	Mode string
	// Store remembers what was posted, and knows people's accounts.
	Store *storage.Store
	// PublicURL is where the console is; links below it get a preview.
	PublicURL string
	// Approval has plans approved in Feishu's own approval center, too; nil: they are not.
	Approval *ApprovalConfig
	Now      func() time.Time
	Rand     io.Reader
	Log      *slog.Logger
	// Client makes all requests; nil is one with time limits.
	Client *http.Client
}

// Feishu is the platform. It is safe for concurrent use.
type Feishu struct {
	Config
	tokens    *appapi.Tokens
	approvals *Approvals
	// patience is how long a handler may take before an answer is given without it, and
	// clickPatience if somebody waits who clicked.
	patience, clickPatience time.Duration
	handler                 handler
	calls                   running // what goes on after an event was answered
	clicks                  clicks
	link                    trouble
	me                      botID
	// skew is how far our clock was ahead of Feishu's at its last answer.
	skew atomic.Pointer[time.Duration]
}

// New returns the platform. It refuses, with all problems at once, a configuration that
// cannot work; it makes no request.
func New(c Config) (*Feishu, error) {
	var problems []error
	need := func(ok bool, what string) {
		if !ok {
			problems = append(problems, errors.New("feishu: "+what))
		}
	}
	need(c.AppID != "", "an app id is needed")
	need(c.AppSecret != "", "an app secret is needed")
	need(c.Store != nil && c.Now != nil && c.Rand != nil, "store, clock and source of randomness are needed")
	switch c.Mode {
	case "", modeSocket:
		c.Mode = modeSocket
	case modeHTTP:
		need(c.EncryptKey != "", "mode http needs an encrypt key: without one anybody could send events")
	default:
		need(false, fmt.Sprintf("mode is %q, expected ws or http", c.Mode))
	}
	switch c.BaseURL {
	case "", "feishu":
		c.BaseURL = feishuURL
	case "lark":
		c.BaseURL = larkURL
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	u, err := url.Parse(c.BaseURL)
	need(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "", "the base URL must be feishu, lark or an http(s) address")
	if c.Approval != nil {
		c.Approval.check(need)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Client = appapi.Client(c.Client)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	f := &Feishu{Config: c, patience: 2500 * time.Millisecond, clickPatience: clickPatience}
	f.tokens = appapi.NewTokens(c.Now, f.token)
	f.handler.ready = make(chan struct{})
	f.calls.init()
	if c.Approval != nil {
		f.approvals = &Approvals{ApprovalConfig: *c.Approval, f: f, listening: map[string]bool{}}
	}
	return f, nil
}

// ID implements bot.Platform.
func (f *Feishu) ID() bot.PlatformID { return bot.Feishu }

// Settle implements bot.Settler: Feishu takes back a change of a card that arrives before
// the answer to a click on it. Whatever the click changes, on whichever replica, is shown
// after the click was surely answered.
func (f *Feishu) Settle() time.Duration { return clickPatience + 2*grace }

// Run implements bot.Platform. It returns when ctx has ended and everything that was
// begun for events is done.
func (f *Feishu) Run(ctx context.Context, h bot.Handler) error {
	f.handler.set(h)
	defer f.calls.wait()
	if a := f.approvals; a != nil && a.Definition != "" {
		f.background(ctx, func(ctx context.Context) { a.listen(ctx, a.Definition) })
	}
	if f.Mode == modeHTTP {
		<-ctx.Done()
		return nil
	}
	f.connect(ctx)
	return nil
}

// handler is who takes the events, once Run was called.
type handler struct {
	once  sync.Once
	ready chan struct{}
	h     bot.Handler
}

func (s *handler) set(h bot.Handler) {
	s.once.Do(func() {
		s.h = h
		close(s.ready)
	})
}

// get waits for Run.
func (s *handler) get(ctx context.Context) (bot.Handler, error) {
	select {
	case <-s.ready:
		return s.h, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for handler: %w", ctx.Err())
	}
}
