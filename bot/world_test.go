package bot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// world is a bot with two chats over a real store: "web" knows who is signed in, on
// "slack" the bot finds out.
type world struct {
	*bot.Bot
	t        *testing.T
	store    *storage.Store
	commands *commands.Commands
	web      *bottest.Chat
	slack    *bottest.Chat
	feishu   *bottest.Chat
	room     bot.RoomRef // English, on web
	zhRoom   bot.RoomRef // Chinese, on slack
	rules    *slipway.Rules
	now      time.Time
	// described is what all workflows say of themselves.
	described string
	asked     int // requests of the engines

	delegations []slipway.Delegation

	alice, bob, carol, root *bottest.Person

	mu    sync.Mutex
	tasks []slipway.Task
}

// counter is randomness that is the same in every test.
type counter struct {
	mu sync.Mutex
	n  byte
}

func (c *counter) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range b {
		b[i] = byte(i) * 7
	}
	c.n++
	for i := 0; i < len(b) && i < 3; i++ {
		b[i] += c.n * byte(i+1)
	}
	b[len(b)-1] = c.n
	return len(b), nil
}

// engines answers for every workflow but those called "broken".
type engines struct {
	description *string // of all workflows by now; it may be nil
}

func (e engines) Resolve(_ context.Context, spec *slipway.WorkflowSpec) (*slipway.Workflow, []slipway.Problem, error) {
	if spec.Name == "broken" {
		return nil, []slipway.Problem{{Path: "workflow", Text: slipway.T("there is no workflow “broken”", "没有名为“broken”的工作流")}}, nil
	}
	w := &slipway.Workflow{Name: spec.Name, Project: spec.Project}
	if e.description != nil {
		w.Description = *e.description
	}
	return w, nil, nil
}

func (engines) Adopt(_ context.Context, _ *slipway.WorkflowSpec, said string) (string, error) {
	return said, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, store: storagetest.New(t), rules: &slipway.Rules{},
		now: time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC),
	}
	clock := func() time.Time { return w.now }
	w.store.OnCommit(func(_ context.Context, c storage.Committed) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tasks = append(w.tasks, c.Tasks...)
	})
	w.commands = commands.New(commands.Config{
		Store: w.store, Rules: w.inForce, Refresh: w.refresh, Workflows: engines{&w.described}, Now: clock, Rand: &counter{},
	})
	w.web, w.slack = bottest.New(t, bot.Web, clock), bottest.New(t, bot.Slack, clock)
	w.feishu = bottest.New(t, bot.Feishu, clock)
	w.room, w.zhRoom = w.web.Room("releases"), w.slack.Room("C1")
	for _, r := range []storage.Room{
		{Platform: "web", ID: "releases", Name: "releases", Locale: slipway.English},
		{Platform: "slack", ID: "C1", Name: "发布", Locale: slipway.Chinese},
	} {
		if err := w.store.PutRoom(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	b, err := bot.New(bot.Config{
		Commands: w.commands, Store: w.store, Platforms: []bot.Platform{w.web, w.slack, w.feishu}, Rooms: []bot.RoomRef{w.room, w.zhRoom},
		PublicURL: "https://slipway.example.com", Pace: -1, Now: clock, Rand: &counter{},
		Log: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), errorAlarm{t}), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Bot, w.commands.Sources = b, b
	w.web.Serve(b)
	w.slack.Serve(b)
	w.feishu.Serve(b)
	w.alice = w.user(commands.NewUser{Name: "Alice", Email: "alice@example.com", Locale: "en", TimeZone: "Asia/Shanghai"})
	w.bob = w.user(commands.NewUser{Name: "Bob", Email: "bob@example.com", Locale: "en"})
	w.carol = w.user(commands.NewUser{Name: "卡罗", Email: "carol@example.com", Locale: "zh", SlackID: "U-carol"})
	w.root = w.user(commands.NewUser{Name: "Root", Email: "root@example.com", Role: slipway.RoleAdmin})
	return w
}

// errorAlarm fails the test when the bot logs an error.
type errorAlarm struct{ t *testing.T }

func (a errorAlarm) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "level=ERROR") {
		a.t.Errorf("the bot logged: %s", line)
	}
	return len(line), nil
}

// inForce is the rules with the delegations that count now.
func (w *world) inForce() *slipway.Rules {
	r := *w.rules
	for _, d := range w.delegations {
		if d.InForce(w.now.Unix()) {
			r.Delegations = append(r.Delegations, d)
		}
	}
	return &r
}

func (w *world) refresh(ctx context.Context) (err error) {
	w.delegations, err = w.store.Delegations(ctx, w.now)
	return err
}

func (w *world) user(n commands.NewUser) *bottest.Person {
	w.t.Helper()
	u, err := w.commands.KeepUser(w.t.Context(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.web.Person(u.ID, u)
}

// settle does what the tasks of cards and notices do, until nothing is left.
func (w *world) settle() {
	w.t.Helper()
	for {
		w.mu.Lock()
		tasks := w.tasks
		w.tasks = nil
		w.mu.Unlock()
		if len(tasks) == 0 {
			return
		}
		for _, task := range tasks {
			var err error
			switch task.Kind {
			case slipway.TaskCard:
				err = w.Repaint(w.t.Context(), task.PlanID)
			case slipway.TaskNotice:
				var n slipway.Notice
				if err = json.Unmarshal(task.Data, &n); err == nil {
					err = w.Tell(w.t.Context(), task.PlanID, n, task.Key)
				}
			case slipway.TaskHook, slipway.TaskRun, slipway.TaskSchedule, slipway.TaskWindow, slipway.TaskDeadline, slipway.TaskPatience, slipway.TaskPresence, slipway.TaskAnswer,
				slipway.TaskRecheck, slipway.TaskJudge, slipway.TaskJira, slipway.TaskQuestion:
			}
			if err != nil {
				w.t.Fatalf("task %s: %v", task.Kind, err)
			}
		}
	}
}

// plan returns the plan with the number.
func (w *world) plan(index int64) *slipway.Plan {
	w.t.Helper()
	p, err := w.store.PlanByIndex(w.t.Context(), index)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) is(want slipway.Status) {
	w.t.Helper()
	if got := w.plan(1).Status(); got != want {
		w.t.Fatalf("the plan is %s, want %s", got, want)
	}
}

// live returns the live card of plan 1 in a room.
func (w *world) live(c *bottest.Chat, room bot.RoomRef) *bottest.Message {
	w.t.Helper()
	w.settle()
	var found []*bottest.Message
	for _, m := range c.Seen("", room) {
		if m.Card.Plan == w.plan(1).ID {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%d live cards in %s, want 1", len(found), room.ID)
	}
	return found[0]
}

// ends lets the run of an item begin and end.
func (w *world) ends(item int, s slipway.RunStatus) {
	w.t.Helper()
	w.begins(item)
	w.fails(item, slipway.RunEnd{Status: s, Reason: slipway.T("exit code 1", "退出码 1")})
}

// begins lets the run of an item begin, and returns its id.
func (w *world) begins(item int) string {
	w.t.Helper()
	p := w.plan(1)
	run := p.Items[item-1].Workflow.RunID
	if err := w.store.RunStartedAs(w.t.Context(), run, "1", w.now); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.commands.RunStarted(w.t.Context(), "task:start-"+run, p.ID, run, "https://engine.example.com/1"); err != nil {
		w.t.Fatal(err)
	}
	return run
}

// fails lets the run of an item end.
func (w *world) fails(item int, end slipway.RunEnd) {
	w.t.Helper()
	p := w.plan(1)
	run := p.Items[item-1].Workflow.RunID
	if err := w.store.EndRun(w.t.Context(), run, end, w.now); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.commands.RunEnded(w.t.Context(), "task:end-"+run, p.ID, run, end); err != nil {
		w.t.Fatal(err)
	}
}

// tells keeps what the engine tells of a run, and has the cards show it.
func (w *world) tells(run, state string) {
	w.t.Helper()
	if err := w.store.RunProgress(w.t.Context(), run, json.RawMessage(state)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.RefreshCards(w.t.Context(), w.plan(1).ID, w.now); err != nil {
		w.t.Fatal(err)
	}
}

// waits lets the run of an item wait at some points.
func (w *world) waits(item int, points ...slipway.RunWait) {
	w.t.Helper()
	p := w.plan(1)
	w.asked++
	id := fmt.Sprintf("task:waits-%d", w.asked)
	if _, err := w.commands.RunWaits(w.t.Context(), id, p.ID, p.Items[item-1].Workflow.RunID, points); err != nil && !commands.IsUnchanged(err) {
		w.t.Fatal(err)
	}
}

// wantToast checks the line that a person was answered with.
func (w *world) wantToast(r bot.Reply, kind bot.ToastKind, part string) {
	w.t.Helper()
	if r.Toast == nil {
		w.t.Fatalf("no toast in %+v", r)
	}
	if r.Toast.Kind != kind || !strings.Contains(r.Toast.Text, part) {
		w.t.Fatalf("%s %q, want %s with %q", r.Toast.Kind, r.Toast.Text, kind, part)
	}
}

// wantWhisper checks the card that a person alone was answered with.
func (w *world) wantWhisper(r bot.Reply, part string) {
	w.t.Helper()
	if r.Whisper == nil {
		w.t.Fatalf("no private answer in %+v", r)
	}
	if text := textOf(*r.Whisper); !strings.Contains(text, part) {
		w.t.Fatalf("want %q in:\n%s", part, text)
	}
}

// textOf is all that can be read on a card.
func textOf(c bot.Card) string {
	var b strings.Builder
	line := func(l bot.Line) { b.WriteString(l.Text(c.Lang, time.UTC) + "\n") }
	b.WriteString(c.Title + "\n")
	if c.State != nil {
		b.WriteString(c.State.Word + "\n")
	}
	for _, l := range c.Intro {
		line(l)
	}
	for _, f := range c.Facts {
		b.WriteString(f.Label + ": ")
		line(f.Value)
	}
	b.WriteString(string(c.Body) + "\n")
	for _, r := range c.Rows {
		if r.State != nil {
			b.WriteString(r.State.Word + " ")
		}
		line(r.Title)
		for _, d := range r.Details {
			line(d)
		}
	}
	for _, l := range c.People {
		line(l)
	}
	for _, a := range bottest.Actions(c) {
		b.WriteString("[" + a.Label + "] ")
	}
	return b.String()
}
