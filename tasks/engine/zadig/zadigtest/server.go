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
	"net/http"
	"slices"
	"strings"
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
	*standin.Server
	config Config
	tasks  []*task
	bodies []json.RawMessage
	refuse string
}

// New returns a server that is not listening yet.
func New(c Config) *Server {
	s := &Server{Server: standin.NewServer(c.Now, 0), config: c}
	s.Open(s.authenticated(s.routes()), s.advance, s.marked)
	return s
}

func (s *Server) marked(mark string) []*standin.Run {
	var runs []*standin.Run
	for _, t := range s.tasks {
		if t.run.Vars[markParam] == mark {
			runs = append(runs, t.run)
		}
	}
	return runs
}

// RefuseNextStart has the next start fail with code 6160 and a description, after all
// checks.
func (s *Server) RefuseNextStart(description string) {
	s.Lock()
	defer s.Unlock()
	s.refuse = description
}

// Forbid takes the permission to execute the workflows of a project from the account.
func (s *Server) Forbid(project string) {
	s.Lock()
	defer s.Unlock()
	s.config.Unpermitted = append(slices.Clone(s.config.Unpermitted), project)
}

// Bodies returns the bodies of all starts that were accepted.
func (s *Server) Bodies() []json.RawMessage {
	s.Lock()
	defer s.Unlock()
	return slices.Clone(s.bodies)
}

// Begin starts a run as somebody in Zadig's own page does, and returns its name,
// "workflow/number".
func (s *Server) Begin(creator, workflow string) string {
	s.Lock()
	defer s.Unlock()
	flow := s.find(workflow)
	t := s.newTask(flow, creator, vars(flow, nil), nil)
	s.tasks = append(s.tasks, t)
	return t.ref()
}

// Rerun is a person's click on "Retry" at a run, named "workflow/number".
func (s *Server) Rerun(ref string) bool {
	s.Lock()
	defer s.Unlock()
	for _, t := range s.tasks {
		if t.ref() == ref {
			return s.again(t)
		}
	}
	return false
}

// Say has Zadig use a word for the status of a run, whatever it does.
func (s *Server) Say(ref, status string) {
	s.Lock()
	defer s.Unlock()
	for _, t := range s.tasks {
		if t.ref() == ref {
			t.said = status
		}
	}
}

// Edit changes a workflow, as somebody with the right to would.
func (s *Server) Edit(w Workflow) {
	s.Lock()
	defer s.Unlock()
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

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h http.HandlerFunc, query ...string) {
		mux.HandleFunc(pattern, s.Serve(pattern, query, h))
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
			s.Notes.Addf("there is no %s %s", r.Method, r.URL.Path)
		}
		http.NotFound(w, r)
	})
	return mux
}

func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer {
			s.Notes.Addf("%s %s has no token", r.Method, r.URL.Path)
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
