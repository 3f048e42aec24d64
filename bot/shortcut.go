package bot

import (
	"context"
	"strings"
	"time"

	"slipway"
)

// fromMessage opens the form of a new plan, filled from a message that somebody chose.
func (b *Bot) fromMessage(ctx context.Context, v *visit) Reply {
	a, err := b.asker(ctx, v)
	if err != nil {
		b.log(ctx, v, "open form", err)
		return b.refused(v, err)
	}
	f := a.NewForm()
	start := Values{"name": one(nameFrom(v.ev.Text)), "description": one(b.quoted(ctx, v))}
	f.Fields = a.filled(f.Fields, start)
	return Reply{Form: &f}
}

// maxSuggested is how many characters of a message become the name of a plan.
const maxSuggested = 60

// nameFrom suggests the name of a plan: the first line of a text that says something,
// without the marks of lists and headings.
func nameFrom(text string) string {
	for line := range strings.Lines(text) {
		line = oneLine(strings.Map(func(r rune) rune {
			if slipway.Unprintable(string(r)) {
				return ' '
			}
			return r
		}, line))
		if line = strings.Trim(line, "#*->_~` 　"); line != "" {
			return shorten(line, maxSuggested)
		}
	}
	return ""
}

// linkTime is how long a form may wait for the address of a message.
const linkTime = 700 * time.Millisecond

// quoted is a message as Markdown: set apart, with its address where it has one.
func (b *Bot) quoted(ctx context.Context, v *visit) string {
	var out strings.Builder
	for line := range strings.Lines(shorten(strings.TrimSpace(v.ev.Text), maxDescription)) {
		out.WriteString("> " + strings.TrimRight(line, "\r\n") + "\n")
	}
	linker, ok := b.platforms[v.ev.From.Platform].(Linker)
	if !ok || v.ev.Msg.ID == "" {
		return strings.TrimSpace(out.String())
	}
	ctx, cancel := context.WithTimeout(ctx, linkTime)
	defer cancel()
	link, err := linker.Permalink(ctx, v.ev.Msg)
	if err != nil {
		b.Log.InfoContext(ctx, "find address of message", "platform", string(v.ev.From.Platform), "error", err)
	}
	if link != "" {
		out.WriteString("\n" + v.say(slipway.T("From [this message](%s)", "来自[这条消息](%s)", link)))
	}
	return strings.TrimSpace(out.String())
}
