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
	look, _ := ctx.Value(routineKey{}).(*routine)
	if look != nil && look.wake != nil && p.routine != nil {
		p.yield(ctx, look)
	}
	if err := p.limit.Wait(ctx); err != nil {
		return fmt.Errorf("%w: %w", errNotAllowed, err)
	}
	if look != nil {
		look.sent = true
	}
	return nil
}

// maxYield is how many others a request of routine lets pass, once it is its turn, so
// that routine never comes to rest.
const maxYield = 4

// yield lets others pass, until there is enough for all or the look is not routine any
// more.
func (p *pace) yield(ctx context.Context, look *routine) {
	select {
	case <-ctx.Done():
		return
	case <-look.wake:
		look.hurry()
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
		case <-look.wake:
			step.Stop()
			look.hurry()
			return
		case <-step.C:
		}
	}
}

// routine is a look at a run that is made because it is time, until somebody nudges its
// watcher. It is of one goroutine.
type routine struct {
	wake chan struct{} // of the watcher; nil: it was nudged
	sent bool          // the look has asked something already
}

type routineKey struct{}

// inRoutine returns a context for a look that can wait.
func inRoutine(ctx context.Context, wake chan struct{}) context.Context {
	return context.WithValue(ctx, routineKey{}, &routine{wake: wake})
}

// hurry makes of a look one that does not wait. What it has asked before may be out of
// date, and then the nudge stands.
func (l *routine) hurry() {
	if l.sent {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	l.wake = nil
}
