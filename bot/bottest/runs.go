package bottest

import (
	"fmt"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// ManyRuns is the card of a plan whose n items all run or ran, with as much to say of
// each as there can be: for the limits of renderers.
func ManyRuns(n int, lang slipway.Lang) bot.Card {
	p := &slipway.Plan{
		ID: "0123456789abcdef01234567", Index: 12, Version: 1234, Name: "many runs", Phase: slipway.PhaseExecuting, Manager: slipway.PersonRef{ID: "u1", Name: "Alice"},
	}
	runs := map[string]*storage.Glance{}
	long := strings.Repeat("支付 <b> & *x* ", 20)
	for i := range n {
		it := &slipway.Item{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Name: fmt.Sprint("deploy ", i), Type: slipway.WorkflowItem, Status: slipway.Running,
			ExecutedBy: "Alice", ExecutedTime: 1795521600, Workflow: &slipway.WorkflowSpec{
				Engine: "zadig", Project: "payments", Name: "deploy", RunID: fmt.Sprintf("00000000-0000-4000-9000-%012d", i), URL: "https://engine.example.com/7",
			},
		}
		g := &storage.Glance{Status: slipway.RunRunning, State: &storage.RunState{Status: "waiting"}, Usual: []time.Duration{time.Minute, time.Hour}}
		for s := range 12 {
			stage := storage.RunStage{Name: fmt.Sprint(long, s), Status: "running"}
			for j := range 5 {
				stage.Jobs = append(stage.Jobs, storage.RunJob{Name: fmt.Sprint(long, j), Status: "running"})
			}
			g.State.Stages = append(g.State.Stages, stage)
		}
		doubt(it, g, i, long)
		runs[it.Workflow.RunID] = g
		p.Items = append(p.Items, it)
	}
	return bot.PlanCard(p, bot.View{Lang: lang, Runs: runs, Link: func(*slipway.Plan) string { return "https://slipway.example.com/plans/12" }})
}

// doubt lets a run wait, fail, be in doubt or be changed, in turn.
func doubt(it *slipway.Item, g *storage.Glance, i int, long string) {
	w, said := it.Workflow, slipway.T("%s", "%s", long)
	if i%4 != 0 {
		it.Status, it.Reason, g.Status = slipway.Failed, said, slipway.RunFailed
	}
	switch i % 4 {
	case 0:
		for j := range 9 {
			w.Wait = append(w.Wait, slipway.RunWait{Job: fmt.Sprint(j, long), For: said, Answerable: j != 1})
		}
	case 1:
		g.Tail = []storage.LogLine{{Job: long, Text: long}, {Text: long}, {Job: "x", Text: "\x1b[31m" + long}}
	case 2:
		w.Doubt = slipway.DoubtUnknownStart
	case 3:
		w.Doubt, w.Change = slipway.DoubtChanged, &slipway.DefinitionChange{Digest: strings.Repeat("0123456789abcdef", 2)}
		for range 50 {
			w.Change.Lines = append(w.Change.Lines, long)
		}
	}
}
