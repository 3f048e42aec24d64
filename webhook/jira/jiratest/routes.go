package jiratest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// route finds what a request is about. The server is locked.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	for pattern, h := range map[string]struct {
		query []string // what may be asked
		do    http.HandlerFunc
	}{
		"GET /rest/api/2/myself":                  {nil, s.myself},
		"GET /rest/api/2/project":                 {nil, s.projects},
		"GET /rest/api/2/project/search":          {paged("query", "keys"), s.searchProjects},
		"GET /rest/agile/1.0/board":               {paged("name", "type", "projectKeyOrId"), s.boards},
		"GET /rest/agile/1.0/board/{id}":          {nil, s.board},
		"GET /rest/agile/1.0/board/{id}/project":  {paged(), s.boardProjects},
		"GET /rest/agile/1.0/board/{id}/sprint":   {paged("state"), s.boardSprints},
		"GET /rest/agile/1.0/sprint/{id}":         {nil, s.sprint},
		"GET /rest/agile/1.0/sprint/{id}/issue":   {paged("fields", "jql", "validateQuery", "expand"), s.sprintIssues},
		"GET /rest/api/2/issue/{key}/comment":     {paged("orderBy", "expand"), s.readComments},
		"POST /rest/api/2/issue/{key}/comment":    {[]string{"expand"}, s.comment},
		"GET /rest/api/2/issue/{key}/remotelink":  {[]string{"globalId"}, s.readLinks},
		"POST /rest/api/2/issue/{key}/remotelink": {nil, s.link},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			for key := range r.URL.Query() {
				if !slices.Contains(h.query, key) {
					s.violate(w, http.StatusBadRequest, "%s %s: the parameter %q is not known", r.Method, r.URL.Path, key)
					return
				}
			}
			h.do(w, r)
		})
	}
	mux.HandleFunc("/", s.unknown)
	mux.ServeHTTP(w, r)
}

func paged(more ...string) []string { return append([]string{"startAt", "maxResults"}, more...) }

func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	s.violate(w, http.StatusNotFound, "%s %s: not part of the stand-in", r.Method, r.URL.Path)
}

func (s *Server) myself(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"name": "slipway", "displayName": "Slipway", "active": true})
}

type object = map[string]any

func (s *Server) projectJSON(p Project) object {
	return object{"id": "10" + strconv.Itoa(slices.Index(s.config.Projects, p)), "key": p.Key, "name": p.Name, "projectTypeKey": "software"}
}

func (s *Server) projectByKey(key string) (Project, bool) {
	i := slices.IndexFunc(s.config.Projects, func(p Project) bool { return p.Key == key })
	if i < 0 {
		return Project{}, false
	}
	return s.config.Projects[i], true
}

func (s *Server) projects(w http.ResponseWriter, _ *http.Request) {
	out := []object{}
	for _, p := range s.config.Projects {
		out = append(out, s.projectJSON(p))
	}
	write(w, http.StatusOK, out)
}

func (s *Server) searchProjects(w http.ResponseWriter, r *http.Request) {
	text := strings.ToLower(r.FormValue("query"))
	var out []object
	for _, p := range s.config.Projects {
		if strings.Contains(strings.ToLower(p.Key+" "+p.Name), text) {
			out = append(out, s.projectJSON(p))
		}
	}
	s.page(w, r, "values", out, true, true)
}

// page writes one page of a list: Jira's APIs end them with isLast, with total, or both.
func (s *Server) page(w http.ResponseWriter, r *http.Request, name string, list []object, withTotal, withLast bool) {
	start, most := 0, s.config.Page
	var err error
	if v := r.FormValue("startAt"); v != "" {
		start, err = strconv.Atoi(v)
	}
	if v := r.FormValue("maxResults"); v != "" && err == nil {
		var asked int
		if asked, err = strconv.Atoi(v); asked > 0 {
			most = min(most, asked)
		}
	}
	if err != nil || start < 0 {
		s.violate(w, http.StatusBadRequest, "%s: startAt and maxResults are numbers", r.URL.RequestURI())
		return
	}
	from := min(start, len(list))
	part := append([]object{}, list[from:min(from+most, len(list))]...)
	out := object{"startAt": start, "maxResults": most, name: part}
	if withTotal {
		out["total"] = len(list)
	}
	if withLast {
		out["isLast"] = from+len(part) >= len(list)
	}
	write(w, http.StatusOK, out)
}

func (s *Server) boardJSON(b Board) object {
	out := object{"id": b.ID, "self": s.URL + "/rest/agile/1.0/board/" + strconv.FormatInt(b.ID, 10), "name": b.Name, "type": b.Type}
	if p, ok := s.projectByKey(first(b.Projects)); ok && !s.config.Placeless {
		out["location"] = object{"projectKey": p.Key, "projectName": p.Name, "displayName": p.Name + " (" + p.Key + ")", "name": p.Name + " (" + p.Key + ")"}
	}
	return out
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func (s *Server) boards(w http.ResponseWriter, r *http.Request) {
	var out []object
	for _, b := range s.config.Boards {
		named := strings.Contains(strings.ToLower(b.Name), strings.ToLower(r.FormValue("name")))
		typed := r.FormValue("type") == "" || r.FormValue("type") == b.Type
		placed := r.FormValue("projectKeyOrId") == "" || slices.Contains(b.Projects, r.FormValue("projectKeyOrId"))
		if named && typed && placed {
			out = append(out, s.boardJSON(b))
		}
	}
	s.page(w, r, "values", out, true, true)
}

// ofPath finds what the path names by its id, or says that there is none.
func ofPath[T any](w http.ResponseWriter, r *http.Request, list []T, what string, idOf func(T) int64) (found T, ok bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	i := slices.IndexFunc(list, func(x T) bool { return idOf(x) == id })
	if err != nil || i < 0 {
		refuse(w, http.StatusNotFound, "The requested "+what+" cannot be viewed because it either does not exist or you do not have permission to view it.")
		return found, false
	}
	return list[i], true
}

func (s *Server) boardOf(w http.ResponseWriter, r *http.Request) (Board, bool) {
	return ofPath(w, r, s.config.Boards, "board", func(b Board) int64 { return b.ID })
}

func (s *Server) board(w http.ResponseWriter, r *http.Request) {
	if b, ok := s.boardOf(w, r); ok {
		write(w, http.StatusOK, s.boardJSON(b))
	}
}

func (s *Server) boardProjects(w http.ResponseWriter, r *http.Request) {
	b, ok := s.boardOf(w, r)
	if !ok {
		return
	}
	var out []object
	for _, key := range b.Projects {
		if p, ok := s.projectByKey(key); ok {
			out = append(out, s.projectJSON(p))
		}
	}
	s.page(w, r, "values", out, true, true)
}

func (s *Server) sprintJSON(x Sprint) object {
	return object{
		"id": x.ID, "self": s.URL + "/rest/agile/1.0/sprint/" + strconv.FormatInt(x.ID, 10), "state": x.State, "name": x.Name, "originBoardId": x.Board,
	}
}

func (s *Server) boardSprints(w http.ResponseWriter, r *http.Request) {
	b, ok := s.boardOf(w, r)
	if !ok {
		return
	}
	if b.Type != "scrum" {
		refuse(w, http.StatusBadRequest, "The board does not support sprints")
		return
	}
	states := strings.Split(r.FormValue("state"), ",")
	for _, state := range states {
		if state != "" && !slices.Contains([]string{"future", "active", "closed"}, state) {
			s.violate(w, http.StatusBadRequest, "the state %q of sprints is not known", state)
			return
		}
	}
	var out []object
	for _, x := range s.config.Sprints {
		if x.Board == b.ID && (states[0] == "" || slices.Contains(states, x.State)) {
			out = append(out, s.sprintJSON(x))
		}
	}
	s.page(w, r, "values", out, false, true)
}

func (s *Server) sprintOf(w http.ResponseWriter, r *http.Request) (Sprint, bool) {
	return ofPath(w, r, s.config.Sprints, "sprint", func(x Sprint) int64 { return x.ID })
}

func (s *Server) sprint(w http.ResponseWriter, r *http.Request) {
	if x, ok := s.sprintOf(w, r); ok {
		write(w, http.StatusOK, s.sprintJSON(x))
	}
}

func (s *Server) sprintIssues(w http.ResponseWriter, r *http.Request) {
	x, ok := s.sprintOf(w, r)
	if !ok {
		return
	}
	var out []object
	for i, issue := range s.config.Issues {
		if issue.Sprint != x.ID {
			continue
		}
		category, known := map[string]string{"To Do": "new", "In Progress": "indeterminate", "Done": "done"}[issue.Status]
		if !known {
			category = "undefined"
		}
		fields := object{"summary": issue.Summary, "status": object{"name": issue.Status, "statusCategory": object{"key": category}}}
		for _, f := range strings.Split(r.FormValue("fields"), ",") {
			if f != "" && fields[f] == nil {
				fields[f] = nil
			}
		}
		out = append(out, object{"id": strconv.Itoa(10000 + i), "key": issue.Key, "self": s.URL + "/rest/api/2/issue/" + issue.Key, "fields": fields})
	}
	s.page(w, r, "issues", out, true, false)
}
