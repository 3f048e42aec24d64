package feishu

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"slipway/bot"
	"slipway/bot/sealed"
)

// accountIDs are the ids of an account. Only that of the app is always there.
type accountIDs struct {
	OpenID string `json:"open_id"`
}

// messageEvent is im.message.receive_v1.
type messageEvent struct {
	Sender struct {
		SenderID   accountIDs `json:"sender_id"`
		SenderType string     `json:"sender_type"`
	} `json:"sender"`
	Message struct {
		MessageID   string    `json:"message_id"`
		RootID      string    `json:"root_id"`
		ChatID      string    `json:"chat_id"`
		ChatType    string    `json:"chat_type"`
		MessageType string    `json:"message_type"`
		Content     string    `json:"content"`
		Mentions    []mention `json:"mentions"`
		UserAgent   string    `json:"user_agent"` // only with a scope of its own
	} `json:"message"`
}

// mention is somebody who is mentioned in a message; Key stands for it in the text.
type mention struct {
	Key           string     `json:"key"`
	ID            accountIDs `json:"id"`
	MentionedType string     `json:"mentioned_type"`
}

// message takes a message that somebody wrote.
func (f *Feishu) message(ctx context.Context, h eventHeader, m messageEvent) (answer, error) {
	if m.Sender.SenderID.OpenID == "" || m.Message.MessageID == "" {
		return answer{}, sealed.ErrMalformed
	}
	f.inTime(ctx, func(ctx context.Context) {
		ev, r := f.readMessage(ctx, h, m)
		if ev.Kind != "" {
			r = f.handle(ctx, ev)
		}
		f.deliver(ctx, ev, r)
	})
	return nothing(), nil
}

// readMessage reads a message. An event without a kind is not for the bot; it is answered
// as the reply says.
func (f *Feishu) readMessage(ctx context.Context, h eventHeader, m messageEvent) (ev bot.Event, r bot.Reply) {
	msg, room := m.Message, roomRef(m.Message.ChatID)
	ev = bot.Event{
		ID: h.EventID, From: userRef(m.Sender.SenderID.OpenID), Room: room, Direct: msg.ChatType == "p2p", At: h.at(),
		Msg: bot.MsgRef{Room: room, ID: msg.MessageID, Thread: msg.RootID}, Locale: localeOf(msg.UserAgent),
	}
	text, readable := messageText(msg.MessageType, msg.Content)
	me := f.mentioned(ctx, msg.Mentions)
	ev.Text = named(text, msg.Mentions, me)
	switch {
	case m.Sender.SenderType != "user":
		// Bots do not talk to each other.
	case ev.Direct && !readable:
		return ev, onlyText(f.langOf(ctx, ev.From))
	case !readable:
	case ev.Direct:
		ev.Kind = bot.Direct
	case me != "":
		ev.Kind = bot.Mention
	case ev.Msg.Thread != "":
		ev.Kind = bot.Chatter
	}
	return ev, r
}

// localeOf is the language of a client, "" if it does not tell.
func localeOf(userAgent string) string {
	_, after, _ := strings.Cut(userAgent, "LarkLocale/")
	locale, _, _ := strings.Cut(after, " ")
	return strings.ReplaceAll(locale, "_", "-")
}

// mentioned returns the key of the mention of the bot, "" if there is none.
func (f *Feishu) mentioned(ctx context.Context, mentions []mention) string {
	if len(mentions) == 0 {
		return ""
	}
	me, err := f.botID(ctx)
	if err != nil {
		f.Log.WarnContext(ctx, "find the bot's own account", "error", err)
	}
	for _, m := range mentions {
		// If in doubt: better to listen to what may be for another bot than to be deaf.
		if me != "" && m.ID.OpenID == me || me == "" && m.MentionedType == "bot" {
			return m.Key
		}
	}
	return ""
}

// named replaces the placeholders of mentions: that of the bot by nothing, those of people
// by names that the bot understands.
func named(text string, mentions []mention, me string) string {
	list := slices.DeleteFunc(slices.Clone(mentions), func(m mention) bool { return m.Key == "" })
	// @_user_1 is the beginning of @_user_10.
	slices.SortStableFunc(list, func(a, b mention) int { return cmp.Compare(len(b.Key), len(a.Key)) })
	for _, m := range list {
		name := ""
		if m.Key != me && m.ID.OpenID != "" {
			name = "@" + string(bot.Feishu) + ":" + m.ID.OpenID + " "
		}
		text = strings.ReplaceAll(text, m.Key+" ", name)
		text = strings.ReplaceAll(text, m.Key, name)
	}
	return strings.TrimSpace(strings.ReplaceAll(text, "@_all", ""))
}

// messageText is the text of a message; ok is false for a message that has none.
func messageText(kind, content string) (text string, ok bool) {
	switch kind {
	case "text":
		var body struct {
			Text string `json:"text"`
		}
		err := json.Unmarshal([]byte(content), &body)
		return body.Text, err == nil
	case "post":
		var body postBody
		err := json.Unmarshal([]byte(content), &body)
		return body.text(), err == nil
	}
	return "", false
}

// postBody is a message of several formatted lines.
type postBody struct {
	Title   string `json:"title"`
	Content [][]struct {
		Tag    string `json:"tag"`
		Text   string `json:"text"`
		UserID string `json:"user_id"`
	} `json:"content"`
}

func (p postBody) text() string {
	var lines []string
	if p.Title != "" {
		lines = append(lines, p.Title)
	}
	for _, l := range p.Content {
		var b strings.Builder
		for _, piece := range l {
			if piece.Tag == "at" {
				b.WriteString(piece.UserID)
				continue
			}
			b.WriteString(piece.Text)
		}
		lines = append(lines, b.String())
	}
	return strings.Join(lines, "\n")
}
