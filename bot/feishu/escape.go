package feishu

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"slipway"
	"slipway/bot"
)

// escape writes a text so that a markdown element shows it as it is: nothing in it
// formats, links, mentions or becomes an emoji. Feishu reads numeric entities for that;
// a backslash does not do everywhere.
func escape(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	lineStart := true
	r := []rune(printable(s))
	for i := 0; i < len(r); i++ {
		switch c := r[i]; {
		case c == '\n':
			b.WriteByte('\n')
			lineStart = true
			continue
		case lineStart && (c == ' ' || c == '\t'):
			// Four of them would begin a block of code.
			if i > 0 && r[i-1] == ' ' || c == '\t' {
				continue
			}
			b.WriteByte(' ')
			continue
		case strings.ContainsRune("&<>*_~`[]$|\\", c),
			lineStart && strings.ContainsRune("#-+=", c),
			c == ':' && i+1 < len(r) && isWord(r[i+1]),
			(c == '.' || c == ')') && endsNumber(b.String()):
			b.WriteString("&#" + strconv.Itoa(int(c)) + ";")
		default:
			b.WriteRune(c)
		}
		lineStart = false
	}
	return b.String()
}

func isWord(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// endsNumber tells whether the last line is only a number, so that a dot after it would
// begin a list.
func endsNumber(s string) bool {
	line := strings.TrimLeft(s[strings.LastIndexByte(s, '\n')+1:], " ")
	return line != "" && len(line) < 10 && strings.Trim(line, "0123456789") == ""
}

// printable drops what no person types: control characters, and those that turn the
// direction of writing around and so disguise what follows.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, unicode.IsControl(r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}

// oneLine puts a text of several lines into one.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// shorten cuts a text after n characters and says that it did.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimRightFunc(string(r[:n-1]), unicode.IsSpace) + "…"
}

// link writes a link, or only its text if the address is not one for a browser.
func link(text, address string) string {
	address, ok := webAddress(address)
	if !ok || text == "" {
		return text
	}
	return "[" + text + "](" + address + ")"
}

// webAddress returns an http(s) address with everything encoded that could end it
// inside markdown.
func webAddress(s string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", false
	}
	return strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `"`, "%22", "'", "%27", "`", "%60", "*", "%2A", "~", "%7E",
		"[", "%5B", "]", "%5D", "|", "%7C", `\`, "%5C").Replace(u.String()), true
}

// painter writes lines in a language and a time zone.
type painter struct {
	lang slipway.Lang
	zone *time.Location
}

// painterFor returns the painter of a language and a zone, UTC if it has no name or an
// unknown one.
func painterFor(lang slipway.Lang, zone string) painter {
	at, err := time.LoadLocation(zone)
	if err != nil {
		at = time.UTC
	}
	return painter{lang: lang, zone: at}
}

func (p painter) say(en, zh string, args ...any) string { return slipway.T(en, zh, args...).In(p.lang) }

// line writes a line as markdown.
func (p painter) line(l bot.Line) string {
	var b strings.Builder
	bold := false
	for i := 0; i < len(l); i++ {
		s, text := l[i], p.span(l[i])
		if from, to, ok := l[i:].Range(); ok {
			text = escape(bot.ClockRange(from, to, p.zone))
			i += 2
		}
		// Without space around it, bold between Chinese words shows its asterisks.
		if (s.Style == bot.Bold && b.Len() > 0 || bold) && !startsOrEndsOpen(b.String(), text) {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		bold = s.Style == bot.Bold
	}
	return b.String()
}

func startsOrEndsOpen(before, after string) bool {
	return strings.HasSuffix(before, " ") || strings.HasPrefix(after, " ")
}

func (p painter) span(s bot.Span) string {
	if s.Time != 0 {
		return link(escape(bot.Clock(s.Time, p.zone)), s.Link)
	}
	text := escape(strings.ReplaceAll(s.Text, "\n", " "))
	switch s.Style {
	case bot.Bold:
		text = "**" + strings.TrimSpace(text) + "**"
	case bot.Faint:
		text = grey(text)
	case bot.Code:
		text = code(s.Text)
	case bot.Quote:
		text = "“" + text + "”"
	}
	return link(text, s.Link)
}

func grey(markdown string) string { return "<font color='grey'>" + markdown + "</font>" }

// code writes a text as code. In code no entity is read, so a text that could be taken
// for a tag or end the code stays plain.
func code(s string) string {
	s = oneLine(printable(s))
	if s == "" || strings.ContainsAny(s, "`<>&") {
		return escape(s)
	}
	return "`" + s + "`"
}

// lines writes several lines below each other.
func (p painter) lines(ls []bot.Line) string {
	out := make([]string, 0, len(ls))
	for _, l := range ls {
		out = append(out, p.line(l))
	}
	return strings.Join(out, "\n")
}
