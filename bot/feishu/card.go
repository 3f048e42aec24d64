package feishu

import (
	"fmt"
	"strings"

	"slipway/bot"
	"slipway/bot/feishu/cardjson"
)

// How many actions of a card and of one of its rows are buttons; the others are in a
// menu beside them.
const (
	cardButtons = 5
	rowButtons  = 2
)

// cut says how much of a card is shown.
type cut struct {
	rows    int  // so many of its rows
	pressed int  // and so many of these with their buttons
	lean    bool // without what stands in the menus of rows
	text    int  // most characters of what people wrote, per text; 0 for all
	lines   int  // most lines of a list of lines; 0 for all
}

// cuts are tried one after the other until a card fits.
var cuts = []cut{{lean: true}, {lean: true, text: 500, lines: 20}, {lean: true, text: 120, lines: 6}}

// renderCard writes a card as card JSON 2.0. It is never more than Feishu takes: the last
// rows lose their buttons, then rows are left out, then long texts are cut, and the card
// says so.
func renderCard(c bot.Card) []byte {
	draw := func(k cut) []byte { return encode(cardOf(c.Summary, cardHeader(c), cardBody(c, k), true)) }
	if n := len(c.Rows); n <= cardjson.MaxElements {
		if whole := draw(cut{rows: n, pressed: n}); fits(whole) {
			return whole
		}
	}
	for _, k := range cuts {
		for k = fill(c, k, draw(k)); k.rows >= 0; k = k.less() {
			if card := draw(k); fits(card) {
				return card
			}
		}
	}
	p := painterFor(c.Lang, c.Zone)
	note := p.say("The rest is on the page.", "其余内容请在页面查看。")
	return encode(cardOf(c.Summary, cardHeader(bot.Card{Title: shorten(c.Title, 300), State: c.State}), []element{
		markdownElement(escape(shorten(c.Summary, 500))), smallPrint(p.pageNote(note, c.Link)),
	}, true))
}

// noteSize is more than the bytes of the line that says what is left out.
const noteSize = 600

// fill finds how many rows fit into a card that is drawn without any: first all without
// buttons, then as many as possible with theirs.
func fill(c bot.Card, k cut, drawn []byte) cut {
	bytes := cardjson.MaxRequest - cardjson.RequestOverhead - noteSize - cardjson.Size(drawn)
	elements := cardjson.MaxElements - 1 - cardjson.Elements(drawn)
	p := painterFor(c.Lang, c.Zone)
	cost := func(e element) (size, count int) {
		data := encode(e)
		return cardjson.Size(data), cardjson.Elements(data)
	}
	for _, r := range c.Rows {
		size, count := cost(p.row(r, k, false))
		if size > bytes || count > elements {
			return k
		}
		bytes, elements = bytes-size, elements-count
		k.rows++
	}
	for _, r := range c.Rows {
		bare, one := cost(p.row(r, k, false))
		size, count := cost(p.row(r, k, true))
		if size-bare > bytes || count-one > elements {
			return k
		}
		bytes, elements = bytes-size+bare, elements-count+one
		k.pressed++
	}
	return k
}

// less shows one thing less.
func (k cut) less() cut {
	if k.pressed > 0 {
		k.pressed--
	} else {
		k.rows--
	}
	return k
}

func cardHeader(c bot.Card) element {
	if c.Title == "" {
		return nil
	}
	return header(c.Title, c.State)
}

// cardBody is everything below the title.
func cardBody(c bot.Card, k cut) []element {
	p := painterFor(c.Lang, c.Zone)
	var out []element
	add := func(content string) {
		if strings.TrimSpace(content) != "" {
			out = append(out, markdownElement(content))
		}
	}
	add(p.lines(k.some(c.Intro)))
	out = append(out, p.facts(c.Facts)...)
	add(markdown(k.shorter(c.Body)))
	for i, r := range c.Rows[:k.rows] {
		out = append(out, p.row(r, k, i < k.pressed))
	}
	if note := p.cutNote(c, k); note != "" {
		out = append(out, smallPrint(p.pageNote(note, c.Link)))
	}
	add(p.lines(k.some(c.People)))
	if b := buttons(c.Actions, c.More, cardButtons); len(b) > 0 {
		out = append(out, columns(b...))
	}
	footer := p.footer(c)
	if footer != "" {
		out = append(out, element{"tag": "markdown", "content": footer, "text_size": "notation"})
	}
	if len(out) == 0 {
		out = append(out, markdownElement(escape(c.Summary)))
	}
	return out
}

// some leaves away lines from the middle of a list on: the newest stand at its end.
func (k cut) some(lines []bot.Line) []bot.Line {
	if k.text == 0 {
		return lines
	}
	if len(lines) > k.lines {
		lines = append([]bot.Line{{{Text: "…"}}}, lines[len(lines)-k.lines:]...)
	}
	out := make([]bot.Line, len(lines))
	for i, l := range lines {
		for _, s := range l {
			s.Text = shorten(s.Text, k.text)
			out[i] = append(out[i], s)
		}
	}
	return out
}

func (k cut) shorter(m bot.Markdown) bot.Markdown {
	if k.text == 0 {
		return m
	}
	return bot.Markdown(shorten(string(m), k.text))
}

// facts are labels with values, two beside each other.
func (p painter) facts(facts []bot.Fact) []element {
	var out []element
	for i := 0; i < len(facts); i += 2 {
		var cols []element
		for _, f := range facts[i:min(i+2, len(facts))] {
			content := "**" + escape(oneLine(f.Label)) + "**\n" + p.line(f.Value)
			cols = append(cols, element{"tag": "column", "width": "weighted", "weight": 1, "elements": []element{markdownElement(content)}})
		}
		out = append(out, element{"tag": "column_set", "flex_mode": "none", "horizontal_spacing": "12px", "columns": cols})
	}
	return out
}

// row is one entry of the card's list, with its buttons beside it if they are shown.
func (p painter) row(r bot.Row, k cut, pressed bool) element {
	text := markdownElement(p.rowText(r, k))
	var actions []element
	switch {
	case pressed && k.lean:
		actions = buttons(r.Actions, nil, rowButtons)
	case pressed:
		actions = buttons(r.Actions, r.More, rowButtons)
	}
	if len(actions) == 0 {
		return text
	}
	for _, a := range actions {
		if a["tag"] == "button" {
			a["size"] = "small"
		}
	}
	return element{"tag": "column_set", "flex_mode": "stretch", "horizontal_spacing": "8px", "columns": []element{
		{"tag": "column", "width": "weighted", "weight": 3, "elements": []element{text}},
		{"tag": "column", "width": "auto", "direction": "horizontal", "vertical_align": "center", "elements": actions},
	}}
}

// rowText says what the row shows: its first line names it, the next ones tell more.
func (p painter) rowText(r bot.Row, k cut) string {
	title := p.line(k.some([]bot.Line{r.Title})[0])
	if r.Number > 0 {
		title = fmt.Sprintf("%d&#46; %s", r.Number, title)
	}
	if r.State != nil {
		title = strings.TrimSpace(r.State.Emoji+" "+title) + grey(" · "+escape(r.State.Word))
	}
	parts := []string{title}
	if d := p.lines(k.some(r.Details)); d != "" {
		parts = append(parts, d)
	}
	if b := markdown(k.shorter(r.Body)); b != "" {
		parts = append(parts, b)
	}
	return strings.Join(parts, "\n")
}

// cutNote says what of the card is not shown.
func (p painter) cutNote(c bot.Card, k cut) string {
	left := len(c.Rows) - k.rows
	bare := 0
	for i, r := range c.Rows[:k.rows] {
		if i >= k.pressed && len(r.Actions)+len(r.More) > 0 || k.lean && len(r.More) > 0 {
			bare++
		}
	}
	switch {
	case left == 1:
		return p.say("… 1 more item on the page", "……还有 1 项，请在页面查看")
	case left > 1:
		return p.say("… %d more items on the page", "……还有 %d 项，请在页面查看", left)
	case bare > 0:
		return p.say("More buttons of the items are on the page.", "各项的更多操作请在页面查看。")
	case k.text > 0:
		return p.say("Some texts are shortened; the page has all of them.", "部分文字已缩略，完整内容请在页面查看。")
	}
	return ""
}

// pageNote adds the link to the page to a note.
func (p painter) pageNote(note, page string) string {
	if l := link(p.say("Open the page", "打开页面"), page); strings.HasPrefix(l, "[") {
		return escape(note) + " · " + l
	}
	return escape(note)
}

func (p painter) footer(c bot.Card) string {
	parts := make([]string, 0, len(c.Footer)+1)
	for _, l := range c.Footer {
		parts = append(parts, p.line(l))
	}
	if l := link(p.say("Open the page", "打开页面"), c.Link); strings.HasPrefix(l, "[") {
		parts = append(parts, l)
	}
	return strings.Join(parts, "\n")
}
