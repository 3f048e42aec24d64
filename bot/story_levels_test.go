package bot_test

import (
	"slices"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
)

func TestLevelsAreTypedShownAndAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.alice.Say(w.room, "new payments")
	w.alice.Say(w.room, "add #1 announce")
	w.wantToast(w.alice.Say(w.room, "approvers #1 any of Bob, root@example.com; then all of Bob, 卡罗 + 1 of Root"), bot.ToastDone, "Changed")
	a := w.plan(1).Approval
	if len(a.Levels) != 2 || len(a.Levels[1].Groups) != 2 || a.Needed != 4 || len(a.Approvers) != 3 {
		t.Fatalf("the approval is %+v", a)
	}
	w.shows("▫️ Level 1: any of Bob, Root", "▫️ Level 2: all of Bob, 卡罗 and Root")
	// The form shows what is typed, and takes it back as it is.
	r := w.alice.Press(w.live(w.web, w.room), "approvers", 0)
	if r.Form == nil || len(r.Form.Fields) != 5 || r.Form.Fields[0].Value[0] != "any of Bob, Root; then all of Bob, 卡罗 + all of Root" &&
		r.Form.Fields[0].Value[0] != "any of Bob, Root; then all of Bob, 卡罗 + any of Root" {
		t.Fatalf("the form is %+v", r.Form)
	}
	w.wantToast(w.alice.Say(w.room, "approvers #1 levels='"+r.Form.Fields[0].Value[0]+"'"), bot.ToastInfo, "Nothing changed")
	for said, part := range map[string]string{
		"approvers #1 any of Zoe":                       "Zoe",
		"approvers #1 any of Bob; then 卡罗":              "any of, all of or a number",
		"approvers #1 5 of Bob, Root":                   "1 to 2",
		"approvers #1 any of Bob + any of Bob":          "different people",
		"approvers #1 needed=2":                         "has levels",
		"approvers #1 any of Bob; all of Root needed=2": "either in levels or as one group",
	} {
		w.wantWhisper(w.alice.Say(w.room, said), part)
	}

	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("✋ Level 1: any of Bob, Root", "▫️ Level 2", "✋ Asked: Bob, Root")
	w.asks(w.live(w.web, w.room).Card, "Approve #1 payments?", "1 item. Approvals so far: 0 of 4. Asked now: Level 1.")
	w.wantWhisper(w.carol.Say(w.room, "approve #1"), "第 1 级")
	w.wantToast(w.bob.Say(w.room, "approve #1"), bot.ToastDone, "2/4") // his approval counts at both levels
	w.shows("✅ Level 1", "✋ Level 2", "✋ Asked: 卡罗, Root")
	w.asks(w.live(w.slack, w.zhRoom).Card, "通过 #1 payments？", "共 1 个发布项。已有 2/4 人通过。当前审批：第 2 级。")
}

// askedOf is the newest card in somebody's room with the bot.
func (w *world) askedOf(c *bottest.Chat, account string) bot.Card {
	w.t.Helper()
	w.settle()
	direct := c.Direct(account)
	if len(direct) == 0 {
		w.t.Fatalf("%s was asked nothing", account)
	}
	return direct[len(direct)-1].Card
}

// asks wants the card to ask, before it is approved, whether that is meant.
func (w *world) asks(c bot.Card, title, text string) {
	w.t.Helper()
	i := slices.IndexFunc(c.Actions, func(a bot.Action) bool { return a.ID == "approve" })
	if i < 0 || c.Actions[i].Confirm == nil || c.Actions[i].Confirm.Title != title || c.Actions[i].Confirm.Text != text {
		w.t.Errorf("the card has the actions %+v, want to be asked %q %q", c.Actions, title, text)
	}
}

func TestACardShowsWhatChangedSinceSomebodyApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.wantToast(w.bob.Say(w.room, "approve #1"), bot.ToastDone, "1/2")
	w.alice.Say(w.room, "replan #1 one more thing")
	w.alice.Say(w.room, "window #1 none")
	w.alice.Say(w.room, "add #1 more")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("0 of 2", "✋ Asked: Bob, 卡罗", "↻ Changed since Bob approved: the window, item “more” (new)")
	// So does what each is asked first: Bob his changes, others nothing, and all together that there are some.
	const rest = "3 items. Approvals so far: 0 of 2."
	w.asks(w.live(w.web, w.room).Card, "Approve #1 payments 4.2?", rest+" Changed since Bob last approved.")
	w.asks(w.askedOf(w.web, w.bob.Account), "Approve #1 payments 4.2?", rest+" Changed since you last approved: the window, item “more” (new).")
	w.asks(w.askedOf(w.slack, "U-carol"), "通过 #1 payments 4.2？", "共 3 个发布项。已有 0/2 人通过。")
	// Back again, what Bob approved is what is asked.
	w.wantToast(w.bob.Say(w.room, "approve #1"), bot.ToastDone, "1/2")
	w.alice.Say(w.room, "replan #1 only words")
	w.alice.Say(w.room, "edit #1 description=words")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("1 of 2", "✅ Bob approved", "✋ Asked: 卡罗")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "approved as it is before by Bob")
	w.is(slipway.WaitForApproval)
}

func TestALevelThatIsTheWholeRuleIsTheSimpleOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.alice.Say(w.room, "new payments")
	w.wantToast(w.alice.Say(w.room, "审批人 #1 全部 Bob、卡罗"), bot.ToastDone, "Changed")
	if a := w.plan(1).Approval; a.Levels != nil || a.Needed != 2 || len(a.Approvers) != 2 {
		t.Errorf("the approval is %+v", a)
	}
	w.wantToast(w.alice.Say(w.room, "审批人 #1 任一 Bob；再 ２人 Bob、卡罗"), bot.ToastDone, "Changed")
	if a := w.plan(1).Approval; len(a.Levels) != 2 || a.Levels[1].Groups[0].Need() != 2 {
		t.Errorf("the approval is %+v", a)
	}
	w.wantToast(w.alice.Say(w.room, "approvers #1 Bob, 卡罗"), bot.ToastDone, "Changed")
	if a := w.plan(1).Approval; a.Levels != nil || a.Needed != 1 {
		t.Errorf("the approval is %+v", a)
	}
	w.wantToast(w.alice.Say(w.room, "approvers #1 none"), bot.ToastDone, "Changed")
	if a := w.plan(1).Approval; a != nil {
		t.Errorf("the approval is %+v", a)
	}
}
