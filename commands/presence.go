package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"slipway"
	"slipway/storage"
)

// presence is the task that has everything looked at anew that waits for a user, because
// they are there at other times than was known. It takes the place of the one that waits
// for the next time at which they leave or come.
func (c *Commands) presence(userID string) slipway.Task {
	return slipway.Task{
		ID: c.NewID(), Kind: slipway.TaskPresence, Key: slipway.PresenceKey(userID), RunAt: c.Now().UnixMilli(), Ref: userID,
	}
}

// LookAgainFor has the approvals looked at that a user is asked for, and the cards of their
// plans painted: who is asked, and when what is to happen, may be another now. It returns
// when their absence begins or ends next, zero if it does not.
func (c *Commands) LookAgainFor(ctx context.Context, userID string) (next time.Time, err error) {
	if err := c.readRules(ctx); err != nil {
		return next, err
	}
	known, err := c.Delegations(ctx)
	if err != nil {
		return next, err
	}
	now, people := c.Now().Unix(), []string{userID}
	for _, d := range known {
		switch {
		case d.Of.ID == userID && now < d.Start:
			next = time.Unix(d.Start, 0)
		case d.Of.ID == userID:
			next = time.Unix(d.End, 0)
		case d.To.ID == userID && d.InForce(now):
			people = append(people, d.Of.ID)
		}
	}
	for _, id := range people {
		if err := c.wakeApprovals(ctx, storage.Filter{PersonID: id}, func(*slipway.Plan) bool { return true }); err != nil {
			return next, fmt.Errorf("look again for user %s: %w", userID, err)
		}
	}
	return next, nil
}

// readRules reads the endpoints and delegations anew: this process may not have heard of all.
func (c *Commands) readRules(ctx context.Context) error {
	if c.Refresh == nil {
		return nil
	}
	return c.Refresh(ctx)
}

// AskAnew has the approvals looked at that are asked for under other outside checks than
// those of now. It is for start-up, and for after the endpoints were changed.
func (c *Commands) AskAnew(ctx context.Context) error {
	rules := c.Rules()
	return c.wakeApprovals(ctx, storage.Filter{}, func(p *slipway.Plan) bool { return p.AskedOtherwise(rules) })
}

// wakeApprovals has those of the approvals looked at that are found and concerned.
func (c *Commands) wakeApprovals(ctx context.Context, f storage.Filter, concerned func(*slipway.Plan) bool) error {
	f.Statuses, f.Limit = []slipway.Status{slipway.WaitForApproval}, 200
	for {
		waiting, err := c.Store.Plans(ctx, f)
		if err != nil {
			return fmt.Errorf("find approvals: %w", err)
		}
		for _, p := range waiting.Rows {
			if p.Approval == nil || p.Approval.Waiting == nil || !concerned(p) {
				continue
			}
			now := c.Now()
			t := slipway.Task{
				ID: c.NewID(), Kind: slipway.TaskPatience, Key: slipway.PatienceKey(p.ID), PlanID: p.ID, Round: p.Round, RunAt: now.UnixMilli(),
			}
			if err := c.Store.PutTask(ctx, t, now); err != nil {
				return fmt.Errorf("look at approval of plan %s again: %w", p.ID, err)
			}
			if err := c.Store.RefreshCards(ctx, p.ID, now); err != nil {
				return err
			}
		}
		if f.Cursor = waiting.Next; f.Cursor == "" {
			return nil
		}
	}
}

// SaveUser writes what was changed of a user that exists. Where that says that they are
// there at other times, what waits for them is looked at again.
func (c *Commands) SaveUser(ctx context.Context, was, u *slipway.User) error {
	var follow []slipway.Task
	if u.TimeZone != was.TimeZone || u.WorkingHours != was.WorkingHours || !slices.Equal(u.Holidays, was.Holidays) {
		follow = append(follow, c.presence(u.ID))
	}
	return c.Store.UpdateUser(ctx, u, follow...)
}

// Acquaint notes the language and the zone that a platform tells of a user, each only if it
// is not known yet. Empty ones are left alone.
func (c *Commands) Acquaint(ctx context.Context, userID string, locale slipway.Lang, zone string) error {
	var follow []slipway.Task
	if zone != "" {
		follow = append(follow, c.presence(userID))
	}
	return c.Store.Acquaint(ctx, userID, locale, zone, follow...)
}

// KeepPresence sees to it, at start-up, that every absence begins and ends on the cards,
// whatever became of the task that was to see to it.
func (c *Commands) KeepPresence(ctx context.Context) error {
	known, err := c.Delegations(ctx)
	if err != nil {
		return err
	}
	for _, d := range known {
		if err := c.Store.PutTask(ctx, c.presence(d.Of.ID), c.Now()); err != nil {
			return err
		}
	}
	return nil
}
