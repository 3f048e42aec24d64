package feishutest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"slipway/bot/screen"
)

// draft is what a person has filled in and not yet sent with success.
type draft struct {
	form   string // which version of which card
	values map[string][]string
}

// version names a form as it is now.
func version(m *message) string { return fmt.Sprintf("%s.%d", m.id, m.edits) }

// open returns the form that is open for the person, nil if none is. It is called with
// the lock.
func (p person) open() *openForm {
	s := p.s
	var best *openForm
	rank := 0
	for _, room := range s.rooms {
		c := s.chats[room]
		for _, id := range c.messages {
			m := s.messages[id]
			if m.sender != botOpenID || m.card == nil || !s.sees(p.id, m) || s.tooOld(m) || s.closed[p.id+" "+m.id] == version(m) {
				continue
			}
			r := 1
			switch {
			case c.direct == p.id:
				r = 3
			case m.only == p.id:
				r = 2
			}
			if r < rank || r == rank && best != nil && m.at.Before(best.message.at) {
				continue
			}
			if f := s.reader(p.id).form(m.card, c.members); f != nil {
				f.message, best, rank = m, f, r
			}
		}
	}
	if best != nil && s.drafts[p.id].form == version(best.message) {
		for i := range best.Fields {
			if values, ok := s.drafts[p.id].values[best.Fields[i].Label]; ok {
				best.Fields[i].Value = values
			}
		}
	}
	return best
}

// Form implements screen.Person.
func (p person) Form() *screen.Form {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if f := p.open(); f != nil {
		return &f.Form
	}
	return nil
}

// CloseForm implements screen.Person. Feishu has no dialogs: the person just leaves the
// card alone.
func (p person) CloseForm(context.Context) error {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	f := p.open()
	if f == nil {
		return notThere("no form is open for %s", p.id)
	}
	s.closed[p.id+" "+f.message.id] = version(f.message)
	s.touch()
	return nil
}

// Fill implements screen.Person. What the client itself refuses, an empty required field
// or a text that is too long, never reaches the app.
func (p person) Fill(ctx context.Context, values map[string][]string) (screen.Answer, error) {
	s := p.s
	s.mu.Lock()
	f := p.open()
	if f == nil {
		s.mu.Unlock()
		return screen.Answer{}, notThere("no form is open for %s", p.id)
	}
	formValue, refused, err := p.fillIn(f, values)
	if err != nil || len(refused) > 0 {
		s.mu.Unlock()
		return screen.Answer{Errors: refused}, err
	}
	s.drafts[p.id] = draft{form: version(f.message), values: filled(f)}
	action := map[string]any{"tag": "button", "name": f.submit.str("name"), "form_value": formValue}
	for _, b := range f.submit.list("behaviors") {
		if b.str("type") == "callback" {
			action["value"] = b["value"]
		}
	}
	sent := version(f.message)
	answer, err := p.click(ctx, f.message, action) // unlocks
	if err != nil {
		return answer, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer.Errors = p.stillOpen(f.message, sent, answer)
	return answer, nil
}

// fillIn puts values over what a form holds.
func (p person) fillIn(f *openForm, values map[string][]string) (formValue map[string]any, refused map[string]string, err error) {
	rd := p.s.reader(p.id)
	for _, label := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(f.Fields, func(field screen.Field) bool { return field.Label == label })
		if i < 0 {
			return nil, nil, notThere("the form has no field %q", label)
		}
		f.Fields[i].Value = values[label]
	}
	formValue, refused = map[string]any{}, map[string]string{}
	for i, field := range f.Fields {
		v, err := rd.value(f.behind[i], field)
		if err != nil {
			return nil, nil, err
		}
		text, isText := v.(string)
		list, isList := v.([]string)
		switch {
		case field.Required && (isText && strings.TrimSpace(text) == "" || isList && len(list) == 0):
			refused[field.Label] = "有必填项未填写"
		case field.Max > 0 && len([]rune(text)) > field.Max:
			refused[field.Label] = fmt.Sprintf("最多 %d 个字符", field.Max)
		}
		formValue[f.behind[i].str("name")] = v
	}
	return formValue, refused, nil
}

func filled(f *openForm) map[string][]string {
	values := map[string][]string{}
	for _, field := range f.Fields {
		values[field.Label] = field.Value
	}
	return values
}

// stillOpen tells why a form is still open after it was sent, nil if it is done. It is called
// with the lock.
func (p person) stillOpen(m *message, sent string, answer screen.Answer) map[string]string {
	s := p.s
	f := s.reader(p.id).form(m.card, nil)
	if f == nil || m.deleted {
		return nil
	}
	problems := map[string]string{}
	if version(m) != sent {
		for _, field := range f.Fields {
			if field.Error != "" {
				problems[field.Label] = field.Error
			}
		}
		if f.Error != "" {
			problems[""] = f.Error
		}
	}
	if len(problems) == 0 && answer.Kind == "error" {
		problems[""] = answer.Toast
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}
