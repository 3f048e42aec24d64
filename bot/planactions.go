package bot

import (
	"slices"

	"slipway"
)

// The actions that are variants of a verb.
const (
	actionApproveComment ActionID = "approve_comment" // opens the form
	actionCompleteRemark ActionID = "complete_remark" // opens the form
	actionEditItem       ActionID = "edit_item"       // opens the form
	actionResend         ActionID = "resend"          // a delivery
)

// formOf says which form a button opens instead of acting at once.
var formOf = map[ActionID]FormID{
	verbNew: FormNew, verbAway: FormAway, verbEdit: FormEdit, verbAdd: FormAdd, actionEditItem: FormItem, verbWindow: FormWindow,
	verbSchedule: FormSchedule, verbApprovers: FormApprovers, verbSprints: FormSprints, verbCopy: FormCopy,
	actionApproveComment: FormApprove, ActionID(slipway.VerbReject): FormReject, ActionID(slipway.VerbTransfer): FormTransfer,
	actionCompleteRemark: FormComplete, ActionID(slipway.VerbSkip): FormSkip,
	ActionID(slipway.VerbAdopt): FormAdopt, actionDecideNo: FormDecline,
	ActionID(slipway.VerbOverride): FormOverride, ActionID(slipway.VerbReplan): FormReplan, ActionID(slipway.VerbCancel): FormCancel,
}

// planVerbsNow returns the verbs that the viewer may use on the plan now; on a shared
// card, those that anybody may.
func (v View) planVerbsNow(p *slipway.Plan) []slipway.Verb {
	if v.Viewer != nil {
		return p.Allowed(*v.Viewer, v.Rules)
	}
	return p.Possible()
}

// itemVerbsNow does the same for an item.
func (v View) itemVerbsNow(p *slipway.Plan, it *slipway.Item) []slipway.Verb {
	if v.Viewer != nil {
		return p.AllowedItem(*v.Viewer, it)
	}
	return p.ItemVerbs(it)
}

// planActions returns the buttons of a plan, and those for the overflow menu.
func (v View) planActions(p *slipway.Plan) (shown, more []Action) {
	ref := Ref{Plan: p.ID, Version: p.Version}.Encode()
	show := func(a Action) { shown = append(shown, a) }
	hide := func(a Action) { more = append(more, a) }
	over := p.Phase == slipway.PhaseDenied || p.Phase == slipway.PhaseTimeout
	for _, verb := range v.planVerbsNow(p) {
		a := v.button(ActionID(verb), ref)
		switch verb {
		case slipway.VerbStart, slipway.VerbAskAgain:
			a.Style = Primary
			if p.Gate == nil && verb == slipway.VerbAskAgain {
				a.Label = v.say(slipway.T("Ask again", "重新发起审批"))
			}
			show(a)
		case slipway.VerbSubmit:
			a.Style = Primary
			shown = slices.Insert(shown, 0, a) // before edit
		case slipway.VerbApprove:
			a.Style, a.Confirm = Primary, v.approveConfirm(p)
			show(a)
			hide(v.button(actionApproveComment, ref))
		case slipway.VerbReject:
			a.Style = Danger
			show(a)
		case slipway.VerbEdit:
			show(a)
			show(v.button(verbAdd, ref))
			hide(v.button(verbWindow, ref))
			hide(v.button(verbSchedule, ref))
			hide(v.button(verbApprovers, ref))
		case slipway.VerbReplan:
			if over {
				a.Style = Primary
				show(a)
				continue
			}
			hide(a)
		case slipway.VerbWithdraw, slipway.VerbTransfer, slipway.VerbRemind:
			hide(a)
		case slipway.VerbOverride, slipway.VerbCancel:
			a.Style = Danger
			hide(a)
		case slipway.VerbCreate, slipway.VerbExecute, slipway.VerbComplete, slipway.VerbSkip, slipway.VerbRetry,
			slipway.VerbAdopt, slipway.VerbDecide:
			// Items have buttons of their own.
		case slipway.VerbAnswer, slipway.VerbExpireGate, slipway.VerbGiveUp, slipway.VerbTimeout, slipway.VerbSchedule,
			slipway.VerbRunStarted, slipway.VerbRunEnded, slipway.VerbRunWaits, slipway.VerbRunResumed, slipway.VerbResend,
			slipway.VerbRemindAgain, slipway.VerbEscalate, slipway.VerbExpireApproval, slipway.VerbQuestion, slipway.VerbAskAnew:
			// Not verbs of people.
		}
	}
	shown = append(shown, v.questionLinks(p)...)
	hide(v.button(verbCopy, Ref{Plan: p.ID}.Encode()))
	hide(v.button(verbLog, Ref{Plan: p.ID}.Encode()))
	hide(v.button(verbHooks, Ref{Plan: p.ID}.Encode()))
	return shown, more
}

func (v View) itemActions(p *slipway.Plan, it *slipway.Item) (shown, more []Action) {
	about := Ref{Plan: p.ID, Item: it.ID, Version: p.Version}
	ref := about.Encode()
	for _, verb := range v.itemVerbsNow(p, it) {
		// The others need no more than a click.
		//
		//exhaustive:ignore
		switch verb {
		case slipway.VerbDecide:
			shown = append(shown, v.waitActions(it, about)...)
			continue
		case slipway.VerbAdopt:
			shown = append(shown, v.adoptAction(it, about))
			continue
		case slipway.VerbRetry:
			shown = append(shown, v.retryAction(it, about))
			continue
		}
		a := v.button(ActionID(verb), ref)
		if verb != slipway.VerbSkip {
			a.Style = Primary
		}
		shown = append(shown, a)
		if verb == slipway.VerbComplete {
			more = append(more, v.button(actionCompleteRemark, ref))
		}
	}
	if slices.Contains(v.planVerbsNow(p), slipway.VerbEdit) {
		remove := v.button(verbRemove, ref)
		remove.Style = Danger
		remove.Confirm = v.confirm(slipway.T("Remove item", "删除发布项"),
			slipway.T("Remove item %[1]d “%[2]s” from the plan?", "从发布计划中删除发布项 %[1]d“%[2]s”？", p.ItemNumber(it.ID), shorten(it.Name, 80)),
			slipway.T("Remove", "删除"))
		more = append(more, v.button(actionEditItem, ref), remove)
	}
	return shown, more
}

func (v View) button(id ActionID, value string) Action {
	_, form := formOf[id]
	return Action{ID: id, Value: value, Label: v.say(buttonText(id)), Form: form}
}

// maxConfirmed is the most characters of a question asked before an action.
const maxConfirmed = 280

func (v View) confirm(title, text, yes slipway.Text) *Confirm {
	return &Confirm{Title: v.say(title), Text: shorten(v.say(text), maxConfirmed), Yes: v.say(yes), No: v.say(slipway.T("Back", "返回"))}
}

// buttonText is the label of an action.
func buttonText(id ActionID) slipway.Text {
	if t, ok := buttonTexts[id]; ok {
		return t
	}
	return slipway.T(string(id), string(id))
}

var buttonTexts = map[ActionID]slipway.Text{
	verbNew: {EN: "New plan", ZH: "新建发布计划"}, verbEdit: {EN: "Edit", ZH: "编辑"}, verbAdd: {EN: "Add item", ZH: "添加发布项"},
	verbWindow: {EN: "Window", ZH: "发布窗口期"}, verbSchedule: {EN: "Schedule", ZH: "定时执行"}, verbApprovers: {EN: "Approvers", ZH: "审批人"},
	verbCopy: {EN: "Copy", ZH: "复制"}, verbLog: {EN: "Log", ZH: "操作日志"}, verbHooks: {EN: "Hooks", ZH: "推送记录"},
	verbAway: {EN: "Be away …", ZH: "设置休假"},
	verbShow: {EN: "Show", ZH: "查看"}, verbHelp: {EN: "Help", ZH: "帮助"}, verbRemove: {EN: "Remove", ZH: "删除"},
	"submit": {EN: "Submit", ZH: "提交"}, "approve": {EN: "Approve", ZH: "通过"}, "reject": {EN: "Reject", ZH: "拒绝"},
	"start": {EN: "Start", ZH: "开始执行"}, "execute": {EN: "Execute", ZH: "执行"}, "complete": {EN: "Complete", ZH: "完成"},
	"skip": {EN: "Skip", ZH: "跳过"}, "retry": {EN: "Retry", ZH: "重试"}, "ask_again": {EN: "Ask again", ZH: "重新检测"},
	"withdraw": {EN: "Withdraw approval", ZH: "撤回审批"}, "transfer": {EN: "Pass approval on", ZH: "转交审批"},
	"remind": {EN: "Remind approvers", ZH: "催办"}, verbHome: {EN: "Home", ZH: "主页"}, verbLink: {EN: "Link this account", ZH: "关联此账号"}, verbHours: {EN: "Working hours", ZH: "工作时间"},
	"adopt": {EN: "It did start", ZH: "已启动，关联运行"}, "decide": {EN: "Answer", ZH: "处理"},
	"override": {EN: "Override check", ZH: "放行"}, "replan": {EN: "Replan", ZH: "重新规划"}, "cancel": {EN: "Cancel plan", ZH: "取消发布计划"},
	actionApproveComment: {EN: "Approve with comment", ZH: "通过并填写意见"}, actionCompleteRemark: {EN: "Complete with remark", ZH: "完成并填写备注"},
	verbSprints: {EN: "Sprints", ZH: "关联需求"}, actionEditItem: {EN: "Edit item", ZH: "编辑发布项"}, actionResend: {EN: "Send again", ZH: "重新发送"},
}
