package dingtalk

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/bot"
	"slipway/bot/dingtalk/dingtalktest"
)

// streaming is a world whose events come over a connection. It stops with the test, or
// when stop is called.
func streaming(t *testing.T) (w *world, stop func()) {
	t.Helper()
	w = newWorld(t, func(c *Config) { c.Stream, c.CallbackToken, c.CallbackKey = true, "", "" })
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- w.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-over; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
	t.Cleanup(stop)
	return w, stop
}

// connected waits for a connection.
func (w *world) connected(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.there.Connected(ctx); err != nil {
		t.Fatalf("there is no connection: %v; logged %s", err, w.log.String())
	}
}

func TestEventsComeOverTheStream(t *testing.T) {
	t.Parallel()
	w, stop := streaming(t)
	w.connected(t)
	must(t, w.there.Ping(t.Context()))
	q := w.question()
	q.Nodes = q.Nodes[:1]
	ref := w.ask(t, q)
	must(t, w.there.Wait(t.Context()))
	before := len(w.heard())
	must(t, w.there.Agree(t.Context(), ref, "ann01", "好"))
	if got := w.heard(); before == 0 || len(got) != before+2 || slices.ContainsFunc(got, func(s string) bool { return s != ref }) {
		t.Errorf("told of %q, %d of them before the end", got, before)
	}
	for _, d := range w.there.Deliveries() {
		if d.Err != nil || d.Status != http.StatusOK {
			t.Errorf("DingTalk was not answered as it wants: %+v", d)
		}
	}
	stop()
	w.faultless(t)
}

func TestALostConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	w, stop := streaming(t)
	for name, lose := range map[string]func(){
		"dropped": w.there.Faults().DropConnections, "told to": w.there.Faults().Disconnect,
		"refused for a while": func() {
			w.there.Faults().Fail(dingtalktest.OpStream, http.StatusInternalServerError, "systemError", 2)
			w.there.Faults().DropConnections()
		},
	} {
		w.connected(t)
		lose()
		w.connected(t)
		q := w.question()
		before := len(w.heard())
		w.ask(t, q)
		must(t, w.there.Wait(t.Context()))
		if len(w.heard()) == before {
			t.Errorf("%s: afterwards nothing is heard", name)
		}
	}
	stop()
	if log := w.log.String(); !strings.Contains(log, "dingtalk connection lost") || strings.Contains(log, "ticket=") {
		t.Errorf("logged %s", log)
	}
	w.faultless(t)
}

func TestWithoutStreamThereIsNothingToRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Run(t.Context()); err != nil || w.calls(dingtalktest.OpStream) != 0 {
		t.Errorf("Run = %v", err)
	}
}

func TestDoctorAsksForAConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Stream = true })
	last := func() bot.Finding {
		found := w.Probe(t.Context())
		return found[len(found)-1]
	}
	if f := last(); !f.OK || !strings.Contains(f.What.EN, "come over a connection") {
		t.Errorf("doctor says %+v", f)
	}
	w.there.Faults().Fail(dingtalktest.OpStream, http.StatusBadRequest, "noStream", 1)
	if f := last(); f.OK || !strings.Contains(f.What.EN, "noStream") || !strings.Contains(f.Mend.EN, "Stream mode") {
		t.Errorf("doctor says %+v", f)
	}
}
