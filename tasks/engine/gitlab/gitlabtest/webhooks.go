package gitlabtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// news returns what there is to send of a pipeline: a webhook for each job, and for the
// pipeline, whose status is not the one that was told last.
func (s *Server) news(p *pipeline) []func() {
	var news []func()
	for _, a := range p.run.Attempts() {
		if p.told[a.ID] == a.Status {
			continue
		}
		p.told[a.ID] = a.Status
		news = append(news, s.notice("Job Hook", map[string]any{
			"object_kind": "build", "ref": p.ref, "tag": false, "build_id": a.ID, "build_name": a.Job.Name, "build_stage": a.Stage,
			"build_status": jobStatus[a.Status], "build_created_at": moment(a.Created), "build_started_at": moment(a.Started),
			"build_finished_at": moment(a.Ended), "build_allow_failure": false, "retries_count": 0, "pipeline_id": p.run.ID,
			"project_id": p.project, "project_name": s.projects[p.project-1],
			"user": map[string]any{"id": 7, "username": Username, "name": "Slipway"},
		}))
	}
	if now := p.run.Status(); p.status != now {
		p.status = now
		variables := []map[string]string{}
		for _, key := range slices.Sorted(maps.Keys(p.sent)) {
			variables = append(variables, map[string]string{"key": key, "value": p.sent[key]})
		}
		news = append(news, s.notice("Pipeline Hook", map[string]any{
			"object_kind": "pipeline",
			"object_attributes": map[string]any{
				"id": p.run.ID, "iid": p.iid, "name": nil, "ref": p.ref, "tag": false, "source": "api",
				"sha": "a91957a858320c0e17f3a0eca7cfacbff50ea29a", "status": pipelineStatus[now], "detailed_status": pipelineStatus[now],
				"created_at": moment(p.run.Created), "finished_at": nil, "duration": nil, "variables": variables,
				"url": fmt.Sprintf("%s/%s/-/pipelines/%d", s.URL(), s.projects[p.project-1], p.run.ID),
			},
			"merge_request": nil,
			"user":          map[string]any{"id": 7, "username": Username, "name": "Slipway"},
			"project": map[string]any{
				"id": p.project, "path_with_namespace": s.projects[p.project-1], "default_branch": DefaultBranch,
				"web_url": s.URL() + "/" + s.projects[p.project-1],
			},
			"builds": []any{},
		}))
	}
	return news
}

func (s *Server) notice(event string, body any) func() {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	header := http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"GitLab/18.4.0"}, "X-Gitlab-Event": {event},
		"X-Gitlab-Token": {s.config.WebhookToken}, "X-Gitlab-Instance": {s.URL()},
	}
	return func() { s.Notices.Send(header, text) }
}
