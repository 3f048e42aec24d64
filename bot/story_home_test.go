package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
)

func TestHomeShowsWhatConcernsAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.slack.Person("Bob", nil)
	if text := textOf(bob.OpenHome()); !strings.Contains(text, "All quiet") || !strings.Contains(text, "[New plan]") {
		t.Errorf("an empty page:\n%s", text)
	}
	w.submit()
	text := textOf(bob.OpenHome())
	for _, part := range []string{"✋ Waiting for my approval\n", "#1 payments 4.2", "No item is yours to do right now.", "📋 My plans", "[Approve] [Reject] [Show]"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}

	// A click from the page is answered and shows on the page.
	w.wantToast(bob.PressHome("approve", "#1"), bot.ToastDone, "1/2 approvals")
	if text := textOf(w.slack.Home("Bob")); !strings.Contains(text, "Nothing waits for you.") {
		t.Errorf("the page was not brought up to date:\n%s", text)
	}
	w.wantToast(w.carol.Say(w.room, "通过 #1"), bot.ToastDone, "执行中")
	if text := textOf(bob.OpenHome()); !strings.Contains(text, "announce · #1 payments 4.2") || !strings.Contains(text, "[Complete]") || !strings.Contains(text, "🚀 Running now") {
		t.Errorf("no item to do:\n%s", text)
	}
	bob.PressHome("skip", "announce")
	w.wantToast(bob.Fill(bot.Values{"comment": {"they know"}}), bot.ToastDone, "Skipped")
	if text := textOf(w.slack.Home("Bob")); strings.Contains(text, "announce") {
		t.Errorf("the skipped item is still there:\n%s", text)
	}
	w.wantWhisper(bob.PressHome("show", "#1"), "#1 payments 4.2")
}

func TestHomeIsAlsoTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.submit()
	w.wantWhisper(w.carol.Say(w.room, "我的"), "✋ 待我审批")
	w.wantWhisper(w.bob.Say(w.room, "home"), "Waiting for my approval")
	card := w.web.Last(w.bob.Account, w.room)
	row := 1 + slices.IndexFunc(card.Card.Rows, func(r bot.Row) bool { return len(r.Actions) > 1 })
	r := w.bob.Press(card, "approve", row)
	w.wantToast(r, bot.ToastDone, "1/2 approvals")
	if r.Card == nil || !strings.Contains(textOf(*r.Card), "Nothing waits for you.") {
		t.Errorf("the card became %+v", r.Card)
	}
	again := w.bob.PressValue(card, card.Card.Rows[row-1].Actions[0])
	w.wantToast(again, bot.ToastRefused, "You approved this plan at 2026-11-24 14:00 UTC already")
}

func TestALongHomeIsCutAndLeadsOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 11 {
		w.alice.Say(w.room, fmt.Sprintf("new plan %c", 'a'+i))
	}
	w.alice.Say(w.room, "home")
	card := w.web.Last(w.alice.Account, w.room)
	if n := len(card.Card.Rows); n != 1+1+1+8+1+1 {
		t.Errorf("%d rows:\n%s", n, textOf(card.Card))
	}
	if text := textOf(card.Card); !strings.Contains(text, "… 3 more") {
		t.Errorf("nothing leads on:\n%s", text)
	}
	w.wantWhisper(w.alice.Press(card, "list", len(card.Card.Rows)-1), "#2 plan b")
}

func TestAPlanMadeFromThePageIsShownInTheDirectRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.slack.Person("Bob", nil)
	bob.OpenHome()
	bob.PressHome("new", "")
	w.wantToast(bob.Fill(bot.Values{"name": {"payments"}}), bot.ToastDone, "Created #1 payments.")
	direct := w.slack.Direct("Bob")
	if len(direct) != 1 || direct[0].Card.Title != "#1 payments" {
		t.Fatalf("Bob's direct room: %+v", direct)
	}
	if text := textOf(w.slack.Home("Bob")); !strings.Contains(text, "#1 payments") {
		t.Errorf("the page does not show the plan:\n%s", text)
	}
}

func TestAMessageBecomesAPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.alice.Choose(w.room, "\n * We must roll out the refund fix before Friday, "+strings.Repeat("really ", 10)+"\nand tell <!channel>")
	if r.Form == nil || r.Form.ID != bot.FormNew {
		t.Fatalf("no form: %+v", r)
	}
	field := func(name string) string {
		for _, f := range r.Form.Fields {
			if f.Name == name {
				return strings.Join(f.Value, "|")
			}
		}
		return ""
	}
	if name := field("name"); name != "We must roll out the refund fix before Friday, really reall…" || len([]rune(name)) != 60 {
		t.Errorf("the name is %q", name)
	}
	if d := field("description"); !strings.HasPrefix(d, "> * We must") || !strings.Contains(d, "\n> and tell <!channel>") {
		t.Errorf("the description is %q", d)
	}
	w.wantToast(w.alice.Fill(bot.Values{"name": {"refunds"}}), bot.ToastDone, "Created #1 refunds.")
	if p := w.plan(1); !strings.Contains(p.Description, "refund fix") {
		t.Errorf("description %q", p.Description)
	}
	if r := w.alice.Choose(w.room, ""); r.Form == nil {
		t.Errorf("an empty message: %+v", r)
	}
}

func TestThePlanOfAMessageLinksToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, err := bot.New(bot.Config{
		Commands: w.commands, Store: w.store, Platforms: []bot.Platform{linking{w.slack}}, Now: func() time.Time { return w.now }, Rand: &counter{},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := b.Handle(t.Context(), bot.Event{
		Kind: bot.Shortcut, ID: "chosen", From: bot.UserRef{Platform: bot.Slack, ID: "U-carol"}, Room: w.zhRoom,
		Msg: bot.MsgRef{Room: w.zhRoom, ID: "m1"}, Text: "退款修复",
	})
	want := "> 退款修复\n\n来自[这条消息](https://chat.example.com/C1/m1)"
	if r.Form == nil || !slices.ContainsFunc(r.Form.Fields, func(f bot.Field) bool { return f.Name == "description" && slices.Equal(f.Value, []string{want}) }) {
		t.Errorf("the form is %+v", r.Form)
	}
}

func TestAPlanIsMadeWithFormsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slack.Flat, w.slack.Twice = true, true
	dora := w.slack.Person("dora", nil)
	dora.Say(w.zhRoom, "new")
	w.wantToast(dora.Fill(bot.Values{"name": {"payments"}}), bot.ToastDone, "“Add item” on its card")
	for _, step := range []struct {
		button  bot.ActionID
		answers bot.Values
	}{
		{"add", bot.Values{"name": {"announce"}, "manager": {"slack:Bob"}, "spec.content": {"Tell them"}}},
		{"add", bot.Values{"name": {"deploy"}, "type": {"workflow"}, "spec.workflow": {"d"}, "spec.params": {"version=4.2"}}},
		{"approvers", bot.Values{"approval.approvers": {"slack:U-carol"}}},
		{"window", bot.Values{"start_time": {"1795528800"}, "end_time": {"1795543200"}}},
		{"edit", bot.Values{"description": {"why"}}},
	} {
		dora.Press(w.live(w.slack, w.zhRoom), step.button, 0)
		w.wantToast(dora.Fill(step.answers), bot.ToastDone, "Changed #1 payments.")
	}
	w.wantToast(dora.Press(w.live(w.slack, w.zhRoom), "submit", 0), bot.ToastDone, "Waiting for approval")
	p := w.plan(1)
	if len(p.Items) != 2 || p.Items[0].Owner.Name != "Bob" || p.Items[1].Workflow.Params["version"] != "4.2" || p.EndTime == 0 || p.Description != "why" {
		t.Errorf("plan %+v", p)
	}
	w.is(slipway.WaitForApproval)
}
