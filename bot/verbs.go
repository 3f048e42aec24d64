package bot

import (
	"fmt"
	"slices"
	"strings"

	"slipway"
)

// Shape says what may follow a verb.
type Shape string

// The shapes. Every plan may be left out in the thread of its card.
const (
	TakesNothing  Shape = "nothing"
	TakesWords    Shape = "words"     // free words: help, list
	TakesPlan     Shape = "plan"      // a plan
	TakesPlanText Shape = "plan text" // a plan and a comment, reason or name
	TakesItem     Shape = "item"      // a plan and an item
	TakesItemText Shape = "item text" // a plan, an item and a remark or reason
	TakesOptions  Shape = "options"   // words and key=value, or a pasted plan document
	TakesPlace    Shape = "place"     // a plan, an item and its new number
)

// Group gathers verbs in help.
type Group string

// The groups, in the order of help.
const (
	GroupPlan     Group = "plan"
	GroupPlanning Group = "planning"
	GroupApproval Group = "approval"
	GroupWork     Group = "work"
	GroupChecks   Group = "checks"
	GroupCourse   Group = "course"
	GroupInfo     Group = "info"
)

// Groups lists the groups.
func Groups() []Group {
	return []Group{GroupPlan, GroupPlanning, GroupApproval, GroupWork, GroupChecks, GroupCourse, GroupInfo}
}

// Text names the group for people.
func (g Group) Text() slipway.Text {
	switch g {
	case GroupPlan:
		return slipway.T("Plans", "发布计划")
	case GroupPlanning:
		return slipway.T("Planning", "规划")
	case GroupApproval:
		return slipway.T("Approval", "审批")
	case GroupWork:
		return slipway.T("Execution", "执行")
	case GroupChecks:
		return slipway.T("Outside checks", "外部检测")
	case GroupCourse:
		return slipway.T("Changing course", "变更与终止")
	case GroupInfo:
		return slipway.T("Looking things up", "查询")
	}
	return slipway.T(string(g), string(g))
}

// VerbRow is one row of the table of verbs.
type VerbRow struct {
	// Name is what people type in English; ID is the same without a space, and the
	// action of the verb's button.
	Name string
	ID   ActionID
	// Aliases are other English words for it; ZH are the Chinese ones, the first of
	// which is its name.
	Aliases []string
	ZH      []string
	Usage   slipway.Text
	Example slipway.Text
	Does    slipway.Text
	Group   Group
	Takes   Shape
	// Move is the domain's verb; "" for a verb that changes nothing.
	Move slipway.Verb
	// Destructive verbs are asked for once more before they are done from a button.
	Destructive bool
}

// Title is the verb in a language, as people type it.
func (r *VerbRow) Title() slipway.Text { return slipway.T(r.Name, r.ZH[0]) }

// Who says who may use the verb, from the table of moves.
func (r *VerbRow) Who() slipway.Text {
	if r.Move == "" || r.Move == slipway.VerbCreate {
		return slipway.T("everybody", "所有人")
	}
	var roles []slipway.Who
	for _, m := range slipway.Moves() {
		for _, w := range m.Who {
			if m.Verb == r.Move && !slices.Contains(roles, w) {
				roles = append(roles, w)
			}
		}
	}
	texts := make([]slipway.Text, len(roles))
	for i, w := range roles {
		texts[i] = w.Text()
	}
	return slipway.JoinTexts(texts)
}

// words returns everything that can be typed for the verb.
func (r *VerbRow) words() []string {
	return slices.Concat([]string{r.Name}, r.Aliases, r.ZH)
}

// VerbRows returns the table of verbs.
func VerbRows() []VerbRow { return slices.Clone(verbRows) }

// verbByID returns the row of an action, nil if it is not a verb's.
func verbByID(id ActionID) *VerbRow {
	for i := range verbRows {
		if verbRows[i].ID == id {
			return &verbRows[i]
		}
	}
	return nil
}

// The verbs that are no moves of the domain, and those that edit a part of a plan.
const (
	verbHelp      ActionID = "help"
	verbNew       ActionID = "new"
	verbList      ActionID = "list"
	verbShow      ActionID = "show"
	verbEdit      ActionID = "edit"
	verbAdd       ActionID = "add"
	verbRemove    ActionID = "remove"
	verbMove      ActionID = "move"
	verbWindow    ActionID = "window"
	verbSchedule  ActionID = "schedule"
	verbApprovers ActionID = "approvers"
	verbSprints   ActionID = "sprints"
	verbCopy      ActionID = "copy"
	verbLog       ActionID = "log"
	verbHooks     ActionID = "hooks"
	verbWhoami    ActionID = "whoami"
	verbHome      ActionID = "home"
	verbLink      ActionID = "link"
	verbAway      ActionID = "away"
	verbHours     ActionID = "hours"
)

// verbRows is the one table of verbs.
var verbRows = slices.Concat(planVerbs, planningVerbs, courseVerbs, infoVerbs)

var planVerbs = []VerbRow{
	{
		Name: "new", ID: verbNew, Aliases: []string{"create"}, ZH: []string{"新建", "创建"}, Group: GroupPlan, Takes: TakesOptions, Move: slipway.VerbCreate,
		Usage:   slipway.T("new [name] [key=value …] | new + plan document", "新建 [名称] [键=值 …] | 新建 + 发布计划文档"),
		Example: slipway.T("new payments 4.2 approvers=bob,carol needed=2", "新建 支付 4.2 审批人=bob、carol 人数=2"),
		Does:    slipway.T("Creates a plan; alone it opens the form. A YAML plan document may be pasted after it.", "新建发布计划；不带参数时打开表单，也可以在后面粘贴 YAML 文档。"),
	},
	{
		Name: "list", ID: verbList, Aliases: []string{"ls", "plans", "find"}, ZH: []string{"列表", "列出", "搜索"}, Group: GroupPlan, Takes: TakesWords,
		Usage:   slipway.T("list [mine | open | a status] [words]", "列表 [我的 | 进行中 | 状态] [关键字]"),
		Example: slipway.T("list mine executing", "列表 我的 执行中"),
		Does:    slipway.T("Lists plans, newest first: mine, those under way, by status, by words in the name.", "列出发布计划，最新的在前；可按“我的”、进行中、状态或名称关键字筛选。"),
	},
	{
		Name: "show", ID: verbShow, Aliases: []string{"view", "get"}, ZH: []string{"查看", "详情"}, Group: GroupPlan, Takes: TakesPlan,
		Usage: slipway.T("show #plan", "查看 #计划"), Example: slipway.T("show #12", "查看 #12"),
		Does: slipway.T("Shows the plan's card here.", "在这里显示发布计划卡片。"),
	},
	{
		Name: "copy", ID: verbCopy, Aliases: []string{"clone", "duplicate"}, ZH: []string{"复制"}, Group: GroupPlan, Takes: TakesPlanText, Move: slipway.VerbCreate,
		Usage: slipway.T("copy #plan [new name]", "复制 #计划 [新名称]"), Example: slipway.T("copy #12 payments 4.3", "复制 #12 支付 4.3"),
		Does: slipway.T("Creates a new plan with the same content.", "用相同内容新建一个发布计划。"),
	},
}

var planningVerbs = []VerbRow{
	{
		Name: "edit", ID: verbEdit, Aliases: []string{"change", "update"}, ZH: []string{"编辑", "修改"}, Group: GroupPlanning, Takes: TakesOptions, Move: slipway.VerbEdit,
		Usage:   slipway.T("edit #plan [item] [key=value …] | edit #plan + plan document", "编辑 #计划 [发布项] [键=值 …] | 编辑 #计划 + 发布计划文档"),
		Example: slipway.T("edit #12 name=\"payments 4.2.1\" manager=alice", "编辑 #12 名称=“支付 4.2.1” 负责人=alice"),
		Does:    slipway.T("Changes a plan or one of its items; alone it opens the form. A pasted plan document replaces the plan.", "修改发布计划或其中一项；不带参数时打开表单，粘贴文档则整体替换。"),
	},
	{
		Name: "add", ID: verbAdd, ZH: []string{"添加", "新增"}, Group: GroupPlanning, Takes: TakesOptions, Move: slipway.VerbEdit,
		Usage:   slipway.T("add #plan name[: what to do] [owner=…] | add #plan name workflow=… [engine=… project=… param.x=…]", "添加 #计划 名称[：内容] [负责人=…] | 添加 #计划 名称 工作流=… [引擎=… 项目=… 参数.x=…]"),
		Example: slipway.T("add #12 announce: Tell the hotline owner=dave", "添加 #12 公告：通知客服热线 负责人=dave"),
		Does:    slipway.T("Adds an item: something a person does, or a workflow; alone it opens the form.", "添加一个发布项：由人完成的文本项或工作流；不带参数时打开表单。"),
	},
	{
		Name: "remove", ID: verbRemove, Aliases: []string{"rm", "delete"}, ZH: []string{"删除", "移除"}, Group: GroupPlanning, Takes: TakesItem, Move: slipway.VerbEdit, Destructive: true,
		Usage: slipway.T("remove #plan item", "删除 #计划 发布项"), Example: slipway.T("remove #12 3", "删除 #12 3"),
		Does: slipway.T("Removes an item from the plan.", "从发布计划中删除一个发布项。"),
	},
	{
		Name: "move", ID: verbMove, Aliases: []string{"mv"}, ZH: []string{"移动", "排序"}, Group: GroupPlanning, Takes: TakesPlace, Move: slipway.VerbEdit,
		Usage: slipway.T("move #plan item number", "移动 #计划 发布项 新序号"), Example: slipway.T("move #12 3 1", "移动 #12 3 1"),
		Does: slipway.T("Puts an item in another place.", "调整发布项的顺序。"),
	},
	{
		Name: "window", ID: verbWindow, ZH: []string{"窗口期", "窗口", "发布窗口期"}, Group: GroupPlanning, Takes: TakesOptions, Move: slipway.VerbEdit,
		Usage:   slipway.T("window #plan start to end | window #plan none", "窗口期 #计划 开始 至 结束 | 窗口期 #计划 无"),
		Example: slipway.T("window #12 2026-11-24 22:00 to 2026-11-25 02:00", "窗口期 #12 2026-11-24 22:00 至 2026-11-25 02:00"),
		Does:    slipway.T("Sets when items may be worked on, in your time zone.", "设置允许操作发布项的时间范围，按您所在的时区。"),
	},
	{
		Name: "schedule", ID: verbSchedule, ZH: []string{"定时", "定时执行"}, Group: GroupPlanning, Takes: TakesOptions, Move: slipway.VerbEdit,
		Usage: slipway.T("schedule #plan time | schedule #plan none", "定时 #计划 时间 | 定时 #计划 无"), Example: slipway.T("schedule #12 2026-11-24 22:05", "定时 #12 2026-11-24 22:05"),
		Does: slipway.T("Sets when the workflow items start by themselves.", "设置工作流发布项自动执行的时间。"),
	},
	{
		Name: "approvers", ID: verbApprovers, Aliases: []string{"approval", "reviewers"}, ZH: []string{"审批人", "审批"}, Group: GroupPlanning, Takes: TakesOptions, Move: slipway.VerbEdit,
		Usage: slipway.T("approvers #plan people [needed=n] [remind=4h escalate=24h escalate_to=people expire=72h] | approvers #plan any of people; then all of people … | approvers #plan none",
			"审批人 #计划 人员 [人数=n] [提醒=4h 升级=24h 升级给=人员 过期=72h] | 审批人 #计划 任一 人员；再 全部 人员 … | 审批人 #计划 无"), Example: slipway.T("approvers #12 bob, carol needed=2", "审批人 #12 bob、carol 人数=2"),
		Does: slipway.T("Sets who must approve, and how many of them; also in levels, one after the other.", "设置审批人以及需要通过的人数，也可以分级依次审批。"),
	},
	{
		Name: "sprints", ID: verbSprints, Aliases: []string{"sprint", "requirements"}, ZH: []string{"关联需求", "需求", "需求关联", "冲刺"}, Group: GroupPlanning, Takes: TakesOptions, Move: slipway.VerbEdit,
		Usage:   slipway.T("sprints #plan add|remove sprint | sprints #plan sprint, sprint | sprints #plan none", "关联需求 #计划 添加|删除 冲刺 | 关联需求 #计划 冲刺、冲刺 | 关联需求 #计划 无"),
		Example: slipway.T("sprints #12 add PAY 42", "关联需求 #12 添加 PAY 42"),
		Does:    slipway.T("Links the Jira sprints whose requirements the release brings, by number or by words of project, board or name.", "关联本次发布所包含需求的 Jira 冲刺，可用编号，也可用项目、看板或名称中的词。"),
	},
	{
		Name: "submit", ID: ActionID(slipway.VerbSubmit), ZH: []string{"提交"}, Group: GroupPlanning, Takes: TakesPlan, Move: slipway.VerbSubmit,
		Usage: slipway.T("submit #plan", "提交 #计划"), Example: slipway.T("submit #12", "提交 #12"),
		Does: slipway.T("Ends the planning and asks for checks and approval.", "结束规划，进入外部检测和审批。"),
	},
	{
		Name: "approve", ID: ActionID(slipway.VerbApprove), Aliases: []string{"accept"}, ZH: []string{"通过", "批准"}, Group: GroupApproval, Takes: TakesPlanText, Move: slipway.VerbApprove,
		Usage: slipway.T("approve #plan [comment]", "通过 #计划 [意见]"), Example: slipway.T("approve #12 rollback tested", "通过 #12 已验证回滚"),
		Does: slipway.T("Agrees to the release.", "同意发布。"),
	},
	{
		Name: "reject", ID: ActionID(slipway.VerbReject), Aliases: []string{"deny", "decline"}, ZH: []string{"拒绝", "驳回"}, Group: GroupApproval, Takes: TakesPlanText, Move: slipway.VerbReject, Destructive: true,
		Usage: slipway.T("reject #plan [why]", "拒绝 #计划 [原因]"), Example: slipway.T("reject #12 no rollback plan", "拒绝 #12 缺少回滚方案"),
		Does: slipway.T("Refuses the release; one rejection is enough.", "拒绝发布；一人拒绝即生效。"),
	},
	{
		Name: "withdraw", ID: ActionID(slipway.VerbWithdraw), Aliases: []string{"take back", "retract"}, ZH: []string{"撤回审批", "撤回"}, Group: GroupApproval, Takes: TakesPlanText, Move: slipway.VerbWithdraw,
		Usage: slipway.T("withdraw #plan [why]", "撤回审批 #计划 [原因]"), Example: slipway.T("withdraw #12 one more look", "撤回审批 #12 再确认一下"),
		Does: slipway.T("Takes your approval back while nothing has started.", "在开始执行之前撤回自己的审批。"),
	},
	{
		Name: "transfer", ID: ActionID(slipway.VerbTransfer), Aliases: []string{"pass on", "reassign"}, ZH: []string{"转交", "转审"}, Group: GroupApproval, Takes: TakesPlanText, Move: slipway.VerbTransfer,
		Usage: slipway.T("transfer #plan to person [why]", "转交 #计划 给 人员 [原因]"), Example: slipway.T("transfer #12 to bob@example.com", "转交 #12 给 bob@example.com"),
		Does: slipway.T("Passes your place as an approver to somebody else; alone it opens the form.", "把自己的审批转交给其他人；不写人员时打开表单。"),
	},
	{
		Name: "remind", ID: ActionID(slipway.VerbRemind), Aliases: []string{"nudge"}, ZH: []string{"催办", "提醒", "催一下"}, Group: GroupApproval, Takes: TakesPlan, Move: slipway.VerbRemind,
		Usage: slipway.T("remind #plan", "催办 #计划"), Example: slipway.T("remind #12", "催办 #12"),
		Does: slipway.T("Reminds the approvers who have not decided yet, at most once in ten minutes.", "提醒尚未表态的审批人，十分钟内最多一次。"),
	},
	{
		Name: "away", ID: verbAway, Aliases: []string{"delegate", "vacation", "ooo"}, ZH: []string{"休假", "委托", "请假"}, Group: GroupApproval, Takes: TakesWords,
		Usage:   slipway.T("away [from time] until time to person | away | away off", "休假 [从 时间] 到 时间 给 人员 | 休假 | 休假 取消"),
		Example: slipway.T("away from 2026-12-01 to 2026-12-05 to carol", "休假 从 2026-12-01 到 2026-12-05 给 carol"),
		Does:    slipway.T("Says who decides in your place while you are away; alone it shows it. Admins add “for bob”.", "指定休假期间代为审批的人；不带参数时查看。管理员可以加上“代 bob”。"),
	},
}

var courseVerbs = []VerbRow{
	{
		Name: "start", ID: ActionID(slipway.VerbStart), Aliases: []string{"begin"}, ZH: []string{"开始", "开始执行"}, Group: GroupWork, Takes: TakesPlan, Move: slipway.VerbStart,
		Usage: slipway.T("start #plan", "开始 #计划"), Example: slipway.T("start #12", "开始 #12"),
		Does: slipway.T("Begins the execution of a plan without approval.", "开始执行无需审批的发布计划。"),
	},
	{
		Name: "execute", ID: ActionID(slipway.VerbExecute), Aliases: []string{"run", "exec"}, ZH: []string{"执行", "运行"}, Group: GroupWork, Takes: TakesItem, Move: slipway.VerbExecute,
		Usage: slipway.T("execute #plan item", "执行 #计划 发布项"), Example: slipway.T("execute #12 2", "执行 #12 2"),
		Does: slipway.T("Runs a workflow item.", "运行一个工作流发布项。"),
	},
	{
		Name: "complete", ID: ActionID(slipway.VerbComplete), Aliases: []string{"done", "finish"}, ZH: []string{"完成"}, Group: GroupWork, Takes: TakesItemText, Move: slipway.VerbComplete,
		Usage: slipway.T("complete #plan item [remark]", "完成 #计划 发布项 [备注]"), Example: slipway.T("complete #12 announce sent at noon", "完成 #12 公告 中午已发送"),
		Does: slipway.T("Says that a text item is done.", "标记文本发布项已完成。"),
	},
	{
		Name: "skip", ID: ActionID(slipway.VerbSkip), ZH: []string{"跳过"}, Group: GroupWork, Takes: TakesItemText, Move: slipway.VerbSkip, Destructive: true,
		Usage: slipway.T("skip #plan item [why]", "跳过 #计划 发布项 [原因]"), Example: slipway.T("skip #12 3 not needed this time", "跳过 #12 3 本次不需要"),
		Does: slipway.T("Leaves an item out; a failed one needs a reason.", "跳过一个发布项；跳过失败的发布项需要填写原因。"),
	},
	{
		Name: "retry", ID: ActionID(slipway.VerbRetry), Aliases: []string{"rerun"}, ZH: []string{"重试"}, Group: GroupWork, Takes: TakesItemText, Move: slipway.VerbRetry,
		Usage: slipway.T("retry #plan item [accept=digest]", "重试 #计划 发布项 [接受=摘要]"), Example: slipway.T("retry #12 2", "重试 #12 2"),
		Does: slipway.T("Runs a failed workflow item again. If its workflow was changed since the plan was submitted, somebody who may approve the plan must accept the change.", "重新运行失败的工作流发布项；如果工作流在提交后有改动，需要由可以审批该计划的人接受改动。"),
	},
	{
		Name: "adopt", ID: ActionID(slipway.VerbAdopt), Aliases: []string{"attach", "follow"}, ZH: []string{"关联", "关联运行"}, Group: GroupWork, Takes: TakesItemText, Move: slipway.VerbAdopt,
		Usage: slipway.T("adopt #plan item run", "关联 #计划 发布项 运行"), Example: slipway.T("adopt #12 2 https://engine.example.com/run/7", "关联 #12 2 https://engine.example.com/run/7"),
		Does: slipway.T("Names the run, by address or number, of an item that may or may not have been started.", "启动结果未知时，用链接或编号指明实际启动的运行。"),
	},
	{
		Name: "decide", ID: ActionID(slipway.VerbDecide), Aliases: []string{"answer", "respond"}, ZH: []string{"处理", "答复"}, Group: GroupWork, Takes: TakesItemText, Move: slipway.VerbDecide,
		Usage: slipway.T("decide #plan item yes|no [job] [comment]", "处理 #计划 发布项 同意|拒绝 [任务] [意见]"), Example: slipway.T("decide #12 2 yes", "处理 #12 2 同意"),
		Does: slipway.T("Answers a run that waits for a person.", "答复正在等待人工处理的运行。"),
	},
	{
		Name: "ask again", ID: ActionID(slipway.VerbAskAgain), Aliases: []string{"recheck"}, ZH: []string{"重新检测", "重新发起检测"}, Group: GroupChecks, Takes: TakesPlanText, Move: slipway.VerbAskAgain,
		Usage: slipway.T("ask again #plan [who]", "重新检测 #计划 [接收方]"), Example: slipway.T("ask again #12", "重新检测 #12"),
		Does: slipway.T("Asks the outside systems of a failed check once more, all or those named; also an approval that was withdrawn or lost in Feishu or DingTalk.",
			"外部检测失败后重新发起检测，可只向指定的接收方发起；也用于重新发起在飞书或钉钉中被撤回或丢失的审批。"),
	},
	{
		Name: "override", ID: ActionID(slipway.VerbOverride), ZH: []string{"放行"}, Group: GroupChecks, Takes: TakesPlanText, Move: slipway.VerbOverride, Destructive: true,
		Usage: slipway.T("override #plan why", "放行 #计划 原因"), Example: slipway.T("override #12 checked by phone", "放行 #12 已电话确认"),
		Does: slipway.T("Goes on without the outside check; log and card say so.", "不等外部检测结果直接继续；日志和卡片会注明。"),
	},
	{
		Name: "replan", ID: ActionID(slipway.VerbReplan), Aliases: []string{"reopen"}, ZH: []string{"重新规划"}, Group: GroupCourse, Takes: TakesPlanText, Move: slipway.VerbReplan, Destructive: true,
		Usage: slipway.T("replan #plan [why]", "重新规划 #计划 [原因]"), Example: slipway.T("replan #12 window moved", "重新规划 #12 窗口期调整"),
		Does: slipway.T("Goes back to planning: runs are cancelled; what is done stays done. Approvals count again only for exactly the same content.", "回到规划中并终止运行中的工作流，已完成的发布项保持完成；只有重新提交的内容完全相同，之前的审批才继续有效。"),
	},
	{
		Name: "cancel", ID: ActionID(slipway.VerbCancel), Aliases: []string{"abort"}, ZH: []string{"取消", "作废"}, Group: GroupCourse, Takes: TakesPlanText, Move: slipway.VerbCancel, Destructive: true,
		Usage: slipway.T("cancel #plan why", "取消 #计划 原因"), Example: slipway.T("cancel #12 shipped with 4.3", "取消 #12 并入 4.3 发布"),
		Does: slipway.T("Ends the plan for good.", "终止发布计划，不可恢复。"),
	},
}

var infoVerbs = []VerbRow{
	{
		Name: "home", ID: verbHome, Aliases: []string{"mine", "inbox"}, ZH: []string{"主页", "首页", "我的", "待办"}, Group: GroupInfo, Takes: TakesNothing,
		Usage: slipway.T("home", "主页"), Example: slipway.T("home", "主页"),
		Does: slipway.T("Shows what concerns you: approvals, your items, your plans, what is running.", "查看与您有关的事项：待审批、您的发布项、您的发布计划和正在执行的发布。"),
	},
	{
		Name: "log", ID: verbLog, Aliases: []string{"history"}, ZH: []string{"日志", "操作日志", "操作记录"}, Group: GroupInfo, Takes: TakesPlan,
		Usage: slipway.T("log #plan", "日志 #计划"), Example: slipway.T("log #12", "日志 #12"),
		Does: slipway.T("Shows who did what, newest first.", "查看操作日志，最新的在前。"),
	},
	{
		Name: "hooks", ID: verbHooks, Aliases: []string{"hook", "deliveries"}, ZH: []string{"推送", "推送记录"}, Group: GroupInfo, Takes: TakesOptions,
		Usage:   slipway.T("hooks [#plan] [replay [who]] [since=…] [until=…]", "推送 [#计划] [重发 [接收方]] [从=…] [至=…]"),
		Example: slipway.T("hooks #12", "推送 #12"),
		Does:    slipway.T("Shows what was sent to outside systems and how they took it; replay sends all again that was given up, or only that of a period.", "查看发给外部系统的 Hook 及其结果；“重发”会重新发送已放弃的推送，可限定时间段。"),
	},
	{
		Name: "whoami", ID: verbWhoami, Aliases: []string{"me"}, ZH: []string{"我是谁", "我"}, Group: GroupInfo, Takes: TakesNothing,
		Usage: slipway.T("whoami", "我是谁"), Example: slipway.T("whoami", "我是谁"),
		Does: slipway.T("Shows who you are to Slipway, with language, time zone and linked accounts.", "查看您在 Slipway 中的身份、语言、时区和已关联的账号。"),
	},
	{
		Name: "hours", ID: verbHours, Aliases: []string{"working hours"}, ZH: []string{"工作时间"}, Group: GroupInfo, Takes: TakesWords,
		Usage:   slipway.T("hours [days times | default] [off dates | off none]", "工作时间 [星期 时段 | 默认] [休假 日期 | 休假 无]"),
		Example: slipway.T("hours Mon-Fri 9-18 off 2026-12-24..2026-12-31", "工作时间 周一至周五 9-18 休假 2026-10-01..2026-10-07"),
		Does:    slipway.T("Sets when you work; reminders of approvals wait for it.", "设置您的工作时间，审批提醒只在工作时间内发送。"),
	},
	{
		Name: "link", ID: verbLink, Aliases: []string{"link account", "connect"}, ZH: []string{"关联账号", "绑定", "绑定账号"}, Group: GroupInfo, Takes: TakesNothing,
		Usage: slipway.T("link", "关联账号"), Example: slipway.T("link", "关联账号"),
		Does: slipway.T("Makes the account you write from that of another Slipway user of yours.", "将当前使用的账号关联到您的另一个 Slipway 用户。"),
	},
	{
		Name: "help", ID: verbHelp, Aliases: []string{"?", "usage"}, ZH: []string{"帮助", "？"}, Group: GroupInfo, Takes: TakesWords,
		Usage: slipway.T("help [verb | #plan]", "帮助 [命令 | #计划]"), Example: slipway.T("help approve", "帮助 通过"),
		Does: slipway.T("Shows what can be typed; for a plan, what is possible now.", "查看可用命令；指定发布计划时，显示现在可以做什么。"),
	},
}

// VerbTable renders the table of verbs as Markdown, for the README.
func VerbTable(lang slipway.Lang) string {
	var b strings.Builder
	b.WriteString(slipway.T("| verb | Chinese | does | who | example |\n", "| 命令 | 英文 | 作用 | 谁可以用 | 示例 |\n").In(lang))
	b.WriteString("| --- | --- | --- | --- | --- |\n")
	other := slipway.Chinese
	if lang == slipway.Chinese {
		other = slipway.English
	}
	for _, g := range Groups() {
		for i := range verbRows {
			if r := &verbRows[i]; r.Group == g {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` |\n",
					r.Title().In(lang), r.Title().In(other), r.Does.In(lang), r.Who().In(lang), r.Example.In(lang))
			}
		}
	}
	return b.String()
}
