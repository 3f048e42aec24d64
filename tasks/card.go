package tasks

import (
	"context"
	"encoding/json"
	"fmt"

	"slipway"
	"slipway/storage"
)

// card brings the cards of a plan up to date, or tells people something.
func (t *Tasks) card(ctx context.Context, l *storage.Lease) error {
	if t.Cards == nil {
		return nil
	}
	if l.Task.Kind == slipway.TaskCard {
		if err := t.Cards.Repaint(ctx, l.Task.PlanID); err != nil {
			return fmt.Errorf("repaint cards: %w", err)
		}
		return nil
	}
	var n slipway.Notice
	if err := json.Unmarshal(l.Task.Data, &n); err != nil {
		return slipway.Refuse(slipway.Invalid, "The notice cannot be read.", "无法读取该通知。").Because(err)
	}
	if err := t.Cards.Tell(ctx, l.Task.PlanID, n, l.Task.Key); err != nil {
		return fmt.Errorf("tell people: %w", err)
	}
	return nil
}
