package slack

import (
	"regexp"
	"strings"

	"slipway/bot"
)

var control = regexp.MustCompile(`<([^<>]*)>`)

// typed turns text as Slack sends it into what the person typed: without mentions of the
// bot itself, people as "slack:<account>", rooms and links as they look.
func typed(text string, me identity) string {
	text = control.ReplaceAllStringFunc(text, func(s string) string {
		body, label, _ := strings.Cut(s[1:len(s)-1], "|")
		switch {
		case strings.HasPrefix(body, "@"):
			if account := body[1:]; account != me.user {
				return string(bot.Slack) + ":" + account
			}
			return ""
		case strings.HasPrefix(body, "#"):
			return "#" + or(label, body[1:])
		case strings.HasPrefix(body, "!subteam"), strings.HasPrefix(body, "!date"):
			return label
		case strings.HasPrefix(body, "!"):
			return "@" + strings.TrimPrefix(or(label, body[1:]), "@")
		case strings.Contains(body, ":"):
			return or(label, body)
		}
		return s
	})
	return strings.TrimSpace(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// mentions tells whether a text mentions the bot.
func mentions(text string, me identity) bool {
	return me.user != "" && (strings.Contains(text, "<@"+me.user+">") || strings.Contains(text, "<@"+me.user+"|"))
}
