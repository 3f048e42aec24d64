package slipway

import "slices"

// Verb is what somebody does to a plan.
type Verb string

// The verbs. The first group are moves of people; the second of outside systems and
// of Slipway itself, which appear in the operation log.
const (
	VerbCreate   Verb = "create"
	VerbEdit     Verb = "edit"
	VerbSubmit   Verb = "submit"
	VerbApprove  Verb = "approve"
	VerbReject   Verb = "reject"
	VerbWithdraw Verb = "withdraw" // take one's approval back
	VerbTransfer Verb = "transfer" // pass one's place as an approver on
	VerbRemind   Verb = "remind"
	VerbStart    Verb = "start"
	VerbExecute  Verb = "execute"
	VerbComplete Verb = "complete"
	VerbSkip     Verb = "skip"
	VerbRetry    Verb = "retry"
	VerbAdopt    Verb = "adopt"  // it did start: this is the run
	VerbDecide   Verb = "decide" // a yes or no to a run that waits for a person
	VerbAskAgain Verb = "ask_again"
	VerbOverride Verb = "override"
	VerbReplan   Verb = "replan"
	VerbCancel   Verb = "cancel"

	VerbAnswer     Verb = "answer"      // an outside system answered a hook
	VerbExpireGate Verb = "expire_gate" // a gate's deadline passed
	VerbGiveUp     Verb = "give_up"     // a hook could not be delivered
	VerbTimeout    Verb = "timeout"     // the window ended
	VerbSchedule   Verb = "schedule"    // the scheduled time came
	VerbRunStarted Verb = "run_started" // the engine has begun
	VerbRunEnded   Verb = "run_ended"   // the engine is done
	VerbRunWaits   Verb = "run_waits"   // the run waits for people, or no longer does
	VerbRunResumed Verb = "run_resumed" // a failed run was started again in the engine's own page
	VerbQuestion   Verb = "question"    // news of what is asked in another approval system
	VerbResend     Verb = "resend"      // a delivery is sent again by hand

	VerbAskAnew Verb = "ask_anew" // what is approved is another now: the outside checks

	// An approval does not come.
	VerbRemindAgain    Verb = "remind_again"    // those who are asked are told again
	VerbEscalate       Verb = "escalate"        // others may decide as well
	VerbExpireApproval Verb = "expire_approval" // the time for it is over
)

// Verbs lists the verbs of people, in the order in which they are offered.
func Verbs() []Verb {
	return []Verb{
		VerbCreate, VerbEdit, VerbSubmit, VerbApprove, VerbReject, VerbWithdraw, VerbTransfer, VerbRemind, VerbStart, VerbExecute, VerbComplete,
		VerbSkip, VerbRetry, VerbAdopt, VerbDecide, VerbAskAgain, VerbOverride, VerbReplan, VerbCancel,
	}
}

// Text is the verb as people type and read it.
func (v Verb) Text() Text {
	if t, ok := verbTexts[v]; ok {
		return t
	}
	return T(string(v), string(v))
}

var verbTexts = map[Verb]Text{
	VerbCreate:     {EN: "new", ZH: "新建"},
	VerbEdit:       {EN: "edit", ZH: "编辑"},
	VerbSubmit:     {EN: "submit", ZH: "提交"},
	VerbApprove:    {EN: "approve", ZH: "通过"},
	VerbReject:     {EN: "reject", ZH: "拒绝"},
	VerbWithdraw:   {EN: "withdraw", ZH: "撤回审批"},
	VerbTransfer:   {EN: "transfer", ZH: "转交"},
	VerbRemind:     {EN: "remind", ZH: "催办"},
	VerbStart:      {EN: "start", ZH: "开始"},
	VerbExecute:    {EN: "execute", ZH: "执行"},
	VerbComplete:   {EN: "complete", ZH: "完成"},
	VerbSkip:       {EN: "skip", ZH: "跳过"},
	VerbRetry:      {EN: "retry", ZH: "重试"},
	VerbAdopt:      {EN: "adopt", ZH: "关联"},
	VerbDecide:     {EN: "decide", ZH: "处理"},
	VerbAskAgain:   {EN: "ask again", ZH: "重新检测"},
	VerbOverride:   {EN: "override", ZH: "放行"},
	VerbReplan:     {EN: "replan", ZH: "重新规划"},
	VerbCancel:     {EN: "cancel", ZH: "取消"},
	VerbAnswer:     {EN: "answer", ZH: "答复"},
	VerbExpireGate: {EN: "check overdue", ZH: "检测超时"},
	VerbGiveUp:     {EN: "hook undeliverable", ZH: "Hook 无法送达"},
	VerbTimeout:    {EN: "window over", ZH: "窗口期结束"},
	VerbSchedule:   {EN: "scheduled execution", ZH: "定时执行"},
	VerbRunStarted: {EN: "run started", ZH: "工作流开始"},
	VerbRunEnded:   {EN: "run ended", ZH: "工作流结束"},
	VerbRunWaits:   {EN: "run waits for a person", ZH: "工作流等待人工处理"},
	VerbRunResumed: {EN: "run resumed", ZH: "工作流恢复运行"},
	VerbResend:     {EN: "send again", ZH: "重新发送"},

	VerbRemindAgain:    {EN: "reminder", ZH: "自动催办"},
	VerbEscalate:       {EN: "escalation", ZH: "审批升级"},
	VerbExpireApproval: {EN: "approval expired", ZH: "审批过期"},
	VerbQuestion:       {EN: "approval elsewhere", ZH: "外部审批"},
	VerbAskAnew:        {EN: "approval of changed checks", ZH: "检测变动后重新审批"},
}

// Who is a role inside a plan.
type Who string

// The roles inside a plan. Collaborators are the owners of items.
const (
	WhoManager      Who = "manager"
	WhoCreator      Who = "creator"
	WhoCollaborator Who = "collaborator"
	WhoOwner        Who = "owner" // of the item in question
	WhoApprover     Who = "approver"
	WhoAdmin        Who = "admin"
	WhoReceiver     Who = "receiver"
	WhoSystem       Who = "system"
)

// Text names the role for people.
func (w Who) Text() Text {
	switch w {
	case WhoManager:
		return T("the manager", "发布负责人")
	case WhoCreator:
		return T("the creator", "创建者")
	case WhoCollaborator:
		return T("the owners of items", "发布项负责人")
	case WhoOwner:
		return T("the item's owner", "该发布项的负责人")
	case WhoApprover:
		return T("the approvers", "审批人")
	case WhoAdmin:
		return T("an admin", "管理员")
	case WhoReceiver:
		return T("the outside system", "外部系统")
	case WhoSystem:
		return T("Slipway itself", "系统")
	}
	return T(string(w), string(w))
}

// Move is one row of the table of moves.
type Move struct {
	From []Status
	Verb Verb
	Who  []Who
	To   []Status
}

// moves is the one table of moves: it refuses moves, chooses buttons, draws
// docs/state.md and drives the exhaustive test.
var moves = slices.Concat(planMoves(), gateMoves(), endMoves())

var leaders = []Who{WhoManager, WhoAdmin}

// What follows a start: the plan executes, unless its gate holds it, or every item
// was done before a re-plan. It starts by itself when it is submitted as it was approved
// before.
var started = []Status{WaitExecute, Executing, WaitAllDone, Success}

func planMoves() []Move {
	workers := []Who{WhoOwner, WhoManager, WhoAdmin}
	worked := []Status{Executing, WaitAllDone, Success}
	return []Move{
		{[]Status{Planning}, VerbEdit, []Who{WhoManager, WhoCreator, WhoCollaborator, WhoAdmin}, []Status{Planning}},
		{[]Status{Planning}, VerbSubmit, leaders, append([]Status{WaitFinishPlanning, FinishPlanning, WaitForApproval}, started...)},
		{[]Status{FinishPlanning}, VerbStart, leaders, started},
		// A plan that lives elsewhere goes on as its event says, so it may be planned only.
		{[]Status{WaitForApproval}, VerbApprove, []Who{WhoApprover}, append([]Status{WaitForApproval, FinishPlanning}, started...)},
		{[]Status{WaitForApproval}, VerbReject, []Who{WhoApprover}, []Status{Denied}},
		{[]Status{WaitForApproval, WaitExecute, ExecuteCheckFailed}, VerbWithdraw, []Who{WhoApprover}, []Status{WaitForApproval}},
		{[]Status{WaitForApproval}, VerbTransfer, []Who{WhoApprover}, []Status{WaitForApproval}},
		{[]Status{WaitForApproval}, VerbRemind, []Who{WhoManager, WhoCreator, WhoAdmin}, []Status{WaitForApproval}},
		{[]Status{WaitForApproval}, VerbRemindAgain, []Who{WhoSystem}, []Status{WaitForApproval}},
		{[]Status{WaitForApproval}, VerbEscalate, []Who{WhoSystem}, []Status{WaitForApproval}},
		{[]Status{WaitForApproval}, VerbExpireApproval, []Who{WhoSystem}, []Status{Denied}},
		// What is asked in another approval system. If it was withdrawn or lost there it is asked again.
		{[]Status{WaitForApproval}, VerbQuestion, []Who{WhoSystem}, append([]Status{WaitForApproval, Denied}, started...)},
		// Where what holds now was approved before, the plan starts.
		{[]Status{WaitForApproval}, VerbAskAnew, []Who{WhoSystem}, append([]Status{WaitForApproval}, started...)},
		{[]Status{WaitForApproval}, VerbAskAgain, leaders, append([]Status{WaitForApproval}, started...)},
		{[]Status{Executing}, VerbExecute, workers, []Status{Executing}},
		{[]Status{Executing}, VerbComplete, workers, worked},
		{[]Status{Executing}, VerbSkip, workers, worked},
		{[]Status{Executing}, VerbRetry, append(workers[:len(workers):len(workers)], WhoApprover), []Status{Executing}},
		{[]Status{Executing}, VerbAdopt, workers, []Status{Executing}},
		{[]Status{Executing}, VerbDecide, workers, []Status{Executing}},
		{[]Status{Executing}, VerbRunEnded, []Who{WhoSystem}, worked},
		{[]Status{Executing}, VerbRunWaits, []Who{WhoSystem}, []Status{Executing}},
		{[]Status{Executing}, VerbRunResumed, []Who{WhoSystem}, []Status{Executing}},
	}
}

// gateMoves are the moves of the three gates: what waits, what has failed, and where
// the held move leads.
func gateMoves() []Move {
	var out []Move
	for _, g := range []struct {
		wait, failed Status
		after        []Status
	}{
		{WaitFinishPlanning, FinishPlanningCheckFailed, append([]Status{FinishPlanning, WaitForApproval}, started...)},
		{WaitExecute, ExecuteCheckFailed, []Status{Executing, WaitAllDone, Success}},
		{WaitAllDone, AllDoneCheckFailed, []Status{Success}},
	} {
		out = append(out,
			// When several are asked and one said no, the others may still answer.
			Move{[]Status{g.wait, g.failed}, VerbAnswer, []Who{WhoReceiver}, append([]Status{g.wait, g.failed}, g.after...)},
			Move{[]Status{g.wait}, VerbExpireGate, []Who{WhoSystem}, []Status{g.failed}},
			Move{[]Status{g.wait}, VerbGiveUp, []Who{WhoSystem}, []Status{g.failed}},
			// If only one of several is asked again, the others' no still stands.
			Move{[]Status{g.failed}, VerbAskAgain, leaders, []Status{g.wait, g.failed}},
			// Where two admins are needed, the first one changes nothing yet.
			Move{[]Status{g.wait}, VerbOverride, []Who{WhoAdmin}, append([]Status{g.wait}, g.after...)},
			Move{[]Status{g.failed}, VerbOverride, []Who{WhoAdmin}, append([]Status{g.failed}, g.after...)},
		)
	}
	return out
}

func endMoves() []Move {
	held := []Status{WaitFinishPlanning, FinishPlanningCheckFailed, WaitExecute, ExecuteCheckFailed, WaitAllDone, AllDoneCheckFailed}
	begun := append([]Status{FinishPlanning, WaitForApproval, Denied, Executing, Timeout}, held...)
	return []Move{
		{[]Status{FinishPlanning, WaitForApproval, WaitExecute, Executing}, VerbTimeout, []Who{WhoSystem}, []Status{Timeout}},
		{begun, VerbReplan, leaders, []Status{Planning}},
		{append([]Status{Planning}, begun...), VerbCancel, leaders, []Status{Cancelled}},
	}
}

// Moves returns the table of moves.
func Moves() []Move { return slices.Clone(moves) }

// VerbsIn returns the verbs that are possible in a status, in the order of Verbs, whoever
// may use them.
func VerbsIn(s Status) []Verb {
	var out []Verb
	for _, verb := range Verbs() {
		if move(s, verb) != nil {
			out = append(out, verb)
		}
	}
	return out
}

// move returns the row for a verb in a status, nil if it is not possible there.
func move(from Status, verb Verb) *Move {
	for i := range moves {
		if moves[i].Verb == verb && slices.Contains(moves[i].From, from) {
			return &moves[i]
		}
	}
	return nil
}

// offered tells whether there is something that a verb of the plan could be done to.
func (p *Plan) offered(verb Verb) bool {
	switch {
	case itemVerb(verb):
		return p.anyItem(verb)
	case verb == VerbWithdraw:
		return p.Approval != nil && len(p.Approval.Votes) > 0
	}
	return true
}

// ItemMove is one row of the table of item moves.
type ItemMove struct {
	Type ItemType
	From ItemStatus
	Verb Verb
	To   ItemStatus
}

var itemMoves = []ItemMove{
	{TextItem, Todo, VerbComplete, Done},
	{TextItem, Todo, VerbSkip, Skipped},
	{WorkflowItem, Todo, VerbExecute, Running},
	{WorkflowItem, Todo, VerbSkip, Skipped},
	{WorkflowItem, Failed, VerbRetry, Running},
	{WorkflowItem, Failed, VerbSkip, Skipped},
	{WorkflowItem, Failed, VerbAdopt, Running},
	{WorkflowItem, Failed, VerbRunResumed, Running},
	{WorkflowItem, Running, VerbDecide, Running},
	{WorkflowItem, Running, VerbRunWaits, Running},
	{WorkflowItem, Running, VerbRunEnded, Done},
	{WorkflowItem, Running, VerbRunEnded, Failed},
}

// ItemMoves returns the table of item moves.
func ItemMoves() []ItemMove { return slices.Clone(itemMoves) }

// itemMove tells whether a verb is possible with an item as it is.
func itemMove(it *Item, verb Verb) bool {
	if verb == VerbAdopt && (it.Workflow == nil || it.Workflow.Doubt != DoubtUnknownStart) {
		return false
	}
	if verb == VerbDecide && (it.Workflow == nil || len(it.Workflow.undecided()) == 0) {
		return false
	}
	return slices.ContainsFunc(itemMoves, func(m ItemMove) bool {
		return m.Type == it.Type && m.From == it.Status && m.Verb == verb
	})
}

// itemVerb tells whether a verb is done to an item rather than to the plan.
func itemVerb(v Verb) bool {
	switch v { //nolint:exhaustive // all others are done to the plan
	case VerbExecute, VerbComplete, VerbSkip, VerbRetry, VerbAdopt, VerbDecide:
		return true
	}
	return false
}
