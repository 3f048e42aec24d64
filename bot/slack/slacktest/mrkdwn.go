package slacktest

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// reader is somebody who looks: their names for people and rooms, their time zone.
type reader struct {
	s    *Server
	user *User
}

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func unescape(s string) string { return unescaper.Replace(s) }

// plain shows a text without formatting. Slack shows it as it is.
func (r reader) plain(text string) string { return unescape(text) }

// mrkdwn shows text in Slack's markup as it reads: mentions as names, links as their
// labels, dates in the reader's time zone, without the marks of formatting.
func (r reader) mrkdwn(text string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "<")
		out.WriteString(unescape(unformat(before)))
		if !ok {
			return out.String()
		}
		inside, after, ok := strings.Cut(rest, ">")
		if !ok {
			out.WriteString("<" + unescape(rest))
			return out.String()
		}
		out.WriteString(r.reference(inside))
		text = after
	}
}

// reference shows what stands between < and >.
func (r reader) reference(inside string) string {
	target, label, labelled := strings.Cut(inside, "|")
	label = unescape(label)
	switch {
	case strings.HasPrefix(target, "@"):
		return "@" + r.s.nameOf(target[1:], label)
	case strings.HasPrefix(target, "#"):
		if room := r.s.channels[target[1:]]; room != nil {
			return "#" + room.Name
		}
		return "#" + label
	case strings.HasPrefix(target, "!date^"):
		return r.dateMarkup(target, label)
	case strings.HasPrefix(target, "!subteam^"):
		return "@" + strings.TrimPrefix(label, "@")
	case strings.HasPrefix(target, "!"):
		return "@" + target[1:]
	case labelled:
		return label
	default:
		return unescape(target)
	}
}

// nameOf is the name that a mention shows.
func (s *Server) nameOf(account, otherwise string) string {
	if account == botUser {
		return botName
	}
	if u := s.users[account]; u != nil {
		return u.Name
	}
	if otherwise != "" {
		return otherwise
	}
	return account
}

// dateMarkup shows <!date^seconds^format^link|fallback>.
func (r reader) dateMarkup(target, fallback string) string {
	parts := strings.Split(target, "^")
	if len(parts) < 3 {
		return fallback
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return fallback
	}
	return r.date(seconds, unescape(parts[2]))
}

// date shows a moment in a format with tokens such as {date_short} and {time}.
func (r reader) date(seconds int64, format string) string {
	zone, err := time.LoadLocation(r.user.TZ)
	if err != nil {
		zone = time.UTC
	}
	at, now := time.Unix(seconds, 0).In(zone), r.s.cfg.Now().In(zone)
	chinese := strings.HasPrefix(r.user.Locale, "zh")
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(format, "{")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		token, after, ok := strings.Cut(rest, "}")
		if !ok {
			out.WriteString("{" + rest)
			return out.String()
		}
		out.WriteString(dateToken(token, at, now, chinese))
		format = after
	}
}

// dateLayouts are the tokens in English and in Chinese.
var dateLayouts = map[string][2]string{
	"date_num":       {"2006-01-02", "2006-01-02"},
	"date_slash":     {"02/01/2006", "2006/01/02"},
	"date_long":      {"Monday, January 2, 2006", "2006年1月2日"},
	"date_long_full": {"January 2, 2006", "2006年1月2日"},
	"date":           {"January 2", "1月2日"},
	"date_short":     {"Jan 2, 2006", "2006年1月2日"},
	"time":           {"15:04", "15:04"},
	"time_secs":      {"15:04:05", "15:04:05"},
}

func dateToken(token string, at, now time.Time, chinese bool) string {
	language := 0
	if chinese {
		language = 1
	}
	if token == "ago" {
		return now.Sub(at).Round(time.Minute).String() + " ago"
	}
	token, pretty := strings.CutSuffix(token, "_pretty")
	if pretty {
		days := map[int][2]string{-1: {"yesterday", "昨天"}, 0: {"today", "今天"}, 1: {"tomorrow", "明天"}}
		if word, ok := days[daysBetween(now, at)]; ok {
			return word[language]
		}
	}
	if layout, ok := dateLayouts[token]; ok {
		return at.Format(layout[language])
	}
	return "{" + token + "}"
}

func daysBetween(a, b time.Time) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(b).Sub(day(a)).Hours() / 24)
}

// unformat takes the marks of bold, italic, strike and code away, where they are marks:
// around something, with no letter or digit outside.
func unformat(text string) string {
	for _, mark := range []string{"```", "`", "*", "_", "~"} {
		text = unmark(text, mark)
	}
	return text
}

func unmark(text, mark string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, mark)
		if !ok {
			out.WriteString(text)
			return out.String()
		}
		inside, after, ok := strings.Cut(rest, mark)
		if !ok {
			out.WriteString(text)
			return out.String()
		}
		fits := inside != "" && !outerLetter(lastRune(before)) && !outerLetter(firstRune(after)) && (mark == "```" || !strings.Contains(inside, "\n"))
		if !fits || mark != "```" && (unicode.IsSpace(firstRune(inside)) || unicode.IsSpace(lastRune(inside))) {
			out.WriteString(before + mark)
			text = rest
			continue
		}
		out.WriteString(before + inside)
		text = after
	}
}

func outerLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return ' '
}

func lastRune(s string) rune {
	last := ' '
	for _, r := range s {
		last = r
	}
	return last
}
