package bot

import (
	"context"
	"strings"
	"unicode"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// deed is one verb of the domain, to be done.
type deed struct {
	verb slipway.Verb
	plan *slipway.Plan
	item *slipway.Item // nil for a verb of the plan
	text string        // comment, remark or reason; for adopt, which run it is; for submit, what is open
	seen int64         // plan version that the person saw, 0 if typed

	job     string // decide: where the run waits; "" for the only place
	approve bool   // decide
	accept  string // retry: the digest of the change that the person saw; submit: see acceptOpen
}

func (d *deed) itemID() string {
	if d.item == nil {
		return ""
	}
	return d.item.ID
}

// perform does it.
func (b *Bot) perform(ctx context.Context, v *visit, d deed) (storage.Outcome, error) {
	ask, id, c := v.ask(d.seen), d.plan.ID, b.Commands
	switch d.verb {
	case slipway.VerbSubmit:
		ask.Comment = d.text
		return c.Submit(ctx, ask, id)
	case slipway.VerbApprove:
		return c.Approve(ctx, ask, id, d.text)
	case slipway.VerbReject:
		return c.Reject(ctx, ask, id, d.text)
	case slipway.VerbWithdraw:
		return c.Withdraw(ctx, ask, id, d.text)
	case slipway.VerbRemind:
		return c.Remind(ctx, ask, id)
	case slipway.VerbStart:
		return c.Start(ctx, ask, id)
	case slipway.VerbExecute:
		return c.Execute(ctx, ask, id, d.itemID())
	case slipway.VerbComplete:
		return c.Complete(ctx, ask, id, d.itemID(), d.text)
	case slipway.VerbSkip:
		return c.Skip(ctx, ask, id, d.itemID(), d.text)
	case slipway.VerbRetry:
		return c.Retry(ctx, ask, id, d.itemID(), d.accept)
	case slipway.VerbAdopt:
		return c.Adopt(ctx, ask, id, d.itemID(), d.text)
	case slipway.VerbDecide:
		return c.Decide(ctx, ask, id, d.itemID(), d.job, d.approve, d.text)
	case slipway.VerbAskAgain:
		return c.AskAgain(ctx, ask, id, names(d.text)...)
	case slipway.VerbOverride:
		return c.Override(ctx, ask, id, d.text)
	case slipway.VerbReplan:
		return c.Replan(ctx, ask, id, d.text)
	case slipway.VerbCancel:
		return c.Cancel(ctx, ask, id, d.text)
	case slipway.VerbCreate, slipway.VerbEdit, slipway.VerbTransfer, slipway.VerbAnswer, slipway.VerbExpireGate, slipway.VerbGiveUp, slipway.VerbTimeout, slipway.VerbSchedule,
		slipway.VerbRunStarted, slipway.VerbRunEnded, slipway.VerbRunWaits, slipway.VerbRunResumed, slipway.VerbResend,
		slipway.VerbRemindAgain, slipway.VerbEscalate, slipway.VerbExpireApproval, slipway.VerbQuestion, slipway.VerbAskAnew:
		// They take more than a text, or are not for people.
	}
	return storage.Outcome{}, slipway.Refuse(slipway.Invalid, "%s cannot be done this way.", "不能以这种方式“%s”。", d.verb.Text())
}

// names takes a list of names apart.
func names(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",，、", r) })
}

// probe tells whether a deed would be refused, so that nobody is asked for a reason in
// vain. Nothing is changed.
func (b *Bot) probe(v *visit, d deed) error {
	const why = "." // whoever must give a reason will
	p := d.plan.Clone()
	req := slipway.Request{
		ID: "probe", Actor: v.user.Actor(), At: b.Now().In(v.zone), Version: d.seen, Rand: b.Rand, Rules: b.Commands.Rules(),
	}
	var err error
	switch d.verb {
	case slipway.VerbApprove:
		_, err = p.Vote(req, true, why)
	case slipway.VerbReject:
		_, err = p.Vote(req, false, why)
	case slipway.VerbWithdraw:
		_, err = p.Withdraw(req, why)
	case slipway.VerbTransfer:
		err = p.MayTransfer(req)
	case slipway.VerbComplete:
		_, err = p.Complete(req, d.itemID(), why)
	case slipway.VerbSkip:
		_, err = p.Skip(req, d.itemID(), why)
	case slipway.VerbAdopt:
		_, err = p.Adopt(req, d.itemID(), why, why)
	case slipway.VerbDecide:
		_, err = p.Decide(req, d.itemID(), d.job, d.approve, why)
	case slipway.VerbOverride:
		_, err = p.Override(req, why)
	case slipway.VerbReplan:
		_, err = p.Replan(req, why)
	case slipway.VerbCancel:
		_, err = p.Cancel(req, why)
	case slipway.VerbEdit:
		_, err = p.Edit(req, p.Draft())
	case slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbRemind, slipway.VerbStart, slipway.VerbExecute, slipway.VerbRetry, slipway.VerbAskAgain,
		slipway.VerbAnswer, slipway.VerbExpireGate, slipway.VerbGiveUp, slipway.VerbTimeout, slipway.VerbSchedule,
		slipway.VerbRunStarted, slipway.VerbRunEnded, slipway.VerbRunWaits, slipway.VerbRunResumed, slipway.VerbResend,
		slipway.VerbRemindAgain, slipway.VerbEscalate, slipway.VerbExpireApproval, slipway.VerbQuestion, slipway.VerbAskAnew:
		// Nothing is asked before these.
	}
	if commands.IsUnchanged(err) {
		return nil
	}
	return err
}

// done says what came of a deed. To a click it also answers with the card as it is now.
func (b *Bot) done(ctx context.Context, v *visit, out storage.Outcome) Reply {
	r := Reply{Toast: &Toast{Kind: ToastDone, Text: v.say(doneText(out))}}
	if out.Entry == nil {
		r.Toast.Kind = ToastInfo
	}
	r.Card = b.fresh(ctx, v, out.Plan)
	return r
}

// fresh is the card that was clicked, as it is now; nil if nothing was clicked. A card
// of everybody stays one; any other is made for the person. Live cards outside the
// console are left to Repaint.
func (b *Bot) fresh(ctx context.Context, v *visit, p *slipway.Plan) *Card {
	if v.ev.Kind != Click && v.ev.Kind != Submission || v.ev.Msg.ID == "" || p == nil || v.card != nil {
		return nil
	}
	view := b.view(v)
	if v.ev.From.Platform == Web {
		_, err := b.Store.CardAt(ctx, string(Web), v.ev.Msg.Room.ID, v.ev.Msg.ID)
		if err == nil {
			view, err = b.roomView(ctx, v.ev.Msg.Room)
		}
		if err != nil && slipway.CodeOf(err) != slipway.NotFound {
			// The deed is done; the card's task will show it.
			b.log(ctx, v, "find clicked card", err)
			return nil
		}
	}
	card, err := b.planCard(ctx, p, view)
	if err != nil {
		b.log(ctx, v, "show clicked card", err)
		return nil
	}
	return &card
}

// glimpse is what is known of a plan beside itself, for its cards.
type glimpse struct {
	runs    map[string]*storage.Glance
	sprints map[int64]*slipway.SprintLook
	times   slipway.Times
}

func (b *Bot) glance(ctx context.Context, p *slipway.Plan) (g glimpse, err error) {
	if g.runs, err = b.Store.Glances(ctx, p); err != nil {
		return g, err
	}
	if g.sprints, err = b.Store.Sprints(ctx, p); err != nil {
		return g, err
	}
	g.times, err = b.Commands.Times(ctx, p)
	return g, err
}

func (g glimpse) show(v *View) { v.Runs, v.Sprints, v.Times = g.runs, g.sprints, g.times }

// planCard shows a plan with what is known of its runs and sprints by now.
func (b *Bot) planCard(ctx context.Context, p *slipway.Plan, view View) (Card, error) {
	seen, err := b.glance(ctx, p)
	if err != nil {
		return Card{}, err
	}
	seen.show(&view)
	return PlanCard(p, view), nil
}

// leave takes from a reply to a click what would change a live card: the answer could
// overtake a newer update. A click that is refused was made on a card that looks older
// than it is: it gets painted again.
func (b *Bot) leave(ctx context.Context, v *visit, r Reply) Reply {
	if v.card == nil {
		return r
	}
	r.Card = nil
	if len(r.FieldErrors) == 0 && (r.Toast == nil || r.Toast.Kind == ToastDone) {
		return r
	}
	now := b.Now()
	err := b.Store.StaleCard(ctx, *v.card, now)
	if err == nil {
		err = b.Store.WantCards(ctx, v.card.PlanID, now)
	}
	if err != nil {
		b.log(ctx, v, "paint clicked card", err)
	}
	return r
}

// doneText says to a person what they did.
func doneText(out storage.Outcome) slipway.Text {
	p, e := out.Plan, out.Entry
	if e == nil {
		return slipway.T("Nothing changed: %s was like this already.", "没有变化：%s 已是如此。", planTitle(p))
	}
	if said, ok := runDoneText(p, e); ok {
		return said
	}
	what := slipway.T("%[1]s %[2]s.", "%[1]s %[2]s。", didTexts[e.Verb], planTitle(p))
	if e.ItemName != "" {
		what = slipway.T("%[1]s “%[2]s” of %[3]s.", "%[1]s %[3]s 的发布项“%[2]s”。", didTexts[e.Verb], e.ItemName, planTitle(p))
	}
	if e.Verb == slipway.VerbCreate && len(p.Items) == 0 {
		return slipway.T("%[1]s Next, add what is to be done: “Add item” on its card, or type: add #%[2]d …",
			"%[1]s接下来请添加发布项：点击卡片上的“添加发布项”，或输入“添加 #%[2]d …”。", what, p.Index)
	}
	if e.Verb == slipway.VerbRemind {
		return slipway.T("Reminded %[2]s of %[1]s.", "已提醒 %[2]s 审批 %[1]s。", planTitle(p), nameList(e.Data.People))
	}
	if e.Verb == slipway.VerbTransfer {
		return slipway.T("Passed to %[2]s: the decision on %[1]s.", "已将 %[1]s 的审批转交给 %[2]s。", planTitle(p), nameList(e.Data.People))
	}
	if e.Verb == slipway.VerbResend {
		return slipway.T("Sent to %s again.", "已向 %s 重新发送。", e.Data.Endpoint)
	}
	if e.From != "" && e.From != e.To {
		what = slipway.T("%[1]s It is now: %[2]s.", "%[1]s当前状态：%[2]s。", what, e.To.Text())
	}
	if (e.Verb == slipway.VerbApprove || e.Verb == slipway.VerbWithdraw) && e.From == e.To {
		what = slipway.T("%[1]s %[2]s approvals.", "%[1]s已有 %[2]s 人通过。", what, e.Data.Votes)
	}
	return what
}

// runDoneText says the same of what is done to a run.
func runDoneText(p *slipway.Plan, e *slipway.Entry) (slipway.Text, bool) {
	switch {
	case e.Verb == slipway.VerbAdopt:
		return slipway.T("The run is followed now, for “%[1]s” of %[2]s.", "已关联运行，将继续跟踪 %[2]s 的发布项“%[1]s”。", e.ItemName, planTitle(p)), true
	case e.Verb == slipway.VerbDecide && isYes(e):
		return slipway.T("Approved “%[1]s” in “%[2]s” of %[3]s. The engine is being told.", "已同意 %[3]s 的发布项“%[2]s”中的“%[1]s”，正在通知引擎。",
			e.Data.Job, e.ItemName, planTitle(p)), true
	case e.Verb == slipway.VerbDecide:
		return slipway.T("Rejected “%[1]s” in “%[2]s” of %[3]s. The engine is being told.", "已拒绝 %[3]s 的发布项“%[2]s”中的“%[1]s”，正在通知引擎。",
			e.Data.Job, e.ItemName, planTitle(p)), true
	}
	return slipway.Text{}, false
}

// isYes tells whether an answer to a run was a yes.
func isYes(e *slipway.Entry) bool { return e.Data.Result == string(slipway.ApprovalPassed) }

var didTexts = map[slipway.Verb]slipway.Text{
	slipway.VerbCreate: {EN: "Created", ZH: "已新建"}, slipway.VerbEdit: {EN: "Changed", ZH: "已修改"}, slipway.VerbSubmit: {EN: "Submitted", ZH: "已提交"},
	slipway.VerbApprove: {EN: "Approved", ZH: "已通过"}, slipway.VerbReject: {EN: "Rejected", ZH: "已拒绝"}, slipway.VerbStart: {EN: "Started", ZH: "已开始执行"},
	slipway.VerbRemind:   {EN: "Reminded the approvers of", ZH: "已提醒审批人："},
	slipway.VerbWithdraw: {EN: "Took the approval back from", ZH: "已撤回审批："},
	slipway.VerbExecute:  {EN: "Started", ZH: "已开始执行"}, slipway.VerbComplete: {EN: "Completed", ZH: "已完成"}, slipway.VerbSkip: {EN: "Skipped", ZH: "已跳过"},
	slipway.VerbRetry: {EN: "Restarted", ZH: "已重试"}, slipway.VerbAskAgain: {EN: "Asked the outside systems again about", ZH: "已重新发起检测"},
	slipway.VerbOverride: {EN: "Overrode the check on", ZH: "已放行"}, slipway.VerbReplan: {EN: "Replanned", ZH: "已重新规划"}, slipway.VerbCancel: {EN: "Cancelled", ZH: "已取消"},
}
