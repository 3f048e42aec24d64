package bot_test

import (
	"strings"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/storage"
	"slipway/storage/storagetest"
)

func TestEveryButtonOfPlanningOpensItsForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.prepare()
	for _, tt := range []struct {
		button  bot.ActionID
		answers bot.Values
	}{
		{"edit", bot.Values{"description": {"new"}}},
		{"window", bot.Values{"start_time": {""}, "end_time": {"2026-11-25 03:00"}}},
		{"schedule", bot.Values{"schedule_execute_time": {"2026-11-25 02:00"}}},
		{"approvers", bot.Values{"approval.approvers": {"slack:U-carol", "Bob"}, "approval.needed_approvers": {"１"}}},
	} {
		card := w.live(w.web, w.room)
		w.alice.Press(card, tt.button, 0)
		w.wantToast(w.alice.Fill(tt.answers), bot.ToastDone, "Changed #1 payments 4.2.")
	}
	p := w.plan(1)
	if p.StartTime != 0 || p.EndTime == 0 || p.ScheduleExecuteTime == 0 || p.Approval.Needed != 1 || p.Approval.Approvers[0].Name != "卡罗" || p.Description != "new" {
		t.Errorf("plan %+v, approval %+v", p, p.Approval)
	}
	w.alice.Press(w.live(w.web, w.room), "copy", 0)
	w.wantToast(w.alice.Fill(nil), bot.ToastDone, "Created #2 payments 4.2 (copy).")
	w.wantToast(w.bob.Press(w.live(w.web, w.room), "cancel", 0), bot.ToastRefused, "Only the manager (Alice)")
}

func TestDecisionsWithWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.submit()
	card := w.live(w.web, w.room)
	w.bob.Press(card, "approve_comment", 0)
	w.wantToast(w.bob.Fill(bot.Values{"comment": {"tested"}}), bot.ToastDone, "1/2 approvals")
	if text := textOf(w.live(w.web, w.room).Card); !strings.Contains(text, "✅ Bob approved · 2026-11-24 14:00 UTC · “tested”") {
		t.Errorf("the comment is not told:\n%s", text)
	}
	w.carol.Press(card, "reject", 0)
	w.wantToast(w.carol.Fill(bot.Values{"comment": {"没有回滚方案"}}), bot.ToastDone, "当前状态：已拒绝")
	w.alice.Press(w.live(w.web, w.room), "replan", 0)
	w.wantToast(w.alice.Fill(nil), bot.ToastDone, "Replanned #1 payments 4.2. It is now: Planning.")
	if r := w.alice.Say(w.room, "cancel #1"); r.Form == nil || !r.Form.Danger {
		t.Errorf("a cancel without a reason is not asked about: %+v", r)
	}
	w.wantToast(w.alice.Fill(bot.Values{"comment": {"no more"}}), bot.ToastDone, "It is now: Cancelled.")
}

func TestHooksAreSentAgainByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = []slipway.Endpoint{{Name: "wall", URL: "https://wall.example.com", Events: slipway.Events()}}
	w.alice.Say(w.room, "new payments")
	w.alice.Say(w.room, "add #1 announce")
	w.alice.Say(w.room, "submit #1")
	deliveries, err := w.store.Deliveries(t.Context(), w.plan(1).ID)
	if err != nil || len(deliveries) != 1 {
		t.Fatalf("%d deliveries: %v", len(deliveries), err)
	}
	storagetest.Try(t, w.store, deliveries[0].ID, w.now, storage.DeliveryFailed, storage.Attempt{Error: "connection refused"})
	w.web.Twice = true
	w.wantWhisper(w.alice.Say(w.room, "hooks #1"), "given up wall · check of the planning")
	card := w.web.Last(w.alice.Account, w.room)
	r := w.alice.Press(card, "resend", 1)
	w.wantToast(r, bot.ToastDone, "Sent to wall again.")
	if r.Card == nil || !strings.Contains(r.Card.Title, "Hooks of") {
		t.Errorf("the list of hooks became %+v", r.Card)
	}
}

func TestForgedAndBrokenEventsDoNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	card := w.live(w.web, w.room)
	p := w.plan(1)
	item := bot.Ref{Plan: p.ID, Item: "not-there", Version: p.Version}.Encode()
	for _, a := range []bot.Action{
		{ID: "submit", Value: "%zz"},
		{ID: "submit", Value: "p=nothing"},
		{ID: "launch", Value: bot.Ref{Plan: p.ID}.Encode()},
		{ID: "execute", Value: item},
		{ID: "remove", Value: bot.Ref{Plan: p.ID}.Encode()},
		{ID: "whoami", Value: bot.Ref{Plan: p.ID}.Encode()},
		{ID: "resend", Value: bot.Ref{Plan: p.ID, Delivery: "msg_x"}.Encode()},
		{ID: "edit_item", Value: bot.Ref{Plan: p.ID}.Encode()},
		{ID: "skip", Value: bot.Ref{Plan: p.ID}.Encode()},
		{ID: "complete", Value: bot.Ref{Plan: p.ID}.Encode()},
	} {
		if r := w.alice.PressValue(card, a); r.Toast == nil || r.Toast.Kind != bot.ToastRefused {
			t.Errorf("%s %s is answered with %+v", a.ID, a.Value, r)
		}
	}
	for _, form := range []bot.FormID{bot.FormEdit, bot.FormItem, bot.FormSkip, bot.FormCancel, "launch"} {
		r := w.Handle(t.Context(), bot.Event{
			Kind: bot.Submission, ID: "forged-" + string(form), From: bot.UserRef{Platform: bot.Web, ID: w.alice.Account}, Room: w.room, Form: form, Value: item,
		})
		if len(r.FieldErrors) == 0 {
			t.Errorf("form %s is answered with %+v", form, r)
		}
	}
	if now := w.plan(1); now.Seq != p.Seq {
		t.Errorf("the plan moved from %d to %d", p.Seq, now.Seq)
	}
}

func TestAPlanMadeElsewhereIsShownThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	room := w.web.Room("team")
	w.wantToast(w.alice.Say(room, "new payments"), bot.ToastDone, "Created #1")
	if c := w.live(w.web, room); c.Card.Title != "#1 payments" {
		t.Errorf("the room shows %q", c.Card.Title)
	}
	w.wantWhisper(w.bob.SayInThread(w.live(w.web, room), bot.Mention, "show"), "#1 payments")
	w.wantWhisper(w.bob.SayInThread(w.live(w.web, room), bot.Mention, "help"), "show #1")
}
