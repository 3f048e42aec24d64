package web

import (
	"context"
	"encoding/json"
	"fmt"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

var (
	_ bot.Platform  = (*Web)(nil)
	_ bot.Whisperer = (*Web)(nil)
	_ bot.Linker    = (*Web)(nil)
)

// ID implements bot.Platform.
func (w *Web) ID() bot.PlatformID { return bot.Web }

// Run implements bot.Platform: pages answer presses, and hear of changes, until ctx
// ends.
func (w *Web) Run(ctx context.Context, h bot.Handler) error {
	w.handler <- h
	defer func() { <-w.handler }()
	for topic := range w.Notices.Subscribe(ctx) {
		w.hub.tell(topic)
	}
	<-ctx.Done()
	return nil
}

// Post implements bot.Platform.
func (w *Web) Post(ctx context.Context, to bot.Target, c bot.Card, key string) (bot.MsgRef, error) {
	m := storage.Message{RoomID: to.Room.ID, Key: key}
	switch {
	case to.User.ID != "":
		room, err := w.directRoom(ctx, to.User.ID)
		if err != nil {
			return bot.MsgRef{}, gone(err)
		}
		m.RoomID = room.ID
	case to.ReplyTo.ID != "":
		m.RoomID, m.Thread = to.ReplyTo.Room.ID, to.ReplyTo.ID
		if to.ReplyTo.Thread != "" {
			m.Thread = to.ReplyTo.Thread // threads have one level
		}
	}
	if _, err := w.Store.Room(ctx, string(bot.Web), m.RoomID); err != nil {
		return bot.MsgRef{}, gone(err)
	}
	if err := w.put(ctx, &m, &c); err != nil {
		return bot.MsgRef{}, err
	}
	return refOf(&m), nil
}

// Update implements bot.Platform.
func (w *Web) Update(ctx context.Context, ref bot.MsgRef, c bot.Card) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("marshal card: %w", err)
	}
	if err := w.Store.EditMessage(ctx, ref.ID, c.Summary, data, w.Now().UnixMilli()); err != nil {
		return gone(fmt.Errorf("update message: %w", err))
	}
	w.Notices.Publish(ctx, "room:"+ref.Room.ID)
	return nil
}

// Whisper implements bot.Whisperer.
func (w *Web) Whisper(ctx context.Context, in bot.RoomRef, to bot.UserRef, c bot.Card) error {
	return w.put(ctx, &storage.Message{RoomID: in.ID, OnlyFor: to.ID}, &c)
}

// Permalink implements bot.Linker.
func (w *Web) Permalink(_ context.Context, m bot.MsgRef) (string, error) {
	return w.PublicURL + "/rooms/" + m.Room.ID + "#m-" + m.ID, nil
}

// Resolve implements bot.Platform. Accounts of the console are users.
func (w *Web) Resolve(ctx context.Context, ref bot.UserRef) (bot.Person, error) {
	u, err := w.Store.User(ctx, ref.ID)
	if err != nil {
		return bot.Person{}, gone(err)
	}
	return bot.Person{Name: u.Name, Email: u.Email, Locale: string(u.Locale), TimeZone: u.TimeZone}, nil
}

// put writes a message and tells the room. With a key that was used before, the
// message becomes the one that is there.
func (w *Web) put(ctx context.Context, m *storage.Message, c *bot.Card) error {
	if c != nil {
		data, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("marshal card: %w", err)
		}
		m.Card, m.Text = data, c.Summary
	}
	m.ID, m.At = w.random(12), w.Now().UnixMilli()
	if _, err := w.Store.PutMessage(ctx, m); err != nil {
		return fmt.Errorf("put message: %w", err)
	}
	w.Notices.Publish(ctx, "room:"+m.RoomID)
	return nil
}

// gone turns "there is no such room, message or user" into the platform's word for it.
func gone(err error) error {
	if slipway.CodeOf(err) == slipway.NotFound {
		return fmt.Errorf("%w: %w", bot.ErrGone, err)
	}
	return err
}

func refOf(m *storage.Message) bot.MsgRef {
	return bot.MsgRef{Room: roomRef(m.RoomID), ID: m.ID, Thread: m.Thread}
}

func roomRef(id string) bot.RoomRef { return bot.RoomRef{Platform: bot.Web, ID: id} }

func directRoomID(userID string) string { return "direct-" + userID }

// directRoom returns a person's conversation with the bot and makes it if it is not
// there yet.
func (w *Web) directRoom(ctx context.Context, userID string) (*storage.Room, error) {
	id := directRoomID(userID)
	room, err := w.Store.Room(ctx, string(bot.Web), id)
	if slipway.CodeOf(err) != slipway.NotFound {
		return room, err
	}
	u, err := w.Store.User(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("direct room: %w", err)
	}
	room = &storage.Room{
		Platform: string(bot.Web), ID: id, Name: u.Name, Locale: slipway.ParseLang(string(u.Locale)), Direct: u.ID, CreatedAt: w.Now().UnixMilli(),
	}
	if err := w.Store.PutRoom(ctx, *room); err != nil {
		return nil, fmt.Errorf("make direct room: %w", err)
	}
	return room, nil
}
