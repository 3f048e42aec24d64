package storytest

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"slipway/bot"
	"slipway/bot/screen"
)

// A match tells whether a node is looked for.
type match func(*html.Node) bool

func isTag(tag string) match {
	return func(n *html.Node) bool { return n.Type == html.ElementNode && n.Data == tag }
}

func hasClass(class string) match {
	return func(n *html.Node) bool {
		return n.Type == html.ElementNode && slices.Contains(strings.Fields(attr(n, "class")), class)
	}
}

func hasID(id string) match {
	return func(n *html.Node) bool { return n.Type == html.ElementNode && attr(n, "id") == id }
}

func attr(n *html.Node, key string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// all returns the matching nodes below a node in the order of the page, without those
// inside of a template, which nobody sees.
func all(n *html.Node, is match) []*html.Node {
	if n == nil || isTag("template")(n) {
		return nil
	}
	var found []*html.Node
	if is(n) {
		found = append(found, n)
	}
	for c := range n.ChildNodes() {
		found = append(found, all(c, is)...)
	}
	return found
}

func first(n *html.Node, is match) *html.Node {
	if list := all(n, is); len(list) > 0 {
		return list[0]
	}
	return nil
}

// blocks are the elements that begin a line of their own.
var blocks = []string{"p", "div", "li", "h1", "h2", "h3", "header", "footer", "ol", "ul", "dl", "pre", "blockquote", "article", "legend", "label", "br", "summary"}

// textOf is what can be read below a node, a line for each block, without controls.
func textOf(n *html.Node) string {
	var b strings.Builder
	if n != nil {
		write(&b, n)
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func write(b *strings.Builder, n *html.Node) {
	if n.Type == html.TextNode {
		if inPre(n) {
			b.WriteString(n.Data)
		} else {
			b.WriteString(strings.ReplaceAll(n.Data, "\n", " "))
		}
		return
	}
	for _, hidden := range []match{isTag("form"), isTag("button"), isTag("template"), hasClass("sr"), hasClass("actions"), hasClass("thread"), hasClass("who")} {
		if hidden(n) {
			return
		}
	}
	block := n.Type == html.ElementNode && slices.Contains(blocks, n.Data) && !hasClass("rowtitle")(n)
	switch {
	case block:
		b.WriteString("\n")
	case isTag("q")(n):
		b.WriteString("“")
	case hasClass("chip")(n), hasClass("rowtitle")(n):
		b.WriteString(" ")
	}
	for c := range n.ChildNodes() {
		write(b, c)
	}
	switch {
	case isTag("dt")(n):
		b.WriteString(": ")
	case isTag("q")(n):
		b.WriteString("”")
	case block, isTag("dd")(n):
		b.WriteString("\n")
	case hasClass("n")(n):
		b.WriteString(" ")
	}
}

// inPre tells whether line breaks of a text show.
func inPre(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if isTag("pre")(p) || hasClass("pre")(p) || hasClass("said")(p) {
			return true
		}
	}
	return false
}

// readMessage reads one message of a room.
func readMessage(room string, li *html.Node) screen.Message {
	m := screen.Message{
		ID: strings.TrimPrefix(attr(li, "id"), "m-"), Room: room, Text: textOf(first(li, hasClass("inner"))), Only: hasClass("private")(li),
		Author: textOf(first(first(li, hasClass("who")), isTag("b"))), Bot: first(li, hasClass("bot")) != nil,
	}
	if at, err := time.Parse(time.RFC3339, attr(first(first(li, hasClass("who")), isTag("time")), "datetime")); err == nil {
		m.At = at
	}
	for _, f := range all(li, isTag("form")) {
		if inside(f, hasClass("thread")) == nil {
			m.Buttons = append(m.Buttons, readButton(f))
		}
	}
	for _, off := range all(li, func(n *html.Node) bool { return isTag("button")(n) && attr(n, "aria-disabled") == "true" }) {
		m.Buttons = append(m.Buttons, screen.Button{Label: label(off), Row: rowOf(off), Disabled: true})
	}
	for _, a := range all(li, func(n *html.Node) bool { return isTag("a")(n) && hasClass("btn")(n) }) {
		m.Buttons = append(m.Buttons, screen.Button{Label: label(a), Row: rowOf(a), URL: attr(a, "href")})
	}
	var source bytes.Buffer
	if html.Render(&source, li) == nil {
		m.Raw, _ = json.Marshal(source.String())
	}
	return m
}

// readThread reads the lines below a message.
func readThread(room, head string, li *html.Node) []screen.Message {
	var list []screen.Message
	for _, line := range all(first(li, hasClass("thread")), isTag("li")) {
		list = append(list, screen.Message{
			ID: strings.TrimPrefix(attr(line, "id"), "m-"), Room: room, Thread: head, Text: textOf(line), Bot: first(line, isTag("b")) == nil,
		})
	}
	return list
}

// readButton reads the form that a button is.
func readButton(f *html.Node) screen.Button {
	button, hidden := first(f, isTag("button")), hiddenOf(f)
	b := screen.Button{Label: label(button), Row: rowOf(f), Question: question(hidden.Get("confirm"))}
	hidden.Del("confirm") // the page's script asks, and sends what is left
	b.Handle = attr(f, "action") + "?" + hidden.Encode()
	for _, style := range []string{"primary", "danger"} {
		if hasClass(style)(button) {
			b.Style = style
		}
	}
	return b
}

// question is what the page's script asks before a button does anything, "" if it asks
// nothing.
func question(asked string) string {
	var q bot.Confirm
	if json.Unmarshal([]byte(asked), &q) != nil {
		return asked
	}
	return q.Title + "\n" + q.Text
}

// label is the word on a button, without the mark of those that open a form.
func label(button *html.Node) string {
	var b strings.Builder
	for c := range button.ChildNodes() {
		if !hasClass("sr")(c) {
			write(&b, c)
		}
	}
	return strings.TrimSuffix(strings.TrimSpace(b.String()), "…")
}

// rowOf is the line that a control stands beside.
func rowOf(n *html.Node) string {
	list := inside(n, hasClass("rowlist"))
	if list == nil {
		return ""
	}
	return textOf(first(inside(n, isTag("li")), hasClass("rowhead")))
}

// inside returns the nearest element around a node that matches, nil if none does.
func inside(n *html.Node, is match) *html.Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if is(p) {
			return p
		}
	}
	return nil
}

// hiddenOf returns the hidden values of a form.
func hiddenOf(f *html.Node) url.Values {
	v := url.Values{}
	for _, in := range all(f, isTag("input")) {
		if attr(in, "type") == "hidden" {
			v.Add(attr(in, "name"), attr(in, "value"))
		}
	}
	return v
}
