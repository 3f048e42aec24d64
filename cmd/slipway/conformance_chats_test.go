package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
	"slipway/bot/slack/slacktest"
	"slipway/cmd/slipway/storytest"
	"slipway/storage/storagetest"
)

// What a stand-in notes and the program cannot help.
const (
	// Of two deliveries of a click one comes too late to open the form.
	lateForm = "exchanged_trigger_id"
	// One replica shows an older change while another answers somebody's click: it cannot
	// know. Feishu takes the change back, so what counts is that the card is shown again.
	crossedClick = "the card was changed before the click on it was answered"
)

// lateAnswers are what the stand-ins note of an answer that came after three seconds.
var lateAnswers = []string{"not answered within 3s", "no answer to"}

// faultless wants a stand-in to have found no fault with the program, once the test and
// the program have ended, except what it cannot help.
func faultless(t *testing.T, violations func() []string, except ...string) {
	t.Helper()
	t.Cleanup(func() {
		for _, v := range violations() {
			if slices.ContainsFunc(except, func(e string) bool { return strings.Contains(v, e) }) {
				continue
			}
			t.Errorf("the stand-in finds fault with the program: %s", v)
		}
	})
}

// onServers has a Slipway use PostgreSQL and Redis. Without it, it is on embedded storage,
// as with Slack in Socket Mode here; the race detector makes that several times slower.
func onServers(t *testing.T, env map[string]string) {
	t.Helper()
	env["SLIPWAY_DATABASE_URL"], env["SLIPWAY_REDIS_URL"] = storagetest.Postgres(t), storagetest.Redis(t)
}

// workspace is a stand-in of Slack and the environment that connects a Slipway to it.
func workspace(t *testing.T, socket bool, except ...string) (*slacktest.Server, map[string]string) {
	t.Helper()
	s := slacktest.New(slacktest.Config{Now: time.Now, SocketMode: socket, Scopes: manifestScopes(), UnfurlDomains: []string{"127.0.0.1"}})
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	faultless(t, s.Violations, append(except, lateForm)...)
	env := map[string]string{"SLIPWAY_SLACK_BOT_TOKEN": s.BotToken(), "SLIPWAY_SLACK_API_URL": s.APIURL()}
	if socket {
		env["SLIPWAY_SLACK_APP_TOKEN"] = s.AppToken()
	} else {
		env["SLIPWAY_SLACK_SIGNING_SECRET"] = s.SigningSecret()
	}
	return s, env
}

// slackID makes a name into an id as Slack's are.
func slackID(kind, name string) string {
	return kind + strings.ToUpper(strings.ReplaceAll(name, "-", ""))
}

func slackHTTPStage(t *testing.T, office *storytest.Office) storytest.Stage {
	s, env := workspace(t, false)
	onServers(t, env)
	h := openHouse(t, env, office)
	s.SetApp(h.url)
	if err := s.Challenge(t.Context()); err != nil {
		t.Errorf("the challenge: %v", err)
	}
	return slackStage(s, h, office)
}

func slackSocketStage(t *testing.T, office *storytest.Office) storytest.Stage {
	s, env := workspace(t, true)
	h := openHouse(t, env, office)
	if err := s.WaitConnected(t.Context()); err != nil {
		t.Fatal(err)
	}
	return slackStage(s, h, office)
}

func slackStage(s *slacktest.Server, h *house, office *storytest.Office) storytest.Stage {
	stage := h.stage(bot.Slack, office)
	stage.Open = func(*testing.T) screen.Chat { return s }
	stage.AddPerson = func(t *testing.T, n storytest.NewPerson) string {
		u := slacktest.User{ID: slackID("U", n.Name), Name: n.Name, Email: n.Email, TZ: n.TimeZone}
		if n.Locale == slipway.Chinese {
			u.Locale = "zh-CN"
		}
		if n.Stranger {
			u.Email = ""
		}
		h.user(t, n)
		s.AddUser(u)
		return u.ID
	}
	stage.AddRoom = func(t *testing.T, name string, lang slipway.Lang, accounts []string) string {
		id := slackID("C", name)
		s.AddChannel(slacktest.Channel{ID: id, Name: name, Members: accounts, Bot: true})
		h.knows(t, bot.Slack, id, name, lang)
		return id
	}
	stage.Delete = func(t *testing.T, room, message string) {
		slackCall(t, s, "chat.delete", url.Values{"channel": {room}, "ts": {message}})
	}
	stage.DeliverTwice = func(screen.Chat) { s.Faults().DeliverTwice(true) }
	return stage
}

// slackCall calls a method as the app.
func slackCall(t *testing.T, s *slacktest.Server, method string, args url.Values) {
	t.Helper()
	args.Set("token", s.BotToken())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.APIURL()+method, strings.NewReader(args.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(body), `"ok":true`) {
		t.Fatalf("%s: %s (%v)", method, body, err)
	}
}

// company is a stand-in of Feishu and the environment that connects a Slipway to it.
func company(t *testing.T, mode string, except ...string) (*feishutest.Server, map[string]string) {
	t.Helper()
	s := feishutest.New(feishutest.Config{Mode: mode, VerificationToken: "the-verification-token", EncryptKey: "the-encrypt-key", Scopes: guideScopes()})
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	faultless(t, s.Violations, except...)
	return s, map[string]string{
		"SLIPWAY_FEISHU_APP_ID": s.AppID(), "SLIPWAY_FEISHU_APP_SECRET": s.AppSecret(), "SLIPWAY_FEISHU_VERIFICATION_TOKEN": s.VerificationToken(),
		"SLIPWAY_FEISHU_ENCRYPT_KEY": s.EncryptKey(), "SLIPWAY_FEISHU_BASE_URL": s.BaseURL(), "SLIPWAY_FEISHU_MODE": mode,
	}
}

func feishuHTTPStage(t *testing.T, office *storytest.Office) storytest.Stage {
	s, env := company(t, feishutest.HTTP)
	onServers(t, env)
	h := openHouse(t, env, office)
	s.SetApp(h.url)
	for _, path := range []string{"/feishu/events", "/feishu/cards"} {
		if err := s.Verify(t.Context(), path); err != nil {
			t.Errorf("the challenge at %s: %v", path, err)
		}
	}
	return feishuStage(s, h, office)
}

func feishuSocketStage(t *testing.T, office *storytest.Office) storytest.Stage {
	s, env := company(t, feishutest.LongConnection)
	onServers(t, env)
	h := openHouse(t, env, office)
	connected(t, s)
	return feishuStage(s, h, office)
}

// connected waits until the program has a long connection.
func connected(t *testing.T, s *feishutest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.Connections() == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the program does not connect to Feishu")
		}
	}
}

func feishuStage(s *feishutest.Server, h *house, office *storytest.Office) storytest.Stage {
	stage := h.stage(bot.Feishu, office)
	stage.Open = func(*testing.T) screen.Chat { return s }
	stage.AddPerson = func(t *testing.T, n storytest.NewPerson) string {
		u := feishutest.User{OpenID: "ou_" + strings.ToLower(n.Name), Name: n.Name, Email: n.Email, TZ: n.TimeZone, Locale: "en-US"}
		if n.Locale == slipway.Chinese {
			u.Locale = "zh-CN"
		}
		if n.Stranger {
			u.Email = ""
		}
		h.user(t, n)
		s.AddUser(u)
		return u.OpenID
	}
	stage.AddRoom = func(t *testing.T, name string, lang slipway.Lang, accounts []string) string {
		id := "oc_" + name
		s.AddGroup(feishutest.Group{ID: id, Name: name, Members: accounts})
		h.knows(t, bot.Feishu, id, name, lang)
		return id
	}
	stage.Delete = func(_ *testing.T, _, message string) { s.Delete(message) }
	stage.DeliverTwice = func(screen.Chat) { s.Faults().DeliverTwice(true) }
	return stage
}
