package jira

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"slipway"
)

// Comment writes a comment on an issue, unless one is there that contains the mark, as the
// text does: the same comment is there once, however often it is written.
func (c *Client) Comment(ctx context.Context, key, mark, text string) error {
	path := "/rest/api/2/issue/" + url.PathEscape(key) + "/comment"
	type comment struct {
		Body string `json:"body"`
	}
	there, err := all[comment](ctx, c, path, nil, comments)
	if err != nil {
		return fmt.Errorf("read comments of %s: %w", key, err)
	}
	for _, one := range there {
		if strings.Contains(one.Body, mark) {
			return nil
		}
	}
	if err := c.do(ctx, http.MethodPost, path, nil, comment{text}, nil); err != nil {
		return fmt.Errorf("comment on %s: %w", key, err)
	}
	return nil
}

// Link puts a link to a plan's page on an issue. There is one of each plan: written again
// it takes the place of the one that is there.
func (c *Client) Link(ctx context.Context, key string, l slipway.IssueLink) error {
	type status struct {
		Resolved bool `json:"resolved"`
	}
	type object struct {
		URL     string `json:"url"`
		Title   string `json:"title"`
		Summary string `json:"summary"`
		Status  status `json:"status"`
	}
	body := struct {
		GlobalID     string            `json:"globalId"`
		Application  map[string]string `json:"application"`
		Relationship string            `json:"relationship"`
		Object       object            `json:"object"`
	}{
		GlobalID: "slipway=" + l.PlanID, Application: map[string]string{"type": "slipway", "name": "Slipway"}, Relationship: l.Relation,
		Object: object{URL: l.URL, Title: l.Title, Summary: l.Summary, Status: status{l.Done}},
	}
	if err := c.do(ctx, http.MethodPost, "/rest/api/2/issue/"+url.PathEscape(key)+"/remotelink", nil, body, nil); err != nil {
		return fmt.Errorf("link %s: %w", key, err)
	}
	return nil
}

// Escape makes a text safe to stand in a comment: it formats nothing and mentions nobody.
func (*Client) Escape(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if strings.ContainsRune(`\{}[]|*_^~+-?!@#`, r) {
			b.WriteRune('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
