package tasks

import (
	"strings"
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

// listen wakes watchers by notices until the channel is closed.
func (s *stops) listen(topics <-chan string) {
	for topic := range topics {
		if run, ok := strings.CutPrefix(topic, topicStop); ok {
			s.wake(run)
		} else if topic == Everything {
			s.wakeAll()
		}
	}
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
