// Package jenkinstest is a stand-in for Jenkins: the part of its remote access API, of
// the Pipeline REST API and of the notices of the Notification plugin that builds jobs,
// from the vendor's published descriptions and sources. It is strict: what the real
// server would refuse, or does not know, is answered as Jenkins answers it and noted as
// a violation.
package jenkinstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// Prefix is the path below which Jenkins is served.
const Prefix = "/jenkins"

// Config says what the server has.
type Config struct {
	User  string // the one account
	Token string // its API token
	// WebhookToken is the token in the address that notices are sent to.
	WebhookToken string
	// Workflows are jobs: the folder as the project. A Single one is a freestyle job,
	// the others are pipelines whose jobs are stages. A job that is not Unmarked
	// declares SLIPWAY_MARK.
	Workflows []standin.Workflow
	// Past are the full names of jobs that passed once before.
	Past []string
	// Results are the words with which the builds of jobs end, by their full name, in
	// place of those for success.
	Results map[string]string
	// AsksValues are the names of the stages whose input asks for values.
	AsksValues []string
	// Unread hides the configurations: the account has no Job/ExtendedRead.
	Unread bool
	// Stageless is a Jenkins without the Pipeline REST API plugin.
	Stageless bool
	// Quiet is how long each item waits in the queue; default 5 ms.
	Quiet time.Duration
	// Remember is how long an item can be read after it left the queue; default 5 min.
	Remember time.Duration
	Now      func() time.Time
}

// Server is the stand-in.
type Server struct {
	*standin.Server
	config Config
	items  []*item
	builds []*build
	next   map[string]int // number of the next build of a job
	held   bool
}

// New returns a server that is not listening yet.
func New(c Config) *Server {
	if c.Quiet == 0 {
		c.Quiet = 5 * time.Millisecond
	}
	if c.Remember == 0 {
		c.Remember = 5 * time.Minute
	}
	s := &Server{Server: standin.NewServer(c.Now, 100), config: c, next: map[string]int{}}
	for _, path := range c.Past {
		if flow, ok := s.workflow(path); ok {
			s.past(flow)
		}
	}
	s.Open(s.authenticated(http.HandlerFunc(s.route)), s.advance, s.marked)
	return s
}

func (s *Server) marked(mark string) []*standin.Run {
	var runs []*standin.Run
	for _, i := range s.items {
		switch {
		case i.values["SLIPWAY_MARK"] != mark:
		case i.build == nil:
			runs = append(runs, nil)
		default:
			runs = append(runs, i.build.run)
		}
	}
	return runs
}

// URL is where it listens, and where its pages are.
func (s *Server) URL() string { return s.Server.URL() + Prefix }

// NotifyURL is where its notices go. As with the plugin, the token stands in it.
func (s *Server) NotifyURL(url string) { s.Server.NotifyURL(url + "?token=" + s.config.WebhookToken) }

// Hold keeps what is in the queue there, as if no executor were free.
func (s *Server) Hold(held bool) {
	s.Lock()
	defer s.Unlock()
	s.held = held
	s.advance()
}

// Build is a person's click on "Build Now" at a job; it returns the build's number.
func (s *Server) Build(user, path string) int {
	s.Lock()
	defer s.Unlock()
	flow, ok := s.workflow(path)
	if !ok {
		return 0
	}
	values := map[string]string{}
	for _, p := range flow.Params {
		values[p.Name] = p.Default
	}
	return s.build(s.queue(flow, values, user)).number
}

// Delete deletes a build, as a person or the rotation of logs does.
func (s *Server) Delete(path string, number int) {
	s.Lock()
	defer s.Unlock()
	s.builds = slices.DeleteFunc(s.builds, func(b *build) bool { return b.path == path && b.number == number })
}

// Edit changes a job, as a person would in its page.
func (s *Server) Edit(w standin.Workflow) {
	s.Lock()
	defer s.Unlock()
	s.config.Workflows = standin.Edited(s.config.Workflows, w)
}

func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, token, ok := r.BasicAuth()
		if !ok {
			s.Notes.Addf("%s %s has no credentials", r.Method, r.URL.Path)
		}
		w.Header().Set("X-Jenkins", "2.516.3")
		if user != s.config.User || token != s.config.Token {
			w.Header().Set("WWW-Authenticate", `Basic realm="Jenkins"`)
			page(w, http.StatusUnauthorized, "Invalid password/token for user: "+user)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// route finds out what an address is about.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, Prefix)
	if !ok {
		page(w, http.StatusNotFound, "Not Found")
		return
	}
	s.Lock()
	defer s.Unlock()
	s.advance()
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	var names []string
	for len(parts) >= 2 && parts[0] == "job" {
		names, parts = append(names, parts[1]), parts[2:]
	}
	rest = strings.Join(parts, "/")
	switch {
	case len(names) > 0:
		s.routeJob(w, r, strings.Join(names, "/"), parts)
	case rest == "whoAmI/api/json":
		s.object(w, r, map[string]any{
			"_class": "hudson.security.WhoAmI", "name": s.config.User, "authenticated": true, "anonymous": false,
			"authorities": []string{"authenticated"},
		})
	case rest == "api/json":
		s.object(w, r, s.folder(""))
	case rest == "queue/api/json":
		s.object(w, r, s.queueObject())
	case rest == "queue/cancelItem":
		s.cancelItem(w, r)
	case len(parts) == 5 && strings.HasPrefix(rest, "queue/item/") && strings.HasSuffix(rest, "/api/json"):
		s.item(w, r, parts[2])
	default:
		s.Notes.Addf("there is no %s %s", r.Method, r.URL.Path)
		page(w, http.StatusNotFound, "Not Found")
	}
}

func (s *Server) routeJob(w http.ResponseWriter, r *http.Request, path string, parts []string) {
	flow, ok := s.workflow(path)
	rest := strings.Join(parts, "/")
	if !ok {
		if folder := s.folder(path); folder != nil && rest == "api/json" {
			s.object(w, r, folder)
			return
		}
		page(w, http.StatusNotFound, "Not Found")
		return
	}
	switch rest {
	case "api/json":
		s.object(w, r, s.job(flow))
	case "config.xml":
		s.configuration(w, flow)
	case "build", "buildWithParameters":
		s.ask(w, r, flow, rest)
	default:
		b := s.named(path, parts[0])
		if b == nil {
			page(w, http.StatusNotFound, "Not Found")
			return
		}
		s.routeBuild(w, r, b, parts[1:])
	}
}

// named returns a build by its number, or the last one that passed.
func (s *Server) named(path, name string) *build {
	for _, b := range slices.Backward(s.builds) {
		word, _ := s.result(b)
		if b.path == path && (strconv.Itoa(b.number) == name || (name == "lastSuccessfulBuild" && word == "SUCCESS")) {
			return b
		}
	}
	return nil
}

func (s *Server) routeBuild(w http.ResponseWriter, r *http.Request, b *build, parts []string) {
	switch rest := strings.Join(parts, "/"); {
	case rest == "api/json":
		s.object(w, r, s.shown(b))
	case rest == "logText/progressiveText":
		s.log(w, r, b)
	case rest == "stop":
		s.stop(w, r, b)
	case b.flow.Single || s.config.Stageless:
		page(w, http.StatusNotFound, "Not Found")
	case rest == "wfapi/describe":
		answer(w, s.described(b))
	case rest == "wfapi/pendingInputActions":
		answer(w, s.pending(b))
	case len(parts) == 3 && parts[0] == "input":
		s.input(w, r, b, parts[1], parts[2])
	default:
		s.Notes.Addf("there is no %s %s", r.Method, r.URL.Path)
		page(w, http.StatusNotFound, "Not Found")
	}
}

// posted tells whether a request is a POST, as what changes something must be.
func (s *Server) posted(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodPost {
		return true
	}
	s.Notes.Addf("%s %s is no POST", r.Method, r.URL.Path)
	w.Header().Set("Allow", http.MethodPost)
	page(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	return false
}

// page answers as Jenkins does to people.
func page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html;charset=utf-8")
	if status == http.StatusBadRequest {
		w.Header().Set("X-Error", text)
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html><head><title>Error %d %s</title></head><body><h2>HTTP ERROR %d</h2></body></html>", status, text, status)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	_ = json.NewEncoder(w).Encode(body)
}

// object answers with what the query's tree picks of an object.
func (s *Server) object(w http.ResponseWriter, r *http.Request, whole map[string]any) {
	for name := range r.URL.Query() {
		if name != "tree" && name != "depth" && name != "pretty" {
			s.Notes.Addf("%s has no query parameter %q", r.URL.Path, name)
		}
	}
	tree, err := parseTree(r.URL.Query().Get("tree"))
	if err != nil {
		s.Notes.Addf("%s: %v", r.URL.Path, err)
		page(w, http.StatusBadRequest, err.Error())
		return
	}
	data, err := json.Marshal(whole)
	if err != nil {
		panic(err)
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		panic(err)
	}
	answer(w, tree.pick(plain))
}
