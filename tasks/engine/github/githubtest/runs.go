package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// run is a run of a workflow.
type run struct {
	repository string
	workflow   int // its place
	branch     string
	login      string // who started it
	title      string
	attempt    int
	attempts   map[int]int // of the jobs
	run        *standin.Run
	stopped    bool             // it was cancelled
	told       map[int]string   // of the jobs, in webhooks
	status     string           // of the run, in webhooks
	reviews    []map[string]any // of its deployments
	asked      map[int]bool     // jobs of which the app was asked
}

// begin makes a run.
func (s *Server) begin(i int, branch string, vars map[string]string, login string) *run {
	w := s.config.Workflows[i]
	r := &run{
		repository: w.Project, workflow: i, branch: branch, login: login, title: title(w), attempt: 1, attempts: map[int]int{},
		told: map[int]string{}, asked: map[int]bool{},
	}
	if !w.Unmarked {
		r.title = fmt.Sprintf("%s [%s]", r.title, vars["slipway_mark"])
	}
	r.run = standin.NewRun(s.NextID(), w, vars, s.Now(), s.NextID)
	r.number()
	return r
}

// number notes the attempt of jobs that are new.
func (r *run) number() {
	for _, a := range r.run.Attempts() {
		if r.attempts[a.ID] == 0 {
			r.attempts[a.ID] = r.attempt
		}
	}
}

// words are GitHub's for where a run or a job is.
func words(s standin.Status) (status string, conclusion any) {
	switch s {
	case standin.Created:
		return "queued", nil
	case standin.Running:
		return "in_progress", nil
	case standin.Asking:
		return "waiting", nil
	case standin.Passed:
		return "completed", "success"
	case standin.Failed:
		return "completed", "failure"
	case standin.TimedOut:
		return "completed", "timed_out"
	case standin.Cancelled:
		return "completed", "cancelled"
	case standin.Skipped:
		return "completed", "skipped"
	}
	panic("githubtest: a status that does not exist: " + s)
}

func (r *run) words() (status string, conclusion any) {
	now := r.run.Status()
	if r.stopped && now.Over() {
		now = standin.Cancelled
	}
	return words(now)
}

// moment writes a time as GitHub does; nil for one that has not come.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// advance does what is due in all runs.
func (s *Server) advance() {
	now := s.Now()
	for _, r := range s.runs {
		r.run.CatchUp(now)
		s.Tell(s.news(r)...)
	}
}

func (s *Server) shownRun(r *run) map[string]any {
	status, conclusion := r.words()
	at := fmt.Sprintf("%s/api/v3/repos/%s/actions/runs/%d", s.URL(), r.repository, r.run.ID)
	w := s.config.Workflows[r.workflow]
	person := map[string]any{"name": "Ann", "email": "ann@example.com"}
	return map[string]any{
		"id": r.run.ID, "name": title(w), "node_id": fmt.Sprintf("WFR_%d", r.run.ID), "head_branch": r.branch, "head_sha": sha(r.branch),
		"path": pathOf(w), "display_title": r.title, "run_number": r.run.ID - 7000, "event": "workflow_dispatch", "status": status,
		"conclusion": conclusion, "workflow_id": r.workflow + 100, "check_suite_id": 9000 + r.run.ID, "check_suite_node_id": "CS_1",
		"url": at, "html_url": fmt.Sprintf("%s/%s/actions/runs/%d", s.URL(), r.repository, r.run.ID), "pull_requests": []any{},
		"created_at": moment(r.run.Created), "updated_at": moment(r.run.Updated), "actor": s.account(r.login), "run_attempt": r.attempt,
		"referenced_workflows": []any{}, "run_started_at": moment(r.run.Created), "triggering_actor": s.account(r.login),
		"jobs_url": at + "/jobs", "logs_url": at + "/logs", "artifacts_url": at + "/artifacts", "cancel_url": at + "/cancel",
		"check_suite_url": fmt.Sprintf("%s/api/v3/repos/%s/check-suites/%d", s.URL(), r.repository, 9000+r.run.ID), "rerun_url": at + "/rerun",
		"previous_attempt_url": nil, "workflow_url": fmt.Sprintf("%s/api/v3/repos/%s/actions/workflows/%d", s.URL(), r.repository, r.workflow+100),
		"head_commit": map[string]any{
			"id": sha(r.branch), "tree_id": sha("tree"), "message": "Change it", "timestamp": long, "author": person, "committer": person,
		},
		"repository": s.brief(r.repository), "head_repository": s.brief(r.repository),
	}
}

func (s *Server) listRuns(c *call) {
	repository, ok := s.find(c)
	workflow := -1
	if ok && c.r.PathValue("workflow_id") != "" {
		repository, workflow = s.findWorkflow(c)
		ok = workflow >= 0
	}
	if !ok {
		return
	}
	q := c.r.URL.Query()
	since := time.Time{}
	if said, found := strings.CutPrefix(q.Get("created"), ">="); found {
		var err error
		if since, err = time.Parse(time.RFC3339, said); err != nil {
			c.refuse(http.StatusUnprocessableEntity, "created is not a date")
			return
		}
	} else if q.Has("created") {
		s.Notes.Addf("created=%q is not understood here", q.Get("created"))
	}
	list := []map[string]any{}
	for _, r := range slices.Backward(s.runs) {
		file := ""
		if workflow >= 0 {
			file = fileOf(s.config.Workflows[workflow])
		}
		if r.repository != repository || (file != "" && fileOf(s.config.Workflows[r.workflow]) != file) ||
			(q.Has("event") && q.Get("event") != "workflow_dispatch") || (q.Has("actor") && q.Get("actor") != r.login) ||
			(q.Has("branch") && q.Get("branch") != r.branch) || r.run.Created.Before(since) ||
			s.Now().Sub(r.run.Created) < s.config.Hidden {
			continue
		}
		list = append(list, s.shownRun(r))
	}
	page(c, "workflow_runs", list)
}

// findRun returns the run in the address; it answers when there is none.
func (s *Server) findRun(c *call) *run {
	repository, ok := s.find(c)
	if !ok {
		return nil
	}
	for _, r := range s.runs {
		if r.repository == repository && strconv.Itoa(r.run.ID) == c.r.PathValue("run_id") {
			return r
		}
	}
	c.refuse(http.StatusNotFound, "Not Found")
	return nil
}

func (s *Server) run(c *call) {
	if r := s.findRun(c); r != nil {
		c.say(http.StatusOK, s.shownRun(r))
	}
}

func (s *Server) cancel(c *call) {
	r := s.findRun(c)
	switch {
	case r == nil:
	case r.run.Status().Over():
		c.refuse(http.StatusConflict, "Cannot cancel a workflow run that is completed.")
	case s.config.Stubborn && !strings.HasSuffix(c.pattern, "/force-cancel"):
		c.say(http.StatusAccepted, map[string]any{})
	default:
		r.run.Cancel(s.Now())
		r.stopped = true
		s.advance()
		c.say(http.StatusAccepted, map[string]any{})
	}
}

// again runs what did not pass again, as another attempt.
func (s *Server) again(r *run) bool {
	if !r.run.Status().Over() || !r.run.Retry(s.Now()) {
		return false
	}
	r.attempt++
	r.stopped, r.run.Refused = false, false
	r.number()
	return true
}

func (s *Server) rerunFailed(c *call) {
	r := s.findRun(c)
	switch {
	case r == nil:
	case s.slowRerun > 0:
		time.AfterFunc(s.slowRerun, func() {
			s.Lock()
			defer s.Unlock()
			s.again(r)
		})
		c.say(http.StatusCreated, map[string]any{})
	case !s.again(r):
		c.refuse(http.StatusForbidden, "This workflow run cannot be retried")
	default:
		s.advance()
		c.say(http.StatusCreated, map[string]any{})
	}
}

func (s *Server) rerun(c *call) { s.rerunFailed(c) }
