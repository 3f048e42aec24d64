package zadigtest

import (
	"net/http"
	"slices"

	"slipway/tasks/engine/enginetest/standin"
)

// approve takes the account's decision on an approval. The key stage_name holds the name
// of the job in the run.
func (s *Server) approve(w http.ResponseWriter, r *http.Request) {
	var d struct {
		Workflow string `json:"workflow_key"`
		Task     int    `json:"task_id"`
		Job      string `json:"stage_name"`
		Approve  bool   `json:"approve"`
		Comment  string `json:"comment"`
	}
	if !s.read(w, r, &d) {
		return
	}
	for _, t := range s.tasks {
		if t.flow.Name != d.Workflow || t.number != d.Task {
			continue
		}
		for i, a := range t.run.Present() {
			detail := s.jobDetail(t, a, jobName(t, i))
			if detail["name"] != d.Job || detail["status"] != "wait_for_approval" {
				continue
			}
			if how := s.config.Waits[a.Job.Name]; how != "" {
				typed(w, 6169, "批准工作流任务失败", "user %s has no authority to approve this task", Account)
				return
			}
			s.decide(t, a, d.Approve)
			success(w)
			return
		}
	}
	typed(w, 6169, "批准工作流任务失败", "not found approval %s-%s-%d", d.Workflow, d.Job, d.Task)
}

// jobName is the name of a job in its run.
func jobName(t *task, i int) string {
	at := t.run.Present()[i]
	for index, stage := range t.run.Workflow.Stages {
		if stage.Name == at.Stage {
			return unique(index, i, at.Job.Name)
		}
	}
	return ""
}

func (s *Server) decide(t *task, a *standin.Attempt, approve bool) {
	if approve {
		t.run.Agree(a.ID, s.Now())
	} else {
		t.run.Refuse(a, s.Now())
	}
	s.advance()
}

// waiting returns the paused run in the address, and the job it is paused at; it answers
// when there is none.
func (s *Server) waiting(w http.ResponseWriter, r *http.Request) (*task, *standin.Attempt) {
	t := s.asked(w, r.PathValue("name"), r.PathValue("task"))
	if t == nil {
		return nil, nil
	}
	a := s.paused(t)
	switch {
	case slices.Contains(s.config.Unpermitted, t.flow.Project):
		w.WriteHeader(http.StatusForbidden)
		return nil, nil
	case r.URL.Query().Get("projectKey") != t.flow.Project:
		s.Notes.Addf("run %s is not one of project %q", t.ref(), r.URL.Query().Get("projectKey"))
		plain(w, "workflow task project %s does not match projectKey %s", t.flow.Project, r.URL.Query().Get("projectKey"))
		return nil, nil
	case a == nil:
		plain(w, "工作流任务状态无法手动执行")
		return nil, nil
	}
	return t, a
}

func (s *Server) manual(w http.ResponseWriter, r *http.Request) {
	t, a := s.waiting(w, r)
	if t == nil {
		return
	}
	answer(w, map[string]any{
		"project_key": t.flow.Project, "workflow_key": t.flow.Name, "task_id": t.number, "status": "pause", "stage_name": a.Stage,
		"can_execute": !slices.Contains(s.config.Others, a.Stage), "executors": []any{s.executor(a.Stage)},
	})
}

func (s *Server) manualExec(w http.ResponseWriter, r *http.Request) {
	var said struct {
		Stage string `json:"stage_name"`
	}
	if !s.read(w, r, &said) {
		return
	}
	t, a := s.waiting(w, r)
	switch {
	case t == nil:
	case said.Stage != a.Stage:
		plain(w, "stage %s is not waiting for manual execution", said.Stage)
	case slices.Contains(s.config.Others, a.Stage):
		plain(w, "user %s is not allowed to manually execute stage %s", UserID, said.Stage)
	default:
		for _, other := range t.run.Present() {
			if other.Stage == a.Stage {
				t.run.Agree(other.ID, s.Now())
			}
		}
		s.advance()
		success(w)
	}
}
