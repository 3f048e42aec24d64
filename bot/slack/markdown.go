package slack

import (
	"strings"

	"github.com/slack-go/slack"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

var markdownParser = goldmark.New(goldmark.WithExtensions(extension.Strikethrough)).Parser()

// markdown renders what a person wrote as parts of a rich text block: paragraphs,
// emphasis, lists, quotes, code and links. Everything else stays the text that it is.
func markdown(m bot.Markdown, n int) []slack.RichTextElement {
	source := []byte(cut(valid(string(m)), n))
	if len(source) == 0 {
		return nil
	}
	w := markdownWriter{source: source}
	w.blocks(markdownParser.Parse(text.NewReader(source)))
	return w.done()
}

// paper collects the parts of a rich text block. Paragraphs that follow each other share
// one part.
type paper struct {
	parts []slack.RichTextElement
	open  []slack.RichTextSectionElement
}

// done returns the parts and begins anew.
func (p *paper) done() []slack.RichTextElement {
	p.close()
	parts := p.parts
	p.parts = nil
	return parts
}

func (p *paper) close() {
	if len(p.open) > 0 {
		p.parts = append(p.parts, slack.NewRichTextSection(p.open...))
	}
	p.open = nil
}

// paragraph adds a line or several.
func (p *paper) paragraph(pieces []slack.RichTextSectionElement) { p.open = join(p.open, pieces) }

// add adds finished parts.
func (p *paper) add(parts ...slack.RichTextElement) {
	for _, part := range parts {
		if section, ok := part.(*slack.RichTextSection); ok {
			p.paragraph(section.Elements)
			continue
		}
		p.close()
		p.parts = append(p.parts, part)
	}
}

// markdownWriter walks a document.
type markdownWriter struct {
	paper
	source []byte
}

func (w *markdownWriter) blocks(parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			w.paragraph(w.inline(n, slack.RichTextSectionTextStyle{Bold: true}))
		case *ast.List:
			w.list(n, 0)
		case *ast.Blockquote:
			if pieces := w.flat(n); len(pieces) > 0 {
				w.add(&slack.RichTextQuote{Type: slack.RTEQuote, Elements: pieces})
			}
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			if code := strings.TrimRight(w.raw(n), "\n"); code != "" {
				w.add(&slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{say(code)}})
			}
		case *ast.HTMLBlock:
			if raw := strings.TrimSpace(w.raw(n)); raw != "" {
				w.paragraph([]slack.RichTextSectionElement{say(raw)})
			}
		case *ast.ThematicBreak:
			w.paragraph([]slack.RichTextSectionElement{say("———")})
		default:
			w.paragraph(w.inline(n, slack.RichTextSectionTextStyle{}))
		}
	}
}

// raw is the text of a block as it was written.
func (w *markdownWriter) raw(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(w.source))
	}
	if html, ok := n.(*ast.HTMLBlock); ok && html.HasClosure() {
		b.Write(html.ClosureLine.Value(w.source))
	}
	return b.String()
}

// flat puts all that is below a node under each other.
func (w *markdownWriter) flat(parent ast.Node) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		out = join(out, w.piece(n))
	}
	return out
}

// piece is a block as lines of text, for places that take no blocks.
func (w *markdownWriter) piece(n ast.Node) []slack.RichTextSectionElement {
	switch n.(type) {
	case *ast.List, *ast.Blockquote:
		return w.flat(n)
	case *ast.ListItem:
		return append([]slack.RichTextSectionElement{say("• ")}, w.flat(n)...)
	case *ast.FencedCodeBlock, *ast.CodeBlock, *ast.HTMLBlock:
		if raw := strings.TrimRight(w.raw(n), "\n"); raw != "" {
			return []slack.RichTextSectionElement{say(raw)}
		}
		return nil
	}
	return w.inline(n, slack.RichTextSectionTextStyle{})
}

// list renders a list and those in it, each as a part of its own, as Slack wants it.
func (w *markdownWriter) list(l *ast.List, indent int) {
	style := slack.RTEListBullet
	if l.IsOrdered() {
		style = slack.RTEListOrdered
	}
	var items []slack.RichTextElement
	number := max(l.Start-1, 0)
	put := func() {
		if len(items) > 0 {
			part := slack.NewRichTextList(style, min(indent, blockkit.ListIndent), items...)
			if part.Offset = number; style == slack.RTEListBullet {
				part.Offset = 0
			}
			w.add(part)
			number += len(items)
		}
		items = nil
	}
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		var pieces []slack.RichTextSectionElement
		var inner []*ast.List
		for n := item.FirstChild(); n != nil; n = n.NextSibling() {
			if sub, ok := n.(*ast.List); ok {
				inner = append(inner, sub)
				continue
			}
			pieces = join(pieces, w.piece(n))
		}
		if len(pieces) == 0 {
			pieces = []slack.RichTextSectionElement{say(" ")}
		}
		items = append(items, slack.NewRichTextSection(pieces...))
		for _, sub := range inner {
			put()
			w.list(sub, indent+1)
		}
	}
	put()
}

// inline renders what stands in a line.
func (w *markdownWriter) inline(parent ast.Node, style slack.RichTextSectionTextStyle) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	add := func(s string, style slack.RichTextSectionTextStyle) {
		if s != "" {
			out = append(out, slack.NewRichTextSectionTextElement(s, ink(style)))
		}
	}
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		inner := style
		switch n := n.(type) {
		case *ast.Text:
			value := n.Value(w.source)
			if !n.IsRaw() {
				value = util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(value)))
			}
			add(string(value), style)
			if n.SoftLineBreak() || n.HardLineBreak() {
				add("\n", slack.RichTextSectionTextStyle{})
			}
		case *ast.String:
			add(string(n.Value), style)
		case *ast.Emphasis:
			if inner.Italic = style.Italic || n.Level == 1; n.Level > 1 {
				inner.Bold = true
			}
			out = append(out, w.inline(n, inner)...)
		case *extast.Strikethrough:
			inner.Strike = true
			out = append(out, w.inline(n, inner)...)
		case *ast.CodeSpan:
			inner.Code = true
			add(w.words(n), inner)
		case *ast.Link:
			out = append(out, w.link(string(n.Destination), w.words(n), style)...)
		case *ast.AutoLink:
			out = append(out, w.link(string(n.URL(w.source)), string(n.Label(w.source)), style)...)
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				segment := n.Segments.At(i)
				add(string(segment.Value(w.source)), style)
			}
		default: // an image is its text
			out = append(out, w.inline(n, style)...)
		}
	}
	return out
}

// link is a link with its text, or the text alone if the link is none for a browser.
func (w *markdownWriter) link(to, words string, style slack.RichTextSectionTextStyle) []slack.RichTextSectionElement {
	address, ok := webLink(to)
	switch {
	case ok && words != "":
		return []slack.RichTextSectionElement{slack.NewRichTextSectionLinkElement(address, words, ink(style))}
	case words != "":
		return []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(words, ink(style))}
	}
	return nil
}

// words is the text below a node without its formatting.
func (w *markdownWriter) words(parent ast.Node) string {
	var b strings.Builder
	for _, piece := range w.inline(parent, slack.RichTextSectionTextStyle{}) {
		switch piece := piece.(type) {
		case *slack.RichTextSectionTextElement:
			b.WriteString(piece.Text)
		case *slack.RichTextSectionLinkElement:
			b.WriteString(piece.Text)
		}
	}
	return b.String()
}

func ink(style slack.RichTextSectionTextStyle) *slack.RichTextSectionTextStyle {
	if style == (slack.RichTextSectionTextStyle{}) {
		return nil
	}
	return &style
}
