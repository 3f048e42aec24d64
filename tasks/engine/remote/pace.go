package remote

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// pace is the limit of requests. What people wait for goes first: routine looks at runs
// leave it half of what may be sent at once, and let it pass.
type pace struct {
	limit   *rate.Limiter
	kept    float64       // requests that routine leaves to others
	step    time.Duration // in which one more may be sent
	routine chan struct{} // the turn of routine; holds one
}

// newPace returns a pace of so many requests a minute; 0: no limit. In no minute are
// there more: those that may be sent at once count too.
func newPace(perMinute int) *pace {
	if perMinute <= 0 {
		return &pace{limit: rate.NewLimiter(rate.Inf, 1)}
	}
	burst := max(1, perMinute/20)
	steady := rate.Limit(float64(perMinute-burst+1) / 60)
	return &pace{
		limit: rate.NewLimiter(steady, burst), kept: float64(burst / 2), step: time.Duration(float64(time.Second) / float64(steady)),
		routine: make(chan struct{}, 1),
	}
}

// wait waits until a request may be sent.
func (p *pace) wait(ctx context.Context) error {
	l := lookOf(ctx)
	if l != nil && l.routine && p.routine != nil {
		p.yield(ctx, l)
	}
	if err := p.limit.Wait(ctx); err != nil {
		return fmt.Errorf("%w: %w", errNotAllowed, err)
	}
	if l != nil {
		l.sent = true
	}
	return nil
}

// maxYield is how many others a request of routine lets pass, once it is its turn, so
// that routine never comes to rest.
const maxYield = 4

// yield lets others pass, until there is enough for all or the look is not routine any
// more.
func (p *pace) yield(ctx context.Context, l *look) {
	select {
	case <-ctx.Done():
		return
	case <-l.wake:
		l.hurry()
		return
	case p.routine <- struct{}{}:
	}
	defer func() { <-p.routine }()
	for n := 0; n < maxYield && p.limit.Tokens() < p.kept+1; n++ {
		step := time.NewTimer(p.step)
		select {
		case <-ctx.Done():
			step.Stop()
			return
		case <-l.wake:
			step.Stop()
			l.hurry()
			return
		case <-step.C:
		}
	}
}

// look is a look at a run. It is of one goroutine.
type look struct {
	wake    chan struct{} // of the watcher: it is nudged
	routine bool          // it is made because it is time, and can wait
	sent    bool          // it has asked something already
}

type lookKey struct{}

// looking returns a context for a look.
func looking(ctx context.Context, wake chan struct{}, routine bool) context.Context {
	return context.WithValue(ctx, lookKey{}, &look{wake: wake, routine: routine})
}

// lookOf returns the look that a context is for; nil: none.
func lookOf(ctx context.Context) *look {
	l, _ := ctx.Value(lookKey{}).(*look)
	return l
}

// hurry makes of a look one that does not wait. What it has asked before may be out of
// date, and then the nudge stands.
func (l *look) hurry() {
	if l.sent {
		l.again()
	}
	l.routine = false
}

// again has the watcher look once more.
func (l *look) again() {
	select {
	case l.wake <- struct{}{}:
	default: // it will
	}
}

// WhenNudged calls a function if the watcher of the context's look is nudged before the
// context ends: what takes long in a look is cut short then, for the next one.
func WhenNudged(ctx context.Context, do func()) {
	l := lookOf(ctx)
	if l == nil {
		return
	}
	go func() {
		select {
		case <-ctx.Done():
		case <-l.wake:
			l.again()
			do()
		}
	}()
}
