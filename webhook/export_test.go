package webhook

import "time"

// Calls lists everything that a handler serves, as "METHOD path".
func Calls() []string {
	h := &handler{}
	list := make([]string, 0, len(h.calls()))
	for _, c := range h.calls() {
		list = append(list, c.method+" "+c.path)
	}
	return list
}

// Senders is what limits callbacks.
type Senders = senders

// NewSenders returns what limits callbacks.
func NewSenders(r Rate) *Senders { return newSenders(r) }

// Wait counts a request of a remote address.
func (s *Senders) Wait(remote string, now time.Time) time.Duration { return s.wait(remote, now) }

// Remembered counts the senders that something is held against.
func (s *Senders) Remembered() int { return len(s.limits) }
