package commands

import (
	"context"
	"fmt"
	"sync/atomic"

	"slipway"
	"slipway/storage"
)

// TopicEndpoints is the notice that tells other processes to read the endpoints anew.
const TopicEndpoints = "endpoints"

// Rulebook holds the settings in force: those of the configuration, with the endpoints
// that admins manage. An endpoint of the configuration wins over one of the same name.
type Rulebook struct {
	base  slipway.Rules
	store *storage.Store
	now   atomic.Pointer[slipway.Rules]
}

// NewRulebook returns a rulebook that holds the configuration alone until Refresh.
func NewRulebook(base *slipway.Rules, store *storage.Store) *Rulebook {
	b := &Rulebook{base: *base, store: store}
	b.now.Store(base)
	return b
}

// Rules returns the settings in force. They are never changed, only replaced.
func (b *Rulebook) Rules() *slipway.Rules { return b.now.Load() }

// Refresh reads the endpoints that admins manage.
func (b *Rulebook) Refresh(ctx context.Context) error {
	managed, err := b.store.Endpoints(ctx)
	if err != nil {
		return fmt.Errorf("refresh rules: %w", err)
	}
	r := b.base
	r.Endpoints = append([]slipway.Endpoint(nil), b.base.Endpoints...)
	for i := range managed {
		if b.base.Endpoint(managed[i].Name) == nil {
			r.Endpoints = append(r.Endpoints, managed[i].Endpoint)
		}
	}
	b.now.Store(&r)
	return nil
}
