package feishu

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"slipway/bot"
	"slipway/bot/appapi"
	"slipway/bot/feishu/cardjson"
	"slipway/storage"
)

// Post implements bot.Platform.
func (f *Feishu) Post(ctx context.Context, to bot.Target, c bot.Card, key string) (bot.MsgRef, error) {
	return f.post(ctx, to, renderCard(c), key)
}

func (f *Feishu) post(ctx context.Context, to bot.Target, card []byte, key string) (bot.MsgRef, error) {
	m, _, err := f.postOnce(ctx, to, card, key)
	return m, err
}

// postOnce posts a card under a key; repeated tells that it had been posted before. The
// ledger knows what was sent. Where it is in doubt, because somebody did not come back
// from sending, the message is sent again with the same mark: Feishu sends a mark once an
// hour. After that hour nobody can tell, and a message twice is better than none.
func (f *Feishu) postOnce(ctx context.Context, to bot.Target, card []byte, key string) (m bot.MsgRef, repeated bool, err error) {
	if key == "" {
		m, err = f.send(ctx, to, card, "")
		return m, false, err
	}
	p, state, err := f.Store.BeginPost(ctx, string(bot.Feishu), key, f.Now())
	if err != nil {
		return m, false, fmt.Errorf("post to Feishu: %w", err)
	}
	switch state {
	case storage.PostSent:
		return bot.MsgRef{Room: roomRef(p.RoomID), ID: p.MessageID, Thread: p.Thread}, true, nil
	case storage.PostBusy:
		return m, false, fmt.Errorf("post %s: %w: %w", key, bot.ErrBusy, &bot.RateLimited{After: time.Second})
	case storage.PostNew, storage.PostDoubtful:
	}
	mark := sha256.Sum256([]byte(key))
	uuid := hex.EncodeToString(mark[:16])
	m, err = f.send(ctx, to, card, uuid)
	if err != nil && !unsent(err) && !errors.Is(err, appapi.ErrNoToken) && ctx.Err() == nil {
		// The answer was lost, perhaps after the message was sent. The mark makes it safe to ask.
		m, err = f.send(ctx, to, card, uuid)
	}
	if err != nil {
		if unsent(err) || errors.Is(err, appapi.ErrNoToken) {
			err = errors.Join(err, f.Store.ForgetPost(context.WithoutCancel(ctx), string(bot.Feishu), key))
		}
		return bot.MsgRef{}, false, fmt.Errorf("post to Feishu: %w", err)
	}
	p.RoomID, p.MessageID, p.Thread = m.Room.ID, m.ID, m.Thread
	if err := f.Store.SettlePost(context.WithoutCancel(ctx), p); err != nil {
		return m, false, fmt.Errorf("post to Feishu: %w", err)
	}
	return m, false, nil
}

// sent is Feishu's word about a message that was sent.
type sent struct {
	Data struct {
		MessageID string `json:"message_id"`
		ChatID    string `json:"chat_id"`
		RootID    string `json:"root_id"`
	} `json:"data"`
}

// send sends a card. A room whose id is that of an account is its direct conversation.
func (f *Feishu) send(ctx context.Context, to bot.Target, card []byte, uuid string) (bot.MsgRef, error) {
	in := element{"msg_type": "interactive", "content": string(card)}
	if uuid != "" {
		in["uuid"] = uuid
	}
	var out sent
	if to.ReplyTo.ID != "" {
		head := to.ReplyTo.ID
		if to.ReplyTo.Thread != "" {
			head = to.ReplyTo.Thread
		}
		err := f.reply(ctx, head, in, &out)
		return bot.MsgRef{Room: orElse(roomRef(out.Data.ChatID), to.ReplyTo.Room), ID: out.Data.MessageID, Thread: head}, err
	}
	kind, id := "chat_id", to.Room.ID
	if to.User.ID != "" {
		id = to.User.ID
	}
	if strings.HasPrefix(id, "ou_") {
		kind = "open_id"
	}
	in["receive_id"] = id
	err := f.call(ctx, http.MethodPost, "/open-apis/im/v1/messages", url.Values{"receive_id_type": {kind}}, in, &out)
	return bot.MsgRef{Room: orElse(roomRef(out.Data.ChatID), to.Room), ID: out.Data.MessageID}, err
}

func orElse(r, other bot.RoomRef) bot.RoomRef {
	if r.ID == "" {
		return other
	}
	return r
}

// reply answers a message in its topic, or, in a group that has none, below it.
func (f *Feishu) reply(ctx context.Context, head string, in element, out *sent) error {
	path := "/open-apis/im/v1/messages/" + url.PathEscape(head) + "/reply"
	in["reply_in_thread"] = true
	err := f.call(ctx, http.MethodPost, path, nil, in, out)
	if !refusedWith(err, codesNoTopic...) {
		return err
	}
	in["reply_in_thread"] = false
	return f.call(ctx, http.MethodPost, path, nil, in, out)
}

// Update implements bot.Platform. It waits while a click on the card is being answered.
func (f *Feishu) Update(ctx context.Context, m bot.MsgRef, c bot.Card) error {
	return f.patch(ctx, m.ID, renderCard(c))
}

func (f *Feishu) patch(ctx context.Context, message string, card []byte) error {
	if err := f.clicks.wait(ctx, message); err != nil {
		return err
	}
	err := f.call(ctx, http.MethodPatch, "/open-apis/im/v1/messages/"+url.PathEscape(message), nil, element{"content": string(card)}, nil)
	if err != nil {
		return fmt.Errorf("update card in Feishu: %w", err)
	}
	return nil
}

// patchLogged changes a card for an event; nobody waits for it.
func (f *Feishu) patchLogged(ctx context.Context, event string, m bot.MsgRef, card []byte) {
	if err := f.patch(ctx, m.ID, card); err != nil {
		f.Log.ErrorContext(ctx, "replace card", "event", event, "error", err)
	}
}

// Whisper implements bot.Whisperer. Feishu's own messages for one person in a group need
// the person to be online and make no sound, so it is a direct message.
func (f *Feishu) Whisper(ctx context.Context, in bot.RoomRef, to bot.UserRef, c bot.Card) error {
	target := bot.Target{User: to}
	if f.isDirect(ctx, in) {
		target = bot.Target{Room: in}
	}
	_, err := f.Post(ctx, target, c, "")
	return err
}

// Permalink implements bot.Linker: Feishu has links to chats, not to messages.
func (f *Feishu) Permalink(_ context.Context, m bot.MsgRef) (string, error) {
	host := feishuLink
	if f.BaseURL == larkURL {
		host = larkLink
	}
	return host + "/client/chat/open?openChatId=" + url.QueryEscape(m.Room.ID), nil
}

// Buzz implements bot.Buzzer: an urgent reminder inside of Feishu. Those who cannot see
// the message are left out.
func (f *Feishu) Buzz(ctx context.Context, m bot.MsgRef, to []bot.UserRef) error {
	ids := make([]string, 0, len(to))
	for _, u := range to[:min(len(to), cardjson.MaxUrgent)] {
		ids = append(ids, u.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	err := f.call(ctx, http.MethodPatch, "/open-apis/im/v1/messages/"+url.PathEscape(m.ID)+"/urgent_app",
		url.Values{"user_id_type": {"open_id"}}, element{"user_id_list": ids}, nil)
	if err != nil {
		return fmt.Errorf("buzz in Feishu: %w", err)
	}
	return nil
}
