package feishutest

import (
	"fmt"
	"slices"
	"strings"

	"slipway/bot/standin"
)

// Subscriptions are what somebody has set under "Events & Callbacks" in the developer
// console, and published. What is not subscribed to does not reach the app.
type Subscriptions struct {
	Events, Callbacks []string
	// CallbackMode is how callbacks are sent, "" = as events are.
	CallbackMode string
	// Unpublished tells that no version of the app was published since.
	Unpublished bool
}

// DefaultSubscriptions are all events and callbacks that the stand-in sends.
var DefaultSubscriptions = Subscriptions{
	Events:    []string{eventMessage, eventAdded, eventEntered, eventMenu, eventInstance, eventTask},
	Callbacks: []string{eventClick, eventPreview},
}

// Subscribe replaces what the app has subscribed to.
func (s *Server) Subscribe(to Subscriptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = to
}

// include tells whether the app hears of an event.
func (s *Subscriptions) include(e event) bool {
	list := s.Events
	if e.callback {
		list = s.Callbacks
	}
	return !s.Unpublished && slices.Contains(list, e.kind)
}

// unheard is what becomes of an event that the app has not subscribed to: nothing, or, of a
// callback, an error that the person sees.
func unheard(e event) error {
	if e.callback {
		return fmt.Errorf("deliver %s: 200340: the app has not subscribed to it", e.kind)
	}
	return nil
}

// wayOf is Feishu's word for a mode.
func wayOf(mode string) string {
	if mode == LongConnection {
		return "websocket"
	}
	return "webhook"
}

// getApp tells about the app. application/v6/application/get: an app may look up itself.
func (s *Server) getApp(r *request) reply {
	if refused, ok := s.itself(r); !ok {
		return refused
	}
	mode := s.subs.CallbackMode
	standin.OrElse(&mode, s.cfg.Mode)
	about := map[string]any{"callback_type": wayOf(mode), "subscribed_callbacks": s.subs.Callbacks}
	if mode == HTTP {
		about["request_url"] = s.App() + "/feishu/cards"
	}
	return done(map[string]any{"app": map[string]any{"app_id": s.cfg.AppID, "app_name": botName, "status": 1, "callback_info": about}})
}

// listVersions tells of the versions of the app, newest first: one that waits for approval,
// and the one that is published. application/v6/application-app_version/list.
func (s *Server) listVersions(r *request) reply {
	if refused, ok := s.itself(r); !ok {
		return refused
	}
	versions := []any{map[string]any{"version": "1.0.1", "status": 3, "publish_time": nil, "event_infos": []any{}}}
	if !s.subs.Unpublished {
		infos := make([]any, len(s.subs.Events))
		for i, e := range s.subs.Events {
			infos[i] = map[string]any{"event_type": e, "event_name": e}
		}
		versions = append(versions, map[string]any{"version": "1.0.0", "status": 1, "publish_time": "1795521600", "event_infos": infos})
	}
	return done(map[string]any{"items": versions, "has_more": false})
}

// itself checks that the app asks about itself, and in which language.
func (s *Server) itself(r *request) (refused reply, ok bool) {
	switch {
	case r.id() != s.cfg.AppID:
		return refusal(210504, "no such app in tenant"), false
	case !strings.Contains("zh_cn en_us ja_jp", r.query("lang")) || r.query("lang") == "":
		return refusal(210501, "params error"), false
	}
	return reply{}, true
}
