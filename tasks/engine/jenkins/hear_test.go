package jenkins_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/jenkins"
	"slipway/tasks/engine/remote"
)

func noticeOf(t *testing.T, r *http.Request) engine.Notice {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return engine.Notice{Header: r.Header, Query: r.URL.Query(), Body: body}
}

func TestNoticesSayWhichRunToLookAt(t *testing.T) {
	t.Parallel()
	for _, mode := range []standin.Mode{standin.On, standin.Early, standin.Late, standin.Doubled} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			heard := make(chan engine.Hint, 100)
			hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				hints, err := w.Hear(r.Context(), noticeOf(t, r))
				if err != nil {
					t.Errorf("hear: %v", err)
				}
				for _, h := range hints {
					w.Nudge(h.Ref)
					heard <- h
				}
			}))
			t.Cleanup(hooks.Close)
			w.server.NotifyURL(hooks.URL)
			w.server.Notify(mode)
			p := enginetest.Start(t, w, spec("passes", "one"))
			for range 3 {
				select {
				case h := <-heard:
					if h.Ref != p.Ref || h.Mark != p.Mark.ID {
						t.Errorf("hint is %+v, the run %s", h, p.Ref)
					}
				case <-time.After(enginetest.Patience):
					t.Fatal("there was no notice")
				}
			}
			p.End()
		})
	}
}

func TestWithoutNoticesARunIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.NotifyURL("http://127.0.0.1:1")
	w.server.Notify(standin.Lost)
	if r := enginetest.Start(t, w, spec("passes", "one")).End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
}

func TestForgedNoticesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := []byte(`{"name":"one","url":"job/passes/job/one/","build":{"number":1,"queue_id":7,"phase":"STARTED"}}`)
	for _, given := range []string{"", "wrong", hookToken + "x"} {
		_, err := w.Hear(t.Context(), engine.Notice{Header: http.Header{}, Query: url.Values{"token": {given}}, Body: body})
		if slipway.CodeOf(err) != slipway.Unauthenticated {
			t.Errorf("token %q: %v", given, err)
		}
	}
	right := func(body string) engine.Notice {
		return engine.Notice{Header: http.Header{"X-Slipway-Token": {hookToken}}, Body: []byte(body)}
	}
	if _, err := w.Hear(t.Context(), right("<")); slipway.CodeOf(err) != slipway.Invalid {
		t.Errorf("no JSON: %v", err)
	}
	hints, err := w.Hear(t.Context(), right(string(body)))
	if diff := cmp.Diff([]engine.Hint{{Ref: "passes/one@7"}}, hints); err != nil || diff != "" {
		t.Errorf("hints: %v (-want +got):\n%s", err, diff)
	}
	if hints, err := w.Hear(t.Context(), right(`{"name":"one"}`)); err != nil || hints != nil {
		t.Errorf("about nothing: %v, %v", hints, err)
	}
	w.config.WebhookToken = ""
	if _, err := w.another(t).Hear(t.Context(), right(string(body))); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("without a token of ours: %v", err)
	}
}

func TestANoticeWithoutTheItemOfTheQueueIsUnderstood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("passes", "one"))
	p.End()
	hints, err := w.Hear(t.Context(), engine.Notice{Query: url.Values{"token": {hookToken}}, Body: []byte(
		`{"name":"one","url":"job/passes/job/one/","build":{"full_url":"http://ci.example.com/x/job/passes/job/one/1/","number":1}}`)})
	if diff := cmp.Diff([]engine.Hint{{Ref: p.Ref}}, hints); err != nil || diff != "" {
		t.Errorf("hints: %v (-want +got):\n%s", err, diff)
	}
}

func FuzzHear(f *testing.F) {
	f.Add([]byte(`{"name":"one","url":"job/a/job/b/","build":{"full_url":"http://x/job/a/job/b/7/","number":7,"queue_id":9,"parameters":{"SLIPWAY_MARK":"m"}}}`))
	f.Add([]byte(`{"build":{"url":"job/a%2Fb/1/","queue_id":-1}}`))
	f.Add([]byte(`[]`))
	e, err := jenkins.New(jenkins.Config{
		URL: "http://127.0.0.1:1", User: user, Token: token, WebhookToken: hookToken,
		Access: remote.Access{Now: time.Now, Transport: failing{}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		hints, err := e.Hear(t.Context(), engine.Notice{Query: url.Values{"token": {hookToken}}, Body: body})
		if err != nil && (slipway.CodeOf(err) == slipway.Internal || len(hints) > 0) {
			t.Errorf("%q: %v, %v", body, hints, err)
		}
		for _, h := range hints {
			if h.Ref == "" && h.Mark == "" {
				t.Errorf("%q: a hint about nothing", body)
			}
		}
	})
}

// failing answers every request with 404.
type failing struct{}

func (failing) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusNotFound)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}
