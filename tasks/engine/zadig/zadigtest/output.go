package zadigtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"slipway/tasks/engine/enginetest/standin"
)

// logged returns the job in the address; it answers when there is no such run.
func (s *Server) logged(w http.ResponseWriter, r *http.Request) *standin.Attempt {
	t := s.asked(w, r.PathValue("name"), r.PathValue("task"))
	if t == nil {
		return nil
	}
	for i, a := range t.run.Present() {
		if jobName(t, i) == r.PathValue("job") {
			return a
		}
	}
	s.Notes.Addf("the log of %q was wanted, which is no job of %s", r.PathValue("job"), t.ref())
	return &standin.Attempt{}
}

// log tells the log of a job that is over; what is not there is empty.
func (s *Server) log(w http.ResponseWriter, r *http.Request) {
	a := s.logged(w, r)
	if a == nil {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if a.Status.Over() {
		for _, line := range a.Log {
			fmt.Fprintln(w, line)
		}
	}
}

// stream tells the last lines of the log of a job that runs, and then those that it
// says until it is over.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	lines, err := strconv.Atoi(r.PathValue("lines"))
	if err != nil {
		lines = 10
	}
	s.Lock()
	a := s.logged(w, r)
	if a == nil {
		s.Unlock()
		return
	}
	var said []string
	running := a.Status == standin.Running
	if running {
		said = a.Log[max(0, len(a.Log)-lines):]
	}
	s.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	for _, line := range said {
		if !strings.Contains(line, "\r") {
			event(w, strings.TrimSpace(line))
			continue
		}
		for _, segment := range strings.Split(line+"\n", "\r") {
			event(w, segment+"\r")
		}
	}
	_ = http.NewResponseController(w).Flush()
	if running {
		select {
		case <-r.Context().Done():
		case <-s.Closed():
		}
	}
}

// event sends one, as the library does that Zadig uses.
func event(w http.ResponseWriter, data string) {
	fmt.Fprintf(w, "event:message\ndata:%s\n\n", strings.NewReplacer("\n", "\ndata:", "\r", `\r`).Replace(data))
}
