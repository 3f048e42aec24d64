package feishutest

import (
	"context"
	"slices"
	"strconv"
	"time"

	"slipway/bot/feishu/cardjson"
	"slipway/bot/standin"
)

// getMessage returns a message. im-v1/message/get.
func (s *Server) getMessage(r *request) reply {
	m := s.messages[r.id()]
	switch {
	case m == nil:
		return invalid("invalid message_id")
	case !s.chats[m.chat].bot:
		return refusal(230002, "The bot can not be outside the group.")
	}
	return done(map[string]any{"items": []any{s.describe(m)}})
}

// listMessages returns the messages of a chat or thread. im-v1/message/list.
func (s *Server) listMessages(r *request) reply {
	kind, id := r.query("container_id_type"), r.query("container_id")
	var found []*message
	for _, c := range s.chats {
		for _, each := range c.messages {
			m := s.messages[each]
			if kind == "chat" && c.id == id && !m.inThread || kind == "thread" && m.thread == id {
				found = append(found, m)
			}
		}
	}
	if kind != "thread" && (kind != "chat" || s.chats[id] == nil) {
		return invalid("invalid container_id")
	}
	from, to := seconds(r.query("start_time")), seconds(r.query("end_time"))
	found = slices.DeleteFunc(found, func(m *message) bool {
		return m.only != "" || from > 0 && m.at.Unix() < from || to > 0 && m.at.Unix() > to
	})
	if r.query("sort_type") == "ByCreateTimeDesc" {
		slices.Reverse(found)
	}
	size, _ := strconv.Atoi(r.query("page_size"))
	standin.OrElse(&size, 20)
	start, _ := strconv.Atoi(r.query("page_token"))
	end := min(start+size, len(found))
	start = min(start, end)
	items := make([]any, 0, size)
	for _, m := range found[start:end] {
		items = append(items, s.describe(m))
	}
	data := map[string]any{"items": items, "has_more": end < len(found)}
	if end < len(found) {
		data["page_token"] = strconv.Itoa(end)
	}
	return done(data)
}

func seconds(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// urgent presses a message on people. im-v1/message/urgent_app.
func (s *Server) urgent(r *request) reply {
	m := s.messages[r.id()]
	ids, _ := r.body["user_id_list"].([]any)
	kind := r.query("user_id_type")
	standin.OrElse(&kind, byOpenID)
	switch {
	case m == nil || len(ids) == 0 || len(ids) > cardjson.MaxUrgent:
		return invalid("invalid message_id or user_id_list")
	case m.deleted:
		return refusal(230110, "Action unavailable as the message has been deleted.")
	case m.sender != botOpenID:
		return refusal(230012, "Bot is NOT the sender of the message.")
	}
	var strangers []string
	for _, each := range ids {
		id, _ := each.(string)
		u := s.user(kind, id)
		if u == nil || !slices.Contains(s.chats[m.chat].members, u.OpenID) {
			strangers = append(strangers, id)
			continue
		}
		m.urgent = append(m.urgent, u.OpenID)
	}
	if len(strangers) == len(ids) {
		return invalid("invalid user_id_list")
	}
	s.touch()
	return done(map[string]any{"invalid_user_id_list": strangers})
}

// getChat returns what a chat is. im-v1/chat/get.
func (s *Server) getChat(r *request) reply {
	c, refused, ok := s.chatOf(r)
	if !ok {
		return refused
	}
	mode := "group"
	if c.direct != "" {
		mode = "p2p"
	}
	return done(map[string]any{
		"name": c.name, "chat_mode": mode, "chat_type": "private", "group_message_type": "chat", "external": false,
		"tenant_key": tenantKey, "user_count": strconv.Itoa(len(c.members)), "bot_count": "1", "chat_status": "normal",
	})
}

// listMembers returns the people of a chat. im-v1/chat-members/get.
func (s *Server) listMembers(r *request) reply {
	c, refused, ok := s.chatOf(r)
	if !ok {
		return refused
	}
	items := make([]any, 0, len(c.members))
	for _, openID := range c.members {
		name := openID
		if u := s.users[openID]; u != nil {
			name = u.Name
		}
		items = append(items, map[string]any{"member_id_type": byOpenID, "member_id": openID, "name": name, "tenant_key": tenantKey})
	}
	return done(map[string]any{"items": items, "has_more": false, "page_token": "", "member_total": len(items)})
}

func (s *Server) chatOf(r *request) (c *chat, refused reply, ok bool) {
	switch c = s.chats[r.id()]; {
	case c == nil:
		return nil, refusal(232006, "Your request specifies a chat_id which is invalid."), false
	case !c.bot:
		return nil, refusal(232011, "Operator can NOT be out of the chat."), false
	}
	return c, reply{}, true
}

// getUser returns who somebody is. contact/v3/users/get. What a scope is missing for is
// left out.
func (s *Server) getUser(r *request) reply {
	kind := r.query("user_id_type")
	standin.OrElse(&kind, byOpenID)
	u := s.user(kind, r.id())
	switch {
	case u == nil:
		return refusal(41012, "user id invalid error")
	case u.Hidden:
		return refusal(41050, "no user authority")
	}
	about := map[string]any{"open_id": u.OpenID, "union_id": unionID(u.OpenID)}
	if slices.Contains(s.scopes, "contact:user.base:readonly") {
		about["name"], about["en_name"] = u.Name, u.Name
	}
	if slices.Contains(s.scopes, "contact:user.email:readonly") && u.Email != "" {
		about["email"] = u.Email
	}
	if slices.Contains(s.scopes, "contact:user.employee_id:readonly") {
		about["user_id"] = userID(u.OpenID)
	}
	about["status"] = map[string]any{"is_activated": true, "is_frozen": false, "is_resigned": false, "is_exited": false, "is_unjoin": false}
	return done(map[string]any{"user": about})
}

// findUsers returns who has e-mail addresses. contact/v3/users/batch_get_id: an address that
// nobody has comes back without an id.
func (s *Server) findUsers(r *request) reply {
	emails, _ := r.body["emails"].([]any)
	if len(emails) == 0 || len(emails) > cardjson.MaxEmails {
		return refusal(40001, "invalid parameter")
	}
	kind := r.query("user_id_type")
	standin.OrElse(&kind, byOpenID)
	found := make([]any, 0, len(emails))
	for _, each := range emails {
		email, _ := each.(string)
		entry := map[string]any{"email": email}
		if u := s.user(byEmail, email); u != nil && !u.Hidden {
			entry["user_id"] = map[string]string{byOpenID: u.OpenID, byUnionID: unionID(u.OpenID), byUserID: userID(u.OpenID)}[kind]
		}
		found = append(found, entry)
	}
	return done(map[string]any{"user_list": found})
}

// getBot returns who the bot is. bot/v3/info: the answer is not below data.
func (s *Server) getBot(*request) reply {
	return reply{status: 200, body: map[string]any{"code": 0, "msg": "ok", "bot": map[string]any{
		"activate_status": 2, "app_name": botName, "avatar_url": "", "ip_white_list": []string{}, "open_id": botOpenID,
	}}}
}

// getScopes returns what the app was granted. application/v6/scopes: 1 is granted.
func (s *Server) getScopes(*request) reply {
	scopes := make([]any, 0, len(s.scopes))
	for _, scope := range s.scopes {
		scopes = append(scopes, map[string]any{"scope_name": scope, "grant_status": 1, "scope_type": "tenant"})
	}
	return done(map[string]any{"scopes": scopes})
}

// preview is what is shown below a link.
type preview struct {
	token, url, message, by string
	refreshed               time.Time
	text                    string
}

// refreshPreviews asks the app anew for what is shown below links.
// im-v2/url_previews/batch_update: once in five seconds for each.
func (s *Server) refreshPreviews(r *request) reply {
	tokens, _ := r.body["preview_tokens"].([]any)
	if len(tokens) == 0 || len(tokens) > cardjson.MaxPreviewTokens {
		return refusal(230001, "param is invalid")
	}
	for _, each := range tokens {
		text, _ := each.(string)
		p := s.previews[text]
		if p == nil {
			return refusal(230001, "param is invalid")
		}
		if s.now().Sub(p.refreshed) < 5*time.Second {
			continue
		}
		p.refreshed = s.now()
		s.Go(func(ctx context.Context) { _, _ = s.fetchPreview(ctx, p) })
	}
	return done(map[string]any{})
}
