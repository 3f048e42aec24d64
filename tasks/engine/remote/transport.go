package remote

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	maxBody    = 8 << 20     // of an answer
	readTries  = 3           // of a request that only reads
	firstPause = time.Second // before the second try; then twice as long
	maxLimited = time.Minute // as long as a request waits because the server says so
)

// errNotAllowed is the fate of a request that the limit holds back for longer than its
// caller waits.
var errNotAllowed = errors.New("not sent: the limit of requests is reached")

// ErrTooLarge is the fate of an answer of more than 8 MiB.
var ErrTooLarge = errors.New("answer is larger than 8 MiB")

// Transport sends requests: not too many, each with a timeout, those that only read
// again when the way to the server fails. What changes something is sent again only
// when the server says that it did nothing, because it was asked too often. The body of
// an answer is read already.
type Transport struct {
	next    http.RoundTripper
	timeout time.Duration
	pace    *pace
	pause   time.Duration
	sent    atomic.Int64
}

// TransportConfig says how requests are sent.
type TransportConfig struct {
	Next      http.RoundTripper // default: one of its own
	Timeout   time.Duration     // of one request; 0 is 15 s
	PerMinute int               // requests a minute at most; 0: no limit
	Pause     time.Duration     // before a request is sent again; 0 is 1 s
}

// NewTransport returns a transport.
func NewTransport(c TransportConfig) *Transport {
	t := &Transport{
		next: c.Next, timeout: cmp.Or(c.Timeout, 15*time.Second), pause: cmp.Or(c.Pause, firstPause), pace: newPace(c.PerMinute),
	}
	if t.next == nil {
		t.next = Direct(t.timeout)
	}
	return t
}

// Direct returns the transport that sends requests when no other is given. It gives up
// a connection before the timeout of its request, so that it is known that nothing was
// sent: see NeverSent.
func Direct(timeout time.Duration) http.RoundTripper {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: timeout / 2}).DialContext,
		TLSHandshakeTimeout: timeout, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	}
}

// Client returns a client that uses the transport and follows no redirects: credentials
// are for nobody else.
func (t *Transport) Client() *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Sent returns how many requests were sent so far.
func (t *Transport) Sent() int64 { return t.sent.Load() }

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	pause := t.pause
	for try := 1; ; try++ {
		answer, err := t.once(r)
		wait := time.Duration(0)
		switch {
		case r.Context().Err() != nil:
		case err == nil && answer.StatusCode == http.StatusTooManyRequests:
			wait = t.retryAfter(answer)
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

// Stream sends a request whose answer comes bit by bit. The caller reads the body while
// it comes, closes it, and ends the request by its context: no timeout does, and nothing
// is sent again.
func (t *Transport) Stream(r *http.Request) (*http.Response, error) {
	if err := t.pace.wait(r.Context()); err != nil {
		return nil, err
	}
	t.sent.Add(1)
	return t.next.RoundTrip(r)
}

// passes tells whether a fault may be gone soon. A 500 is none of those: it is the
// server's answer.
func passes(answer *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, ErrTooLarge) && !errors.Is(err, errNotAllowed)
	}
	switch answer.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (t *Transport) retryAfter(answer *http.Response) time.Duration {
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return t.pause
}

func (t *Transport) once(r *http.Request) (*http.Response, error) {
	if err := t.pace.wait(r.Context()); err != nil {
		return nil, err
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
		return nil, ErrTooLarge
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// NeverSent tells whether an error of a request says that it did not reach the server:
// nothing can have happened there.
func NeverSent(err error) bool {
	var way *net.OpError
	return errors.Is(err, errNotAllowed) || (errors.As(err, &way) && (way.Op == "dial" || way.Op == "proxyconnect"))
}
