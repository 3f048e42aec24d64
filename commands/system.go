package commands

import (
	"context"
	"fmt"

	"slipway"
	"slipway/storage"
)

// The use cases of this file are asked by tasks. Their request ids are "task:<id>",
// so a task that runs twice has one effect.

// EndWindow times a plan out when its window is over.
func (c *Commands) EndWindow(ctx context.Context, requestID, planID string) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbTimeout, (*slipway.Plan).EndWindow)
}

// FireSchedule executes the workflow items at the scheduled time.
func (c *Commands) FireSchedule(ctx context.Context, requestID, planID string) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbSchedule, (*slipway.Plan).FireSchedule)
}

// ExpireGate reminds of a gate's deadline, and fails the gate when it has passed.
func (c *Commands) ExpireGate(ctx context.Context, requestID, planID, deliveryID string) (storage.Outcome, error) {
	asked, err := c.askedAfter(ctx, deliveryID)
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("deadline of delivery %s: %w", deliveryID, err)
	}
	req := c.request(systemAsk(requestID))
	out, err := c.Store.Change(ctx, req, planID, func(p *slipway.Plan) (*slipway.Change, error) { return p.Expire(req, deliveryID, asked) })
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("deadline of delivery %s: %w", deliveryID, err)
	}
	return out, nil
}

// askedAfter returns the people whom a delivery's endpoint has called after the deadline,
// without those who are not known any more.
func (c *Commands) askedAfter(ctx context.Context, deliveryID string) ([]slipway.PersonRef, error) {
	d, err := c.Store.Delivery(ctx, deliveryID)
	if err != nil {
		return nil, err
	}
	e := c.Rules().Endpoint(d.Endpoint)
	if e == nil {
		return nil, nil
	}
	var asked []slipway.PersonRef
	for _, name := range e.Ask {
		switch u, err := c.FindUser(ctx, name); {
		case err == nil:
			asked = append(asked, u.Ref())
		case slipway.CodeOf(err) == slipway.Internal:
			return nil, err
		}
	}
	return asked, nil
}

// GiveUpHook fails a gate whose question cannot be delivered. For a question that is not
// open any more it is Unchanged.
func (c *Commands) GiveUpHook(ctx context.Context, requestID, planID, deliveryID string, reason slipway.Text) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbGiveUp, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.FailWait(req, slipway.VerbGiveUp, deliveryID, reason)
	})
}

// LoseHook notes that a hook was given up that nobody waits for, and tells the manager:
// once for each endpoint of a plan, however many of its hooks are lost.
func (c *Commands) LoseHook(ctx context.Context, d *slipway.Delivery, reason slipway.Text) (storage.Outcome, error) {
	return c.system(ctx, "lost:"+d.PlanID+":"+d.Endpoint, d.PlanID, slipway.VerbGiveUp, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.LoseHook(req, d, reason), nil
	})
}

// RunStarted notes that an engine has begun a run.
func (c *Commands) RunStarted(ctx context.Context, requestID, planID, runID, url string) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbRunStarted, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.RunStarted(req, runID, url)
	})
}

// RunEnded settles the item of a run.
func (c *Commands) RunEnded(ctx context.Context, requestID, planID, runID string, end slipway.RunEnd) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbRunEnded, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.RunEnded(req, runID, end)
	})
}

// RunWaits notes at which points a run waits for people now.
func (c *Commands) RunWaits(ctx context.Context, requestID, planID, runID string, waits []slipway.RunWait) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbRunWaits, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.RunWaits(req, runID, waits)
	})
}

// DecisionRefused notes that an engine did not take a person's answer, and tells them.
func (c *Commands) DecisionRefused(ctx context.Context, requestID, planID, runID string, d slipway.Decision, reason slipway.Text) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbRunWaits, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.DecisionRefused(req, runID, d, reason)
	})
}

// RunResumed follows a failed run that was started again in the engine's own page.
func (c *Commands) RunResumed(ctx context.Context, requestID, planID, runID, ref string) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbRunResumed, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.RunResumed(req, runID, ref)
	})
}

// SeeQuestion takes down the next thing that is new about a question in another approval
// system. It is to be called until it changes nothing.
func (c *Commands) SeeQuestion(ctx context.Context, requestID, planID, mark string, s slipway.Sighting) (storage.Outcome, error) {
	return c.system(ctx, requestID, planID, slipway.VerbQuestion, func(p *slipway.Plan, req slipway.Request) (*slipway.Change, error) {
		return p.See(req, mark, s)
	})
}

func (c *Commands) system(ctx context.Context, requestID, planID string, verb slipway.Verb,
	fn func(*slipway.Plan, slipway.Request) (*slipway.Change, error),
) (storage.Outcome, error) {
	return c.change(ctx, systemAsk(requestID), planID, verb, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return fn(p, req)
	})
}
