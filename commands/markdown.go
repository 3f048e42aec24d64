package commands

import (
	"bytes"
	"html"
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	rawhtml "github.com/yuin/goldmark/renderer/html"
)

// Markdown renders what people write as sanitised HTML, for pages and the wire.
type Markdown struct {
	md     goldmark.Markdown
	policy *bluemonday.Policy

	// A plan's texts are rendered with every answer and hook, and seldom change.
	mu       sync.Mutex
	rendered map[string]string
	size     int // of what is in rendered, in bytes
}

// maxRendered is how much rendered text is kept; then it begins anew.
const maxRendered = 1 << 20

// NewMarkdown returns a renderer that may be used side by side.
func NewMarkdown() *Markdown {
	p := bluemonday.UGCPolicy()
	p.RequireNoFollowOnLinks(true)
	// The boxes of a checklist.
	p.AllowAttrs("type").Matching(regexp.MustCompile("^checkbox$")).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(regexp.MustCompile("^$")).OnElements("input")
	p.AddTargetBlankToFullyQualifiedLinks(true)
	// "Unsafe" means that HTML passes the renderer; the policy judges all of it.
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(rawhtml.WithUnsafe()))
	return &Markdown{md: md, policy: p, rendered: map[string]string{}}
}

// HTML renders Markdown. Raw HTML in it, which the documented rich text is, passes
// as far as it is harmless.
func (m *Markdown) HTML(markdown string) string {
	if markdown == "" {
		return ""
	}
	m.mu.Lock()
	known, ok := m.rendered[markdown]
	m.mu.Unlock()
	if ok {
		return known
	}
	made := m.render(markdown)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size += len(markdown) + len(made); m.size > maxRendered {
		clear(m.rendered)
		m.size = 0
	} else {
		m.rendered[markdown] = made
	}
	return made
}

func (m *Markdown) render(markdown string) string {
	var b bytes.Buffer
	if err := m.md.Convert([]byte(markdown), &b); err != nil {
		// Writing to memory does not fail; plain text is the safe answer if it did.
		return "<p>" + html.EscapeString(markdown) + "</p>"
	}
	return m.policy.Sanitize(b.String())
}
