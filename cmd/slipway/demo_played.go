package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"slipway/tasks/engine/httpengine"
)

// demoJira plays the part of Jira that the story needs: one sprint with an issue that is
// done and two that are not. It hears of the plans that bring them.
type demoJira struct{ demo *demonstration }

// ServeHTTP implements http.Handler.
func (j *demoJira) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.Trim(strings.NewReplacer("/rest/agile/1.0", "", "/rest/api/2", "").Replace(r.URL.Path), "/"), "/")
	switch {
	case r.Method == http.MethodPost && path[0] == "issue" && len(path) == 3:
		j.hear(r, path[1], path[2])
		w.WriteHeader(http.StatusCreated)
	case path[0] == "sprint" && len(path) == 3:
		writePlayed(w, map[string]any{"total": 3, "issues": []any{
			playedIssue("PAY-1", "Fees on the receipt", "done"), playedIssue("PAY-2", "Refunds in two steps", "indeterminate"),
			playedIssue("PAY-3", "Slow search of payments", "new"),
		}})
	case path[0] == "sprint":
		writePlayed(w, map[string]any{"id": 42, "name": "Sprint 12", "state": "active", "originBoardId": 7})
	case path[0] == "board":
		writePlayed(w, map[string]any{"isLast": true, "values": []any{map[string]any{"key": "PAY", "name": "Payments"}}})
	default:
		writePlayed(w, map[string]any{"isLast": true, "total": 0})
	}
}

// hear takes a comment or a link.
func (j *demoJira) hear(r *http.Request, issue, what string) {
	var said struct {
		Body   string
		Object struct{ Title, Summary string }
	}
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		j.demo.say("jira", "cannot read the %s of %s: %v", what, issue, err)
		return
	}
	if what == "comment" {
		j.demo.say("jira", "%s gets a comment: %s", issue, said.Body)
		return
	}
	j.demo.say("jira", "%s is linked to %s: %s", issue, said.Object.Title, said.Object.Summary)
	j.demo.noted(issue + " " + said.Object.Summary)
}

func playedIssue(key, summary, category string) map[string]any {
	return map[string]any{"key": key, "fields": map[string]any{"summary": summary, "status": map[string]any{"statusCategory": map[string]any{"key": category}}}}
}

// demoDeployer plays a deploy server of one's own, with one run. The answer to its start
// gets lost, and the run waits for a person.
type demoDeployer struct {
	demo *demonstration

	mu    sync.Mutex
	state string
}

// deployerSettings describe it, as docs/engines/http.md explains. It has no search for a
// run, so that a person must say what became of the start.
func deployerSettings(address string) engineConfig {
	run := address + "/runs/${ref}"
	answer := func(approve bool) *httpengine.Request {
		return &httpengine.Request{URL: run + "/answer", Body: fmt.Sprintf(`{"go": %t, "by": "${by}"}`, approve)}
	}
	return engineConfig{Type: "http", pace: pace{Poll: "100ms"}, Server: httpengine.Settings{
		Start: httpengine.Start{Request: httpengine.Request{URL: address + "/runs", Body: `{"do": "${workflow}", "mark": "${mark}"}`}, Ref: "id"},
		Status: &httpengine.Status{
			Request: httpengine.Request{URL: run}, Status: "state", Jobs: &httpengine.Jobs{List: "steps", Name: "name", Status: "state"},
		},
		Approve: answer(true), Reject: answer(false),
		Workflows: []httpengine.Workflow{{Project: "payments", Name: "shift-traffic", Stages: []httpengine.Stage{{Name: "shift", Jobs: []string{"go live"}}}}},
	}}
}

// ServeHTTP implements http.Handler.
func (x *demoDeployer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /runs":
		x.state = "waiting"
		x.demo.say("deployer", "starts run 7 of shift-traffic, and loses the connection")
		panic(http.ErrAbortHandler)
	case "POST /runs/7/answer":
		var said struct {
			Go bool
			By string
		}
		if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		x.state = map[bool]string{true: "passed", false: "failed"}[said.Go]
		x.demo.say("deployer", "run 7 %s: %s decided", x.state, said.By)
		w.WriteHeader(http.StatusNoContent)
	case "GET /runs/7":
		writePlayed(w, map[string]any{"state": x.state, "steps": []any{map[string]string{"name": "go live", "state": x.state}}})
	default:
		http.NotFound(w, r)
	}
}

func writePlayed(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // who asked may be gone
}
