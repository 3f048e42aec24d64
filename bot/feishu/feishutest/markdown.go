package feishutest

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader is for whom a card is shown: their names for people, language and clock.
type reader struct {
	name   func(openID string) string
	locale string // as cards name it, for example "zh_cn"
	zone   *time.Location
}

// The marks of Feishu's Markdown. …/content-components/rich-text.
var (
	mdFence   = regexp.MustCompile("(?s)```[^\n]*\n(.*?)\n?```")
	mdCode    = regexp.MustCompile("`([^`\n]+)`")
	mdAt      = regexp.MustCompile(`<at\s+(?:id|ids|email|user_id)\s*=\s*["']?([^"'>\s]*)["']?\s*>[^<]*</at>`)
	mdPerson  = regexp.MustCompile(`<person\s+id\s*=\s*["']([^"']*)["'][^>]*>[^<]*</person>`)
	mdTime    = regexp.MustCompile(`<local_datetime\s+millisecond\s*=\s*["'](\d+)["'][^>]*>[^<]*</local_datetime>`)
	mdTag     = regexp.MustCompile(`</?(?:font|text_tag|number_tag|link|a|hr|br|b|i|strong|em|u|s)\b[^<>]*/?>`)
	mdBreak   = regexp.MustCompile(`<br\s*/?>`)
	mdImage   = regexp.MustCompile(`!\[([^\]\n]*)\]\([^)\n]*\)`)
	mdLink    = regexp.MustCompile(`\[([^\]\n]*)\]\([^)\n]*\)`)
	mdBold    = regexp.MustCompile(`\*\*(\S|\S[^\n]*?\S)\*\*`)
	mdItalic  = regexp.MustCompile(`\*(\S|\S[^*\n]*?\S)\*`)
	mdStrike  = regexp.MustCompile(`~~(\S|\S[^\n]*?\S)~~`)
	mdUnder   = regexp.MustCompile(`(^|[^\w])_{1,2}(\S|\S[^_\n]*?\S)_{1,2}($|[^\w])`)
	mdEmoji   = regexp.MustCompile(`:([A-Z][A-Za-z_]+):`)
	mdHeading = regexp.MustCompile(`^#{1,6}\s+`)
	mdQuote   = regexp.MustCompile(`^(>\s?)+`)
	mdBullet  = regexp.MustCompile(`^(\s*)[-*+]\s+`)
	mdRule    = regexp.MustCompile(`^\s*(-{3,}|\*{3,}|_{3,})\s*$`)
	mdDashes  = regexp.MustCompile(`^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$`)
)

// plain shows Markdown as people read it: without its marks, with the names of whom it
// mentions.
func (rd reader) plain(content string) string {
	var kept []string
	keep := func(literal string) string {
		kept = append(kept, literal)
		return "\x00" + strconv.Itoa(len(kept)-1) + "\x00"
	}
	inside := func(pattern *regexp.Regexp, show func(string) string) {
		content = pattern.ReplaceAllStringFunc(content, func(found string) string {
			return keep(show(pattern.FindStringSubmatch(found)[1]))
		})
	}
	same := func(s string) string { return s }
	inside(mdFence, same)
	inside(mdCode, same)
	inside(mdAt, func(ids string) string {
		var names []string
		for id := range strings.SplitSeq(ids, ",") {
			names = append(names, "@"+rd.name(id))
		}
		return strings.Join(names, " ")
	})
	inside(mdPerson, rd.name)
	inside(mdTime, func(ms string) string {
		n, _ := strconv.ParseInt(ms, 10, 64)
		return time.UnixMilli(n).In(rd.zone).Format("2006-01-02 15:04")
	})
	inside(mdEmoji, func(string) string { return "☺" })
	content = mdBreak.ReplaceAllString(content, "\n")
	content = mdTag.ReplaceAllString(content, "")
	content = mdImage.ReplaceAllString(content, "$1")
	content = mdLink.ReplaceAllString(content, "$1")
	for _, mark := range []*regexp.Regexp{mdBold, mdItalic, mdStrike} {
		content = mark.ReplaceAllString(content, "$1")
	}
	content = mdUnder.ReplaceAllString(content, "$1$2$3")
	content = html.UnescapeString(lines(content))
	for i, literal := range kept {
		content = strings.ReplaceAll(content, "\x00"+strconv.Itoa(i)+"\x00", literal)
	}
	return content
}

// lines shows what marks at the beginning of lines stand for.
func lines(content string) string {
	var out []string
	for line := range strings.SplitSeq(content, "\n") {
		switch {
		case mdRule.MatchString(line), strings.Contains(line, "|") && mdDashes.MatchString(line):
			continue
		case strings.HasPrefix(strings.TrimSpace(line), "|"):
			line = strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == '|' }), " | ")
		}
		line = mdHeading.ReplaceAllString(line, "")
		line = mdQuote.ReplaceAllString(line, "")
		line = mdBullet.ReplaceAllString(line, "$1• ")
		out = append(out, strings.TrimRight(line, " "))
	}
	return strings.Join(out, "\n")
}

// mdMentions returns whom Markdown mentions.
func mdMentions(content string) []string {
	content = mdFence.ReplaceAllString(content, "")
	content = mdCode.ReplaceAllString(content, "")
	var ids []string
	for _, found := range mdAt.FindAllStringSubmatch(content, -1) {
		ids = append(ids, strings.Split(found[1], ",")...)
	}
	return ids
}

// mdPeople returns whom Markdown names in tags, mentioned or not.
func mdPeople(content string) []string {
	ids := mdMentions(content)
	for _, found := range mdPerson.FindAllStringSubmatch(content, -1) {
		ids = append(ids, found[1])
	}
	return slices.DeleteFunc(ids, func(id string) bool { return strings.Contains(id, "@") })
}

// isRed tells whether all of a Markdown text is red: that is how errors look.
func isRed(content string) bool {
	content = strings.TrimSpace(content)
	return mdRed.MatchString(content)
}

var mdRed = regexp.MustCompile(`(?s)^<font color\s*=\s*["']?red(-\d+)?["']?\s*>.*</font>$`)
