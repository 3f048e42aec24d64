package tasks

import (
	"slices"
	"sync"
	"time"

	"slipway"
)

const (
	// breakAfter failures in a row pause an endpoint.
	breakAfter = 5
	// breakFor is how long; then one hook is let through to see.
	breakFor = 15 * time.Second
	// perEndpoint is how many hooks are on their way to one endpoint at once, so that
	// one that hangs does not take every worker.
	perEndpoint = 16
	// parkFor is how long a hook waits at the latest for its turn at an endpoint. It is
	// set free when the turn comes; this is for the case that nobody is left to do so.
	parkFor = 30 * time.Second
	// crowd is so many waiting hooks that they look for themselves less often.
	crowd = 500
	// inLine is how many hooks wait in memory for an endpoint that answers well, and lineFor
	// how long: while it takes them quickly, to park them would be more work than to send them.
	inLine  = 2 * perEndpoint
	lineFor = 200 * time.Millisecond
)

// breaker keeps endpoints apart: one that fails or hangs must not hold up the others.
// It is of one process and forgets with it.
type breaker struct {
	mu        sync.Mutex
	workers   int // that send hooks
	flying    int // hooks on their way to anywhere
	endpoints map[string]*circuit
}

type circuit struct {
	flying   int // hooks on their way
	failures int // in a row
	until    time.Time
	scout    time.Time // the end of the pause at which a hook comes back to see
	parked   int       // hooks that wait for their turn, about

	free time.Time // when the next hook may go, by the endpoint's rate
	line time.Time // when the last of those who wait for that may go

	waiting []chan struct{} // hooks that wait in memory; closed when one may go
}

func newBreaker(workers int) *breaker {
	return &breaker{workers: workers, endpoints: map[string]*circuit{}}
}

// pass is what a hook is told that asks to be sent now.
type pass struct {
	granted bool // followed by exactly one leave or turnBack
	at      time.Time
	parked  bool // leave or turnBack of another hook sets it free before that
	// soon is closed when it is granted after all; whoever stops to wait calls leaveLine.
	soon chan struct{}
}

// enter tells whether a hook may be sent now; if not, when to come again.
func (b *breaker) enter(e *slipway.Endpoint, now time.Time) pass {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuit(e.Name)
	if !b.room(c, now) {
		if c.failures == 0 && e.Rate == 0 && len(c.waiting) < inLine && c.parked == 0 {
			soon := make(chan struct{})
			c.waiting = append(c.waiting, soon)
			return pass{soon: soon}
		}
		return b.parkAt(c, now)
	}
	if wait, ok := c.pace(e.Rate, now); !ok {
		return pass{at: now.Add(wait)}
	}
	c.flying++
	b.flying++
	return pass{granted: true}
}

// leaveLine ends the wait in memory: the hook is parked, unless its turn has just come.
func (b *breaker) leaveLine(endpoint string, soon chan struct{}, now time.Time) pass {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuit(endpoint)
	i := slices.Index(c.waiting, soon)
	if i < 0 {
		return pass{granted: true}
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return b.parkAt(c, now)
}

// parkAt counts a hook that is parked.
func (b *breaker) parkAt(c *circuit, now time.Time) pass {
	at := now.Add(parkFor + parkFor*time.Duration(c.parked/crowd))
	if c.failures >= breakAfter && c.scout != c.until && c.flying == 0 {
		c.scout, at = c.until, c.until
	}
	c.parked++
	return pass{at: at, parked: true}
}

func (b *breaker) circuit(endpoint string) *circuit {
	c := b.endpoints[endpoint]
	if c == nil {
		c = &circuit{}
		b.endpoints[endpoint] = c
	}
	return c
}

// room tells whether an endpoint can be given one more hook: it is not in its pause, and
// takes neither too many workers nor more than half of those that are left.
func (b *breaker) room(c *circuit, now time.Time) bool {
	if c.failures >= breakAfter {
		return c.flying == 0 && !now.Before(c.until)
	}
	return c.flying < b.limit()
}

// limit is how many hooks may be on their way to one endpoint now.
func (b *breaker) limit() int { return max(1, min(perEndpoint, (b.workers-b.flying)/2)) }

// pace keeps to the endpoint's rate, of which a second's worth may come at once. It
// gives everybody who has to wait a time of their own.
func (c *circuit) pace(perSecond float64, now time.Time) (wait time.Duration, ok bool) {
	if perSecond <= 0 {
		return 0, true
	}
	interval := time.Duration(float64(time.Second) / perSecond)
	if earliest := c.free.Add(-max(0, time.Second-interval)); now.Before(earliest) {
		if c.line.Before(earliest) {
			c.line = earliest
		} else {
			c.line = c.line.Add(interval)
		}
		return c.line.Sub(now), false
	}
	if c.free.Before(now) {
		c.free = now
	}
	c.free = c.free.Add(interval)
	return 0, true
}

// hasRoom tells whether a hook that was parked could be sent after all.
func (b *breaker) hasRoom(endpoint string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.room(b.circuit(endpoint), now)
}

// turnBack says that the hook was not sent after all.
func (b *breaker) turnBack(endpoint string) (free int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.land(b.circuit(endpoint))
}

// leave tells how it went. It returns how many of the parked hooks may come now, and whether
// the endpoint is back after it was paused.
func (b *breaker) leave(endpoint string, now time.Time, answered bool) (free int, back bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuit(endpoint)
	if answered {
		back = c.failures >= breakAfter
		c.failures = 0
	} else if c.failures++; c.failures >= breakAfter {
		c.until = now.Add(breakFor)
	}
	return b.land(c), back
}

// land frees the place of a hook.
func (b *breaker) land(c *circuit) (free int) {
	c.flying--
	b.flying--
	if c.failures == 0 && len(c.waiting) > 0 && c.flying < b.limit() {
		close(c.waiting[0]) // the place goes on
		c.waiting = c.waiting[1:]
		c.flying++
		b.flying++
		return 0
	}
	switch {
	case c.parked == 0:
		return 0
	case c.failures >= breakAfter:
		free = 1 // it becomes the next one to see
	default:
		// In batches, so that not every hook costs a look at the database.
		limit := b.limit()
		if c.flying > limit/2 {
			return 0
		}
		free = min(c.parked, limit-c.flying)
	}
	c.parked -= free
	return free
}

// found tells how many parked hooks were there when some were to be set free.
func (b *breaker) found(endpoint string, wanted, got int) {
	if got < wanted {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.circuit(endpoint).parked = 0
	}
}
