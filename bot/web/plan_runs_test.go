package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// running is a plan whose workflow runs, and the run.
func running(t *testing.T, w *world) (*slipway.Plan, string) {
	t.Helper()
	p, ctx, ask := w.plan("payments 4.2"), t.Context(), commands.Ask{User: w.alice}
	if _, err := w.cmds.EditDraft(ctx, ask, p.ID, func(d *slipway.Draft) error { d.Approval = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() (storage.Outcome, error){
		func() (storage.Outcome, error) { return w.cmds.Submit(ctx, ask, p.ID) },
		func() (storage.Outcome, error) { return w.cmds.Start(ctx, ask, p.ID) },
		func() (storage.Outcome, error) { return w.cmds.Execute(ctx, ask, p.ID, p.Items[1].ID) },
	} {
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
	}
	run := w.reload(p).Items[1].Workflow.RunID
	if err := w.store.RunStartedAs(ctx, run, "7", noon.Add(-3*time.Minute)); err != nil {
		t.Fatal(err)
	}
	return p, run
}

func shows(t *testing.T, page *view, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page.text(), part) {
			t.Errorf("the page does not show %q: %s", part, page.text())
		}
	}
}

func TestARunIsAnsweredOnThePageOfItsPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, run := running(t, w)
	progress := `{"status": "waiting", "url": "https://engine.example.com/7", "stages": [{"name": "gate", "status": "waiting", "jobs": [
		{"name": "sign-off", "status": "waiting"}, {"name": "ticket", "status": "waiting", "url": "https://tickets.example.com/7"},
		{"name": "trap", "status": "failed", "url": "javascript:alert(1)", "reason": {"en": "<b>no</b>", "zh": "否"}}]}]}`
	if err := w.store.RunProgress(t.Context(), run, json.RawMessage(progress)); err != nil {
		t.Fatal(err)
	}
	waits := []slipway.RunWait{{Job: "sign-off", For: slipway.T("“sign-off” waits for Bob.", "“sign-off”等待 Bob。"), Answerable: true}, {Job: "ticket"}}
	if _, err := w.cmds.RunWaits(t.Context(), "task:waits", p.ID, run, waits); err != nil {
		t.Fatal(err)
	}
	alice := w.signIn(w.alice)
	page := alice.get("/plans/" + p.ID)
	shows(t, page, "“sign-off” waits for Bob", "“ticket” waits for a person. · answer in the engine", "waiting for a person", "3 min so far", "<b>no</b>")
	if !strings.Contains(page.body, `href="https://tickets.example.com/7"`) || strings.Contains(page.body, "javascript:alert") {
		t.Error("the links of jobs are not what they should be")
	}
	form := page.form("Reject: sign-off").send().form("Why?")
	shows(t, form.set("f.comment", "too late").send(), "Rejected “sign-off”")
	shows(t, alice.get("/plans/"+p.ID), "Alice has answered “sign-off”; the engine is being told", "Alice rejected “sign-off” in the run of “deploy”: too late")
	if text := w.signIn(w.wang).get("/plans/" + p.ID).text(); !strings.Contains(text, "已运行 3 分钟") || strings.Contains(text, "拒绝：") {
		t.Errorf("the Chinese page: %s", text)
	}
}

func TestDoubtsAreSettledOnThePageOfAPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, run := running(t, w)
	ctx := t.Context()
	fails := func(run string, end slipway.RunEnd) {
		t.Helper()
		end.Status = slipway.RunFailed
		if err := w.store.EndRun(ctx, run, end, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := w.cmds.RunEnded(ctx, "task:"+run, p.ID, run, end); err != nil {
			t.Fatal(err)
		}
	}
	fails(run, slipway.RunEnd{Doubt: slipway.DoubtUnknownStart, Reason: slipway.T("Start outcome unknown.", "启动结果未知。")})
	alice := w.signIn(w.alice)
	page := alice.get("/plans/" + p.ID)
	shows(t, page, "Start outcome unknown.", "It did start…", "It did not: start again")
	shows(t, page.form("It did start").send().form("Its address or its number").set("f.run", "https://engine.example.com/8").send(), "The run is followed now")
	next := w.reload(p).Items[1].Workflow.RunID
	if next == run {
		t.Fatal("no run is followed")
	}

	change := &slipway.DefinitionChange{Digest: "0123456789abcdef0123456789abcdef"}
	for range 9 {
		change.Lines = append(change.Lines, "stage <b>verify</b> removed")
	}
	fails(next, slipway.RunEnd{Doubt: slipway.DoubtChanged, Change: change, Reason: slipway.T("It was changed.", "有改动。")})
	page = alice.get("/plans/" + p.ID)
	shows(t, page, "Changed since the plan was submitted", "Run it as it is now")
	if n := strings.Count(page.body, "<li><code>stage &lt;b&gt;verify&lt;/b&gt; removed</code></li>"); n != 9 {
		t.Errorf("%d of 9 differences are shown", n)
	}
	// The engine has the workflow as the plan has it once more: there is no doubt left.
	// Without a script the press is answered by the question.
	shows(t, page.form("Run it as it is now").send().form("Run it").send(), "Restarted “deploy”")
	if page := alice.get("/plans/" + p.ID); page.status != http.StatusOK || strings.Contains(page.text(), "Run it as it is now") {
		t.Errorf("%d: %s", page.status, page.text())
	}
}
