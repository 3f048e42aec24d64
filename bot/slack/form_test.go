package slack

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
)

// commentForm asks for a comment and a few other things.
func commentForm() bot.Form {
	return bot.Form{
		ID: bot.FormReject, Lang: slipway.English, Title: "Reject", Submit: "Reject", Value: "p=1&v=3", Intro: []bot.Line{{{Text: "#1 payments"}}},
		Fields: []bot.Field{
			{Name: "id", Kind: bot.HiddenField, Value: []string{"i7"}},
			{Name: "comment", Kind: bot.LongField, Label: "Why?", Required: true, Max: 4000},
			{Name: "manager", Kind: bot.PersonField, Label: "Manager", Value: []string{"u1"}, Options: []bot.Option{{Value: "u1", Label: "Ann"}}},
			{Name: "approval.approvers", Kind: bot.PeopleField, Label: "Approvers"},
			{Name: "end_time", Kind: bot.TimeField, Label: "Ends", Value: []string{"1795521600"}},
			{Name: "needed", Kind: bot.NumberField, Label: "Needed", Value: []string{"1"}, Max: 50},
			{Name: "sure", Kind: bot.CheckField, Label: "Sure"},
			{Name: "type", Kind: bot.SelectField, Label: "Kind", Value: []string{"text"}, Options: []bot.Option{{Value: "text", Label: "Text"}, {Value: "workflow", Label: "Workflow"}}},
		},
	}
}

func TestFormIsOpenedRefusedAndSent(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		if err := w.store.CreateUser(t.Context(), &slipway.User{ID: "u1", Name: "Ann", Email: "ann@example.com", SlackID: "U0ANN", Role: slipway.RoleMember, Locale: slipway.English}); err != nil {
			t.Fatal(err)
		}
		ref, err := w.slack.Post(t.Context(), bot.Target{Room: roomRef("C0GEN")}, card("plan", button("reject", "Reject")), "")
		if err != nil {
			t.Fatal(err)
		}
		f, now := commentForm(), card("rejected")
		w.bot.does(func(_ context.Context, ev bot.Event) bot.Reply {
			switch {
			case ev.Kind == bot.Click:
				return bot.Reply{Form: &f}
			case ev.Fields.Get("comment") == "no":
				return bot.Reply{FieldErrors: map[string]string{"comment": "say more", "": "the plan moved", "jobs[0]": "no items"}}
			}
			return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastDone, Text: "Rejected."}, Card: &now}
		})
		m := w.last("U0ANN", "C0GEN")
		w.must(w.ann.Press(t.Context(), m, w.button(m, "Reject")))
		if w.ann.Form() == nil {
			t.Fatal("no form is open")
		}
		a := w.must(w.ann.Fill(t.Context(), map[string][]string{"Why?": {"no"}}))
		if diff := cmp.Diff(map[string]string{"Why?": "the plan moved\nno items\nsay more"}, a.Errors); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		w.must(w.ann.Fill(t.Context(), map[string][]string{"Why?": {"no <!here> & *way*"}, "Approvers": {"U0BOB", "U0ANN"}, "Ends": {""}, "Kind": {"workflow"}}))
		w.until("it is done", func() bool {
			return w.ann.Form() == nil && w.last("U0ANN", "C0GEN").Only && strings.Contains(w.ann.Look("C0GEN")[0].Text, "rejected")
		})
		sent := w.bot.events(bot.Submission)
		if len(sent) != 2 || sent[0].ID == sent[1].ID {
			t.Fatalf("sent %+v", sent)
		}
		sameEvent(t, sent[1], bot.Event{
			Kind: bot.Submission, From: user("U0ANN"), Room: roomRef("C0GEN"), Msg: ref, Form: bot.FormReject, Value: "p=1&v=3",
			Fields: bot.Values{
				"id": {"i7"}, "comment": {"no <!here> & *way*"}, "manager": {"slack:U0ANN"}, "approval.approvers": {"slack:U0BOB", "slack:U0ANN"},
				"end_time": {""}, "needed": {"1"}, "sure": {}, "type": {"workflow"},
			},
			Locale: "zh-CN", TimeZone: "Asia/Shanghai",
		})
		w.fine()
	})
}

func TestLateFormIsOfferedAgain(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		if _, err := w.slack.Post(t.Context(), bot.Target{Room: roomRef("C0GEN")}, card("plan", button("reject", "Reject")), ""); err != nil {
			t.Fatal(err)
		}
		f, late := commentForm(), true
		f.Fields = f.Fields[:2]
		w.bot.does(func(context.Context, bot.Event) bot.Reply {
			if late {
				late = false
				w.clock.pass(4 * time.Second)
			}
			return bot.Reply{Form: &f}
		})
		m := w.last("U0ANN", "C0GEN")
		w.must(w.ann.Press(t.Context(), m, w.button(m, "Reject")))
		w.until("a button is offered", func() bool { return w.last("U0ANN", "C0GEN").Only })
		m = w.last("U0ANN", "C0GEN")
		w.must(w.ann.Press(t.Context(), m, w.button(m, "Reject")))
		if w.ann.Form() == nil {
			t.Error("the form is not open")
		}
		clicks := w.bot.events(bot.Click)
		if len(clicks) != 2 || clicks[1].Action != "reject" || clicks[1].Value != clicks[0].Value {
			t.Errorf("clicks %+v", clicks)
		}
	})
}

func TestFormThatTookTooLongIsAnsweredByMessage(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		f := commentForm()
		f.Fields = f.Fields[:2]
		w.bot.replies(bot.Reply{Form: &f})
		w.must(w.ann.Command(t.Context(), "C0GEN", "", "reject"))
		w.until("the form is open", func() bool { return w.ann.Form() != nil })
		release := make(chan struct{})
		w.bot.does(func(context.Context, bot.Event) bot.Reply {
			<-release
			return bot.Reply{FieldErrors: map[string]string{"comment": "say more"}}
		})
		go func() {
			w.until("the form is closed", func() bool { return w.ann.Form() == nil })
			close(release)
		}()
		w.must(w.ann.Fill(t.Context(), map[string][]string{"Why?": {"no"}}))
		w.until("the answer is there", func() bool { return w.last("U0ANN", "C0GEN").Text == "⚠️ say more" })
		w.fine()
	})
}

func TestShortcuts(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		f := commentForm()
		f.Fields = f.Fields[:2]
		w.bot.replies(bot.Reply{Form: &f})
		w.must(w.ann.Write(t.Context(), "C0GEN", "", "ship <it> @Bob"))
		m := w.last("U0ANN", "C0GEN")
		w.must(w.ann.Shortcut(t.Context(), "C0GEN", m.ID, shortcutFrom))
		w.until("the form is open", func() bool { return w.ann.Form() != nil })
		if err := w.ann.CloseForm(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.must(w.ann.GlobalShortcut(t.Context(), shortcutNew))
		w.until("the form is open", func() bool { return w.ann.Form() != nil })
		if heard := w.bot.events(bot.Shortcut); len(heard) != 1 || heard[0].Text != "ship <it> slack:U0BOB" || heard[0].Msg.ID != m.ID {
			t.Errorf("heard %+v", heard)
		}
		if heard := w.bot.events(bot.Command); len(heard) != 1 || heard[0].Text != "new" || heard[0].Room.ID != "" {
			t.Errorf("heard %+v", heard)
		}
		w.fine()
	})
}

func TestPeopleWithoutAccountsAreChosenFromTheBotsOwnList(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		people, err := w.bot.People(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		f := bot.Form{ID: bot.FormApprovers, Lang: slipway.English, Title: "Approvers", Submit: "Save", Fields: []bot.Field{
			{Name: "approvers", Kind: bot.PeopleField, Label: "Approvers", Value: []string{"u7"}, Options: people},
			{Name: "manager", Kind: bot.PersonField, Label: "Manager", Value: []string{"u7"}, Options: people[:90]},
		}}
		w.bot.replies(bot.Reply{Form: &f})
		w.must(w.ann.Command(t.Context(), "C0GEN", "", "approvers"))
		w.until("the form is open", func() bool { return w.ann.Form() != nil })
		offered, err := w.ann.Suggest(t.Context(), "Approvers", "User 14")
		if err != nil || len(offered) != 11 {
			t.Errorf("offered %v: %v", offered, err)
		}
		w.bot.replies(bot.Reply{})
		w.must(w.ann.Fill(t.Context(), map[string][]string{"Approvers": {"u7", "u149"}}))
		sent := w.bot.events(bot.Submission)[0].Fields
		if diff := cmp.Diff(bot.Values{"approvers": {"u7", "u149"}, "manager": {"u7"}}, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		w.fine()
	})
}

func TestSprintsAreSearchedAsSomebodyTypes(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		f := bot.Form{ID: bot.FormSprints, Lang: slipway.English, Title: "Sprints", Submit: "Save", Fields: []bot.Field{{
			Name: bot.SprintsField, Kind: bot.ChoicesField, Label: "Sprints", Value: []string{"PAY 41"}, Max: slipway.MaxSprints,
			Options: []bot.Option{{Value: "PAY 41", Label: "PAY Sprint 11"}},
		}}}
		w.bot.replies(bot.Reply{Form: &f})
		w.must(w.ann.Command(t.Context(), "C0GEN", "", "sprints"))
		w.until("the form is open", func() bool { return w.ann.Form() != nil })
		for typed, want := range map[string]int{"sprint 12": 1, "nonesuch": 0, "": 1} {
			if offered, err := w.ann.Suggest(t.Context(), "Sprints", typed); err != nil || len(offered) != want {
				t.Errorf("%q offers %v: %v", typed, offered, err)
			}
		}
		w.bot.replies(bot.Reply{})
		w.must(w.ann.Fill(t.Context(), map[string][]string{"Sprints": {"PAY 41", "PAY 42"}}))
		sent := w.bot.events(bot.Submission)[0].Fields
		if diff := cmp.Diff(bot.Values{bot.SprintsField: {"PAY 41", "PAY 42"}}, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		w.fine()
	})
}
