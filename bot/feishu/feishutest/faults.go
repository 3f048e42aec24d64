package feishutest

import (
	"path"
	"time"
)

// Faults lets things go wrong that go wrong between an app and Feishu.
//
// A call is named by one of the Op constants, or by a pattern of path.Match for its
// method and path, for example "PATCH /open-apis/im/v1/messages/*"; "*" is every call.
type Faults struct {
	s *Server // whose lock guards the rest

	planned []*fault
	twice   bool
	mixed   bool
	lost    bool // events
	numbers bool
	british bool
}

// fault is something that happens to the next calls.
type fault struct {
	call  string
	n     int
	kind  faultKind
	after time.Duration
	code  int
}

type faultKind int

const (
	limited faultKind = iota
	lost
	failed
)

// RateLimit answers the next n calls with 429 and code 99991400 and asks to come back
// after a while, which Feishu tells in whole seconds.
func (f *Faults) RateLimit(call string, n int, after time.Duration) {
	f.plan(&fault{call: call, n: n, kind: limited, after: after})
}

// LoseAnswer does what the next n calls ask for and then breaks the connection instead of
// answering.
func (f *Faults) LoseAnswer(call string, n int) { f.plan(&fault{call: call, n: n, kind: lost}) }

// Fail answers the next n calls with an error and does nothing. A code below 600 is an HTTP
// status.
func (f *Faults) Fail(call string, code, n int) {
	f.plan(&fault{call: call, n: n, kind: failed, code: code})
}

// Heal forgets what is to happen to calls.
func (f *Faults) Heal() { f.set(func() { f.planned = nil }) }

// DropConnections breaks all long connections without a word.
func (f *Faults) DropConnections() {
	for _, c := range f.s.lines.Open() {
		f.s.lines.Leave(c)
		c.drop()
	}
}

// DeliverTwice delivers every event twice at once, to two connections if there are two.
func (f *Faults) DeliverTwice(on bool) { f.set(func() { f.twice = on }) }

// LoseEvents keeps events from reaching the app, for good.
func (f *Faults) LoseEvents(on bool) { f.set(func() { f.lost = on }) }

// NumberTimes writes the operate_time of all events about approvals as a number, as
// Feishu does for some of them.
func (f *Faults) NumberTimes(on bool) { f.set(func() { f.numbers = on }) }

// SpellCancelled writes the status CANCELED of an approval with two L.
func (f *Faults) SpellCancelled(on bool) { f.set(func() { f.british = on }) }

// OutOfOrder lets events that happen at about the same time overtake each other.
func (f *Faults) OutOfOrder(on bool) { f.set(func() { f.mixed = on }) }

// Skew sets Feishu's clock ahead of Config.Now; behind it if d is negative.
func (f *Faults) Skew(d time.Duration) { f.set(func() { f.s.skew = d }) }

// Revoke makes all tokens invalid that the app has. It gets a new one when it asks.
func (f *Faults) Revoke() { f.revoked(true) }

// Restore makes the tokens valid again that Revoke made invalid.
func (f *Faults) Restore() { f.revoked(false) }

func (f *Faults) revoked(yes bool) {
	f.set(func() {
		for _, t := range f.s.tokens {
			t.revoked = yes
		}
	})
}

// AgeMessages makes all messages older by d: after 14 days cards can neither be pressed nor
// changed.
func (f *Faults) AgeMessages(d time.Duration) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	for _, m := range f.s.messages {
		m.at = m.at.Add(-d)
	}
	f.s.touch()
}

func (f *Faults) set(change func()) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	change()
}

func (f *Faults) plan(planned *fault) { f.set(func() { f.planned = append(f.planned, planned) }) }

// take returns the fault that happens to a call, nil if none does. It is called with the
// lock.
func (f *Faults) take(op, method, address string) *fault {
	for _, planned := range f.planned {
		if planned.n > 0 && named(planned.call, op, method, address) {
			planned.n--
			return planned
		}
	}
	return nil
}

// named tells whether a call goes by a name.
func named(name, op, method, address string) bool {
	if name == "*" || name == "" || name == op {
		return true
	}
	matched, err := path.Match(name, method+" "+address)
	return err == nil && matched
}
