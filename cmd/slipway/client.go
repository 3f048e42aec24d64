package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// client talks to a running Slipway through the REST API.
type client struct {
	base, token, actor string
	http               *http.Client
}

func newClient(p process) (*client, error) {
	env := func(names ...string) string {
		for _, n := range names {
			if v, ok := p.getenv(n); ok && v != "" {
				return v
			}
		}
		return ""
	}
	c := &client{
		base: strings.TrimRight(env("SLIPWAY_PUBLIC_URL"), "/"), token: env("SLIPWAY_TOKEN", "SLIPWAY_ADMIN_TOKEN"),
		actor: env("SLIPWAY_ACTOR"), http: &http.Client{Timeout: 30 * time.Second},
	}
	if c.base == "" {
		c.base = "http://127.0.0.1:8080"
	}
	if c.token == "" {
		return nil, errors.New("SLIPWAY_TOKEN (a user's API token) or SLIPWAY_ADMIN_TOKEN is needed to talk to Slipway")
	}
	return c, nil
}

// apiError is the REST API's way to refuse.
type apiError struct {
	Error struct {
		Code, Message string
		Problems      []struct{ Path, Message string }
	}
}

// request makes a request in the name of whoever uses the client.
func (c *client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", path, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if c.actor != "" {
		req.Header.Set("Slipway-Actor", c.actor)
	}
	return req, nil
}

// send is call with a body that is made into JSON.
func (c *client) send(ctx context.Context, method, path string, body map[string]any, out any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return c.call(ctx, method, path, data, nil, out)
}

// call sends one request and decodes the answer into out.
func (c *client) call(ctx context.Context, method, path string, body []byte, header map[string]string, out any) error {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("reach Slipway at %s (is it running?): %w", c.base, err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	if res.StatusCode >= 300 {
		var e apiError
		if json.Unmarshal(data, &e) != nil || e.Error.Message == "" {
			return fmt.Errorf("%s %s: %s", method, path, res.Status)
		}
		var b strings.Builder
		b.WriteString(e.Error.Message)
		for _, p := range e.Error.Problems {
			b.WriteString("\n  " + p.Path + ": " + p.Message)
		}
		return errors.New(b.String())
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	return nil
}

// planView is what the commands print of a plan.
type planView struct {
	ID      string
	Index   int64
	Name    string
	Status  string
	Manager string
	Version int64
	Jobs    []struct{ ID, Name, Type, Status, ExecutedBy string }
	Allowed []string
	// Warnings are what there is to know about a plan that was submitted.
	Warnings []struct{ Message string }
}

func (v *planView) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "#%d %s\n  id       %s\n  status   %s\n  manager  %s\n  version  %d\n", v.Index, shown(v.Name), v.ID, v.Status, shown(v.Manager), v.Version)
	for i, j := range v.Jobs {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %d. %-8s %-9s %s\n", i+1, j.Status, j.Type, shown(j.Name))
		}
	}
	if len(v.Allowed) > 0 && err == nil {
		_, err = fmt.Fprintf(w, "  you may  %s\n", strings.Join(v.Allowed, ", "))
	}
	for _, x := range v.Warnings {
		if err == nil {
			_, err = fmt.Fprintf(w, "  warning  %s\n", shown(x.Message))
		}
	}
	return err
}

// shown is a text of somebody's as a terminal may have it: on one line, and without
// what a terminal would obey.
func shown(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }), " ")
}

func planPath(ref string) string {
	return "/api/v1/plans/" + url.PathEscape(strings.TrimPrefix(ref, "#"))
}

// apply creates a plan from a document or puts it in the place of one.
func apply(ctx context.Context, args []string, p process) error {
	args, ref, err := takeOption(args, "plan")
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return errors.New("apply expects one file (\"-\" reads standard input)")
	}
	c, err := newClient(p)
	if err != nil {
		return err
	}
	var doc []byte
	if args[0] == "-" {
		doc, err = io.ReadAll(io.LimitReader(p.stdin, 2<<20))
	} else {
		doc, err = os.ReadFile(args[0])
	}
	if err != nil {
		return fmt.Errorf("read plan document: %w", err)
	}
	var v planView
	if ref == "" {
		err = c.call(ctx, http.MethodPost, "/api/v1/plans", doc, nil, &v)
	} else if err = c.call(ctx, http.MethodGet, planPath(ref), nil, nil, &v); err == nil {
		err = c.call(ctx, http.MethodPut, "/api/v1/plans/"+v.ID, doc, map[string]string{"If-Match": fmt.Sprint(v.Version)}, &v)
	}
	if err != nil {
		return err
	}
	return v.print(p.stdout)
}

func (c *client) listPlans(ctx context.Context, opts url.Values, w io.Writer) error {
	var page struct {
		Plans []planView
		Total int64
	}
	if err := c.call(ctx, http.MethodGet, "/api/v1/plans?"+opts.Encode(), nil, nil, &page); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, v := range page.Plans {
		_, _ = fmt.Fprintf(tw, "#%d\t%s\t%s\t%s\n", v.Index, v.Status, shown(v.Manager), shown(v.Name))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %d\n", len(page.Plans), page.Total)
	return err
}

func (c *client) showPlan(ctx context.Context, ref string, w io.Writer) error {
	var v planView
	if err := c.call(ctx, http.MethodGet, planPath(ref), nil, nil, &v); err != nil {
		return err
	}
	return v.print(w)
}

func (c *client) showLog(ctx context.Context, ref string, w io.Writer) error {
	var page struct {
		Entries []struct {
			At      int64
			Actor   struct{ Kind, Name string }
			Verb    string
			From    string
			To      string
			Item    string `json:"item_name"`
			Comment string
			Data    struct{ Result, Reason string }
		}
	}
	if err := c.call(ctx, http.MethodGet, planPath(ref)+"/log?limit=200", nil, nil, &page); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, e := range page.Entries {
		who := e.Actor.Name
		if e.Actor.Kind == "system" {
			who = "Slipway"
		}
		said := strings.TrimSpace(e.Data.Result + " " + e.Data.Reason + " " + e.Comment)
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", time.UnixMilli(e.At).Format(time.DateTime), shown(who), e.Verb, shown(e.Item), e.To, shown(said))
	}
	return tw.Flush()
}
