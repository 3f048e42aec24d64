package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"slipway/bot/screen"
	"slipway/bot/slack/blockkit"
)

// The property of a state that holds what was chosen, by the type of the element.
var stateKeys = map[string]string{
	"plain_text_input": "value", "email_text_input": "value", "url_text_input": "value", "number_input": "value",
	"static_select": "selected_option", "external_select": "selected_option", "radio_buttons": "selected_option",
	"multi_static_select": "selected_options", "multi_external_select": "selected_options", "checkboxes": "selected_options",
	"users_select": "selected_user", "multi_users_select": "selected_users",
	"conversations_select": "selected_conversation", "multi_conversations_select": "selected_conversations",
	"channels_select": "selected_channel", "multi_channels_select": "selected_channels",
	"datepicker": "selected_date", "timepicker": "selected_time", "datetimepicker": "selected_date_time", "rich_text_input": "rich_text_value",
}

// initialKeys are the properties of elements that say what they start with.
var initialKeys = []string{
	"initial_value", "initial_option", "initial_options", "initial_user", "initial_users", "initial_conversation", "initial_conversations",
	"initial_channel", "initial_channels", "initial_date", "initial_time", "initial_date_time",
}

// initial is the state that an element starts with.
func initial(element map[string]any) map[string]any {
	kind, _ := element["type"].(string)
	state := map[string]any{"type": kind}
	key := stateKeys[kind]
	state[key] = nil
	if slices.Contains([]string{"selected_options", "selected_users", "selected_conversations", "selected_channels"}, key) {
		state[key] = []any{}
	}
	for _, name := range initialKeys {
		if v, ok := element[name]; ok {
			state[key] = v
		}
	}
	return state
}

// typedValue is a state as a person would type it.
func (p *Person) typedValue(state map[string]any) []string {
	kind, _ := state["type"].(string)
	switch v := state[stateKeys[kind]].(type) {
	case string:
		switch {
		case v == "":
			return nil
		case kind == "datepicker":
			return []string{p.unix("2006-01-02", v)}
		}
		return []string{v}
	case json.Number, float64:
		return []string{numberOf(v)}
	case map[string]any:
		if kind == "rich_text_input" {
			return []string{p.reader().rich(v["elements"])}
		}
		value, _ := v["value"].(string)
		return []string{value}
	case []any:
		var values []string
		for _, entry := range v {
			switch e := entry.(type) {
			case string:
				values = append(values, e)
			case map[string]any:
				value, _ := e["value"].(string)
				values = append(values, value)
			}
		}
		return values
	}
	return nil
}

func (p *Person) zone() *time.Location {
	zone, err := time.LoadLocation(p.s.users[p.id].TZ)
	if err != nil {
		return time.UTC
	}
	return zone
}

func (p *Person) unix(layout, value string) string {
	at, err := time.ParseInLocation(layout, value, p.zone())
	if err != nil {
		return value
	}
	return strconv.FormatInt(at.Unix(), 10)
}

// choose puts what a person typed into a field, with the lock.
func (p *Person) choose(v *view, in input, values []string) error {
	kind, _ := in.element["type"].(string)
	var chosen any
	var err error
	switch key := stateKeys[kind]; key {
	case "selected_option":
		if len(values) > 0 && values[0] != "" {
			chosen, err = option(v, in, values[0])
		}
	case "selected_options":
		chosen, err = optionsOf(v, in, values)
	case "selected_users", "selected_conversations", "selected_channels":
		list := []any{}
		for _, value := range values {
			if err = p.exists(key, value); err != nil {
				break
			}
			list = append(list, value)
		}
		chosen = list
	default:
		if len(values) > 0 && values[0] != "" {
			chosen, err = p.single(kind, values[0])
		}
	}
	if err != nil {
		return fmt.Errorf("field %q: %w", in.label, err)
	}
	v.state[in.block] = map[string]any{in.action: map[string]any{"type": kind, stateKeys[kind]: chosen}}
	return nil
}

func optionsOf(v *view, in input, values []string) ([]any, error) {
	list := []any{}
	for _, value := range values {
		if value == "" {
			continue
		}
		o, err := option(v, in, value)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// option finds an option of a menu by its value, or its label.
func option(v *view, in input, value string) (any, error) {
	options := allOptions(v, in)
	if before, ok := v.state[in.block][in.action].(map[string]any); ok { // what is chosen stays a choice
		if o, ok := before["selected_option"].(map[string]any); ok {
			options = append(options, o)
		}
		chosen, _ := before["selected_options"].([]any)
		options = append(options, chosen...)
	}
	for _, o := range options {
		if option, _ := o.(map[string]any); option["value"] == value {
			return o, nil
		}
	}
	for _, o := range options {
		if option, _ := o.(map[string]any); textOf(option["text"]) == value {
			return o, nil
		}
	}
	return nil, fmt.Errorf("option %q: %w", value, screen.ErrNotThere)
}

// exists refuses people and rooms that cannot be picked.
func (p *Person) exists(key, value string) error {
	if key == "selected_user" || key == "selected_users" {
		if p.s.users[value] == nil {
			return fmt.Errorf("account %q: %w", value, screen.ErrNotThere)
		}
		return nil
	}
	_, err := p.enter(value)
	return err
}

// single is what one value becomes in the state of an element.
func (p *Person) single(kind, value string) (any, error) {
	switch kind {
	case "users_select", "conversations_select", "channels_select":
		return value, p.exists(stateKeys[kind], value)
	case "rich_text_input":
		return map[string]any{"type": "rich_text", "elements": []any{map[string]any{
			"type": "rich_text_section", "elements": []any{map[string]any{"type": "text", "text": value}},
		}}}, nil
	case "datepicker", "timepicker", "datetimepicker":
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no Unix time: %w", value, screen.ErrNotThere)
		}
		at := time.Unix(seconds, 0).In(p.zone())
		switch kind {
		case "datepicker":
			return at.Format("2006-01-02"), nil
		case "timepicker":
			return at.Format("15:04"), nil
		}
		return json.Number(value), nil
	}
	return value, nil
}

// incomplete says what the client itself finds wrong with a form before it is sent, by
// block.
func (p *Person) incomplete(v *view) map[string]string {
	wrong := map[string]string{}
	for _, in := range v.inputs() {
		state, _ := v.state[in.block][in.action].(map[string]any)
		values := p.typedValue(state)
		if len(values) == 0 {
			if !in.optional {
				wrong[in.block] = "Please complete this required field."
			}
			continue
		}
		if text := unfit(in.element, values); text != "" {
			wrong[in.block] = text
		}
	}
	return wrong
}

// unfit says what is wrong with the length, the number or the count of what was entered.
func unfit(element map[string]any, values []string) string {
	limit := func(name string) (float64, bool) {
		s, ok := element[name].(string)
		if !ok {
			s = numberOf(element[name])
		}
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	length := float64(blockkit.Len(values[0]))
	switch element["type"] {
	case "plain_text_input":
		longest, ok := limit("max_length")
		if !ok {
			longest = blockkit.InputLength
		}
		if shortest, _ := limit("min_length"); length > longest || length < shortest {
			return fmt.Sprintf("Must be between %d and %d characters.", int(shortest), int(longest))
		}
	case "number_input":
		n, err := strconv.ParseFloat(values[0], 64)
		least, hasLeast := limit("min_value")
		most, hasMost := limit("max_value")
		if err != nil || element["is_decimal_allowed"] != true && n != float64(int64(n)) {
			return "Must be a whole number."
		}
		if hasLeast && n < least || hasMost && n > most {
			return "Must be within the limits."
		}
	}
	if most, ok := limit("max_selected_items"); ok && float64(len(values)) > most {
		return fmt.Sprintf("Choose %d at most.", int(most))
	}
	return ""
}
