package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"slipway/bot/web"
)

// lockedBuffer is a log that is read while others write it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestAReaderWhoHasGoneIsNoFaultOfOurs(t *testing.T) {
	t.Parallel()
	var logged lockedBuffer
	w := newWorld(t, func(_ *world, c *web.Config) { c.Log = slog.New(slog.NewTextHandler(&logged, nil)) })
	gone, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(gone, http.MethodGet, "/live", http.NoBody)
	r.AddCookie(&http.Cookie{Name: "slipway_session", Value: "anybody's"})
	w.web.Routes().ServeHTTP(httptest.NewRecorder(), r)
	if got := logged.String(); strings.Contains(got, "ERROR") || !strings.Contains(got, "client has gone") {
		t.Errorf("the log says %q", got)
	}
}
