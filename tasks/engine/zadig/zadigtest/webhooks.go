package zadigtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"

	"slipway/tasks/engine/enginetest/standin"
)

// news returns what there is to send of a run: the notification of the workflow, and
// from v5 on the hook of the system, which says nothing of rejections and pauses.
func (s *Server) news(t *task) []func() {
	now := s.status(t)
	asks := t.run.Status() == standin.Asking
	if t.told == now && t.asked == asks {
		return nil
	}
	first := t.told == ""
	changed := t.told != now
	t.told, t.asked = now, asks
	var news []func()
	switch {
	case first:
		news = append(news, s.notice(t, "workflow", "created"))
		if !s.config.V4 {
			news = append(news, s.notice(t, "start_execute", "created"))
		}
	case changed && now != "running" && now != "waiting":
		news = append(news, s.notice(t, "workflow", now))
		if !s.config.V4 && now != "reject" && now != "pause" {
			news = append(news, s.notice(t, "complete_execute", now))
		}
	case asks:
		news = append(news, s.notice(t, "workflow", "wait_for_approval"))
	}
	if first && t.run.Status().Over() {
		t.told = "created" // its end is told next
	}
	return news
}

func (s *Server) notice(t *task, event, status string) func() {
	stages := []map[string]any{}
	for _, stage := range t.run.Workflow.Stages {
		jobs := []map[string]any{}
		for i, a := range t.run.Present() {
			if a.Stage == stage.Name {
				jobs = append(jobs, map[string]any{
					"name": jobName(t, i), "display_name": a.Job.Name, "type": t.types[a.Job.Name].(map[string]any)["type"],
					"status": s.jobStatus(t, a), "start_time": seconds(a.Started), "end_time": seconds(a.Ended), "error": "", "spec": nil,
				})
			}
		}
		stages = append(stages, map[string]any{"name": stage.Name, "status": "", "start_time": 0, "end_time": 0, "jobs": jobs, "error": ""})
	}
	body, err := json.Marshal(map[string]any{
		"object_kind": "workflow", "event": event, "release_plan": nil,
		"workflow": map[string]any{
			"task_id": t.number, "project_name": t.flow.Project, "project_display_name": "Project " + t.flow.Project,
			"workflow_name": t.flow.Name, "workflow_display_name": "The " + t.flow.Name, "status": status, "remark": "",
			"detail_url": fmt.Sprintf("%s/v1/projects/detail/%s/pipelines/custom/%s", s.URL(), t.flow.Project, t.flow.Name), "error": "",
			"create_time": seconds(t.run.Created), "start_time": t.started, "end_time": 0, "stages": stages,
			"task_creator": t.creator, "task_creator_id": UserID, "task_creator_email": "bot@example.com", "task_type": "workflow",
		},
	})
	if err != nil {
		panic(err)
	}
	header := http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"Zadig/5.0.0"},
		"X-Zadig-Token": {s.config.WebhookToken}, "X-Zadig-Instance": {s.URL()}, "X-Zadig-Event": {event},
		"X-Zadig-Event-Uuid": {rand.Text()}, "X-Zadig-Webhook-Uuid": {rand.Text()},
	}
	return func() { s.Notices.Send(header, body) }
}
