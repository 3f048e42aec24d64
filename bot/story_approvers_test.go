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

// labels are the labels of a card's buttons.
func labels(c bot.Card) []string {
	var out []string
	for _, a := range bottest.Actions(c) {
		out = append(out, a.Label)
	}
	return out
}

func TestAnApprovalIsWithdrawnByButtonAndByWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.submit()
	if got := labels(w.live(w.web, w.room).Card); slices.Contains(got, "Withdraw approval") {
		t.Errorf("offered before there is an approval: %v", got)
	}
	w.bob.Press(w.live(w.web, w.room), "approve", 0)
	w.wantToast(w.bob.Press(w.live(w.web, w.room), "withdraw", 0), bot.ToastDone, "Took the approval back from #1 payments 4.2. 0/2 approvals.")
	w.shows("0 of 2", "✋ Asked: Bob, 卡罗")
	w.wantToast(w.bob.Say(w.room, "approve #1"), bot.ToastDone, "1/2")
	w.wantToast(w.bob.Say(w.room, "撤回 #1 再看看"), bot.ToastDone, "0/2")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Bob took the approval back (0/2): “再看看”")
	w.wantWhisper(w.carol.Say(w.room, "take back #1"), "您没有审批通过")
	w.is(slipway.WaitForApproval)
}

func TestAPlaceIsPassedOnByWordAndByForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.submit()
	r := w.bob.Say(w.room, "transfer #1 to root@example.com I am on a train")
	w.wantToast(r, bot.ToastDone, "Passed to Root: the decision on #1 payments 4.2.")
	w.shows("↪ Bob passed the decision to Root", "✋ Asked: Root, 卡罗")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Bob passed their place as an approver to Root: “I am on a train”")
	w.wantWhisper(w.bob.Say(w.room, "approve #1"), "Only the approvers (Root, 卡罗)")

	w.wantWhisper(w.carol.Say(w.room, "转交 #1 给 Alice"), "不能审批自己的发布计划")
	w.wantWhisper(w.carol.Say(w.room, "转交 #1 给 nobody@example.com"), "找不到用户")
	w.carol.Press(w.live(w.web, w.room), "transfer", 0)
	if f := w.carol.Form(); f.Title != "转交审批" || f.Fields[0].Kind != bot.PersonField {
		t.Errorf("the form is %+v", f)
	}
	r = w.carol.Fill(bot.Values{"to": {w.root.Account}})
	if !strings.Contains(r.FieldErrors["to"], "每人只计一次") {
		t.Errorf("the same person twice: %+v", r)
	}
	w.wantToast(w.carol.Fill(bot.Values{"to": {w.bob.Account}, "comment": {"休假"}}), bot.ToastDone, "转交给 Bob")
	if r := w.carol.Say(w.room, "转交 #1"); r.Whisper == nil {
		t.Errorf("who has no place any more is asked whom to pass it to: %+v", r)
	}
	w.wantToast(w.root.Say(w.room, "approve #1"), bot.ToastDone, "1/2")
	w.wantToast(w.bob.Say(w.room, "approve #1"), bot.ToastDone, "Executing")
}

func TestSomebodyStandsInWhileOneIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.wantWhisper(w.bob.Say(w.room, "away"), "Nobody stands in for you")
	w.wantToast(w.bob.Say(w.room, "away from 2026-11-24 to 2026-11-26 to root@example.com"), bot.ToastDone,
		"Root decides for Bob, 2026-11-24 00:00 – 2026-11-27 00:00 UTC.")
	w.wantWhisper(w.bob.Say(w.room, "whoami"), "Away: Root decides for Bob")
	w.wantWhisper(w.root.Say(w.room, "我是谁"), "Away: Root decides for Bob")
	w.submit()
	w.shows("✋ Asked: Root for Bob until 2026-11-27 00:00 UTC, 卡罗")
	w.wantWhisper(w.root.Say(w.room, "home"), "Waiting for my approval")
	w.wantWhisper(w.root.Say(w.room, "approve"), "#1 payments 4.2")
	w.wantToast(w.root.Press(w.live(w.web, w.room), "approve", 0), bot.ToastDone, "1/2")
	w.shows("✅ Root for Bob approved")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Root, for Bob, approved (1/2)")
	w.wantWhisper(w.bob.Say(w.room, "approve #1"), "Root approved this plan")

	// Back again, Bob decides for himself.
	w.wantToast(w.bob.Say(w.room, "withdraw #1"), bot.ToastDone, "0/2")
	w.wantToast(w.bob.Press(w.bobsAway(), bot.ActionRun, 0), bot.ToastDone, "Nobody stands in for Bob now.")
	w.wantWhisper(w.root.Say(w.room, "approve #1"), "Only the approvers")
	w.wantToast(w.bob.Say(w.room, "approve #1"), bot.ToastDone, "1/2")
}

// bobsAway is the card that shows Bob who stands in for him.
func (w *world) bobsAway() *bottest.Message {
	w.t.Helper()
	w.bob.Say(w.room, "away")
	return w.web.Last(w.bob.Account, w.room)
}

func TestAnAbsenceBeginsAndEndsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	w.wantToast(w.bob.Say(w.room, "休假 从 11-25 到 11月26日 给 Root"), bot.ToastDone, "Root decides for Bob, 2026-11-25 00:00 – 2026-11-27 00:00 UTC")
	w.wantWhisper(w.root.Say(w.room, "approve #1"), "Only the approvers")
	w.now = w.now.Add(24 * time.Hour)
	w.wantToast(w.root.Say(w.room, "approve #1"), bot.ToastDone, "1/2")
	w.wantToast(w.root.Say(w.room, "withdraw #1"), bot.ToastDone, "0/2")
	w.now = w.now.Add(48 * time.Hour)
	w.wantWhisper(w.root.Say(w.room, "approve #1"), "Only the approvers")
}

// The cards that are open show whom an absence puts in and takes out again, and those are
// asked in their own room.
func TestAnAbsenceBeginsOnOpenCards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	w.wantToast(w.bob.Say(w.room, "approve #1"), bot.ToastDone, "1/2")
	w.wantToast(w.alice.Say(w.room, "replan #1 more"), bot.ToastDone, "Planning")
	w.wantToast(w.alice.Say(w.room, "add #1 more"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.wantToast(w.bob.Say(w.room, "away from 2026-11-25 to 2026-11-26 to root@example.com"), bot.ToastDone, "Root decides for Bob")
	w.moves(0)
	w.shows("✋ Asked: Bob, 卡罗")
	seen := len(w.web.Direct(w.root.Account))

	w.moves(10 * time.Hour) // midnight
	w.shows("✋ Asked: Root for Bob until 2026-11-27 00:00 UTC, 卡罗")
	if n := len(w.web.Direct(w.root.Account)); n != seen+1 {
		t.Fatalf("Root got %d messages", n-seen)
	}
	card := w.askedOf(w.web, w.root.Account)
	if text := textOf(card); !strings.Contains(text, "You decide for Bob now: plan #1 payments 4.2 asks for your approval.") {
		t.Errorf("Root is told:\n%s", text)
	}
	w.asks(card, "Approve #1 payments 4.2?", "3 items. Approvals so far: 0 of 2. Changed since Bob last approved: item “more” (new).")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Slipway asked Root, who decides for Bob now")

	w.moves(48 * time.Hour)
	w.shows("✋ Asked: Bob, 卡罗")
	if n := len(w.web.Direct(w.root.Account)); n != seen+1 {
		t.Errorf("Root got %d messages", n-seen)
	}
}

// moves moves the clock on and does what is due about Bob's absence.
func (w *world) moves(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	u, err := w.store.UserByEmail(w.t.Context(), "bob@example.com")
	if err == nil {
		_, err = w.commands.LookAgainFor(w.t.Context(), u.ID)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.later(0)
}

func TestAnAbsenceIsArrangedByForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantWhisper(w.carol.Say(w.room, "委托"), "目前没有人代您审批")
	w.carol.Press(w.web.Last(w.carol.Account, w.room), "away", 0)
	if slices.ContainsFunc(w.carol.Form().Fields, func(f bot.Field) bool { return f.Name == "of" }) {
		t.Error("who is no admin is asked who is away")
	}
	r := w.carol.Fill(bot.Values{"end": {"2026-11-20 12:00"}, "to": {w.carol.Account}})
	if !strings.Contains(r.FieldErrors["end"], "结束时间必须晚于开始时间") || !strings.Contains(r.FieldErrors["to"], "请选择其他人") {
		t.Errorf("answered with %+v", r)
	}
	w.wantToast(w.carol.Fill(bot.Values{"end": {"2026-12-01 12:00"}, "to": {"slack:Bob"}}), bot.ToastDone, "Bob 代 卡罗 审批")

	w.root.Say(w.room, "away")
	w.root.Press(w.web.Last(w.root.Account, w.room), "away", 0)
	w.wantToast(w.root.Fill(bot.Values{"end": {"2026-12-01 12:00"}, "to": {w.alice.Account}, "of": {w.bob.Account}}), bot.ToastDone,
		"Alice decides for Bob")
}

func TestWhoStandsInForWhomIsKeptSimple(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantToast(w.bob.Say(w.room, "away until 2026-12-05 to Root"), bot.ToastDone, "Root decides for Bob, 2026-11-24 14:00")
	for said, part := range map[string]string{
		"away until 2026-12-01 to Bob":                "Bob is away then, too",
		"away from 2026-12-01 to 2026-12-03 to Alice": "somebody else is expected",
		"away from 2026-12-03 to 2026-12-01 to Root":  "after the start",
		"away from 2026-11-01 to 2026-11-02 to Root":  "past already",
		"away from 2026-12-01 to 2028-12-02 to Root":  "366 days",
		"away from someday to 2026-12-02 to Root":     "is not a time",
		"away from 2026-12-01 to 2026-12-02 to Zoe":   "Zoe",
		"away tomorrow": "from when until when",
		"away from 2026-12-01 to 2026-12-02 to Root for bob@example.com": "Only an admin",
		"away off for Bob": "Only an admin",
	} {
		r := w.alice.Say(w.room, said)
		if r.Whisper == nil || !strings.Contains(textOf(*r.Whisper), part) {
			t.Errorf("%q is answered with %+v", said, r)
		}
	}
	// Whoever stands in may be away, too; that goes no further, and they are told.
	w.wantToast(w.root.Say(w.room, "away tomorrow to 12-01 to Alice"), bot.ToastDone, "Root stands in for Bob meanwhile, which is not passed on")
	w.wantToast(w.root.Say(w.room, "away from 2026-12-01 to 2026-12-02 to Alice for 卡罗"), bot.ToastDone, "Alice decides for 卡罗")
	w.wantWhisper(w.root.Say(w.room, "away"), "Alice decides for 卡罗")
	if told := w.web.Direct(w.carol.Account); len(told) != 1 || !strings.Contains(told[0].Card.Summary, "Alice 代 卡罗 审批") || !strings.Contains(told[0].Card.Summary, "由 Root 为您设置") {
		t.Errorf("Carol, for whom that was arranged, is told %+v", told)
	}
	if told := w.web.Direct(w.bob.Account); len(told) != 0 {
		t.Errorf("Bob is told what he said: %+v", told)
	}
	if r := w.alice.Say(w.room, "away"); strings.Contains(textOf(*r.Whisper), "Bob") {
		t.Errorf("Alice is shown what does not concern her: %s", textOf(*r.Whisper))
	}
	w.wantToast(w.root.Say(w.room, "away off for bob@example.com"), bot.ToastDone, "Nobody stands in for Bob now.")
	w.wantToast(w.bob.Say(w.room, "休假 取消"), bot.ToastDone, "Nobody stands in for Bob now.")
}
