package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"slipway/bot/screen"
	"slipway/bot/slack/blockkit"
)

// slash types the slash command.
func (p *Person) slash(ctx context.Context, room, text string) (screen.Answer, error) {
	text = p.typed(text)
	s := p.s
	s.mu.Lock()
	r, err := p.enter(room)
	if err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	since := s.seq
	h := &hook{user: p.id, room: r.ID}
	d := delivery{kind: "slash_commands", payload: map[string]any{
		"token": "slacktest", "team_id": s.cfg.Team, "team_domain": domain, "channel_id": r.ID, "channel_name": r.Name,
		"user_id": p.id, "user_name": handle(s.users[p.id]), "command": s.cfg.Command, "text": text, "api_app_id": s.cfg.AppID,
		"is_enterprise_install": "false", "response_url": s.newHook(h), "trigger_id": s.newTrigger(p.id, r.ID),
	}}
	s.mu.Unlock()

	reply, err := s.send(ctx, d)
	if err != nil {
		return screen.Answer{Took: reply.took}, err
	}
	if len(reply.body) > 0 {
		if err := s.slashReply(h, reply.body); err != nil {
			return screen.Answer{Took: reply.took}, err
		}
	}
	return p.answer(ctx, since, h, reply.took, waitForAnswer), nil
}

// slashReply shows what the app answered to a slash command at once: JSON, or a text.
func (s *Server) slashReply(h *hook, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := arguments{}
	if body[0] != '{' {
		a["text"], _ = json.Marshal(string(body)) // a string
	} else if err := json.Unmarshal(body, &a); err != nil {
		s.Violate("a slash command was answered with broken JSON")
		return fmt.Errorf("read answer to slash command: %w", err)
	}
	if len(a) == 0 {
		return nil
	}
	c, bad := s.content(a, blockkit.MessageText)
	if bad != nil {
		s.Violate("a slash command was answered with %s: %v", bad.code, bad.messages)
		return fmt.Errorf("answer to slash command: %s %v", bad.code, bad.messages)
	}
	s.show(h, c, a.str("response_type"), "")
	return nil
}

// Paste implements screen.Person.
func (p *Person) Paste(ctx context.Context, room, link string) (string, error) {
	if _, err := url.Parse(link); err != nil {
		return "", fmt.Errorf("paste: %w", err)
	}
	s := p.s
	s.mu.Lock()
	r, err := p.enter(room)
	if err != nil {
		s.mu.Unlock()
		return "", err
	}
	m := s.put(&message{channel: r.ID, user: p.id, versions: []content{{text: "<" + escaper.Replace(link) + ">"}}})
	events, told := s.said(m), len(s.linked(m)) > 0
	s.mu.Unlock()
	if _, err := s.sendAll(ctx, events); err != nil {
		return "", err
	}
	if !told {
		return "", nil
	}
	s.linger(ctx, func() bool { return len(m.unfurls) > 0 })
	s.mu.Lock()
	defer s.mu.Unlock()
	var shown page
	for _, u := range m.unfurls {
		p.reader().attachment(&shown, u.attachment, handleOf{}, u.url)
	}
	return shown.text(), nil
}

// OpenHome implements screen.Person. The message's ID is that of the view, its Room is "".
func (p *Person) OpenHome(ctx context.Context) (screen.Message, error) {
	s := p.s
	s.mu.Lock()
	if err := p.known(); err != nil {
		s.mu.Unlock()
		return screen.Message{}, err
	}
	versions := 0
	ts, _ := s.ts()
	inner := map[string]any{"type": "app_home_opened", "user": p.id, "channel": s.direct(p.id).ID, "tab": "home", "event_ts": ts}
	if home := s.homes[p.id]; home != nil {
		versions = len(home.versions)
		inner["view"] = s.renderView(home)
	}
	d := s.event(inner)
	subscribed := s.subscribed("app_home_opened")
	s.mu.Unlock()
	if subscribed {
		if _, err := s.send(ctx, d); err != nil {
			return screen.Message{}, err
		}
		s.linger(ctx, func() bool { return s.homes[p.id] != nil && len(s.homes[p.id].versions) > versions })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.seeHome()
}

// Home returns the person's home page as it is now, without telling the app.
func (p *Person) Home() (screen.Message, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.seeHome()
}

func (p *Person) seeHome() (screen.Message, error) {
	home := p.s.homes[p.id]
	if home == nil {
		return screen.Message{}, fmt.Errorf("home page: %w", screen.ErrNotThere)
	}
	var read page
	version := len(home.versions) - 1
	p.reader().blocks(&read, home.versions[version], handleOf{Version: version})
	raw, err := json.Marshal(home.definition)
	if err != nil {
		return screen.Message{}, fmt.Errorf("write home page: %w", err)
	}
	return screen.Message{
		ID: home.id, Author: botUser, Bot: true, Text: read.text(), Buttons: read.buttons(), Only: true, Edits: version, Raw: raw, At: p.s.cfg.Now(),
	}, nil
}
