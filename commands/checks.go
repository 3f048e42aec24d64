package commands

import (
	"context"
	"fmt"

	"slipway"
	"slipway/storage"
)

// Checks says how another system's checks are decided here.
type Checks struct {
	System    string   // its name for people
	Endpoint  string   // the endpoint that decisions are sent to
	Token     string   // what its hooks prove themselves with
	Approvers []string // who decides: names, e-mails or ids of users
	Needed    int      // how many of them
}

// OutsidePlan is the plan of another system as its hook tells of it.
type OutsidePlan struct {
	ID      string // 24 hex digits
	Index   int64
	Manager string // a name there
	Event   slipway.Event
	Code    string
	Asks    bool // an answer is waited for
	Draft   slipway.Draft
}

// ShowOutside shows a plan of another system, and asks the people who decide about it.
// The request id is the same when the hook arrives twice.
func (c *Commands) ShowOutside(ctx context.Context, requestID string, by Checks, o OutsidePlan) (storage.Outcome, error) {
	d := o.Draft
	d.Manager = c.outsider(ctx, o.Manager)
	for _, it := range d.Items {
		it.Owner = c.acquainted(ctx, it.Owner.Name)
	}
	if o.Asks {
		d.Approval = &slipway.Approval{Type: slipway.NativeApproval, Needed: max(1, by.Needed)}
		for _, who := range by.Approvers {
			u, err := c.FindUser(ctx, who)
			if err != nil {
				return storage.Outcome{}, fmt.Errorf("find who decides for %s: %w", by.System, err)
			}
			d.Approval.Approvers = append(d.Approval.Approvers, u.Ref())
		}
	}
	origin := slipway.Origin{System: by.System, Endpoint: by.Endpoint, Index: o.Index, Event: o.Event, Code: o.Code, Asks: o.Asks}
	ask := Ask{RequestID: requestID, actor: slipway.Actor{Kind: slipway.Receiver, ID: by.Endpoint, Name: by.System}}
	req := c.request(ask)
	_, err := c.Store.Plan(ctx, o.ID)
	if slipway.CodeOf(err) == slipway.NotFound {
		out, err := c.Store.Create(ctx, req, func() (*slipway.Plan, *slipway.Change, error) { return slipway.NewMirror(req, o.ID, d, origin) })
		if err != nil {
			return storage.Outcome{}, fmt.Errorf("show plan of %s: %w", by.System, err)
		}
		return out, nil
	}
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("show plan of %s: %w", by.System, err)
	}
	out, err := c.Store.Change(ctx, req, o.ID, func(p *slipway.Plan) (*slipway.Change, error) { return p.Mirror(req, d, origin) })
	if err != nil {
		return storage.Outcome{}, fmt.Errorf("show plan of %s: %w", by.System, err)
	}
	return out, nil
}

// outsider is who manages a plan of another system: the user of that name, else an admin,
// under the name that the other system gives.
func (c *Commands) outsider(ctx context.Context, name string) slipway.PersonRef {
	ref := c.acquainted(ctx, name)
	if ref.ID == "" && c.Admin != nil {
		ref.ID = c.Admin.ID
	}
	if ref.Name == "" && c.Admin != nil {
		ref.Name = c.Admin.Name
	}
	return ref
}

// acquainted is a person by the name that another system gives, with the id of the user
// here if there is exactly one of that name.
func (c *Commands) acquainted(ctx context.Context, name string) slipway.PersonRef {
	if name == "" {
		return slipway.PersonRef{}
	}
	if u, err := c.FindUser(ctx, name); err == nil {
		return u.Ref()
	}
	return slipway.PersonRef{Name: name}
}
