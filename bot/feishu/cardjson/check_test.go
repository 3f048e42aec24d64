package cardjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/bot/feishu/cardjson"
)

// around returns a card with these elements.
func around(elements ...string) string {
	return `{"schema":"2.0","config":{"update_multi":true,"width_mode":"fill","summary":{"content":"Payments 4.2"}},
		"header":{"title":{"tag":"plain_text","content":"Payments 4.2"},"template":"blue",
			"text_tag_list":[{"tag":"text_tag","text":{"tag":"plain_text","content":"Running"},"color":"blue"}]},
		"body":{"direction":"vertical","elements":[` + strings.Join(elements, ",") + `]}}`
}

func form(elements ...string) string {
	send := `{"tag":"button","text":{"tag":"plain_text","content":"Send"},"type":"primary","name":"send","form_action_type":"submit"}`
	return `{"tag":"form","name":"f","elements":[` + strings.Join(append(elements, send), ",") + `]}`
}

const (
	words  = `{"tag":"markdown","content":"**Hello**"}`
	button = `{"tag":"button","text":{"tag":"plain_text","content":"Go"},"behaviors":[{"type":"callback","value":{"a":"b"}}]}`
)

func TestCardsThatFeishuTakes(t *testing.T) {
	t.Parallel()
	for name, card := range map[string]string{
		"words and a button": around(words, `{"tag":"hr"}`, button),
		"a question before":  around(strings.Replace(button, `"behaviors"`, `"confirm":{"title":{"tag":"plain_text","content":"Sure?"},"text":{"tag":"plain_text","content":"It cannot be undone."}},"behaviors"`, 1)),
		"a link":             around(`{"tag":"button","text":{"tag":"plain_text","content":"Page"},"behaviors":[{"type":"open_url","default_url":"https://slipway.example.com/plans/1"}]}`),
		"a disabled button":  around(`{"tag":"button","text":{"tag":"plain_text","content":"Go"},"disabled":true,"disabled_tips":{"tag":"plain_text","content":"not yet"}}`),
		"columns":            around(`{"tag":"column_set","flex_mode":"flow","columns":[{"tag":"column","width":"weighted","weight":1,"elements":[` + words + `]},{"tag":"column","width":"auto","elements":[` + button + `]}]}`),
		"a menu":             around(`{"tag":"overflow","options":[{"text":{"tag":"plain_text","content":"Skip"},"value":"skip"},{"text":{"tag":"plain_text","content":"Retry"},"value":"retry"}],"behaviors":[{"type":"callback","value":{"p":"1"}}]}`),
		"folded":             around(`{"tag":"collapsible_panel","expanded":false,"header":{"title":{"tag":"markdown","content":"More"}},"elements":[` + words + `]}`),
		"a table":            around(`{"tag":"table","columns":[{"name":"n","data_type":"text"}],"rows":[{"n":"1"}]}`),
		"a form with all fields": around(form(
			`{"tag":"input","name":"name","required":true,"max_length":200,"label":{"tag":"plain_text","content":"Name"}}`,
			`{"tag":"input","name":"text","input_type":"multiline_text","rows":5,"default_value":"x"}`,
			`{"tag":"select_static","name":"engine","options":[{"text":{"tag":"plain_text","content":"Local"},"value":"local"}],"initial_index":1}`,
			`{"tag":"multi_select_static","name":"services","options":[{"text":{"tag":"plain_text","content":"API"},"value":"api"}],"selected_values":["api"]}`,
			`{"tag":"select_person","name":"manager","options":[{"value":"ou_1"}],"initial_option":"ou_1"}`,
			`{"tag":"multi_select_person","name":"approvers","placeholder":{"tag":"plain_text","content":"Who"}}`,
			`{"tag":"date_picker","name":"day","initial_date":"2026-11-24"}`,
			`{"tag":"picker_time","name":"clock","initial_time":"22:00"}`,
			`{"tag":"picker_datetime","name":"start","initial_datetime":"2026-11-24 22:00"}`,
			`{"tag":"checker","name":"sure","checked":false,"text":{"tag":"plain_text","content":"Sure"}}`,
		)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if problems := cardjson.Check([]byte(card)); len(problems) > 0 {
				t.Errorf("Check = %v", problems)
			}
		})
	}
}

func TestCardsThatFeishuRefuses(t *testing.T) {
	t.Parallel()
	nested := words
	for range cardjson.MaxDepth + 1 {
		nested = `{"tag":"column_set","columns":[{"tag":"column","elements":[` + nested + `]}]}`
	}
	for name, tc := range map[string]struct {
		card string
		path string
	}{
		"not JSON":                {`{"schema":`, "$"},
		"the old form":            {`{"elements":[]}`, "$.elements"},
		"no update_multi":         {strings.Replace(around(words), `"update_multi":true,`, "", 1), "$.config.update_multi"},
		"update_multi off":        {strings.Replace(around(words), `"update_multi":true`, `"update_multi":false`, 1), "$.config.update_multi"},
		"a wrong header":          {strings.Replace(around(words), `"template":"blue"`, `"template":"pink"`, 1), "$.header.template"},
		"a wrong tag":             {strings.Replace(around(words), `"color":"blue"`, `"color":"grey"`, 1), "$.header.text_tag_list[0].color"},
		"an action module":        {around(`{"tag":"action","actions":[` + button + `]}`), "$.body.elements[0].tag"},
		"a note":                  {around(`{"tag":"note","elements":[]}`), "$.body.elements[0].tag"},
		"an unknown component":    {around(`{"tag":"marquee"}`), "$.body.elements[0].tag"},
		"an unknown property":     {around(`{"tag":"markdown","content":"x","corner_radius":"4px"}`), "$.body.elements[0].corner_radius"},
		"a column's radius":       {around(`{"tag":"column_set","columns":[{"tag":"column","corner_radius":"4px"}]}`), "$.body.elements[0].columns[0].corner_radius"},
		"an input's icon":         {around(`{"tag":"input","icon":{"tag":"standard_icon"}}`), "$.body.elements[0].icon"},
		"a bold plain text":       {around(`{"tag":"div","text":{"tag":"plain_text","content":"x","text_weight":"bold"}}`), "$.body.elements[0].text.text_weight"},
		"an old button":           {around(`{"tag":"button","text":{"tag":"plain_text","content":"x"},"url":"https://example.com","value":{}}`), "$.body.elements[0].behaviors"},
		"a value that is a text":  {around(strings.Replace(button, `{"a":"b"}`, `"a"`, 1)), "$.body.elements[0].behaviors[0].value"},
		"a script":                {around(`{"tag":"button","text":{"tag":"plain_text","content":"x"},"behaviors":[{"type":"open_url","default_url":"javascript:alert(1)"}]}`), "$.body.elements[0].behaviors[0].default_url"},
		"a question without text": {around(strings.Replace(button, `"behaviors"`, `"confirm":{"title":{"tag":"plain_text","content":"Sure?"}},"behaviors"`, 1)), "$.body.elements[0].confirm.text"},
		"a long label":            {around(strings.Replace(button, "Go", strings.Repeat("长", 101), 1)), "$.body.elements[0].text.content"},
		"a form in columns":       {around(`{"tag":"column_set","columns":[{"tag":"column","elements":[` + form() + `]}]}`), "$.body.elements[0].columns[0].elements[0]"},
		"a form in a form":        {around(form(strings.ReplaceAll(strings.ReplaceAll(form(), `"f"`, `"g"`), `"send"`, `"send2"`))), "$.body.elements[0].elements[0]"},
		"a table in a form":       {around(form(`{"tag":"table","columns":[],"rows":[]}`)), "$.body.elements[0].elements[0]"},
		"a form that sends not":   {around(`{"tag":"form","name":"f","elements":[` + words + `]}`), "$.body.elements[0]"},
		"a form's lonely button":  {around(form(button)), "$.body.elements[0].elements[0].name"},
		"a nameless field":        {around(form(`{"tag":"input"}`)), "$.body.elements[0].elements[0].name"},
		"two of one name":         {around(form(`{"tag":"input","name":"a"}`, `{"tag":"input","name":"a"}`)), "$.body.elements[0].elements[1].name"},
		"submit outside a form":   {around(strings.Replace(button, `"behaviors"`, `"name":"b","form_action_type":"submit","behaviors"`, 1)), "$.body.elements[0].form_action_type"},
		"required outside a form": {around(`{"tag":"input","required":true}`), "$.body.elements[0].required"},
		"many outside a form":     {around(`{"tag":"multi_select_static","options":[]}`), "$.body.elements[0]"},
		"a value twice":           {around(form(`{"tag":"select_static","name":"s","options":[{"text":{"tag":"plain_text","content":"A"},"value":"a"},{"text":{"tag":"plain_text","content":"B"},"value":"a"}]}`)), "$.body.elements[0].elements[0].options[1].value"},
		"a start of no option":    {around(form(`{"tag":"multi_select_person","name":"s","options":[{"value":"ou_1"}],"selected_values":["ou_2"]}`)), "$.body.elements[0].elements[0].selected_values[0]"},
		"a picker without hint":   {around(form(`{"tag":"picker_datetime","name":"s"}`)), "$.body.elements[0].elements[0].placeholder"},
		"a time with an offset":   {around(form(`{"tag":"picker_datetime","name":"s","initial_datetime":"2026-11-24 22:00 +0800"}`)), "$.body.elements[0].elements[0].initial_datetime"},
		"a longer input":          {around(form(`{"tag":"input","name":"s","max_length":1001}`)), "$.body.elements[0].elements[0].max_length"},
		"one element_id twice":    {around(`{"tag":"hr","element_id":"a"}`, `{"tag":"hr","element_id":"a"}`), "$.body.elements[1].element_id"},
		"an odd element_id":       {around(`{"tag":"hr","element_id":"1a"}`), "$.body.elements[0].element_id"},
		"a menu entry twice":      {around(`{"tag":"overflow","options":[{"value":"a"},{"value":"a"}]}`), "$.body.elements[0].options[1].value"},
		"too deep":                {around(nested), "$.body.elements[0]" + strings.Repeat(".columns[0].elements[0]", cardjson.MaxDepth+1)},
		"too many tables":         {around(strings.Split(strings.Repeat(`{"tag":"table","columns":[],"rows":[]};`, 6), ";")[:6]...), "$"},
		"too many elements":       {around(strings.Split(strings.Repeat(button+";", 100), ";")[:100]...), "$"},
		"too big":                 {around(`{"tag":"markdown","content":"` + strings.Repeat("长", 11_000) + `"}`), "$"},
		"too big when escaped":    {around(`{"tag":"markdown","content":"` + strings.Repeat(`\"`, 8_000) + `"}`), "$"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := cardjson.Check([]byte(tc.card))
			for _, p := range problems {
				if p.Path == tc.path {
					return
				}
			}
			t.Errorf("Check = %v, want a problem at %s", problems, tc.path)
		})
	}
}

func TestAButtonCountsTwice(t *testing.T) {
	t.Parallel()
	// The header's title and tag with its text make three, and each button two.
	for n, want := range map[int]int{1: 5, 98: 199} {
		card := around(strings.Split(strings.Repeat(button+";", n), ";")[:n]...)
		if got := cardjson.Elements([]byte(card)); got != want {
			t.Errorf("Elements with %d buttons = %d, want %d", n, got, want)
		}
	}
}

func TestSizeIsThatOfTheRequest(t *testing.T) {
	t.Parallel()
	card := []byte(`{"a":"<at>"}`)
	want, _ := json.Marshal(map[string]string{"content": string(card)})
	if got := cardjson.Size(card) + len(`{"content":}`); got != len(want) {
		t.Errorf("Size = %d, want %d", got, len(want))
	}
}

// Pages say which properties a component has; this list is theirs, so that a slip in the
// table shows.
func TestPropertiesOfComponents(t *testing.T) {
	t.Parallel()
	all := cardjson.Components()
	for tag, want := range map[string]string{
		"hr":                  "element_id margin tag",
		"markdown":            "content element_id i18n_content icon margin tag text_align text_size",
		"div":                 "element_id fields icon margin tag text width",
		"button":              "behaviors confirm disabled disabled_tips element_id form_action_type hover_tips icon margin name size tag text type width",
		"overflow":            "behaviors confirm element_id margin options tag value width",
		"column_set":          "action background_style columns element_id flex_mode horizontal_align horizontal_spacing margin tag",
		"column":              "action background_style direction element_id elements horizontal_align horizontal_spacing margin padding tag vertical_align vertical_spacing weight width",
		"form":                "direction element_id elements horizontal_align horizontal_spacing margin name padding tag vertical_align vertical_spacing",
		"select_static":       "behaviors confirm disabled element_id initial_index initial_option margin name options placeholder required tag type value width",
		"multi_select_person": "behaviors confirm disabled element_id margin name options placeholder required selected_values tag type value width",
		"picker_datetime":     "behaviors confirm disabled element_id initial_datetime margin name placeholder required tag value width",
	} {
		if diff := cmp.Diff(want, strings.Join(all[tag], " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tag, diff)
		}
	}
	if len(all) != 23 {
		t.Errorf("%d components are known: %s", len(all), fmt.Sprint(all))
	}
}
