// Package zadigtest is a stand-in for Zadig: the part of its OpenAPI and of its webhooks
// that runs workflows, from the vendor's public source. It is strict: what the real
// server would refuse is answered as Zadig answers it, and what it would silently leave
// out is noted as a violation.
package zadigtest

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// Account is the name of the owner of the token, and UserID its id.
const (
	Account = "slipway-bot"
	UserID  = "5f2c0c7e-0d7a-11f0-9cd2-0242ac120002"
)

// Token returns an API token of the account: a JSON Web Token, of which nobody here
// checks the signature.
func Token(signature string) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"HS256","typ":"JWT"}`) + "." + part(`{"name":"`+Account+`","uid":"`+UserID+`","exp":4102444800}`) + "." + signature
}

// Workflow is one that the stand-in has: how it behaves, and its definition as Zadig
// stores it. Without a definition its jobs are scripts, approvals where they ask.
type Workflow struct {
	standin.Workflow
	Definition Definition
}

// Definition is a workflow as Zadig stores it.
type Definition struct {
	Params []map[string]any
	Stages []Stage
}

// Stage is a stage of a Definition.
type Stage struct {
	Name string           `json:"name"`
	Jobs []map[string]any `json:"jobs"`
}

// Config says what the server has.
type Config struct {
	Token        string // the one API token that it knows, as Token makes it
	WebhookToken string // sent with every webhook
	Workflows    []Workflow
	// Waits says, per name of a job that asks, how it does: lark (an approval in
	// Feishu), error (what to do after its failure), debug (a breakpoint), stranger (an
	// approval by others). Otherwise the account itself is to approve.
	Waits map[string]string
	// Manual are the names of stages that somebody has to start: the jobs in them that
	// ask wait for that. Others are those of which the account may not be the one.
	Manual, Others []string
	// Unpermitted are the projects in which the account may not execute workflows.
	Unpermitted []string
	// V4 has the server be of a version before 5: without an address for manual
	// execution, and without the workflow hook of the system.
	V4 bool
	// Registries, CodeHosts and Databases are what can be named in a start; the ID of
	// each code host is its place, from 1 on.
	Registries []Registry
	CodeHosts  []string
	Databases  map[string]string // names by IDs
	Now        func() time.Time
}

// Registry is an image registry.
type Registry struct{ ID, Address, Namespace string }

// Server is the stand-in.
type Server struct {
	config  Config
	faults  standin.Faults
	notes   standin.Notes
	notices standin.Notices
	handler http.Handler
	server  *http.Server
	url     string
	closed  chan struct{}
	ticking sync.WaitGroup

	mu     sync.Mutex
	tasks  []*task
	lastID int
	bodies []json.RawMessage
	refuse string
}

// tick is how often runs are looked after.
const tick = 5 * time.Millisecond

// New returns a server that is not listening yet.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{config: c, closed: make(chan struct{})}
	s.handler = s.faults.Wrap(s.authenticated(s.routes()))
	s.ticking.Go(s.tick)
	return s
}

// Listen serves at an address, such as "127.0.0.1:0".
func (s *Server) Listen(addr string) error {
	l, err := net.Listen("tcp", addr) //nolint:noctx // it ends with Close
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	s.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(l) }()
	return nil
}

// Handler serves the API.
func (s *Server) Handler() http.Handler { return s.handler }

// URL is where it listens.
func (s *Server) URL() string { return s.url }

// Close ends the server.
func (s *Server) Close() {
	close(s.closed)
	if s.server != nil {
		s.server.Close()
	}
	s.ticking.Wait()
	s.notices.Wait()
}

// Faults are what can be made wrong with it.
func (s *Server) Faults() *standin.Faults { return &s.faults }

// Violations returns what the real server would have refused or left out.
func (s *Server) Violations() []string { return s.notes.List() }

// Notify says what becomes of its webhooks.
func (s *Server) Notify(mode standin.Mode) { s.notices.Notify(mode) }

// NotifyURL is where its webhooks go.
func (s *Server) NotifyURL(url string) { s.notices.To(url) }

// RefuseNextStart has the next start fail with code 6160 and a description, after all
// checks.
func (s *Server) RefuseNextStart(description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = description
}

// Forbid takes the permission to execute the workflows of a project from the account.
func (s *Server) Forbid(project string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.Unpermitted = append(slices.Clone(s.config.Unpermitted), project)
}

// Bodies returns the bodies of all starts that were accepted.
func (s *Server) Bodies() []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

// Starts returns how many runs carry a mark.
func (s *Server) Starts(mark string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.tasks {
		if t.run.Vars[markParam] == mark {
			n++
		}
	}
	return n
}

// Pass lets the jobs of the run with a mark that block pass; false if there is none.
func (s *Server) Pass(mark string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tasks {
		if t.run.Vars[markParam] == mark {
			return t.run.Pass(s.config.Now())
		}
	}
	return false
}

// Begin starts a run as somebody in Zadig's own page does, and returns its name,
// "workflow/number".
func (s *Server) Begin(creator, workflow string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	flow := s.find(workflow)
	t := s.newTask(flow, creator, vars(flow, nil), nil)
	s.tasks = append(s.tasks, t)
	return t.ref()
}

// Rerun is a person's click on "Retry" at a run, named "workflow/number".
func (s *Server) Rerun(ref string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tasks {
		if t.ref() == ref {
			return s.again(t)
		}
	}
	return false
}

// Say has Zadig use a word for the status of a run, whatever it does.
func (s *Server) Say(ref, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tasks {
		if t.ref() == ref {
			t.said = status
		}
	}
}

// Edit changes a workflow, as somebody with the right to would.
func (s *Server) Edit(w Workflow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.Workflows = slices.Clone(s.config.Workflows)
	for i, old := range s.config.Workflows {
		if old.Name == w.Name {
			s.config.Workflows[i] = w
		}
	}
}

func (s *Server) find(key string) *Workflow {
	for i := range s.config.Workflows {
		if s.config.Workflows[i].Name == key {
			return &s.config.Workflows[i]
		}
	}
	return nil
}

func (s *Server) tick() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-ticker.C:
			s.mu.Lock()
			s.advance()
			s.mu.Unlock()
		}
	}
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request), query ...string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			for name := range r.URL.Query() {
				if !slices.Contains(query, name) {
					s.notes.Addf("%s has no query parameter %q", pattern, name)
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.advance()
			h(w, r)
		})
	}
	const custom = "/openapi/workflows/custom/"
	handle("GET /openapi/projects/project", s.projects, "pageNum", "pageSize")
	handle("GET /openapi/system/registry", s.registries)
	handle("GET /openapi/workflows", s.list, "projectKey", "viewName")
	handle("GET "+custom+"{name}/detail", s.detail, "projectKey")
	handle("GET "+custom+"{name}/tasks", s.history, "projectKey", "pageNum", "pageSize")
	mux.HandleFunc("POST "+custom+"task", s.start) // it locks by itself: a notice may come early
	handle("GET "+custom+"task", s.task, "taskId", "workflowKey")
	handle("DELETE "+custom+"task", s.cancel, "taskId", "workflowKey")
	handle("POST "+custom+"task/approve", s.approve)
	handle("POST "+custom+"{name}/task/{task}", s.retry, "projectKey")
	if !s.config.V4 {
		handle("GET "+custom+"{name}/task/{task}/manual-exec", s.manual, "projectKey")
		handle("POST "+custom+"{name}/task/{task}/manual-exec", s.manualExec, "projectKey")
	}
	handle("GET /openapi/logs/log/v4/workflow/{name}/{task}/{job}", s.log)
	mux.HandleFunc("GET /openapi/logs/sse/v4/workflow/{name}/{task}/{job}/{lines}", s.stream)
	handle("GET /api/aslan/code/codehost", s.codeHosts)
	handle("GET /api/aslan/system/dbinstance/project", s.databases, "projectName")
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !s.config.V4 {
			s.notes.Addf("there is no %s %s", r.Method, r.URL.Path)
		}
		http.NotFound(w, r)
	})
	return mux
}

func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer {
			s.notes.Addf("%s %s has no token", r.Method, r.URL.Path)
		}
		if subtle.ConstantTimeCompare([]byte(given), []byte(s.config.Token)) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(body)
}

func success(w http.ResponseWriter) { answer(w, map[string]string{"message": "success"}) }

// plain answers as Zadig does to every fault that has no code of its own.
func plain(w http.ResponseWriter, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_ = json.NewEncoder(w).Encode(map[string]any{"message": "Internal Error: ", "code": 500, "description": fmt.Sprintf(format, args...)})
}

// typed answers as Zadig does to a fault that has a code.
func typed(w http.ResponseWriter, code int, message, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "error", "message": message, "code": code, "description": fmt.Sprintf(format, args...), "extra": map[string]any{},
	})
}
