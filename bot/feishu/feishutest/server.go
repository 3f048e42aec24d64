package feishutest

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"slipway/bot/screen"
	"slipway/bot/standin"
)

// How events reach the app.
const (
	LongConnection = "ws"
	HTTP           = "http"
)

// Config says how the stand-in behaves. All of it may be left out.
type Config struct {
	Mode string // LongConnection or HTTP, "" = LongConnection
	// AppID must be cli_ and 16 hexadecimal digits, as the SDKs demand; "" is one that no
	// other Server has, because the SDK for Go keeps tokens by it in a global variable.
	AppID, AppSecret              string
	VerificationToken, EncryptKey string
	// Scopes are what the app was granted, nil = DefaultScopes.
	Scopes []string
	// Subscriptions are what the app has subscribed to, nil = DefaultSubscriptions.
	Subscriptions *Subscriptions
	// Limits makes the API refuse calls that come more often than Feishu allows. That one
	// message is changed at most five times a second is always enforced.
	Limits bool

	Now func() time.Time // nil = time.Now
	Log *slog.Logger     // nil: nothing is logged

	// AnswerWithin is how long the app has to answer, 0 = 3 s.
	AnswerWithin time.Duration
	// RetryAfter is when an event that was not answered comes again, 0 = half a second; the
	// time doubles each of four times. Feishu waits from 15 s to 6 h.
	RetryAfter time.Duration
	// Linger is how long typing waits, once the app has answered the event, for the first
	// message that the person can see; 0 = 1 s.
	Linger time.Duration
	// PingEvery is what the app is told about how often to ping, 0 = 120 s.
	PingEvery time.Duration
	// Part is the size above which events come in parts over the long connection, 0 =
	// 64 KiB.
	Part int
}

// User is a person of the company.
type User struct {
	OpenID, Name, Email string
	Locale              string // for example "zh-CN", the default
	TZ                  string // IANA name, "" = Asia/Shanghai
	// Hidden tells that the app is not available to the person: it cannot write to them.
	Hidden bool
}

// Group is a group chat. The bot is in it unless WithoutBot is set.
type Group struct {
	ID, Name   string
	Members    []string // open ids
	WithoutBot bool
}

// The accounts of the company and the app.
const (
	tenantKey = "2df73991750bb9c7"
	botOpenID = "ou_b07000000000000000000000000slip"
	botName   = "Slipway"
)

// Server is the stand-in. It is safe for concurrent use. In HTTP mode events go to
// /feishu/events, and callbacks to /feishu/cards, below the address given to SetApp.
type Server struct {
	*standin.Host
	cfg    Config
	faults *Faults
	lines  standin.Lines[*socket]

	mu      sync.Mutex
	changed chan struct{}
	ids     int
	skew    time.Duration

	users    map[string]*User
	order    []string            // of users
	departs  map[string][]string // open ids by department
	chats    map[string]*chat
	rooms    []string // order of chats
	messages map[string]*message
	previews map[string]*preview
	clicks   map[string]*click // by the token of the callback
	drafts   map[string]draft  // half-filled forms by person
	closed   map[string]string // versions of forms that people have closed, by person and message

	approvals approvalCenter

	scopes []string
	subs   Subscriptions
	tokens map[string]*token
	token  *token // which the app gets when it asks
	storm  stormWatch
	uuids  map[string]sent
	rates  map[string][]tick

	events     map[string]time.Time // when deliveries began, by event id
	deliveries []Delivery
	calls      []Call
}

var _ screen.Chat = (*Server)(nil)

// New returns a company without people.
func New(cfg Config) *Server {
	standin.OrElse(&cfg.Mode, LongConnection)
	standin.OrElse(&cfg.AppID, "cli_"+standin.Random(8))
	standin.OrElse(&cfg.AppSecret, "secret-"+standin.Random(8))
	standin.OrElse(&cfg.VerificationToken, "verify-"+standin.Random(8))
	if cfg.Mode == HTTP {
		standin.OrElse(&cfg.EncryptKey, "encrypt-"+standin.Random(8))
	}
	standin.OrElse(&cfg.AnswerWithin, 3*time.Second)
	standin.OrElse(&cfg.RetryAfter, 500*time.Millisecond)
	standin.OrElse(&cfg.Linger, time.Second)
	standin.OrElse(&cfg.PingEvery, 2*time.Minute)
	standin.OrElse(&cfg.Part, 64<<10)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Scopes == nil {
		cfg.Scopes = DefaultScopes
	}
	if cfg.Subscriptions == nil {
		cfg.Subscriptions = &DefaultSubscriptions
	}
	s := &Server{
		Host: standin.NewHost("Feishu", cfg.Log), cfg: cfg, scopes: slices.Clone(cfg.Scopes), subs: *cfg.Subscriptions,
		changed: make(chan struct{}),
		users:   map[string]*User{}, departs: map[string][]string{}, chats: map[string]*chat{}, messages: map[string]*message{},
		approvals: approvalCenter{definitions: map[string]*ApprovalDefinition{}, subscribed: map[string]bool{}},
		previews:  map[string]*preview{}, clicks: map[string]*click{}, drafts: map[string]draft{}, closed: map[string]string{},
		tokens: map[string]*token{}, uuids: map[string]sent{}, rates: map[string][]tick{}, events: map[string]time.Time{},
	}
	s.faults = &Faults{s: s}
	s.Answer(s.routed())
	return s
}

// Close ends all connections and waits until nothing is under way.
func (s *Server) Close() error { return s.End(s.faults.DropConnections) }

// AppID returns the id of the app.
func (s *Server) AppID() string { return s.cfg.AppID }

// AppSecret returns the secret of the app.
func (s *Server) AppSecret() string { return s.cfg.AppSecret }

// VerificationToken returns what the app finds in the header of every event.
func (s *Server) VerificationToken() string { return s.cfg.VerificationToken }

// EncryptKey returns the key of the events that come by HTTP.
func (s *Server) EncryptKey() string { return s.cfg.EncryptKey }

// BotOpenID returns the account of the bot.
func (s *Server) BotOpenID() string { return botOpenID }

// Faults returns what can be made to go wrong.
func (s *Server) Faults() *Faults { return s.faults }

// AddUser adds a person, or changes them.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	standin.OrElse(&u.Locale, "zh-CN")
	standin.OrElse(&u.TZ, "Asia/Shanghai")
	standin.OrElse(&u.Name, u.OpenID)
	if s.users[u.OpenID] == nil {
		s.order = append(s.order, u.OpenID)
	}
	s.users[u.OpenID] = &u
	s.touch()
}

// AddDepartment adds a department with the people who belong to it directly, or changes it.
// id begins with od-.
func (s *Server) AddDepartment(id string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.departs[id] = slices.Clone(members)
	s.touch()
}

// AddGroup adds a group, or changes it.
func (s *Server) AddGroup(g Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[g.ID]
	if c == nil {
		c = &chat{id: g.ID}
		s.chats[g.ID] = c
		s.rooms = append(s.rooms, g.ID)
	}
	c.name, c.members, c.bot = g.Name, slices.Clone(g.Members), !g.WithoutBot
	s.touch()
}

// SetScopes replaces what the app was granted.
func (s *Server) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = slices.Clone(scopes)
}

// Changed implements screen.Chat.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// touch says that something changed that people can see. It is called with the lock.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// now is the time at Feishu. It is called with the lock.
func (s *Server) now() time.Time { return s.cfg.Now().Add(s.skew) }

// newID returns an id that no other thing has. It is called with the lock.
func (s *Server) newID(prefix string) string {
	s.ids++
	return fmt.Sprintf("%s%s%08d", prefix, standin.Random(8), s.ids)
}
