package dingtalktest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"slipway/bot/standin"
)

// The names of the calls, for Calls and Faults.
const (
	OpToken     = "oauth2.accessToken"
	OpForm      = "forms.schemas"
	OpStart     = "processInstances.start"
	OpGet       = "processInstances.get"
	OpTerminate = "processInstances.terminate"
	OpList      = "instanceIds.query"
	OpStream    = "gateway.connections.open"
)

// The permissions that the calls need.
const (
	scopeForm  = "Workflow.Form.Read"
	scopeRead  = "Workflow.Instance.Read"
	scopeWrite = "Workflow.Instance.Write"
)

// tokenLife is how long a token is good.
const tokenLife = 2 * time.Hour

// Call is one call of the API by the app.
type Call struct {
	Op     string // "" if DingTalk does not know the path
	Method string
	Path   string
	Query  url.Values
	Body   json.RawMessage
	Status int
	Code   string // DingTalk's, "" for success
	Lost   bool   // the answer
}

// call is a call that is being answered.
type call struct {
	http *http.Request
	raw  []byte
}

// reply is the answer to a call, and what the app is told of afterwards.
type reply struct {
	status int
	code   string
	body   map[string]any
	events []event
}

func done(body map[string]any) reply { return reply{status: http.StatusOK, body: body} }

// refusal is an error as DingTalk answers it: nearly always with a 400.
func refusal(code, message string) reply { return refusalWith(http.StatusBadRequest, code, message) }

func refusalWith(status int, code, message string) reply {
	return reply{status: status, code: code, body: map[string]any{"code": code, "requestid": strings.ToUpper(standin.Random(16)), "message": message}}
}

// routed returns the interfaces of the API.
func (s *Server) routed() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range []struct {
		op, pattern, scope string
		do                 func(*Server, *call) reply
	}{
		{OpToken, "POST /v1.0/oauth2/accessToken", "", (*Server).giveToken},
		{OpStream, "POST /v1.0/gateway/connections/open", "", (*Server).giveEndpoint},
		{OpForm, "GET /v1.0/workflow/forms/schemas/processCodes", scopeForm, (*Server).giveForm},
		{OpStart, "POST /v1.0/workflow/processInstances", scopeWrite, (*Server).start},
		{OpGet, "GET /v1.0/workflow/processInstances", scopeRead, (*Server).get},
		{OpTerminate, "POST /v1.0/workflow/processInstances/terminate", scopeWrite, (*Server).terminate},
		{OpList, "POST /v1.0/workflow/processes/instanceIds/query", scopeRead, (*Server).list},
	} {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { s.serve(w, req, r.op, r.scope, r.do) })
	}
	mux.HandleFunc("GET "+connectPath, s.connect)
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		s.serve(w, req, "", "", func(s *Server, c *call) reply {
			s.Violate("%s %s: there is no such interface", c.http.Method, c.http.URL.Path)
			return refusalWith(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
		})
	})
	return mux
}

// serve answers one call.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, op, scope string, do func(*Server, *call) reply) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	fault := s.faults.take(op)
	a := s.answer(&call{http: r, raw: raw}, op, scope, fault, do)
	lost := fault != nil && fault.kind == lost
	s.calls = append(s.calls, Call{
		Op: op, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Body: raw, Status: a.status, Code: a.code, Lost: lost,
	})
	s.mu.Unlock()
	s.deliverLater(a.events)
	if lost {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body)
}

// answer checks a call before it is done. It is called with the lock.
func (s *Server) answer(c *call, op, scope string, f *fault, do func(*Server, *call) reply) reply {
	if f != nil && f.kind == failed {
		return refusalWith(f.status, f.code, "planned by the test")
	}
	if c.http.Method == http.MethodPost {
		if kind, _, err := mime.ParseMediaType(c.http.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			s.Violate("%s: the content type is %q", op, c.http.Header.Get("Content-Type"))
			return refusal("MissingBody", "body is mandatory for this action.")
		}
	}
	if scope != "" {
		token := c.http.Header.Get("x-acs-dingtalk-access-token")
		until, known := s.tokens[token]
		switch {
		case !known || !s.cfg.Now().Before(until):
			return refusal("InvalidAuthentication", "不合法的access_token")
		case !slices.Contains(s.scopes, scope):
			a := refusalWith(http.StatusForbidden, "Forbidden.AccessDenied.AccessTokenPermissionDenied", "应用尚未开通所需的权限：["+scope+"]")
			a.body["accessdenieddetail"] = map[string]any{"requiredScopes": []string{scope}}
			return a
		}
	}
	return do(s, c)
}

// read reads the body of a call. What DingTalk's pages do not name is refused here, so that
// a misspelt name is not overlooked.
func (s *Server) read(c *call, into any) error {
	d := json.NewDecoder(bytes.NewReader(c.raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err != nil {
		s.Violate("%s: the body is not as documented: %v", c.http.URL.Path, err)
	}
	return err
}

// giveToken answers a request for a token. The tokens given before stay good.
func (s *Server) giveToken(c *call) reply {
	var in struct {
		AppKey    string `json:"appKey"`
		AppSecret string `json:"appSecret"`
	}
	if err := s.read(c, &in); err != nil || in.AppKey != s.cfg.AppKey || in.AppSecret != s.cfg.AppSecret {
		return refusal("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	}
	token := standin.Random(16)
	s.tokens[token] = s.cfg.Now().Add(tokenLife)
	return done(map[string]any{"accessToken": token, "expireIn": int(tokenLife / time.Second)})
}

// giveForm answers with the form of a definition.
func (s *Server) giveForm(c *call) reply {
	code := c.http.URL.Query().Get("processCode")
	if code == "" {
		return refusal("MissingprocessCode", "processCode is mandatory for this action.")
	}
	d := s.definitions[code]
	if d == nil {
		return refusal("aflowProcessCodeIsError", "获取审批模板失败或审批模板已被删除")
	}
	items := []map[string]any{}
	for _, c := range d.Components {
		items = append(items, map[string]any{
			"componentName": c.Kind, "props": map[string]any{"id": c.id(), "label": c.Name, "required": c.Required, "bizAlias": ""},
		})
	}
	status := "PUBLISHED"
	if d.Disabled {
		status = "INVALID"
	}
	return done(map[string]any{"result": map[string]any{
		"creatorUserId": "manager1", "appUuid": corpID, "formCode": code, "formUuid": code, "name": d.Name, "ownerIdType": "orgId", "status": status,
		"schemaContent": map[string]any{"title": d.Name, "icon": "common", "items": items},
	}})
}

// id is the id of a field.
func (c Component) id() string { return c.Kind + "-" + digest(c.Name) }
