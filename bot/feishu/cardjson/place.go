package cardjson

import (
	"fmt"
	"slices"
)

// containers are the components that others stand in, apart from columns.
var containers = []string{"column_set", "form", "collapsible_panel", "interactive_container"}

// fields are the components that a form sends.
var fields = []string{
	"input", "select_static", "multi_select_static", "select_person", "multi_select_person", "date_picker",
	"picker_time", "picker_datetime", "checker",
}

// gone are the components of 1.0 that 2.0 no longer knows.
// card-json-v2-breaking-changes-release-notes.
var gone = []string{"action", "note"}

// components checks what stands in a container, and component one of it. They are
// functions, because containers stand in themselves.
func components(w *walk, at string, v any) { list(component)(w, at, v) }

func component(w *walk, at string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		w.refuse(at, "must be an object")
		return
	}
	tag, _ := m["tag"].(string)
	properties, ok := w.known[tag]
	switch {
	case slices.Contains(gone, tag):
		w.problems = append(w.problems, Problem{Path: at + ".tag", What: "unsupported tag " + tag, Code: OldTag})
		return
	case !ok:
		w.refuse(at+".tag", fmt.Sprintf("unknown component %q", tag))
		return
	}
	w.place(at, tag)
	inside := w.submits
	if tag == "form" {
		w.submits = 0
	}
	if slices.Contains(containers, tag) {
		w.around = append(w.around, tag)
		defer func() { w.around = w.around[:len(w.around)-1] }()
	}
	w.properties(at, m, properties)
	w.peculiar(at, tag, m)
	if tag == "form" {
		// …/containers/form-container: "表单容器中必须至少有一个带有提交属性的按钮".
		if w.submits == 0 {
			w.refuse(at, "has no button with form_action_type submit")
		}
		w.submits = inside
	}
}

// column checks one column of a column_set. …/containers/column-set: nothing else stands
// in a column_set directly.
func column(w *walk, at string, v any) {
	m, ok := v.(map[string]any)
	if !ok || m["tag"] != "column" {
		w.refuse(at+".tag", "must be a column")
		return
	}
	w.properties(at, m, w.column)
}

// place checks where a component may stand.
func (w *walk) place(at, tag string) {
	if len(w.around) > MaxDepth {
		w.refuse(at, fmt.Sprintf("stands in %d containers, at most %d are allowed", len(w.around), MaxDepth))
	}
	switch tag {
	case "form", "table":
		// …/containers/form-container: "不可被内嵌在其它组件内，只可放在卡片根节点下";
		// the pages of the other containers name both.
		if len(w.around) > 0 {
			w.refuse(at, fmt.Sprintf("a %s cannot stand in a %s", tag, w.around[len(w.around)-1]))
		}
	case "multi_select_static", "multi_select_person":
		// …/interactive-components/multi-select-dropdown-menu: "仅支持内嵌在表单容器中使用".
		if !w.inForm() {
			w.refuse(at, fmt.Sprintf("a %s can only stand in a form", tag))
		}
	}
}

func (w *walk) inForm() bool { return slices.Contains(w.around, "form") }

// peculiar checks what only concerns one component or a few.
func (w *walk) peculiar(at, tag string, m map[string]any) {
	switch tag {
	case "button":
		w.button(at, m)
	case "markdown":
		content, _ := m["content"].(string)
		n := markdownTables(content)
		w.tables += n
		if n > MaxMarkdownTables {
			w.limit(at, fmt.Sprintf("has %d tables, at most %d are allowed", n, MaxMarkdownTables))
		}
	case "table":
		w.tables++
	case "div":
		if m["text"] == nil && m["fields"] == nil {
			w.refuse(at, "has neither text nor fields")
		}
	case "overflow":
		w.overflow(at, m)
	}
	if slices.Contains(fields, tag) {
		w.field(at, m)
	}
	w.choices(at, tag, m)
	w.picker(at, tag, m)
	if name, ok := m["name"].(string); ok {
		// …/containers/form-container: a name is "必填且需在卡片全局内唯一".
		if first, taken := w.names[name]; taken {
			w.refuse(at+".name", fmt.Sprintf("%q already stands at %s", name, first))
		}
		w.names[name] = at
	}
}

// button checks what a button does. …/interactive-components/button: behaviors are
// required, and in a form name and form_action_type. A disabled button may do nothing.
func (w *walk) button(at string, m map[string]any) {
	action, sends := m["form_action_type"].(string)
	if action == "submit" {
		w.submits++
	}
	_, named := m["name"]
	does, _ := m["behaviors"].([]any)
	switch {
	case w.inForm() && !named:
		w.refuse(at+".name", "is missing: a button in a form needs one")
	case sends && !w.inForm():
		w.refuse(at+".form_action_type", "stands outside of a form")
	case !sends && len(does) == 0 && m["disabled"] != true:
		w.refuse(at+".behaviors", "is missing: the button does nothing")
	}
	if m["text"] == nil && m["icon"] == nil {
		w.refuse(at, "has neither text nor icon")
	}
}

// overflow checks that each entry of an overflow menu does something.
func (w *walk) overflow(at string, m map[string]any) {
	options, _ := m["options"].([]any)
	seen := map[string]bool{}
	for i, entry := range options {
		o, _ := entry.(map[string]any)
		value, _ := o["value"].(string)
		here := fmt.Sprintf("%s.options[%d]", at, i)
		switch {
		case value == "" && o["multi_url"] == nil:
			w.refuse(here, "has neither value nor multi_url")
		case value != "" && seen[value]:
			w.refuse(here+".value", fmt.Sprintf("%q stands twice", value))
		}
		seen[value] = true
	}
}

// field checks what concerns everything that is filled in.
func (w *walk) field(at string, m map[string]any) {
	if _, named := m["name"]; w.inForm() && !named {
		w.refuse(at+".name", "is missing: a field of a form needs one")
	}
	if _, set := m["required"]; set && !w.inForm() {
		w.refuse(at+".required", "stands outside of a form")
	}
}

// choices checks that a select's start is among its options and that these differ.
// …/interactive-components/single-select-dropdown-menu: "各选项的 value 值不可重复". What
// initial_option names, an option's value or its text, the page leaves open;
// initial_index does not.
func (w *walk) choices(at, tag string, m map[string]any) {
	options, _ := m["options"].([]any)
	if tag == "overflow" {
		return
	}
	values := map[string]bool{}
	for i, entry := range options {
		o, _ := entry.(map[string]any)
		value, _ := o["value"].(string)
		if values[value] {
			w.refuse(fmt.Sprintf("%s.options[%d].value", at, i), fmt.Sprintf("%q stands twice", value))
		}
		values[value] = true
	}
	if tag == "select_static" {
		for _, entry := range options {
			o, _ := entry.(map[string]any)
			label, _ := o["text"].(map[string]any)
			content, _ := label["content"].(string)
			values[content] = true
		}
	}
	// Pickers of people without options offer the members of the chat.
	if len(options) == 0 && (tag == "select_person" || tag == "multi_select_person") {
		return
	}
	if first, ok := m["initial_option"].(string); ok && first != "" && !values[first] {
		w.refuse(at+".initial_option", fmt.Sprintf("%q is not among the options", first))
	}
	chosen, _ := m["selected_values"].([]any)
	for i, v := range chosen {
		if value, _ := v.(string); !values[value] {
			w.refuse(fmt.Sprintf("%s.selected_values[%d]", at, i), fmt.Sprintf("%q is not among the options", value))
		}
	}
}

// picker checks that a picker of times without a start has a placeholder.
// …/interactive-components/date-time-picker: "未配置 initial_datetime 字段…时，该字段必填".
func (w *walk) picker(at, tag string, m map[string]any) {
	starts := map[string]string{"picker_time": "initial_time", "picker_datetime": "initial_datetime"}
	start, ok := starts[tag]
	if ok && m[start] == nil && m["placeholder"] == nil {
		w.refuse(at+".placeholder", "is missing: there is no "+start)
	}
}
