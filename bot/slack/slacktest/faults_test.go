package slacktest_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"

	"slipway/bot/slack/slacktest"
)

// soon waits until something is so.
func (w *world) soon(what string, so func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline.C:
			w.t.Fatalf("never %s", what)
		}
	}
}

func TestCallsFailAsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	post := func() error {
		_, _, err := w.api.PostMessage("C1", slack.MsgOptionText("x", false))
		return err
	}
	f := w.Faults()
	f.RateLimit("chat.postMessage", 1, 7*time.Second)
	if limited, ok := errors.AsType[*slack.RateLimitedError](post()); !ok || limited.RetryAfter != 7*time.Second {
		t.Errorf("limited: %+v", limited)
	}
	f.Fail("chat.postMessage", "fatal_error", 1)
	if err := post(); errorText(err) != "fatal_error" {
		t.Errorf("failed: %v", err)
	}
	f.Fail("chat.postMessage", "503", 1)
	if status, ok := errors.AsType[slack.StatusCodeError](post()); !ok || status.Code != http.StatusServiceUnavailable {
		t.Errorf("unavailable: %v", status)
	}
	if seen := w.Person("U1").Look("C1"); len(seen) != 0 {
		t.Errorf("posted %v", seen)
	}
	f.LoseAnswer("chat.postMessage", 1)
	if err := post(); err == nil {
		t.Error("the answer was not lost")
	}
	if seen := w.Person("U1").Look("C1"); len(seen) != 1 {
		t.Errorf("posted %v", seen)
	}
	if err := post(); err != nil {
		t.Error(err)
	}
	var codes []string
	for _, c := range w.Calls("chat.postMessage") {
		codes = append(codes, c.Error)
	}
	if diff := cmp.Diff([]string{"ratelimited", "fatal_error", "internal_error", "", ""}, codes); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := w.Calls("chat.postMessage")[0].Arg("text"); got != "x" {
		t.Errorf("text %q", got)
	}
	w.clean()
}

func TestEverythingIsDeliveredTwice(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		w.Faults().DeliverTwice(true)
		if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "x"); err != nil {
			t.Fatal(err)
		}
		commands := w.app.all("command")
		if len(commands) != 2 || commands[0].trigger != commands[1].trigger {
			t.Errorf("commands %v", commands)
		}
		if _, err := w.Person("U1").Write(w.ctx(), "C1", "", "x"); err != nil {
			t.Fatal(err)
		}
		events := w.app.all("event")
		if len(events) != 2 || events[0].str("event_id") != events[1].str("event_id") {
			t.Errorf("events %v", events)
		}
		w.clean()
	})
}

func TestEventsComeOutOfOrder(t *testing.T) {
	t.Parallel()
	bothWays(t, nil, func(t *testing.T, w *world) {
		w.Faults().OutOfOrder(2)
		for _, text := range []string{"one", "two"} {
			if _, err := w.Person("U1").Write(w.ctx(), "C1", "", text); err != nil {
				t.Fatal(err)
			}
		}
		w.soon("both arrived", func() bool { return len(w.app.all("event")) == 2 })
		if first := w.app.all("event")[0].str("event", "text"); first != "two" {
			t.Errorf("first came %q", first)
		}
		w.clean()
	})
}

func TestAnEventThatWasNotTakenComesAgain(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *slacktest.Config) { c.AckWithin = 100 * time.Millisecond }, func(t *testing.T, w *world) {
		w.app.on(func(heard) any { return http.StatusInternalServerError })
		if _, err := w.Person("U1").Write(w.ctx(), "C1", "", "x"); err == nil {
			t.Error("nobody noticed")
		}
		if n := w.Retry(w.ctx()); n != 0 {
			t.Errorf("%d taken", n)
		}
		w.app.on(nil)
		if n := w.Retry(w.ctx()); n != 1 {
			t.Errorf("%d taken", n)
		}
		var retries []string
		for _, h := range w.app.all("event") {
			retries = append(retries, h.retry)
		}
		if diff := cmp.Diff([]string{"", "1", "2"}, retries); diff != "" {
			t.Errorf("retries (-want +got):\n%s", diff)
		}
		if n := w.Retry(w.ctx()); n != 0 {
			t.Errorf("%d taken once more", n)
		}
	})
}

func TestAnAppMayRefuseToBeToldAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	var told atomic.Int32
	w.serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		told.Add(1)
		rw.Header().Set("X-Slack-No-Retry", "1")
		rw.WriteHeader(http.StatusInternalServerError)
	}))
	if _, err := w.Person("U1").Write(w.ctx(), "C1", "", "x"); err == nil {
		t.Error("nobody noticed")
	}
	if n := w.Retry(w.ctx()); n != 0 || told.Load() != 1 {
		t.Errorf("%d taken, told %d times", n, told.Load())
	}
}

func TestWhatBelongsToAnotherDeedIsNoAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	say := func(url, text string) {
		if _, _, err := w.api.PostMessage("", slack.MsgOptionText(text, false), slack.MsgOptionResponseURL(url, "ephemeral")); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "first"); err != nil {
		t.Fatal(err)
	}
	first := w.app.all("command")[0].str("response_url")
	w.app.on(func(h heard) any {
		say(first, "late")
		say(h.str("response_url"), "now")
		return nil
	})
	answer, err := w.Person("U1").Command(w.ctx(), "C1", "", "second")
	if err != nil || answer.Toast != "now" {
		t.Errorf("answer %+v, %v", answer, err)
	}
	w.clean()
}

func TestEventsAreSentAgainByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, func(c *slacktest.Config) { c.RetryEvery = time.Millisecond })
	w.app.on(func(h heard) any {
		if h.retry == "" {
			return http.StatusInternalServerError
		}
		return nil
	})
	if _, err := w.Person("U1").Write(w.ctx(), "C1", "", "x"); err == nil {
		t.Error("nobody noticed")
	}
	w.soon("sent again", func() bool { return len(w.app.all("event")) == 2 })
}

func TestAnAppThatIsLateIsNoticed(t *testing.T) {
	t.Parallel()
	bothWays(t, func(c *slacktest.Config) { c.AckWithin = 20 * time.Millisecond }, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.app.on(func(heard) any { <-release; return nil })
		_, err := w.Person("U1").Command(w.ctx(), "C1", "", "x")
		close(release)
		if err == nil || !strings.Contains(err.Error(), "did not answer in time") {
			t.Errorf("command: %v", err)
		}
		w.violates("no answer to")
	})
}

func TestSignaturesCarryTheSkewedClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	w.Faults().Skew(-6 * time.Minute)
	seen := make(chan string, 1)
	server := http.NewServeMux()
	server.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("X-Slack-Request-Timestamp") })
	w.serve(server)
	if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "x"); err != nil {
		t.Fatal(err)
	}
	if got, want := <-seen, itoa(w.clock.Now().Add(-6*time.Minute).Unix()); got != want {
		t.Errorf("timestamp %s, want %s", got, want)
	}
	w.SetApp("")
	if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "x"); err == nil {
		t.Error("an app that is not there answered")
	}
}

func TestALostConnectionIsOpenedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overSocket, nil)
	for name, lose := range map[string]func(){"dropped": w.Faults().DropConnections, "refreshed": w.Faults().RefreshConnections} {
		opened := len(w.Calls("apps.connections.open"))
		lose()
		w.soon("open again", func() bool { return len(w.Calls("apps.connections.open")) > opened && w.Connections() == 1 })
		if _, err := w.Person("U1").Command(w.ctx(), "C1", "", name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.clean()
}

// dial opens a WebSocket by hand.
func (w *world) dial(url string) *websocket.Conn {
	w.t.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(w.ctx(), url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	w.t.Cleanup(func() { _ = ws.Close() })
	return ws
}

func TestAnAddressOpensOneWebSocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, func(c *slacktest.Config) { c.SocketMode = true })
	_, url, err := w.api.StartSocketModeContext(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	ws := w.dial(url)
	var hello struct {
		Type string
		N    int `json:"num_connections"`
	}
	if err := ws.ReadJSON(&hello); err != nil || hello.Type != "hello" || hello.N != 1 {
		t.Errorf("hello %+v, %v", hello, err)
	}
	_, resp, err := websocket.DefaultDialer.DialContext(w.ctx(), url, nil)
	if resp == nil {
		t.Fatalf("second use has no answer: %v", err)
	}
	_ = resp.Body.Close()
	if err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("second use: %v, status %d", err, resp.StatusCode)
	}
	w.violates("was used before")
}

func TestAnswersOverTheWebSocketMustBeSmallAndKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, func(c *slacktest.Config) { c.SocketMode, c.AckWithin = true, 200*time.Millisecond })
	_, url, err := w.api.StartSocketModeContext(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	ws := w.dial(url)
	go func() {
		for {
			var e struct {
				ID   string `json:"envelope_id"`
				Type string
			}
			if ws.ReadJSON(&e) != nil {
				return
			}
			if e.ID == "" {
				continue
			}
			for _, answer := range []map[string]any{
				{"envelope_id": "unknown"},
				{"envelope_id": e.ID, "payload": map[string]any{"text": strings.Repeat("x", 20_500)}},
			} {
				if ws.WriteJSON(answer) != nil {
					return
				}
			}
		}
	}()
	if err := w.WaitConnected(w.ctx()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "x"); err == nil {
		t.Error("too long an answer was taken")
	}
	got := strings.Join(w.Violations(), "\n")
	for _, want := range []string{`envelope "unknown"`, "Slack drops it", "no answer to slash_commands"} {
		if !strings.Contains(got, want) {
			t.Errorf("violations %q without %q", got, want)
		}
	}
}

func TestEachEnvelopeGoesToOneConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overSocket, nil)
	w.listenSocket() // a second replica
	w.soon("both are connected", func() bool { return w.Connections() == 2 })
	for range 4 {
		if _, err := w.Person("U1").Command(w.ctx(), "C1", "", "x"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.app.all("command")); n != 4 {
		t.Errorf("%d commands arrived", n)
	}
	w.clean()
}
