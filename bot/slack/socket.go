package slack

import (
	"context"
	"errors"
	"io"
	"time"
)

// How long to wait before the next connection. One that held for a while begins anew.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 30 * time.Second
	steady     = 10 * time.Second
)

// supervise keeps a connection open until ctx ends. Every failure comes back to this
// loop, also that a token is refused: it may be given back.
func (s *Slack) supervise(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		held, err := s.connect(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case held:
			pause = firstPause
			if errors.Is(err, errRefresh) {
				continue // Slack does so every few hours
			}
		}
		wait := s.jitter(pause)
		if after, ok := limited(err); ok {
			wait = max(wait, after)
		}
		s.Log.WarnContext(ctx, "connect to slack", "retry_in", wait.String(), "error", err)
		s.status.setSocket("Socket Mode: " + err.Error())
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		pause = min(2*pause, lastPause)
	}
}

// jitter makes a pause up to a quarter longer, so that replicas do not come back all at
// once.
func (s *Slack) jitter(pause time.Duration) time.Duration {
	var b [1]byte
	if s.Rand == nil {
		return pause
	}
	if _, err := io.ReadFull(s.Rand, b[:]); err != nil {
		return pause
	}
	return pause + pause*time.Duration(b[0])/1024
}

// connect opens a connection and serves it to its end; held tells whether it was good for
// a while.
func (s *Slack) connect(ctx context.Context) (held bool, err error) {
	_, address, err := s.api.StartSocketModeContext(ctx)
	if err != nil {
		return false, safe(err)
	}
	c, err := dial(ctx, s, address)
	if err != nil {
		return false, err
	}
	good := time.NewTimer(steady)
	defer good.Stop()
	err = c.serve(ctx)
	select {
	case <-good.C:
		return true, err
	default:
		return false, err
	}
}
