package enginetest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest/standin"
)

// listen returns the notices that come in.
func listen(t *testing.T, from Notifier) <-chan engine.Notice {
	t.Helper()
	heard := make(chan engine.Notice, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read notice: %v", err)
		}
		heard <- engine.Notice{Header: r.Header, Query: r.URL.Query(), Body: body}
	}))
	t.Cleanup(server.Close)
	from.NotifyURL(server.URL)
	return heard
}

func hears(t *testing.T, w World, spec slipway.WorkflowSpec) {
	hearer, can := w.Engine.(engine.Hearer)
	if !can || w.Notices == nil {
		return
	}
	heard := listen(t, w.Notices)
	for _, mode := range []standin.Mode{standin.On, standin.Early, standin.Late, standin.Doubled} {
		t.Run(string(mode), func(t *testing.T) {
			w.Notices.Notify(mode)
			p := Start(t, w.Engine, spec)
			p.End()
			patience := time.After(Patience)
			for {
				select {
				case n := <-heard:
					hints, err := hearer.Hear(t.Context(), n)
					if err != nil {
						t.Fatalf("hear: %v", err)
					}
					for _, h := range hints {
						if h.Ref == p.Ref || h.Mark == p.Mark.ID {
							return
						}
					}
				case <-patience:
					t.Fatal("no notice was about the run")
				}
			}
		})
	}
}

func deaf(t *testing.T, w World, spec slipway.WorkflowSpec) {
	if w.Notices == nil {
		return
	}
	listen(t, w.Notices)
	w.Notices.Notify(standin.Lost)
	agrees(t, w, spec)
}

func forged(t *testing.T, w World, spec slipway.WorkflowSpec) {
	hearer, can := w.Engine.(engine.Hearer)
	if !can || w.Notices == nil || w.Notice == nil {
		return
	}
	heard := listen(t, w.Notices)
	w.Notices.Notify(standin.On)
	Start(t, w.Engine, spec).End()
	genuine := <-heard
	if _, err := hearer.Hear(t.Context(), w.Notice(genuine.Body)); err != nil {
		t.Fatalf("a genuine notice: %v", err)
	}
	for what, n := range forgeries(genuine) {
		if hints, err := hearer.Hear(t.Context(), n); slipway.CodeOf(err) != slipway.Unauthenticated || hints != nil {
			t.Errorf("%s: %v, %v", what, hints, err)
		}
	}
	for _, body := range []string{"", "<", `"`, `{"a":`, "\xff\x00"} {
		hints, err := hearer.Hear(t.Context(), w.Notice([]byte(body)))
		if slipway.CodeOf(err) != slipway.Invalid || hints != nil {
			t.Errorf("body %q: %v, %v", body, hints, err)
		}
	}
	for _, body := range []string{"{}", "[]", "null", `{"a":{"b":[1]}}`} {
		hints, err := hearer.Hear(t.Context(), w.Notice([]byte(body)))
		if (err != nil && slipway.CodeOf(err) != slipway.Invalid) || len(hints) > 0 {
			t.Errorf("body %q: %v, %v", body, hints, err)
		}
	}
}

// forgeries are a notice without any of its headers and parameters, and with each of
// them a little wrong.
func forgeries(n engine.Notice) map[string]engine.Notice {
	wrong := engine.Notice{Header: http.Header{}, Query: map[string][]string{}, Body: n.Body}
	for name := range n.Header {
		wrong.Header.Set(name, n.Header.Get(name)+"x")
	}
	for name := range n.Query {
		wrong.Query.Set(name, n.Query.Get(name)+"x")
	}
	return map[string]engine.Notice{
		"without credentials": {Header: http.Header{}, Query: map[string][]string{}, Body: n.Body}, "with wrong credentials": wrong,
	}
}

// nudged has an engine that would look again in an hour told that there is news.
func nudged(t *testing.T, w World, spec slipway.WorkflowSpec) {
	if w.Another == nil {
		return
	}
	lazy := w.Another(Settings{Poll: time.Hour})
	nudger, can := lazy.(engine.Nudger)
	if !can {
		return
	}
	nudger.Nudge("no/such-run")
	p := Start(t, w.Engine, spec)
	end := p.Until("ready")
	ctx, stop := context.WithTimeout(t.Context(), Patience)
	defer stop()
	looked, over := make(chan struct{}, 100), make(chan engine.Result, 1)
	go func() {
		result, err := lazy.Watch(ctx, p.Ref, engine.Observer{State: func(engine.State) { looked <- struct{}{} }})
		if err != nil {
			t.Errorf("watch: %v", err)
		}
		over <- result
	}()
	<-looked
	cancelled(t, w, p, end)
	nudger.Nudge(p.Ref)
	if result := <-over; result.Status != engine.Cancelled {
		t.Errorf("result is %+v", result)
	}
}
