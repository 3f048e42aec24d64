package main

import (
	"context"
	"fmt"
	"io"
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

// defaultRoom is where cards go when no room is configured.
const defaultRoom = "releases"

// rooms are where plan cards are posted. Those of platforms that are not connected
// are left out.
func (a *app) rooms() []bot.RoomRef {
	if len(a.config.Rooms) == 0 {
		return []bot.RoomRef{{Platform: bot.Web, ID: defaultRoom}}
	}
	var refs []bot.RoomRef
	for _, r := range a.config.Rooms {
		if bot.PlatformID(r.Platform) != bot.Web {
			a.log.Warn("no cards for a room: its platform is not connected", "platform", r.Platform, "room", r.ID)
			continue
		}
		refs = append(refs, bot.RoomRef{Platform: bot.Web, ID: r.ID})
	}
	return refs
}

func (a *app) prepareRooms(ctx context.Context) error {
	rooms := a.config.Rooms
	if len(rooms) == 0 {
		rooms = []roomConfig{{Platform: string(bot.Web), ID: defaultRoom, Locale: string(a.commands.Admin.Locale)}}
	}
	for _, r := range rooms {
		if _, err := a.store.Room(ctx, r.Platform, r.ID); slipway.CodeOf(err) != slipway.NotFound {
			if err != nil {
				return err
			}
			continue
		}
		name := r.Name
		if name == "" {
			name = r.ID
		}
		err := a.store.PutRoom(ctx, storage.Room{
			Platform: r.Platform, ID: r.ID, Name: name, Locale: slipway.ParseLang(r.Locale), CreatedAt: a.commands.Now().UnixMilli(),
		})
		if err != nil {
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
