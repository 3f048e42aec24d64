package mail

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
)

//go:embed letter.html
var files embed.FS

// page renders letters in one language.
type page struct {
	lang     slipway.Lang
	markdown *markdown
	html     *template.Template
}

func loadPage(lang slipway.Lang) (*page, error) {
	p := &page{lang: lang, markdown: newMarkdown()}
	t := template.New("").Funcs(template.FuncMap{
		"say":  func(en, zh string, args ...any) string { return slipway.T(en, zh, args...).In(lang) },
		"safe": isWeb,
	})
	t, err := t.ParseFS(files, "letter.html")
	if err != nil {
		return nil, fmt.Errorf("parse the page of letters: %w", err)
	}
	p.html = t
	return p, nil
}

// view is what the template shows of a letter.
type view struct {
	bot.Letter
	Lang  string
	Zone  *time.Location
	page  *page
	space int // for what people wrote, in bytes of the HTML
}

// Mail programs cut off what is larger than about 100 KB, in bytes of the HTML.
const (
	maxLetter  = 95 << 10
	maxWritten = 50 << 10 // of what people wrote to be formatted
)

// render makes both forms of a letter. Of a plan that is too long for one it shows the
// beginning, and says so.
func (p *page) render(l bot.Letter) (text, html string, err error) {
	rows, people := l.Card.Rows, l.Card.People
	for share := 2; ; share *= 2 {
		text, html, err = p.draw(l)
		if err != nil || len(html) <= maxLetter || share > 2*len(rows)+2*len(people) {
			return text, html, err
		}
		l.Card.Rows, l.Card.People = slices.Clone(rows[:len(rows)/share]), slices.Clone(people[:len(people)/share])
		if n := len(rows) - len(l.Card.Rows); n > 0 {
			l.Card.Rows = append(l.Card.Rows, bot.Row{Title: p.more(n)})
		}
		if n := len(people) - len(l.Card.People); n > 0 {
			l.Card.People = append(l.Card.People, p.more(n))
		}
	}
}

func (p *page) more(n int) bot.Line {
	return bot.Line{{Text: p.say("and %d more, which the plan's page shows", "另有 %d 条，请在发布计划页面查看", n)}}
}

func (p *page) draw(l bot.Letter) (text, html string, err error) {
	zone, err := time.LoadLocation(l.Card.Zone)
	if err != nil {
		zone = time.UTC
	}
	v := &view{Letter: l, Lang: "en", Zone: zone, page: p, space: maxWritten}
	if p.lang == slipway.Chinese {
		v.Lang = "zh-CN"
	}
	var b bytes.Buffer
	if err := p.html.ExecuteTemplate(&b, "letter.html", v); err != nil {
		return "", "", fmt.Errorf("render letter: %w", err)
	}
	return p.text(l, zone), b.String(), nil
}

// Piece is a part of a line.
type Piece struct {
	bot.Span
	Text string
}

// Line takes a line apart, with its times said in the reader's zone.
func (v *view) Line(l bot.Line) []Piece {
	pieces := make([]Piece, 0, len(l))
	for i := 0; i < len(l); i++ {
		part := l[i : i+1]
		if _, _, ranged := l[i:].Range(); ranged {
			part = l[i : i+3]
			i += 2
		}
		pieces = append(pieces, Piece{Span: part[0], Text: part.Text(v.page.lang, v.Zone)})
	}
	return pieces
}

// When says a time in the reader's zone.
func (v *view) When(unix int64) string { return bot.Clock(unix, v.Zone) }

// Written renders what a person wrote, as long as there is space.
func (v *view) Written(m bot.Markdown) template.HTML {
	html := v.page.markdown.html(string(m))
	if v.space -= len(html); v.space < 0 {
		v.space = 0
		return template.HTML("<p>" + template.HTMLEscapeString(tooLong().In(v.page.lang)) + "</p>") //nolint:gosec // escaped
	}
	return template.HTML(html) //nolint:gosec // the policy of markdown has judged it
}

func tooLong() slipway.Text {
	return slipway.T("(Too long for a mail; the plan's page shows it.)", "（内容过长，请在发布计划页面查看。）")
}

// isWeb tells whether a link leads to a web page.
func isWeb(link string) bool {
	return strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")
}
