package gitlabtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

type pipeline struct {
	project int
	iid     int
	ref     string
	sent    map[string]string // the variables of the request
	run     *standin.Run
	told    map[int]standin.Status // of the jobs, in webhooks
	status  standin.Status         // of the pipeline, in webhooks
}

var pipelineStatus = map[standin.Status]string{
	standin.Created: "pending", standin.Running: "running", standin.Asking: "manual", standin.Passed: "success",
	standin.Failed: "failed", standin.TimedOut: "failed", standin.Cancelled: "canceled", standin.Skipped: "skipped",
}

var jobStatus = map[standin.Status]string{
	standin.Created: "created", standin.Running: "running", standin.Asking: "manual", standin.Passed: "success",
	standin.Failed: "failed", standin.TimedOut: "failed", standin.Cancelled: "canceled", standin.Skipped: "skipped",
}

// moment writes a time as GitLab does; nil for one that has not come.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// advance does what is due in all pipelines.
func (s *Server) advance() {
	now := s.Now()
	for _, p := range s.pipelines {
		p.run.CatchUp(now)
		s.Tell(s.news(p)...)
	}
}

func (s *Server) brief(p *pipeline) map[string]any {
	return map[string]any{
		"id": p.run.ID, "iid": p.iid, "project_id": p.project, "status": pipelineStatus[p.run.Status()], "source": "api",
		"ref": p.ref, "sha": "a91957a858320c0e17f3a0eca7cfacbff50ea29a", "name": nil,
		"web_url":    fmt.Sprintf("%s/%s/-/pipelines/%d", s.URL(), s.projects[p.project-1], p.run.ID),
		"created_at": moment(p.run.Created), "updated_at": moment(p.run.Updated),
	}
}

func (s *Server) whole(p *pipeline) map[string]any {
	all := s.brief(p)
	maps.Copy(all, map[string]any{
		"before_sha": "0000000000000000000000000000000000000000", "tag": false, "yaml_errors": nil,
		"user":       map[string]any{"id": 7, "username": Username, "name": "Slipway", "state": "active"},
		"started_at": moment(p.run.Started()), "finished_at": nil, "committed_at": nil, "duration": nil, "queued_duration": 1,
		"coverage": nil,
	})
	if p.run.Status().Over() {
		all["finished_at"] = moment(p.run.Updated)
		all["duration"] = int(p.run.Updated.Sub(p.run.Created).Seconds())
	}
	return all
}

type creation struct {
	Ref       string                     `json:"ref"`
	Inputs    map[string]json.RawMessage `json:"inputs"`
	Variables []struct {
		Key          string `json:"key"`
		Value        string `json:"value"`
		VariableType string `json:"variable_type"`
	} `json:"variables"`
}

func refused(w http.ResponseWriter, reason string) {
	answer(w, http.StatusBadRequest, map[string]any{"message": map[string]any{"base": []string{reason}}})
}

// create starts a pipeline.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	defer s.Unlock()
	id, ok := s.find(w, r)
	if !ok {
		return
	}
	var c creation
	if !s.read(w, r, &c) {
		return
	}
	if c.Ref == "" {
		s.Notes.Addf("a pipeline was to be created without a ref")
		answer(w, http.StatusBadRequest, map[string]string{"error": "ref is missing"})
		return
	}
	flow, ok := s.workflow(id, c.Ref)
	switch {
	case !ok:
		refused(w, "Reference not found")
		return
	case flow.Broken != "":
		refused(w, flow.Broken)
		return
	case len(c.Variables) > 0 && slices.Contains(s.config.NoVariables, flow.Project):
		if !s.config.HidesSettings {
			s.Notes.Addf("variables were sent to %s, where nobody may set any", flow.Project)
		}
		refused(w, "Insufficient permissions to set pipeline variables")
		return
	}
	p := &pipeline{project: id, iid: len(s.pipelines) + 1, ref: c.Ref, sent: map[string]string{}, told: map[int]standin.Status{}}
	vars := map[string]string{}
	for _, param := range flow.Params {
		vars[param.Name] = param.Default
	}
	for _, v := range c.Variables {
		if _, twice := p.sent[v.Key]; twice || v.Key == "" {
			s.Notes.Addf("variable %q is empty or given twice", v.Key)
		}
		p.sent[v.Key], vars[v.Key] = v.Value, v.Value
	}
	if reason := inputs(flow, c.Inputs, vars); reason != "" {
		refused(w, reason)
		return
	}
	now := s.Now()
	p.run = standin.NewRun(s.NextID(), flow, vars, now, s.NextID)
	if s.Notices.Early() {
		s.TellNow(s.news(p)...)
	}
	s.pipelines = append(s.pipelines, p)
	made := s.whole(p)
	made["status"] = "created"
	s.advance()
	answer(w, http.StatusCreated, made)
}

// inputs puts the inputs of a request into the variables of the run; it returns why
// GitLab would refuse them.
func inputs(flow standin.Workflow, given map[string]json.RawMessage, vars map[string]string) string {
	for name, raw := range given {
		i := slices.IndexFunc(flow.Params, func(p standin.Param) bool { return p.Input && p.Name == name })
		if i < 0 {
			return "Given inputs not defined in the `spec` section of the included configuration file: " + name
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return fmt.Sprintf("`%s` input: provided value is not a string", name)
		}
		if options := flow.Params[i].Choices; len(options) > 0 && !slices.Contains(options, text) {
			return fmt.Sprintf("`%s` input: `%s` cannot be used because it is not in the list of allowed options", name, text)
		}
		vars[name] = text
	}
	return ""
}

// read reads the body of a request; what is not in the contract is noted.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		s.Notes.Addf("%s %s is of type %q", r.Method, r.URL.Path, kind)
		answer(w, http.StatusUnsupportedMediaType, map[string]string{"error": "The provided content-type is not supported."})
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		s.Notes.Addf("%s %s: %v", r.Method, r.URL.Path, err)
		answer(w, http.StatusBadRequest, map[string]string{"error": "Problems parsing JSON"})
		return false
	}
	return true
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	id, ok := s.find(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	var after time.Time
	if said := q.Get("created_after"); said != "" {
		var err error
		if after, err = time.Parse(time.RFC3339, said); err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": "created_after is invalid"})
			return
		}
	}
	var found []map[string]any
	for _, p := range slices.Backward(s.pipelines) {
		switch {
		case p.project != id, q.Has("ref") && q.Get("ref") != p.ref, q.Has("source") && q.Get("source") != "api",
			q.Has("username") && q.Get("username") != Username, !p.run.Created.After(after):
			continue
		}
		found = append(found, s.brief(p))
	}
	if q.Get("sort") == "asc" {
		slices.Reverse(found)
	}
	page(w, r, found)
}

// findPipeline returns the pipeline in the address; it answers when there is none.
func (s *Server) findPipeline(w http.ResponseWriter, r *http.Request) *pipeline {
	id, ok := s.find(w, r)
	if !ok {
		return nil
	}
	for _, p := range s.pipelines {
		if p.project == id && strconv.Itoa(p.run.ID) == r.PathValue("pipeline") {
			return p
		}
	}
	answer(w, http.StatusNotFound, map[string]string{"message": "404 Not found"})
	return nil
}

func (s *Server) pipeline(w http.ResponseWriter, r *http.Request) {
	if p := s.findPipeline(w, r); p != nil {
		answer(w, http.StatusOK, s.whole(p))
	}
}

func (s *Server) variables(w http.ResponseWriter, r *http.Request) {
	p := s.findPipeline(w, r)
	if p == nil {
		return
	}
	list := []map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(p.sent)) {
		list = append(list, map[string]any{"variable_type": "env_var", "key": key, "value": p.sent[key], "raw": false})
	}
	answer(w, http.StatusOK, list)
}

// cancel cancels what runs or is to run; manual jobs stay as they are.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	p := s.findPipeline(w, r)
	if p == nil {
		return
	}
	for _, a := range p.run.Present() {
		if a.Status == standin.Created || a.Status == standin.Running {
			s.end(p, a)
		}
	}
	s.advance()
	answer(w, http.StatusOK, s.whole(p))
}

func (s *Server) end(p *pipeline, a *standin.Attempt) {
	now := s.Now()
	a.Status, a.Ended, p.run.Updated = standin.Cancelled, now, now
}

func (s *Server) retry(w http.ResponseWriter, r *http.Request) {
	p := s.findPipeline(w, r)
	if p == nil {
		return
	}
	p.run.Retry(s.Now())
	s.advance()
	answer(w, http.StatusCreated, s.whole(p))
}
