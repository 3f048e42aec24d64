package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"slipway"
	"slipway/storage"
)

// maxSaid bounds the address or number by which a person names a run.
const maxSaid = 2000

// Retry runs a failed workflow item again. accept is the digest of the change that a
// person has seen, for an item whose workflow was changed; the engine is asked what the
// workflow is now, and if that is another change than the one seen, nothing runs.
func (c *Commands) Retry(ctx context.Context, ask Ask, planID, itemID, accept string) (storage.Outcome, error) {
	var now *slipway.Workflow
	if accept != "" {
		var err error
		if now, err = c.accepted(ctx, ask, planID, itemID); err != nil {
			return storage.Outcome{}, err
		}
	}
	out, err := c.item(ctx, ask, planID, itemID, slipway.VerbRetry, "", func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.Retry(req, itemID, accept, now)
	})
	if err == nil && out.Entry.Data.Result == slipway.ResultChanged {
		// The item shows the new differences already; the person is refused.
		if err := out.Plan.Item(itemID).RefuseChanged(accept); err != nil {
			return storage.Outcome{}, err
		}
	}
	return out, err
}

// accepted asks the engine for the workflow of an item that was changed. Nil when the
// transition will not need it.
func (c *Commands) accepted(ctx context.Context, ask Ask, planID, itemID string) (*slipway.Workflow, error) {
	it, err := c.allowed(ctx, ask, planID, itemID, slipway.VerbRetry)
	if err != nil || it == nil || it.Workflow.Doubt != slipway.DoubtChanged {
		return nil, err
	}
	w, problems, err := c.Workflows.Resolve(ctx, it.Workflow)
	if err != nil {
		return nil, fmt.Errorf("retry item %s: resolve: %w", itemID, err)
	}
	if len(problems) > 0 {
		return nil, &slipway.Error{
			Code: slipway.Unfit, Problems: problems,
			Text: slipway.T("The engine cannot run the workflow of item “%s” as it is now.", "引擎无法按现在的内容运行发布项“%s”的工作流。", it.Name),
		}
	}
	return w, nil
}

// Adopt follows the run that a person names, by its address or its number, for an item
// of which it is not known whether its run was started.
func (c *Commands) Adopt(ctx context.Context, ask Ask, planID, itemID, said string) (storage.Outcome, error) {
	said = strings.TrimSpace(said)
	if said == "" || len(said) > maxSaid || slipway.Unprintable(said) {
		return storage.Outcome{}, &slipway.Error{
			Code: slipway.Invalid,
			Text: slipway.T("Name the run: its address in the engine, or its number.", "请说明是哪次运行：它在引擎中的链接或编号。"),
			Problems: []slipway.Problem{{
				Path: "run", Text: slipway.T("the address or the number of the run is expected", "应为该次运行的链接或编号"),
			}},
		}
	}
	it, err := c.allowed(ctx, ask, planID, itemID, slipway.VerbAdopt)
	if err != nil {
		return storage.Outcome{}, err
	}
	ref := ""
	if it != nil {
		if ref, err = c.Workflows.Adopt(ctx, it.Workflow, said); err != nil {
			return storage.Outcome{}, fmt.Errorf("adopt run: %w", err)
		}
		if err := c.free(ctx, it, ref); err != nil {
			return storage.Outcome{}, err
		}
	}
	return c.item(ctx, ask, planID, itemID, slipway.VerbAdopt, "", func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		change, err := p.Adopt(req, itemID, ref, said)
		if err == nil && ref == "" {
			// It became possible after the engine was not asked.
			return nil, slipway.Refuse(slipway.Conflict, "The plan has just changed. Please try again.", "发布计划刚刚有变化，请重试。")
		}
		return change, err
	})
}

// free refuses a run that belongs to another item, or whose outcome this item has had.
// One of this item that failed may have been run again since.
func (c *Commands) free(ctx context.Context, it *slipway.Item, ref string) error {
	run, err := c.Store.RunByRef(ctx, it.Workflow.Engine, ref)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return nil
	case err != nil:
		return fmt.Errorf("adopt run: %w", err)
	case run.ItemID == it.ID && run.Status == slipway.RunPassed:
		return slipway.Refuse(slipway.Conflict, "That is an earlier run of item “%s”, which has passed. Name the newest one.",
			"这是发布项“%s”之前的一次运行，已经成功。请指定最近的一次运行。", it.Name)
	case run.ItemID == it.ID:
		return nil
	}
	return slipway.Refuse(slipway.Conflict, "That run belongs to another item of a plan already. Name the run of item “%s”.",
		"该次运行已属于另一个发布项，请指定发布项“%s”的运行。", it.Name)
}

// Decide answers a run that waits for a person, at the job; empty if there is only one.
func (c *Commands) Decide(ctx context.Context, ask Ask, planID, itemID, job string, approve bool, comment string) (storage.Outcome, error) {
	return c.item(ctx, ask, planID, itemID, slipway.VerbDecide, comment, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.Decide(req, itemID, job, approve, comment)
	})
}

// allowed returns an item if who asks may use the verb on it now; nil if not, which the
// transition explains better, and knows whether the same was asked before.
func (c *Commands) allowed(ctx context.Context, ask Ask, planID, itemID string, verb slipway.Verb) (*slipway.Item, error) {
	p, err := c.Store.Plan(ctx, planID)
	if err != nil {
		return nil, fmt.Errorf("%s item %s: %w", verb, itemID, err)
	}
	req := c.request(ask)
	it := p.Item(itemID)
	if it != nil && slices.Contains(p.AllowedItem(req.Actor, it), verb) && p.AtWindow(req.At) == nil {
		return it, nil
	}
	return nil, nil
}
