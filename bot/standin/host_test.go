package standin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/bot/standin"
)

// newHost returns a host that says hello to the app, and what it logs.
func newHost(t *testing.T) (*standin.Host, *standin.Log) {
	t.Helper()
	log := &standin.Log{}
	h := standin.NewHost("Nowhere", slog.New(slog.NewTextHandler(log, nil)))
	h.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	return h, log
}

func get(t *testing.T, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

func TestAHostListensUntilItEnds(t *testing.T) {
	t.Parallel()
	h, log := newHost(t)
	if h.BaseURL() != "" {
		t.Errorf("it is at %s before it listens", h.BaseURL())
	}
	base, err := h.Listen("127.0.0.1:0")
	if err != nil || base != h.BaseURL() {
		t.Fatalf("Listen = %s, %v", base, err)
	}
	if _, err := h.Listen(strings.TrimPrefix(base, "http://")); err == nil {
		t.Error("it listens twice at one address")
	}
	if got, err := get(t, base); got != "hello" || err != nil {
		t.Errorf("it answers with %q, %v", got, err)
	}
	began, ended := make(chan struct{}), false
	h.Go(func(ctx context.Context) {
		close(began)
		<-ctx.Done()
		ended = true
	})
	<-began
	drops := 0
	if err := h.End(func() { drops++ }); err != nil || drops != 2 || !ended {
		t.Errorf("End = %v after %d drops; what went on has ended: %t", err, drops, ended)
	}
	if h.Go(func(context.Context) { t.Error("something began after the end") }) || !h.Ended() {
		t.Error("something can begin after the end")
	}
	if _, err := get(t, base); err == nil {
		t.Error("it answers after its end")
	}
	if log.String() != "" {
		t.Errorf("logged %s", log)
	}
}

func TestTheAppIsReachedWhereItListens(t *testing.T) {
	t.Parallel()
	h, _ := newHost(t)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/events", http.StatusTemporaryRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-No-Retry", "1")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "%s %s %s", r.URL, r.Header.Get("X-Sign"), body)
	}))
	t.Cleanup(app.Close)
	post := func(path string) (standin.Reply, error) {
		return h.Post(t.Context(), path, http.Header{"X-Sign": {"s"}}, []byte("ev"))
	}
	if r, err := post("/events"); !errors.Is(err, standin.ErrDown) {
		t.Errorf("no app: %+v, %v", r, err)
	}
	h.SetApp(app.URL + "/")
	if r, err := post("/events?n=1"); err != nil || r.Status != http.StatusAccepted || string(r.Body) != "/events?n=1 s ev" || r.Header.Get("X-No-Retry") != "1" {
		t.Errorf("answered with %+v, %v", r, err)
	}
	if r, err := post("/moved"); err != nil || r.Status != http.StatusTemporaryRedirect {
		t.Errorf("moved: %+v, %v", r, err)
	}
	if _, err := h.Post(expired(t), "/events", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("too late: %v", err)
	}
	app.Close()
	if _, err := post("/events"); !errors.Is(err, standin.ErrDown) {
		t.Errorf("gone: %v", err)
	}
}

func TestWhatTheAppDidWrongIsKept(t *testing.T) {
	t.Parallel()
	h, log := newHost(t)
	h.Violate("posted %d times", 2)
	h.Violate("said nothing")
	if diff := cmp.Diff([]string{"posted 2 times", "said nothing"}, h.Violations()); diff != "" {
		t.Error(diff)
	}
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "platform=Nowhere") {
		t.Errorf("logged %s", got)
	}
}

func TestLinesComeAndGo(t *testing.T) {
	t.Parallel()
	var lines standin.Lines[string]
	if open, err := lines.Wait(expired(t)); err == nil {
		t.Errorf("there are %q", open)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if open, err := lines.Wait(t.Context()); err != nil || open[0] != "a" {
				t.Errorf("waited for %q, %v", open, err)
			}
		})
	}
	for _, c := range []string{"a", "b", "c"} {
		lines.Join(c)
	}
	all.Wait()
	lines.Leave("b")
	lines.Leave("b")
	if diff := cmp.Diff([]string{"a", "c"}, lines.Open()); diff != "" {
		t.Error(diff)
	}
}

// expired is a context whose time is over.
func expired(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	t.Cleanup(cancel)
	return ctx
}

func TestOnlyTestsMoveTheClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	c := standin.NewClock(at)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { c.Pass(time.Minute) })
	}
	all.Wait()
	if got := c.Now(); !got.Equal(at.Add(10 * time.Minute)) {
		t.Errorf("it is %s", got)
	}
	word, number := "", 7
	standin.OrElse(&word, "x")
	standin.OrElse(&number, 8)
	if word != "x" || number != 7 || len(standin.Random(8)) != 16 {
		t.Errorf("set to %q and %d", word, number)
	}
}
