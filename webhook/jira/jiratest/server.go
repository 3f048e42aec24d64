// Package jiratest is a stand-in for Jira: the part of its platform REST API (version 2) and
// of its Agile API (1.0) that shows projects, boards, sprints and issues, and that takes
// comments and remote links, after Atlassian's published descriptions. It keeps what it is
// told. It is strict: what the real server would refuse is refused with its words and noted
// as a violation.
package jiratest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Config says what the server has.
type Config struct {
	// User and Token are the one account: Basic authentication, or a bearer token if there
	// is no user.
	User  string
	Token string
	// Page is the most entries of a page, whatever is asked for; 50 by default.
	Page int
	// Placeless is an older Data Center: its boards do not say where they are.
	Placeless bool
	Projects  []Project
	Boards    []Board
	Sprints   []Sprint
	Issues    []Issue
}

// Project is a project.
type Project struct{ Key, Name string }

// Board is a board; Type is scrum or kanban.
type Board struct {
	ID       int64
	Name     string
	Type     string
	Projects []string // keys; the first is its place
}

// Sprint is a sprint; State is future, active or closed.
type Sprint struct {
	ID    int64
	Name  string
	State string
	Board int64
}

// Issue is an issue; Status is "To Do", "In Progress" or "Done".
type Issue struct {
	Key, Summary, Status string
	Sprint               int64
}

// RemoteLink is a link that an issue was given.
type RemoteLink struct {
	GlobalID string `json:"globalId"`
	URL      string `json:"url"`
	Title    string `json:"title"`
	Summary  string `json:"summary"`
	Resolved bool   `json:"resolved"`
}

// Server is the stand-in.
type Server struct {
	*httptest.Server
	config Config

	mu         sync.Mutex
	comments   map[string][]string
	links      map[string][]RemoteLink
	requests   []string
	violations []string
	fault      func(*http.Request) (status int, header http.Header)
	silent     chan struct{} // closed when slow answers may come
}

// New starts a server, which ends with the test.
func New(tb testing.TB, c Config) *Server {
	tb.Helper()
	if c.Page == 0 {
		c.Page = 50
	}
	s := &Server{config: c, comments: map[string][]string{}, links: map[string][]RemoteLink{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Start()
	tb.Cleanup(func() {
		s.Answer()
		s.Close()
		for _, v := range s.Violations() {
			tb.Errorf("jira: %s", v)
		}
	})
	return s
}

// Violations are what the real server would have refused.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Forgive forgets the violations and returns them.
func (s *Server) Forgive() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.violations
	s.violations = nil
	return was
}

// Requests are the requests so far, "GET /rest/…".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Comments are the comments of an issue, the oldest first.
func (s *Server) Comments(key string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.comments[key])
}

// Links are the remote links of an issue.
func (s *Server) Links(key string) []RemoteLink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.links[key])
}

// Say writes a comment as a person does.
func (s *Server) Say(key, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comments[key] = append(s.comments[key], text)
}

// Move puts an issue into another status.
func (s *Server) Move(key, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.config.Issues {
		if s.config.Issues[i].Key == key {
			s.config.Issues[i].Status = status
		}
	}
}

// SetSprint changes a sprint, or deletes it if the state is empty.
func (s *Server) SetSprint(id int64, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.config.Sprints, func(x Sprint) bool { return x.ID == id })
	if i >= 0 && state == "" {
		s.config.Sprints = slices.Delete(s.config.Sprints, i, i+1)
	} else if i >= 0 {
		s.config.Sprints[i].State = state
	}
}

// Fail answers every request with a status from now on; zero ends that. Statuses from 500
// come with a page that is no JSON.
func (s *Server) Fail(status int) {
	s.FailSome(func(*http.Request) (int, http.Header) { return status, nil })
}

// Limit answers the next n requests with 429 and Retry-After.
func (s *Server) Limit(n, seconds int) {
	s.FailSome(func(*http.Request) (int, http.Header) {
		if n--; n < 0 {
			return 0, nil
		}
		return http.StatusTooManyRequests, http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	})
}

// FailSome asks a function, one request at a time, with what status to fail; zero is not at
// all.
func (s *Server) FailSome(fault func(*http.Request) (int, http.Header)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Silence keeps every request without an answer until Answer.
func (s *Server) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent == nil {
		s.silent = make(chan struct{})
	}
}

// Answer ends Silence.
func (s *Server) Answer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent != nil {
		close(s.silent)
		s.silent = nil
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	wait := s.silent
	s.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-r.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		if status, header := s.fault(r); status != 0 {
			fail(w, status, header)
			return
		}
	}
	if !s.knows(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Jira"`)
		fail(w, http.StatusUnauthorized, nil)
		return
	}
	s.route(w, r)
}

func fail(w http.ResponseWriter, status int, header http.Header) {
	for key, v := range header {
		w.Header()[key] = v
	}
	if status < http.StatusInternalServerError {
		refuse(w, status, "Client must be authenticated to access this resource.")
		return
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html><body>Oops, you've found a dead link: %d</body></html>", status)
}

// knows tells whether a request comes from the account.
func (s *Server) knows(r *http.Request) bool {
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	if s.config.User == "" {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		return ok && same(token, s.config.Token)
	}
	user, token, ok := r.BasicAuth()
	return ok && same(user, s.config.User) && same(token, s.config.Token)
}

func refuse(w http.ResponseWriter, status int, messages ...string) {
	write(w, status, map[string]any{"errorMessages": messages, "errors": map[string]string{}})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who asked may be gone
}

// violate notes what the real server would not take, and refuses it.
func (s *Server) violate(w http.ResponseWriter, status int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.violations = append(s.violations, text)
	refuse(w, status, text)
}
