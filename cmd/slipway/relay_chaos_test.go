package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"slipway/cmd/slipway/processtest"
)

// What goes through the relay while everything crashes: each plan has three events, of which
// every endpoint hears.
const (
	relayedPlans = 100
	relayAsked   = 2
	relayTold    = 32
	// relayFails is which of so many plans is told no at first by the second who is asked.
	relayFails = 10
	// relayBound is far above the time that it takes, also on a machine that is busy.
	relayBound = 12 * time.Minute
)

const relayDown = "told-00" // this endpoint is down for the first part

func relaySecretOf(endpoint string) string {
	return "whsec_" + map[bool]string{true: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false: "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}[strings.HasPrefix(endpoint, "asked")]
}

func relayEndpoints() (names []string) {
	for n := range relayAsked {
		names = append(names, fmt.Sprintf("asked-%02d", n))
	}
	for n := range relayTold {
		names = append(names, fmt.Sprintf("told-%02d", n))
	}
	return names
}

// relayChaos sends ten thousand hooks while replicas are killed in turn, Redis is emptied,
// PostgreSQL is restarted and an endpoint is down, and judges what arrived.
func relayChaos(t *testing.T, program string) {
	ctx, cancel := context.WithTimeout(t.Context(), relayBound)
	defer cancel()
	a := newAudience(ctx)
	outside := a.listen(t)
	s := settings{Users: []person{
		{Name: "Olga", Email: "olga@example.com", Role: "admin"}, {Name: "Alice", Email: "alice@example.com"},
	}}
	for _, name := range relayEndpoints() {
		s.Hooks = append(s.Hooks, hook{
			Name: name, URL: outside + "/" + name, Events: hookEvents, Wait: strings.HasPrefix(name, "asked"),
			Secrets: []string{relaySecretOf(name)}, AllowPrivate: true,
		})
	}
	f := newFleet(t, program, s, nil)
	a.crowd.bases = f.bases

	began := time.Now()
	struck := make(chan error, 1)
	go func() { struck <- a.disasters(ctx, f) }()
	a.carryPlans(ctx, t)
	if err := <-struck; err != nil {
		t.Error(err)
	}
	took := time.Since(began)
	awaitNoTasks(t, f)
	a.crowd.calls.Wait()
	t.Logf("the plans were through after %v, the last hook was written down after %v", took.Round(time.Second), time.Since(began).Round(time.Second))
	for _, err := range a.crowd.problems {
		t.Error(err)
	}
	judgeRelay(t, f, a)
}

// audience are the outside systems. They remember everything that arrives, in order.
type audience struct {
	crowd *crowd
	ctx   context.Context
	first chan struct{} // gets a token for each hook that arrives for the first time

	mu       sync.Mutex
	down     bool
	refused  int                         // by the endpoint that is down
	arrivals map[string][]string         // ids in order, by plan name and endpoint
	bodies   map[string]string           // by id, as it came first
	times    map[string]int              // by id
	said     map[string]string           // id of a callback's record, by code and result
	wake     map[string]chan struct{}    // by plan name
	hooks    map[string]processtest.Hook // by id
	refusals map[string]bool             // plans that were told no once
}

func newAudience(ctx context.Context) *audience {
	a := &audience{
		crowd: newCrowd(ctx), ctx: ctx, first: make(chan struct{}, 1<<16), down: true, arrivals: map[string][]string{},
		bodies: map[string]string{}, times: map[string]int{}, said: map[string]string{}, wake: map[string]chan struct{}{},
		hooks: map[string]processtest.Hook{}, refusals: map[string]bool{},
	}
	return a
}

// listen starts the receiver of all endpoints.
func (a *audience) listen(t *testing.T) string {
	outside := processtest.NewReceiver(func(h processtest.Hook) { a.heard(h) }, a.crowd.complain)
	t.Cleanup(outside.Close)
	outside.Refuse(func(endpoint string) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		refuse := endpoint == relayDown && a.down
		if refuse {
			a.refused++
		}
		return refuse
	})
	return outside.URL
}

func (a *audience) heard(h processtest.Hook) {
	judge, err := standardwebhooks.NewWebhook(relaySecretOf(h.Endpoint))
	if err == nil {
		err = judge.Verify(h.Body, h.Header)
	}
	if err != nil {
		a.crowd.complain(fmt.Errorf("hook %s to %s: %w", h.ID(), h.Endpoint, err))
	}
	id, stream := h.ID(), h.Plan.Name+" "+h.Endpoint
	a.mu.Lock()
	again := a.times[id] > 0
	a.times[id]++
	a.arrivals[stream] = append(a.arrivals[stream], id)
	if again && a.bodies[id] != string(h.Body) {
		a.crowd.complain(fmt.Errorf("hook %s came with other bytes the second time", id))
	}
	a.bodies[id], a.hooks[id] = string(h.Body), h
	a.mu.Unlock()
	if !again {
		a.first <- struct{}{}
	}
	if strings.HasPrefix(h.Endpoint, "asked") {
		a.crowd.calls.Go(func() { a.answer(h) })
	}
}

// answer says how it went, at both replicas at once.
func (a *audience) answer(h processtest.Hook) {
	cb := h.Answer("success")
	a.mu.Lock()
	if says, known := a.refusals[h.ID()]; known && says {
		cb = h.Answer("failed")
	} else if !known {
		no := h.Endpoint == "asked-01" && a.saysNo(h)
		a.refusals[h.ID()] = no
		if no {
			cb = h.Answer("failed")
		}
	}
	a.mu.Unlock()
	var both sync.WaitGroup
	for first := range 2 {
		both.Go(func() {
			if err := a.say(first, cb); err != nil {
				a.crowd.complain(fmt.Errorf("callback of %s for %s: %w", h.Plan.Event, h.Plan.Name, err))
			}
		})
	}
	both.Wait()
	a.mu.Lock()
	wake := a.wake[h.Plan.Name]
	a.mu.Unlock()
	select {
	case wake <- struct{}{}:
	default:
	}
}

// saysNo tells whether a hook is answered with no: the first question of some plans.
func (a *audience) saysNo(h processtest.Hook) bool {
	var n int
	if _, err := fmt.Sscanf(h.Plan.Name, "relay-%d", &n); err != nil || n%relayFails != 0 || h.Plan.Event != hookEvents[0] {
		return false
	}
	return len(a.arrivals[h.Plan.Name+" "+h.Endpoint]) == 1
}

// say sends a callback until it is answered. The same words have the same record.
func (a *audience) say(first int, cb processtest.Callback) error {
	got, err := a.crowd.ask(a.ctx, first, func(base string) (processtest.Answer, error) { return a.crowd.client.CallBack(a.ctx, base, cb) })
	if err != nil {
		return err
	}
	// What is said to a question that the other one's no has closed comes too late.
	if got.Status == http.StatusConflict {
		return nil
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("%s was answered with %d %s", cb.Result, got.Status, got.Message())
	}
	var record struct{ ID string }
	if err := got.Decode(&record); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	said := cb.InstanceCode + " " + cb.Result
	if before := a.said[said]; before != "" && before != record.ID {
		return fmt.Errorf("%s is record %s, and was record %s before", cb.Result, record.ID, before)
	}
	a.said[said] = record.ID
	return nil
}

// disasters happen one after the other, each after so many hooks have arrived. The endpoint
// that is down comes back with the last.
func (a *audience) disasters(ctx context.Context, f *fleet) error {
	kill := func(n int) func() error {
		return func() error {
			f.replicas[n].Kill()
			return f.replicas[n].Restart(ctx)
		}
	}
	list := []func() error{
		kill(0), func() error { return f.flush(ctx) }, kill(1), kill(0), func() error {
			f.database.Kill()
			return f.database.Restart(ctx)
		}, kill(1), func() error { return f.flush(ctx) }, kill(0), kill(1), func() error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.down = false
			return nil
		},
	}
	// One endpoint's part arrives only at the end.
	share := relayedPlans * len(hookEvents) * (relayAsked + relayTold - 1) / (len(list) + 1)
	for i, strike := range list {
		for range share {
			select {
			case <-ctx.Done():
				return fmt.Errorf("only %d of %d disasters have happened: %w", i, len(list), ctx.Err())
			case <-a.first:
			}
		}
		if err := strike(); err != nil {
			return fmt.Errorf("disaster %d: %w", i, err)
		}
	}
	return nil
}

// carryPlans carries all plans to success, many at once.
func (a *audience) carryPlans(ctx context.Context, t *testing.T) {
	turn := make(chan struct{}, 25)
	var all sync.WaitGroup
	for n := range relayedPlans {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			if err := a.carry(ctx, fmt.Sprintf("relay-%03d", n)); err != nil {
				t.Errorf("relay-%03d: %v", n, err)
			}
		})
	}
	all.Wait()
}

// carry creates a plan and does what has to be done until it is a success.
func (a *audience) carry(ctx context.Context, name string) error {
	wake := make(chan struct{}, 1)
	a.mu.Lock()
	a.wake[name] = wake
	a.mu.Unlock()
	p, err := a.press(ctx, name, "create", "/api/v1/plans", map[string]any{
		"name": name, "manager": "alice@example.com",
		"jobs": []any{map[string]any{"name": "tell", "type": "text", "manager": "alice@example.com", "spec": map[string]any{"content": "Tell the **hotline**"}}},
	})
	for n := 0; err == nil && p.Status != "success"; n++ {
		path, verb := "/api/v1/plans/"+p.ID+"/", ""
		switch {
		case p.Status == "planning":
			verb = "submit"
		case p.Status == "finish_planning":
			verb = "start"
		case p.Status == "executing" && p.Jobs[0].Status == "todo":
			verb = "jobs/" + p.Jobs[0].ID + "/complete"
		case strings.HasSuffix(p.Status, "_failed"):
			verb = "ask_again"
		}
		if verb != "" {
			p, err = a.press(ctx, name, fmt.Sprintf("%s-%d", verb, n), path+verb, map[string]any{})
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("in status %s: %w", p.Status, ctx.Err())
		case <-wake:
		case <-time.After(500 * time.Millisecond):
		}
		p, err = a.get(ctx, path)
	}
	return err
}

func (a *audience) press(ctx context.Context, name, what, path string, body any) (processtest.Plan, error) {
	return a.plan(ctx, processtest.Request{Path: path, Actor: "alice@example.com", Key: name + "/" + what, Body: body})
}

func (a *audience) get(ctx context.Context, path string) (processtest.Plan, error) {
	return a.plan(ctx, processtest.Request{Method: http.MethodGet, Path: strings.TrimSuffix(path, "/")})
}

func (a *audience) plan(ctx context.Context, r processtest.Request) (p processtest.Plan, err error) {
	got, err := a.crowd.ask(ctx, len(r.Path)+len(r.Key), func(base string) (processtest.Answer, error) { return a.crowd.client.Do(ctx, base, r) })
	if err != nil {
		return p, err
	}
	if got.Status != http.StatusOK && got.Status != http.StatusCreated {
		return p, fmt.Errorf("%s %s: answered %d %s", r.Method, r.Path, got.Status, got.Message())
	}
	return p, got.Decode(&p)
}

// relayRow is a delivery as it was written down.
type relayRow struct {
	ID, Plan, Endpoint, Event, State, Body string
	Seq, Attempts, Unended                 int64
}

// judgeRelay compares what was written down with what arrived.
func judgeRelay(t *testing.T, f *fleet, a *audience) {
	conn := f.connect(t)
	rows := collect[relayRow](t, conn, `SELECT d.id, p.name, d.endpoint, d.event, d.state, d.body, d.seq,
			(SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id), (SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id AND NOT a.ended)
		FROM deliveries d JOIN plans p ON p.id = d.plan_id ORDER BY d.plan_id, d.endpoint, d.seq`)
	order, known := map[string][]string{}, map[string]bool{}
	arrived, again, cut, dropped := 0, 0, int64(0), 0
	for _, d := range rows {
		known[d.ID] = true
		name := fmt.Sprintf("hook %s (%s of %s to %s)", d.ID, d.Event, d.Plan, d.Endpoint)
		n := a.times[d.ID]
		arrived += n
		again += max(0, n-1)
		cut += d.Unended
		if d.State == "dropped" && strings.HasPrefix(d.Endpoint, "asked") {
			dropped++ // of a question that another's no has closed
		} else if d.State != "delivered" || n == 0 {
			t.Errorf("%s is %s and arrived %d times", name, d.State, n)
		}
		if int64(n) > d.Attempts {
			t.Errorf("%s arrived %d times, with %d attempts written down", name, n, d.Attempts)
		}
		if n > 0 {
			order[d.Plan+" "+d.Endpoint] = append(order[d.Plan+" "+d.Endpoint], d.ID)
			if a.bodies[d.ID] != d.Body {
				t.Errorf("%s arrived with other bytes than were frozen", name)
			}
		}
	}
	if want := relayedPlans * len(hookEvents) * (relayAsked + relayTold); len(rows) < max(want, 10_000) {
		t.Errorf("%d hooks, want at least %d", len(rows), want)
	}
	for stream, ids := range a.arrivals {
		if got := slices.Compact(slices.Clone(ids)); !slices.Equal(got, order[stream]) {
			t.Errorf("%s: arrived in the order %v, want %v", stream, got, order[stream])
		}
	}
	for id := range a.times {
		if !known[id] {
			t.Errorf("hook %s arrived, but nothing is known of it", id)
		}
	}
	if a.refused == 0 {
		t.Error("the endpoint that was down was never asked")
	}
	t.Logf("%d hooks: %d arrivals, %d of them again; %d attempts were cut short, %d answered 503, %d hooks dropped with their question",
		len(rows), arrived, again, cut, a.refused, dropped)
	if err := a.judgeGates(t, f); err != nil {
		t.Error(err)
	}
}

// judgeGates makes sure that every plan came through its gates, and that each thing that was
// said had one effect.
func (a *audience) judgeGates(t *testing.T, f *fleet) error {
	conn := f.connect(t)
	type state struct {
		Status string
		Plans  int64
	}
	for _, s := range collect[state](t, conn, "SELECT status, count(*) FROM plans GROUP BY status") {
		if s.Status != "success" || s.Plans != relayedPlans {
			t.Errorf("%d plans are %s", s.Plans, s.Status)
		}
	}
	var ids []string
	for _, id := range a.said {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	type record struct{ ID string }
	var entries []string
	for _, r := range collect[record](t, conn, "SELECT id FROM entries WHERE verb = 'answer'") {
		entries = append(entries, r.ID)
	}
	slices.Sort(entries)
	t.Logf("%d answers to %d gates, each said twice at once, are %d entries", len(ids), relayedPlans*len(hookEvents), len(entries))
	if !slices.Equal(ids, entries) {
		return errors.New("the answers that were accepted are not the entries of the log")
	}
	return nil
}
