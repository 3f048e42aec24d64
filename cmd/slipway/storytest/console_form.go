package storytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"slipway/bot/screen"
)

// dialog is an open form of the console.
type dialog struct {
	screen.Form
	action string
	// kept are the values that the form sends without being asked: hidden ones, and
	// the entries of editors that have several.
	kept   url.Values
	inputs []input
}

// input is one question of a dialog.
type input struct {
	screen.Field
	name string
	zone *time.Location // of a date-time
}

// clock is how a browser writes a date-time.
const clock = "2006-01-02T15:04"

func readDialog(f *html.Node) *dialog {
	d := &dialog{action: attr(f, "action"), kept: hiddenOf(f)}
	d.Title = textOf(first(f, isTag("h2")))
	d.Submit = label(first(first(f, isTag("footer")), isTag("button")))
	d.Error = textOf(first(f, hasClass("note")))
	var intro []string
	for c := range first(f, hasClass("body")).ChildNodes() {
		switch {
		case isTag("p")(c):
			intro = append(intro, textOf(c))
		case hasClass("field")(c) && has(c, "data-group"):
			d.keep(c)
		case hasClass("field")(c):
			d.inputs = append(d.inputs, readInput(c))
		}
	}
	d.Text = strings.Join(intro, "\n")
	var source bytes.Buffer
	if html.Render(&source, f) == nil {
		d.Raw, _ = json.Marshal(source.String())
	}
	return d
}

// keep takes over the entries of an editor as they are.
func (d *dialog) keep(group *html.Node) {
	for _, n := range all(group, func(n *html.Node) bool { return has(n, "name") && attr(n, "type") != "hidden" }) {
		for _, v := range valuesOf(n) {
			d.kept.Add(attr(n, "name"), v)
		}
	}
}

// valuesOf is what a control sends if nobody touches it.
func valuesOf(n *html.Node) []string {
	switch {
	case isTag("textarea")(n):
		var b strings.Builder
		for c := range n.ChildNodes() {
			b.WriteString(c.Data)
		}
		return []string{b.String()}
	case isTag("select")(n):
		for _, o := range all(n, isTag("option")) {
			if has(o, "selected") {
				return []string{attr(o, "value")}
			}
		}
		if o := first(n, isTag("option")); o != nil {
			return []string{attr(o, "value")}
		}
		return nil
	case attr(n, "type") == "checkbox":
		if has(n, "checked") {
			return []string{attr(n, "value")}
		}
		return nil
	}
	return []string{attr(n, "value")}
}

func readInput(field *html.Node) input {
	in := input{}
	caption := first(field, func(n *html.Node) bool { return isTag("label")(n) || isTag("legend")(n) })
	in.Label, in.Required = strings.CutSuffix(textOf(caption), " *")
	in.Hint = textOf(first(field, hasClass("hint")))
	in.Error = textOf(first(field, hasClass("error")))
	controls := all(field, func(n *html.Node) bool { return has(n, "name") })
	for i, n := range controls {
		in.name = attr(n, "name")
		if i == 0 {
			in.Kind = kindOfControl(n)
			in.Max, _ = strconv.Atoi(attr(n, "maxlength"))
		}
		for _, v := range valuesOf(n) {
			if v != "" {
				in.Value = append(in.Value, v)
			}
		}
		if in.Kind == screen.People {
			in.Options = append(in.Options, screen.Option{Value: attr(n, "value"), Label: textOf(n.Parent)})
		}
		for _, o := range all(n, isTag("option")) {
			in.Options = append(in.Options, screen.Option{Value: attr(o, "value"), Label: textOf(o)})
		}
	}
	if in.Kind == screen.Time {
		in.readZone(field)
	}
	return in
}

func kindOfControl(n *html.Node) screen.Kind {
	switch {
	case isTag("textarea")(n):
		return screen.Long
	case isTag("select")(n):
		return screen.Select
	case inside(n, hasClass("pick")) != nil:
		return screen.People
	}
	switch attr(n, "type") {
	case "datetime-local":
		return screen.Time
	case "number":
		return screen.Number
	case "checkbox":
		return screen.Check
	}
	return screen.Text
}

// readZone finds out by which clock a date-time is asked for.
func (in *input) readZone(field *html.Node) {
	in.zone = time.UTC
	for _, hint := range all(field, hasClass("hint")) {
		_, name, ok := strings.Cut(strings.ReplaceAll(textOf(hint), "：", ": "), ": ")
		name, _, _ = strings.Cut(name, " ")
		if zone, err := time.LoadLocation(name); ok && err == nil {
			in.zone = zone
			break
		}
	}
	for i, v := range in.Value {
		if t, err := time.ParseInLocation(clock, v, in.zone); err == nil {
			in.Value[i] = strconv.FormatInt(t.Unix(), 10)
		}
	}
}

// errors says what is wrong with what was sent, by label.
func (d *dialog) errors() map[string]string {
	errs := map[string]string{}
	if d.Error != "" {
		errs[""] = d.Error
	}
	for _, in := range d.inputs {
		if in.Error != "" {
			errs[in.Label] = in.Error
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return errs
}

func (d *dialog) screen() *screen.Form {
	f := d.Form
	for _, in := range d.inputs {
		f.Fields = append(f.Fields, in.Field)
	}
	return &f
}

// fill returns what is sent: what the form holds, with the values on top.
func (d *dialog) fill(values map[string][]string) (url.Values, error) {
	sent := url.Values{}
	for name, v := range d.kept {
		sent[name] = slices.Clone(v)
	}
	for name := range values {
		if !slices.ContainsFunc(d.inputs, func(in input) bool { return in.Label == name }) {
			return nil, fmt.Errorf("%w: the form %q has no field %q", screen.ErrNotThere, d.Title, name)
		}
	}
	for _, in := range d.inputs {
		given, ok := values[in.Label]
		if !ok {
			given = in.Value
		}
		for _, v := range given {
			v, err := in.write(v)
			if err != nil {
				return nil, err
			}
			sent.Add(in.name, v)
		}
	}
	return sent, nil
}

// write is how the control sends a value.
func (in *input) write(v string) (string, error) {
	switch {
	case in.Kind == screen.Time && v != "":
		unix, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return "", fmt.Errorf("field %q takes Unix seconds: %w", in.Label, err)
		}
		return time.Unix(unix, 0).In(in.zone).Format(clock), nil
	case len(in.Options) > 0 && !slices.ContainsFunc(in.Options, func(o screen.Option) bool { return o.Value == v }):
		for _, o := range in.Options {
			if o.Label == v {
				return o.Value, nil
			}
		}
		return "", fmt.Errorf("%w: field %q offers no %q", screen.ErrNotThere, in.Label, v)
	}
	return v, nil
}
