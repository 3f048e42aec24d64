package slipway

// Execute starts the run of a workflow item.
func (p *Plan) Execute(req Request, itemID string) (*Change, error) {
	it, err := p.work(req, VerbExecute, itemID)
	if err != nil {
		return nil, err
	}
	c := p.itemChange(req, VerbExecute, it)
	p.run(req, c, it, Run{})
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
	if w := it.Workflow; w != nil {
		w.Doubt, w.Change = DoubtNone, nil
	}
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
	if verb == VerbDecide && it.Status == Running && it.Workflow != nil {
		for _, w := range it.Workflow.Wait {
			if w.By != "" {
				return w.refuse()
			}
		}
	}
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
