package dingtalktest

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"slipway/bot/standin"
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

// Server is the stand-in. It is safe for concurrent use. Events go to /dingtalk/events below
// the address given to SetApp.
type Server struct {
	*standin.Host
	cfg    Config
	faults *Faults
	lines  standin.Lines[*socket]

	mu          sync.Mutex
	ids         int64
	scopes      []string
	users       map[string]User
	definitions map[string]*Definition
	instances   []*instance
	tokens      map[string]time.Time // until when
	tickets     map[string]time.Time // likewise
	calls       []Call
	deliveries  []Delivery
	pending     chan struct{} // closed when the newest deliveries by themselves are done, nil without any
}

// New returns an organisation without people.
func New(cfg Config) *Server {
	standin.OrElse(&cfg.AppKey, "ding"+standin.Random(8))
	standin.OrElse(&cfg.AppSecret, "secret-"+standin.Random(16))
	standin.OrElse(&cfg.CallbackToken, "token-"+standin.Random(8))
	standin.OrElse(&cfg.AESKey, newAESKey())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Scopes == nil {
		cfg.Scopes = DefaultScopes
	}
	s := &Server{
		Host: standin.NewHost("DingTalk", cfg.Log), cfg: cfg, scopes: slices.Clone(cfg.Scopes),
		users: map[string]User{}, definitions: map[string]*Definition{}, tokens: map[string]time.Time{},
		tickets: map[string]time.Time{},
	}
	s.faults = &Faults{s: s}
	s.Answer(s.routed())
	return s
}

// Close ends everything and waits for it.
func (s *Server) Close() error { return s.End(s.faults.DropConnections) }

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

// Calls returns the calls of the app so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// nextID returns a number that nothing else has. It is called with the lock.
func (s *Server) nextID() int64 {
	s.ids++
	return s.ids
}
