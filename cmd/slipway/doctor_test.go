package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
	"slipway/bot/slack/slacktest"
)

// consult runs `slipway doctor` and returns what it printed and how it ended.
func consult(t *testing.T, env map[string]string, yaml string, args ...string) (string, error) {
	t.Helper()
	p, path := surroundings(t, env, yaml)
	var said bytes.Buffer
	p.stdout = &said
	err := run(t.Context(), append(append([]string{"doctor"}, args...), "--config", path), p)
	t.Log(said.String())
	return said.String(), err
}

// closedAddress is one at which nothing listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestDoctorOnAFreshMachine(t *testing.T) {
	t.Parallel()
	env := map[string]string{"SLIPWAY_DATA_DIR": t.TempDir(), "SLIPWAY_LISTEN": closedAddress(t)}
	said, err := consult(t, env, "", "--lang", "en")
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, line := range []string{
		"✓ configuration: in order", "✓ database: SQLite; the first start makes it", "✓ Redis: in process",
		"! address: http://" + env["SLIPWAY_LISTEN"] + " does not answer from here", "    → start Slipway",
		"✓ chats: neither Slack nor Feishu is connected", "It works; 1 to be looked at.",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("%q is missing", line)
		}
	}
	env["LANG"] = "zh_CN.UTF-8"
	if said, _ = consult(t, env, ""); !strings.Contains(said, "✓ 配置：没有问题") || !strings.Contains(said, "→ 请启动 Slipway") {
		t.Error("it speaks no Chinese")
	}
}

func TestDoctorNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	said, err := consult(t, map[string]string{"SLIPWAY_SLACK_BOT_TOKEN": "hunter2"}, "rooms: [{platform: slack, id: releases}]", "--json")
	var exit exitCode
	if !errors.As(err, &exit) || exit != 1 {
		t.Errorf("it ended with %v", err)
	}
	var out struct {
		OK     bool
		Checks []struct{ Area, Result, What, Mend string }
	}
	if err := json.Unmarshal([]byte(said), &out); err != nil {
		t.Fatal(err)
	}
	if out.OK || len(out.Checks) != 1 || out.Checks[0].Result != "fault" || !strings.Contains(out.Checks[0].What, "rooms[0].id") {
		t.Errorf("it says %+v", out)
	}

	nowhere := closedAddress(t)
	said, err = consult(t, map[string]string{
		"SLIPWAY_DATABASE_URL": "postgres://u:hunter2@" + nowhere + "/x", "SLIPWAY_REDIS_URL": "redis://:hunter2@" + nowhere + "/0",
	}, "", "--lang=en")
	if !errors.As(err, &exit) {
		t.Errorf("it ended with %v", err)
	}
	for _, line := range []string{"✗ database: PostgreSQL does not answer", "✗ Redis: it does not answer", "2 to be put right, "} {
		if !strings.Contains(said, line) {
			t.Errorf("%q is missing", line)
		}
	}
	if strings.Contains(said, "hunter2") {
		t.Error("a password is printed")
	}
}

// doctored is a fake world and the environment with which the doctor sees it.
func doctored(t *testing.T) (*fakeWorld, map[string]string) {
	t.Helper()
	w := runFakeWorld(t)
	c := w.app.config
	return w, map[string]string{
		"SLIPWAY_PUBLIC_URL": c.PublicURL, "SLIPWAY_DATA_DIR": c.DataDir,
		"SLIPWAY_SLACK_BOT_TOKEN": string(c.Slack.BotToken), "SLIPWAY_SLACK_APP_TOKEN": string(c.Slack.AppToken),
		"SLIPWAY_SLACK_API_URL": c.Slack.APIURL, "SLIPWAY_FEISHU_APP_ID": c.Feishu.AppID,
		"SLIPWAY_FEISHU_APP_SECRET": string(c.Feishu.AppSecret), "SLIPWAY_FEISHU_BASE_URL": c.Feishu.BaseURL,
	}
}

// runFakeWorld brings up what `slipway dev fakechat` shows.
func runFakeWorld(t *testing.T) *fakeWorld {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	w, err := startFakeWorld(t.Context(), t.TempDir(), nil, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the test's context has ended
		if err := <-w.ended; err != nil {
			t.Errorf("the program ended with: %v", err)
		}
		w.slack.Close()
		w.feishu.Close()
	})
	return w
}

const fakeRooms = "rooms: [{platform: slack, id: C0RELEASES}, {platform: feishu, id: oc_releases}]"

func TestDoctorAmongTheChats(t *testing.T) {
	t.Parallel()
	w, env := doctored(t)
	said, err := consult(t, env, fakeRooms, "--lang", "en")
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, line := range []string{
		"✓ database: SQLite answers, and the schema is up to date", "✓ address: " + env["SLIPWAY_PUBLIC_URL"] + " leads to Slipway",
		"/api/callback/release_plan answers, and refuses an empty call", "✓ Slack: ", "✓ Feishu: ", "✓ rooms: 2 configured",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("%q is missing", line)
		}
	}
	if strings.Contains(said, "✗") {
		t.Error("it finds fault with what works")
	}

	w.feishu.Subscribe(feishutest.Subscriptions{Events: []string{"im.message.receive_v1"}})
	said, err = consult(t, env, fakeRooms, "--lang", "en")
	w.feishu.Subscribe(feishutest.DefaultSubscriptions)
	for _, line := range []string{
		"✗ Feishu: Callback card.action.trigger is not subscribed to.\n    → Add it under “Events & Callbacks”",
		"✓ Feishu: Event application.bot.menu_v6 is not subscribed to; that may be so",
	} {
		if err == nil || !strings.Contains(said, line) {
			t.Errorf("%q is missing (%v)", line, err)
		}
	}

	w.slack.Faults().Revoke()
	said, err = consult(t, env, fakeRooms, "--lang", "en")
	w.slack.Faults().Restore()
	if err == nil || !strings.Contains(said, "✗ Slack: ") {
		t.Errorf("a revoked token is no fault: %v", err)
	}
	for _, key := range []string{"SLIPWAY_SLACK_BOT_TOKEN", "SLIPWAY_SLACK_APP_TOKEN", "SLIPWAY_FEISHU_APP_SECRET"} {
		if strings.Contains(said, env[key]) {
			t.Errorf("%s is printed", key)
		}
	}
}

// TestDoctorWaitsForAClick has somebody press the doctor's button.
func TestDoctorWaitsForAClick(t *testing.T) {
	t.Parallel()
	chat := slacktest.New(slacktest.Config{Now: time.Now, SocketMode: true, Scopes: manifestScopes()})
	defer chat.Close()
	chat.AddUser(slacktest.User{ID: "U1", Name: "Alice"})
	chat.AddChannel(slacktest.Channel{ID: "C1", Name: "releases", Members: []string{"U1"}, Bot: true})
	if _, err := chat.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SLIPWAY_DATA_DIR": t.TempDir(), "SLIPWAY_LISTEN": closedAddress(t), "SLIPWAY_SLACK_API_URL": chat.APIURL(),
		"SLIPWAY_SLACK_BOT_TOKEN": chat.BotToken(), "SLIPWAY_SLACK_APP_TOKEN": chat.AppToken(),
	}
	pressed := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { pressed <- pressFirstButton(ctx, chat, "U1", "C1") }()
	said, err := consult(t, env, "", "--click", "slack:C1", "--lang", "en")
	cancel()
	if err != nil || !strings.Contains(said, "✓ button: the click arrived") {
		t.Errorf("it ended with %v", err)
	}
	if err := <-pressed; err != nil {
		t.Errorf("the click was answered with %v", err)
	}
	said, err = consult(t, env, "", "--click", "feishu:oc_1", "--lang", "en")
	if err == nil || !strings.Contains(said, `✗ button: "feishu:oc_1" is no room of a platform that is connected`) {
		t.Errorf("a room of a platform that is not connected: %v", err)
	}
}

// pressFirstButton waits for a message with a button and presses it, again if the app is
// not connected yet.
func pressFirstButton(ctx context.Context, chat screen.Chat, account, room string) error {
	them := chat.Person(account)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, m := range them.Look(room) {
			if len(m.Buttons) == 0 {
				continue
			}
			if _, err := them.Press(ctx, m, m.Buttons[0]); err == nil {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
