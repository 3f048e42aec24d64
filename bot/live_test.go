package bot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/storage"
)

// Outside the console only Repaint changes live cards, and a refused click has them
// painted again.
func TestALiveCardIsLeftToRepaint(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.process()
	p := h.plan("payments")
	h.settle(b)
	h.pass(time.Minute)
	alice := h.slack.Person("Alice", nil)
	card := h.live(h.slack, h.rooms[1], p.ID)

	r := alice.Press(card, "submit", 0) // without items
	if r.Toast == nil || r.Toast.Kind != bot.ToastRefused || r.Card != nil {
		t.Errorf("a refused click is answered with %+v", r)
	}
	h.settle(b)
	if n := h.live(h.slack, h.rooms[1], p.ID).Edits; n != 1 {
		t.Errorf("the card was painted %d times after a refused click, want once", n)
	}
	if n := h.live(h.web, h.rooms[0], p.ID).Edits; n != 0 {
		t.Errorf("another card was painted %d times", n)
	}

	h.pass(time.Minute)
	alice.Press(card, "add", 0)
	r = alice.Fill(bot.Values{"name": {"announce"}, "type": {"text"}})
	if r.Toast == nil || r.Toast.Kind != bot.ToastDone || r.Card != nil {
		t.Errorf("a deed is answered with %+v", r)
	}
	h.settle(b)
	if m := h.live(h.slack, h.rooms[1], p.ID); len(m.Card.Rows) != 1 || m.Edits != 2 {
		t.Errorf("the card has %d items after %d edits", len(m.Card.Rows), m.Edits)
	}
}

func TestAThreadKnowsItsPlan(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.process()
	p := h.plan("payments")
	h.settle(b)
	old := h.live(h.slack, h.rooms[1], p.ID)
	h.slack.Person("Alice", nil).Say(h.rooms[1], "show #1")
	h.settle(b)
	for _, m := range []*bottest.Message{old, h.live(h.slack, h.rooms[1], p.ID)} {
		r := b.Handle(t.Context(), bot.Event{
			Kind: bot.Mention, ID: "mention-" + m.Ref.ID, From: bot.UserRef{Platform: bot.Slack, ID: "Alice"}, Room: h.rooms[1],
			Msg: bot.MsgRef{Room: h.rooms[1], ID: "typed", Thread: m.Ref.ID}, Text: "show",
		})
		if r.Whisper == nil || r.Whisper.Plan != p.ID {
			t.Errorf("in the thread of %s: %+v", m.Ref.ID, r)
		}
	}
}

// While a click is being answered, and a moment after, Feishu's cards are left alone.
func TestAnAnswerSettlesFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.process()
	p := h.plan("payments")
	h.settle(b)
	h.pass(time.Minute)
	card := h.live(h.feishu.Chat, h.rooms[2], p.ID)
	alice := h.feishu.Person("Alice", nil)
	alice.Press(card, "add", 0)
	h.pass(time.Second)
	clicked := h.now()
	alice.Fill(bot.Values{"name": {"announce"}, "type": {"text"}})
	h.settle(b)
	updates := h.feishu.Updates()
	if last := updates[len(updates)-1]; last.At.Sub(clicked) < 500*time.Millisecond || last.At.Sub(clicked) > time.Second {
		t.Errorf("painted %s after the answer", last.At.Sub(clicked))
	}
	h.check([]*slipway.Plan{p})
}

func TestManyChangesAreToldInOneMessage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.process()
	p := h.plan("payments")
	h.settle(b)
	for i := range 40 {
		h.change(p, fmt.Sprintf("change %d", i))
	}
	h.settle(b)
	for _, room := range h.rooms {
		thread := h.chat(room).Thread(h.live(h.chat(room), room, p.ID).Ref)
		if len(thread) != 2 || len(thread[1].Intro) != 31 || thread[1].Intro[0][0].Text != "… 10 more in the log" {
			t.Errorf("%d messages in the thread in %s, the last: %+v", len(thread), room.ID, thread[len(thread)-1].Intro[0])
		}
	}
}

func TestARoomWhereSomebodyAskedKeepsTheirLanguageAndZone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.process()
	p := h.plan("payments")
	room := h.slack.Room("C-new")
	b.Handle(t.Context(), bot.Event{
		Kind: bot.Command, ID: "show", From: bot.UserRef{Platform: bot.Slack, ID: "Dora"}, Room: room, Text: "查看 #1", Locale: "zh-CN",
		TimeZone: "Asia/Tokyo",
	})
	h.change(p, "changed")
	h.settle(b)
	r, err := h.store.Room(t.Context(), "slack", "C-new")
	must(t, err)
	card := h.live(h.slack, room, p.ID).Card
	if card.Body != "changed" || card.Zone != "Asia/Tokyo" || card.Lang != r.Locale {
		t.Errorf("room %+v, card in %q and %q: %s", r, card.Lang, card.Zone, card.Body)
	}
}

// A card that was replaced says where the other is.
type linking struct{ *bottest.Chat }

func (linking) Permalink(_ context.Context, m bot.MsgRef) (string, error) {
	return "https://chat.example.com/" + m.Room.ID + "/" + m.ID, nil
}

// finding finds accounts by address and buzzes.
type finding struct {
	linking
	accounts map[string]string

	mu     sync.Mutex
	asked  map[string]int
	buzzed []bot.MsgRef
}

func (f *finding) Find(_ context.Context, email string) (bot.UserRef, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[email]++
	if id, ok := f.accounts[email]; ok {
		return bot.UserRef{Platform: f.ID(), ID: id}, nil
	}
	return bot.UserRef{}, bot.ErrGone
}

func (f *finding) Buzz(_ context.Context, m bot.MsgRef, _ []bot.UserRef) error {
	f.buzzed = append(f.buzzed, m)
	return nil
}

// bot is a bot with one chat, for what the others cannot do.
func (h *house) bot(p bot.Platform, log *slog.Logger, rooms ...bot.RoomRef) *bot.Bot {
	h.t.Helper()
	b, err := bot.New(bot.Config{Commands: h.commands, Store: h.store, Platforms: []bot.Platform{p}, Rooms: rooms, Now: h.now, Rand: &counter{}, Log: log})
	must(h.t, err)
	h.slack.Serve(b)
	return b
}

func TestACardThatMovedLinksToTheOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.bot(linking{h.slack}, nil, h.rooms[1])
	p := h.plan("payments")
	h.settle(b)
	old := h.live(h.slack, h.rooms[1], p.ID)
	h.pass(time.Minute)
	h.slack.Person("Alice", nil).Say(h.rooms[1], "show #1")
	h.slack.Fail(old.Ref, &bot.RateLimited{After: 2 * time.Second}) // marking it is not lost
	h.settle(b)
	now := h.live(h.slack, h.rooms[1], p.ID)
	if now.Ref == old.Ref {
		t.Fatal("the card was not posted anew")
	}
	seen := h.slack.Seen("", h.rooms[1])
	if link := seen[0].Card.Intro[0][0].Link; link != "https://chat.example.com/C1/"+now.Ref.ID {
		t.Errorf("the old card links to %q", link)
	}
	h.slack.Delete(now.Ref)
	h.change(p, "changed")
	h.settle(b)
	if m := h.live(h.slack, h.rooms[1], p.ID); m.Card.Body != "changed" {
		t.Errorf("the card after one was deleted: %+v", m.Card)
	}
}

// interrupted is a chat where something happens while the bot writes into a thread or
// changes a message.
type interrupted struct {
	*bottest.Chat
	telling, updating func()
}

func (c *interrupted) Post(ctx context.Context, to bot.Target, card bot.Card, key string) (bot.MsgRef, error) {
	if happens := c.telling; happens != nil && to.ReplyTo.ID != "" {
		c.telling = nil
		happens()
	}
	return c.Chat.Post(ctx, to, card, key)
}

func (c *interrupted) Update(ctx context.Context, m bot.MsgRef, card bot.Card) error {
	if happens := c.updating; happens != nil {
		c.updating = nil
		happens()
	}
	return c.Chat.Update(ctx, m, card)
}

func TestACardThatMovesWhileItIsPaintedSaysSo(t *testing.T) {
	t.Parallel()
	for name, interrupt := range map[string]func(c *interrupted, show func()){
		"while its thread is told":    func(c *interrupted, show func()) { c.telling = show },
		"while it is being repainted": func(c *interrupted, show func()) { c.updating = show },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			chat := &interrupted{Chat: h.slack}
			b := h.bot(chat, nil, h.rooms[1])
			interrupt(chat, func() {
				h.pass(2 * bot.DefaultPace)
				h.slack.Person("Alice", nil).Say(h.rooms[1], "show #1")
			})
			p := h.plan("payments")
			h.settle(b)
			h.change(p, "changed")
			h.settle(b)
			seen := h.slack.Seen("", h.rooms[1])
			if now := h.live(h.slack, h.rooms[1], p.ID); now.Ref == seen[0].Ref || now.Card.Body != "changed" {
				t.Fatalf("the card was not posted anew: %+v", now)
			}
			if old := seen[0].Card; len(old.Actions) > 0 || !strings.Contains(old.Intro[0][0].Text, "further down") {
				t.Errorf("the old card does not point to the new one: %+v", old)
			}
		})
	}
}

func TestPeopleAreFoundToldOnceAndBuzzed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := &finding{linking: linking{h.slack}, accounts: map[string]string{"alice@example.com": "U-alice"}, asked: map[string]int{}}
	b := h.bot(f, nil)
	p := h.plan("payments")
	bob := slipway.User{ID: "u-bob", Name: "Bob", Email: "bob@example.com", Role: slipway.RoleMember, Locale: slipway.English}
	must(t, h.store.CreateUser(t.Context(), &bob))
	n := slipway.Notice{To: []string{h.alice.ID, bob.ID}, Text: slipway.T("Look!", "请看！"), Card: true, Urgent: true}
	for range 2 {
		must(t, b.Tell(t.Context(), p.ID, n, "notice:1"))
	}
	u, err := h.store.UserBySlackID(t.Context(), "U-alice")
	must(t, err)
	if u.ID != h.alice.ID || len(h.slack.Direct("U-alice")) != 1 || len(f.buzzed) != 1 || f.asked["bob@example.com"] != 1 {
		t.Errorf("found %s, %d messages, %d buzzes, Bob was looked for %d times", u.ID, len(h.slack.Direct("U-alice")), len(f.buzzed), f.asked["bob@example.com"])
	}
	h.change(p, "changed")
	h.settle(b)
	if m := h.slack.Direct("U-alice")[0]; m.Card.Body != "changed" {
		t.Error("the card in the direct room is not live")
	}
}

func TestARoomThatFailsIsLoggedOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var log bytes.Buffer
	b := h.bot(h.slack, slog.New(slog.NewTextHandler(&log, nil)), h.rooms[1])
	p := h.plan("payments")
	h.slack.Disturb(func(bottest.Call) bottest.Disturbance {
		return bottest.Disturbance{Err: errors.New("no such team")}
	})
	for range 5 {
		room := (*bot.RoomError)(nil)
		if err := b.Repaint(t.Context(), p.ID); !errors.As(err, &room) || room.Room != h.rooms[1] {
			t.Errorf("the error is %v", err)
		}
		h.pass(storage.PostPatience)
	}
	h.slack.Disturb(nil)
	h.settle(b)
	for _, text := range []string{"room fails", "room works again"} {
		if n := strings.Count(log.String(), text); n != 1 {
			t.Errorf("%q was logged %d times:\n%s", text, n, log.String())
		}
	}
}
