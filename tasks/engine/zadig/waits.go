package zadig

import (
	"encoding/json"

	"slipway"
	"slipway/tasks/engine"
)

// waits lists the points at which a run waits for people.
func (v *view) waits(t *task) []engine.Wait {
	var list []engine.Wait
	for i := range t.Stages {
		stage := &t.Stages[i]
		if t.Status == "pause" && stage.paused() {
			list = append(list, stageWait(stage, v.paused))
		}
		for j := range stage.Jobs {
			if job := &stage.Jobs[j]; folded(job.Status) == engine.Waiting {
				list = append(list, v.jobWait(t, job))
			}
		}
	}
	return list
}

func (s *taskStage) paused() bool {
	return s.Status == "pause" && s.ManualExec != nil && s.ManualExec.Enabled && !s.ManualExec.Executed
}

// stageWait is a stage that somebody has to start.
func stageWait(stage *taskStage, paused *pause) engine.Wait {
	executors := stage.ManualExec.Users
	w := engine.Wait{Job: stage.Name}
	if paused != nil {
		executors, w.Answerable = paused.Executors, paused.CanExecute
	}
	w.For = slipway.T("Stage “%[1]s” waits for %[2]s to start it.", "阶段“%[1]s”等待 %[2]s 手动执行。", stage.Name, people(executors))
	return w
}

func (v *view) jobWait(t *task, j *taskJob) engine.Wait {
	w := engine.Wait{Job: v.name(t, j)}
	switch j.Status {
	case "wait_for_approval":
		var spec approval
		// What is not readable is an approval somewhere else.
		_ = json.Unmarshal(j.Spec, &spec)
		w.Answerable = spec.answerable()
		var approvers []person
		if spec.Native != nil {
			approvers = spec.Native.Users
		}
		if w.Answerable {
			w.For = slipway.T("Approval “%[1]s” waits for %[2]s.", "审批“%[1]s”等待 %[2]s 处理。", w.Job, people(approvers))
		} else {
			w.For = slipway.T("Approval “%[1]s” waits in %[2]s.", "审批“%[1]s”正在 %[2]s 中等待处理。", w.Job, spec.where())
		}
	case "wait_for_manual_error_handling":
		var deciders []person
		if j.ErrorPolicy != nil {
			deciders = j.ErrorPolicy.Users
		}
		w.For = slipway.T("Job “%[1]s” failed; %[2]s must say in Zadig whether to go on.", "任务“%[1]s”失败，等待 %[2]s 在 Zadig 中决定是否继续。",
			w.Job, people(deciders))
	default:
		w.For = slipway.T("Job “%s” is held at a breakpoint of its debugging in Zadig.", "任务“%s”停在 Zadig 的调试断点处。", w.Job)
	}
	return w
}

// answerable tells whether the API takes decisions on an approval: only on Zadig's own.
func (a *approval) answerable() bool {
	return a.Native != nil && (a.Type == "native" || a.Type == "")
}

func (a *approval) where() slipway.Text {
	switch a.Type {
	case "lark":
		return slipway.T("Feishu", "飞书")
	case "lark_intl":
		return slipway.T("Lark", "Lark")
	case "dingtalk":
		return slipway.T("DingTalk", "钉钉")
	case "workwx":
		return slipway.T("WeCom", "企业微信")
	}
	return slipway.T("Zadig", "Zadig")
}

// people lists who may do something.
func people(list []person) slipway.Text {
	var names []slipway.Text
	for _, p := range list {
		switch {
		case p.UserName != "":
			names = append(names, slipway.T(p.UserName, p.UserName))
		case p.GroupName != "":
			names = append(names, slipway.T("group "+p.GroupName, "用户组 "+p.GroupName))
		case p.Type == "task_creator":
			names = append(names, slipway.T("whoever started the run", "运行的发起人"))
		}
	}
	if len(names) == 0 {
		return slipway.T("a person", "相关人员")
	}
	return slipway.JoinTexts(names)
}
