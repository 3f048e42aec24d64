package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"slipway/bot"
	"slipway/bot/dingtalk"
	"slipway/bot/web"
	"slipway/commands"
	"slipway/storage"
	"slipway/tasks"
	"slipway/tasks/engine"
	"slipway/tasks/engine/local"
	"slipway/webhook"
)

// app is the whole program, wired but not listening yet.
type app struct {
	config   *config
	role     tasks.Role
	log      *slog.Logger
	store    *storage.Store
	redis    *tasks.Redis
	sender   *webhook.Sender
	tasks    *tasks.Tasks
	commands *commands.Commands
	bot      *bot.Bot
	web      *web.Web
	chats    []chat
	dingtalk *dingtalk.DingTalk // nil: not configured
	notices  *tasks.Notices
	rulebook *commands.Rulebook
	tried    *prometheus.HistogramVec // hooks
	welcome  welcome
}

// newApp wires the program from the bottom up.
func newApp(ctx context.Context, c *config, role tasks.Role, environ []string, log *slog.Logger) (a *app, err error) {
	a = &app{config: c, role: role, log: log, tried: newTried()}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if a.store, err = c.openStore(ctx, log); err != nil {
		return a, err
	}
	if err = a.store.Migrate(ctx); err != nil {
		return a, err
	}
	a.redis, err = tasks.OpenRedis(tasks.RedisConfig{URL: string(c.RedisURL), Now: time.Now, Rand: rand.Reader, Log: log})
	if err != nil {
		return a, err
	}
	runner, err := local.New(local.Config{
		Dir: c.WorkflowsDir, StateDir: filepath.Join(c.DataDir, "local"), Rand: rand.Reader, Now: time.Now, Logger: log,
		Environ: environ,
	})
	if err != nil {
		return a, err
	}
	if err = runner.Prune(time.Now()); err != nil {
		return a, err
	}
	remote, err := c.remoteEngines(started{a.store}, log)
	if err != nil {
		return a, err
	}
	engines := tasks.NewEngines(append([]engine.Engine{runner}, remote...)...)
	html := commands.NewMarkdown().HTML
	if err = a.store.SealEndpoints(ctx); err != nil {
		return a, err
	}
	a.rulebook = commands.NewRulebook(c.rules(html), a.store, time.Now)
	if err = a.rulebook.Refresh(ctx); err != nil {
		return a, err
	}
	a.notices = tasks.NewNotices(a.redis, rand.Text(), log)
	a.sender = webhook.NewSender(webhook.SenderConfig{Version: version, Now: time.Now})
	a.commands = commands.New(commands.Config{
		Store: a.store, Rules: a.rulebook.Rules, Workflows: engines, Now: time.Now, Rand: rand.Reader,
		Hooks:   webhook.Outlet{Sender: a.sender, PublicURL: c.publicURL(), Now: time.Now, Rand: rand.Reader},
		Refresh: a.rulebook.Refresh, Announce: a.notices.Publish,
	})
	if err = a.prepare(ctx); err != nil {
		return a, err
	}
	if err = a.people(html, engines.Names()); err != nil {
		return a, err
	}
	work := tasks.Config{
		Store: a.store, Commands: a.commands, Redis: a.redis, Engines: engines, Sender: a.sender,
		Rules: a.commands.Rules, Cards: a.bot, Approvals: a.approvals(), Notices: a.notices, Role: role, PublicURL: c.publicURL(),
		Patience: c.hookPatience(), Attempted: a.attempted, Now: time.Now, Rand: rand.Reader, Log: log,
	}
	a.connectJira(&work)
	a.tasks, err = tasks.New(work)
	return a, err
}

// close lets go of what is outside the process, in the reverse order.
func (a *app) close() {
	if a.sender != nil {
		a.sender.Close()
	}
	var err error
	if a.redis != nil {
		err = errors.Join(err, a.redis.Close())
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	if err != nil {
		a.log.Warn("close", "error", err)
	}
}

// people makes what people see: the console, the chats and the bot.
func (a *app) people(html func(string) string, engines []string) (err error) {
	queues, err := web.NewQueues(a.redis)
	if err != nil {
		return fmt.Errorf("make queue dashboard: %w", err)
	}
	a.web, err = web.New(web.Config{
		Commands: a.commands, Store: a.store, Notices: a.notices, HTML: html, PublicURL: a.config.publicURL(),
		Queues: queues, Mails: a.config.SMTPURL != "", Now: time.Now, Rand: rand.Reader, Log: a.log, Version: version,
		ExportHooks: func(rw http.ResponseWriter, r *http.Request, f storage.DeliveryFilter) error {
			return webhook.ExportDeliveries(rw, r, a.store, a.log, f)
		},
	})
	if err != nil {
		return fmt.Errorf("make console: %w", err)
	}
	if a.chats, err = a.config.newChats(a.store, a.heardOf, a.log); err != nil {
		return err
	}
	if a.dingtalk, err = a.config.newDingTalk(a.heardOf, a.log); err != nil {
		return err
	}
	platforms := []bot.Platform{a.web}
	for _, c := range a.chats {
		platforms = append(platforms, c)
	}
	c := bot.Config{
		Commands: a.commands, Store: a.store, Platforms: platforms, Rooms: a.rooms(), Engines: engines,
		PublicURL: a.config.publicURL(), Now: time.Now, Rand: rand.Reader, Log: a.log,
	}
	mails, err := a.config.newMail()
	if err != nil {
		return err
	}
	if mails != nil {
		c.Mailer = mails
	}
	a.bot, err = bot.New(c)
	a.commands.Sources = a.bot
	return err
}
