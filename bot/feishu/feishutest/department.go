package feishutest

import (
	"slices"
	"strconv"

	"slipway/bot/standin"
)

// listDepartment returns the people who belong to a department directly, as far as the app
// may see them. contact/v3/users/find_by_department.
func (s *Server) listDepartment(r *request) reply {
	kind, size := r.query("department_id_type"), 10
	standin.OrElse(&kind, "open_department_id")
	if given := r.query("page_size"); given != "" {
		var err error
		if size, err = strconv.Atoi(given); err != nil || size < 1 || size > 50 {
			return refusal(40011, "page size is invalid")
		}
	}
	start := 0
	if given := r.query("page_token"); given != "" {
		var err error
		if start, err = strconv.Atoi(given); err != nil || start < 0 {
			return refusal(40012, "page token is invalid error")
		}
	}
	members, known := s.departs[r.query("department_id")]
	switch {
	case kind != "open_department_id" || r.query("department_id") == "":
		return refusal(40001, "param error")
	case !known:
		return refusal(40004, "no dept authority error")
	}
	members = slices.DeleteFunc(slices.Clone(members), func(id string) bool { return s.users[id] == nil || s.users[id].Hidden })
	start = min(start, len(members))
	end := min(start+size, len(members))
	items := make([]any, 0, size)
	for _, id := range members[start:end] {
		items = append(items, map[string]any{"open_id": id, "union_id": unionID(id), "name": s.users[id].Name})
	}
	data := map[string]any{"items": items, "has_more": end < len(members)}
	if end < len(members) {
		data["page_token"] = strconv.Itoa(end)
	}
	return done(data)
}
