package githubtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Description is GitHub's own description of its API, of which only what the stand-in
// serves is kept.
type Description struct {
	doc   *openapi3.T
	hooks map[string]*openapi3.Operation // by event and action, such as "workflow-run-completed"
}

// described are the paths and the webhooks that the stand-in has.
var (
	describedPaths = []string{
		"/user", "/app", "/app/installations/{installation_id}/access_tokens", "/repos/{owner}/{repo}",
		"/repos/{owner}/{repo}/installation", "/repos/{owner}/{repo}/contents/{path}",
		"/repos/{owner}/{repo}/environments/{environment_name}", "/repos/{owner}/{repo}/actions/",
	}
	describedHooks = []string{"workflow-run-", "workflow-job-", "deployment-protection-rule-"}
)

// LoadDescription reads the file api.github.com.json of the package @octokit/openapi.
func LoadDescription(path string) (*Description, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read description: %w", err)
	}
	var whole struct {
		Version    string                                `json:"openapi"`
		Info       json.RawMessage                       `json:"info"`
		Paths      map[string]json.RawMessage            `json:"paths"`
		Hooks      map[string]json.RawMessage            `json:"x-webhooks"`
		Components map[string]map[string]json.RawMessage `json:"components"`
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("read description: %w", err)
	}
	kept := map[string]json.RawMessage{}
	for path, item := range whole.Paths {
		if slices.ContainsFunc(describedPaths, func(p string) bool {
			return path == p || (strings.HasSuffix(p, "/") && strings.HasPrefix(path, p))
		}) {
			kept[path] = item
		}
	}
	for name, item := range whole.Hooks {
		if slices.ContainsFunc(describedHooks, func(p string) bool { return strings.HasPrefix(name, p) }) {
			kept["/webhooks/"+name] = item
		}
	}
	small, err := json.Marshal(map[string]any{
		"openapi": whole.Version, "info": whole.Info, "paths": kept, "components": referenced(kept, whole.Components),
	})
	if err != nil {
		return nil, fmt.Errorf("write description: %w", err)
	}
	d := &Description{hooks: map[string]*openapi3.Operation{}}
	if d.doc, err = openapi3.NewLoader().LoadFromData(small); err != nil {
		return nil, fmt.Errorf("understand description: %w", err)
	}
	for path, item := range d.doc.Paths.Map() {
		if name, found := strings.CutPrefix(path, "/webhooks/"); found {
			d.hooks[name] = item.Post
		}
	}
	return d, nil
}

// referenced are the components that something refers to, directly or not.
func referenced(from map[string]json.RawMessage, all map[string]map[string]json.RawMessage) map[string]map[string]json.RawMessage {
	found := map[string]map[string]json.RawMessage{}
	var next []json.RawMessage
	for _, text := range from {
		next = append(next, text)
	}
	for len(next) > 0 {
		text := next[0]
		next = next[1:]
		for {
			_, rest, more := bytes.Cut(text, []byte(`"#/components/`))
			if !more {
				break
			}
			text = rest
			end := bytes.IndexByte(text, '"')
			kind, name, _ := strings.Cut(string(text[:end]), "/")
			if found[kind] == nil {
				found[kind] = map[string]json.RawMessage{}
			}
			if _, known := found[kind][name]; !known {
				found[kind][name] = all[kind][name]
				next = append(next, all[kind][name])
			}
		}
	}
	return found
}

var asDescribed = &openapi3filter.Options{
	AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true,
}

// isNew tells whether a request and its answer are not the same as some before.
func (s *Server) isNew(c *call) bool {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%d\n%d\n", c.r.Method, c.r.URL, c.status, len(c.body))
	sum.Write(c.body)
	sum.Write(c.answer)
	s.Lock()
	defer s.Unlock()
	s.exchanges++
	key := [sha256.Size]byte(sum.Sum(nil))
	known := s.described[key]
	s.described[key] = true
	return !known
}

// describe holds a request and its answer against the description.
func (s *Server) describe(c *call) {
	d := s.config.Description
	if d == nil || !s.isNew(c) {
		return
	}
	method, path, _ := strings.Cut(c.pattern, " ")
	path = strings.ReplaceAll(path, "...}", "}")
	item := d.doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		s.Notes.Addf("GitHub describes no %s", c.pattern)
		return
	}
	params := map[string]string{}
	for _, part := range strings.Split(path, "/") {
		if name, isParam := strings.CutPrefix(part, "{"); isParam {
			name = strings.TrimSuffix(name, "}")
			params[name] = c.r.PathValue(name)
		}
	}
	ctx := c.r.Context()
	asked := c.r.Clone(ctx)
	asked.Body = io.NopCloser(bytes.NewReader(c.body))
	query := asked.URL.Query()
	if since, found := strings.CutPrefix(query.Get("created"), ">="); found {
		query.Set("created", since) // by its type a time, by its text a range of times
	}
	asked.URL.RawQuery = query.Encode()
	request := &openapi3filter.RequestValidationInput{
		Request: asked, PathParams: params, QueryParams: query, Options: asDescribed,
		Route: &routers.Route{Spec: d.doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)},
	}
	if err := openapi3filter.ValidateRequest(ctx, request); err != nil {
		s.Notes.Addf("%s is not as described: %v", c.pattern, err)
	}
	if c.status >= 400 && request.Route.Operation.Responses.Status(c.status) == nil {
		return // refusals are described here and there only
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: c.status, Header: c.header, Options: asDescribed,
	}
	if len(c.answer) > 0 {
		answer.SetBodyBytes(c.answer)
	}
	if err := openapi3filter.ValidateResponse(ctx, answer); err != nil {
		s.Notes.Addf("the answer to %s is not as described: %v", c.pattern, err)
	}
}

// describeNotice holds the body of a webhook against the description.
func (s *Server) describeNotice(event string, body []byte) {
	if s.config.Description == nil {
		return
	}
	var said map[string]any
	if err := json.Unmarshal(body, &said); err != nil {
		s.Notes.Addf("webhook %s: %v", event, err)
		return
	}
	name := strings.ReplaceAll(fmt.Sprintf("%s-%v", event, said["action"]), "_", "-")
	operation := s.config.Description.hooks[name]
	if operation == nil {
		s.Notes.Addf("GitHub describes no webhook %s", name)
		return
	}
	schema := operation.RequestBody.Value.Content.Get("application/json").Schema.Value
	if err := schema.VisitJSON(said, openapi3.MultiErrors()); err != nil {
		s.Notes.Addf("webhook %s is not as described: %v", name, err)
	}
}
