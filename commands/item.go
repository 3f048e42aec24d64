package commands

import (
	"context"

	"slipway"
	"slipway/storage"
)

// Execute starts the run of a workflow item.
func (c *Commands) Execute(ctx context.Context, ask Ask, planID, itemID string) (storage.Outcome, error) {
	return c.item(ctx, ask, planID, itemID, slipway.VerbExecute, "", func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.Execute(req, itemID)
	})
}

// Complete says that a text item is done.
func (c *Commands) Complete(ctx context.Context, ask Ask, planID, itemID, remark string) (storage.Outcome, error) {
	return c.item(ctx, ask, planID, itemID, slipway.VerbComplete, remark, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.Complete(req, itemID, remark)
	})
}

// Skip leaves an item out.
func (c *Commands) Skip(ctx context.Context, ask Ask, planID, itemID, reason string) (storage.Outcome, error) {
	return c.item(ctx, ask, planID, itemID, slipway.VerbSkip, reason, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.Skip(req, itemID, reason)
	})
}

func (c *Commands) item(ctx context.Context, ask Ask, planID, itemID string, verb slipway.Verb, comment string,
	fn func(*slipway.Plan, slipway.Request) (*slipway.Change, error),
) (storage.Outcome, error) {
	if err := checkComment(comment); err != nil {
		return storage.Outcome{}, err
	}
	out, err := c.change(ctx, ask, planID, verb, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return fn(p, req)
	})
	if err == nil && out.Repeated && out.Entry.ItemID != itemID {
		return storage.Outcome{}, usedKey()
	}
	return out, err
}
