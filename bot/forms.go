package bot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slipway"
)

// Asker is for whom a form is made, and what can be chosen in it.
type Asker struct {
	Lang    slipway.Lang
	Me      *slipway.User
	People  []Option // all users
	Engines []string
	// Sprints returns the sprints that can be chosen now; nil: Jira is not connected.
	Sprints func() ([]Option, error)
	// Outside are the approval systems that can be chosen beside Slipway itself.
	Outside []slipway.ApprovalType
}

func (a Asker) say(t slipway.Text) string { return t.In(a.Lang) }

// NewForm asks for a new plan.
func (a Asker) NewForm() Form {
	d := slipway.Draft{Manager: a.Me.Ref()}
	return Form{
		ID: FormNew, Lang: a.Lang, Title: a.say(slipway.T("New plan", "新建发布计划")), Submit: a.say(slipway.T("Create plan", "创建")),
		Fields: a.planFields(d),
	}
}

// EditForm asks for all that people decide about a plan.
func (a Asker) EditForm(p *slipway.Plan) Form {
	f := a.planForm(FormEdit, p, slipway.T("Edit %s", "编辑 %s", planNumber(p)), slipway.T("Save", "保存"))
	f.Fields = a.planFields(p.Draft())
	return f
}

// AddForm asks for one more item.
func (a Asker) AddForm(p *slipway.Plan) Form {
	f := a.planForm(FormAdd, p, slipway.T("Add item to %s", "为 %s 添加发布项", planNumber(p)), slipway.T("Add", "添加"))
	f.Fields = a.filled(a.itemFields(), Values{"type": {string(slipway.TextItem)}})
	return f
}

// ItemForm asks for a change of an item.
func (a Asker) ItemForm(p *slipway.Plan, it *slipway.Item) Form {
	f := a.planForm(FormItem, p, slipway.T("Edit item %d", "编辑发布项 %d", p.ItemNumber(it.ID)), slipway.T("Save", "保存"))
	f.Value = Ref{Plan: p.ID, Item: it.ID, Version: p.Version}.Encode()
	f.Fields = a.filled(a.itemFields(), itemValues(it))
	return f
}

// WindowForm asks for the window.
func (a Asker) WindowForm(p *slipway.Plan) Form {
	f := a.planForm(FormWindow, p, slipway.T("Window of %s", "%s 的发布窗口期", planNumber(p)), slipway.T("Save", "保存"))
	f.Fields = a.windowFields(p.Draft())
	return f
}

// ScheduleForm asks for the scheduled time.
func (a Asker) ScheduleForm(p *slipway.Plan) Form {
	f := a.planForm(FormSchedule, p, slipway.T("Schedule of %s", "%s 的定时执行", planNumber(p)), slipway.T("Save", "保存"))
	f.Fields = []Field{a.scheduleField(p.Draft())}
	return f
}

// ApproversForm asks who must approve.
func (a Asker) ApproversForm(p *slipway.Plan) Form {
	f := a.planForm(FormApprovers, p, slipway.T("Approvers of %s", "%s 的审批人", planNumber(p)), slipway.T("Save", "保存"))
	f.Fields = append(a.approvalFields(p.Draft()), a.timeFields(p.Draft())...)
	return f
}

// CopyForm asks for the name of a copy.
func (a Asker) CopyForm(p *slipway.Plan) Form {
	f := a.planForm(FormCopy, p, slipway.T("Copy %s", "复制 %s", planNumber(p)), slipway.T("Create copy", "复制"))
	name := shorten(p.Name, slipway.MaxName-10) + a.say(slipway.T(" (copy)", "（副本）"))
	f.Fields = []Field{{
		Name: "name", Kind: TextField, Label: a.say(slipway.T("Name of the copy", "副本名称")), Required: true, Max: slipway.MaxName, Value: []string{name},
	}}
	return f
}

// SayForm asks for the comment, remark or reason that goes with a verb; it may be nil
// where the verb is not about an item.
func (a Asker) SayForm(id FormID, p *slipway.Plan, it *slipway.Item) Form {
	w := sayWords[id]
	f := a.planForm(id, p, w.title, w.submit)
	f.Danger = w.danger
	f.Intro = []Line{{bold(planTitle(p))}}
	required := w.required
	if it != nil {
		f.Value = Ref{Plan: p.ID, Item: it.ID, Version: p.Version}.Encode()
		f.Intro = append(f.Intro, a.itemLine(p, it))
		required = required || id == FormSkip && it.Status == slipway.Failed
	}
	if w.warn.EN != "" {
		f.Intro = append(f.Intro, Line{plain(a.say(w.warn))})
	}
	f.Fields = []Field{{Name: "comment", Kind: LongField, Label: a.say(w.label), Required: required, Max: slipway.MaxComment}}
	return f
}

// maxRunName is the most characters of what names a run.
const maxRunName = 2000

// AdoptForm asks which run of an item was started.
func (a Asker) AdoptForm(p *slipway.Plan, it *slipway.Item) Form {
	f := a.planForm(FormAdopt, p, slipway.T("Which run is it?", "是哪次运行？"), slipway.T("Follow it", "关联"))
	f.Value = Ref{Plan: p.ID, Item: it.ID, Version: p.Version, Run: it.Workflow.RunID}.Encode()
	f.Intro = []Line{
		{bold(planTitle(p))},
		a.itemLine(p, it),
		{plain(a.say(slipway.T("Look in the engine (%s) for the run that Slipway started. It will be followed as if nothing had happened.",
			"请到引擎（%s）中找到 Slipway 启动的那次运行，关联后将继续跟踪。", workflowName(it.Workflow))))},
	}
	f.Fields = []Field{{
		Name: "run", Kind: TextField, Label: a.say(slipway.T("Its address or its number", "该次运行的链接或编号")), Required: true, Max: maxRunName,
		Placeholder: "https://…/42",
	}}
	return f
}

// DeclineForm asks for the comment that goes with a no to a job that waits.
func (a Asker) DeclineForm(p *slipway.Plan, it *slipway.Item, job string) Form {
	f := a.planForm(FormDecline, p, slipway.T("Reject", "拒绝"), slipway.T("Reject", "拒绝"))
	f.Value = Ref{Plan: p.ID, Item: it.ID, Version: p.Version, Run: it.Workflow.RunID, Job: jobKey(job)}.Encode()
	f.Danger = true
	f.Intro = []Line{
		{bold(planTitle(p))},
		a.itemLine(p, it),
		{plain(a.say(slipway.T("The engine is told no at “%s”. Most engines let the run fail then.", "将在“%s”处拒绝，多数引擎会随之将本次运行置为失败。", job)))},
	}
	f.Fields = []Field{{Name: "comment", Kind: LongField, Label: a.say(slipway.T("Why?", "拒绝原因")), Max: slipway.MaxComment}}
	return f
}

func (a Asker) itemLine(p *slipway.Plan, it *slipway.Item) Line {
	return Line{plain(a.say(slipway.T("Item %[1]d: %[2]s", "发布项 %[1]d：%[2]s", p.ItemNumber(it.ID), it.Name)))}
}

// sayWords are the words of the forms that ask for a comment.
var sayWords = map[FormID]struct {
	title, submit, label, warn slipway.Text
	required, danger           bool
}{
	FormApprove: {
		title: slipway.Text{EN: "Approve", ZH: "审批通过"}, submit: slipway.Text{EN: "Approve", ZH: "通过"}, label: slipway.Text{EN: "Comment", ZH: "审批意见"},
	},
	FormReject: {
		title: slipway.Text{EN: "Reject", ZH: "审批拒绝"}, submit: slipway.Text{EN: "Reject", ZH: "拒绝"}, label: slipway.Text{EN: "Why?", ZH: "拒绝原因"},
		warn: slipway.Text{EN: "One rejection denies the plan.", ZH: "一人拒绝，发布计划即被拒绝。"}, danger: true,
	},
	FormComplete: {
		title: slipway.Text{EN: "Complete item", ZH: "完成发布项"}, submit: slipway.Text{EN: "Complete", ZH: "完成"}, label: slipway.Text{EN: "Remark", ZH: "备注"},
	},
	FormSkip: {
		title: slipway.Text{EN: "Skip item", ZH: "跳过发布项"}, submit: slipway.Text{EN: "Skip", ZH: "跳过"}, label: slipway.Text{EN: "Why?", ZH: "跳过原因"},
		warn: slipway.Text{EN: "A skipped item counts as finished.", ZH: "跳过的发布项视为已结束。"}, danger: true,
	},
	FormOverride: {
		title: slipway.Text{EN: "Override check", ZH: "放行外部检测"}, submit: slipway.Text{EN: "Override", ZH: "放行"}, label: slipway.Text{EN: "Why?", ZH: "放行原因"},
		warn: slipway.Text{EN: "The plan goes on without the outside answer. Log and card will say so.", ZH: "发布计划将不等外部检测结果直接继续，日志和卡片会注明。"}, required: true, danger: true,
	},
	FormReplan: {
		title: slipway.Text{EN: "Back to planning", ZH: "重新规划"}, submit: slipway.Text{EN: "Replan", ZH: "重新规划"}, label: slipway.Text{EN: "Why?", ZH: "原因"},
		warn: slipway.Text{EN: "Running workflows are cancelled; what is done stays done. Whatever is changed needs its approval again.", ZH: "运行中的工作流将被终止，已完成的发布项保持完成；内容有改动则需要重新审批。"}, danger: true,
	},
	FormCancel: {
		title: slipway.Text{EN: "Cancel plan", ZH: "取消发布计划"}, submit: slipway.Text{EN: "Cancel plan", ZH: "确认取消"}, label: slipway.Text{EN: "Why?", ZH: "取消原因"},
		warn: slipway.Text{EN: "This ends the plan for good and cancels running workflows.", ZH: "发布计划将被终止且不可恢复，运行中的工作流将被终止。"}, required: true, danger: true,
	},
}

func (a Asker) planForm(id FormID, p *slipway.Plan, title, submit slipway.Text) Form {
	return Form{ID: id, Lang: a.Lang, Title: a.say(title), Submit: a.say(submit), Value: Ref{Plan: p.ID, Version: p.Version}.Encode()}
}

func (a Asker) planFields(d slipway.Draft) []Field {
	fields := []Field{
		{
			Name: "name", Kind: TextField, Label: a.say(slipway.T("Name", "名称")), Required: true, Max: slipway.MaxName,
			Placeholder: a.say(slipway.T("payments 4.2", "支付 4.2")), Value: one(d.Name),
		},
		a.person("manager", slipway.T("Manager", "发布负责人"), d.Manager, true),
		{
			Name: "description", Kind: MarkdownField, Label: a.say(slipway.T("Description", "描述")), Max: slipway.MaxText,
			Hint: a.say(slipway.T("Markdown", "支持 Markdown")), Value: one(d.Description),
		},
	}
	fields = append(fields, a.windowFields(d)...)
	fields = append(fields, a.scheduleField(d))
	fields = append(fields, a.approvalFields(d)...)
	fields = append(fields, a.sprintsField(d.Jira)...)
	group := Field{
		Name: "jobs", Kind: GroupField, Label: a.say(slipway.T("Items", "发布项")), Max: slipway.MaxItems,
		Hint: a.say(slipway.T("What is to be done, in order.", "按顺序填写要做的事。")), Fields: a.itemFields(),
	}
	for _, it := range d.Items {
		group.Entries = append(group.Entries, itemValues(it))
	}
	return append(fields, group)
}

func (a Asker) windowFields(d slipway.Draft) []Field {
	return []Field{
		{
			Name: "start_time", Kind: TimeField, Label: a.say(slipway.T("Window starts", "窗口期开始")), Value: oneTime(d.StartTime),
			Hint: a.say(slipway.T("Items can be worked on only inside the window. Both ends may be left open.", "只能在窗口期内操作发布项；开始和结束均可留空。")),
		},
		{Name: "end_time", Kind: TimeField, Label: a.say(slipway.T("Window ends", "窗口期结束")), Value: oneTime(d.EndTime)},
	}
}

func (a Asker) scheduleField(d slipway.Draft) Field {
	return Field{
		Name: "schedule_execute_time", Kind: TimeField, Label: a.say(slipway.T("Scheduled execution", "定时执行")), Value: oneTime(d.ScheduleExecuteTime),
		Hint: a.say(slipway.T("Workflow items start by themselves at this time.", "到时间后自动执行工作流发布项。")),
	}
}

func (a Asker) approvalFields(d slipway.Draft) []Field {
	if d.Approval != nil && len(d.Approval.Levels) > 0 {
		return []Field{{
			Name: "approval.levels", Kind: LongField, Label: a.say(slipway.T("Approval levels", "审批级别")), Max: slipway.MaxText,
			Value: []string{typedLevels(d.Approval.Levels, a.Lang)},
			Hint: a.say(slipway.T("One after the other; + joins groups of a level. Nothing: no approval is needed. The plan document gives levels and groups names, too.",
				"按先后顺序填写，用 + 连接同一级的多个审批组；留空表示无需审批。级别和审批组的名称可在发布计划文档中设置。")),
		}}
	}
	var approvers []string
	needed := 1
	if d.Approval != nil {
		needed = d.Approval.Needed
		for _, p := range d.Approval.Approvers {
			approvers = append(approvers, p.ID)
		}
	}
	fields := []Field{
		{
			Name: "approval.approvers", Kind: PeopleField, Label: a.say(slipway.T("Approvers", "审批人")), Value: approvers, Options: a.People, Max: slipway.MaxPersons,
			Hint: a.say(slipway.T("Nobody: no approval is needed. The manager, the creator and the last editor cannot approve.", "留空表示无需审批。负责人、创建者和最后编辑者不能审批。")),
		},
		{
			Name: "approval.needed_approvers", Kind: NumberField, Label: a.say(slipway.T("Approvals needed", "需要通过的人数")),
			Value: []string{strconv.Itoa(needed)}, Max: slipway.MaxPersons,
		},
	}
	return append(fields, a.systemField(d)...)
}

// systemField asks where the approvers are asked, if there is a choice.
func (a Asker) systemField(d slipway.Draft) []Field {
	is := slipway.NativeApproval
	if d.Approval != nil {
		is = d.Approval.Type
	}
	systems := append([]slipway.ApprovalType{slipway.NativeApproval}, a.Outside...)
	if !slices.Contains(systems, is) {
		systems = append(systems, is)
	}
	if len(systems) == 1 {
		return nil
	}
	f := Field{
		Name: "approval.type", Kind: SelectField, Label: a.say(slipway.T("Where to approve", "审批渠道")), Value: []string{string(is)},
		Hint: a.say(slipway.T("Feishu and DingTalk ask any or all of the approvers.", "飞书和钉钉审批仅支持任一或全部审批人。")),
	}
	for _, t := range systems {
		label := t.Text()
		if t == slipway.NativeApproval {
			label = slipway.T("Slipway: chat and console", "Slipway（聊天与控制台）")
		}
		f.Options = append(f.Options, Option{Value: string(t), Label: a.say(label)})
	}
	return []Field{f}
}

func (a Asker) itemFields() []Field {
	text := &ShowWhen{Field: "type", Is: string(slipway.TextItem)}
	workflow := &ShowWhen{Field: "type", Is: string(slipway.WorkflowItem)}
	engines := make([]Option, len(a.Engines))
	for i, e := range a.Engines {
		engines[i] = Option{Value: e, Label: e}
	}
	engine := Field{Name: "spec.engine", Kind: SelectField, Label: a.say(slipway.T("Engine", "引擎")), Options: engines, Show: workflow}
	if len(a.Engines) > 0 {
		engine.Value = []string{a.Engines[0]}
	}
	return []Field{
		{Name: "id", Kind: HiddenField},
		{Name: "name", Kind: TextField, Label: a.say(slipway.T("Name", "名称")), Required: true, Max: slipway.MaxName},
		{
			Name: "type", Kind: SelectField, Label: a.say(slipway.T("Kind", "类型")), Required: true, Value: []string{string(slipway.TextItem)},
			Options: []Option{
				{Value: string(slipway.TextItem), Label: a.say(slipway.T("Text: a person does it", "文本：由人完成"))},
				{Value: string(slipway.WorkflowItem), Label: a.say(slipway.T("Workflow: an engine runs it", "工作流：由引擎运行"))},
			},
		},
		a.person("manager", slipway.T("Owner", "负责人"), slipway.PersonRef{}, false),
		{
			Name: "spec.content", Kind: MarkdownField, Label: a.say(slipway.T("What to do", "内容")), Max: slipway.MaxText,
			Hint: a.say(slipway.T("Markdown", "支持 Markdown")), Show: text,
		},
		engine,
		{Name: "spec.project", Kind: TextField, Label: a.say(slipway.T("Project", "项目")), Max: slipway.MaxName, Show: workflow},
		{Name: "spec.workflow", Kind: TextField, Label: a.say(slipway.T("Workflow", "工作流")), Max: slipway.MaxName, Show: workflow},
		{
			Name: "spec.params", Kind: LongField, Label: a.say(slipway.T("Parameters", "参数")), Show: workflow,
			Hint: a.say(slipway.T("One key=value per line", "每行一个 键=值")), Placeholder: "version=4.2",
		},
	}
}

func (a Asker) person(name string, label slipway.Text, is slipway.PersonRef, required bool) Field {
	return Field{Name: name, Kind: PersonField, Label: a.say(label), Required: required, Value: one(is.ID), Options: a.People}
}

// filled gives the fields what they start with.
func (a Asker) filled(fields []Field, values Values) []Field {
	for i, f := range fields {
		if v, ok := values[f.Name]; ok {
			fields[i].Value = v
		}
	}
	return fields
}

// itemValues are the answers that describe an item.
func itemValues(it *slipway.Item) Values {
	v := Values{"id": one(it.ID), "name": one(it.Name), "type": one(string(it.Type)), "manager": one(it.Owner.ID)}
	if it.Text != nil {
		v["spec.content"] = one(it.Text.Content)
	}
	if w := it.Workflow; w != nil {
		v["spec.engine"], v["spec.project"], v["spec.workflow"] = one(w.Engine), one(w.Project), one(w.Name)
		shown := w.ShownParams()
		lines := make([]string, 0, len(shown))
		for _, k := range sortedKeys(shown) {
			value := shown[k]
			if strings.ContainsAny(value, "\r\n") || strings.HasPrefix(value, `"`) || value != strings.TrimSpace(value) {
				value = strconv.Quote(value)
			}
			lines = append(lines, fmt.Sprintf("%s=%s", k, value))
		}
		v["spec.params"] = one(strings.Join(lines, "\n"))
	}
	return v
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func oneTime(unix int64) []string {
	if unix == 0 {
		return nil
	}
	return []string{strconv.FormatInt(unix, 10)}
}
