// Package httpenginetest is a stand-in for a server of one's own that deploys things: a
// small REST API of the kind that teams write for themselves. It is strict: what is not
// in its contract is refused and noted as a violation.
//
//	POST /api/runs                         start, answers 201 and {"run": …}
//	GET  /api/runs?mark=…                  {"runs": […]}
//	GET  /api/runs/{id}                    {"run": …}
//	GET  /api/runs/{id}/log                the log so far, as text
//	POST /api/runs/{id}/cancel             ends a run
//	POST /api/runs/{id}/retry              runs again what failed
//	POST /api/runs/{id}/jobs/{job}/answer  {"approve": true, "by": …, "comment": …}
//	GET  /api/ping                         204
//
// It reports what happens to its runs as Slipway documents it.
package httpenginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// Config says what the server has.
type Config struct {
	Token         string // what callers must have
	CallbackToken string // what its reports carry
	Workflows     []standin.Workflow
	Idempotent    bool // honours Idempotency-Key
	Now           func() time.Time
}

// Server is the stand-in.
type Server struct {
	*standin.Server
	config Config
	runs   []*run
	keys   map[string]*run // by Idempotency-Key
}

type run struct {
	id, body string
	start    start
	run      *standin.Run
	attempt  int
	told     string // the last report, and what it was about
}

// start is the body of the request that starts a run.
type start struct {
	Project  string         `json:"project"`
	Workflow string         `json:"workflow"`
	Mark     string         `json:"mark"`
	Plan     string         `json:"plan"`
	Item     string         `json:"item"`
	Params   map[string]any `json:"params"`
}

// New returns a server that is not listening yet.
func New(c Config) *Server {
	s := &Server{Server: standin.NewServer(c.Now, 40), config: c, keys: map[string]*run{}}
	s.Open(s.authenticated(s.routes()), s.advance, s.marked)
	return s
}

func (s *Server) marked(mark string) []*standin.Run {
	var runs []*standin.Run
	for _, r := range s.runs {
		if r.start.Mark == mark {
			runs = append(runs, r.run)
		}
	}
	return runs
}

// Rerun is a person's click on "run again" at a run.
func (s *Server) Rerun(id string) {
	s.Lock()
	defer s.Unlock()
	if r := s.find(id); r != nil {
		s.again(r)
	}
}

func (s *Server) again(r *run) bool {
	if !r.run.Retry(s.Now()) {
		return false
	}
	r.attempt++
	s.advance()
	return true
}

// advance does what is due in all runs, and reports it.
func (s *Server) advance() {
	now := s.Now()
	for _, r := range s.runs {
		r.run.CatchUp(now)
		s.tell(r)
	}
}

func (s *Server) find(id string) *run {
	i := slices.IndexFunc(s.runs, func(r *run) bool { return r.id == id })
	if i < 0 {
		return nil
	}
	return s.runs[i]
}

func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+s.config.Token {
			fail(w, http.StatusUnauthorized, "the token is wrong")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request, *run)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.Lock()
			defer s.Unlock()
			s.advance()
			one := s.find(r.PathValue("id"))
			if one == nil && r.PathValue("id") != "" {
				fail(w, http.StatusNotFound, "no such run")
				return
			}
			h(w, r, one)
		})
	}
	handle("POST /api/runs", s.create)
	handle("GET /api/runs", s.list)
	handle("GET /api/runs/{id}", func(w http.ResponseWriter, _ *http.Request, one *run) {
		answer(w, http.StatusOK, map[string]any{"run": s.shown(one)})
	})
	handle("GET /api/runs/{id}/log", s.log)
	handle("POST /api/runs/{id}/cancel", func(w http.ResponseWriter, _ *http.Request, one *run) {
		one.run.Cancel(s.Now())
		s.advance()
		w.WriteHeader(http.StatusNoContent)
	})
	handle("POST /api/runs/{id}/retry", func(w http.ResponseWriter, _ *http.Request, one *run) {
		if !s.again(one) {
			fail(w, http.StatusConflict, "nothing to run again")
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	handle("POST /api/runs/{id}/jobs/{job}/answer", s.reply)
	handle("GET /api/ping", func(w http.ResponseWriter, _ *http.Request, _ *run) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.Notes.Addf("there is no %s %s", r.Method, r.URL.Path)
		fail(w, http.StatusNotFound, "not found")
	})
	return mux
}

// read reads a body strictly.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any) (string, bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err := d.Decode(into); err != nil || kind != "application/json" {
		s.Notes.Addf("%s %s: %q: %v", r.Method, r.URL.Path, kind, err)
		fail(w, http.StatusBadRequest, "no such JSON")
		return "", false
	}
	return string(body), true
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, _ *run) {
	one := &run{attempt: 1}
	body, ok := s.read(w, r, &one.start)
	if !ok {
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if before := s.keys[key]; s.config.Idempotent && before != nil {
		if before.body != body {
			s.Notes.Addf("key %q came with another body", key)
			fail(w, http.StatusUnprocessableEntity, "the key was used for another request")
			return
		}
		answer(w, http.StatusOK, map[string]any{"run": s.shown(before)})
		return
	}
	i := slices.IndexFunc(s.config.Workflows, func(f standin.Workflow) bool {
		return f.Project == one.start.Project && f.Name == one.start.Workflow
	})
	if i < 0 || one.start.Mark == "" {
		fail(w, http.StatusUnprocessableEntity, "no such workflow, or no mark")
		return
	}
	flow, vars := s.config.Workflows[i], map[string]string{}
	for _, p := range flow.Params {
		value, given := one.start.Params[p.Name]
		if !given {
			s.Notes.Addf("the param %s is missing", p.Name)
		}
		vars[p.Name] = fmt.Sprint(value)
	}
	id := s.NextID()
	one.id, one.body = fmt.Sprintf("r-%d", id), body
	one.run = standin.NewRun(id, flow, vars, s.Now(), s.NextID)
	s.keys[key] = one
	if s.Notices.Early() {
		early := s.report(one)
		s.TellNow(func() { s.send(early) })
	}
	s.runs = append(s.runs, one)
	made := s.shown(one)
	s.advance()
	answer(w, http.StatusCreated, map[string]any{"run": made})
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, _ *run) {
	list := []any{}
	for _, one := range s.runs {
		if one.start.Mark == r.URL.Query().Get("mark") {
			list = append(list, s.shown(one))
		}
	}
	answer(w, http.StatusOK, map[string]any{"runs": list})
}

func (s *Server) log(w http.ResponseWriter, _ *http.Request, one *run) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, line := range lines(one) {
		fmt.Fprintln(w, line)
	}
}

func lines(one *run) []string {
	var all []string
	for _, a := range one.run.Attempts() {
		all = append(all, a.Log...)
	}
	return all
}

func (s *Server) reply(w http.ResponseWriter, r *http.Request, one *run) {
	var said struct {
		Approve bool   `json:"approve"`
		By      string `json:"by"`
		Comment string `json:"comment"`
	}
	if _, ok := s.read(w, r, &said); !ok {
		return
	}
	for _, a := range one.run.Present() {
		if a.Job.Name != r.PathValue("job") || a.Status != standin.Asking {
			continue
		}
		if said.Approve {
			one.run.Agree(a.ID, s.Now())
		} else {
			one.run.Refuse(a, s.Now())
		}
		s.advance()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	fail(w, http.StatusConflict, "nobody is asked")
}

func fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"message": text})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// state is the server's word.
var state = map[standin.Status]string{
	standin.Created: "pending", standin.Running: "busy", standin.Asking: "asking", standin.Passed: "succeeded", standin.Failed: "broken",
	standin.Cancelled: "stopped", standin.TimedOut: "expired", standin.Skipped: "left out",
}

func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func (s *Server) shown(one *run) map[string]any {
	jobs := []any{}
	for _, a := range one.run.Present() {
		j := map[string]any{
			"name": a.Job.Name, "group": a.Stage, "state": state[a.Status], "begun": moment(a.Started), "over": moment(a.Ended), "why": nil,
		}
		if a.Status == standin.Failed {
			j["why"] = "exit status 1"
		}
		jobs = append(jobs, j)
	}
	status := one.run.Status()
	shown := map[string]any{
		"id": one.id, "workflow": one.start.Workflow, "mark": one.start.Mark, "state": state[status], "attempt": one.attempt, "jobs": jobs,
		"begun": moment(one.run.Started()), "over": nil, "page": s.URL() + "/runs/" + strings.TrimPrefix(one.id, "r-"), "why": nil,
	}
	if status.Over() {
		shown["over"] = moment(one.run.Updated)
	}
	return shown
}
