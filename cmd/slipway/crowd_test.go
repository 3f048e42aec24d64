package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"slipway/cmd/slipway/processtest"
)

// The endpoints of the crowd: one is asked and answers, one is only told.
const (
	askedEndpoint = "change-office"
	toldEndpoint  = "audit"
)

var hookSecrets = map[string]string{
	askedEndpoint: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	toldEndpoint:  "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
}

var hookEvents = []string{"finish_planning", "start_execute", "all_job_done"}

// crowd are the people around many plans, and the outside systems. It does what people
// do: it looks at a plan, presses what has to be pressed, asks again when no answer came,
// and retries a run that was interrupted. What it is told is remembered for the judges.
type crowd struct {
	client *processtest.Client
	bases  []string
	// answered gets a token for each answer to something that changed a plan.
	answered chan struct{}
	calls    sync.WaitGroup // callbacks on their way
	ctx      context.Context

	doubles, lost, waits atomic.Int64

	mu       sync.Mutex
	pressed  map[string]string             // plan id, by accepted Idempotency-Key
	hooks    map[string][]processtest.Hook // arrivals, by webhook-id
	answers  map[string]string             // id of a callback's record, by what was answered
	wake     map[string]chan struct{}      // by plan name
	problems []error
}

func newCrowd(ctx context.Context) *crowd {
	return &crowd{
		client: processtest.NewClient(adminToken), ctx: ctx, answered: make(chan struct{}, 1<<16),
		pressed: map[string]string{}, hooks: map[string][]processtest.Hook{}, answers: map[string]string{},
		wake: map[string]chan struct{}{},
	}
}

func (c *crowd) complain(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, err)
}

// ask asks one replica after the other until one answers.
func (c *crowd) ask(ctx context.Context, first int, send func(base string) (processtest.Answer, error)) (processtest.Answer, error) {
	for n := first; ; n++ {
		a, err := send(c.bases[n%len(c.bases)])
		pause := 20 * time.Millisecond
		switch {
		case err != nil || a.Status == http.StatusServiceUnavailable:
			c.lost.Add(1)
		case a.Status == http.StatusTooManyRequests:
			seconds, _ := strconv.Atoi(a.Header.Get("Retry-After"))
			pause = time.Duration(max(seconds, 1)) * time.Second
			c.waits.Add(1)
		default:
			return a, nil
		}
		select {
		case <-ctx.Done():
			return a, errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

// carrier carries one plan from its creation to its success.
type carrier struct {
	*crowd
	rng      *rand.Rand
	shape    shape
	id       string
	wake     <-chan struct{}
	voters   []string // who has approved
	attempts map[string]int
}

// shape is what a plan is like.
type shape struct {
	name      string
	needed    int // approvals
	texts     int
	workflows int
}

func shapeOf(n int) shape {
	return shape{name: fmt.Sprintf("plan-%03d", n), needed: n % 3, texts: 1 + n%2, workflows: 1 + n%10/9}
}

var approvers = []string{"bob@example.com", "carol@example.com", "dave@example.com"}

func (s shape) document() map[string]any {
	var jobs []map[string]any
	for i := range s.texts {
		jobs = append(jobs, map[string]any{
			"name": fmt.Sprintf("tell-%d", i), "type": "text", "manager": "erin@example.com", "spec": map[string]any{"content": "Tell the **hotline**"},
		})
	}
	for i := range s.workflows {
		jobs = append(jobs, map[string]any{
			"name": fmt.Sprintf("deploy-%d", i), "type": "workflow", "spec": map[string]any{"engine": "local", "workflow": "deploy"},
		})
	}
	doc := map[string]any{"name": s.name, "manager": "alice@example.com", "jobs": jobs}
	if s.needed > 0 {
		doc["approval"] = map[string]any{"type": "native", "needed_approvers": s.needed, "approvers": approvers}
	}
	return doc
}

// newCarrier returns who carries the plan of a shape; what it does follows from the
// seed and from what the plan does.
func (c *crowd) newCarrier(seed uint64, s shape) *carrier {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.name))
	wake := make(chan struct{}, 1)
	c.mu.Lock()
	c.wake[s.name] = wake
	c.mu.Unlock()
	return &carrier{crowd: c, rng: rand.New(rand.NewPCG(seed, h.Sum64())), shape: s, wake: wake, attempts: map[string]int{}}
}

// carry creates the plan and sees it through.
func (c *carrier) carry(ctx context.Context) error {
	if err := c.press(ctx, "create", "", processtest.Request{Path: "/api/v1/plans", Actor: "alice@example.com", Body: c.shape.document()}); err != nil {
		return err
	}
	for {
		p, err := c.look(ctx)
		if err != nil {
			return err
		}
		idle := false
		switch p.Status {
		case "success":
			return nil
		case "planning":
			err = c.verb(ctx, "submit", "alice@example.com")
		case "finish_planning":
			err = c.verb(ctx, "start", "alice@example.com")
		case "wait_for_approval":
			err = c.vote(ctx)
		case "executing":
			idle, err = c.work(ctx, p)
		case "wait_for_finish_planning_external_check", "wait_for_execute_external_check", "wait_for_all_done_external_check":
			idle = true
		default:
			err = fmt.Errorf("status is %s, which nobody brought about", p.Status)
		}
		if err != nil {
			return err
		}
		if idle {
			if err := c.await(ctx); err != nil {
				return fmt.Errorf("in status %s with jobs %+v: %w", p.Status, p.Jobs, err)
			}
		}
	}
}

// await waits for something to happen, or a moment.
func (c *carrier) await(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.wake:
	case <-time.After(500 * time.Millisecond):
	}
	return nil
}

func (c *carrier) look(ctx context.Context) (processtest.Plan, error) {
	var p processtest.Plan
	a, err := c.ask(ctx, c.rng.IntN(2), func(base string) (processtest.Answer, error) {
		return c.client.Do(ctx, base, processtest.Request{Method: http.MethodGet, Path: "/api/v1/plans/" + c.id})
	})
	if err != nil {
		return p, err
	}
	if a.Status != http.StatusOK {
		return p, fmt.Errorf("look: %d %s", a.Status, a.Message())
	}
	return p, a.Decode(&p)
}

func (c *carrier) verb(ctx context.Context, verb, actor string) error {
	return c.press(ctx, verb, actor, processtest.Request{Path: "/api/v1/plans/" + c.id + "/" + verb, Actor: actor, Body: map[string]any{}})
}

// vote lets one more of the approvers agree.
func (c *carrier) vote(ctx context.Context) error {
	left := slices.DeleteFunc(slices.Clone(approvers), func(a string) bool { return slices.Contains(c.voters, a) })
	if len(c.voters) == c.shape.needed {
		return errors.New("it waits for approval though enough people have approved")
	}
	who := left[c.rng.IntN(len(left))]
	if err := c.verb(ctx, "approve", who); err != nil {
		return err
	}
	c.voters = append(c.voters, who)
	return nil
}

// work does one thing to one item; idle tells that there is nothing to do but wait.
func (c *carrier) work(ctx context.Context, p processtest.Plan) (idle bool, err error) {
	for _, i := range c.rng.Perm(len(p.Jobs)) {
		j := p.Jobs[i]
		verb, actor := "", "alice@example.com"
		switch {
		case j.Type == "text" && j.Status == "todo":
			verb, actor = "complete", "erin@example.com"
		case j.Status == "todo":
			verb = "execute"
		case j.Status == "failed" && !strings.HasPrefix(j.Reason, "Interrupted") && !strings.HasPrefix(j.Reason, "Start outcome unknown"):
			return false, fmt.Errorf("item %s failed: %s", j.Name, j.Reason)
		case j.Status == "failed":
			verb = "retry"
		default:
			continue
		}
		return false, c.press(ctx, verb, j.Name, processtest.Request{
			Path: "/api/v1/plans/" + c.id + "/jobs/" + j.ID + "/" + verb, Actor: actor, Body: map[string]any{},
		})
	}
	return true, nil
}

// press asks for a change until it is answered, one time in four twice at once, at
// both replicas. Both answers must say that it is done.
func (c *carrier) press(ctx context.Context, verb, what string, r processtest.Request) error {
	name := c.shape.name + "/" + verb + "/" + what
	c.attempts[name]++
	r.Key = name + "/" + strconv.Itoa(c.attempts[name])
	times, first := 1, c.rng.IntN(2)
	if c.rng.IntN(4) == 0 {
		times = 2
		c.doubles.Add(1)
	}
	errs := make(chan error, times)
	for n := range times {
		go func() { errs <- c.pressOnce(ctx, first+n, r) }()
	}
	var err error
	for range times {
		err = errors.Join(err, <-errs)
	}
	if err == nil {
		c.answered <- struct{}{}
	}
	return err
}

func (c *carrier) pressOnce(ctx context.Context, first int, r processtest.Request) error {
	a, err := c.ask(ctx, first, func(base string) (processtest.Answer, error) { return c.client.Do(ctx, base, r) })
	if err != nil {
		return fmt.Errorf("%s: %w", r.Key, err)
	}
	var p processtest.Plan
	if a.Status != http.StatusOK && a.Status != http.StatusCreated {
		return fmt.Errorf("%s: answered %d %s", r.Key, a.Status, a.Message())
	}
	if err := a.Decode(&p); err != nil {
		return fmt.Errorf("%s: %w", r.Key, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id == "" {
		c.id = p.ID
	}
	if p.ID != c.id {
		return fmt.Errorf("%s: answered with plan %s, then with plan %s", r.Key, c.id, p.ID)
	}
	c.pressed[r.Key] = p.ID
	return nil
}

// heard is told of each hook. The endpoint that is asked answers every arrival alike:
// one in three before it takes the hook, the others after.
func (c *crowd) heard(h processtest.Hook) {
	if err := verify(h); err != nil {
		c.complain(fmt.Errorf("hook %s to %s: %w", h.ID(), h.Endpoint, err))
	}
	c.mu.Lock()
	c.hooks[h.ID()] = append(c.hooks[h.ID()], h)
	c.mu.Unlock()
	if h.Endpoint != askedEndpoint {
		return
	}
	c.calls.Add(1)
	answer := func() {
		defer c.calls.Done()
		if err := c.callBack(h); err != nil {
			c.complain(fmt.Errorf("callback of %s for %s: %w", h.Plan.Event, h.Plan.Name, err))
		}
	}
	if chance(h.ID(), 3) {
		answer()
		return
	}
	go answer()
}

// chance is true for one in n ids.
func chance(id string, n uint64) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()%n == 0
}

// verify judges a signature by the library of Standard Webhooks.
func verify(h processtest.Hook) error {
	judge, err := standardwebhooks.NewWebhook(hookSecrets[h.Endpoint])
	if err != nil {
		return err
	}
	return judge.Verify(h.Body, h.Header)
}

// callBack answers a hook with success, one in five times after a word of progress.
func (c *crowd) callBack(h processtest.Hook) error {
	if chance(h.Plan.InstanceCode, 5) {
		word := h.Answer("executing")
		word.Description = "reading it"
		if err := c.say(word); err != nil {
			return err
		}
	}
	if err := c.say(h.Answer("success")); err != nil {
		return err
	}
	c.answered <- struct{}{}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.wake[h.Plan.Name] <- struct{}{}:
	default:
	}
	return nil
}

// say sends one callback until it is answered. The same words must always have the
// same record.
func (c *crowd) say(cb processtest.Callback) error {
	a, err := c.ask(c.ctx, rand.IntN(2), func(base string) (processtest.Answer, error) { return c.client.CallBack(c.ctx, base, cb) })
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return fmt.Errorf("%s was answered with %d %s", cb.Result, a.Status, a.Message())
	}
	var record struct{ ID string }
	if err := a.Decode(&record); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	said := cb.InstanceCode + " " + cb.Result
	if before, ok := c.answers[said]; ok && before != record.ID {
		return fmt.Errorf("%s is record %s, and was record %s before", cb.Result, record.ID, before)
	}
	c.answers[said] = record.ID
	return nil
}
