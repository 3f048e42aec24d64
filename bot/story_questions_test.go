package bot_test

import (
	"slices"
	"strings"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
)

// sees tells plan 1 how its newest question stands in the other system.
func (w *world) sees(s slipway.Sighting) {
	w.t.Helper()
	p := w.plan(1)
	q := p.Approval.Outside[len(p.Approval.Outside)-1]
	s.Ref, s.URL = "i-1", "https://feishu.example.com/i-1"
	for {
		out, err := w.commands.SeeQuestion(w.t.Context(), "once:"+w.commands.NewID(), p.ID, q.Mark, s)
		if err != nil {
			w.t.Fatal(err)
		}
		if out.Entry == nil {
			return
		}
	}
}

// showsChinese checks the card in the Chinese room.
func (w *world) showsChinese(parts ...string) {
	w.t.Helper()
	text := textOf(w.live(w.slack, w.zhRoom).Card)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			w.t.Errorf("the card does not show %q:\n%s", part, text)
		}
	}
}

func (w *world) opinion(who *bottest.Person, approve bool, comment string) slipway.Opinion {
	return slipway.Opinion{By: who.User.Ref(), Account: "ou_" + who.User.ID, Approve: approve, Comment: comment, At: w.now.Unix()}
}

func TestAnApprovalElsewhereIsShownInBothLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.alice.Say(w.room, "new payments")
	w.alice.Say(w.room, "add #1 announce")
	w.wantToast(w.alice.Say(w.room, "approvers #1 lark: all of Bob, root@example.com + any of 卡罗"), bot.ToastDone, "Changed")
	w.shows("Level 1: all of Bob, Root in Feishu and 卡罗")
	w.showsChinese("Bob、Root全部（飞书审批），以及 卡罗")
	r := w.alice.Press(w.live(w.web, w.room), "approvers", 0)
	if got := r.Form.Fields[0].Value[0]; got != "lark: all of Bob, Root + any of 卡罗" {
		t.Errorf("the form shows %q", got)
	}
	w.wantWhisper(w.alice.Say(w.room, "submit #1"), "approvals.lark in slipway.yaml")
	w.rules.Outside = []slipway.ApprovalType{slipway.LarkApproval}
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("0 of 3", "🕓 Being asked in Feishu · since", "asked there: Bob, Root", "✋ Asked: 卡罗")

	w.sees(slipway.Sighting{State: slipway.QuestionOpen, Said: []slipway.Opinion{w.opinion(w.bob, true, "fine")}})
	card := w.shows("1 of 3", "🕓 Waiting for approval in Feishu", "Open in Feishu", "✅ Bob approved in Feishu", "fine")
	w.showsChinese("等待飞书审批", "在飞书中打开", "✅ Bob 已在飞书通过")
	if !slices.ContainsFunc(bottest.Actions(card.Card), func(a bot.Action) bool {
		return a.Label == "Open in Feishu" && a.URL == "https://feishu.example.com/i-1"
	}) {
		t.Error("there is no button that opens it")
	}
	w.wantWhisper(w.bob.Say(w.room, "approve #1"), "Decide there: https://feishu.example.com/i-1")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Bob approved in Feishu (1/3)")
	w.wantWhisper(w.alice.Say(w.room, "ask again #1"), "ask again is not possible now")

	// Somebody withdraws it there.
	w.sees(slipway.Sighting{State: slipway.QuestionWithdrawn})
	w.shows("❗ Withdrawn in Feishu; nobody is asked there now")
	w.showsChinese("❗ 飞书审批已被撤回，目前无人审批", "重新发起审批")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "ask_again", 0), bot.ToastDone, "")
	w.shows("🕓 Being asked in Feishu")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Alice asked again for the approval in Feishu")

	w.sees(slipway.Sighting{State: slipway.QuestionApproved, Said: []slipway.Opinion{w.opinion(w.bob, true, ""), w.opinion(w.root, true, "")}})
	w.shows("✅ Approved in Feishu")
	w.wantToast(w.carol.Say(w.room, "approve #1"), bot.ToastDone, "")
	w.is(slipway.Executing)
}

func TestWhereTheApproversAreAskedIsChosenInTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.alice.Say(w.room, "new payments approvers=bob")
	field := func() *bot.Field {
		r := w.alice.Press(w.live(w.web, w.room), "approvers", 0)
		i := slices.IndexFunc(r.Form.Fields, func(f bot.Field) bool { return f.Name == "approval.type" })
		if i < 0 {
			return nil
		}
		return &r.Form.Fields[i]
	}
	if f := field(); f != nil {
		t.Errorf("there is a choice of %+v", f.Options)
	}
	w.rules.Outside = []slipway.ApprovalType{slipway.LarkApproval, slipway.DingTalkApproval}
	if f := field(); f == nil || len(f.Options) != 3 || f.Value[0] != "native" || f.Options[2].Label != "DingTalk" {
		t.Fatalf("the choice is %+v", f)
	}
	w.wantToast(w.alice.Say(w.room, "approvers #1 钉钉：任一 Bob、卡罗"), bot.ToastDone, "Changed")
	if a := w.plan(1).Approval; a.Levels != nil || a.Type != slipway.DingTalkApproval || a.Needed != 1 || field().Value[0] != "dingtalk" {
		t.Errorf("the approval is %+v", a)
	}
	w.alice.Say(w.room, "add #1 announce")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("Approval", "in DingTalk", "asked there: Bob, 卡罗")
}

func TestAQuestionSaysWhatThereIsToKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Outside = []slipway.ApprovalType{slipway.LarkApproval}
	w.alice.Say(w.room, "new payments description='With **care**'")
	w.alice.Say(w.room, "add #1 announce")
	w.alice.Say(w.room, "add #1 deploy workflow=pay project=shop param.version=4.2")
	w.alice.Say(w.room, "window #1 2026-11-24 22:00 to 23:30")
	w.alice.Say(w.room, "approvers #1 lark: any of Bob; then lark: all of Bob, 卡罗")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	p := w.plan(1)
	people := map[string]*slipway.User{w.alice.User.ID: w.alice.User, w.bob.User.ID: w.bob.User}
	q := bot.NewQuestion(p, &p.Approval.Outside[0], people, "https://slipway.example.com/plans/1")
	if q.Title != "#1 payments" || q.Lang != slipway.English || q.Asker.Email != "alice@example.com" || len(q.Nodes) != 2 || !q.Nodes[1].All ||
		q.Nodes[0].Approvers[0].Email != "bob@example.com" || q.Nodes[1].Approvers[1].Name != "卡罗" || q.Nodes[0].Name == "" {
		t.Errorf("the question is %+v", q)
	}
	var text strings.Builder
	for _, d := range q.Details {
		text.WriteString(d.Label + ": " + d.Text + "\n")
	}
	for _, part := range []string{
		"Release plan: #1 payments\n", "Manager: Alice\n", "Window: 2026-11-24 22:00 – 23:30 UTC+8\n",
		"Items: 1. announce\n2. deploy (local: shop/pay)\n   version=4.2\n", "Description: With **care**\n", "/plans/1\n",
	} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("it does not say %q:\n%s", part, text.String())
		}
	}
}
