package slack

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// rows paints the rows. Those that nobody can do anything about share blocks, because
// the number of blocks is what runs out first.
func (p *painter) rows(without []int) {
	var quiet paper
	flush := func() { p.rich(quiet.done()...) }
	for i := range p.card.Rows {
		if slices.Contains(without, i) {
			continue
		}
		r := &p.card.Rows[i]
		buttons := p.rowElements(r)
		if r.Heading && !p.compact && len(buttons) == 0 {
			flush()
			p.add(slack.NewHeaderBlock(plain(p.plainTitle(r), blockkit.HeaderText)))
			p.rich(sectionOf(p.lines(r.Details, p.details))...)
			continue
		}
		if len(buttons) == 0 {
			quiet.paragraph(join(p.title(r), p.lines(r.Details, p.details)))
			if body := markdown(r.Body, p.rowBody); len(body) > 0 {
				quiet.add(body...)
			}
			continue
		}
		flush()
		p.loud(r, buttons)
	}
	flush()
}

// rowElements are a row's buttons: all of them, or few when room is scarce.
func (p *painter) rowElements(r *bot.Row) []slack.BlockElement {
	if !p.compact {
		return p.row(r.Actions, r.More, 2)
	}
	few, left := p.few(r.Actions, r.More)
	p.trimmed = p.trimmed || left
	return few
}

// loud paints a row with buttons: a single one beside its text, several below it.
func (p *painter) loud(r *bot.Row, buttons []slack.BlockElement) {
	if len(buttons) > 1 {
		var text paper
		text.paragraph(join(p.title(r), p.lines(r.Details, p.details)))
		text.add(markdown(r.Body, p.rowBody)...)
		p.rich(text.done()...)
		p.add(slack.NewActionBlock("", buttons...))
		return
	}
	title := p.plainTitle(r)
	below := r.Details[:min(len(r.Details), p.details)]
	if p.compact {
		for _, l := range below {
			title += "\n" + p.shorten(l).Text(p.lang, p.zone)
		}
		below = nil
	}
	p.add(slack.NewSectionBlock(plain(title, blockkit.SectionText), nil, slack.NewAccessory(buttons[0])))
	body := markdown(r.Body, p.rowBody)
	if len(below) == 1 && len(body) == 0 {
		if small := p.small(below[0]); len(small) > 0 {
			p.add(slack.NewContextBlock("", small...))
		}
		return
	}
	var text paper
	text.paragraph(p.lines(below, p.details))
	text.add(body...)
	p.rich(text.done()...)
}

// title is the first line of a row: state, number, what it is, and the state in a word.
func (p *painter) title(r *bot.Row) []slack.RichTextSectionElement { return p.line(p.heading(r)) }

func (p *painter) plainTitle(r *bot.Row) string {
	title := strings.TrimSpace(p.shorten(p.heading(r)).Text(p.lang, p.zone))
	if title == "" {
		return "–"
	}
	return title
}

func (p *painter) heading(r *bot.Row) bot.Line {
	var l bot.Line
	if r.State != nil && r.State.Emoji != "" {
		l = append(l, bot.Span{Text: r.State.Emoji + " "})
	}
	if r.Number != 0 {
		l = append(l, bot.Span{Text: strconv.Itoa(r.Number) + ". "})
	}
	l = append(l, r.Title...)
	if r.State != nil && r.State.Word != "" {
		l = append(l, bot.Span{Text: " · " + r.State.Word})
	}
	return l
}

// shorten cuts the spans of a line that is to become plain text.
func (p *painter) shorten(l bot.Line) bot.Line {
	out := slices.Clone(l)
	for i := range out {
		out[i].Text = cut(valid(out[i].Text), p.span)
	}
	return out
}
