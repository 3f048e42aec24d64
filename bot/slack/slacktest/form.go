package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"

	"slipway/bot/screen"
)

// input is an input block of a view.
type input struct {
	block, action string
	label, hint   string
	optional      bool
	element       map[string]any
}

// inputs are the input blocks of a view in order.
func (v *view) inputs() []input {
	var found []input
	for _, b := range v.blocks() {
		block, _ := b.(map[string]any)
		if block["type"] != "input" {
			continue
		}
		in := input{label: textOf(block["label"]), hint: textOf(block["hint"])}
		in.block, _ = block["block_id"].(string)
		in.optional, _ = block["optional"].(bool)
		in.element, _ = block["element"].(map[string]any)
		in.action, _ = in.element["action_id"].(string)
		found = append(found, in)
	}
	return found
}

// Form implements screen.Person.
func (p *Person) Form() *screen.Form {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	v := p.s.top(p.id)
	if v == nil || p.s.users[p.id] == nil {
		return nil
	}
	var read page
	p.reader().blocks(&read, v.blocks(), handleOf{})
	raw, _ := json.Marshal(v.definition) // it was read from JSON
	form := &screen.Form{
		Title: textOf(v.definition["title"]), Submit: textOf(v.definition["submit"]), Text: read.text(), Fields: []screen.Field{}, Raw: raw,
	}
	for _, in := range v.inputs() {
		f := p.field(v, in)
		form.Fields = append(form.Fields, f)
	}
	return form
}

// kinds are the fields that elements make.
var kinds = map[string]screen.Kind{
	"plain_text_input": screen.Text, "email_text_input": screen.Text, "url_text_input": screen.Text, "rich_text_input": screen.Long,
	"number_input": screen.Number, "static_select": screen.Select, "external_select": screen.Select, "radio_buttons": screen.Select,
	"multi_static_select": screen.Many, "multi_external_select": screen.Many, "checkboxes": screen.Many,
	"users_select": screen.Someone, "multi_users_select": screen.People,
	"conversations_select": screen.Select, "channels_select": screen.Select,
	"multi_conversations_select": screen.Many, "multi_channels_select": screen.Many,
	"datepicker": screen.Time, "timepicker": screen.Time, "datetimepicker": screen.Time,
}

func (p *Person) field(v *view, in input) screen.Field {
	kind, _ := in.element["type"].(string)
	f := screen.Field{
		Label: in.label, Hint: in.hint, Kind: kinds[kind], Required: !in.optional, Error: v.errors[in.block],
		Max: maxLength(in.element), Options: offered(v, in),
	}
	if in.element["multiline"] == true {
		f.Kind = screen.Long
	}
	if kind == "checkboxes" && len(f.Options) == 1 {
		f.Kind = screen.Check
	}
	state, _ := v.state[in.block][in.action].(map[string]any)
	f.Value = p.typedValue(state)
	return f
}

// maxLength is how many characters an input takes, 0 if it does not say.
func maxLength(element map[string]any) int {
	n, err := json.Number(numberOf(element["max_length"])).Int64()
	if err != nil {
		return 0
	}
	return int(n)
}

// offered are the options of a menu: its own, or those that the app answered last.
func offered(v *view, in input) []screen.Option {
	var options []screen.Option
	for _, o := range allOptions(v, in) {
		option, _ := o.(map[string]any)
		value, _ := option["value"].(string)
		options = append(options, screen.Option{Value: value, Label: textOf(option["text"])})
	}
	return options
}

func allOptions(v *view, in input) []any {
	options, _ := in.element["options"].([]any)
	options = append(slices.Clone(options), v.offered[in.block]...)
	groups, _ := in.element["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		inner, _ := group["options"].([]any)
		options = append(options, inner...)
	}
	return options
}

// named finds the input with a label.
func (v *view) named(label string) (input, error) {
	for _, in := range v.inputs() {
		if in.label == label {
			return in, nil
		}
	}
	return input{}, fmt.Errorf("field %q: %w", label, screen.ErrNotThere)
}

// labelled turns errors by block into errors by label.
func (v *view) labelled(errors map[string]string) map[string]string {
	byLabel := map[string]string{}
	for _, in := range v.inputs() {
		if text, ok := errors[in.block]; ok {
			byLabel[in.label] = text
		}
	}
	return byLabel
}
