package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"slipway"
	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// space is how much a place takes.
type space struct {
	blocks int
	chars  int // of all texts together
}

// The places that cards go to. The limit of texts is met with some room to spare: it is
// not documented to the character.
var (
	messageSpace = space{blocks: blockkit.MessageBlocks, chars: blockkit.MessageBlocksText - 500}
	homeSpace    = space{blocks: blockkit.ViewBlocks, chars: 2 * blockkit.MessageBlocksText}
	unfurlSpace  = space{blocks: 14, chars: 3000}
)

// detail is how much of a card is shown.
type detail struct {
	span    int // characters of one span
	intro   int // lines of the introduction, and of who decided what
	body    int // characters of the description
	rowBody int // characters of a row's content
	compact bool
	details int // lines of small print of a row
}

// details go from everything to what is needed to act. A card gets the first that fits.
var details = []detail{
	{span: 500, intro: 20, body: 3000, rowBody: 600, details: 10},
	{span: 200, intro: 12, body: 1000, rowBody: 200, details: 4},
	{span: 150, intro: 8, body: 600, compact: true, details: 2},
	{span: 80, intro: 5, body: 300, compact: true, details: 1},
}

// message is what is posted: the text for notifications, and the blocks.
type message struct {
	Text   string        `json:"text"`
	Blocks []slack.Block `json:"blocks"`
}

// render makes the message of a card.
func render(c bot.Card) message {
	m := message{Text: escape(cut(c.Summary, blockkit.UpdateText/len("&amp;"))), Blocks: layOut(c, messageSpace)}
	if len(m.Blocks) == 0 {
		if text := plain(c.Summary, blockkit.SectionText); text != nil {
			m.Blocks = append(m.Blocks, slack.NewSectionBlock(text, nil, nil))
		}
	}
	return m
}

// renderHome makes a home page of a card.
func renderHome(c bot.Card) slack.HomeTabViewRequest {
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: layOut(c, homeSpace)}}
}

// layOut makes the blocks of a card for a place, with as much detail as it takes. What
// does not fit at all is counted in a last line: finished rows go first, then those at the
// end.
func layOut(c bot.Card, into space) []slack.Block {
	for _, d := range details {
		if blocks := (&painter{card: c, detail: d}).paint(nil); into.holds(blocks) {
			return blocks
		}
	}
	d, order := details[len(details)-1], leaving(c.Rows)
	var best []slack.Block
	for low, high := 0, len(order); low <= high; {
		n := (low + high) / 2
		blocks := (&painter{card: c, detail: d}).paint(order[:n])
		if into.holds(blocks) {
			best, high = blocks, n-1
		} else {
			low = n + 1
		}
	}
	if best == nil { // only with a frame as large as the limits: its end is cut off
		best = (&painter{card: c, detail: d}).paint(order)
		best = best[:min(len(best), into.blocks)]
		for len(best) > 0 && !into.holds(best) {
			best = best[:len(best)-1]
		}
	}
	return best
}

// leaving lists rows in the order in which they are given up.
func leaving(rows []bot.Row) []int {
	var finished, others []int
	for i := range rows {
		if isFinished(&rows[i]) {
			finished = append(finished, i)
		} else {
			others = append(others, i)
		}
	}
	slices.Reverse(others)
	return append(finished, others...)
}

// isFinished tells that nothing about a row waits for anybody.
func isFinished(r *bot.Row) bool {
	return r.State != nil && (r.State.Colour == bot.Green || r.State.Colour == bot.Grey) && len(r.Actions)+len(r.More) == 0
}

func (s space) holds(blocks []slack.Block) bool {
	return len(blocks) <= s.blocks && textOf(blocks) <= s.chars
}

// textOf counts the characters of all texts that blocks show at once.
func textOf(blocks []slack.Block) int {
	raw, err := json.Marshal(blocks)
	if err != nil {
		return 0
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return 0
	}
	return countText(v)
}

func countText(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += countText(e)
		}
	case map[string]any:
		for key, e := range v {
			if s, ok := e.(string); ok && key == "text" {
				n += width(s)
			} else if key != "confirm" && key != "options" {
				n += countText(e)
			}
		}
	}
	return n
}

// painter makes the blocks of one card.
type painter struct {
	elements
	script
	detail
	card   bot.Card
	blocks []slack.Block
	// trimmed tells that buttons were left out.
	trimmed bool
}

// paint makes the blocks, without some of the rows.
func (p *painter) paint(without []int) []slack.Block {
	c := &p.card
	p.script = script{lang: c.Lang, zone: zoneOf(c.Zone), most: p.span}
	p.header()
	p.rich(p.head()...)
	p.rich(markdown(c.Body, p.body)...)
	p.rich(sectionOf(p.lines(c.People, p.intro))...)
	if len(c.Rows) > len(without) {
		p.part()
	}
	p.rows(without)
	p.rich(sectionOf(p.leftOut(len(without)))...)
	if row := p.row(c.Actions, c.More, 5); len(row) > 0 {
		p.part() // or they would look like those of the last row
		p.add(slack.NewActionBlock("", row...))
	}
	p.footer()
	return p.blocks
}

func (p *painter) add(b slack.Block) { p.blocks = append(p.blocks, b) }

// part draws a line below what is there, unless that is a title.
func (p *painter) part() {
	if n := len(p.blocks); n > 0 && p.blocks[n-1].BlockType() != slack.MBTHeader {
		p.add(slack.NewDividerBlock())
	}
}

// rich adds a block of rich text, if there is any.
func (p *painter) rich(parts ...slack.RichTextElement) {
	if len(parts) > 0 {
		p.add(slack.NewRichTextBlock("", parts...))
	}
}

func sectionOf(pieces []slack.RichTextSectionElement) []slack.RichTextElement {
	if len(pieces) == 0 {
		return nil
	}
	return []slack.RichTextElement{slack.NewRichTextSection(pieces...)}
}

func (p *painter) header() {
	title := strings.Join(strings.Fields(p.card.Title), " ")
	if title == "" {
		return
	}
	if s := p.card.State; s != nil && s.Emoji != "" {
		title = s.Emoji + " " + title
	}
	p.add(slack.NewHeaderBlock(plain(title, blockkit.HeaderText)))
}

// head is where the card's subject stands: its state in a word, what there is to say
// about it, and the facts.
func (p *painter) head() []slack.RichTextElement {
	c := &p.card
	var state []slack.RichTextSectionElement
	if c.State != nil && c.State.Word != "" {
		state = p.line(bot.Line{{Text: c.State.Word, Style: bot.Bold}})
	}
	lines := [][]slack.RichTextSectionElement{state, p.lines(c.Intro, p.intro)}
	for i, f := range c.Facts {
		if i == 2*p.intro {
			break
		}
		label := bot.Line{{Text: f.Label + slipway.T(":", "：").In(p.lang), Style: bot.Bold}, {Text: " "}}
		lines = append(lines, append(p.line(label), p.line(f.Value)...))
	}
	return sectionOf(join(lines...))
}

// leftOut says how much is not shown, and where it is.
func (p *painter) leftOut(rows int) []slack.RichTextSectionElement {
	var text slipway.Text
	switch {
	case rows > 0:
		text = slipway.T("… %d more", "……还有 %d 项", rows)
	case p.trimmed:
		text = slipway.T("Some buttons are left out here", "部分按钮未在此显示")
	default:
		return nil
	}
	said := say(text.In(p.lang) + slipway.T(" · ", " · ").In(p.lang))
	address, ok := webLink(p.card.Link)
	if !ok {
		return []slack.RichTextSectionElement{say(text.In(p.lang))}
	}
	page := slipway.T("see all on the page", "在网页上查看全部").In(p.lang)
	return []slack.RichTextSectionElement{said, slack.NewRichTextSectionLinkElement(address, page, nil)}
}

// footer is the small print, and the way to the page.
func (p *painter) footer() {
	var out []slack.MixedElement
	for _, l := range p.card.Footer {
		out = append(out, p.small(l)...)
	}
	out = out[:min(len(out), blockkit.ContextItems-1)]
	if address, ok := webLink(p.card.Link); ok {
		label := slipway.T("Open the page", "打开网页").In(p.lang)
		out = append(out, slack.NewTextBlockObject(slack.MarkdownType, fmt.Sprintf("<%s|%s>", escape(address), label), false, false))
	}
	if len(out) > 0 {
		p.add(slack.NewContextBlock("", out...))
	}
}

// small renders a line for a context block: plain texts with the moments between them.
func (p *painter) small(l bot.Line) []slack.MixedElement {
	var out []slack.MixedElement
	var run bot.Line
	flush := func() {
		if text := plain(strings.Trim(run.Text(p.lang, p.zone), " ·"), blockkit.TextObject/2); text != nil {
			out = append(out, text)
		}
		run = nil
	}
	for _, s := range l {
		if s.Time == 0 {
			s.Text = cut(s.Text, p.span)
			run = append(run, s)
			continue
		}
		flush()
		date := fmt.Sprintf("<!date^%d^%s|%s>", s.Time, dateFormat, bot.Clock(s.Time, p.zone))
		out = append(out, slack.NewTextBlockObject(slack.MarkdownType, date, false, false))
	}
	flush()
	if len(out) >= blockkit.ContextItems {
		return []slack.MixedElement{plain(l.Text(p.lang, p.zone), blockkit.TextObject/2)}
	}
	return out
}
