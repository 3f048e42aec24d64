// Package bottest is a platform for tests: a chat in memory where people type, press
// and fill in. It is strict, as a real platform is: only buttons that are on the
// present card and not disabled can be pressed, only forms that are open can be sent,
// only with fields that they have.
package bottest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
)

// Chat is the platform.
type Chat struct {
	tb      testing.TB
	id      bot.PlatformID
	handler bot.Handler
	now     func() time.Time

	mu       sync.Mutex
	messages []*Message
	forms    map[string]openForm // by user
	keys     map[string]bot.MsgRef
	events   int
	homes    map[string]bot.Card
	unfurled map[string]bot.Card // by link
	fail     map[string]error    // what the next Update of a message fails with
	// Twice delivers every event a second time and demands the same answer.
	Twice bool
}

// Message is a card in a room. Only is the user that alone sees it, "" for all.
type Message struct {
	Ref   bot.MsgRef
	Card  bot.Card
	Only  string
	Edits int // how often it was replaced
}

type openForm struct {
	form bot.Form
	msg  bot.MsgRef
	room bot.RoomRef
}

var (
	_ bot.Platform  = (*Chat)(nil)
	_ bot.Whisperer = (*Chat)(nil)
	_ bot.Homer     = (*Chat)(nil)
	_ bot.Unfurler  = (*Chat)(nil)
)

// New returns an empty chat.
func New(tb testing.TB, id bot.PlatformID, now func() time.Time) *Chat {
	return &Chat{
		tb: tb, id: id, now: now, forms: map[string]openForm{}, keys: map[string]bot.MsgRef{}, fail: map[string]error{},
		homes: map[string]bot.Card{}, unfurled: map[string]bot.Card{},
	}
}

// Serve sets who handles the events.
func (c *Chat) Serve(h bot.Handler) { c.handler = h }

// ID implements bot.Platform.
func (c *Chat) ID() bot.PlatformID { return c.id }

// Run implements bot.Platform; events come from the methods of a person.
func (c *Chat) Run(ctx context.Context, h bot.Handler) error {
	c.Serve(h)
	<-ctx.Done()
	return nil
}

// Post implements bot.Platform.
func (c *Chat) Post(_ context.Context, to bot.Target, card bot.Card, key string) (bot.MsgRef, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, ok := c.keys[key]; ok && key != "" {
		return m, nil
	}
	ref := bot.MsgRef{Room: to.Room}
	switch {
	case to.User.ID != "":
		ref.Room = c.direct(to.User.ID)
	case to.ReplyTo.ID != "":
		ref.Room, ref.Thread = to.ReplyTo.Room, to.ReplyTo.ID
	}
	ref = c.put(ref, card, "")
	c.keys[key] = ref
	return ref, nil
}

func (c *Chat) direct(account string) bot.RoomRef {
	return bot.RoomRef{Platform: c.id, ID: "dm-" + account}
}

func (c *Chat) put(ref bot.MsgRef, card bot.Card, only string) bot.MsgRef {
	c.check(card)
	ref.ID = fmt.Sprintf("m%d", len(c.messages)+1)
	c.messages = append(c.messages, &Message{Ref: ref, Card: card, Only: only})
	return ref
}

// check demands what every renderer may rely on.
func (c *Chat) check(card bot.Card) {
	c.tb.Helper()
	if card.Summary == "" || card.Lang == "" {
		c.tb.Errorf("card without summary or language: %+v", card)
	}
	data, err := json.Marshal(card)
	if err != nil {
		c.tb.Errorf("marshal card: %v", err)
	}
	var back bot.Card
	if err := json.Unmarshal(data, &back); err != nil || normal(back) != normal(card) {
		c.tb.Errorf("card does not survive JSON (%v): %s", err, data)
	}
	if strings.Contains(normal(card), "{}") {
		c.tb.Errorf("card with an empty span: %s", data)
	}
	for _, a := range Actions(card) {
		if a.Label == "" || len([]rune(a.Label)) > 75 || len(a.Value) > 2000 {
			c.tb.Errorf("button out of bounds: %+v", a)
		}
	}
}

func normal(c bot.Card) string {
	data, _ := json.Marshal(c)
	return string(data)
}

// Actions are all buttons of a card.
func Actions(card bot.Card) []bot.Action {
	out := slices.Concat(card.Actions, card.More)
	for _, r := range card.Rows {
		out = slices.Concat(out, r.Actions, r.More)
	}
	return out
}

// Fail makes the next Update of a message fail.
func (c *Chat) Fail(m bot.MsgRef, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail[m.ID] = err
}

// Update implements bot.Platform.
func (c *Chat) Update(_ context.Context, ref bot.MsgRef, card bot.Card) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fail[ref.ID]; err != nil {
		delete(c.fail, ref.ID)
		return err
	}
	m := c.message(ref)
	if m == nil {
		return bot.ErrGone
	}
	c.check(card)
	m.Card = card
	m.Edits++
	return nil
}

func (c *Chat) message(ref bot.MsgRef) *Message {
	for _, m := range c.messages {
		if m.Ref.ID == ref.ID {
			return m
		}
	}
	return nil
}

// Resolve implements bot.Platform: an account is called like its id.
func (c *Chat) Resolve(_ context.Context, u bot.UserRef) (bot.Person, error) {
	return bot.Person{Name: u.ID, Email: strings.ToLower(u.ID) + "@example.com", Locale: "en-GB", TimeZone: "Europe/London"}, nil
}

// Whisper implements bot.Whisperer.
func (c *Chat) Whisper(_ context.Context, in bot.RoomRef, to bot.UserRef, card bot.Card) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(bot.MsgRef{Room: in}, card, to.ID)
	return nil
}

// SetHome implements bot.Homer.
func (c *Chat) SetHome(_ context.Context, u bot.UserRef, card bot.Card) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.check(card)
	c.homes[u.ID] = card
	return nil
}

// Unfurl implements bot.Unfurler.
func (c *Chat) Unfurl(_ context.Context, _ bot.MsgRef, url string, card bot.Card) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.check(card)
	c.unfurled[url] = card
	return nil
}

// OpenHome opens a person's page and returns it.
func (p *Person) OpenHome() bot.Card {
	p.chat.tb.Helper()
	p.send(bot.Event{Kind: bot.HomeOpened})
	p.chat.mu.Lock()
	defer p.chat.mu.Unlock()
	return p.chat.homes[p.Account]
}

// Paste posts a link in a room and returns what is shown below it.
func (p *Person) Paste(room bot.RoomRef, url string) bot.Card {
	p.chat.tb.Helper()
	p.send(bot.Event{Kind: bot.LinkShared, Room: room, Msg: bot.MsgRef{Room: room, ID: "pasted"}, Text: url})
	p.chat.mu.Lock()
	defer p.chat.mu.Unlock()
	return p.chat.unfurled[url]
}

// Room is a shared room of the chat.
func (c *Chat) Room(id string) bot.RoomRef { return bot.RoomRef{Platform: c.id, ID: id} }

// Seen returns what an account sees in a room, oldest first, without the threads.
func (c *Chat) Seen(account string, room bot.RoomRef) []*Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*Message
	for _, m := range c.messages {
		if m.Ref.Room == room && m.Ref.Thread == "" && (m.Only == "" || m.Only == account) {
			copied := *m
			out = append(out, &copied)
		}
	}
	return out
}

// Direct returns the messages of somebody's direct room.
func (c *Chat) Direct(account string) []*Message { return c.Seen(account, c.direct(account)) }

// Thread returns the cards in the thread of a message.
func (c *Chat) Thread(ref bot.MsgRef) []bot.Card {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []bot.Card
	for _, m := range c.messages {
		if m.Ref.Thread == ref.ID {
			out = append(out, m.Card)
		}
	}
	return out
}

// Last returns the newest card that an account sees in a room; it fails the test if
// there is none.
func (c *Chat) Last(account string, room bot.RoomRef) *Message {
	c.tb.Helper()
	all := c.Seen(account, room)
	if len(all) == 0 {
		c.tb.Fatalf("%s sees nothing in %s", account, room.ID)
	}
	return all[len(all)-1]
}

// Person is somebody in the chat. User is set if the platform knows it, as the console
// does; else the bot finds out by the account.
type Person struct {
	chat    *Chat
	Account string
	User    *slipway.User
}

// Person returns somebody who takes part.
func (c *Chat) Person(account string, u *slipway.User) *Person {
	return &Person{chat: c, Account: account, User: u}
}

// Say types a text in a room.
func (p *Person) Say(room bot.RoomRef, text string) bot.Reply {
	p.chat.tb.Helper()
	return p.send(bot.Event{Kind: bot.Command, Room: room, Text: text})
}

// SayInThread types a text in the thread of a message.
func (p *Person) SayInThread(m *Message, kind bot.Kind, text string) bot.Reply {
	p.chat.tb.Helper()
	return p.send(bot.Event{
		Kind: kind, Room: m.Ref.Room, Msg: bot.MsgRef{Room: m.Ref.Room, ID: "typed", Thread: m.Ref.ID}, Plan: m.Card.Plan, Text: text,
	})
}

// Press presses a button on the present card of a message: the action of the card, or
// of the row with the number.
func (p *Person) Press(m *Message, id bot.ActionID, row int) bot.Reply {
	p.chat.tb.Helper()
	p.chat.mu.Lock()
	now := *p.chat.message(m.Ref)
	p.chat.mu.Unlock()
	if now.Only != "" && now.Only != p.Account {
		p.chat.tb.Fatalf("%s cannot see %s", p.Account, m.Ref.ID)
	}
	actions := slices.Concat(now.Card.Actions, now.Card.More)
	if row > 0 {
		if row > len(now.Card.Rows) {
			p.chat.tb.Fatalf("the card has %d rows, no row %d", len(now.Card.Rows), row)
		}
		r := now.Card.Rows[row-1]
		actions = slices.Concat(r.Actions, r.More)
	}
	i := slices.IndexFunc(actions, func(a bot.Action) bool { return a.ID == id })
	if i < 0 {
		p.chat.tb.Fatalf("no button %s in row %d of %q; there are %v", id, row, now.Card.Title, actions)
	}
	if actions[i].Disabled != "" {
		p.chat.tb.Fatalf("button %s is disabled: %s", id, actions[i].Disabled)
	}
	return p.PressValue(m, actions[i])
}

// PressValue presses a button as it was on a card before.
func (p *Person) PressValue(m *Message, a bot.Action) bot.Reply {
	p.chat.tb.Helper()
	return p.send(bot.Event{Kind: bot.Click, Room: m.Ref.Room, Msg: m.Ref, Action: a.ID, Value: a.Value})
}

// Form returns the form that is open for the person; it fails the test if none is.
func (p *Person) Form() bot.Form {
	p.chat.tb.Helper()
	p.chat.mu.Lock()
	defer p.chat.mu.Unlock()
	f, ok := p.chat.forms[p.Account]
	if !ok {
		p.chat.tb.Fatalf("no form is open for %s", p.Account)
	}
	return f.form
}

// Fill sends the open form: what it started with, with the given answers on top.
func (p *Person) Fill(answers bot.Values) bot.Reply {
	p.chat.tb.Helper()
	f := p.Form()
	sent := bot.Values{}
	for _, field := range f.Fields {
		sent[field.Name] = field.Value
		for i, entry := range field.Entries {
			for _, inner := range field.Fields {
				sent[bot.EntryName(field.Name, i, inner.Name)] = entry[inner.Name]
			}
		}
	}
	for name, value := range answers {
		known := slices.ContainsFunc(f.Fields, func(x bot.Field) bool {
			return x.Name == name || x.Kind == bot.GroupField && strings.HasPrefix(name, x.Name+"[")
		})
		if !known {
			p.chat.tb.Fatalf("form %s has no field %s", f.ID, name)
		}
		sent[name] = value
	}
	p.chat.mu.Lock()
	open := p.chat.forms[p.Account]
	p.chat.mu.Unlock()
	return p.send(bot.Event{Kind: bot.Submission, Room: open.room, Msg: open.msg, Form: f.ID, Value: f.Value, Fields: sent})
}

func (p *Person) send(ev bot.Event) bot.Reply {
	c := p.chat
	c.tb.Helper()
	c.mu.Lock()
	c.events++
	ev.ID = fmt.Sprintf("ev%d", c.events)
	c.mu.Unlock()
	ev.From, ev.User, ev.At = bot.UserRef{Platform: c.id, ID: p.Account}, p.User, c.now()
	ev.Direct = ev.Room == c.direct(p.Account)
	r := c.handler.Handle(c.tb.Context(), ev)
	if c.Twice {
		again := c.handler.Handle(c.tb.Context(), ev)
		if fmt.Sprint(toast(r)) != fmt.Sprint(toast(again)) {
			c.tb.Errorf("%s %q%s: delivered twice, answered %q and %q", ev.Kind, ev.Text, ev.Action, toast(r), toast(again))
		}
	}
	c.show(p, ev, r)
	return r
}

func toast(r bot.Reply) string {
	if r.Toast == nil {
		return ""
	}
	return string(r.Toast.Kind) + ": " + r.Toast.Text
}

// show does what a platform does with a reply.
func (c *Chat) show(p *Person, ev bot.Event, r bot.Reply) {
	c.tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Whisper != nil {
		c.put(bot.MsgRef{Room: ev.Room}, *r.Whisper, p.Account)
	}
	if r.Message != nil {
		c.put(bot.MsgRef{Room: ev.Room, Thread: ev.Msg.Thread}, *r.Message, "")
	}
	if m := c.message(ev.Msg); r.Card != nil {
		if m == nil {
			c.tb.Fatalf("a card is to replace a message that is not there")
		}
		c.check(*r.Card)
		m.Card = *r.Card
		m.Edits++
	}
	if ev.Kind == bot.Submission && len(r.FieldErrors) == 0 {
		delete(c.forms, p.Account)
	}
	if r.Form != nil {
		c.forms[p.Account] = openForm{form: *r.Form, msg: ev.Msg, room: ev.Room}
	}
}
