package mail

import (
	"fmt"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
)

// text renders a letter for programs and people without HTML.
func (p *page) text(l bot.Letter, zone *time.Location) string {
	t := &plain{page: p, zone: zone, space: maxWritten}
	c := l.Card
	t.paragraph(c.Summary)
	t.paragraph(p.say("Open the plan and decide:", "打开发布计划并审批：") + "\n" + c.Link)
	t.paragraph(p.say("The link signs you in as %[1]s; it works once, until %[2]s. Nothing is decided before you say so on the plan's page. Please do not pass this mail on.",
		"打开链接后将以 %[1]s 的身份登录，只能使用一次，有效期至 %[2]s。在发布计划页面上确认之前，不会做出任何审批。请勿转发此邮件。", l.To.Name, bot.Clock(l.Until, zone)))
	title := c.Title
	if c.State != nil {
		title += " · " + c.State.Word
	}
	t.heading(title)
	t.lines("", c.Intro)
	for _, f := range c.Facts {
		t.line(p.say("%[1]s: %[2]s", "%[1]s：%[2]s", f.Label, f.Value.Text(p.lang, zone)))
	}
	if c.Body != "" {
		t.heading(p.say("Description", "描述"))
		t.written("", c.Body)
	}
	if len(c.Rows) > 0 {
		t.heading(p.say("Items", "发布项"))
	}
	for _, r := range c.Rows {
		t.row(r)
	}
	if len(c.People) > 0 {
		t.heading(p.say("Approval", "审批"))
		t.lines("", c.People)
	}
	t.line("\n-- ")
	t.lines("", c.Footer)
	t.line(p.say("You get this mail because you are asked for an approval.", "您收到此邮件，是因为有发布计划需要您审批。"))
	if l.Settings != "" {
		t.line(p.say("To get no more of them, open %s and look into the menu under your name.", "如不想再接收，请打开 %s，在右上角的个人菜单中关闭。", l.Settings))
	}
	return t.b.String()
}

func (p *page) say(en, zh string, args ...any) string { return slipway.T(en, zh, args...).In(p.lang) }

// plain is a text that is being written.
type plain struct {
	*page
	b     strings.Builder
	zone  *time.Location
	space int // for what people wrote, in bytes
}

func (t *plain) line(s string) { t.b.WriteString(s + "\n") }

func (t *plain) paragraph(s string) { t.line(s + "\n") }

func (t *plain) heading(s string) {
	if !strings.HasSuffix(t.b.String(), "\n\n") {
		t.line("")
	}
	t.line(s + "\n" + strings.Repeat("-", min(width(s), 70)))
}

func (t *plain) lines(indent string, lines []bot.Line) {
	for _, l := range lines {
		t.line(indent + t.said(l))
	}
}

// said renders a line with the addresses of its links.
func (t *plain) said(l bot.Line) string {
	s := l.Text(t.lang, t.zone)
	for _, span := range l {
		if isWeb(span.Link) {
			s += " <" + span.Link + ">"
		}
	}
	return s
}

func (t *plain) row(r bot.Row) {
	indent, title := "   ", t.said(r.Title)
	if r.State != nil {
		title += " · " + r.State.Word
	}
	if r.Number > 0 {
		number := fmt.Sprintf("%d. ", r.Number)
		indent, title = strings.Repeat(" ", len(number)), number+title
	}
	t.line(title)
	t.lines(indent, r.Details)
	if r.Body != "" {
		t.written(indent, r.Body)
	}
}

// written adds what a person wrote, as long as there is space.
func (t *plain) written(indent string, m bot.Markdown) {
	s := t.markdown.text(string(m))
	if t.space -= len(s); t.space < 0 {
		t.space, s = 0, tooLong().In(t.lang)
	}
	for line := range strings.Lines(s) {
		t.line(strings.TrimRight(indent+strings.TrimRight(line, "\r\n"), " "))
	}
}

// width is how many columns a text takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 {
			n++
		}
	}
	return n
}
