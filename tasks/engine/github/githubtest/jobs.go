package githubtest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// copied is added to the number of a job that passed, for each later attempt of the run:
// GitHub lists it there again.
const copied = 1_000_000

func (s *Server) shownJob(r *run, a *standin.Attempt, attempt int) map[string]any {
	status, conclusion := words(a.Status)
	id := a.ID + copied*(attempt-r.attempts[a.ID])
	api := fmt.Sprintf("%s/api/v3/repos/%s", s.URL(), r.repository)
	started := a.Started
	if started.IsZero() {
		started = a.Created
	}
	return map[string]any{
		"id": id, "run_id": r.run.ID, "run_url": fmt.Sprintf("%s/actions/runs/%d", api, r.run.ID), "run_attempt": attempt,
		"node_id": fmt.Sprintf("CR_%d", id), "head_sha": sha(r.branch), "url": fmt.Sprintf("%s/actions/jobs/%d", api, id),
		"html_url": fmt.Sprintf("%s/%s/actions/runs/%d/job/%d", s.URL(), r.repository, r.run.ID, id), "status": status,
		"conclusion": conclusion, "created_at": moment(a.Created), "started_at": moment(started), "completed_at": moment(ended(a)),
		"name": a.Job.Name, "steps": s.steps(a), "check_run_url": fmt.Sprintf("%s/check-runs/%d", api, id),
		"labels": []string{"ubuntu-latest"}, "runner_id": nil, "runner_name": nil, "runner_group_id": nil, "runner_group_name": nil,
		"workflow_name": title(s.config.Workflows[r.workflow]), "head_branch": r.branch,
	}
}

func ended(a *standin.Attempt) time.Time {
	if a.Status.Over() && a.Ended.IsZero() {
		return a.Created
	}
	return a.Ended
}

// steps are those of a job that began: two of the runner's, one that says all there is
// to say, and one that does the work.
func (s *Server) steps(a *standin.Attempt) []map[string]any {
	steps := []map[string]any{}
	if a.Started.IsZero() {
		return steps
	}
	add := func(name, status string, conclusion any, at time.Time) {
		steps = append(steps, map[string]any{
			"name": name, "status": status, "conclusion": conclusion, "number": len(steps) + 1, "started_at": moment(a.Started),
			"completed_at": moment(at),
		})
	}
	add("Set up job", "completed", "success", a.Started)
	add("Say it", "completed", "success", a.Started)
	if status, conclusion := words(a.Status); status == "completed" {
		if a.Status == standin.TimedOut {
			conclusion = "cancelled"
		}
		add("Run ./"+a.Job.Name+".sh", "completed", conclusion, a.Ended)
		add("Complete job", "completed", "success", a.Ended)
	} else {
		add("Run ./"+a.Job.Name+".sh", "in_progress", nil, time.Time{})
	}
	return steps
}

// jobs lists the jobs whose turn has come.
func (s *Server) jobs(c *call) {
	r := s.findRun(c)
	if r == nil {
		return
	}
	list := []map[string]any{}
	switch c.r.URL.Query().Get("filter") {
	case "", "latest":
		for _, a := range r.run.Present() {
			if a.Status != standin.Created {
				list = append(list, s.shownJob(r, a, r.attempt))
			}
		}
	case "all":
		for _, a := range r.run.Attempts() {
			if a.Status == standin.Created {
				continue
			}
			for attempt := r.attempts[a.ID]; attempt <= r.attempt; attempt++ {
				if attempt == r.attempts[a.ID] || a.Status == standin.Passed {
					list = append(list, s.shownJob(r, a, attempt))
				}
			}
		}
	default:
		s.Notes.Addf("there is no filter %q", c.r.URL.Query().Get("filter"))
	}
	page(c, "jobs", list)
}

func (s *Server) findJob(id string) *standin.Attempt {
	n, err := strconv.Atoi(id)
	if err != nil {
		return nil
	}
	for _, r := range s.runs {
		for _, a := range r.run.Attempts() {
			if a.ID == n%copied {
				return a
			}
		}
	}
	return nil
}

// secretOfLog is what lets one read a log, in its address.
const secretOfLog = "sig=signature-of-the-log"

// logs answers where the log of a job is.
func (s *Server) logs(c *call) {
	if _, ok := s.find(c); !ok {
		return
	}
	id := c.r.PathValue("job_id")
	a := s.findJob(id)
	now := s.Now()
	if a == nil || a.Started.IsZero() || (s.config.LogsAtEnd && !a.Status.Over()) ||
		(a.Status.Over() && now.Sub(a.Ended) < s.config.LogsLate) {
		c.refuse(http.StatusNotFound, "Not Found")
		return
	}
	c.status = http.StatusFound
	c.header.Set("Location", s.URL()+"/_logs/"+id+"?"+secretOfLog)
}

// blob answers with a log as runners write it: each line with its time, commands of the
// runner between them, colours.
func (s *Server) blob(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		s.Notes.Addf("the token was sent to where logs are kept")
	}
	if r.URL.RawQuery != secretOfLog {
		http.Error(w, "no signature", http.StatusForbidden)
		return
	}
	s.Lock()
	defer s.Unlock()
	a := s.findJob(r.PathValue("job"))
	if a == nil {
		http.Error(w, "BlobNotFound", http.StatusNotFound)
		return
	}
	var b strings.Builder
	at := a.Started.UTC().Format("2006-01-02T15:04:05.0000000Z")
	b.WriteString("\ufeff")
	for _, line := range a.Log {
		fmt.Fprintf(&b, "%s \x1b[36;1m%s\x1b[0m\r\n", at, line)
	}
	if a.Status.Over() {
		fmt.Fprintf(&b, "%s ##[endgroup]\r\n", at)
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, b.String())
}
