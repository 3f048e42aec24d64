package tasks

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// card brings the cards of a plan up to date, or tells people something.
func (t *Tasks) card(ctx context.Context, l *storage.Lease) error {
	if t.Cards == nil {
		return nil
	}
	if l.Task.Kind == slipway.TaskCard {
		return t.paced(l, t.Cards.Repaint(ctx, l.Task.PlanID))
	}
	var n slipway.Notice
	if err := json.Unmarshal(l.Task.Data, &n); err != nil {
		return slipway.Refuse(slipway.Invalid, "The notice cannot be read.", "无法读取该通知。").Because(err)
	}
	return t.paced(l, t.Cards.Tell(ctx, l.Task.PlanID, n, l.Task.Key))
}

// paced turns an error of the bot into the time at which the task goes on. What went
// wrong in single rooms was logged by the bot; to wait is no failure at all.
func (t *Tasks) paced(l *storage.Lease, err error) error {
	after, waits, rest := bot.Soonest(err)
	now := t.Now()
	if rest == nil && waits {
		return later{at: now.Add(after)}
	}
	if rest == nil || !onlyRooms(rest) || t.tired(l, now) {
		return err
	}
	at := now.Add(t.pause(l.Attempt))
	if soon := now.Add(after); waits && soon.Before(at) {
		at = soon
	}
	return again{at: at, why: rest.Error()}
}

// onlyRooms tells whether all that went wrong did so in single rooms.
func onlyRooms(err error) bool {
	switch e := err.(type) { //nolint:errorlint // each error of the tree is looked at by itself
	case *bot.RoomError:
		return true
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(one error) bool { return !onlyRooms(one) })
	case interface{ Unwrap() error }:
		return onlyRooms(e.Unwrap())
	}
	return false
}

// The bounds of keeping house.
const (
	houseEvery  = time.Hour
	forgetBatch = 500
)

// keepHouse brings the cards up to date that are behind when the process starts, and
// forgets old posts now and then, until the context ends.
func (t *Tasks) keepHouse(ctx context.Context) {
	ctx = storage.InBackground(ctx)
	if err := t.catchUp(ctx); err != nil && ctx.Err() == nil {
		t.Log.WarnContext(ctx, "look for cards that are behind", "err", err)
	}
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for {
		if err := t.forgetPosts(ctx); err != nil && ctx.Err() == nil {
			t.Log.WarnContext(ctx, "forget posts", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// catchUp asks for the cards of all plans whose cards are behind: their tasks may have
// been given up while a platform was away for long.
func (t *Tasks) catchUp(ctx context.Context) error {
	if t.Cards == nil {
		return nil
	}
	plans, err := t.Store.PlansBehind(ctx)
	if err != nil {
		return err
	}
	for _, id := range plans {
		if err := t.Store.WantCards(ctx, id, t.Now()); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tasks) forgetPosts(ctx context.Context) error {
	for {
		n, err := t.Store.ForgetPosts(ctx, t.Now(), forgetBatch)
		if err != nil || n < forgetBatch {
			return err
		}
		t.Log.DebugContext(ctx, "posts forgotten", "count", n)
	}
}
