package slack

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"slipway/bot"
)

// sameEvent compares what is told of an event.
func sameEvent(t *testing.T, got, want bot.Event) {
	t.Helper()
	if got.ID == "" || got.At.IsZero() {
		t.Errorf("event without id or time: %+v", got)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(bot.Event{}, "ID", "At", "Trigger"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func user(id string) bot.UserRef { return bot.UserRef{Platform: bot.Slack, ID: id} }

func TestSlashCommandIsAnsweredPrivatelyAtOnce(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		c := card("Help", button("list", "My plans"))
		w.bot.replies(bot.Reply{Whisper: &c, Toast: &bot.Toast{Kind: bot.ToastDone, Text: "*done* <!here>"}})
		w.must(w.ann.Command(t.Context(), "C0OUT", "", "approve #12 “fine” & <good> @Bob see https://x.example/a?b=1&c=2"))
		sameEvent(t, w.bot.events(bot.Command)[0], bot.Event{
			Kind: bot.Command, From: user("U0ANN"), Room: roomRef("C0OUT"),
			Text: "approve #12 “fine” & <good> slack:U0BOB see https://x.example/a?b=1&c=2", Locale: "zh-CN", TimeZone: "Asia/Shanghai",
		})
		w.until("the toast is there", func() bool { return len(w.ann.Look("C0OUT")) == 2 })
		seen := w.ann.Look("C0OUT")
		if strings.Contains(seen[1].Text, "Help") { // over the socket either may be first
			seen[0], seen[1] = seen[1], seen[0]
		}
		if !seen[0].Only || !strings.Contains(seen[0].Text, "about Help") || w.button(seen[0], "My plans").Row != "" {
			t.Errorf("the answer is %+v", seen[0])
		}
		if !seen[1].Only || seen[1].Text != "✅ *done* <!here>" {
			t.Errorf("the toast is %+v", seen[1])
		}
		w.fine()
	})
}

func TestMentionIsAnsweredInItsThread(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		w.must(w.ann.Write(t.Context(), "C0GEN", "", "something"))
		root := w.last("U0ANN", "C0GEN")
		c, public := card("only you"), card("everybody")
		w.bot.replies(bot.Reply{Whisper: &c, Message: &public})
		w.must(w.ann.Command(t.Context(), "C0GEN", root.ID, "show #12"))
		w.until("both answers are there", func() bool { return len(w.ann.Thread("C0GEN", root.ID)) == 3 })
		heard := w.bot.events("")
		if len(heard) != 1 || heard[0].Kind != bot.Mention || heard[0].Text != "show #12" || heard[0].Msg.Thread != root.ID || heard[0].Direct {
			t.Errorf("heard %+v", heard)
		}
		if others := w.Client("U0BOB").Thread("C0GEN", root.ID); len(others) != 2 || !strings.Contains(others[1].Text, "everybody") {
			t.Errorf("Bob sees %+v", others)
		}
		w.fine()
	})
}

func TestDirectMessageIsAnsweredWithAMessage(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		c := card("Whoami")
		w.bot.replies(bot.Reply{Whisper: &c})
		w.must(w.ann.Write(t.Context(), "DU0ANN", "", "whoami"))
		w.until("the answer is there", func() bool { return len(w.ann.Look("DU0ANN")) == 2 })
		if m := w.last("U0ANN", "DU0ANN"); m.Only || !strings.Contains(m.Text, "Whoami") {
			t.Errorf("the answer is %+v", m)
		}
		if ev := w.bot.events(bot.Direct)[0]; !ev.Direct || ev.Text != "whoami" {
			t.Errorf("heard %+v", ev)
		}
		w.fine()
	})
}

func TestOnlyTalkBelowMessagesOfTheBotIsHeard(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		ref, err := w.slack.Post(t.Context(), bot.Target{Room: roomRef("C0GEN")}, card("plan"), "")
		if err != nil {
			t.Fatal(err)
		}
		w.must(w.ann.Write(t.Context(), "C0GEN", "", "good morning"))
		own := w.last("U0ANN", "C0GEN")
		w.must(w.ann.Write(t.Context(), "C0GEN", own.ID, "and to myself"))
		w.must(w.ann.Write(t.Context(), "C0GEN", ref.ID, "lgtm"))
		w.until("it is heard", func() bool { return len(w.bot.events("")) > 0 })
		heard := w.bot.events("")
		if len(heard) != 1 || heard[0].Kind != bot.Chatter || heard[0].Text != "lgtm" || heard[0].Msg.Thread != ref.ID {
			t.Errorf("heard %+v", heard)
		}
		w.fine()
	})
}

func TestClickShowsToastAndReplacesTheCard(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		remove := button("remove", "Remove")
		remove.Style, remove.Confirm = bot.Danger, &bot.Confirm{Title: "Remove", Text: "Really?", Yes: "Yes", No: "No"}
		c := card("plan", button("approve", "Approve"), remove)
		for _, id := range []string{"copy", "log", "hooks"} {
			c.More = append(c.More, button(id, "More "+id))
		}
		ref, err := w.slack.Post(t.Context(), bot.Target{Room: roomRef("C0GEN")}, c, "card:1")
		if err != nil {
			t.Fatal(err)
		}
		now := card("plan, removed")
		w.bot.replies(bot.Reply{Toast: &bot.Toast{Kind: bot.ToastRefused, Text: "Too late."}, Card: &now})
		m := w.last("U0ANN", "C0GEN")
		if b := w.button(m, "Remove"); b.Question == "" || b.Style != "danger" {
			t.Errorf("the button is %+v", b)
		}
		answer := w.must(w.ann.Press(t.Context(), m, w.button(m, "More log")))
		w.until("toast and card are there", func() bool {
			seen := w.ann.Look("C0GEN")
			return len(seen) == 2 && strings.Contains(seen[0].Text, "removed")
		})
		if toast := w.last("U0ANN", "C0GEN"); !toast.Only || toast.Text != "⚠️ Too late." || len(w.Client("U0BOB").Look("C0GEN")) != 1 {
			t.Errorf("the toast is %+v, answer %+v", toast, answer)
		}
		sameEvent(t, w.bot.events(bot.Click)[0], bot.Event{
			Kind: bot.Click, From: user("U0ANN"), Room: roomRef("C0GEN"), Msg: ref, Action: "log", Value: "p=1&v=3",
			Locale: "zh-CN", TimeZone: "Asia/Shanghai",
		})
		w.fine()
	})
}

func TestClickOnSomethingPrivateReplacesIt(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		first, second := card("page 1", button("log", "Older")), card("page 2")
		w.bot.does(func(_ context.Context, ev bot.Event) bot.Reply {
			if ev.Kind == bot.Click {
				return bot.Reply{Card: &second}
			}
			return bot.Reply{Whisper: &first}
		})
		w.must(w.ann.Command(t.Context(), "C0GEN", "", "log"))
		m := w.last("U0ANN", "C0GEN")
		w.must(w.ann.Press(t.Context(), m, w.button(m, "Older")))
		w.until("it is replaced", func() bool { return strings.Contains(w.last("U0ANN", "C0GEN").Text, "page 2") })
		if n := len(w.ann.Look("C0GEN")); n != 1 {
			t.Errorf("%d messages", n)
		}
		w.fine()
	})
}

func TestSlowBotIsAnsweredForInTimeAndHeardLater(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		c := card("at last")
		w.bot.does(func(ctx context.Context, _ bot.Event) bot.Reply {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return bot.Reply{Whisper: &c}
		})
		a := w.must(w.ann.Command(t.Context(), "C0GEN", "", "list"))
		if a.Took > 3*time.Second {
			t.Errorf("answered after %s", a.Took)
		}
		close(release)
		w.until("the answer is there", func() bool { return len(w.ann.Look("C0GEN")) == 1 })
		w.fine()
	})
}

func TestAnswerForEverybodyWhereTheBotIsNot(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		c := card("for all")
		w.bot.replies(bot.Reply{Message: &c})
		w.must(w.ann.Command(t.Context(), "C0OUT", "", "show"))
		w.until("it is there", func() bool { return strings.Contains(w.last("U0ANN", "C0OUT").Text, "for all") })
		if m := w.last("U0ANN", "C0OUT"); m.Only {
			t.Errorf("only Ann sees %+v", m)
		}
		w.fine()
	})
}

func TestAnswerFindsAnotherWay(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		w.post(card("plan", button("approve", "Approve")), "")
		w.Faults().Fail("response", "404", 1)
		w.bot.replies(bot.Reply{Toast: &bot.Toast{Kind: bot.ToastDone, Text: "Approved."}})
		m := w.last("U0ANN", "C0GEN")
		w.must(w.ann.Press(t.Context(), m, w.button(m, "Approve")))
		w.until("the toast is there", func() bool { return w.last("U0ANN", "C0GEN").Text == "✅ Approved." })
		w.fine()
	})
}

func TestStrangerIsHeardWithoutAnAddress(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		w.bot.does(func(ctx context.Context, ev bot.Event) bot.Reply {
			if p, err := w.slack.Resolve(ctx, ev.From); err != nil || p.Email != "" {
				t.Errorf("resolved %+v: %v", p, err)
			}
			return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastRefused, Text: "Who are you?"}}
		})
		w.must(w.Client("U0EVE").Command(t.Context(), "C0GEN", "", "approve #12"))
		w.until("the refusal is there", func() bool { return w.last("U0EVE", "C0GEN").Text == "⚠️ Who are you?" })
		home, err := w.Client("U0EVE").OpenHome(t.Context())
		if err != nil || home.Text != "Who are you?" {
			t.Errorf("home %+v: %v", home, err)
		}
		w.fine()
	})
}

func TestHomeIsShownAndRefreshed(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		opened := 0
		w.bot.does(func(ctx context.Context, ev bot.Event) bot.Reply {
			if ev.Kind == bot.Click {
				return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastDone, Text: "Approved."}}
			}
			opened++
			if err := w.slack.SetHome(ctx, ev.From, card(strings.Repeat("home ", opened), button("approve", "Approve"))); err != nil {
				t.Error(err)
			}
			return bot.Reply{}
		})
		home, err := w.ann.OpenHome(t.Context())
		if err != nil || !strings.Contains(home.Text, "home") {
			t.Fatalf("home %+v: %v", home, err)
		}
		w.must(w.ann.Press(t.Context(), home, w.button(home, "Approve")))
		w.until("the page is refreshed", func() bool {
			home, err := w.ann.Home()
			return err == nil && strings.Contains(home.Text, "home home")
		})
		w.until("the toast is a direct message", func() bool {
			seen := w.ann.Look("DU0ANN")
			return len(seen) == 1 && seen[0].Text == "✅ Approved."
		})
		if ev := w.bot.events(bot.Click)[0]; ev.Room.ID != "" || ev.Action != "approve" {
			t.Errorf("heard %+v", ev)
		}
		w.fine()
	})
}

func TestLinkIsUnfurled(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		w.bot.does(func(ctx context.Context, ev bot.Event) bot.Reply {
			if ev.Kind == bot.LinkShared {
				if err := w.slack.Unfurl(ctx, ev.Msg, ev.Text, card("plan", button("approve", "Approve"))); err != nil {
					t.Error(err)
				}
			}
			return bot.Reply{Toast: &bot.Toast{Text: "never shown"}}
		})
		shown, err := w.ann.Paste(t.Context(), "C0GEN", publicURL+"/plans/0123")
		if err != nil || !strings.Contains(shown, "about plan") {
			t.Errorf("shown %q: %v", shown, err)
		}
		if _, err := w.ann.Write(t.Context(), "C0GEN", "", publicURL+"/settings"); err != nil {
			t.Error(err)
		}
		if heard := w.bot.events(bot.LinkShared); len(heard) != 1 || heard[0].Text != publicURL+"/plans/0123" {
			t.Errorf("heard %+v", heard)
		}
		w.fine()
	})
}

func TestEverythingDeliveredTwiceIsShownOnce(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		w.Faults().DeliverTwice(true)
		c := card("answer")
		w.bot.replies(bot.Reply{Message: &c, Toast: &bot.Toast{Kind: bot.ToastDone, Text: "Done."}})
		w.must(w.ann.Mention(t.Context(), "C0GEN", "", "do it"))
		w.until("the answers are there", func() bool { return len(w.ann.Look("C0GEN")) >= 3 && len(w.bot.events("")) == 2 })
		w.slack.chores.wait()
		if seen := w.ann.Look("C0GEN"); len(seen) != 3 {
			t.Errorf("Ann sees %d messages", len(seen))
		}
		if heard := w.bot.events(bot.Mention); heard[0].ID != heard[1].ID {
			t.Errorf("two ids for one event: %q, %q", heard[0].ID, heard[1].ID)
		}
		w.fine()
	})
}
