package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"slipway/bot/standin"
)

// delivery is one thing that the app is told: an event, a slash command or an
// interaction.
type delivery struct {
	kind    string // of a Socket Mode envelope
	id      string // of the event
	payload map[string]any
	retry   int
	reason  string // why it is sent again
}

// reply is how the app answered; body is what it says, nil if nothing.
type reply struct {
	body []byte
	took time.Duration
}

// eventRetries is how often an event is sent again.
const eventRetries = 3

// errFinal says that the app does not want to be told again.
var errFinal = errors.New("not wanted")

// errLate says that the app did not answer in time.
var errLate = errors.New("the app did not answer in time")

// Sign returns the signature that requests to the app carry: version 0, over the time
// stamp and the body.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// send delivers something and waits for the answer. An event that was not taken is kept
// for another try.
func (s *Server) send(ctx context.Context, d delivery) (reply, error) {
	if d.kind == "events_api" && s.hold(d) {
		return reply{}, nil
	}
	s.mu.Lock()
	twice := s.faults.twice
	s.mu.Unlock()
	var again sync.WaitGroup
	if twice {
		again.Go(func() { _, _ = s.transport(ctx, d) }) // the other one's answer counts
	}
	r, err := s.transport(ctx, d)
	again.Wait()
	if err != nil && d.kind == "events_api" {
		s.keep(d, err)
	}
	return r, err
}

// transport sends a delivery the way that the app is connected.
func (s *Server) transport(ctx context.Context, d delivery) (reply, error) {
	if s.cfg.SocketMode {
		return s.overSocket(ctx, d)
	}
	return s.overHTTP(ctx, d)
}

// hold keeps an event back while events come out of order, and lets all of them go with
// the last.
func (s *Server) hold(d delivery) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.hold == 0 || d.retry > 0 {
		return false
	}
	s.held = append(s.held, d)
	if s.faults.hold--; s.faults.hold > 0 {
		return true
	}
	held := s.held
	s.held = nil
	s.Go(func(ctx context.Context) {
		for _, d := range slices.Backward(held) {
			if _, err := s.transport(ctx, d); err != nil {
				s.keep(d, err)
			}
		}
	})
	return true
}

// keep puts an event aside for another try.
func (s *Server) keep(d delivery, why error) {
	if d.retry++; d.retry > eventRetries || errors.Is(why, errFinal) || s.Ended() {
		return
	}
	d.reason = "http_error"
	if errors.Is(why, errLate) {
		d.reason = "http_timeout"
	} else if errors.Is(why, standin.ErrDown) {
		d.reason = "connection_failed"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.RetryEvery == 0 {
		s.pending = append(s.pending, d)
		return
	}
	s.Go(func(ctx context.Context) {
		timer := time.NewTimer(s.cfg.RetryEvery)
		defer timer.Stop()
		select {
		case <-timer.C:
			_, _ = s.send(ctx, d) // kept again
		case <-ctx.Done():
		}
	})
}

// Retry sends the events again that the app did not take, as Slack does after a while, and
// returns how many were taken now. An event is sent again three times at most.
func (s *Server) Retry(ctx context.Context) int {
	s.mu.Lock()
	pending := s.pending
	s.pending = nil
	s.mu.Unlock()
	taken := 0
	for _, d := range pending {
		if _, err := s.send(ctx, d); err == nil {
			taken++
		}
	}
	return taken
}

// Challenge asks the app to prove that the address for events is its own, as Slack does
// when it is set.
func (s *Server) Challenge(ctx context.Context) error {
	want := "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
	r, err := s.overHTTP(ctx, delivery{kind: "events_api", payload: map[string]any{
		"token": "slacktest", "type": "url_verification", "challenge": want,
	}})
	if err != nil {
		return err
	}
	var o struct{ Challenge string }
	if string(r.body) != want && (json.Unmarshal(r.body, &o) != nil || o.Challenge != want) {
		return fmt.Errorf("challenge answered with %q", r.body)
	}
	return nil
}

// overHTTP posts a signed request.
func (s *Server) overHTTP(ctx context.Context, d delivery) (reply, error) {
	s.mu.Lock()
	now := s.cfg.Now().Add(s.faults.skew)
	body, path, kind, err := encode(d)
	s.mu.Unlock()
	if err != nil {
		return reply{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.AckWithin, errLate)
	defer cancel()
	timestamp := strconv.FormatInt(now.Unix(), 10)
	header := http.Header{}
	header.Set("Content-Type", kind)
	header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	header.Set("X-Slack-Request-Timestamp", timestamp)
	header.Set("X-Slack-Signature", Sign(s.cfg.SigningSecret, timestamp, body))
	if d.retry > 0 {
		header.Set("X-Slack-Retry-Num", strconv.Itoa(d.retry))
		header.Set("X-Slack-Retry-Reason", d.reason)
	}
	start := s.cfg.Now()
	answer, err := s.Post(ctx, path, header, body)
	r := reply{body: bytes.TrimSpace(answer.Body), took: s.cfg.Now().Sub(start)}
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errLate):
		s.Violate("no answer to %s within %s", path, s.cfg.AckWithin)
		return reply{}, fmt.Errorf("%s: %w", path, errLate)
	case err != nil:
		return r, fmt.Errorf("%s: %w", path, err)
	case answer.Status < 200 || answer.Status > 299:
		s.declined(path, answer.Status)
		err := fmt.Errorf("%s answered with status %d: %s", path, answer.Status, r.body)
		if answer.Header.Get("X-Slack-No-Retry") == "1" {
			err = fmt.Errorf("%w: %w", errFinal, err)
		}
		return r, err
	}
	return r, nil
}

// declined notes that the app did not take a request, unless its clock told it not to.
func (s *Server) declined(path string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status != http.StatusUnauthorized || s.faults.skew == 0 {
		s.Violate("%s answered with status %d", path, status)
	}
}

// encode makes the body of a request, and says where it goes and of what type it is.
func encode(d delivery) (body []byte, path, kind string, err error) {
	if d.kind == "slash_commands" {
		form := url.Values{}
		for k, v := range d.payload {
			form.Set(k, fmt.Sprint(v))
		}
		return []byte(form.Encode()), "/slack/commands", "application/x-www-form-urlencoded", nil
	}
	raw, err := json.Marshal(d.payload)
	if err != nil {
		return nil, "", "", fmt.Errorf("write payload: %w", err)
	}
	if d.kind == "interactive" {
		form := url.Values{"payload": {string(raw)}}
		return []byte(form.Encode()), "/slack/interactions", "application/x-www-form-urlencoded", nil
	}
	return raw, "/slack/events", "application/json", nil
}
