// Package standin is what the stand-ins of platforms have in common: where they listen and
// where the app does, what goes on beside the calls, and what the app did wrong. What they
// say is each platform's own.
package standin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Host is where a stand-in is served. A stand-in embeds it; it has a lock of its own, and may
// be used with that of the stand-in.
type Host struct {
	platform string
	log      *slog.Logger
	api      http.Handler
	client   *http.Client
	ctx      context.Context
	stop     context.CancelFunc

	beginning sync.Mutex     // nothing begins after Close
	work      sync.WaitGroup // what nobody waits for but Close

	mu         sync.Mutex
	address    string
	app        string
	server     *http.Server
	violations []string
}

// NewHost returns the host of a platform's stand-in, which logs nothing if log is nil. Answer
// must follow.
func NewHost(platform string, log *slog.Logger) *Host {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	h := &Host{platform: platform, log: log, client: &http.Client{
		Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h
}

// Answer says who answers the app's requests.
func (h *Host) Answer(api http.Handler) { h.api = api }

// ServeHTTP is the platform's API.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.api.ServeHTTP(w, r) }

// Listen serves the API at a TCP address such as 127.0.0.1:0 until Close, and returns where.
func (h *Host) Listen(addr string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(h.ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen for the stand-in of %s: %w", h.platform, err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	h.mu.Lock()
	h.address, h.server = "http://"+l.Addr().String(), server
	h.mu.Unlock()
	if !h.Go(func(context.Context) {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("stand-in stopped", "platform", h.platform, "error", err)
		}
	}) {
		_ = l.Close()
	}
	return h.BaseURL(), nil
}

// End ends everything and waits for it. drop breaks the connections that are not of the
// server any more.
func (h *Host) End(drop func()) error {
	h.beginning.Lock() // whatever got here before has begun
	h.stop()
	h.beginning.Unlock()
	drop()
	h.mu.Lock()
	server := h.server
	h.mu.Unlock()
	var err error
	if server != nil {
		err = server.Close()
	}
	drop() // those made meanwhile
	h.work.Wait()
	h.client.CloseIdleConnections()
	return err
}

// Go runs something beside everything else, unless the stand-in was closed; its context ends
// when it is.
func (h *Host) Go(work func(ctx context.Context)) bool {
	h.beginning.Lock()
	defer h.beginning.Unlock()
	if h.Ended() {
		return false
	}
	h.work.Go(func() { work(h.ctx) })
	return true
}

// Ended tells whether the stand-in was closed.
func (h *Host) Ended() bool { return h.ctx.Err() != nil }

// BaseURL returns the address to be given to the app, without a slash at its end; "" before
// Listen.
func (h *Host) BaseURL() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.address
}

// SetApp tells where the app listens, for what is sent to it over HTTP. "" is an app that is
// down.
func (h *Host) SetApp(address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.app = strings.TrimSuffix(address, "/")
}

// App returns where the app listens, without a slash at its end.
func (h *Host) App() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.app
}

// Reply is how the app answered a request.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// ErrDown says that the app is not there.
var ErrDown = errors.New("the app is not there")

// Post sends something to the app, at a path below its address. Redirects are not followed,
// as no platform does.
func (h *Host) Post(ctx context.Context, path string, header http.Header, body []byte) (Reply, error) {
	app := h.App()
	if app == "" {
		return Reply{}, ErrDown
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, app+path, bytes.NewReader(body))
	if err != nil {
		return Reply{}, fmt.Errorf("make request to the app: %w", err)
	}
	req.Header = header
	res, err := h.client.Do(req)
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrDown, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		err = fmt.Errorf("read the app's answer: %w", err)
	}
	return Reply{Status: res.StatusCode, Header: res.Header, Body: answer}, err
}

// Violate notes something that the app must not do.
func (h *Host) Violate(format string, args ...any) {
	v := fmt.Sprintf(format, args...)
	h.log.Warn("the app broke a rule", "platform", h.platform, "what", v)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violations = append(h.violations, v)
}

// Violations returns everything that the app did wrong so far.
func (h *Host) Violations() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.violations)
}

// OrElse sets what is not set.
func OrElse[T comparable](v *T, other T) {
	var zero T
	if *v == zero {
		*v = other
	}
}

// Random returns n random bytes in hexadecimal digits.
func Random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
