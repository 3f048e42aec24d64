package storytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway"
)

func work() []Story {
	return []Story{
		{Name: "a plan without approval is started by hand", Play: startByHand},
		{Name: "a workflow runs and the plan succeeds", Play: runWorkflow},
		{Name: "an item is completed with a remark", Play: completeWithRemark},
		{Name: "an item is skipped with a reason", Play: skipWithReason},
		{Name: "a failed run is retried", Play: failAndRetry},
		{Name: "a failed item is skipped only with a reason", Play: skipFailed},
		{Name: "only the owner and the manager work on an item", Play: notMyItem},
		{Name: "executing without naming an item is asked about", Play: whichItem},
		{Name: "a plan is cancelled with a reason", Play: cancelPlan},
		{Name: "a plan under way goes back to planning", Play: replanUnderWay},
		{Name: "the window ends before the plan is done", Play: windowEnds},
		{Name: "the schedule starts the workflows", Play: scheduleFires},
	}
}

func startByHand(_ *testing.T, w *World) {
	p := w.NewPlan("by hand", "")
	w.Alice.Say("add %s watch", p.ref()).Told("Changed")
	w.Alice.Press(p.Card(w.Alice, "watch"), "", "Submit").Told("Submitted "+p.ref(), "Planned")
	w.Alice.Press(p.shows(w.Alice, slipway.FinishPlanning), "", "Start").Told("Started "+p.ref(), "Executing")
	p.shows(w.Bob, slipway.Executing)
}

func runWorkflow(_ *testing.T, w *World) {
	p := w.started("deploy workflow=deploy param.VERSION=4.2")
	w.Alice.Press(p.Card(w.Alice, "deploy"), "deploy", "Execute").Told("Started “deploy”")
	p.Card(w.Bob, "Success", "done by "+w.Alice.Name)
	p.Is(slipway.Success)
}

func completeWithRemark(_ *testing.T, w *World) {
	p := w.started("announce owner="+w.Dave.Name, "watch owner="+w.Dave.Name)
	w.Dave.Press(p.Card(w.Dave), "announce", "Complete with remark")
	w.Dave.Form("Complete item")
	w.Dave.Fill(map[string][]string{"Remark": {"sent at noon"}}).Told("Completed “announce”")
	p.Card(w.Bob, "done by "+w.Dave.Name, "sent at noon", "1 of 2 done")
	w.Dave.Say("complete %s watch all is calm", p.ref()).Told("Completed “watch”", "Success")
	card := p.shows(w.Bob, slipway.Success)
	if !strings.Contains(card.Text, "all is calm") {
		w.t.Errorf("the remark is not told:\n%s", card.Text)
	}
}

func skipWithReason(_ *testing.T, w *World) {
	p := w.started("announce", "watch")
	w.Alice.Press(p.Card(w.Alice), "announce", "Skip")
	w.Alice.Form("Skip item")
	w.Alice.Fill(map[string][]string{"Why?": {"nobody is there"}}).Told("Skipped “announce”")
	p.Card(w.Bob, "skipped by "+w.Alice.Name, "nobody is there")
	w.Alice.Press(p.Card(w.Alice), "watch", "Complete").Told("Success")
}

func failAndRetry(_ *testing.T, w *World) {
	p := w.started("flaky workflow=flaky")
	w.Alice.Press(p.Card(w.Alice), "flaky", "Execute").Told("Started “flaky”")
	card := p.Card(w.Alice, "failed, started by "+w.Alice.Name)
	w.Alice.Press(card, "flaky", "Retry").Told("Restarted “flaky”")
	p.Card(w.Bob, "Success")
	p.Is(slipway.Success)
}

func skipFailed(_ *testing.T, w *World) {
	p := w.started("broken workflow=broken")
	w.Alice.Say("execute %s broken", p.ref()).Told("Started “broken”")
	w.Alice.Press(p.Card(w.Alice, "failed, started by"), "broken", "Skip")
	w.Alice.Form("Skip item")
	// A client that minds required fields does not send the form at all.
	if h, err := w.Alice.client.Fill(w.ctx, nil); err == nil && len(h.Errors) == 0 {
		w.t.Errorf("a failed item was skipped without a reason: %+v", h)
	}
	w.Alice.Fill(map[string][]string{"Why?": {"done by hand"}}).Told("Success")
	p.shows(w.Bob, slipway.Success)
}

func notMyItem(_ *testing.T, w *World) {
	p := w.started("announce owner=" + w.Dave.Name)
	card := p.Card(w.Eve)
	if _, ok := button(card, "announce", "Complete"); ok {
		w.Eve.Press(card, "announce", "Complete").Told("Only")
	}
	w.Eve.Say("complete %s announce", p.ref()).Told("Only", w.Dave.Name)
	p.Is(slipway.Executing)
}

func whichItem(_ *testing.T, w *World) {
	p := w.started("first workflow=deploy", "second workflow=deploy")
	choice := w.Alice.Say("execute %s", p.ref()).Message("Which item?")
	for _, b := range choice.Buttons {
		if strings.Contains(b.Label+b.Row, "second") {
			w.Alice.Press(choice, b.Row, b.Label).Told("Started “second”")
			p.Card(w.Bob, "1 of 2 done")
			return
		}
	}
	w.t.Errorf("the item cannot be chosen:\n%s", shown(choice))
}

func cancelPlan(_ *testing.T, w *World) {
	p := w.asked(1)
	w.Alice.Press(p.Card(w.Alice), "", "Cancel plan")
	w.Alice.Form("Cancel plan")
	w.Alice.Fill(map[string][]string{"Why?": {"shipped with 4.3"}}).Told("Cancelled " + p.ref())
	card := p.shows(w.Bob, slipway.Cancelled)
	if !strings.Contains(card.Text, "shipped with 4.3") {
		w.t.Errorf("the card does not tell why:\n%s", card.Text)
	}
	w.Alice.Say("start %s", p.ref()).Told("copy")
	other := w.asked(1)
	w.Alice.Say("cancel %s", other.ref())
	w.Alice.Form("Cancel plan")
	w.Alice.Fill(map[string][]string{"Why?": {"no more"}}).Told("Cancelled")
}

func replanUnderWay(_ *testing.T, w *World) {
	p := w.started("announce", "watch")
	w.Alice.Press(p.Card(w.Alice), "announce", "Complete").Told("Completed")
	w.Alice.Say("replan %s one more thing", p.ref()).Told("Replanned", "Planning")
	card := p.shows(w.Bob, slipway.Planning)
	if !strings.Contains(card.Text, "1 of 2 done") {
		w.t.Errorf("what was done is lost:\n%s", card.Text)
	}
}

func windowEnds(_ *testing.T, w *World) {
	p := w.made(w.name("short window"))
	now := time.Now().Unix()
	w.ask(w.Alice, http.MethodPost, "/api/v1/plans", map[string]any{
		"name": p.Name, "start_time": now - 60, "end_time": now + 6,
		"jobs": []map[string]any{{"name": "watch", "type": "text", "spec": map[string]any{"content": "the graphs"}}},
	})
	p.find()
	p.Do(w.Alice, "submit", "")
	p.Do(w.Alice, "start", "")
	w.Alice.Say("show %s", p.ref())
	p.Card(w.Bob, "Timed out", "The window ended")
	p.Is(slipway.Timeout)
	w.Alice.Say("complete %s watch", p.ref()).Told("replan")
}

func scheduleFires(_ *testing.T, w *World) {
	p := w.made(w.name("scheduled"))
	w.ask(w.Alice, http.MethodPost, "/api/v1/plans", map[string]any{
		"name": p.Name, "schedule_execute_time": time.Now().Unix() + 5,
		"jobs": []map[string]any{{"name": "deploy", "type": "workflow", "spec": map[string]any{"engine": "local", "workflow": "deploy"}}},
	})
	p.find()
	p.Do(w.Alice, "submit", "")
	p.Do(w.Alice, "start", "")
	w.Alice.Say("show %s", p.ref())
	p.Card(w.Alice, "Success")
	if entries := p.log(); !contains(entries, "schedule") {
		w.t.Errorf("the schedule is not in the log: %v", fmt.Sprint(entries))
	}
}
