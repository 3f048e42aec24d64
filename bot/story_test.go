package bot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
)

// prepare makes plan 1 of Alice's, to be approved by Bob and 卡罗, with two items.
func (w *world) prepare() {
	w.t.Helper()
	r := w.alice.Say(w.room, "new payments 4.2 approvers=Bob,卡罗 needed=2 window='2026-11-24 21:00 to 23:30'")
	w.wantToast(r, bot.ToastDone, "Created #1 payments 4.2.")
	w.wantToast(w.alice.Say(w.room, "add #1 announce: Tell the **hotline** owner=Bob"), bot.ToastDone, "Changed #1")
	w.wantToast(w.alice.Say(w.room, "add #1 deploy the api workflow=deploy project=payments param.version=4.2"), bot.ToastDone, "Changed #1")
}

func (w *world) submit() {
	w.t.Helper()
	w.prepare()
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
}

func (w *world) approve() {
	w.t.Helper()
	w.submit()
	w.wantToast(w.bob.Press(w.live(w.web, w.room), "approve", 0), bot.ToastDone, "1/2 approvals")
	carol := w.slack.Person("U-carol", nil)
	w.wantToast(carol.Press(w.live(w.slack, w.zhRoom), "approve", 0), bot.ToastDone, "当前状态：执行中")
}

func TestApprovalsAreCountedOnEveryCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice, w.slack.Twice = true, true
	w.submit()

	card := w.live(w.web, w.room)
	w.wantToast(w.alice.Press(card, "approve", 0), bot.ToastRefused, "Only the approvers (Bob, 卡罗)")
	w.wantToast(w.bob.Press(card, "approve", 0), bot.ToastDone, "1/2 approvals")
	zh := w.live(w.slack, w.zhRoom)
	if text := textOf(zh.Card); !strings.Contains(text, "1/2 人通过") || !strings.Contains(text, "✅ Bob 已通过") {
		t.Errorf("the Chinese card does not show the vote:\n%s", text)
	}
	carol := w.slack.Person("U-carol", nil)
	w.wantToast(carol.Press(zh, "approve", 0), bot.ToastDone, "当前状态：执行中")
	w.is(slipway.Executing)
}

func TestTheWholeStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice, w.slack.Twice = true, true
	w.approve()
	w.is(slipway.Executing)

	card := w.live(w.web, w.room)
	w.bob.Press(card, "complete_remark", 1)
	w.wantToast(w.bob.Fill(bot.Values{"comment": {"sent at noon"}}), bot.ToastDone, "Completed “announce” of #1 payments 4.2.")
	w.wantToast(w.bob.Press(card, "execute", 2), bot.ToastRefused, "Only")
	w.wantToast(w.alice.Press(card, "execute", 2), bot.ToastDone, "Started “deploy the api”")
	w.ends(2, slipway.RunFailed)

	card = w.live(w.web, w.room)
	if text := textOf(card.Card); !strings.Contains(text, "failed, started by Alice") || !strings.Contains(text, "“exit code 1”") {
		t.Errorf("the card does not tell of the failure:\n%s", text)
	}
	w.wantToast(w.alice.Press(card, "retry", 2), bot.ToastDone, "Restarted")
	w.ends(2, slipway.RunFailed)

	card = w.live(w.web, w.room)
	w.alice.Press(card, "skip", 2)
	if r := w.alice.Fill(nil); r.FieldErrors["comment"] == "" {
		t.Errorf("a failed item was skipped without a reason: %+v", r)
	}
	w.wantToast(w.alice.Fill(bot.Values{"comment": {"by hand"}}), bot.ToastDone, "It is now: Success")
	w.is(slipway.Success)

	zh := w.live(w.slack, w.zhRoom)
	if zh.Card.State.Word != "成功" {
		t.Errorf("the other card shows %s", zh.Card.State.Word)
	}
	var thread []string
	for _, c := range w.slack.Thread(zh.Ref) {
		for _, l := range c.Intro {
			thread = append(thread, l.Text(c.Lang, time.UTC))
		}
	}
	for _, part := range []string{"Alice 创建了发布计划", "卡罗 审批通过（2/2）", "Bob 完成了发布项“announce”", "Alice 跳过了发布项“deploy the api”"} {
		if n := len(slices.DeleteFunc(slices.Clone(thread), func(s string) bool { return !strings.Contains(s, part) })); n != 1 {
			t.Errorf("%q is %d times in the thread: %q", part, n, thread)
		}
	}
}

func TestApproversAreAskedInTheirOwnRoomAndLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	w.settle()
	direct := w.web.Direct(w.carol.Account)
	if len(direct) != 1 || !strings.Contains(textOf(direct[0].Card), "需要您审批") {
		t.Fatalf("卡罗 has %d direct messages", len(direct))
	}
	if again := w.slack.Direct("U-carol"); len(again) != 1 {
		t.Fatalf("卡罗 has %d direct messages on the other platform", len(again))
	}
	w.wantToast(w.carol.Press(direct[0], "approve", 0), bot.ToastDone, "已有 1/2 人通过")
	w.settle()
	for _, m := range []*bottest.Message{w.web.Direct(w.carol.Account)[0], w.slack.Direct("U-carol")[0]} {
		if text := textOf(m.Card); strings.Contains(text, "[通过]") || !strings.Contains(text, "1/2 人通过") {
			t.Errorf("a card in a direct room is not live:\n%s", text)
		}
	}
	if thread := w.slack.Thread(w.slack.Direct("U-carol")[0].Ref); len(thread) != 0 {
		t.Errorf("a direct message has a history of %d lines", len(thread))
	}
}

func TestNobodyApprovesTheirOwnPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantToast(w.bob.Say(w.room, "new own approvers=Bob,卡罗"), bot.ToastDone, "#1")
	w.bob.Say(w.room, "add #1 think")
	w.bob.Say(w.room, "submit #1")
	w.wantToast(w.bob.Press(w.live(w.web, w.room), "approve", 0), bot.ToastRefused, "Nobody decides on their own plan")
	w.wantWhisper(w.bob.Say(w.room, "approve #1"), "Nobody decides on their own plan")
	w.is(slipway.WaitForApproval)
}

func TestAStaleClickIsToldWhoDidWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	card := w.live(w.web, w.room)
	stale := card.Card.Actions[0]
	w.alice.Say(w.room, "replan #1 more to do")
	r := w.bob.PressValue(card, stale)
	w.wantToast(r, bot.ToastRefused, "(Alice: replan, 2026-11-24 14:00 UTC)")
	if r.Card == nil || r.Card.State.Word != "Planning" {
		t.Errorf("the refused click does not show the plan as it is: %+v", r.Card)
	}
	w.alice.Press(card, "edit", 0)
	w.alice.Say(w.room, "edit #1 name=other")
	if r := w.alice.Fill(bot.Values{"name": {"mine"}}); !strings.Contains(r.FieldErrors[""], "has changed since you saw it") {
		t.Errorf("a stale form was taken: %+v", r)
	}
}

func TestDidYouMeanRunsWhatWasMeant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	w.wantWhisper(w.alice.Say(w.room, "sumbit #1"), "Did you mean")
	card := w.web.Last(w.alice.Account, w.room)
	w.wantToast(w.alice.Press(card, bot.ActionRun, 0), bot.ToastDone, "Submitted #1 payments 4.2. It is now: Waiting for approval.")
	w.wantWhisper(w.carol.Say(w.room, "提叫 #1"), "您是不是想输入")
}

func TestWhatIsSaidInTheThreadDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	card := w.live(w.web, w.room)
	w.wantWhisper(w.bob.SayInThread(card, bot.Chatter, "LGTM!"), "does not count as an approval")
	w.wantWhisper(w.carol.SayInThread(card, bot.Chatter, "同意"), "不算审批")
	if r := w.alice.SayInThread(card, bot.Chatter, "ok"); r.Whisper != nil {
		t.Errorf("Alice, who cannot approve, is bothered: %+v", r)
	}
	if r := w.bob.SayInThread(card, bot.Chatter, "is this tested?"); r.Whisper != nil || r.Toast != nil {
		t.Errorf("talk is answered: %+v", r)
	}
	w.is(slipway.WaitForApproval)
	if n := w.plan(1).Approval.Approvals(); n != 0 {
		t.Fatalf("%d approvals were counted", n)
	}
	w.bob.Press(w.web.Last(w.bob.Account, w.room), "approve", 0)
	w.wantToast(w.carol.SayInThread(card, bot.Mention, "通过 没问题"), bot.ToastDone, "当前状态：执行中")
}

func TestATitleCanNeitherMentionNorFormat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const title = "<!channel> <script>alert(1)</script> **bold** <@U1> %s"
	w.wantToast(w.alice.Say(w.room, "new "+title), bot.ToastDone, "#1")
	w.wantToast(w.alice.Say(w.room, "add #1 <at id=all></at>: see [x](javascript:alert(1))"), bot.ToastDone, "#1")
	card := w.live(w.web, w.room).Card
	if card.Title != "#1 "+title || card.Rows[0].Title[0].Text != "<at id=all></at>" {
		t.Errorf("the title was changed: %q, %+v", card.Title, card.Rows[0].Title)
	}
	// All that a renderer may format is what the author meant as Markdown.
	if card.Rows[0].Body != "see [x](javascript:alert(1))" || card.Body != "" {
		t.Errorf("bodies: %q, %q", card.Rows[0].Body, card.Body)
	}
}

func TestANewAccountIsFoundByItsAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.slack.Person("Bob", nil) // bob@example.com there, too
	bob.Say(w.zhRoom, "whoami")
	u, err := w.store.UserBySlackID(t.Context(), "Bob")
	if err != nil || u.ID != w.bob.Account {
		t.Errorf("Bob's account belongs to %+v: %v", u, err)
	}
	w.wantWhisper(w.slack.Person("dora", nil).Say(w.zhRoom, "whoami"), "dora@example.com")
}

func TestTwoDeliveriesAtOnceHaveOneEffectAndOneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	add := bot.Event{
		Kind: bot.Submission, ID: "same", From: bot.UserRef{Platform: bot.Web, ID: w.alice.Account}, User: w.alice.User, Room: w.room,
		Form: bot.FormAdd, Value: bot.Ref{Plan: w.plan(1).ID, Version: w.plan(1).Version}.Encode(),
		Fields: bot.Values{"name": {"watch"}, "type": {"text"}, "spec.content": {"x"}},
	}
	replies := make(chan bot.Reply)
	for range 8 {
		go func() { replies <- w.Handle(t.Context(), add) }()
	}
	for range 8 {
		w.wantToast(<-replies, bot.ToastDone, "Changed #1 payments 4.2.")
	}
	if n := len(w.plan(1).Items); n != 3 {
		t.Errorf("%d items, want 3", n)
	}
}
