package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"slipway"
)

// MaxAway is the longest time for which somebody can be away.
const MaxAway = 366 * 24 * time.Hour

// Delegations lists who decides in whose place, now and later.
func (c *Commands) Delegations(ctx context.Context) ([]slipway.Delegation, error) {
	return c.Store.Delegations(ctx, c.Now())
}

// Away says that a user is away for a time, and who decides in their place meanwhile. It
// takes the place of what was said before. Admins may say so of others. Times are Unix
// seconds; end is the first second in which it is over. Others, if it is not nil, are
// those for whom the user stands in meanwhile, which does not go on to the delegate.
func (c *Commands) Away(ctx context.Context, by, of, to *slipway.User, start, end int64) (d slipway.Delegation, others []slipway.PersonRef, err error) {
	if by.ID != of.ID {
		if err := adminOnly(by); err != nil {
			return d, nil, err
		}
	}
	d = slipway.Delegation{Of: of.Ref(), To: to.Ref(), Start: start, End: end}
	known, err := c.Delegations(ctx)
	if err != nil {
		return d, nil, err
	}
	if err := c.checkAway(d, known, zoneOf(by)); err != nil {
		return d, nil, err
	}
	if err := c.Store.PutDelegation(ctx, d, by.ID, c.Now(), c.presence(of.ID)); err != nil {
		return d, nil, fmt.Errorf("away: %w", err)
	}
	for _, o := range known {
		if o.To.ID == of.ID && overlap(o, d) {
			others = append(others, o.Of)
		}
	}
	return d, others, c.spreadRules(ctx)
}

// Back says that a user is not away, or will not be. It tells whether that is news.
// Admins may say so of others.
func (c *Commands) Back(ctx context.Context, by, of *slipway.User) (bool, error) {
	if by.ID != of.ID {
		if err := adminOnly(by); err != nil {
			return false, err
		}
	}
	dropped, err := c.Store.DropDelegation(ctx, of.ID, c.presence(of.ID))
	if err != nil {
		return false, fmt.Errorf("back: %w", err)
	}
	return dropped, c.spreadRules(ctx)
}

// checkAway refuses a delegation that could not work; everything at once.
func (c *Commands) checkAway(d slipway.Delegation, known []slipway.Delegation, zone *time.Location) error {
	var f slipway.Faults
	now := c.Now().Unix()
	switch {
	case d.End <= d.Start:
		f.Add("end", "the end must be after the start", "结束时间必须晚于开始时间")
	case d.End <= now:
		f.Add("end", "this is past already; a time to come is expected", "该时间已过，请填写将来的时间")
	case d.End-d.Start > int64(MaxAway/time.Second):
		f.Add("end", "at most %d days are possible", "最多 %d 天", int(MaxAway/(24*time.Hour)))
	}
	if d.To.ID == d.Of.ID {
		f.Add("to", "somebody else is expected", "请选择其他人")
	}
	i := slices.IndexFunc(known, func(o slipway.Delegation) bool { return o.Of.ID == d.To.ID && overlap(o, d) })
	if i >= 0 && f.Len() == 0 {
		day := func(unix int64) string { return time.Unix(unix, 0).In(zone).Format("2006-01-02 15:04") }
		f.Add("to", "%[1]s is away then, too (%[2]s to %[3]s); choose somebody who is there", "%[1]s 届时也不在（%[2]s 至 %[3]s），请选择其他人",
			d.To.Name, day(known[i].Start), day(known[i].End))
	}
	return f.Err("This cannot be arranged.", "无法这样安排。")
}

func overlap(a, b slipway.Delegation) bool { return a.Start < b.End && b.Start < a.End }

func zoneOf(u *slipway.User) *time.Location {
	if zone, err := time.LoadLocation(u.TimeZone); err == nil {
		return zone
	}
	return time.UTC
}
