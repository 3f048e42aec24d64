package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"slipway"
	"slipway/storage"
)

// DefaultPace is the least time between two changes of a message.
const DefaultPace = time.Second

// bookkeeping is how long it may take to note what was done on a platform.
const bookkeeping = 5 * time.Second

// Repaint brings every card of a plan up to date: it posts the card in rooms that have
// none yet, shows the newest state on the others and puts new lines of the operation
// log into their threads. One call after any number of changes is enough, and one too
// many does no harm. Cards do not wait for each other; for those that have to be left
// alone for now, or are not done soon, the error holds a *RateLimited that says when to
// call again. It joins that with what went wrong otherwise, in rooms as *RoomError.
func (b *Bot) Repaint(ctx context.Context, planID string) error {
	cards, err := b.Store.Cards(ctx, planID)
	if err != nil {
		return fmt.Errorf("repaint plan %s: find cards: %w", planID, err)
	}
	p, err := b.Store.Plan(ctx, planID) // what changes it later brings a call of its own
	if err != nil {
		return fmt.Errorf("repaint plan %s: read plan: %w", planID, err)
	}
	rooms, err := b.Store.CardRooms(ctx, planID)
	if err != nil {
		return fmt.Errorf("repaint plan %s: find rooms: %w", planID, err)
	}
	a := &album{store: b.Store, plan: p, rooms: rooms}
	missing := slices.DeleteFunc(slices.Clone(b.Rooms), func(room RoomRef) bool {
		return slices.ContainsFunc(cards, func(c storage.CardRef) bool { return roomOf(c) == room && c.Moved == "" })
	})
	behind := slices.DeleteFunc(cards, func(c storage.CardRef) bool { return b.platforms[PlatformID(c.Platform)] == nil || a.isDone(c) })
	if len(missing)+len(behind) == 0 {
		return nil
	}
	if a.seen, err = b.glance(ctx, p); err != nil {
		return fmt.Errorf("repaint plan %s: read runs, sprints and times: %w", planID, err)
	}
	if err := a.readNews(ctx, behind); err != nil {
		return fmt.Errorf("repaint plan %s: read log: %w", planID, err)
	}
	var errands []errand
	for _, room := range missing {
		errands = append(errands, errand{room.Platform, "post " + planID + " " + room.ID, func(ctx context.Context) error {
			return b.firstCard(ctx, a, room)
		}})
	}
	for _, c := range behind {
		errands = append(errands, errand{PlatformID(c.Platform), "card " + c.RoomID + " " + c.MessageID, func(ctx context.Context) error {
			return b.paintCard(ctx, a, c)
		}})
	}
	if err := b.runAll(ctx, errands); err != nil {
		return fmt.Errorf("repaint plan %s: %w", planID, err)
	}
	return nil
}

func roomOf(c storage.CardRef) RoomRef {
	return RoomRef{Platform: PlatformID(c.Platform), ID: c.RoomID}
}

func msgOf(c storage.CardRef) MsgRef { return MsgRef{Room: roomOf(c), ID: c.MessageID} }

// roomView is how the cards of a room are made: in the room's language, or in a direct
// room for the one person there.
func (b *Bot) roomView(ctx context.Context, room RoomRef) (View, error) {
	r, err := b.Store.Room(ctx, string(room.Platform), room.ID)
	if slipway.CodeOf(err) == slipway.NotFound {
		r, err = nil, nil
	}
	if err != nil {
		return View{}, fmt.Errorf("find room: %w", err)
	}
	return b.viewIn(ctx, r)
}

// cardView is how a card is made. Its room may be newer than the album.
func (b *Bot) cardView(ctx context.Context, a *album, c storage.CardRef) (View, error) {
	if r := a.roomOf(c); r != nil {
		return b.viewIn(ctx, r)
	}
	return b.roomView(ctx, roomOf(c))
}

// viewIn is roomView for a room that was read before; nil is one that nothing is known of.
func (b *Bot) viewIn(ctx context.Context, r *storage.Room) (View, error) {
	view := View{Lang: slipway.English, Link: b.link, Rules: b.Commands.Rules()}
	if r == nil {
		return view, nil
	}
	if r.Direct == "" {
		view.Lang, view.Zone = r.Locale, r.TimeZone
		return view, nil
	}
	u, err := b.Store.User(ctx, r.Direct)
	if err != nil {
		return view, fmt.Errorf("find user of direct room: %w", err)
	}
	return b.viewOf(u), nil
}

// viewOf is how a person sees things who did not just say how.
func (b *Bot) viewOf(u *slipway.User) View {
	actor := u.Actor()
	return View{Lang: u.Locale, Zone: u.TimeZone, Viewer: &actor, Link: b.link, Rules: b.Commands.Rules()}
}

// firstCard posts the card of a plan in a room that has none; its thread gets the
// history of the plan.
func (b *Bot) firstCard(ctx context.Context, a *album, room RoomRef) error {
	p := a.plan
	view, err := b.roomView(ctx, room)
	if err != nil {
		return err
	}
	a.seen.show(&view)
	c, _, err := b.postCard(ctx, p, view, posting{to: Target{Room: room}, card: PlanCard(p, view), key: cardKey(p.ID, room, "")})
	if errors.Is(err, ErrGone) {
		return nil // logged; the next change of the plan looks again
	}
	if err != nil {
		return err
	}
	return b.paintCard(ctx, a, c)
}

// cardKey is the key under which a plan's card is posted in a room of its own accord,
// in place of the message old.
func cardKey(planID string, room RoomRef, old string) string {
	return fmt.Sprintf("card:%s:%s:%s:%s", planID, room.Platform, room.ID, old)
}

// posting is a card of a plan to be posted.
type posting struct {
	to    Target
	owner *slipway.User // of the direct room; nil for a shared one
	card  Card
	key   string
	told  int64 // up to which Seq its thread need not tell
}

func (to Target) platform() PlatformID {
	return PlatformID(string(to.Room.Platform) + string(to.User.Platform) + string(to.ReplyTo.Room.Platform))
}

// room is the room that a target is in; of a direct one only the account is known.
func (to Target) room() RoomRef {
	switch {
	case to.Room.ID != "":
		return to.Room
	case to.ReplyTo.ID != "":
		return to.ReplyTo.Room
	}
	return RoomRef{Platform: to.User.Platform, ID: "@" + to.User.ID}
}

// postCard posts a plan's card as the live one of its room; behind tells that cards
// have to be painted then. A card that may have been posted before, in an older state,
// is stale.
func (b *Bot) postCard(ctx context.Context, p *slipway.Plan, view View, post posting) (c storage.CardRef, behind bool, err error) {
	platform := b.platforms[post.to.platform()]
	before, err := b.Store.Posted(ctx, string(platform.ID()), post.key)
	if err != nil {
		return c, false, err
	}
	m, err := platform.Post(ctx, post.to, post.card, post.key)
	if err := b.outcome(ctx, post.to.room(), err); err != nil {
		return c, false, err
	}
	// What was done is noted even if the time is up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	if post.owner != nil {
		// Before the card is known, so that nobody takes the room for a shared one.
		if err := b.knowDirect(ctx, m.Room, post.owner); err != nil {
			return c, false, err
		}
	}
	now := b.Now()
	c = storage.CardRef{
		Platform: string(platform.ID()), RoomID: m.Room.ID, MessageID: m.ID, PlanID: p.ID, Seq: p.Seq, PaintedAt: now.UnixMilli(),
		Told: post.told, Telling: p.Seq,
	}
	if before {
		c.StaleAt = now.UnixMilli()
	}
	if view.Viewer != nil {
		c.Told = p.Seq // a direct message needs no second history
	}
	behind, err = b.Store.PutCard(ctx, c, now)
	return c, behind, err
}

// raise posts the plan's card as the newest message of a room; the one that was live
// there before will point to it.
func (b *Bot) raise(ctx context.Context, p *slipway.Plan, view View, post posting) (MsgRef, error) {
	c, behind, err := b.postCard(ctx, p, view, post)
	if err != nil {
		return MsgRef{}, fmt.Errorf("post card: %w", err)
	}
	if behind {
		err = b.Store.WantCards(context.WithoutCancel(ctx), p.ID, b.Now())
	}
	return msgOf(c), err
}

// painting is a card while it is brought up to date.
type painting struct {
	b        *Bot
	platform Platform
	*album
	view View
	card *storage.CardRef
}

// paintCard brings one card up to date, as far as that can be done now. A card that shows
// more than the given plan is left as it is.
func (b *Bot) paintCard(ctx context.Context, a *album, ref storage.CardRef) error {
	c, err := b.Store.CardAt(ctx, ref.Platform, ref.RoomID, ref.MessageID)
	if slipway.CodeOf(err) == slipway.NotFound {
		return nil // dropped since
	}
	if err != nil {
		return err
	}
	if c.Moved != "" && c.StaleAt == 0 {
		return nil
	}
	view, err := b.cardView(ctx, a, *c)
	if err != nil {
		return err
	}
	a.seen.show(&view)
	p := a.plan
	k := &painting{b: b, platform: b.platforms[PlatformID(c.Platform)], album: a, view: view, card: c}
	told := error(nil)
	if c.Moved == "" {
		told = k.finishTelling(ctx)
	}
	if c.Moved != "" { // perhaps while its thread was told
		return errors.Join(told, k.update(ctx, k.moved(ctx)))
	}
	if c.Seq > p.Seq && c.StaleAt != 0 {
		return &RateLimited{After: comeBack} // with the plan as it is by then
	}
	if c.Seq < p.Seq || c.StaleAt != 0 {
		if err := k.update(ctx, PlanCard(p, view)); err != nil {
			return errors.Join(told, err)
		}
	}
	if told != nil {
		return told
	}
	return k.tell(ctx)
}

// isShared tells whether the card is everybody's; see album.hasThread.
func (k *painting) isShared() bool { return k.view.Viewer == nil }

// moved says that another card took this one's place, with a link to it.
func (k *painting) moved(ctx context.Context) Card {
	card := MovedCard(k.plan, k.view)
	if linker, ok := k.platform.(Linker); ok {
		link, err := linker.Permalink(ctx, MsgRef{Room: roomOf(*k.card), ID: k.card.Moved})
		if err != nil {
			k.b.Log.DebugContext(ctx, "link to card", "room", k.card.RoomID, "error", err)
		}
		card.Intro[0][0].Link = link
	}
	return card
}

// wait returns how long the card is to be left alone still.
func (k *painting) wait(ctx context.Context, now time.Time) (time.Duration, error) {
	wait := k.b.paceWait(k.card, now)
	settle := settleOf(k.platform)
	if settle == 0 {
		return wait, nil
	}
	wait = max(wait, time.UnixMilli(k.card.StaleAt).Add(settle).Sub(now), k.b.answering.unsettled(msgOf(*k.card), now, settle))
	newest, err := k.entries(ctx, k.card.Seq, k.plan.Seq, 1)
	if err != nil {
		return 0, err
	}
	for _, e := range newest {
		wait = max(wait, time.UnixMilli(e.At).Add(settle).Sub(now))
	}
	return wait, nil
}

// update shows a card on the message, if the time for that has come.
func (k *painting) update(ctx context.Context, card Card) error {
	b, c := k.b, k.card
	now := b.Now()
	wait, err := k.wait(ctx, now)
	if err != nil {
		return err
	}
	if wait > 0 {
		return &RateLimited{After: wait}
	}
	if PlatformID(c.Platform) != Web { // the console is in the same database, and quick
		mine, err := b.Store.ClaimCard(ctx, c, now.Add(callTime))
		if err != nil {
			return err
		}
		if !mine {
			return &RateLimited{After: comeBack}
		}
	}
	err = k.platform.Update(ctx, msgOf(*c), card)
	// What was done is noted even if the time is up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	if errors.Is(err, ErrGone) || errors.Is(err, ErrTooOld) {
		return k.replace(ctx, err)
	}
	if err := b.outcome(ctx, roomOf(*c), err); err != nil {
		return k.rest(ctx, err)
	}
	c.PaintedAt = b.Now().UnixMilli()
	if c.Moved == "" {
		c.Seq = k.plan.Seq
	}
	return b.Store.NoteCard(ctx, c)
}

// replace posts the card anew, because the message cannot be changed any more.
func (k *painting) replace(ctx context.Context, why error) error {
	b, old := k.b, *k.card
	if old.Moved == "" {
		room := roomOf(old)
		c, _, err := b.postCard(ctx, k.plan, k.view, posting{
			to: Target{Room: room}, card: PlanCard(k.plan, k.view), key: cardKey(old.PlanID, room, old.MessageID),
			told: old.Told, // the new thread goes on where the old one ends
		})
		if errors.Is(err, ErrGone) {
			return b.Store.DropCard(ctx, old) // the room is gone with the card
		}
		if err != nil {
			return k.rest(ctx, err)
		}
		now, err := b.Store.CardAt(ctx, c.Platform, c.RoomID, c.MessageID)
		if err != nil {
			return err
		}
		k.card = now
	}
	if errors.Is(why, ErrGone) {
		return b.Store.DropCard(ctx, old)
	}
	was, err := b.Store.CardAt(ctx, old.Platform, old.RoomID, old.MessageID)
	if err != nil {
		return err
	}
	was.PaintedAt = b.Now().UnixMilli()
	return b.Store.NoteCard(ctx, was) // it cannot even say so, but still heads a thread
}

// rest leaves the card alone after an error, for as long as the platform asks.
func (k *painting) rest(ctx context.Context, err error) error {
	until := k.b.Now()
	if limited := (*RateLimited)(nil); errors.As(err, &limited) {
		until = until.Add(limited.After)
	}
	return errors.Join(err, k.b.Store.RestCard(ctx, *k.card, until))
}
