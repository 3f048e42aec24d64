package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/tasks"
)

// TestTheRoomsOfTheConfiguration starts twice with the same data: what the file says of
// a room holds, what it leaves out stays as it was.
func TestTheRoomsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	c := &config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), WorkflowsDir: t.TempDir()}
	c.Slack = slackConfig{BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: "http://" + closedAddress(t) + "/"}
	for _, start := range []struct {
		room roomConfig
		name string
		lang slipway.Lang
		zone string
	}{
		{roomConfig{Platform: "slack", ID: "C1", Locale: "zh"}, "C1", slipway.Chinese, ""},
		{roomConfig{Platform: "slack", ID: "C1", Name: "#releases", TimeZone: "Asia/Shanghai"}, "#releases", slipway.Chinese, "Asia/Shanghai"},
		{roomConfig{Platform: "slack", ID: "C1", Locale: "en"}, "#releases", slipway.English, "Asia/Shanghai"},
	} {
		c.Rooms = []roomConfig{start.room}
		a, err := newApp(t.Context(), c, tasks.RoleAll, nil, log)
		if err != nil {
			t.Fatal(err)
		}
		room, err := a.store.Room(t.Context(), "slack", "C1")
		if err != nil {
			t.Fatal(err)
		}
		if room.Name != start.name || room.Locale != start.lang || room.TimeZone != start.zone {
			t.Errorf("with %+v the room is %+v", start.room, room)
		}
		want := []bot.RoomRef{{Platform: bot.Web, ID: defaultRoom}, {Platform: bot.Slack, ID: "C1"}}
		if d := cmp.Diff(want, a.rooms()); d != "" {
			t.Errorf("cards go elsewhere: %s", d)
		}
		a.close()
	}
	c.Rooms = []roomConfig{{Platform: "web", ID: "night"}}
	if got := (&app{config: c}).rooms(); len(got) != 1 || got[0].ID != "night" {
		t.Errorf("beside the configured room of the console there is %v", got)
	}
}

func TestTheManifestOfTheSlackApp(t *testing.T) {
	t.Parallel()
	type manifest struct {
		Settings struct {
			SocketModeEnabled  bool `json:"socket_mode_enabled"`
			EventSubscriptions struct {
				RequestURL string `json:"request_url"`
			} `json:"event_subscriptions"`
		}
	}
	printed := func(env map[string]string, args ...string) (manifest, error) {
		var out bytes.Buffer
		p, _ := surroundings(t, env, "")
		p.stdout = &out
		if err := run(t.Context(), append([]string{"slack", "manifest"}, args...), p); err != nil {
			return manifest{}, err
		}
		var m manifest
		return m, json.Unmarshal(out.Bytes(), &m)
	}
	public := map[string]string{"SLIPWAY_PUBLIC_URL": "https://slipway.example.com/"}
	for _, c := range []struct {
		env     map[string]string
		args    string
		socket  bool
		address string
	}{
		{nil, "", true, ""},
		{nil, "--url https://slipway.example.com", false, "https://slipway.example.com/slack/events"},
		{public, "--lang zh", false, "https://slipway.example.com/slack/events"},
		{public, "--socket", true, ""},
		{map[string]string{"SLIPWAY_PUBLIC_URL": "http://10.0.0.1"}, "--socket", true, ""},
	} {
		m, err := printed(c.env, strings.Fields(c.args)...)
		if err != nil || m.Settings.SocketModeEnabled != c.socket || m.Settings.EventSubscriptions.RequestURL != c.address {
			t.Errorf("%s: %+v, %v", c.args, m, err)
		}
	}
	for _, args := range []string{"--url http://slipway.example.com", "--url slipway", "--lang fr", "--port 1"} {
		if _, err := printed(nil, strings.Fields(args)...); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
}
