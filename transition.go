package slipway

import (
	"slices"
	"time"
)

// Submit ends the planning. prepared holds, per item id, the workflow as its engine
// resolved it just before; it is frozen into the plan.
func (p *Plan) Submit(req Request, prepared map[string]*Workflow) (*Change, error) {
	if err := p.may(req, VerbSubmit); err != nil {
		return nil, err
	}
	was := p.Approval
	if err := p.fit(req); err != nil {
		p.Approval = was
		return nil, err
	}
	for id, w := range prepared {
		if it := p.Item(id); it != nil && it.Workflow != nil {
			it.Workflow.Definition = w
		}
	}
	c := p.newChange(req, VerbSubmit)
	p.PlanningTime = req.At.Unix()
	if p.ScheduleExecuteTime != 0 {
		c.task(req, p, TaskSchedule, "schedule:"+p.ID, maxTime(req.At, p.ScheduleExecuteTime), "")
	}
	p.askJira(req, c, JiraLook)
	p.askJira(req, c, JiraLink)
	p.through(req, c, EventFinishPlanning)
	return p.done(req, c), nil
}

// fit refuses to submit a plan that could not be carried out; all reasons at once. The
// approval has the members of its sources then.
func (p *Plan) fit(req Request) error {
	var f Faults
	if len(p.Items) == 0 {
		f.Add("jobs", "a plan needs at least one item; `add` one", "发布计划至少需要一个发布项，请先“添加”")
	}
	if p.EndTime != 0 && req.At.Unix() > p.EndTime {
		f.Add("end_time", "the window ended at %s; choose a later one", "发布窗口期已于 %s 结束，请重新设置", clock(p.EndTime, req.At.Location()))
	}
	if p.Approval != nil {
		p.Approval = p.Approval.clone()
		before := f.Len()
		if p.Approval.find(req.Members, &f); f.Len() == before {
			p.checkAble(&f, req.Rules)
		}
		p.checkTimes(&f, req.Rules)
	}
	if f.Len() == 0 {
		return nil
	}
	return &Error{
		Code:     Unfit,
		Text:     T("Plan #%[1]d %[2]s cannot be submitted yet.", "发布计划 #%[1]d %[2]s 还不能提交。", p.Index, p.Name),
		Problems: f.list,
	}
}

// enter puts the plan into the phase that an event announces.
func (p *Plan) enter(req Request, ev Event) {
	at := req.At.Unix()
	switch ev {
	case EventFinishPlanning:
		p.Phase, p.FinishPlanningTime = PhaseFinishPlanning, at
	case EventStartExecute:
		p.Phase, p.ExecutingTime = PhaseExecuting, at
	case EventAllJobDone:
		p.Phase, p.SuccessTime = PhaseSuccess, at
	}
}

// follow does what a phase brings with it.
func (p *Plan) follow(req Request, c *Change, ev Event) {
	switch ev {
	case EventFinishPlanning:
		p.watchWindow(req, c)
		if p.Approval != nil {
			p.requestApproval(req, c)
		}
	case EventStartExecute:
		p.watchWindow(req, c)
		if p.ScheduleExecuteTime != 0 && !p.ScheduleFired {
			c.task(req, p, TaskSchedule, "schedule:"+p.ID, maxTime(req.At, p.ScheduleExecuteTime), "")
		}
		p.finishIfDone(req, c)
	case EventAllJobDone:
		c.Drop = append(c.Drop, TaskSchedule, TaskWindow)
		p.askJira(req, c, JiraDone)
	}
}

// watchWindow makes sure that the end of the window is noticed, at once if it is past.
func (p *Plan) watchWindow(req Request, c *Change) {
	if p.EndTime != 0 {
		// The window includes its last second.
		c.task(req, p, TaskWindow, "window:"+p.ID, maxTime(req.At, p.EndTime+1), "")
	}
}

// finishIfDone goes on to the end when no item is left.
func (p *Plan) finishIfDone(req Request, c *Change) {
	if p.Phase != PhaseExecuting || p.Gate != nil {
		return
	}
	for _, it := range p.Items {
		switch it.Status {
		case Done, Skipped:
		case Failed:
			if !req.Rules.ContinueOnFailure {
				return
			}
		case Todo, Running:
			return
		}
	}
	p.through(req, c, EventAllJobDone)
}

// Start begins the execution of a plan without approval.
func (p *Plan) Start(req Request) (*Change, error) {
	if err := p.may(req, VerbStart); err != nil {
		return nil, err
	}
	c := p.newChange(req, VerbStart)
	p.through(req, c, EventStartExecute)
	return p.done(req, c), nil
}

// Replan goes back to planning: the approval is asked for anew, the gate is closed, runs
// are cancelled. Items that are done stay done unless they are edited; approvals count
// again if exactly what they were given for is submitted.
func (p *Plan) Replan(req Request, comment string) (*Change, error) {
	if err := p.may(req, VerbReplan); err != nil {
		return nil, err
	}
	c := p.newChange(req, VerbReplan)
	c.Entry.Comment = comment
	p.stopRuns(req, c, func(it *Item) { it.reset() })
	for _, it := range p.Items {
		if it.Status != Done {
			it.reset()
		}
	}
	p.closeGate(c)
	p.forgetAdvice(c)
	p.Phase, p.Overrides, p.ScheduleFired = PhasePlanning, nil, false
	p.Version++
	p.Round++
	p.InstanceCode = req.hex(16)
	p.PlanningTime = req.At.Unix()
	p.FinishPlanningTime, p.ApprovalTime, p.ExecutingTime, p.SuccessTime = 0, 0, 0, 0
	if p.Approval != nil {
		p.Approval.shelve()
	}
	c.Drop = append(c.Drop, endsWithRound...)
	return p.done(req, c), nil
}

// endsWithRound are the tasks of a plan that a re-plan and a cancel make pointless.
var endsWithRound = []TaskKind{TaskSchedule, TaskWindow, TaskDeadline, TaskPatience, TaskAnswer, TaskRecheck}

// Cancel ends the plan for good.
func (p *Plan) Cancel(req Request, reason string) (*Change, error) {
	if err := p.may(req, VerbCancel); err != nil {
		return nil, err
	}
	if err := needReason(VerbCancel, reason); err != nil {
		return nil, err
	}
	c := p.newChange(req, VerbCancel)
	c.Entry.Comment = reason
	p.stopRuns(req, c, func(it *Item) {
		it.Status, it.Workflow.Wait = Failed, nil
		if req.Rules.LeaveRuns {
			it.Reason = T("The plan was cancelled while it ran; the run goes on in its engine.", "运行期间发布计划被取消，该次运行仍在引擎中继续。")
			return
		}
		it.Workflow.RunStatus = RunCancelled
		it.Reason = T("The plan was cancelled while it ran.", "运行期间发布计划被取消。")
	})
	p.closeGate(c)
	p.dropAdvice(c)
	if p.PlanningTime != 0 {
		p.askJira(req, c, JiraLink) // the links say where the plan stands
	}
	p.Phase, p.CancelReason = PhaseCancel, reason
	c.Drop = append(c.Drop, endsWithRound...)
	return p.done(req, c), nil
}

// stopRuns settles the items of the runs under way and asks for their end, unless they
// are to be left alone.
func (p *Plan) stopRuns(req Request, c *Change, settle func(*Item)) {
	for _, it := range p.Items {
		if it.Status == Running {
			if req.Rules.LeaveRuns {
				c.Entry.Data.Left = append(c.Entry.Data.Left, it.Name)
			} else {
				c.StopRuns = append(c.StopRuns, it.Workflow.RunID)
			}
			settle(it)
		}
	}
}

func (it *Item) reset() {
	it.Status, it.Remark, it.Reason, it.ExecutedBy, it.ExecutedTime = Todo, "", Text{}, "", 0
	if w := it.Workflow; w != nil {
		w.forget()
		if !w.Inline {
			w.Definition = nil // the engine is asked again when the plan is submitted
		}
	}
}

// EndWindow times the plan out when its window is over. In a status that the window
// does not end, or before its end, it is Unchanged.
func (p *Plan) EndWindow(req Request) (*Change, error) {
	if p.EndTime == 0 || req.At.Before(time.Unix(p.EndTime, 0)) || move(p.Status(), VerbTimeout) == nil {
		return nil, Unchanged
	}
	c := p.newChange(req, VerbTimeout)
	p.closeGate(c)
	p.dropAdvice(c)
	p.Phase = PhaseTimeout
	c.Drop = append(c.Drop, TaskSchedule, TaskPatience)
	c.notify(req, p, T("The window of plan #%[1]d %[2]s has ended; the plan timed out.",
		"发布计划 #%[1]d %[2]s 的发布窗口期已结束，计划已超时。", p.Index, p.Name), p.Manager.ID)
	return p.done(req, c), nil
}

// FireSchedule executes, at the scheduled time, every workflow item that is to do.
// If the plan is not executing then, the manager is told, and the schedule fires when
// it becomes executing while the window is open.
func (p *Plan) FireSchedule(req Request) (*Change, error) {
	idle := p.Gate == nil && slices.Contains([]Phase{PhasePlanning, PhaseDenied, PhaseTimeout, PhaseSuccess, PhaseCancel}, p.Phase)
	finished := p.Gate != nil && p.Gate.Event == EventAllJobDone
	if idle || finished || p.ScheduleFired || p.ScheduleExecuteTime == 0 || req.At.Unix() < p.ScheduleExecuteTime {
		return nil, Unchanged
	}
	c := p.newChange(req, VerbSchedule)
	if p.Phase != PhaseExecuting || p.Gate != nil {
		reason := T("The plan is not executing yet (%s). The workflows start when it is, while the window is open.",
			"发布计划尚未进入执行（%s）。进入执行后，只要仍在窗口期内，工作流会自动开始。", p.Status().Text())
		return p.scheduleWaits(req, c, reason), nil
	}
	if err := p.AtWindow(req.At); err != nil {
		if req.At.Unix() < p.StartTime {
			c.task(req, p, TaskSchedule, "schedule:"+p.ID, time.Unix(p.StartTime, 0), "")
		}
		return p.scheduleWaits(req, c, TextOf(err)), nil
	}
	p.ScheduleFired = true
	for _, it := range p.Items {
		if it.Type == WorkflowItem && it.Status == Todo {
			p.run(req, c, it, Run{})
			c.Entry.Data.Items = append(c.Entry.Data.Items, it.Name)
		}
	}
	return p.done(req, c), nil
}

func (p *Plan) scheduleWaits(req Request, c *Change, reason Text) *Change {
	c.Entry.Data.Reason = &reason
	c.notify(req, p, T("The scheduled time of plan #%[1]d %[2]s has come. %[3]s",
		"发布计划 #%[1]d %[2]s 的定时执行时间已到。%[3]s", p.Index, p.Name, reason), p.Manager.ID)
	return p.done(req, c)
}

// Resend sends a delivery again by hand: the same bytes under the same id. It is
// possible in every status, for the manager and admins.
func (p *Plan) Resend(req Request, d *Delivery) (*Change, error) {
	if !p.is(req.Actor, WhoManager, nil) && !p.is(req.Actor, WhoAdmin, nil) {
		return nil, Refuse(Forbidden, "Only %[1]s or an admin can send hooks again.", "只有%[1]s或管理员可以重新发送 Hook。", p.whoText(WhoManager, nil))
	}
	c := p.newChange(req, VerbResend)
	c.Entry.Data = EntryData{Event: d.Event, Endpoint: d.Endpoint, Hooks: []string{d.Endpoint}, Delivery: d.ID}
	c.Resend = []string{d.ID}
	c.task(req, p, TaskHook, "hook:"+d.ID, req.At, d.ID)
	return p.done(req, c), nil
}

// LoseHook notes that a hook was given up that nobody waits for, and tells the manager.
func (p *Plan) LoseHook(req Request, d *Delivery, reason Text) *Change {
	c := p.newChange(req, VerbGiveUp)
	c.Entry.Data = EntryData{Event: d.Event, Endpoint: d.Endpoint, Result: string(ResultFailed), Reason: &reason, Delivery: d.ID}
	c.notify(req, p, T("%[1]s could not be told of plan #%[2]d %[3]s (%[4]s). %[5]s The plan goes on. `hooks #%[2]d` shows its hooks and sends them again; what else %[1]s misses is noted there only.",
		"发布计划 #%[2]d %[3]s 的推送（%[4]s）未能送达 %[1]s。%[5]s发布计划不受影响。可通过“推送 #%[2]d”查看并重新发送；此后 %[1]s 未收到的推送不再另行通知。",
		d.Endpoint, p.Index, p.Name, d.Event.Text(), reason), p.Manager.ID)
	return p.done(req, c)
}
