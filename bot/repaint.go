package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"slipway"
	"slipway/storage"
)

// The bounds of one repaint.
const (
	maxRounds  = 10 // how often a plan that keeps moving is painted in one go
	maxEntries = 50 // how many lines of the log are told at once in a thread
)

// Repaint brings every card of a plan up to date: it posts the card in rooms that have
// none yet, shows the newest state on the others and puts new lines of the operation
// log into their threads. It reads the plan again afterwards until it has not moved, so
// one call after any number of changes is enough, and one too many does no harm. The
// error joins what went wrong in single rooms; *RateLimited says when to come back.
func (b *Bot) Repaint(ctx context.Context, planID string) error {
	lock := b.lock(planID)
	lock.Lock()
	defer lock.Unlock()
	shown := int64(-1)
	for range maxRounds {
		p, err := b.Store.Plan(ctx, planID)
		if err != nil {
			return fmt.Errorf("repaint: %w", err)
		}
		if p.Seq == shown {
			return nil
		}
		if err := b.paint(ctx, p); err != nil {
			return fmt.Errorf("repaint plan %s: %w", planID, err)
		}
		shown = p.Seq
	}
	return nil
}

// paint shows the plan as it is on all its cards.
func (b *Bot) paint(ctx context.Context, p *slipway.Plan) error {
	cards, err := b.Store.Cards(ctx, p.ID)
	if err != nil {
		return fmt.Errorf("find cards: %w", err)
	}
	var problems []error
	for _, room := range b.Rooms {
		if !slices.ContainsFunc(cards, func(c storage.CardRef) bool { return roomOf(c) == room }) {
			problems = append(problems, b.postCard(ctx, p, room, storage.CardRef{}))
		}
	}
	for _, c := range cards {
		if c.Seq < p.Seq && b.platforms[PlatformID(c.Platform)] != nil {
			problems = append(problems, b.updateCard(ctx, p, c))
		}
	}
	return errors.Join(problems...)
}

func roomOf(c storage.CardRef) RoomRef {
	return RoomRef{Platform: PlatformID(c.Platform), ID: c.RoomID}
}

func msgOf(c storage.CardRef) MsgRef { return MsgRef{Room: roomOf(c), ID: c.MessageID} }

// roomView is how the cards of a room are made: in the room's language, or in a direct
// room for the one person there.
func (b *Bot) roomView(ctx context.Context, room RoomRef) (View, error) {
	view := View{Lang: slipway.English, Link: b.link}
	r, err := b.Store.Room(ctx, string(room.Platform), room.ID)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return view, nil
	case err != nil:
		return view, fmt.Errorf("find room: %w", err)
	case r.Direct == "":
		view.Lang = r.Locale
		return view, nil
	}
	u, err := b.Store.User(ctx, r.Direct)
	if err != nil {
		return view, fmt.Errorf("find user of direct room: %w", err)
	}
	actor := u.Actor()
	view.Lang, view.Viewer = u.Locale, &actor
	return view, nil
}

// postCard posts the plan's card in a room. old is the card that is gone there; a room
// without an old one gets the history of the plan in the card's thread.
func (b *Bot) postCard(ctx context.Context, p *slipway.Plan, room RoomRef, old storage.CardRef) error {
	view, err := b.roomView(ctx, room)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("card:%s:%s:%s:%s", p.ID, room.Platform, room.ID, old.MessageID)
	m, err := b.platforms[room.Platform].Post(ctx, Target{Room: room}, PlanCard(p, view), key)
	if err != nil {
		return fmt.Errorf("post card in room %s: %w", room.ID, err)
	}
	c := storage.CardRef{Platform: string(room.Platform), RoomID: m.Room.ID, MessageID: m.ID, PlanID: p.ID, Seq: old.Seq}
	// Known before its thread is filled: a crash in between must not make a second card.
	if err := b.Store.PutCard(ctx, c); err != nil {
		return fmt.Errorf("note card: %w", err)
	}
	return b.finish(ctx, p, c, view)
}

// updateCard shows the newest state on a card, or posts it anew if that is not possible
// any more.
func (b *Bot) updateCard(ctx context.Context, p *slipway.Plan, c storage.CardRef) error {
	view, err := b.roomView(ctx, roomOf(c))
	if err != nil {
		return err
	}
	err = b.platforms[PlatformID(c.Platform)].Update(ctx, msgOf(c), PlanCard(p, view))
	if errors.Is(err, ErrGone) || errors.Is(err, ErrTooOld) {
		if err := b.Store.DropCard(ctx, c); err != nil {
			return fmt.Errorf("forget card: %w", err)
		}
		err = b.postCard(ctx, p, roomOf(c), c)
		if errors.Is(err, ErrGone) && !slices.Contains(b.Rooms, roomOf(c)) {
			return nil // the room is gone with the card, and nobody asked for it there
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("update card in room %s: %w", c.RoomID, err)
	}
	return b.finish(ctx, p, c, view)
}

// finish puts into the card's thread what happened since the card was last shown, and
// notes what it shows now.
func (b *Bot) finish(ctx context.Context, p *slipway.Plan, c storage.CardRef, view View) error {
	if view.Viewer == nil { // a direct message needs no second history
		if err := b.tellThread(ctx, p, c, view); err != nil {
			return err
		}
	}
	c.Seq = p.Seq
	if err := b.Store.PutCard(ctx, c); err != nil {
		return fmt.Errorf("note card: %w", err)
	}
	return nil
}

func (b *Bot) tellThread(ctx context.Context, p *slipway.Plan, c storage.CardRef, view View) error {
	page, err := b.Store.Entries(ctx, p.ID, "", maxEntries)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	for _, e := range slices.Backward(page.Rows) {
		if e.Seq <= c.Seq || e.Seq > p.Seq {
			continue
		}
		line := EntryLine(e, view.Lang)
		card := Card{Lang: view.Lang, Plan: p.ID, Summary: entryText(e).In(view.Lang), Intro: []Line{line}}
		key := fmt.Sprintf("entry:%s:%s:%s", e.ID, c.Platform, c.MessageID)
		if _, err := b.platforms[PlatformID(c.Platform)].Post(ctx, Target{ReplyTo: msgOf(c)}, card, key); err != nil {
			return fmt.Errorf("tell thread in room %s: %w", c.RoomID, err)
		}
	}
	return nil
}

// raising is a card to be posted at the end of a room.
type raising struct {
	platform Platform
	to       Target
	owner    *slipway.User // of the direct room; nil for a shared one
	card     Card
	view     View
	key      string
}

// raise posts the plan's card and makes it the live one of its room; the card that was
// live there before points to it.
func (b *Bot) raise(ctx context.Context, p *slipway.Plan, r raising) error {
	lock := b.lock(p.ID)
	lock.Lock()
	defer lock.Unlock()
	m, err := r.platform.Post(ctx, r.to, r.card, r.key)
	if err != nil {
		return fmt.Errorf("post card: %w", err)
	}
	if r.owner != nil {
		// Before the card is known, so that nobody takes the room for a shared one.
		if err := b.knowDirect(ctx, m.Room, r.owner); err != nil {
			return err
		}
	}
	cards, err := b.Store.Cards(ctx, p.ID)
	if err != nil {
		return fmt.Errorf("find cards: %w", err)
	}
	now := storage.CardRef{Platform: string(r.platform.ID()), RoomID: m.Room.ID, MessageID: m.ID, PlanID: p.ID, Seq: p.Seq}
	if err := b.Store.PutCard(ctx, now); err != nil {
		return fmt.Errorf("note card: %w", err)
	}
	for _, c := range cards {
		if roomOf(c) != m.Room || c.MessageID == m.ID {
			continue
		}
		if err := r.platform.Update(ctx, msgOf(c), MovedCard(p, r.view)); err != nil {
			b.Log.WarnContext(ctx, "mark old card", "room", c.RoomID, "error", err)
		}
		if err := b.Store.DropCard(ctx, c); err != nil {
			return fmt.Errorf("forget card: %w", err)
		}
	}
	return nil
}

// Tell sends people a notice about a plan on every platform where they have an
// account, in their language, with the plan's card if the notice asks for it. The same
// key tells each of them once.
func (b *Bot) Tell(ctx context.Context, planID string, n slipway.Notice, key string) error {
	p, err := b.Store.Plan(ctx, planID)
	if err != nil {
		return fmt.Errorf("tell: %w", err)
	}
	var problems []error
	for _, id := range n.To {
		u, err := b.Store.User(ctx, id)
		if err != nil {
			problems = append(problems, fmt.Errorf("tell user %s: %w", id, err))
			continue
		}
		for _, platform := range b.Platforms {
			ref, ok := refOf(u, platform.ID())
			if !ok {
				continue
			}
			err := b.tellOn(ctx, platform, ref, u, p, n, fmt.Sprintf("%s:%s:%s", key, platform.ID(), u.ID))
			if errors.Is(err, ErrGone) {
				b.Log.WarnContext(ctx, "tell user", "user", u.ID, "platform", string(platform.ID()), "error", err)
				continue
			}
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (b *Bot) tellOn(ctx context.Context, platform Platform, ref UserRef, u *slipway.User, p *slipway.Plan, n slipway.Notice, key string) error {
	actor := u.Actor()
	view := View{Lang: u.Locale, Viewer: &actor, Link: b.link, Rules: b.Commands.Rules()}
	if !n.Card {
		if _, err := platform.Post(ctx, Target{User: ref}, NoticeCard(n.Text, p, view), key); err != nil {
			return fmt.Errorf("tell user %s: %w", u.ID, err)
		}
		return nil
	}
	card := PlanCard(p, view)
	card.Summary = n.Text.In(u.Locale)
	card.Intro = slices.Concat([]Line{{bold(card.Summary)}}, card.Intro)
	err := b.raise(ctx, p, raising{platform: platform, to: Target{User: ref}, owner: u, card: card, view: view, key: key})
	if err != nil {
		return fmt.Errorf("tell user %s: %w", u.ID, err)
	}
	return nil
}
