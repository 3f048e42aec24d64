package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"slipway/bot"
)

// self is what Slack says about the bot: who it is and where it lives. It is asked for
// when it is first needed.
type self struct {
	mu    sync.Mutex
	known *identity
}

type identity struct {
	team, user, bot string
	app             string // "" if Slack does not tell
}

// me returns the bot's own account.
func (s *Slack) me(ctx context.Context) (identity, error) {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	if s.self.known != nil {
		return *s.self.known, nil
	}
	var auth *slack.AuthTestResponse
	err := s.call(ctx, "auth.test", "", func(ctx context.Context) (err error) {
		auth, err = s.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return identity{}, err
	}
	me := identity{team: auth.TeamID, user: auth.UserID, bot: auth.BotID, app: appOf(s.AppToken)}
	if me.app == "" {
		err := s.call(ctx, "bots.info", "", func(ctx context.Context) error {
			info, err := s.api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: me.bot})
			if err == nil {
				me.app = info.AppID
			}
			return err
		})
		if err != nil && codeOf(err) == "" {
			return identity{}, err
		}
	}
	s.self.known = &me
	return me, nil
}

// appOf reads the app's id from an app token: xapp-1-A012ABCD-….
func appOf(token string) string {
	parts := strings.Split(token, "-")
	if len(parts) < 3 || !strings.HasPrefix(parts[2], "A") {
		return ""
	}
	return parts[2]
}

// Resolve implements bot.Platform. Slack vouches for the e-mail of members of the bot's
// own workspace; guests of a shared channel keep theirs to themselves, and bots have none.
func (s *Slack) Resolve(ctx context.Context, ref bot.UserRef) (bot.Person, error) {
	if p, ok := s.people.get(ref.ID); ok {
		return p, nil
	}
	me, err := s.me(ctx)
	if err != nil {
		return bot.Person{}, fmt.Errorf("resolve %s: %w", ref.ID, err)
	}
	var u *slack.User
	err = s.call(ctx, "users.info", "", func(ctx context.Context) (err error) {
		u, err = s.api.GetUserInfoContext(ctx, ref.ID)
		return err
	})
	if err != nil {
		return bot.Person{}, fmt.Errorf("resolve %s: %w", ref.ID, err)
	}
	p := personOf(u, me.team)
	s.people.put(ref.ID, p)
	return p, nil
}

func personOf(u *slack.User, team string) bot.Person {
	p := bot.Person{Name: u.Profile.DisplayName, Locale: u.Locale, TimeZone: u.TZ}
	for _, name := range []string{u.Profile.RealName, u.RealName, u.Name, u.ID} {
		if p.Name == "" {
			p.Name = name
		}
	}
	if isOurs(u, team) {
		p.Email = u.Profile.Email
	}
	return p
}

// isOurs tells whether somebody is a person of the workspace.
func isOurs(u *slack.User, team string) bool {
	grid := slices.Contains(u.Enterprise.Teams, team)
	return (u.TeamID == "" || u.TeamID == team || grid) && !u.IsStranger && !u.IsBot && !u.Deleted
}

// Find implements bot.Finder.
func (s *Slack) Find(ctx context.Context, email string) (bot.UserRef, error) {
	me, err := s.me(ctx)
	if err != nil {
		return bot.UserRef{}, fmt.Errorf("find account: %w", err)
	}
	var u *slack.User
	err = s.call(ctx, "users.lookupByEmail", "", func(ctx context.Context) (err error) {
		u, err = s.api.GetUserByEmailContext(ctx, email)
		return err
	})
	if err != nil {
		return bot.UserRef{}, fmt.Errorf("find account: %w", err)
	}
	if !isOurs(u, me.team) || !strings.EqualFold(u.Profile.Email, email) {
		return bot.UserRef{}, fmt.Errorf("find account: %w", bot.ErrGone)
	}
	return bot.UserRef{Platform: bot.Slack, ID: u.ID}, nil
}

// customsTime is how long an event waits for what is nice to know.
const customsTime = 800 * time.Millisecond

// customs returns the language and time zone of an account, as far as they can be had
// without making anybody wait for long.
func (s *Slack) customs(ctx context.Context, account string) bot.Person {
	ctx, cancel := context.WithTimeout(ctx, customsTime)
	defer cancel()
	p, err := s.Resolve(ctx, bot.UserRef{Platform: bot.Slack, ID: account})
	if err != nil {
		s.Log.DebugContext(ctx, "read slack account", "account", account, "error", err)
	}
	return p
}

// directRoom returns the conversation between the bot and somebody.
func (s *Slack) directRoom(ctx context.Context, account string) (string, error) {
	if room, ok := s.rooms.get(account); ok {
		return room, nil
	}
	var room string
	err := s.call(ctx, "conversations.open", "", func(ctx context.Context) error {
		c, _, _, err := s.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{account}})
		if err == nil {
			room = c.ID
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("find direct conversation: %w", err)
	}
	s.rooms.put(account, room)
	return room, nil
}

// isDirect tells whether a room is the conversation between the bot and somebody, and
// not one between two people.
func (s *Slack) isDirect(ctx context.Context, room, account string) bool {
	if !strings.HasPrefix(room, "D") {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, customsTime)
	defer cancel()
	own, err := s.directRoom(ctx, account)
	if err != nil {
		s.Log.DebugContext(ctx, "find direct conversation", "account", account, "error", err)
	}
	return own == room
}
