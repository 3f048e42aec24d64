package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/cmd/slipway/processtest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/zadig/zadigtest"
)

// secretPlayer plays the stories of one engine.
type secretPlayer struct {
	*watched
	operator

	v *watchedVendor
	t *testing.T
}

// plan makes a plan that runs workflows of the engine, submitted and started unless it
// is a draft. Those that take TOKEN are given it.
func (p *secretPlayer) plan(draft bool, scenarios ...string) processtest.Plan {
	p.t.Helper()
	var jobs []map[string]any
	for i, s := range scenarios {
		spec := map[string]any{}
		for _, setting := range strings.Fields(p.v.item(s)) {
			key, value, _ := strings.Cut(setting, "=")
			spec[key] = value
		}
		if s == "leaky" {
			spec["params"] = map[string]string{"TOKEN": ofThePlan.value}
		}
		jobs = append(jobs, map[string]any{"name": fmt.Sprintf("%s %d", s, i+1), "type": "workflow", "spec": spec})
	}
	var plan processtest.Plan
	if err := p.ask(http.MethodPost, "/api/v1/plans", map[string]any{"name": "secrets of " + p.v.name, "jobs": jobs}).Decode(&plan); err != nil {
		p.t.Fatal(err)
	}
	if draft {
		return plan
	}
	p.ask(http.MethodPost, "/api/v1/plans/"+plan.ID+"/submit", nil)
	p.ask(http.MethodPost, "/api/v1/plans/"+plan.ID+"/start", nil)
	return p.operator.plan(plan.ID)
}

// try asks for something that may be refused.
func (o *operator) try(method, path string, body any) processtest.Answer {
	o.t.Helper()
	a, err := o.client.Do(o.ctx, o.base, processtest.Request{Method: method, Path: path, Body: body})
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

func (p *secretPlayer) job(plan processtest.Plan, n int, verb string, body any) processtest.Answer {
	p.t.Helper()
	return p.try(http.MethodPost, "/api/v1/plans/"+plan.ID+"/jobs/"+plan.Jobs[n].ID+"/"+verb, body)
}

// until waits until the plan is as it is wanted.
func (p *secretPlayer) until(plan processtest.Plan, what string, is func(processtest.Plan) bool) processtest.Plan {
	p.t.Helper()
	late, tick := time.NewTimer(90*time.Second), time.NewTicker(25*time.Millisecond)
	defer late.Stop()
	defer tick.Stop()
	for {
		now := p.operator.plan(plan.ID)
		if is(now) {
			return now
		}
		select {
		case <-late.C:
			p.t.Fatalf("%s: not seen; instead %+v\n%s", what, now, p.try(http.MethodGet, "/api/v1/plans/"+plan.ID+"/runs", nil).Body)
		case <-tick.C:
		}
	}
}

// settled waits until an item has ended.
func (p *secretPlayer) settled(plan processtest.Plan, n int, want ...string) {
	p.t.Helper()
	now := p.until(plan, "the item has ended", func(now processtest.Plan) bool { return now.Jobs[n].Status != "running" })
	if job := now.Jobs[n]; !slices.Contains(want, job.Status) {
		p.t.Errorf("%s is %s because %q, want %v", job.Name, job.Status, job.Reason, want)
	}
}

// heard waits until the careless server has repeated something.
func (p *secretPlayer) heard(what string, repeated <-chan struct{}) {
	p.t.Helper()
	select {
	case <-repeated:
	case <-time.After(90 * time.Second):
		p.t.Fatalf("%s: the engine was not asked", what)
	}
}

// passes has a workflow print all that it knows.
func (p *secretPlayer) passes() {
	plan := p.plan(false, "leaky")
	p.job(plan, 0, "execute", nil)
	p.settled(plan, 0, "done")
	var list struct{ Runs []struct{ ID string } }
	if err := p.ask(http.MethodGet, "/api/v1/plans/"+plan.ID+"/runs", nil).Decode(&list); err != nil || len(list.Runs) != 1 {
		p.t.Fatalf("runs %v (%v)", list, err)
	}
	if log := p.ask(http.MethodGet, "/api/v1/runs/"+list.Runs[0].ID+"/log", nil).Body; !bytes.Contains(log, []byte(slipway.Mask)) {
		p.t.Errorf("what the workflow printed is not masked, but not there: %s", log)
	}
}

func (p *secretPlayer) fails() {
	plan := p.plan(false, "flaky", "fails")
	for n := range plan.Jobs {
		p.job(plan, n, "execute", nil)
	}
	p.settled(plan, 0, "failed")
	p.settled(plan, 1, "failed")
	p.job(plan, 0, "adopt", map[string]string{"run": "../../nonsense?x=1"})
	p.job(plan, 0, "retry", nil)
	p.job(plan, 1, "skip", map[string]string{"remark": "not today"})
	p.settled(plan, 0, "done", "failed")
}

// refusedAtSubmit has the engine refuse to tell what its workflow is.
func (p *secretPlayer) refusedAtSubmit() {
	plan := p.plan(true, "leaky")
	for _, status := range []int{200, 400, 401, 403, 404, 409, 422, 429, 500} {
		p.v.way.repeat(status, status)
		p.try(http.MethodPost, "/api/v1/plans/"+plan.ID+"/submit", nil)
	}
	p.v.way.repeat(0, 0)
	p.ask(http.MethodPost, "/api/v1/plans/"+plan.ID+"/cancel", map[string]string{"comment": "enough"})
}

// refusedAtStart has the engine refuse to start runs, in every way.
func (p *secretPlayer) refusedAtStart() {
	statuses := []int{200, 201, 400, 401, 403, 404, 409, 422, 500}
	plan := p.plan(false, slices.Repeat([]string{"leaky"}, len(statuses))...)
	for n, status := range statuses {
		repeated := p.v.way.repeat(0, status)
		p.job(plan, n, "execute", nil)
		p.heard(fmt.Sprintf("start that is answered by %d", status), repeated)
	}
	p.v.way.repeat(0, 0)
	// Which of them the engine may have started nobody knows for a while; those that it
	// refused have failed.
	p.until(plan, "most have failed", func(now processtest.Plan) bool {
		failed := 0
		for _, job := range now.Jobs {
			if job.Status == "failed" {
				failed++
			}
		}
		return failed >= 3
	})
	for n, status := range statuses {
		p.v.way.repeat(status, status)
		p.job(plan, n, "adopt", map[string]string{"run": "8"})
		p.v.way.repeat(0, 0)
		for _, nonsense := range []string{"no such run", "https://example.com/runs/7?token=x", "7"} {
			p.job(plan, n, "adopt", map[string]string{"run": nonsense})
		}
	}
	p.ask(http.MethodPost, "/api/v1/plans/"+plan.ID+"/cancel", map[string]string{"comment": "enough"})
}

// watchedBlindly has a run end for which the engine only has noise.
func (p *secretPlayer) watchedBlindly() {
	plan := p.plan(false, "blocks")
	p.job(plan, 0, "execute", nil)
	runs := func() string { return string(p.ask(http.MethodGet, "/api/v1/plans/"+plan.ID+"/runs", nil).Body) }
	p.until(plan, "it runs", func(processtest.Plan) bool { return strings.Contains(runs(), `"status":"running","phase":"started"`) })
	for _, status := range []int{200, 401, 403, 404, 500} {
		if status == http.StatusNotFound {
			continue // the run is gone then
		}
		p.heard(fmt.Sprintf("look that is answered by %d", status), p.v.way.repeat(status, status))
	}
	p.until(plan, "it is not known how it is", func(processtest.Plan) bool { return strings.Contains(runs(), `"status":"unknown"`) })
	repeated := p.v.way.repeat(0, http.StatusInternalServerError)
	p.ask(http.MethodPost, "/api/v1/plans/"+plan.ID+"/cancel", map[string]string{"comment": "enough"})
	p.heard("cancel", repeated)
	p.v.way.repeat(0, 0)
	p.until(plan, "the run has ended", func(processtest.Plan) bool { return strings.Contains(runs(), `"phase":"ended"`) })
}

// asksInVain answers a run that waits while the engine only repeats what it hears.
func (p *secretPlayer) asksInVain() {
	if p.v.mute {
		return
	}
	plan := p.plan(false, "asks")
	p.job(plan, 0, "execute", nil)
	path := "/api/v1/plans/" + plan.ID
	p.until(plan, "it waits", func(processtest.Plan) bool {
		return strings.Contains(string(p.ask(http.MethodGet, path, nil).Body), `"answerable":true`)
	})
	var now struct {
		Jobs []struct{ Waits []struct{ Job string } }
	}
	if err := p.ask(http.MethodGet, path, nil).Decode(&now); err != nil {
		p.t.Fatal(err)
	}
	repeated := p.v.way.repeat(0, http.StatusForbidden)
	p.job(plan, 0, "decide", map[string]any{"job": now.Jobs[0].Waits[0].Job, "approve": true, "comment": "go"})
	p.heard("answer", repeated)
	p.v.way.repeat(0, 0)
	p.job(plan, 0, "decide", map[string]any{"job": now.Jobs[0].Waits[0].Job, "approve": true})
	p.ask(http.MethodPost, path+"/replan", map[string]string{"comment": "once more"})
	p.ask(http.MethodPost, path+"/cancel", map[string]string{"comment": "enough"})
}

// planned shows a plan that has a credential while it is planned, in cards and forms,
// before anybody knows its workflow, afterwards, and when it is copied.
func (p *secretPlayer) planned() {
	plan := p.plan(true, "leaky")
	form := func(plan processtest.Plan) {
		person := p.slack.Person("UALICE")
		for _, text := range []string{fmt.Sprintf("edit #%d 1", plan.Index), fmt.Sprintf("edit #%d", plan.Index), fmt.Sprintf("show #%d", plan.Index)} {
			answer, err := person.Command(p.ctx, "C1", "", text)
			if err != nil {
				p.t.Error(err)
			}
			p.see("answer to "+p.v.name+" in Slack", fmt.Sprintf("%+v %+v", answer, person.Form()))
		}
		_ = person.CloseForm(p.ctx)
	}
	p.forms.Lock()
	form(plan)
	p.forms.Unlock()
	path := "/api/v1/plans/" + plan.ID
	p.ask(http.MethodPost, path+"/submit", nil)
	p.ask(http.MethodPost, path+"/replan", map[string]string{"comment": "once more"})
	p.forms.Lock()
	form(plan)
	p.forms.Unlock()
	var copied processtest.Plan
	if err := p.ask(http.MethodPost, path+"/copy", map[string]string{"name": "copy for " + p.v.name}).Decode(&copied); err != nil {
		p.t.Fatal(err)
	}
	p.ask(http.MethodPost, path+"/submit", nil)
}

// forged sends webhooks that are not the engine's.
func (p *secretPlayer) forged() {
	right := ""
	for variable, value := range p.v.env {
		if strings.Contains(variable, "WEBHOOK") || strings.Contains(variable, "HOOK") {
			right = value
		}
	}
	for _, token := range []string{"", "wrong-" + right, right} {
		for _, body := range []string{`{`, `{"token": "` + url.QueryEscape(right) + `"}`, "payload=%7B%7D"} {
			req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, p.base+"/api/engine/"+p.v.name+"?token="+url.QueryEscape(token), strings.NewReader(body))
			if err != nil {
				p.t.Fatal(err)
			}
			for _, name := range []string{"X-Zadig-Token", "X-Gitlab-Token", "X-Hub-Signature-256", "X-Jenkins-Token"} {
				req.Header.Set(name, token)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("X-Github-Event", "workflow_run")
			req.Header.Set("X-Gitlab-Event", "Pipeline Hook")
			res, err := p.client.HTTP.Do(req)
			if err != nil {
				p.t.Fatal(err)
			}
			_ = res.Body.Close()
		}
	}
}

// changed has the default of the credential changed in the engine after the plan was
// submitted, where a test can do that.
func (p *secretPlayer) changed() {
	zadig, can := p.v.vendorServer.(*zadigtest.Server)
	if !can {
		return
	}
	other := func(says string) zadigtest.Workflow {
		w := leaky("shop", "")
		w.Name, w.Params[0].Default = "passes", ofThePlan.value+says
		w.Stages[0].Jobs = append(w.Stages[0].Jobs, standin.Job{Name: "two " + says})
		return zadigtest.Workflow{Workflow: w}
	}
	zadig.Edit(other("before"))
	plan := p.plan(false, "passes")
	zadig.Edit(other("after"))
	p.job(plan, 0, "execute", nil)
	p.settled(plan, 0, "failed")
	var now struct{ Jobs []struct{ Digest string } }
	if err := p.ask(http.MethodGet, "/api/v1/plans/"+plan.ID, nil).Decode(&now); err != nil || now.Jobs[0].Digest == "" {
		p.t.Fatalf("no change is shown (%v)", err)
	}
	p.job(plan, 0, "retry", map[string]string{"accept": now.Jobs[0].Digest})
	p.settled(plan, 0, "done", "failed")
}
