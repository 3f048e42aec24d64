package slack

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"slipway/bot"
)

// occasion is an event with the ways to answer it.
type occasion struct {
	event    bot.Event
	replyURL string
	// from is where it happened, for forms that are opened in answer.
	from origin
	// inline tells that Slack shows a message in the answer to the person.
	inline bool
	// view tells that Slack waits to hear what becomes of a sent form; inputs are the
	// names of its inputs.
	view   bool
	inputs []string
	// ephemeral tells that the clicked message is one that only the person sees, and
	// unfurled that it is somebody else's with our card below a link.
	ephemeral, unfurled bool
}

// at is where answers are shown.
func (o *occasion) at() bot.MsgRef { return bot.MsgRef{Room: o.event.Room, Thread: o.event.Msg.Thread} }

// key is the key of a post that answers the event.
func (o *occasion) key(what string) string { return "reply:" + o.event.ID + ":" + what }

// occasionOf begins an occasion. thread is the head of the thread it happened in.
func (s *Slack) occasionOf(kind bot.Kind, id, account string) *occasion {
	return &occasion{event: bot.Event{Kind: kind, ID: id, From: bot.UserRef{Platform: bot.Slack, ID: account}, At: s.Now()}}
}

// in says where it happened: in a room, on or with a message, in a thread.
func (o *occasion) in(room, message, thread string) {
	if room == "" {
		return
	}
	if thread == message {
		thread = "" // the head itself
	}
	o.event.Room = roomRef(room)
	if message != "" {
		o.event.Msg = bot.MsgRef{Room: o.event.Room, ID: message, Thread: thread}
	}
	o.from.Room, o.from.Msg, o.from.Thread = room, message, thread
}

func (o *occasion) direct(is bool) { o.event.Direct, o.from.Direct = is, is }

// opens gives the event a trigger for forms.
func (o *occasion) opens(id string) { o.event.Trigger = trigger(id, o.from) }

// readCommand reads a slash command.
func (s *Slack) readCommand(ctx context.Context, payload []byte, me identity) ([]*occasion, bool) {
	var c struct {
		Text        string `json:"text"`
		UserID      string `json:"user_id"`
		ChannelID   string `json:"channel_id"`
		TriggerID   string `json:"trigger_id"`
		ResponseURL string `json:"response_url"`
	}
	if err := json.Unmarshal(payload, &c); err != nil || c.UserID == "" || c.TriggerID == "" {
		return nil, false
	}
	o := s.occasionOf(bot.Command, c.TriggerID, c.UserID)
	o.replyURL, o.inline = c.ResponseURL, true
	o.in(c.ChannelID, "", "")
	o.direct(s.isDirect(ctx, c.ChannelID, c.UserID))
	o.opens(c.TriggerID)
	o.event.Text = typed(c.Text, me)
	return []*occasion{o}, true
}

// eventPayload is an event of the Events API.
type eventPayload struct {
	Type    string `json:"type"`
	EventID string `json:"event_id"`
	Event   struct {
		Type         string          `json:"type"`
		Subtype      string          `json:"subtype"`
		User         string          `json:"user"`
		BotID        string          `json:"bot_id"`
		Text         string          `json:"text"`
		TS           string          `json:"ts"`
		ThreadTS     string          `json:"thread_ts"`
		ParentUserID string          `json:"parent_user_id"`
		Channel      string          `json:"channel"`
		ChannelType  string          `json:"channel_type"`
		Edited       json.RawMessage `json:"edited"`
		Tab          string          `json:"tab"`
		MessageTS    string          `json:"message_ts"`
		UnfurlID     string          `json:"unfurl_id"`
		Source       string          `json:"source"`
		Links        []struct {
			URL string `json:"url"`
		} `json:"links"`
	} `json:"event"`
}

// readEvent reads an event of the Events API. What is of no interest makes no occasion.
func (s *Slack) readEvent(ctx context.Context, payload []byte, me identity) ([]*occasion, bool) {
	var p eventPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return nil, false
	}
	switch p.Type {
	case "event_callback":
	case "app_rate_limited":
		s.Log.WarnContext(ctx, "slack holds back events: there are too many")
		return nil, true
	default:
		return nil, false
	}
	e := &p.Event
	if p.EventID == "" || e.Type == "" {
		return nil, false
	}
	own := e.BotID != "" || e.User == "" || e.User == me.user
	switch e.Type {
	case "app_mention", "message":
		if o := s.written(&p, me); o != nil && !own {
			return []*occasion{o}, true
		}
	case "app_home_opened":
		if e.Tab == "home" && e.User != "" {
			return []*occasion{s.occasionOf(bot.HomeOpened, p.EventID, e.User)}, true
		}
	case "link_shared":
		return s.linked(&p), true
	default:
		s.Log.DebugContext(ctx, "ignore slack event", "type", cut(e.Type, 60))
	}
	return nil, true
}

// written reads a message; nil if it is not for the bot.
func (s *Slack) written(p *eventPayload, me identity) *occasion {
	e := &p.Event
	plainMessage := e.Subtype == "" || e.Subtype == "file_share" || e.Subtype == "thread_broadcast"
	if len(e.Edited) > 0 && string(e.Edited) != "null" || !plainMessage {
		return nil
	}
	im := e.ChannelType == "im" || strings.HasPrefix(e.Channel, "D")
	kind := bot.Chatter
	switch {
	case e.Type == "app_mention":
		if im { // it comes as a message too
			return nil
		}
		kind = bot.Mention
	case im:
		kind = bot.Direct
	case e.ThreadTS == "" || e.ThreadTS == e.TS || mentions(e.Text, me):
		return nil // in the room itself, or app_mention tells of it
	case e.ParentUserID != "" && e.ParentUserID != me.user:
		return nil // not below a message of ours
	}
	o := s.occasionOf(kind, p.EventID, e.User)
	o.in(e.Channel, e.TS, e.ThreadTS)
	if kind == bot.Direct {
		o.direct(true)
		s.rooms.put(e.User, e.Channel)
	}
	o.event.Text = typed(e.Text, me)
	return o
}

// linked reads links to plans.
func (s *Slack) linked(p *eventPayload) []*occasion {
	e := &p.Event
	below := strings.TrimRight(s.PublicURL, "/") + "/plans/"
	var out []*occasion
	for i, link := range e.Links {
		if s.PublicURL == "" || e.User == "" || !strings.HasPrefix(link.URL, below) {
			continue
		}
		o := s.occasionOf(bot.LinkShared, p.EventID+":"+strconv.Itoa(i), e.User)
		o.in(e.Channel, e.MessageTS, e.ThreadTS)
		if e.Source == "composer" && e.UnfurlID != "" {
			o.event.Msg.ID = composed + e.UnfurlID
		}
		o.event.Text = link.URL
		out = append(out, o)
	}
	return out
}
