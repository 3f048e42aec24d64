package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/appapi"
)

// The calls.
const (
	pathToken     = "/v1.0/oauth2/accessToken" //nolint:gosec // an address, no secret
	pathForm      = "/v1.0/workflow/forms/schemas/processCodes"
	pathInstance  = "/v1.0/workflow/processInstances"
	pathTerminate = "/v1.0/workflow/processInstances/terminate"
	pathList      = "/v1.0/workflow/processes/instanceIds/query"
)

// What DingTalk's codes mean. They are listed with each call in its documentation.
var (
	codesGone = []string{"processInstanceNotExist", "processInstanceIdError", "aflowProcessInstNotExist"}
	// Faults over there, although the status of most is 400. One is misspelt.
	codesFault = []string{"systemError", "sysErrror", "internalError", "processInstanceStartFailed", "processGroupGetFailed"}
	// One of the people, or the department, is not (any more) what it should be.
	codesPeople = []string{"processInstanceInvalidParameter", "userNotExist"}
	// The definition was deleted, is switched off, or never was.
	codesDefinition = []string{"processCodeError", "processGetFailed", "formNotExist", "aflowProcessCodeIsError"}
	codesForm       = []string{"formConverterError", "illegalComponent"}
	codesForbidden  = []string{"needAuth", "noPermission", "processSetupNoPermission"}
)

const (
	codeToken     = "InvalidAuthentication" // the token is wrong, revoked or over
	codeSecret    = "invalidClientIdOrSecret"
	codeDenied    = "Forbidden.AccessDenied.AccessTokenPermissionDenied"
	codeAddress   = "Forbidden.AccessDenied.IpNotInWhiteList"
	codeTooOften  = "Forbidden.AccessDenied.QpsLimit" // and what the limit is for
	codeRulesBusy = "autoflowLikeTriggerRateLimited"
	codeNotNow    = "aflowProcessInstStatusException" // over, or asked within 15 seconds
)

// apiError is DingTalk's refusal of a call.
type apiError struct {
	Status int // of HTTP
	Code   string
	Msg    string
	Scopes []string      // the permissions that are missing
	After  time.Duration // when to try again, if it was too often
}

func (e *apiError) Error() string {
	return fmt.Sprintf("dingtalk refused: HTTP %d, code %s: %s", e.Status, oneLine(e.Code, 100), oneLine(e.Msg, 300))
}

// Unwrap says what the refusal means to the bot.
func (e *apiError) Unwrap() error {
	switch {
	case e.tooOften():
		return &bot.RateLimited{After: e.After}
	case slices.Contains(codesGone, e.Code):
		return bot.ErrGone
	}
	return nil
}

func (e *apiError) tooOften() bool {
	return e.Status == http.StatusTooManyRequests || strings.HasPrefix(e.Code, codeTooOften) || e.Code == codeRulesBusy
}

// forGood tells whether the same call would be refused again. A refusal without a code is
// not DingTalk's, but of somebody on the way there.
func (e *apiError) forGood() bool {
	return e.Code != "" && e.Status < http.StatusInternalServerError && !e.tooOften() && !slices.Contains(codesFault, e.Code)
}

// refusedWith tells whether an error is DingTalk's refusal with one of the codes.
func refusedWith(err error, codes ...string) bool {
	var e *apiError
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// call makes a call with the app's token. That a token is no good DingTalk says with an
// HTTP 400.
func (d *DingTalk) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	return d.tokens.Use(ctx, func(err error) bool {
		var e *apiError
		return errors.As(err, &e) && (e.Code == codeToken || e.Status == http.StatusUnauthorized)
	}, func(token string) error { return d.request(ctx, method, path, query, token, in, out) })
}

// request makes one HTTP request. out gets the whole answer.
func (d *DingTalk) request(ctx context.Context, method, path string, query url.Values, token string, in, out any) error {
	c := appapi.Call{
		Base: d.BaseURL, Method: method, Path: path, Query: query,
		Header: http.Header{"Accept": {"application/json"}}, // some calls answer with XML otherwise
	}
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		c.Body = data
	}
	if token != "" {
		c.Header.Set("x-acs-dingtalk-access-token", token)
	}
	a, err := appapi.Do(ctx, d.Client, c)
	if err != nil {
		return err
	}
	err = judge(a, out)
	if e := (*apiError)(nil); errors.As(err, &e) { // a careless server may repeat what it is sent
		e.Code, e.Msg = d.hide(e.Code, token), d.hide(e.Msg, token)
		for i := range e.Scopes {
			e.Scopes[i] = d.hide(e.Scopes[i], token)
		}
	}
	return err
}

// hide leaves the app's credentials out of a text of DingTalk's.
func (d *DingTalk) hide(text, token string) string {
	return slipway.Hide(text, d.AppSecret, d.CallbackToken, d.CallbackKey, token)
}

// token asks for an access token.
func (d *DingTalk) token(ctx context.Context) (string, time.Duration, error) {
	var out struct {
		AccessToken string `json:"accessToken"`
		ExpireIn    int    `json:"expireIn"` // seconds
	}
	in := map[string]string{"appKey": d.AppKey, "appSecret": d.AppSecret}
	err := d.request(ctx, http.MethodPost, pathToken, nil, "", in, &out)
	return out.AccessToken, time.Duration(out.ExpireIn) * time.Second, err
}

// judge tells a good answer from a refusal.
func judge(a *appapi.Answer, out any) error {
	var verdict struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Success any    `json:"success"` // a boolean in some answers and a string in others
		Denied  struct {
			RequiredScopes []string `json:"requiredScopes"`
		} `json:"accessdenieddetail"`
	}
	err := json.Unmarshal(a.Body, &verdict)
	failed := verdict.Success == false || verdict.Success == "false"
	if err == nil && a.Status < http.StatusMultipleChoices && !failed {
		if err := json.Unmarshal(a.Body, out); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		return nil
	}
	e := &apiError{
		Status: a.Status, Code: verdict.Code, Msg: verdict.Message, Scopes: verdict.Denied.RequiredScopes, After: a.Wait("Retry-After"),
	}
	if a.Status < http.StatusBadRequest {
		e.Status = http.StatusBadGateway
		if err != nil || !failed {
			e.Msg = "answer is not understood"
		}
	}
	return e
}

// oneLine makes foreign text fit for a log and a sentence.
func oneLine(s string, most int) string {
	return shorten(strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " "), most)
}

// shorten cuts a text after so many characters.
func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
