package httpenginetest

import (
	"encoding/json"
	"net/http"

	"slipway/tasks/engine/enginetest/standin"
)

// status is Slipway's word, as it documents them for callbacks.
var status = map[standin.Status]string{
	standin.Created: "queued", standin.Running: "running", standin.Asking: "waiting", standin.Passed: "passed", standin.Failed: "failed",
	standin.Cancelled: "cancelled", standin.TimedOut: "timeout", standin.Skipped: "skipped",
}

// report is what there is to report of a run.
func (s *Server) report(one *run) string {
	jobs := []any{}
	for _, a := range one.run.Present() {
		j := map[string]any{"name": a.Job.Name, "stage": a.Stage, "status": status[a.Status]}
		if a.Status == standin.Failed {
			j["reason"] = "exit status 1"
		}
		jobs = append(jobs, j)
	}
	body, err := json.Marshal(map[string]any{
		"mark": one.start.Mark, "ref": one.id, "status": status[one.run.Status()], "url": s.URL() + "/runs/" + one.id, "jobs": jobs,
		"log": append([]string{}, lines(one)...),
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// tell reports a run if anything about it is new.
func (s *Server) tell(one *run) {
	now := s.report(one)
	if now == one.told {
		return
	}
	one.told = now
	s.send(now)
}

func (s *Server) send(report string) {
	s.Notices.Send(http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.config.CallbackToken},
	}, []byte(report))
}
