package bot

import (
	"slices"
	"strings"

	"slipway"
)

// EntryLine tells one entry of the operation log in a language, beginning with its
// time.
func EntryLine(e slipway.Entry, lang slipway.Lang) Line {
	l := Line{moment(e.At / 1000), plain(" · "), plain(entryText(e).In(lang))}
	if said := entrySaid(e).In(lang); said != "" {
		l = l.add(plain(slipway.T(": ", "：").In(lang)), quote(said))
	}
	if len(e.Data.Changes) > 0 {
		changes := shorten(strings.Join(e.Data.Changes, "; "), maxChangesSaid)
		l = l.add(faint(slipway.T(" · changed since: %s", " · 改动：%s", changes).In(lang)))
	}
	if len(e.Data.Kept) > 0 {
		l = l.add(faint(slipway.T(" · approved as it is before by %s", " · 内容与之前一致，%s的审批继续有效", nameList(e.Data.Kept)).In(lang)))
	}
	if e.From != "" && e.From != e.To {
		l = l.add(faint(" → " + e.To.Text().In(lang)))
	}
	return l
}

// maxChangesSaid is how much of a workflow's changes a line tells, in characters.
const maxChangesSaid = 160

// entrySaid is what was said with it: a comment, or the reason of the system.
func entrySaid(e slipway.Entry) slipway.Text {
	if e.Comment != "" {
		return slipway.T(oneLine(e.Comment), oneLine(e.Comment))
	}
	if e.Data.Reason != nil {
		return *e.Data.Reason
	}
	return slipway.Text{}
}

// entryText says who did what.
func entryText(e slipway.Entry) slipway.Text {
	by, item, check := actorName(e.Actor.Name), e.ItemName, e.Data.Event.Text()
	switch e.Verb {
	case slipway.VerbCreate:
		if e.Data.CopiedFrom != "" {
			return slipway.T("%s created the plan as a copy", "%s 通过复制创建了发布计划", by)
		}
		return slipway.T("%s created the plan", "%s 创建了发布计划", by)
	case slipway.VerbEdit:
		return editEntryText(e)
	case slipway.VerbSubmit:
		return slipway.T("%s submitted the plan", "%s 提交了发布计划", by)
	case slipway.VerbApprove, slipway.VerbReject, slipway.VerbWithdraw, slipway.VerbTransfer:
		return approvalEntryText(e)
	case slipway.VerbRemind:
		if e.Data.Endpoint != "" {
			return slipway.T("The deadline of the %[2]s by %[1]s is near", "%[1]s 的%[2]s即将到期", e.Data.Endpoint, check)
		}
		return slipway.T("%[1]s reminded %[2]s", "%[1]s 催办了 %[2]s", by, nameList(e.Data.People))
	case slipway.VerbRemindAgain, slipway.VerbEscalate, slipway.VerbExpireApproval, slipway.VerbAskAnew:
		return patienceEntryText(e)
	case slipway.VerbStart:
		return slipway.T("%s started the execution", "%s 开始执行发布计划", by)
	case slipway.VerbExecute:
		return slipway.T("%[1]s executed “%[2]s”", "%[1]s 执行了发布项“%[2]s”", by, item)
	case slipway.VerbComplete:
		return slipway.T("%[1]s completed “%[2]s”", "%[1]s 完成了发布项“%[2]s”", by, item)
	case slipway.VerbSkip:
		return slipway.T("%[1]s skipped “%[2]s”", "%[1]s 跳过了发布项“%[2]s”", by, item)
	case slipway.VerbRetry, slipway.VerbAdopt, slipway.VerbDecide:
		return runMoveText(e)
	case slipway.VerbQuestion:
		return questionEntryText(e)
	case slipway.VerbAskAgain:
		if e.Data.Channel != "" {
			return slipway.T("%[1]s asked again for the approval in %[2]s", "%[1]s 重新发起了%[2]s审批", by, e.Data.Channel.Text())
		}
		return slipway.T("%[1]s asked again for the %[2]s", "%[1]s 重新发起了%[2]s", by, check)
	case slipway.VerbOverride:
		if e.Data.Votes != "" {
			return slipway.T("%[1]s wants to override the %[2]s (%[3]s)", "%[1]s 申请放行%[2]s（%[3]s）", by, check, e.Data.Votes)
		}
		return slipway.T("%[1]s overrode the %[2]s", "%[1]s 放行了%[2]s", by, check)
	case slipway.VerbReplan:
		return leftText(e, slipway.T("%s went back to planning", "%s 重新规划了发布计划", by))
	case slipway.VerbCancel:
		return leftText(e, slipway.T("%s cancelled the plan", "%s 取消了发布计划", by))
	case slipway.VerbAnswer, slipway.VerbExpireGate, slipway.VerbGiveUp, slipway.VerbResend:
		return hookEntryText(e)
	case slipway.VerbTimeout:
		return slipway.T("The window ended", "发布窗口期已结束")
	case slipway.VerbSchedule:
		return scheduleEntryText(e)
	case slipway.VerbRunStarted:
		return slipway.T("The run of “%s” began", "发布项“%s”的工作流开始运行", item)
	case slipway.VerbRunEnded:
		return runEntryText(e)
	case slipway.VerbRunWaits:
		return waitEntryText(e)
	case slipway.VerbRunResumed:
		return slipway.T("The run of “%s” was started again in its engine", "发布项“%s”的工作流已在引擎中重新运行", item)
	}
	return slipway.T("%[1]s: %[2]s", "%[1]s：%[2]s", by, e.Verb.Text())
}

// approvalEntryText says what an approver did, or whoever stood in for one.
func approvalEntryText(e slipway.Entry) slipway.Text {
	by, d := actorName(e.Actor.Name), e.Data
	if d.For != "" {
		by = slipway.T("%[1]s, for %[2]s,", "%[1]s 代 %[2]s", by, d.For)
	}
	// The rest is a transfer.
	//
	//exhaustive:ignore
	switch e.Verb {
	case slipway.VerbApprove:
		return slipway.T("%[1]s approved (%[2]s)", "%[1]s 审批通过（%[2]s）", by, d.Votes)
	case slipway.VerbReject:
		return slipway.T("%s rejected the plan", "%s 拒绝了发布计划", by)
	case slipway.VerbWithdraw:
		return slipway.T("%[1]s took the approval back (%[2]s)", "%[1]s 撤回了审批（%[2]s）", by, d.Votes)
	}
	return slipway.T("%[1]s passed their place as an approver to %[2]s", "%[1]s 将审批转交给了 %[2]s", by, nameList(d.People))
}

// editEntryText says what was edited; items by name where the entry has them.
func editEntryText(e slipway.Entry) slipway.Text {
	d, by := e.Data, actorName(e.Actor.Name)
	did := slipway.T("changed the order of the items", "调整了发布项的顺序")
	switch items := quoteList(d.Items); {
	case d.Result == slipway.ItemsAdded:
		did = slipway.T("added %s", "新增了发布项%s", items)
	case d.Result == slipway.ItemsRemoved:
		did = slipway.T("removed %s", "删除了发布项%s", items)
	case len(d.Items) > 0:
		did = slipway.T("changed %s", "修改了发布项%s", items)
	case !slices.Contains(d.Fields, "jobs"): // and if items have no names, the entry is of an earlier Slipway
		return slipway.T("%[1]s changed %[2]s", "%[1]s 修改了%[2]s", by, fieldTexts(d.Fields))
	}
	others := slices.DeleteFunc(slices.Clone(d.Fields), func(f string) bool { return strings.HasPrefix(f, "jobs") })
	if len(others) == 0 {
		return slipway.T("%[1]s %[2]s", "%[1]s %[2]s", by, did)
	}
	return slipway.T("%[1]s changed %[2]s; %[3]s", "%[1]s 修改了%[2]s；%[3]s", by, fieldTexts(others), did)
}

func hookEntryText(e slipway.Entry) slipway.Text {
	check, endpoint := e.Data.Event.Text(), e.Data.Endpoint
	if e.Data.Advisory {
		check = slipway.T("advice (%[1]s)", "意见征询（%[1]s）", check)
	}
	// The rest is an answer.
	//
	//exhaustive:ignore
	switch e.Verb {
	case slipway.VerbExpireGate:
		return slipway.T("%[1]s did not answer the %[2]s in time", "%[1]s 未在期限内答复%[2]s", endpoint, check)
	case slipway.VerbGiveUp:
		return slipway.T("The hook about the %[2]s could not be delivered to %[1]s", "%[2]s的 Hook 无法送达 %[1]s", endpoint, check)
	case slipway.VerbResend:
		return slipway.T("%[1]s sent the hook about the %[3]s to %[2]s again", "%[1]s 向 %[2]s 重新发送了%[3]s的 Hook", actorName(e.Actor.Name), endpoint, check)
	}
	switch slipway.Result(e.Data.Result) {
	case slipway.ResultSuccess:
		return slipway.T("The %[2]s by %[1]s passed", "%[1]s 的%[2]s已通过", endpoint, check)
	case slipway.ResultFailed:
		return slipway.T("The %[2]s by %[1]s failed", "%[1]s 的%[2]s未通过", endpoint, check)
	case slipway.ResultExecuting:
	}
	return slipway.T("%[1]s reports progress on the %[2]s", "%[1]s 正在进行%[2]s", endpoint, check)
}

func scheduleEntryText(e slipway.Entry) slipway.Text {
	if len(e.Data.Items) == 0 {
		return slipway.T("The scheduled time came", "已到定时执行时间")
	}
	return slipway.T("The schedule executed %s", "定时执行了%s", quoteList(e.Data.Items))
}

func runEntryText(e slipway.Entry) slipway.Text {
	switch slipway.RunStatus(e.Data.Result) {
	case slipway.RunPassed:
		return slipway.T("The run of “%s” passed", "发布项“%s”的工作流运行成功", e.ItemName)
	case slipway.RunTimeout:
		return slipway.T("The run of “%s” timed out", "发布项“%s”的工作流运行超时", e.ItemName)
	case slipway.RunCancelled:
		return slipway.T("The run of “%s” was cancelled", "发布项“%s”的工作流已被取消", e.ItemName)
	case slipway.RunFailed, slipway.RunCreated, slipway.RunRunning:
	}
	return slipway.T("The run of “%s” failed", "发布项“%s”的工作流运行失败", e.ItemName)
}

// runMoveText tells what a person did to a run.
func runMoveText(e slipway.Entry) slipway.Text {
	by, item := actorName(e.Actor.Name), e.ItemName
	switch {
	case e.Verb == slipway.VerbAdopt:
		return slipway.T("%[1]s named the run of “%[2]s”", "%[1]s 为发布项“%[2]s”关联了运行", by, item)
	case e.Verb == slipway.VerbDecide && isYes(&e):
		return slipway.T("%[1]s approved “%[3]s” in the run of “%[2]s”", "%[1]s 在发布项“%[2]s”的运行中同意了“%[3]s”", by, item, e.Data.Job)
	case e.Verb == slipway.VerbDecide:
		return slipway.T("%[1]s rejected “%[3]s” in the run of “%[2]s”", "%[1]s 在发布项“%[2]s”的运行中拒绝了“%[3]s”", by, item, e.Data.Job)
	case e.Data.Result == slipway.ResultChanged:
		return slipway.T("%[1]s retried “%[2]s”, whose workflow had changed once more: nothing was started",
			"%[1]s 重试了发布项“%[2]s”，但其工作流再次改动，未启动", by, item)
	case len(e.Data.Changes) > 0:
		return slipway.T("%[1]s accepted the changed workflow of “%[2]s” and retried it", "%[1]s 接受了发布项“%[2]s”的工作流改动并重试", by, item)
	}
	return slipway.T("%[1]s retried “%[2]s”", "%[1]s 重试了发布项“%[2]s”", by, item)
}

// waitEntryText tells that a run waits for people, or no longer does. What it waits for
// is said beside it.
func waitEntryText(e slipway.Entry) slipway.Text {
	switch {
	case e.Data.Job != "":
		return slipway.T("The engine did not take the answer to “%[2]s” of “%[1]s”", "引擎没有接受对发布项“%[1]s”中“%[2]s”的处理", e.ItemName, e.Data.Job)
	case e.Data.Reason != nil:
		return slipway.T("The run of “%s” waits for a person", "发布项“%s”的工作流正在等待人工处理", e.ItemName)
	}
	return slipway.T("A wait in the run of “%s” is over", "发布项“%s”的工作流的一处等待已结束", e.ItemName)
}

// leftText adds which runs go on in their engines.
func leftText(e slipway.Entry, did slipway.Text) slipway.Text {
	switch left := quoteList(e.Data.Left); len(e.Data.Left) {
	case 0:
		return did
	case 1:
		return slipway.T("%[1]s; the run of %[2]s goes on in its engine", "%[1]s，%[2]s的运行将在引擎中继续", did, left)
	default:
		return slipway.T("%[1]s; the runs of %[2]s go on in their engines", "%[1]s，%[2]s的运行将在各自的引擎中继续", did, left)
	}
}

func quoteList(names []string) slipway.Text {
	texts := make([]slipway.Text, len(names))
	for i, n := range names {
		texts[i] = slipway.T("“%s”", "“%s”", n)
	}
	return slipway.JoinTexts(texts)
}

func nameList(names []string) slipway.Text {
	texts := make([]slipway.Text, len(names))
	for i, n := range names {
		texts[i] = slipway.Text{EN: n, ZH: n}
	}
	return slipway.JoinTexts(texts)
}

// fieldTexts names what an edit changed, each thing once.
func fieldTexts(fields []string) slipway.Text {
	var texts []slipway.Text
	seen := map[string]bool{}
	for _, f := range fields {
		t := fieldText(f)
		if !seen[t.EN] {
			seen[t.EN] = true
			texts = append(texts, t)
		}
	}
	if len(texts) == 0 {
		return slipway.T("the plan", "发布计划")
	}
	return slipway.JoinTexts(texts)
}

// fieldText names a field of a plan by the path that problems and entries use.
func fieldText(path string) slipway.Text {
	switch {
	case path == "name":
		return slipway.T("the name", "名称")
	case path == "manager":
		return slipway.T("the manager", "发布负责人")
	case path == "description":
		return slipway.T("the description", "描述")
	case path == "start_time", path == "end_time":
		return slipway.T("the window", "发布窗口期")
	case path == "schedule_execute_time":
		return slipway.T("the schedule", "定时执行")
	case strings.HasPrefix(path, "jira_sprint_association"):
		return slipway.T("the sprints", "需求关联")
	case strings.HasPrefix(path, "approval"):
		return slipway.T("the approvers", "审批配置")
	case strings.HasPrefix(path, "labels"):
		return slipway.T("the labels", "标签")
	case strings.HasPrefix(path, "jobs"):
		return slipway.T("the items", "发布项")
	}
	return slipway.Text{EN: path, ZH: path}
}

// lastText says in a few words what somebody did last.
func lastText(l slipway.LastMove) slipway.Text {
	did, known := lastTexts[l.Verb]
	if !known {
		did = l.Verb.Text()
	}
	if l.Item != "" {
		return slipway.T("%[1]s %[2]s “%[3]s”", "%[1]s %[2]s“%[3]s”", actorName(l.By), did, l.Item)
	}
	return slipway.T("%[1]s %[2]s", "%[1]s %[2]s", actorName(l.By), did)
}

var lastTexts = map[slipway.Verb]slipway.Text{
	slipway.VerbCreate: {EN: "created it", ZH: "新建"}, slipway.VerbEdit: {EN: "edited it", ZH: "编辑"}, slipway.VerbSubmit: {EN: "submitted it", ZH: "提交"},
	slipway.VerbApprove: {EN: "approved", ZH: "通过"}, slipway.VerbReject: {EN: "rejected it", ZH: "拒绝"}, slipway.VerbStart: {EN: "started it", ZH: "开始执行"},
	slipway.VerbRemind:  {EN: "reminded the approvers", ZH: "催办"},
	slipway.VerbExecute: {EN: "executed", ZH: "执行"}, slipway.VerbComplete: {EN: "completed", ZH: "完成"}, slipway.VerbSkip: {EN: "skipped", ZH: "跳过"},
	slipway.VerbRetry: {EN: "retried", ZH: "重试"}, slipway.VerbAskAgain: {EN: "asked again", ZH: "重新检测"},
	slipway.VerbOverride: {EN: "overrode the check", ZH: "放行"}, slipway.VerbReplan: {EN: "replanned it", ZH: "重新规划"}, slipway.VerbCancel: {EN: "cancelled it", ZH: "取消"},
	slipway.VerbAnswer: {EN: "answered", ZH: "答复"}, slipway.VerbExpireGate: {EN: "ended the wait for the check", ZH: "结束等待外部检测"},
	slipway.VerbGiveUp: {EN: "gave up the hook", ZH: "放弃推送 Hook"}, slipway.VerbResend: {EN: "sent the hook again", ZH: "重新发送 Hook"},
	slipway.VerbTimeout: {EN: "closed the window", ZH: "结束窗口期"}, slipway.VerbSchedule: {EN: "began the scheduled execution", ZH: "定时执行"},
	slipway.VerbRunStarted: {EN: "began the run of", ZH: "开始运行"}, slipway.VerbRunEnded: {EN: "ended the run of", ZH: "结束运行"},
	slipway.VerbAdopt: {EN: "named the run of", ZH: "关联运行"}, slipway.VerbDecide: {EN: "answered the run of", ZH: "处理"},
	slipway.VerbRemindAgain: {EN: "reminded the approvers", ZH: "自动催办"}, slipway.VerbEscalate: {EN: "escalated the approval", ZH: "升级审批"},
	slipway.VerbExpireApproval: {EN: "ended the wait for the approval", ZH: "审批过期"},
	slipway.VerbRunWaits:       {EN: "noted the waits of", ZH: "更新等待状态"}, slipway.VerbRunResumed: {EN: "followed the new run of", ZH: "跟踪重新运行"},
	slipway.VerbQuestion: {EN: "took down news of the approval", ZH: "更新外部审批进展"}, slipway.VerbAskAnew: {EN: "asked for approval anew", ZH: "重新发起审批"},
}
