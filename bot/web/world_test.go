package web_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/web"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// world is a console with a bot behind it, in the middle of a working day.
type world struct {
	t       *testing.T
	store   *storage.Store
	cmds    *commands.Commands
	rules   *slipway.Rules
	notices *notices
	web     *web.Web
	bot     bot.Handler
	server  *httptest.Server
	room    *storage.Room

	alice, bob, wang *slipway.User // alice is an admin; wang reads Chinese
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// setup changes how the world is made.
type setup func(*world, *web.Config)

func newWorld(t *testing.T, setups ...setup) *world {
	t.Helper()
	w := &world{t: t, store: storagetest.New(t), rules: &slipway.Rules{}, notices: &notices{subs: map[chan string]bool{}}}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	markdown := commands.NewMarkdown()
	w.rules.HTML = markdown.HTML
	w.cmds = commands.New(commands.Config{
		Store: w.store, Rules: func() *slipway.Rules { return w.rules }, Workflows: oneWorkflow{}, Now: now, Rand: rand.Reader,
	})
	cfg := web.Config{
		Commands: w.cmds, Store: w.store, Notices: w.notices, HTML: markdown.HTML, PublicURL: "http://slipway.example.com",
		Now: now, Rand: rand.Reader, Log: log, Version: "test", Heartbeat: 20 * time.Millisecond,
	}
	for _, s := range setups {
		s(w, &cfg)
	}
	var err error
	if w.web, err = web.New(cfg); err != nil {
		t.Fatal(err)
	}
	w.alice = w.user("Alice", "alice@example.com", slipway.RoleAdmin, "en")
	w.bob = w.user("Bob", "bob@example.com", slipway.RoleMember, "en")
	w.wang = w.user("王芳", "wang@example.com", slipway.RoleMember, "zh")
	if w.room, err = w.web.AddRoom(t.Context(), "releases", slipway.English); err != nil {
		t.Fatal(err)
	}
	if w.bot == nil {
		w.bot = w.realBot(log)
	}
	w.run()
	return w
}

// realBot is the bot itself; it repaints its cards when plans change, as the tasks do.
func (w *world) realBot(log *slog.Logger) bot.Handler {
	b, err := bot.New(bot.Config{
		Commands: w.cmds, Store: w.store, Platforms: []bot.Platform{w.web}, PublicURL: "http://slipway.example.com",
		Rooms: []bot.RoomRef{{Platform: bot.Web, ID: w.room.ID}}, Now: now, Rand: rand.Reader, Log: log,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store.OnCommit(func(ctx context.Context, c storage.Committed) {
		if c.PlanID == "" {
			return
		}
		w.notices.Publish(ctx, "plan:"+c.PlanID)
		if err := b.Repaint(ctx, c.PlanID); err != nil {
			w.t.Error(err)
		}
	})
	return b
}

func (w *world) run() {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.web.Run(ctx, w.bot); err != nil {
			w.t.Error(err)
		}
	})
	w.server = httptest.NewServer(w.web.Routes())
	w.t.Cleanup(func() {
		w.server.CloseClientConnections()
		stop()
		w.server.Close()
		wg.Wait()
	})
}

func (w *world) user(name, email string, role slipway.Role, locale string) *slipway.User {
	w.t.Helper()
	u, err := w.cmds.PutUser(w.t.Context(), commands.NewUser{Name: name, Email: email, Role: role, Locale: locale, TimeZone: "Asia/Shanghai"})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// plan makes a plan of Alice's with one item of each kind, which Bob may approve.
func (w *world) plan(name string) *slipway.Plan {
	w.t.Helper()
	out, err := w.cmds.CreateDraft(w.t.Context(), commands.Ask{User: w.alice}, slipway.Draft{
		Name: name, Manager: w.alice.Ref(), Description: "Ships the **ledger**",
		Approval: &slipway.Approval{Type: slipway.NativeApproval, Needed: 1, Approvers: []slipway.PersonRef{w.bob.Ref()}},
		Items: []*slipway.Item{
			{Name: "announce", Type: slipway.TextItem, Owner: w.bob.Ref(), Text: &slipway.TextSpec{Content: "Tell **everybody**"}},
			{Name: "deploy", Type: slipway.WorkflowItem, Workflow: &slipway.WorkflowSpec{
				Engine: "local", Project: "payments", Name: "deploy", Params: map[string]string{"token": "hunter2"},
			}},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Plan
}

func (w *world) reload(p *slipway.Plan) *slipway.Plan {
	w.t.Helper()
	fresh, err := w.store.Plan(w.t.Context(), p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return fresh
}

func (w *world) plans() []*slipway.Plan {
	w.t.Helper()
	list, err := w.store.Plans(w.t.Context(), storage.Filter{})
	if err != nil {
		w.t.Fatal(err)
	}
	return list.Rows
}

// oneWorkflow answers for an engine that knows one workflow, with a secret in it.
type oneWorkflow struct{}

func (oneWorkflow) Resolve(context.Context, *slipway.WorkflowSpec) (*slipway.Workflow, []slipway.Problem, error) {
	w, _ := slipway.DecodeWorkflow([]byte(`{"name": "deploy", "project": "payments",
		"params": [{"name": "token", "type": "string", "value": "s3cret", "is_credential": true}],
		"stages": [{"name": "all", "jobs": [{"name": "go", "type": "freestyle", "spec": {}}]}]}`))
	return w, nil, nil
}

func (oneWorkflow) Adopt(_ context.Context, _ *slipway.WorkflowSpec, said string) (string, error) {
	return said, nil
}

// notices carries notices within the test.
type notices struct {
	mu   sync.Mutex
	subs map[chan string]bool
}

func (n *notices) Publish(_ context.Context, topics ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, topic := range topics {
		for c := range n.subs {
			c <- topic
		}
	}
}

func (n *notices) Subscribe(ctx context.Context) <-chan string {
	c := make(chan string, 10000)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.subs[c] = true
	context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.subs, c)
		close(c)
	})
	return c
}
