package blockkit

import (
	"math"
	"slices"
)

// textKind says which text objects a place takes.
type textKind string

const (
	plain   textKind = "plain_text"
	anyText textKind = ""
)

var textShapes = map[string]shape{
	"plain_text": {
		required: []string{"text"},
		props:    map[string]rule{"text": str(0, math.MaxInt), "emoji": boolean},
	},
	"mrkdwn": {
		required: []string{"text"},
		props:    map[string]rule{"text": str(0, math.MaxInt), "verbatim": boolean},
	},
}

// text checks a text object of 1 to max characters.
func text(kind textKind, maximum int) rule {
	return func(c *checker, path string, v any) {
		o, got := c.typed(path, v, textShapes)
		if o == nil {
			return
		}
		if kind != anyText && got != string(kind) {
			c.add(path+"/type", "must be %s", kind)
		}
		s, ok := o["text"].(string)
		if !ok {
			return
		}
		c.texts += Len(s)
		switch {
		case s == "":
			c.add(path+"/text", "must be more than 0 characters")
		case Len(s) > maximum:
			c.add(path+"/text", "must be less than %d characters", maximum+1)
		}
	}
}

var confirmShape = shape{
	required: []string{"text"},
	props: map[string]rule{
		"title":   text(plain, ConfirmTitle),
		"text":    text(anyText, ConfirmText),
		"confirm": text(plain, ConfirmYes),
		"deny":    text(plain, ConfirmNo),
		"style":   oneOf("primary", "danger"),
	},
}

// confirm checks a question. It is not shown with the message, so that its texts do not
// count for the message's length.
func confirm(c *checker, path string, v any) {
	before := c.texts
	c.object(path, v, confirmShape)
	c.texts = before
}

// option checks an entry of a menu.
func option(kind textKind) rule {
	s := shape{
		required: []string{"text", "value"},
		props: map[string]rule{
			"text":        text(kind, OptionText),
			"value":       str(1, OptionValue),
			"description": text(kind, OptionDescription),
		},
	}
	return objectOf(s)
}

// overflowOption may be a link too.
var overflowOption = objectOf(shape{
	required: []string{"text", "value"},
	props: map[string]rule{
		"text":        text(plain, OptionText),
		"value":       str(1, OptionValue),
		"description": text(plain, OptionDescription),
		"url":         both(str(1, OptionURL), address),
	},
})

// options checks the entries of a menu and that no value occurs twice.
func options(maximum int, each rule) rule {
	return func(c *checker, path string, v any) {
		before := c.texts // a closed menu shows none of them
		entries := c.list(path, v, 1, maximum, each)
		c.texts = before
		c.unique(path, entries, "value")
	}
}

var optionGroup = objectOf(shape{
	required: []string{"label", "options"},
	props: map[string]rule{
		"label":   text(plain, GroupLabel),
		"options": options(SelectOptions, option(plain)),
	},
})

// chosen checks that what a menu starts with is among what it offers.
func (c *checker) chosen(path string, element map[string]any) {
	values := optionValues(element["options"])
	groups, _ := element["option_groups"].([]any)
	for _, g := range groups {
		if o, ok := g.(map[string]any); ok {
			values = append(values, optionValues(o["options"])...)
		}
	}
	if len(values) == 0 {
		return
	}
	initial := optionValues(element["initial_options"])
	if o, ok := element["initial_option"]; ok {
		initial = append(initial, optionValues([]any{o})...)
	}
	for _, value := range initial {
		if !slices.Contains(values, value) {
			c.add(path, "initial option is not among the options: %s", value)
		}
	}
}

func optionValues(v any) []string {
	entries, _ := v.([]any)
	var values []string
	for _, e := range entries {
		o, _ := e.(map[string]any)
		if s, ok := o["value"].(string); ok {
			values = append(values, s)
		}
	}
	return values
}
