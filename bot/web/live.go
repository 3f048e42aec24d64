package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"slipway"
)

// live tells a page that something it shows has changed. The page then asks for its
// newest state; it does the same when the connection comes back.
func (w *Web) live(rw http.ResponseWriter, r *http.Request, v viewer) {
	wants, err := w.topicsOf(r, v)
	if err != nil {
		http.Error(rw, slipway.TextOf(err).In(v.Lang), statusOf(slipway.CodeOf(err)))
		return
	}
	l, err := w.hub.join(v.User.ID, wants)
	if err != nil {
		http.Error(rw, slipway.TextOf(err).In(v.Lang), statusOf(slipway.CodeOf(err)))
		return
	}
	defer w.hub.leave(l)

	out := http.NewResponseController(rw)
	rw.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	rw.Header().Set("X-Accel-Buffering", "no")
	beat := time.NewTicker(w.Heartbeat)
	defer beat.Stop()
	text := "retry: 2000\nevent: hello\ndata:\n\n"
	// A server's write deadline is meant for pages, not for a connection that stays.
	_ = out.SetWriteDeadline(time.Time{})
	for {
		if _, err := fmt.Fprint(rw, text); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-l.wake:
			var b strings.Builder
			for _, topic := range l.take() {
				b.WriteString("event: changed\ndata: " + topic + "\n\n")
			}
			text = b.String()
		case <-beat.C:
			text = ": alive\n\n"
			if _, err := w.whoIs(r); err != nil {
				return // signed out meanwhile
			}
		}
	}
}

// topicsOf returns what a page listens to: a room, a plan and its runs, or all plans.
func (w *Web) topicsOf(r *http.Request, v viewer) (func(string) bool, error) {
	q := r.URL.Query()
	switch {
	case q.Get("room") != "":
		room, err := w.room(r.Context(), v, q.Get("room"))
		if err != nil {
			return nil, err
		}
		topic := "room:" + room.ID
		return func(t string) bool { return t == topic }, nil
	case q.Get("plan") != "":
		topic := "plan:" + q.Get("plan")
		runs := map[string]bool{}
		for _, id := range q["run"] {
			runs["run:"+id] = true
		}
		return func(t string) bool { return t == topic || runs[t] }, nil
	}
	return func(t string) bool { return strings.HasPrefix(t, "plan:") }, nil
}
