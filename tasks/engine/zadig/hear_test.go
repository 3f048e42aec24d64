package zadig_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/remote"
	"slipway/tasks/engine/zadig"
)

// first returns the first state that a watcher sees.
func first(t *testing.T, e engine.Engine, ref engine.Ref) engine.State {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), enginetest.Patience)
	defer stop()
	var seen *engine.State
	_, err := e.Watch(ctx, ref, engine.Observer{State: func(s engine.State) {
		if seen == nil {
			seen = &s
		}
		stop()
	}})
	if seen == nil {
		t.Fatalf("no state: %v", err)
	}
	return *seen
}

// hearing is an engine for notices only.
func hearing(t testing.TB) *zadig.Engine {
	t.Helper()
	e, err := zadig.New(zadig.Config{URL: "https://zadig.example.com", Token: "t", WebhookToken: hookToken, Access: remote.Access{Now: time.Now}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const (
	noticeV4 = `{"object_kind":"workflow","event":"workflow","release_plan":null,"workflow":{"task_id":12,"project_name":"payments",
		"workflow_name":"deploy","status":"passed","stages":null}}`
	noticeV5 = `{"object_kind":"workflow","event":"complete_execute","workflow":{"task_id":12,"project_name":"payments",
		"workflow_name":"deploy","release_plan":{"id":"68b7","name":"p","index":3},"status":"cancelled","stages":[]},"release_plan":null}`
	noticeOfPlan = `{"object_kind":"release_plan","event":"start_execute","workflow":null,"release_plan":{"id":"68b7"}}`
)

func TestBothStylesOfNotices(t *testing.T) {
	t.Parallel()
	e := hearing(t)
	want := []engine.Hint{{Ref: "deploy/12"}}
	for body, want := range map[string][]engine.Hint{
		noticeV4: want, noticeV5: want, noticeOfPlan: nil,
		`{"object_kind":"workflow","workflow":{"task_id":0,"workflow_name":"deploy"}}`:    nil,
		`{"object_kind":"workflow","workflow":{"task_id":1,"workflow_name":"../deploy"}}`: nil,
	} {
		hints, err := e.Hear(t.Context(), engine.Notice{Header: http.Header{"X-Zadig-Token": {hookToken}}, Body: []byte(body)})
		if diff := cmp.Diff(want, hints); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", body, err, diff)
		}
	}
	e = func() *zadig.Engine {
		silent, err := zadig.New(zadig.Config{URL: "https://zadig.example.com", Token: "t", Access: remote.Access{Now: time.Now}})
		if err != nil {
			t.Fatal(err)
		}
		return silent
	}()
	if _, err := e.Hear(t.Context(), engine.Notice{Header: http.Header{}, Body: []byte(noticeV5)}); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("without a token of ours: %v", err)
	}
}

func FuzzHear(f *testing.F) {
	for _, body := range []string{noticeV4, noticeV5, noticeOfPlan, "", "[]", "null", `{"object_kind":"workflow","workflow":[]}`} {
		f.Add(body)
	}
	e := hearing(f)
	f.Fuzz(func(t *testing.T, body string) {
		hints, err := e.Hear(t.Context(), engine.Notice{Header: http.Header{"X-Zadig-Token": {hookToken}}, Body: []byte(body)})
		if err != nil && (slipway.CodeOf(err) != slipway.Invalid || hints != nil) {
			t.Errorf("%v, %v", hints, err)
		}
		for _, h := range hints {
			if h.Ref == "" || h.Mark != "" || h.Question != nil || h.Report != nil {
				t.Errorf("hint %+v", h)
			}
		}
	})
}

func TestAnAddressThatIsNone(t *testing.T) {
	t.Parallel()
	for _, c := range []zadig.Config{
		{},
		{URL: "zadig.example.com", Token: "t"},
		{URL: "ftp://zadig.example.com", Token: "t"},
		{URL: "https://zadig.example.com"},
		{URL: "https://user:password@zadig.example.com", Token: "t"},
		{URL: "https://z%", Token: "t"},
	} {
		if _, err := zadig.New(c); err == nil {
			t.Errorf("%q is taken", c.URL)
		}
	}
}
