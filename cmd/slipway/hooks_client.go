package main

import (
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

	"slipway/commands"
)

const hooksUsage = `hooks list, hooks show ID, hooks replay ID, hooks replay --failed, hooks export,
hooks endpoints, hooks test NAME, hooks set FILE, hooks rotate NAME, hooks enable NAME, hooks disable NAME or hooks delete NAME is expected`

// hooksCommand looks after hooks: what was sent, and to whom.
func hooksCommand(ctx context.Context, args []string, p process) error {
	args, failed := takeFlag(args, "failed")
	args, dry := takeFlag(args, "dry-run")
	args, opts, err := takeOptions(args, "plan", "endpoint", "event", "state", "since", "until", "limit")
	if err != nil {
		return err
	}
	c, err := newClient(p)
	if err != nil {
		return err
	}
	what, name := strings.Join(args[:min(len(args), 1)], ""), strings.Join(args[min(len(args), 1):], " ")
	switch {
	case what == "list" && name == "":
		return c.listDeliveries(ctx, opts, p.stdout)
	case what == "export" && name == "":
		return c.exportDeliveries(ctx, opts, p.stdout)
	case what == "endpoints" && name == "":
		return c.listEndpoints(ctx, p.stdout)
	case what == "replay" && failed && name == "":
		return c.replayFailed(ctx, opts, dry, p.stdout)
	case name == "":
	case what == "show":
		return c.showDelivery(ctx, name, p.stdout)
	case what == "replay":
		return c.call(ctx, http.MethodPost, "/api/v1/deliveries/"+url.PathEscape(name)+"/replay", nil, nil, nil)
	case what == "test":
		return c.testEndpoint(ctx, name, p.stdout)
	case what == "set":
		return c.setEndpoint(ctx, name, p)
	case what == "rotate":
		var fresh struct{ Secret string }
		if err := c.call(ctx, http.MethodPost, endpointPath(name)+"/rotate", nil, nil, &fresh); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, "%s\nIt is not shown again. The secret before it stays good until the next rotation.\n", fresh.Secret)
		return err
	case what == "enable", what == "disable":
		return c.call(ctx, http.MethodPost, endpointPath(name)+"/"+what, nil, nil, nil)
	case what == "delete":
		return c.call(ctx, http.MethodDelete, endpointPath(name), nil, nil, nil)
	}
	return errors.New(hooksUsage)
}

func endpointPath(name string) string { return "/api/v1/endpoints/" + url.PathEscape(name) }

type deliveryView struct {
	ID        string
	PlanID    string `json:"plan_id"`
	Endpoint  string
	Event     string
	State     string
	At        int64
	LastError string `json:"last_error"`
	Body      string
	Attempts  []struct {
		Number      int
		StartedAt   int64 `json:"started_at"`
		DurationMS  int64 `json:"duration_ms"`
		FirstByteMS int64 `json:"first_byte_ms"`
		StatusCode  int   `json:"status_code"`
		Error       string
		Sent        string
		AnswerHead  string `json:"answer_head"`
		Answer      string
	}
}

func (c *client) listDeliveries(ctx context.Context, opts url.Values, w io.Writer) error {
	var page struct {
		Deliveries []deliveryView
		Next       string `json:"next_cursor"`
	}
	if err := c.call(ctx, http.MethodGet, "/api/v1/deliveries?"+opts.Encode(), nil, nil, &page); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, d := range page.Deliveries {
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", time.UnixMilli(d.At).Format(time.DateTime), d.ID, shown(d.Endpoint), d.State,
			len(d.Attempts), d.Event, shown(d.LastError))
	}
	return tw.Flush()
}

func (c *client) showDelivery(ctx context.Context, id string, w io.Writer) error {
	var d deliveryView
	if err := c.call(ctx, http.MethodGet, "/api/v1/deliveries/"+url.PathEscape(id), nil, nil, &d); err != nil {
		return err
	}
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s\n  endpoint  %s\n  event     %s\n  plan      %s\n  state     %s\n", d.ID, shown(d.Endpoint), d.Event, d.PlanID, d.State)
	for _, a := range d.Attempts {
		_, _ = fmt.Fprintf(&b, "\ntry %d, %s, %d ms (first byte after %d ms): HTTP %d %s\n%s\n%s%s\n", a.Number, time.UnixMilli(a.StartedAt).Format(time.DateTime),
			a.DurationMS, a.FirstByteMS, a.StatusCode, shown(a.Error), indented(a.Sent), indented(a.AnswerHead), indented(a.Answer))
	}
	_, _ = fmt.Fprintf(&b, "\nbody\n%s\n", indented(d.Body))
	_, err := io.WriteString(w, b.String())
	return err
}

// indented is a text of somebody's over several lines, without what a terminal would obey.
func indented(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		// Indentation is worth keeping; shown would lose it.
		text := strings.TrimLeft(line, " ")
		_, _ = fmt.Fprintf(&b, "  %s%s\n", strings.Repeat(" ", len(line)-len(text)), shown(text))
	}
	return b.String()
}

// exportDeliveries copies the JSON Lines as they come: they may be long.
func (c *client) exportDeliveries(ctx context.Context, opts url.Values, w io.Writer) error {
	req, err := c.request(ctx, http.MethodGet, "/api/v1/deliveries/export?"+opts.Encode(), nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return fmt.Errorf("reach Slipway at %s (is it running?): %w", c.base, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		var e apiError
		if json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&e) == nil && e.Error.Message != "" {
			return errors.New(e.Error.Message)
		}
		return fmt.Errorf("export: %s", res.Status)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("the export broke off: %w", err)
	}
	return nil
}

func (c *client) replayFailed(ctx context.Context, opts url.Values, dry bool, w io.Writer) error {
	for _, name := range []string{"event", "state", "limit"} {
		if opts.Has(name) {
			return fmt.Errorf("--%s does not go with hooks replay --failed; --plan, --endpoint, --since and --until do", name)
		}
	}
	ask := map[string]any{"dry_run": dry}
	for _, name := range []string{"plan", "endpoint", "since", "until"} {
		if v := opts.Get(name); v != "" {
			ask[name] = v
		}
	}
	var done struct{ Found, Sent, Refused int64 }
	if err := c.send(ctx, http.MethodPost, "/api/v1/deliveries/replay", ask, &done); err != nil {
		return err
	}
	if dry {
		_, err := fmt.Fprintf(w, "%d were given up\n", done.Found)
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %d are sent again; %d are of plans that somebody else manages\n", done.Sent, done.Found, done.Refused)
	return err
}

func (c *client) listEndpoints(ctx context.Context, w io.Writer) error {
	var all struct {
		Endpoints []struct {
			Name, URL, Source, Off string
			Events                 []string
			Wait, Advisory         bool
			Enabled                bool
		}
	}
	if err := c.call(ctx, http.MethodGet, "/api/v1/endpoints", nil, nil, &all); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, e := range all.Endpoints {
		kind, state := "told", "enabled"
		switch {
		case e.Advisory:
			kind = "advises"
		case e.Wait:
			kind = "asked"
		}
		switch {
		case e.Off != "":
			state = "off: " + e.Off
		case !e.Enabled:
			state = "disabled"
		}
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", shown(e.Name), kind, state, e.Source, strings.Join(e.Events, ","), shown(e.URL))
	}
	return tw.Flush()
}

// testEndpoint sends a signed ping and explains the answer. A ping that is not taken is a
// failure, for scripts.
func (c *client) testEndpoint(ctx context.Context, name string, w io.Writer) error {
	var ping struct {
		OK         bool
		StatusCode int   `json:"status_code"`
		DurationMS int64 `json:"duration_ms"`
		Verdict    string
		Sent       string
		Body       string
		AnswerHead string `json:"answer_head"`
		Answer     string
	}
	if err := c.call(ctx, http.MethodPost, endpointPath(name)+"/test", nil, nil, &ping); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "sent\n%s  %s\nanswer after %d ms\n%s%s%s\n", indented(ping.Sent), shown(ping.Body), ping.DurationMS,
		indented(ping.AnswerHead), indented(ping.Answer), shown(ping.Verdict))
	if err == nil && !ping.OK {
		err = fmt.Errorf("%s did not take the ping", name)
	}
	return err
}

// setEndpoint makes or replaces an endpoint from a file with the keys of slipway.yaml.
func (c *client) setEndpoint(ctx context.Context, file string, p process) error {
	var doc []byte
	var err error
	if file == "-" {
		doc, err = io.ReadAll(io.LimitReader(p.stdin, 1<<20))
	} else {
		doc, err = os.ReadFile(file) //nolint:gosec // the operator names the file
	}
	if err != nil {
		return fmt.Errorf("read endpoint: %w", err)
	}
	name := commands.EndpointName(doc)
	if name == "" {
		return errors.New("an endpoint is expected: a mapping of keys such as name, url and events")
	}
	return c.call(ctx, http.MethodPut, endpointPath(name), doc, map[string]string{"If-Match": "*"}, nil)
}
