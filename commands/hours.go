package commands

import (
	"context"
	"fmt"
	"time"

	"slipway"
)

// NewHours are when somebody works, as they say it; nil leaves it as it is, empty is the
// default.
type NewHours struct {
	WorkingHours *string
	Holidays     *[]string
}

// SetHours notes when a user works. Everybody may for themselves, an admin for others. What
// waits for the user's working hours is looked at again.
func (c *Commands) SetHours(ctx context.Context, by *slipway.User, userID string, n NewHours) (*slipway.User, error) {
	if by == nil || by.ID != userID {
		if err := adminOnly(by); err != nil {
			return nil, err
		}
	}
	u, err := c.Store.User(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("set hours: %w", err)
	}
	var f slipway.Faults
	if n.WorkingHours != nil {
		u.WorkingHours = checkWeek(&f, "working_hours", *n.WorkingHours)
	}
	if n.Holidays != nil {
		u.Holidays = checkHolidays(&f, "holidays", *n.Holidays)
	}
	if err := f.Err("The hours are not right yet.", "工作时间有误。"); err != nil {
		return nil, err
	}
	if err := c.Store.SetHours(ctx, u.ID, u.WorkingHours, u.Holidays, c.presence(u.ID)); err != nil {
		return nil, fmt.Errorf("set hours: %w", err)
	}
	return u, nil
}

// checkWeek returns working hours in the form in which they are kept.
func checkWeek(f *slipway.Faults, path, s string) string {
	if s == "" {
		return ""
	}
	week, err := slipway.ParseWorkingHours(s)
	if err != nil {
		f.Append(slipway.Problem{Path: path, Text: slipway.TextOf(err)})
		return ""
	}
	return week.String()
}

func checkHolidays(f *slipway.Faults, path string, words []string) []string {
	off, err := slipway.ParseHolidays(words)
	if err != nil {
		f.Append(slipway.Problem{Path: path, Text: slipway.TextOf(err)})
		return nil
	}
	if len(off) == 0 {
		return nil
	}
	return off.Strings()
}

// Times says when the next things happen to a plan's approval if it does not come.
func (c *Commands) Times(ctx context.Context, p *slipway.Plan) (slipway.Times, error) {
	hours, err := c.hoursOf(ctx, p)
	if hours == nil || err != nil {
		return slipway.Times{}, err
	}
	return p.Times(c.Now(), c.Rules(), hours), nil
}

// hoursOf returns when people work who are asked for the approval of a plan; nil if nobody
// is.
func (c *Commands) hoursOf(ctx context.Context, p *slipway.Plan) (func(userID string) slipway.Hours, error) {
	if p.Status() != slipway.WaitForApproval || p.Approval.Waiting == nil {
		return nil, nil //nolint:nilnil // nobody is asked
	}
	rules := c.Rules()
	var ids []string
	for _, x := range p.Asked(rules) {
		ids = append(ids, x.ID)
	}
	users, err := c.Store.UsersByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read hours of approvers: %w", err)
	}
	return func(userID string) slipway.Hours { return users[userID].Hours(rules) }, nil
}

// LosePatience reminds of an approval, escalates it or lets it expire, whatever is due. It
// returns when the next of it is, zero if there is none; after a change a new task waits
// for that.
func (c *Commands) LosePatience(ctx context.Context, requestID, planID string) (time.Time, error) {
	if err := c.readRules(ctx); err != nil {
		return time.Time{}, err
	}
	p, err := c.Store.Plan(ctx, planID)
	if err != nil {
		return time.Time{}, fmt.Errorf("approval of plan %s: %w", planID, err)
	}
	hours, err := c.hoursOf(ctx, p)
	if hours == nil || err != nil {
		return time.Time{}, err
	}
	to, err := c.escalateTo(ctx, p)
	if err != nil {
		return time.Time{}, err
	}
	req := c.request(systemAsk(requestID))
	out, err := c.Store.Change(ctx, req, planID, func(p *slipway.Plan) (*slipway.Change, error) {
		return p.LosePatience(req, hours, to)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("approval of plan %s: %w", planID, err)
	}
	if next := out.Plan.Times(req.At, req.Rules, hours).Next(); out.Entry == nil && next != 0 {
		return time.Unix(next, 0), nil
	}
	return time.Time{}, nil
}

// escalateTo finds the people to whom the approval of a plan is escalated. Whoever the
// defaults name and nobody knows is left out.
func (c *Commands) escalateTo(ctx context.Context, p *slipway.Plan) ([]slipway.PersonRef, error) {
	var people []slipway.PersonRef
	for _, x := range p.Approval.Waiting.Rules.EscalateTo {
		if x.ID == "" {
			u, err := c.FindUser(ctx, x.Name)
			if code := slipway.CodeOf(err); code == slipway.NotFound || code == slipway.Invalid {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("find to whom approvals are escalated: %w", err)
			}
			x = u.Ref()
		}
		people = append(people, x)
	}
	return people, nil
}
