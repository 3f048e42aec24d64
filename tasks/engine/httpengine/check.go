package httpengine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"slipway/tasks/engine"
)

// The placeholders of each request, beside those of the secrets.
var (
	ofRun   = []string{"mark", "ref", "project", "workflow"}
	ofStart = []string{"mark", "plan_id", "item", "by", "project", "workflow", "callback_url", "params"}
	ofFind  = []string{"mark", "project", "workflow"}
	ofReply = append(slices.Clone(ofRun), "job", "by", "comment")
)

var (
	word       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)
	paramName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,127}$`)
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

// Check names every problem of the settings by its key. It never repeats a value that
// may be a secret.
func (s *Settings) Check(note func(key, format string, args ...any)) {
	c := checker{s: s, note: note}
	c.secrets()
	c.headers("headers", s.Headers, nil)
	c.request("start", &s.Start.Request, http.MethodPost, ofStart)
	c.path("start.ref", s.Start.Ref)
	c.status()
	c.callback()
	for _, w := range slices.Sorted(maps.Keys(s.Words)) {
		if status := engine.Status(s.Words[w]); !known(status) {
			note("words."+w, "one of %s is expected", knownWords())
		}
	}
	if f := s.Find; f != nil {
		c.request("find", &f.Request, http.MethodGet, ofFind)
		c.path("find.ref", f.Ref)
		if f.Ref == "" {
			note("find.ref", "the path of the server's name for the run is expected, such as runs[0].id")
		}
	}
	if l := s.Logs; l != nil {
		c.request("logs", &l.Request, http.MethodGet, ofRun)
		c.path("logs.text", l.Text)
	}
	c.optional("cancel", s.Cancel, http.MethodPost, ofRun)
	c.optional("retry", s.Retry, http.MethodPost, ofRun)
	c.optional("approve", s.Approve, http.MethodPost, ofReply)
	c.optional("reject", s.Reject, http.MethodPost, ofReply)
	c.optional("check", s.Probe, http.MethodGet, nil)
	if (s.Approve == nil) != (s.Reject == nil) {
		note("approve", "it is expected together with reject: who is asked may say yes or no")
	}
	if s.Retry != nil && (s.Status == nil || s.Status.Attempt == "") {
		note("status.attempt", "the path of what differs whenever a run was run again is expected beside retry")
	}
	c.workflows()
}

func known(s engine.Status) bool {
	switch s {
	case engine.Queued, engine.Running, engine.Waiting, engine.Passed, engine.Failed, engine.Cancelled, engine.Timeout, engine.Skipped:
		return true
	case engine.Unknown:
	}
	return false
}

func knownWords() string {
	return "queued, running, waiting, passed, failed, cancelled, timeout, skipped"
}

// checker goes through the settings.
type checker struct {
	s    *Settings
	note func(key, format string, args ...any)
}

func (c *checker) secrets() {
	for _, name := range slices.Sorted(maps.Keys(c.s.Secrets)) {
		secret := c.s.Secrets[name]
		switch key := "secrets." + name; {
		case !word.MatchString(name):
			c.note("secrets", "names of letters, digits, - and _ are expected, not %q", name)
		case (secret.Env == "") == (secret.File == ""):
			c.note(key, "either env, the name of a variable, or file, the path of a file, is expected")
		case secret.Env != "" && !word.MatchString(secret.Env):
			c.note(key+".env", "the name of a variable is expected, not the secret itself")
		}
	}
}

func (c *checker) optional(key string, r *Request, method string, placeholders []string) {
	if r != nil {
		c.request(key, r, method, placeholders)
	}
}

// request checks a request whose method is one by default. One that reads is a GET.
func (c *checker) request(key string, r *Request, method string, placeholders []string) {
	switch m := cmp.Or(r.Method, method); {
	case method == http.MethodGet && m != http.MethodGet:
		c.note(key+".method", "GET is expected: it only reads")
	case method != http.MethodGet && !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, m):
		c.note(key+".method", "POST, PUT, PATCH or DELETE is expected")
	}
	c.url(key+".url", r.URL, placeholders)
	c.headers(key+".headers", r.Headers, placeholders)
	if r.Body == "" {
		return
	}
	if method == http.MethodGet {
		c.note(key+".body", "no body is expected: it only reads")
		return
	}
	form, err := isForm(c.s.Headers, r.Headers)
	if err != nil {
		c.note(key+".headers", "%v", err)
		return
	}
	if parts, ok := c.template(key+".body", r.Body, placeholders); ok && !form {
		c.json(key+".body", r.Body, parts)
	}
}

// json checks that a body is JSON whatever the values are.
func (c *checker) json(key, body string, parts []part) {
	for _, p := range parts {
		if p.name == "params" && p.quoted {
			c.note(key, "${params} stands for an object, and not within quotes")
			return
		}
	}
	sample := fill(body, values{raw: map[string]json.RawMessage{"params": []byte("{}")}}, inJSON)
	if !json.Valid([]byte(sample)) {
		c.note(key, "JSON is expected, with placeholders in the place of values or within quotes")
	}
}

// url checks an address: what may vary stands behind the host, and no credentials.
func (c *checker) url(key, text string, placeholders []string) {
	if text == "" {
		c.note(key, "an http or https address is expected")
		return
	}
	parts, ok := c.template(key, text, placeholders)
	if !ok {
		return
	}
	for _, name := range names(parts) {
		p, isParam := strings.CutPrefix(name, "params.")
		switch {
		case strings.HasPrefix(name, "secret."), isParam && c.credential(p):
			c.note(key, "a credential is expected in a header or in the body: addresses are written to logs")
			return
		case name == "params":
			c.note(key, "${params} is expected in a body only")
			return
		}
	}
	u, err := url.Parse(fill(text, values{}, func(part, values) string { return "x" }))
	prefix := parts[0].literal
	rest, isURL := strings.CutPrefix(prefix, "http://")
	if !isURL {
		rest, isURL = strings.CutPrefix(prefix, "https://")
	}
	if err != nil || !isURL || u.Host == "" || u.User != nil || u.Fragment != "" || (len(parts) > 1 && !strings.ContainsAny(rest, "/?")) {
		c.note(key, "an http or https address is expected, without a user, a password or a #, and with placeholders only behind the host")
	}
}

func (c *checker) credential(param string) bool {
	for i := range c.s.Workflows {
		if p := c.s.Workflows[i].param(param); p != nil && p.Credential {
			return true
		}
	}
	return false
}

func (c *checker) headers(key string, headers map[string]string, placeholders []string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		at := key + "." + name
		switch {
		case !headerName.MatchString(name):
			c.note(key, "names of headers are expected")
			continue
		case strings.ContainsAny(headers[name], "\r\n\x00"):
			c.note(at, "one line is expected")
		case slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Idempotency-Key"}, http.CanonicalHeaderKey(name)):
			c.note(at, "this header is set by Slipway itself")
		}
		parts, ok := c.template(at, headers[name], placeholders)
		if ok && slices.Contains(names(parts), "params") {
			c.note(at, "${params} is expected in a body only")
		}
	}
}

// template checks that the placeholders of a text are known.
func (c *checker) template(key, text string, placeholders []string) ([]part, bool) {
	parts, err := parse(text)
	if err != nil {
		c.note(key, "%v", err)
		return nil, false
	}
	sound := true
	for _, name := range names(parts) {
		param, isParam := strings.CutPrefix(name, "params.")
		secret, isSecret := strings.CutPrefix(name, "secret.")
		switch {
		case isSecret:
			if _, declared := c.s.Secrets[secret]; !declared {
				c.note(key, "the secret %s is expected in secrets", secret)
				sound = false
			}
		case isParam && slices.Contains(placeholders, "params"):
			if !slices.ContainsFunc(c.s.Workflows, func(w Workflow) bool { return w.param(param) != nil }) {
				c.note(key, "the param %s is expected in one of the workflows", param)
				sound = false
			}
		case !slices.Contains(placeholders, name):
			c.note(key, "${%s} is not known here; known are: %s", name, strings.Join(append(slices.Clone(placeholders), "secret.NAME"), ", "))
			sound = false
		}
	}
	return parts, sound
}

func (c *checker) path(key, text string) {
	if _, err := parsePath(text); err != nil {
		c.note(key, "%v", err)
	}
}

func (c *checker) status() {
	s := c.s.Status
	if s == nil {
		if c.s.Callback == nil {
			c.note("status", "either this is expected, to ask how a run is, or callback, to be told")
		}
		return
	}
	c.request("status", &s.Request, http.MethodGet, ofRun)
	for key, text := range map[string]string{
		"status": s.Status, "reason": s.Reason, "page": s.Page, "started": s.Started, "ended": s.Ended, "attempt": s.Attempt, "mark": s.Mark,
		"workflow": s.Workflow,
	} {
		c.path("status."+key, text)
	}
	if s.Status == "" {
		c.note("status.status", "the path of the run's status is expected, such as run.state")
	}
	if j := s.Jobs; j != nil {
		for key, text := range map[string]string{
			"list": j.List, "name": j.Name, "stage": j.Stage, "status": j.Status, "reason": j.Reason, "started": j.Started, "ended": j.Ended,
		} {
			c.path("status.jobs."+key, text)
		}
		if j.Name == "" || j.Status == "" {
			c.note("status.jobs", "the paths of name and status within an element of the list are expected")
		}
	}
}

func (c *checker) callback() {
	if c.s.Callback == nil {
		return
	}
	if _, declared := c.s.Secrets[c.s.Callback.Token]; !declared {
		c.note("callback.token", "the name of one of secrets is expected")
	}
}

func (c *checker) workflows() {
	if len(c.s.Workflows) == 0 {
		c.note("workflows", "at least one workflow is expected")
	}
	for i := range c.s.Workflows {
		w := &c.s.Workflows[i]
		key := fmt.Sprintf("workflows[%d]", i)
		switch first := c.s.workflow(w.Project, w.Name); {
		case strings.TrimSpace(w.Name) == "":
			c.note(key+".name", "a name is expected")
		case first != w:
			c.note(key+".name", "another name is expected: there is a workflow %q of project %q already", w.Name, w.Project)
		}
		seen := map[string]bool{}
		for j := range w.Params {
			c.param(fmt.Sprintf("%s.params[%d]", key, j), &w.Params[j], seen)
		}
		jobs := map[string]bool{}
		for j, stage := range w.Stages {
			if stage.Name == "" || len(stage.Jobs) == 0 {
				c.note(fmt.Sprintf("%s.stages[%d]", key, j), "a name and at least one job are expected")
			}
			for _, job := range stage.Jobs {
				if job == "" || jobs[job] {
					c.note(fmt.Sprintf("%s.stages[%d].jobs", key, j), "names are expected that no other job of the workflow has")
				}
				jobs[job] = true
			}
		}
	}
}

func (c *checker) param(key string, p *Param, seen map[string]bool) {
	switch {
	case !paramName.MatchString(p.Name):
		c.note(key+".name", "a name of letters, digits, ., - and _ is expected, such as VERSION")
	case seen[p.Name]:
		c.note(key+".name", "another name is expected: there is a param %q already", p.Name)
	}
	seen[p.Name] = true
	switch p.Type {
	case "", "string", "text":
	case "choice":
		if len(p.Choices) == 0 {
			c.note(key+".choices", "at least one choice is expected")
		}
	case "boolean", "number":
	default:
		c.note(key+".type", "string, text, choice, boolean or number is expected, not %q", p.Type)
	}
	switch {
	case len(p.Choices) > 0 && p.Type != "choice":
		c.note(key+".choices", "type: choice is expected beside choices")
	case p.Credential && (p.Default != "" || p.Type == "choice" || p.Type == "boolean"):
		c.note(key+".default", "a credential without a default and without choices is expected: they would stand in this file")
	case p.Default != "" && p.Required:
		c.note(key+".default", "either a default or required is expected")
	case p.Default != "" && p.wrong(p.Default):
		c.note(key+".default", "a value that the param can have is expected")
	}
}

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// wrong tells whether the param cannot have a value.
func (p *Param) wrong(value string) bool {
	switch p.Type {
	case "choice":
		return !slices.Contains(p.Choices, value)
	case "boolean":
		return value != "true" && value != "false"
	case "number":
		return !decimal.MatchString(value)
	case "text":
		return strings.ContainsRune(value, 0)
	}
	return strings.ContainsAny(value, "\x00\r\n")
}

// Reveal reads the secrets that the settings name. It names those that are not there.
func (s *Settings) Reveal(getenv func(string) (string, bool), readFile func(string) ([]byte, error), note func(key, format string, args ...any)) map[string]string {
	found := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Secrets)) {
		secret := s.Secrets[name]
		value, there := "", false
		switch {
		case secret.Env != "":
			if value, there = getenv(secret.Env); !there {
				note("secrets."+name+".env", "the variable is expected to be set")
				continue
			}
		case secret.File != "":
			content, err := readFile(secret.File)
			if err != nil {
				note("secrets."+name+".file", "the file cannot be read: %v", err)
				continue
			}
			value = strings.TrimRight(string(content), "\r\n")
		}
		if value == "" || strings.ContainsAny(value, "\r\n\x00") {
			note("secrets."+name, "a secret of one line is expected")
			continue
		}
		found[name] = value
	}
	return found
}
