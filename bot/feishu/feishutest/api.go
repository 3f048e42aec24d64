package feishutest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/bot/standin"
)

// The names of the calls, for Calls and Faults.
const (
	OpToken           = "token"
	OpSend            = "message.create"
	OpReply           = "message.reply"
	OpPatch           = "message.patch"
	OpEdit            = "message.update"
	OpGet             = "message.get"
	OpList            = "message.list"
	OpDelete          = "message.delete"
	OpUrgent          = "message.urgent_app"
	OpChat            = "chat.get"
	OpMembers         = "chat.members"
	OpUser            = "user.get"
	OpFind            = "user.batch_get_id"
	OpDepartment      = "user.find_by_department"
	OpBot             = "bot.info"
	OpScopes          = "application.scopes"
	OpApp             = "application.get"
	OpVersions        = "application.app_versions"
	OpDelayed         = "card.update"
	OpEphemeral       = "ephemeral.send"
	OpEphemeralDelete = "ephemeral.delete"
	OpPreviews        = "url_previews.batch_update"
	OpEndpoint        = "ws.endpoint"

	OpApprovalCreate      = "approval.create"
	OpApprovalGet         = "approval.get"
	OpApprovalSubscribe   = "approval.subscribe"
	OpApprovalUnsubscribe = "approval.unsubscribe"
	OpInstanceCreate      = "instance.create"
	OpInstanceGet         = "instance.get"
	OpInstanceCancel      = "instance.cancel"
	OpInstanceComment     = "instance.comment.create"
	OpTaskApprove         = "task.approve"
	OpTaskReject          = "task.reject"
)

// Call is one call of the API by the app.
type Call struct {
	Op     string // one of the Op constants, "" if Feishu does not know the path
	Method string
	Path   string
	Query  url.Values
	Body   json.RawMessage
	At     time.Time
	Status int
	Code   int // Feishu's, 0 for success
	Lost   bool
}

// route is one interface of the API.
type route struct {
	op      string
	pattern string   // of http.ServeMux
	scopes  []string // any of them is enough; nil: the call needs no token
	do      func(*Server, *request) reply
}

// The scopes that the interfaces name on their pages.
var (
	mayRead  = []string{"im:message", "im:message:readonly"}
	maySend  = []string{"im:message", "im:message:send_as_bot"}
	mayPatch = []string{"im:message", "im:message:send_as_bot", "im:message:update"}
	mayErase = []string{"im:message", "im:message:recall", "im:message:send_as_bot"}
	mayChats = []string{"im:chat", "im:chat:readonly", "im:chat:read"}
	mayApp   = []string{"application:application:self_manage", "admin:app.info:readonly"}
	// The page of find_by_department.
	mayDepartments = []string{
		"contact:contact.base:readonly", "contact:department.organize:readonly", "contact:contact:access_as_app",
		"contact:contact:readonly", "contact:contact:readonly_as_app",
	}
	anyScope = []string{}
)

func routes() []route {
	return []route{
		{OpToken, "POST /open-apis/auth/v3/tenant_access_token/internal", nil, (*Server).giveToken},
		{OpEndpoint, "POST /callback/ws/endpoint", nil, (*Server).giveEndpoint},
		{OpSend, "POST /open-apis/im/v1/messages", maySend, (*Server).sendMessage},
		{OpReply, "POST /open-apis/im/v1/messages/{id}/reply", maySend, (*Server).replyMessage},
		{OpPatch, "PATCH /open-apis/im/v1/messages/{id}", mayPatch, (*Server).patchMessage},
		{OpEdit, "PUT /open-apis/im/v1/messages/{id}", mayPatch, (*Server).editMessage},
		{OpGet, "GET /open-apis/im/v1/messages/{id}", mayRead, (*Server).getMessage},
		{OpList, "GET /open-apis/im/v1/messages", mayRead, (*Server).listMessages},
		{OpDelete, "DELETE /open-apis/im/v1/messages/{id}", mayErase, (*Server).deleteMessage},
		{OpUrgent, "PATCH /open-apis/im/v1/messages/{id}/urgent_app", []string{"im:message.urgent", "im:message.urgent:app_send"}, (*Server).urgent},
		{OpDelayed, "POST /open-apis/interactive/v1/card/update", mayPatch, (*Server).updateLater},
		{OpEphemeral, "POST /open-apis/ephemeral/v1/send", mayPatch, (*Server).sendEphemeral},
		{OpEphemeralDelete, "POST /open-apis/ephemeral/v1/delete", mayPatch, (*Server).deleteEphemeral},
		{OpChat, "GET /open-apis/im/v1/chats/{id}", mayChats, (*Server).getChat},
		{OpMembers, "GET /open-apis/im/v1/chats/{id}/members", append([]string{"im:chat.members:read"}, mayChats...), (*Server).listMembers},
		{OpUser, "GET /open-apis/contact/v3/users/{id}", []string{"contact:contact.base:readonly", "contact:contact:readonly_as_app", "contact:contact:readonly"}, (*Server).getUser},
		{OpFind, "POST /open-apis/contact/v3/users/batch_get_id", []string{"contact:user.id:readonly"}, (*Server).findUsers},
		{OpDepartment, "GET /open-apis/contact/v3/users/find_by_department", mayDepartments, (*Server).listDepartment},
		{OpBot, "GET /open-apis/bot/v3/info", anyScope, (*Server).getBot},
		{OpScopes, "GET /open-apis/application/v6/scopes", anyScope, (*Server).getScopes},
		{OpApp, "GET /open-apis/application/v6/applications/{id}", mayApp, (*Server).getApp},
		{OpVersions, "GET /open-apis/application/v6/applications/{id}/app_versions", mayApp, (*Server).listVersions},
		{OpPreviews, "POST /open-apis/im/v2/url_previews/batch_update", []string{"im:url_preview.update"}, (*Server).refreshPreviews},
	}
}

// request is a call that is being answered.
type request struct {
	http *http.Request
	raw  []byte
	body map[string]any // of a JSON body
	host string
}

func (r *request) id() string              { return r.http.PathValue("id") }
func (r *request) query(key string) string { return r.http.URL.Query().Get(key) }

// str returns a string of the body, "" if there is none.
func (r *request) str(key string) string {
	v, _ := r.body[key].(string)
	return v
}

// reply is the answer to a call.
type reply struct {
	status int
	body   any
	reset  int // seconds until a limit is lifted
}

// code returns Feishu's code of an answer.
func (a reply) code() int {
	if m, ok := a.body.(map[string]any); ok {
		if code, ok := m["code"].(int); ok {
			return code
		}
	}
	return a.status
}

func done(data any) reply {
	return reply{status: http.StatusOK, body: map[string]any{"code": 0, "msg": "success", "data": data}}
}

// refusal is an error as Feishu answers it: the code is in the body, and the status is 400,
// even for a wrong token.
func refusal(code int, msg string) reply {
	return reply{status: http.StatusBadRequest, body: map[string]any{
		"code": code, "msg": msg, "error": map[string]any{"log_id": standin.Random(16)},
	}}
}

func invalid(what string) reply {
	return refusal(230001, "Your request contains an invalid request parameter, ext="+what)
}

// routed answers the app's calls, and takes its long connections.
func (s *Server) routed() *http.ServeMux {
	mux := http.NewServeMux()
	for _, known := range append(routes(), approvalRoutes()...) {
		mux.HandleFunc(known.pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, known) })
	}
	mux.HandleFunc("GET "+connectPath, s.connect)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, route{}) })
	return mux
}

// serve answers one call.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, known route) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, "unreadable body", http.StatusBadRequest)
		return
	}
	req := &request{http: r, raw: raw, host: r.Host}
	_ = json.Unmarshal(raw, &req.body) // what is missing in it is refused below
	s.mu.Lock()
	planned := s.faults.take(known.op, r.Method, r.URL.Path)
	answer := s.answer(req, known, planned)
	isLost := planned != nil && planned.kind == lost
	s.calls = append(s.calls, Call{
		Op: known.op, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Body: bytes.Clone(raw), At: s.now(),
		Status: answer.status, Code: answer.code(), Lost: isLost,
	})
	s.mu.Unlock()
	if isLost {
		panic(http.ErrAbortHandler)
	}
	write(w, answer)
}

// answer does what a call asks for. It is called with the lock.
func (s *Server) answer(r *request, known route, planned *fault) reply {
	switch {
	case known.op == "":
		s.Violate("%s %s: no such interface", r.http.Method, r.http.URL.Path)
		return reply{status: http.StatusNotFound, body: "404 page not found"}
	case planned != nil && planned.kind == limited:
		return tooOften(planned.after)
	case planned != nil && planned.kind == failed && planned.code < 600:
		return reply{status: planned.code, body: "broken for a test"}
	case planned != nil && planned.kind == failed:
		return refusal(planned.code, "broken for a test")
	}
	if known.scopes == nil {
		return known.do(s, r)
	}
	if refused, ok := s.authorised(r, known.scopes); !ok {
		return refused
	}
	if after, ok := s.within(known.op, 50, time.Second, s.cfg.Limits); !ok {
		return tooOften(after)
	}
	if after, ok := s.within(known.op+" in a minute", 1000, time.Minute, s.cfg.Limits); !ok {
		return tooOften(after)
	}
	return known.do(s, r)
}

func write(w http.ResponseWriter, answer reply) {
	if answer.reset > 0 {
		w.Header().Set("x-ogw-ratelimit-limit", "50")
		w.Header().Set("x-ogw-ratelimit-reset", strconv.Itoa(answer.reset))
	}
	w.Header().Set("X-Tt-Logid", standin.Random(16))
	if text, ok := answer.body.(string); ok {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, text)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(answer.body)
}

// Calls returns what the app called, oldest first; all calls for "" or "*". See Faults for
// names of calls.
func (s *Server) Calls(call string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []Call
	for _, c := range s.calls {
		if named(call, c.Op, c.Method, c.Path) {
			calls = append(calls, c)
		}
	}
	return calls
}

// tick is when a call came, by the clock of the company and by the real one.
type tick struct{ company, really time.Time }

// tooOften is the answer to one call too many.
// server-docs/api-call-guide/frequency-control: 429 and two headers.
func tooOften(after time.Duration) reply {
	answer := reply{
		status: http.StatusTooManyRequests, body: map[string]any{"code": 99991400, "msg": "request trigger frequency limit"},
		reset: int((after + time.Second - 1) / time.Second),
	}
	answer.reset = max(answer.reset, 1)
	return answer
}

// within tells whether one more is allowed, and else after which time it is. It is called
// with the lock.
func (s *Server) within(key string, most int, span time.Duration, enforced bool) (after time.Duration, ok bool) {
	if !enforced {
		return 0, true
	}
	now := tick{s.now(), time.Now()}
	recent := slices.DeleteFunc(s.rates[key], func(t tick) bool {
		return now.company.Sub(t.company) >= span || now.really.Sub(t.really) >= span
	})
	if len(recent) >= most {
		s.rates[key] = recent
		return span - now.really.Sub(recent[0].really), false
	}
	s.rates[key] = append(recent, now)
	return 0, true
}

// The types of ids.
const (
	byOpenID  = "open_id"
	byUnionID = "union_id"
	byUserID  = "user_id"
	byEmail   = "email"
	byChatID  = "chat_id"
)

// unionID and userID are the other ids of a person.
func unionID(openID string) string { return "on_" + strings.TrimPrefix(openID, "ou_") }
func userID(openID string) string  { return strings.TrimPrefix(openID, "ou_") }

// user returns the person with an id, nil if there is none. It is called with the lock.
func (s *Server) user(kind, id string) *User {
	for _, openID := range s.order {
		u := s.users[openID]
		switch {
		case kind == byOpenID && u.OpenID == id, kind == byUnionID && unionID(u.OpenID) == id,
			kind == byUserID && userID(u.OpenID) == id, kind == byEmail && u.Email != "" && strings.EqualFold(u.Email, id):
			return u
		}
	}
	return nil
}
