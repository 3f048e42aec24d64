package bot

import (
	"fmt"
	"strings"
	"time"

	"slipway"
)

// plain is a span of plain text.
func plain(s string) Span { return Span{Text: s} }

func bold(s string) Span { return Span{Text: s, Style: Bold} }

func faint(s string) Span { return Span{Text: s, Style: Faint} }

func quote(s string) Span { return Span{Text: s, Style: Quote} }

// moment is a span that shows a time, given in Unix seconds.
func moment(unix int64) Span { return Span{Time: unix} }

// add appends spans, leaving out those that say nothing.
func (l Line) add(spans ...Span) Line {
	for _, s := range spans {
		if s.Text != "" || s.Time != 0 {
			l = append(l, s)
		}
	}
	return l
}

// Text renders the line as plain text, its times in the zone. Quotes get quotation
// marks.
func (l Line) Text(lang slipway.Lang, zone *time.Location) string {
	var b strings.Builder
	for i := 0; i < len(l); i++ {
		s := l[i]
		from, to, ranged := l[i:].Range()
		switch {
		case ranged:
			b.WriteString(ClockRange(from, to, zone))
			i += 2
		case s.Time != 0:
			b.WriteString(Clock(s.Time, zone))
		case s.Style == Quote:
			b.WriteString(slipway.T("“%s”", "“%s”", s.Text).In(lang))
		default:
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

// Clock says a time, given in Unix seconds, in a zone: "2026-11-24 22:00 UTC+8".
func Clock(unix int64, zone *time.Location) string {
	t := time.Unix(unix, 0).In(zone)
	_, offset := t.Zone()
	name := "UTC"
	if offset != 0 {
		name = fmt.Sprintf("UTC%+d", offset/3600)
		if m := offset % 3600 / 60; m != 0 {
			name += fmt.Sprintf(":%02d", max(m, -m))
		}
	}
	return t.Format("2006-01-02 15:04 ") + name
}

// ClockRange says the time from one moment to another, without saying twice what is the
// same: "2026-11-24 22:00 – 23:30 UTC+8".
func ClockRange(from, to int64, zone *time.Location) string {
	a, b := strings.Fields(Clock(from, zone)), strings.Fields(Clock(to, zone)) // day, time, zone
	if a[2] == b[2] {
		if a[0] == b[0] {
			b = b[1:]
		}
		a = a[:2]
	}
	return strings.Join(a, " ") + rangeDash + strings.Join(b, " ")
}

// rangeDash stands between the two moments of a range.
const rangeDash = " – "

// Range tells whether a line begins with two moments and what lies between them.
func (l Line) Range() (from, to int64, ok bool) {
	if len(l) < 3 || l[0].Time == 0 || l[1].Text != rangeDash || l[2].Time == 0 {
		return 0, 0, false
	}
	return l[0].Time, l[2].Time, true
}

// shorten cuts a text after n characters and says that it did.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// oneLine puts a text of several lines into one.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
