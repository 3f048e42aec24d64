package githubtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const installationID = 55

// authenticate sees who asks; it answers when nobody may.
func (s *Server) authenticate(c *call) bool {
	given := c.bearer()
	if given == "" {
		s.Notes.Addf("%s has no token", c.pattern)
	}
	asApp := strings.Contains(c.pattern, " /app") || strings.HasSuffix(c.pattern, "/installation")
	switch {
	case asApp:
		if reason := s.notTheApp(given); reason != "" {
			c.refuse(http.StatusUnauthorized, reason)
			return false
		}
		c.login = AppSlug + "[bot]"
		return true
	case s.config.Token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(s.config.Token)) == 1:
		c.login = Username
		return true
	}
	s.Lock()
	expires, known := s.grants[given]
	s.Unlock()
	if !known || !s.Now().Before(expires) {
		c.refuse(http.StatusUnauthorized, "Bad credentials")
		return false
	}
	c.login = AppSlug + "[bot]"
	return true
}

// notTheApp says why a JSON Web Token is not the app's.
func (s *Server) notTheApp(given string) string {
	parts := strings.Split(given, ".")
	if len(parts) != 3 || s.config.AppKey == nil {
		return "A JSON web token could not be decoded"
	}
	var claims struct {
		Issued  int64  `json:"iat"`
		Expires int64  `json:"exp"`
		Issuer  string `json:"iss"`
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	signature, errSignature := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := s.Now().Unix()
	switch {
	case err != nil || errSignature != nil || json.Unmarshal(text, &claims) != nil,
		rsa.VerifyPKCS1v15(s.config.AppKey, crypto.SHA256, sum[:], signature) != nil:
		return "A JSON web token could not be decoded"
	case claims.Issuer != s.config.AppID:
		return "Integration not found"
	case claims.Issued > now:
		return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	case claims.Expires > now+600 || claims.Expires <= now:
		return "'Expiration time' claim ('exp') is too far in the future"
	}
	return ""
}

func (s *Server) account(login string) map[string]any {
	api, kind, id := s.URL()+"/api/v3/users/"+login, "User", 7
	if strings.HasSuffix(login, "[bot]") {
		kind, id = "Bot", 8
	}
	return map[string]any{
		"login": login, "id": id, "node_id": "U_" + login, "avatar_url": s.URL() + "/avatars/u/7", "gravatar_id": "", "url": api,
		"html_url": s.URL() + "/" + login, "followers_url": api + "/followers", "following_url": api + "/following{/other_user}",
		"gists_url": api + "/gists{/gist_id}", "starred_url": api + "/starred{/owner}{/repo}", "subscriptions_url": api + "/subscriptions",
		"organizations_url": api + "/orgs", "repos_url": api + "/repos", "events_url": api + "/events{/privacy}",
		"received_events_url": api + "/received_events", "type": kind, "site_admin": false, "user_view_type": "public",
	}
}

const long = "2026-01-26T19:01:12Z" // since then all is there

func (s *Server) user(c *call) {
	if c.login != Username {
		c.refuse(http.StatusForbidden, "Resource not accessible by integration")
		return
	}
	u := s.account(Username)
	for key, value := range map[string]any{
		"name": "Slipway", "company": nil, "blog": "", "location": nil, "email": nil, "hireable": nil, "bio": nil, "twitter_username": nil,
		"public_repos": 2, "public_gists": 0, "followers": 0, "following": 0, "created_at": long, "updated_at": long,
	} {
		u[key] = value
	}
	if s.config.Scopes != "" {
		c.header.Set("X-OAuth-Scopes", s.config.Scopes)
	}
	c.say(http.StatusOK, u)
}

var permissions = map[string]any{"actions": "write", "contents": "read", "deployments": "write", "environments": "read", "metadata": "read"}

func (s *Server) app(c *call) {
	c.say(http.StatusOK, map[string]any{
		"id": 4, "slug": AppSlug, "client_id": "Iv1.ab1112223334445c", "node_id": "A_4", "owner": s.account("team"), "name": "Slipway",
		"description": nil, "external_url": "https://slipway.example.com", "html_url": s.URL() + "/apps/" + AppSlug, "created_at": long,
		"updated_at": long, "permissions": permissions, "events": []string{"deployment_protection_rule", "workflow_job", "workflow_run"},
	})
}

func (s *Server) installation(c *call) {
	if _, ok := s.find(c); !ok {
		return
	}
	if s.uninstalled {
		c.refuse(http.StatusNotFound, "Not Found")
		return
	}
	api := s.URL() + "/api/v3"
	c.say(http.StatusOK, map[string]any{
		"id": installationID, "account": s.account("team"), "repository_selection": "all", "app_id": 4, "app_slug": AppSlug, "target_id": 7,
		"access_tokens_url": fmt.Sprintf("%s/app/installations/%d/access_tokens", api, installationID), "target_type": "Organization",
		"repositories_url": api + "/installation/repositories", "html_url": s.URL() + "/organizations/team/settings/installations/55",
		"permissions": permissions, "events": []string{"workflow_run"}, "created_at": long, "updated_at": long, "single_file_name": nil,
		"suspended_at": nil, "suspended_by": nil,
	})
}

func (s *Server) accessToken(c *call) {
	if c.r.PathValue("installation_id") != fmt.Sprint(installationID) {
		c.refuse(http.StatusNotFound, "Not Found")
		return
	}
	value := fmt.Sprintf("ghs_of-the-installation-%d", s.NextID())
	expires := s.Now().Add(time.Hour).UTC()
	s.grants[value] = expires
	c.say(http.StatusCreated, map[string]any{
		"token": value, "expires_at": expires.Format(time.RFC3339), "permissions": permissions, "repository_selection": "all",
	})
}

// Install says whether the app is installed. Without it, its tokens are no longer good.
func (s *Server) Install(installed bool) {
	s.Lock()
	defer s.Unlock()
	s.uninstalled = !installed
	if !installed {
		clear(s.grants)
	}
}

// Revoke makes GitHub forget all tokens of installations.
func (s *Server) Revoke() {
	s.Lock()
	defer s.Unlock()
	clear(s.grants)
}
