package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"slipway"
	"slipway/bot"
	"slipway/commands"
	"slipway/storage"
)

// welcome is what a first start tells the operator, once.
type welcome struct {
	link  string // a one-time sign-in link
	token string // the admin token that was generated
}

func (w welcome) print(out io.Writer, admin *slipway.User) error {
	if w.link == "" && w.token == "" {
		return nil
	}
	var err error
	if w.link != "" {
		_, err = fmt.Fprintf(out, "\n  Sign in as %s (this link works once):\n    %s\n", admin.Name, w.link)
	}
	if err == nil && w.token != "" {
		_, err = fmt.Fprintf(out, "  Admin token for the REST API and further sign-ins, shown this once:\n    %s\n", w.token)
	}
	if err == nil {
		_, err = fmt.Fprintln(out)
	}
	return err
}

// shortToken is the length below which an admin token could be guessed.
const shortToken = 16

// The settings that a first start leaves behind.
const (
	adminTokenSetting = "admin_token_hash" // of the token that was generated
	welcomedSetting   = "welcomed"
)

// prepare brings the people and rooms of the configuration into the database and
// makes sure that somebody can sign in.
func (a *app) prepare(ctx context.Context) error {
	if err := a.store.ForgetExpired(ctx, a.commands.Now()); err != nil {
		return err
	}
	if err := a.prepareUsers(ctx); err != nil {
		return err
	}
	if err := a.prepareRooms(ctx); err != nil {
		return err
	}
	if err := a.commands.KeepPresence(ctx); err != nil {
		return err
	}
	if err := a.commands.AskAnew(ctx); err != nil {
		return err
	}
	return a.prepareAdminToken(ctx)
}

func (a *app) prepareUsers(ctx context.Context) error {
	for _, u := range a.config.Users {
		user, err := a.commands.KeepUser(ctx, u.newUser())
		if err != nil {
			return fmt.Errorf("user %s: %w", u.Email, err)
		}
		if a.commands.Admin == nil && user.Role == slipway.RoleAdmin {
			a.commands.Admin = user
		}
	}
	if a.commands.Admin != nil {
		return nil
	}
	users, err := a.store.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.Role == slipway.RoleAdmin {
			a.commands.Admin = u
			return nil
		}
	}
	a.commands.Admin, err = a.commands.KeepUser(ctx, commands.NewUser{Name: "Admin", Email: "admin@localhost", Role: slipway.RoleAdmin})
	return err
}

// defaultRoom is the console's room when none is configured.
const defaultRoom = "releases"

// roomsInForce are the configured rooms, and always one of the console.
func (a *app) roomsInForce() []roomConfig {
	isWeb := func(r roomConfig) bool { return r.Platform == string(bot.Web) }
	if slices.ContainsFunc(a.config.Rooms, isWeb) {
		return a.config.Rooms
	}
	own := roomConfig{Platform: string(bot.Web), ID: defaultRoom}
	return append([]roomConfig{own}, a.config.Rooms...)
}

// rooms are where the card of every plan is posted. Besides, a plan's card is in the
// room where the plan was asked for.
func (a *app) rooms() []bot.RoomRef {
	var refs []bot.RoomRef
	for _, r := range a.roomsInForce() {
		refs = append(refs, bot.RoomRef{Platform: bot.PlatformID(r.Platform), ID: r.ID})
	}
	return refs
}

// prepareRooms writes the rooms down. What the configuration says of a room that is
// known already holds from now on; what it leaves out stays.
func (a *app) prepareRooms(ctx context.Context) error {
	for _, r := range a.roomsInForce() {
		room, err := a.store.Room(ctx, r.Platform, r.ID)
		if slipway.CodeOf(err) == slipway.NotFound {
			room, err = &storage.Room{
				Platform: r.Platform, ID: r.ID, Name: r.ID, Locale: a.commands.Admin.Locale, CreatedAt: a.commands.Now().UnixMilli(),
			}, nil
		}
		if err != nil {
			return err
		}
		if r.Name != "" {
			room.Name = r.Name
		}
		if r.Locale != "" {
			room.Locale = slipway.ParseLang(r.Locale)
		}
		if r.TimeZone != "" {
			room.TimeZone = r.TimeZone
		}
		if err := a.store.PutRoom(ctx, *room); err != nil {
			return err
		}
	}
	return nil
}

// prepareAdminToken takes the configured admin token, or in the embedded default the
// one that was generated at the first start. A first start also gets a sign-in link.
func (a *app) prepareAdminToken(ctx context.Context) error {
	welcomed, err := a.store.Setting(ctx, welcomedSetting)
	if err != nil {
		return err
	}
	switch {
	case a.config.AdminToken != "":
		a.commands.AdminTokenHash = commands.HashToken(string(a.config.AdminToken))
		if len(a.config.AdminToken) < shortToken {
			a.log.WarnContext(ctx, "SLIPWAY_ADMIN_TOKEN is short enough to be guessed; use a longer one", "expected_length", shortToken)
		}
	case a.config.embedded():
		if err := a.generatedToken(ctx); err != nil {
			return err
		}
	}
	if welcomed != "" {
		return nil
	}
	if a.welcome.link, err = a.link(ctx, a.commands.Admin); err != nil {
		return err
	}
	return a.store.PutSetting(ctx, welcomedSetting, "yes")
}

// generatedToken generates the admin token of the embedded default, once.
func (a *app) generatedToken(ctx context.Context) (err error) {
	a.commands.AdminTokenHash, err = a.store.Setting(ctx, adminTokenSetting)
	if err != nil || a.commands.AdminTokenHash != "" {
		return err
	}
	a.welcome.token = a.commands.NewToken()
	a.commands.AdminTokenHash = commands.HashToken(a.welcome.token)
	return a.store.PutSetting(ctx, adminTokenSetting, a.commands.AdminTokenHash)
}

func (a *app) link(ctx context.Context, u *slipway.User) (string, error) {
	token, err := a.commands.NewLink(ctx, u, u.ID)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(a.config.publicURL(), "/") + "/signin?token=" + token, nil
}
