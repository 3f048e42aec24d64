package slacktest

import (
	"slices"
	"strconv"
	"strings"
)

// readable finds a room whose messages or members the bot may read.
func (s *Server) readable(a arguments) (*room, *refusal) {
	r := s.channels[a.str("channel")]
	switch {
	case r == nil, !r.Bot && r.Private:
		return nil, refuse("channel_not_found")
	case !r.Bot:
		return nil, refuse("not_in_channel")
	}
	return r, nil
}

func (s *Server) renderRoom(r *room) map[string]any {
	o := map[string]any{
		"id": r.ID, "is_channel": r.im == "" && !r.Private, "is_group": r.im == "" && r.Private, "is_im": r.im != "",
		"is_private": r.Private || r.im != "", "is_member": r.Bot, "is_archived": false, "context_team_id": s.cfg.Team,
	}
	if r.im != "" {
		o["user"], o["is_open"] = r.im, true
	} else {
		o["name"], o["name_normalized"], o["num_members"] = r.Name, r.Name, len(r.Members)
	}
	return o
}

func (s *Server) roomInfo(a arguments) (answer, *refusal) {
	r := s.channels[a.str("channel")]
	if r == nil || !r.Bot && r.Private {
		return nil, refuse("channel_not_found")
	}
	return answer{"channel": s.renderRoom(r)}, nil
}

func (s *Server) openRoom(a arguments) (answer, *refusal) {
	users := strings.Split(a.str("users"), ",")
	if id := a.str("channel"); id != "" {
		if r := s.channels[id]; r != nil && r.im != "" {
			users = []string{r.im}
		} else {
			return nil, refuse("channel_not_found")
		}
	}
	if len(users) != 1 || s.users[users[0]] == nil {
		return nil, refuse("user_not_found")
	}
	r := s.direct(users[0])
	if a.yes("return_im") {
		return answer{"channel": s.renderRoom(r)}, nil
	}
	return answer{"channel": map[string]any{"id": r.ID}}, nil
}

func (s *Server) listRooms(a arguments) (answer, *refusal) {
	types := strings.Split(a.str("types"), ",")
	list := []any{}
	for _, id := range s.rooms {
		r := s.channels[id]
		switch {
		case r.Private && (!r.Bot || !slices.Contains(types, "private_channel")):
		case !r.Private && a.has("types") && !slices.Contains(types, "public_channel"):
		default:
			list = append(list, s.renderRoom(r))
		}
	}
	page, next := paged(list, a, 100)
	return answer{"channels": page, "response_metadata": answer{"next_cursor": next}}, nil
}

func (s *Server) members(a arguments) (answer, *refusal) {
	r, bad := s.readable(a)
	if bad != nil {
		return nil, bad
	}
	list := []any{}
	for _, m := range r.Members {
		list = append(list, m)
	}
	if r.Bot {
		list = append(list, botUser)
	}
	page, next := paged(list, a, 100)
	return answer{"members": page, "response_metadata": answer{"next_cursor": next}}, nil
}

func (s *Server) joinRoom(a arguments) (answer, *refusal) {
	r := s.channels[a.str("channel")]
	switch {
	case r == nil, r.Private:
		return nil, refuse("channel_not_found")
	case r.im != "":
		return nil, refuse("method_not_supported_for_channel_type")
	}
	r.Bot = true
	s.change()
	return answer{"channel": s.renderRoom(r)}, nil
}

// history lists the messages of a room, youngest first.
func (s *Server) history(a arguments) (answer, *refusal) {
	r, bad := s.readable(a)
	if bad != nil {
		return nil, bad
	}
	list := []any{}
	for _, m := range slices.Backward(s.messages[r.ID]) {
		if m.gone || m.only != "" || m.thread != "" && !m.broadcast || !within(m.ts, a) {
			continue
		}
		list = append(list, s.withMetadata(m, a))
	}
	page, next := paged(list, a, 100)
	return answer{"messages": page, "has_more": next != "", "response_metadata": answer{"next_cursor": next}}, nil
}

// replies lists a message and what is in its thread, oldest first.
func (s *Server) replies(a arguments) (answer, *refusal) {
	r, bad := s.readable(a)
	if bad != nil {
		return nil, bad
	}
	root := s.find(r.ID, a.str("ts"))
	if root == nil || root.only != "" {
		return nil, refuse("thread_not_found")
	}
	if root.thread != "" {
		if root = s.find(r.ID, root.thread); root == nil {
			return nil, refuse("thread_not_found")
		}
	}
	list := []any{s.withMetadata(root, a)}
	for _, m := range s.messages[r.ID] {
		if m.thread == root.ts && !m.gone && m.only == "" && within(m.ts, a) {
			list = append(list, s.withMetadata(m, a))
		}
	}
	page, next := paged(list, a, 1000)
	return answer{"messages": page, "has_more": next != "", "response_metadata": answer{"next_cursor": next}}, nil
}

// within tells whether a timestamp lies in what was asked for.
func within(ts string, a arguments) bool {
	oldest, latest := a.str("oldest"), a.str("latest")
	if oldest != "" && oldest != "0" && (less(ts, oldest) || sameTS(ts, oldest) && !a.yes("inclusive")) {
		return false
	}
	return latest == "" || less(ts, latest) || sameTS(ts, latest) && a.yes("inclusive")
}

func less(a, b string) bool { return micros(a) < micros(b) }

func sameTS(a, b string) bool { return micros(a) == micros(b) }

// micros reads a timestamp, with or without a fraction.
func micros(ts string) int64 {
	whole, fraction, _ := strings.Cut(ts, ".")
	seconds, _ := strconv.ParseInt(whole, 10, 64)
	rest, _ := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	return seconds*1e6 + rest
}

func (s *Server) withMetadata(m *message, a arguments) map[string]any {
	o := s.render(m)
	if m.metadata != nil && a.yes("include_all_metadata") {
		o["metadata"] = m.metadata
	}
	return o
}

// paged returns one page of a list and the cursor of the next one. A cursor is a number.
func paged(list []any, a arguments, usual int) ([]any, string) {
	from := min(max(a.number("cursor", 0), 0), len(list))
	limit := a.number("limit", usual)
	if limit <= 0 {
		limit = usual
	}
	to := min(from+min(limit, 1000), len(list))
	if to == len(list) {
		return list[from:], ""
	}
	return list[from:to], strconv.Itoa(to)
}
