package jira

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"slipway"
)

const (
	maxAnswer    = 8 << 20
	maxSaid      = 300 // bytes of an error that the log gets
	pageSize     = 50
	maxPages     = 40 // of one list
	longestLimit = time.Hour
)

// Config says where Jira is and who asks.
type Config struct {
	URL string
	// User, if there is one, goes with the token as Basic authentication (Cloud: the
	// e-mail of the account); without one the token is a bearer token (Data Center).
	User    string
	Token   string
	Timeout time.Duration     // of one request; 0 is 10 s
	Next    http.RoundTripper // optional: how requests are sent
	Now     func() time.Time
}

// Client talks to one Jira. It is safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client
	boards catalog
}

// New returns a client.
func New(c Config) *Client {
	c.URL = strings.TrimRight(c.URL, "/")
	timeout := cmp.Or(c.Timeout, 10*time.Second)
	if c.Next == nil {
		c.Next = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: timeout / 2}).DialContext,
			TLSHandshakeTimeout: timeout, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		}
	}
	return &Client{config: c, http: &http.Client{
		Transport: c.Next, Timeout: timeout,
		// Credentials are for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Limited says that Jira wants to be left alone for a while.
type Limited struct {
	After time.Duration
	err   *slipway.Error
}

// Error implements error.
func (l *Limited) Error() string { return l.err.Error() }

// Unwrap returns the error for people.
func (l *Limited) Unwrap() error { return l.err }

// RetryAfter is how long to leave Jira alone.
func (l *Limited) RetryAfter() time.Duration { return l.After }

// Check tells whether Jira answers and lets us in.
func (c *Client) Check(ctx context.Context) error {
	var me struct {
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	}
	if err := c.get(ctx, "/rest/api/2/myself", nil, &me); err != nil {
		return err
	}
	_, err := c.page(ctx, "/rest/agile/1.0/board", url.Values{"maxResults": {"1"}}, 0)
	if slipway.CodeOf(err) == slipway.NotFound {
		return slipway.Refuse(slipway.Unavailable, "Jira answers, but has no boards and sprints: Jira Software is needed.", "Jira 可以访问，但没有看板和冲刺功能，需要 Jira Software。").Because(err)
	}
	return err
}

// get reads an answer.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.do(ctx, http.MethodGet, path, query, nil, into)
}

// do sends a request and reads the answer, if anybody wants it.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body, into any) error {
	var send io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write request to jira: %w", err)
		}
		send = bytes.NewReader(data)
	}
	address := c.config.URL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, send)
	if err != nil {
		return fmt.Errorf("make request to jira: %w", err)
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.config.User != "" {
		r.SetBasicAuth(c.config.User, c.config.Token)
	} else {
		r.Header.Set("Authorization", "Bearer "+c.config.Token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return silent(fmt.Errorf("%s %s: %w", method, path, err))
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return silent(fmt.Errorf("%s %s: read answer: %w", method, path, err))
	case len(data) > maxAnswer:
		return silent(fmt.Errorf("%s %s: the answer is larger than %d bytes", method, path, maxAnswer))
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return c.refusal(answer, data, method+" "+path)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return slipway.Refuse(slipway.Unavailable, "What answers at the address of Jira is not Jira.", "Jira 地址上的应答不是 Jira 的内容。").
			Because(fmt.Errorf("%s %s: %w: %q", method, path, err, c.hide(said(data))))
	}
	return nil
}

func silent(err error) error {
	return slipway.Refuse(slipway.Unavailable, "Jira does not answer.", "Jira 没有应答。").Because(err)
}

// refusal is the error of an answer that is none. A page to sign in counts as a no.
func (c *Client) refusal(answer *http.Response, data []byte, what string) error {
	said := c.hide(said(data)) // a careless server may repeat what it is sent
	cause := fmt.Errorf("%s: %s: %s", what, answer.Status, said)
	switch s := answer.StatusCode; {
	case s == http.StatusUnauthorized || s >= 300 && s < 400:
		return slipway.Refuse(slipway.Unavailable, "Jira does not accept the credentials of Slipway.", "Jira 不接受 Slipway 的凭证。").Because(cause)
	case s == http.StatusForbidden:
		return slipway.Refuse(slipway.Forbidden, "Jira does not let the account of Slipway do that.", "Slipway 的 Jira 账号没有此权限。").Because(cause)
	case s == http.StatusNotFound:
		return slipway.Refuse(slipway.NotFound, "Jira has nothing of the kind, or does not show it to Slipway.", "Jira 中没有对应的内容，或未对 Slipway 开放。").Because(cause)
	case s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
		return &Limited{
			err:   slipway.Refuse(slipway.Unavailable, "Jira wants to be left alone for a moment.", "Jira 要求稍后再试。").Because(cause),
			After: c.retryAfter(answer.Header.Get("Retry-After")),
		}
	case s >= 500:
		return silent(cause)
	}
	return slipway.Refuse(slipway.Invalid, "Jira refuses the request: %s", "Jira 拒绝了请求：%s", said).Because(cause)
}

// retryAfter reads seconds or a date, within reason.
func (c *Client) retryAfter(s string) time.Duration {
	after := time.Minute
	if seconds, err := strconv.Atoi(s); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(s); err == nil {
		after = at.Sub(c.config.Now())
	}
	return min(max(after, time.Second), longestLimit)
}

// hide leaves the credentials out of a text, and cuts it after that.
func (c *Client) hide(text string) string {
	text = slipway.Hide(text, c.config.Token, base64.StdEncoding.EncodeToString([]byte(c.config.User+":"+c.config.Token)))
	return strings.ToValidUTF8(text[:min(len(text), maxSaid)], "")
}

// said is what Jira gave as its reason.
func said(data []byte) string {
	var e struct {
		Messages []string          `json:"errorMessages"`
		Errors   map[string]string `json:"errors"`
		Message  string            `json:"message"`
	}
	var parts []string
	if json.Unmarshal(data, &e) == nil {
		parts = append(parts, e.Messages...)
		for key, text := range e.Errors {
			parts = append(parts, key+": "+text)
		}
		if e.Message != "" {
			parts = append(parts, e.Message)
		}
	}
	text := strings.Join(parts, "; ")
	if text == "" {
		text = strings.Join(strings.Fields(string(data)), " ")
	}
	return text
}

// list is one page of a list, under the names that Jira's APIs give its parts.
type list struct {
	StartAt  int             `json:"startAt"`
	Total    *int            `json:"total"`
	IsLast   *bool           `json:"isLast"`
	Values   json.RawMessage `json:"values"`
	Issues   json.RawMessage `json:"issues"`
	Comments json.RawMessage `json:"comments"`
}

func (c *Client) page(ctx context.Context, path string, query url.Values, startAt int) (list, error) {
	q := url.Values{"startAt": {strconv.Itoa(startAt)}, "maxResults": {strconv.Itoa(pageSize)}}
	for key, v := range query {
		q[key] = v
	}
	var l list
	err := c.get(ctx, path, q, &l)
	return l, err
}

// all reads a list to its end, whatever size of page Jira gives. part picks the values.
func all[T any](ctx context.Context, c *Client, path string, query url.Values, part func(list) json.RawMessage) ([]T, error) {
	var out []T
	for range maxPages {
		l, err := c.page(ctx, path, query, len(out))
		if err != nil {
			return nil, err
		}
		var values []T
		if raw := part(l); len(raw) > 0 {
			if err := json.Unmarshal(raw, &values); err != nil {
				return nil, silent(fmt.Errorf("GET %s: %w", path, err))
			}
		}
		out = append(out, values...)
		last := l.IsLast != nil && *l.IsLast || l.IsLast == nil && l.Total != nil && len(out) >= *l.Total
		if last || len(values) == 0 {
			return out, nil
		}
	}
	return out, nil
}

func values(l list) json.RawMessage   { return l.Values }
func issues(l list) json.RawMessage   { return l.Issues }
func comments(l list) json.RawMessage { return l.Comments }

// isNone tells whether Jira has none of what was asked for.
func isNone(err error) bool {
	var e *slipway.Error
	return errors.As(err, &e) && (e.Code == slipway.NotFound)
}
