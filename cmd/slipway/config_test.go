package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
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

// chatEnvironment connects Slack and Feishu without a public address.
func chatEnvironment() map[string]string {
	return map[string]string{
		"SLIPWAY_SLACK_BOT_TOKEN": "xoxb-12-34-bot", "SLIPWAY_SLACK_APP_TOKEN": "xapp-1-A1-app",
		"SLIPWAY_FEISHU_APP_ID": "cli_0123456789abcdef", "SLIPWAY_FEISHU_APP_SECRET": "feishu-app-secret",
	}
}

func TestTheDesignsExampleIsUnderstood(t *testing.T) {
	t.Parallel()
	p, path := surroundings(t, chatEnvironment(), designExample)
	c, err := loadConfig(path, p)
	if err != nil {
		t.Fatal(err)
	}
	e := c.rules(nil).Endpoints[0]
	if !e.Wait || e.Deadline.Hours() != 24 || len(e.Events) != 3 || e.Envelope != slipway.EnvelopeDocument || e.Secrets[0] != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
		t.Errorf("the endpoint is %+v", e)
	}
	if w := c.warnings(); len(w) > 0 {
		t.Errorf("it is warned of %q", w)
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
		"SLIPWAY_SMTP_URL": "smtp://u:hunter2@mail.example.com:99999?cc=x",
		"SLIPWAY_LISTEN":   "nowhere", "SLIPWAY_PUBLIC_URL": "example.com", "SLIPWAY_DATABASE_URL": "mysql://u:hunter2@db/x",
		"SLIPWAY_REDIS_URL": "memcached://cache", "SLIPWAY_SLACK_BOT_TOKEN": "xoxp-hunter2", "SLIPWAY_SLACK_API_URL": "slack",
		"SLIPWAY_FEISHU_APP_ID": "hunter2", "SLIPWAY_FEISHU_MODE": "http", "SLIPWAY_FEISHU_BASE_URL": "dingtalk", "SLIPWAY_SECRET_KEY": "hunter2",
	}, `
users:
  - {name: "", email: alice, role: king, locale: fr, time_zone: Mars/One, slack_id: "@alice", feishu_open_id: alice}
  - {name: Bob, email: bob@example.com}
  - {name: Bobby, email: BOB@example.com}
rooms:
  - {platform: irc, id: "", locale: de, time_zone: Mars/One}
  - {platform: slack, id: "#releases"}
  - {platform: feishu, id: 发布群}
  - {platform: web, id: releases}
  - {platform: web, id: releases}
hooks:
  - {name: "change office", url: "ftp://x", events: [lunch], deadline: soon, secrets: [short], compat: jira, envelope: paper, headers: {"Content-Type": x}}
  - {name: inner, url: "http://10.0.0.1/", events: []}
  - {name: inner, url: "https://example.com/", events: [start_execute], callback_signed: true}
on_item_failure: panic
approval: {remind_after: soon, escalate_after: 24h, expire_after: 1s}
working_hours: nine to five
holidays: [christmas]
callback_rate: -1
hook_patience: long
`)
	_, err := loadConfig(path, p)
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, key := range []string{
		"SLIPWAY_LISTEN", "SLIPWAY_PUBLIC_URL", "SLIPWAY_DATABASE_URL", "SLIPWAY_SECRET_KEY", "SLIPWAY_SMTP_URL", "users[0].name", "users[0].email",
		"users[0].role", "users[0].locale", "users[0].time_zone", "users[2].email", "rooms[0].platform", "rooms[0].id",
		"hooks[0].name", "hooks[0].url", "hooks[0].events", "hooks[0].deadline", "hooks[0].secrets[0]", "hooks[0].compat",
		"hooks[0].envelope", "hooks[0].headers", "hooks[1].url", "hooks[1].events", "hooks[2].name", "hooks[2].callback_signed",
		"on_item_failure", "callback_rate", "hook_patience", "SLIPWAY_REDIS_URL",
		"SLIPWAY_SLACK_BOT_TOKEN", "SLIPWAY_SLACK_APP_TOKEN", "SLIPWAY_SLACK_API_URL", "SLIPWAY_FEISHU_APP_ID",
		"SLIPWAY_FEISHU_APP_SECRET", "SLIPWAY_FEISHU_ENCRYPT_KEY", "SLIPWAY_FEISHU_BASE_URL", "rooms[0].locale",
		"rooms[0].time_zone", "rooms[1].id", "rooms[2].id", "rooms[4].id", "users[0].slack_id", "users[0].feishu_open_id",
		"approval.remind_after", "approval.escalate_to", "approval.expire_after", "working_hours", "holidays",
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

// TestWhatTheChatsNeed takes the settings of a chat one by one.
func TestWhatTheChatsNeed(t *testing.T) {
	t.Parallel()
	with := func(more ...string) map[string]string {
		env := chatEnvironment()
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	for _, c := range []struct {
		name     string
		env      map[string]string
		yaml     string
		problem  string // "" if there is none
		warnings int
	}{
		{name: "both over connections of their own", env: with()},
		{name: "nothing", env: nil},
		{name: "approvals in a Feishu that is not connected", yaml: "approvals: {lark: {}}", problem: "approvals.lark: Feishu is not connected: set SLIPWAY_FEISHU_APP_ID"},
		{name: "approvals with the address of a definition", yaml: "approvals: {lark: {definition: 'https://feishu.cn/x'}}", problem: "approvals.lark.definition: an approval code such as"},
		{name: "approvals in the name of a name", yaml: "approvals: {lark: {initiator: Li Lei}}", problem: "approvals.lark.initiator: an open id such as ou_0123456789abcdef is expected, not \"Li Lei\""},
		{name: "approvals with fields of nothing", yaml: "approvals: {lark: {fields: {plan: w1}}}", problem: "approvals.lark.fields: they are widgets of a definition"},
		{name: "approvals with a field that is not known", yaml: "approvals: {lark: {definition: A, fields: {name: w1}}}", problem: "approvals.lark.fields.name: one of [plan manager window schedule items description requirements link rest] is expected"},
		{name: "DingTalk without a secret", env: map[string]string{"SLIPWAY_DINGTALK_APP_KEY": "ding1"}, problem: "SLIPWAY_DINGTALK_APP_KEY: is expected together with SLIPWAY_DINGTALK_APP_SECRET"},
		{name: "an approval in a DingTalk that is not connected", yaml: "approvals: {dingtalk: {definition: PROC-1}}", problem: "approvals.dingtalk: needs SLIPWAY_DINGTALK_APP_KEY"},
		{name: "DingTalk with a field that is not known", env: map[string]string{"SLIPWAY_DINGTALK_APP_KEY": "ding1", "SLIPWAY_DINGTALK_APP_SECRET": "x", "SLIPWAY_DINGTALK_PROCESS_CODE": "PROC-1"}, yaml: "approvals: {dingtalk: {fields: {name: w1}}}", problem: "approvals.dingtalk.fields.name: one of [plan manager window schedule items description requirements link rest mark] is expected"},
		{name: "approvals with a field without a widget", yaml: "approvals: {lark: {definition: A, fields: {plan: ''}}}", problem: "approvals.lark.fields.plan: the id or custom id of a widget is expected"},
		{name: "a room of a chat that is not connected", yaml: "rooms: [{platform: slack, id: C1}]", problem: "rooms[0].platform: slack is not connected: set SLIPWAY_SLACK_BOT_TOKEN"},
		{name: "the app token alone", env: map[string]string{"SLIPWAY_SLACK_APP_TOKEN": "xapp-1"}, problem: "SLIPWAY_SLACK_BOT_TOKEN: the bot token"},
		{name: "the tokens changed round", env: with("SLIPWAY_SLACK_APP_TOKEN", "xoxb-1"), problem: "SLIPWAY_SLACK_APP_TOKEN: an app-level token is expected; it begins with xapp-"},
		{name: "a line break in a token", env: with("SLIPWAY_SLACK_BOT_TOKEN", "xoxb-1\n"), problem: "SLIPWAY_SLACK_BOT_TOKEN: "},
		{name: "Slack by HTTP to nowhere", env: with("SLIPWAY_SLACK_APP_TOKEN", "", "SLIPWAY_SLACK_SIGNING_SECRET", "s"), warnings: 1},
		{name: "both by HTTPS", env: with("SLIPWAY_SLACK_APP_TOKEN", "", "SLIPWAY_SLACK_SIGNING_SECRET", "s", "SLIPWAY_FEISHU_MODE", "http",
			"SLIPWAY_FEISHU_ENCRYPT_KEY", "k", "SLIPWAY_PUBLIC_URL", "https://slipway.example.com")},
		{name: "both by HTTP without TLS", env: with("SLIPWAY_SLACK_APP_TOKEN", "", "SLIPWAY_SLACK_SIGNING_SECRET", "s", "SLIPWAY_FEISHU_MODE", "http",
			"SLIPWAY_FEISHU_ENCRYPT_KEY", "k", "SLIPWAY_PUBLIC_URL", "http://slipway.example.com"), warnings: 2},
		{name: "a signing secret that Socket Mode does not use", env: with("SLIPWAY_SLACK_SIGNING_SECRET", "s"), warnings: 1},
		{name: "Feishu by smoke signal", env: with("SLIPWAY_FEISHU_MODE", "smoke"), problem: "SLIPWAY_FEISHU_MODE: ws (long connection, the default) or http"},
		{name: "Lark", env: with("SLIPWAY_FEISHU_BASE_URL", "lark")},
	} {
		p, path := surroundings(t, c.env, c.yaml)
		got, err := loadConfig(path, p)
		switch {
		case c.problem == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%s: %v", c.name, err)
		case err == nil && len(got.warnings()) != c.warnings:
			t.Errorf("%s: warned of %q", c.name, got.warnings())
		}
	}
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
	env := chatEnvironment()
	maps.Copy(env, engineEnvironment())
	env["SLIPWAY_ADMIN_TOKEN"] = "an-admin-token-of-some-length"
	env["SLIPWAY_SMTP_URL"] = "smtps://slipway:mail-pass-word@mail.example.com?from=slipway@example.com"
	p, path := surroundings(t, env,
		strings.Replace(designExample, `callback_token: ""`, `callback_token: "sesame-open"`+"\n    headers: {X-Key: inner-key-123}", 1))
	var shown, logged bytes.Buffer
	p.stdout = &shown
	if err := configCommand([]string{"show"}, path, p); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(path, p)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "token", c.AdminToken, "config", c)
	all := shown.String() + logged.String() + fmt.Sprintf("%v %+v %s", c, c, c.AdminToken)
	for _, s := range []string{"an-admin-token", "whsec_Mf", "sesame", "inner-key", "mail-pass", "xoxb", "xapp", "feishu-app", "-token", "-hook"} {
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
