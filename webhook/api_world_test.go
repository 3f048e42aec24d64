package webhook_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
	"slipway/webhook"
)

// noon is when every story begins.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const adminToken = "the admin's token"

// world is the HTTP API over a database of its own. Alice manages, Bob and Carol
// approve, Dave owns the text, Eve has no part in it, root is the admin.
type world struct {
	t       testing.TB
	store   *storage.Store
	cmds    *commands.Commands
	rules   *slipway.Rules
	handler http.Handler
	bell    *bell
	at      atomic.Int64 // now, in Unix nanoseconds
	tokens  map[string]string
	ids     map[string]string
	// described is what all workflows say of themselves.
	described string

	mu   sync.Mutex
	plan string // whose instance codes must not be told to anybody
	n    atomic.Int64
}

func newWorld(t testing.TB, gates ...slipway.Event) *world {
	t.Helper()
	return newWorldWith(t, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: -1}}, gates...)
}

func newWorldWith(t testing.TB, cfg webhook.HandlerConfig, gates ...slipway.Event) *world {
	t.Helper()
	return newWorldOn(t, storagetest.New(t), cfg, gates...)
}

// onEach tells a story on both databases.
func onEach(t *testing.T, gates []slipway.Event, story func(*testing.T, *world)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		story(t, newWorldOn(t, s, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: -1}}, gates...))
	})
}

func newWorldOn(t testing.TB, store *storage.Store, cfg webhook.HandlerConfig, gates ...slipway.Event) *world {
	t.Helper()
	w := &world{
		t: t, store: store, rules: &slipway.Rules{HTML: commands.NewMarkdown().HTML}, bell: &bell{},
		tokens: map[string]string{"root": adminToken}, ids: map[string]string{},
	}
	w.at.Store(noon.UnixNano())
	if len(gates) > 0 {
		w.rules.Endpoints = []slipway.Endpoint{{Name: "office", URL: "https://office.example.com", Events: gates, Wait: true, Deadline: time.Hour}}
	}
	sender := webhook.NewSender(webhook.SenderConfig{Now: time.Now})
	t.Cleanup(sender.Close)
	w.cmds = commands.New(commands.Config{
		Store: w.store, Rules: func() *slipway.Rules { return w.rules }, Workflows: workflows{w}, Now: w.now, Rand: rand.Reader,
		AdminTokenHash: commands.HashToken(adminToken), Refresh: w.refresh,
		Hooks: webhook.Outlet{Sender: sender, PublicURL: "https://slipway.example.com", Now: w.now, Rand: rand.Reader},
	})
	root, err := w.cmds.KeepUser(t.Context(), commands.NewUser{Name: "Root", Email: "root@example.com", Role: slipway.RoleAdmin})
	if err != nil {
		t.Fatal(err)
	}
	w.cmds.Admin = root
	w.ids["root"] = root.ID
	for _, name := range []string{"Alice", "Bob", "Carol", "Dave", "Eve"} {
		key := strings.ToLower(name)
		u, token, err := w.cmds.AddUser(t.Context(), root, commands.NewUser{Name: name, Email: key + "@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[key], w.ids[key] = token, u.ID
	}
	cfg.Commands, cfg.Store, cfg.Rules, cfg.Now, cfg.Rand = w.cmds, w.store, w.cmds.Rules, w.now, rand.Reader
	cfg.Notices = w.bell
	if cfg.Log == nil {
		// What goes wrong inside must not hide behind an answer that was expected anyway.
		cfg.Log = slog.New(failing{t})
	}
	w.store.OnCommit(func(_ context.Context, c storage.Committed) { w.bell.ring("plan:" + c.PlanID) })
	w.handler = webhook.NewHandler(cfg)
	return w
}

// refresh brings the endpoints that admins manage into force.
func (w *world) refresh(ctx context.Context) error {
	base := *w.rules
	base.Endpoints = slices.DeleteFunc(slices.Clone(base.Endpoints), func(e slipway.Endpoint) bool { return e.Managed })
	book := commands.NewRulebook(&base, w.store, w.now)
	err := book.Refresh(ctx)
	w.rules = book.Rules()
	return err
}

func (w *world) now() time.Time { return time.Unix(0, w.at.Load()).UTC() }

func (w *world) wait(d time.Duration) { w.at.Add(int64(d)) }

// failing fails the test when an error is logged.
type failing struct{ t testing.TB }

func (failing) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (f failing) WithGroup(string) slog.Handler { return f }

func (f failing) WithAttrs([]slog.Attr) slog.Handler { return f }

func (f failing) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	f.t.Errorf("logged: %s", text)
	return nil
}

// bell tells everybody who listens of changes.
type bell struct {
	mu    sync.Mutex
	heard []chan string
	mute  bool
}

func (b *bell) Subscribe(context.Context) <-chan string {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := make(chan string, 100)
	b.heard = append(b.heard, c)
	return c
}

func (b *bell) ring(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.heard {
		if !b.mute {
			c <- topic
		}
	}
}

// workflows is an engine's answer to what an item names.
type workflows struct{ w *world }

func (x workflows) Resolve(_ context.Context, spec *slipway.WorkflowSpec) (*slipway.Workflow, []slipway.Problem, error) {
	switch {
	case spec.Inline:
		return spec.Definition, nil, nil
	case spec.Name == "unknown":
		return nil, []slipway.Problem{{Path: "workflow", Text: slipway.T("there is no such workflow", "没有这个工作流")}}, nil
	case spec.Name == "unreachable":
		return nil, nil, slipway.Refuse(slipway.Unavailable, "The engine does not answer.", "引擎没有响应。").Because(errors.New("no route"))
	}
	return &slipway.Workflow{
		Name: spec.Name, DisplayName: spec.Name, Project: spec.Project, Description: x.w.described,
		Params: []slipway.Param{{Name: "version"}, {Name: "token", IsCredential: true, Value: "swordfish"}},
	}, nil, nil
}

func (workflows) Adopt(_ context.Context, _ *slipway.WorkflowSpec, said string) (string, error) {
	return said, nil
}

// document is a plan with a text of Dave's and a workflow, to be approved by one of
// Bob and Carol, its window open.
func document() map[string]any {
	return map[string]any{
		"name": "payments 4.2", "manager": "alice@example.com", "description": "Tell the **hotline**",
		"start_time": "2026-11-24T11:00:00Z", "end_time": noon.Add(time.Hour).Unix(),
		"approval": map[string]any{"type": "native", "needed_approvers": 1, "approvers": []any{"bob@example.com", "Carol"}},
		"jobs": []any{
			map[string]any{"name": "announce", "type": "text", "manager": "Dave", "spec": map[string]any{"content": "Tell the hotline"}},
			map[string]any{"name": "deploy", "type": "workflow", "spec": map[string]any{
				"engine": "local", "project": "payments", "workflow": "deploy-payments", "params": map[string]any{"version": "4.2"},
			}},
		},
	}
}

func encode(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// create makes Alice's plan from a document.
func (w *world) create(doc map[string]any) plan {
	w.t.Helper()
	p := w.send("alice", "POST", "/api/v1/plans", encode(w.t, doc)).want(201).plan()
	w.watch(p.ID)
	return p
}

func (w *world) watch(planID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plan = planID
}

func (w *world) show(who, id string) plan {
	w.t.Helper()
	return w.send(who, "GET", "/api/v1/plans/"+id, "").want(200).plan()
}

// do uses a verb that must be possible.
func (w *world) do(who, id, verb, body string) plan {
	w.t.Helper()
	return w.send(who, "POST", "/api/v1/plans/"+id+"/"+verb, body).want(200).plan()
}

// question is what a hook asks, as its receiver reads it.
type question struct {
	ReleasePlan struct {
		ID           string
		InstanceCode string        `json:"instance_code"`
		EventName    slipway.Event `json:"event_name"`
	} `json:"release_plan"`
}

// asked returns the question that a plan waits on, as it was sent.
func (w *world) asked(id string) question {
	w.t.Helper()
	p, err := w.store.Plan(w.t.Context(), id)
	if err != nil || p.Gate == nil {
		w.t.Fatalf("nobody is asked: %v", err)
	}
	d, err := w.store.Delivery(w.t.Context(), p.Gate.Waits[0].DeliveryID)
	if err != nil {
		w.t.Fatal(err)
	}
	var q question
	if err := json.Unmarshal(d.Body, &q); err != nil {
		w.t.Fatal(err)
	}
	return q
}

// reply is a callback that answers a question.
func (q question) reply(result slipway.Result) map[string]any {
	return map[string]any{
		"hook_event": q.ReleasePlan.EventName, "release_plan_id": q.ReleasePlan.ID,
		"instance_code": q.ReleasePlan.InstanceCode, "result": result, "failed_reason": "",
	}
}

func (w *world) callback(body map[string]any, headers ...string) answer {
	w.t.Helper()
	return w.send("", "POST", "/api/callback/release_plan", encode(w.t, body), headers...)
}

func (w *world) reply(id string, result slipway.Result) {
	w.t.Helper()
	w.callback(w.asked(id).reply(result)).want(200)
}

// finish ends the run of the plan's workflow, as its engine would.
func (w *world) finish(p plan, s slipway.RunStatus) {
	w.t.Helper()
	_, err := w.cmds.RunEnded(w.t.Context(), fmt.Sprintf("task:%d", w.n.Add(1)), p.ID, p.Jobs[1].RunID,
		slipway.RunEnd{Status: s, Reason: slipway.T("exit status 1", "退出码 1")})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) finishItems(p plan) {
	w.t.Helper()
	w.do("dave", p.ID, "jobs/"+p.Jobs[0].ID+"/complete", `{"remark":"told"}`)
	w.finish(w.do("alice", p.ID, "jobs/"+p.Jobs[1].ID+"/execute", ""), slipway.RunPassed)
}
