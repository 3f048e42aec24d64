package commands

import (
	"context"
	"fmt"

	"slipway"
	"slipway/storage"
)

// Create makes a plan from a document. Whoever asks is its manager unless the
// document names one.
func (c *Commands) Create(ctx context.Context, ask Ask, doc Document) (storage.Outcome, error) {
	if err := c.checkSprints(ctx, nil, doc.Draft.Jira); err != nil {
		return storage.Outcome{}, err
	}
	return c.create(ctx, ask, doc.Draft, "")
}

// CreateDraft makes a plan from a draft, for forms.
func (c *Commands) CreateDraft(ctx context.Context, ask Ask, d slipway.Draft) (storage.Outcome, error) {
	return c.create(ctx, ask, d, "")
}

func (c *Commands) create(ctx context.Context, ask Ask, d slipway.Draft, copiedFrom string) (storage.Outcome, error) {
	if d.Manager.ID == "" && ask.User != nil {
		d.Manager = ask.User.Ref()
	}
	req := c.request(ask)
	out, err := c.Store.Create(ctx, req, func() (*slipway.Plan, *slipway.Change, error) {
		p, change, err := slipway.NewPlan(req, d)
		if err == nil {
			change.Entry.Data.CopiedFrom = copiedFrom
		}
		return p, change, err
	})
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("create plan: %w", err)
	}
	if out.Repeated && (out.Entry.Verb != slipway.VerbCreate || out.Entry.Data.CopiedFrom != copiedFrom) {
		return storage.Outcome{}, usedKey()
	}
	return out, nil
}

// Replace puts a document in the place of what people decided about a plan.
func (c *Commands) Replace(ctx context.Context, ask Ask, planID string, doc Document) (storage.Outcome, error) {
	if len(doc.Draft.Jira.List()) > 0 {
		was, err := c.Store.Plan(ctx, planID)
		if err == nil {
			err = c.checkSprints(ctx, was.Jira, doc.Draft.Jira)
		}
		if err != nil {
			return storage.Outcome{}, err
		}
	}
	return c.change(ctx, ask, planID, slipway.VerbEdit, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		d := doc.Draft
		if d.Manager.ID == "" {
			d.Manager = p.Manager
		}
		return p.Edit(req, d)
	})
}

// EditDraft changes some of what people decided about a plan. edit may refuse.
func (c *Commands) EditDraft(ctx context.Context, ask Ask, planID string, edit func(*slipway.Draft) error) (storage.Outcome, error) {
	return c.change(ctx, ask, planID, slipway.VerbEdit, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		d := p.Draft()
		if err := edit(&d); err != nil {
			return nil, err
		}
		return p.Edit(req, d)
	})
}

// Copy makes a new plan of the same content; a window or schedule that is past is
// left out. Without a name it gets the old one with "(copy)".
func (c *Commands) Copy(ctx context.Context, ask Ask, planID, name string) (storage.Outcome, error) {
	p, err := c.Store.Plan(ctx, planID)
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("copy plan: %w", err)
	}
	d := p.Draft()
	now := c.Now().Unix()
	if d.StartTime < now && d.StartTime != 0 || d.EndTime < now && d.EndTime != 0 {
		d.StartTime, d.EndTime, d.ScheduleExecuteTime = 0, 0, 0
	}
	if d.ScheduleExecuteTime < now {
		d.ScheduleExecuteTime = 0
	}
	d.Name = name
	if d.Name == "" {
		const mark = " (copy)"
		old := []rune(p.Name)
		d.Name = string(old[:min(len(old), slipway.MaxName-len(mark))]) + mark
	}
	for _, it := range d.Items {
		it.ID = ""
	}
	return c.create(ctx, ask, d, p.ID)
}

// Submit ends the planning. Every workflow is asked of its engine first; what it
// answers is frozen into the plan.
func (c *Commands) Submit(ctx context.Context, ask Ask, planID string) (storage.Outcome, error) {
	p, err := c.Store.Plan(ctx, planID)
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("submit plan: %w", err)
	}
	if ask.members, err = c.members(ctx, ask, p); err != nil {
		return storage.Outcome{}, err
	}
	prepared, err := c.prepare(ctx, ask, p)
	if err != nil {
		return storage.Outcome{}, err
	}
	return c.change(ctx, ask, planID, slipway.VerbSubmit, func(req slipway.Request, now *slipway.Plan) (*slipway.Change, error) {
		if req.Version == 0 {
			// What was prepared is of this version.
			req.Version = p.Version
		}
		return now.Submit(req, prepared)
	})
}

// MaySubmit says why a plan cannot be submitted, apart from what the engines of its items
// say. Nothing is changed.
func (c *Commands) MaySubmit(ctx context.Context, ask Ask, p *slipway.Plan) error {
	members, err := c.members(ctx, ask, p)
	if err != nil {
		return err
	}
	ask.members = members
	_, err = p.Clone().Submit(c.request(ask), nil)
	return err
}

// prepare refuses what could not be carried out, all reasons at once, and returns
// the workflows by item id. A plan that may not be submitted anyway is left to the
// transition, which knows the answer to a request that arrives twice.
func (c *Commands) prepare(ctx context.Context, ask Ask, p *slipway.Plan) (map[string]*slipway.Workflow, error) {
	_, dry := p.Clone().Submit(c.request(ask), nil)
	if dry != nil && slipway.CodeOf(dry) != slipway.Unfit {
		return nil, nil
	}
	problems := slipway.ProblemsOf(dry)
	prepared := map[string]*slipway.Workflow{}
	for i, it := range p.Items {
		if it.Type != slipway.WorkflowItem || it.Status == slipway.Done {
			continue
		}
		w, found, err := c.Workflows.Resolve(ctx, it.Workflow)
		if err != nil {
			return nil, fmt.Errorf("submit plan: resolve item %s: %w", it.ID, err)
		}
		for _, pr := range found {
			pr.Path = fmt.Sprintf("jobs[%d].spec.%s", i, pr.Path)
			problems = append(problems, pr)
		}
		prepared[it.ID] = w
	}
	if len(problems) > 0 {
		return nil, &slipway.Error{
			Code: slipway.Unfit, Problems: problems,
			Text: slipway.T("Plan #%[1]d %[2]s cannot be submitted yet.", "发布计划 #%[1]d %[2]s 还不能提交。", p.Index, p.Name),
		}
	}
	return prepared, nil
}

// Approve is an approver's yes.
func (c *Commands) Approve(ctx context.Context, ask Ask, planID, comment string) (storage.Outcome, error) {
	return c.vote(ctx, ask, planID, slipway.VerbApprove, comment)
}

// Reject is an approver's no; one is enough to deny the plan.
func (c *Commands) Reject(ctx context.Context, ask Ask, planID, comment string) (storage.Outcome, error) {
	return c.vote(ctx, ask, planID, slipway.VerbReject, comment)
}

// Withdraw takes back an approval while nothing has started.
func (c *Commands) Withdraw(ctx context.Context, ask Ask, planID, comment string) (storage.Outcome, error) {
	return c.withComment(ctx, ask, planID, slipway.VerbWithdraw, comment, (*slipway.Plan).Withdraw)
}

// Transfer passes the place of whoever asks as an approver to another user.
func (c *Commands) Transfer(ctx context.Context, ask Ask, planID string, to *slipway.User, comment string) (storage.Outcome, error) {
	return c.withComment(ctx, ask, planID, slipway.VerbTransfer, comment,
		func(p *slipway.Plan, req slipway.Request, comment string) (*slipway.Change, error) {
			return p.Transfer(req, to.Ref(), comment)
		})
}

// Remind tells the approvers who have not decided that the plan waits for them.
func (c *Commands) Remind(ctx context.Context, ask Ask, planID string) (storage.Outcome, error) {
	return c.change(ctx, ask, planID, slipway.VerbRemind, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return p.Remind(req)
	})
}

func (c *Commands) vote(ctx context.Context, ask Ask, planID string, verb slipway.Verb, comment string) (storage.Outcome, error) {
	if err := checkComment(comment); err != nil {
		return storage.Outcome{}, err
	}
	return c.change(ctx, ask, planID, verb, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return p.Vote(req, verb == slipway.VerbApprove, comment)
	})
}

// Start begins the execution of a plan that needs no approval.
func (c *Commands) Start(ctx context.Context, ask Ask, planID string) (storage.Outcome, error) {
	return c.change(ctx, ask, planID, slipway.VerbStart, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return p.Start(req)
	})
}

// AskAgain asks the endpoints of a failed gate once more: all, or those named.
func (c *Commands) AskAgain(ctx context.Context, ask Ask, planID string, endpoints ...string) (storage.Outcome, error) {
	return c.change(ctx, ask, planID, slipway.VerbAskAgain, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return p.AskAgain(req, endpoints...)
	})
}

// Override makes the held move of a gate, for a reason.
func (c *Commands) Override(ctx context.Context, ask Ask, planID, reason string) (storage.Outcome, error) {
	return c.withComment(ctx, ask, planID, slipway.VerbOverride, reason, (*slipway.Plan).Override)
}

// Replan goes back to planning.
func (c *Commands) Replan(ctx context.Context, ask Ask, planID, comment string) (storage.Outcome, error) {
	return c.withComment(ctx, ask, planID, slipway.VerbReplan, comment, (*slipway.Plan).Replan)
}

// Cancel ends a plan for good, for a reason.
func (c *Commands) Cancel(ctx context.Context, ask Ask, planID, reason string) (storage.Outcome, error) {
	return c.withComment(ctx, ask, planID, slipway.VerbCancel, reason, (*slipway.Plan).Cancel)
}

func (c *Commands) withComment(ctx context.Context, ask Ask, planID string, verb slipway.Verb, comment string,
	fn func(*slipway.Plan, slipway.Request, string) (*slipway.Change, error),
) (storage.Outcome, error) {
	if err := checkComment(comment); err != nil {
		return storage.Outcome{}, err
	}
	return c.change(ctx, ask, planID, verb, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return fn(p, req, comment)
	})
}

// Resend sends a delivery again by hand. An endpoint that was disabled because it
// answered 410 is given another chance.
func (c *Commands) Resend(ctx context.Context, ask Ask, deliveryID string) (storage.Outcome, error) {
	d, err := c.Store.Delivery(ctx, deliveryID)
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("resend delivery: %w", err)
	}
	p, err := c.Store.Plan(ctx, d.PlanID)
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("resend delivery: %w", err)
	}
	// Who may not send it again must not enable the endpoint either; and it has to be
	// enabled before the task that the change brings can run.
	if _, err := p.Resend(c.request(ask), &d.Delivery); err != nil {
		return storage.Outcome{}, err
	}
	if err := c.Store.EnableEndpoint(ctx, d.Endpoint); err != nil {
		return storage.Outcome{}, fmt.Errorf("resend delivery: %w", err)
	}
	out, err := c.change(ctx, ask, d.PlanID, slipway.VerbResend, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return p.Resend(req, &d.Delivery)
	})
	if err == nil && out.Entry.Data.Delivery != deliveryID {
		return storage.Outcome{}, usedKey()
	}
	return out, err
}

func checkComment(s string) error {
	if slipway.Unprintable(s) {
		return &slipway.Error{
			Code: slipway.Invalid, Text: slipway.T("The comment cannot be taken as it is.", "内容无法接受。"),
			Problems: []slipway.Problem{{Path: "comment", Text: slipway.UnprintableText()}},
		}
	}
	if len([]rune(s)) <= slipway.MaxComment {
		return nil
	}
	return &slipway.Error{
		Code: slipway.Invalid,
		Text: slipway.T("The comment is too long; at most %d characters are possible.", "内容过长，最多 %d 个字符。", slipway.MaxComment),
		Problems: []slipway.Problem{{
			Path: "comment", Text: slipway.T("at most %d characters", "最多 %d 个字符", slipway.MaxComment),
		}},
	}
}
