package dingtalktest

import (
	"net/http"
	"strconv"
	"time"
)

// Faults lets things go wrong that go wrong between an app and DingTalk. A call is named by
// one of the Op constants.
type Faults struct {
	s *Server // whose lock guards the rest

	planned  []*fault
	loseNext int
	noFinish bool
	twice    bool
	strings  bool
	layout   func(time.Time) string
}

// fault is something that happens to the next calls.
type fault struct {
	op     string
	n      int
	kind   faultKind
	status int
	code   string
}

type faultKind int

const (
	failed faultKind = iota
	lost
)

// RateLimit refuses the next n calls because there were too many.
func (f *Faults) RateLimit(op string, n int) {
	f.Fail(op, http.StatusForbidden, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", n)
}

// Fail answers the next n calls with an error and does nothing.
func (f *Faults) Fail(op string, status int, code string, n int) {
	f.plan(&fault{op: op, n: n, kind: failed, status: status, code: code})
}

// LoseAnswer does what the next n calls ask for and then breaks the connection instead of
// answering.
func (f *Faults) LoseAnswer(op string, n int) { f.plan(&fault{op: op, n: n, kind: lost}) }

// Revoke makes all tokens invalid that the app has.
func (f *Faults) Revoke() {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	clear(f.s.tokens)
}

// LoseEvents loses the next n events.
func (f *Faults) LoseEvents(n int) { f.set(func() { f.loseNext = n }) }

// LoseFinish loses every event that tells of an end, as DingTalk sometimes does.
func (f *Faults) LoseFinish(on bool) { f.set(func() { f.noFinish = on }) }

// DeliverTwice delivers every event twice, each time signed anew.
func (f *Faults) DeliverTwice(on bool) { f.set(func() { f.twice = on }) }

// NumbersAsStrings writes the numbers in events as strings.
func (f *Faults) NumbersAsStrings(on bool) { f.set(func() { f.strings = on }) }

// Times says how times of instances are written, nil as documented: 2022-08-31T11:52Z.
func (f *Faults) Times(write func(time.Time) string) { f.set(func() { f.layout = write }) }

func (f *Faults) set(change func()) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	change()
}

func (f *Faults) plan(planned *fault) { f.set(func() { f.planned = append(f.planned, planned) }) }

// What follows is called with the lock.

// take returns what happens to a call, nil if nothing does.
func (f *Faults) take(op string) *fault {
	for _, planned := range f.planned {
		if planned.n > 0 && planned.op == op {
			planned.n--
			return planned
		}
	}
	return nil
}

// times is how often an event is delivered.
func (f *Faults) times(e event) int {
	switch {
	case f.loseNext > 0:
		f.loseNext--
		return 0
	case f.noFinish && (e.kind == "finish" || e.kind == "terminate"):
		return 0
	case f.twice:
		return 2
	}
	return 1
}

func (f *Faults) number(n int64) any {
	if f.strings {
		return strconv.FormatInt(n, 10)
	}
	return n
}

func (f *Faults) time(t time.Time) string {
	if f.layout != nil {
		return f.layout(t)
	}
	return t.UTC().Format("2006-01-02T15:04Z")
}
