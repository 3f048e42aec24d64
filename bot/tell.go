package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"slipway"
	"slipway/storage"
)

// Tell sends people a notice about a plan on every platform where they have an
// account, in their language, with the plan's card if the notice asks for it. Accounts
// that are not known are looked for by e-mail. Who is asked for an approval gets a mail
// too. The same key tells each of them once. The error is like that of Repaint.
func (b *Bot) Tell(ctx context.Context, planID string, n slipway.Notice, key string) error {
	var problems []error
	var errands []errand
	for _, id := range n.To {
		u, err := b.Store.User(ctx, id)
		if err != nil {
			problems = append(problems, fmt.Errorf("tell user %s: %w", id, err))
			continue
		}
		for _, platform := range b.Platforms {
			own := fmt.Sprintf("%s:%s:%s", key, platform.ID(), u.ID)
			errands = append(errands, errand{platform.ID(), "tell " + own, func(ctx context.Context) error {
				return b.tellOn(ctx, platform, u, planID, n, own)
			}})
		}
		if b.Mailer != nil && n.Asks != "" {
			errands = append(errands, errand{byMail, fmt.Sprintf("mail %s %s", planID, u.ID), func(ctx context.Context) error {
				return b.mail(ctx, u, planID, n)
			}})
		}
	}
	if err := b.runAll(ctx, errands); err != nil {
		problems = append(problems, fmt.Errorf("tell people: %w", err))
	}
	return errors.Join(problems...)
}

// tellOn tells one person on one platform. An account that is gone needs no telling.
func (b *Bot) tellOn(ctx context.Context, platform Platform, u *slipway.User, planID string, n slipway.Notice, key string) error {
	ref, ok, err := b.accountOn(ctx, platform, u)
	if !ok {
		return err
	}
	p, err := b.Store.Plan(ctx, planID)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	view := b.viewOf(u)
	var m MsgRef
	if n.Card {
		var card Card
		if card, err = b.planCard(ctx, p, view); err != nil {
			return err
		}
		card.Summary = n.Text.In(u.Locale)
		card.Intro = slices.Concat([]Line{{bold(card.Summary)}}, card.Intro)
		m, err = b.raise(ctx, p, view, posting{to: Target{User: ref}, owner: u, card: card, key: key})
	} else {
		m, err = platform.Post(ctx, Target{User: ref}, NoticeCard(n.Text, p, view), key)
		err = b.outcome(ctx, Target{User: ref}.room(), err)
	}
	if errors.Is(err, ErrGone) {
		return nil // logged
	}
	if err != nil || !n.Urgent {
		return err
	}
	return b.buzz(ctx, platform, m, ref, "buzz:"+key)
}

// buzz reminds somebody of a message, once.
func (b *Bot) buzz(ctx context.Context, platform Platform, m MsgRef, to UserRef, key string) error {
	buzzer, ok := platform.(Buzzer)
	if !ok {
		return nil
	}
	post, state, err := b.Store.BeginPost(ctx, string(platform.ID()), key, b.Now())
	if err != nil || state != storage.PostNew {
		return err // in doubt nobody is buzzed twice
	}
	err = buzzer.Buzz(ctx, m, []UserRef{to})
	if limited := (*RateLimited)(nil); errors.As(err, &limited) {
		return errors.Join(err, b.Store.ForgetPost(ctx, string(platform.ID()), key))
	}
	if err != nil {
		b.Log.WarnContext(ctx, "buzz", "platform", string(platform.ID()), "room", m.Room.ID, "error", err)
	}
	post.RoomID, post.MessageID = m.Room.ID, m.ID
	return b.Store.SettlePost(ctx, post)
}

// strangers are users who have no account on a platform, so that it is not asked for
// them all the time.
type strangers struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// strangeFor is how long somebody without an account is not looked for again.
const strangeFor = time.Hour

func (s *strangers) has(key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.seen[key]
	return ok && now.Sub(at) < strangeFor
}

func (s *strangers) add(key string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]time.Time{}
	}
	s.seen[key] = now
}

// accountOn returns a user's account on a platform; ok is false if there is none. One
// that is not known yet is looked for by the e-mail address, and linked.
func (b *Bot) accountOn(ctx context.Context, platform Platform, u *slipway.User) (ref UserRef, ok bool, err error) {
	if ref, ok = refOf(u, platform.ID()); ok {
		return ref, true, nil
	}
	finder, can := platform.(Finder)
	key := string(platform.ID()) + " " + u.Email
	if !can || u.Email == "" || b.strangers.has(key, b.Now()) {
		return ref, false, nil
	}
	ref, err = finder.Find(ctx, u.Email)
	if errors.Is(err, ErrGone) {
		b.strangers.add(key, b.Now())
		return ref, false, nil
	}
	if err := b.outcome(ctx, RoomRef{Platform: platform.ID(), ID: "@" + u.Email}, err); err != nil {
		return ref, false, err
	}
	return b.adopt(ctx, u, ref)
}

// adopt links an account to a user who has none there.
func (b *Bot) adopt(ctx context.Context, u *slipway.User, found UserRef) (ref UserRef, ok bool, err error) {
	err = b.Store.SetAccount(ctx, u.ID, storage.Account{Platform: string(found.Platform), ID: found.ID})
	if slipway.CodeOf(err) == slipway.Conflict {
		b.Log.WarnContext(ctx, "account not linked", "platform", string(found.Platform), "user", u.ID, "error", err)
		b.strangers.add(string(found.Platform)+" "+u.Email, b.Now())
		return ref, false, nil
	}
	if err != nil {
		return ref, false, err
	}
	return found, true, nil
}

// knowShared remembers the shared room that an event came from, if it is not known yet:
// its cards keep the language and the zone of whoever asked for the first.
func (b *Bot) knowShared(ctx context.Context, v *visit) error {
	room := v.ev.Room
	if v.ev.Direct || room.ID == "" {
		return nil
	}
	_, err := b.Store.Room(ctx, string(room.Platform), room.ID)
	if slipway.CodeOf(err) != slipway.NotFound {
		return err
	}
	err = b.Store.PutRoom(ctx, storage.Room{
		Platform: string(room.Platform), ID: room.ID, Name: room.ID, Locale: v.lang, TimeZone: v.zone.String(), CreatedAt: b.Now().UnixMilli(),
	})
	if err != nil {
		return fmt.Errorf("note room: %w", err)
	}
	return nil
}
