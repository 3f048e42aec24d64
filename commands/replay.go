package commands

import (
	"context"
	"fmt"

	"slipway"
	"slipway/storage"
)

// Replay says which deliveries that were given up are to be sent again.
type Replay struct {
	Endpoint     string // "": of all
	PlanID       string // "": of all
	Since, Until int64  // when they happened, Unix milliseconds; 0: no bound
	DryRun       bool   // only counts
}

// Replayed is what became of a Replay.
type Replayed struct {
	Found int64 `json:"found"` // deliveries that were given up
	Sent  int64 `json:"sent"`  // of them, those that are to be sent again now
	// Refused are those whose plan somebody else manages.
	Refused int64 `json:"refused"`
}

// ReplayFailed sends deliveries again that were given up: the same bytes under the same
// ids, in the order in which they happened. Admins may for all plans, others for those
// that they manage.
func (c *Commands) ReplayFailed(ctx context.Context, ask Ask, want Replay) (Replayed, error) {
	var done Replayed
	if want.Endpoint != "" {
		if _, err := c.Endpoint(ctx, want.Endpoint); err != nil {
			return done, err
		}
	}
	f := storage.DeliveryFilter{
		Endpoint: want.Endpoint, PlanID: want.PlanID, Since: want.Since, Until: want.Until, States: []storage.DeliveryState{storage.DeliveryFailed},
		Limit: 200, Oldest: true,
	}
	for {
		page, err := c.Store.SearchDeliveries(ctx, f)
		if err != nil {
			return done, fmt.Errorf("replay deliveries: %w", err)
		}
		for i := range page.Rows {
			done.Found++
			if want.DryRun {
				continue
			}
			one := ask
			if ask.RequestID != "" {
				one.RequestID += ":" + page.Rows[i].ID
			}
			switch _, err := c.Resend(ctx, one, page.Rows[i].ID); {
			case slipway.CodeOf(err) == slipway.Forbidden:
				done.Refused++
			case err != nil:
				return done, err
			default:
				done.Sent++
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return done, nil
		}
	}
}
