package httpengine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/tasks/engine/httpengine"
)

// problems returns the keys of what is wrong with settings, and all that is said.
func problems(t *testing.T, text string) (keys []string, said string) {
	t.Helper()
	s := settings(t, text)
	s.Check(func(key, format string, args ...any) {
		keys = append(keys, key)
		said += key + ": " + fmt.Sprintf(format, args...) + "\n"
	})
	slices.Sort(keys)
	return slices.Compact(keys), said
}

func TestSoundSettingsHaveNoProblems(t *testing.T) {
	t.Parallel()
	for _, text := range []string{asked, told} {
		if _, said := problems(t, strings.ReplaceAll(text+declared, "SERVER", "https://deploy.example.com")); said != "" {
			t.Errorf("problems:\n%s", said)
		}
	}
}

func TestEveryProblemIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-in-the-wrong-place"
	keys, said := problems(t, `
secrets:
  both: {env: A, file: b}
  none: {}
  itself: {env: "`+secret+`!"}
  "odd name": {env: A}
headers: {"Bad Header": x, Host: example.com, X-Mark: "${mark}", X-Two: "a\nb"}
start:
  method: GET
  url: https://ann:`+secret+`@deploy.example.com/${params.TOKEN}
  body: '{"a": ${mark'
  ref: a..b
status:
  url: ftp://deploy.example.com/
  method: POST
  body: x
  status: ""
  jobs: {list: "a[", name: ""}
words: {ok: fine}
callback: {token: nowhere}
find: {url: "https://${mark}.example.com/"}
cancel: {url: "https://deploy.example.com/${secret.both}", method: TRACE}
retry: {url: "https://deploy.example.com/${nothing}"}
approve: {url: "https://deploy.example.com/", body: "{\"a\": \"${params}\"}"}
logs: {url: "https://deploy.example.com/", text: "["}
check: {url: "https://deploy.example.com/${ref}"}
workflows:
  - {name: ""}
  - name: one
    params:
      - {name: "a b"}
      - {name: TOKEN, credential: true, default: `+secret+`}
      - {name: TOKEN}
      - {name: KIND, type: color}
      - {name: PICK, type: choice}
      - {name: N, type: number, default: many}
      - {name: S, choices: [a]}
      - {name: R, default: x, required: true}
    stages: [{name: "", jobs: []}, {name: x, jobs: [j, j]}]
  - {name: one}
`)
	want := []string{
		"approve", "approve.body", "callback.token", "cancel.method", "cancel.url", "check.url", "find.ref", "find.url", "headers",
		"headers.Host", "headers.X-Mark", "headers.X-Two", "logs.text", "retry.url", "secrets", "secrets.both", "secrets.itself.env", "secrets.none",
		"start.body", "start.method", "start.ref", "start.url", "status.attempt", "status.body", "status.jobs", "status.jobs.list", "status.method",
		"status.status", "status.url", "words.ok", "workflows[0].name", "workflows[1].params[0].name", "workflows[1].params[1].default",
		"workflows[1].params[2].name", "workflows[1].params[3].type", "workflows[1].params[4].choices", "workflows[1].params[5].default",
		"workflows[1].params[6].choices", "workflows[1].params[7].default", "workflows[1].stages[0]", "workflows[1].stages[1].jobs",
		"workflows[2].name",
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if strings.Contains(said, secret) {
		t.Errorf("a secret is repeated:\n%s", said)
	}
	if keys, _ := problems(t, "start: {url: https://deploy.example.com/}"); !cmp.Equal(keys, []string{"status", "workflows"}) {
		t.Errorf("of almost nothing: %q", keys)
	}
}

func TestBodiesAreJSONOrForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header, body string
		want         []string
	}{
		{"application/json", `{"a": "${mark}"}`, nil},
		{"application/vnd.x+json; charset=utf-8", `[${params}]`, nil},
		{"application/json", `a=${mark}`, []string{"start.body"}},
		{"application/x-www-form-urlencoded", `a=${mark}`, nil},
		{"text/xml", `<a>${mark}</a>`, []string{"start.headers"}},
	} {
		keys, said := problems(t, fmt.Sprintf(`
start: {url: "https://deploy.example.com/", headers: {content-type: %q}, body: %q}
status: {url: "https://deploy.example.com/${ref}", status: state}
workflows: [{name: one}]
`, c.header, c.body))
		if !slices.Equal(keys, c.want) {
			t.Errorf("%s, %s: %s", c.header, c.body, said)
		}
	}
}

func TestSecretsComeFromTheEnvironmentOrFromFiles(t *testing.T) {
	t.Parallel()
	s := settings(t, `secrets: {a: {env: A}, b: {env: B}, c: {file: c}, d: {file: d}, e: {env: E}}`)
	var keys []string
	got := s.Reveal(func(name string) (string, bool) {
		return map[string]string{"A": "one", "E": "two\nlines"}[name], name != "B"
	}, func(path string) ([]byte, error) {
		if path == "d" {
			return nil, errors.New("no such file")
		}
		return []byte("three\r\n"), nil
	}, func(key, _ string, _ ...any) { keys = append(keys, key) })
	if diff := cmp.Diff(map[string]string{"a": "one", "c": "three"}, got); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"secrets.b.env", "secrets.d.file", "secrets.e"}, keys); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestAnEngineIsNotMadeOfFaultySettings(t *testing.T) {
	t.Parallel()
	sound := settings(t, strings.ReplaceAll(asked+declared, "SERVER", "https://deploy.example.com"))
	for what, c := range map[string]httpengine.Config{
		"nothing":        {Name: name},
		"no secrets":     {Name: name, Settings: sound},
		"no way to tell": {Name: name, Settings: settings(t, told+declared), Secrets: map[string]string{"token": "x", "hook": "y"}},
	} {
		if _, err := httpengine.New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
