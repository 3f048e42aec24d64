package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/appapi"
)

// apiError is Feishu's refusal of a call.
type apiError struct {
	Status int // of HTTP
	Code   int
	Msg    string
	After  time.Duration // when to try again, if it was too often
}

func (e *apiError) Error() string {
	return fmt.Sprintf("feishu refused: HTTP %d, code %d: %s", e.Status, e.Code, oneLine(shorten(e.Msg, 300)))
}

// Unwrap says what the refusal means to the bot.
func (e *apiError) Unwrap() error {
	switch {
	case e.Status == http.StatusTooManyRequests || slices.Contains(codesTooOften, e.Code):
		return &bot.RateLimited{After: e.After}
	case slices.Contains(codesGone, e.Code):
		return bot.ErrGone
	case e.Code == codeTooOld:
		return bot.ErrTooOld
	}
	return nil
}

// What Feishu's codes mean. They are listed with each method in its documentation.
var (
	// Too often for the app, or for one message or chat.
	codesTooOften = []int{99991400, 230020, 11232}
	// The message was recalled or deleted, the topic is gone, the group was dissolved, the
	// bot is not in it, the app is not available to the person (any more), or there is no
	// such approval.
	codesGone = []int{230011, 230110, 230019, 230050, 232009, 230002, 230013, 230038, codeNoInstance}
	// The token is missing, wrong, revoked or over.
	codesToken = []int{99991661, 99991663, 99991664, 99991668, 99991671}
	// The group takes no topics.
	codesNoTopic = []int{230071, 230072}
)

const (
	codeTooOld    = 230031 // a message can be changed for 14 days
	codeNoRange   = 41050  // the person is outside of the app's contacts
	codeNoAccount = 41012
)

// refusedWith tells whether an error is Feishu's refusal with one of the codes.
func refusedWith(err error, codes ...int) bool {
	var e *apiError
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// unsent tells whether it is certain that a call had no effect: Feishu refused it, or it
// was never reached. Everything else, a broken connection or a fault over there, may
// have been done.
func unsent(err error) bool {
	var e *apiError
	if errors.As(err, &e) {
		return e.Status < http.StatusInternalServerError
	}
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// call makes a call with the app's token. That a token is no good Feishu says in the body of
// an HTTP 400.
func (f *Feishu) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	return f.tokens.Use(ctx, func(err error) bool { return refusedWith(err, codesToken...) }, func(token string) error {
		return f.request(ctx, method, path, query, token, in, out)
	})
}

// request makes one HTTP request. out gets the whole answer.
func (f *Feishu) request(ctx context.Context, method, path string, query url.Values, token string, in, out any) error {
	c := appapi.Call{Base: f.BaseURL, Method: method, Path: path, Query: query}
	if in != nil {
		c.Body = encode(in)
	}
	if token != "" {
		c.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	a, err := appapi.Do(ctx, f.Client, c)
	if err != nil {
		return err
	}
	if theirs, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		skew := f.Now().Sub(theirs)
		f.skew.Store(&skew)
	}
	err = judge(a, out)
	if e := (*apiError)(nil); errors.As(err, &e) { // a careless server may repeat what it is sent
		e.Msg = slipway.Hide(e.Msg, f.AppSecret, f.VerificationToken, f.EncryptKey, token)
	}
	return err
}

// token asks for an access token. Feishu gives out a new one only in the last half hour of
// the old one. The SDK's own source of tokens is not used: it keeps one that was revoked
// until its time is over, for every client of the process.
func (f *Feishu) token(ctx context.Context) (string, time.Duration, error) {
	var out struct {
		Token  string `json:"tenant_access_token"`
		Expire int    `json:"expire"` // seconds
	}
	in := map[string]string{"app_id": f.AppID, "app_secret": f.AppSecret}
	err := f.request(ctx, http.MethodPost, "/open-apis/auth/v3/tenant_access_token/internal", nil, "", in, &out)
	return out.Token, time.Duration(out.Expire) * time.Second, err
}

// judge tells a good answer from a refusal.
func judge(a *appapi.Answer, out any) error {
	var verdict struct {
		Code *int   `json:"code"`
		Msg  string `json:"msg"`
	}
	err := json.Unmarshal(a.Body, &verdict)
	if err == nil && verdict.Code != nil && *verdict.Code == 0 && a.Status < http.StatusBadRequest {
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(a.Body, out); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		return nil
	}
	e := &apiError{Status: a.Status, Msg: verdict.Msg, After: a.Wait("x-ogw-ratelimit-reset", "Retry-After")}
	if verdict.Code != nil {
		e.Code = *verdict.Code
	}
	if e.Status < http.StatusBadRequest && (err != nil || verdict.Code == nil) {
		e.Status, e.Msg = http.StatusBadGateway, "answer is not understood"
	}
	return e
}
