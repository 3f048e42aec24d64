package slacktest

import "time"

// bucket holds the calls that may still be made at once.
type bucket struct {
	left float64
	at   time.Time
}

// perChannel is how many messages may be posted to one channel in a burst; one comes back
// each second.
const perChannel = 5

// connectionBurst is how many sockets may be opened in a burst: as many as may be open.
const connectionBurst = 10

// limit counts a call and returns how long the app has to wait, 0 if it may call.
func (s *Server) limit(name string, m method, a arguments) time.Duration {
	if !s.cfg.Limits {
		return 0
	}
	switch {
	case name == "chat.postMessage":
		return s.take(name+" "+a.str("channel"), perChannel, 1)
	case m.rate == 0:
		return 0
	case name == "apps.connections.open":
		return s.take(name, connectionBurst, float64(m.rate)/60)
	default:
		return s.take(name, float64(m.rate), float64(m.rate)/60)
	}
}

// take takes one call out of a bucket that holds so many and gets so many a second.
func (s *Server) take(key string, size, perSecond float64) time.Duration {
	now := s.cfg.Now()
	b := s.buckets[key]
	if b == nil {
		b = &bucket{left: size, at: now}
		s.buckets[key] = b
	}
	b.left = min(size, b.left+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.left < 1 {
		return time.Duration((1 - b.left) / perSecond * float64(time.Second))
	}
	b.left--
	return 0
}
