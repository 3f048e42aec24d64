package webhook_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"slipway"
	"slipway/webhook"
)

// forge is an engine that sends notices.
type forge struct{ heard []webhook.EngineNotice }

func (f *forge) Hear(_ context.Context, engine string, n webhook.EngineNotice) error {
	switch {
	case engine != "forge":
		return slipway.Refuse(slipway.NotFound, "There is no engine %q here.", "没有名为 %q 的引擎。", engine)
	case n.Header.Get("X-Forge-Token") != "right":
		return slipway.Refuse(slipway.Unauthenticated, "The token is not right.", "令牌不正确。")
	}
	f.heard = append(f.heard, n)
	return nil
}

// Genuine notices are never too many; forged ones are.
func TestWhoForgesNoticesHasToWait(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: 0.01, Burst: 2}, Engines: &forge{}})
	for n, step := range []struct {
		token  string
		status int
	}{
		{"right", http.StatusOK},
		{"right", http.StatusOK},
		{"wrong", http.StatusUnauthorized},
		{"right", http.StatusOK},
		{"wrong", http.StatusUnauthorized},
		{"wrong", http.StatusTooManyRequests},
		{"right", http.StatusTooManyRequests},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/engine/forge", strings.NewReader("{}"))
		r.Header.Set("X-Forge-Token", step.token)
		a := httptest.NewRecorder()
		w.handler.ServeHTTP(a, r)
		if wait := a.Header().Get("Retry-After"); a.Code != step.status || (wait == "100") != (step.status == http.StatusTooManyRequests) {
			t.Errorf("notice %d with the %s token: answered %d, to wait %q", n+1, step.token, a.Code, wait)
		}
	}
}

// TestEngineNotices sends what engines send, and what others send in their name.
func TestEngineNotices(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, path, token, body string
		status, heard           int
	}{
		{"a notice is taken", "/api/engine/forge?x=1", "right", `{"run":7}`, http.StatusOK, 1},
		{"a forged one is not", "/api/engine/forge", "wrong", `{"run":7}`, http.StatusUnauthorized, 0},
		{"nor one of an engine that is not here", "/api/engine/other", "right", `{"run":7}`, http.StatusNotFound, 0},
		{"nor one that is too large", "/api/engine/forge", "right", strings.Repeat("x", webhook.MaxBody+1), http.StatusRequestEntityTooLarge, 0},
		{"nor one that is no text", "/api/engine/forge", "right", "\xff\xfe", http.StatusBadRequest, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &forge{}
			w := newWorldWith(t, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: -1}, Engines: f})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, test.path, strings.NewReader(test.body))
			r.Header.Set("X-Forge-Token", test.token)
			a := httptest.NewRecorder()
			w.handler.ServeHTTP(a, r)
			said, _ := io.ReadAll(a.Body)
			if a.Code != test.status || len(f.heard) != test.heard {
				t.Fatalf("answered %d %s, heard %d notices", a.Code, said, len(f.heard))
			}
			if test.heard == 1 && (string(f.heard[0].Body) != test.body || f.heard[0].Query.Get("x") != "1") {
				t.Errorf("heard %+v", f.heard[0])
			}
		})
	}
}
