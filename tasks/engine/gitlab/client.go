package gitlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/time/rate"

	"slipway"
)

const (
	maxBody    = 8 << 20     // of an answer
	readTries  = 3           // of a request that only reads
	firstPause = time.Second // before the second try; then twice as long
	maxLimited = time.Minute // as long as a request waits because GitLab says so
)

// errTooLarge is the fate of a larger answer than maxBody.
var errTooLarge = errors.New("answer is larger than 8 MiB")

// transport sends requests: not too many, each with a timeout, those that only read
// again when the way to GitLab fails. What changes something is sent again only when
// GitLab says that it did nothing, because it was asked too often.
type transport struct {
	next    http.RoundTripper
	timeout time.Duration
	limit   *rate.Limiter
	sent    atomic.Int64
}

func newTransport(c Config) *transport {
	t := &transport{next: c.Transport, timeout: c.Timeout, limit: rate.NewLimiter(rate.Inf, 1)}
	if c.PerMinute > 0 {
		t.limit = rate.NewLimiter(rate.Limit(float64(c.PerMinute)/60), max(1, c.PerMinute/20))
	}
	if t.next == nil {
		t.next = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: c.Timeout}).DialContext,
			TLSHandshakeTimeout: c.Timeout, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		}
	}
	return t
}

// noRedirect leaves redirects alone: the token is for nobody else.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// RoundTrip implements http.RoundTripper. The body of the answer is read already.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	pause := firstPause
	for try := 1; ; try++ {
		answer, err := t.once(r)
		wait := time.Duration(0)
		switch {
		case r.Context().Err() != nil:
		case err == nil && answer.StatusCode == http.StatusTooManyRequests:
			wait = retryAfter(answer)
		case r.Method == http.MethodGet && passes(answer, err):
			wait, pause = pause, 2*pause
		}
		if wait == 0 || wait > maxLimited || try == readTries || (r.Body != nil && r.GetBody == nil) {
			return answer, err
		}
		select {
		case <-r.Context().Done():
			return answer, err
		case <-time.After(wait):
		}
	}
}

// passes tells whether a fault may be gone soon. A 500 is none of those: it is
// GitLab's answer.
func passes(answer *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, errTooLarge)
	}
	switch answer.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func retryAfter(answer *http.Response) time.Duration {
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return firstPause
}

func (t *transport) once(r *http.Request) (*http.Response, error) {
	if err := t.limit.Wait(r.Context()); err != nil {
		return nil, fmt.Errorf("wait for the limit of requests: %w", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), t.timeout)
	defer cancel()
	try := r.Clone(ctx)
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, fmt.Errorf("read request again: %w", err)
		}
		try.Body = body
	}
	t.sent.Add(1)
	answer, err := t.next.RoundTrip(try)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case len(body) > maxBody:
		return nil, errTooLarge
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// reading makes an error for people of one from a request that only read.
func (e *Engine) reading(ctx context.Context, err error) error {
	refusal := e.refusal(ctx, err)
	if refusal != nil {
		return refusal
	}
	return slipway.Refuse(slipway.Unavailable,
		"GitLab at %s does not answer at the moment. Try again in a little while.", "GitLab（%s）暂时没有响应，请稍后重试。", e.host).
		Because(e.redacted(err))
}

// acting makes an error of one from a request that was to change something. It is for
// people only if nothing was changed.
func (e *Engine) acting(ctx context.Context, err error) error {
	var dial *net.OpError
	if refusal := e.refusal(ctx, err); refusal != nil {
		return refusal
	}
	if errors.As(err, &dial) && dial.Op == "dial" {
		return e.reading(ctx, err) // it never got there
	}
	return e.redacted(err)
}

// refusal returns what GitLab refused, or the context's end; nil for anything else.
func (e *Engine) refusal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *gl.ErrorResponse
	if !errors.As(err, &answer) {
		return nil
	}
	cause := e.redacted(err)
	said := e.hide(said(answer))
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized:
		return slipway.Refuse(slipway.Unauthenticated,
			"GitLab at %s does not accept Slipway's access token: it is wrong, revoked or expired. An operator sets a new one in SLIPWAY_GITLAB_TOKEN.",
			"GitLab（%s）不接受 Slipway 的访问令牌：令牌错误、已吊销或已过期。请运维人员在 SLIPWAY_GITLAB_TOKEN 中设置新令牌。", e.host).Because(cause)
	case status == http.StatusForbidden:
		return slipway.Refuse(slipway.Forbidden,
			"GitLab does not let Slipway's account do this (%s). Give the account a higher role in the project.",
			"GitLab 不允许 Slipway 的账号执行此操作（%s）。请在该项目中为其授予更高的角色。", said).Because(cause)
	case status == http.StatusNotFound:
		return slipway.Refuse(slipway.NotFound, "GitLab knows no such thing, or Slipway's account may not see it.",
			"GitLab 中没有该对象，或者 Slipway 的账号无权查看。").Because(cause)
	case status == http.StatusTooManyRequests:
		return slipway.Refuse(slipway.TooMany, "GitLab is asked too often. Try again in a minute.", "对 GitLab 的请求过于频繁，请一分钟后重试。").
			Because(cause)
	case status >= 400 && status < 500:
		return slipway.Refuse(slipway.Conflict, "GitLab refuses: %s", "GitLab 拒绝了该操作：%s", said).Because(cause)
	}
	return nil
}

// said is what GitLab answered, in one short line.
func said(answer *gl.ErrorResponse) string {
	text := strings.NewReplacer("{message: {base: [", "", "]}}", "", "{message: ", "", "{error: ", "", "}", "", "\n", " ").Replace(answer.Message)
	if text = strings.TrimSpace(text); text == "" {
		text = strconv.Itoa(answer.StatusCode)
	}
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}

// hide replaces our own credentials in a text.
func (e *Engine) hide(text string) string {
	return newMasker([]string{e.config.Token, e.config.WebhookToken}).mask(text)
}

// redacted returns an error that says the same without credentials, and wraps nothing.
func (e *Engine) redacted(err error) error { return errors.New(e.hide(err.Error())) }

func isNotFound(err error) bool { return errors.Is(err, gl.ErrNotFound) }
