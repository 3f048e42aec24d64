package feishu

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/bot/feishu/cardjson"
	"slipway/bot/feishu/feishutest"
)

// hostile are texts that want to format, mention or run something.
var hostile = []string{
	"<at id=all></at>", "<at id=ou_wang></at>", `<at email=wang@example.com></at>`, "<font color='red'>red</font>", "<person id='ou_wang'></person>",
	"<link url='https://evil.example.com'>x</link>", "<text_tag color='red'>ok</text_tag>", "<local_datetime millisecond='0'></local_datetime>",
	"**bold** __bold__ *it* _it_ ~~gone~~ `code`", "# heading", "- list", "+ list", "* list", "1. list", "12) list", "> quote", "---", "===", "| a | b |\n| - | - |",
	"[link](https://evil.example.com)", "![image](img_key)", ":DONE: :OK:", "&#60;at id=all&#62;", "&lt;at id=all&gt;", `back\slash \*x\*`, "    indented", "\tindented",
	"```\nfence\n```", "<!-- comment -->", "$E=mc^2$", "<hr>", "a\n- b\n# c", "日本 **語** :)", "https://example.com/a_b_c", "\u200fעברית\u200f and emoji 🚢",
}

func TestWhatPeopleWriteIsShownAsTheyWroteIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	for i, text := range hostile {
		c := bot.Card{
			Lang: slipway.English, Title: text, Summary: text, Intro: []bot.Line{{{Text: text}}},
			Facts:  []bot.Fact{{Label: text, Value: bot.Line{{Text: text, Style: bot.Quote}}}},
			Rows:   []bot.Row{{Number: 1, Title: bot.Line{{Text: text, Style: bot.Bold}}, Details: []bot.Line{{{Text: text, Style: bot.Faint}}, {{Text: text, Style: bot.Code}}}}},
			People: []bot.Line{{{Text: text, Link: "https://example.com/)(<at id=all>"}}}, Footer: []bot.Line{{{Text: text}}},
			Actions: []bot.Action{{ID: "x", Label: text}},
		}
		check(t, renderCard(c))
		m := demand[bot.MsgRef](t)(w.Post(t.Context(), bot.Target{Room: roomRef(group)}, c, fmt.Sprint(i)))
		if ids := w.chat.Mentions(m.ID); len(ids) > 0 {
			t.Errorf("%q mentions %v", text, ids)
		}
		seen := w.newest(t, li, group, "")
		if want := strings.Join(strings.Fields(text), ""); strings.Count(strings.Join(strings.Fields(seen.Text), ""), want) < 7 {
			t.Errorf("%q is shown as\n%s", text, seen.Text)
		}
		// And by the rules of Markdown itself, which Feishu follows but for HTML.
		var html strings.Builder
		if err := goldmark.Convert([]byte(escape(text)), &html); err != nil {
			t.Fatal(err)
		}
		for _, tag := range []string{"<em", "<strong", "<code", "<pre", "<h1", "<h2", "<li", "<blockquote", "<a ", "<img", "<hr", "<!--", "<at", "<font", "raw HTML"} {
			if strings.Contains(html.String(), tag) {
				t.Errorf("%q became %s", text, html.String())
			}
		}
	}
}

func TestMarkdownOfPeopleIsASafeSubset(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Why: **faster** *refunds*":              "Why: **faster** *refunds*",
		"# Title\ntext":                          "**Title**\ntext",
		"a\n\nb":                                 "a\nb",
		"- one\n- two\n  - deep\n- three":        "- one\n- two\n    - deep\n- three",
		"3. three\n4. four":                      "3. three\n4. four",
		"run `make test` now":                    "run `make test` now",
		"```go\nx := 1\n```":                     "```\nx := 1\n```",
		"```\n</font>\n```":                      "&#60;/font&#62;",
		"> said\n> twice":                        "> said\n> twice",
		"[docs](https://example.com/a_(b))":      "[docs](https://example.com/a_%28b%29)",
		"[bad](javascript:alert(1))":             "bad",
		"<https://example.com>":                  "[https://example.com](https://example.com)",
		"![logo](https://example.com/a.png)":     "[logo](https://example.com/a.png)",
		"<at id=all></at> hi":                    "&#60;at id=all&#62;&#60;/at&#62; hi",
		"<div>\n<at id=all></at>\n</div>":        "&#60;div&#62;\n&#60;at id=all&#62;&#60;/at&#62;\n&#60;/div&#62;",
		"`<at id=all></at>`":                     "&#60;at id=all&#62;&#60;/at&#62;",
		`not \*bold\* &amp; plain`:               "not &#42;bold&#42; &#38; plain",
		"| a |\n|---|\n| b |":                    "&#124; a &#124;\n&#124;---&#124;\n&#124; b &#124;",
		"**<at id=all></at>** &lt;at id=all&gt;": "**&#60;at id=all&#62;&#60;/at&#62;** &#60;at id=all&#62;",
		"":                                       "",
	} {
		if got := markdown(bot.Markdown(in)); got != want {
			t.Errorf("%q became\n%q, want\n%q", in, got, want)
		}
	}
}

func TestTimesLinksAndStylesOfLines(t *testing.T) {
	t.Parallel()
	p := painterFor(slipway.English, "Asia/Shanghai")
	got := p.line(bot.Line{
		{Text: "by "},
		{Text: "Al*ce", Style: bot.Bold},
		{Text: "·"},
		{Time: 1795521600},
		{Text: " "},
		{Text: "so", Style: bot.Quote},
		{Text: " "},
		{Text: "jobs[0].name", Style: bot.Code},
		{Text: " "},
		{Text: "run", Link: "https://engine.example.com/7"},
		{Text: " "},
		{Text: "no", Link: "ftp://x"},
	})
	want := "by **Al&#42;ce** ·2026-11-24 20:00 UTC+8 “so” `jobs[0].name` [run](https://engine.example.com/7) no"
	if got != want {
		t.Errorf("the line is\n%s, want\n%s", got, want)
	}
	if got := painterFor(slipway.English, "Moon/Base").line(bot.Line{{Time: 1795521600}}); got != "2026-11-24 12:00 UTC" {
		t.Errorf("in an unknown zone: %s", got)
	}
}

// huge is a plan's card with so many items, each with long names and all its buttons.
func huge(items int, name string) bot.Card {
	c := bot.Card{
		Lang: slipway.English, Title: "#12 " + name, Summary: name, State: &bot.State{Colour: bot.Blue, Emoji: "🚀", Word: "executing"},
		Body: bot.Markdown(strings.Repeat("Why we do this. ", 180)), Link: "https://slipway.example.com/plans/0123456789abcdef01234567",
		Facts: []bot.Fact{{Label: "Manager", Value: bot.Line{{Text: name}}}, {Label: "Window", Value: bot.Line{{Time: 1795521600}}}},
	}
	for i := range items {
		ref := fmt.Sprintf("i=%024x&p=0123456789abcdef01234567&v=3", i)
		c.Rows = append(c.Rows, bot.Row{
			Number: i + 1, State: &bot.State{Colour: bot.Grey, Emoji: "⬜", Word: "to do"}, Title: bot.Line{{Text: name, Style: bot.Bold}, {Text: " · Bob", Style: bot.Faint}},
			Details: []bot.Line{{{Text: "local: payments/deploy (version=4.2)", Style: bot.Faint}}},
			Actions: []bot.Action{{ID: "execute", Value: ref, Label: "Execute", Style: bot.Primary}, {ID: "skip", Value: ref, Label: "Skip"}},
			More:    []bot.Action{{ID: "edit_item", Value: ref, Label: "Edit item"}, {ID: "remove", Value: ref, Label: "Remove", Confirm: &bot.Confirm{Title: "Remove", Text: "Really?"}}},
		})
	}
	for range 30 {
		c.People = append(c.People, bot.Line{{Text: "✅ " + name + " approved"}})
	}
	for i := range 9 {
		c.Actions = append(c.Actions, bot.Action{ID: bot.ActionID(fmt.Sprint("a", i)), Label: name, Value: "p=1"})
	}
	return c
}

func TestCardsOfAnySizeFitAndSayWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a very long name ", 18)
	for _, c := range []struct {
		items int
		name  string
		says  string
	}{
		{3, "deploy", ""},
		{60, "deploy", "More buttons of the items are on the page."},
		{60, long[:300], "more items on the page"},
		{200, "deploy", "more items on the page"},
		{60, strings.Repeat("**<at id=all>**", 20), "more items on the page"},
		{60, strings.Repeat("שלום עולם 🚢 ", 25), "more items on the page"},
		{60, strings.Repeat("发布", 150), "more items on the page"},
		{5000, strings.Repeat("\\", 3000), ""},
	} {
		card := huge(c.items, c.name)
		data := renderCard(card)
		check(t, data)
		if !strings.Contains(string(data), c.says) || !strings.Contains(string(data), `"content":"[Open the page]`) && !strings.Contains(string(data), "Open the page](") {
			t.Errorf("%d items named %.20q do not say what is left out: %d bytes, %d elements", c.items, c.name, cardjson.Size(data), cardjson.Elements(data))
		}
		card.Lang = slipway.Chinese
		if data := renderCard(card); c.says != "" && !strings.Contains(string(data), "请在页面查看") {
			t.Errorf("%d items named %.20q do not say it in Chinese", c.items, c.name)
		}
	}
	// No more is left out than must be.
	data := renderCard(huge(60, "deploy"))
	if n := strings.Count(string(data), "**deploy**"); n != 60 || strings.Count(string(data), `"Execute"`) < 8 {
		t.Errorf("of 60 items %d are shown, %d with buttons", n, strings.Count(string(data), `"Execute"`))
	}
}

func TestAHugePlanFits(t *testing.T) {
	t.Parallel()
	p := bottest.HugePlan(60, 200)
	for lang, words := range map[slipway.Lang][]string{slipway.English: {"and 198 more", "more items on the page"}, slipway.Chinese: {"另有 198 个参数", "请在页面查看"}} {
		for _, phase := range []slipway.Phase{slipway.PhasePlanning, slipway.PhaseExecuting, slipway.PhaseSuccess} {
			p.Phase = phase
			data := renderCard(bot.PlanCard(p, bot.View{Lang: lang, Link: func(p *slipway.Plan) string { return "https://slipway.example.com/plans/" + p.ID }}))
			check(t, data)
			for _, word := range words {
				if !strings.Contains(string(data), word) {
					t.Errorf("in %s, nothing says %q", phase, word)
				}
			}
			if strings.Contains(string(data), "<at id") {
				t.Error("it calls everybody")
			}
		}
	}
}

func TestFormsWithManyChoicesFit(t *testing.T) {
	t.Parallel()
	var people []bot.Option
	accounts := map[string]string{}
	for i := range 500 {
		id := fmt.Sprintf("%024x", i)
		people = append(people, bot.Option{Value: id, Label: strings.Repeat("名", 60) + id})
		accounts[id] = "ou_" + strings.Repeat("0", 8) + id
	}
	fields := []bot.Field{
		{Name: "manager", Kind: bot.PersonField, Label: "Manager", Options: people, Value: []string{people[499].Value}},
		{Name: "approval.approvers", Kind: bot.PeopleField, Label: "Approvers", Options: people, Value: []string{people[450].Value, people[2].Value}},
	}
	for range 3 {
		fields = append(fields, bot.Field{Name: fmt.Sprint("text", len(fields)), Kind: bot.LongField, Label: "Text", Value: []string{strings.Repeat("长", 1000)}})
	}
	for name, known := range map[string]map[string]string{"accounts": accounts, "users": nil} {
		c := formCard{form: bot.Form{ID: "edit", Lang: slipway.English, Title: "Edit", Submit: "Save", Fields: fields}, zone: time.UTC, accounts: known}
		card := c.render()
		check(t, card)
		chosen := []string{people[499].Value, people[450].Value, people[2].Value}
		for _, id := range chosen {
			if known != nil {
				id = known[id]
			}
			if !strings.Contains(string(card), id) {
				t.Errorf("%s: %s was chosen and is not in the menu", name, id)
			}
		}
		if !strings.Contains(string(card), "more people are not in the list") {
			t.Errorf("%s: nothing tells that people are missing", name)
		}
	}
	services := make([]bot.Option, 200)
	for i := range services {
		services[i] = bot.Option{Value: fmt.Sprint("service-", i), Label: strings.Repeat("s", 300)}
	}
	c := formCard{form: bot.Form{ID: "add", Lang: slipway.English, Title: "Add", Submit: "Add", Fields: []bot.Field{
		{Name: "service", Kind: bot.SelectField, Label: "Service", Options: services, Value: []string{"service-150"}},
	}}, zone: time.UTC}
	check(t, c.render())
	if !strings.Contains(string(c.render()), `"service-150"`) {
		t.Error("the chosen service is not in the menu")
	}
}

func TestChoicesAreAMenuOfSeveral(t *testing.T) {
	t.Parallel()
	f := bot.Form{ID: bot.FormSprints, Lang: slipway.Chinese, Title: "需求关联", Submit: "保存", Fields: []bot.Field{{
		Name: bot.SprintsField, Kind: bot.ChoicesField, Label: "需求关联", Value: []string{"PAY 41"}, Options: []bot.Option{{Value: "PAY 42", Label: "PAY · Sprint 12"}},
	}}}
	c := formCard{form: f, zone: time.UTC}
	card := c.render()
	check(t, card)
	for _, part := range []string{`"tag":"multi_select_static"`, `"PAY 42"`, `"selected_values":["PAY 41"]`, "PAY · Sprint 12"} {
		if !strings.Contains(string(card), part) {
			t.Errorf("%s is missing in %s", part, card)
		}
	}
	got := c.pack(nil).values(map[string]any{elementName(bot.SprintsField): []any{"PAY 41", "PAY 42"}})
	if diff := cmp.Diff(bot.Values{bot.SprintsField: {"PAY 41", "PAY 42"}}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestSomebodyWithoutAnAccountIsNotLost(t *testing.T) {
	t.Parallel()
	people := []bot.Option{{Value: "u1", Label: "Alice"}, {Value: "u2", Label: "Bob"}}
	c := formCard{zone: time.UTC, accounts: map[string]string{"u1": "ou_1"}}
	for kind, want := range map[bot.FieldKind]string{bot.PersonField: "select_static", bot.PeopleField: "multi_select_static"} {
		box, _ := c.picker(bot.Field{Kind: kind, Options: people, Value: []string{"u2"}}, 100)
		if box["tag"] != want {
			t.Errorf("%s became %v", kind, box)
		}
	}
	// Nor is one whom the menu does not list.
	box, _ := c.picker(bot.Field{Kind: bot.PeopleField, Options: people[:1], Value: []string{"u9"}}, 100)
	if diff := cmp.Diff([]string{"u9"}, box["selected_values"]); diff != "" {
		t.Errorf("the menu is %v", box)
	}
}

func TestAnswersOfFormsAreRead(t *testing.T) {
	t.Parallel()
	berlin := demand[*time.Location](t)(time.LoadLocation("Europe/Berlin"))
	c := formCard{form: *windowForm(), zone: berlin, from: origin{Room: "oc_1", Msg: "om_1", Thread: "om_0", Direct: true}}
	p := demand[formPack](t)(unpack(c.pack([]string{"description", "jobs"}).value()[keyForm].(string)))
	if p.From != c.from || p.Form.ID != "edit" || p.Zone != "Europe/Berlin" {
		t.Errorf("unpacked %+v", p)
	}
	for came, want := range map[string]bot.Values{
		`{}`: {"name": nil, "approval.approvers": nil, "end_time": nil, "start_time": nil, "id": {"i7"}, "urgent": nil, "type": nil, "needed": nil},
		`{"name":"x","approval__approvers":["ou_1","u2",""],"end_time":"2026-11-25 01:00 +0100","start_time":"2026-11-25 09:00 +0800","urgent":true,"type":"text","needed":"2","id":"forged","other":"x"}`: {
			"name": {"x"}, "approval.approvers": {"feishu:ou_1", "u2"}, "end_time": {"1795564800"}, "start_time": {"1795568400"}, "id": {"i7"},
			"urgent": {"true"}, "type": {"text"}, "needed": {"2"},
		},
		`{"end_time":"2026-11-25 02:30","start_time":"tomorrow","urgent":false,"name":7}`: {
			"name": nil, "approval.approvers": nil, "end_time": {"1795570200"}, "start_time": {"tomorrow"}, "id": {"i7"}, "urgent": nil, "type": nil, "needed": nil,
		},
	} {
		var values map[string]any
		if err := json.Unmarshal([]byte(came), &values); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, p.values(values)); diff != "" {
			t.Errorf("%s became (-want +got):\n%s", came, diff)
		}
	}
	for _, bad := range []string{"", "%", "bm90aGluZw", "H4sIAAAAAAAA_w"} {
		if _, err := unpack(bad); err == nil {
			t.Errorf("%q is a form", bad)
		}
	}
}

func TestMentionsInTexts(t *testing.T) {
	t.Parallel()
	mentions := []mention{{Key: "@_user_1", ID: accountIDs{"ou_bot"}}, {Key: "@_user_2", ID: accountIDs{"ou_a"}}, {Key: "@_user_10", ID: accountIDs{"ou_b"}}, {Key: ""}}
	for in, want := range map[string]string{
		"@_user_1 approvers #1 @_user_2 @_user_10": "approvers #1 @feishu:ou_a @feishu:ou_b",
		"@_user_1 approvers #1 @_user_2@_user_10":  "approvers #1 @feishu:ou_a @feishu:ou_b",
		"hi @_user_1":                          "hi",
		"@_all @_user_1 list":                  "list",
		"@_user_1 new\nname: x\nitems:\n  - a": "new\nname: x\nitems:\n  - a",
	} {
		if got := named(in, mentions, "@_user_1"); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	post := `{"title":"Plan","content":[[{"tag":"at","user_id":"@_user_1"},{"tag":"text","text":" new "},{"tag":"a","href":"https://x","text":"payments"}],[{"tag":"img","image_key":"x"}],[{"tag":"text","text":"4.2"}]]}`
	if got, ok := messageText("post", post); !ok || got != "Plan\n@_user_1 new payments\n\n4.2" {
		t.Errorf("the post is %q", got)
	}
	for _, kind := range []string{"image", "file", "audio", "sticker", ""} {
		if _, ok := messageText(kind, `{"text":"x"}`); ok {
			t.Errorf("%s has a text", kind)
		}
	}
	if _, ok := messageText("text", "{"); ok {
		t.Error("broken content has a text")
	}
}

func TestCardsOfManyRunsKeepToTheLimits(t *testing.T) {
	t.Parallel()
	for _, lang := range []slipway.Lang{slipway.English, slipway.Chinese} {
		for _, n := range []int{1, 4, 8, 20, 50, 100} {
			check(t, renderCard(bottest.ManyRuns(n, lang)))
		}
	}
}
