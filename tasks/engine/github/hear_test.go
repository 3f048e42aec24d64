package github_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/github"
	"slipway/tasks/engine/remote"
)

func hearer(t testing.TB) *github.Engine {
	t.Helper()
	e, err := github.New(github.Config{URL: "https://github.example.com", Token: token, WebhookSecret: hookSecret, Access: remote.Access{Now: time.Now}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const (
	anEnvironment = `{"action":"requested","environment":"prod","deployment_callback_url":"URL","sha":"","deployment":{"id":9,"sha":"abc"},"repository":{"full_name":"team/app"}}`
	aCallback     = "https://github.example.com/api/v3/repos/team/app/actions/runs/5/deployment_protection_rule"
)

func TestWhatWebhooksAreAbout(t *testing.T) {
	t.Parallel()
	e := hearer(t)
	for _, c := range []struct {
		event, body string
		want        engine.Ref
	}{
		{"workflow_run", `{"workflow_run":{"id":5},"repository":{"full_name":"team/app"}}`, "team/app/5"},
		{"workflow_job", `{"workflow_job":{"id":6,"run_id":5},"repository":{"full_name":"team/app"}}`, "team/app/5"},
		{"deployment_protection_rule", strings.Replace(anEnvironment, "URL", aCallback, 1), "team/app/5"},
		{"workflow_run", `{"workflow_run":{"id":-5},"repository":{"full_name":"team/app"}}`, ""},
		{"workflow_run", `{"workflow_run":{"id":5},"repository":{"full_name":"team/app/x"}}`, ""},
		{"workflow_run", `{"workflow_run":{"id":5}}`, ""},
		{"deployment_protection_rule", `{"action":"other","repository":{"full_name":"team/app"}}`, ""},
		{"ping", `{"zen":"Keep it logically awesome."}`, ""},
		{"push", `{"repository":{"full_name":"team/app"}}`, ""},
	} {
		hints, err := e.Hear(t.Context(), signed(c.event, []byte(c.body)))
		got := engine.Ref("")
		for _, h := range hints {
			got = h.Ref
		}
		if err != nil || got != c.want {
			t.Errorf("%s %s: %q, %v", c.event, c.body, got, err)
		}
	}
}

func TestAWebhookMayComeAsAForm(t *testing.T) {
	t.Parallel()
	form := url.Values{"payload": {`{"workflow_run":{"id":5},"repository":{"full_name":"team/app"}}`}}.Encode()
	n := signed("workflow_run", []byte(form))
	n.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if hints, err := hearer(t).Hear(t.Context(), n); err != nil || len(hints) != 1 || hints[0].Ref != "team/app/5" {
		t.Errorf("%+v, %v", hints, err)
	}
}

func TestAReplyGoesToGitHubOnly(t *testing.T) {
	t.Parallel()
	e := hearer(t)
	for _, callback := range []string{
		"", "https://elsewhere.example/api/v3/repos/team/app/actions/runs/5/deployment_protection_rule",
		strings.Replace(aCallback, "https:", "http:", 1), strings.Replace(aCallback, "/api/v3", "", 1),
		strings.Replace(aCallback, "team/app", "team/other", 1), aCallback + "/more", aCallback + "?x=1",
		strings.Replace(aCallback, "//github", "//user@github", 1), strings.Replace(aCallback, "/5/", "/five/", 1),
		strings.Replace(aCallback, "github.example.com", "github.example.com.elsewhere.example", 1), "://",
	} {
		hints, err := e.Hear(t.Context(), signed("deployment_protection_rule", []byte(strings.Replace(anEnvironment, "URL", callback, 1))))
		if slipway.CodeOf(err) != slipway.Invalid || hints != nil {
			t.Errorf("%q: %+v, %v", callback, hints, err)
		}
	}
	cloud, err := github.New(github.Config{Token: token, WebhookSecret: hookSecret, Access: remote.Access{Now: time.Now}})
	if err != nil {
		t.Fatal(err)
	}
	there := strings.Replace(aCallback, "github.example.com/api/v3", "api.github.com", 1)
	hints, err := cloud.Hear(t.Context(), signed("deployment_protection_rule", []byte(strings.Replace(anEnvironment, "URL", there, 1))))
	if err != nil || len(hints) != 1 || hints[0].Question.ID != "team/app/5/prod/9" || hints[0].Question.SHA != "abc" {
		t.Errorf("of github.com: %+v, %v", hints, err)
	}
	nowhere := strings.Replace(strings.Replace(anEnvironment, "URL", aCallback, 1), `"prod"`, `""`, 1)
	if _, err := e.Hear(t.Context(), signed("deployment_protection_rule", []byte(nowhere))); slipway.CodeOf(err) != slipway.Invalid {
		t.Errorf("without an environment: %v", err)
	}
}

func TestWithoutASecretNothingIsHeard(t *testing.T) {
	t.Parallel()
	e, err := github.New(github.Config{Token: token, Access: remote.Access{Now: time.Now}})
	if err != nil {
		t.Fatal(err)
	}
	n := signed("ping", []byte(`{}`))
	n.Header.Set("X-Hub-Signature-256", "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad") // of no secret
	n.Body = nil
	if _, err := e.Hear(t.Context(), n); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("error is %v", err)
	}
}

func FuzzHear(f *testing.F) {
	f.Add("workflow_run", `{"workflow_run":{"id":5},"repository":{"full_name":"team/app"}}`)
	f.Add("workflow_job", `{"workflow_job":{"run_id":5},"repository":{"full_name":"team/app"}}`)
	f.Add("deployment_protection_rule", strings.Replace(anEnvironment, "URL", aCallback, 1))
	f.Add("ping", `{"zen":"x"}`)
	f.Add("workflow_run", `[]`)
	f.Add("", "")
	e := hearer(f)
	f.Fuzz(func(t *testing.T, event, body string) {
		hints, err := e.Hear(t.Context(), signed(event, []byte(body)))
		if err != nil {
			if code := slipway.CodeOf(err); code != slipway.Invalid || hints != nil {
				t.Errorf("%q %q: %v, %v", event, body, hints, err)
			}
			return
		}
		for _, h := range hints {
			if !strings.Contains(string(h.Ref), "/") || !json.Valid(append([]byte{'"'}, append([]byte(h.Ref), '"')...)) {
				t.Errorf("ref is %q", h.Ref)
			}
			if h.Question != nil && (h.Question.Run != h.Ref || !json.Valid(h.Question.Data)) {
				t.Errorf("question is %+v", h.Question)
			}
		}
	})
}
