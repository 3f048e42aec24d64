package processtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client asks the REST API as the admin, or in the name of others.
type Client struct {
	Token string // the admin token
	HTTP  *http.Client
}

// NewClient returns a client that keeps connections open for many requests at once.
func NewClient(token string) *Client {
	return &Client{Token: token, HTTP: &http.Client{
		Timeout: 20 * time.Second,
		// Without a proxy, and quick to notice that the other end has died.
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute},
	}}
}

// Request is one question to the REST API.
type Request struct {
	Method string // empty: POST
	Path   string
	Actor  string // e-mail of the person in whose name it is asked; empty: the admin
	Key    string // Idempotency-Key
	Match  string // If-Match: the version of the plan to be replaced
	Body   any    // sent as JSON; nil: no body
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Took   time.Duration // from the request to the last byte of the answer
}

// Message is what an error says, or the body.
func (a Answer) Message() string {
	var e struct {
		Error struct {
			Message  string
			Problems []struct{ Path, Message string }
		}
	}
	if json.Unmarshal(a.Body, &e) != nil || e.Error.Message == "" {
		return string(a.Body)
	}
	text := e.Error.Message
	for _, p := range e.Error.Problems {
		text += " " + p.Path + ": " + p.Message
	}
	return text
}

// Decode reads the answer's body into a value.
func (a Answer) Decode(into any) error {
	if err := json.Unmarshal(a.Body, into); err != nil {
		return fmt.Errorf("read answer %q: %w", a.Body, err)
	}
	return nil
}

// Do asks the process at the base address. The error says that there was no answer;
// whether the request had an effect is not known then.
func (c *Client) Do(ctx context.Context, base string, r Request) (Answer, error) {
	header := http.Header{"Authorization": {"Bearer " + c.Token}}
	if r.Actor != "" {
		header.Set("Slipway-Actor", r.Actor)
	}
	if r.Key != "" {
		header.Set("Idempotency-Key", r.Key)
	}
	if r.Match != "" {
		header.Set("If-Match", r.Match)
	}
	return c.send(ctx, r.Method, base+r.Path, header, r.Body)
}

func (c *Client) send(ctx context.Context, method, url string, header http.Header, body any) (Answer, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return Answer{}, fmt.Errorf("write request: %w", err)
		}
	}
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return Answer{}, fmt.Errorf("ask %s: %w", url, err)
	}
	req.Header = header
	began := time.Now()
	res, err := c.HTTP.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	a := Answer{Status: res.StatusCode, Header: res.Header}
	a.Body, err = io.ReadAll(res.Body)
	a.Took = time.Since(began)
	return a, err
}

// Callback is what an outside system answers to a hook.
type Callback struct {
	Event        string `json:"hook_event"`
	PlanID       string `json:"release_plan_id"`
	InstanceCode string `json:"instance_code"`
	Result       string `json:"result"`
	FailedReason string `json:"failed_reason,omitempty"`
	Description  string `json:"description,omitempty"`
}

// CallBack answers a hook at the process at the base address.
func (c *Client) CallBack(ctx context.Context, base string, cb Callback) (Answer, error) {
	return c.send(ctx, http.MethodPost, base+"/api/callback/release_plan", http.Header{"Content-Type": {"application/json"}}, cb)
}

// Plan is what the REST API shows of a plan, as far as drivers need it.
type Plan struct {
	ID      string   `json:"id"`
	Index   int64    `json:"index"`
	Name    string   `json:"name"`
	Status  string   `json:"status"`
	Seq     int64    `json:"seq"`
	Jobs    []Job    `json:"jobs"`
	Allowed []string `json:"allowed"`
}

// Job is an item of a plan.
type Job struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Status string `json:"status"`
	Reason string `json:"reason"`
	RunID  string `json:"run_id"`
	URL    string `json:"url"` // of the run
}
