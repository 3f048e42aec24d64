package webhook

import (
	"cmp"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how often something may happen: Burst times at once, PerSecond in the long
// run. A negative PerSecond is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// DefaultCallbackRate is how often one sender may call back.
var DefaultCallbackRate = Rate{PerSecond: 20, Burst: 100}

// What is remembered of senders: idle ones are forgotten once a minute, and all of
// them when somebody sends from more addresses than any network of receivers has.
const (
	forgetEvery = time.Minute
	maxSenders  = 1 << 16
)

// senders limits how often each address may send. An IPv6 sender is its /64 network,
// since one host has all of it.
type senders struct {
	rate Rate

	mu     sync.Mutex
	limits map[netip.Prefix]*rate.Limiter
	swept  time.Time
}

func newSenders(r Rate) *senders {
	if r == (Rate{}) {
		r = DefaultCallbackRate
	}
	r.Burst = max(1, cmp.Or(r.Burst, DefaultCallbackRate.Burst))
	return &senders{rate: r, limits: map[netip.Prefix]*rate.Limiter{}}
}

// wait counts a request of a remote address and returns how long its sender has to
// wait before the next try; 0: it may go on.
func (s *senders) wait(remote string, now time.Time) time.Duration {
	if s.rate.PerSecond < 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	turn := s.limit(remote, now).ReserveN(now, 1)
	delay := turn.DelayFrom(now)
	if delay > 0 {
		turn.CancelAt(now)
	}
	return delay
}

// look returns what wait would, and counts nothing.
func (s *senders) look(remote string, now time.Time) time.Duration {
	if s.rate.PerSecond < 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	missing := 1 - s.limit(remote, now).TokensAt(now)
	return time.Duration(max(0, missing) / s.rate.PerSecond * float64(time.Second))
}

// limit returns the limit of a sender.
func (s *senders) limit(remote string, now time.Time) *rate.Limiter {
	s.forget(now)
	key := network(remote)
	l := s.limits[key]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(s.rate.PerSecond), s.rate.Burst)
		s.limits[key] = l
	}
	return l
}

// forget drops the senders who have been quiet for so long that nothing is held
// against them.
func (s *senders) forget(now time.Time) {
	if len(s.limits) >= maxSenders {
		clear(s.limits)
	}
	if now.Sub(s.swept) < forgetEvery {
		return
	}
	s.swept = now
	for key, l := range s.limits {
		if l.TokensAt(now) >= float64(s.rate.Burst) {
			delete(s.limits, key)
		}
	}
}

// network returns who is behind a remote address. Addresses that cannot be read share
// one limit.
func network(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
