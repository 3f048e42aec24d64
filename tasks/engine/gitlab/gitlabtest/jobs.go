package gitlabtest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"slipway/tasks/engine/enginetest/standin"
)

func (s *Server) shown(p *pipeline, a *standin.Attempt) map[string]any {
	job := map[string]any{
		"id": a.ID, "name": a.Job.Name, "stage": a.Stage, "status": jobStatus[a.Status], "ref": p.ref, "tag": false,
		"coverage": nil, "allow_failure": false, "created_at": moment(a.Created), "started_at": moment(a.Started),
		"finished_at": moment(a.Ended), "erased_at": nil, "duration": nil, "queued_duration": 0.01, "pipeline": s.brief(p),
		"web_url": fmt.Sprintf("%s/%s/-/jobs/%d", s.URL(), s.projects[p.project-1], a.ID), "tag_list": []string{},
		"user": map[string]any{"id": 7, "username": Username, "name": "Slipway"}, "artifacts": []any{}, "runner": nil,
	}
	switch a.Status {
	case standin.Failed:
		job["failure_reason"] = "script_failure"
	case standin.TimedOut:
		job["failure_reason"] = "job_execution_timeout"
	case standin.Created, standin.Running, standin.Asking, standin.Passed, standin.Cancelled, standin.Skipped:
	}
	if a.Status == standin.Failed && p.run.Refused {
		job["failure_reason"] = "deployment_rejected"
	}
	return job
}

func (s *Server) jobs(w http.ResponseWriter, r *http.Request) {
	p := s.findPipeline(w, r)
	if p == nil {
		return
	}
	attempts := p.run.Present()
	if r.URL.Query().Get("include_retried") == "true" {
		attempts = p.run.Attempts()
	}
	scope := r.URL.Query()["scope[]"]
	var list []map[string]any
	for _, a := range attempts {
		if s.isBridge(a) {
			continue
		}
		if len(scope) == 0 || slices.Contains(scope, jobStatus[a.Status]) {
			list = append(list, s.shown(p, a))
		}
	}
	slices.SortFunc(list, func(a, b map[string]any) int { return b["id"].(int) - a["id"].(int) }) // the newest first
	page(w, r, list)
}

// isBridge tells whether a job starts another pipeline.
func (s *Server) isBridge(a *standin.Attempt) bool {
	return slices.Contains(s.config.Bridges, a.Job.Name)
}

func (s *Server) bridges(w http.ResponseWriter, r *http.Request) {
	p := s.findPipeline(w, r)
	if p == nil {
		return
	}
	var list []map[string]any
	for _, a := range p.run.Present() {
		if s.isBridge(a) {
			bridge := s.shown(p, a)
			bridge["downstream_pipeline"] = nil
			list = append(list, bridge)
		}
	}
	page(w, r, list)
}

// findBuild returns the job in the address, if it is no bridge.
func (s *Server) findBuild(w http.ResponseWriter, r *http.Request) (*pipeline, *standin.Attempt) {
	p, a := s.findJob(w, r)
	if a != nil && s.isBridge(a) {
		answer(w, http.StatusNotFound, map[string]string{"message": "404 Not found"})
		return nil, nil
	}
	return p, a
}

// findJob returns the job in the address; it answers when there is none.
func (s *Server) findJob(w http.ResponseWriter, r *http.Request) (*pipeline, *standin.Attempt) {
	id, ok := s.find(w, r)
	if !ok {
		return nil, nil
	}
	for _, p := range s.pipelines {
		for _, a := range p.run.Attempts() {
			if p.project == id && strconv.Itoa(a.ID) == r.PathValue("job") {
				return p, a
			}
		}
	}
	answer(w, http.StatusNotFound, map[string]string{"message": "404 Not found"})
	return nil, nil
}

func (s *Server) job(w http.ResponseWriter, r *http.Request) {
	if p, a := s.findBuild(w, r); a != nil {
		answer(w, http.StatusOK, s.shown(p, a))
	}
}

// trace answers with a log as runners write it: with marks of sections, colours, and
// words of their own around what the script said.
func (s *Server) trace(w http.ResponseWriter, r *http.Request) {
	_, a := s.findBuild(w, r)
	if a == nil {
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	if a.Started.IsZero() {
		return
	}
	var b strings.Builder
	begin, end := a.Started.Unix(), a.Started.Unix()
	fmt.Fprintf(&b, "section_start:%d:step_script\r\x1b[0K", begin)
	for _, line := range a.Log {
		fmt.Fprintf(&b, "%s\x1b[0;m\n", line)
	}
	if a.Status.Over() {
		fmt.Fprintf(&b, "section_end:%d:step_script\r\x1b[0K", end)
	}
	_, _ = io.WriteString(w, b.String())
}

// waiting tells whether a job waits for approvals of its deployment.
func (s *Server) waiting(a *standin.Attempt) bool {
	return a.Status == standin.Asking && s.approved[a.ID] < s.config.Approvals[a.Job.Name]
}

func (s *Server) play(w http.ResponseWriter, r *http.Request) {
	p, a := s.findJob(w, r)
	if a == nil {
		return
	}
	if s.waiting(a) || !p.run.Agree(a.ID, s.Now()) {
		answer(w, http.StatusBadRequest, map[string]string{"message": "400 Bad request - Unplayable Job"})
		return
	}
	s.advance()
	answer(w, http.StatusOK, s.shown(p, a))
}

func (s *Server) cancelJob(w http.ResponseWriter, r *http.Request) {
	p, a := s.findBuild(w, r)
	if a == nil {
		return
	}
	if !a.Status.Over() {
		s.end(p, a)
	}
	s.advance()
	answer(w, http.StatusCreated, s.shown(p, a))
}

// deployments lists those of the jobs with protected environments. Each has the ID of
// its job, and a thousand more.
func (s *Server) deployments(w http.ResponseWriter, r *http.Request) {
	id, ok := s.find(w, r)
	if !ok {
		return
	}
	var list []map[string]any
	for _, p := range s.pipelines {
		for _, a := range p.run.Attempts() {
			if p.project != id || s.config.Approvals[a.Job.Name] == 0 {
				continue
			}
			status := jobStatus[a.Status]
			if s.waiting(a) {
				status = "blocked"
			}
			if want := r.URL.Query().Get("status"); want != "" && want != status {
				continue
			}
			list = append(list, map[string]any{
				"id": a.ID + 1000, "iid": 1, "ref": p.ref, "status": status, "created_at": moment(a.Created),
				"environment": map[string]any{"id": 1, "name": "production"},
				"deployable": map[string]any{
					"id": a.ID, "name": a.Job.Name, "stage": a.Stage, "status": jobStatus[a.Status],
					"pipeline": map[string]any{"id": p.run.ID, "ref": p.ref},
				},
			})
		}
	}
	page(w, r, list)
}

func (s *Server) approve(w http.ResponseWriter, r *http.Request) {
	id, ok := s.find(w, r)
	if !ok {
		return
	}
	var decision struct {
		Status        string `json:"status"`
		Comment       string `json:"comment"`
		RepresentedAs string `json:"represented_as"`
	}
	if !s.read(w, r, &decision) {
		return
	}
	for _, p := range s.pipelines {
		for _, a := range p.run.Attempts() {
			if p.project != id || strconv.Itoa(a.ID+1000) != r.PathValue("deployment") {
				continue
			}
			switch {
			case !s.waiting(a):
				answer(w, http.StatusBadRequest, map[string]string{"message": "This deployment is not waiting for approvals."})
				return
			case decision.Status == "approved":
				s.approved[a.ID]++
			case decision.Status == "rejected":
				p.run.Refuse(a, s.Now())
			default:
				answer(w, http.StatusBadRequest, map[string]string{"error": "status does not have a valid value"})
				return
			}
			s.advance()
			answer(w, http.StatusCreated, map[string]any{
				"user":   map[string]any{"id": 7, "username": Username},
				"status": decision.Status, "created_at": moment(s.Now()), "comment": decision.Comment,
			})
			return
		}
	}
	answer(w, http.StatusNotFound, map[string]string{"message": "404 Deployment Not Found"})
}
