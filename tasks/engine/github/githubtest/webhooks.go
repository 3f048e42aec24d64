package githubtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"slipway/tasks/engine/enginetest/standin"
)

// news returns what there is to send of a run: a webhook for each job, and for the
// run, whose status is not the one that was told last.
func (s *Server) news(r *run) []func() {
	if !s.heard {
		return nil
	}
	var news []func()
	for _, a := range r.run.Attempts() {
		if a.Status == standin.Created {
			continue
		}
		status, _ := words(a.Status)
		if r.told[a.ID] != status {
			r.told[a.ID] = status
			news = append(news, s.notice("workflow_job", map[string]any{
				"action": status, "workflow_job": s.shownJob(r, a, r.attempts[a.ID]), "repository": s.whole(r.repository),
				"sender": s.account(r.login),
			}))
		}
		if a.Status == standin.Asking && s.gateOf(a.Job.Name).Rule && !r.asked[a.ID] {
			r.asked[a.ID] = true
			news = append(news, s.ask(r, a))
		}
	}
	status, _ := r.words()
	action := map[string]string{"queued": "requested", "waiting": "requested", "in_progress": "in_progress", "completed": "completed"}[status]
	if told := fmt.Sprintf("%s %d", action, r.attempt); r.status != told {
		r.status = told
		news = append(news, s.notice("workflow_run", map[string]any{
			"action": action, "workflow_run": s.shownRun(r), "workflow": s.shownWorkflow(r.workflow), "repository": s.whole(r.repository),
			"sender": s.account(r.login),
		}))
	}
	return news
}

func (s *Server) notice(event string, body any) func() {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	s.describeNotice(event, text)
	sum := hmac.New(sha256.New, []byte(s.config.WebhookSecret))
	sum.Write(text)
	header := http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"GitHub-Hookshot/044aadd"}, "X-Github-Event": {event},
		"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(sum.Sum(nil))}, "X-Github-Hook-Id": {"292430182"},
		"X-Github-Delivery": {fmt.Sprintf("72d3162e-cc78-11e3-81ab-%012d", s.NextID())},
	}
	return func() { s.Notices.Send(header, text) }
}
