package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"slipway/bot/standin"
	"slipway/bot/web"
)

func TestAReaderWhoHasGoneIsNoFaultOfOurs(t *testing.T) {
	t.Parallel()
	var logged standin.Log
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
