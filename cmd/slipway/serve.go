package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"slipway/storage"
	"slipway/tasks"
)

// stopTime is how long everything together may take to stop, answerTime how long of it
// the requests under way.
const (
	stopTime   = 25 * time.Second
	answerTime = 5 * time.Second
)

func serve(ctx context.Context, args []string, configPath string, p process) error {
	args, role, err := takeOption(args, "role")
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return fmt.Errorf("serve does not know %q", args[0])
	}
	switch tasks.Role(role) {
	case "":
		role = string(tasks.RoleAll)
	case tasks.RoleAll, tasks.RoleAPI, tasks.RoleWorker:
	default:
		return fmt.Errorf("--role: all, api or worker is expected, not %q", role)
	}
	c, err := loadConfig(configPath, p)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(p.stderr, nil))
	tasks.LogRedis(log, time.Now)
	// The address is taken first: what a first start tells is told once, so nothing may
	// fail between it and the first start.
	l, err := c.listen(ctx)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, c, tasks.Role(role), p.environ(), log)
	if err != nil {
		_ = l.Close()
		return err
	}
	defer a.close()
	for _, w := range c.warnings() {
		log.WarnContext(ctx, "the configuration is hardly meant so", "problem", w)
	}
	if err := a.welcome.print(p.stdout, a.commands.Admin); err != nil {
		return err
	}
	log.InfoContext(ctx, "slipway is ready", "url", c.publicURL(), "version", version, "role", role, "database", a.store.Dialect())
	return a.run(ctx, l)
}

// listen takes the address. With port 0 the configuration learns the real one.
func (c *config) listen(ctx context.Context) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("SLIPWAY_LISTEN: %w; is another Slipway running?", err)
	}
	return l, nil
}

// run works until the context ends, then stops in order: requests, chats, tasks, the bot.
// The first part that fails stops the others.
func (a *app) run(ctx context.Context, l net.Listener) error {
	if err := a.tasks.Start(); err != nil {
		return fmt.Errorf("start tasks: %w", err)
	}
	talking, hush := context.WithCancel(context.WithoutCancel(ctx))
	defer hush()
	listening, deaf := context.WithCancel(talking)
	defer deaf()
	live, endLive := context.WithCancel(context.WithoutCancel(ctx))
	defer endLive()
	server := &http.Server{
		Handler: a.routes(live), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(endLive) // pages that are told of changes would hold the shutdown up
	g, working := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve http: %w", err)
		}
		return nil
	})
	g.Go(func() error { return a.web.Run(talking, a.bot) })
	g.Go(func() error { return a.keepRules(talking) })
	a.listenToChats(listening, g)
	a.listenToDingTalk(listening, g)
	g.Go(func() error {
		<-working.Done()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		// Requests that do not end must not take the time that the runs need to settle.
		answering, cut := context.WithTimeout(stopping, answerTime)
		defer cut()
		err := server.Shutdown(answering)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		deaf()
		err = errors.Join(err, a.tasks.Stop(stopping))
		hush()
		return err
	})
	return g.Wait()
}

// openStore opens the configured database.
func (c *config) openStore(ctx context.Context, log *slog.Logger) (*storage.Store, error) {
	keys, err := storage.ParseKeys(string(c.SecretKey))
	if err != nil {
		return nil, err // it was checked before
	}
	return storage.Open(ctx, storage.Config{URL: string(c.DatabaseURL), Dir: c.DataDir, Keys: keys, Log: log})
}

// migrate brings the schema up to date without starting anything.
func migrate(ctx context.Context, args []string, configPath string, p process) error {
	if len(args) > 0 {
		return fmt.Errorf("migrate does not know %q", args[0])
	}
	c, err := loadConfig(configPath, p)
	if err != nil {
		return err
	}
	store, err := c.openStore(ctx, slog.New(slog.NewTextHandler(p.stderr, nil)))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	n, err := store.Pending(ctx)
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%d migration(s) applied; the schema is up to date\n", n)
	return err
}
