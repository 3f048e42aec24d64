package feishu

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
)

func TestSomebodyMentionsTheBotInAGroup(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		w.bot.answers(func(context.Context, bot.Event) bot.Reply {
			return bot.Reply{Whisper: say("only for you"), Message: say("for everybody")}
		})
		demand[any](t)(w.chat.Person(wang).Command(t.Context(), group, "", `list “mine”`))
		w.newest(t, wang, w.chat.Direct(wang), "only for you")
		m := w.newest(t, li, group, "for everybody")
		ev := w.bot.last(t, bot.Mention)
		want := bot.Event{
			Kind: bot.Mention, ID: ev.ID, From: userRef(wang), Room: roomRef(group), Msg: bot.MsgRef{Room: roomRef(group), ID: ev.Msg.ID},
			Text: `list “mine”`, Locale: "zh-CN", At: ev.At,
		}
		if diff := cmp.Diff(want, ev); diff != "" || ev.ID == "" || ev.Msg.ID == "" || time.Since(ev.At) > time.Minute {
			t.Errorf("the bot saw (-want +got):\n%s", diff)
		}
		for _, seen := range w.chat.Person(li).Look(group) {
			if strings.Contains(seen.Text, "only for you") {
				t.Error("everybody sees what is for one")
			}
		}

		// In the thread of a message: mentioned or not, and answered there.
		demand[any](t)(w.chat.Person(li).Command(t.Context(), group, m.ID, "approve"))
		if ev := w.bot.last(t, bot.Mention); ev.Msg.Thread != m.ID || ev.Text != "approve" {
			t.Errorf("in the thread the bot saw %+v", ev)
		}
		eventually(t, "the answer in the thread", func() bool { return len(w.chat.Person(wang).Thread(group, m.ID)) == 2 })
		w.chat.SetScopes(append(feishutest.DefaultScopes, "im:message.group_msg")...)
		demand[any](t)(w.chat.Person(li).Write(t.Context(), group, m.ID, "lgtm"))
		if ev := w.bot.last(t, bot.Chatter); ev.Msg.Thread != m.ID || ev.Text != "lgtm" {
			t.Errorf("of the chatter the bot saw %+v", ev)
		}
		before := len(w.bot.saw())
		demand[any](t)(w.chat.Person(li).Write(t.Context(), group, "", "good morning"))
		if len(w.bot.saw()) != before {
			t.Error("the bot listens to what is not for it")
		}
	})
}

func TestSomebodyWritesToTheBot(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		w.bot.answers(func(_ context.Context, ev bot.Event) bot.Reply {
			return bot.Reply{Whisper: say("you said " + ev.Text)}
		})
		demand[any](t)(w.chat.Person(li).Command(t.Context(), w.chat.Direct(li), "", "help"))
		w.newest(t, li, w.chat.Direct(li), "you said help")
		if ev := w.bot.last(t, bot.Direct); !ev.Direct || ev.Room.ID != w.chat.Direct(li) {
			t.Errorf("the bot saw %+v", ev)
		}
	})
}

func TestAClickIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		w.bot.answers(func(_ context.Context, ev bot.Event) bot.Reply {
			return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastDone, Text: "Approved."}, Card: say("approved by " + ev.From.ID)}
		})
		card := *say("approve me",
			bot.Action{ID: "approve", Value: "p=1&v=2", Label: "Approve", Confirm: &bot.Confirm{Title: "Approve", Text: "Really?"}},
			bot.Action{ID: "page", Label: "Page", URL: pages}, bot.Action{ID: "wait", Label: "Not yet", Disabled: "The window is closed."})
		card.More = []bot.Action{{ID: "log", Value: "p=1", Label: "Log"}, {ID: "run", Value: "list mine", Label: "My plans"}}
		ref := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, card, "k"))
		m := w.newest(t, li, group, "approve me")
		if b := buttonOf(t, m, "Not yet"); !b.Disabled || buttonOf(t, m, "Page").URL != pages || buttonOf(t, m, "Approve").Question != "Approve\nReally?" {
			t.Errorf("the buttons are %+v", m.Buttons)
		}
		if _, err := w.chat.Person(li).Press(t.Context(), m, buttonOf(t, m, "Approve")); !errors.Is(err, screen.ErrAsks) {
			t.Errorf("the question is skipped: %v", err)
		}
		a, err := w.chat.Person(li).Press(t.Context(), m, buttonOf(t, m, "Approve").Agreed())
		if err != nil || a.Toast != "Approved." || a.Kind != "success" {
			t.Fatalf("the click was answered with %+v, %v", a, err)
		}
		now := w.newest(t, wang, group, "approved by ou_li")
		if now.ID != ref.ID {
			t.Errorf("the card did not change in place")
		}
		ev := w.bot.last(t, bot.Click)
		want := bot.Event{
			Kind: bot.Click, ID: ev.ID, From: userRef(li), Room: roomRef(group), Msg: bot.MsgRef{Room: roomRef(group), ID: ref.ID},
			Action: "approve", Value: "p=1&v=2", TimeZone: "Europe/Berlin", At: ev.At,
		}
		if diff := cmp.Diff(want, ev); diff != "" {
			t.Errorf("the bot saw (-want +got):\n%s", diff)
		}

		demand[any](t)(w.chat.Person(li).PressSeen(t.Context(), m, buttonOf(t, m, "My plans")))
		if ev := w.bot.last(t, bot.Click); ev.Action != "run" || ev.Value != "list mine" {
			t.Errorf("from the menu came %+v", ev)
		}
	})
}

// windowForm asks for times, people and a text.
func windowForm() *bot.Form {
	return &bot.Form{
		ID: "edit", Lang: slipway.English, Title: "Edit #12", Submit: "Save", Value: "p=0123456789abcdef01234567&v=3",
		Fields: []bot.Field{
			{Name: "name", Kind: bot.TextField, Label: "Name", Required: true, Value: []string{"payments"}, Hint: "What it is called."},
			{Name: "approval.approvers", Kind: bot.PeopleField, Label: "Approvers", Value: []string{"u1"}},
			{Name: "end_time", Kind: bot.TimeField, Label: "Window ends", Value: []string{"1795564800"}},
			{Name: "start_time", Kind: bot.TimeField, Label: "Window starts"},
			{Name: "description", Kind: bot.MarkdownField, Label: "Description", Value: []string{strings.Repeat("long ", 300)}},
			{Name: "id", Kind: bot.HiddenField, Value: []string{"i7"}},
			{Name: "urgent", Kind: bot.CheckField, Label: "Urgent"},
			{Name: "type", Kind: bot.SelectField, Label: "Kind", Value: []string{"text"}, Options: []bot.Option{{Value: "text", Label: "Text"}, {Value: "workflow", Label: "Workflow"}}},
			{Name: "needed", Kind: bot.NumberField, Label: "Needed", Value: []string{"1"}},
			{Name: "jobs", Kind: bot.GroupField, Label: "Items"},
		},
	}
}

func TestAFormIsFilledInByDirectMessage(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		w.bot.answers(func(_ context.Context, ev bot.Event) bot.Reply {
			switch {
			case ev.Kind == bot.Click:
				return bot.Reply{Form: windowForm()}
			case ev.Fields.Get("name") == "payments":
				return bot.Reply{FieldErrors: map[string]string{"name": "This name is taken.", "": "The plan has changed.", "end_time": "It is over."}}
			}
			return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastDone, Text: "Saved."}, Card: say("saved card")}
		})
		demand[any](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, *say("plan", bot.Action{ID: "edit", Label: "Edit"}), "k"))
		m := w.newest(t, li, group, "plan")
		person := w.chat.Person(li)
		a, err := person.Press(t.Context(), m, buttonOf(t, m, "Edit"))
		if err != nil || a.Toast != "I have sent you the form as a direct message." {
			t.Fatalf("the click was answered with %+v, %v", a, err)
		}
		f := person.Form()
		if f == nil || f.Title != "Edit #12" || f.Submit != "Save" {
			t.Fatalf("the form is %+v", f)
		}
		if w.chat.Person(wang).Form() != nil {
			t.Error("others see the form")
		}
		if text := w.direct(li)[0].Text; !strings.Contains(text, "Description: too long to be edited here") || !strings.Contains(text, "Items: add and change them") {
			t.Errorf("what is left out is not told: %q", text)
		}

		a = demand[screen.Answer](t)(person.Fill(t.Context(), map[string][]string{"Approvers": {wang, li}, "Window starts": {"1795550400"}, "Urgent": {"true"}}))
		want := map[string]string{"Name": "This name is taken.", "Window ends": "It is over.", "": "The plan has changed."}
		if diff := cmp.Diff(want, a.Errors); diff != "" || a.Kind != "error" || !strings.Contains(a.Toast, "Name: This name is taken.") {
			t.Errorf("the answer is %+v (-want +got):\n%s", a, diff)
		}
		ev := w.bot.last(t, bot.Submission)
		values := bot.Values{
			"name": {"payments"}, "approval.approvers": {"feishu:ou_wang", "feishu:ou_li"}, "end_time": {"1795564800"}, "start_time": {"1795550400"},
			"id": {"i7"}, "urgent": {"true"}, "type": {"text"}, "needed": {"1"},
		}
		if diff := cmp.Diff(values, ev.Fields); diff != "" {
			t.Errorf("the answers are (-want +got):\n%s", diff)
		}
		if ev.Form != "edit" || ev.Value != "p=0123456789abcdef01234567&v=3" || ev.Room.ID != group || ev.Msg.ID != m.ID || ev.TimeZone != "Europe/Berlin" {
			t.Errorf("the bot saw %+v", ev)
		}

		// What was filled in is still there; clearing a time says so.
		f = person.Form()
		if diff := cmp.Diff([]string{wang, li}, f.Fields[1].Value); diff != "" || f.Fields[3].Value[0] != "1795550400" || f.Fields[4].Value[0] != "true" {
			t.Errorf("the form forgot answers: %+v", f.Fields)
		}
		a = demand[screen.Answer](t)(person.Fill(t.Context(), map[string][]string{"Name": {"payments 2"}, "Window ends": nil}))
		if len(a.Errors) > 0 || a.Toast != "Saved." || person.Form() != nil {
			t.Errorf("the form is still open: %+v", a)
		}
		ev = w.bot.last(t, bot.Submission)
		if !ev.Fields.Has("end_time") || ev.Fields.Get("end_time") != "" || ev.Fields.Has("description") || ev.Fields.Has("jobs") {
			t.Errorf("the answers are %+v", ev.Fields)
		}
		w.newest(t, li, w.chat.Direct(li), "Saved.")
		w.newest(t, wang, group, "saved card")
	})
}

func TestAFormCanBeClosed(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		w.bot.answers(func(context.Context, bot.Event) bot.Reply { return bot.Reply{Form: windowForm()} })
		room := w.chat.Direct(li)
		demand[any](t)(w.chat.Person(li).Command(t.Context(), room, "", "edit #12"))
		m := w.newest(t, li, room, "Edit #12")
		seen := len(w.bot.saw())
		demand[any](t)(w.chat.Person(li).Press(t.Context(), m, buttonOf(t, m, "Close")))
		if w.newest(t, li, room, "Closed without sending anything."); w.chat.Person(li).Form() != nil || len(w.bot.saw()) != seen {
			t.Error("the form is still open, or the bot was asked")
		}
	})
}

func TestTimesOfAFormSurviveAWrongGuessOfTheZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	u := demand[*slipway.User](t)(w.Store.User(t.Context(), "u2"))
	u.TimeZone = "" // so the form is drawn in UTC, and the client is in Berlin
	if err := w.Store.UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	w.bot.answers(func(_ context.Context, ev bot.Event) bot.Reply {
		if ev.Kind == bot.Direct {
			return bot.Reply{Form: windowForm()}
		}
		return bot.Reply{}
	})
	demand[any](t)(w.chat.Person(li).Command(t.Context(), w.chat.Direct(li), "", "edit"))
	demand[any](t)(w.chat.Person(li).Fill(t.Context(), map[string][]string{"Window starts": {"1795550400"}}))
	ev := w.bot.last(t, bot.Submission)
	if ev.Fields.Get("end_time") != "1795564800" || ev.Fields.Get("start_time") != "1795550400" {
		t.Errorf("the times became %v", ev.Fields)
	}
}

func TestMenuHomeLinksAndGroups(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world) {
		w.bot.answers(func(ctx context.Context, ev bot.Event) bot.Reply {
			switch ev.Kind {
			case bot.HomeOpened:
				if err := w.SetHome(ctx, ev.From, *say("home of " + ev.From.ID + " at " + ev.ID)); err != nil {
					t.Error(err)
				}
			case bot.LinkShared:
				c := *say("the plan")
				c.State = &bot.State{Colour: bot.Green, Emoji: "✅", Word: "success"}
				if err := w.Unfurl(ctx, ev.Msg, ev.Text, c); err != nil {
					t.Error(err)
				}
			case bot.Direct:
				return bot.Reply{Whisper: say("menu: " + ev.Text)}
			}
			return bot.Reply{}
		})
		demand[any](t)(w.chat.Menu(t.Context(), li, "list_mine"))
		w.newest(t, li, w.chat.Direct(li), "menu: list mine")

		home := demand[screen.Message](t)(w.chat.Person(wang).OpenHome(t.Context()))
		again := demand[screen.Message](t)(w.chat.Person(wang).OpenHome(t.Context()))
		if !strings.Contains(home.Text, "home of ou_wang") || again.ID != home.ID || again.Text == home.Text {
			t.Errorf("home is %q and then %q", home.Text, again.Text)
		}

		shown := demand[string](t)(w.chat.Person(wang).Paste(t.Context(), group, pages+"/plans/1"))
		if !strings.Contains(shown, "Plan · ✅ success") || !strings.Contains(shown, "the plan") {
			t.Errorf("below the link stands %q", shown)
		}
		for _, other := range []string{"https://evil.example.com/plans/1", "https://slipway.example.com.evil.com/plans/1", "http://slipway.example.com/plans/1"} {
			if shown := demand[string](t)(w.chat.Person(wang).Paste(t.Context(), group, other)); shown != "" {
				t.Errorf("below %s stands %q", other, shown)
			}
		}
		if err := w.Unfurl(t.Context(), bot.MsgRef{}, pages, *say("late")); err == nil {
			t.Error("a link was shown a card although nobody asked")
		}
	})
}

func TestPictureInADirectMessageIsAnsweredWithAHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	event := mustJSON(t, map[string]any{
		"header": map[string]any{"event_id": "e1", "event_type": typeMessage, "app_id": w.AppID, "token": w.VerificationToken},
		"event": map[string]any{
			"sender":  map[string]any{"sender_id": map[string]any{"open_id": li}, "sender_type": "user"},
			"message": map[string]any{"message_id": "om_1", "chat_id": w.chat.Direct(li), "chat_type": "p2p", "message_type": "image", "content": `{"image_key":"x"}`},
		},
	})
	for range 2 { // as it may be delivered
		if _, err := w.receive(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	w.newest(t, li, w.chat.Direct(li), "I only understand text.")
	if n := len(w.direct(li)); n != 1 || len(w.bot.saw()) != 0 {
		t.Errorf("%d answers, and the bot saw %v", n, w.bot.saw())
	}
}

func TestAGroupIsGreetedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	event := mustJSON(t, map[string]any{
		"header": map[string]any{"event_id": "e1", "event_type": typeAdded, "app_id": w.AppID, "token": w.VerificationToken},
		"event":  map[string]any{"chat_id": group, "name": "Release"},
	})
	for range 2 {
		if _, err := w.receive(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	m := w.newest(t, li, group, "Mention me with help")
	if len(w.chat.Person(li).Look(group)) != 1 || !strings.Contains(m.Text, "输入“帮助”") {
		t.Errorf("the group sees %q", m.Text)
	}
}
