package bot_test

import (
	"errors"
	"strings"
	"testing"

	"slipway"
	"slipway/bot"
)

// named is a plan that any of Root and the user group S0OPS approves.
func named(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.slack.Groups = map[string][]string{"S0OPS": {"Bob", "U-carol", "Alice"}}
	w.alice.Say(w.room, "new payments")
	w.alice.Say(w.room, "add #1 announce")
	w.wantToast(w.alice.Say(w.room, "approvers #1 any of slack:S0OPS, root@example.com"), bot.ToastDone, "Changed")
	return w
}

func TestARuleNamesAUserGroup(t *testing.T) {
	t.Parallel()
	w := named(t)
	w.shows("▫️ Level 1: any of Root, slack:S0OPS")
	r := w.alice.Press(w.live(w.web, w.room), "approvers", 0)
	if r.Form == nil || r.Form.Fields[0].Value[0] != "any of Root, slack:S0OPS" {
		t.Fatalf("the form is %+v", r.Form)
	}
	w.wantToast(w.alice.Say(w.room, "approvers #1 any of Root, slack:S0OPS"), bot.ToastInfo, "Nothing changed")

	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("Level 1: any of Root, Bob, 卡罗, Alice", "✋ Asked: Root, Bob, 卡罗") // Alice manages it
	w.wantToast(w.carol.Say(w.room, "通过 #1"), bot.ToastDone, "执行中")

	// The group is looked up anew whenever the plan is submitted; new members become users.
	w.alice.Say(w.room, "replan #1 more")
	w.shows("▫️ Level 1: any of Root, slack:S0OPS")
	w.alice.Say(w.room, "add #1 more")
	w.slack.Groups["S0OPS"] = []string{"dora", "Bob"}
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("Level 1: any of Root, dora, Bob")
	w.wantWhisper(w.carol.Say(w.room, "通过 #1"), "只有审批人")
	w.wantToast(w.slack.Person("dora", nil).Say(w.zhRoom, "approve #1"), bot.ToastDone, "Executing")

	// A copy names the group, not those who are in it now.
	w.wantToast(w.alice.Say(w.room, "copy #1 again"), bot.ToastDone, "#2")
	if g := w.plan(2).Approval.Levels[0].Groups[0]; len(g.Approvers) != 1 || len(g.From) != 1 || g.Found != nil {
		t.Errorf("the copy has %+v", g)
	}
}

func TestAGroupThatCannotBeLookedUpHoldsTheSubmission(t *testing.T) {
	t.Parallel()
	w := named(t)
	w.slack.People = map[string]bot.Person{"U-x": {Name: "Xaver"}}
	seq := w.plan(1).Seq
	for part, groups := range map[string]map[string][]string{
		"slack:S0OPS has nobody who could be asked":         {"S0OPS": {}},
		"There is no slack:S0OPS in Slack":                  {},
		"Xaver, who is in slack:S0OPS, has no Slipway user": {"S0OPS": {"Bob", "U-x"}},
	} {
		w.slack.Groups = groups
		w.wantWhisper(w.alice.Say(w.room, "submit #1"), part)
	}
	w.slack.GroupsFail = errors.New("connection refused")
	r := w.alice.Say(w.room, "submit #1")
	w.wantWhisper(r, "Slack cannot tell at the moment who is in slack:S0OPS")
	if strings.Contains(textOf(*r.Whisper), "refused") {
		t.Errorf("the cause is told to people: %s", textOf(*r.Whisper))
	}
	if p := w.plan(1); p.Seq != seq || p.Status() != slipway.Planning {
		t.Errorf("the plan is %s, seq %d", p.Status(), p.Seq)
	}
	w.slack.GroupsFail, w.slack.Groups = nil, map[string][]string{"S0OPS": {"Bob"}}
	w.alice.Say(w.room, "approvers #1 3 of slack:S0OPS, root@example.com")
	w.wantWhisper(w.alice.Say(w.room, "submit #1"), "3 approvals are needed, but there are only 2 people")
	w.alice.Say(w.room, "approvers #1 all of slack:S0OPS; then 任一 slack:S0OPS、root@example.com")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("✋ Level 1: Bob", "▫️ Level 2: any of Root, Bob")
}

func TestADepartmentOfFeishuIsNamed(t *testing.T) {
	t.Parallel()
	w := named(t)
	w.feishu.Groups = map[string][]string{"od-1a2b": {"dora"}}
	w.feishu.People, w.slack.People = map[string]bot.Person{"ops": {Name: "ops"}}, map[string]bot.Person{"s0123": {Name: "s0123"}}
	for said, part := range map[string]string{
		"approvers #1 any of feishu:ops":        "ops has no Slipway user yet",
		"approvers #1 any of slack:s0123":       "s0123 has no Slipway user yet",
		"approvers #1 feishu:od-1a2b, Bob":      "any of feishu:od-1a2b",
		"approvers #1 0 of feishu:od-1a2b, Bob": "any, all or a number",
	} {
		r := w.alice.Say(w.room, said)
		if r.Whisper == nil || !strings.Contains(textOf(*r.Whisper), part) {
			t.Errorf("%q is answered with %+v", said, r)
		}
	}
	w.wantToast(w.alice.Say(w.room, "审批人 #1 任一 feishu:od-1a2b"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("✋ Level 1: dora", "✋ Asked: dora")
}
