package feishu

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"slipway"
	"slipway/bot"
)

// fieldMap says which widget, by its id or custom id, takes a detail.
type fieldMap = map[bot.DetailKey]string

// widget is a field of an approval definition's form.
type widget struct {
	ID       string `json:"id"`
	CustomID string `json:"custom_id"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

// The types of widgets that hold text, and that of a text that stands in a form.
const (
	widgetShort = "input"
	widgetLong  = "textarea"
	widgetNote  = "text"
)

func (w widget) is(id string) bool { return id != "" && (w.ID == id || w.CustomID == id) }

// title names a widget in a sentence.
func (w widget) title() string {
	return "“" + cmp.Or(shorten(oneLine(printable(w.Name)), 40), w.ID) + "” (" + cmp.Or(w.CustomID, w.ID) + ")"
}

// layout says which widget takes what.
type layout struct {
	of   map[bot.DetailKey]widget
	rest *widget // what is not in of; nil if all is
}

// layout finds a widget for each detail. Problems say why the form cannot be filled in.
func (d *definition) layout(fields fieldMap) (layout, []slipway.Text) {
	l := layout{of: map[bot.DetailKey]widget{}}
	var problems []slipway.Text
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		i := slices.IndexFunc(d.widgets, func(w widget) bool { return w.is(fields[key]) })
		switch {
		case i < 0:
			problems = append(problems, slipway.T("There is no widget “%[1]s”, which is set for %[2]s; its form has %[3]s.",
				"为 %[2]s 设置的控件“%[1]s”不存在，表单中有：%[3]s。", fields[key], key, d.widgetNames()))
		case d.widgets[i].Type != widgetShort && d.widgets[i].Type != widgetLong:
			problems = append(problems, slipway.T("The widget %[1]s, which is set for %[2]s, is a %[3]s; a text field of one or several lines is expected (input, textarea).",
				"为 %[2]s 设置的控件 %[1]s 的类型是 %[3]s，应为单行文本或多行文本（input、textarea）。", d.widgets[i].title(), key, d.widgets[i].Type))
		case key == DetailRest:
			l.rest = &d.widgets[i]
		default:
			l.of[key] = d.widgets[i]
		}
	}
	if len(problems) == 0 && l.rest == nil && !l.whole() {
		problems = d.findRest(&l)
	}
	if len(problems) == 0 {
		problems = d.unfilled(l)
	}
	return l, problems
}

// whole tells whether each detail has a widget of its own.
func (l layout) whole() bool {
	return !slices.ContainsFunc(detailKeys, func(key bot.DetailKey) bool { _, ok := l.of[key]; return !ok })
}

// fills tells whether anything goes into a widget.
func (l layout) fills(w widget) bool {
	if l.rest != nil && l.rest.ID == w.ID {
		return true
	}
	for _, other := range l.of {
		if other.ID == w.ID {
			return true
		}
	}
	return false
}

// findRest chooses the field of several lines that is left, if it is one.
func (d *definition) findRest(l *layout) []slipway.Text {
	var left []slipway.Text
	for i, w := range d.widgets {
		if w.Type == widgetLong && !l.fills(w) {
			left = append(left, slipway.T("%s", "%s", w.title()))
			l.rest = &d.widgets[i]
		}
	}
	switch len(left) {
	case 1:
		return nil
	case 0:
		return []slipway.Text{slipway.T("Its form has no text field of several lines (textarea) for the details that no widget is set for; it has %s.",
			"表单中没有多行文本控件（textarea）可用于填写未单独设置控件的内容，表单中有：%s。", d.widgetNames())}
	}
	return []slipway.Text{slipway.T("Its form has several text fields of several lines (%[1]s): set which one is for %[2]s.",
		"表单中有多个多行文本控件（%[1]s）：请设置哪一个用于 %[2]s。", slipway.JoinTexts(left), DetailRest)}
}

// unfilled are the required widgets that nothing goes into.
func (d *definition) unfilled(l layout) []slipway.Text {
	var problems []slipway.Text
	for _, w := range d.widgets {
		if w.Required && w.Type != widgetNote && !l.fills(w) {
			problems = append(problems, slipway.T("The widget %[1]s must be filled in, but nothing is set for it: set a detail for it, or make it optional.",
				"控件 %[1]s 是必填项，但没有为它设置内容：请设置一项内容，或将其改为非必填。", w.title()))
		}
	}
	return problems
}

func (d *definition) widgetNames() slipway.Text {
	if len(d.widgets) == 0 {
		return slipway.T("none", "（无）")
	}
	names := make([]slipway.Text, len(d.widgets))
	for i, w := range d.widgets {
		names[i] = slipway.T("%s %s", "%s %s", w.title(), w.Type)
	}
	return slipway.JoinTexts(names)
}

// nothingFilled stands in a widget that must be filled in and that nothing is known for.
const nothingFilled = "–"

// fill writes the details of a question into the form.
func (d *definition) fill(fields fieldMap, q bot.Question) ([]element, error) {
	l, problems := d.layout(fields)
	if len(problems) > 0 {
		return nil, d.usable(fields)
	}
	into := map[string][]bot.Detail{} // by widget
	for _, detail := range q.Details {
		w, ok := l.of[detail.Key]
		if !ok && l.rest == nil {
			w = d.lastFilled(l)
		} else if !ok {
			w = *l.rest
		}
		into[w.ID] = append(into[w.ID], detail)
	}
	var form []element
	for _, w := range d.widgets {
		text := written(into[w.ID], l.rest != nil && l.rest.ID == w.ID || len(into[w.ID]) > 1, q.Lang)
		if w.Type == widgetShort {
			text = oneLine(text)
		}
		if text == "" && (!w.Required || !l.fills(w)) {
			continue // Feishu takes no empty value
		}
		form = append(form, element{"id": w.ID, "type": w.Type, "value": cmp.Or(text, nothingFilled)})
	}
	return form, nil
}

// lastFilled is where a detail goes that is newer than the setting.
func (d *definition) lastFilled(l layout) widget {
	for _, w := range slices.Backward(d.widgets) {
		if l.fills(w) {
			return w
		}
	}
	return widget{}
}

// written writes details one below the other, with their labels unless the widget's own
// name says it all.
func written(details []bot.Detail, labelled bool, lang slipway.Lang) string {
	colon := slipway.T(": ", "：").In(lang)
	var lines []string
	for _, detail := range details {
		text := strings.TrimSpace(printable(detail.Text))
		switch {
		case text == "":
		case !labelled || detail.Label == "":
			lines = append(lines, text)
		case strings.Contains(text, "\n"):
			lines = append(lines, detail.Label+strings.TrimSpace(colon)+"\n"+text)
		default:
			lines = append(lines, detail.Label+colon+text)
		}
	}
	return strings.Join(lines, "\n")
}
