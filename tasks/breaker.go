package tasks

import (
	"sync"
	"time"
)

const (
	// breakAfter failures in a row pause an endpoint.
	breakAfter = 5
	// breakFor is how long; then one hook is let through to see.
	breakFor = 15 * time.Second
	// perEndpoint is how many hooks are on their way to one endpoint at once, so that
	// one that hangs does not take every worker.
	perEndpoint = 16
	// busyPause is how long a hook waits when its endpoint has enough to do.
	busyPause = time.Second
)

// breaker keeps endpoints apart: one that fails or hangs must not hold up the others.
// It is of one process and forgets with it.
type breaker struct {
	mu        sync.Mutex
	endpoints map[string]*circuit
}

type circuit struct {
	flying   int // hooks on their way
	failures int // in a row
	until    time.Time
}

func newBreaker() *breaker { return &breaker{endpoints: map[string]*circuit{}} }

// enter tells whether a hook may be sent now; if not, how long to wait. Every enter
// that was granted is followed by one leave or one turnBack.
func (b *breaker) enter(endpoint string, now time.Time) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.endpoints[endpoint]
	if c == nil {
		c = &circuit{}
		b.endpoints[endpoint] = c
	}
	switch {
	case c.failures >= breakAfter && now.Before(c.until):
		return c.until.Sub(now), false
	case c.failures >= breakAfter && c.flying > 0:
		return busyPause, false // the one that is to see is on its way
	case c.flying >= perEndpoint:
		return busyPause, false
	}
	c.flying++
	return 0, true
}

// turnBack says that the hook was not sent after all.
func (b *breaker) turnBack(endpoint string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endpoints[endpoint].flying--
}

// leave tells how it went.
func (b *breaker) leave(endpoint string, now time.Time, answered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.endpoints[endpoint]
	c.flying--
	if answered {
		c.failures = 0
		return
	}
	c.failures++
	if c.failures >= breakAfter {
		c.until = now.Add(breakFor)
	}
}
