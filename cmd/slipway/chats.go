package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"slipway/bot"
	"slipway/bot/feishu"
	"slipway/bot/slack"
	"slipway/storage"
	"slipway/tasks"
)

// chat is a platform that is reached over the network.
type chat interface {
	bot.Platform
	bot.Watched
	bot.Prober
	// Routes takes the platform's calls, below "/<id>/".
	Routes() http.Handler
}

// newChats makes the platforms that are configured. It connects to nothing yet.
func (c *config) newChats(store *storage.Store, tell heard, log *slog.Logger) ([]chat, error) {
	var chats []chat
	var problems []error
	if s := c.Slack; s.configured() {
		p, err := slack.New(slack.Config{
			BotToken: string(s.BotToken), SigningSecret: string(s.SigningSecret), AppToken: string(s.AppToken), APIURL: s.APIURL,
			Store: store, PublicURL: c.publicURL(), Now: time.Now, Rand: rand.Reader, Log: log,
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("set up Slack: %w", err))
		} else {
			chats = append(chats, p)
		}
	}
	if f := c.Feishu; f.configured() {
		p, err := feishu.New(feishu.Config{
			AppID: f.AppID, AppSecret: string(f.AppSecret), VerificationToken: string(f.VerificationToken), EncryptKey: string(f.EncryptKey),
			BaseURL: f.BaseURL, Mode: f.Mode, Approval: c.Approvals.Lark.platform(tell),
			Store: store, PublicURL: c.publicURL(), Now: time.Now, Rand: rand.Reader, Log: log,
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("set up Feishu: %w", err))
		} else {
			chats = append(chats, p)
		}
	}
	return chats, errors.Join(problems...)
}

// listenToChats has the chats receive until the context ends. A worker only posts: people
// are answered by the processes with the other roles. A chat that breaks does
// not end the program: the console and the API work without it.
func (a *app) listenToChats(ctx context.Context, g *errgroup.Group) {
	if a.role == tasks.RoleWorker {
		return
	}
	for _, c := range a.chats {
		g.Go(func() error {
			if err := c.Run(ctx, a.bot); err != nil {
				a.log.ErrorContext(ctx, "a chat receives no more", "platform", string(c.ID()), "error", err)
			}
			return nil
		})
	}
}

// chatCollector reports which chats are connected.
type chatCollector []chat

var chatConnected = prometheus.NewDesc("slipway_platform_connected", "1 if the connection to the platform is there, else 0.", []string{"platform"}, nil)

// Describe implements prometheus.Collector.
func (chatCollector) Describe(ch chan<- *prometheus.Desc) { ch <- chatConnected }

// Collect implements prometheus.Collector.
func (cs chatCollector) Collect(ch chan<- prometheus.Metric) {
	for _, c := range cs {
		connected := 1.0
		if c.Trouble() != "" {
			connected = 0
		}
		ch <- prometheus.MustNewConstMetric(chatConnected, prometheus.GaugeValue, connected, string(c.ID()))
	}
}
