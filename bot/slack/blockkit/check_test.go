package blockkit_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"slipway/bot/slack/blockkit"
)

func x(n int) string { return strings.Repeat("é", n) }

// repeat writes one JSON value n times, with %d in it counted up, as a list.
func repeat(n int, value string) string {
	var parts []string
	for i := range n {
		parts = append(parts, strings.ReplaceAll(value, "%d", fmt.Sprint(i)))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func plain(s string) string { return fmt.Sprintf(`{"type":"plain_text","text":%q}`, s) }

func mrkdwn(s string) string { return fmt.Sprintf(`{"type":"mrkdwn","text":%q}`, s) }

func actions(element string) string { return `[{"type":"actions","elements":[` + element + `]}]` }

func input(element string) string {
	return `[{"type":"input","label":` + plain("L") + `,"element":` + element + `}]`
}

func option(value string) string { return fmt.Sprintf(`{"text":%s,"value":%q}`, plain("T"), value) }

// The places of problems; none means that the blocks are fine.
func TestBlocksAreCheckedAsSlackDoes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		blocks string
		want   []string
	}{
		"section at its limit":    {`[{"type":"section","text":` + mrkdwn(x(3000)) + `}]`, nil},
		"section over it":         {`[{"type":"section","text":` + mrkdwn(x(3001)) + `}]`, []string{"/blocks/0/text/text"}},
		"section without text":    {`[{"type":"section"}]`, []string{"/blocks/0"}},
		"section with empty text": {`[{"type":"section","text":` + plain("") + `}]`, []string{"/blocks/0/text/text"}},
		"section with fields":     {`[{"type":"section","fields":` + repeat(10, mrkdwn(x(200))) + `}]`, nil},
		"too many fields":         {`[{"type":"section","fields":` + repeat(11, plain("f")) + `}]`, []string{"/blocks/0/fields"}},
		"field too long":          {`[{"type":"section","fields":[` + plain(x(2001)) + `]}]`, []string{"/blocks/0/fields/0/text"}},
		"unknown property":        {`[{"type":"divider","colour":"red"}]`, []string{"/blocks/0"}},
		"unknown block":           {`[{"type":"sparkles"}]`, []string{"/blocks/0/type"}},
		"emoji on mrkdwn":         {`[{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}]`, []string{"/blocks/0/text"}},
		"header":                  {`[{"type":"header","text":` + plain(x(150)) + `}]`, nil},
		"header too long":         {`[{"type":"header","text":` + plain(x(151)) + `}]`, []string{"/blocks/0/text/text"}},
		"header in mrkdwn":        {`[{"type":"header","text":` + mrkdwn("x") + `}]`, []string{"/blocks/0/text/type"}},
		"50 blocks":               {repeat(50, `{"type":"divider"}`), nil},
		"51 blocks":               {repeat(51, `{"type":"divider"}`), []string{"/blocks"}},
		"block ids":               {`[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`, []string{"/blocks/1/block_id"}},
		"block id too long":       {`[{"type":"divider","block_id":"` + x(256) + `"}]`, []string{"/blocks/0/block_id"}},
		"context":                 {`[{"type":"context","elements":` + repeat(10, mrkdwn("x")) + `}]`, nil},
		"context too full":        {`[{"type":"context","elements":` + repeat(11, mrkdwn("x")) + `}]`, []string{"/blocks/0/elements"}},
		"context image":           {`[{"type":"context","elements":[{"type":"image","alt_text":"a","image_url":"https://e.x/i.png"}]}]`, nil},
		"image without source":    {`[{"type":"image","alt_text":"a"}]`, []string{"/blocks/0"}},
		"image":                   {`[{"type":"image","alt_text":"a","image_url":"https://e.x/i.png","title":` + plain("t") + `}]`, nil},
		"25 actions":              {`[{"type":"actions","elements":` + repeat(25, `{"type":"button","action_id":"a%d","text":`+plain("B")+`}`) + `}]`, nil},
		"26 actions":              {`[{"type":"actions","elements":` + repeat(26, `{"type":"button","action_id":"a%d","text":`+plain("B")+`}`) + `}]`, []string{"/blocks/0/elements"}},
		"action ids":              {`[{"type":"actions","elements":` + repeat(2, `{"type":"button","action_id":"a","text":`+plain("B")+`}`) + `}]`, []string{"/blocks/0/elements/1/action_id"}},
		"no actions":              {`[{"type":"actions","elements":[]}]`, []string{"/blocks/0/elements"}},
		"button": {actions(`{"type":"button","action_id":"a","text":` + plain(x(75)) + `,"value":"` + x(2000) + `","style":"danger","url":"https://e.x",
			"confirm":{"title":` + plain(x(100)) + `,"text":` + mrkdwn(x(300)) + `,"confirm":` + plain(x(30)) + `,"deny":` + plain(x(30)) + `,"style":"danger"}}`), nil},
		"button text":          {actions(`{"type":"button","text":` + plain(x(76)) + `}`), []string{"/blocks/0/elements/0/text/text"}},
		"button in mrkdwn":     {actions(`{"type":"button","text":` + mrkdwn("x") + `}`), []string{"/blocks/0/elements/0/text/type"}},
		"button value":         {actions(`{"type":"button","text":` + plain("x") + `,"value":"` + x(2001) + `"}`), []string{"/blocks/0/elements/0/value"}},
		"button style":         {actions(`{"type":"button","text":` + plain("x") + `,"style":"blue"}`), []string{"/blocks/0/elements/0/style"}},
		"button address":       {actions(`{"type":"button","text":` + plain("x") + `,"url":"plans"}`), []string{"/blocks/0/elements/0/url"}},
		"confirm without text": {actions(`{"type":"button","text":` + plain("x") + `,"confirm":{"title":` + plain("t") + `}}`), []string{"/blocks/0/elements/0/confirm"}},
		"confirm too long":     {actions(`{"type":"button","text":` + plain("x") + `,"confirm":{"text":` + plain(x(301)) + `}}`), []string{"/blocks/0/elements/0/confirm/text/text"}},
		"overflow":             {actions(`{"type":"overflow","options":` + repeat(5, option("v%d")) + `}`), nil},
		"overflow too long":    {actions(`{"type":"overflow","options":` + repeat(6, option("v%d")) + `}`), []string{"/blocks/0/elements/0/options"}},
		"select":               {actions(`{"type":"static_select","options":` + repeat(100, option("v%d")) + `}`), nil},
		"select too long":      {actions(`{"type":"static_select","options":` + repeat(101, option("v%d")) + `}`), []string{"/blocks/0/elements/0/options"}},
		"select without":       {actions(`{"type":"static_select"}`), []string{"/blocks/0/elements/0"}},
		"select same values":   {actions(`{"type":"static_select","options":` + repeat(2, option("v")) + `}`), []string{"/blocks/0/elements/0/options/1/value"}},
		"select initial":       {actions(`{"type":"static_select","options":` + repeat(2, option("v%d")) + `,"initial_option":` + option("v7") + `}`), []string{"/blocks/0/elements/0"}},
		"option value":         {actions(`{"type":"static_select","options":[` + option(x(76)) + `]}`), []string{"/blocks/0/elements/0/options/0/value"}},
		"option without value": {actions(`{"type":"static_select","options":[{"text":` + plain("t") + `}]}`), []string{"/blocks/0/elements/0/options/0"}},
		"input in actions":     {actions(`{"type":"plain_text_input"}`), []string{"/blocks/0/elements/0/type"}},
		"button in input":      {input(`{"type":"button","text":` + plain("B") + `}`), []string{"/blocks/0/element/type"}},
		"accessory picker":     {`[{"type":"section","text":` + plain("x") + `,"accessory":{"type":"datetimepicker"}}]`, []string{"/blocks/0/accessory/type"}},
		"text input":           {input(`{"type":"plain_text_input","multiline":true,"min_length":1,"max_length":3000,"initial_value":"x","placeholder":` + plain("p") + `}`), nil},
		"text input too long":  {input(`{"type":"plain_text_input","max_length":3001}`), []string{"/blocks/0/element/max_length"}},
		"text input bounds":    {input(`{"type":"plain_text_input","min_length":5,"max_length":4}`), []string{"/blocks/0/element/min_length"}},
		"text input start":     {input(`{"type":"plain_text_input","max_length":4,"initial_value":"12345"}`), []string{"/blocks/0/element/initial_value"}},
		"number input":         {input(`{"type":"number_input","is_decimal_allowed":false,"initial_value":"3","min_value":"1","max_value":"9"}`), nil},
		"number input start":   {input(`{"type":"number_input","is_decimal_allowed":false,"initial_value":"three"}`), []string{"/blocks/0/element/initial_value"}},
		"pickers":              {input(`{"type":"datetimepicker","initial_date_time":1790000000}`), nil},
		"picker as text":       {input(`{"type":"datetimepicker","initial_date_time":"1790000000"}`), []string{"/blocks/0/element/initial_date_time"}},
		"picker in ms":         {input(`{"type":"datetimepicker","initial_date_time":1790000000000}`), []string{"/blocks/0/element/initial_date_time"}},
		"date":                 {input(`{"type":"datepicker","initial_date":"2026-11-23"}`), nil},
		"date the wrong way":   {input(`{"type":"datepicker","initial_date":"23.11.2026"}`), []string{"/blocks/0/element/initial_date"}},
		"time":                 {input(`{"type":"timepicker","initial_time":"25:00"}`), []string{"/blocks/0/element/initial_time"}},
		"people":               {input(`{"type":"multi_users_select","initial_users":["U1","U2"]}`), nil},
		"people by name":       {input(`{"type":"multi_users_select","initial_users":["bob"]}`), []string{"/blocks/0/element/initial_users/0"}},
		"checkboxes":           {input(`{"type":"checkboxes","options":` + repeat(10, option("v%d")) + `}`), nil},
		"checkboxes too many":  {input(`{"type":"checkboxes","options":` + repeat(11, option("v%d")) + `}`), []string{"/blocks/0/element/options"}},
		"markdown":             {`[{"type":"markdown","text":"` + x(10000) + `"}]`, nil},
		"table":                {`[{"type":"table","rows":[[{"type":"raw_text","text":"a"}]],"column_settings":[{"align":"left"}]}]`, nil},
		"two tables":           {`[{"type":"table","rows":[[{"type":"raw_text","text":"a"}]]},{"type":"table","rows":[[{"type":"raw_text","text":"a"}]]}]`, []string{"/blocks/1"}},
		"rich text": {`[{"type":"rich_text","elements":[
			{"type":"rich_text_section","elements":[{"type":"text","text":"a","style":{"bold":true}},{"type":"link","url":"https://e.x","text":"b"},
				{"type":"user","user_id":"U1"},{"type":"emoji","name":"ship"},{"type":"date","timestamp":1790000000,"format":"{date}"},{"type":"broadcast","range":"here"}]},
			{"type":"rich_text_list","style":"bullet","indent":1,"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"i"}]}]},
			{"type":"rich_text_quote","elements":[{"type":"text","text":"q"}]},
			{"type":"rich_text_preformatted","elements":[{"type":"text","text":"p"}]}]}]`, nil},
		"empty text in rich text": {`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":""}]}]}]`, []string{"/blocks/0/elements/0/elements/0/text"}},
		"user in preformatted":    {`[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[{"type":"user","user_id":"U1"}]}]}]`, []string{"/blocks/0/elements/0/elements/0/type"}},
		"unknown style":           {`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a","style":{"big":true}}]}]}]`, []string{"/blocks/0/elements/0/elements/0/style"}},
		"too much in all":         {repeat(4, `{"type":"section","text":`+plain(x(2999))+`}`), []string{"/blocks"}},
		"no list":                 {`{"type":"divider"}`, []string{"/blocks"}},
		"no JSON":                 {`[{"type"`, []string{"/blocks"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range blockkit.CheckMessage("text", json.RawMessage(test.blocks)) {
				got = append(got, p.Path)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s\n%v", diff, blockkit.CheckMessage("text", json.RawMessage(test.blocks)))
			}
		})
	}
}

func TestMessagesNeedSomethingToSay(t *testing.T) {
	t.Parallel()
	if p := blockkit.CheckMessage("", json.RawMessage(`[]`)); len(p) != 1 || p[0].Code != "no_text" {
		t.Errorf("no text and no blocks: %v", p)
	}
	if p := blockkit.CheckMessage(x(40001), nil); len(p) != 1 || p[0].Code != "msg_too_long" {
		t.Errorf("too long: %v", p)
	}
	if p := blockkit.CheckMessage("", json.RawMessage(`[{"type":"divider"}]`)); p != nil {
		t.Errorf("blocks alone: %v", p)
	}
	if got, want := (blockkit.Problem{Path: "/blocks/0", What: "is bad"}).String(), "[ERROR] is bad [json-pointer:/blocks/0]"; got != want {
		t.Errorf("problem reads %q, want %q", got, want)
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	in := input(`{"type":"plain_text_input"}`)
	focus := `[{"type":"input","label":` + plain("L") + `,"element":{"type":"plain_text_input","focus_on_load":true}},
		{"type":"input","label":` + plain("L") + `,"element":{"type":"plain_text_input","focus_on_load":true}}]`
	tests := map[string]struct {
		check func(json.RawMessage) []blockkit.Problem
		view  string
		want  []string
	}{
		"modal":             {blockkit.CheckModal, `{"type":"modal","title":` + plain(x(24)) + `,"submit":` + plain(x(24)) + `,"blocks":` + in + `,"private_metadata":"` + x(3000) + `"}`, nil},
		"modal title":       {blockkit.CheckModal, `{"type":"modal","title":` + plain(x(25)) + `,"blocks":[]}`, []string{"/view/title/text"}},
		"no title":          {blockkit.CheckModal, `{"type":"modal","blocks":[]}`, []string{"/view"}},
		"input, no submit":  {blockkit.CheckModal, `{"type":"modal","title":` + plain("t") + `,"blocks":` + in + `}`, []string{"/view"}},
		"metadata":          {blockkit.CheckModal, `{"type":"modal","title":` + plain("t") + `,"blocks":[],"private_metadata":"` + x(3001) + `"}`, []string{"/view/private_metadata"}},
		"two in focus":      {blockkit.CheckModal, `{"type":"modal","title":` + plain("t") + `,"submit":` + plain("s") + `,"blocks":` + focus + `}`, []string{"/view/blocks/1/element/focus_on_load"}},
		"markdown in modal": {blockkit.CheckModal, `{"type":"modal","title":` + plain("t") + `,"blocks":[{"type":"markdown","text":"x"}]}`, []string{"/view/blocks/0/type"}},
		"home as modal":     {blockkit.CheckModal, `{"type":"home","title":` + plain("t") + `,"blocks":[]}`, []string{"/view/type"}},
		"home":              {blockkit.CheckHome, `{"type":"home","blocks":` + repeat(100, `{"type":"divider"}`) + `}`, nil},
		"home too long":     {blockkit.CheckHome, `{"type":"home","blocks":` + repeat(101, `{"type":"divider"}`) + `}`, []string{"/view/blocks"}},
		"home with title":   {blockkit.CheckHome, `{"type":"home","title":` + plain("t") + `,"blocks":[]}`, []string{"/view"}},
		"options":           {blockkit.CheckOptions, `{"options":` + repeat(100, option("v%d")) + `}`, nil},
		"no options":        {blockkit.CheckOptions, `{"options":[]}`, nil},
		"too many options":  {blockkit.CheckOptions, `{"options":` + repeat(101, option("v%d")) + `}`, []string{"/options"}},
		"unfurl":            {blockkit.CheckAttachment, `{"blocks":[{"type":"divider"}],"color":"#00ff00"}`, nil},
		"unfurl unknown":    {blockkit.CheckAttachment, `{"block":[]}`, []string{""}},
		"message metadata":  {blockkit.CheckMetadata, `{"event_type":"x","event_payload":{"key":"1"}}`, nil},
		"bad metadata":      {blockkit.CheckMetadata, `{"event_type":"x","event_payload":[]}`, []string{"/metadata/event_payload"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range test.check(json.RawMessage(test.view)) {
				got = append(got, p.Path)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
	big := `{"type":"home","blocks":[],"private_metadata":"x","callback_id":"` + strings.Repeat("x", 260_000) + `"}`
	if p := blockkit.CheckHome(json.RawMessage(big)); p[0].Code != "view_too_large" {
		t.Errorf("250 KB: %v", p)
	}
}

// What slack-go writes must not be refused for properties that it writes by itself.
func TestWhatSlackGoWritesPasses(t *testing.T) {
	t.Parallel()
	text := slack.NewTextBlockObject("plain_text", "T", true, false)
	blocks := []slack.Block{
		slack.NewHeaderBlock(text),
		slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", "m", false, true), nil, slack.NewAccessory(slack.NewButtonBlockElement("a", "v", text))),
		slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionTextElement("x", &slack.RichTextSectionTextStyle{Bold: true}),
			slack.NewRichTextSectionDateElement(1_790_000_000, "{date}", nil, nil)),
			slack.NewRichTextList(slack.RTEListBullet, 0, slack.NewRichTextSection(slack.NewRichTextSectionTextElement("i", nil)))),
		slack.NewActionBlock("", slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, text, "e"), slack.NewDatePickerBlockElement("d"),
			slack.NewOverflowBlockElement("o", slack.NewOptionBlockObject("1", text, nil))),
		slack.NewInputBlock("in", text, text, slack.NewPlainTextInputBlockElement(text, "p")),
		slack.NewInputBlock("n", text, nil, slack.NewNumberInputBlockElement(text, "n", false)),
		slack.NewContextBlock("", slack.NewImageBlockElement("https://e.x/i.png", "alt"), text),
		slack.NewTableBlock("").AddRow(slack.NewTableRichTextCell(slack.NewRichTextSection(slack.NewRichTextSectionTextElement("c", nil))), slack.NewTableRawTextCell("r")),
		slack.NewDividerBlock(),
	}
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range blockkit.CheckMessage("text", raw) {
		t.Errorf("%v in %s", p, raw)
	}
}

func TestLimitsNameEachThingOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, l := range blockkit.Limits {
		key := l.Type + "." + l.Field
		if seen[key] || l.Max <= 0 || l.Source == "" {
			t.Errorf("limit %+v", l)
		}
		seen[key] = true
	}
}
