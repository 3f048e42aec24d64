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
)

// link prints a sign-in link for somebody who has lost theirs. Whoever can read the
// database may do so.
func link(ctx context.Context, args []string, configPath string, p process) error {
	return withUser(ctx, args, configPath, p, func(a *app, u *slipway.User) error {
		address, err := a.link(ctx, u)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "%s signs in once with\n  %s\n", u.Name, address)
		return err
	})
}

// revoke takes every way in from somebody: links, sessions and API tokens.
func revoke(ctx context.Context, args []string, configPath string, p process) error {
	return withUser(ctx, args, configPath, p, func(a *app, u *slipway.User) error {
		if err := a.commands.Revoke(ctx, u); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, "%s is signed out everywhere and has no API token any more\n", u.Name)
		return err
	})
}

// withUser opens the database for one thing to be done about a user.
func withUser(ctx context.Context, args []string, configPath string, p process, do func(*app, *slipway.User) error) error {
	if len(args) != 1 {
		return errors.New("the e-mail of a user is expected")
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
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	a := &app{config: c, commands: commands.New(commands.Config{
		Store: store, Rules: func() *slipway.Rules { return &slipway.Rules{} }, Now: time.Now, Rand: rand.Reader,
	})}
	u, err := a.commands.FindUser(ctx, args[0])
	if err != nil {
		return err
	}
	return do(a, u)
}
