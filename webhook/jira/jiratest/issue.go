package jiratest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// maxComment is the most characters of a comment, by default.
const maxComment = 32767

// issueOf finds the issue of the path, or says that there is none.
func (s *Server) issueOf(w http.ResponseWriter, r *http.Request) (string, bool) {
	key := r.PathValue("key")
	if !slices.ContainsFunc(s.config.Issues, func(i Issue) bool { return i.Key == key }) {
		refuse(w, http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
		return "", false
	}
	return key, true
}

func (s *Server) readComments(w http.ResponseWriter, r *http.Request) {
	key, ok := s.issueOf(w, r)
	if !ok {
		return
	}
	var out []object
	for i, body := range s.comments[key] {
		out = append(out, object{"id": strconv.Itoa(i + 1), "body": body})
	}
	s.page(w, r, "comments", out, true, false)
}

// read reads a body that has to be JSON with nothing unknown in it.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any) bool {
	if r.Header.Get("Content-Type") != "application/json" {
		s.violate(w, http.StatusUnsupportedMediaType, "%s: application/json is expected, not %q", r.URL.Path, r.Header.Get("Content-Type"))
		return false
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		s.violate(w, http.StatusBadRequest, "%s: Unexpected body: %v", r.URL.Path, err)
		return false
	}
	return true
}

func (s *Server) comment(w http.ResponseWriter, r *http.Request) {
	key, ok := s.issueOf(w, r)
	var c struct {
		Body string `json:"body"`
	}
	if !ok || !s.read(w, r, &c) {
		return
	}
	if c.Body == "" || len([]rune(c.Body)) > maxComment {
		s.violate(w, http.StatusBadRequest, "comment: Comment body can not be empty, nor longer than %d characters!", maxComment)
		return
	}
	s.comments[key] = append(s.comments[key], c.Body)
	write(w, http.StatusCreated, object{"id": strconv.Itoa(len(s.comments[key])), "body": c.Body})
}

func (s *Server) readLinks(w http.ResponseWriter, r *http.Request) {
	key, ok := s.issueOf(w, r)
	if !ok {
		return
	}
	out := []object{}
	for i, l := range s.links[key] {
		out = append(out, object{"id": i + 1, "globalId": l.GlobalID, "object": object{"url": l.URL, "title": l.Title, "summary": l.Summary, "status": object{"resolved": l.Resolved}}})
	}
	write(w, http.StatusOK, out)
}

func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	key, ok := s.issueOf(w, r)
	var l struct {
		GlobalID     string            `json:"globalId"`
		Application  map[string]string `json:"application"`
		Relationship string            `json:"relationship"`
		Object       struct {
			URL     string         `json:"url"`
			Title   string         `json:"title"`
			Summary string         `json:"summary"`
			Icon    map[string]any `json:"icon"`
			Status  struct {
				Resolved bool           `json:"resolved"`
				Icon     map[string]any `json:"icon"`
			} `json:"status"`
		} `json:"object"`
	}
	if !ok || !s.read(w, r, &l) {
		return
	}
	if u, err := url.Parse(l.Object.URL); err != nil || u.Host == "" || l.Object.Title == "" || len(l.Object.Title) > 255 || len(l.GlobalID) > 255 {
		s.violate(w, http.StatusBadRequest, "remotelink: 'url' and 'title' of 'object' are required and have at most 255 characters, as has 'globalId': %+v", l)
		return
	}
	status := http.StatusCreated
	i := slices.IndexFunc(s.links[key], func(was RemoteLink) bool { return was.GlobalID == l.GlobalID && l.GlobalID != "" })
	if i < 0 {
		i = len(s.links[key])
		s.links[key] = append(s.links[key], RemoteLink{})
	} else {
		status = http.StatusOK
	}
	s.links[key][i] = RemoteLink{GlobalID: l.GlobalID, URL: l.Object.URL, Title: l.Object.Title, Summary: l.Object.Summary, Resolved: l.Object.Status.Resolved}
	write(w, status, object{"id": i + 1, "self": s.URL + "/rest/api/2/issue/" + key + "/remotelink/" + strconv.Itoa(i+1)})
}
