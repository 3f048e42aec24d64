package dingtalktest

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
)

// Config says how the stand-in behaves. All of it may be left out.
type Config struct {
	AppKey, AppSecret string
	// CallbackToken and AESKey are those of the event subscription. The key has 43
	// characters of base64.
	CallbackToken, AESKey string
	Scopes                []string         // what the app was granted, nil = DefaultScopes
	Now                   func() time.Time // nil = time.Now
	Log                   *slog.Logger     // nil: nothing is logged
}

// DefaultScopes are granted unless Config says otherwise.
var DefaultScopes = []string{scopeForm, scopeRead, scopeWrite}

// User is a person of the organisation.
type User struct {
	ID   string // userid
	Name string
	Dept int64 // 0 = the root
}

// Definition is an approval that was made in the console.
type Definition struct {
	Code       string // processCode
	Name       string
	Components []Component
	Disabled   bool
	// KeepsOpen tells that the originator may not withdraw; the app itself may.
	KeepsOpen bool
}

// Component is a field of a form.
type Component struct {
	Kind     string // componentName, for example TextField
	Name     string // label
	Required bool
}

// corpID is the organisation.
const corpID = "ding9f50b15bccd16741"

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	client *http.Client
	faults *Faults
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup // what nobody waits for

	mu          sync.Mutex
	address     string
	app         string
	server      *http.Server
	ids         int64
	scopes      []string
	users       map[string]User
	definitions map[string]*Definition
	instances   []*instance
	tokens      map[string]time.Time // until when
	tickets     map[string]time.Time // likewise
	sockets     []*socket
	joined      chan struct{} // closed at the next connection
	calls       []Call
	deliveries  []Delivery
	pending     chan struct{} // closed when the newest deliveries by themselves are done, nil without any
	violations  []string
}

// New returns an organisation without people.
func New(cfg Config) *Server {
	orElse(&cfg.AppKey, "ding"+random(8))
	orElse(&cfg.AppSecret, "secret-"+random(16))
	orElse(&cfg.CallbackToken, "token-"+random(8))
	orElse(&cfg.AESKey, newAESKey())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Scopes == nil {
		cfg.Scopes = DefaultScopes
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg, client: &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		ctx: ctx, stop: stop, scopes: slices.Clone(cfg.Scopes),
		users: map[string]User{}, definitions: map[string]*Definition{}, tokens: map[string]time.Time{},
		tickets: map[string]time.Time{}, joined: make(chan struct{}),
	}
	s.faults, s.mux = &Faults{s: s}, s.routed()
	return s
}

func orElse(v *string, other string) {
	if *v == "" {
		*v = other
	}
}

// random returns n random bytes in hexadecimal digits.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Listen serves the API at a TCP address such as 127.0.0.1:0 and returns where. Close ends
// it.
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
			s.cfg.Log.Error("stand-in of DingTalk stopped", "error", err)
		}
	})
	return s.BaseURL(), nil
}

// Close ends everything and waits for it.
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
	s.faults.DropConnections() // those made meanwhile
	s.work.Wait()
	s.client.CloseIdleConnections()
	return err
}

// BaseURL returns the address to be given to the app, "" before Listen.
func (s *Server) BaseURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// SetApp tells where the app listens: events go to address/dingtalk/events.
func (s *Server) SetApp(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = strings.TrimSuffix(address, "/")
}

// AppKey returns the key of the app, which its events are for.
func (s *Server) AppKey() string { return s.cfg.AppKey }

// AppSecret returns the secret of the app.
func (s *Server) AppSecret() string { return s.cfg.AppSecret }

// CallbackToken returns what signs events.
func (s *Server) CallbackToken() string { return s.cfg.CallbackToken }

// AESKey returns the key of events.
func (s *Server) AESKey() string { return s.cfg.AESKey }

// Faults returns what can be made to go wrong.
func (s *Server) Faults() *Faults { return s.faults }

// AddUser adds a person, or changes them.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.ID] = u
}

// RemoveUser lets a person leave.
func (s *Server) RemoveUser(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.users, id)
}

// AddDefinition adds an approval, or changes it. Instances keep the form that they were
// started with.
func (s *Server) AddDefinition(d Definition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Components = slices.Clone(d.Components)
	s.definitions[d.Code] = &d
}

// RemoveDefinition deletes an approval.
func (s *Server) RemoveDefinition(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.definitions, code)
}

// SetScopes replaces what the app was granted.
func (s *Server) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = slices.Clone(scopes)
}

// Violations returns everything that the app did wrong so far.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Calls returns the calls of the app so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// violate notes something that the app must not do. It is called with the lock.
func (s *Server) violate(format string, args ...any) {
	v := fmt.Sprintf(format, args...)
	s.violations = append(s.violations, v)
	s.cfg.Log.Warn("the app broke a rule of DingTalk", "what", v)
}

// nextID returns a number that nothing else has. It is called with the lock.
func (s *Server) nextID() int64 {
	s.ids++
	return s.ids
}
