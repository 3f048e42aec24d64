package jenkinstest

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// item is one of the queue, or one that left it.
type item struct {
	id        int
	flow      standin.Workflow
	values    map[string]string
	user      string
	since     time.Time
	cancelled bool
	build     *build
	left      time.Time
}

func (i *item) waits() bool { return !i.cancelled && i.build == nil }

// ask puts a build into the queue.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, flow standin.Workflow, how string) {
	if !s.posted(w, r) {
		return
	}
	path, parameters := pathOf(flow), declared(flow)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		s.Notes.Addf("%s is no form", r.URL.Path)
		page(w, http.StatusBadRequest, "This page expects a form submission")
		return
	}
	switch {
	case flow.Broken != "":
		page(w, http.StatusConflict, path+" is not buildable")
		return
	case how == "build" && len(parameters) > 0:
		s.Notes.Addf("/build of %s, which has parameters", path)
		page(w, http.StatusBadRequest, "Nothing is submitted")
		return
	case how != "build" && len(parameters) == 0:
		s.Notes.Addf("/buildWithParameters of %s, which has none", path)
		page(w, http.StatusInternalServerError, "This build is not parameterized!")
		return
	}
	given, ok := s.given(w, r, parameters)
	if !ok {
		return
	}
	for _, i := range s.items {
		if i.waits() && pathOf(i.flow) == path && maps.Equal(i.values, given) {
			w.Header().Set("Location", fmt.Sprintf("%s/queue/item/%d/", s.URL(), i.id))
			w.WriteHeader(http.StatusSeeOther)
			return
		}
	}
	i := s.queue(flow, given, s.config.User)
	if s.Notices.Early() {
		b := s.build(i)
		b.told++
		early := s.notice(b, "STARTED", "")
		s.TellNow(early)
	}
	w.Header().Set("Location", fmt.Sprintf("%s/queue/item/%d/", s.URL(), i.id))
	w.WriteHeader(http.StatusCreated)
}

// given reads the values of the parameters in a form.
func (s *Server) given(w http.ResponseWriter, r *http.Request, parameters []standin.Param) (map[string]string, bool) {
	given := map[string]string{}
	for name := range r.Form {
		if name != "delay" && !slices.ContainsFunc(parameters, func(p standin.Param) bool { return p.Name == name }) {
			s.Notes.Addf("%s has no parameter %q: Jenkins drops it", r.URL.Path, name)
		}
	}
	for _, p := range parameters {
		value := p.Default
		if list, found := r.Form[p.Name]; found {
			value = list[0]
			if len(list) != 1 || (len(p.Choices) > 0 && !slices.Contains(p.Choices, value)) {
				s.Notes.Addf("%s: illegal choice for parameter %s: %q", r.URL.Path, p.Name, list)
				page(w, http.StatusInternalServerError, "Illegal choice for parameter "+p.Name)
				return nil, false
			}
		}
		given[p.Name] = value
	}
	return given, true
}

func (s *Server) queue(flow standin.Workflow, values map[string]string, user string) *item {
	i := &item{id: s.NextID(), flow: flow, values: values, user: user, since: s.Now()}
	s.items = append(s.items, i)
	return i
}

// build takes an item out of the queue.
func (s *Server) build(i *item) *build {
	now, path := s.Now(), pathOf(i.flow)
	s.next[path]++
	b := &build{path: path, number: s.next[path], item: i, flow: i.flow}
	b.run = standin.NewRun(b.number, i.flow, i.values, now, s.NextID)
	i.build, i.left = b, now
	s.builds = append(s.builds, b)
	return b
}

func (i *item) actions() []any {
	list := []any{map[string]any{"_class": "hudson.model.CauseAction", "causes": []any{map[string]any{
		"_class": "hudson.model.Cause$UserIdCause", "shortDescription": "Started by user " + i.user, "userId": i.user, "userName": i.user,
	}}}}
	if len(declared(i.flow)) > 0 {
		list = append(list, map[string]any{"_class": "hudson.model.ParametersAction", "parameters": values(i.flow, i.values)})
	}
	return list
}

func (s *Server) itemObject(i *item) map[string]any {
	o := map[string]any{
		"_class": "hudson.model.Queue$WaitingItem", "id": i.id, "actions": i.actions(), "blocked": false, "buildable": false,
		"inQueueSince": i.since.UnixMilli(), "stuck": false, "url": fmt.Sprintf("queue/item/%d/", i.id),
		"task": map[string]any{"_class": classOf(i.flow), "name": i.flow.Name, "url": s.address(pathOf(i.flow)), "color": "blue"},
		"why":  "In the quiet period. Expires in 4.9 sec",
	}
	switch {
	case !i.waits():
		o["_class"], o["why"], o["cancelled"] = "hudson.model.Queue$LeftItem", nil, i.cancelled
		if i.build != nil {
			o["executable"] = map[string]any{
				"_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun", "number": i.build.number,
				"url": fmt.Sprintf("%s%d/", s.address(pathOf(i.flow)), i.build.number),
			}
		}
	case s.held:
		o["_class"], o["why"], o["buildable"] = "hudson.model.Queue$BuildableItem", "Waiting for next available executor", true
	}
	return o
}

func (s *Server) queueObject() map[string]any {
	items := []any{}
	for _, i := range s.items {
		if i.waits() {
			items = append(items, s.itemObject(i))
		}
	}
	return map[string]any{"_class": "hudson.model.Queue", "items": items, "discoverableItems": []any{}}
}

func (s *Server) findItem(id string) *item {
	for _, i := range s.items {
		if strconv.Itoa(i.id) == id && (i.waits() || s.Now().Sub(i.left) < s.config.Remember) {
			return i
		}
	}
	return nil
}

func (s *Server) item(w http.ResponseWriter, r *http.Request, id string) {
	i := s.findItem(id)
	if i == nil {
		page(w, http.StatusNotFound, "Not Found")
		return
	}
	s.object(w, r, s.itemObject(i))
}

func (s *Server) cancelItem(w http.ResponseWriter, r *http.Request) {
	if !s.posted(w, r) {
		return
	}
	i := s.findItem(r.URL.Query().Get("id"))
	if i == nil || !i.waits() {
		page(w, http.StatusNotFound, "Provided id not found")
		return
	}
	i.cancelled, i.left = true, s.Now()
	w.WriteHeader(http.StatusNoContent)
}
