package tasks

import (
	"context"
	"slices"
	"sync"
	"time"

	"slipway/storage"
)

// keeper keeps the leases of everything that this process works on: it renews them
// together, however many there are. It is at work while there is one.
type keeper struct {
	mu   sync.Mutex
	held map[*storage.Lease]context.CancelCauseFunc
	busy bool
}

// hold keeps a lease until it is let go; lost is called with errLeaseLost when that
// fails.
func (t *Tasks) hold(l *storage.Lease, lost context.CancelCauseFunc) (letGo func()) {
	k := &t.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = map[*storage.Lease]context.CancelCauseFunc{}
	}
	k.held[l] = lost
	if !k.busy {
		k.busy = true
		go t.keepAll()
	}
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.held, l)
	}
}

// keepAll renews until nothing is held for a while.
func (t *Tasks) keepAll() {
	tick := time.NewTicker(t.renewEvery)
	defer tick.Stop()
	for range tick.C {
		if !t.Renew(t.work) {
			return
		}
		if t.stops.any() {
			t.lookForStops(t.work)
		}
	}
}

// leases lists what is held; with none the keeper rests.
func (k *keeper) leases() []*storage.Lease {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []*storage.Lease
	for l := range k.held {
		all = append(all, l)
	}
	k.busy = len(all) > 0
	return all
}

func (k *keeper) lose(l *storage.Lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if lost := k.held[l]; lost != nil {
		lost(errLeaseLost)
		delete(k.held, l)
	}
}

// Renew renews all leases: one step of the keeper. False if there are none. A lease that
// could not be renewed in time counts as lost.
func (t *Tasks) Renew(ctx context.Context) bool {
	all := t.keeper.leases()
	if len(all) == 0 {
		return false
	}
	now := t.Now()
	first := slices.MinFunc(all, func(a, b *storage.Lease) int { return a.Until.Compare(b.Until) }).Until
	// At least a moment: those whose time is up are lost below.
	renewing, stop := context.WithTimeout(ctx, max(first.Sub(now), time.Second))
	defer stop()
	lost, err := t.Store.RenewLeases(renewing, all, now.Add(leaseTime))
	for _, l := range all {
		if slices.Contains(lost, l) || err != nil && t.Now().After(l.Until) {
			t.keeper.lose(l)
		}
	}
	return true
}
