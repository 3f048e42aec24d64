package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"slipway/bot"
)

// call asks Slack for one thing, unless Slack wants this method to be left alone at the
// moment. room is given where a method is limited by room.
func (s *Slack) call(ctx context.Context, method, room string, ask func(context.Context) error) error {
	key := method + " " + room
	if wait := s.gate.wait(key); wait > 0 {
		return &bot.RateLimited{After: wait}
	}
	err := ask(ctx)
	if err == nil {
		s.status.setToken("")
		return nil
	}
	if after, ok := limited(err); ok {
		s.gate.close(key, after)
		return fmt.Errorf("%s: %w", method, &bot.RateLimited{After: after})
	}
	code := codeOf(err)
	switch {
	case slices.Contains(tokenCodes, code):
		s.status.setToken("Slack refuses the bot token: " + code)
	case code != "":
		s.status.setToken("")
	}
	switch {
	case slices.Contains(goneCodes, code):
		err = fmt.Errorf("%w: %w", bot.ErrGone, err)
	case slices.Contains(oldCodes, code):
		err = fmt.Errorf("%w: %w", bot.ErrTooOld, err)
	}
	return fmt.Errorf("%s: %w", method, safe(err))
}

// The codes of Slack that mean something special here.
var (
	tokenCodes = []string{"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required", "team_access_not_granted"}
	goneCodes  = []string{
		"message_not_found", "cant_update_message", "channel_not_found", "is_archived", "not_in_channel", "user_not_found", "users_not_found",
		"user_not_visible", "user_disabled", "cannot_dm_bot", "thread_not_found", "cannot_find_message", "messages_tab_disabled", "no_such_subteam",
	}
	oldCodes = []string{"edit_window_closed"}
	// After these nobody knows whether it was done.
	doubtfulCodes = []string{"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
	triggerCodes  = []string{"expired_trigger_id", "trigger_expired", "invalid_trigger_id", "invalid_trigger"}
	usedCodes     = []string{"exchanged_trigger_id", "trigger_exchanged"} // a trigger opens one form
)

// codeOf returns the error code that Slack answered with, "" if it did not answer.
func codeOf(err error) string {
	var e slack.SlackErrorResponse
	if errors.As(err, &e) {
		return e.Err
	}
	return ""
}

// limited tells how long to wait after a refusal for asking too often.
func limited(err error) (time.Duration, bool) {
	const unsaid = 30 * time.Second
	var l *slack.RateLimitedError
	if errors.As(err, &l) {
		return max(l.RetryAfter, time.Second), true
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) && status.Code == http.StatusTooManyRequests {
		return unsaid, true
	}
	return unsaid, codeOf(err) == "ratelimited" || codeOf(err) == "rate_limited"
}

// lost tells that nobody knows whether what was asked for was done: Slack may have done it
// without its answer coming through.
func lost(err error) bool {
	var status slack.StatusCodeError
	var request *requestError
	var garbled *json.SyntaxError
	switch {
	case err == nil, errors.Is(err, bot.ErrGone):
		return false
	case slices.Contains(doubtfulCodes, codeOf(err)):
		return true
	case errors.As(err, &status):
		return status.Code >= http.StatusInternalServerError
	case errors.As(err, &request):
		var dial *net.OpError
		return !errors.As(err, &dial) || dial.Op != "dial"
	}
	return errors.As(err, &garbled) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// requestError is a request that got no answer. It does not tell the address: that of a
// response_url is a secret.
type requestError struct {
	op  string
	err error
}

func (e *requestError) Error() string { return e.op + ": " + e.err.Error() }

func (e *requestError) Unwrap() error { return e.err }

// safe takes addresses out of an error.
func safe(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return &requestError{op: u.Op, err: u.Err}
	}
	return err
}

// gate remembers what Slack wants to be left alone with, and until when.
type gate struct {
	now  func() time.Time
	mu   sync.Mutex
	shut map[string]time.Time
}

func (g *gate) wait(key string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.shut[key]
	if !ok {
		return 0
	}
	left := until.Sub(g.now())
	if left <= 0 {
		delete(g.shut, key)
	}
	return max(left, 0)
}

func (g *gate) close(key string, after time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		g.shut = map[string]time.Time{}
	}
	g.shut[key] = g.now().Add(after)
}

// cache keeps what Slack said about accounts for a while.
type cache[T any] struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[string]kept[T]
}

type kept[T any] struct {
	value T
	until time.Time
}

const (
	cacheTime = 10 * time.Minute
	cacheSize = 10_000
)

func (c *cache[T]) get(key string) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.kept[key]
	return k.value, ok && c.now().Before(k.until)
}

func (c *cache[T]) put(key string, value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= cacheSize {
		c.kept = map[string]kept[T]{}
	}
	c.kept[key] = kept[T]{value: value, until: c.now().Add(cacheTime)}
}
