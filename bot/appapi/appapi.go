// Package appapi is how the API of a platform is called in the name of an app: JSON over
// HTTP, with a token that lives for a while. What the answers mean is the platform's own
// affair.
package appapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer is the most bytes of an answer that are read.
const maxAnswer = 4 << 20

// Client returns a client that makes calls as the given one does, or with a time limit if
// none is given. It follows no redirect: no API has any, and what a call carries, a secret
// or a token, is for nobody else.
func Client(given *http.Client) *http.Client {
	c := http.Client{Timeout: 10 * time.Second, Transport: http.DefaultTransport.(*http.Transport).Clone()}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// Call is one request.
type Call struct {
	Base   string // the address that Path is below, without a slash at its end
	Method string
	Path   string
	Query  url.Values
	Header http.Header // beside the type of the content
	Body   []byte      // JSON, nil for none
}

// Answer is what came back, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes a call. If it fails it is not known whether the call was acted on, unless it
// never left.
func Do(ctx context.Context, client *http.Client, c Call) (*Answer, error) {
	address := c.Base + c.Path
	if len(c.Query) > 0 {
		address += "?" + c.Query.Encode()
	}
	var body io.Reader
	if c.Body != nil {
		body = bytes.NewReader(c.Body)
	}
	req, err := http.NewRequestWithContext(ctx, c.Method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	maps.Copy(req.Header, c.Header)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", c.Path, err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read answer of %s: %w", c.Path, err)
	case len(data) > maxAnswer:
		return nil, fmt.Errorf("read answer of %s: it is larger than %d bytes", c.Path, maxAnswer)
	}
	return &Answer{Status: res.StatusCode, Header: res.Header, Body: data}, nil
}

// Wait is how long an answer asks to wait before the next try: so many seconds, at most an
// hour, as the first of the headers says that says anything; one second without.
func (a *Answer) Wait(names ...string) time.Duration {
	for _, name := range names {
		if s, err := strconv.Atoi(strings.TrimSpace(a.Header.Get(name))); err == nil && s > 0 {
			return time.Duration(min(s, 3600)) * time.Second
		}
	}
	return time.Second
}
