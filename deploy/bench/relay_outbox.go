package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/tasks"
)

// outbox is a replica that only commits: each event changes a plan, and brings a delivery and a
// task to every endpoint that hears of it, by the one write path.
type outbox struct {
	store *storage.Store
	redis *tasks.Redis
	tasks *tasks.Tasks
	plans []*sharedPlan
	body  []byte
	next  atomic.Uint64
}

// sharedPlan is a plan that one committer changes at a time.
type sharedPlan struct {
	sync.Mutex
	id string
}

// outboxPlans is how many plans the events are about. One endpoint gets the hooks of a plan one
// after the other.
const outboxPlans = 2000

// newOutbox opens the replica. Without a Redis nobody is told of what it commits.
func newOutbox(ctx context.Context, databaseURL, redisURL string, plans int) (*outbox, error) {
	o := &outbox{body: fiveKB()}
	log := slog.New(slog.DiscardHandler)
	var err error
	if o.store, err = storage.Open(ctx, storage.Config{URL: databaseURL, Log: log}); err != nil {
		return nil, err
	}
	if err := o.store.Migrate(ctx); err != nil {
		return nil, err
	}
	if redisURL != "" {
		o.redis, err = tasks.OpenRedis(tasks.RedisConfig{URL: redisURL, Now: time.Now, Rand: rand.Reader, Log: log}) //nolint:contextcheck // it outlives the call
		if err != nil {
			return nil, err
		}
		o.tasks, err = tasks.New(tasks.Config{
			Store: o.store, Redis: o.redis, Engines: tasks.NewEngines(), Notices: tasks.NewNotices(o.redis, rand.Text(), log),
			Role: tasks.RoleAPI, Now: time.Now, Rand: rand.Reader, Log: log,
		})
		if err != nil {
			return nil, err
		}
		if err := o.tasks.Start(); err != nil { //nolint:contextcheck // it outlives the call
			return nil, err
		}
	}
	o.plans = make([]*sharedPlan, plans)
	return o, inParallel(8, func(worker int) error {
		for n := worker; n < plans; n += 8 {
			if err := o.plan(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func (o *outbox) close(ctx context.Context) error {
	if o.tasks != nil {
		if err := o.tasks.Stop(ctx); err != nil {
			return err
		}
		_ = o.redis.Close()
	}
	return o.store.Close()
}

func (o *outbox) plan(ctx context.Context, n int) error {
	req := o.request()
	manager := slipway.PersonRef{ID: "u-alice", Name: "Alice"}
	out, err := o.store.Create(ctx, req, func() (*slipway.Plan, *slipway.Change, error) {
		p, c, err := slipway.NewPlan(req, slipway.Draft{
			Name: "payments 8." + strconv.Itoa(n), Manager: manager,
			Items: []*slipway.Item{{Name: "announce", Type: slipway.TextItem, Text: &slipway.TextSpec{Content: "Tell the hotline"}}},
		})
		if c != nil {
			c.Tasks = nil // no cards here
		}
		return p, c, err
	})
	if err != nil {
		return err
	}
	o.plans[n] = &sharedPlan{id: out.Plan.ID}
	return nil
}

func (o *outbox) request() slipway.Request {
	return slipway.Request{
		ID: "bench:" + rand.Text(), At: time.Now(), Actor: slipway.Actor{Kind: slipway.Person, ID: "u-alice", Name: "Alice"},
		Rand: rand.Reader, Rules: &slipway.Rules{},
	}
}

// commit commits one event for so many endpoints, from the number first on, and returns the ids
// of the deliveries. before is called with them ahead of the transaction.
func (o *outbox) commit(ctx context.Context, first, endpoints int, before func([]string)) error {
	// Each endpoint's ids begin with its name.
	shared := o.plans[int(o.next.Add(1))%len(o.plans)]
	shared.Lock()
	defer shared.Unlock()
	ids := make([]string, endpoints)
	for i := range ids {
		ids[i] = endpointName(first+i) + "_" + rand.Text()
	}
	if before != nil {
		before(ids)
	}
	req := o.request()
	_, err := o.store.Change(ctx, req, shared.id, func(p *slipway.Plan) (*slipway.Change, error) {
		p.Seq++
		c := &slipway.Change{Entry: slipway.Entry{
			ID: randomHex(12), PlanID: p.ID, RequestID: req.ID, Verb: slipway.VerbResend, Actor: req.Actor, At: req.At.UnixMilli(),
			From: p.Status(), To: p.Status(), Version: p.Version, Seq: p.Seq,
		}}
		for i, id := range ids {
			c.Deliveries = append(c.Deliveries, slipway.Delivery{
				ID: id, PlanID: p.ID, Endpoint: endpointName(first + i), Event: slipway.EventStartExecute, InstanceCode: randomHex(16),
				Body: o.body, At: req.At.UnixMilli(), Seq: p.Seq*100 + int64(i),
			})
			c.Tasks = append(c.Tasks, slipway.Task{ID: randomUUID(), Kind: slipway.TaskHook, Key: "hook:" + id, PlanID: p.ID, RunAt: req.At.UnixMilli(), Ref: id})
		}
		return c, nil
	})
	return err
}

func endpointName(n int) string { return fmt.Sprintf("e%02d", n%relayEndpoints) }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

func randomUUID() string {
	h := randomHex(16)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// fiveKB is a body of 5 KB that does not compress well, like a real one.
func fiveKB() []byte {
	var b bytes.Buffer
	b.WriteString(`{"object_kind":"release_plan","event":"release_plan","release_plan":{"id":"`)
	for b.Len() < 5<<10-3 {
		b.WriteString(rand.Text())
	}
	b.Truncate(5<<10 - 3)
	b.WriteString(`"}}`)
	return b.Bytes()
}
