package standin

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// site is a server with faults, which counts what it acted on.
type site struct {
	Faults
	acted atomic.Int64
	url   string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	server := httptest.NewServer(s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.acted.Add(1)
		_, _ = io.WriteString(w, "did "+string(body))
	})))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// ask sends a request; the answer is its status and body, or "cut".
func (s *site) ask(ctx context.Context, t *testing.T, method string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, s.url, strings.NewReader("it"))
	if err != nil {
		t.Error(err)
		return ""
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return "cut"
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "cut"
	}
	return strings.TrimSpace(answer.Status[:3] + " " + answer.Header.Get("Retry-After") + string(body))
}

func TestFaultsHitTheRequestsTheyAreMeantFor(t *testing.T) {
	t.Parallel()
	const get, post = http.MethodGet, http.MethodPost
	for _, tt := range []struct {
		name    string
		fault   func(*site)
		methods []string
		want    []string
		acted   int64
	}{
		{"none", func(*site) {}, []string{get, post}, []string{"200 did it", "200 did it"}, 2},
		{"down", func(s *site) { s.Down(true) }, []string{get, post}, []string{"cut", "cut"}, 0},
		{"up again", func(s *site) { s.Down(true); s.Down(false) }, []string{get}, []string{"200 did it"}, 1},
		{"a lost answer", (*site).LoseNextAnswer, []string{get, post, post}, []string{"200 did it", "cut", "200 did it"}, 3},
		{"a lost request", (*site).DropNextRequest, []string{get, post, post}, []string{"200 did it", "cut", "200 did it"}, 2},
		{"a status", func(s *site) { s.Status(500) }, []string{get, post}, []string{"500", "500"}, 0},
		{"too many requests", func(s *site) { s.RateLimit(1500 * time.Millisecond) }, []string{get, get}, []string{"429 2", "200 did it"}, 1},
		{"slow", func(s *site) { s.Slow(time.Millisecond) }, []string{get}, []string{"200 did it"}, 1},
	} {
		s := newSite(t)
		tt.fault(s)
		var got []string
		changes := 0
		for _, method := range tt.methods {
			got = append(got, s.ask(t.Context(), t, method))
			if method == post {
				changes++
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || s.acted.Load() != tt.acted || s.Changes() != changes || s.Requests() != len(tt.methods) {
			t.Errorf("%s: acted on %d, %d changes of %d requests (-want +got):\n%s", tt.name, s.acted.Load(), s.Changes(), s.Requests(), diff)
		}
	}
}

func TestAHeldRequestIsActedOnThoughItsCallerIsGone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	arrived, letGo := s.HoldNextRequest()
	ctx, leave := context.WithCancel(t.Context())
	answered := make(chan string, 1)
	go func() { answered <- s.ask(ctx, t, http.MethodPost) }()
	<-arrived
	if got := s.ask(t.Context(), t, http.MethodPost); got != "200 did it" {
		t.Errorf("another request is answered %q", got)
	}
	leave()
	if got := <-answered; got != "cut" || s.acted.Load() != 1 {
		t.Errorf("it is answered %q, acted on %d", got, s.acted.Load())
	}
	letGo()
	if s.acted.Load() != 2 {
		t.Errorf("acted on %d", s.acted.Load())
	}
}

func TestNoticesAreSentAsTheModeSays(t *testing.T) {
	t.Parallel()
	for mode, want := range map[Mode]int64{"": 0, Off: 0, Lost: 0, On: 1, Early: 1, Late: 1, Doubled: 2} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			var heard atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if body, err := io.ReadAll(r.Body); err == nil && string(body) == "news" && r.Header.Get("X-Token") == "t" {
					heard.Add(1)
				}
			}))
			t.Cleanup(server.Close)
			var n Notices
			n.Notify(mode)
			n.Send(http.Header{"X-Token": {"t"}}, []byte("to nobody"))
			n.To(server.URL)
			n.Send(http.Header{"X-Token": {"t"}}, []byte("news"))
			if mode == Early && (heard.Load() != 1 || !n.Early()) {
				t.Error("an early notice is waited for")
			}
			n.Wait()
			if heard.Load() != want {
				t.Errorf("heard %d times, want %d", heard.Load(), want)
			}
		})
	}
}

func TestNotesAreKept(t *testing.T) {
	t.Parallel()
	var n Notes
	n.Addf("%s has no %q", "GET /x", "y")
	if diff := cmp.Diff([]string{`GET /x has no "y"`}, n.List()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
