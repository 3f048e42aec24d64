package bot_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/commands"
)

func TestWhoeverNamesNoPlanIsAskedWhich(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	w.settle()
	w.wantWhisper(w.bob.Say(w.room, "approve"), "#1 payments 4.2")
	w.wantToast(w.bob.Press(w.web.Last(w.bob.Account, w.room), bot.ActionRun, 1), bot.ToastDone, "1/2 approvals")
	w.wantToast(w.carol.Say(w.room, "通过 #1"), bot.ToastDone, "执行中")
	w.wantWhisper(w.alice.Say(w.room, "execute #1"), "Which item?")
	w.wantToast(w.alice.Press(w.web.Last(w.alice.Account, w.room), bot.ActionRun, 1), bot.ToastDone, "Started “deploy the api”")
	w.wantToast(w.bob.Say(w.room, "complete #1 announce all know"), bot.ToastDone, "Completed")
	if it := w.plan(1).Items[0]; it.Remark != "all know" {
		t.Errorf("remark %q", it.Remark)
	}
}

func TestLookingThingsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	w.wantWhisper(w.bob.Say(w.room, "list mine waiting for approval"), "#1 payments 4.2")
	w.wantWhisper(w.carol.Say(w.room, "列表 规划中"), "没有符合条件的发布计划")
	w.wantWhisper(w.bob.Say(w.room, "list paym"), "#1 payments 4.2")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Alice submitted the plan → Waiting for approval")
	w.wantWhisper(w.alice.Say(w.room, "hooks #1"), "No outside system was told")
	w.wantWhisper(w.carol.Say(w.room, "我是谁"), "carol@example.com")
	w.wantWhisper(w.bob.Say(w.room, "help"), "approve #plan [comment]")
	w.wantWhisper(w.bob.Say(w.room, "help #1"), "approve #1 [comment]")
	w.wantWhisper(w.bob.Say(w.room, "help approve"), "the approvers")
	w.wantWhisper(w.bob.Say(w.room, "help aprove"), "Did you mean")
	w.wantWhisper(w.bob.Say(w.room, "show #99"), "not found")
	w.wantToast(w.bob.Say(w.room, "copy #1 again"), bot.ToastDone, "Created #2 again.")
}

func TestHomesAndLinksShowPlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	if text := textOf(w.bob.OpenHome()); !strings.Contains(text, "#1 payments 4.2") || !strings.Contains(text, "[New plan]") {
		t.Errorf("Bob's home:\n%s", text)
	}
	link := "https://slipway.example.com/plans/" + w.plan(1).ID + "?tab=log"
	if c := w.bob.Paste(w.room, link); c.Title != "#1 payments 4.2" {
		t.Errorf("below the link stands %+v", c)
	}
	if c := w.bob.Paste(w.room, "https://slipway.example.com/plans/99"); c.Title != "" {
		t.Errorf("below a dead link stands %+v", c)
	}
}

func TestShowMovesTheLiveCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	old := w.live(w.web, w.room)
	w.alice.Say(w.room, "show #1")
	now := w.live(w.web, w.room)
	if now.Ref.ID == old.Ref.ID {
		t.Fatal("the card was not posted anew")
	}
	w.alice.Say(w.room, "submit #1")
	if text := textOf(w.live(w.web, w.room).Card); !strings.Contains(text, "Waiting for approval") {
		t.Errorf("the new card is not live:\n%s", text)
	}
	direct := w.web.Direct(w.bob.Account)
	w.bob.Say(direct[0].Ref.Room, "show #1")
	last := w.web.Last(w.bob.Account, direct[0].Ref.Room)
	if text := textOf(last.Card); !strings.Contains(text, "[Approve]") || strings.Contains(text, "[Cancel plan]") {
		t.Errorf("Bob's card is not his:\n%s", text)
	}
}

func TestACardThatIsGoneIsPostedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	old := w.live(w.slack, w.zhRoom)
	for _, gone := range []error{bot.ErrGone, bot.ErrTooOld} {
		w.slack.Fail(w.slack.Last("", w.zhRoom).Ref, gone)
		w.alice.Say(w.room, "edit #1 description=x"+strings.Repeat("y", len(gone.Error())))
		w.settle()
	}
	if n := len(w.slack.Seen("", w.zhRoom)); n != 3 {
		t.Errorf("%d cards were posted, want 3", n)
	}
	last := w.slack.Last("", w.zhRoom)
	if last.Ref.ID == old.Ref.ID || last.Card.Body == "" {
		t.Errorf("the newest card is %+v", last)
	}
	if n := len(w.slack.Thread(last.Ref)); n != 1 {
		t.Errorf("the new card's thread has %d lines, want the one that is new", n)
	}
	w.slack.Fail(last.Ref, &bot.RateLimited{After: time.Minute})
	out, err := w.commands.EditDraft(t.Context(), commands.Ask{User: w.alice.User}, w.plan(1).ID, func(d *slipway.Draft) error {
		d.Description = "z"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	limited := (*bot.RateLimited)(nil)
	if err := w.Repaint(t.Context(), out.Plan.ID); !errors.As(err, &limited) {
		t.Errorf("a limited card: %v", err)
	}
	if card := w.web.Last("", w.room).Card; card.Body != "z" {
		t.Errorf("the other room waits for the limited one: %q", card.Body)
	}
	w.now = w.now.Add(time.Minute)
	if err := w.Repaint(t.Context(), out.Plan.ID); err != nil || w.slack.Last("", w.zhRoom).Card.Body != "z" {
		t.Errorf("repainted again: %v", err)
	}
	edits := w.slack.Last("", w.zhRoom).Edits
	if err := w.Repaint(t.Context(), out.Plan.ID); err != nil || w.slack.Last("", w.zhRoom).Edits != edits {
		t.Errorf("a repaint too many was noticed: %v", err)
	}
}
