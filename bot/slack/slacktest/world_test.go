package slacktest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"slipway/bot/screen"
	"slipway/bot/slack/slacktest"
	"slipway/bot/standin"
)

// world is a workspace with Ann, Bob and a stranger to #general, and an app made with
// slack-go.
type world struct {
	*slacktest.Server
	t     *testing.T
	clock *standin.Clock
	api   *slack.Client
	app   *app
}

// app is what the bot is to the stand-in: it notes what it is told, and answers as the
// test says.
type app struct {
	mu    sync.Mutex
	heard []heard
	// answer returns what to answer, nil for nothing. It is called outside of the lock.
	answer func(heard) any
}

type heard struct {
	kind    string // event, command or the type of the interaction
	body    map[string]any
	raw     []byte
	retry   string
	trigger string
}

func (h heard) str(path ...string) string {
	var v any = h.body
	for _, name := range path {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	s, _ := v.(string)
	return s
}

func (a *app) hear(h heard) any {
	h.trigger, _ = h.body["trigger_id"].(string)
	a.mu.Lock()
	a.heard = append(a.heard, h)
	answer := a.answer
	a.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(h)
}

func (a *app) on(answer func(heard) any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
}

// all returns what was heard of a kind; "" is everything.
func (a *app) all(kind string) []heard {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []heard
	for _, h := range a.heard {
		if kind == "" || h.kind == kind {
			found = append(found, h)
		}
	}
	return found
}

const (
	overHTTP   = "http"
	overSocket = "socket"
)

// bothWays plays a story with each transport.
func bothWays(t *testing.T, change func(*slacktest.Config), story func(*testing.T, *world)) {
	for _, mode := range []string{overHTTP, overSocket} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			story(t, newWorld(t, mode, change))
		})
	}
}

func newWorld(t *testing.T, mode string, change func(*slacktest.Config)) *world {
	t.Helper()
	c := standin.NewClock(time.Unix(1_790_000_000, 0))
	cfg := slacktest.Config{Now: c.Now, SocketMode: mode == overSocket, Linger: 50 * time.Millisecond, UnfurlDomains: []string{"plans.example"}}
	if change != nil {
		change(&cfg)
	}
	s := slacktest.New(cfg)
	t.Cleanup(s.Close)
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.AddUser(slacktest.User{ID: "U1", Name: "Ann Lee", Email: "ann@example.com", TZ: "Asia/Shanghai", Locale: "zh-CN"})
	s.AddUser(slacktest.User{ID: "U2", Name: "Bob", Email: "bob@example.com", TZ: "America/New_York"})
	s.AddChannel(slacktest.Channel{ID: "C1", Name: "general", Members: []string{"U1", "U2"}, Bot: true})
	s.AddChannel(slacktest.Channel{ID: "C2", Name: "random", Members: []string{"U1"}})
	w := &world{Server: s, t: t, clock: c, app: &app{}}
	w.api = slack.New(s.BotToken(), slack.OptionAPIURL(s.APIURL()), slack.OptionAppLevelToken(s.AppToken()))
	if mode == overSocket {
		w.listenSocket()
	} else {
		w.listenHTTP()
	}
	return w
}

// listenHTTP serves the app's three addresses, checking signatures as slack-go does.
func (w *world) listenHTTP() {
	take := func(r *http.Request) []byte {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.t.Error(err)
		}
		// slack-go compares with the machine's clock, the stand-in has its own.
		timestamp := r.Header.Get("X-Slack-Request-Timestamp")
		if want := slacktest.Sign(w.SigningSecret(), timestamp, body); r.Header.Get("X-Slack-Signature") != want {
			w.t.Errorf("signature %q, want %q", r.Header.Get("X-Slack-Signature"), want)
		}
		return body
	}
	reply := func(rw http.ResponseWriter, v any) {
		if status, ok := v.(int); ok {
			rw.WriteHeader(status)
			return
		}
		if v != nil {
			rw.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(rw).Encode(v)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack/events", func(rw http.ResponseWriter, r *http.Request) {
		h := decode(w.t, "event", take(r))
		if h.body["type"] == "url_verification" {
			reply(rw, map[string]any{"challenge": h.body["challenge"]})
			return
		}
		h.retry = r.Header.Get("X-Slack-Retry-Num")
		reply(rw, w.app.hear(h))
	})
	mux.HandleFunc("POST /slack/commands", func(rw http.ResponseWriter, r *http.Request) {
		form, err := url.ParseQuery(string(take(r)))
		if err != nil {
			w.t.Error(err)
		}
		body := map[string]any{}
		for k := range form {
			body[k] = form.Get(k)
		}
		reply(rw, w.app.hear(heard{kind: "command", body: body}))
	})
	mux.HandleFunc("POST /slack/interactions", func(rw http.ResponseWriter, r *http.Request) {
		form, err := url.ParseQuery(string(take(r)))
		if err != nil {
			w.t.Error(err)
		}
		h := decode(w.t, "", []byte(form.Get("payload")))
		h.kind = h.str("type")
		var callback slack.InteractionCallback
		if err := json.Unmarshal(h.raw, &callback); err != nil {
			w.t.Errorf("slack-go does not read %s: %v", h.raw, err)
		}
		reply(rw, w.app.hear(h))
	})
	w.serve(mux)
}

// serve makes a handler the app.
func (w *world) serve(h http.Handler) {
	server := httptest.NewServer(h)
	w.t.Cleanup(server.Close)
	w.SetApp(server.URL)
}

func decode(t *testing.T, kind string, raw []byte) heard {
	h := heard{kind: kind, raw: raw}
	if err := json.Unmarshal(raw, &h.body); err != nil {
		t.Errorf("read %s: %v", raw, err)
	}
	return h
}

// listenSocket runs the app on slack-go's client of Socket Mode.
func (w *world) listenSocket() {
	client := socketmode.New(w.api)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	w.t.Cleanup(func() { cancel(); running.Wait() })
	running.Go(func() { _ = client.RunContext(ctx) }) // ends with the test
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-client.Events:
				if failure, ok := e.Data.(*slack.ConnectionErrorEvent); ok {
					w.t.Logf("connect: %v", failure.ErrorObj)
				}
				if e.Request == nil || e.Request.EnvelopeID == "" {
					continue
				}
				running.Go(func() { w.takeEnvelope(ctx, client, e) })
			}
		}
	})
	if err := w.WaitConnected(w.ctx()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) takeEnvelope(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	kinds := map[socketmode.EventType]string{socketmode.EventTypeEventsAPI: "event", socketmode.EventTypeSlashCommand: "command"}
	h := decode(w.t, kinds[e.Type], e.Request.Payload)
	if h.kind == "" {
		h.kind = h.str("type")
	}
	if e.Request.RetryAttempt > 0 {
		h.retry = string(rune('0' + e.Request.RetryAttempt))
	}
	answer := w.app.hear(h)
	if status, ok := answer.(int); ok && status >= 300 {
		return // no answer is how an app refuses here
	}
	if err := client.AckCtx(ctx, e.Request.EnvelopeID, answer); err != nil && ctx.Err() == nil {
		w.t.Logf("ack: %v", err)
	}
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

// clean fails if the app did anything that it must not do.
func (w *world) clean() {
	w.t.Helper()
	for _, v := range w.Violations() {
		w.t.Errorf("violation: %s", v)
	}
}

// violates fails unless there is exactly one violation, with these words.
func (w *world) violates(words string) {
	w.t.Helper()
	v := w.Violations()
	if len(v) != 1 || !strings.Contains(v[0], words) {
		w.t.Errorf("violations %q, want one with %q", v, words)
	}
}

// last returns the youngest message that somebody sees in a room.
func (w *world) last(account, room string) screen.Message {
	w.t.Helper()
	seen := w.Person(account).Look(room)
	if len(seen) == 0 {
		w.t.Fatalf("%s sees nothing in %s", account, room)
	}
	return seen[len(seen)-1]
}

func button(t *testing.T, m screen.Message, label string) screen.Button {
	t.Helper()
	for _, b := range m.Buttons {
		if b.Label == label {
			return b
		}
	}
	t.Fatalf("no button %q on %q: %v", label, m.Text, m.Buttons)
	return screen.Button{}
}

// card is a message with a row that has a button and a menu.
func card(title, value string) []slack.Block {
	text := func(s string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", s, false, false) }
	approve := slack.NewButtonBlockElement("approve", value, text("Approve")).WithStyle(slack.StylePrimary)
	approve.Confirm = slack.NewConfirmationBlockObject(text("Sure?"), text("It goes out."), text("Yes"), text("No"))
	more := slack.NewOverflowBlockElement("more",
		slack.NewOptionBlockObject("skip", text("Skip"), nil), slack.NewOptionBlockObject("edit", text("Edit"), nil))
	return []slack.Block{
		slack.NewHeaderBlock(text(title)),
		slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", "*1.* Ship it to <@U2>\n<!date^1790000000^{date_num} {time}|then>", false, false), nil, slack.NewAccessory(approve)),
		slack.NewContextBlock("", slack.NewTextBlockObject("mrkdwn", "by &lt;!here&gt;", false, false)),
		slack.NewActionBlock("row", more),
		slack.NewDividerBlock(),
		slack.NewActionBlock("", slack.NewButtonBlockElement("cancel", "c", text("Cancel"))),
	}
}
