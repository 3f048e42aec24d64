package bot_test

import (
	"fmt"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

func TestGoldenRunCards(t *testing.T) {
	t.Parallel()
	for name, change := range runLives {
		p := payments()
		change(p)
		for _, lang := range langs {
			v := view(lang)
			v.Runs = map[string]*storage.Glance{"run1": glances[name]}
			goldenJSON(t, fmt.Sprintf("plan-%s.%s", name, lang), bot.PlanCard(p, v))
		}
	}
}

// runLives are the plan at points of the life of its run.
var runLives = map[string]func(*slipway.Plan){
	"run-stages": runs(func(*slipway.WorkflowSpec) {}),
	"run-waiting": runs(func(w *slipway.WorkflowSpec) {
		w.Wait = []slipway.RunWait{
			{Job: "approve", For: slipway.T("Job “approve” waits for the operators.", "任务“approve”等待运维人员处理。"), Answerable: true},
			{Job: "load test", Answerable: true, By: "Bob"},
			{Job: "ticket", For: slipway.T("Job “ticket” waits for CHG-7 in the ticket system.", "任务“ticket”等待工单系统中的 CHG-7。")},
		}
	}),
	"run-failed": func(p *slipway.Plan) {
		runs(func(*slipway.WorkflowSpec) {})(p)
		p.Items[1].Status, p.Items[1].Reason = slipway.Failed, slipway.T("Job migrate ended with exit code 1.", "任务 migrate 以退出码 1 结束。")
	},
	"run-unknown-start": func(p *slipway.Plan) {
		runs(func(w *slipway.WorkflowSpec) { w.URL, w.Doubt = "", slipway.DoubtUnknownStart })(p)
		p.Items[1].Status, p.Items[1].Reason = slipway.Failed, slipway.T("Start outcome unknown.", "启动结果未知。")
	},
	"run-changed": func(p *slipway.Plan) {
		runs(func(w *slipway.WorkflowSpec) {
			w.URL, w.Doubt = "", slipway.DoubtChanged
			w.Change = &slipway.DefinitionChange{Digest: "0123456789abcdef0123456789abcdef", Lines: []string{
				"params[version].default: 4.1 → 4.2", "stage build: job scan added", "stage deploy: job go: spec.script: line 3: ./go → ./go --fast (and 2 more)",
				"stage verify removed", "description: another value", "params[region] added (eu)", "params[dry] removed", "stages: in another order",
			}}
		})(p)
		p.Items[1].Status, p.Items[1].Reason = slipway.Failed, slipway.T("The workflow is another than when the plan was submitted.", "工作流与提交发布计划时不同。")
	},
}

// runs makes the plan execute, with a run of its workflow.
func runs(change func(*slipway.WorkflowSpec)) func(*slipway.Plan) {
	return func(p *slipway.Plan) {
		p.Phase, p.Approval, p.Description = slipway.PhaseExecuting, nil, ""
		it := p.Items[1]
		it.Status, it.ExecutedBy, it.ExecutedTime = slipway.Running, "Alice", noon+120
		it.Workflow.RunID, it.Workflow.RunStatus, it.Workflow.URL = "run1", slipway.RunRunning, "https://engine.example.com/7"
		change(it.Workflow)
	}
}

// stages are where a run with several stages is.
func stages(build, deploy, verify string, jobs ...string) *storage.RunState {
	s := &storage.RunState{Status: deploy, Stages: []storage.RunStage{
		{Name: "build", Status: build, Jobs: []storage.RunJob{{Name: "image", Status: build}}}, {Name: "deploy", Status: deploy}, {Name: "verify", Status: verify},
	}}
	for i, status := range jobs {
		s.Stages[1].Jobs = append(s.Stages[1].Jobs, storage.RunJob{Name: []string{"migrate", "approve", "ticket", "roll out", "purge"}[i], Status: status})
	}
	s.Stages[1].Jobs[2].URL = "https://tickets.example.com/CHG-7"
	return s
}

// glances are what is known of the run at these points.
var glances = map[string]*storage.Glance{
	"run-stages": {
		Status: slipway.RunRunning, StartedAt: (noon + 120) * 1000, Usual: []time.Duration{4 * time.Minute, 250 * time.Second, 6 * time.Minute},
		State: stages("passed", "running", "queued", "passed", "passed", "running", "queued", "queued"),
	},
	"run-waiting": {
		Status: slipway.RunRunning, StartedAt: (noon + 120) * 1000,
		State: stages("passed", "waiting", "queued", "passed", "waiting", "waiting", "queued", "queued"),
	},
	"run-failed": {
		Status: slipway.RunFailed, StartedAt: (noon + 120) * 1000, EndedAt: (noon + 300) * 1000,
		State: stages("passed", "failed", "skipped", "failed", "cancelled", "skipped", "skipped", "skipped"),
		Tail:  []storage.LogLine{{Seq: 7, Job: "migrate", Text: "applying 042_ledger.sql"}, {Seq: 8, Job: "migrate", Text: "\tERROR: <lock> timeout"}, {Seq: 9, Text: "exit status 1"}},
	},
	"run-unknown-start": {Status: slipway.RunFailed},
	"run-changed":       {Status: slipway.RunFailed},
}
