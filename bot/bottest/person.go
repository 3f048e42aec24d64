package bottest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
)

// Person is somebody in the chat. User is set if the platform knows it, as the console
// does; else the bot finds out by the account.
type Person struct {
	chat    *Chat
	Account string
	User    *slipway.User
	// Locale and TimeZone are what the platform tells with everything that they do.
	Locale, TimeZone string
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
		if field.Kind == bot.GroupField && p.chat.Flat {
			continue
		}
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
	ev.Locale, ev.TimeZone = p.Locale, p.TimeZone
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

// Home returns the page of an account as it was last shown.
func (c *Chat) Home(account string) bot.Card {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.homes[account]
}

// PressHome presses a button of the person's page: one of the page itself, or of the
// first row whose title contains a text.
func (p *Person) PressHome(id bot.ActionID, row string) bot.Reply {
	p.chat.tb.Helper()
	p.chat.mu.Lock()
	home := p.chat.homes[p.Account]
	p.chat.mu.Unlock()
	actions := slices.Concat(home.Actions, home.More)
	if row != "" {
		i := slices.IndexFunc(home.Rows, func(r bot.Row) bool { return strings.Contains(r.Title.Text(home.Lang, time.UTC), row) })
		if i < 0 {
			p.chat.tb.Fatalf("%s's page has no row %q", p.Account, row)
		}
		actions = slices.Concat(home.Rows[i].Actions, home.Rows[i].More)
	}
	i := slices.IndexFunc(actions, func(a bot.Action) bool { return a.ID == id })
	if i < 0 {
		p.chat.tb.Fatalf("no button %s in row %q; there are %v", id, row, actions)
	}
	return p.send(bot.Event{Kind: bot.Click, Action: id, Value: actions[i].Value})
}

// Choose begins a new plan from a message in a room.
func (p *Person) Choose(room bot.RoomRef, text string) bot.Reply {
	p.chat.tb.Helper()
	return p.send(bot.Event{Kind: bot.Shortcut, Room: room, Msg: bot.MsgRef{Room: room, ID: "chosen"}, Text: text})
}
