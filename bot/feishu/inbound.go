package feishu

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"slipway/bot"
	"slipway/bot/sealed"
)

// The types of events and callbacks that are understood.
const (
	typeMessage = "im.message.receive_v1"
	typeClick   = "card.action.trigger"
	typeMenu    = "application.bot.menu_v6"
	typeEntered = "im.chat.access_event.bot_p2p_chat_entered_v1"
	typeAdded   = "im.chat.member.bot.added_v1"
	typePreview = "url.preview.get"
)

// envelope is what every event comes in. Events of the first version have no header.
type envelope struct {
	Header *eventHeader    `json:"header"`
	Event  json.RawMessage `json:"event"`
	UUID   string          `json:"uuid"`  // first version: the event's id
	Token  string          `json:"token"` // first version
}

type eventHeader struct {
	EventID    string `json:"event_id"`
	EventType  string `json:"event_type"`
	Token      string `json:"token"`
	AppID      string `json:"app_id"`
	CreateTime string `json:"create_time"`
}

// answer is what goes back to Feishu. answered is called when it was sent.
type answer struct {
	body     any
	answered func()
}

// nothing is the answer that shows nothing.
func nothing() answer { return answer{body: element{}, answered: func() {}} }

// receive takes one event, from whichever transport: decrypted, and verified where the
// transport does not vouch for it itself. An event that was seen before is taken again,
// since only the effects know whether the first time got through.
func (f *Feishu) receive(ctx context.Context, payload []byte) (answer, error) {
	var e envelope
	if err := json.Unmarshal(payload, &e); err != nil {
		return answer{}, sealed.ErrMalformed
	}
	if err := f.ours(e); err != nil {
		return answer{}, err
	}
	if e.Header == nil {
		return f.firstVersion(ctx, e)
	}
	if e.Header.EventID == "" {
		return answer{}, sealed.ErrMalformed
	}
	switch e.Header.EventType {
	case typeMessage:
		return read(ctx, e, f.message)
	case typeClick:
		return read(ctx, e, f.click)
	case typeMenu:
		return read(ctx, e, f.menu)
	case typeEntered:
		return read(ctx, e, f.entered)
	case typeAdded:
		return read(ctx, e, f.added)
	case typePreview:
		return read(ctx, e, f.preview)
	case typeInstanceV4, typeTaskV4:
		return read(ctx, e, f.changedV4)
	}
	f.Log.InfoContext(ctx, "feishu event ignored", "type", shorten(printable(e.Header.EventType), 80))
	return nothing(), nil
}

// ours tells whether the event is for this app: token and app id must be right. On the
// long connection, which Feishu has authenticated, they may be missing. In the first
// version the app id is part of the event.
func (f *Feishu) ours(e envelope) error {
	token, app := e.Token, f.AppID
	if e.Header != nil {
		token, app = e.Header.Token, e.Header.AppID
	}
	if f.VerificationToken != "" && !f.mayLack(token) && !sealed.Equal(token, f.VerificationToken) {
		return errToken
	}
	return f.oursByID(app)
}

func (f *Feishu) oursByID(app string) error {
	if app != f.AppID && !f.mayLack(app) {
		return sealed.ErrOtherApp
	}
	return nil
}

func (f *Feishu) mayLack(s string) bool { return s == "" && f.Mode == modeSocket }

// read gives an event of a known type to who takes it.
func read[T any](ctx context.Context, e envelope, take func(context.Context, eventHeader, T) (answer, error)) (answer, error) {
	var body T
	if err := json.Unmarshal(e.Event, &body); err != nil {
		return answer{}, sealed.ErrMalformed
	}
	return take(ctx, *e.Header, body)
}

// at is when an event happened. Feishu writes milliseconds, or microseconds for
// callbacks.
func (h eventHeader) at() time.Time {
	n, err := strconv.ParseInt(h.CreateTime, 10, 64)
	switch {
	case err != nil:
		return time.Time{}
	case n > 1e14:
		return time.UnixMicro(n)
	}
	return time.UnixMilli(n)
}

func userRef(openID string) bot.UserRef { return bot.UserRef{Platform: bot.Feishu, ID: openID} }

func roomRef(chat string) bot.RoomRef { return bot.RoomRef{Platform: bot.Feishu, ID: chat} }
