package feishutest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"slipway/bot/screen"
)

// Command implements screen.Person: in a group it mentions the bot, in the direct chat it is
// just written.
func (p person) Command(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	return p.write(ctx, room, thread, text, true)
}

// Write implements screen.Person.
func (p person) Write(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	return p.write(ctx, room, thread, text, false)
}

// write posts a text and tells the app of it, if it may know.
func (p person) write(ctx context.Context, room, thread, text string, toBot bool) (screen.Answer, error) {
	s := p.s
	s.mu.Lock()
	m, err := p.text(room, thread, text, toBot)
	if err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	e, told := p.messageEvent(m, toBot)
	s.mu.Unlock()
	if !told {
		return screen.Answer{}, nil
	}
	since := time.Now()
	before := p.count()
	if _, err := s.tell(ctx, e); err != nil {
		return screen.Answer{}, err
	}
	took := time.Since(since)
	if toBot || room == s.Direct(p.id) {
		p.linger(ctx, before)
	}
	return screen.Answer{Took: took}, nil
}

// text posts a text message. It is called with the lock.
func (p person) text(room, thread, text string, toBot bool) (*message, error) {
	s := p.s
	c, err := p.place(room)
	if err != nil {
		return nil, err
	}
	if toBot && c.direct == "" {
		text = "@" + botName + " " + text
	}
	content, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return nil, err
	}
	m := &message{chat: c.id, sender: p.id, kind: "text", content: string(content)}
	if thread != "" {
		head := s.messages[thread]
		if head == nil || !s.sees(p.id, head) || head.inThread || head.chat != c.id {
			return nil, notThere("no message %s in %s", thread, room)
		}
		s.answers(m, head, true)
	}
	return s.post(m), nil
}

// messageEvent is the event for a message; told is false if the bot may not know of it.
// im-v1/message/events/receive: the scopes decide. It is called with the lock.
func (p person) messageEvent(m *message, toBot bool) (e event, told bool) {
	s := p.s
	c := s.chats[m.chat]
	scopes := []string{"im:message", "im:message.p2p_msg:readonly", "im:message.p2p_msg"}
	kind := "p2p"
	if c.direct == "" {
		kind = "group"
		scopes = []string{"im:message.group_msg"}
		if toBot {
			scopes = append(scopes, "im:message", "im:message.group_at_msg:readonly", "im:message.group_at_msg")
		}
	}
	if !c.bot || !slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(s.scopes, scope) }) {
		return event{}, false
	}
	content := m.content
	about := map[string]any{
		"message_id": m.id, "create_time": milli(m.at), "update_time": milli(m.at), "chat_id": m.chat, "chat_type": kind,
		"message_type": "text",
		"user_agent":   "Mozilla/5.0 Lark/7.50.0 LarkLocale/" + strings.ReplaceAll(s.users[p.id].Locale, "-", "_"),
	}
	if toBot && kind == "group" {
		text, err := json.Marshal(map[string]string{"text": strings.Replace(textOf(m.content), "@"+botName, "@_user_1", 1)})
		if err != nil {
			panic(err) // it is a string
		}
		content = string(text)
		about["mentions"] = []any{map[string]any{
			"key": "@_user_1", "id": map[string]any{"open_id": botOpenID, "union_id": unionID(botOpenID), "user_id": nil},
			"name": botName, "mentioned_type": "bot", "tenant_key": tenantKey,
		}}
	}
	about["content"] = content
	for key, value := range map[string]string{"root_id": m.root, "parent_id": m.parent, "thread_id": m.thread} {
		if value != "" {
			about[key] = value
		}
	}
	return s.newEvent(eventMessage, map[string]any{
		"sender":  map[string]any{"sender_id": p.operator(), "sender_type": "user", "tenant_key": tenantKey},
		"message": about,
	}), true
}

// count returns how much the bot has shown to the person so far.
func (p person) count() int {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, m := range s.messages {
		if m.sender == botOpenID && s.sees(p.id, m) {
			n += 1 + m.edits
		}
	}
	return n
}

// linger waits until the bot has shown something, for a while.
func (p person) linger(ctx context.Context, before int) {
	end := time.NewTimer(p.s.cfg.Linger)
	defer end.Stop()
	for {
		changed := p.s.Changed()
		if p.count() > before {
			return
		}
		select {
		case <-changed:
		case <-end.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// OpenHome implements screen.Person: it enters the direct chat with the bot and returns the
// newest message of the bot in it.
func (p person) OpenHome(ctx context.Context) (screen.Message, error) {
	s := p.s
	s.mu.Lock()
	c := s.directChat(p.id)
	if c == nil {
		s.mu.Unlock()
		return screen.Message{}, notThere("nobody is %s", p.id)
	}
	about := map[string]any{"chat_id": c.id, "operator_id": p.operator()}
	if n := len(c.messages); n > 0 {
		last := s.messages[c.messages[n-1]]
		about["last_message_id"], about["last_message_create_time"] = last.id, milli(last.at)
	}
	e := s.newEvent(eventEntered, about)
	s.mu.Unlock()
	before := p.count()
	if _, err := s.tell(ctx, e); err != nil {
		return screen.Message{}, err
	}
	p.linger(ctx, before)
	messages := p.Look(c.id)
	for _, m := range slices.Backward(messages) {
		if m.Bot {
			return m, nil
		}
	}
	return screen.Message{}, notThere("the bot has shown nothing to %s", p.id)
}

// Menu presses an entry of the bot's menu, which stands below the direct chat.
func (s *Server) Menu(ctx context.Context, openID, key string) (screen.Answer, error) {
	p := person{s: s, id: openID}
	s.mu.Lock()
	if s.users[openID] == nil {
		s.mu.Unlock()
		return screen.Answer{}, notThere("nobody is %s", openID)
	}
	e := s.newEvent(eventMenu, map[string]any{
		"operator":  map[string]any{"operator_name": s.nameOf(openID), "operator_id": p.operator()},
		"event_key": key, "timestamp": s.now().Unix(),
	})
	s.mu.Unlock()
	since, before := time.Now(), p.count()
	if _, err := s.tell(ctx, e); err != nil {
		return screen.Answer{}, err
	}
	took := time.Since(since)
	p.linger(ctx, before)
	return screen.Answer{Took: took}, nil
}
