package feishutest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"slipway/bot/screen"
)

// node is an object of a card's JSON.
type node map[string]any

func (n node) str(key string) string { v, _ := n[key].(string); return v }
func (n node) sub(key string) node   { v, _ := n[key].(map[string]any); return v }
func (n node) has(key string) bool   { _, ok := n[key]; return ok }

func (n node) list(key string) []node {
	entries, _ := n[key].([]any)
	all := make([]node, 0, len(entries))
	for _, entry := range entries {
		m, _ := entry.(map[string]any)
		all = append(all, m)
	}
	return all
}

func parse(card json.RawMessage) node {
	var n node
	_ = json.Unmarshal(card, &n) // it was checked when it came
	return n
}

// mentions returns whom a message mentions.
func mentions(m *message) []string {
	if m.kind == "text" {
		return mdMentions(textOf(m.content))
	}
	var ids []string
	markdowns(map[string]any(parse(m.card)), func(content string) { ids = append(ids, mdMentions(content)...) })
	return ids
}

// people returns whom a card names in tags of its Markdown and in persons.
func people(card []byte) []string {
	var ids []string
	root := map[string]any(parse(card))
	markdowns(root, func(content string) { ids = append(ids, mdPeople(content)...) })
	walk(root, func(n node) {
		switch n.str("tag") {
		case "person":
			ids = append(ids, n.str("user_id"))
		case "person_list":
			for _, p := range n.list("persons") {
				ids = append(ids, p.str("id"))
			}
		}
	})
	return ids
}

// walk visits all objects of a card but the values that clicks bring.
func walk(v any, visit func(node)) {
	switch v := v.(type) {
	case []any:
		for _, entry := range v {
			walk(entry, visit)
		}
	case map[string]any:
		visit(v)
		for key, value := range v {
			if key != "value" {
				walk(value, visit)
			}
		}
	}
}

func markdowns(root map[string]any, visit func(content string)) {
	walk(root, func(n node) {
		if tag := n.str("tag"); tag != "markdown" && tag != "lark_md" {
			return
		}
		visit(n.str("content"))
		for _, content := range n.sub("i18n_content") {
			text, _ := content.(string)
			visit(text)
		}
	})
}

// text shows a text object or markdown component in the reader's language.
func (rd reader) text(n node) string {
	content := n.str("content")
	if local, ok := n.sub("i18n_content")[rd.locale].(string); ok {
		content = local
	}
	if tag := n.str("tag"); tag == "plain_text" || tag == "" {
		return content
	}
	return rd.plain(content)
}

// view is a card as it is seen.
type view struct {
	lines   []string
	buttons []press
}

// press is a button with what it does.
type press struct {
	screen.Button
	tag    string
	name   string
	value  any    // of the callback, nil if there is none
	option string // of an entry of a menu
}

// look shows a card.
func (rd reader) look(card json.RawMessage) view {
	var v view
	root := parse(card)
	if head := root.sub("header"); head != nil {
		v.say(rd.text(head.sub("title")))
		v.say(rd.text(head.sub("subtitle")))
		var tags []string
		for _, tag := range head.list("text_tag_list") {
			tags = append(tags, rd.text(tag.sub("text")))
		}
		v.say(strings.Join(tags, " "))
	}
	rd.elements(&v, root.sub("body").list("elements"), "", false)
	return v
}

func (v *view) say(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) != "" {
			v.lines = append(v.lines, line)
		}
	}
}

// elements shows what stands in a container. row is the line that buttons stand beside.
func (rd reader) elements(v *view, elements []node, row string, inForm bool) {
	for _, n := range elements {
		switch tag := n.str("tag"); tag {
		case "markdown":
			v.say(rd.text(n))
		case "div":
			v.say(rd.text(n.sub("text")))
			for _, f := range n.list("fields") {
				v.say(rd.text(f.sub("text")))
			}
		case "img":
			v.say(rd.text(n.sub("alt")))
		case "person":
			v.say(rd.name(n.str("user_id")))
		case "person_list":
			for _, p := range n.list("persons") {
				v.say(rd.name(p.str("id")))
			}
		case "table":
			rd.table(v, n)
		case "column_set":
			var inside []node
			for _, column := range n.list("columns") {
				inside = append(inside, column.list("elements")...)
			}
			rd.container(v, inside, row, inForm)
		case "collapsible_panel":
			v.say(rd.text(n.sub("header").sub("title")))
			rd.container(v, n.list("elements"), row, inForm)
		case "interactive_container":
			rd.container(v, n.list("elements"), row, inForm)
		case "form":
			rd.elements(v, n.list("elements"), row, true)
		case "button":
			rd.button(v, n, row)
		case "overflow":
			rd.overflow(v, n, row)
		default:
			v.say(rd.text(n.sub("label")))
			v.say(rd.text(n.sub("text")))
		}
	}
}

// container shows elements that stand together: the first line of them names their row.
func (rd reader) container(v *view, elements []node, row string, inForm bool) {
	var alone view
	rd.elements(&alone, elements, "", inForm)
	if len(alone.lines) > 0 {
		row = alone.lines[0]
	}
	rd.elements(v, elements, row, inForm)
}

func (rd reader) table(v *view, n node) {
	columns := n.list("columns")
	var names []string
	for _, c := range columns {
		names = append(names, c.str("display_name"))
	}
	v.say(strings.Join(names, " | "))
	for _, row := range n.list("rows") {
		var cells []string
		for _, c := range columns {
			cell := row[c.str("name")]
			text, ok := cell.(string)
			switch {
			case !ok:
				text = fmt.Sprint(cell)
			case c.str("data_type") == "markdown" || c.str("data_type") == "lark_md":
				text = rd.plain(text)
			}
			cells = append(cells, text)
		}
		v.say(strings.Join(cells, " | "))
	}
}

// button adds a button, unless it sends or resets a form.
func (rd reader) button(v *view, n node, row string) {
	if n.has("form_action_type") {
		return
	}
	p := press{tag: "button", name: n.str("name"), Button: screen.Button{
		Label: rd.text(n.sub("text")), Row: row, Disabled: n["disabled"] == true, Question: rd.question(n),
	}}
	switch look := n.str("type"); {
	case strings.HasPrefix(look, "primary"):
		p.Style = "primary"
	case strings.HasPrefix(look, "danger"):
		p.Style = "danger"
	}
	for _, b := range n.list("behaviors") {
		switch b.str("type") {
		case "callback":
			p.value = b["value"]
		case "open_url":
			p.URL = b.str("default_url")
		}
	}
	v.add(p)
}

// overflow adds the entries of a menu.
func (rd reader) overflow(v *view, n node, row string) {
	var value any
	for _, b := range n.list("behaviors") {
		value = b["value"]
	}
	for _, o := range n.list("options") {
		v.add(press{tag: "overflow", value: value, option: o.str("value"), Button: screen.Button{
			Label: rd.text(o.sub("text")), Row: row, Question: rd.question(n), URL: o.sub("multi_url").str("url"),
		}})
	}
}

func (rd reader) question(n node) string {
	c := n.sub("confirm")
	if c == nil {
		return ""
	}
	parts := slices.DeleteFunc([]string{rd.text(c.sub("title")), rd.text(c.sub("text"))}, func(s string) bool { return s == "" })
	return strings.Join(parts, "\n")
}

// add adds a button with a handle that tells what it does, and which one it is of those that
// do the same.
func (v *view) add(p press) {
	what, err := json.Marshal([]any{p.tag, p.name, p.value, p.option, p.URL, p.Label})
	if err != nil {
		panic(err) // it came as JSON
	}
	hash := fnv.New64a()
	_, _ = hash.Write(what)
	same := 0
	for _, other := range v.buttons {
		if strings.HasPrefix(other.Handle, fmt.Sprintf("%x.", hash.Sum64())) {
			same++
		}
	}
	p.Handle = fmt.Sprintf("%x.%d", hash.Sum64(), same)
	v.buttons = append(v.buttons, p)
}

// textOf returns the text of a text message.
func textOf(content string) string {
	var text struct{ Text string }
	_ = json.Unmarshal([]byte(content), &text)
	return text.Text
}
