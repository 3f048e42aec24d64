// Package gitlabtest is a stand-in for GitLab: the part of its REST API (v4) and of
// its webhooks that runs pipelines, from the vendor's published descriptions. It is
// strict: what the real server would refuse, or does not document, is answered as
// GitLab answers it and noted as a violation.
package gitlabtest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// Username is that of the owner of the token.
const Username = "slipway-bot"

// DefaultBranch is the default branch of every project.
const DefaultBranch = "main"

// Config says what the server has.
type Config struct {
	Token        string   // the one access token that it knows
	Scopes       []string // of the token; none: api
	WebhookToken string   // sent with every webhook
	// Workflows are pipelines: the project's path, and the branch as the name.
	Workflows []standin.Workflow
	// Approvals says, per name of a job that asks, how many approvals its protected
	// environment needs before it can be played.
	Approvals map[string]int
	// NoVariables are the projects in which nobody may set pipeline variables.
	NoVariables []string
	// HidesSettings keeps from the account what only maintainers may see of a project.
	HidesSettings bool
	// Bridges are the names of the jobs that start other pipelines.
	Bridges []string
	Now     func() time.Time
}

// Server is the stand-in.
type Server struct {
	*standin.Server
	config    Config
	projects  []string // the ID of each is its place, from 1 on
	pipelines []*pipeline
	approved  map[int]int // approvals of the deployments of jobs
}

// New returns a server that is not listening yet.
func New(c Config) *Server {
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"api"}
	}
	s := &Server{Server: standin.NewServer(c.Now, 1000), config: c, approved: map[int]int{}}
	for _, w := range c.Workflows {
		if !slices.Contains(s.projects, w.Project) {
			s.projects = append(s.projects, w.Project)
		}
	}
	s.Open(s.authenticated(s.routes()), s.advance, s.marked)
	return s
}

func (s *Server) marked(mark string) []*standin.Run {
	var runs []*standin.Run
	for _, p := range s.pipelines {
		if p.sent["SLIPWAY_MARK"] == mark {
			runs = append(runs, p.run)
		}
	}
	return runs
}

// Rerun is a person's click on "Retry" at a pipeline; the ref is "project/pipeline".
// It tells whether there was something to retry.
func (s *Server) Rerun(ref string) bool {
	s.Lock()
	defer s.Unlock()
	for _, p := range s.pipelines {
		if ref == fmt.Sprintf("%d/%d", p.project, p.run.ID) {
			again := p.run.Retry(s.Now())
			s.advance()
			return again
		}
	}
	return false
}

// Edit changes the pipeline of a branch, as a commit of somebody would.
func (s *Server) Edit(w standin.Workflow) {
	s.Lock()
	defer s.Unlock()
	s.config.Workflows = standin.Edited(s.config.Workflows, w)
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h http.HandlerFunc, query ...string) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/v4"+path, s.Serve(pattern, query, h))
	}
	handle("GET /user", s.user)
	handle("GET /personal_access_tokens/self", s.token)
	handle("GET /projects/{id}", s.project, "license", "statistics", "with_custom_attributes")
	handle("GET /projects/{id}/ci/lint", s.lint, "content_ref", "dry_run", "dry_run_ref", "include_jobs", "ref", "sha")
	handle("GET /projects/{id}/repository/files/{path}/raw", s.file, "ref", "lfs")
	handle("GET /projects/{id}/pipelines", s.list, "scope", "status", "source", "ref", "sha", "yaml_errors", "name", "username",
		"updated_after", "updated_before", "created_after", "created_before", "order_by", "sort", "page", "per_page")
	mux.HandleFunc("POST /api/v4/projects/{id}/pipeline", s.create) // it locks by itself: a notice may come early
	handle("GET /projects/{id}/pipelines/{pipeline}", s.pipeline)
	handle("GET /projects/{id}/pipelines/{pipeline}/variables", s.variables)
	handle("GET /projects/{id}/pipelines/{pipeline}/jobs", s.jobs, "scope[]", "include_retried", "page", "per_page")
	handle("GET /projects/{id}/pipelines/{pipeline}/bridges", s.bridges, "scope[]", "page", "per_page")
	handle("POST /projects/{id}/pipelines/{pipeline}/cancel", s.cancel)
	handle("POST /projects/{id}/pipelines/{pipeline}/retry", s.retry)
	handle("GET /projects/{id}/jobs/{job}", s.job)
	handle("GET /projects/{id}/jobs/{job}/trace", s.trace)
	handle("POST /projects/{id}/jobs/{job}/play", s.play)
	handle("POST /projects/{id}/jobs/{job}/cancel", s.cancelJob)
	handle("GET /projects/{id}/deployments", s.deployments, "order_by", "sort", "environment", "status", "updated_after",
		"updated_before", "finished_after", "finished_before", "page", "per_page")
	handle("POST /projects/{id}/deployments/{deployment}/approval", s.approve)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.Notes.Addf("there is no %s %s", r.Method, r.URL.Path)
		answer(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
	})
	return mux
}

func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("Private-Token")
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && given == "" {
			given = bearer
		}
		if given == "" {
			s.Notes.Addf("%s %s has no token", r.Method, r.URL.Path)
		}
		if subtle.ConstantTimeCompare([]byte(given), []byte(s.config.Token)) != 1 {
			answer(w, http.StatusUnauthorized, map[string]string{"message": "401 Unauthorized"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) user(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"id": 7, "username": Username, "name": "Slipway", "state": "active", "bot": true,
		"web_url": s.URL() + "/" + Username,
	})
}

func (s *Server) token(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"id": 4, "name": "slipway", "revoked": false, "created_at": "2026-07-23T14:31:47.729Z", "scopes": s.config.Scopes,
		"user_id": 7, "active": true, "expires_at": "2027-07-23",
	})
}

// find returns the ID of the project in the address; it answers when there is none.
func (s *Server) find(w http.ResponseWriter, r *http.Request) (int, bool) {
	id := r.PathValue("id")
	i := slices.Index(s.projects, id)
	if n, err := strconv.Atoi(id); err == nil && n >= 1 && n <= len(s.projects) {
		i = n - 1
	}
	if i < 0 {
		answer(w, http.StatusNotFound, map[string]string{"message": "404 Project Not Found"})
		return 0, false
	}
	return i + 1, true
}

func (s *Server) project(w http.ResponseWriter, r *http.Request) {
	id, ok := s.find(w, r)
	if !ok {
		return
	}
	path := s.projects[id-1]
	role := "developer"
	if slices.Contains(s.config.NoVariables, path) {
		role = "no_one_allowed"
	}
	all := map[string]any{
		"id": id, "name": path[strings.LastIndex(path, "/")+1:], "path_with_namespace": path, "default_branch": DefaultBranch,
		"web_url": s.URL() + "/" + path, "description": "", "archived": false, "ci_config_path": "", "builds_access_level": "enabled",
		"ci_pipeline_variables_minimum_override_role": role,
	}
	if s.config.HidesSettings {
		delete(all, "ci_pipeline_variables_minimum_override_role")
	}
	answer(w, http.StatusOK, all)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// page answers with one page of a list.
func page[T any](w http.ResponseWriter, r *http.Request, list []T) {
	number, size := 1, 20
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n > 0 {
		number = n
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	from, to := min((number-1)*size, len(list)), min(number*size, len(list))
	h := w.Header()
	h.Set("X-Page", strconv.Itoa(number))
	h.Set("X-Per-Page", strconv.Itoa(size))
	h.Set("X-Total", strconv.Itoa(len(list)))
	h.Set("X-Next-Page", "")
	if to < len(list) {
		h.Set("X-Next-Page", strconv.Itoa(number+1))
	}
	answer(w, http.StatusOK, append([]T{}, list[from:to]...))
}
