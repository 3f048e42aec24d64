package feishu

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/bot"
	"slipway/bot/feishu/cardjson"
)

// The names inside a form card that are not names of fields.
const (
	formName   = "slipway_form"
	submitName = "slipway_submit"
	closeName  = "slipway_close"
)

// actionClose closes a form. It never reaches the bot.
const actionClose = "feishu.close"

// maxChoices is the most choices of a menu.
const maxChoices = 100

// formCard is a form as a card.
type formCard struct {
	form bot.Form
	from origin
	// zone is the person's: pickers of times show and return their wall clock.
	zone *time.Location
	// accounts are the Feishu accounts of users by the user's id.
	accounts map[string]string
	// errors are what is wrong with the answers, by field name.
	errors map[string]string
	leave  []string // fields that were left out before and stay so
	page   string   // where the same can be edited, "" if nowhere
}

// origin is where a form was opened; Msg is the card whose button did it.
type origin struct {
	Room   string `json:"room,omitempty"`
	Msg    string `json:"msg,omitempty"`
	Thread string `json:"thread,omitempty"`
	Direct bool   `json:"direct,omitempty"`
}

// render writes the form as card JSON 2.0. If there are too many choices for one card,
// the menus get shorter and say so.
func (c formCard) render() []byte {
	for most := maxChoices; ; most /= 2 {
		card := encode(c.draw(most))
		if fits(card) || most == 0 {
			return card
		}
	}
}

func (c formCard) draw(most int) element {
	p := painter{lang: c.form.Lang, zone: c.zone}
	inside := make([]element, 0, 3*len(c.form.Fields)+1)
	var left []string
	for _, f := range c.form.Fields {
		var drawn []element
		if !slices.Contains(c.leave, f.Name) {
			drawn = c.field(p, f, most)
		}
		if drawn == nil && f.Kind != bot.HiddenField {
			left = append(left, f.Name)
			drawn = []element{smallPrint(c.elsewhere(p, f))}
		}
		inside = append(inside, drawn...)
		if msg := c.errors[f.Name]; msg != "" {
			inside = append(inside, p.wrong(msg))
		}
	}
	inside = append(inside, c.buttons(p, left))
	var outside []element
	if intro := p.lines(c.form.Intro); intro != "" {
		outside = append(outside, markdownElement(intro))
	}
	for _, name := range slices.Sorted(maps.Keys(c.errors)) {
		if !slices.ContainsFunc(c.form.Fields, func(f bot.Field) bool { return f.Name == name }) {
			outside = append(outside, p.wrong(c.errors[name]))
		}
	}
	outside = append(outside, element{"tag": "form", "name": formName, "elements": inside})
	head := header(c.form.Title, nil)
	if c.form.Danger {
		head["template"] = "red"
	}
	return cardOf(c.form.Title, head, outside, false)
}

// wrong says what is wrong with an answer.
func (p painter) wrong(msg string) element {
	return markdownElement("<font color='red'>⚠️ " + escape(oneLine(msg)) + "</font>")
}

// elsewhere says where to edit what this form leaves out.
func (c formCard) elsewhere(p painter, f bot.Field) string {
	if f.Kind == bot.GroupField {
		return escape(p.say("%s: add and change them one by one with the buttons of the plan's card.",
			"%s：请用发布计划卡片上的按钮逐个添加和修改。", f.Label))
	}
	note := p.say("%s: too long to be edited here.", "%s：内容过长，无法在此编辑。", f.Label)
	if l := link(p.say("Edit it on the page", "请在页面编辑"), c.page); strings.HasPrefix(l, "[") {
		return escape(note) + " " + l
	}
	return escape(note)
}

// buttons are those that send and close the form. What is needed to understand the
// answers, and to draw the form anew, travels in the first.
func (c formCard) buttons(p painter, left []string) element {
	look := "primary"
	if c.form.Danger {
		look = "danger"
	}
	return columns(
		element{
			"tag": "button", "name": submitName, "form_action_type": "submit", "type": look,
			"text":      plainText(shorten(oneLine(c.form.Submit), cardjson.MaxButtonText)),
			"behaviors": []element{{"type": "callback", "value": c.pack(left).value()}},
		},
		element{
			"tag": "button", "name": closeName, "type": "default", "text": plainText(p.say("Close", "关闭")),
			"behaviors": []element{{"type": "callback", "value": element{keyAction: actionClose, keyValue: string(c.form.Lang) + " " + c.form.Title}}},
		},
	)
}

// field draws one field: its label, what is filled in, its hint; a menu has so many
// choices at most. It returns nil for a
// field that has no place in a Feishu form.
func (c formCard) field(p painter, f bot.Field, most int) []element {
	var box element
	label := []element{markdownElement("**" + escape(oneLine(f.Label)) + "**")}
	hint := f.Hint
	switch f.Kind {
	case bot.TextField, bot.LongField, bot.MarkdownField, bot.NumberField:
		if box = input(f); box == nil {
			return nil
		}
		label = nil
	case bot.SelectField:
		options, more := offered(f.Options, f.Value, most)
		box = selectOne(options, first(f.Value))
		if more > 0 {
			hint = strings.TrimSpace(hint + " " + p.say("%d more choices are not in the list.", "还有 %d 个选项未列出。", more))
		}
	case bot.ChoicesField:
		options, more := offered(f.Options, f.Value, most)
		if box = peopleMenu(bot.PeopleField, false, options, f.Value); more > 0 {
			hint = strings.TrimSpace(hint + " " + p.say("%d more choices are not in the list.", "还有 %d 个选项未列出。", more))
		}
	case bot.PersonField, bot.PeopleField:
		var more int
		if box, more = c.picker(f, most); more > 0 {
			hint = strings.TrimSpace(hint + " " + p.say("%d more people are not in the list: name them in a typed command.",
				"还有 %d 人未列出，可在输入的命令中指定。", more))
		}
	case bot.TimeField:
		box = c.time(f)
	case bot.CheckField:
		box, label = element{"tag": "checker", "checked": first(f.Value) == "true", "text": plainText(f.Label)}, nil
	case bot.HiddenField, bot.GroupField:
		return nil
	}
	box["name"] = elementName(f.Name)
	if f.Required && f.Kind != bot.CheckField {
		box["required"] = true
	}
	if _, set := box["placeholder"]; !set && f.Kind != bot.CheckField {
		text := f.Placeholder
		if text == "" {
			text = f.Label
		}
		box["placeholder"] = plainText(shorten(oneLine(text), cardjson.MaxPlaceholder))
	}
	out := append(label, box)
	if hint != "" {
		out = append(out, smallPrint(escape(hint)))
	}
	return out
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// input is a box for text; nil if what it starts with is longer than Feishu takes.
func input(f bot.Field) element {
	limit := cardjson.MaxInput
	if f.Kind != bot.NumberField && f.Max > 0 {
		limit = min(limit, f.Max)
	}
	box := element{"tag": "input", "label": plainText(f.Label), "label_position": "top", "width": "fill"}
	if f.Kind == bot.NumberField {
		limit = 20
	}
	start := first(f.Value)
	if len([]rune(start)) > limit || start != printable(start) {
		return nil
	}
	box["max_length"] = limit
	if start != "" {
		box["default_value"] = start
	}
	if f.Kind == bot.LongField || f.Kind == bot.MarkdownField {
		box["input_type"], box["rows"], box["auto_resize"] = "multiline_text", 4, true
	}
	return box
}

// selectOne is a menu. Its start is named by number: whether Feishu means a choice's
// text or its value by a name, its documentation leaves open.
func selectOne(options []bot.Option, start string) element {
	out := make([]element, 0, len(options))
	index := 0
	for _, o := range options {
		if o.Value == "" {
			continue
		}
		out = append(out, element{"text": plainText(shorten(oneLine(o.Label), cardjson.MaxButtonText)), "value": o.Value})
		if o.Value == start {
			index = len(out)
		}
	}
	box := element{"tag": "select_static", "options": out, "width": "fill"}
	if index > 0 {
		box["initial_index"] = index
	}
	return box
}

// picker is a menu of people; more is how many did not fit in. If everybody has an
// account here it shows accounts, with their faces. In a direct conversation Feishu
// would offer nobody by itself, so the choices are always listed.
func (c formCard) picker(f bot.Field, most int) (box element, more int) {
	value := func(id string) (string, bool) {
		if account, ok := strings.CutPrefix(id, string(bot.Feishu)+":"); ok {
			return account, true
		}
		account, ok := c.accounts[id]
		return account, ok
	}
	native := true
	for _, o := range f.Options {
		_, ok := c.accounts[o.Value]
		native = native && ok
	}
	for _, id := range f.Value {
		_, ok := value(id)
		native = native && ok
	}
	chosen := make([]string, 0, len(f.Value))
	for _, id := range f.Value {
		if account, ok := value(id); ok && native {
			id = account
		}
		chosen = append(chosen, id)
	}
	options := make([]bot.Option, 0, len(f.Options))
	for _, o := range f.Options {
		if native {
			o.Value, _ = value(o.Value)
		}
		options = append(options, o)
	}
	options, more = offered(options, chosen, most)
	return peopleMenu(f.Kind, native, options, chosen), more
}

// offered are at most so many options in their order, all chosen ones among them.
func offered(options []bot.Option, chosen []string, most int) (out []bot.Option, more int) {
	for _, id := range chosen {
		if !slices.ContainsFunc(options, func(o bot.Option) bool { return o.Value == id }) {
			out = append(out, bot.Option{Value: id, Label: id})
		}
	}
	room := most - len(chosen)
	for _, o := range options {
		switch {
		case slices.Contains(chosen, o.Value):
			out = append(out, o)
		case room > 0:
			out = append(out, o)
			room--
		default:
			more++
		}
	}
	return out, more
}

func peopleMenu(kind bot.FieldKind, native bool, options []bot.Option, chosen []string) element {
	if !native && kind == bot.PersonField {
		return selectOne(options, first(chosen))
	}
	list := make([]element, len(options))
	for i, o := range options {
		list[i] = element{"value": o.Value}
		if !native {
			list[i]["text"] = plainText(shorten(oneLine(o.Label), cardjson.MaxButtonText))
		}
	}
	box := element{"options": list, "width": "fill"}
	switch {
	case kind == bot.PersonField:
		box["tag"] = "select_person"
		if len(chosen) > 0 {
			box["initial_option"] = chosen[0]
		}
		return box
	case native:
		box["tag"] = "multi_select_person"
	default:
		box["tag"] = "multi_select_static"
	}
	if len(chosen) > 0 {
		box["selected_values"] = chosen
	}
	return box
}

// wallClock is how pickers of times are given one, without its zone.
const wallClock = "2006-01-02 15:04"

// time is a picker of a time.
func (c formCard) time(f bot.Field) element {
	box := element{"tag": "picker_datetime", "width": "fill"}
	if unix, err := strconv.ParseInt(first(f.Value), 10, 64); err == nil && unix != 0 {
		box["initial_datetime"] = time.Unix(unix, 0).In(c.zone).Format(wallClock)
	}
	return box
}

// closedCard takes the place of a form that is over.
func closedCard(title, text string, state *bot.State) element {
	return cardOf(title+": "+text, header(title, state), []element{markdownElement(escape(text))}, false)
}
