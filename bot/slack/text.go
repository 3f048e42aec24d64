package slack

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"slipway"
	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// dateFormat is how a moment is shown, in the zone and language of the reader's client.
const dateFormat = "{date_short_pretty} {time}"

// width is the length of a text as the strictest of Slack's clients counts it, in
// UTF-16 units.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cut shortens a text to n and says that it did.
func cut(s string, n int) string {
	if len(s) <= n || width(s) <= n {
		return s
	}
	used, end := 1, 0 // 1 for the ellipsis
	for i, r := range s {
		if used += utf16.RuneLen(r); used > n {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	// Joiners and variation selectors make no sense at an end.
	return strings.TrimRight(s[:end], " \n\u200d\ufe0e\ufe0f") + "…"
}

// plain is a text that Slack shows as it is: nothing in it formats, mentions or becomes
// an emoji. It is nil for a text that says nothing, which Slack refuses.
func plain(s string, n int) *slack.TextBlockObject {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return slack.NewTextBlockObject(slack.PlainTextType, cut(valid(s), n), false, false)
}

// valid mends what is not UTF-8, so that its length stays what was counted.
func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// escape makes a text harmless where Slack reads control sequences.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(valid(s))
}

// webLink returns an address if a browser can open it.
func webLink(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(s) > blockkit.ButtonURL {
		return "", false
	}
	return u.String(), true
}

// inks are the styles of rich text.
var inks = map[bot.Style]*slack.RichTextSectionTextStyle{
	bot.Bold: {Bold: true}, bot.Code: {Code: true},
}

// script turns lines of a card into pieces of rich text.
type script struct {
	lang slipway.Lang
	zone *time.Location
	most int // characters of one span
}

// line renders one line.
func (s script) line(l bot.Line) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	for _, span := range l {
		if e := s.piece(span); e != nil {
			out = append(out, e)
		}
	}
	return out
}

func (s script) piece(span bot.Span) slack.RichTextSectionElement {
	if span.Time != 0 {
		return s.moment(span.Time)
	}
	text := cut(valid(span.Text), s.most)
	if text == "" {
		return nil
	}
	if span.Style == bot.Quote {
		text = slipway.T("“%s”", "“%s”", text).In(s.lang)
	}
	if address, ok := webLink(span.Link); ok {
		return slack.NewRichTextSectionLinkElement(address, text, inks[span.Style])
	}
	return slack.NewRichTextSectionTextElement(text, inks[span.Style])
}

// moment shows a time. What a client cannot show as a date it shows as a clock.
func (s script) moment(unix int64) slack.RichTextSectionElement {
	clock := bot.Clock(unix, s.zone)
	if unix < 0 || unix > 1<<31-1 {
		return slack.NewRichTextSectionTextElement(clock, nil)
	}
	return slack.NewRichTextSectionDateElement(unix, dateFormat, nil, &clock)
}

// say is a piece of plain rich text.
func say(s string) slack.RichTextSectionElement { return slack.NewRichTextSectionTextElement(s, nil) }

// join puts lines under each other; lines that are empty fall away.
func join(lines ...[]slack.RichTextSectionElement) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	for _, l := range lines {
		if len(l) == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, say("\n"))
		}
		out = append(out, l...)
	}
	return out
}

// lines renders at most n lines, and says how many there are beyond.
func (s script) lines(all []bot.Line, n int) []slack.RichTextSectionElement {
	var out [][]slack.RichTextSectionElement
	for i, l := range all {
		if i == n {
			more := slipway.T("… and %d more", "……还有 %d 条", len(all)-n)
			out = append(out, []slack.RichTextSectionElement{say(more.In(s.lang))})
			break
		}
		out = append(out, s.line(l))
	}
	return join(out...)
}

// zoneOf loads a card's zone; UTC if it has none that is known.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}
