package feishu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
)

// maxAnswer is the most bytes of Feishu's answer that are read.
const maxAnswer = 4 << 20

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

// call makes a call with the app's token. A token that turns out to be no good, which
// Feishu says in the body of an HTTP 400, is replaced once.
func (f *Feishu) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	token, err := f.tokens.get(ctx, f)
	if err != nil {
		return err
	}
	err = f.request(ctx, method, path, query, token, in, out)
	if !refusedWith(err, codesToken...) {
		return err
	}
	f.tokens.drop(token)
	if token, err = f.tokens.get(ctx, f); err != nil {
		return err
	}
	return f.request(ctx, method, path, query, token, in, out)
}

// request makes one HTTP request. out gets the whole answer.
func (f *Feishu) request(ctx context.Context, method, path string, query url.Values, token string, in, out any) error {
	var body io.Reader
	if in != nil {
		body = bytes.NewReader(encode(in))
	}
	address := f.BaseURL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := f.Client.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	if theirs, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		skew := f.Now().Sub(theirs)
		f.skew.Store(&skew)
	}
	err = judge(res, data, out)
	if e := (*apiError)(nil); errors.As(err, &e) { // a careless server may repeat what it is sent
		e.Msg = slipway.Hide(e.Msg, f.AppSecret, f.VerificationToken, f.EncryptKey, token)
	}
	return err
}

// judge tells a good answer from a refusal.
func judge(res *http.Response, data []byte, out any) error {
	var verdict struct {
		Code *int   `json:"code"`
		Msg  string `json:"msg"`
	}
	err := json.Unmarshal(data, &verdict)
	if err == nil && verdict.Code != nil && *verdict.Code == 0 && res.StatusCode < http.StatusBadRequest {
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(data, out); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		return nil
	}
	e := &apiError{Status: res.StatusCode, Msg: verdict.Msg, After: time.Second}
	if verdict.Code != nil {
		e.Code = *verdict.Code
	}
	if e.Status < http.StatusBadRequest && (err != nil || verdict.Code == nil) {
		e.Status, e.Msg = http.StatusBadGateway, "answer is not understood"
	}
	for _, name := range []string{"x-ogw-ratelimit-reset", "Retry-After"} {
		if s, err := strconv.Atoi(strings.TrimSpace(res.Header.Get(name))); err == nil && s > 0 {
			e.After = time.Duration(min(s, 3600)) * time.Second
			break
		}
	}
	return e
}
