// Package slacktest is a stand-in for Slack: a workspace with people, channels, messages,
// modals and home pages, that speaks the Web API, the Events API over HTTP and Socket Mode,
// and that is as strict as Slack is where it is known to be. Tests of the bot play against
// it, and so does who wants to try the bot without a workspace.
//
// One side of it faces the app: Server is an http.Handler below /api/, /socket and
// /response/, and calls the app. The other side faces people: Server is a screen.Chat.
// What an app must not do is refused as Slack refuses it, and kept in Violations.
//
// A button's screen.Button.Row is the first line of the section or rich text that it
// belongs to: the one it is the accessory of, or the one that an actions block follows, with
// only context blocks between them. Buttons after a header, a divider, a table, an image
// or another actions block stand for the message as a whole.
//
// Answer.Toast holds what the app showed to the person alone in answer to a deed, through
// its response address or otherwise; Slack knows no other toasts. The same stands in the
// room with screen.Message.Only set.
package slacktest

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"slipway/bot/screen"
	"slipway/bot/standin"
)

// Config says how the stand-in behaves. Everything but Now may be left out.
type Config struct {
	// Now is the clock of the workspace: of timestamps, of how long triggers and response
	// addresses live, and of rate limits. Required.
	Now func() time.Time
	// Limits makes the methods refuse calls that come more often than Slack allows.
	Limits bool
	// SocketMode delivers over WebSockets instead of to the address given to SetApp.
	SocketMode bool
	Log        *slog.Logger

	Team, AppID                       string
	BotToken, AppToken, SigningSecret string
	Command                           string   // name of the slash command, "" = "/plan"
	Scopes                            []string // of the bot token, nil = DefaultScopes
	Events                            []string // subscribed to, nil = DefaultEvents
	UnfurlDomains                     []string // pasted links to them are told to the app

	// AckWithin is how long the app has to answer, 0 = 3 s. It is real time.
	AckWithin time.Duration
	// Linger is how long a deed waits, once the app has answered, for the first thing to
	// be shown to the person; 0 = 1 s. It is real time and ends as soon as there is one.
	Linger time.Duration
	// RetryEvery sends events that were not taken again by itself, three times; 0 leaves
	// that to Server.Retry. It is real time.
	RetryEvery time.Duration
	// PingEvery is how often a WebSocket is pinged, 0 = 10 s. It is real time.
	PingEvery time.Duration
}

// DefaultScopes are the scopes of the bot token unless Config says otherwise.
var DefaultScopes = []string{
	"app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write", "commands",
	"groups:history", "groups:read", "im:history", "im:read", "im:write", "links:read", "links:write",
	"team:read", "usergroups:read", "users:read", "users:read.email",
}

// DefaultEvents are the events that the app gets unless Config says otherwise.
var DefaultEvents = []string{"app_home_opened", "app_mention", "link_shared", "message.channels", "message.groups", "message.im"}

// The accounts of the app itself.
const (
	botUser = "U0SLIPWAY"
	botID   = "B0SLIPWAY"
	botName = "slipway"
	domain  = "example"
)

// User is a person of the workspace.
type User struct {
	ID, Name, Email string
	TZ              string // IANA name, "" = UTC
	Locale          string // for example "zh-CN", "" = "en-US"
	Team            string // of a stranger in a shared channel, "" = this workspace
}

// Channel is a channel of the workspace.
type Channel struct {
	ID, Name string
	Members  []string // accounts
	Bot      bool     // the bot is in it
	Private  bool
}

// Server is the stand-in. It is safe for concurrent use. In HTTP mode it sends to
// /slack/events, /slack/commands and /slack/interactions below the address given to SetApp.
type Server struct {
	*standin.Host
	cfg    Config
	faults *Faults
	lines  standin.Lines[*socket]

	mu      sync.Mutex
	changed chan struct{}
	stamp   string // makes ids of one run differ from those of another
	count   int    // of ids
	last    int64  // microseconds of the youngest ts
	seq     int    // of changes that people can see

	users    map[string]*User
	order    []string // of users
	channels map[string]*room
	rooms    []string // order of channels
	groups   map[string][]string
	messages map[string][]*message // by channel
	shown    map[string]int        // seq of what the app last showed to somebody
	modals   map[string][]*view
	homes    map[string]*view
	triggers map[string]*trigger
	hooks    map[string]*hook
	via      *hook // whose response address is being used
	buckets  map[string]*bucket
	tokens   map[string]*token

	tickets map[string]bool
	turn    int // of the sockets
	pending []delivery
	held    []delivery

	calls []Call
}

var _ screen.Chat = (*Server)(nil)

// New returns a workspace without people and channels. It panics without a clock.
func New(cfg Config) *Server {
	if cfg.Now == nil {
		panic("slacktest: Config.Now is required")
	}
	standin.OrElse(&cfg.Team, "T0SLIPWAY")
	standin.OrElse(&cfg.AppID, "A0SLIPWAY")
	standin.OrElse(&cfg.BotToken, "xoxb-0-slacktest")
	standin.OrElse(&cfg.AppToken, "xapp-1-A0SLIPWAY-0-slacktest")
	standin.OrElse(&cfg.SigningSecret, "8f742231b10e8888abcd99yyyzzz85a5")
	standin.OrElse(&cfg.Command, "/plan")
	standin.OrElse(&cfg.AckWithin, 3*time.Second)
	standin.OrElse(&cfg.Linger, time.Second)
	standin.OrElse(&cfg.PingEvery, 10*time.Second)
	if cfg.Scopes == nil {
		cfg.Scopes = DefaultScopes
	}
	if cfg.Events == nil {
		cfg.Events = DefaultEvents
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		Host: standin.NewHost("Slack", cfg.Log), cfg: cfg, changed: make(chan struct{}),
		stamp: strings.ToUpper(strconv.FormatInt(cfg.Now().UnixMicro(), 36)),
		users: map[string]*User{}, channels: map[string]*room{}, groups: map[string][]string{}, messages: map[string][]*message{},
		shown: map[string]int{}, modals: map[string][]*view{}, homes: map[string]*view{}, triggers: map[string]*trigger{},
		hooks: map[string]*hook{}, buckets: map[string]*bucket{}, tickets: map[string]bool{},
	}
	s.tokens = map[string]*token{
		cfg.BotToken: {kind: botToken, scopes: slices.Sorted(slices.Values(cfg.Scopes))},
		cfg.AppToken: {kind: appToken, scopes: []string{"connections:write"}},
	}
	s.faults = &Faults{s: s, limited: map[string]*limitFault{}, lost: map[string]int{}, failed: map[string]*failFault{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("/response/{id}", s.serveResponse)
	mux.HandleFunc("/socket", s.serveSocket)
	s.Answer(mux)
	return s
}

// Close ends all connections and deliveries.
func (s *Server) Close() {
	if err := s.End(s.faults.DropConnections); err != nil {
		s.cfg.Log.Error("close the stand-in of Slack", "error", err)
	}
}

// APIURL is where the Web API is; it ends with a slash.
func (s *Server) APIURL() string { return s.BaseURL() + "/api/" }

// BotToken is the token of the bot.
func (s *Server) BotToken() string { return s.cfg.BotToken }

// AppToken is the token that opens sockets.
func (s *Server) AppToken() string { return s.cfg.AppToken }

// SigningSecret is what requests to the app are signed with.
func (s *Server) SigningSecret() string { return s.cfg.SigningSecret }

// BotUser is the account of the bot, which mentions name.
func (s *Server) BotUser() string { return botUser }

// Faults lets things go wrong.
func (s *Server) Faults() *Faults { return s.faults }

// Changed implements screen.Chat.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Person implements screen.Chat.
func (s *Server) Person(account string) screen.Person { return s.Client(account) }

// Client returns somebody's client with what Slack has beyond screen.Person.
func (s *Server) Client(account string) *Person { return &Person{s: s, id: account} }
