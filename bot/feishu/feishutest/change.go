package feishutest

import (
	"encoding/json"
	"time"

	"slipway/bot/feishu/cardjson"
)

// cardAge is how long a card can be pressed and changed.
const cardAge = cardjson.UpdateDays * 24 * time.Hour

// own returns a message of the bot that still is there.
func (s *Server) own(id string) (m *message, refused reply, ok bool) {
	m = s.messages[id]
	switch {
	case m == nil:
		return nil, invalid("invalid message_id"), false
	case m.deleted:
		return nil, refusal(230011, "The message is recalled."), false
	case m.sender != botOpenID:
		return nil, refusal(230027, "Lack of necessary permissions."), false
	case !s.chats[m.chat].bot:
		return nil, refusal(230002, "The bot can not be outside the group."), false
	}
	return m, reply{}, true
}

// patchMessage replaces a card. im-v1/message/patch.
func (s *Server) patchMessage(r *request) reply {
	m, refused, ok := s.own(r.id())
	if !ok {
		return refused
	}
	content, isString := r.body["content"].(string)
	switch {
	case m.kind != "interactive":
		return invalid("This message is NOT a card.")
	case m.only != "":
		return refusal(230054, "This operation is not supported for this message type.")
	case !isString || !json.Valid([]byte(content)):
		s.Violate("%s: content must be JSON in a string", r.http.URL.Path)
		return invalid("content is not a string in json format")
	case s.tooOld(m):
		return refusal(230031, "Message can only be modified within 14 days after sending.")
	case len(r.raw) > cardjson.MaxRequest:
		s.Violate("%s: the request has %d bytes, at most %d are allowed", r.http.URL.Path, len(r.raw), cardjson.MaxRequest)
		return refusal(230025, "The length of the message content reaches its limit.")
	}
	if _, ok := s.within("message "+m.id, cardjson.UpdatesPerSecond, time.Second, true); !ok {
		return refusal(230020, "This operation triggers the frequency limit.")
	}
	if refused, ok := s.taken([]byte(content), r.http.URL.Path); !ok {
		return refused
	}
	if m.pending > 0 && s.onlyClick(m) {
		s.Violate("%s: the card was changed before the click on it was answered", r.http.URL.Path)
		m.revert = true
	}
	s.show(m, json.RawMessage(content))
	return done(map[string]any{})
}

// editMessage replaces a text. im-v1/message/update.
func (s *Server) editMessage(r *request) reply {
	m, refused, ok := s.own(r.id())
	if !ok {
		return refused
	}
	if m.kind == "interactive" || r.str("msg_type") == "interactive" {
		return invalid("invalid msg_type")
	}
	if m.edits >= maxEdits {
		return refusal(230072, "The message has reached the number of times it can be edited.")
	}
	if refused, ok := s.fill(m, r); !ok {
		return refused
	}
	m.edits++
	m.changed = s.now()
	s.touch()
	return done(s.describe(m))
}

// maxEdits is how often a text can be edited. im-v1/message/update.
const maxEdits = 20

// click is a click on a card, by the token of its callback.
type click struct {
	message  string
	by       string
	at       time.Time
	began    time.Time // real time
	answered bool
	uses     int
}

// quiet is for how long nothing else happened before a click whose card is changed too
// early: then the click must be the reason. It is more than what apps wait after a change.
const quiet = 2 * time.Second

// onlyClick tells whether nothing but the click that is being answered can be the reason for
// a change of its card. It is called with the lock.
func (s *Server) onlyClick(m *message) bool {
	var first *click
	for _, c := range s.clicks {
		if c.message == m.id && !c.answered {
			if first != nil {
				return false
			}
			first = c
		}
	}
	if first == nil {
		return false
	}
	since := 0
	for _, began := range s.events {
		if began.After(first.began.Add(-quiet)) {
			since++
		}
	}
	return since == 1
}

// updateLater replaces a card with the token of a click.
// ukTMukTMukTM/uMDO1YjLzgTN24yM4UjN ("延时更新消息卡片").
func (s *Server) updateLater(r *request) reply {
	c := s.clicks[r.str("token")]
	card, err := json.Marshal(r.body["card"])
	if c == nil || err != nil {
		return refusal(300020, "invalid card update token")
	}
	m := s.messages[c.message]
	switch {
	case m.deleted:
		return refusal(200000, "the card is recalled")
	case s.now().Sub(c.at) > cardjson.DelayedMinutes*time.Minute:
		return refusal(300030, "card update token expired")
	case c.uses >= cardjson.DelayedUpdates:
		return refusal(300040, "card update token reached its limit of use")
	case s.tooOld(m):
		return refusal(230031, "Message can only be modified within 14 days after sending.")
	}
	if problems := cardjson.Check(card); len(problems) > 0 {
		s.Violate("%s: bad card: %v", r.http.URL.Path, problems)
		return refusal(11311, problems[0].String())
	}
	c.uses++
	if !c.answered {
		s.Violate("%s: the card was changed before the click on it was answered", r.http.URL.Path)
		m.revert = true
	}
	s.show(m, card)
	return done(map[string]any{})
}

// deleteMessage takes a message back. im-v1/message/delete.
func (s *Server) deleteMessage(r *request) reply {
	m := s.messages[r.id()]
	switch {
	case m == nil:
		return invalid("invalid message_id")
	case m.deleted:
		return refusal(230110, "Action unavailable as the message has been deleted.")
	case m.sender != botOpenID:
		return refusal(230026, "No permission to recall this message.")
	}
	m.deleted = true
	s.touch()
	return done(map[string]any{})
}

// sendEphemeral shows a card to one person in a group. uETOyYjLxkjM24SM5IjN.
func (s *Server) sendEphemeral(r *request) reply {
	c, u := s.chats[r.str("chat_id")], s.users[r.str("open_id")]
	card, err := json.Marshal(r.body["card"])
	switch {
	case c == nil || c.direct != "":
		return refusal(18003, "chat_id is invalid")
	case !c.bot:
		return refusal(230002, "The bot can not be outside the group.")
	case u == nil:
		return refusal(18002, "open_id is invalid")
	case r.str("msg_type") != "interactive" || err != nil:
		return refusal(10002, "msg_type is invalid")
	}
	if refused, ok := s.taken(card, r.http.URL.Path); !ok {
		return refused
	}
	m := s.post(&message{chat: c.id, sender: botOpenID, kind: "interactive", card: card, only: u.OpenID})
	return done(map[string]any{"message_id": m.id})
}

// deleteEphemeral takes such a card away.
func (s *Server) deleteEphemeral(r *request) reply {
	m := s.messages[r.str("message_id")]
	if m == nil || m.only == "" || m.deleted {
		return refusal(18051, "the message has been deleted")
	}
	m.deleted = true
	s.touch()
	return done(map[string]any{})
}
