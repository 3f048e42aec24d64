package storytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"slipway"
	"slipway/tasks/engine/enginetest/standin"
)

// Vendor is a stand-in of a workflow engine that a stage is connected with. Its
// workflows behave as package enginetest says.
type Vendor struct {
	Name string
	// Item is what follows an item's name in `add`, for a workflow that behaves so.
	Item   func(scenario string) string
	Faults *standin.Faults
	Notify func(standin.Mode) // what becomes of its webhooks
	// Rerun has a person run what failed in a run of ours again, in the engine's page; nil:
	// it cannot.
	Rerun func(run string) bool
	// Starts counts the runs that carry a mark; nil: marks are not kept there.
	Starts func(mark string) int
}

// EngineStories returns the stories of workflow engines. They are played one after the
// other: what is wrong with an engine is so for all.
func EngineStories() []Story {
	all := []Story{
		{Name: "a workflow passes", Play: vendorPasses},
		{Name: "a run fails and is retried", Play: vendorRetried},
		{Name: "a run fails and is restarted in the engine", Play: vendorRestarted},
		{Name: "a run ends with its plan", Play: vendorCancelled},
		{Name: "a person lets a run go on", Play: vendorApproved},
		{Name: "a person ends a run", Play: vendorDeclined},
		{Name: "the engine is down in the middle", Play: vendorDown},
		{Name: "the answer to the start is lost", Play: vendorAnswerLost},
	}
	for _, mode := range []standin.Mode{standin.On, standin.Early, standin.Late, standin.Lost, standin.Doubled} {
		all = append(all, Story{Name: "webhooks are " + string(mode), Play: func(t *testing.T, w *World) {
			w.Vendor.Notify(mode)
			defer w.Vendor.Notify(standin.On)
			vendorPasses(t, w)
		}})
	}
	return all
}

// runs are the runs of the plan as the REST API tells them.
func (p *Plan) runs() []TrueRun {
	p.w.t.Helper()
	var list struct{ Runs []TrueRun }
	if err := p.w.ask(nil, http.MethodGet, p.path("runs"), nil).Decode(&list); err != nil {
		p.w.t.Fatal(err)
	}
	return list.Runs
}

// TrueRun is a run as the REST API tells it.
type TrueRun struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	URL    string `json:"url"`
}

// once checks that a plan's only start happened once.
func (p *Plan) once() {
	p.w.t.Helper()
	if p.w.Vendor.Starts == nil {
		return
	}
	if n := p.w.Vendor.Starts(p.runs()[0].ID); n != 1 {
		p.w.t.Errorf("the engine was started %d times", n)
	}
}

// executed makes a plan with one workflow item, and executes it.
func (w *World) executed(scenario string) *Plan {
	w.t.Helper()
	p := w.started("deploy " + w.Vendor.Item(scenario))
	w.Alice.Press(p.Card(w.Alice, "deploy"), "deploy", "Execute").Told("Started “deploy”")
	return p
}

// succeeds waits until the plan is a success and the card says so.
func (p *Plan) succeeds() {
	p.w.t.Helper()
	p.w.until(p.title()+" succeeds", func() bool { return p.Now().Status == slipway.Success }, func() string {
		return fmt.Sprintf("%+v, runs %+v", p.Now(), p.runs())
	})
	p.shows(p.w.Bob, slipway.Success)
}

func vendorPasses(_ *testing.T, w *World) {
	p := w.executed("passes")
	p.succeeds()
	card := p.Card(w.Bob, "done by "+w.Alice.Name)
	if runs := p.runs(); len(runs) != 1 || runs[0].URL == "" {
		w.t.Errorf("runs %+v, card:\n%s", runs, shown(card))
	}
	p.once()
}

func vendorRetried(_ *testing.T, w *World) {
	p := w.executed("flaky")
	card := p.Card(w.Alice, "failed, started by "+w.Alice.Name, "one")
	w.Alice.Press(card, "deploy", "Retry").Told("Restarted “deploy”")
	if w.Vendor.Rerun == nil { // the engine cannot run it again: it was started anew, and failed again
		w.until("it is another run", func() bool { return len(p.runs()) == 2 && p.runs()[1].Status == "failed" }, func() string { return fmt.Sprintf("%+v", p.runs()) })
		return
	}
	p.succeeds()
	p.once()
}

func vendorRestarted(_ *testing.T, w *World) {
	if w.Vendor.Rerun == nil {
		return // nobody can
	}
	p := w.executed("flaky")
	p.Card(w.Alice, "failed, started by "+w.Alice.Name)
	if !w.Vendor.Rerun(p.runs()[0].ID) {
		w.t.Fatal("the run is not there")
	}
	p.succeeds()
	if !contains(p.log(), slipway.VerbRunResumed) {
		w.t.Errorf("the log does not tell of it: %v", p.log())
	}
	p.once()
}

func vendorCancelled(_ *testing.T, w *World) {
	p := w.executed("blocks")
	w.until("the run is under way", func() bool { return p.runs()[0].Status == "running" }, func() string { return fmt.Sprintf("%+v", p.runs()) })
	w.Alice.Say("cancel %s", p.ref())
	w.Alice.Form("Cancel plan")
	w.Alice.Fill(map[string][]string{"Why?": {"not today"}}).Told("Cancelled " + p.ref())
	w.until("the run has ended", func() bool { return p.runs()[0].Status == "cancelled" }, func() string { return fmt.Sprintf("%+v", p.runs()) })
}

func vendorApproved(_ *testing.T, w *World) {
	p := w.executed("asks")
	card := p.Card(w.Alice, "waiting for a person", "gate")
	w.Alice.Press(card, "deploy", "Approve: gate")
	p.succeeds()
	if !contains(p.log(), slipway.VerbDecide) {
		w.t.Errorf("the log does not tell of it: %v", p.log())
	}
}

func vendorDeclined(_ *testing.T, w *World) {
	p := w.executed("asks")
	w.Alice.Press(p.Card(w.Alice, "waiting for a person", "gate"), "deploy", "Reject: gate")
	w.Alice.Form("Reject")
	w.Alice.Fill(map[string][]string{"Why?": {"too late at night"}})
	p.Card(w.Alice, "failed, started by "+w.Alice.Name)
	p.Is(slipway.Executing)
}

func vendorDown(_ *testing.T, w *World) {
	p := w.executed("asks")
	p.Card(w.Alice, "waiting for a person", "gate")
	w.Vendor.Faults.Down(true)
	p.Card(w.Alice, "has not answered since")
	w.Vendor.Faults.Down(false)
	card := p.Card(w.Alice, "waiting for a person", "gate")
	w.Alice.Press(card, "deploy", "Approve: gate")
	p.succeeds()
	p.once()
}

func vendorAnswerLost(_ *testing.T, w *World) {
	p := w.started("deploy " + w.Vendor.Item("passes"))
	w.Vendor.Faults.LoseNextAnswer()
	w.Alice.Press(p.Card(w.Alice, "deploy"), "deploy", "Execute").Told("Started “deploy”")
	settled := func() bool {
		now := p.Now()
		return now.Status == slipway.Success || now.Jobs[0].Status == slipway.Failed
	}
	w.until("it is known what became of it", settled, func() string { return fmt.Sprintf("%+v", p.Now()) })
	if job := p.Now().Jobs[0]; job.Status == slipway.Failed && !strings.Contains(job.Reason, "Start outcome unknown") {
		w.t.Errorf("it failed because %q", job.Reason)
	}
	p.once()
}
