package tasks

import (
	"context"
	"fmt"
	"time"

	"slipway"
	"slipway/storage"
)

// The bounds of doing steps of many hooks together.
const (
	hooksTogether = 128
	batchesAtOnce = 2 // of each step: one waits for the disk while the next one is read
	togetherTime  = leaseTime / 2
)

// beginning is an attempt that is to begin.
type beginning struct {
	delivery string
	at       time.Time
}

// gatherHooks makes the steps of hooks that are done for many together. They are what the
// database has to do for a hook; each is one transaction, whoever many share it.
func (t *Tasks) gatherHooks() {
	t.claims = &gather[string, *storage.Taken]{
		most: hooksTogether, atOnce: batchesAtOnce, key: func(id string) string { return id },
		do: func(ctx context.Context, ids []string) (map[string]*storage.Taken, error) {
			return t.Store.LeaseTasks(ctx, ids, t.owner, t.Now(), leaseTime)
		},
	}
	t.begins = &gather[beginning, storage.Attempt]{
		most: hooksTogether, atOnce: batchesAtOnce, key: func(b beginning) string { return b.delivery },
		do: func(ctx context.Context, list []beginning) (map[string]storage.Attempt, error) {
			at := make(map[string]time.Time, len(list))
			for _, b := range list {
				at[b.delivery] = b.at
			}
			return t.Store.BeginAttempts(ctx, at)
		},
	}
	t.ends = &gather[storage.Sent, bool]{
		most: hooksTogether, atOnce: batchesAtOnce, key: func(x storage.Sent) string { return x.Attempt.DeliveryID },
		do: func(ctx context.Context, list []storage.Sent) (map[string]bool, error) {
			return nil, t.Store.EndAttempts(ctx, list, t.Now())
		},
	}
}

// takeTogether leases a row, with others that are asked for at the same time.
func (t *Tasks) takeTogether(ctx context.Context, id string) (*storage.Taken, error) {
	row, _, err := t.claims.get(ctx, id)
	return row, err
}

// beginAttempt writes down that a delivery is about to be sent.
func (t *Tasks) beginAttempt(ctx context.Context, delivery string, at time.Time) (storage.Attempt, error) {
	attempt, found, err := t.begins.get(ctx, beginning{delivery, at})
	switch {
	case err != nil:
		return attempt, fmt.Errorf("begin attempt: %w", err)
	case !found:
		return attempt, slipway.Refuse(slipway.NotFound, "The hook %[1]s is gone.", "Hook %[1]s 已不存在。", delivery)
	case ctx.Err() != nil: // the lease was lost meanwhile, or the process ends
		return attempt, ctx.Err()
	}
	return attempt, nil
}

// isAwaited tells whether a delivery's end has consequences that are still to be brought
// about before its task is done.
func (t *Tasks) isAwaited(d *storage.Delivery, e *slipway.Endpoint, state storage.DeliveryState) bool {
	return state == storage.DeliveryFailed || d.Waits && e.AnswersAtOnce()
}
