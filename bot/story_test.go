package bot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/commands"
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

func TestAFormMakesAPlanAndNamesEveryFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.alice.Say(w.room, "new")
	r := w.alice.Fill(bot.Values{
		"start_time": {"tomorrow"}, "approval.approvers": {w.bob.Account, "nobody"}, "approval.needed_approvers": {"many"},
		"jobs": {""}, "jobs[0].name": {"a"}, "jobs[0].type": {"text"}, "jobs[1].name": {"a"}, "jobs[1].type": {"workflow"},
		"jobs[1].spec.params": {"x"},
	})
	var fields []string
	for f := range r.FieldErrors {
		fields = append(fields, f)
	}
	slices.Sort(fields)
	want := []string{
		"approval.approvers", "approval.needed_approvers", "jobs[1].name", "jobs[1].spec.params", "jobs[1].spec.workflow", "name", "start_time",
	}
	if !slices.Equal(fields, want) {
		t.Errorf("faults in %q, want %q: %v", fields, want, r.FieldErrors)
	}
	r = w.alice.Fill(bot.Values{
		"name": {"payments"}, "approval.approvers": {w.bob.Account}, "start_time": {"1795500000"}, "description": {"# Why\n\nbecause"},
		"jobs": {""}, "jobs[0].name": {"announce"}, "jobs[0].type": {"text"}, "jobs[0].spec.content": {"Tell them"}, "jobs[0].manager": {w.bob.Account},
		"jobs[1].name": {"deploy"}, "jobs[1].type": {"workflow"}, "jobs[1].spec.engine": {"local"}, "jobs[1].spec.workflow": {"d"},
		"jobs[1].spec.params": {"version=4.2\nnote=\"two\\nlines\""},
	})
	w.wantToast(r, bot.ToastDone, "Created #1 payments.")
	p := w.plan(1)
	if p.Items[0].Owner.Name != "Bob" || p.Items[1].Workflow.Params["note"] != "two\nlines" || p.StartTime != 1795500000 || p.Approval.Needed != 1 {
		t.Errorf("plan: %+v, %+v", p, p.Items[1].Workflow)
	}

	// The form of the same plan, sent as it is, changes nothing.
	w.alice.Press(w.live(w.web, w.room), "edit", 0)
	w.wantToast(w.alice.Fill(bot.Values{"jobs": {""}}), bot.ToastInfo, "Nothing changed")
	// An editor that does not show the items leaves them alone; one that shows none removes them.
	w.alice.Press(w.live(w.web, w.room), "edit", 0)
	form := w.alice.Form()
	if len(form.Fields[len(form.Fields)-1].Entries) != 2 {
		t.Errorf("the editor starts with %v", form.Fields[len(form.Fields)-1].Entries)
	}
	if got := w.plan(1); len(got.Items) != 2 || got.Version != p.Version {
		t.Errorf("%d items, version %d", len(got.Items), got.Version)
	}
}

func TestItemsAreEditedOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.prepare()
	card := w.live(w.web, w.room)
	w.alice.Press(card, "add", 0)
	w.wantToast(w.alice.Fill(bot.Values{"name": {"watch"}, "spec.content": {"the graphs"}}), bot.ToastDone, "Changed")
	card = w.live(w.web, w.room)
	w.alice.Press(card, "edit_item", 2)
	if r := w.alice.Fill(bot.Values{"name": {"watch"}}); r.FieldErrors["name"] == "" {
		t.Errorf("two items have one name: %+v", r)
	}
	w.wantToast(w.alice.Fill(bot.Values{"name": {"roll out"}}), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "move #1 watch 1"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "edit #1 3 param.version=4.3"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "remove", 2), bot.ToastDone, "Changed")
	p := w.plan(1)
	if len(p.Items) != 2 || p.Items[0].Name != "watch" || p.Items[1].Name != "roll out" || p.Items[1].Workflow.Params["version"] != "4.3" {
		t.Errorf("items: %+v %+v", p.Items[0], p.Items[1])
	}
}

func TestPlanDocumentsMakeAndReplacePlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantToast(w.alice.Say(w.room, "new\n```yaml\nname: payments\njobs:\n  - {name: a, type: text, spec: {content: b}}\n```"), bot.ToastDone, "Created #1")
	w.wantToast(w.alice.Say(w.room, "edit #1\nname: invoices\njobs: []"), bot.ToastDone, "Changed #1 invoices")
	w.wantWhisper(w.alice.Say(w.room, "new\nname: x\nmanager: nobody\ncolour: red"), "colour")
	w.wantWhisper(w.alice.Say(w.room, "new\nname: x\nmanager: nobody\ncolour: red"), "manager")
}

func TestWindowScheduleAndApproversAreSetByVerb(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantToast(w.alice.Say(w.room, "new p"), bot.ToastDone, "#1")
	w.wantToast(w.alice.Say(w.room, "window #1 2026-11-24 22:00 to 2026-11-25 02:00"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "schedule #1 2026-11-24 22:05"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "approvers #1 Bob, carol@example.com needed=2"), bot.ToastDone, "Changed")
	p := w.plan(1)
	if got := time.Unix(p.StartTime, 0).UTC().Format(time.DateTime); got != "2026-11-24 14:00:00" || p.EndTime-p.StartTime != 4*3600 {
		t.Errorf("window from %s, %d s", got, p.EndTime-p.StartTime)
	}
	if p.ScheduleExecuteTime-p.StartTime != 300 || p.Approval.Needed != 2 || len(p.Approval.Approvers) != 2 {
		t.Errorf("schedule %d, approval %+v", p.ScheduleExecuteTime, p.Approval)
	}
	w.wantWhisper(w.alice.Say(w.room, "window #1 sometime to 22:00"), "not a time that is understood")
	w.wantWhisper(w.alice.Say(w.room, "approvers #1 Zoe"), "Zoe")
	w.wantToast(w.alice.Say(w.room, "窗口期 #1 无"), bot.ToastDone, "Changed")
	if w.plan(1).EndTime != 0 {
		t.Error("the window is still there")
	}
}

func TestNoSettingIsDroppedSilently(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	for text, part := range map[string]string{
		"edit #1 workflow=x":                         "workflow= does not belong here",
		"edit #1 2 window=none":                      "window= does not belong here",
		"edit #1 name=a name=b":                      "name= is given twice",
		"new a name=b":                               "name= is given twice",
		"window #1 22:00 to 23:00 end=23:30":         "window= is given twice",
		"edit #1 something else name=x":              "has no item",
		"approvers #1 Bob approvers=Bob":             "approvers= is given twice",
		"edit #1 manager=zoe description=x needed=y": "zoe",
		"new p schedule=25:99":                       "not a time that is understood",
		"add #1 x param.a=1":                         "workflow",
	} {
		if r := w.alice.Say(w.room, text); r.Whisper == nil || !strings.Contains(textOf(*r.Whisper), part) {
			t.Errorf("%q is answered without %q: %+v", text, part, r)
		}
	}
	if p := w.plan(1); p.Name != "payments 4.2" || p.Version != 3 {
		t.Errorf("something was changed: version %d of %s", p.Version, p.Name)
	}
}

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

// office is an endpoint that is asked before the execution.
var office = slipway.Endpoint{
	Name: "change-office", URL: "https://change.example.com", Wait: true, Deadline: 24 * time.Hour,
	Events: []slipway.Event{slipway.EventStartExecute},
}

// answers gives the office's answer to the open question.
func (w *world) answers(result slipway.Result, text string) {
	w.t.Helper()
	w.settle()
	p := w.plan(1)
	w.now = w.now.Add(time.Minute)
	req := slipway.Request{
		ID: "callback:" + w.now.String(), Actor: slipway.Actor{Kind: slipway.Receiver, ID: office.Name, Name: office.Name}, At: w.now,
		Rand: &counter{n: byte(w.now.Minute()) + 100}, Rules: w.rules,
	}
	_, err := w.store.Change(w.t.Context(), req, p.ID, func(p *slipway.Plan) (*slipway.Change, error) {
		return p.Answer(req, slipway.Answer{
			Event: slipway.EventStartExecute, Code: p.Gate.Waits[0].Code, Result: result, Reason: text, Description: text,
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestTheCardShowsWhoIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = []slipway.Endpoint{office}
	w.alice.Say(w.room, "new payments")
	w.alice.Say(w.room, "add #1 announce")
	w.alice.Say(w.room, "submit #1")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "start", 0), bot.ToastDone, "It is now: Waiting for the outside check before executing.")
	w.answers(slipway.ResultExecuting, "reading it")
	text := textOf(w.live(w.web, w.room).Card)
	for _, part := range []string{
		"⏳ Waiting for change-office (check before executing), asked 2026-11-24 14:00 UTC, answer due by 2026-11-25 14:00 UTC",
		"change-office reports 2026-11-24 14:01 UTC · “reading it”",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
	w.answers(slipway.ResultFailed, "too risky")
	if text := textOf(w.live(w.slack, w.zhRoom).Card); !strings.Contains(text, "change-office 的执行前检测未通过") || !strings.Contains(text, "too risky") {
		t.Errorf("the failure is not told:\n%s", text)
	}
	w.wantWhisper(w.alice.Say(w.room, "hooks #1"), "asks for an answer")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "ask_again", 0), bot.ToastDone, "Asked the outside systems again")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "override", 0), bot.ToastRefused, "Only an admin")
	w.root.Press(w.live(w.web, w.room), "override", 0)
	w.wantToast(w.root.Fill(bot.Values{"comment": {"by phone"}}), bot.ToastDone, "Executing")
	if text := textOf(w.live(w.web, w.room).Card); !strings.Contains(text, "⚠️ Root overrode the check before executing") {
		t.Errorf("the override is not told:\n%s", text)
	}
	w.wantToast(w.alice.Say(w.room, "cancel #1 no more"), bot.ToastDone, "Cancelled")
	w.wantWhisper(w.alice.Say(w.room, "start #1"), "`copy` makes a new plan from it")
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
