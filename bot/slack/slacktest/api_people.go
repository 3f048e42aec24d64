package slacktest

import (
	"strings"
	"time"
)

func (s *Server) apiTest(a arguments) (answer, *refusal) {
	if code := a.str("error"); code != "" {
		return nil, refuse(code)
	}
	return answer{"args": a}, nil
}

func (s *Server) authTest(arguments) (answer, *refusal) {
	return answer{
		"url": "https://" + domain + ".slack.com/", "team": "Example", "user": botName, "team_id": s.cfg.Team,
		"user_id": botUser, "bot_id": botID, "app_id": s.cfg.AppID, "is_enterprise_install": false,
	}, nil
}

func (s *Server) teamInfo(arguments) (answer, *refusal) {
	return answer{"team": map[string]any{
		"id": s.cfg.Team, "name": "Example", "domain": domain, "email_domain": "example.com", "url": "https://" + domain + ".slack.com/",
	}}, nil
}

func (s *Server) botsInfo(a arguments) (answer, *refusal) {
	if id := a.str("bot"); id != "" && id != botID {
		return nil, refuse("bot_not_found")
	}
	return answer{"bot": map[string]any{
		"id": botID, "deleted": false, "name": botName, "app_id": s.cfg.AppID, "user_id": botUser, "updated": 0, "icons": map[string]any{},
	}}, nil
}

func (s *Server) openConnection(arguments) (answer, *refusal) {
	if !s.cfg.SocketMode {
		return nil, refuse("socket_mode_not_enabled")
	}
	ticket := s.id("ticket-")
	s.tickets[ticket] = true
	url := "ws" + strings.TrimPrefix(s.BaseURL(), "http") + "/socket?ticket=" + ticket + "&app_id=" + s.cfg.AppID
	return answer{"url": url}, nil
}

// renderUser is a person as the app gets them.
func (s *Server) renderUser(u *User) map[string]any {
	team := s.cfg.Team
	if u.Team != "" {
		team = u.Team
	}
	zone, err := time.LoadLocation(u.TZ)
	if err != nil {
		zone = time.UTC
	}
	_, offset := s.cfg.Now().In(zone).Zone()
	profile := map[string]any{"real_name": u.Name, "display_name": u.Name, "real_name_normalized": u.Name, "display_name_normalized": u.Name, "team": team}
	if s.allowed("users:read.email") {
		profile["email"] = u.Email
	}
	return map[string]any{
		"id": u.ID, "team_id": team, "name": handle(u), "real_name": u.Name, "deleted": false, "is_bot": false, "is_app_user": false,
		"is_stranger": u.Team != "", "is_email_confirmed": true, "tz": u.TZ, "tz_label": u.TZ, "tz_offset": offset, "locale": u.Locale,
		"profile": profile, "updated": s.cfg.Now().Unix(),
	}
}

func (s *Server) renderBot() map[string]any {
	return map[string]any{
		"id": botUser, "team_id": s.cfg.Team, "name": botName, "real_name": botName, "is_bot": true, "deleted": false, "tz": "UTC",
		"profile": map[string]any{"real_name": botName, "display_name": botName, "bot_id": botID, "api_app_id": s.cfg.AppID, "team": s.cfg.Team},
	}
}

// handle is the old kind of user name, which payloads still carry.
func handle(u *User) string {
	name, _, _ := strings.Cut(u.Email, "@")
	if name == "" {
		return strings.ToLower(u.ID)
	}
	return name
}

func (s *Server) userInfo(a arguments) (answer, *refusal) {
	if a.str("user") == botUser {
		return answer{"user": s.renderBot()}, nil
	}
	u := s.users[a.str("user")]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	o := s.renderUser(u)
	if !a.yes("include_locale") {
		delete(o, "locale")
	}
	return answer{"user": o}, nil
}

func (s *Server) listUsers(a arguments) (answer, *refusal) {
	list := []any{s.renderBot()}
	for _, id := range s.order {
		list = append(list, s.renderUser(s.users[id]))
	}
	page, next := paged(list, a, 1000)
	return answer{"members": page, "cache_ts": s.cfg.Now().Unix(), "response_metadata": answer{"next_cursor": next}}, nil
}

func (s *Server) userByEmail(a arguments) (answer, *refusal) {
	for _, id := range s.order {
		if u := s.users[id]; u.Email != "" && u.Team == "" && strings.EqualFold(u.Email, a.str("email")) {
			return answer{"user": s.renderUser(u)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func (s *Server) listGroups(arguments) (answer, *refusal) {
	list := []any{}
	for id, members := range s.groups {
		list = append(list, map[string]any{"id": id, "team_id": s.cfg.Team, "name": id, "handle": strings.ToLower(id), "user_count": len(members)})
	}
	return answer{"usergroups": list}, nil
}

func (s *Server) groupMembers(a arguments) (answer, *refusal) {
	members, ok := s.groups[a.str("usergroup")]
	if !ok {
		return nil, refuse("no_such_subteam")
	}
	return answer{"users": members}, nil
}
