package bot_test

import (
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/storage"
)

// executes brings plan 1 to where its workflow item runs, and returns its run.
func (w *world) executes() string {
	w.t.Helper()
	w.approve()
	w.wantToast(w.alice.Say(w.room, "execute #1 2"), bot.ToastDone, "Started “deploy the api”")
	return w.begins(2)
}

// shows checks what can be read on the live card of plan 1 in the room.
func (w *world) shows(parts ...string) *bottest.Message {
	w.t.Helper()
	card := w.live(w.web, w.room)
	for _, part := range parts {
		if text := textOf(card.Card); !strings.Contains(text, part) {
			w.t.Errorf("the card does not show %q:\n%s", part, text)
		}
	}
	return card
}

var approvePoint = slipway.RunWait{Job: "approve", For: slipway.T("Job “approve” waits for the operators.", "任务“approve”等待运维人员处理。"), Answerable: true}

func TestTheCardFollowsARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.executes()
	w.tells(run, `{"status":"running","stages":[{"name":"build","status":"passed","jobs":[]},
		{"name":"deploy","status":"running","jobs":[{"name":"a","status":"passed"},{"name":"b","status":"running"}]}]}`)
	edits := w.shows("build ✓ · deploy ● 1/2 jobs").Edits
	w.tells(run, `{"status":"running","stages":[{"name":"build","status":"passed","jobs":[]},
		{"name":"deploy","status":"failed","jobs":[{"name":"a","status":"passed"},{"name":"b","status":"failed"}]}]}`)
	if now := w.shows("deploy ✕ (b)"); now.Edits != edits+1 {
		t.Errorf("the card was changed %d times for one piece of news", now.Edits-edits)
	}
	err := w.store.AppendRunLog(t.Context(), run, []storage.LogLine{{Job: "b", Text: "connecting"}, {Job: "b", Text: "connection refused"}})
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(3 * time.Minute)
	w.fails(2, slipway.RunEnd{Status: slipway.RunFailed, Reason: slipway.T("Job b failed.", "任务 b 失败。")})
	w.shows("“Job b failed.”", "took 3 min", "[b] connection refused")
	if text := textOf(w.live(w.slack, w.zhRoom).Card); !strings.Contains(text, "用时 3 分钟") {
		t.Errorf("the Chinese card:\n%s", text)
	}
}

func TestARunThatWaitsIsAnsweredFromTheCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.executes()
	w.waits(2, approvePoint, slipway.RunWait{Job: "ticket", For: slipway.T("Job “ticket” waits for CHG-7.", "任务“ticket”等待 CHG-7。")})
	card := w.shows("waiting for a person", "✋ Job “approve” waits for the operators.", "✋ Job “ticket” waits for CHG-7. · answer in the engine", "[Approve: approve]")
	w.wantToast(w.bob.Press(card, "decide_yes", 2), bot.ToastRefused, "Only")

	w.wantToast(w.alice.Press(card, "decide_yes", 2), bot.ToastDone, "Approved “approve” in “deploy the api” of #1 payments 4.2.")
	before := card.Card.Rows[1].Actions[0]
	card = w.shows("⏳ Alice has answered “approve”; the engine is being told")
	if strings.Contains(textOf(card.Card), "Approve:") {
		t.Error("what was answered can be answered again")
	}
	w.wantToast(w.root.PressValue(card, before), bot.ToastRefused, "Alice has answered “approve” already")

	// The engine goes on, and asks once more.
	w.waits(2)
	w.wantToast(w.alice.PressValue(card, before), bot.ToastRefused, "no longer waits there")
	w.waits(2, approvePoint)
	card = w.live(w.web, w.room)
	w.alice.Press(card, "decide_no", 2)
	w.wantToast(w.alice.Fill(bot.Values{"comment": {"too late today"}}), bot.ToastDone, "Rejected “approve”")
	w.wantWhisper(w.bob.Say(w.room, "log #1"), "Alice rejected “approve” in the run of “deploy the api”: “too late today”")
}

func TestAnAnswerForAnEarlierRunIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executes()
	w.waits(2, approvePoint)
	card := w.live(w.web, w.room)
	yes := card.Card.Rows[1].Actions[0]
	w.alice.Press(card, "decide_no", 2)
	w.fails(2, slipway.RunEnd{Status: slipway.RunFailed})
	w.wantToast(w.alice.Say(w.room, "retry #1 2"), bot.ToastDone, "Restarted")
	w.begins(2)
	w.waits(2, approvePoint)
	w.wantToast(w.alice.PressValue(card, yes), bot.ToastRefused, "belongs to an earlier run")
	if r := w.alice.Fill(nil); !strings.Contains(r.FieldErrors[""], "belongs to an earlier run") {
		t.Errorf("the form of an earlier run was taken: %+v", r)
	}
	if by := w.plan(1).Items[1].Workflow.Wait[0].By; by != "" {
		t.Errorf("%s answered a run that they had not seen", by)
	}
}

func TestARunThatWaitsIsAnsweredByTyping(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typed           string
		job, result, of string
	}{
		{"decide #1 2 yes smoke test looks fine", "smoke test", "passed", "looks fine"},
		{"decide #1 2 No, \"smoke test\" too slow", "smoke test", "rejected", "too slow"},
		{"decide #1 deploy the api approve approve", "approve", "passed", ""},
		{"处理 #1 2 同意 approve 没问题", "approve", "passed", "没问题"},
		{"处理 #1 2 拒绝 approve “再等等”", "approve", "rejected", "再等等"},
	} {
		t.Run(tt.typed, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.executes()
			w.waits(2, approvePoint, slipway.RunWait{Job: "smoke test", Answerable: true})
			for _, unclear := range []string{"decide #1 2", "decide #1 2 perhaps", "decide #1 2 yes"} {
				w.wantWhisper(w.alice.Say(w.room, unclear), "[Reject: smoke test]")
			}
			w.wantWhisper(w.bob.Say(w.room, "decide #1 2"), "Only")
			if r := w.alice.Say(w.room, tt.typed); r.Toast == nil || r.Toast.Kind != bot.ToastDone {
				t.Fatalf("answered %+v", r)
			}
			page, err := w.store.Entries(t.Context(), w.plan(1).ID, "", 1)
			if err != nil {
				t.Fatal(err)
			}
			if e := page.Rows[0]; e.Data.Job != tt.job || e.Data.Result != tt.result || e.Comment != tt.of {
				t.Errorf("the log has %q %q %q", e.Data.Job, e.Data.Result, e.Comment)
			}
			// What is left is the only one that can be meant.
			w.wantToast(w.alice.Say(w.room, "decide #1 2 yes"), bot.ToastDone, "Approved")
			w.wantWhisper(w.alice.Say(w.room, "decide #1 2 yes"), "Alice has answered")
		})
	}
}

func TestNobodyKnowsWhetherTheRunWasStarted(t *testing.T) {
	t.Parallel()
	unknown := slipway.RunEnd{Status: slipway.RunFailed, Doubt: slipway.DoubtUnknownStart, Reason: slipway.T("Start outcome unknown.", "启动结果未知。")}
	t.Run("it was", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.web.Twice = true
		w.executes()
		w.fails(2, unknown)
		card := w.shows("“Start outcome unknown.”", "[It did start] [It did not: start again] [Skip]")
		w.alice.Press(card, "adopt", 2)
		if f := w.alice.Form(); !strings.Contains(f.Intro[2].Text(f.Lang, time.UTC), "local: payments/deploy") {
			t.Errorf("the form says %+v", f.Intro)
		}
		if r := w.alice.Fill(bot.Values{"run": {" "}}); r.FieldErrors["run"] == "" {
			t.Errorf("no run at all was accepted: %+v", r)
		}
		w.wantToast(w.alice.Fill(bot.Values{"run": {"https://engine.example.com/7"}}), bot.ToastDone, "The run is followed now")
		run, err := w.store.Run(t.Context(), w.plan(1).Items[1].Workflow.RunID)
		if err != nil || run.Ref != "https://engine.example.com/7" {
			t.Errorf("followed is %+v, %v", run, err)
		}
	})
	t.Run("it was, typed", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.executes()
		w.fails(2, unknown)
		if r := w.alice.Say(w.room, "adopt #1 2"); r.Form == nil || r.Form.ID != bot.FormAdopt {
			t.Errorf("without a run: %+v", r)
		}
		w.wantWhisper(w.bob.Say(w.room, "adopt #1 2 7"), "Only")
		w.wantToast(w.alice.Say(w.room, "关联 #1 2 7"), bot.ToastDone, "The run is followed now")
		w.wantWhisper(w.alice.Say(w.room, "adopt #1 2 7"), "adopt is not possible")
		w.wantWhisper(w.alice.Say(w.room, "log #1"), "Alice named the run of “deploy the api”: “7”")
	})
	t.Run("it was not", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		first := w.executes()
		w.fails(2, unknown)
		card := w.live(w.web, w.room)
		again := card.Card.Rows[1].Actions[1]
		if again.Confirm == nil || !strings.Contains(again.Confirm.Text, "it will run twice") {
			t.Errorf("nothing is asked before %+v", again)
		}
		w.wantToast(w.alice.Press(card, "retry", 2), bot.ToastDone, "Restarted")
		run, err := w.store.Run(t.Context(), w.plan(1).Items[1].Workflow.RunID)
		if err != nil || run.ID == first || run.Again != "" {
			t.Errorf("started is %+v, %v", run, err)
		}
		w.fails(2, unknown)
		w.wantToast(w.alice.PressValue(card, again), bot.ToastRefused, "belongs to an earlier run")
	})
}

// changes lets the run fail because its workflow is described otherwise by now.
func (w *world) changes(described string) {
	w.t.Helper()
	w.described = described
	frozen := w.plan(1).Items[1].Workflow.Definition
	now := &slipway.Workflow{Name: "deploy", Project: "payments", Description: described}
	w.fails(2, slipway.RunEnd{
		Status: slipway.RunFailed, Doubt: slipway.DoubtChanged, Change: slipway.CompareDefinitions(frozen, now),
		Reason: slipway.T("The workflow was changed.", "工作流有改动。"),
	})
}

func TestAChangedWorkflowIsShownAndAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executes()
	w.changes("faster")
	card := w.shows("“The workflow was changed.”", "description", "faster", "[Run it as it is now]")
	first := card.Card.Rows[1].Actions[0]
	if first.Confirm == nil || !strings.Contains(first.Confirm.Text, "faster") {
		t.Errorf("nothing is asked before %+v", first)
	}
	// Nobody accepts what they have not seen: it changes once more before the click.
	w.described = "faster, and harder"
	w.wantToast(w.alice.Press(card, "retry", 2), bot.ToastRefused, "has changed again since you saw it")
	card = w.shows("and harder")
	w.wantToast(w.alice.PressValue(card, first), bot.ToastRefused, "has changed again since you saw it")
	w.wantToast(w.alice.Press(card, "retry", 2), bot.ToastRefused, "is not the one that was approved. Only the approvers (Bob, 卡罗) or an admin")
	w.wantToast(w.bob.Press(card, "retry", 2), bot.ToastDone, "Restarted “deploy the api”")
	if d := w.plan(1).Items[1].Workflow.Definition.Description; d != "faster, and harder" {
		t.Errorf("what runs is %q", d)
	}
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Bob accepted the changed workflow of “deploy the api” and retried it · changed since:")
}

func TestAChangedWorkflowIsAcceptedByTyping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executes()
	w.changes("faster")
	r := w.alice.Say(w.room, "retry #1 2")
	w.wantWhisper(r, "faster")
	w.wantWhisper(r, "[Run it as it is now]")
	w.wantWhisper(w.alice.Say(w.room, "retry #1 2 please"), "“please” is too much here")
	w.wantWhisper(w.alice.Say(w.room, "retry #1 2 accept=0123456789abcdef0123456789abcdef"), "has changed")
	digest := w.plan(1).Items[1].Workflow.Change.Digest
	w.wantToast(w.bob.Say(w.room, "retry #1 2 accept "+digest), bot.ToastDone, "Restarted")
}

func TestWhatARunWaitsForStandsOnTheOwnersPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	w.wantToast(w.alice.Say(w.room, "edit #1 2 owner=Bob"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "approvers #1 none"), bot.ToastDone, "Changed")
	w.alice.Say(w.room, "submit #1")
	w.wantToast(w.alice.Say(w.room, "start #1"), bot.ToastDone, "Executing")
	w.wantToast(w.bob.Say(w.room, "execute #1 2"), bot.ToastDone, "Started")
	w.begins(2)
	w.waits(2, approvePoint)
	if text := textOf(w.bob.OpenHome()); !strings.Contains(text, "✋ Job “approve” waits for the operators.") {
		t.Errorf("Bob's page:\n%s", text)
	}
	w.wantToast(w.bob.PressHome("decide_yes", "deploy the api"), bot.ToastDone, "Approved “approve”")
	if text := textOf(w.web.Home(w.bob.Account)); !strings.Contains(text, "Bob has answered “approve”") {
		t.Errorf("Bob's page afterwards:\n%s", text)
	}
}

func TestANodToARunIsAnsweredWithTheButtonsThatCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executes()
	w.waits(2, approvePoint)
	card := w.live(w.web, w.room)
	w.wantWhisper(w.alice.SayInThread(card, bot.Mention, "ok 👍"), "[Approve: approve]")
	w.wantWhisper(w.bob.SayInThread(card, bot.Mention, "ok 👍"), "approve is not possible now")
	if by := w.plan(1).Items[1].Workflow.Wait[0].By; by != "" {
		t.Errorf("a nod of %s was taken for an answer", by)
	}
	direct := w.web.Direct(w.alice.Account)
	if len(direct) != 1 || !strings.Contains(textOf(direct[0].Card), "waits for a person") {
		t.Fatalf("Alice has %d direct messages", len(direct))
	}
	w.wantToast(w.alice.Press(direct[0], "decide_yes", 2), bot.ToastDone, "Approved “approve”")
}
