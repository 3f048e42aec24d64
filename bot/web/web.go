package web

import (
	"context"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/commands"
	"slipway/storage"
)

// Notices tells pages, in every process, that something has changed. A topic is
// "room:<id>", "plan:<id>" or "run:<id>".
type Notices interface {
	// Publish announces a topic. A notice may get lost.
	Publish(ctx context.Context, topics ...string)
	// Subscribe returns all topics announced from now on until ctx ends; then the
	// channel is closed.
	Subscribe(ctx context.Context) <-chan string
}

// Config is what the console needs.
type Config struct {
	Commands *commands.Commands
	Store    *storage.Store
	Notices  Notices
	// HTML renders Markdown as sanitised HTML.
	HTML func(markdown string) string
	// PublicURL is how people reach the console, without a slash at the end.
	PublicURL string
	Queues    *Queues // nil: the process has no dashboard
	// ExportHooks writes deliveries as JSON Lines; an error says that nothing was written.
	ExportHooks func(http.ResponseWriter, *http.Request, storage.DeliveryFilter) error
	Mails       bool // people get mails, which each can switch off
	Now         func() time.Time
	Rand        io.Reader
	Log         *slog.Logger
	Version     string
	// Heartbeat is the pause between two signs of life on a live connection; zero
	// means 20 seconds.
	Heartbeat time.Duration
}

// Web is the console. It is a bot.Platform: pages answer presses and typed lines once
// Run has given it the bot's handler.
type Web struct {
	Config
	assets  *assets
	pages   map[slipway.Lang]*template.Template
	hub     *hub
	handler chan bot.Handler // holds the handler while Run runs
	origins *http.CrossOriginProtection
	secure  bool // the public URL is https
}

// New returns a console.
func New(c Config) (*Web, error) {
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	public, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("parse public URL: %w", err)
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 20 * time.Second
	}
	w := &Web{
		Config: c, hub: newHub(), handler: make(chan bot.Handler, 1),
		origins: http.NewCrossOriginProtection(), secure: public.Scheme == "https",
	}
	if public.Host != "" {
		if err := w.origins.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
			return nil, fmt.Errorf("trust public URL: %w", err)
		}
	}
	if w.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if w.pages, err = loadPages(w); err != nil {
		return nil, err
	}
	return w, nil
}

// Routes returns the handler of everything that people see: the console at "/", the
// pages of plans, the dashboard at "/queues/".
func (w *Web) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{file}", w.assets.serve)
	mux.HandleFunc("GET /favicon.ico", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/static/"+w.assets.names["icon.svg"], http.StatusMovedPermanently)
	})
	mux.HandleFunc("GET /signin", w.signInPage)
	mux.HandleFunc("POST /signin", w.signIn)
	mux.HandleFunc("POST /signout", w.signOut)

	signed := func(pattern string, h signedHandler) { mux.HandleFunc(pattern, w.signed(h)) }
	signed("GET /{$}", w.home)
	signed("POST /me", w.changeMe)
	signed("GET /link", w.linkPage)
	signed("POST /link", w.link)
	signed("POST /rooms", w.addRoom)
	signed("GET /rooms/{room}", w.roomPage)
	signed("POST /rooms/{room}/say", w.say)
	signed("POST /rooms/{room}/act", w.actInRoom)
	signed("GET /plans", w.plansPage)
	signed("GET /plans/{plan}", w.planPage)
	signed("POST /plans/{plan}/act", w.actOnPlan)
	signed("GET /runs/{run}/log", w.runLog)
	signed("GET /live", w.live)
	signed("GET /people", w.adminOnly(w.peoplePage))
	signed("POST /people", w.adminOnly(w.addPerson))
	signed("POST /people/{user}/link", w.adminOnly(w.newLink))
	signed("GET /hooks", w.hooksPage)
	signed("GET /hooks/export", w.exportHooks)
	signed("POST /hooks/{delivery}/resend", w.resendHook)
	signed("POST /hooks/resend-failed", w.resendFailed)
	signed("POST /hooks/endpoints", w.adminOnly(w.saveEndpoint))
	signed("POST /hooks/endpoints/{name}/{verb}", w.adminOnly(w.onEndpoint))
	signed("/queues/", w.adminOnly(w.queues))
	signed("/", w.unknownPage)
	return w.guard(mux)
}

// random returns n random bytes in hex.
func (w *Web) random(n int) string {
	b := make([]byte, n)
	if _, err := io.ReadFull(w.Rand, b); err != nil {
		// Without randomness no identifier can be trusted.
		panic(fmt.Sprintf("read randomness: %v", err))
	}
	return hex.EncodeToString(b)
}
