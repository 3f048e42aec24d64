package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"slipway/bot/slack/blockkit"
)

// How long to wait before the next connection; a connection that worked begins anew.
const (
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

// supervise keeps a connection open until ctx ends. The library gives up for good when a
// token is refused, and else waits for up to five minutes; here every failure comes back
// to this loop.
func (s *Slack) supervise(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		worked, err := s.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		if worked {
			pause = firstPause
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

var errSocketEnded = errors.New("the connection ended")

// connect opens a connection and serves it until it fails; worked tells whether it ever
// stood. Reconnections that Slack asks for are the library's business.
func (s *Slack) connect(ctx context.Context) (worked bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := socketmode.New(s.api, socketmode.OptionReadLimit(maxBody))
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case event := <-client.Events:
				//exhaustive:ignore
				switch event.Type {
				case socketmode.EventTypeHello:
					worked = true
					s.status.setSocket("")
				case socketmode.EventTypeConnectionError:
					cancel(connectionError(event.Data))
				case socketmode.EventTypeIncomingError:
					s.status.setSocket("Socket Mode: the connection was lost")
				default:
					s.incoming(ctx, client, event)
				}
			}
		}
	})
	err = client.RunContext(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	reading.Wait()
	if err == nil {
		err = errSocketEnded
	}
	return worked, safe(err)
}

func connectionError(data any) error {
	if e, ok := data.(*slack.ConnectionErrorEvent); ok && e.ErrorObj != nil {
		return e.ErrorObj
	}
	return errSocketEnded
}

// request is what comes over the connection.
type request struct {
	Type       string          `json:"type"`
	EnvelopeID string          `json:"envelope_id"`
	Payload    json.RawMessage `json:"payload"`
}

// incoming handles one delivery on a goroutine of its own, so that the reader is never
// held up. Payloads that the library cannot read come to the same path as the others.
func (s *Slack) incoming(ctx context.Context, client *socketmode.Client, event socketmode.Event) {
	var r request
	switch {
	case event.Request != nil:
		r = request{Type: event.Request.Type, EnvelopeID: event.Request.EnvelopeID, Payload: event.Request.Payload}
	default:
		bad, ok := event.Data.(*socketmode.ErrorBadMessage)
		if !ok || json.Unmarshal(bad.Message, &r) != nil {
			return
		}
	}
	if r.EnvelopeID == "" {
		return
	}
	s.chores.do(func() {
		a := s.receive(ctx, source(r.Type), r.Payload)
		if a.status == http.StatusServiceUnavailable {
			return // Slack delivers it again
		}
		s.ack(context.WithoutCancel(ctx), client, r.EnvelopeID, a.body)
		a.sent()
	})
}

// ack answers a delivery.
func (s *Slack) ack(ctx context.Context, client *socketmode.Client, envelope string, body any) {
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	if data, err := json.Marshal(body); err == nil && len(data) > blockkit.SocketResponse-200 {
		s.Log.ErrorContext(ctx, "answer is too large for socket mode", "bytes", len(data))
		body = nil
	}
	if err := client.AckCtx(ctx, envelope, body); err != nil {
		s.Log.WarnContext(ctx, "answer over socket mode", "error", err)
	}
}
