package slack

import (
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
)

func TestRevokedTokenIsTroubleUntilItIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overSocket)
	if trouble := w.slack.Trouble(); trouble != "" {
		t.Errorf("trouble %q", trouble)
	}
	w.Faults().Revoke()
	w.until("there is trouble", func() bool {
		return strings.Contains(w.slack.Trouble(), "token_revoked") || strings.Contains(w.slack.Trouble(), "invalid_auth")
	})
	w.Faults().Restore()
	w.until("the connection is back", func() bool { return w.slack.Trouble() == "" && w.slack.status.isUp() })
	w.must(w.ann.Command(t.Context(), "C0GEN", "", "help"))
	if len(w.bot.events(bot.Command)) != 1 {
		t.Error("nothing is heard")
	}
}

func TestConnectionsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overSocket)
	opened := func() int { return len(w.Calls("apps.connections.open")) }
	for name, fault := range map[string]func(){"drop": w.Faults().DropConnections, "refresh": w.Faults().RefreshConnections} {
		before := opened()
		fault()
		w.until(name+": a new connection", func() bool { return opened() > before && w.slack.status.isUp() })
		w.until(name+": it works", func() bool {
			_, err := w.ann.Command(t.Context(), "C0GEN", "", name)
			return err == nil
		})
	}
	before := opened()
	w.Faults().RateLimit("apps.connections.open", 1, time.Second)
	w.Faults().DropConnections()
	w.until("a connection after the limit", func() bool { return opened() > before+1 && w.slack.status.isUp() })
	w.until("it works", func() bool {
		_, err := w.ann.Command(t.Context(), "C0GEN", "", "again")
		return err == nil
	})
}

func TestAnswerTooLargeForTheSocketComesAnotherWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overSocket)
	large := bot.Card{Lang: slipway.English, Title: "large", Summary: "large"}
	for range 40 {
		large.Rows = append(large.Rows, bot.Row{
			Title: bot.Line{{Text: strings.Repeat("x", 150), Style: bot.Bold}}, Actions: []bot.Action{{ID: "show", Value: strings.Repeat("v", 1500), Label: "Show"}},
		})
	}
	w.bot.replies(bot.Reply{Whisper: &large})
	w.must(w.ann.Command(t.Context(), "C0GEN", "", "list"))
	w.until("it is there", func() bool { return strings.Contains(w.last("U0ANN", "C0GEN").Text, "large") })
	w.fine()
}

func TestProbe(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *world) {
		for _, f := range w.slack.Probe(t.Context()) {
			if !f.OK || f.What.EN == "" || f.What.ZH == "" {
				t.Errorf("finding %+v", f)
			}
		}
		w.clock.pass(10 * time.Minute)
		var bad []string
		for _, f := range w.slack.Probe(t.Context()) {
			if !f.OK {
				bad = append(bad, f.What.EN)
			}
			if (f.Mend.EN == "") != f.OK || (f.Mend.ZH == "") != f.OK {
				t.Errorf("finding %+v", f)
			}
		}
		w.Faults().Revoke()
		for _, f := range w.slack.Probe(t.Context()) {
			if !f.OK {
				bad = append(bad, f.What.EN)
			}
		}
		if got := strings.Join(bad, "\n"); !strings.Contains(got, "refuses the bot token") {
			t.Errorf("found:\n%s", got)
		}
	})
}

func TestProbeNamesMissingScopes(t *testing.T) {
	t.Parallel()
	header := map[string][]string{"X-Oauth-Scopes": {"commands, chat:write,im:write"}, "Date": {"Tue, 24 Nov 2026 12:00:00 GMT"}}
	missing := probeScopes(header)
	if len(missing) != len(Scopes())-3 {
		t.Errorf("%d missing: %+v", len(missing), missing)
	}
	s := &Slack{Config: Config{Now: func() time.Time { return time.Date(2026, 11, 24, 12, 3, 0, 0, time.UTC) }}}
	if f := s.probeClock(header); len(f) != 1 || f[0].OK || !strings.Contains(f[0].What.EN, "3m0s") {
		t.Errorf("clock: %+v", f)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config Config
		faults int
	}{
		"nothing":      {Config{}, 3},
		"user token":   {Config{BotToken: "xoxp-1", SigningSecret: "s", Now: time.Now}, 2},
		"token as app": {Config{BotToken: "xoxb-1", AppToken: "xoxb-1", Command: "plan now", Now: time.Now}, 3},
		"bad address":  {Config{BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: "nowhere"}, 2},
	} {
		_, err := New(c.config)
		if err == nil || strings.Count(err.Error(), "slack: ") != c.faults {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestResponseURLsOfSlackOnly(t *testing.T) {
	t.Parallel()
	s := &Slack{Config: Config{APIURL: "https://slack.com/api/"}}
	for address, ok := range map[string]bool{
		"https://hooks.slack.com/actions/T1/1/x": true, "https://hooks.slack-gov.com/commands/1": true, "https://slack.com/x": false,
		"http://hooks.slack.com/x": false, "https://hooks.slack.com:8443/x": false, "https://hooks.slack.com@evil.example/": false,
		"https://user@hooks.slack.com/": false, "https://evil.example/hooks.slack.com": false, "": false, "::": false, "//hooks.slack.com/x": false,
	} {
		if s.mayAnswerTo(address) != ok {
			t.Errorf("%s", address)
		}
	}
	s.APIURL = "http://127.0.0.1:8080/api/"
	for address, ok := range map[string]bool{"http://127.0.0.1:8080/response/1": true, "http://127.0.0.1:8081/response/1": false, "http://localhost:8080/": false} {
		if s.mayAnswerTo(address) != ok {
			t.Errorf("%s", address)
		}
	}
}
