package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"slipway"
	"slipway/storage"
)

// refOf returns a user's account on a platform; ok is false if there is none.
func refOf(u *slipway.User, id PlatformID) (ref UserRef, ok bool) {
	account := ""
	switch id {
	case Web:
		account = u.ID
	case Slack:
		account = u.SlackID
	case Feishu:
		account = u.FeishuOpenID
	}
	return UserRef{Platform: id, ID: account}, account != ""
}

func setAccount(slackID, feishuOpenID *string, ref UserRef) {
	switch ref.Platform {
	case Slack:
		*slackID = ref.ID
	case Feishu:
		*feishuOpenID = ref.ID
	case Web:
	}
}

// person finds who is named: "<platform>:<account id>" as menus and mentions give it,
// or what people type.
func (b *Bot) person(ctx context.Context, name string) (*slipway.User, error) {
	name = strings.TrimPrefix(trim(name), "@")
	if s, ok := slipway.ParseSource(name); ok {
		return nil, s.NoPerson()
	}
	platform, account, ok := strings.Cut(name, ":")
	if !ok || b.platforms[PlatformID(platform)] == nil {
		return b.Commands.FindUser(ctx, name)
	}
	u, err := b.userOf(ctx, UserRef{Platform: PlatformID(platform), ID: account})
	if stranger := (*strangerError)(nil); errors.As(err, &stranger) {
		return nil, slipway.Refuse(slipway.NotFound,
			"%s has no Slipway user yet. Ask them to write to Slipway once, then name them here.",
			"%s 还没有 Slipway 用户，请先让对方给 Slipway 发一条消息，再在这里填写。", stranger.account.Name)
	}
	return u, err
}

// asker is for whom forms are made.
func (b *Bot) asker(ctx context.Context, v *visit) (Asker, error) {
	a := Asker{Lang: v.lang, Me: v.user, Engines: b.Engines, Outside: b.Commands.Rules().Outside}
	if b.Commands.Sprints != nil {
		a.Sprints = func() ([]Option, error) { return b.Sprints(ctx, "") }
	}
	var err error
	a.People, err = b.People(ctx, "")
	return a, err
}

// maxChoices is the most choices that People returns.
const maxChoices = 100

// People implements Chooser: the users whose name or e-mail contains the text, by name.
func (b *Bot) People(ctx context.Context, text string) ([]Option, error) {
	users, err := b.Store.Users(ctx)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	count := map[string]int{}
	for _, u := range users {
		count[u.Name]++
	}
	var out []Option
	for _, u := range users {
		if text != "" && !strings.Contains(fold(u.Name+" "+u.Email), fold(text)) {
			continue
		}
		o := Option{Value: u.ID, Label: u.Name}
		if count[u.Name] > 1 {
			o.Label = fmt.Sprintf("%s (%s)", u.Name, u.Email)
		}
		out = append(out, o)
	}
	slices.SortStableFunc(out, func(a, b Option) int { return strings.Compare(fold(a.Label), fold(b.Label)) })
	if text != "" {
		out = out[:min(len(out), maxChoices)]
	}
	return out, nil
}

// knowDirect remembers whose direct conversation a room is, so that cards in it are
// made for that person.
func (b *Bot) knowDirect(ctx context.Context, room RoomRef, u *slipway.User) error {
	r, err := b.Store.Room(ctx, string(room.Platform), room.ID)
	if err == nil && r.Direct == u.ID && r.Locale == u.Locale {
		return nil
	}
	n := storage.Room{Platform: string(room.Platform), ID: room.ID, Name: u.Name, Locale: u.Locale, Direct: u.ID, CreatedAt: b.Now().UnixMilli()}
	if r != nil {
		n.Name, n.CreatedAt = r.Name, r.CreatedAt
	}
	if n.Locale == "" {
		n.Locale = slipway.English
	}
	if err := b.Store.PutRoom(ctx, n); err != nil {
		return fmt.Errorf("note direct room: %w", err)
	}
	return nil
}
