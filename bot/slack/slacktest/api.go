package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

type tokenKind string

const (
	botToken tokenKind = "bot"
	appToken tokenKind = "app"
)

type token struct {
	kind    tokenKind
	scopes  []string
	revoked bool
}

// answer is what a method answers beside ok.
type answer map[string]any

// refusal is an error code with what Slack says beside it.
type refusal struct {
	code     string
	messages []string // of response_metadata
	more     answer
}

func refuse(code string) *refusal { return &refusal{code: code} }

// method is one method of the Web API.
type method struct {
	// rate is how many calls a minute are allowed, 0 for any number.
	rate int
	// scope is needed for the call, "" if none is.
	scope func(s *Server, a arguments) string
	// kind is the kind of token that may call it, "" for any.
	kind tokenKind
	do   func(s *Server, a arguments) (answer, *refusal)
}

func always(scope string) func(*Server, arguments) string {
	return func(*Server, arguments) string { return scope }
}

// byRoom is a scope that depends on what kind of room the call is about. A room that does not exist needs none: the
// method itself refuses it.
func byRoom(suffix string) func(*Server, arguments) string {
	return func(s *Server, a arguments) string {
		r := s.channels[a.str("channel")]
		switch {
		case r == nil:
			return ""
		case r.im != "":
			return "im:" + suffix
		case r.Private:
			return "groups:" + suffix
		default:
			return "channels:" + suffix
		}
	}
}

// The rates are Slack's tiers 1 to 4 in calls a minute.
const (
	tier1 = 1
	tier2 = 20
	tier3 = 50
	tier4 = 100
)

// methods are those that the stand-in has.
var methods = map[string]method{
	"api.test":              {do: (*Server).apiTest},
	"auth.test":             {do: (*Server).authTest},
	"apps.connections.open": {rate: tier1, kind: appToken, scope: always("connections:write"), do: (*Server).openConnection},
	"team.info":             {rate: tier3, kind: botToken, scope: always("team:read"), do: (*Server).teamInfo},
	"bots.info":             {rate: tier3, kind: botToken, scope: always("users:read"), do: (*Server).botsInfo},

	"chat.postMessage":   {kind: botToken, scope: always("chat:write"), do: (*Server).postMessage},
	"chat.postEphemeral": {rate: tier4, kind: botToken, scope: always("chat:write"), do: (*Server).postEphemeral},
	"chat.update":        {rate: tier3, kind: botToken, scope: always("chat:write"), do: (*Server).updateMessage},
	"chat.delete":        {rate: tier3, kind: botToken, scope: always("chat:write"), do: (*Server).deleteMessage},
	"chat.getPermalink":  {kind: botToken, do: (*Server).permalink},
	"chat.unfurl":        {rate: tier3, kind: botToken, scope: always("links:write"), do: (*Server).unfurlMessage},

	"views.open":    {rate: tier4, kind: botToken, do: (*Server).openView},
	"views.push":    {rate: tier4, kind: botToken, do: (*Server).pushView},
	"views.update":  {rate: tier4, kind: botToken, do: (*Server).updateView},
	"views.publish": {rate: tier4, kind: botToken, do: (*Server).publishView},

	"conversations.info":    {rate: tier3, kind: botToken, scope: byRoom("read"), do: (*Server).roomInfo},
	"conversations.open":    {rate: tier3, kind: botToken, scope: always("im:write"), do: (*Server).openRoom},
	"conversations.history": {rate: tier3, kind: botToken, scope: byRoom("history"), do: (*Server).history},
	"conversations.replies": {rate: tier3, kind: botToken, scope: byRoom("history"), do: (*Server).replies},
	"conversations.list":    {rate: tier2, kind: botToken, scope: always("channels:read"), do: (*Server).listRooms},
	"conversations.members": {rate: tier4, kind: botToken, scope: byRoom("read"), do: (*Server).members},
	"conversations.join":    {rate: tier3, kind: botToken, scope: always("channels:join"), do: (*Server).joinRoom},

	"users.info":            {rate: tier4, kind: botToken, scope: always("users:read"), do: (*Server).userInfo},
	"users.list":            {rate: tier2, kind: botToken, scope: always("users:read"), do: (*Server).listUsers},
	"users.lookupByEmail":   {rate: tier3, kind: botToken, scope: always("users:read.email"), do: (*Server).userByEmail},
	"usergroups.list":       {rate: tier2, kind: botToken, scope: always("usergroups:read"), do: (*Server).listGroups},
	"usergroups.users.list": {rate: tier2, kind: botToken, scope: always("usergroups:read"), do: (*Server).groupMembers},
}

// serveAPI answers one call of a method.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	given, bearer, err := readArguments(r)
	if err != nil {
		s.Violate("%s: %v", name, err)
		writeAnswer(w, http.StatusOK, answer{"ok": false, "error": "invalid_arguments"})
		return
	}
	s.mu.Lock()
	status, result, after := s.call(name, bearer, given, w.Header())
	code, _ := result["error"].(string)
	s.calls = append(s.calls, Call{Method: name, Args: given, At: s.cfg.Now(), Error: code})
	lost := code == "" && s.faults.lose(name)
	body := encoded(result) // with the lock: it may hold what people change
	s.mu.Unlock()
	s.cfg.Log.DebugContext(r.Context(), "api", "method", name, "error", code)
	if lost {
		breakOff(w)
		return
	}
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(after.Seconds())))))
	}
	writeBody(w, status, body)
}

// call does what a method does, with the lock.
func (s *Server) call(name, bearer string, a arguments, header http.Header) (int, answer, time.Duration) {
	if status, code, after := s.faults.next(name); code != "" {
		return status, answer{"ok": false, "error": code}, after
	}
	m, ok := methods[name]
	if !ok {
		s.Violate("called %s, which does not exist", name)
		return http.StatusOK, answer{"ok": false, "error": "unknown_method", "req_method": name}, 0
	}
	if bad := s.authorize(name, m, bearer, a, header); bad != nil {
		return http.StatusOK, s.refused(name, bad), 0
	}
	if after := s.limit(name, m, a); after > 0 {
		return http.StatusTooManyRequests, answer{"ok": false, "error": "ratelimited"}, after
	}
	result, bad := m.do(s, a)
	if bad != nil {
		return http.StatusOK, s.refused(name, bad), 0
	}
	if result == nil {
		result = answer{}
	}
	result["ok"] = true
	return http.StatusOK, result, 0
}

func (s *Server) authorize(name string, m method, bearer string, a arguments, header http.Header) *refusal {
	t := s.tokens[bearer]
	switch {
	case name == "api.test":
		return nil
	case bearer == "":
		return refuse("not_authed")
	case t == nil:
		return refuse("invalid_auth")
	case t.revoked:
		return refuse("token_revoked")
	case m.kind != "" && m.kind != t.kind:
		return refuse("not_allowed_token_type")
	}
	provided := strings.Join(t.scopes, ",")
	header.Set("X-OAuth-Scopes", provided)
	if m.scope == nil {
		return nil
	}
	needed := m.scope(s, a)
	if needed != "" && !slices.Contains(t.scopes, needed) {
		return &refusal{code: "missing_scope", more: answer{"needed": needed, "provided": provided}}
	}
	header.Set("X-Accepted-OAuth-Scopes", needed)
	return nil
}

// mistakes are the codes that a well-made app never gets.
var mistakes = []string{
	"invalid_arguments", "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "missing_scope", "not_allowed_token_type",
	"msg_too_long", "msg_blocks_too_long", "no_text", "view_too_large", "expired_trigger_id", "exchanged_trigger_id",
	"invalid_trigger_id", "push_limit_reached", "metadata_too_large", "invalid_metadata_format", "cant_update_message", "cant_delete_message",
	"missing_unfurls", "cannot_unfurl_url", "duplicate_external_id",
}

// refused makes the answer for an error, and notes it if the app should have known.
func (s *Server) refused(name string, bad *refusal) answer {
	result := answer{"ok": false, "error": bad.code}
	maps.Copy(result, bad.more)
	if len(bad.messages) > 0 {
		result["response_metadata"] = answer{"messages": bad.messages}
		result["errors"] = bad.messages
	}
	if slices.Contains(mistakes, bad.code) {
		s.Violate("%s: %s %s", name, bad.code, strings.Join(bad.messages, "; "))
	}
	return result
}

// arguments are those of a call.
type arguments map[string]json.RawMessage

// str returns an argument as text.
func (a arguments) str(name string) string {
	var text string
	if json.Unmarshal(a[name], &text) == nil {
		return text
	}
	return string(a[name])
}

// raw returns an argument that is JSON; forms carry it in a string.
func (a arguments) raw(name string) json.RawMessage {
	var text string
	if json.Unmarshal(a[name], &text) == nil {
		return json.RawMessage(text)
	}
	return a[name]
}

func (a arguments) has(name string) bool { return len(a.str(name)) > 0 && a.str(name) != "null" }

func (a arguments) yes(name string) bool { return a.str(name) == "true" || a.str(name) == "1" }

// number returns a whole number, or another one if there is none.
func (a arguments) number(name string, otherwise int) int {
	if n, err := strconv.Atoi(a.str(name)); err == nil {
		return n
	}
	return otherwise
}

// readArguments reads a call's arguments, from a form or from JSON, and its token.
func readArguments(r *http.Request) (arguments, string, error) {
	a := arguments{}
	r.Body = http.MaxBytesReader(nil, r.Body, 4<<20)
	add := func(values url.Values) {
		for name := range values {
			a[name], _ = json.Marshal(values.Get(name))
		}
	}
	add(r.URL.Query())
	delete(a, "token") // Slack takes no token in the address
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, "", fmt.Errorf("read body: %w", err)
		}
		if len(body) == 0 {
			break // a method without arguments
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, "", fmt.Errorf("read JSON body: %w", err)
		}
	case "multipart/form-data":
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			return nil, "", fmt.Errorf("read form: %w", err)
		}
		add(r.PostForm)
	default:
		if err := r.ParseForm(); err != nil {
			return nil, "", fmt.Errorf("read form: %w", err)
		}
		add(r.PostForm)
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		bearer = a.str("token")
	}
	delete(a, "token")
	return a, bearer, nil
}

func writeAnswer(w http.ResponseWriter, status int, body answer) { writeBody(w, status, encoded(body)) }

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // an app that went away gets no answer
}

// encoded is for what the stand-in itself has made, which always can be encoded.
func encoded(body answer) []byte {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return data
}

// breakOff ends a connection without an answer.
func breakOff(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	conn, _, err := hijacker.Hijack()
	if err == nil {
		_ = conn.Close() // that is the point
	}
}
