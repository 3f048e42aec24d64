package slack

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

	"github.com/slack-go/slack"

	"slipway/bot"
	"slipway/storage"
)

// Config is what the platform needs.
type Config struct {
	BotToken string // xoxb-…
	// AppToken, xapp-…, chooses Socket Mode. Without it deliveries come over HTTP and
	// SigningSecret is needed.
	AppToken      string
	SigningSecret string
	// APIURL is where the Web API is; "" is Slack's.
	APIURL string
	// Store keeps the ledger of posts and knows the accounts of users.
	Store *storage.Store
	// PublicURL is where the pages of plans are: links below it are unfurled.
	PublicURL string
	// Command is the name of the slash command, "" for "/plan".
	Command string
	Now     func() time.Time
	Rand    io.Reader // spreads reconnections; nil: they are not spread
	Log     *slog.Logger
	// Client is used for all requests; nil is one that gives up after a while.
	Client *http.Client
}

// DefaultCommand is the name of the slash command.
const DefaultCommand = "/plan"

// Slack is the platform. It is safe for concurrent use.
type Slack struct {
	Config
	api     *slack.Client
	handler atomic.Pointer[bot.Handler]
	gate    gate
	status  status
	people  cache[bot.Person]
	rooms   cache[string] // direct conversations by account
	self    self
	chores  chores // what outlives the delivery that it began with
}

var (
	_ bot.Platform  = (*Slack)(nil)
	_ bot.Whisperer = (*Slack)(nil)
	_ bot.Former    = (*Slack)(nil)
	_ bot.Homer     = (*Slack)(nil)
	_ bot.Linker    = (*Slack)(nil)
	_ bot.Unfurler  = (*Slack)(nil)
	_ bot.Prober    = (*Slack)(nil)
	_ bot.Finder    = (*Slack)(nil)
	_ bot.Watched   = (*Slack)(nil)
)

// New returns the platform. It asks nobody; the error joins all problems of the Config.
func New(c Config) (*Slack, error) {
	if c.APIURL == "" {
		c.APIURL = slack.APIURL
	}
	if !strings.HasSuffix(c.APIURL, "/") {
		c.APIURL += "/" // the library appends the method's name as it is
	}
	if c.Command == "" {
		c.Command = DefaultCommand
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: requestTime, Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	var problems []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf("slack: "+format, args...))
		}
	}
	refuse(!strings.HasPrefix(c.BotToken, "xoxb-"), "the bot token must begin with xoxb-")
	refuse(c.AppToken != "" && !strings.HasPrefix(c.AppToken, "xapp-"), "the app token must begin with xapp-")
	refuse(c.AppToken == "" && c.SigningSecret == "", "without an app token (Socket Mode) the signing secret is needed")
	refuse(!strings.HasPrefix(c.Command, "/") || strings.ContainsAny(c.Command, " \t"), "the command %q must begin with / and be one word", c.Command)
	_, err := url.ParseRequestURI(c.APIURL)
	refuse(err != nil, "the API address %q is none", c.APIURL)
	refuse(c.Store == nil || c.Now == nil, "store and clock are needed")
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	s := &Slack{Config: c}
	s.gate.now, s.people.now, s.rooms.now = c.Now, c.Now, c.Now
	s.api = slack.New(c.BotToken, slack.OptionAPIURL(c.APIURL), slack.OptionHTTPClient(lean{c.Client}), slack.OptionAppLevelToken(c.AppToken))
	return s, nil
}

// requestTime is how long one request to Slack may take.
const requestTime = 15 * time.Second

// ID implements bot.Platform.
func (s *Slack) ID() bot.PlatformID { return bot.Slack }

// Socket tells whether deliveries come over Socket Mode.
func (s *Slack) Socket() bool { return s.AppToken != "" }

// Run implements bot.Platform: over Socket Mode it keeps a connection open, over HTTP it
// lets Routes answer. What was begun when ctx ends is finished first.
func (s *Slack) Run(ctx context.Context, h bot.Handler) error {
	s.handler.Store(&h)
	defer s.chores.wait()
	defer s.handler.Store(nil)
	if s.Socket() {
		s.status.setSocket("Socket Mode: connecting")
		s.supervise(ctx)
		return nil
	}
	<-ctx.Done()
	return nil
}

// Trouble implements bot.Watched.
func (s *Slack) Trouble() string { return s.status.trouble() }

// status is what is known of the connections to Slack.
type status struct {
	mu     sync.Mutex
	up     bool   // a connection of Socket Mode stands
	socket string // what is wrong with Socket Mode
	token  string // what is wrong with the bot token
}

func (st *status) trouble() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.token != "" {
		return st.token
	}
	return st.socket
}

func (st *status) setSocket(what string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.socket, st.up = what, what == ""
}

// isUp tells whether a connection of Socket Mode stands.
func (st *status) isUp() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.up
}

func (st *status) setToken(what string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.token = what
}
