package slipway

import (
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Hide puts Mask in the place of secrets in a text of somebody else's. Servers repeat what
// they are sent, in any of the ways that Spellings knows.
func Hide(text string, secrets ...string) string {
	var all []string
	for _, s := range secrets {
		if strings.TrimSpace(s) != "" {
			all = append(all, Spellings(s)...)
		}
	}
	// What contains another goes first, lest a part of it is left.
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, s := range all {
		text = strings.ReplaceAll(text, s, Mask)
	}
	return text
}

// Spellings are a text as it is, as it is written in addresses and in HTML, quoted, and in
// JSON, which may spare HTML its own characters.
func Spellings(text string) []string {
	quoted := strconv.Quote(text)
	all := []string{text, url.QueryEscape(text), url.PathEscape(text), html.EscapeString(text), quoted[1 : len(quoted)-1]}
	for _, forHTML := range []bool{true, false} {
		var written bytes.Buffer
		e := json.NewEncoder(&written)
		e.SetEscapeHTML(forHTML)
		if e.Encode(text) == nil {
			all = append(all, written.String()[1:written.Len()-2]) // without the quotes and the end of the line
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
