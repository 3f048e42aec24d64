package blockkit

import (
	"maps"
	"math"
	"regexp"
	"slices"
)

// Where an element may stand.
var (
	actionsElements = []string{
		"button", "checkboxes", "datepicker", "datetimepicker", "overflow", "radio_buttons", "timepicker", "rich_text_input",
		"static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
	}
	accessories = []string{
		"button", "checkboxes", "datepicker", "image", "overflow", "radio_buttons", "timepicker",
		"static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
	}
	inputElements = []string{
		"checkboxes", "datepicker", "datetimepicker", "email_text_input", "number_input", "plain_text_input", "radio_buttons",
		"rich_text_input", "timepicker", "url_text_input",
		"static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
	}
)

// with returns properties that every interactive element has, and more.
func with(more ...map[string]rule) map[string]rule {
	props := map[string]rule{"action_id": str(1, ActionID)}
	for _, m := range more {
		maps.Copy(props, m)
	}
	return props
}

var (
	confirmable = map[string]rule{"confirm": confirm}
	focusable   = map[string]rule{"focus_on_load": focus}
	placeable   = map[string]rule{"placeholder": text(plain, PlaceholderText)}
	several     = map[string]rule{"max_selected_items": integer(1, math.MaxInt32)}
	dispatching = map[string]rule{"dispatch_action_config": objectOf(shape{props: map[string]rule{
		"trigger_actions_on": listOf(1, 2, oneOf("on_enter_pressed", "on_character_entered")),
	}})}
	conversation = map[string]rule{
		"default_to_current_conversation": boolean,
		"filter": objectOf(shape{props: map[string]rule{
			"include":                          listOf(1, 4, oneOf("im", "mpim", "private", "public")),
			"exclude_external_shared_channels": boolean,
			"exclude_bot_users":                boolean,
		}}),
	}
	responding = map[string]rule{"response_url_enabled": boolean}
	day        = matching(regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`), "YYYY-MM-DD")
	clock      = matching(regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d$`), "HH:mm")
	decimal    = matching(regexp.MustCompile(`^-?\d+(\.\d+)?$`), "a number")
	account    = matching(regexp.MustCompile(`^[UW][A-Z0-9]+$`), "a user id")
	channel    = matching(regexp.MustCompile(`^[CGD][A-Z0-9]+$`), "a conversation id")
)

// elementShapes are the elements by type.
var elementShapes = map[string]shape{
	"button": {required: []string{"text"}, props: with(confirmable, map[string]rule{
		"text":                text(plain, ButtonText),
		"value":               str(0, ButtonValue),
		"url":                 both(str(1, ButtonURL), address),
		"style":               oneOf("primary", "danger"),
		"accessibility_label": str(1, ButtonLabel),
	})},
	"overflow": {required: []string{"options"}, props: with(confirmable, map[string]rule{
		"options": options(OverflowOptions, overflowOption),
	})},
	"checkboxes": {required: []string{"options"}, props: with(confirmable, focusable, map[string]rule{
		"options":         options(ChoiceOptions, option(anyText)),
		"initial_options": options(ChoiceOptions, option(anyText)),
	})},
	"radio_buttons": {required: []string{"options"}, props: with(confirmable, focusable, map[string]rule{
		"options":        options(ChoiceOptions, option(anyText)),
		"initial_option": option(anyText),
	})},
	"static_select":         {props: with(confirmable, focusable, placeable, menu, map[string]rule{"initial_option": option(plain)})},
	"multi_static_select":   {props: with(confirmable, focusable, placeable, several, menu, initialOptions)},
	"external_select":       {props: with(confirmable, focusable, placeable, typeahead, map[string]rule{"initial_option": option(plain)})},
	"multi_external_select": {props: with(confirmable, focusable, placeable, several, typeahead, initialOptions)},
	"users_select":          {props: with(confirmable, focusable, placeable, map[string]rule{"initial_user": account})},
	"multi_users_select": {props: with(confirmable, focusable, placeable, several, map[string]rule{
		"initial_users": listOf(0, SelectOptions, account),
	})},
	"conversations_select": {props: with(confirmable, focusable, placeable, responding, conversation, map[string]rule{"initial_conversation": channel})},
	"multi_conversations_select": {props: with(confirmable, focusable, placeable, several, conversation, map[string]rule{
		"initial_conversations": listOf(0, SelectOptions, channel),
	})},
	"channels_select": {props: with(confirmable, focusable, placeable, responding, map[string]rule{"initial_channel": channel})},
	"multi_channels_select": {props: with(confirmable, focusable, placeable, several, map[string]rule{
		"initial_channels": listOf(0, SelectOptions, channel),
	})},
	"datepicker":     {props: with(confirmable, focusable, placeable, map[string]rule{"initial_date": day})},
	"timepicker":     {props: with(confirmable, focusable, placeable, map[string]rule{"initial_time": clock, "timezone": str(1, 64)})},
	"datetimepicker": {props: with(confirmable, focusable, map[string]rule{"initial_date_time": integer(1e9, 1e10-1)})},
	"plain_text_input": {props: with(dispatching, focusable, placeable, map[string]rule{
		"initial_value": str(0, InputLength),
		"multiline":     boolean,
		"min_length":    integer(0, InputLength),
		"max_length":    integer(1, InputLength),
	})},
	"email_text_input": {props: with(dispatching, focusable, placeable, map[string]rule{"initial_value": str(0, InputLength)})},
	"url_text_input":   {props: with(dispatching, focusable, placeable, map[string]rule{"initial_value": str(0, InputLength)})},
	"number_input": {required: []string{"is_decimal_allowed"}, props: with(dispatching, focusable, placeable, map[string]rule{
		"is_decimal_allowed": boolean, "initial_value": decimal, "min_value": decimal, "max_value": decimal,
	})},
	"rich_text_input": {props: with(dispatching, focusable, placeable, map[string]rule{
		"initial_value": func(c *checker, path string, v any) { c.object(path, v, richTextBlock) },
		"min_lines":     integer(1, RichTextLines), "max_lines": integer(1, RichTextLines),
	})},
	"image": {required: []string{"alt_text"}, props: map[string]rule{
		"alt_text": str(1, ImageAlt), "image_url": both(str(1, ImageURL), address), "slack_file": slackFile,
	}},
}

var (
	menu = map[string]rule{
		"options":       options(SelectOptions, option(plain)),
		"option_groups": listOf(1, OptionGroups, optionGroup),
	}
	initialOptions = map[string]rule{"initial_options": options(SelectOptions, option(plain))}
	typeahead      = map[string]rule{"min_query_length": integer(0, InputLength)}
	slackFile      = objectOf(shape{props: map[string]rule{"id": str(1, 255), "url": both(str(1, ImageURL), address)}})
)

// element checks an element that stands where only some may.
func element(allowed []string) rule {
	return func(c *checker, path string, v any) {
		o, kind := c.typed(path, v, elementShapes)
		if o == nil {
			return
		}
		if !slices.Contains(allowed, kind) {
			c.add(path+"/type", "%s is not supported here", kind)
		}
		c.chosen(path, o)
		switch kind {
		case "static_select", "multi_static_select":
			c.exactlyOne(path, o, "options", "option_groups")
		case "image":
			c.exactlyOne(path, o, "image_url", "slack_file")
		case "number_input", "plain_text_input", "rich_text_input":
			c.ordered(path, o)
		}
	}
}

func (c *checker) exactlyOne(path string, o map[string]any, a, b string) {
	_, hasA := o[a]
	_, hasB := o[b]
	if hasA == hasB {
		c.add(path, "exactly one of %s and %s must be given", a, b)
	}
}

func focus(c *checker, path string, v any) {
	boolean(c, path, v)
	if v == true {
		if c.focused++; c.focused > 1 {
			c.add(path, "only one element may have focus_on_load")
		}
	}
}

func matching(pattern *regexp.Regexp, what string) rule {
	return func(c *checker, path string, v any) {
		if s, ok := v.(string); !ok || !pattern.MatchString(s) {
			c.add(path, "must be %s", what)
		}
	}
}
