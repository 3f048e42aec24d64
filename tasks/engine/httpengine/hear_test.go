package httpengine_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/httpengine"
	"slipway/tasks/engine/remote"
)

func hear(t *testing.T, w *world, body string) ([]engine.Hint, error) {
	t.Helper()
	hearer := w.Engine.(engine.Hearer) //nolint:forcetypeassert // it is one
	hints, err := hearer.Hear(t.Context(), engine.Notice{Header: http.Header{"X-Slipway-Token": {hookToken}}, Body: []byte(body)})
	for _, h := range hints {
		if h.Report != nil {
			w.reports[h.Mark] = h.Report
		}
	}
	return hints, err
}

func TestAReportIsKeptOnlyIfTheServerCannotBeAsked(t *testing.T) {
	t.Parallel()
	for text, kept := range map[string]bool{asked: false, told: true} {
		w := newWorld(t, text)
		hints, err := hear(t, w, `{"mark": "m", "status": "running"}`)
		if err != nil || len(hints) != 1 || hints[0].Mark != "m" || (hints[0].Report != nil) != kept {
			t.Errorf("kept %t: %+v, %v", kept, hints, err)
		}
	}
}

func TestALateReportDoesNotUndoTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, told)
	ref := engine.Ref("m/shop/passes/r-1")
	for _, body := range []string{
		`{"mark": "m", "status": "queued"}`,
		`{"mark": "m", "status": "running", "started": 1000, "url": "https://deploy.example.com/runs/1", "log": ["one"]}`,
		`{"mark": "m", "status": "passed", "ended": 4000, "log": ["one", "two"]}`,
		`{"mark": "m", "status": "running", "log": ["one"]}`,
		`{"mark": "m", "status": "passed", "ended": 4000}`,
	} {
		if _, err := hear(t, w, body); err != nil {
			t.Fatal(err)
		}
	}
	p := enginetest.Attach(t, w, engine.Mark{}, ref)
	if r := p.End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
	states := p.States()
	last := states[len(states)-1]
	if last.Started != 1000 || last.Ended != 4000 || last.URL != "https://deploy.example.com/runs/1" {
		t.Errorf("the last state is %+v", last)
	}
	if diff := cmp.Diff([]string{"one", "two"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestAReportThatDoesNotSayWhenIsTakenToBeOfNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, told)
	now := time.UnixMilli(5000)
	w.config.Now = func() time.Time { return now }
	w.Engine = w.another(t)
	for _, body := range []string{`{"mark": "m", "status": "running"}`, `{"mark": "m", "status": "failed", "reason": "no disk"}`} {
		if _, err := hear(t, w, body); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	var kept struct{ Started, Ended int64 }
	if err := json.Unmarshal(w.reports["m"], &kept); err != nil || kept.Started != 5000 || kept.Ended != 6000 {
		t.Errorf("kept is %s, %v", w.reports["m"], err)
	}
	p := enginetest.Attach(t, w, engine.Mark{}, "m/shop/passes/r-1")
	if r := p.End(); r.Status != engine.Failed || !strings.Contains(r.Reason.ZH, "no disk") {
		t.Errorf("result is %+v", r)
	}
}

func TestWrongReportsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, told)
	for body, code := range map[string]slipway.Code{
		"": slipway.Invalid, "<": slipway.Invalid, "[]": slipway.Invalid, `{"status": "running"}`: slipway.Invalid,
		`{"mark": "m"}`: slipway.Invalid, `{"mark": "m", "status": "dancing"}`: slipway.Invalid, `{"mark": 5, "status": "running"}`: slipway.Invalid,
	} {
		if hints, err := hear(t, w, body); slipway.CodeOf(err) != code || hints != nil {
			t.Errorf("%s: %v, %v", body, hints, err)
		}
	}
	hearer := w.Engine.(engine.Hearer) //nolint:forcetypeassert // it is one
	for _, n := range []engine.Notice{
		{Header: http.Header{}},
		{Header: http.Header{"Authorization": {"Bearer wrong"}}},
		{Header: http.Header{"Authorization": {hookToken}}},
		{Query: url.Values{"token": {"wrong"}}},
		{Query: url.Values{"token": {hookToken}}, Header: http.Header{"X-Slipway-Token": {"wrong"}}},
	} {
		n.Body = []byte(`{"mark": "m", "status": "running"}`)
		if hints, err := hearer.Hear(t.Context(), n); slipway.CodeOf(err) != slipway.Unauthenticated || hints != nil {
			t.Errorf("%v %v: %v, %v", n.Header, n.Query, hints, err)
		}
	}
	for _, n := range []engine.Notice{{Header: http.Header{"Authorization": {"Bearer " + hookToken}}}, {Query: url.Values{"token": {hookToken}}}} {
		n.Body = []byte(`{"mark": "m", "status": "running"}`)
		if hints, err := hearer.Hear(t.Context(), n); err != nil || len(hints) != 1 {
			t.Errorf("%v %v: %v, %v", n.Header, n.Query, hints, err)
		}
	}
}

func TestWithoutATokenNoReportIsHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, without(asked, "callback"))
	if hints, err := hear(t, w, `{"mark": "m", "status": "running"}`); slipway.CodeOf(err) != slipway.Unauthenticated || hints != nil {
		t.Errorf("%v, %v", hints, err)
	}
}

func FuzzHear(f *testing.F) {
	f.Add([]byte(`{"mark": "m", "status": "running", "log": ["a"], "jobs": [{"name": "one", "status": "queued"}]}`))
	f.Add([]byte(`{"mark": "m", "status": "Passed", "started": -1}`))
	f.Add([]byte(`null`))
	s := httpengine.Settings{
		Secrets: map[string]httpengine.Secret{"hook": {Env: "HOOK"}}, Callback: &httpengine.Callback{Token: "hook"},
		Start:     httpengine.Start{Request: httpengine.Request{URL: "http://127.0.0.1:1/"}},
		Workflows: []httpengine.Workflow{{Name: "one"}},
	}
	e, err := httpengine.New(httpengine.Config{
		Name: name, Settings: s, Secrets: map[string]string{"hook": hookToken}, Access: remote.Access{Now: time.Now}, Report: (&world{}).report,
	})
	if err != nil {
		f.Fatal(err)
	}
	hearer := e.(engine.Hearer) //nolint:forcetypeassert // it is one
	f.Fuzz(func(t *testing.T, body []byte) {
		hints, err := hearer.Hear(t.Context(), engine.Notice{Query: url.Values{"token": {hookToken}}, Body: body})
		if err != nil && (slipway.CodeOf(err) == slipway.Internal || len(hints) > 0) {
			t.Errorf("%q: %v, %v", body, hints, err)
		}
		for _, h := range hints {
			if h.Mark == "" || !json.Valid(h.Report) {
				t.Errorf("%q: %+v", body, h)
			}
		}
	})
}
