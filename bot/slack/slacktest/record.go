package slacktest

import (
	"encoding/json"
	"time"
)

// Call is one call of a method by the app.
type Call struct {
	Method string
	// Args are the arguments without the token. What came in a form is a JSON string.
	Args  map[string]json.RawMessage
	At    time.Time
	Error string // what it was answered with, "" if it was done
}

// Arg returns an argument as a string; JSON that is no string as it is written.
func (c Call) Arg(name string) string { return arguments(c.Args).str(name) }

// Calls returns what the app called, oldest first; all methods for "".
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			calls = append(calls, c)
		}
	}
	return calls
}
