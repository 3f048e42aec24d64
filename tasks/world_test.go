package tasks

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/standin"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// morning is when the stories of these tests begin.
var morning = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

var (
	alice = &slipway.User{ID: "u-alice", Name: "Alice", Email: "alice@example.com", Role: slipway.RoleMember, Locale: slipway.English}
	root  = &slipway.User{ID: "u-root", Name: "Root", Email: "root@example.com", Role: slipway.RoleAdmin, Locale: slipway.English}
)

// office is asked when the planning is finished; wall is only told.
func office() slipway.Endpoint {
	return slipway.Endpoint{
		Name: "office", URL: "https://office.example.com/hooks", Wait: true, Deadline: 24 * time.Hour,
		Events: []slipway.Event{slipway.EventFinishPlanning},
	}
}

func wall() slipway.Endpoint {
	return slipway.Endpoint{Name: "wall", URL: "https://wall.example.com/hooks", Events: slipway.Events()}
}

// clock is a time that only tests move.
type clock struct {
	mu     sync.Mutex
	at     time.Time
	looked int
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked++
	return c.at
}

// looks returns how often the clock was looked at.
func (c *clock) looks() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.looked
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is one process with everything it needs; others can join it.
type world struct {
	*Tasks

	clock  *clock
	rules  *slipway.Rules
	sender *fakeSender
	cards  *fakeCards
	engine *fakeEngine
	able   *ableEngine
	office *fakeApprovals // Feishu's approvals
	on     string         // the engine of the workflow items
	logged *standin.Log
}

// each runs a story on SQLite with the embedded Redis and on PostgreSQL with Redis.
func each(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		story(t, newWorld(t, storagetest.New(t), ""))
	})
	t.Run("servers", func(t *testing.T) {
		t.Parallel()
		story(t, newWorld(t, storagetest.NewPostgres(t), storagetest.Redis(t)))
	})
}

// embedded runs a story on SQLite with the embedded Redis only: one of a table whose
// rows differ in nothing that a database or Redis could tell.
func embedded(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	story(t, newWorld(t, storagetest.New(t), ""))
}

func newWorld(tb testing.TB, store *storage.Store, redisURL string) *world {
	tb.Helper()
	w := &world{
		clock: &clock{at: morning}, rules: &slipway.Rules{}, sender: &fakeSender{}, cards: &fakeCards{}, engine: newFakeEngine(),
		logged: &standin.Log{}, on: "fake",
	}
	w.able = &ableEngine{fakeEngine: newFakeEngine()}
	w.office = newFakeApprovals(tb)
	w.Tasks = w.join(tb, store, redisURL)
	return w
}

// join starts one more process of the same world. Its store's commits are told to the
// newest process only.
func (w *world) join(tb testing.TB, store *storage.Store, redisURL string) *Tasks {
	tb.Helper()
	log := slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := OpenRedis(RedisConfig{URL: redisURL, Now: time.Now, Rand: rand.Reader, Log: log})
	if err != nil {
		tb.Fatal(err)
	}
	engines := NewEngines(w.engine, w.able)
	rules := func() *slipway.Rules { return w.rules }
	cmds := commands.New(commands.Config{Store: store, Rules: rules, Workflows: engines, Now: w.clock.now, Rand: rand.Reader})
	t, err := New(Config{
		Store: store, Commands: cmds, Redis: client, Engines: engines, Sender: w.sender, Rules: rules, Cards: w.cards,
		Approvals: []bot.Approvals{w.office},
		Notices:   NewNotices(client, rand.Text(), log), Role: RoleAll, Now: w.clock.now, Rand: rand.Reader, Log: log,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := t.Stop(ctx); err != nil {
			tb.Error(err)
		}
		_ = client.Close() // a test may have closed it
	})
	return t
}

func (w *world) start(tb testing.TB) {
	tb.Helper()
	if err := w.Start(); err != nil {
		tb.Fatal(err)
	}
}

// plan makes a plan of Alice's with a text item and, if steps are named, workflow
// items of the fake engine, and submits it.
func (w *world) plan(tb testing.TB, edit func(*slipway.Draft), steps ...string) *slipway.Plan {
	tb.Helper()
	d := slipway.Draft{Name: "payments 4.2", Manager: alice.Ref(), Items: []*slipway.Item{
		{Name: "announce", Type: slipway.TextItem, Text: &slipway.TextSpec{Content: "Tell the hotline"}},
	}}
	for _, s := range steps {
		d.Items = append(d.Items, &slipway.Item{
			Name: s, Type: slipway.WorkflowItem, Workflow: &slipway.WorkflowSpec{Engine: w.on, Name: s},
		})
	}
	if edit != nil {
		edit(&d)
	}
	out, err := w.Commands.CreateDraft(tb.Context(), commands.Ask{User: alice}, d)
	if err != nil {
		tb.Fatal(err)
	}
	return w.must(tb)(w.Commands.Submit(tb.Context(), commands.Ask{User: alice}, out.Plan.ID))
}

// executing makes a plan whose items can be worked on.
func (w *world) executing(tb testing.TB, steps ...string) *slipway.Plan {
	tb.Helper()
	p := w.plan(tb, nil, steps...)
	return w.must(tb)(w.Commands.Start(tb.Context(), commands.Ask{User: alice}, p.ID))
}

// must returns the plan of an outcome that must be good.
func (w *world) must(tb testing.TB) func(storage.Outcome, error) *slipway.Plan {
	return func(out storage.Outcome, err error) *slipway.Plan {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return out.Plan
	}
}

func (w *world) look(tb testing.TB, planID string) *slipway.Plan {
	tb.Helper()
	p, err := w.Store.Plan(tb.Context(), planID)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func (w *world) delivery(tb testing.TB, planID string) *storage.Delivery {
	tb.Helper()
	ds, err := w.Store.Deliveries(tb.Context(), planID)
	if err != nil || len(ds) != 1 {
		tb.Fatalf("%d deliveries, error %v; want one", len(ds), err)
	}
	return &ds[0]
}

func (w *world) onlyRun(tb testing.TB, planID string) *storage.Run {
	tb.Helper()
	runs, err := w.Store.Runs(tb.Context(), planID)
	if err != nil || len(runs) != 1 {
		tb.Fatalf("%d runs, error %v; want one", len(runs), err)
	}
	return &runs[0]
}

// due returns the ids of the tasks of some kinds that can be done now, longest due
// first. It takes part in the sweep's bookkeeping, so it moves the clock past it.
func (w *world) due(tb testing.TB, kinds ...slipway.TaskKind) []string {
	tb.Helper()
	w.clock.advance(6 * time.Second)
	offers, err := w.Store.OfferDue(tb.Context(), w.clock.now(), 1000)
	if err != nil {
		tb.Fatal(err)
	}
	var ids []string
	for _, o := range offers {
		if slices.Contains(kinds, o.Task.Kind) {
			ids = append(ids, o.Task.ID)
		}
	}
	return ids
}

// one returns the id of the only task of a kind that can be done now.
func (w *world) one(tb testing.TB, kind slipway.TaskKind) string {
	tb.Helper()
	ids := w.due(tb, kind)
	if len(ids) != 1 {
		tb.Fatalf("%d tasks of kind %s are due, want one", len(ids), kind)
	}
	return ids[0]
}

// lease takes a row, as a worker of a name.
func (w *world) lease(tb testing.TB, id, owner string) *storage.Taken {
	tb.Helper()
	taken, err := w.Store.LeaseTasks(tb.Context(), []string{id}, owner, w.clock.now(), leaseTime)
	if err != nil || taken[id] == nil {
		tb.Fatalf("leased %v, error %v", taken, err)
	}
	return taken[id]
}

// handle does a row and checks what becomes of it.
func (w *world) handle(tb testing.TB, id string, want Ending) {
	tb.Helper()
	if got := w.Handle(tb.Context(), id); got != want {
		tb.Fatalf("the task ended as %q, want %q; log:\n%s", got, want, w.logged)
	}
}

func (w *world) count(tb testing.TB, kind slipway.TaskKind) int64 {
	tb.Helper()
	counts, err := w.Store.TaskCounts(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return counts[kind]
}

// verbs are what the log of a plan tells, oldest first.
func (w *world) verbs(tb testing.TB, planID string) []slipway.Verb {
	tb.Helper()
	page, err := w.Store.Entries(tb.Context(), planID, "", 200)
	if err != nil {
		tb.Fatal(err)
	}
	var verbs []slipway.Verb
	for _, e := range slices.Backward(page.Rows) {
		verbs = append(verbs, e.Verb)
	}
	return verbs
}

// eventually waits until something has happened.
func eventually(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-ctx.Done():
			tb.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// receive takes a value that must come.
func receive[T any](tb testing.TB, what string, c <-chan T) T {
	tb.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		tb.Fatalf("never: %s", what)
		panic("unreachable")
	}
}
