package slack

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// maxBody is the most bytes of a request.
const maxBody = 1 << 20

// Routes answers what Slack sends over HTTP: POST /slack/events, /slack/commands and
// /slack/interactions. In Socket Mode nothing is there.
func (s *Slack) Routes() http.Handler {
	mux := http.NewServeMux()
	if s.Socket() {
		return mux // 404
	}
	mux.Handle("POST /slack/events", s.route(fromEvents, func(body []byte) ([]byte, error) { return body, nil }))
	mux.Handle("POST /slack/commands", s.route(fromCommands, commandPayload))
	mux.Handle("POST /slack/interactions", s.route(fromPeople, interactionPayload))
	return mux
}

var errNoPayload = errors.New("the request has no payload")

// commandPayload writes a form as Socket Mode would send it.
func commandPayload(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errNoPayload
	}
	fields := map[string]string{}
	for name, values := range form {
		fields[name] = values[0]
	}
	return json.Marshal(fields)
}

func interactionPayload(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("payload") == "" {
		return nil, errNoPayload
	}
	return []byte(form.Get("payload")), nil
}

// route verifies requests and hands on their payload.
func (s *Slack) route(from source, payloadOf func([]byte) ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, status, err := s.open(w, r, payloadOf)
		if err != nil {
			s.Log.WarnContext(r.Context(), "refuse slack request", "source", string(from), "status", status, "error", err)
			w.Header().Set("X-Slack-No-Retry", "1")
			http.Error(w, http.StatusText(status), status)
			return
		}
		a := s.receive(r.Context(), from, payload)
		defer a.sent()
		if a.body == nil {
			if a.status >= http.StatusBadRequest && a.status < http.StatusInternalServerError {
				w.Header().Set("X-Slack-No-Retry", "1")
			}
			w.WriteHeader(a.status)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(a.status)
		if err := json.NewEncoder(w).Encode(a.body); err != nil {
			s.Log.DebugContext(r.Context(), "answer slack request", "error", err)
		}
	})
}

// open reads a request and checks that it is Slack's; if it is not, it returns the status
// to refuse it with.
func (s *Slack) open(w http.ResponseWriter, r *http.Request, payloadOf func([]byte) ([]byte, error)) (payload []byte, status int, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, err
	case err != nil:
		return nil, http.StatusBadRequest, err
	}
	if err := verify(r.Header, body, s.SigningSecret, s.Now()); err != nil {
		return nil, http.StatusUnauthorized, err
	}
	payload, err = payloadOf(body)
	return payload, http.StatusBadRequest, err
}
