package slacktest

import (
	"context"
	"encoding/json"
	"fmt"

	"slipway/bot/screen"
)

// Press implements screen.Person.
func (p *Person) Press(ctx context.Context, message screen.Message, b screen.Button) (screen.Answer, error) {
	return p.press(ctx, message, b, p.pressNow)
}

// PressSeen implements screen.Person.
func (p *Person) PressSeen(ctx context.Context, message screen.Message, b screen.Button) (screen.Answer, error) {
	return p.press(ctx, message, b, p.pressThen)
}

// surface is a message or a home page with buttons.
type surface struct {
	message  *message
	home     *view
	versions int
	read     func(version int) page
}

// surface finds what a button stands on, with the lock.
func (p *Person) surface(message screen.Message) (surface, error) {
	if home := p.s.homes[p.id]; home != nil && home.id == message.ID {
		return surface{home: home, versions: len(home.versions), read: func(version int) page {
			var read page
			p.reader().blocks(&read, home.versions[version], handleOf{Version: version})
			return read
		}}, nil
	}
	r, err := p.enter(message.Room)
	if err != nil {
		return surface{}, err
	}
	m := p.s.find(r.ID, message.ID)
	if m == nil || m.only != "" && m.only != p.id {
		return surface{}, fmt.Errorf("message %s: %w", message.ID, screen.ErrNotThere)
	}
	return surface{message: m, versions: len(m.versions), read: func(version int) page { return p.reader().read(m, version) }}, nil
}

// pressThen finds a button as it was in the version that its handle names.
func (p *Person) pressThen(on surface, b screen.Button) (control, bool) {
	var at handleOf
	if json.Unmarshal([]byte(b.Handle), &at) != nil || at.Version < 0 || at.Version >= on.versions {
		return control{}, false
	}
	for _, c := range on.read(at.Version).controls {
		if c.button.Handle == b.Handle {
			return c, true
		}
	}
	return control{}, false
}

// pressNow finds a button as it is: the one with the same label on the same row, or the
// same label and ids if the row reads differently now.
func (p *Person) pressNow(on surface, b screen.Button) (control, bool) {
	now := on.read(on.versions - 1).controls
	for _, c := range now {
		if c.button.Label == b.Label && c.button.Row == b.Row {
			return c, true
		}
	}
	then, ok := p.pressThen(on, b)
	if !ok {
		return control{}, false
	}
	for _, c := range now {
		if c.button.Label == b.Label && c.block == then.block && c.action == then.action {
			return c, true
		}
	}
	return control{}, false
}

// press sends what pressing a button sends.
func (p *Person) press(ctx context.Context, message screen.Message, b screen.Button, choose func(surface, screen.Button) (control, bool)) (screen.Answer, error) {
	s := p.s
	s.mu.Lock()
	if err := p.known(); err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	on, err := p.surface(message)
	if err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	c, ok := choose(on, b)
	if !ok {
		s.mu.Unlock()
		return screen.Answer{}, fmt.Errorf("button %q: %w", b.Label, screen.ErrNotThere)
	}
	if err := b.Answers(c.button); err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	since := s.seq
	var own *hook
	payload := p.interaction("block_actions")
	payload["actions"] = []any{p.action(c)}
	if on.home != nil {
		payload["trigger_id"] = s.newTrigger(p.id, "")
		payload["container"] = map[string]any{"type": "view", "view_id": on.home.id}
		payload["view"] = s.renderView(on.home)
	} else {
		own = p.about(payload, on.message, c.unfurled)
	}
	s.mu.Unlock()

	reply, err := s.send(ctx, delivery{kind: "interactive", payload: payload})
	if err != nil {
		return screen.Answer{Took: reply.took}, err
	}
	s.silent("block_actions", reply)
	wait := waitForAnswer
	if c.button.URL != "" {
		wait = noWait // the page opens
	}
	return p.answer(ctx, since, own, reply.took, wait), nil
}

// silent notes an answer where Slack takes none.
func (s *Server) silent(what string, r reply) {
	if len(r.body) > 0 && string(r.body) != "{}" {
		s.Violate("%s was answered with %.100q; Slack shows nothing of it", what, r.body)
	}
}

// interaction is what every interaction carries, with the lock.
func (p *Person) interaction(kind string) map[string]any {
	u := p.s.users[p.id]
	team := p.s.cfg.Team
	if u.Team != "" {
		team = u.Team
	}
	return map[string]any{
		"type": kind, "token": "slacktest", "api_app_id": p.s.cfg.AppID, "enterprise": nil, "is_enterprise_install": false,
		"team": map[string]any{"id": p.s.cfg.Team, "domain": domain},
		"user": map[string]any{"id": p.id, "username": handle(u), "name": handle(u), "team_id": team},
	}
}

// about adds the message that an interaction happened on, with the lock, and returns
// whose response address it gave.
func (p *Person) about(payload map[string]any, m *message, unfurled string) *hook {
	s := p.s
	container := map[string]any{"type": "message", "message_ts": m.ts, "channel_id": m.channel, "is_ephemeral": m.only != ""}
	if m.thread != "" {
		container["thread_ts"] = m.thread
	}
	if unfurled != "" {
		container["type"], container["is_app_unfurl"], container["app_unfurl_url"] = "message_attachment", true, unfurled
		container["attachment_id"] = 1
		payload["app_unfurl"] = map[string]any{"app_unfurl_url": unfurled, "is_app_unfurl": true, "id": 1}
	}
	payload["container"] = container
	payload["channel"] = map[string]any{"id": m.channel, "name": s.channels[m.channel].Name}
	payload["trigger_id"] = s.newTrigger(p.id, m.channel)
	own := &hook{user: p.id, room: m.channel, message: m}
	payload["response_url"] = s.newHook(own)
	payload["state"] = map[string]any{"values": map[string]any{}}
	if m.only == "" { // Slack leaves out messages that it does not keep
		payload["message"] = s.render(m)
	}
	return own
}

// action is what a pressed button sends of itself.
func (p *Person) action(c control) map[string]any {
	ts, _ := p.s.ts()
	o := map[string]any{"type": c.element["type"], "action_id": c.action, "block_id": c.block, "action_ts": ts}
	if c.option != nil {
		o["selected_option"] = c.option
	} else {
		o["text"] = c.element["text"]
		for _, name := range []string{"value", "style"} {
			if v, ok := c.element[name]; ok {
				o[name] = v
			}
		}
	}
	if v, ok := c.element["confirm"]; ok {
		o["confirm"] = v
	}
	return o
}

// Shortcut uses a shortcut of the app on a message.
func (p *Person) Shortcut(ctx context.Context, room, message, callbackID string) (screen.Answer, error) {
	s := p.s
	s.mu.Lock()
	r, err := p.enter(room)
	if err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	m := s.find(r.ID, message)
	if m == nil || m.only != "" {
		s.mu.Unlock()
		return screen.Answer{}, fmt.Errorf("message %s: %w", message, screen.ErrNotThere)
	}
	since := s.seq
	payload := p.interaction("message_action")
	ts, _ := s.ts()
	payload["callback_id"], payload["action_ts"], payload["message_ts"] = callbackID, ts, m.ts
	payload["trigger_id"] = s.newTrigger(p.id, r.ID)
	own := &hook{user: p.id, room: r.ID}
	payload["response_url"] = s.newHook(own)
	payload["channel"] = map[string]any{"id": r.ID, "name": r.Name}
	payload["message"] = s.render(m)
	s.mu.Unlock()
	return p.use(ctx, payload, since, own)
}

// GlobalShortcut uses a shortcut of the app from anywhere.
func (p *Person) GlobalShortcut(ctx context.Context, callbackID string) (screen.Answer, error) {
	s := p.s
	s.mu.Lock()
	if err := p.known(); err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	since := s.seq
	payload := p.interaction("shortcut")
	ts, _ := s.ts()
	payload["callback_id"], payload["action_ts"], payload["trigger_id"] = callbackID, ts, s.newTrigger(p.id, "")
	s.mu.Unlock()
	return p.use(ctx, payload, since, nil)
}

func (p *Person) use(ctx context.Context, payload map[string]any, since int, own *hook) (screen.Answer, error) {
	reply, err := p.s.send(ctx, delivery{kind: "interactive", payload: payload})
	if err != nil {
		return screen.Answer{Took: reply.took}, err
	}
	p.s.silent("a shortcut", reply)
	return p.answer(ctx, since, own, reply.took, waitForAnswer), nil
}
