package commands

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"slipway"
	"slipway/storage"
)

// TopicRules is the notice that tells other processes to read anew what people can change
// of the rules: endpoints and delegations.
const TopicRules = "rules"

// Rulebook holds the settings in force: those of the configuration, with the endpoints
// that admins manage and the delegations of people who are away. An endpoint of the
// configuration wins over one of the same name.
type Rulebook struct {
	base  slipway.Rules
	store *storage.Store
	clock func() time.Time
	now   atomic.Pointer[slipway.Rules] // with all delegations that are not over
}

// NewRulebook returns a rulebook that holds the configuration alone until Refresh.
func NewRulebook(base *slipway.Rules, store *storage.Store, clock func() time.Time) *Rulebook {
	b := &Rulebook{base: *base, store: store, clock: clock}
	b.now.Store(base)
	return b
}

// Rules returns the settings in force. They are never changed, only replaced.
func (b *Rulebook) Rules() *slipway.Rules {
	r := b.now.Load()
	if len(r.Delegations) == 0 {
		return r
	}
	inForce, now := *r, b.clock().Unix()
	inForce.Delegations = slices.DeleteFunc(slices.Clone(r.Delegations), func(d slipway.Delegation) bool { return !d.InForce(now) })
	return &inForce
}

// Refresh reads the endpoints that admins manage, and the delegations.
func (b *Rulebook) Refresh(ctx context.Context) error {
	managed, err := b.store.Endpoints(ctx)
	if err != nil {
		return fmt.Errorf("refresh rules: %w", err)
	}
	delegations, err := b.store.Delegations(ctx, b.clock())
	if err != nil {
		return fmt.Errorf("refresh rules: %w", err)
	}
	r := b.base
	r.Delegations = delegations
	r.Endpoints = append([]slipway.Endpoint(nil), b.base.Endpoints...)
	for i := range managed {
		if b.base.Endpoint(managed[i].Name) == nil {
			r.Endpoints = append(r.Endpoints, managed[i].Endpoint)
		}
	}
	b.now.Store(&r)
	return nil
}
