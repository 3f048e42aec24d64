package slacktest

import (
	"encoding/json"
	"strconv"
	"strings"

	"slipway/bot/screen"
)

// page is what somebody reads on a message, a modal or a home page.
type page struct {
	lines    []string
	controls []control
}

// control is a button with what pressing it sends.
type control struct {
	button   screen.Button
	block    string
	action   string
	element  map[string]any
	option   map[string]any // of an overflow menu
	unfurled string         // the link whose unfurl it stands on
}

func (p *page) text() string { return strings.Join(p.lines, "\n") }

func (p *page) add(text string) {
	if text != "" {
		p.lines = append(p.lines, text)
	}
}

// read shows a version of a message.
func (r reader) read(m *message, version int) page {
	c := m.versions[version]
	var p page
	if len(c.blocks) > 0 {
		r.blocks(&p, c.blocks, handleOf{Version: version})
	} else {
		p.add(r.mrkdwn(c.text))
	}
	for i, a := range c.attachments {
		o, _ := a.(map[string]any)
		r.attachment(&p, o, handleOf{Version: version, Attachment: i + 1}, "")
	}
	for i, u := range m.unfurls {
		r.attachment(&p, u.attachment, handleOf{Version: version, Attachment: len(c.attachments) + i + 1}, u.url)
	}
	return p
}

func (r reader) attachment(p *page, o map[string]any, at handleOf, url string) {
	for _, name := range []string{"pretext", "title", "text", "footer"} {
		s, _ := o[name].(string)
		p.add(r.mrkdwn(s))
	}
	blocks, _ := o["blocks"].([]any)
	before := len(p.controls)
	r.blocks(p, blocks, at)
	for i := before; i < len(p.controls); i++ {
		p.controls[i].unfurled = url
	}
}

// handleOf is what a button's Handle says: which one it is, in which version.
type handleOf struct {
	Version    int `json:"v"`
	Attachment int `json:"a,omitempty"`
	Block      int `json:"b"`
	Element    int `json:"e"`
	Option     int `json:"o"`
}

func (h handleOf) String() string {
	raw, _ := json.Marshal(h) // numbers only
	return string(raw)
}

// blocks reads blocks from top to bottom. row is the line that buttons belong to.
func (r reader) blocks(p *page, blocks []any, at handleOf) {
	row := ""
	for i, b := range blocks {
		block, _ := b.(map[string]any)
		at.Block = i
		kind, _ := block["type"].(string)
		before := len(p.lines)
		switch kind {
		case "section":
			r.section(p, block)
			row = firstLine(p, before)
			if accessory, ok := block["accessory"].(map[string]any); ok {
				at.Element = 0
				p.press(block, accessory, row, at)
			}
		case "rich_text":
			p.add(r.rich(block["elements"]))
			row = firstLine(p, before)
		case "context":
			elements, _ := block["elements"].([]any)
			for _, e := range elements {
				p.add(r.textOrImage(e))
			}
		case "actions":
			elements, _ := block["elements"].([]any)
			for j, e := range elements {
				element, _ := e.(map[string]any)
				at.Element = j
				p.press(block, element, row, at)
			}
			row = ""
		default:
			r.other(p, block, kind)
			row = ""
		}
	}
}

func firstLine(p *page, from int) string {
	if from == len(p.lines) {
		return ""
	}
	line, _, _ := strings.Cut(p.lines[from], "\n")
	return line
}

func (r reader) section(p *page, block map[string]any) {
	p.add(r.textOrImage(block["text"]))
	fields, _ := block["fields"].([]any)
	for _, f := range fields {
		p.add(r.textOrImage(f))
	}
}

func (r reader) other(p *page, block map[string]any, kind string) {
	switch kind {
	case "header":
		p.add(r.textOrImage(block["text"]))
	case "image":
		p.add(r.textOrImage(block["title"]))
		p.add(r.textOrImage(block))
	case "markdown":
		s, _ := block["text"].(string)
		p.add(s)
	case "table":
		rows, _ := block["rows"].([]any)
		for _, row := range rows {
			p.add(r.tableRow(row))
		}
	}
}

func (r reader) tableRow(row any) string {
	cells, _ := row.([]any)
	var texts []string
	for _, c := range cells {
		cell, _ := c.(map[string]any)
		if cell["type"] == "rich_text" {
			texts = append(texts, r.rich(cell["elements"]))
			continue
		}
		s, _ := cell["text"].(string)
		texts = append(texts, s)
	}
	return strings.Join(texts, " | ")
}

// textOrImage reads a text object, or what stands for an image.
func (r reader) textOrImage(v any) string {
	o, _ := v.(map[string]any)
	s, _ := o["text"].(string)
	switch o["type"] {
	case "mrkdwn":
		return r.mrkdwn(s)
	case "image":
		s, _ = o["alt_text"].(string)
		return s
	default:
		return r.plain(s)
	}
}

// press adds a button, or those of an overflow menu.
func (p *page) press(block, element map[string]any, row string, at handleOf) {
	c := control{element: element}
	c.block, _ = block["block_id"].(string)
	c.action, _ = element["action_id"].(string)
	c.button = screen.Button{Row: row, Question: question(element["confirm"]), Handle: at.String()}
	switch element["type"] {
	case "button", "workflow_button":
		c.button.Label = textOf(element["text"])
		c.button.Style, _ = element["style"].(string)
		c.button.URL, _ = element["url"].(string)
		p.controls = append(p.controls, c)
	case "overflow":
		options, _ := element["options"].([]any)
		for i, o := range options {
			at.Option = i
			c.option, _ = o.(map[string]any)
			c.button.Label = textOf(c.option["text"])
			c.button.URL, _ = c.option["url"].(string)
			c.button.Handle = at.String()
			p.controls = append(p.controls, c)
		}
	}
}

// question is what is asked before a button is pressed, in one text.
func question(v any) string {
	o, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	title, text := textOf(o["title"]), textOf(o["text"])
	if title == "" {
		return text
	}
	return title + "\n" + text
}

func textOf(v any) string {
	o, _ := v.(map[string]any)
	s, _ := o["text"].(string)
	return unescape(s)
}

// buttons are those of a page.
func (p *page) buttons() []screen.Button {
	var buttons []screen.Button
	for _, c := range p.controls {
		buttons = append(buttons, c.button)
	}
	return buttons
}

// rich reads the elements of rich text.
func (r reader) rich(v any) string {
	elements, _ := v.([]any)
	var lines []string
	for _, e := range elements {
		o, _ := e.(map[string]any)
		inner, _ := o["elements"].([]any)
		switch o["type"] {
		case "rich_text_list":
			for i, item := range inner {
				section, _ := item.(map[string]any)
				mark := "• "
				if o["style"] == "ordered" {
					mark = strconv.Itoa(i+1) + ". "
				}
				lines = append(lines, mark+r.pieces(section["elements"]))
			}
		case "rich_text_quote":
			lines = append(lines, "> "+strings.ReplaceAll(r.pieces(o["elements"]), "\n", "\n> "))
		default:
			lines = append(lines, strings.TrimSuffix(r.pieces(o["elements"]), "\n"))
		}
	}
	return strings.Join(lines, "\n")
}

// pieces reads the elements of a line of rich text. Nothing in a text is markup there.
func (r reader) pieces(v any) string {
	elements, _ := v.([]any)
	var out strings.Builder
	for _, e := range elements {
		o, _ := e.(map[string]any)
		str := func(name string) string { s, _ := o[name].(string); return s }
		switch o["type"] {
		case "text":
			out.WriteString(str("text"))
		case "link":
			out.WriteString(either(str("text"), str("url")))
		case "emoji":
			out.WriteString(either(emoji(str("unicode")), ":"+str("name")+":"))
		case "user":
			out.WriteString("@" + r.s.nameOf(str("user_id"), ""))
		case "usergroup":
			out.WriteString("@" + str("usergroup_id"))
		case "channel":
			out.WriteString(r.reference("#" + str("channel_id")))
		case "broadcast":
			out.WriteString("@" + str("range"))
		case "date":
			seconds, _ := strconv.ParseInt(numberOf(o["timestamp"]), 10, 64)
			out.WriteString(r.date(seconds, str("format")))
		}
	}
	return out.String()
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// emoji reads hexadecimal code points such as 1f44d-1f3fb.
func emoji(code string) string {
	var out strings.Builder
	for _, part := range strings.Split(code, "-") {
		n, err := strconv.ParseInt(part, 16, 32)
		if err != nil {
			return ""
		}
		out.WriteRune(rune(n))
	}
	return out.String()
}

func numberOf(v any) string {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
