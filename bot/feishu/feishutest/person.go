package feishutest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway/bot/screen"
)

// person is somebody's client.
type person struct {
	s  *Server
	id string
}

var _ screen.Person = person{}

// Person implements screen.Chat; account is an open id.
func (s *Server) Person(account string) screen.Person { return person{s: s, id: account} }

// notThere says that a person cannot do something.
func notThere(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{screen.ErrNotThere}, args...)...)
}

// reader returns how somebody reads. It is called with the lock.
func (s *Server) reader(openID string) reader {
	rd := reader{name: s.nameOf, zone: time.UTC, locale: "en_us"}
	if u := s.users[openID]; u != nil {
		rd.locale = strings.ToLower(strings.ReplaceAll(u.Locale, "-", "_"))
		if zone, err := time.LoadLocation(u.TZ); err == nil {
			rd.zone = zone
		}
	}
	return rd
}

// nameOf is the name of an account. It is called with the lock.
func (s *Server) nameOf(openID string) string {
	switch u := s.users[openID]; {
	case u != nil:
		return u.Name
	case openID == botOpenID:
		return botName
	case strings.HasPrefix(openID, centerChats):
		return centerName
	case openID == "all":
		return "所有人"
	}
	return openID
}

// Rooms implements screen.Person.
func (p person) Rooms() []screen.Room {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	var rooms []screen.Room
	for _, id := range s.rooms {
		if c := s.chats[id]; c.direct == "" && slices.Contains(c.members, p.id) {
			rooms = append(rooms, screen.Room{ID: c.id, Name: c.name})
		}
	}
	if c := s.directChat(p.id); c != nil {
		rooms = append(rooms, screen.Room{ID: c.id, Name: botName, Direct: true})
	}
	return rooms
}

// Look implements screen.Person.
func (p person) Look(room string) []screen.Message {
	return p.messages(room, func(m *message) bool { return !m.inThread })
}

// Thread implements screen.Person.
func (p person) Thread(room, head string) []screen.Message {
	return p.messages(room, func(m *message) bool { return m.inThread && m.root == head })
}

func (p person) messages(room string, wanted func(*message) bool) []screen.Message {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[room]
	if c == nil {
		return nil
	}
	var all []screen.Message
	for _, id := range c.messages {
		if m := s.messages[id]; s.sees(p.id, m) && wanted(m) {
			all = append(all, p.show(m))
		}
	}
	return all
}

// show is a message as the person sees it. It is called with the lock.
func (p person) show(m *message) screen.Message {
	rd := p.s.reader(p.id)
	seen := screen.Message{
		ID: m.id, Room: m.chat, Author: m.sender, Bot: m.sender == botOpenID, Only: m.only != "", Edits: m.edits, At: m.at,
		Raw: slices.Clone(m.card),
	}
	if m.inThread {
		seen.Thread = m.root
	}
	if m.card != nil {
		v := rd.look(m.card)
		seen.Text = strings.Join(v.lines, "\n")
		for _, b := range v.buttons {
			seen.Buttons = append(seen.Buttons, b.Button)
		}
		return seen
	}
	seen.Raw = []byte(m.content)
	seen.Text = rd.shown(m)
	if link := p.s.previews[m.preview]; link != nil && link.text != "" {
		seen.Text += "\n" + link.text
	}
	return seen
}

// shown is a text message as it is read. What the bot mentions is marked as in cards.
func (rd reader) shown(m *message) string {
	if m.kind != "text" {
		return m.content
	}
	if m.sender != botOpenID {
		return textOf(m.content)
	}
	return mdAt.ReplaceAllStringFunc(textOf(m.content), func(found string) string {
		return "@" + rd.name(mdAt.FindStringSubmatch(found)[1])
	})
}

// place returns the chat that the person is in. It is called with the lock.
func (p person) place(room string) (*chat, error) {
	s := p.s
	if s.users[p.id] == nil {
		return nil, notThere("nobody is %s", p.id)
	}
	if c := s.directChat(p.id); c.id == room {
		return c, nil
	}
	c := s.chats[room]
	if c == nil || !slices.Contains(c.members, p.id) {
		return nil, notThere("%s is not in %s", p.id, room)
	}
	return c, nil
}

// operator is the person in events. It is called with the lock.
func (p person) operator() map[string]any {
	ids := map[string]any{"open_id": p.id, "union_id": unionID(p.id)}
	if slices.Contains(p.s.scopes, "contact:user.employee_id:readonly") {
		ids["user_id"] = userID(p.id)
	}
	return ids
}

// zone names the person's time zone. It is called with the lock.
func (p person) zone() string { return p.s.users[p.id].TZ }
