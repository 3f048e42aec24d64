package gitlab_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/gitlab"
	"slipway/tasks/engine/remote"
)

func notice(body string) engine.Notice {
	return engine.Notice{Header: http.Header{"X-Gitlab-Token": {hookToken}}, Body: []byte(body)}
}

func TestAWebhookSaysWhichRunToLookAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		name, body string
		want       []engine.Hint
	}{
		{
			"a pipeline of ours",
			`{"object_kind":"pipeline","object_attributes":{"id":31,"variables":[{"key":"A","value":"b"},{"key":"SLIPWAY_MARK","value":"m"}]},"project":{"id":1}}`,
			[]engine.Hint{{Ref: "1/31", Mark: "m"}},
		},
		{"another pipeline", `{"object_kind":"pipeline","object_attributes":{"id":31},"project":{"id":1}}`, []engine.Hint{{Ref: "1/31"}}},
		{"a job", `{"object_kind":"build","build_id":1977,"pipeline_id":2366,"project_id":380}`, []engine.Hint{{Ref: "380/2366"}}},
		{"a job, told otherwise", `{"object_kind":"build","pipeline_id":2366,"project":{"id":380}}`, []engine.Hint{{Ref: "380/2366"}}},
		{"a push", `{"object_kind":"push","project_id":15,"ref":"refs/heads/main"}`, nil},
		{"a job of nothing", `{"object_kind":"build"}`, nil},
		{"a pipeline of nothing", `{"object_kind":"pipeline","object_attributes":{"id":31}}`, nil},
	} {
		got, err := w.Hear(t.Context(), notice(tt.body))
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
}

func TestWithoutATokenOfOursNothingIsHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.WebhookToken = ""
	for _, header := range []http.Header{{}, {"X-Gitlab-Token": {""}}, {"X-Gitlab-Token": {hookToken}}} {
		_, err := w.another(t).Hear(t.Context(), engine.Notice{Header: header, Body: []byte(`{"object_kind":"push"}`)})
		if slipway.CodeOf(err) != slipway.Unauthenticated {
			t.Errorf("%v: %v", header, err)
		}
	}
}

func FuzzHear(f *testing.F) {
	for _, body := range []string{
		`{"object_kind":"pipeline","object_attributes":{"id":31,"variables":[{"key":"SLIPWAY_MARK","value":"m"}]},"project":{"id":1}}`,
		`{"object_kind":"build","pipeline_id":2366,"project_id":380}`, `{"object_kind":"push"}`, `{"object_kind":5}`,
		`{"object_kind":"pipeline","object_attributes":{"id":1e400}}`, `[]`, `null`, `<`, ``,
	} {
		f.Add(hookToken, []byte(body))
		f.Add("", []byte(body))
	}
	e, err := gitlab.New(gitlab.Config{URL: "http://127.0.0.1:1", Token: token, WebhookToken: hookToken, Access: remote.Access{Now: time.Now}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, given string, body []byte) {
		hints, err := e.Hear(t.Context(), engine.Notice{Header: http.Header{"X-Gitlab-Token": {given}}, Body: body})
		switch code := slipway.CodeOf(err); {
		case err != nil && hints != nil:
			t.Errorf("refused, with hints %v", hints)
		case given != hookToken && code != slipway.Unauthenticated:
			t.Errorf("heard with the token %q: %v", given, err)
		case err != nil && code != slipway.Invalid && code != slipway.Unauthenticated:
			t.Errorf("error is %v", err)
		}
		for _, h := range hints {
			if h.Ref == "" {
				t.Errorf("hint without a run: %+v", h)
			}
		}
		if e.Requests() != 0 {
			t.Error("GitLab was asked")
		}
	})
}
