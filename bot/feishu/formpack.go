package feishu

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/bot"
)

// keyForm is the name, in the value of a submit button, of the packed form.
const keyForm = "form"

// formPack is what a form's submit button remembers: enough to read the answers and to
// draw the form anew on any replica.
type formPack struct {
	Form bot.Form `json:"form"`
	From origin   `json:"from"`
	Zone string   `json:"zone"`           // of the times that were shown
	Left []string `json:"left,omitempty"` // fields that were left out
}

// pack keeps of a form what is needed later: no people, of whom there may be many, and of
// what the fields started with only what does not come back by itself.
func (c formCard) pack(left []string) formPack {
	f := c.form
	f.Fields = slices.Clone(f.Fields)
	for i := range f.Fields {
		field := &f.Fields[i]
		switch field.Kind {
		case bot.PersonField, bot.PeopleField:
			field.Options, field.Value = nil, nil
		case bot.GroupField:
			field.Fields, field.Entries = nil, nil
		case bot.HiddenField, bot.TimeField:
		case bot.TextField, bot.LongField, bot.MarkdownField, bot.NumberField, bot.SelectField, bot.ChoicesField, bot.CheckField:
			field.Value = nil
		}
	}
	return formPack{Form: f, From: c.from, Zone: c.zone.String(), Left: left}
}

// value is the pack as the value of a button.
func (p formPack) value() element {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(encode(p))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return element{keyForm: base64.RawURLEncoding.EncodeToString(b.Bytes())}
}

// maxPack is the most bytes of a form that is read.
const maxPack = 1 << 18

// unpack reads what a submit button remembers.
func unpack(s string) (formPack, error) {
	var p formPack
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return p, fmt.Errorf("decode form: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return p, fmt.Errorf("unpack form: %w", err)
	}
	if err := json.NewDecoder(io.LimitReader(z, maxPack)).Decode(&p); err != nil {
		return p, fmt.Errorf("read form: %w", err)
	}
	return p, nil
}

// location is the zone that the form's times were shown in.
func (p formPack) location() *time.Location {
	zone, err := time.LoadLocation(p.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// values reads what came back. A field that was shown and did not come is empty; one that
// was not shown is left out.
func (p formPack) values(came map[string]any) bot.Values {
	out := bot.Values{}
	for _, f := range p.Form.Fields {
		switch {
		case f.Kind == bot.HiddenField:
			out[f.Name] = f.Value
		case f.Kind == bot.GroupField, slices.Contains(p.Left, f.Name):
		default:
			out[f.Name] = p.answer(f, came[elementName(f.Name)])
		}
	}
	return out
}

// answer reads one answer.
func (p formPack) answer(f bot.Field, came any) []string {
	switch v := came.(type) {
	case bool:
		if v {
			return []string{"true"}
		}
		return nil
	case []any:
		var out []string
		for _, entry := range v {
			if s, ok := entry.(string); ok && s != "" {
				out = append(out, person(f.Kind, s))
			}
		}
		return out
	case string:
		if v == "" {
			return nil
		}
		if f.Kind == bot.TimeField {
			return []string{p.moment(first(f.Value), v)}
		}
		return []string{person(f.Kind, v)}
	}
	return nil
}

// person names an account as the bot does. What menus of users return is an id already.
func person(kind bot.FieldKind, s string) string {
	if (kind == bot.PersonField || kind == bot.PeopleField) && strings.HasPrefix(s, "ou_") {
		return string(bot.Feishu) + ":" + s
	}
	return s
}

// moment reads a picked time, "2026-11-24 22:00 +0800". If it is the wall clock that the
// picker started with it stands for that moment, even if the person's client is in
// another zone than was thought.
func (p formPack) moment(start, came string) string {
	if unix, err := strconv.ParseInt(start, 10, 64); err == nil && unix != 0 {
		if strings.HasPrefix(came, time.Unix(unix, 0).In(p.location()).Format(wallClock)) {
			return start
		}
	}
	if t, err := time.Parse(wallClock+" -0700", came); err == nil {
		return strconv.FormatInt(t.Unix(), 10)
	}
	if t, err := time.ParseInLocation(wallClock, came, p.location()); err == nil {
		return strconv.FormatInt(t.Unix(), 10)
	}
	return came
}

// refill returns the form with the answers in it.
func (p formPack) refill(answers bot.Values) bot.Form {
	f := p.Form
	f.Fields = slices.Clone(f.Fields)
	for i := range f.Fields {
		if v, ok := answers[f.Fields[i].Name]; ok {
			f.Fields[i].Value = v
		}
	}
	return f
}

// elementName is the name of a field inside a card. Feishu's own examples use letters,
// digits and underscores only.
func elementName(field string) string { return strings.ReplaceAll(field, ".", "__") }
