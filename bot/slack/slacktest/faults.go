package slacktest

import (
	"net/http"
	"strconv"
	"time"
)

// Faults lets things go wrong that go wrong between an app and Slack.
type Faults struct {
	s *Server // whose lock guards the rest

	limited map[string]*limitFault
	lost    map[string]int
	failed  map[string]*failFault
	twice   bool
	skew    time.Duration
	hold    int
}

type limitFault struct {
	n     int
	after time.Duration
}

type failFault struct {
	n    int
	code string
}

// RateLimit answers the next n calls of a method with 429 and asks to come back after a
// while. "response" is the method for response addresses.
func (f *Faults) RateLimit(method string, n int, after time.Duration) {
	f.set(func() { f.limited[method] = &limitFault{n: n, after: after} })
}

// LoseAnswer does what the next n calls of a method ask for and then breaks the
// connection instead of answering.
func (f *Faults) LoseAnswer(method string, n int) { f.set(func() { f.lost[method] = n }) }

// Fail answers the next n calls of a method with an error code, or with an HTTP status if
// the code is a number, and does nothing.
func (f *Faults) Fail(method, code string, n int) {
	f.set(func() { f.failed[method] = &failFault{n: n, code: code} })
}

// DropConnections breaks all WebSockets without a word.
func (f *Faults) DropConnections() {
	for _, c := range f.s.lines.Open() {
		f.s.lose(c)
	}
}

// RefreshConnections tells the app on every WebSocket to open a new one, as Slack does
// from time to time, and then closes it.
func (f *Faults) RefreshConnections() {
	for _, c := range f.s.lines.Open() {
		c.disconnect("refresh_requested")
		f.s.lose(c)
	}
}

// WarnConnections tells the app on every WebSocket that it will be closed soon.
func (f *Faults) WarnConnections() {
	for _, c := range f.s.lines.Open() {
		c.disconnect("warning")
	}
}

// DeliverTwice delivers everything twice at once from now on, or no longer.
func (f *Faults) DeliverTwice(on bool) { f.set(func() { f.twice = on }) }

// Skew puts the clock of signatures off by d.
func (f *Faults) Skew(d time.Duration) { f.set(func() { f.skew = d }) }

// OutOfOrder holds the next n events back until all of them are there and delivers them
// last first. Deeds do not wait for events that are held.
func (f *Faults) OutOfOrder(n int) { f.set(func() { f.hold = n }) }

// Revoke makes the tokens of the app worthless and closes its WebSockets.
func (f *Faults) Revoke() {
	f.revoked(true)
	f.DropConnections()
}

// Restore takes Revoke back.
func (f *Faults) Restore() { f.revoked(false) }

func (f *Faults) revoked(yes bool) {
	f.set(func() {
		for _, t := range f.s.tokens {
			t.revoked = yes
		}
	})
}

func (f *Faults) set(change func()) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	change()
}

// next tells how a call of a method is to fail, if it is. It is called with the lock.
func (f *Faults) next(method string) (status int, code string, after time.Duration) {
	if l := f.limited[method]; l != nil && l.n > 0 {
		l.n--
		return http.StatusTooManyRequests, "ratelimited", l.after
	}
	if e := f.failed[method]; e != nil && e.n > 0 {
		e.n--
		if n, err := strconv.Atoi(e.code); err == nil {
			return n, "internal_error", 0
		}
		return http.StatusOK, e.code, 0
	}
	return 0, "", 0
}

// lose tells whether the answer to a call of a method is to be lost. It is called with
// the lock.
func (f *Faults) lose(method string) bool {
	if f.lost[method] == 0 {
		return false
	}
	f.lost[method]--
	return true
}
