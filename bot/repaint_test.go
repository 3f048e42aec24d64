package bot_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// house is what survives a process: the store, three chats, and the tasks that wait.
type house struct {
	t        *testing.T
	store    *storage.Store
	commands *commands.Commands
	alice    *slipway.User
	at       atomic.Int64 // Unix milliseconds
	web      *bottest.Chat
	slack    *bottest.Chat
	feishu   *slowToSettle
	rooms    []bot.RoomRef

	mu  sync.Mutex
	due map[string]time.Time // by plan
}

// slowToSettle is a chat that takes updates back which come while a click is answered.
type slowToSettle struct{ *bottest.Chat }

func (slowToSettle) Settle() time.Duration { return 500 * time.Millisecond }

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, store: storagetest.New(t), due: map[string]time.Time{}}
	h.at.Store(time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC).UnixMilli())
	h.store.OnCommit(func(_ context.Context, c storage.Committed) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, task := range c.Tasks {
			if task.Kind == slipway.TaskCard {
				h.due[task.PlanID] = time.UnixMilli(task.RunAt)
			}
		}
	})
	h.commands = commands.New(commands.Config{
		Store: h.store, Rules: func() *slipway.Rules { return &slipway.Rules{} }, Workflows: engines{}, Now: h.now, Rand: rand.Reader,
	})
	h.web, h.slack = bottest.New(t, bot.Web, h.now), bottest.New(t, bot.Slack, h.now)
	h.feishu = &slowToSettle{bottest.New(t, bot.Feishu, h.now)}
	h.slack.Keep(h.store)
	h.feishu.Keep(h.store)
	h.rooms = []bot.RoomRef{h.web.Room("releases"), h.slack.Room("C1"), h.feishu.Room("oc_1")}
	for _, r := range h.rooms {
		must(t, h.store.PutRoom(t.Context(), storage.Room{Platform: string(r.Platform), ID: r.ID, Locale: slipway.English, TimeZone: "Asia/Shanghai"}))
	}
	var err error
	h.alice, err = h.commands.KeepUser(t.Context(), commands.NewUser{Name: "Alice", Email: "alice@example.com", Locale: "en"})
	must(t, err)
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) now() time.Time { return time.UnixMilli(h.at.Load()).UTC() }

func (h *house) pass(d time.Duration) { h.at.Add(d.Milliseconds()) }

// process is a bot of the house, with a memory of its own.
func (h *house) process() *bot.Bot {
	h.t.Helper()
	b, err := bot.New(bot.Config{
		Commands: h.commands, Store: h.store, Platforms: []bot.Platform{h.web, h.slack, h.feishu}, Rooms: h.rooms, Now: h.now, Rand: rand.Reader,
		Log: slog.New(slog.NewTextHandler(h.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	must(h.t, err)
	for _, c := range []*bottest.Chat{h.web, h.slack, h.feishu.Chat} {
		c.Serve(b)
	}
	return b
}

func (h *house) plan(name string) *slipway.Plan {
	h.t.Helper()
	out, err := h.commands.CreateDraft(h.t.Context(), commands.Ask{User: h.alice}, slipway.Draft{Name: name, Manager: h.alice.Ref()})
	must(h.t, err)
	return out.Plan
}

func (h *house) change(p *slipway.Plan, description string) {
	h.t.Helper()
	_, err := h.commands.EditDraft(h.t.Context(), commands.Ask{User: h.alice}, p.ID, func(d *slipway.Draft) error {
		d.Description = description
		return nil
	})
	must(h.t, err)
}

// take takes the tasks that are due.
func (h *house) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var plans []string
	for id, at := range h.due {
		if !at.After(h.now()) {
			plans = append(plans, id)
			delete(h.due, id)
		}
	}
	return plans
}

// repaint does the task of a plan's cards and returns what went wrong but waiting.
func (h *house) repaint(b *bot.Bot, planID string) error {
	after, waits, rest := bot.Soonest(b.Repaint(h.t.Context(), planID))
	if rest != nil && (!waits || after > time.Second) {
		after, waits = time.Second, true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.now().Add(after)
	if old, ok := h.due[planID]; waits && (!ok || at.Before(old)) {
		h.due[planID] = at
	}
	return rest
}

// settle does all tasks, as time passes.
func (h *house) settle(b *bot.Bot) {
	h.t.Helper()
	for range 1000 {
		for _, id := range h.take() {
			must(h.t, h.repaint(b, id))
		}
		h.mu.Lock()
		waiting := len(h.due)
		h.mu.Unlock()
		if waiting == 0 {
			return
		}
		h.pass(100 * time.Millisecond)
	}
	h.t.Fatal("the cards never settle")
}

// live returns the live card of a plan in a room.
func (h *house) live(c *bottest.Chat, room bot.RoomRef, planID string) *bottest.Message {
	h.t.Helper()
	var found []*bottest.Message
	for _, m := range c.Seen("", room) {
		ref, err := h.store.CardAt(h.t.Context(), string(room.Platform), room.ID, m.Ref.ID)
		if err == nil && ref.PlanID == planID && ref.Moved == "" {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		h.t.Fatalf("%d live cards of plan %s in %s, want 1", len(found), planID, room.ID)
	}
	return found[0]
}

func (h *house) chat(room bot.RoomRef) *bottest.Chat {
	return map[bot.PlatformID]*bottest.Chat{bot.Web: h.web, bot.Slack: h.slack, bot.Feishu: h.feishu.Chat}[room.Platform]
}

// check demands that every card shows its plan as it is.
func (h *house) check(plans []*slipway.Plan) {
	h.t.Helper()
	for _, p := range plans {
		now, err := h.store.Plan(h.t.Context(), p.ID)
		must(h.t, err)
		for _, room := range h.rooms {
			want := bot.PlanCard(now, bot.View{Lang: slipway.English, Zone: "Asia/Shanghai"})
			if diff := cmp.Diff(asJSON(h.t, want), asJSON(h.t, h.live(h.chat(room), room, p.ID).Card)); diff != "" {
				h.t.Errorf("the card in %s (-want +shown):\n%s", room.ID, diff)
			}
		}
	}
}

func asJSON(t *testing.T, c bot.Card) string {
	t.Helper()
	data, err := json.MarshalIndent(c, "", " ")
	must(t, err)
	return string(data)
}

// told counts the changes that the thread of a message tells.
func told(c *bottest.Chat, m *bottest.Message) int {
	n := 0
	for _, card := range c.Thread(m.Ref) {
		for _, line := range card.Intro {
			more := 1
			_, _ = fmt.Sscanf(line[0].Text, "… %d more in the log", &more) // any other line is one change
			n += more
		}
	}
	return n
}

// checkPace demands that no message was changed twice within a second.
func checkPace(t *testing.T, c *bottest.Chat) {
	t.Helper()
	last := map[bot.MsgRef]time.Time{}
	for _, u := range c.Updates() {
		if gap := u.At.Sub(last[u.Ref]); gap < time.Second {
			t.Errorf("message %s in %s was changed again after %s", u.Ref.ID, u.Ref.Room.ID, gap)
		}
		last[u.Ref] = u.At
	}
}

// mischief disturbs a call now and then.
func mischief(dice *mathrand.Rand, kinds ...bottest.Disturbance) func(bottest.Call) bottest.Disturbance {
	var mu sync.Mutex
	return func(bottest.Call) bottest.Disturbance {
		mu.Lock()
		defer mu.Unlock()
		if dice.IntN(5) > 0 {
			return bottest.Disturbance{}
		}
		return kinds[dice.IntN(len(kinds))]
	}
}

func TestAThousandChangesLeaveEveryCardRight(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	dice := mathrand.New(mathrand.NewPCG(7, 11))
	broken := errors.New("the connection broke")
	h.slack.Disturb(mischief(mathrand.New(mathrand.NewPCG(1, 2)),
		bottest.Disturbance{Err: &bot.RateLimited{After: 3 * time.Second}}, bottest.Disturbance{Err: broken},
		bottest.Disturbance{Err: broken, Lost: true}))
	h.feishu.Disturb(mischief(mathrand.New(mathrand.NewPCG(3, 4)),
		bottest.Disturbance{Err: &bot.RateLimited{After: 700 * time.Millisecond}}, bottest.Disturbance{Err: bot.ErrTooOld}))
	processes := []*bot.Bot{h.process(), h.process()}
	plans := make([]*slipway.Plan, 10)
	for i := range plans {
		plans[i] = h.plan(fmt.Sprintf("plan %d", i))
	}
	for n := range 1000 {
		h.change(plans[dice.IntN(len(plans))], fmt.Sprintf("change %d", n))
		h.pass(time.Duration(dice.IntN(200)) * time.Millisecond)
		if dice.IntN(50) == 0 {
			processes[dice.IntN(2)] = h.process() // one ends and starts anew
		}
		if dice.IntN(12) > 0 {
			continue
		}
		var wg sync.WaitGroup
		for _, id := range h.take() {
			both := dice.IntN(4) == 0
			for i, b := range processes {
				if i == n%2 || both {
					wg.Go(func() { _ = h.repaint(b, id) }) // what went wrong is tried again
				}
			}
		}
		wg.Wait()
	}
	h.slack.Disturb(nil)
	h.feishu.Disturb(nil)
	h.settle(processes[0])
	h.check(plans)
	checkPace(t, h.slack)
	checkPace(t, h.feishu.Chat)
	for _, p := range plans {
		now, err := h.store.Plan(t.Context(), p.ID)
		must(t, err)
		for _, room := range h.rooms[:2] {
			if n := told(h.chat(room), h.live(h.chat(room), room, p.ID)); int64(n) != now.Seq {
				t.Errorf("the thread in %s tells %d of %d changes", room.ID, n, now.Seq)
			}
		}
	}
}

// A process that ends between a commit and the card leaves the rest to the next one.
func TestACardIsRightAfterARestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.plan("payments")
	h.settle(h.process())
	for _, wrong := range []bottest.Disturbance{
		{Err: errors.New("the process ended before")}, {Err: errors.New("the process ended after"), Lost: true},
	} {
		for _, method := range []string{"update", "post"} {
			h.change(p, method+wrong.Err.Error())
			h.pass(time.Second)
			h.slack.Disturb(func(c bottest.Call) bottest.Disturbance {
				if c.Method == method {
					return wrong
				}
				return bottest.Disturbance{}
			})
			for _, id := range h.take() {
				if err := h.repaint(h.process(), id); err == nil {
					t.Error("nothing went wrong")
				}
			}
			h.slack.Disturb(nil)
			h.settle(h.process())
			h.check([]*slipway.Plan{p})
		}
	}
	if n := told(h.slack, h.live(h.slack, h.rooms[1], p.ID)); n != 5 {
		t.Errorf("the thread tells %d changes, want 5", n)
	}
}

// A platform that hangs holds up neither the others nor other plans.
func TestWhatIsSlowHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.process()
	one, two := h.plan("one"), h.plan("two")
	h.settle(b)
	h.change(one, "changed")
	h.change(two, "changed")
	h.pass(2 * time.Second)
	release := make(chan struct{})
	slow := h.live(h.slack, h.rooms[1], one.ID).Ref
	h.slack.Disturb(func(c bottest.Call) bottest.Disturbance {
		if c.Ref.ID == slow.ID {
			<-release
		}
		return bottest.Disturbance{}
	})
	for _, p := range []*slipway.Plan{one, two} {
		must(t, h.repaint(b, p.ID))
	}
	for _, room := range h.rooms {
		for _, p := range []*slipway.Plan{one, two} {
			if m := h.live(h.chat(room), room, p.ID); m.Ref != slow && m.Card.Body != "changed" {
				t.Errorf("the card of %s in %s waits for the slow one", p.Name, room.ID)
			}
		}
	}
	h.slack.Disturb(nil)
	close(release)
	h.settle(b)
	h.check([]*slipway.Plan{one, two})
}
