package feishutest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// chat is a group, or the direct chat of a person with the bot.
type chat struct {
	id, name string
	members  []string // open ids
	bot      bool
	direct   string   // whose direct chat it is
	messages []string // ids, oldest first
}

// message is one message with what it shows now.
type message struct {
	id, chat string
	kind     string // text, post or interactive
	sender   string // open id of a person, or botOpenID
	content  string // of a text or post, as JSON
	card     json.RawMessage
	root     string // the message at the head of the thread, or the first of a chain of replies
	parent   string // the message that it answers
	thread   string // id of the thread that it is in or heads
	inThread bool   // it is shown in the thread only
	only     string // whom alone it is shown to
	at       time.Time
	changed  time.Time
	edits    int
	deleted  bool
	urgent   []string // whom it was pressed on
	uuid     string
	preview  string // token of the preview of a link in it
	pending  int    // clicks on it that are not yet answered
	before   json.RawMessage
	revert   bool
}

// Message is a message as it is stored, for assertions.
type Message struct {
	ID, Chat string
	Card     json.RawMessage // as the app sent it last; nil for texts
	Content  string          // of a text, as JSON
	Edits    int
	Deleted  bool
	Only     string   // open id of whom alone it is shown to
	Mentions []string // open ids, or "all"
	Urgent   []string // open ids of whom it was pressed on
}

// Messages returns all messages of the bot, oldest first by chat; of one chat if chat is
// not "".
func (s *Server) Messages(chat string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	for _, room := range s.rooms {
		if chat != "" && room != chat {
			continue
		}
		for _, id := range s.chats[room].messages {
			m := s.messages[id]
			if m.sender != botOpenID {
				continue
			}
			all = append(all, Message{
				ID: m.id, Chat: m.chat, Card: slices.Clone(m.card), Content: m.content, Edits: m.edits, Deleted: m.deleted,
				Only: m.only, Mentions: mentions(m), Urgent: slices.Clone(m.urgent),
			})
		}
	}
	return all
}

// Mentions returns whom a message mentions now: open ids, or "all".
func (s *Server) Mentions(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[id]; m != nil {
		return mentions(m)
	}
	return nil
}

// Direct returns the id of somebody's direct chat with the bot; "" if they are unknown.
func (s *Server) Direct(openID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.directChat(openID); c != nil {
		return c.id
	}
	return ""
}

// Delete takes a message away, as its sender or an administrator does.
func (s *Server) Delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[id]; m != nil {
		m.deleted = true
		s.touch()
	}
}

// directChat returns somebody's direct chat, nil if they are unknown.
func (s *Server) directChat(openID string) *chat {
	if s.users[openID] == nil {
		return nil
	}
	id := "oc_p2p_" + strings.TrimPrefix(openID, "ou_")
	c := s.chats[id]
	if c == nil {
		c = &chat{id: id, members: []string{openID}, bot: true, direct: openID}
		s.chats[id] = c
		s.rooms = append(s.rooms, id)
	}
	return c
}

// post stores a message and shows it.
func (s *Server) post(m *message) *message {
	m.id = s.newID("om_")
	m.at = s.now()
	m.changed = m.at
	s.messages[m.id] = m
	c := s.chats[m.chat]
	c.messages = append(c.messages, m.id)
	s.touch()
	return m
}

// answers puts a message below another one, in its thread if it has one or if asked for.
func (s *Server) answers(m, parent *message, threaded bool) {
	m.parent = parent.id
	m.root = parent.root
	if m.root == "" {
		m.root = parent.id
	}
	head := s.messages[m.root]
	if threaded && head.thread == "" {
		head.thread = s.newID("omt_")
	}
	if threaded || parent.inThread {
		m.inThread, m.thread = true, head.thread
	}
}

// sees tells whether somebody is shown a message.
func (s *Server) sees(openID string, m *message) bool {
	c := s.chats[m.chat]
	return c != nil && !m.deleted && slices.Contains(c.members, openID) && (m.only == "" || m.only == openID)
}

// tooOld tells whether a card can no longer be pressed or changed.
func (s *Server) tooOld(m *message) bool { return s.now().Sub(m.at) > cardAge }

// show replaces what a card shows.
func (s *Server) show(m *message, card json.RawMessage) {
	m.card = slices.Clone(card)
	m.edits++
	m.changed = s.now()
	s.touch()
}
