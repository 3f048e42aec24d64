package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"slipway/cmd/slipway/processtest"
)

// senders is from how many addresses of the loopback network callbacks come. Slipway
// limits how often one address may call back, and here one machine stands for many.
const senders = 250

// driver is the people and the outside system.
type driver struct {
	base    string // of the program
	pid     int    // the program's
	client  *processtest.Client
	from    []*processtest.Client // one per address
	next    atomic.Uint64
	plans   atomic.Uint64 // made so far
	outside *processtest.Receiver
	calls   sync.WaitGroup
	quit    context.Context
	leave   context.CancelFunc

	mu       sync.Mutex
	arrivals map[string]time.Time // first arrival, by webhook-id
	gates    map[string]chan processtest.Hook
	err      error
}

// newDriver starts the outside system.
func newDriver(ctx context.Context) (*driver, error) {
	d := &driver{
		client: processtest.NewClient(adminToken), arrivals: map[string]time.Time{}, gates: map[string]chan processtest.Hook{},
	}
	d.quit, d.leave = context.WithCancel(ctx)
	for n := range senders {
		address := &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n+1))}
		// Not every system has the whole network on its loopback interface.
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address.IP.String(), "0"))
		if err != nil {
			return nil, fmt.Errorf("call back from %s (Linux is needed): %w", address.IP, err)
		}
		_ = l.Close()
		c := processtest.NewClient("")
		c.HTTP.Transport = &http.Transport{
			DialContext: (&net.Dialer{LocalAddr: address}).DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		}
		d.from = append(d.from, c)
	}
	d.outside = processtest.NewReceiver(d.heard, d.fail)
	return d, nil
}

func (d *driver) close() {
	d.leave()
	d.calls.Wait()
	d.outside.Close()
	for _, c := range append(d.from, d.client) {
		c.HTTP.CloseIdleConnections()
	}
}

// fail keeps the first problem.
func (d *driver) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
	}
}

func (d *driver) problem() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// expect prepares for the hooks of a plan: without it they are only noted.
func (d *driver) expect(planID string) <-chan processtest.Hook {
	gate := make(chan processtest.Hook, 3)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gates[planID] = gate
	return gate
}

func (d *driver) forget(planID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.gates, planID)
}

// heard notes a hook and tells who waits for it.
func (d *driver) heard(h processtest.Hook) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, again := d.arrivals[h.ID()]; again {
		return
	}
	d.arrivals[h.ID()] = h.At
	if gate := d.gates[h.Plan.ID]; gate != nil {
		gate <- h
	}
}

// pass waits for a hook of a plan and answers it.
func (d *driver) pass(ctx context.Context, gate <-chan processtest.Hook, event string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case <-ctx.Done():
		return fmt.Errorf("the hook %s does not arrive: %w", event, ctx.Err())
	case h := <-gate:
		if h.Plan.Event != event {
			return fmt.Errorf("the hook %s arrived, and not %s", h.Plan.Event, event)
		}
		_, err := d.callBack(ctx, d.sender(), h.Answer("success"))
		return err
	}
}

// sender returns the client of the next address.
func (d *driver) sender() *processtest.Client { return d.from[d.next.Add(1)%senders] }

func (d *driver) callBack(ctx context.Context, from *processtest.Client, cb processtest.Callback) (time.Duration, error) {
	a, err := from.CallBack(ctx, d.base, cb)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("callback: answered %d %s", a.Status, a.Message())
	}
	return a.Took, err
}

// verb does a verb in somebody's name and returns the plan.
func (d *driver) verb(ctx context.Context, r processtest.Request) (processtest.Plan, time.Duration, error) {
	var p processtest.Plan
	a, err := d.client.Do(ctx, d.base, r)
	if err != nil {
		return p, 0, err
	}
	if a.Status != http.StatusOK && a.Status != http.StatusCreated {
		return p, 0, fmt.Errorf("%s %s: answered %d %s", r.Method, r.Path, a.Status, a.Message())
	}
	return p, a.Took, a.Decode(&p)
}

const (
	alice = "alice@example.com"
	bob   = "bob@example.com"
)

// create makes a plan of Alice's that Bob approves, with text items and perhaps a
// workflow.
func (d *driver) create(ctx context.Context, texts, workflows int) (processtest.Plan, error) {
	number := d.plans.Add(1)
	jobs := make([]map[string]any, 0, texts+workflows)
	for n := range texts {
		jobs = append(jobs, map[string]any{"name": fmt.Sprintf("text %d", n+1), "type": "text", "spec": map[string]any{"content": fmt.Sprintf("Tell the **hotline** of change %d.%d", number, n)}})
	}
	for range workflows {
		jobs = append(jobs, map[string]any{"name": "deploy", "type": "workflow", "spec": map[string]any{"engine": "local", "workflow": "nothing"}})
	}
	p, _, err := d.verb(ctx, processtest.Request{Path: "/api/v1/plans", Actor: alice, Body: map[string]any{
		"name": fmt.Sprintf("payments 4.%d", number), "description": fmt.Sprintf("What *is* new in 4.%d", number), "jobs": jobs,
		"approval": map[string]any{"needed_approvers": 1, "approvers": []string{bob}},
	}})
	return p, err
}

func planVerb(p processtest.Plan, verb, actor string) processtest.Request {
	return processtest.Request{Path: "/api/v1/plans/" + p.ID + "/" + verb, Actor: actor}
}

func itemVerb(p processtest.Plan, item int, verb string) processtest.Request {
	return processtest.Request{Path: "/api/v1/plans/" + p.ID + "/jobs/" + p.Jobs[item].ID + "/" + verb, Actor: alice}
}

// begin creates a plan and brings it to execution, through two gates.
func (d *driver) begin(ctx context.Context, texts, workflows int, before func() error) (processtest.Plan, <-chan processtest.Hook, error) {
	p, err := d.create(ctx, texts, workflows)
	if err != nil {
		return p, nil, err
	}
	gate := d.expect(p.ID)
	for _, step := range []struct{ verb, actor, event string }{{"submit", alice, "finish_planning"}, {"approve", bob, "start_execute"}} {
		if err := before(); err != nil {
			return p, nil, err
		}
		if _, _, err := d.verb(ctx, planVerb(p, step.verb, step.actor)); err != nil {
			return p, nil, err
		}
		if err := d.pass(ctx, gate, step.event); err != nil {
			return p, nil, err
		}
	}
	return p, gate, nil
}

// lifecycle carries a plan from its creation to success. before is called before each
// press that causes a hook.
func (d *driver) lifecycle(ctx context.Context, workflows int, before func() error) (string, error) {
	const texts = 2
	p, gate, err := d.begin(ctx, texts, workflows, before)
	if err != nil {
		return "", err
	}
	defer d.forget(p.ID)
	if workflows > 0 {
		if _, _, err := d.verb(ctx, itemVerb(p, texts, "execute")); err != nil {
			return "", err
		}
	}
	for n := range texts {
		if n == texts-1 {
			if err := before(); err != nil {
				return "", err
			}
		}
		if _, _, err := d.verb(ctx, itemVerb(p, n, "complete")); err != nil {
			return "", err
		}
	}
	if err := d.pass(ctx, gate, "all_job_done"); err != nil {
		return "", err
	}
	end, _, err := d.verb(ctx, processtest.Request{Method: http.MethodGet, Path: "/api/v1/plans/" + p.ID})
	if err == nil && end.Status != "success" {
		err = errors.New("the plan ended in " + end.Status)
	}
	return p.ID, err
}
