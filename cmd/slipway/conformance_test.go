package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/bot/screen"
	"slipway/cmd/slipway/processtest"
	"slipway/cmd/slipway/storytest"
	"slipway/commands"
	"slipway/storage"
	"slipway/tasks"
)

// How many stories are played on one Slipway at the same time. They wait most of the time,
// except on embedded storage: there the race detector makes everything several times
// slower, and the answers have to come in time all the same.
const (
	storiesAtOnce   = 6
	storiesEmbedded = 6
)

// TestConformance plays every story on every platform by every way to it, one platform
// after the other and beside no other test: the chats give three seconds to answer in,
// whatever the machine does.
func TestConformance(t *testing.T) {
	for _, transport := range []struct {
		name   string
		build  func(t *testing.T, office *storytest.Office) storytest.Stage
		atOnce int
	}{
		{"web console", webStage, storiesAtOnce},
		{"Slack over HTTP", slackHTTPStage, storiesAtOnce},
		{"Slack in Socket Mode", slackSocketStage, storiesEmbedded},
		{"Feishu over HTTP", feishuHTTPStage, storiesAtOnce},
		{"Feishu long connection", feishuSocketStage, storiesAtOnce},
	} {
		t.Run(transport.name, func(t *testing.T) { play(t, transport.build, transport.atOnce) })
	}
}

// play builds two stages, one of them with an office that is asked, and has all stories
// played on them, so many at once.
func play(t *testing.T, build func(t *testing.T, office *storytest.Office) storytest.Stage, atOnce int) {
	open, gated := build(t, nil), build(t, &storytest.Office{})
	type part struct {
		story storytest.Story
		tag   string
	}
	parts := make(chan part)
	var players sync.WaitGroup
	for range atOnce {
		players.Go(func() {
			for p := range parts {
				stage := open
				if p.story.Gated {
					stage = gated
				}
				t.Run(p.story.Name, func(t *testing.T) { p.story.Play(t, storytest.NewWorld(t, stage, p.tag)) })
			}
		})
	}
	for i, s := range storytest.Stories() {
		parts <- part{s, fmt.Sprintf("K%02d", i+1)}
	}
	close(parts)
	players.Wait()
}

// house is a Slipway in this process, on embedded storage unless the environment says
// otherwise.
type house struct {
	app *app
	url string
}

// adminOfHouse is the token of the REST API's admin.
const adminOfHouse = "the-token-of-the-conformance-suite"

// openHouse starts a Slipway, with rooms where every plan has a card, and ends it with
// the test. An error in its log fails the test.
func openHouse(t *testing.T, env map[string]string, office *storytest.Office, rooms ...roomConfig) *house {
	t.Helper()
	dir := t.TempDir()
	workflows := filepath.Join(dir, "workflows")
	for name, text := range houseWorkflows {
		write(t, filepath.Join(workflows, name+".yaml"), text)
	}
	settings := map[string]string{
		"SLIPWAY_LISTEN": "127.0.0.1:0", "SLIPWAY_DATA_DIR": filepath.Join(dir, "data"), "SLIPWAY_WORKFLOWS_DIR": workflows,
		"SLIPWAY_ADMIN_TOKEN": adminOfHouse,
	}
	for k, v := range env {
		settings[k] = v
	}
	c, err := loadConfig("", process{getenv: func(name string) (string, bool) { v, ok := settings[name]; return v, ok }})
	if err != nil {
		t.Fatal(err)
	}
	c.Rooms = rooms
	if office != nil {
		server := httptest.NewServer(office)
		t.Cleanup(server.Close)
		c.Hooks = []hookConfig{{
			Name: "change-office", URL: server.URL, Wait: true, Deadline: "1h", AllowPrivate: true, Events: []string{string(slipway.EventStartExecute)},
		}}
	}
	faults := &faultLog{out: t.Output()}
	t.Cleanup(func() { // after the program has ended
		if n := faults.count(); n > 0 {
			t.Errorf("the program logged %d error(s); see above", n)
		}
	})
	h := runHere(t, c, os.Environ(), slog.New(slog.NewTextHandler(faults, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if office != nil {
		office.API, office.URL = processtest.NewClient(adminOfHouse), h.url
	}
	return h
}

// runHere runs the program in the test's own process until the test ends.
func runHere(t *testing.T, c *config, env []string, log *slog.Logger) *house {
	t.Helper()
	l, err := c.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.PublicURL = "http://" + l.Addr().String()
	a, err := newApp(t.Context(), c, tasks.RoleAll, env, log)
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		err := a.run(running, l)
		a.close()
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with: %v", err)
		}
	})
	return &house{app: a, url: c.PublicURL}
}

// houseWorkflows are what the stories run.
var houseWorkflows = map[string]string{
	"deploy": `name: deploy
params: [{name: VERSION, type: string}]
stages: [{name: deploy, jobs: [{name: deploy, type: freestyle, spec: {run: "echo deployed $VERSION"}}]}]
`,
	"flaky": `name: flaky
stages: [{name: try, jobs: [{name: try, type: freestyle, spec: {run: "if [ ! -e tried ]; then touch tried; exit 1; fi; echo fine"}}]}]
`,
	"broken": `name: broken
stages: [{name: try, jobs: [{name: try, type: freestyle, spec: {run: "echo no way; exit 3"}}]}]
`,
}

// user makes a user of Slipway.
func (h *house) user(t *testing.T, n storytest.NewPerson) *slipway.User {
	t.Helper()
	u, err := h.app.commands.KeepUser(t.Context(), commands.NewUser{
		Name: n.Name, Email: n.Email, Role: n.Role, Locale: string(n.Locale), TimeZone: n.TimeZone,
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// knows writes down what the configuration would say of a room.
func (h *house) knows(t *testing.T, platform bot.PlatformID, id, name string, lang slipway.Lang) {
	t.Helper()
	if err := h.app.store.PutRoom(t.Context(), storage.Room{Platform: string(platform), ID: id, Name: name, Locale: lang}); err != nil {
		t.Fatal(err)
	}
}

// stage is what all stages have in common.
func (h *house) stage(platform bot.PlatformID, office *storytest.Office) storytest.Stage {
	return storytest.Stage{Platform: platform, API: processtest.NewClient(adminOfHouse), URL: h.url, Office: office, SignIn: h.signIn}
}

// signIn returns a link that signs somebody in.
func (h *house) signIn(ctx context.Context, email string) (string, error) {
	u, err := h.app.commands.FindUser(ctx, email)
	if err != nil {
		return "", err
	}
	return h.app.link(ctx, u)
}

// webStage is the web console.
func webStage(t *testing.T, office *storytest.Office) storytest.Stage {
	env := map[string]string{}
	onServers(t, env)
	return consoleStage(t, openHouse(t, env, office), office)
}

func consoleStage(t *testing.T, h *house, office *storytest.Office) storytest.Stage {
	t.Helper()
	s := h.stage(bot.Web, office)
	s.Open = func(t *testing.T) screen.Chat {
		c := storytest.NewConsole(storytest.ConsoleConfig{
			URL: h.url,
			Link: func(ctx context.Context, account string) (string, error) {
				u, err := h.app.store.User(ctx, account)
				if err != nil {
					return "", err
				}
				return h.app.link(ctx, u)
			},
			Trouble: func(err error) { t.Error(err) },
		})
		t.Cleanup(c.Close)
		return c
	}
	s.AddPerson = func(t *testing.T, n storytest.NewPerson) string { return h.user(t, n).ID }
	s.AddRoom = func(t *testing.T, name string, lang slipway.Lang, _ []string) string {
		h.knows(t, bot.Web, name, name, lang)
		return name
	}
	s.DeliverTwice = func(chat screen.Chat) { chat.(*storytest.Console).DeliverTwice(true) }
	return s
}
