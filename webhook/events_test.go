package webhook_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/webhook"
)

// listener is a client of an event stream.
type listener struct {
	t     testing.TB
	lines *bufio.Scanner
}

type change struct {
	Plan    string
	Seq     int64
	Status  slipway.Status
	Version int64
	Verb    slipway.Verb
	ID      string
}

func (w *world) listen(plan string, headers ...string) *listener {
	w.t.Helper()
	server := httptest.NewServer(w.handler)
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/events?plan="+plan, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.tokens["eve"])
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := server.Client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		cancel()
		_ = res.Body.Close()
		server.Close()
	})
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/event-stream; charset=utf-8" {
		w.t.Fatalf("the stream is answered with %d %s", res.StatusCode, got)
	}
	return &listener{t: w.t, lines: bufio.NewScanner(res.Body)}
}

// next waits for the next change.
func (l *listener) next() change {
	l.t.Helper()
	var c change
	for l.lines.Scan() {
		key, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch key {
		case "id":
			c.ID = value
		case "event":
			if value != "change" {
				l.t.Fatalf("an event %q", value)
			}
		case "data":
			if err := json.Unmarshal([]byte(value), &c); err != nil {
				l.t.Fatal(err)
			}
			return c
		}
	}
	l.t.Fatalf("the stream ended: %v", l.lines.Err())
	return c
}

func TestAStreamTellsEachChangeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(document())
	other := w.create(document())
	l := w.listen("1")
	want := func(seq int64, id string, verb slipway.Verb, status slipway.Status) {
		t.Helper()
		if diff := cmp.Diff(change{p.ID, seq, status, 1, verb, id}, l.next()); diff != "" {
			t.Errorf("the event differs (-want +got):\n%s", diff)
		}
	}
	want(1, "1", slipway.VerbCreate, slipway.Planning)
	w.do("alice", other.ID, "submit", "")
	w.do("alice", p.ID, "submit", "")
	want(2, "2", slipway.VerbSubmit, slipway.WaitForApproval)
	w.do("bob", p.ID, "approve", "")
	w.do("dave", p.ID, "jobs/1/complete", "")
	want(3, "3", slipway.VerbApprove, slipway.Executing)
	want(4, "4", slipway.VerbComplete, slipway.Executing)
}

func TestAStreamGoesOnWhereItWasCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	w.do("bob", p.ID, "reject", "")
	l := w.listen(p.ID, "Last-Event-ID", "1")
	for _, want := range []string{"2", "3"} {
		if got := l.next(); got.ID != want {
			t.Errorf("event %s, want %s", got.ID, want)
		}
	}
	w.send("eve", "GET", "/api/v1/events?plan=1", "", "Last-Event-ID", "x").want(400)
	w.send("eve", "GET", "/api/v1/events?plan=7", "").want(404)
}

func TestALostNoticeCostsADelayOnly(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, webhook.HandlerConfig{Heartbeat: 5 * time.Millisecond})
	p := w.create(document())
	l := w.listen(p.ID)
	l.next()
	w.bell.mu.Lock()
	w.bell.mute = true
	w.bell.mu.Unlock()
	w.do("alice", p.ID, "submit", "")
	if got := l.next(); got.Verb != slipway.VerbSubmit {
		t.Errorf("the event is %+v", got)
	}
}
