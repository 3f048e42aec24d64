package slacktest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"slipway/bot/slack/blockkit"
)

// postMessage posts to a channel, or to a person's direct conversation.
func (s *Server) postMessage(a arguments) (answer, *refusal) {
	r, bad := s.target(a.str("channel"))
	if bad != nil {
		return nil, bad
	}
	c, bad := s.content(a, blockkit.MessageText)
	if bad != nil {
		return nil, bad
	}
	m := &message{channel: r.ID, thread: a.str("thread_ts"), user: botUser, bot: true, versions: []content{c}, broadcast: a.yes("reply_broadcast")}
	if a.has("metadata") {
		metadata, bad := metadataOf(a)
		if bad != nil {
			return nil, bad
		}
		m.metadata = metadata
	}
	s.put(m)
	s.echo(m, "")
	return answer{"channel": r.ID, "ts": m.ts, "message": s.render(m)}, nil
}

func metadataOf(a arguments) (json.RawMessage, *refusal) {
	metadata := a.raw("metadata")
	if problems := blockkit.CheckMetadata(metadata); problems != nil {
		return nil, problem("invalid_metadata_format", problems)
	}
	return metadata, nil
}

// target finds where a message is to go.
func (s *Server) target(channel string) (*room, *refusal) {
	if u := s.users[channel]; u != nil {
		if !s.allowed("im:write") {
			return nil, &refusal{code: "missing_scope", more: answer{"needed": "im:write"}}
		}
		return s.direct(u.ID), nil
	}
	r := s.channels[channel]
	switch {
	case r == nil:
		return nil, refuse("channel_not_found")
	case !r.Bot && r.Private:
		return nil, refuse("channel_not_found")
	case !r.Bot && !s.allowed("chat:write.public"):
		return nil, refuse("not_in_channel")
	}
	return r, nil
}

// allowed tells whether the bot has a scope.
func (s *Server) allowed(scope string) bool {
	return slices.Contains(s.tokens[s.cfg.BotToken].scopes, scope)
}

// content reads and checks what a message is to say.
func (s *Server) content(a arguments, longest int) (content, *refusal) {
	c := content{text: a.str("text")}
	if a.str("text") == "null" {
		c.text = ""
	}
	if len(bytes.TrimSpace(a.raw("attachments"))) > 0 {
		list, problems := readList(a.raw("attachments"))
		for _, attachment := range list {
			raw, _ := json.Marshal(attachment) // it was read from JSON
			problems = append(problems, blockkit.CheckAttachment(raw)...)
		}
		if problems != nil {
			return c, problem("invalid_attachments", problems)
		}
		c.attachments = list
	}
	blocks := a.raw("blocks")
	checked := c.text
	if checked == "" && len(c.attachments) > 0 {
		checked = " " // attachments are enough
	}
	if problems := blockkit.CheckMessage(checked, blocks); problems != nil {
		return c, problem("invalid_blocks", problems)
	}
	if blockkit.Len(c.text) > longest {
		return c, refuse("msg_too_long")
	}
	list, _ := readList(blocks) // CheckMessage read it
	if len(list) > 0 && strings.TrimSpace(c.text) == "" {
		s.Violate("a message has blocks but no text for notifications")
	}
	c.blocks = s.withIDs(list)
	for _, attachment := range c.attachments {
		if o, ok := attachment.(map[string]any); ok {
			inner, _ := o["blocks"].([]any)
			s.withIDs(inner)
		}
	}
	return c, nil
}

func readList(raw json.RawMessage) ([]any, []blockkit.Problem) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	var list []any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		return nil, []blockkit.Problem{{What: "must provide an array"}}
	}
	return list, nil
}

// problem makes the refusal for what blockkit found.
func problem(code string, problems []blockkit.Problem) *refusal {
	bad := &refusal{code: code}
	for _, p := range problems {
		if p.Code != "" {
			bad.code = p.Code
		}
		bad.messages = append(bad.messages, p.String())
	}
	return bad
}

func (s *Server) postEphemeral(a arguments) (answer, *refusal) {
	user := a.str("user")
	r := s.channels[a.str("channel")]
	switch {
	case r == nil, !r.Bot && r.Private:
		return nil, refuse("channel_not_found")
	case !r.Bot:
		return nil, refuse("not_in_channel")
	case s.users[user] == nil:
		return nil, refuse("user_not_found")
	case !r.member(user):
		return nil, refuse("user_not_in_channel")
	}
	c, bad := s.content(a, blockkit.MessageText)
	if bad != nil {
		return nil, bad
	}
	m := s.put(&message{channel: r.ID, thread: a.str("thread_ts"), user: botUser, bot: true, only: user, versions: []content{c}})
	return answer{"message_ts": m.ts}, nil
}

// own finds a message of the bot that is to be changed.
func (s *Server) own(a arguments, otherwise string) (*message, *refusal) {
	r := s.channels[a.str("channel")]
	if r == nil || !r.Bot && r.Private {
		return nil, refuse("channel_not_found")
	}
	m := s.find(r.ID, a.str("ts"))
	switch {
	case m == nil, m.only != "":
		return nil, refuse("message_not_found")
	case !m.bot:
		return nil, refuse(otherwise)
	}
	return m, nil
}

func (s *Server) updateMessage(a arguments) (answer, *refusal) {
	m, bad := s.own(a, "cant_update_message")
	if bad != nil {
		return nil, bad
	}
	old := m.now()
	c, bad := s.content(a, blockkit.UpdateText)
	if bad != nil {
		return nil, bad
	}
	if _, given := a["blocks"]; !given && c.text == "" {
		c.blocks = old.blocks // who changes only attachments keeps the blocks
	}
	if a.has("metadata") {
		metadata, bad := metadataOf(a)
		if bad != nil {
			return nil, bad
		}
		m.metadata = metadata
	}
	s.edit(m, c)
	s.echo(m, "message_changed")
	return answer{"channel": m.channel, "ts": m.ts, "text": c.text, "message": s.render(m)}, nil
}

func (s *Server) deleteMessage(a arguments) (answer, *refusal) {
	m, bad := s.own(a, "cant_delete_message")
	if bad != nil {
		return nil, bad
	}
	s.remove(m)
	s.echo(m, "message_deleted")
	return answer{"channel": m.channel, "ts": m.ts}, nil
}

func (s *Server) permalink(a arguments) (answer, *refusal) {
	r := s.channels[a.str("channel")]
	if r == nil {
		return nil, refuse("channel_not_found")
	}
	m := s.find(r.ID, a.str("message_ts"))
	if m == nil || m.only != "" {
		return nil, refuse("message_not_found")
	}
	link := "https://" + domain + ".slack.com/archives/" + r.ID + "/p" + strings.ReplaceAll(m.ts, ".", "")
	if m.thread != "" {
		link += "?thread_ts=" + m.thread + "&cid=" + r.ID
	}
	return answer{"channel": r.ID, "permalink": link}, nil
}

func (s *Server) unfurlMessage(a arguments) (answer, *refusal) {
	channel, ts := a.str("channel"), a.str("ts")
	if id := a.str("unfurl_id"); id != "" {
		channel, ts, _ = strings.Cut(id, "/") // as the link_shared event made it
	}
	m := s.find(channel, ts)
	if m == nil {
		return nil, refuse("cannot_find_message")
	}
	var unfurls map[string]json.RawMessage
	if err := json.Unmarshal(a.raw("unfurls"), &unfurls); err != nil || len(unfurls) == 0 {
		return nil, refuse("missing_unfurls")
	}
	for url, raw := range unfurls {
		if !strings.Contains(unescape(m.now().text), url) {
			return nil, refuse("cannot_unfurl_url")
		}
		if problems := blockkit.CheckAttachment(raw); problems != nil {
			return nil, problem("invalid_blocks", problems)
		}
		var attachment map[string]any
		if err := json.Unmarshal(raw, &attachment); err != nil {
			return nil, refuse("invalid_attachments")
		}
		inner, _ := attachment["blocks"].([]any)
		s.withIDs(inner)
		m.unfurls = slices.DeleteFunc(m.unfurls, func(u unfurl) bool { return u.url == url })
		m.unfurls = append(m.unfurls, unfurl{url: url, attachment: attachment})
	}
	s.showTo(s.audience(m)...)
	return nil, nil
}

// render is a message as the app gets it.
func (s *Server) render(m *message) map[string]any {
	c := m.now()
	o := map[string]any{"type": "message", "user": m.user, "ts": m.ts, "text": c.text, "team": s.cfg.Team}
	if m.bot {
		o["bot_id"], o["app_id"] = botID, s.cfg.AppID
		o["bot_profile"] = map[string]any{"id": botID, "app_id": s.cfg.AppID, "user_id": botUser, "name": botName, "team_id": s.cfg.Team}
	}
	if len(c.blocks) > 0 {
		o["blocks"] = c.blocks
	}
	attachments := slices.Clone(c.attachments)
	for i, u := range m.unfurls {
		shown := map[string]any{"id": i + 1, "app_unfurl_url": u.url, "is_app_unfurl": true, "from_url": u.url}
		for k, v := range u.attachment {
			shown[k] = v
		}
		attachments = append(attachments, shown)
	}
	if len(attachments) > 0 {
		o["attachments"] = attachments
	}
	if m.thread != "" {
		o["thread_ts"] = m.thread
		if root := s.find(m.channel, m.thread); root != nil {
			o["parent_user_id"] = root.user
		}
	}
	if replies := s.answers(m); replies > 0 {
		o["thread_ts"], o["reply_count"] = m.ts, replies
	}
	if len(m.versions) > 1 {
		o["edited"] = map[string]any{"user": m.user, "ts": m.ts}
	}
	return o
}

// answers counts the messages in the thread of a message.
func (s *Server) answers(m *message) int {
	n := 0
	for _, other := range s.messages[m.channel] {
		if other.thread == m.ts && !other.gone && other.only == "" {
			n++
		}
	}
	return n
}
