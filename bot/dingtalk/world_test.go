package dingtalk

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/dingtalk/dingtalktest"
	"slipway/bot/standin"
)

const definition = "PROC-17428B8C-6C60-4B0C-924C-64F1037AE067"

// form has a field for the plan and one for all the rest.
var form = []dingtalktest.Component{
	{Kind: oneLineField, Name: "发布计划", Required: true},
	{Kind: longField, Name: DefaultField},
	{Kind: "DDPhotoField", Name: "图片"},
}

// world is the system, the stand-in that it talks to, and what it was told.
type world struct {
	*DingTalk
	there *dingtalktest.Server
	clock *standin.Clock
	log   *standin.Log

	mu      sync.Mutex
	changed []string
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{clock: standin.NewClock(time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)), log: &standin.Log{}}
	w.there = dingtalktest.New(dingtalktest.Config{Now: w.clock.Now})
	if _, err := w.there.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.there.Close() })
	for _, name := range []string{"manager", "ann", "bob", "cho", "dan"} {
		w.there.AddUser(dingtalktest.User{ID: name + "01", Name: name})
	}
	w.there.AddDefinition(dingtalktest.Definition{Code: definition, Name: "发布审批", Components: form})
	c := Config{
		AppKey: w.there.AppKey(), AppSecret: w.there.AppSecret(), BaseURL: w.there.BaseURL() + "/", Definition: definition,
		Fields:        map[bot.DetailKey]string{bot.DetailPlan: "发布计划"},
		Account:       func(u slipway.User) string { return strings.TrimPrefix(u.ID, "u-") },
		CallbackToken: w.there.CallbackToken(), CallbackKey: w.there.AESKey(),
		Changed: func(_ context.Context, ref string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changed = append(w.changed, ref)
		},
		Now: w.clock.Now, Rand: rand.Reader, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if w.DingTalk, err = New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// serve lets the stand-in send its events.
func (w *world) serve(t *testing.T) string {
	t.Helper()
	app := httptest.NewServer(w.Routes())
	t.Cleanup(app.Close)
	w.there.SetApp(app.URL)
	return app.URL
}

// heard returns what the system told of so far.
func (w *world) heard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.changed)
}

// calls counts the calls of a kind.
func (w *world) calls(op string) int {
	n := 0
	for _, c := range w.there.Calls() {
		if c.Op == op {
			n++
		}
	}
	return n
}

// faultless fails the test if the system broke a rule of DingTalk.
func (w *world) faultless(t *testing.T) {
	t.Helper()
	if v := w.there.Violations(); len(v) > 0 {
		t.Errorf("DingTalk's rules were broken: %q", v)
	}
}

// ask asks and returns the instance.
func (w *world) ask(t *testing.T, q bot.Question) string {
	t.Helper()
	ref, err := w.Create(t.Context(), q)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return ref
}

func user(name string) slipway.User { return slipway.User{ID: "u-" + name + "01", Name: name} }

// question asks ann, then both bob and cho, then one of manager and dan.
func (w *world) question() bot.Question {
	return bot.Question{
		Mark: "5f0c6a52-8b5e-4d0e-9d62-1d3f0a9b7c11", Lang: slipway.Chinese, Asker: user("manager"), Title: "发布审批：支付 4.2",
		Details: []bot.Detail{
			{Key: bot.DetailPlan, Label: "计划", Text: "#7 支付 4.2"},
			{Key: bot.DetailWindow, Label: "窗口", Text: "今晚 22:00 至 23:00"},
			{Key: bot.DetailItems, Label: "发布项", Text: "1. 升级数据库\n2. 部署 payments"},
		},
		URL: "https://slipway.example.com/plans/7",
		Nodes: []bot.QuestionNode{
			{Name: "组长", Approvers: []slipway.User{user("ann")}, All: true},
			{Name: "测试", Approvers: []slipway.User{user("bob"), user("cho")}, All: true},
			{Name: "总监", Approvers: []slipway.User{user("manager"), user("dan")}},
		},
		At: w.clock.Now().Unix(),
	}
}

// must fails the test if a person could not do something.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAConfigurationThatCannotWorkIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Config{
		BaseURL: "ftp://x", CallbackToken: "t", CallbackKey: "short", Changed: func(context.Context, string) {},
		Fields: map[bot.DetailKey]string{"colour": "颜色", bot.DetailPlan: "详情", bot.DetailItems: "详情", bot.DetailLink: ""},
	})
	for _, part := range []string{
		"app key", "app secret", "processCode", "accounts, clock", "http(s) address", `"colour" is no detail`, `"详情" is to take both`,
		`the field for "link"`, "must have 43 letters and digits, not 5",
	} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("New does not say %q: %v", part, err)
		}
	}
	good := Config{AppKey: "k", AppSecret: "s", Definition: "PROC-1", Account: func(slipway.User) string { return "" }, Now: time.Now, Rand: rand.Reader}
	if d, err := New(good); err != nil || d.BaseURL != defaultURL || d.Type() != slipway.DingTalkApproval {
		t.Errorf("New = %+v, %v", d, err)
	}
	for name, c := range map[string]Config{"token alone": {CallbackToken: "t"}, "key alone": {CallbackKey: strings.Repeat("a", 43)}, "nobody to tell": {CallbackToken: "t", CallbackKey: strings.Repeat("a", 43)}} {
		bad := good
		bad.CallbackToken, bad.CallbackKey = c.CallbackToken, c.CallbackKey
		if _, err := New(bad); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
