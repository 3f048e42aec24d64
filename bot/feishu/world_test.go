package feishu

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
	"slipway/bot/standin"
	"slipway/storage/storagetest"
)

const (
	wang  = "ou_wang"
	li    = "ou_li"
	group = "oc_release"
	pages = "https://slipway.example.com"
)

// world is the platform, the stand-in that it talks to, and a bot that does as the test
// says.
type world struct {
	*Feishu
	chat *feishutest.Server
	bot  *puppet
	log  *standin.Log
	stop func()
}

// puppet is the bot.
type puppet struct {
	mu     sync.Mutex
	events []bot.Event
	reply  func(ctx context.Context, ev bot.Event) bot.Reply
}

func (p *puppet) Handle(ctx context.Context, ev bot.Event) bot.Reply {
	p.mu.Lock()
	p.events = append(p.events, ev)
	reply := p.reply
	p.mu.Unlock()
	if reply == nil {
		return bot.Reply{}
	}
	return reply(ctx, ev)
}

func (p *puppet) People(context.Context, string) ([]bot.Option, error) {
	return []bot.Option{{Value: "u1", Label: "王小明"}, {Value: "u2", Label: "Li Lei"}}, nil
}

// answers sets how the bot replies from now on.
func (p *puppet) answers(reply func(ctx context.Context, ev bot.Event) bot.Reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reply = reply
}

// saw returns the events so far.
func (p *puppet) saw() []bot.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// last returns the newest event of a kind.
func (p *puppet) last(t *testing.T, kind bot.Kind) bot.Event {
	t.Helper()
	for _, ev := range slices.Backward(p.saw()) {
		if ev.Kind == kind {
			return ev
		}
	}
	t.Fatalf("the bot saw no %s, only %+v", kind, p.saw())
	return bot.Event{}
}

type noise struct{}

func (noise) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(rand.IntN(256))
	}
	return len(p), nil
}

// modes are the transports that everything must work on.
var modes = []string{modeSocket, modeHTTP}

// eachMode runs a test on both transports.
func eachMode(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, feishutest.Config{Mode: mode}))
		})
	}
}

// newWorld starts a company with two people, a group and the platform, whose rules must
// not be broken to the end of the test.
func newWorld(t *testing.T, cfg feishutest.Config, changes ...func(*Config)) *world {
	t.Helper()
	if cfg.Linger == 0 {
		cfg.Linger = 100 * time.Millisecond // the tests look for themselves
	}
	chat := feishutest.New(cfg)
	chat.AddUser(feishutest.User{OpenID: wang, Name: "王小明", Email: "wang@example.com"})
	chat.AddUser(feishutest.User{OpenID: li, Name: "Li Lei", Email: "li@example.com", Locale: "en-US", TZ: "Europe/Berlin"})
	chat.AddGroup(feishutest.Group{ID: group, Name: "Release", Members: []string{wang, li}})
	address, err := chat.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{chat: chat, bot: &puppet{}, log: &standin.Log{}}
	c := Config{
		AppID: chat.AppID(), AppSecret: chat.AppSecret(), VerificationToken: chat.VerificationToken(), EncryptKey: chat.EncryptKey(),
		BaseURL: address, Mode: cfg.Mode, Store: storagetest.New(t), PublicURL: pages, Now: time.Now, Rand: noise{},
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if cfg.Now != nil {
		c.Now = cfg.Now
	}
	for _, change := range changes {
		change(&c)
	}
	for _, u := range []slipway.User{
		{ID: "u1", Name: "王小明", Email: "wang@example.com", Role: slipway.RoleMember, FeishuOpenID: wang, Locale: slipway.Chinese, TimeZone: "Asia/Shanghai"},
		{ID: "u2", Name: "Li Lei", Email: "li@example.com", Role: slipway.RoleMember, FeishuOpenID: li, Locale: slipway.English, TimeZone: "Europe/Berlin"},
	} {
		if err := c.Store.CreateUser(t.Context(), &u); err != nil {
			t.Fatal(err)
		}
	}
	if w.Feishu, err = New(c); err != nil {
		t.Fatal(err)
	}
	w.clickPatience = w.patience // on a busy machine a bot that answers at once takes a while
	w.run(t)
	t.Cleanup(func() {
		w.stop()
		_ = chat.Close()
		if v := chat.Violations(); len(v) > 0 {
			t.Errorf("rules of Feishu were broken:\n%s", strings.Join(v, "\n"))
		}
		for _, secret := range []string{c.AppSecret, c.EncryptKey, c.VerificationToken} {
			if secret != "" && strings.Contains(w.log.String(), secret) {
				t.Errorf("the log holds a secret:\n%s", w.log)
			}
		}
	})
	return w
}

func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx, w.bot); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	var web *httptest.Server
	if w.Mode == modeHTTP {
		web = httptest.NewServer(w.Routes())
		w.chat.SetApp(web.URL)
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		if web != nil {
			web.Close()
		}
	})
	if w.Mode == modeSocket {
		eventually(t, "the connection", func() bool { return w.chat.Connections() > 0 })
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s did not come", what)
		}
	}
}

// direct is what somebody sees in their conversation with the bot.
func (w *world) direct(account string) []screen.Message {
	return w.chat.Person(account).Look(w.chat.Direct(account))
}

// newest waits for a message of the bot, with a text, that somebody sees in a room.
func (w *world) newest(t *testing.T, account, room, text string) screen.Message {
	t.Helper()
	var found screen.Message
	eventually(t, fmt.Sprintf("a message with %q", text), func() bool {
		for _, m := range slices.Backward(w.chat.Person(account).Look(room)) {
			if m.Bot && strings.Contains(m.Text, text) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func buttonOf(t *testing.T, m screen.Message, label string) screen.Button {
	t.Helper()
	for _, b := range m.Buttons {
		if b.Label == label {
			return b
		}
	}
	t.Fatalf("no button %q on %q, only %v", label, m.Text, m.Buttons)
	return screen.Button{}
}

// demand fails the test on an error.
func demand[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// say is a card with a text and buttons.
func say(text string, actions ...bot.Action) *bot.Card {
	return &bot.Card{Lang: slipway.English, Title: "Plan", Summary: text, Intro: []bot.Line{{{Text: text}}}, Actions: actions}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
