package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"slipway/bot/standin"
)

// room is a channel or a direct conversation.
type room struct {
	Channel
	im string // whose conversation with the bot it is, "" for a channel
}

// message is one message with all that it ever said.
type message struct {
	ts, channel, thread string
	user                string
	bot                 bool
	only                string // who alone sees it
	gone                bool
	broadcast           bool // a reply that the room shows too
	versions            []content
	unfurls             []unfurl
	metadata            json.RawMessage
	via                 *hook // whose response address it came through
	at                  time.Time
	seq                 int
}

// content is what a message says; blocks and attachments are JSON lists or null.
type content struct {
	text                string
	blocks, attachments []any
}

// unfurl is what stands below a link of a message.
type unfurl struct {
	url        string
	attachment map[string]any
}

func (m *message) now() content { return m.versions[len(m.versions)-1] }

// AddUser adds a person, or changes one.
func (s *Server) AddUser(u User) {
	standin.OrElse(&u.TZ, "UTC")
	standin.OrElse(&u.Locale, "en-US")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[u.ID] == nil {
		s.order = append(s.order, u.ID)
	}
	s.users[u.ID] = &u
	s.change()
}

// AddChannel adds a channel, or changes one.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Members = slices.Clone(c.Members)
	if s.channels[c.ID] == nil {
		s.rooms = append(s.rooms, c.ID)
	}
	s.channels[c.ID] = &room{Channel: c}
	s.change()
}

// AddUserGroup adds a group that can be mentioned, or changes one.
func (s *Server) AddUserGroup(id string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[id] = slices.Clone(members)
}

// change wakes everybody who waits for something to be seen. It is called with the lock.
func (s *Server) change() {
	s.seq++
	close(s.changed)
	s.changed = make(chan struct{})
}

// showTo notes that the app showed something to these people. It is called with the lock.
func (s *Server) showTo(accounts ...string) {
	s.change()
	if s.via != nil {
		s.via.shown = true // in answer to one deed, and to no other
		return
	}
	for _, a := range accounts {
		s.shown[a] = s.seq
	}
}

// audience are the people who see a message.
func (s *Server) audience(m *message) []string {
	if m.only != "" {
		return []string{m.only}
	}
	r := s.channels[m.channel]
	if r.im != "" {
		return []string{r.im}
	}
	return r.Members
}

// direct returns somebody's conversation with the bot, which always exists.
func (s *Server) direct(account string) *room {
	id := "D" + account
	if s.channels[id] == nil {
		s.channels[id] = &room{Channel: Channel{ID: id, Name: "directmessage", Members: []string{account}, Bot: true}, im: account}
	}
	return s.channels[id]
}

// find returns a message of a channel that somebody may act on; nil if there is none.
func (s *Server) find(channel, ts string) *message {
	for _, m := range s.messages[channel] {
		if m.ts == ts && !m.gone {
			return m
		}
	}
	return nil
}

// ts returns a timestamp that no other message has.
func (s *Server) ts() (string, time.Time) {
	now := s.cfg.Now()
	s.last = max(now.UnixMicro(), s.last+1)
	return fmt.Sprintf("%d.%06d", s.last/1e6, s.last%1e6), now
}

// id returns a new id that begins with a prefix.
func (s *Server) id(prefix string) string {
	s.count++
	return fmt.Sprintf("%s%s%04X", prefix, s.stamp, s.count)
}

// put stores a new message.
func (s *Server) put(m *message) *message {
	m.ts, m.at = s.ts()
	m.via = s.via
	if root := s.find(m.channel, m.thread); root == nil {
		m.thread = "" // Slack posts an answer to what is gone into the channel
	} else if root.thread != "" {
		m.thread = root.thread
	}
	s.messages[m.channel] = append(s.messages[m.channel], m)
	if m.bot {
		s.showTo(s.audience(m)...)
	} else {
		s.change()
	}
	m.seq = s.seq
	return m
}

// edit changes what a message says.
func (s *Server) edit(m *message, c content) {
	m.versions = append(m.versions, c)
	s.showTo(s.audience(m)...)
}

// remove takes a message away.
func (s *Server) remove(m *message) {
	m.gone = true
	s.showTo(s.audience(m)...)
}

// member tells whether somebody is in a room.
func (r *room) member(account string) bool {
	if account == botUser {
		return r.Bot
	}
	return slices.Contains(r.Members, account)
}

// kind is the channel_type of events.
func (r *room) kind() string {
	switch {
	case r.im != "":
		return "im"
	case r.Private:
		return "group"
	default:
		return "channel"
	}
}

// withIDs gives ids to the blocks and elements that the app left without one, as Slack
// does.
func (s *Server) withIDs(blocks []any) []any {
	for _, b := range blocks {
		block, ok := b.(map[string]any)
		if !ok {
			continue
		}
		if _, ok := block["block_id"]; !ok {
			block["block_id"] = s.id("b")
		}
		elements, _ := block["elements"].([]any)
		for _, e := range append(slices.Clone(elements), block["accessory"], block["element"]) {
			element, ok := e.(map[string]any)
			if !ok || !interactive(element) {
				continue
			}
			if _, ok := element["action_id"]; !ok {
				element["action_id"] = s.id("a")
			}
		}
	}
	return blocks
}

// interactive tells whether people can use an element.
func interactive(element map[string]any) bool {
	switch element["type"] {
	case "image", "plain_text", "mrkdwn", "rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted":
		return false
	}
	return true
}
