// Package githubtest is a stand-in for GitHub: the part of its REST API and of its
// webhooks that runs workflows of Actions, from the vendor's published descriptions. It
// is strict: what the real server would refuse, or does not document, is answered as
// GitHub answers it and noted as a violation. Given GitHub's own description of its API
// (OpenAPI), it holds every request and every answer against it.
package githubtest

import (
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// DefaultBranch is the default branch of every repository.
const DefaultBranch = "main"

// Who starts runs: the owner of the token, or the app.
const (
	Username = "slipway-bot"
	AppSlug  = "slipway-app"
)

// Config says what the server has.
type Config struct {
	Token string // the one access token that it knows
	// Scopes are those of the token, if it is a classic one.
	Scopes        string
	AppID         string         // the one app that it knows, installed everywhere
	AppKey        *rsa.PublicKey // the app's
	WebhookSecret string         // signs every webhook
	// Workflows are those of the repositories. Their names are "file" or "file@branch",
	// where the file is without .yml.
	Workflows []standin.Workflow
	// Files are others, by "owner/name/path", on all branches.
	Files map[string]string
	// Disabled are the files, without .yml, of workflows that are disabled.
	Disabled []string
	// Gates are the environments that jobs deploy to, by the names of the jobs that
	// ask. A job that is not here has one that anybody of the token may review.
	Gates map[string]Gate
	// Environments are the names of those that no job has.
	Environments []string
	// Age is that of the server.
	Age Age
	// LogsAtEnd is set if there is no log of a job until it is over.
	LogsAtEnd bool
	// LogsLate is so long after the end of a job there is no log of it.
	LogsLate time.Duration
	// Hidden is so long after its start no list has a run.
	Hidden time.Duration
	// Stubborn has runs go on when they are cancelled, unless that is by force.
	Stubborn bool
	// Description is GitHub's own of its API; nil: nothing is held against it.
	Description *Description
	Now         func() time.Time
}

// Age is how a server answers a start.
type Age int

// The ages of servers.
const (
	Tells   Age = iota // it tells the run
	Silent             // it takes the wish for the run and does not tell it
	Refuses            // it refuses the wish
)

// Gate is what a job waits for before it deploys.
type Gate struct {
	Environment string
	Reviewers   []string // logins
	MayReview   bool     // the token's owner is one of them
	Rule        bool     // the app is its protection rule
	Minutes     int      // of its timer, which is never over
}

// Server is the stand-in.
type Server struct {
	*standin.Server
	config       Config
	repositories []string // the ID of each is its place, from 1 on
	runs         []*run
	grants       map[string]time.Time // tokens of installations, until when
	uninstalled  bool
	exchanges    int // that were held against the description
	described    map[[sha256.Size]byte]bool
	heard        bool // somebody takes its webhooks
	slowRerun    time.Duration
}

// New returns a server that is not listening yet.
func New(c Config) *Server {
	s := &Server{
		Server: standin.NewServer(c.Now, 7000), config: c, grants: map[string]time.Time{}, described: map[[sha256.Size]byte]bool{},
	}
	for _, w := range c.Workflows {
		if !slices.Contains(s.repositories, w.Project) {
			s.repositories = append(s.repositories, w.Project)
		}
	}
	routes := s.routes()
	prefixed := http.NewServeMux()
	prefixed.Handle("/api/v3/", http.StripPrefix("/api/v3", routes))
	prefixed.HandleFunc("GET /_logs/{job}", s.blob)
	s.Open(prefixed, s.advance, s.marked)
	return s
}

func (s *Server) marked(mark string) []*standin.Run {
	var runs []*standin.Run
	for _, r := range s.runs {
		if r.run.Vars["slipway_mark"] == mark {
			runs = append(runs, r.run)
		}
	}
	return runs
}

// NotifyURL is where its webhooks go.
func (s *Server) NotifyURL(url string) {
	s.Server.NotifyURL(url)
	s.Lock()
	defer s.Unlock()
	s.heard = true
}

// Exchanges returns how many requests and answers were held against the description.
func (s *Server) Exchanges() int {
	s.Lock()
	defer s.Unlock()
	return s.exchanges
}

// Runs returns how many runs there are.
func (s *Server) Runs() int {
	s.Lock()
	defer s.Unlock()
	return len(s.runs)
}

// Rerun is a person's click on "Re-run failed jobs"; the ref is "owner/name/run". It
// tells whether there was something to run again.
func (s *Server) Rerun(ref string) bool {
	s.Lock()
	defer s.Unlock()
	for _, r := range s.runs {
		if ref == fmt.Sprintf("%s/%d", r.repository, r.run.ID) {
			again := s.again(r)
			s.advance()
			return again
		}
	}
	return false
}

// SlowToRerun has runs that were asked to run again shown as they are for a while.
func (s *Server) SlowToRerun(d time.Duration) {
	s.Lock()
	defer s.Unlock()
	s.slowRerun = d
}

// Dispatch is a start of a workflow by a person in GitHub's page; it returns the ref.
func (s *Server) Dispatch(repository, name, login string) string {
	s.Lock()
	defer s.Unlock()
	for i, w := range s.config.Workflows {
		if w.Project == repository && w.Name == name {
			r := s.begin(i, DefaultBranch, map[string]string{}, login)
			s.runs = append(s.runs, r)
			s.advance()
			return fmt.Sprintf("%s/%d", repository, r.run.ID)
		}
	}
	return ""
}

// Edit changes a workflow, as a commit of somebody would.
func (s *Server) Edit(w standin.Workflow) {
	s.Lock()
	defer s.Unlock()
	s.config.Workflows = standin.Edited(s.config.Workflows, w)
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(*call), query ...string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if c := s.call(w, r, pattern, query); c != nil {
				s.Lock()
				s.advance()
				h(c)
				s.Unlock()
				c.send()
			}
		})
	}
	const repo = "/repos/{owner}/{repo}"
	handle("GET /user", s.user)
	handle("GET /app", s.app)
	handle("GET "+repo+"/installation", s.installation)
	handle("POST /app/installations/{installation_id}/access_tokens", s.accessToken)
	handle("GET "+repo, s.repository)
	handle("GET "+repo+"/contents/{path...}", s.contents, "ref")
	handle("GET "+repo+"/environments/{environment_name}", s.environment)
	handle("GET "+repo+"/actions/workflows", s.listWorkflows, "per_page", "page")
	handle("GET "+repo+"/actions/workflows/{workflow_id}", s.workflow)
	handle("POST "+repo+"/actions/workflows/{workflow_id}/dispatches", s.dispatch)
	filters := []string{
		"actor", "branch", "event", "status", "per_page", "page", "created", "exclude_pull_requests", "check_suite_id", "head_sha",
	}
	handle("GET "+repo+"/actions/workflows/{workflow_id}/runs", s.listRuns, filters...)
	handle("GET "+repo+"/actions/runs", s.listRuns, filters...)
	const one = repo + "/actions/runs/{run_id}"
	handle("GET "+one, s.run, "exclude_pull_requests")
	handle("GET "+one+"/jobs", s.jobs, "filter", "per_page", "page")
	handle("GET "+repo+"/actions/jobs/{job_id}/logs", s.logs)
	handle("POST "+one+"/cancel", s.cancel)
	handle("POST "+one+"/force-cancel", s.cancel)
	handle("POST "+one+"/rerun-failed-jobs", s.rerunFailed)
	handle("POST "+one+"/rerun", s.rerun)
	handle("GET "+one+"/pending_deployments", s.pending)
	handle("POST "+one+"/pending_deployments", s.review)
	handle("GET "+one+"/approvals", s.approvals)
	handle("POST "+one+"/deployment_protection_rule", s.decide)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.Notes.Addf("there is no %s %s", r.Method, r.URL.Path)
		http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
	})
	return mux
}

// find returns the name of the repository in the address; it answers when there is none.
func (s *Server) find(c *call) (string, bool) {
	named := c.r.PathValue("owner") + "/" + c.r.PathValue("repo")
	i := slices.IndexFunc(s.repositories, func(r string) bool { return strings.EqualFold(r, named) })
	if i < 0 {
		c.refuse(http.StatusNotFound, "Not Found")
		return "", false
	}
	return s.repositories[i], true
}
