package bot

import (
	"sync"
	"time"

	"slipway/storage"
)

// answering keeps track of the cards whose clicks are being answered, for platforms that
// are Settlers.
type answering struct {
	mu    sync.Mutex
	cards map[MsgRef]*settling
}

type settling struct {
	clicks int       // being answered
	until  time.Time // when the last answer has settled
}

// begin notes that a click on a card is being answered; the returned function notes that
// it was, and until when it settles.
func (a *answering) begin(m MsgRef) (end func(until time.Time)) {
	m.Thread = ""
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cards == nil {
		a.cards = map[MsgRef]*settling{}
	}
	if a.cards[m] == nil {
		a.cards[m] = &settling{}
	}
	mine := a.cards[m]
	mine.clicks++
	return func(until time.Time) {
		a.mu.Lock()
		defer a.mu.Unlock()
		mine.clicks--
		mine.until = until
		for m, s := range a.cards { // few: those that were just clicked
			if s.clicks == 0 && s.until.Add(time.Minute).Before(until) {
				delete(a.cards, m)
			}
		}
	}
}

// unsettled returns how long a card is to be left alone still.
func (a *answering) unsettled(m MsgRef, now time.Time, settle time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.cards[m]
	switch {
	case s == nil:
		return 0
	case s.clicks > 0:
		return settle
	}
	return s.until.Sub(now)
}

// settleOf is how long the cards of a platform are left alone after a change.
func settleOf(p Platform) time.Duration {
	if s, ok := p.(Settler); ok {
		return s.Settle()
	}
	return 0
}

// paceWait returns how long the pace of a message and the wishes of its platform ask to
// leave it alone. The console has no pace.
func (b *Bot) paceWait(c *storage.CardRef, now time.Time) time.Duration {
	if PlatformID(c.Platform) == Web {
		return 0
	}
	next := time.UnixMilli(c.PaintedAt)
	if !next.After(now) {
		next = next.Add(b.Pace)
	}
	return next.Sub(now)
}
