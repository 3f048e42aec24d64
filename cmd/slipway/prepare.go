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
	if w.link == "" {
		return nil
	}
	_, err := fmt.Fprintf(out, "\n  Sign in as %s (this link works once):\n    %s\n", admin.Name, w.link)
	if err == nil && w.token != "" {
		_, err = fmt.Fprintf(out, "  Admin token for the REST API and further sign-ins, shown this once:\n    %s\n", w.token)
	}
	if err == nil {
		_, err = fmt.Fprintln(out)
	}
	return err
}

const adminTokenSetting = "admin_token_hash"

// prepare brings the people and rooms of the configuration into the database and
// makes sure that somebody can sign in.
func (a *app) prepare(ctx context.Context) error {
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

// rooms are where plan cards are posted.
func (c *config) rooms() []bot.RoomRef {
	if len(c.Rooms) == 0 {
		return []bot.RoomRef{{Platform: bot.Web, ID: defaultRoom}}
	}
	refs := make([]bot.RoomRef, len(c.Rooms))
	for i, r := range c.Rooms {
		refs[i] = bot.RoomRef{Platform: bot.PlatformID(r.Platform), ID: r.ID}
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

// prepareAdminToken takes the configured admin token, or in the embedded default
// generates one at the first start. A first start also gets a sign-in link.
func (a *app) prepareAdminToken(ctx context.Context) error {
	hash, err := a.store.Setting(ctx, adminTokenSetting)
	if err != nil {
		return err
	}
	first := hash == ""
	switch {
	case a.config.AdminToken != "":
		hash = commands.HashToken(string(a.config.AdminToken))
	case first && a.config.embedded():
		a.welcome.token = a.commands.NewToken()
		hash = commands.HashToken(a.welcome.token)
	case !a.config.embedded():
		return nil // the setting belongs to a configured token of before
	}
	a.commands.AdminTokenHash = hash
	if !first {
		return nil
	}
	if err := a.store.PutSetting(ctx, adminTokenSetting, hash); err != nil {
		return err
	}
	a.welcome.link, err = a.link(ctx, a.commands.Admin)
	return err
}

func (a *app) link(ctx context.Context, u *slipway.User) (string, error) {
	token, err := a.commands.NewLink(ctx, u, u.ID)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(a.config.publicURL(), "/") + "/signin?token=" + token, nil
}
