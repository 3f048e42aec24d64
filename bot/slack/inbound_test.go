package slack

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"slipway/bot"
	"slipway/bot/slack/slacktest"
)

// mention is an event of the Events API.
func mention(change func(map[string]any)) map[string]any {
	e := map[string]any{
		"type": "event_callback", "team_id": "T0SLIPWAY", "api_app_id": "A0SLIPWAY", "event_id": "Ev1",
		"event": map[string]any{"type": "app_mention", "user": "U0ANN", "text": "<@U0SLIPWAY> help", "ts": "1795521600.000100", "channel": "C0GEN"},
	}
	if change != nil {
		change(e)
	}
	return e
}

func click(change func(map[string]any)) []byte {
	p := map[string]any{
		"type": "block_actions", "team": map[string]any{"id": "T0SLIPWAY"}, "user": map[string]any{"id": "U0ANN"}, "api_app_id": "A0SLIPWAY",
		"trigger_id": "1.2.3", "actions": []any{map[string]any{"action_id": "approve#1", "value": "p=1", "type": "button"}},
	}
	if change != nil {
		change(p)
	}
	return asForm(map[string]string{"payload": string(asJSON(p))})
}

func TestBadInputHasNoEffect(t *testing.T) {
	t.Parallel()
	command := map[string]string{
		"team_id": "T0SLIPWAY", "api_app_id": "A0SLIPWAY", "user_id": "U0ANN", "channel_id": "C0GEN", "command": "/plan", "text": "help", "trigger_id": "1.2.3",
	}
	with := func(key, value string) []byte {
		c := map[string]string{}
		for k, v := range command {
			c[k] = v
		}
		if c[key] = value; value == "" {
			delete(c, key)
		}
		return asForm(c)
	}
	set := func(path ...any) func(map[string]any) {
		return func(m map[string]any) {
			for _, p := range path[:len(path)-2] {
				m, _ = m[p.(string)].(map[string]any)
			}
			m[path[len(path)-2].(string)] = path[len(path)-1]
		}
	}
	stamped := func(ago time.Duration) func(*world, []byte) func(http.Header) {
		return func(w *world, body []byte) func(http.Header) {
			return func(h http.Header) {
				stamp := strconv.FormatInt(w.clock.now().Add(-ago).Unix(), 10)
				h.Set("X-Slack-Request-Timestamp", stamp)
				h.Set("X-Slack-Signature", slacktest.Sign(w.SigningSecret(), stamp, body))
			}
		}
	}
	header := func(name, value string) func(*world, []byte) func(http.Header) {
		return func(*world, []byte) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	}
	w := newWorld(t, overHTTP)
	events, commands, people := "/slack/events", "/slack/commands", "/slack/interactions"
	for name, c := range map[string]struct {
		path   string
		body   []byte
		change func(*world, []byte) func(http.Header)
		status int
	}{
		"forged":                {events, asJSON(mention(nil)), header("X-Slack-Signature", "v0="+strings.Repeat("ab", 32)), http.StatusUnauthorized},
		"signature of nothing":  {events, asJSON(mention(nil)), header("X-Slack-Signature", ""), http.StatusUnauthorized},
		"signature no hex":      {commands, with("text", "help"), header("X-Slack-Signature", "v0=zz"), http.StatusUnauthorized},
		"other version":         {commands, with("text", "help"), header("X-Slack-Signature", "v1=00"), http.StatusUnauthorized},
		"no time":               {people, click(nil), header("X-Slack-Request-Timestamp", ""), http.StatusUnauthorized},
		"time is no number":     {people, click(nil), header("X-Slack-Request-Timestamp", "now"), http.StatusUnauthorized},
		"expired":               {people, click(nil), stamped(5*time.Minute + 2*time.Second), http.StatusUnauthorized},
		"from the future":       {events, asJSON(mention(nil)), stamped(-5*time.Minute - 2*time.Second), http.StatusUnauthorized},
		"oversized":             {events, []byte(`{"x":"` + strings.Repeat("x", maxBody) + `"}`), nil, http.StatusRequestEntityTooLarge},
		"truncated event":       {events, asJSON(mention(nil))[:100], nil, http.StatusBadRequest},
		"truncated click":       {people, click(nil)[:40], nil, http.StatusBadRequest},
		"no payload":            {people, []byte("x=1"), nil, http.StatusBadRequest},
		"no form":               {commands, []byte("text=%zz"), nil, http.StatusBadRequest},
		"empty":                 {events, nil, nil, http.StatusBadRequest},
		"event of wrong app":    {events, asJSON(mention(set("api_app_id", "A0OTHER"))), nil, http.StatusForbidden},
		"event of wrong team":   {events, asJSON(mention(set("team_id", "T0OTHER"))), nil, http.StatusForbidden},
		"click of wrong app":    {people, click(set("api_app_id", "A0OTHER")), nil, http.StatusForbidden},
		"click of wrong team":   {people, click(set("team", "id", "T0OTHER")), nil, http.StatusForbidden},
		"command of wrong app":  {commands, with("api_app_id", "A0OTHER"), nil, http.StatusForbidden},
		"command of wrong team": {commands, with("team_id", "T0OTHER"), nil, http.StatusForbidden},
		"command of no team":    {commands, with("team_id", ""), nil, http.StatusForbidden},
		"command of nobody":     {commands, with("user_id", ""), nil, http.StatusBadRequest},
		"command, no trigger":   {commands, with("trigger_id", ""), nil, http.StatusBadRequest},
		"unknown event type":    {events, asJSON(mention(set("type", "surprise"))), nil, http.StatusBadRequest},
		"event without id":      {events, asJSON(mention(set("event_id", ""))), nil, http.StatusBadRequest},
		"unknown inner type":    {events, asJSON(mention(set("event", "type", "emoji_changed"))), nil, http.StatusOK},
		"mention by a bot":      {events, asJSON(mention(set("event", "bot_id", "B1"))), nil, http.StatusOK},
		"mention by an edit":    {events, asJSON(mention(set("event", "edited", map[string]any{"ts": "1"}))), nil, http.StatusOK},
		"too many events":       {events, asJSON(mention(set("type", "app_rate_limited"))), nil, http.StatusOK},
		"unknown interaction":   {people, click(set("type", "surprise")), nil, http.StatusBadRequest},
		"click of nobody":       {people, click(set("user", "id", "")), nil, http.StatusBadRequest},
		"button of another app": {people, click(set("actions", []any{map[string]any{"action_id": "x"}})), nil, http.StatusOK},
		"link":                  {people, click(set("actions", []any{map[string]any{"action_id": "link#2"}})), nil, http.StatusOK},
		"no actions":            {people, click(set("actions", []any{})), nil, http.StatusOK},
		"foreign form":          {people, click(set("type", "view_submission")), nil, http.StatusBadRequest},
		"foreign shortcut":      {people, click(set("type", "shortcut")), nil, http.StatusBadRequest},
		"foreign response_url":  {people, click(set("response_url", "https://evil.example/hook?secret=hush")), nil, http.StatusBadRequest},
		"similar response_url":  {commands, with("response_url", "https://hooks.slack.com.evil.example/hush"), nil, http.StatusBadRequest},
		"plain response_url":    {commands, with("response_url", "http://hooks.slack.com/hush"), nil, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.log.String())
			var change func(http.Header)
			if c.change != nil {
				change = c.change(w, c.body)
			}
			status, said := w.request(c.path, c.body, change)
			if status != c.status {
				t.Errorf("status %d %q, not %d", status, said, c.status)
			}
			w.slack.chores.wait()
			if heard := w.bot.events(""); len(heard) > 0 {
				t.Errorf("the bot heard %+v", heard)
			}
			log := w.log.String()[before:]
			if lines := strings.Count(log, "\n"); lines > 1 || lines == 0 && status != http.StatusOK {
				t.Errorf("log:\n%s", log)
			}
			for _, secret := range []string{w.SigningSecret(), w.BotToken(), "hush", "v0="} {
				if strings.Contains(log, secret) {
					t.Errorf("the log tells %q:\n%s", secret, log)
				}
			}
		})
	}
}

func TestAddressIsProved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	if err := w.Challenge(t.Context()); err != nil {
		t.Error(err)
	}
	status, _ := w.request("/slack/commands", asForm(map[string]string{"ssl_check": "1"}), nil)
	if status != http.StatusOK {
		t.Errorf("status %d for ssl_check", status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.app.URL+"/slack/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // nothing is read
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("status %d for GET", res.StatusCode)
	}
	w.fine()
}

func TestNothingIsThereOverHTTPInSocketMode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overSocket)
	if status, _ := w.request("/slack/events", asJSON(mention(nil)), nil); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}

func TestReplayedEventGetsTheSameID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	c := card("answer")
	w.bot.replies(bot.Reply{Message: &c})
	for range 3 {
		if status, said := w.request("/slack/events", asJSON(mention(nil)), nil); status != http.StatusOK {
			t.Errorf("status %d %q", status, said)
		}
	}
	w.slack.chores.wait()
	heard := w.bot.events(bot.Mention)
	if len(heard) != 3 || heard[0].ID != heard[2].ID {
		t.Errorf("heard %+v", heard)
	}
	if seen := w.ann.Look("C0GEN"); len(seen) != 1 {
		t.Errorf("answered %d times", len(seen))
	}
	w.fine()
}

func TestAppIsDownWhileNobodyHandles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP)
	w.slack.handler.Store(nil)
	if status, _ := w.request("/slack/events", asJSON(mention(nil)), nil); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
}

// The example of docs.slack.dev, "Verifying requests from Slack".
func TestPublishedSignature(t *testing.T) {
	t.Parallel()
	const secret = "8f742231b10e8888abcd99yyyzzz85a5"
	body := []byte("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
		"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J" +
		"%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")
	header := http.Header{}
	header.Set("X-Slack-Request-Timestamp", "1531420618")
	header.Set("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
	at := time.Unix(1531420618, 0)
	for _, now := range []time.Time{at, at.Add(5 * time.Minute), at.Add(-5 * time.Minute)} {
		if err := verify(header, body, secret, now); err != nil {
			t.Errorf("at %s: %v", now, err)
		}
	}
	for _, now := range []time.Time{at.Add(5*time.Minute + time.Second), at.Add(-5*time.Minute - time.Second)} {
		if err := verify(header, body, secret, now); err == nil {
			t.Errorf("at %s it is taken", now)
		}
	}
	if err := verify(header, append(body, '!'), secret, at); err == nil {
		t.Error("another body is taken")
	}
	if err := verify(header, body, "", at); err == nil {
		t.Error("an empty secret is taken")
	}
}

func TestSignatureIsWhatTheLibraryTakes(t *testing.T) {
	t.Parallel()
	body, stamp := []byte(`{"a":1}`), strconv.FormatInt(time.Now().Unix(), 10)
	header := http.Header{}
	header.Set("X-Slack-Request-Timestamp", stamp)
	header.Set("X-Slack-Signature", slacktest.Sign("secret", stamp, body))
	theirs, err := slack.NewSecretsVerifier(header, "secret")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Ensure(); err != nil {
		t.Error(err)
	}
	if err := verify(header, body, "secret", time.Now()); err != nil {
		t.Error(err)
	}
}

func TestTyped(t *testing.T) {
	t.Parallel()
	me := identity{user: "UBOT"}
	for in, want := range map[string]string{
		"<@UBOT> approve #12":                                "approve #12",
		"<@UBOT|slipway>  help":                              "help",
		"approvers #12 <@U1|ann>, <@W2>":                     "approvers #12 slack:U1, slack:W2",
		"in <#C1|general> and <#C2>":                         "in #general and #C2",
		"<!here> <!subteam^S1|@ops> <!channel|channel>":      "@here @ops @channel",
		"<!date^1^{date}|noon>":                              "noon",
		"<http://a.example|a.example> <https://b.example/x>": "a.example https://b.example/x",
		"<mailto:ann@example.com|ann@example.com>":           "ann@example.com",
		"a &lt;b&gt; &amp;amp; c":                            "a <b> &amp; c",
		"1 < 2 > 0":                                          "1 < 2 > 0",
		"“new” — plan":                                       "“new” — plan",
	} {
		if got := typed(in, me); got != want {
			t.Errorf("%q is %q, not %q", in, got, want)
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add(asJSON(mention(nil)))
	f.Add([]byte(`{"type":"view_submission","api_app_id":"A","view":{"callback_id":"form:new","private_metadata":"{}","blocks":[{"type":"input","block_id":"a"}],"state":{"values":{"a":{"input":{"type":"datetimepicker"}}}}}}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		s := &Slack{Config: Config{Now: time.Now, PublicURL: publicURL}}
		s.self.known = &identity{team: "T0SLIPWAY", user: "U0SLIPWAY"}
		var i interaction
		if json.Unmarshal(data, &i) == nil {
			s.submitted(&i)
		}
		var p eventPayload
		if json.Unmarshal(data, &p) == nil {
			s.rooms.now = time.Now
			s.written(&p, *s.self.known)
			s.linked(&p)
		}
		pressed(string(data), "", string(data))
		typed(string(data), *s.self.known)
	})
}
