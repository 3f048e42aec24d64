package bot

import (
	"context"
	"slices"

	"slipway"
	"slipway/storage"
)

// album is what all cards of a plan are painted from. It is read once for all of them.
type album struct {
	store *storage.Store
	plan  *slipway.Plan
	seen  glimpse
	rooms []storage.Room // those with cards
	// news are the entries after the Seq since up to the plan's, newest first.
	news  []slipway.Entry
	since int64
}

// roomOf returns the room of a card, nil if nothing is known of it.
func (a *album) roomOf(c storage.CardRef) *storage.Room {
	i := slices.IndexFunc(a.rooms, func(r storage.Room) bool { return r.Platform == c.Platform && r.ID == c.RoomID })
	if i < 0 {
		return nil
	}
	return &a.rooms[i]
}

// hasThread tells whether the history is put into the thread of a card; one person alone
// needs no second one.
func (a *album) hasThread(c storage.CardRef) bool {
	r := a.roomOf(c)
	return r == nil || r.Direct == ""
}

// isDone tells whether a card shows all and its thread was told all.
func (a *album) isDone(c storage.CardRef) bool {
	if c.StaleAt != 0 || c.Seq < a.plan.Seq {
		return false
	}
	return !a.hasThread(c) || c.Told >= max(c.Seq, c.Telling)
}

// readNews reads the entries that the cards need, the newest of them if they are many.
func (a *album) readNews(ctx context.Context, cards []storage.CardRef) (err error) {
	a.since = a.plan.Seq
	for _, c := range cards {
		a.since = min(a.since, c.Seq)
		if a.hasThread(c) {
			a.since = min(a.since, c.Told)
		}
	}
	if a.since == a.plan.Seq {
		return nil
	}
	if a.news, err = a.store.EntriesBetween(ctx, a.plan.ID, a.since, a.plan.Seq, maxLines); err == nil && len(a.news) == maxLines {
		a.since = a.news[maxLines-1].Seq - 1
	}
	return err
}

// entries lists the newest entries after one Seq and up to another, newest first, at most
// limit.
func (a *album) entries(ctx context.Context, after, upTo int64, limit int) ([]slipway.Entry, error) {
	if after < a.since || upTo > a.plan.Seq {
		return a.store.EntriesBetween(ctx, a.plan.ID, after, upTo, limit)
	}
	var found []slipway.Entry
	for _, e := range a.news {
		if e.Seq > after && e.Seq <= upTo && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, nil
}
