package storytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot/screen"
	"slipway/cmd/slipway/processtest"
)

// patience is how long a story waits for one thing on a machine that is busy.
const patience = 30 * time.Second

// World is what one story has for itself.
type World struct {
	Stage
	Can
	t    *testing.T
	ctx  context.Context
	tag  string // makes names unique on the stage
	chat screen.Chat
	room string

	// Alice plans, Bob and Carol approve, Dave owns items, Root is an admin, and Eve
	// has nothing to do with it. Carol reads Chinese.
	Alice, Bob, Carol, Dave, Root, Eve *Person
}

// The clocks of Alice and Bob.
const (
	zoneOfAlice = "Asia/Shanghai"
	zoneOfBob   = "UTC"
)

// NewWorld prepares a stage for one story; no two of a stage have the same tag.
func NewWorld(t *testing.T, s Stage, tag string) *World {
	t.Helper()
	w := &World{Stage: s, Can: canOf[s.Platform], t: t, ctx: t.Context(), tag: tag, chat: s.Open(t)}
	w.Alice = w.person(NewPerson{Name: "Alice", TimeZone: zoneOfAlice})
	w.Bob = w.person(NewPerson{Name: "Bob", TimeZone: zoneOfBob})
	w.Carol = w.person(NewPerson{Name: "Carol", TimeZone: zoneOfAlice, Locale: slipway.Chinese})
	w.Dave = w.person(NewPerson{Name: "Dave", TimeZone: "Europe/Berlin"})
	w.Root = w.person(NewPerson{Name: "Root", TimeZone: zoneOfBob, Role: slipway.RoleAdmin})
	w.Eve = w.person(NewPerson{Name: "Eve", TimeZone: zoneOfBob})
	w.room = w.newRoom("story", slipway.English)
	return w
}

func (w *World) person(n NewPerson) *Person {
	w.t.Helper()
	n.Name += w.tag
	n.Email = strings.ToLower(n.Name) + "@example.com"
	if n.Locale == "" {
		n.Locale = slipway.English
	}
	if n.Role == "" {
		n.Role = slipway.RoleMember
	}
	p := &Person{Name: n.Name, Email: n.Email, w: w}
	p.Account = w.AddPerson(w.t, n)
	p.client = w.chat.Person(p.Account)
	return p
}

func (w *World) newRoom(name string, lang slipway.Lang) string {
	w.t.Helper()
	var accounts []string
	for _, p := range []*Person{w.Alice, w.Bob, w.Carol, w.Dave, w.Root, w.Eve} {
		accounts = append(accounts, p.Account)
	}
	return w.AddRoom(w.t, name+"-"+strings.ToLower(w.tag), lang, accounts)
}

// name makes a name that no other story of the stage uses.
func (w *World) name(s string) string { return s + " " + w.tag }

// until waits until something can be seen. what says it for the report; now what is
// seen instead.
func (w *World) until(what string, seen func() bool, now func() string) {
	w.t.Helper()
	if !w.sees(seen) {
		w.t.Fatalf("%s: not seen within %v; instead:\n%s", what, patience, now())
	}
}

func (w *World) sees(seen func() bool) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		changed := w.chat.Changed()
		if seen() {
			return true
		}
		select {
		case <-changed:
		case <-late.C:
			return seen()
		case <-w.ctx.Done():
			return false
		}
	}
}

// ask asks the REST API in somebody's name and wants it to agree.
func (w *World) ask(p *Person, method, path string, body any) processtest.Answer {
	w.t.Helper()
	r := processtest.Request{Method: method, Path: path, Body: body}
	if p != nil {
		r.Actor = p.Email
	}
	a, err := w.API.Do(w.ctx, w.URL, r)
	if err != nil || a.Status >= http.StatusMultipleChoices {
		w.t.Fatalf("%s %s: %d %s (%v)", method, path, a.Status, a.Message(), err)
	}
	return a
}

// Person is somebody in a story.
type Person struct {
	Name, Email, Account string

	w      *World
	client screen.Person
	own    string // the direct room, once it is known
}

// direct is the person's room with the bot.
func (p *Person) direct() string {
	if p.own == "" {
		rooms := p.client.Rooms()
		if len(rooms) == 0 || !rooms[len(rooms)-1].Direct {
			p.w.t.Fatalf("%s has no room with the bot: %+v", p.Name, rooms)
		}
		p.own = rooms[len(rooms)-1].ID
	}
	return p.own
}

// Say types a command in the story's room.
func (p *Person) Say(text string, args ...any) *Heard {
	p.w.t.Helper()
	return p.SayIn(p.w.room, "", text, args...)
}

// SayIn types a command in a room or below one of its messages.
func (p *Person) SayIn(room, thread, text string, args ...any) *Heard {
	p.w.t.Helper()
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	return p.do("say "+text, room, thread, func() (screen.Answer, error) {
		return p.client.Command(p.w.ctx, room, thread, text)
	})
}

// Mumble writes something below a message that is not for the bot.
func (p *Person) Mumble(head screen.Message, text string) *Heard {
	p.w.t.Helper()
	return p.do("write "+text, head.Room, head.ID, func() (screen.Answer, error) {
		return p.client.Write(p.w.ctx, head.Room, head.ID, text)
	})
}

// Press presses a button of a message as it is now, one that asks nothing. row is a part of the line that the
// button stands beside, "" for a button of the whole.
func (p *Person) Press(m screen.Message, row, label string) *Heard {
	p.w.t.Helper()
	b, ok := button(m, row, label)
	if !ok {
		p.w.t.Fatalf("%s sees no button %q beside %q on:\n%s", p.Name, label, row, shown(m))
	}
	return p.do("press "+label, m.Room, m.Thread, func() (screen.Answer, error) { return p.client.Press(p.w.ctx, m, b) })
}

// Confirm presses a button that asks first, and says yes to its question, which has all
// parts. That the button does nothing without is tried before.
func (p *Person) Confirm(m screen.Message, row, label string, parts ...string) *Heard {
	p.w.t.Helper()
	b := p.asked(m, row, label, parts)
	if _, err := p.client.Press(p.w.ctx, m, b); !errors.Is(err, screen.ErrAsks) {
		p.w.t.Errorf("%s skips the question of %q: %v", p.Name, label, err)
	}
	return p.do("confirm "+label, m.Room, m.Thread, func() (screen.Answer, error) { return p.client.Press(p.w.ctx, m, b.Agreed()) })
}

// asked finds a button that asks a question with all parts.
func (p *Person) asked(m screen.Message, row, label string, parts []string) screen.Button {
	p.w.t.Helper()
	b, ok := button(m, row, label)
	if !ok || b.Question == "" || !containsAll(b.Question, parts) {
		p.w.t.Fatalf("%s sees no button %q beside %q with a question of %q, but %+v on:\n%s", p.Name, label, row, parts, b, shown(m))
	}
	return b
}

// ConfirmSeen is Confirm with a button as it was when the message was looked at.
func (p *Person) ConfirmSeen(m screen.Message, row, label string) *Heard {
	p.w.t.Helper()
	b := p.asked(m, row, label, nil)
	return p.do("confirm "+label, m.Room, m.Thread, func() (screen.Answer, error) { return p.client.PressSeen(p.w.ctx, m, b.Agreed()) })
}

func button(m screen.Message, row, label string) (screen.Button, bool) {
	i := slices.IndexFunc(m.Buttons, func(b screen.Button) bool {
		return b.Label == label && (row == "" && b.Row == "" || row != "" && strings.Contains(b.Row, row))
	})
	if i < 0 {
		return screen.Button{}, false
	}
	return m.Buttons[i], true
}

// Form waits until a form is open that is called so.
func (p *Person) Form(title string) *screen.Form {
	p.w.t.Helper()
	is := func() bool {
		f := p.client.Form()
		return f != nil && strings.Contains(f.Title, title)
	}
	p.w.until(fmt.Sprintf("form %q of %s", title, p.Name), is, func() string { return fmt.Sprintf("%+v", p.client.Form()) })
	return p.client.Form()
}

// Fill sends the open form with values on top of what it holds, by label.
func (p *Person) Fill(values map[string][]string) *Heard {
	p.w.t.Helper()
	return p.do("fill", p.w.room, "", func() (screen.Answer, error) { return p.client.Fill(p.w.ctx, values) })
}

// pick are the values that choose people in a field of the open form: accounts where
// the platform knows people, else options.
func (p *Person) pick(field string, people ...*Person) []string {
	p.w.t.Helper()
	f := p.client.Form()
	if f == nil {
		p.w.t.Fatalf("%s has no form open", p.Name)
	}
	i := slices.IndexFunc(f.Fields, func(x screen.Field) bool { return x.Label == field })
	if i < 0 {
		p.w.t.Fatalf("the form %q has no field %q", f.Title, field)
	}
	var values []string
	for _, who := range people {
		value := who.Account
		for _, o := range f.Fields[i].Options {
			if o.Label == who.Name || strings.HasPrefix(o.Label, who.Name+" ") {
				value = o.Value
			}
		}
		values = append(values, value)
	}
	return values
}

func (p *Person) do(what, room, thread string, deed func() (screen.Answer, error)) *Heard {
	p.w.t.Helper()
	h := &Heard{p: p, what: p.Name + ": " + what, room: room, thread: thread, before: map[string]string{}}
	for _, m := range h.private() {
		h.before[m.ID] = m.Text
	}
	var err error
	if h.Answer, err = deed(); err != nil {
		p.w.t.Fatalf("%s: %v", h.what, err)
	}
	return h
}

// Heard is what somebody alone was told in answer to a deed: at once, or a moment later
// as a private message.
type Heard struct {
	screen.Answer
	p            *Person
	what         string
	room, thread string
	before       map[string]string // the private messages that were there, by id
}

// private returns the messages that only the person sees, oldest first.
func (h *Heard) private() []screen.Message {
	var list []screen.Message
	look := func(messages []screen.Message, direct bool) {
		for _, m := range messages {
			if m.Bot && (m.Only || direct) {
				list = append(list, m)
			}
		}
	}
	direct := h.p.direct()
	if h.room != direct {
		look(h.p.client.Look(h.room), false)
		if h.thread != "" {
			look(h.p.client.Thread(h.room, h.thread), false)
		}
	}
	look(h.p.client.Look(direct), true)
	if h.thread != "" {
		look(h.p.client.Thread(direct, h.thread), true)
	}
	return list
}

// news are the private messages that came or changed since the deed.
func (h *Heard) news() []screen.Message {
	return slices.DeleteFunc(h.private(), func(m screen.Message) bool { return h.before[m.ID] == m.Text })
}

// Told waits until the person has been told something with all parts.
func (h *Heard) Told(parts ...string) {
	h.p.w.t.Helper()
	told := func() bool {
		return containsAll(h.Toast, parts) || slices.ContainsFunc(h.news(), func(m screen.Message) bool { return containsAll(m.Text, parts) })
	}
	h.p.w.until(fmt.Sprintf("%s is told %q", h.what, parts), told, h.report)
}

// Message waits for a private message with all parts.
func (h *Heard) Message(parts ...string) screen.Message {
	h.p.w.t.Helper()
	var found screen.Message
	seen := func() bool {
		for _, m := range slices.Backward(h.news()) {
			if containsAll(m.Text, parts) {
				found = m
				return true
			}
		}
		return false
	}
	h.p.w.until(fmt.Sprintf("%s is shown %q", h.what, parts), seen, h.report)
	return found
}

// Fault waits until a form stays open because of a field; "" is the form as a whole. A
// platform may show the one in the place of the other. If the answer was late the open
// form shows it.
func (h *Heard) Fault(label, part string) {
	h.p.w.t.Helper()
	shown := func() bool {
		for at, text := range h.faults() {
			if (at == label || at == "" || label == "") && text != "" && strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	h.p.w.until(fmt.Sprintf("%s: the fault %q at %q", h.what, part, label), shown, h.report)
}

// faults are what the answer says is wrong with the form, or what the form says by now.
func (h *Heard) faults() map[string]string {
	if len(h.Errors) > 0 {
		return h.Errors
	}
	faults := map[string]string{}
	if f := h.p.client.Form(); f != nil {
		faults[""] = f.Error
		for _, field := range f.Fields {
			faults[field.Label] = field.Error
		}
	}
	return faults
}

// Nothing checks that the person was told nothing.
func (h *Heard) Nothing() {
	h.p.w.t.Helper()
	if news := h.news(); h.Toast != "" || len(news) > 0 {
		h.p.w.t.Errorf("%s: nothing was to be told, but:\n%s", h.what, h.report())
	}
}

func (h *Heard) report() string {
	text := fmt.Sprintf("toast %q, faults %q", h.Toast, h.faults())
	for _, m := range h.news() {
		text += "\n--- private message:\n" + shown(m)
	}
	return text
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// shown is a message for a report.
func shown(m screen.Message) string {
	text := m.Text
	for _, b := range m.Buttons {
		text += "\n[" + b.Label + "]"
		if b.Row != "" {
			text += " beside " + b.Row
		}
	}
	return text
}

// notThere tells whether people could not do something.
func notThere(err error) bool { return errors.Is(err, screen.ErrNotThere) }
