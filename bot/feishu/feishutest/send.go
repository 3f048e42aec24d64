package feishutest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"slipway/bot/feishu/cardjson"
)

// sent is a message that was sent with a uuid.
type sent struct {
	id string
	at time.Time
}

// sendMessage sends a message to a chat or a person. im-v1/message/create.
func (s *Server) sendMessage(r *request) reply {
	kind, id := r.query("receive_id_type"), r.str("receive_id")
	if !slices.Contains([]string{byOpenID, byUnionID, byUserID, byEmail, byChatID}, kind) || id == "" {
		return invalid("invalid receive_id")
	}
	if earlier, ok := s.already(r); ok {
		return earlier
	}
	var c *chat
	if kind == byChatID {
		c = s.chats[id]
	} else if u := s.user(kind, id); u != nil {
		c = s.directChat(u.OpenID)
	}
	switch {
	case c == nil && kind == byChatID:
		return invalid("invalid receive_id")
	case c == nil:
		return refusal(230034, "The receive_id is invalid.")
	}
	if refused, ok := s.writable(c); !ok {
		return refused
	}
	m := &message{chat: c.id, sender: botOpenID}
	if refused, ok := s.fill(m, r); !ok {
		return refused
	}
	return s.accept(m, r)
}

// replyMessage answers a message. im-v1/message/reply.
func (s *Server) replyMessage(r *request) reply {
	if earlier, ok := s.already(r); ok {
		return earlier
	}
	parent := s.messages[r.id()]
	switch {
	case parent == nil:
		return invalid("invalid message_id")
	case parent.deleted:
		return refusal(230011, "The message is recalled.")
	case parent.only != "":
		return refusal(230054, "This operation is not supported for this message type.")
	}
	if refused, ok := s.writable(s.chats[parent.chat]); !ok {
		return refused
	}
	m := &message{chat: parent.chat, sender: botOpenID}
	if refused, ok := s.fill(m, r); !ok {
		return refused
	}
	s.answers(m, parent, r.body["reply_in_thread"] == true)
	return s.accept(m, r)
}

// writable tells whether the bot may write in a chat.
func (s *Server) writable(c *chat) (refused reply, ok bool) {
	if !c.bot {
		return refusal(230002, "The bot can not be outside the group."), false
	}
	if u := s.users[c.direct]; u != nil && u.Hidden {
		return refusal(230013, "Bot has NO availability to this user."), false
	}
	who := "group " + c.id
	if c.direct != "" {
		who = "person " + c.direct
	}
	if _, ok := s.within(who, 5, time.Second, s.cfg.Limits); !ok {
		return refusal(230020, "This operation triggers the frequency limit."), false
	}
	return reply{}, true
}

// already answers a call with the message that the same uuid has sent within the hour.
// im-v1/message/create: "持有相同 uuid 的请求，在 1 小时内至多成功发送一条消息".
func (s *Server) already(r *request) (earlier reply, ok bool) {
	key := r.str("uuid")
	if n := utf8.RuneCountInString(key); n > cardjson.MaxUUID {
		s.Violate("%s: the uuid has %d characters, at most %d are allowed", r.http.URL.Path, n, cardjson.MaxUUID)
		return invalid("the length of uuid is over 50"), true
	}
	if before, there := s.uuids[key]; there && key != "" && s.now().Sub(before.at) < cardjson.UUIDHours*time.Hour {
		return done(s.describe(s.messages[before.id])), true
	}
	return reply{}, false
}

func (s *Server) accept(m *message, r *request) reply {
	m.uuid = r.str("uuid")
	s.post(m)
	if m.uuid != "" {
		s.uuids[m.uuid] = sent{id: m.id, at: m.at}
	}
	return done(s.describe(m))
}

// fill puts the content of a request into a message.
func (s *Server) fill(m *message, r *request) (refused reply, ok bool) {
	content, isString := r.body["content"].(string)
	if !isString || !json.Valid([]byte(content)) {
		s.Violate("%s: content must be JSON in a string", r.http.URL.Path)
		return invalid("content is not a string in json format"), false
	}
	kind := r.str("msg_type")
	limit := cardjson.MaxRequest
	if kind == "text" {
		limit = cardjson.MaxText
	}
	if len(r.raw) > limit {
		s.Violate("%s: the request has %d bytes, at most %d are allowed", r.http.URL.Path, len(r.raw), limit)
		return refusal(230025, "The length of the message content reaches its limit."), false
	}
	switch kind {
	case "text":
		var text struct{ Text string }
		if json.Unmarshal([]byte(content), &text) != nil || text.Text == "" {
			return invalid("text is empty"), false
		}
		m.content = content
	case "post":
		m.content = content
	case "interactive":
		if refused, ok := s.taken([]byte(content), r.http.URL.Path); !ok {
			return refused, false
		}
		m.card = json.RawMessage(content)
	default:
		return invalid("invalid msg_type"), false
	}
	m.kind = kind
	return reply{}, true
}

// taken tells whether Feishu takes a card. The answers are those of im-v1/message/create,
// "230099 子错误码".
func (s *Server) taken(card []byte, where string) (refused reply, ok bool) {
	if problems := cardjson.Check(card); len(problems) > 0 {
		s.Violate("%s: bad card: %v", where, problems)
		p := problems[0]
		if p.Code == cardjson.BadRequest {
			return refusal(230025, "The length of the message content reaches its limit."), false
		}
		return refusal(230099, fmt.Sprintf("Failed to create card content, ext=ErrCode: %d; ErrMsg: %s; ErrorValue: %s, path: %s; ",
			p.Code, explain(p.Code), p.What, p.Path)), false
	}
	for _, id := range people(card) {
		if id != "all" && s.users[id] == nil && id != botOpenID {
			s.Violate("%s: bad card: nobody is %s", where, id)
			return refusal(230099, "Failed to create card content, ext=ErrCode: 100290; ErrMsg: There is an invalid user resource(at/person) in your card; ErrorValue: "+id), false
		}
	}
	return reply{}, true
}

func explain(code int) string {
	switch code {
	case cardjson.OldTag:
		return "cards of schema V2 no longer support this capability"
	case cardjson.OverLimit:
		return "element exceeds the limit"
	}
	return "parse card json err, please check whether the card json is correct"
}

// describe is a message as the API returns it. im-v1/message/get: the JSON of 2.0 cards is
// not returned.
func (s *Server) describe(m *message) map[string]any {
	sender := map[string]any{"id": m.sender, "id_type": byOpenID, "sender_type": "user", "tenant_key": tenantKey}
	if m.sender == botOpenID {
		sender["id"], sender["id_type"], sender["sender_type"] = s.cfg.AppID, "app_id", "app"
	}
	content := m.content
	if m.card != nil {
		content = `{"title":"","elements":[]}`
	}
	d := map[string]any{
		"message_id": m.id, "msg_type": m.kind, "chat_id": m.chat, "sender": sender,
		"create_time": milli(m.at), "update_time": milli(m.changed), "deleted": m.deleted, "updated": m.edits > 0,
		"body": map[string]any{"content": content},
	}
	for key, value := range map[string]string{"root_id": m.root, "parent_id": m.parent, "thread_id": m.thread} {
		if value != "" {
			d[key] = value
		}
	}
	return d
}

func milli(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
