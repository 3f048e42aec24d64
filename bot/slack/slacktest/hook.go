package slacktest

import (
	"net/http"
	"strings"
	"time"

	"slipway/bot/slack/blockkit"
)

// How long what an interaction hands out may be used.
const (
	triggerLife = 3 * time.Second
	hookLife    = 30 * time.Minute
	hookUses    = 5
)

// trigger lets the app open a modal once.
type trigger struct {
	user, room string
	at         time.Time
	used       bool
}

// hook is a response address.
type hook struct {
	user, room string
	message    *message // that the interaction was about, nil for a slash command
	at         time.Time
	uses       int
	shown      bool // that something came through it
}

// newTrigger hands out a trigger, with the lock.
func (s *Server) newTrigger(user, room string) string {
	id := s.id("13345224609.738474920.")
	s.triggers[id] = &trigger{user: user, room: room, at: s.cfg.Now()}
	return id
}

// exchange uses a trigger up.
func (s *Server) exchange(id string) (*trigger, *refusal) {
	t := s.triggers[id]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case s.cfg.Now().Sub(t.at) > triggerLife:
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

// newHook hands out a response address, with the lock.
func (s *Server) newHook(h *hook) string {
	id := s.id("H")
	h.at = s.cfg.Now()
	s.hooks[id] = h
	return s.BaseURL() + "/response/" + id
}

// serveResponse takes a message for a response address.
func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	given, _, err := readArguments(r)
	if err != nil {
		s.Violate("response_url: %v", err)
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	status, code := s.respond(r.PathValue("id"), given)
	s.calls = append(s.calls, Call{Method: "response", Args: given, At: s.cfg.Now(), Error: code})
	lost := code == "" && s.faults.lose("response")
	s.mu.Unlock()
	switch {
	case lost:
		breakOff(w)
	case code != "":
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		http.Error(w, code, status)
	default:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("ok")) // an app that went away gets no answer
	}
}

// respond does what was sent to a response address, with the lock.
func (s *Server) respond(id string, a arguments) (int, string) {
	if status, code, _ := s.faults.next("response"); code != "" {
		return max(status, http.StatusBadRequest), code
	}
	h := s.hooks[id]
	switch {
	case h == nil:
		s.Violate("posted to a response_url that does not exist")
		return http.StatusNotFound, "no_such_hook"
	case s.cfg.Now().Sub(h.at) > hookLife:
		s.Violate("posted to a response_url after 30 minutes")
		return http.StatusNotFound, "expired_url"
	case h.uses >= hookUses:
		s.Violate("posted to a response_url more than 5 times")
		return http.StatusNotFound, "used_url"
	}
	h.uses++
	s.via = h
	defer func() { s.via = nil }()
	if a.yes("delete_original") {
		return s.deleteOriginal(h)
	}
	c, bad := s.content(a, blockkit.MessageText)
	if bad != nil {
		s.Violate("response_url: %s %s", bad.code, strings.Join(bad.messages, "; "))
		return http.StatusBadRequest, bad.code
	}
	if a.yes("replace_original") {
		if h.message == nil || h.message.gone {
			return http.StatusNotFound, "message_not_found"
		}
		s.edit(h.message, c)
		return http.StatusOK, ""
	}
	s.show(h, c, a.str("response_type"), a.str("thread_ts"))
	return http.StatusOK, ""
}

func (s *Server) deleteOriginal(h *hook) (int, string) {
	if h.message == nil || h.message.gone {
		return http.StatusNotFound, "message_not_found"
	}
	s.remove(h.message)
	return http.StatusOK, ""
}

// show posts an answer to an interaction: for the person alone unless it says otherwise.
func (s *Server) show(h *hook, c content, kind, thread string) {
	m := &message{channel: h.room, thread: thread, user: botUser, bot: true, only: h.user, versions: []content{c}}
	switch kind {
	case "in_channel":
		m.only = ""
	case "", "ephemeral":
	default:
		s.Violate("response_type %q does not exist", kind)
	}
	s.put(m)
}
