package tasks

import (
	"maps"
	"slices"
	"sync"
)

// stops wakes the watchers of runs that are to be cancelled. A watcher that is not
// woken looks for itself now and then.
type stops struct {
	mu       sync.Mutex
	watchers map[string]chan struct{} // by run id
}

func newStops() *stops { return &stops{watchers: map[string]chan struct{}{}} }

// watch returns a channel that wakes the watcher of a run, and a function that ends it.
func (s *stops) watch(run string) (<-chan struct{}, func()) {
	wake := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[run] = wake
	return wake, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.watchers[run] == wake { // else a later watcher has taken its place
			delete(s.watchers, run)
		}
	}
}

// watched returns the runs that have watchers.
func (s *stops) watched() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.watchers))
}

// any tells whether a run has a watcher.
func (s *stops) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watchers) > 0
}

func (s *stops) wake(run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, found := s.watchers[run]; found {
		nudge(w)
	}
}

func (s *stops) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watchers {
		nudge(w)
	}
}

// nudge wakes whoever waits on a channel that holds one.
func nudge(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
