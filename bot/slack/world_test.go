package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/screen"
	"slipway/bot/slack/slacktest"
	"slipway/bot/standin"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// The two ways in which deliveries come.
const (
	overHTTP   = "http"
	overSocket = "socket"
)

// world is a workspace with Ann and Bob in #general, and a stranger from elsewhere; a
// platform that is connected to it; and a bot that does what the test says.
type world struct {
	*slacktest.Server
	slack *Slack
	t     *testing.T
	clock *clock
	bot   *puppet
	app   *httptest.Server
	log   *standin.Log
	store *storage.Store
	ann   *slacktest.Person
}

// clock goes with real time, so that nothing waits for ever, plus what was passed.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// puppet is a bot that answers as it is told.
type puppet struct {
	mu     sync.Mutex
	heard  []bot.Event
	answer func(ctx context.Context, ev bot.Event) bot.Reply
}

func (p *puppet) Handle(ctx context.Context, ev bot.Event) bot.Reply {
	p.mu.Lock()
	p.heard = append(p.heard, ev)
	answer := p.answer
	p.mu.Unlock()
	if answer == nil {
		return bot.Reply{}
	}
	return answer(ctx, ev)
}

// Sprints knows one sprint.
func (*puppet) Sprints(_ context.Context, text string) ([]bot.Option, error) {
	if !strings.Contains("payments sprint 12", text) {
		return nil, nil
	}
	return []bot.Option{{Value: "PAY 42", Label: "PAY · Sprint 12 · #42 (active)"}}, nil
}

func (p *puppet) People(_ context.Context, text string) ([]bot.Option, error) {
	var out []bot.Option
	for i := range 150 {
		o := bot.Option{Value: "u" + strconv.Itoa(i), Label: "User " + strconv.Itoa(i)}
		if text == "" || strings.Contains(o.Label, text) || o.Value == text {
			out = append(out, o)
		}
	}
	return out, nil
}

// replies makes the puppet give the same reply to everything.
func (p *puppet) replies(r bot.Reply) {
	p.does(func(context.Context, bot.Event) bot.Reply { return r })
}

func (p *puppet) does(answer func(context.Context, bot.Event) bot.Reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// events returns what was heard of a kind; "" is everything.
func (p *puppet) events(kind bot.Kind) []bot.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []bot.Event
	for _, ev := range p.heard {
		if kind == "" || ev.Kind == kind {
			out = append(out, ev)
		}
	}
	return out
}

// bothWays plays a story with each transport.
func bothWays(t *testing.T, story func(*testing.T, *world)) {
	t.Helper()
	for _, mode := range []string{overHTTP, overSocket} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			story(t, newWorld(t, mode))
		})
	}
}

const publicURL = "https://slipway.example.com"

func newWorld(t *testing.T, mode string) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, bot: &puppet{}, log: &standin.Log{}, store: storagetest.New(t)}
	var scopes []string
	for _, s := range Scopes() {
		scopes = append(scopes, s.Name)
	}
	w.Server = slacktest.New(slacktest.Config{
		Now: w.clock.now, SocketMode: mode == overSocket, Scopes: scopes, UnfurlDomains: []string{"slipway.example.com"},
	})
	t.Cleanup(w.Close)
	w.AddUser(slacktest.User{ID: "U0ANN", Name: "Ann", Email: "ann@example.com", TZ: "Asia/Shanghai", Locale: "zh-CN"})
	w.AddUser(slacktest.User{ID: "U0BOB", Name: "Bob", Email: "bob@example.com"})
	w.AddUser(slacktest.User{ID: "U0EVE", Name: "Eve", Email: "eve@elsewhere.example", Team: "T0OTHER"})
	w.AddChannel(slacktest.Channel{ID: "C0GEN", Name: "general", Members: []string{"U0ANN", "U0BOB", "U0EVE"}, Bot: true})
	w.AddChannel(slacktest.Channel{ID: "C0OUT", Name: "outside", Members: []string{"U0ANN"}, Private: true})
	w.AddChannel(slacktest.Channel{ID: "C0TRY", Name: "try", Members: []string{"U0ANN"}, Bot: true})
	if _, err := w.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	w.ann = w.Client("U0ANN")
	w.start(mode)
	return w
}

// config is how the platform is connected to the workspace.
func (w *world) config(mode string) Config {
	c := Config{
		BotToken: w.BotToken(), SigningSecret: w.SigningSecret(), APIURL: w.APIURL(), Store: w.store, PublicURL: publicURL, Now: w.clock.now,
		Log: slog.New(slog.NewTextHandler(io.MultiWriter(w.log, w.t.Output()), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	if mode == overSocket {
		c.AppToken = w.AppToken()
	}
	return c
}

// start runs the platform until the test ends.
func (w *world) start(mode string) {
	w.t.Helper()
	s, err := New(w.config(mode))
	if err != nil {
		w.t.Fatal(err)
	}
	w.slack = s
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx, w.bot); err != nil {
			w.t.Error(err)
		}
	}()
	w.app = httptest.NewServer(s.Routes())
	w.SetApp(w.app.URL)
	w.t.Cleanup(func() {
		w.app.Close()
		stop()
		<-done
	})
	w.until("the platform listens", func() bool {
		if s.handler.Load() == nil || mode == overSocket && !s.status.isUp() {
			return false
		}
		_, err := w.ann.Write(w.t.Context(), "C0TRY", "", "is anybody there?") // not for the bot
		return err == nil
	})
}

// until waits for something.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: never", what)
		}
		<-tick.C
	}
}

// fine fails the test if the platform did something that Slack does not take, or logged
// an error.
func (w *world) fine() {
	w.t.Helper()
	w.slack.chores.wait()
	for _, v := range w.Violations() {
		w.t.Errorf("violation: %s", v)
	}
	if strings.Contains(w.log.String(), "level=ERROR") {
		w.t.Errorf("errors were logged:\n%s", w.log)
	}
}

// last returns the newest message that somebody sees in a room.
func (w *world) last(account, room string) screen.Message {
	w.t.Helper()
	seen := w.Client(account).Look(room)
	if len(seen) == 0 {
		return screen.Message{}
	}
	return seen[len(seen)-1]
}

func (w *world) button(m screen.Message, label string) screen.Button {
	w.t.Helper()
	for _, b := range m.Buttons {
		if b.Label == label {
			return b
		}
	}
	w.t.Fatalf("no button %q on %q: %v", label, m.Text, m.Buttons)
	return screen.Button{}
}

// must passes on an answer, and fails the test if there is none.
func (w *world) must(a screen.Answer, err error) screen.Answer {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// post posts a card in #general.
func (w *world) post(c bot.Card, key string) bot.MsgRef {
	w.t.Helper()
	ref, err := w.slack.Post(w.t.Context(), bot.Target{Room: roomRef("C0GEN")}, c, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return ref
}

// card is a simple card with buttons.
func card(title string, actions ...bot.Action) bot.Card {
	return bot.Card{Lang: slipway.English, Title: title, Summary: title, Intro: []bot.Line{{{Text: "about " + title}}}, Actions: actions}
}

func button(id, label string) bot.Action {
	return bot.Action{ID: bot.ActionID(id), Value: "p=1&v=3", Label: label}
}

// request sends a request as Slack would, or as a forger would.
func (w *world) request(path string, body []byte, change func(http.Header)) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.app.URL+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	stamp := strconv.FormatInt(w.clock.now().Unix(), 10)
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", slacktest.Sign(w.SigningSecret(), stamp, body))
	if change != nil {
		change(req.Header)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	said, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(said)
}

// asJSON and asForm write payloads.
func asJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func asForm(fields map[string]string) []byte {
	form := url.Values{}
	for k, v := range fields {
		form.Set(k, v)
	}
	return []byte(form.Encode())
}

// newcomer is a user of the workspace.
func (w *world) newcomer(id, name string) slacktest.User {
	return slacktest.User{ID: id, Name: name, Email: strings.ToLower(name) + "@example.com"}
}
