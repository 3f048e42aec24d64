// Package bottest is a platform for tests: a chat in memory where people type, press
// and fill in. It is strict, as a real platform is: only buttons that are on the
// present card and not disabled can be pressed, only forms that are open can be sent,
// only with fields that they have.
package bottest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/bot"
	"slipway/storage"
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
	posts    int
	homes    map[string]bot.Card
	unfurled map[string]bot.Card // by link
	fail     map[string]error    // what the next Update of a message fails with
	updates  []Update
	ledger   *storage.Store
	disturb  func(Call) Disturbance
	// Flat leaves groups out of forms, as platforms without an editor for them do.
	Flat bool
	// People are accounts that are not called like their ids.
	People map[string]bot.Person
	// Groups are the accounts of groups of people; GroupsFail is what asking for them fails
	// with.
	Groups     map[string][]string
	GroupsFail error
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

// Update is one change of a message.
type Update struct {
	Ref bot.MsgRef
	At  time.Time
}

// Call is something that the bot asks of the platform.
type Call struct {
	Method string // "post" or "update"
	To     bot.Target
	Ref    bot.MsgRef // of the message that is updated
}

// Disturbance is what goes wrong with a call. Err alone keeps it from having an effect;
// with Lost it has one before it fails.
type Disturbance struct {
	Err  error
	Lost bool
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
	_ bot.Grouper   = (*Chat)(nil)
)

// New returns an empty chat.
func New(tb testing.TB, id bot.PlatformID, now func() time.Time) *Chat {
	return &Chat{
		tb: tb, id: id, now: now, forms: map[string]openForm{}, keys: map[string]bot.MsgRef{}, fail: map[string]error{},
		homes: map[string]bot.Card{}, unfurled: map[string]bot.Card{},
	}
}

// Keep has the chat note what it posts in a store, as real platforms do, so that a chat
// survives its process.
func (c *Chat) Keep(s *storage.Store) { c.ledger = s }

// Updates are all changes of messages, in order.
func (c *Chat) Updates() []Update {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.updates)
}

// Delete removes a message, as people can.
func (c *Chat) Delete(ref bot.MsgRef) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = slices.DeleteFunc(c.messages, func(m *Message) bool { return m.Ref.ID == ref.ID })
}

// Disturb sets who is asked before everything that is posted or updated, nil for nobody.
// A call whose answer is lost has its effect all the same.
func (c *Chat) Disturb(ask func(Call) Disturbance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disturb = ask
}

func (c *Chat) disturbed(call Call) Disturbance {
	c.mu.Lock()
	ask := c.disturb
	c.mu.Unlock()
	if ask == nil {
		return Disturbance{}
	}
	return ask(call)
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
func (c *Chat) Post(ctx context.Context, to bot.Target, card bot.Card, key string) (bot.MsgRef, error) {
	if c.ledger == nil || key == "" {
		return c.post(to, card, key)
	}
	p, state, err := c.ledger.BeginPost(ctx, string(c.id), key, c.now())
	switch {
	case err != nil:
		return bot.MsgRef{}, err
	case state == storage.PostSent:
		return bot.MsgRef{Room: c.Room(p.RoomID), ID: p.MessageID, Thread: p.Thread}, nil
	case state == storage.PostBusy:
		return bot.MsgRef{}, &bot.RateLimited{After: time.Second}
	}
	m, err := c.post(to, card, key) // finds what is in doubt by its key
	if limited := (*bot.RateLimited)(nil); errors.As(err, &limited) {
		return m, errors.Join(err, c.ledger.ForgetPost(ctx, string(c.id), key))
	}
	if err != nil {
		return m, err
	}
	p.RoomID, p.MessageID, p.Thread = m.Room.ID, m.ID, m.Thread
	return m, c.ledger.SettlePost(ctx, p)
}

func (c *Chat) post(to bot.Target, card bot.Card, key string) (bot.MsgRef, error) {
	wrong := c.disturbed(Call{Method: "post", To: to})
	if wrong.Err != nil && !wrong.Lost {
		return bot.MsgRef{}, wrong.Err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, ok := c.keys[key]; ok && key != "" {
		return m, wrong.Err
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
	return ref, wrong.Err
}

func (c *Chat) direct(account string) bot.RoomRef {
	return bot.RoomRef{Platform: c.id, ID: "dm-" + account}
}

func (c *Chat) put(ref bot.MsgRef, card bot.Card, only string) bot.MsgRef {
	c.check(card)
	c.posts++
	ref.ID = fmt.Sprintf("m%d", c.posts)
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
	wrong := c.disturbed(Call{Method: "update", Ref: ref})
	if wrong.Err != nil && !wrong.Lost {
		return wrong.Err
	}
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
	c.updates = append(c.updates, Update{Ref: m.Ref, At: c.now()})
	return wrong.Err
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
	if p, ok := c.People[u.ID]; ok {
		return p, nil
	}
	return bot.Person{Name: u.ID, Email: strings.ToLower(u.ID) + "@example.com", Locale: "en-GB", TimeZone: "Europe/London"}, nil
}

// Members implements bot.Grouper.
func (c *Chat) Members(_ context.Context, group string) ([]bot.UserRef, error) {
	accounts, ok := c.Groups[group]
	switch {
	case c.GroupsFail != nil:
		return nil, c.GroupsFail
	case !ok:
		return nil, bot.ErrGone
	}
	refs := make([]bot.UserRef, len(accounts))
	for i, a := range accounts {
		refs[i] = bot.UserRef{Platform: c.id, ID: a}
	}
	return refs, nil
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
