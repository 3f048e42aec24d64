package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/bot/slack/blockkit"
)

// wild are texts that people write, of 300 characters each.
var wild = []string{
	strings.Repeat("<!channel> *bold* _it_ `x` <@U1> & :tada: ~no~ ", 8)[:300],
	strings.Repeat("שלום עולם ", 30),
	strings.Repeat("👩🏽‍🚀", 75),
	strings.Repeat("支付服务发布", 50),
	strings.Repeat("x", 300),
}

// wildCard is a plan with n items that somebody can do something about, and n that are
// done.
func wildCard(n int, lang slipway.Lang) bot.Card {
	c := bot.Card{
		Lang: lang, Title: "#12 " + wild[0], Summary: wild[0] + wild[1], Link: publicURL + "/plans/0123456789abcdef01234567", Zone: "Asia/Shanghai",
		State: &bot.State{Colour: bot.Blue, Emoji: "🚀", Word: "Executing"}, Body: bot.Markdown(strings.Repeat("# "+wild[3]+"\n\n- a\n  1. b\n\n> q\n\n```\ncode\n```\n", 20)),
		Footer: []bot.Line{{{Text: wild[1], Style: bot.Faint}, {Time: 1795521600}}},
	}
	for i := range 30 {
		c.Intro = append(c.Intro, bot.Line{{Text: wild[i%len(wild)], Style: bot.Quote}, {Time: 1795521600}})
		c.People = append(c.People, bot.Line{{Text: strings.Repeat(wild[i%len(wild)], 13)}})
		c.Facts = append(c.Facts, bot.Fact{Label: "Fact", Value: bot.Line{{Text: wild[i%len(wild)]}}})
	}
	ref := "i=0123456789abcdef01234567&p=0123456789abcdef01234567&v=12345"
	for i := range 2 * n {
		r := bot.Row{Number: i + 1, ID: fmt.Sprint(i), Title: bot.Line{{Text: wild[i%len(wild)], Style: bot.Bold}}, Body: bot.Markdown(wild[0])}
		r.Details = []bot.Line{{{Text: wild[4], Style: bot.Faint}}, {{Text: "by "}, {Time: 1795521600}, {Text: wild[2], Style: bot.Quote}}}
		r.State = &bot.State{Colour: bot.Green, Emoji: "✅", Word: "done"}
		if i%2 == 0 {
			r.State = &bot.State{Colour: bot.Grey, Emoji: "⬜", Word: "to do"}
			r.Actions = []bot.Action{{ID: "complete", Value: ref, Label: "Complete", Style: bot.Primary}, {ID: "skip", Value: ref, Label: "Skip", Form: true}}
			r.More = []bot.Action{
				{ID: "edit_item", Value: ref, Label: "Edit item"},
				{ID: "remove", Value: ref, Label: "Remove", Style: bot.Danger, Confirm: &bot.Confirm{Title: wild[0], Text: wild[4] + "!", Yes: wild[1], No: wild[1]}},
			}
		}
		c.Rows = append(c.Rows, r)
	}
	for i := range 12 {
		c.More = append(c.More, bot.Action{ID: bot.ActionID(fmt.Sprintf("more%d", i)), Value: strings.Repeat("v", 100*i), Label: wild[i%len(wild)]})
	}
	return c
}

func TestWildCardsKeepToTheLimits(t *testing.T) {
	t.Parallel()
	for _, lang := range []slipway.Lang{slipway.English, slipway.Chinese} {
		for _, n := range []int{0, 1, 5, 10, 20, 30, 100} {
			name := fmt.Sprintf("%d items in %s", 2*n, lang)
			c := wildCard(n, lang)
			m := render(c)
			checkMessage(t, name, m)
			checkView(t, name, renderHome(c), blockkit.CheckHome)
			checkView(t, name, map[string]any{"blocks": layOut(c, unfurlSpace)}, blockkit.CheckAttachment)
			data, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if n < 30 {
				continue
			}
			for _, word := range []string{map[slipway.Lang]string{slipway.English: " more", slipway.Chinese: "……还有 "}[lang], publicURL + "/plans/"} {
				if !strings.Contains(string(data), word) {
					t.Errorf("%s: nothing says %q", name, word)
				}
			}
		}
	}
}

func TestAHugePlanFits(t *testing.T) {
	t.Parallel()
	p := bottest.HugePlan(60, 200)
	for lang, words := range map[slipway.Lang][]string{slipway.English: {"and 198 more", "… "}, slipway.Chinese: {"另有 198 个参数", "……还有 "}} {
		for _, phase := range []slipway.Phase{slipway.PhasePlanning, slipway.PhaseExecuting, slipway.PhaseSuccess} {
			p.Phase = phase
			c := bot.PlanCard(p, bot.View{Lang: lang, Link: func(p *slipway.Plan) string { return publicURL + "/plans/" + p.ID }})
			m := render(c)
			checkMessage(t, string(lang), m)
			data, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			for i, word := range words {
				// When nothing can be done any more the first item is among those left out.
				if !strings.Contains(string(data), word) && (i > 0 || phase != slipway.PhaseSuccess) {
					t.Errorf("in %s, nothing says %q", phase, word)
				}
			}
			if strings.Contains(string(data), "<!channel>") {
				t.Error("it calls everybody")
			}
		}
	}
}

func TestFinishedItemsGoFirst(t *testing.T) {
	t.Parallel()
	c := bot.Card{Lang: slipway.English, Title: "plan", Summary: "plan", Link: publicURL + "/plans/1"}
	for i := range 60 {
		r := bot.Row{Number: i + 1, Title: bot.Line{{Text: fmt.Sprintf("item %02d %s", i+1, strings.Repeat("long ", 40))}}, State: &bot.State{Colour: bot.Green, Emoji: "✅", Word: "done"}}
		if i >= 30 {
			r.State = &bot.State{Colour: bot.Grey, Emoji: "⬜", Word: "to do"}
			r.Actions = []bot.Action{button("complete", "Complete"), button("skip", "Skip")}
		}
		c.Rows = append(c.Rows, r)
	}
	m := render(c)
	checkMessage(t, "plan", m)
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for i := 31; i <= 60; i++ {
		if !strings.Contains(string(data), fmt.Sprintf("item %02d", i)) {
			t.Errorf("item %d can be done and is not shown", i)
		}
	}
}

func TestLongMenuIsParted(t *testing.T) {
	t.Parallel()
	s := &Slack{Config: Config{PublicURL: publicURL}}
	f := bot.Form{ID: "deploy", Lang: slipway.English, Title: strings.Repeat("Deploy ", 10), Submit: strings.Repeat("Go", 20), Value: "p=0123"}
	service := bot.Field{Name: "service", Kind: bot.SelectField, Label: "Service", Required: true, Value: []string{"svc-150"}}
	for i := range 200 {
		service.Options = append(service.Options, bot.Option{Value: fmt.Sprintf("svc-%d", i), Label: fmt.Sprintf("svc-%d %s", i, wild[i%len(wild)])})
	}
	odd := bot.Field{Name: "odd", Kind: bot.SelectField, Label: "Odd", Options: []bot.Option{{Value: strings.Repeat("v", 100), Label: "too long for a menu"}}}
	long := bot.Field{Name: "description", Kind: bot.MarkdownField, Label: "Description", Max: 100_000, Value: []string{strings.Repeat("x", 3001)}}
	f.Fields = append(f.Fields, service, odd, long, bot.Field{Name: "jobs", Kind: bot.GroupField, Label: "Items"})
	for i := range 120 {
		f.Fields = append(f.Fields, bot.Field{Name: fmt.Sprintf("f%d", i), Kind: bot.TextField, Label: wild[i%len(wild)], Hint: wild[0], Placeholder: wild[1], Max: 5000})
	}
	view, err := s.modal(f, origin{Room: "C1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkView(t, "modal", view, blockkit.CheckModal)
	data, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"svc-150", "3001 characters", publicURL + "/plans/0123", "one at a time", "does not fit here"} {
		if !strings.Contains(string(data), word) {
			t.Errorf("nothing says %q", word)
		}
	}
	if strings.Contains(string(data), `"block_id":"description"`) {
		t.Error("the long text is asked for")
	}
	f.Value = strings.Repeat("v", 3000)
	if _, err := s.modal(f, origin{}, nil); err == nil {
		t.Error("a form that carries too much is made")
	}
}

func TestButtonsAreReadBack(t *testing.T) {
	t.Parallel()
	var e elements
	actions := []bot.Action{button("approve", "Approve"), {ID: "reject", Value: strings.Repeat("v", 1999), Label: "Reject"}, {ID: "page", Label: "Page", URL: "https://x.example/"}}
	more := []bot.Action{
		{ID: "copy", Label: "Copy"},
		{ID: "approve_comment", Value: "p=1&v=3", Label: "Approve with comment"},
		{ID: "log", Value: "p=1", Label: "Log"},
		{ID: "off", Label: "Off", Disabled: "not now"},
		{ID: "js", Label: "JS", URL: "javascript:alert(1)"},
		{ID: "huge", Label: "Huge", Value: strings.Repeat("v", 2001)},
	}
	data, err := json.Marshal(e.row(actions, more, 5))
	if err != nil {
		t.Fatal(err)
	}
	var row []struct {
		ActionID string `json:"action_id"`
		Value    string
		Options  []struct{ Value string }
	}
	if err := json.Unmarshal(data, &row); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range row {
		if b.Options == nil {
			id, value, ok := pressed(b.ActionID, b.Value, "")
			got = append(got, fmt.Sprint(id, " ", len(value), " ", ok))
		}
		for _, o := range b.Options {
			id, value, ok := pressed(b.ActionID, "", o.Value)
			got = append(got, fmt.Sprint(id, " ", len(value), " ", ok))
		}
	}
	want := "approve 7 true, reject 1999 true,  0 false, copy 0 true, approve_comment 7 true, log 3 true"
	if strings.Join(got, ", ") != want {
		t.Errorf("read back %q", strings.Join(got, ", "))
	}
	for _, id := range []string{"", "approve", "#1", "menu#1", "menu#1:", "menu#1:a,b"} {
		if action, _, ok := pressed(id, "", "7 x"); ok {
			t.Errorf("%q is %q", id, action)
		}
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"one\ntwo":                           "one\ntwo",
		"# Head\ntext **b** *i* ~~s~~ `c`":   "<b>Head</b>\ntext <b>b</b> <i>i</i> <s>s</s> <c>c</c>",
		"- a\n- b\n  1. c\n  2. d\n- e":      "bullet0@0(a|b)ordered1@0(c|d)bullet0@0(e)",
		"3. three\n4. four":                  "ordered0@2(three|four)",
		"> quoted\n> - x":                    "quote(quoted\n• x)",
		"```go\nfmt()\n```":                  "code(fmt())",
		"[x](https://x.example) [y](file:/)": "link(https://x.example|x) y",
		"<https://x.example> <b>raw</b>":     "link(https://x.example|https://x.example) <b>raw</b>",
		"![alt](https://x.example/i.png)":    "alt",
		"<!channel> <@U1> @here :tada:":      "<!channel> <@U1> @here :tada:",
		"<div>\n*x*\n</div>":                 "<div>\n*x*\n</div>",
		"a\n\n---\n\nb":                      "a\n———\nb",
		"\\*not\\*":                          "*not*",
		"":                                   "",
	} {
		data, err := json.Marshal(markdown(bot.Markdown(in), 3000))
		if err != nil {
			t.Fatal(err)
		}
		var parts []any
		if err := json.Unmarshal(data, &parts); err != nil {
			t.Fatal(err)
		}
		if got := read(parts); got != want {
			t.Errorf("%q reads %q, not %q", in, got, want)
		}
	}
}

// read writes rich text down for comparing.
func read(parts []any) string {
	var b strings.Builder
	for _, p := range parts {
		o, _ := p.(map[string]any)
		inner, _ := o["elements"].([]any)
		switch o["type"] {
		case "rich_text_section":
			b.WriteString(read(inner))
		case "rich_text_quote":
			b.WriteString("quote(" + read(inner) + ")")
		case "rich_text_preformatted":
			b.WriteString("code(" + read(inner) + ")")
		case "rich_text_list":
			var items []string
			for _, e := range inner {
				items = append(items, read([]any{e}))
			}
			fmt.Fprintf(&b, "%v%v@%v(%s)", o["style"], o["indent"], o["offset"], strings.Join(items, "|"))
		case "link":
			fmt.Fprintf(&b, "link(%v|%v)", o["url"], o["text"])
		case "text":
			text := fmt.Sprint(o["text"])
			style, _ := o["style"].(map[string]any)
			for _, s := range []string{"bold", "italic", "strike", "code"} {
				if style[s] == true {
					text = fmt.Sprintf("<%c>%s</%c>", s[0], text, s[0])
				}
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

func TestManifest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]ManifestConfig{
		"socket": {Socket: true, URL: publicURL}, "http": {URL: publicURL + "/", Command: "/release", Name: "Dock", Lang: slipway.Chinese}, "private": {Socket: true},
	} {
		data, err := Manifest(c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden(t, "manifest-"+name, json.RawMessage(data))
	}
	for _, c := range []ManifestConfig{{}, {URL: "slipway.example.com"}, {URL: "ftp://x.example", Socket: true}} {
		if _, err := Manifest(c); err == nil {
			t.Errorf("%+v makes a manifest", c)
		}
	}
}

func TestCardsOfManyRunsKeepToTheLimits(t *testing.T) {
	t.Parallel()
	for _, lang := range []slipway.Lang{slipway.English, slipway.Chinese} {
		for _, n := range []int{1, 4, 8, 20, 50, 100} {
			name := fmt.Sprintf("%d runs in %s", n, lang)
			c := bottest.ManyRuns(n, lang)
			checkMessage(t, name, render(c))
			checkView(t, name, renderHome(c), blockkit.CheckHome)
			checkView(t, name, map[string]any{"blocks": layOut(c, unfurlSpace)}, blockkit.CheckAttachment)
		}
	}
}
