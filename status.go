package slipway

// Phase is where a plan stands, apart from open gates.
type Phase string

// The phases.
const (
	PhasePlanning       Phase = "planning"
	PhaseFinishPlanning Phase = "finish_planning"
	PhaseApproval       Phase = "wait_for_approval"
	PhaseExecuting      Phase = "executing"
	PhaseDenied         Phase = "denied"
	PhaseTimeout        Phase = "timeout"
	PhaseSuccess        Phase = "success"
	PhaseCancel         Phase = "cancel"
)

// Status is one of the fourteen documented words.
type Status string

// The documented statuses. The first eight are phases; the other six are a phase
// with a gate that is open or has failed.
const (
	Planning                  Status = "planning"
	FinishPlanning            Status = "finish_planning"
	WaitForApproval           Status = "wait_for_approval"
	Executing                 Status = "executing"
	Denied                    Status = "denied"
	Timeout                   Status = "timeout"
	Success                   Status = "success"
	Cancelled                 Status = "cancel"
	WaitFinishPlanning        Status = "wait_for_finish_planning_external_check"
	WaitExecute               Status = "wait_for_execute_external_check"
	WaitAllDone               Status = "wait_for_all_done_external_check"
	FinishPlanningCheckFailed Status = "wait_for_finish_planning_external_check_failed"
	ExecuteCheckFailed        Status = "wait_for_execute_external_check_failed"
	AllDoneCheckFailed        Status = "wait_for_all_done_external_check_failed"
)

// Statuses lists the fourteen documented words in the order of a plan's life.
func Statuses() []Status {
	return []Status{
		Planning, WaitFinishPlanning, FinishPlanningCheckFailed, FinishPlanning, WaitForApproval, Denied,
		WaitExecute, ExecuteCheckFailed, Executing, WaitAllDone, AllDoneCheckFailed, Success, Timeout, Cancelled,
	}
}

// ParseStatus reads a status word. The other version of the document writes
// "finished_planning"; both are understood.
func ParseStatus(word string) (Status, bool) {
	if word == "finished_planning" {
		return FinishPlanning, true
	}
	for _, s := range Statuses() {
		if string(s) == word {
			return s, true
		}
	}
	return "", false
}

// Text names the status for people.
func (s Status) Text() Text {
	switch s {
	case Planning:
		return T("Planning", "规划中")
	case FinishPlanning:
		return T("Planned", "规划完成")
	case WaitForApproval:
		return T("Waiting for approval", "等待审批")
	case Executing:
		return T("Executing", "执行中")
	case Denied:
		return T("Denied", "已拒绝")
	case Timeout:
		return T("Timed out", "已超时")
	case Success:
		return T("Success", "成功")
	case Cancelled:
		return T("Cancelled", "已取消")
	case WaitFinishPlanning:
		return T("Waiting for the outside check of the planning", "等待规划完成的外部检测")
	case WaitExecute:
		return T("Waiting for the outside check before executing", "等待执行的外部检测")
	case WaitAllDone:
		return T("Waiting for the outside check of the finished items", "等待发布项全部完成的外部检测")
	case FinishPlanningCheckFailed:
		return T("Outside check of the planning failed", "等待规划完成的外部检测失败")
	case ExecuteCheckFailed:
		return T("Outside check before executing failed", "等待执行的外部检测失败")
	case AllDoneCheckFailed:
		return T("Outside check of the finished items failed", "等待发布项全部完成的外部检测失败")
	}
	return T(string(s), string(s))
}

// Over tells whether nothing can follow.
func (s Status) Over() bool { return s == Success || s == Cancelled }

// Text names the item status for people.
func (s ItemStatus) Text() Text {
	switch s {
	case Todo:
		return T("to do", "未开始")
	case Running:
		return T("running", "运行中")
	case Done:
		return T("done", "已完成")
	case Skipped:
		return T("skipped", "已跳过")
	case Failed:
		return T("failed", "失败")
	}
	return T(string(s), string(s))
}

// Status derives the documented word from phase and gate.
func (p *Plan) Status() Status {
	if p.Gate == nil {
		return Status(p.Phase)
	}
	failed := p.Gate.State == GateFailed
	switch p.Gate.Event {
	case EventFinishPlanning:
		if failed {
			return FinishPlanningCheckFailed
		}
		return WaitFinishPlanning
	case EventStartExecute:
		if failed {
			return ExecuteCheckFailed
		}
		return WaitExecute
	case EventAllJobDone:
		if failed {
			return AllDoneCheckFailed
		}
		return WaitAllDone
	}
	return Status(p.Phase)
}
