package sdk

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"slipway/bot/screen"
	"slipway/bot/slack/slacktest"
)

// workspace is a stand-in with a channel, Alice and Bob.
func workspace(t *testing.T, socket bool) *slacktest.Server {
	t.Helper()
	s := slacktest.New(slacktest.Config{Now: time.Now, SocketMode: socket})
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.AddUser(slacktest.User{ID: "U0ALICE", Name: "Alice", Email: "alice@example.com", TZ: "Asia/Shanghai", Locale: "zh-CN"})
	s.AddUser(slacktest.User{ID: "U0BOB", Name: "Bob", Email: "bob@example.com"})
	s.AddChannel(slacktest.Channel{ID: "C0RELEASES", Name: "releases", Members: []string{"U0ALICE", "U0BOB"}, Bot: true})
	return s
}

// faultless checks that the stand-in finds no fault with what a vendor's SDK does.
func faultless(t *testing.T, violations []string) {
	t.Helper()
	for _, v := range violations {
		t.Errorf("the stand-in finds fault with the vendor's SDK: %s", v)
	}
}

func slackEnv(s *slacktest.Server, more ...string) []string {
	return append([]string{"API=" + s.APIURL(), "BOT_TOKEN=" + s.BotToken(), "APP_TOKEN=" + s.AppToken(), "SIGNING_SECRET=" + s.SigningSecret()}, more...)
}

// TestBolt has an app made with Slack's framework live in the stand-in.
func TestBolt(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"http", "socket"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := workspace(t, mode == "socket")
			app, url := startNode(t, "slack.mjs", slackEnv(s, "MODE="+mode)...)
			if mode == "socket" {
				if err := s.WaitConnected(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else {
				s.SetApp(url)
				if err := s.Challenge(t.Context()); err != nil {
					t.Errorf("Bolt fails the challenge: %v", err)
				}
				oldSignature(t, s, app, url)
			}
			boltStory(t, s, app)
			faultless(t, s.Violations())
		})
	}
}

func boltStory(t *testing.T, s *slacktest.Server, app *program) {
	alice := s.Person("U0ALICE")
	a, err := alice.Command(t.Context(), "C0RELEASES", "", "anything")
	if err != nil || a.Toast != "heard anything" {
		t.Errorf("the slash command is answered with %+v, %v", a, err)
	}
	if _, err := alice.Command(t.Context(), "C0RELEASES", "", "later"); err != nil {
		t.Errorf("the slash command: %v", err)
	}
	see(t, s, "what was said by the response address", func() bool {
		return slices.ContainsFunc(alice.Look("C0RELEASES"), func(m screen.Message) bool { return m.Only && m.Text == "said later" })
	})

	if _, err := s.Client("U0ALICE").Mention(t.Context(), "C0RELEASES", "", "are you there?"); err != nil {
		t.Errorf("the mention: %v", err)
	}
	if text, _ := app.hears("mention").(string); !strings.Contains(text, "are you there?") || !strings.Contains(text, s.BotUser()) {
		t.Errorf("Bolt heard %q", text)
	}
	var card screen.Message
	see(t, s, "the answer to the mention", func() bool {
		for _, m := range alice.Look("C0RELEASES") {
			if strings.Contains(m.Text, "you called") && len(m.Buttons) == 1 {
				card = m
				return true
			}
		}
		return false
	})
	if _, err := alice.Press(t.Context(), card, card.Buttons[0]); err != nil {
		t.Errorf("the button: %v", err)
	}
	see(t, s, "the pressed card", func() bool {
		return slices.ContainsFunc(alice.Look("C0RELEASES"), func(m screen.Message) bool { return m.ID == card.ID && m.Text == "pressed" })
	})
	app.tells("press", "7")

	bob := s.Person("U0BOB")
	if _, err := bob.Command(t.Context(), "C0RELEASES", "", "form"); err != nil {
		t.Errorf("the form: %v", err)
	}
	see(t, s, "the form", func() bool { return bob.Form() != nil })
	a, err = bob.Fill(t.Context(), map[string][]string{"Why?": {"no reason"}})
	if err != nil || a.Errors["Why?"] != "a reason is wanted" {
		t.Errorf("the faulty form is answered with %+v, %v", a, err)
	}
	if _, err = bob.Fill(t.Context(), map[string][]string{"Why?": {"it is time"}}); err != nil || bob.Form() != nil {
		t.Errorf("the form is still open: %v", err)
	}
	rooms := bob.Rooms()
	direct := rooms[len(rooms)-1].ID
	see(t, s, "the direct message", func() bool {
		return slices.ContainsFunc(bob.Look(direct), func(m screen.Message) bool { return m.Text == "because it is time" })
	})
	if _, err := bob.Write(t.Context(), direct, "", "hello bot"); err != nil {
		t.Errorf("the direct message: %v", err)
	}
	app.tells("message", "hello bot")
	if home, err := bob.OpenHome(t.Context()); err != nil || !strings.Contains(home.Text, "your page") {
		t.Errorf("the home shows %q: %v", home.Text, err)
	}
	if errs, _, _ := app.heard("error"); len(errs) > 0 {
		t.Errorf("Bolt met errors: %v", app.all())
	}
}

// oldSignature sends Bolt a slash command that is signed, but was so six minutes ago,
// and one with another secret.
func oldSignature(t *testing.T, s *slacktest.Server, app *program, url string) {
	t.Helper()
	for _, tt := range []struct {
		name, secret string
		age          time.Duration
		status       int
	}{
		{"fresh", s.SigningSecret(), 0, http.StatusOK},
		{"six minutes old", s.SigningSecret(), 6 * time.Minute, http.StatusUnauthorized},
		{"forged", "another secret", 0, http.StatusUnauthorized},
	} {
		body := "command=%2Fplan&text=" + strings.ReplaceAll(tt.name, " ", "+") + "&team_id=T0&user_id=U0ALICE&channel_id=C0RELEASES&trigger_id=1.2.x&response_url=http%3A%2F%2F127.0.0.1%3A1%2F"
		stamp := strconv.FormatInt(time.Now().Add(-tt.age).Unix(), 10)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/slack/commands", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Slack-Request-Timestamp", stamp)
		req.Header.Set("X-Slack-Signature", slacktest.Sign(tt.secret, stamp, []byte(body)))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != tt.status {
			t.Errorf("a command whose signature is %s is answered with %d, want %d", tt.name, res.StatusCode, tt.status)
		}
	}
	if app.hears("command"); len(app.all()) != 2 { // that it is ready, and the fresh one
		t.Errorf("Bolt heard %v", app.all())
	}
}

// see waits until something is there.
func see(t *testing.T, chat screen.Chat, what string, there func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		changed := chat.Changed()
		if there() {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("%s did not come", what)
		}
	}
}

// TestSlackClient calls the stand-in with Slack's own client.
func TestSlackClient(t *testing.T) {
	t.Parallel()
	s := workspace(t, false)
	s.Faults().RateLimit("chat.delete", 2, time.Second)
	var got map[string]json.RawMessage
	runNode(t, &got, nil, "slack-client.mjs", slackEnv(s, "CHANNEL=C0RELEASES", "EMAIL=alice@example.com")...)
	for name, want := range map[string]string{
		"auth": "ok", "post": "ok", "update": "ok", "reply": "ok", "replies": "ok", "history": "ok", "permalink": "ok", "byEmail": "ok", "info": "ok",
		"direct": "ok", "ephemeral": "ok", "patient": "ok",
		"stranger": "invalid_auth", "nobody": "users_not_found", "noChannel": "channel_not_found", "noText": "no_text", "badBlocks": "invalid_blocks",
		"badTrigger": "invalid_trigger_id", "unknown": "unknown_method", "gone": "message_not_found",
	} {
		var a struct {
			OK    bool
			Error string
			Data  struct{ Error string }
		}
		if err := json.Unmarshal(got[name], &a); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := a.Data.Error; want == "ok" && !a.OK || want != "ok" && said != want {
			t.Errorf("%s: want %s, got %s", name, want, got[name])
		}
	}
	var limited struct {
		Error      string
		RetryAfter int
	}
	if err := json.Unmarshal(got["limited"], &limited); err != nil || limited.Error != "slack_webapi_rate_limited_error" || limited.RetryAfter != 1 {
		t.Errorf("the limited call: %s (%v)", got["limited"], err)
	}
	for name, parts := range map[string][]string{
		"replies": {"hi again", "below", `"event_type":"x"`}, "info": {"Asia/Shanghai", "zh-CN", "alice@example.com"}, "permalink": {"C0RELEASES"},
	} {
		for _, part := range parts {
			if !strings.Contains(string(got[name]), part) {
				t.Errorf("%s does not tell %s: %s", name, part, got[name])
			}
		}
	}
	if n := len(s.Violations()); n != 4 {
		t.Errorf("the stand-in noted %d of the 4 faults: %q", n, s.Violations())
	}
}
