package feishu

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"slipway/bot"
)

// markdown turns what a person wrote into the markdown of a card: paragraphs, emphasis,
// lists, quotes, code and http(s) links. Everything else, HTML and Feishu's own tags
// among it, is shown as it was typed.
func markdown(m bot.Markdown) string {
	source := []byte(printable(string(m)))
	w := mdWriter{source: source}
	doc := goldmark.DefaultParser().Parse(text.NewReader(source))
	return strings.TrimSpace(w.blocks(doc, ""))
}

type mdWriter struct{ source []byte }

// blocks writes the blocks of a node, each beginning with the indent.
func (w mdWriter) blocks(n ast.Node, indent string) string {
	var out []string
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if s := w.block(c, indent); strings.TrimSpace(s) != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

func (w mdWriter) block(n ast.Node, indent string) string {
	switch n := n.(type) {
	case *ast.Heading:
		return indent + "**" + strings.ReplaceAll(w.inlines(n), "**", "") + "**"
	case *ast.List:
		return w.list(n, indent)
	case *ast.Blockquote:
		return indent + "> " + strings.ReplaceAll(w.blocks(n, ""), "\n", "\n"+indent+"> ")
	case *ast.FencedCodeBlock:
		return w.code(n.Lines(), indent)
	case *ast.CodeBlock:
		return w.code(n.Lines(), indent)
	case *ast.ThematicBreak:
		return indent + "———"
	case *ast.HTMLBlock:
		return indent + escape(strings.TrimSpace(string(n.Lines().Value(w.source))))
	}
	return indent + strings.ReplaceAll(w.inlines(n), "\n", "\n"+indent)
}

// list writes a list. Four spaces are one level in Feishu.
func (w mdWriter) list(l *ast.List, indent string) string {
	var out []string
	number := l.Start
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "- "
		if l.IsOrdered() {
			mark = strconv.Itoa(number) + ". "
			number++
		}
		inner := indent + "    "
		body := strings.TrimPrefix(w.blocks(item, inner), inner)
		out = append(out, indent+mark+body)
	}
	return strings.Join(out, "\n")
}

// code writes a block of code. Fences must stand at the beginning of a line.
func (w mdWriter) code(lines *text.Segments, indent string) string {
	body := strings.TrimRight(string(lines.Value(w.source)), "\n")
	if indent != "" || strings.Contains(body, "```") || strings.Contains(body, "</") {
		return indent + strings.ReplaceAll(escape(body), "\n", "\n"+indent)
	}
	return "```\n" + body + "\n```"
}

func (w mdWriter) inlines(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		b.WriteString(w.inline(c))
	}
	return b.String()
}

func (w mdWriter) inline(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Text:
		s := escape(said(n.Segment.Value(w.source)))
		if n.SoftLineBreak() || n.HardLineBreak() {
			s += "\n"
		}
		return s
	case *ast.String:
		return escape(said(n.Value))
	case *ast.CodeSpan:
		return code(w.plain(n))
	case *ast.Emphasis:
		mark := strings.Repeat("*", n.Level)
		return mark + w.inlines(n) + mark
	case *ast.Link:
		return link(w.inlines(n), string(n.Destination))
	case *ast.AutoLink:
		return link(escape(string(n.Label(w.source))), string(n.URL(w.source)))
	case *ast.RawHTML:
		return escape(string(n.Segments.Value(w.source)))
	case *ast.Image:
		return link(w.inlines(n), string(n.Destination))
	}
	return w.inlines(n)
}

// said resolves the backslashes and entities of a text.
func said(raw []byte) string {
	return string(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(raw))))
}

// plain is the text of a node without its formatting.
func (w mdWriter) plain(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(w.source))
			continue
		}
		b.WriteString(w.plain(c))
	}
	return b.String()
}
