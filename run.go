package slipway

import (
	"encoding/json"
	"strings"
)

// Retry runs a failed workflow item again. What failed in the run before is run again
// in its engine, if the engine can do that, unless it is doubtful that there was one.
//
// An item whose workflow is another than the plan's (DoubtChanged) is refused with
// Conflict and the differences, unless accept is the digest of them. now is the
// workflow as its engine has it at this moment, needed with accept: it takes the place
// of the plan's. When it has changed yet again since the item failed, nothing runs and
// the item shows the new differences; the entry's result is then ResultChanged. In a plan
// with an approval, only an approver or an admin accepts a change, of a plan that is not
// their own.
func (p *Plan) Retry(req Request, itemID, accept string, now *Workflow) (*Change, error) {
	it, err := p.work(req, VerbRetry, itemID)
	if err != nil {
		return nil, err
	}
	var run Run
	changes, w := []string(nil), it.Workflow
	switch w.Doubt {
	case DoubtNone:
		run.Again = w.RunID
	case DoubtUnknownStart:
	case DoubtChanged:
		change := w.Change
		if now != nil {
			change = CompareDefinitions(w.Definition, now)
		}
		switch {
		case change == nil: // it is as the plan has it once more
		case now != nil && change.Digest == accept:
			if err := p.mayAccept(req, it); err != nil {
				return nil, err
			}
			w.Definition, changes = now, change.Lines
		case change.Digest == w.Change.Digest:
			return nil, it.RefuseChanged(accept)
		default:
			return p.changedAgain(req, it, change), nil
		}
	}
	c := p.itemChange(req, VerbRetry, it)
	c.Entry.Data.Changes = changes
	p.run(req, c, it, run)
	return p.done(req, c), nil
}

// mayAccept refuses to let somebody change what an approved plan runs who could not have
// approved it.
func (p *Plan) mayAccept(req Request, it *Item) error {
	a := p.Approval
	if a == nil || (req.Actor.Admin || a.Has(req.Actor.ID)) && p.mayDecide(req.Actor.ID, req.Rules) {
		return nil
	}
	return Refuse(Forbidden,
		"The workflow of item “%[1]s” is not the one that was approved. Only %[2]s or an admin can accept the change, except for their own plans; or `replan` and have it approved anew.",
		"发布项“%[1]s”的工作流与审批通过时不同，只有%[2]s或管理员可以接受改动（不能接受自己的发布计划的改动）；也可以重新规划并再次审批。",
		it.Name, p.whoText(WhoApprover, it))
}

// ResultChanged is the result of the entry of a Retry that found the workflow changed
// once more.
const ResultChanged = "changed"

// changedAgain notes how a workflow differs from the plan's by now.
func (p *Plan) changedAgain(req Request, it *Item, change *DefinitionChange) *Change {
	c := p.itemChange(req, VerbRetry, it)
	it.Workflow.Change = change
	c.Entry.Data.ItemStatus, c.Entry.Data.Result, c.Entry.Data.Changes = it.Status, ResultChanged, change.Lines
	return p.done(req, c)
}

// RefuseChanged is the refusal to run an item whose workflow is another than the plan's;
// it lists the differences and says how to accept them. seen is the digest that the
// person had before them, empty: none. Nil if the item has no such doubt.
func (it *Item) RefuseChanged(seen string) error {
	if it.Workflow == nil || it.Workflow.Doubt != DoubtChanged {
		return nil
	}
	d := it.Workflow.Change
	text := T(
		"The workflow of item “%[1]s” has changed since the plan was submitted. Look at the changes; to run it as it is now, retry with accept %[2]s.",
		"发布项“%[1]s”的工作流在提交发布计划之后有改动。请查看改动；如需按现在的内容运行，请在重试时带上 accept %[2]s。", it.Name, d.Digest)
	if seen != "" && seen != d.Digest {
		text = T(
			"The workflow of item “%[1]s” has changed again since you saw it. Look at the changes; to run it as it is now, retry with accept %[2]s.",
			"发布项“%[1]s”的工作流在您查看之后又有改动。请查看改动；如需按现在的内容运行，请在重试时带上 accept %[2]s。", it.Name, d.Digest)
	}
	e := &Error{Code: Conflict, Text: text}
	for _, line := range d.Lines {
		e.Problems = append(e.Problems, Problem{Path: "workflow", Text: T(line, line)})
	}
	return e
}

// Adopt follows a run that is there already, for an item of which it is not known
// whether its run was started: ref is the engine's name for the run, said what the
// person called it.
func (p *Plan) Adopt(req Request, itemID, ref, said string) (*Change, error) {
	it, err := p.work(req, VerbAdopt, itemID)
	if err != nil {
		return nil, err
	}
	c := p.itemChange(req, VerbAdopt, it)
	c.Entry.Comment = said
	p.run(req, c, it, Run{Ref: ref})
	return p.done(req, c), nil
}

// Decide answers a run that waits for a person, at the job; an empty job is the only
// one that can be answered. The engine is told by a task, and may refuse: see
// DecisionRefused.
func (p *Plan) Decide(req Request, itemID, job string, approve bool, comment string) (*Change, error) {
	it, err := p.work(req, VerbDecide, itemID)
	if err != nil {
		return nil, err
	}
	at, err := it.waitPoint(job)
	if err != nil {
		return nil, err
	}
	c := p.itemChange(req, VerbDecide, it)
	at.By = req.Actor.Name
	c.Entry.Comment = comment
	c.Entry.Data.RunID, c.Entry.Data.Job, c.Entry.Data.Result = it.Workflow.RunID, at.Job, decided(approve)
	t := c.task(req, p, TaskAnswer, "answer:"+it.Workflow.RunID+":"+at.Job, req.At, it.Workflow.RunID)
	// A Decision always marshals.
	t.Data, _ = json.Marshal(Decision{
		Job: at.Job, Approve: approve, Comment: comment, By: PersonRef{ID: req.Actor.ID, Name: req.Actor.Name},
	})
	return p.done(req, c), nil
}

// decided is the result that the log shows of a decision.
func decided(approve bool) string {
	if approve {
		return string(ApprovalPassed)
	}
	return string(ApprovalRejected)
}

// waitPoint finds what a person decides: a wait point that nobody has answered.
func (it *Item) waitPoint(job string) (*RunWait, error) {
	open := it.Workflow.undecided()
	if job == "" && len(open) == 1 {
		return open[0], nil
	}
	names := make([]Text, 0, len(open))
	for _, w := range open {
		if w.Job == job {
			return w, nil
		}
		names = append(names, T(w.Job, w.Job))
	}
	for _, w := range it.Workflow.Wait {
		if w.Job == job && w.By != "" {
			return nil, w.refuse()
		}
	}
	return nil, &Error{
		Code:     Invalid,
		Text:     T("Say which of the waiting jobs is meant: %s.", "请说明要处理哪个等待中的任务：%s。", JoinTexts(names)),
		Problems: []Problem{{Path: "job", Text: T("one of %s is expected", "应为以下之一：%s", JoinTexts(names))}},
	}
}

// refuse says who has answered at a wait point.
func (w *RunWait) refuse() error {
	return Refuse(Conflict, "%[1]s has answered “%[2]s” already; the engine is being told.", "%[1]s 已处理“%[2]s”，正在通知引擎。", w.By, w.Job)
}

// run brings a new run into being; made says what is special about it. It is recorded
// here, before any engine is called.
func (p *Plan) run(req Request, c *Change, it *Item, made Run) {
	p.RunSeq++
	w := it.Workflow
	w.forget()
	w.RunID, w.TaskID, w.RunStatus = req.uuid(), p.RunSeq, RunCreated
	it.Status, it.Reason, it.Remark = Running, Text{}, ""
	it.ExecutedBy, it.ExecutedTime = req.Actor.Name, req.At.Unix()
	c.Runs = append(c.Runs, Run{
		ID: w.RunID, PlanID: p.ID, ItemID: it.ID, TaskID: w.TaskID, Engine: w.Engine, By: req.Actor.Name,
		At: req.At.UnixMilli(), Workflow: *w, Again: made.Again, Ref: made.Ref,
	})
	c.task(req, p, TaskRun, "run:"+w.RunID, req.At, w.RunID)
	if c.Entry.ItemID == it.ID {
		c.Entry.Data.ItemStatus, c.Entry.Data.RunID = it.Status, w.RunID
	}
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

// RunWaits notes at which points a run waits for people now; none: it goes on. The
// item's owner and the plan's manager are told once of each. The same points again are
// Unchanged; what was answered stays so.
func (p *Plan) RunWaits(req Request, runID string, waits []RunWait) (*Change, error) {
	it := p.ItemOfRun(runID)
	if it == nil || !itemMove(it, VerbRunWaits) || move(p.Status(), VerbRunWaits) == nil {
		return nil, Unchanged
	}
	known := make(map[string]RunWait, len(it.Workflow.Wait))
	for _, w := range it.Workflow.Wait {
		known[w.Job] = w
	}
	same := len(waits) == len(known)
	now := make([]RunWait, 0, len(waits))
	var fresh []Text
	for _, w := range waits {
		old, there := known[w.Job]
		w.By = old.By
		same = same && there && old == w
		now = append(now, w)
		if !there {
			fresh = append(fresh, w.text())
		}
	}
	if same {
		return nil, Unchanged
	}
	c := p.itemChange(req, VerbRunWaits, it)
	c.Entry.Data.RunID = runID
	it.Workflow.Wait = now
	if len(now) == 0 {
		it.Workflow.Wait = nil
	}
	if len(fresh) > 0 {
		reason := sentences(fresh)
		c.Entry.Data.Reason = &reason
		c.notify(req, p, T("Item “%[1]s” of plan #%[2]d %[3]s waits for a person. %[4]s", "发布计划 #%[2]d %[3]s 的发布项“%[1]s”正在等待人工处理。%[4]s",
			it.Name, p.Index, p.Name, reason), p.people(it)...)
	}
	return p.done(req, c), nil
}

// sentences says one after the other.
func sentences(all []Text) Text {
	var said Text
	for _, t := range all {
		said.EN, said.ZH = strings.TrimPrefix(said.EN+" "+t.EN, " "), said.ZH+t.ZH
	}
	return said
}

func (w *RunWait) text() Text {
	if w.For == (Text{}) {
		return T("“%s” waits for a person.", "“%s”等待人工处理。", w.Job)
	}
	return w.For
}

// people are those who see to an item, each of them once.
func (p *Plan) people(it *Item) []string {
	if it.Owner.ID == p.Manager.ID {
		return []string{p.Manager.ID}
	}
	return []string{p.Manager.ID, it.Owner.ID}
}

// DecisionRefused notes that the engine did not take a person's answer: the wait point
// can be answered again, and whoever answered is told why. Unchanged if the run no
// longer waits there.
func (p *Plan) DecisionRefused(req Request, runID string, d Decision, reason Text) (*Change, error) {
	it := p.ItemOfRun(runID)
	if it == nil || !itemMove(it, VerbRunWaits) {
		return nil, Unchanged
	}
	for i := range it.Workflow.Wait {
		w := &it.Workflow.Wait[i]
		if w.Job != d.Job || w.By == "" {
			continue
		}
		w.By = ""
		c := p.itemChange(req, VerbRunWaits, it)
		c.Entry.Data.RunID, c.Entry.Data.Job, c.Entry.Data.Reason = runID, d.Job, &reason
		c.notify(req, p, T("The engine did not take your answer to “%[1]s” of item “%[2]s”, plan #%[3]d %[4]s. %[5]s",
			"引擎没有接受您对“%[1]s”的处理（发布计划 #%[3]d %[4]s 的发布项“%[2]s”）。%[5]s", d.Job, it.Name, p.Index, p.Name, reason), d.By.ID)
		return p.done(req, c), nil
	}
	return nil, Unchanged
}

// RunResumed follows a failed run that was started again in the engine's own page: ref
// is the engine's name for it. Unchanged unless the plan executes and the run is still
// its item's.
func (p *Plan) RunResumed(req Request, runID, ref string) (*Change, error) {
	it := p.ItemOfRun(runID)
	if it == nil || !itemMove(it, VerbRunResumed) || move(p.Status(), VerbRunResumed) == nil {
		return nil, Unchanged
	}
	c := p.itemChange(req, VerbRunResumed, it)
	p.run(req, c, it, Run{Ref: ref})
	c.notify(req, p, T("Item “%[1]s” of plan #%[2]d %[3]s runs again: it was restarted in its engine.",
		"发布计划 #%[2]d %[3]s 的发布项“%[1]s”已在引擎中重新运行。", it.Name, p.Index, p.Name), p.people(it)...)
	return p.done(req, c), nil
}

// RunEnded settles the item of a run: passed makes it done, anything else failed
// with the reason. Runs that were given up in the meantime are Unchanged. A run may
// end after the window: its item settles all the same.
func (p *Plan) RunEnded(req Request, runID string, end RunEnd) (*Change, error) {
	it := p.ItemOfRun(runID)
	if it == nil || it.Status != Running {
		return nil, Unchanged
	}
	c := p.itemChange(req, VerbRunEnded, it)
	it.Workflow.RunStatus, it.Workflow.Wait = end.Status, nil
	c.Entry.Data.RunID, c.Entry.Data.Result = runID, string(end.Status)
	if end.Status == RunPassed {
		it.Status = Done
	} else {
		it.Status, it.Reason = Failed, end.Reason
		reason := end.Reason
		c.Entry.Data.Reason = &reason
		if end.Change != nil && end.Doubt == DoubtChanged {
			it.Workflow.Doubt, it.Workflow.Change = end.Doubt, end.Change
			c.Entry.Data.Changes = end.Change.Lines
		} else if end.Doubt == DoubtUnknownStart {
			it.Workflow.Doubt = end.Doubt
		}
		c.notify(req, p, T("Item “%[1]s” of plan #%[2]d %[3]s failed. %[4]s", "发布计划 #%[2]d %[3]s 的发布项“%[1]s”失败。%[4]s",
			it.Name, p.Index, p.Name, end.Reason), p.Manager.ID, it.Owner.ID)
	}
	c.Entry.Data.ItemStatus = it.Status
	p.finishIfDone(req, c)
	return p.done(req, c), nil
}
