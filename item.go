package slipway

// Execute starts the run of a workflow item.
func (p *Plan) Execute(req Request, itemID string) (*Change, error) {
	return p.runItem(req, VerbExecute, itemID)
}

// Retry starts the run of a failed workflow item again.
func (p *Plan) Retry(req Request, itemID string) (*Change, error) {
	return p.runItem(req, VerbRetry, itemID)
}

func (p *Plan) runItem(req Request, verb Verb, itemID string) (*Change, error) {
	it, err := p.work(req, verb, itemID)
	if err != nil {
		return nil, err
	}
	c := p.itemChange(req, verb, it)
	p.run(req, c, it)
	c.Entry.Data.ItemStatus, c.Entry.Data.RunID = it.Status, it.Workflow.RunID
	return p.done(req, c), nil
}

// Complete says that a text item is done.
func (p *Plan) Complete(req Request, itemID, remark string) (*Change, error) {
	it, err := p.work(req, VerbComplete, itemID)
	if err != nil {
		return nil, err
	}
	c := p.itemChange(req, VerbComplete, it)
	p.settle(req, c, it, Done, remark)
	p.finishIfDone(req, c)
	return p.done(req, c), nil
}

// Skip leaves an item out. A failed item is skipped with a reason.
func (p *Plan) Skip(req Request, itemID, reason string) (*Change, error) {
	it, err := p.work(req, VerbSkip, itemID)
	if err != nil {
		return nil, err
	}
	if it.Status == Failed {
		if err := needReason(VerbSkip, reason); err != nil {
			return nil, err
		}
	}
	c := p.itemChange(req, VerbSkip, it)
	p.settle(req, c, it, Skipped, reason)
	p.finishIfDone(req, c)
	return p.done(req, c), nil
}

// work refuses work on an item that the plan, the person, the window or the item's
// own status does not allow.
func (p *Plan) work(req Request, verb Verb, itemID string) (*Item, error) {
	it := p.Item(itemID)
	if it == nil {
		return nil, Refuse(NotFound, "Plan #%[1]d has no such item. It has %[2]d items.",
			"发布计划 #%[1]d 没有这个发布项，它共有 %[2]d 个发布项。", p.Index, len(p.Items))
	}
	if err := p.mayItem(req, verb, it); err != nil {
		return nil, err
	}
	if !itemMove(it, verb) {
		return nil, p.refuseItem(req.Actor, it, verb)
	}
	if err := p.AtWindow(req.At); err != nil {
		return nil, err
	}
	return it, nil
}

func (p *Plan) refuseItem(a Actor, it *Item, verb Verb) error {
	by := Text{}
	if it.ExecutedBy != "" {
		by = T(" (by %s)", "（%s）", it.ExecutedBy)
	}
	hint := T("Nothing more can be done with it.", "该发布项已无需操作。")
	if vs := p.AllowedItem(a, it); len(vs) > 0 {
		names := make([]Text, len(vs))
		for i, v := range vs {
			names[i] = v.Text()
		}
		hint = T("Possible: %s.", "现在可以：%s。", JoinTexts(names))
	} else if it.Status == Running {
		hint = T("Wait for its run to end.", "请等待运行结束。")
	}
	return Refuse(Conflict,
		"Item %[1]d “%[2]s” is a %[3]s item and is %[4]s%[5]s, so %[6]s is not possible. %[7]s",
		"发布项 %[1]d“%[2]s”（%[3]s）当前为%[4]s%[5]s，不能“%[6]s”。%[7]s",
		p.ItemNumber(it.ID), it.Name, it.Type.Text(), it.Status.Text(), by, verb.Text(), hint)
}

// Text names the item type for people.
func (t ItemType) Text() Text {
	switch t {
	case TextItem:
		return T("text", "文本")
	case WorkflowItem:
		return T("workflow", "工作流")
	}
	return T(string(t), string(t))
}

func (p *Plan) itemChange(req Request, verb Verb, it *Item) *Change {
	c := p.newChange(req, verb)
	c.Entry.ItemID, c.Entry.ItemName = it.ID, it.Name
	return c
}

func (p *Plan) settle(req Request, c *Change, it *Item, s ItemStatus, remark string) {
	it.Status, it.Remark, it.Reason = s, remark, Text{}
	it.ExecutedBy, it.ExecutedTime = req.Actor.Name, req.At.Unix()
	c.Entry.Comment, c.Entry.Data.ItemStatus = remark, s
}

// run brings a new run into being. It is recorded here, before any engine is called.
func (p *Plan) run(req Request, c *Change, it *Item) {
	p.RunSeq++
	w := it.Workflow
	w.RunID, w.TaskID, w.RunStatus, w.URL = req.uuid(), p.RunSeq, RunCreated, ""
	it.Status, it.Reason, it.Remark = Running, Text{}, ""
	it.ExecutedBy, it.ExecutedTime = req.Actor.Name, req.At.Unix()
	c.Runs = append(c.Runs, Run{
		ID: w.RunID, PlanID: p.ID, ItemID: it.ID, TaskID: w.TaskID, Engine: w.Engine, By: req.Actor.Name,
		At: req.At.UnixMilli(), Workflow: *w,
	})
	c.task(req, p, TaskRun, "run:"+w.RunID, req.At, w.RunID)
}

// RunStarted notes that the engine has begun a run, and where it can be seen.
func (p *Plan) RunStarted(req Request, runID, url string) (*Change, error) {
	it := p.ItemOfRun(runID)
	if it == nil || it.Status != Running || it.Workflow.RunStatus != RunCreated {
		return nil, Unchanged
	}
	c := p.itemChange(req, VerbRunStarted, it)
	c.Entry.Data.RunID = runID
	it.Workflow.RunStatus, it.Workflow.URL = RunRunning, url
	return p.done(req, c), nil
}

// RunEnded settles the item of a run: passed makes it done, anything else failed
// with the reason. Runs that were given up in the meantime are Unchanged. A run may
// end after the window: its item settles all the same.
func (p *Plan) RunEnded(req Request, runID string, s RunStatus, reason Text) (*Change, error) {
	it := p.ItemOfRun(runID)
	if it == nil || it.Status != Running {
		return nil, Unchanged
	}
	c := p.itemChange(req, VerbRunEnded, it)
	it.Workflow.RunStatus = s
	c.Entry.Data.RunID, c.Entry.Data.Result = runID, string(s)
	if s == RunPassed {
		it.Status = Done
	} else {
		it.Status, it.Reason = Failed, reason
		c.Entry.Data.Reason = &reason
		c.notify(req, p, T("Item “%[1]s” of plan #%[2]d %[3]s failed. %[4]s", "发布计划 #%[2]d %[3]s 的发布项“%[1]s”失败。%[4]s",
			it.Name, p.Index, p.Name, reason), p.Manager.ID, it.Owner.ID)
	}
	c.Entry.Data.ItemStatus = it.Status
	p.finishIfDone(req, c)
	return p.done(req, c), nil
}
