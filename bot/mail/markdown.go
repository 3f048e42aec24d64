package mail

import (
	"bytes"
	"html"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	rawhtml "github.com/yuin/goldmark/renderer/html"
)

// markdown renders what people wrote for mail programs. Unlike a page it shows no images:
// whoever writes one into a plan must not learn who reads the mail, and when.
type markdown struct {
	md     goldmark.Markdown
	policy *bluemonday.Policy
	strip  *bluemonday.Policy
}

func newMarkdown() *markdown {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "strong", "b", "em", "i", "del", "s", "code", "pre", "ul", "ol", "li", "blockquote",
		"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https")
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	// "Unsafe" means that HTML passes the renderer; the policy judges all of it.
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify), goldmark.WithRendererOptions(rawhtml.WithUnsafe()))
	return &markdown{md: md, policy: p, strip: bluemonday.StrictPolicy()}
}

func (m *markdown) html(source string) string {
	var b bytes.Buffer
	if err := m.md.Convert([]byte(source), &b); err != nil {
		// Writing to memory does not fail; plain text is the safe answer if it did.
		return "<p>" + html.EscapeString(source) + "</p>"
	}
	return m.policy.Sanitize(b.String())
}

var (
	hasTags  = regexp.MustCompile(`</[a-zA-Z]+>`)
	endsLine = regexp.MustCompile(`(?i)<br\s*/?>|</(p|div|li|h[1-6]|tr|blockquote)>`)
)

// text is the Markdown as it was typed; of rich text, which is HTML, the words.
func (m *markdown) text(source string) string {
	if hasTags.MatchString(source) {
		source = html.UnescapeString(m.strip.Sanitize(endsLine.ReplaceAllString(source, "$0\n")))
	}
	return strings.TrimSpace(source)
}
