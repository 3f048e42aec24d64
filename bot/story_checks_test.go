package bot_test

import (
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
)

// office is an endpoint that is asked before the execution.
var office = slipway.Endpoint{
	Name: "change-office", URL: "https://change.example.com", Wait: true, Deadline: 24 * time.Hour,
	Events: []slipway.Event{slipway.EventStartExecute},
}

// answers gives the office's answer to the open question.
func (w *world) answers(result slipway.Result, text string) {
	w.t.Helper()
	w.settle()
	p := w.plan(1)
	w.now = w.now.Add(time.Minute)
	req := slipway.Request{
		ID: "callback:" + w.now.String(), Actor: slipway.Actor{Kind: slipway.Receiver, ID: office.Name, Name: office.Name}, At: w.now,
		Rand: &counter{n: byte(w.now.Minute()) + 100}, Rules: w.rules,
	}
	_, err := w.store.Change(w.t.Context(), req, p.ID, func(p *slipway.Plan) (*slipway.Change, error) {
		return p.Answer(req, slipway.Answer{
			Event: slipway.EventStartExecute, Code: p.Gate.Waits[0].Code, Result: result, Reason: text, Description: text,
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestTheCardShowsWhoIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = []slipway.Endpoint{office}
	w.alice.Say(w.room, "new payments")
	w.alice.Say(w.room, "add #1 announce")
	w.alice.Say(w.room, "submit #1")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "start", 0), bot.ToastDone, "It is now: Waiting for the outside check before executing.")
	w.answers(slipway.ResultExecuting, "reading it")
	text := textOf(w.live(w.web, w.room).Card)
	for _, part := range []string{
		"⏳ Waiting for change-office (check before executing), asked 2026-11-24 14:00 UTC, answer due by 2026-11-25 14:00 UTC",
		"change-office reports 2026-11-24 14:01 UTC · “reading it”",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
	w.answers(slipway.ResultFailed, "too risky")
	if text := textOf(w.live(w.slack, w.zhRoom).Card); !strings.Contains(text, "change-office 的执行前检测未通过") || !strings.Contains(text, "too risky") {
		t.Errorf("the failure is not told:\n%s", text)
	}
	w.wantWhisper(w.alice.Say(w.room, "hooks #1"), "asks for an answer")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "ask_again", 0), bot.ToastDone, "Asked the outside systems again")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "override", 0), bot.ToastRefused, "Only an admin")
	w.root.Press(w.live(w.web, w.room), "override", 0)
	w.wantToast(w.root.Fill(bot.Values{"comment": {"by phone"}}), bot.ToastDone, "Executing")
	if text := textOf(w.live(w.web, w.room).Card); !strings.Contains(text, "⚠️ Root overrode the check before executing") {
		t.Errorf("the override is not told:\n%s", text)
	}
	w.wantToast(w.alice.Say(w.room, "cancel #1 no more"), bot.ToastDone, "Cancelled")
	w.wantWhisper(w.alice.Say(w.room, "start #1"), "`copy` makes a new plan from it")
}
