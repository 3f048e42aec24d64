package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"slipway"
	"slipway/bot"
)

// fieldPrefix stands before the names of a form's fields, so that they cannot be taken
// for those that every form has.
const fieldPrefix = "f."

// againView is a form of one field that was refused: the person mends what they wrote.
type againView struct {
	Action, Back              string
	Label, Name, Value, Error string
	Fields                    url.Values // what else was sent
}

// again shows a form of one field once more, with what is wrong with it.
func (w *Web) again(rw http.ResponseWriter, r *http.Request, v viewer, view againView, refusal error) {
	if slipway.CodeOf(refusal) != slipway.Invalid {
		w.fail(rw, r, v.User, refusal)
		return
	}
	view.Action, view.Value, view.Error = r.URL.Path, r.PostForm.Get(view.Name), slipway.TextOf(refusal).In(v.Lang)
	view.Fields = maps.Clone(r.PostForm)
	delete(view.Fields, view.Name)
	w.render(rw, r, http.StatusBadRequest, "again", page{Title: view.Label, V: v, Path: view.Back, Body: view})
}

// formView is a form as a dialog shows it.
type formView struct {
	*bot.Form
	V     viewer
	Scene scene
	// Sent is the form without its values. It comes back with the answers, so that a
	// refused form can be shown again without anything being kept on the server.
	Sent     string
	Problems []string // those that belong to no field
	Inputs   []input
}

// input is a field as HTML.
type input struct {
	bot.Field
	ID      string // unique in the page
	Name    string // of the control
	Text    string // the value of a control that has one
	Error   string
	Zone    string // the time zone of a date-time
	Choices []choice
	Entries [][]input // of a group
	Blank   []input   // one more entry of a group
}

// choice is an option of a select or list.
type choice struct {
	bot.Option
	Chosen bool
}

func newFormView(v viewer, at scene, f *bot.Form, errs map[string]string) *formView {
	view := &formView{Form: f, V: v, Scene: at}
	known := map[string]bool{}
	for _, field := range f.Fields {
		view.Inputs = append(view.Inputs, newInput(v, field, field.Name, errs, known))
	}
	view.Problems = problemsOf(errs, known)
	sent, err := json.Marshal(bare(f))
	if err != nil {
		panic("marshal form: " + err.Error()) // a form is made of strings
	}
	view.Sent = string(sent)
	return view
}

func newInput(v viewer, f bot.Field, name string, errs map[string]string, known map[string]bool) input {
	known[name] = true
	in := input{Field: f, Name: fieldPrefix + name, ID: "f-" + idOf(name), Error: errs[name]}
	if len(f.Value) > 0 {
		in.Text = f.Value[0]
	}
	switch f.Kind {
	case bot.TimeField:
		in.Zone = v.Zone()
		if unix, err := strconv.ParseInt(in.Text, 10, 64); err == nil {
			in.Text = v.localTime(unix)
		}
	case bot.SelectField, bot.PersonField, bot.PeopleField, bot.ChoicesField:
		for _, o := range f.Options {
			in.Choices = append(in.Choices, choice{o, slices.Contains(f.Value, o.Value)})
		}
		in.keepUnknown()
	case bot.GroupField:
		for i, entry := range f.Entries {
			in.Entries = append(in.Entries, newEntry(v, f, i, entry, errs, known))
		}
		in.Blank = newEntry(v, f, len(f.Entries), nil, nil, map[string]bool{})
	case bot.TextField, bot.LongField, bot.MarkdownField, bot.NumberField, bot.CheckField, bot.HiddenField:
	}
	return in
}

// keepUnknown adds chosen values that are not among the options, so that sending the
// form does not lose them.
func (in *input) keepUnknown() {
	for _, value := range in.Value {
		if value != "" && !slices.ContainsFunc(in.Choices, func(c choice) bool { return c.Value == value }) {
			in.Choices = append(in.Choices, choice{bot.Option{Value: value, Label: value}, true})
		}
	}
}

func newEntry(v viewer, group bot.Field, i int, entry bot.Values, errs map[string]string, known map[string]bool) []input {
	inputs := make([]input, 0, len(group.Fields))
	for _, f := range group.Fields {
		if value, ok := entry[f.Name]; ok {
			f.Value = value
		}
		if f.Show != nil {
			show := *f.Show
			show.Field = bot.EntryName(group.Name, i, show.Field)
			f.Show = &show
		}
		inputs = append(inputs, newInput(v, f, bot.EntryName(group.Name, i, f.Name), errs, known))
	}
	return inputs
}

// idOf makes a name fit for an id attribute.
func idOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, name)
}

// bare is a form without its values, which travel as fields.
func bare(f *bot.Form) *bot.Form {
	c := *f
	c.Fields = slices.Clone(f.Fields)
	for i := range c.Fields {
		c.Fields[i].Value, c.Fields[i].Entries = nil, nil
	}
	return &c
}

// readForm reads what bare wrote. It only says what to show again and how to read the
// answers; what may be done is decided by the bot.
func readForm(sent string) (*bot.Form, error) {
	var f bot.Form
	if err := json.Unmarshal([]byte(sent), &f); err != nil {
		return nil, slipway.Refuse(slipway.Invalid, "The form could not be read. Please open it again.", "无法读取表单，请重新打开。").Because(err)
	}
	return &f, nil
}

// fieldsOf reads the answers to a form.
func fieldsOf(v viewer, f *bot.Form, sent url.Values) bot.Values {
	out := bot.Values{}
	for _, field := range f.Fields {
		if field.Kind != bot.GroupField {
			readField(v, out, field, field.Name, sent)
			continue
		}
		out[field.Name] = []string{} // the editor was shown, even if no entry is left
		for _, i := range entriesIn(sent, field.Name) {
			for _, inner := range field.Fields {
				readField(v, out, inner, bot.EntryName(field.Name, i, inner.Name), sent)
			}
		}
	}
	return out
}

// readField takes over one answer. A field that a browser leaves out, such as a list
// in which nothing is ticked, is an empty answer.
func readField(v viewer, out bot.Values, f bot.Field, name string, sent url.Values) {
	values := []string{}
	for _, s := range sent[fieldPrefix+name] {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		if f.Kind == bot.TimeField {
			if unix, ok := v.parseLocal(s); ok {
				s = strconv.FormatInt(unix, 10)
			}
		}
		if s != "" {
			values = append(values, s)
		}
	}
	out[name] = values
}

// entriesIn returns the numbers of a group's entries that were sent, within reason.
func entriesIn(sent url.Values, group string) []int {
	seen := map[int]bool{}
	for name := range sent {
		rest, ok := strings.CutPrefix(name, fieldPrefix+group+"[")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(rest, "]")
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < 2*slipway.MaxItems {
			seen[i] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// keep puts the answers into the form, so that it can be shown again with them.
func keep(f *bot.Form, answers bot.Values) {
	for i := range f.Fields {
		field := &f.Fields[i]
		if field.Kind == bot.GroupField {
			field.Entries = answers.Entries(field.Name)
			continue
		}
		field.Value = answers[field.Name]
	}
}

// hasEmpty tells whether a list of choices has one for "nothing".
func hasEmpty(choices []choice) bool {
	return slices.ContainsFunc(choices, func(c choice) bool { return c.Value == "" })
}
