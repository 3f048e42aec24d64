package feishutest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"slipway/bot/screen"
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

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	client *http.Client
	faults *Faults
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup // deliveries that nobody waits for

	mu      sync.Mutex
	changed chan struct{}
	address string // own, without a slash at the end
	app     string // where the app listens
	server  *http.Server
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

	scopes  []string
	subs    Subscriptions
	tokens  map[string]*token
	token   *token // which the app gets when it asks
	storm   stormWatch
	uuids   map[string]sent
	rates   map[string][]tick
	sockets []*socket
	joined  chan struct{} // closed at the next connection

	events     map[string]time.Time // when deliveries began, by event id
	deliveries []Delivery
	calls      []Call
	violations []string
}

var _ screen.Chat = (*Server)(nil)

// New returns a company without people.
func New(cfg Config) *Server {
	orElse(&cfg.Mode, LongConnection)
	orElse(&cfg.AppID, "cli_"+random(8))
	orElse(&cfg.AppSecret, "secret-"+random(8))
	orElse(&cfg.VerificationToken, "verify-"+random(8))
	if cfg.Mode == HTTP {
		orElse(&cfg.EncryptKey, "encrypt-"+random(8))
	}
	orElse(&cfg.AnswerWithin, 3*time.Second)
	orElse(&cfg.RetryAfter, 500*time.Millisecond)
	orElse(&cfg.Linger, time.Second)
	orElse(&cfg.PingEvery, 2*time.Minute)
	orElse(&cfg.Part, 64<<10)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Scopes == nil {
		cfg.Scopes = DefaultScopes
	}
	if cfg.Subscriptions == nil {
		cfg.Subscriptions = &DefaultSubscriptions
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg, ctx: ctx, stop: stop, client: &http.Client{Transport: &http.Transport{}}, scopes: slices.Clone(cfg.Scopes), subs: *cfg.Subscriptions,
		changed: make(chan struct{}), joined: make(chan struct{}),
		users: map[string]*User{}, departs: map[string][]string{}, chats: map[string]*chat{}, messages: map[string]*message{},
		approvals: approvalCenter{definitions: map[string]*ApprovalDefinition{}, subscribed: map[string]bool{}},
		previews:  map[string]*preview{}, clicks: map[string]*click{}, drafts: map[string]draft{}, closed: map[string]string{},
		tokens: map[string]*token{}, uuids: map[string]sent{}, rates: map[string][]tick{}, events: map[string]time.Time{},
	}
	s.faults, s.mux = &Faults{s: s}, s.routed()
	return s
}

func orElse[T comparable](v *T, other T) {
	var zero T
	if *v == zero {
		*v = other
	}
}

// random returns n random bytes in hexadecimal digits.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Listen serves the API at a TCP address such as 127.0.0.1:0 and returns where. Close ends it.
func (s *Server) Listen(addr string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen for the app: %w", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.mu.Lock()
	s.address, s.server = "http://"+l.Addr().String(), server
	s.mu.Unlock()
	s.work.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Log.Error("stand-in of Feishu stopped", "error", err)
		}
	})
	return s.BaseURL(), nil
}

// Close ends all connections and waits until nothing is under way.
func (s *Server) Close() error {
	s.stop()
	s.faults.DropConnections()
	s.mu.Lock()
	server := s.server
	s.mu.Unlock()
	var err error
	if server != nil {
		err = server.Close()
	}
	s.work.Wait()
	s.client.CloseIdleConnections()
	return err
}

// BaseURL returns the address to be given to the app, without a slash at the end; "" before
// Listen or SetBaseURL.
func (s *Server) BaseURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// SetBaseURL tells where the Server is served, if that is not done by Listen.
func (s *Server) SetBaseURL(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.address = strings.TrimSuffix(address, "/")
}

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

// SetApp tells where the app listens: events go to address/feishu/events, callbacks to
// address/feishu/cards. It matters in HTTP mode only.
func (s *Server) SetApp(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = strings.TrimSuffix(address, "/")
}

// AddUser adds a person, or changes them.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	orElse(&u.Locale, "zh-CN")
	orElse(&u.TZ, "Asia/Shanghai")
	orElse(&u.Name, u.OpenID)
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
	return fmt.Sprintf("%s%s%08d", prefix, random(8), s.ids)
}

// violate notes something that the app must not do. It is called with the lock.
func (s *Server) violate(format string, args ...any) {
	v := fmt.Sprintf(format, args...)
	s.violations = append(s.violations, v)
	s.cfg.Log.Warn("the app broke a rule of Feishu", "what", v)
}

// Violations returns everything that the app did wrong so far.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}
