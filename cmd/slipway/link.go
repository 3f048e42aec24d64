package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// link prints a sign-in link for somebody who has lost theirs. Whoever can read the
// database may do so.
func link(ctx context.Context, args []string, configPath string, p process) error {
	if len(args) != 1 {
		return errors.New("link expects the e-mail of a user")
	}
	c, err := loadConfig(configPath, p)
	if err != nil {
		return err
	}
	store, err := storage.Open(ctx, storage.Config{
		URL: string(c.DatabaseURL), Dir: c.DataDir, Log: slog.New(slog.NewTextHandler(p.stderr, nil)),
	})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	a := &app{config: c, commands: commands.New(commands.Config{
		Store: store, Rules: func() *slipway.Rules { return &slipway.Rules{} }, Now: time.Now, Rand: rand.Reader,
	})}
	u, err := a.commands.FindUser(ctx, args[0])
	if err != nil {
		return err
	}
	address, err := a.link(ctx, u)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s signs in once with\n  %s\n", u.Name, address)
	return err
}
