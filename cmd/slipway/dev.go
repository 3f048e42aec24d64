package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu"
	"slipway/bot/feishu/feishutest"
	"slipway/bot/slack"
	"slipway/bot/slack/slacktest"
	"slipway/cmd/slipway/fakechat"
	"slipway/tasks"
)

// devCommand runs what helps developing Slipway, and showing it.
func devCommand(ctx context.Context, args []string, p process) error {
	args, address, err := takeOption(args, "listen")
	if err != nil {
		return err
	}
	args, lang, err := takeLang(args, p)
	if err != nil {
		return err
	}
	if len(args) != 1 || args[0] != "fakechat" {
		return errors.New("dev fakechat is expected; --listen ADDRESS and --lang zh may follow")
	}
	if address == "" {
		address = "127.0.0.1:8090"
	}
	return devFakechat(ctx, address, lang, p)
}

// devPeople are who can be played. They have the same e-mail on both platforms, so that
// Slipway knows them as one person each.
var devPeople = []struct {
	name, email, zone, locale, note string
	role                            slipway.Role
	slack, feishu                   string
}{
	{name: "Alice", email: "alice@example.com", zone: "Asia/Shanghai", locale: "en", slack: "U0ALICE", feishu: "ou_alice"},
	{name: "Bob", email: "bob@example.com", zone: "Europe/Berlin", locale: "en", slack: "U0BOB", feishu: "ou_bob"},
	{name: "Carol", email: "carol@example.com", zone: "America/New_York", locale: "en", slack: "U0CAROL", feishu: "ou_carol"},
	{name: "李雷", email: "lilei@example.com", zone: "Asia/Shanghai", locale: "zh", slack: "U0LILEI", feishu: "ou_lilei"},
	{name: "Olga", email: "olga@example.com", zone: "Asia/Shanghai", locale: "en", role: slipway.RoleAdmin, note: "admin", slack: "U0OLGA", feishu: "ou_olga"},
}

// The rooms of both platforms.
const (
	devChannel = "C0RELEASES"
	devGroup   = "oc_releases"
)

// fakeWorld is both stand-ins with their people, and a Slipway that is connected to them.
type fakeWorld struct {
	slack  *slacktest.Server
	feishu *feishutest.Server
	app    *app
	ended  chan error
}

// devFakechat serves the page until the context ends.
func devFakechat(ctx context.Context, address string, lang slipway.Lang, p process) (err error) {
	dir, err := os.MkdirTemp("", "slipway-fakechat-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l, err := (&config{Listen: address}).listen(ctx)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w, err := startFakeWorld(ctx, dir, p.environ(), log)
	if err != nil {
		_ = l.Close()
		return err
	}
	server := &http.Server{Handler: w.page(lang, log), ReadHeaderTimeout: 10 * time.Second}
	g, working := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve page: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-working.Done()
		return server.Close()
	})
	g.Go(func() error {
		err := <-w.ended
		stop()
		return err
	})
	if err = w.welcome(ctx, "http://"+l.Addr().String(), lang, p); err != nil {
		stop()
	}
	err = errors.Join(err, g.Wait())
	w.slack.Close()
	return errors.Join(err, w.feishu.Close())
}

// startFakeWorld brings everything up; nothing of it outlives the context.
func startFakeWorld(ctx context.Context, dir string, environ []string, log *slog.Logger) (*fakeWorld, error) {
	workflows := filepath.Join(dir, "workflows")
	if err := os.MkdirAll(workflows, 0o700); err != nil {
		return nil, fmt.Errorf("make workflows: %w", err)
	}
	if err := os.WriteFile(filepath.Join(workflows, "deploy-payments.yaml"), []byte(demoWorkflow), 0o600); err != nil {
		return nil, fmt.Errorf("write workflow: %w", err)
	}
	c := &config{Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "data"), WorkflowsDir: workflows}
	l, err := c.listen(ctx)
	if err != nil {
		return nil, err
	}
	c.PublicURL = "http://" + l.Addr().String()
	w := &fakeWorld{ended: make(chan error, 1)}
	if err := w.populate(c, l.Addr().String(), log); err != nil {
		_ = l.Close()
		return nil, err
	}
	if w.app, err = newApp(ctx, c, tasks.RoleAll, environ, log); err != nil {
		_ = l.Close()
		return nil, err
	}
	go func() {
		err := w.app.run(ctx, l)
		w.app.close()
		w.ended <- err
	}()
	return w, nil
}

// populate makes the stand-ins with their people and rooms, and has the configuration
// connect to them. Links to the host are unfurled.
func (w *fakeWorld) populate(c *config, host string, log *slog.Logger) error {
	w.slack = slacktest.New(slacktest.Config{
		Now: time.Now, SocketMode: true, Scopes: manifestScopes(), UnfurlDomains: []string{host}, Log: log,
	})
	w.feishu = feishutest.New(feishutest.Config{Now: time.Now, Mode: feishutest.LongConnection, Scopes: guideScopes(), Log: log})
	var in struct{ slack, feishu []string }
	for _, u := range devPeople {
		w.slack.AddUser(slacktest.User{ID: u.slack, Name: u.name, Email: u.email, TZ: u.zone, Locale: fullLocale(u.locale)})
		w.feishu.AddUser(feishutest.User{OpenID: u.feishu, Name: u.name, Email: u.email, TZ: u.zone, Locale: fullLocale(u.locale)})
		in.slack, in.feishu = append(in.slack, u.slack), append(in.feishu, u.feishu)
		c.Users = append(c.Users, userConfig{Name: u.name, Email: u.email, Role: string(u.role), Locale: u.locale, TimeZone: u.zone})
	}
	w.slack.AddChannel(slacktest.Channel{ID: devChannel, Name: "releases", Members: in.slack, Bot: true})
	w.feishu.AddGroup(feishutest.Group{ID: devGroup, Name: "发布群", Members: in.feishu})
	for _, listen := range []func(string) (string, error){w.slack.Listen, w.feishu.Listen} {
		if _, err := listen("127.0.0.1:0"); err != nil {
			return fmt.Errorf("start stand-in: %w", err)
		}
	}
	c.Slack = slackConfig{BotToken: secret(w.slack.BotToken()), AppToken: secret(w.slack.AppToken()), APIURL: w.slack.APIURL()}
	c.Feishu = feishuConfig{AppID: w.feishu.AppID(), AppSecret: secret(w.feishu.AppSecret()), BaseURL: w.feishu.BaseURL()}
	c.Approvals.Lark = &feishuApprovalConfig{}
	c.Rooms = []roomConfig{
		{Platform: string(bot.Slack), ID: devChannel, Name: "#releases", Locale: "en", TimeZone: "Asia/Shanghai"},
		{Platform: string(bot.Feishu), ID: devGroup, Name: "发布群", Locale: "zh", TimeZone: "Asia/Shanghai"},
	}
	return nil
}

// manifestScopes are the permissions of an app that was made from the manifest.
func manifestScopes() []string {
	scopes := slack.Scopes()
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = s.Name
	}
	return names
}

// guideScopes are the permissions of a Feishu app that was set up by the guide.
func guideScopes() []string {
	scopes := feishu.Scopes()
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = s.Name
	}
	return names
}

// fullLocale is how both platforms name a language.
func fullLocale(lang string) string {
	if lang == "zh" {
		return "zh-CN"
	}
	return "en-US"
}

// page is the page that shows the stand-ins.
func (w *fakeWorld) page(lang slipway.Lang, log *slog.Logger) http.Handler {
	c := fakechat.Config{
		Chats: []fakechat.Chat{
			{ID: "slack", Name: "Slack", Look: "slack", Screen: w.slack},
			{ID: "feishu", Name: "飞书 Feishu", Look: "feishu", Screen: w.feishu},
		},
		Lang: string(lang), Console: w.app.config.PublicURL, Log: log,
	}
	for _, u := range devPeople {
		c.People = append(c.People, fakechat.Person{Name: u.name, Note: u.note, Zone: u.zone, Accounts: map[string]string{"slack": u.slack, "feishu": u.feishu}})
	}
	return fakechat.New(c)
}

// welcome tells where everything is.
func (w *fakeWorld) welcome(ctx context.Context, page string, lang slipway.Lang, p process) error {
	link, err := w.app.link(ctx, w.app.commands.Admin)
	if err != nil {
		return err
	}
	said := slipway.T(`
  The chats:  %s
              be anybody, in Slack and Feishu; begin with /plan new or @Slipway new
  The console, as %s (this link works once):
              %s
  Ctrl-C ends it; nothing is kept.
`, `
  聊天页面：%s
            可以扮演任何人，使用 Slack 和飞书；从 /plan new 或 @Slipway 新建 开始
  控制台，以 %s 的身份登录（链接只能使用一次）：
            %s
  按 Ctrl-C 结束，不会保留任何数据。
`, page, w.app.commands.Admin.Name, link)
	_, err = fmt.Fprintln(p.stdout, said.In(lang))
	return err
}
