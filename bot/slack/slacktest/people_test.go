package slacktest_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"slipway/bot/screen"
)

func TestASlashCommandIsAnsweredToThePersonAlone(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		w.app.on(func(h heard) any { return map[string]any{"text": "You said " + h.str("text")} })

		answer, err := w.Person("U1").Command(w.ctx(), "C1", "", "show <1> for @Bob")
		if err != nil {
			t.Fatal(err)
		}
		if want := "You said show <1> for @Bob"; answer.Toast != want {
			t.Errorf("toast %q, want %q", answer.Toast, want)
		}
		if got, want := w.app.all("command")[0].str("text"), "show &lt;1&gt; for <@U2>"; got != want {
			t.Errorf("the app got %q, want %q", got, want)
		}
		if m := w.last("U1", "C1"); !m.Only {
			t.Errorf("shown to all: %+v", m)
		}
		if seen := w.Person("U2").Look("C1"); len(seen) != 0 {
			t.Errorf("Bob sees %v", seen)
		}
		w.clean()
	})
}

func TestAMentionArrivesAsMentionAndAsMessage(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		w.app.on(func(h heard) any {
			if h.str("event", "type") == "app_mention" {
				_, _, err := w.api.PostMessage(h.str("event", "channel"), slack.MsgOptionText("here", false), slack.MsgOptionTS(h.str("event", "thread_ts")))
				if err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		if _, err := w.Person("U1").Write(w.ctx(), "C1", "", "hello"); err != nil {
			t.Fatal(err)
		}
		root := w.last("U2", "C1")
		if _, err := w.Person("U2").Command(w.ctx(), "C1", root.ID, "list"); err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, m := range w.Person("U1").Thread("C1", root.ID) {
			texts = append(texts, m.Text)
		}
		if diff := cmp.Diff([]string{"@slipway list", "here"}, texts); diff != "" {
			t.Errorf("thread (-want +got):\n%s", diff)
		}
		kinds := map[string]int{}
		for _, h := range w.app.all("event") {
			if h.str("event", "bot_id") == "" {
				kinds[h.str("event", "type")]++
			}
		}
		if diff := cmp.Diff(map[string]int{"message": 2, "app_mention": 1}, kinds); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		w.clean()
	})
}

func TestADirectMessageReachesTheApp(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		w.app.on(func(h heard) any {
			if h.str("event", "bot_id") == "" {
				if _, _, err := w.api.PostMessage(h.str("event", "user"), slack.MsgOptionText("hi", false)); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		rooms := w.Person("U1").Rooms()
		direct := rooms[len(rooms)-1]
		if !direct.Direct {
			t.Fatalf("the last room is %+v", direct)
		}
		if _, err := w.Person("U1").Write(w.ctx(), direct.ID, "", "help"); err != nil {
			t.Fatal(err)
		}
		if m := w.last("U1", direct.ID); m.Text != "hi" || !m.Bot {
			t.Errorf("answer %+v", m)
		}
		if got := w.app.all("event")[0].str("event", "channel_type"); got != "im" {
			t.Errorf("channel_type %q", got)
		}
		w.clean()
	})
}

func TestACardReadsAsItLooksToItsReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	if _, _, err := w.api.PostMessage("C1", slack.MsgOptionText("Plan", false), slack.MsgOptionBlocks(card("Plan <1>", "v1")...)); err != nil {
		t.Fatal(err)
	}
	m := w.last("U1", "C1")
	if want := "Plan <1>\n1. Ship it to @Bob\n2026-09-21 22:13\nby <!here>"; m.Text != want {
		t.Errorf("text %q, want %q", m.Text, want)
	}
	got := m.Buttons
	for i := range got {
		got[i].Handle = ""
	}
	row := "1. Ship it to @Bob"
	want := []screen.Button{
		{Label: "Approve", Row: row, Style: "primary", Question: "Sure?\nIt goes out."},
		{Label: "Skip", Row: row},
		{Label: "Edit", Row: row},
		{Label: "Cancel"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("buttons (-want +got):\n%s", diff)
	}
	if m := w.last("U2", "C1"); m.Text != "Plan <1>\n1. Ship it to @Bob\n2026-09-21 10:13\nby <!here>" {
		t.Errorf("to Bob in New York: %q", m.Text)
	}
	w.clean()
}

func TestAButtonThatIsGoneCannotBePressedButAnOldClientCan(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		_, ts, err := w.api.PostMessage("C1", slack.MsgOptionText("Plan", false), slack.MsgOptionBlocks(card("Plan", "v1")...))
		if err != nil {
			t.Fatal(err)
		}
		seen := w.last("U1", "C1")
		if _, _, _, err := w.api.UpdateMessage("C1", ts, slack.MsgOptionText("Plan", false), slack.MsgOptionBlocks(card("Plan", "v2")[0:4]...)); err != nil {
			t.Fatal(err)
		}
		ann := w.Person("U1")
		if _, err := ann.Press(w.ctx(), seen, button(t, seen, "Cancel")); !errors.Is(err, screen.ErrNotThere) {
			t.Errorf("press what is gone: %v", err)
		}
		edit := button(t, seen, "Edit")
		edit.Yes = true // to what nobody asked
		for _, b := range []screen.Button{button(t, seen, "Approve"), edit} {
			if _, err := ann.Press(w.ctx(), seen, b); !errors.Is(err, screen.ErrAsks) {
				t.Errorf("%q is pressed without the answer to its question: %v", b.Label, err)
			}
		}
		if _, err := ann.Press(w.ctx(), seen, button(t, seen, "Approve").Agreed()); err != nil {
			t.Error(err)
		}
		if _, err := ann.PressSeen(w.ctx(), seen, button(t, seen, "Approve").Agreed()); err != nil {
			t.Error(err)
		}
		if _, err := ann.PressSeen(w.ctx(), seen, button(t, seen, "Cancel")); err != nil {
			t.Error(err)
		}
		if _, err := ann.Press(w.ctx(), seen, button(t, seen, "Edit")); err != nil {
			t.Error(err)
		}
		var values []string
		for _, h := range w.app.all("block_actions") {
			action, _ := h.body["actions"].([]any)[0].(map[string]any)
			value, _ := action["value"].(string)
			if option, ok := action["selected_option"].(map[string]any); ok {
				value, _ = option["value"].(string)
			}
			values = append(values, value)
		}
		if diff := cmp.Diff([]string{"v2", "v1", "c", "edit"}, values); diff != "" {
			t.Errorf("values (-want +got):\n%s", diff)
		}
		if m := w.last("U1", "C1"); m.Edits != 1 {
			t.Errorf("edits %d", m.Edits)
		}
		w.clean()
	})
}

func TestAClickIsAnsweredThroughItsResponseAddress(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		if _, err := w.api.PostEphemeral("C1", "U1", slack.MsgOptionText("Card", false), slack.MsgOptionBlocks(card("Card", "v1")...)); err != nil {
			t.Fatal(err)
		}
		w.app.on(func(h heard) any {
			url := h.str("response_url")
			if _, _, err := w.api.PostMessage("", slack.MsgOptionText("done", false), slack.MsgOptionReplaceOriginal(url)); err != nil {
				t.Error(err)
			}
			if _, _, err := w.api.PostMessage("", slack.MsgOptionText("psst", false), slack.MsgOptionResponseURL(url, "ephemeral")); err != nil {
				t.Error(err)
			}
			return nil
		})
		m := w.last("U1", "C1")
		answer, err := w.Person("U1").Press(w.ctx(), m, button(t, m, "Approve").Agreed())
		if err != nil {
			t.Fatal(err)
		}
		if answer.Toast != "psst" {
			t.Errorf("toast %q", answer.Toast)
		}
		if _, ok := w.app.all("block_actions")[0].body["message"]; ok {
			t.Error("the payload holds an ephemeral message")
		}
		if first := w.Person("U1").Look("C1")[0]; first.Text != "done" || first.Edits != 1 {
			t.Errorf("original %+v", first)
		}
		w.clean()
	})
}

func TestPeopleWhoAreNotThereSeeAndDoNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	nobody := w.Person("U9")
	if rooms := nobody.Rooms(); rooms != nil {
		t.Errorf("rooms %v", rooms)
	}
	for name, do := range map[string]func() error{
		"command": func() error { _, err := nobody.Command(w.ctx(), "C1", "", "x"); return err },
		"write":   func() error { _, err := nobody.Write(w.ctx(), "C1", "", "x"); return err },
		"fill":    func() error { _, err := nobody.Fill(w.ctx(), nil); return err },
		"home":    func() error { _, err := nobody.OpenHome(w.ctx()); return err },
		"paste":   func() error { _, err := nobody.Paste(w.ctx(), "C1", "https://plans.example/1"); return err },
		"other":   func() error { _, err := w.Person("U2").Write(w.ctx(), "C2", "", "x"); return err },
	} {
		if err := do(); !errors.Is(err, screen.ErrNotThere) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.clean()
}
