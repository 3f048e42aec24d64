package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
)

// surroundings is a process with this environment and slipway.yaml.
func surroundings(t *testing.T, env map[string]string, yaml string) (process, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "slipway.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return process{
		getenv:  func(k string) (string, bool) { v, ok := env[k]; return v, ok },
		environ: func() []string { return nil }, stdout: t.Output(), stderr: t.Output(),
	}, path
}

const designExample = `
users:
  - {name: Alice, email: alice@example.com, role: admin, slack_id: U1, feishu_open_id: ou_1, locale: zh, time_zone: Asia/Shanghai}
rooms:
  - {platform: slack, id: C0123456789, locale: en}
  - {platform: feishu, id: oc_0123456789, locale: zh}
hooks:
  - name: change-office
    url: https://change.example.com/hooks
    events: [finish_planning, start_execute, all_job_done]
    wait: true
    deadline: 24h
    secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]
    callback_token: ""
    allow_private: false
    compat: ""
    envelope: document
on_item_failure: hold
self_approval: false
`

func TestTheDesignsExampleIsUnderstood(t *testing.T) {
	t.Parallel()
	p, path := surroundings(t, nil, designExample)
	c, err := loadConfig(path, p)
	if err != nil {
		t.Fatal(err)
	}
	e := c.rules(nil).Endpoints[0]
	if !e.Wait || e.Deadline.Hours() != 24 || len(e.Events) != 3 || e.Envelope != slipway.EnvelopeDocument || e.Secrets[0] != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
		t.Errorf("the endpoint is %+v", e)
	}
	if c.Listen != "127.0.0.1:8080" || c.publicURL() != "http://127.0.0.1:8080" || !c.embedded() {
		t.Errorf("the defaults are %+v", c)
	}
}

func TestTheEnvironmentWins(t *testing.T) {
	t.Parallel()
	p, path := surroundings(t, map[string]string{
		"SLIPWAY_LISTEN": "0.0.0.0:9000", "SLIPWAY_PUBLIC_URL": "https://slipway.example.com/", "SLIPWAY_DATA_DIR": "elsewhere",
		"SLIPWAY_DATABASE_URL": "postgres://u:p@db/slipway", "SLIPWAY_REDIS_URL": "redis://cache:6379/0",
	}, "")
	c, err := loadConfig(path, p)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "0.0.0.0:9000" || c.publicURL() != "https://slipway.example.com" || c.DataDir != "elsewhere" || c.embedded() {
		t.Errorf("got %+v", c)
	}
}

// TestEveryProblemIsNamedAtOnce holds a configuration in which everything is wrong.
func TestEveryProblemIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	p, path := surroundings(t, map[string]string{
		"SLIPWAY_LISTEN": "nowhere", "SLIPWAY_PUBLIC_URL": "example.com", "SLIPWAY_DATABASE_URL": "mysql://u:hunter2@db/x",
		"SLIPWAY_REDIS_URL": "memcached://cache",
	}, `
users:
  - {name: "", email: alice, role: king, locale: fr, time_zone: Mars/One}
  - {name: Bob, email: bob@example.com}
  - {name: Bobby, email: BOB@example.com}
rooms: [{platform: irc, id: ""}]
hooks:
  - {name: "change office", url: "ftp://x", events: [lunch], deadline: soon, secrets: [short], compat: jira, envelope: paper, headers: {"Content-Type": x}}
  - {name: inner, url: "http://10.0.0.1/", events: []}
  - {name: inner, url: "https://example.com/", events: [start_execute], callback_signed: true}
on_item_failure: panic
callback_rate: -1
hook_patience: long
`)
	_, err := loadConfig(path, p)
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, key := range []string{
		"SLIPWAY_LISTEN", "SLIPWAY_PUBLIC_URL", "SLIPWAY_DATABASE_URL", "users[0].name", "users[0].email",
		"users[0].role", "users[0].locale", "users[0].time_zone", "users[2].email", "rooms[0].platform", "rooms[0].id",
		"hooks[0].name", "hooks[0].url", "hooks[0].events", "hooks[0].deadline", "hooks[0].secrets[0]", "hooks[0].compat",
		"hooks[0].envelope", "hooks[0].headers", "hooks[1].url", "hooks[1].events", "hooks[2].name", "hooks[2].callback_signed",
		"on_item_failure", "callback_rate", "hook_patience", "SLIPWAY_REDIS_URL",
	} {
		if !strings.Contains(err.Error(), "\n  "+key+": ") {
			t.Errorf("%s is not named", key)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("a password is printed")
	}
	t.Log(err)
}

func TestKeysAndTypesThatAreNotKnown(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"usres: []":            "line 1: usres is not a key that is known here",
		"self_approval: maybe": "line 1: true or false is expected, not maybe",
		"hooks: nothing":       "line 1: a list is expected, not nothing",
		"users: [bob]":         "line 1: a mapping of keys is expected, not bob",
		"hooks: [{name: [a]}]": "line 1: a text is expected",
		"a: [":                 "did not find expected node content",
	} {
		p, path := surroundings(t, nil, yaml)
		if _, err := loadConfig(path, p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", yaml, err)
		}
	}
	p, path := surroundings(t, nil, "")
	if _, err := loadConfig(path+".not", p); err == nil {
		t.Error("a file that was asked for and is not there is no problem")
	}
}

func TestSecretsArePrintedAsStars(t *testing.T) {
	t.Parallel()
	p, path := surroundings(t, map[string]string{"SLIPWAY_ADMIN_TOKEN": "an-admin-token-of-some-length"},
		strings.Replace(designExample, `callback_token: ""`, `callback_token: "sesame-open"`+"\n    headers: {X-Key: inner-key-123}", 1))
	var shown, logged bytes.Buffer
	p.stdout = &shown
	// The rooms of other platforms are for later; config show only prints.
	if err := configCommand([]string{"show"}, path, p); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(path, p)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "token", c.AdminToken, "config", c)
	all := shown.String() + logged.String() + fmt.Sprintf("%v %+v %s", c, c, c.AdminToken)
	for _, s := range []string{"an-admin-token", "whsec_Mf", "sesame", "inner-key"} {
		if strings.Contains(all, s) {
			t.Errorf("%s is shown in %s", s, all)
		}
	}
	if !strings.Contains(shown.String(), `admin_token: '***'`) {
		t.Errorf("config show prints %s", shown.String())
	}
}

func TestTakingOptions(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"serve --role api": "api", "serve -role api": "api", "serve --role=api": "api", "serve": "", "serve --rolex x": "",
	} {
		rest, got, err := takeOption(strings.Fields(in), "role")
		if err != nil || got != want || rest[0] != "serve" {
			t.Errorf("%s: %q, rest %v, %v", in, got, rest, err)
		}
	}
	if d := cmp.Diff([]string{"a", "b"}, func() []string { r, _, _ := takeOption([]string{"a", "--x", "1", "b"}, "x"); return r }()); d != "" {
		t.Error(d)
	}
	if _, _, err := takeOption([]string{"--role"}, "role"); err == nil {
		t.Error("an option without its value is taken")
	}
}
