package slacktest

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// subscribed tells whether the app gets an event.
func (s *Server) subscribed(name string) bool { return slices.Contains(s.cfg.Events, name) }

// hears tells whether the app gets events about the messages of a room.
func (s *Server) hears(r *room) bool {
	name := map[string]string{"im": "message.im", "group": "message.groups", "channel": "message.channels"}[r.kind()]
	return r.Bot && s.subscribed(name)
}

// event wraps an inner event for delivery, with the lock.
func (s *Server) event(inner map[string]any) delivery {
	id := s.id("Ev")
	return delivery{kind: "events_api", id: id, payload: map[string]any{
		"token": "slacktest", "team_id": s.cfg.Team, "api_app_id": s.cfg.AppID, "event": inner, "type": "event_callback",
		"event_id": id, "event_time": s.cfg.Now().Unix(), "is_ext_shared_channel": false, "event_context": "4-" + id,
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": s.cfg.Team, "user_id": botUser, "is_bot": true, "is_enterprise_install": false,
		}},
	}}
}

// said makes the events that a new message causes, with the lock.
func (s *Server) said(m *message) []delivery {
	r := s.channels[m.channel]
	inner := s.render(m)
	delete(inner, "reply_count")
	inner["channel"], inner["event_ts"], inner["channel_type"] = m.channel, m.ts, r.kind()
	var events []delivery
	if s.hears(r) {
		events = append(events, s.event(inner))
	}
	if m.bot {
		return events
	}
	if r.Bot && r.im == "" && strings.Contains(m.now().text, "<@"+botUser+">") && s.subscribed("app_mention") {
		mention := map[string]any{}
		for k, v := range inner {
			mention[k] = v
		}
		mention["type"] = "app_mention"
		delete(mention, "channel_type")
		events = append(events, s.event(mention))
	}
	return append(events, s.linked(m)...)
}

// linked makes the event for links to the domains that the app asked for.
func (s *Server) linked(m *message) []delivery {
	if !s.subscribed("link_shared") {
		return nil
	}
	var shared []any
	for _, link := range links(m.now().text) {
		u, err := url.Parse(link)
		if err != nil {
			continue
		}
		for _, d := range s.cfg.UnfurlDomains {
			if host := u.Hostname(); host == d || u.Host == d || strings.HasSuffix(host, "."+d) {
				shared = append(shared, map[string]any{"url": link, "domain": d})
				break
			}
		}
	}
	if shared == nil {
		return nil
	}
	inner := map[string]any{
		"type": "link_shared", "user": m.user, "channel": m.channel, "message_ts": m.ts, "links": shared, "event_ts": m.ts,
		"source": "conversations_history", "unfurl_id": m.channel + "/" + m.ts, "is_bot_user_member": s.channels[m.channel].Bot,
	}
	if m.thread != "" {
		inner["thread_ts"] = m.thread
	}
	return []delivery{s.event(inner)}
}

// links returns the addresses in a message's text.
func links(text string) []string {
	var found []string
	for {
		_, rest, ok := strings.Cut(text, "<http")
		if !ok {
			return found
		}
		link, after, ok := strings.Cut(rest, ">")
		if !ok {
			return found
		}
		link, _, _ = strings.Cut(link, "|")
		found = append(found, unescape("http"+link))
		text = after
	}
}

// echo tells the app of its own message, as Slack does; nobody waits for that. subtype is
// "" for a new message. It is called with the lock.
func (s *Server) echo(m *message, subtype string) {
	var events []delivery
	if subtype == "" {
		events = s.said(m)
	} else {
		r := s.channels[m.channel]
		if !s.hears(r) {
			return
		}
		ts, _ := s.ts()
		inner := map[string]any{
			"type": "message", "subtype": subtype, "channel": m.channel, "channel_type": r.kind(), "ts": ts, "event_ts": ts, "hidden": true,
			"previous_message": s.render(m),
		}
		if subtype == "message_changed" {
			inner["message"] = s.render(m)
		} else {
			inner["deleted_ts"] = m.ts
		}
		events = append(events, s.event(inner))
	}
	for _, e := range events {
		s.Go(func(ctx context.Context) { _, _ = s.send(ctx, e) }) // kept for another try
	}
}
