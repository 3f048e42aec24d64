package bot_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
)

func TestAgreementIsAnsweredOnceAndNeverCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	card := w.live(w.web, w.room)
	w.wantWhisper(w.bob.SayInThread(card, bot.Chatter, "LGTM 👍🏽"), "")
	for _, text := range []string{"+1", "👍", "ok to go", "Approve!", ":+1:"} {
		if r := w.bob.SayInThread(card, bot.Chatter, text); r.Whisper != nil {
			t.Errorf("%q is answered again", text)
		}
	}
	w.wantWhisper(w.carol.SayInThread(card, bot.Chatter, "通过！"), "回复不算审批")
	w.wantToast(w.carol.Press(w.live(w.web, w.room), "approve", 0), bot.ToastDone, "1/2")

	// The plan is not as it was, so Bob is shown the buttons once more.
	w.wantWhisper(w.bob.SayInThread(card, bot.Chatter, "同意，没问题。"), "does not count as an approval")
	if r := w.bob.SayInThread(card, bot.Chatter, "not ok"); r.Whisper != nil {
		t.Errorf("disagreement is taken for agreement: %+v", r)
	}
	if n := w.plan(1).Approval.Approvals(); n != 1 {
		t.Fatalf("%d approvals were counted", n)
	}
	// Said to the bot it is answered every time, also to those who may not approve.
	for range 2 {
		w.wantWhisper(w.bob.SayInThread(card, bot.Mention, "lgtm"), "does not count as an approval")
	}
	w.wantWhisper(w.alice.SayInThread(card, bot.Mention, "ok"), "Only the approvers (Bob, 卡罗)")
	w.wantWhisper(w.root.Say(w.room, "ok"), "No plan waits for that from you")
}

func TestAgreementIsToldFromTalk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	card := w.live(w.web, w.room)
	for _, text := range []string{"", "!", "ok?", "okay but not today", "approve it after lunch", "同意吗", "不同意", "go home"} {
		if r := w.bob.SayInThread(card, bot.Chatter, text); r.Whisper != nil {
			t.Errorf("%q is taken for agreement", text)
		}
	}
}

func TestGraveVerbsInAThreadAreAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	card := w.live(w.web, w.room)
	w.wantWhisper(w.alice.SayInThread(card, bot.Mention, "cancel wrong “window”"), "This ends the plan for good")
	w.is(slipway.WaitForApproval)
	asked := w.web.Last(w.alice.Account, w.room)
	if a := asked.Card.Actions[0]; a.Style != bot.Danger || a.Label != "Cancel plan" {
		t.Errorf("the button is %+v", a)
	}
	w.wantWhisper(w.bob.SayInThread(card, bot.Mention, "cancel it"), "Only the manager (Alice)")
	r := w.alice.Press(asked, bot.ActionRun, 0)
	w.wantToast(r, bot.ToastDone, "It is now: Cancelled.")
	if r.Card == nil || len(r.Card.Actions) != 0 {
		t.Errorf("the question is still there: %+v", r.Card)
	}
	if p := w.plan(1); p.CancelReason != "wrong “window”" {
		t.Errorf("the reason is %q", p.CancelReason)
	}
	w.wantWhisper(w.alice.PressValue(asked, asked.Card.Actions[0]), "(Alice: cancel, 2026-11-24 22:00 CST)")
}

func TestATypedRemoveIsAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.prepare()
	w.wantWhisper(w.alice.Say(w.room, "remove #1 announce"), "Remove item 1 “announce” from #1 payments 4.2?")
	asked := w.web.Last(w.alice.Account, w.room)
	w.wantToast(w.alice.Press(asked, "remove", 0), bot.ToastDone, "Changed #1")
	if p := w.plan(1); len(p.Items) != 1 {
		t.Errorf("%d items are left", len(p.Items))
	}
	w.wantToast(w.alice.PressValue(asked, asked.Card.Actions[0]), bot.ToastRefused, "is not in plan #1 any more (Alice: edit")
}

func TestApproversAreReminded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	w.bob.Press(w.live(w.web, w.room), "approve", 0)
	w.settle()
	w.web.Twice = true
	w.wantWhisper(w.bob.Say(w.room, "remind #1"), "Only the manager (Alice)")
	w.now = w.now.Add(time.Hour)
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "remind", 0), bot.ToastDone, "Reminded 卡罗 of #1 payments 4.2.")
	var notices []slipway.Notice
	for _, task := range w.tasks {
		var n slipway.Notice
		if task.Kind == slipway.TaskNotice && json.Unmarshal(task.Data, &n) == nil {
			notices = append(notices, n)
		}
	}
	if len(notices) != 1 || !notices[0].Urgent || !slices.Equal(notices[0].To, []string{w.carol.Account}) {
		t.Errorf("notices: %+v", notices)
	}
	w.settle()
	if text := textOf(w.slack.Last("U-carol", w.slack.Direct("U-carol")[0].Ref.Room).Card); !strings.Contains(text, "Alice 提醒您：发布计划 #1 payments 4.2 仍在等待您审批。") {
		t.Errorf("卡罗 was sent:\n%s", text)
	}
	w.wantWhisper(w.alice.Say(w.room, "remind #1"), "You can remind them again from 2026-11-24 23:10 CST")
	w.wantWhisper(w.root.Say(w.room, "催办 #1"), "You can remind them again from 2026-11-24 15:10 UTC")
	w.now = w.now.Add(10 * time.Minute)
	w.wantToast(w.root.Say(w.room, "催一下 #1"), bot.ToastDone, "Reminded 卡罗")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Alice reminded 卡罗")
}

func TestNothingThatIsSaidToTheBotIsMetWithSilence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	card := w.live(w.web, w.room)
	r := w.bob.Say(w.web.Room("dm-"+w.bob.Account), "zzz what can you do")
	w.wantWhisper(r, "“zzz” is not a verb that is known here.")
	w.wantWhisper(r, "approve #plan [comment]")
	w.wantWhisper(w.bob.SayInThread(card, bot.Mention, ""), "What can be done with #1 payments 4.2 now")
	w.wantWhisper(w.bob.SayInThread(card, bot.Mention, "@Slipway"), "approve #1 [comment]")
	w.wantWhisper(w.bob.SayInThread(card, bot.Mention, "嗯嗯嗯嗯"), "approve #1 [comment]")
	w.wantWhisper(w.carol.Say(w.zhRoom, ""), "Slipway 使用帮助")
}

func TestWhatKeepsAPlanFromBeingSubmittedComesWithItsButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.alice.Say(w.room, "new payments approvers=Alice window='2026-11-24 20:00 to 21:00'")
	w.wantWhisper(w.alice.Say(w.room, "submit #1"), "[Add item] [Window] [Approvers] [Show]")
	w.alice.Press(w.web.Last(w.alice.Account, w.room), bot.ActionRun, 0)
	if f := w.alice.Form(); f.ID != bot.FormAdd {
		t.Errorf("the form is %s", f.ID)
	}
	w.alice.Say(w.room, "add #1 deploy workflow=broken")
	w.wantWhisper(w.alice.Say(w.room, "submit #1"), "[Edit item 1]")
}

func TestAnAnsweredSuggestionIsNoLongerPressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.prepare()
	w.alice.Say(w.room, "sumbit #1")
	card := w.web.Last(w.alice.Account, w.room)
	r := w.alice.Press(card, bot.ActionRun, 0)
	if r.Card == nil || len(bottest.Actions(*r.Card)) != 0 || !strings.HasPrefix(r.Card.Title, "Submitted #1") {
		t.Errorf("the suggestion became %+v", r.Card)
	}
}
