package feishutest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"slipway/bot/screen"
)

// openForm is a form as a person sees it, with what is behind it.
type openForm struct {
	screen.Form
	message *message
	behind  []node // of Fields
	submit  node
}

// kinds are the kinds of fields by tag; fields are what a form sends.
var kinds = map[string]screen.Kind{
	"input": screen.Text, "select_static": screen.Select, "multi_select_static": screen.Many,
	"select_person": screen.Someone, "multi_select_person": screen.People, "date_picker": screen.Time,
	"picker_time": screen.Text, "picker_datetime": screen.Time, "checker": screen.Check,
}

// form shows the form of a card, nil if it has none.
func (rd reader) form(card json.RawMessage, members []string) *openForm {
	root := parse(card)
	f := &openForm{}
	f.Raw = slices.Clone(card)
	f.Title = rd.text(root.sub("header").sub("title"))
	found := false
	var beside []string
	for _, n := range root.sub("body").list("elements") {
		text, red := rd.passage(n)
		switch {
		case n.str("tag") == "form":
			found = true
			rd.fields(f, flat(n.list("elements")), members)
		case red:
			f.Error = strings.TrimSpace(f.Error + "\n" + unmarked(text))
		case text != "":
			beside = append(beside, text)
		}
	}
	if !found {
		return nil
	}
	if f.Text != "" {
		beside = append(beside, f.Text)
	}
	f.Text = strings.Join(beside, "\n")
	return f
}

// flat returns elements without the columns and panels around them.
func flat(elements []node) []node {
	var all []node
	for _, n := range elements {
		switch n.str("tag") {
		case "column_set":
			for _, column := range n.list("columns") {
				all = append(all, flat(column.list("elements"))...)
			}
		case "collapsible_panel", "interactive_container":
			all = append(all, flat(n.list("elements"))...)
		default:
			all = append(all, n)
		}
	}
	return all
}

// passage returns the text of an element that is nothing else.
func (rd reader) passage(n node) (text string, red bool) {
	switch n.str("tag") {
	case "markdown":
		return rd.text(n), isRed(n.str("content"))
	case "div":
		t := n.sub("text")
		return rd.text(t), strings.HasPrefix(t.str("text_color"), "red") || t.str("tag") == "lark_md" && isRed(t.str("content"))
	}
	return "", false
}

// unmarked drops the sign before an error.
func unmarked(text string) string {
	return strings.TrimLeftFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("“\"'「《(（@", r)
	})
}

// fields reads what stands in a form.
func (rd reader) fields(f *openForm, elements []node, members []string) {
	var label string // the text before the next element
	for i, n := range elements {
		text, red := rd.passage(n)
		kind, isField := kinds[n.str("tag")]
		switch {
		case isField:
			f.Fields = append(f.Fields, rd.field(n, kind, label, members))
			f.behind = append(f.behind, n)
			label = ""
		case n.str("form_action_type") == "submit":
			f.submit, f.Submit = n, rd.text(n.sub("text"))
		case text == "":
		case red && len(f.Fields) > 0:
			f.Fields[len(f.Fields)-1].Error = unmarked(text)
		case red:
			f.Error = strings.TrimSpace(f.Error + "\n" + unmarked(text))
		case i+1 < len(elements) && isLabelless(elements[i+1]):
			label = text
		case len(f.Fields) > 0:
			last := &f.Fields[len(f.Fields)-1]
			last.Hint = strings.TrimSpace(last.Hint + "\n" + text)
		default:
			f.Text = strings.TrimSpace(f.Text + "\n" + text)
		}
	}
}

func isLabelless(n node) bool {
	_, isField := kinds[n.str("tag")]
	return isField && n.sub("label") == nil && n.str("tag") != "checker"
}

// field reads one field.
func (rd reader) field(n node, kind screen.Kind, label string, members []string) screen.Field {
	first, rest, _ := strings.Cut(label, "\n")
	f := screen.Field{Kind: kind, Required: n["required"] == true, Label: strings.TrimRight(first, " *:："), Hint: rest}
	if own := rd.text(n.sub("label")); own != "" {
		f.Label = strings.TrimRight(own, " *:：")
	}
	for _, o := range n.list("options") {
		option := screen.Option{Value: o.str("value"), Label: rd.text(o.sub("text"))}
		if option.Label == "" {
			option.Label = rd.name(option.Value)
		}
		f.Options = append(f.Options, option)
	}
	one := func(v string) {
		if v != "" {
			f.Value = []string{v}
		}
	}
	switch n.str("tag") {
	case "input":
		one(n.str("default_value"))
		f.Max = 1000
		if most, ok := n["max_length"].(float64); ok {
			f.Max = int(most)
		}
		if n.str("input_type") == "multiline_text" {
			f.Kind = screen.Long
		}
	case "select_static":
		one(initial(n))
	case "select_person":
		one(n.str("initial_option"))
		f.Options = rd.orMembers(f.Options, members)
	case "multi_select_static", "multi_select_person":
		values, _ := n["selected_values"].([]any)
		for _, v := range values {
			text, _ := v.(string)
			f.Value = append(f.Value, text)
		}
		if n.str("tag") == "multi_select_person" {
			f.Options = rd.orMembers(f.Options, members)
		}
	case "date_picker":
		one(rd.unix("2006-01-02", n.str("initial_date")))
	case "picker_datetime":
		one(rd.unix("2006-01-02 15:04", n.str("initial_datetime")))
	case "picker_time":
		one(n.str("initial_time"))
	case "checker":
		f.Label = rd.text(n.sub("text"))
		if n["checked"] == true {
			one("true")
		}
	}
	return f
}

// orMembers are the options of a picker of people that has none: the members of the chat.
// …/interactive-components/single-select-user-picker.
func (rd reader) orMembers(options []screen.Option, members []string) []screen.Option {
	if len(options) > 0 {
		return options
	}
	for _, id := range members {
		options = append(options, screen.Option{Value: id, Label: rd.name(id)})
	}
	return options
}

// initial is the value that a select starts with.
func initial(n node) string {
	options := n.list("options")
	if index, ok := n["initial_index"].(float64); ok && index >= 1 && int(index) <= len(options) {
		return options[int(index)-1].str("value")
	}
	for _, o := range options {
		if first := n.str("initial_option"); first != "" && (o.str("value") == first || o.sub("text").str("content") == first) {
			return o.str("value")
		}
	}
	return ""
}

// unix turns the wall clock of a picker into Unix seconds: every client shows the same wall
// clock and takes it for its own.
func (rd reader) unix(layout, text string) string {
	t, err := time.ParseInLocation(layout, text, rd.zone)
	if err != nil {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// value is what a form sends of a field.
func (rd reader) value(n node, f screen.Field) (any, error) {
	first := ""
	if len(f.Value) > 0 {
		first = f.Value[0]
	}
	switch n.str("tag") {
	case "select_static", "select_person":
		return first, among(f, f.Value)
	case "multi_select_static", "multi_select_person":
		return append([]string{}, f.Value...), among(f, f.Value)
	case "checker":
		return first == "true", nil
	case "date_picker":
		return rd.clock(first, "2006-01-02 -0700")
	case "picker_datetime":
		return rd.clock(first, "2006-01-02 15:04 -0700")
	case "picker_time":
		if first == "" {
			return "", nil
		}
		return first + time.Now().In(rd.zone).Format(" -0700"), nil
	}
	return strings.Join(f.Value, "\n"), nil
}

// clock writes Unix seconds as a picker sends them.
func (rd reader) clock(unix, layout string) (any, error) {
	if unix == "" {
		return "", nil
	}
	n, err := strconv.ParseInt(unix, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is no time in Unix seconds", screen.ErrNotThere, unix)
	}
	return time.Unix(n, 0).In(rd.zone).Format(layout), nil
}

// among tells whether values can be chosen.
func among(f screen.Field, values []string) error {
	for _, v := range values {
		if v != "" && !slices.ContainsFunc(f.Options, func(o screen.Option) bool { return o.Value == v }) {
			return fmt.Errorf("%w: %q cannot be chosen in the field %q", screen.ErrNotThere, v, f.Label)
		}
	}
	return nil
}
