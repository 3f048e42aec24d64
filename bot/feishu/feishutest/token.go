package feishutest

import (
	"slices"
	"strings"
	"time"

	"slipway/bot/standin"
)

// Tokens live for two hours; asked for one that lives for half an hour more, Feishu gives
// the same again. server-docs/authentication-management/access-token/tenant_access_token_internal.
const (
	tokenLife  = 2 * time.Hour
	tokenRenew = 30 * time.Minute
)

// token is a tenant_access_token.
type token struct {
	text    string
	until   time.Time
	revoked bool
}

// stormWatch counts how often the same token is asked for.
type stormWatch struct {
	began time.Time // real time
	times int
	told  bool
}

// An app that asks for the token it already has more often than this in a minute of real
// time does not keep it.
const tokenStorm = 20

// DefaultScopes are granted unless Config says otherwise: all that the API of the stand-in
// asks for, and im:message.group_msg, without which a bot is only told of messages in groups that
// mention it.
var DefaultScopes = []string{
	"application:application:self_manage", "approval:approval", "contact:contact.base:readonly", "contact:user.base:readonly",
	"contact:user.email:readonly", "contact:user.id:readonly", "im:chat:readonly", "im:message",
	"im:message.group_at_msg:readonly", "im:message.group_msg", "im:message.p2p_msg:readonly",
	"im:message.urgent", "im:message:send_as_bot", "im:url_preview.update",
}

// giveToken answers a request for a token.
func (s *Server) giveToken(r *request) reply {
	id, _ := r.body["app_id"].(string)
	secret, _ := r.body["app_secret"].(string)
	switch {
	case id != s.cfg.AppID:
		return refusal(10003, "invalid param")
	case secret != s.cfg.AppSecret:
		return refusal(10014, "app secret invalid")
	}
	now := s.now()
	if s.token == nil || s.token.revoked || s.token.until.Sub(now) < tokenRenew {
		s.token = &token{text: "t-" + standin.Random(20), until: now.Add(tokenLife)}
		s.tokens[s.token.text] = s.token
		s.storm = stormWatch{began: time.Now()}
	}
	s.countToken()
	left := int(s.token.until.Sub(now) / time.Second)
	return reply{status: 200, body: map[string]any{"code": 0, "msg": "ok", "tenant_access_token": s.token.text, "expire": left}}
}

func (s *Server) countToken() {
	if time.Since(s.storm.began) > time.Minute {
		s.storm = stormWatch{began: time.Now()}
	}
	s.storm.times++
	if s.storm.times > tokenStorm && !s.storm.told {
		s.storm.told = true
		s.Violate("tenant_access_token: asked for %d times within a minute", s.storm.times)
	}
}

// authorised checks the token of a call and what the app was granted. ok is false if the
// reply is the answer.
func (s *Server) authorised(r *request, scopes []string) (refused reply, ok bool) {
	header := r.http.Header.Get("Authorization")
	text, isBearer := strings.CutPrefix(header, "Bearer ")
	t := s.tokens[text]
	switch {
	case !isBearer || text == "":
		return refusal(99991661, "Missing access token for authorization. Please make a request with token attached."), false
	case !strings.HasPrefix(text, "t-"):
		return refusal(99991671, "Invalid token: must start with t-/u-"), false
	case t == nil || t.revoked || !s.now().Before(t.until):
		return refusal(99991663, "Invalid access token for authorization. Please make a request with token attached"), false
	case len(scopes) > 0 && !slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(s.scopes, scope) }):
		return missingScope(scopes), false
	}
	return reply{}, true
}

// missingScope is Feishu's answer to a call that the app was not granted.
// faq/trouble-shooting/how-to-fix-the-99991672-error.
func missingScope(scopes []string) reply {
	violations := make([]map[string]any, len(scopes))
	for i, scope := range scopes {
		violations[i] = map[string]any{"type": "action_scope_required", "subject": scope}
	}
	answer := refusal(99991672, "Access denied. One of the following scopes is required: ["+strings.Join(scopes, ", ")+"]")
	body, _ := answer.body.(map[string]any)
	body["error"] = map[string]any{"log_id": standin.Random(16), "permission_violations": violations}
	return answer
}
