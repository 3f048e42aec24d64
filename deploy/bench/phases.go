package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"slipway/cmd/slipway/processtest"
)

// idleArrivals measures commit to arrival with nothing else going on: one plan at a
// time, and a rest before each press that causes a hook.
func (d *driver) idleArrivals(ctx context.Context) (times, error) {
	const plans, rest = 40, 50 * time.Millisecond
	ids := make([]string, 0, plans)
	for range plans {
		id, err := d.lifecycle(ctx, 0, func() error { return pause(ctx, rest) })
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return d.arrivalTimes(ctx, ids)
}

// lifecycles carries plans, several at once. One in share has a workflow; none if it
// is 0.
func (d *driver) lifecycles(ctx context.Context, o options, share uint64) (load, error) {
	var number atomic.Uint64
	var mu sync.Mutex
	var ids []string
	if err := d.settle(ctx); err != nil {
		return load{}, err
	}
	before, err := cpuTime(d.pid)
	if err != nil {
		return load{}, err
	}
	began := time.Now()
	end := began.Add(o.span)
	err = inParallel(o.plans, func(int) error {
		for time.Now().Before(end) {
			workflows := 0
			if share > 0 && number.Add(1)%share == 0 {
				workflows = 1
			}
			id, err := d.lifecycle(ctx, workflows, func() error { return nil })
			if err != nil {
				return err
			}
			mu.Lock()
			ids = append(ids, id)
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return load{}, err
	}
	took := time.Since(began)
	after, err := cpuTime(d.pid)
	if err != nil {
		return load{}, err
	}
	arrivals, err := d.arrivalTimes(ctx, ids)
	n := len(ids)
	return load{perSecond: float64(n) / took.Seconds(), computing: (after - before) / time.Duration(n), arrivals: arrivals}, err
}

// arrivalTimes returns commit to arrival of the hooks of up to 500 of the plans.
func (d *driver) arrivalTimes(ctx context.Context, ids []string) (times, error) {
	const most = 500
	step := max(1, len(ids)/most)
	var all times
	for i := 0; i < len(ids); i += step {
		a, err := d.client.Do(ctx, d.base, processtest.Request{Method: http.MethodGet, Path: "/api/v1/plans/" + ids[i] + "/deliveries"})
		if err != nil {
			return nil, err
		}
		var list struct {
			Deliveries []struct {
				ID string
				At int64
			}
		}
		if err := a.Decode(&list); err != nil {
			return nil, err
		}
		d.mu.Lock()
		for _, x := range list.Deliveries {
			arrived, ok := d.arrivals[x.ID]
			if !ok {
				err = fmt.Errorf("hook %s has not arrived", x.ID)
			}
			all = append(all, arrived.Sub(time.UnixMilli(x.At)))
		}
		d.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// settle waits until the program has done what the plans before have left it to do, so
// that each phase is measured by itself.
func (d *driver) settle(ctx context.Context) error {
	for {
		a, err := d.client.Do(ctx, d.base, processtest.Request{Method: http.MethodGet, Path: "/metrics"})
		if err != nil {
			return err
		}
		waiting := 0
		for line := range strings.SplitSeq(string(a.Body), "\n") {
			// Deadlines wait for hours; everything else is to be done now.
			if strings.HasPrefix(line, "slipway_tasks{") && !strings.Contains(line, `"deadline"`) {
				waiting++
			}
		}
		if waiting == 0 {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("the program does not come to rest: %w", err)
		}
	}
}

// clicks completes items of many plans, o.inFlight at once.
func (d *driver) clicks(ctx context.Context, o options) (flood, error) {
	const items = 10 // the last stays: completing it would ask the outside system
	rounds := 4
	plans := make([]processtest.Plan, o.inFlight*rounds)
	err := inParallel(o.inFlight, func(worker int) error {
		for n := range rounds {
			p, _, err := d.begin(ctx, items, 0, func() error { return nil })
			if err != nil {
				return err
			}
			d.forget(p.ID)
			plans[worker*rounds+n] = p
		}
		return nil
	})
	if err != nil {
		return flood{}, err
	}
	if err := d.settle(ctx); err != nil {
		return flood{}, err
	}
	return collect(o, func(worker int, add func(time.Duration)) error {
		for _, p := range plans[worker*rounds : (worker+1)*rounds] {
			for item := range items - 1 {
				_, took, err := d.verb(ctx, itemVerb(p, item, "complete"))
				if err != nil {
					return err
				}
				add(took)
			}
		}
		return nil
	})
}

// callbacks answers the gates of many plans, o.inFlight at once: progress again and
// again, then success.
func (d *driver) callbacks(ctx context.Context, o options) (flood, error) {
	hooks := make([]processtest.Hook, o.inFlight)
	err := inParallel(o.inFlight, func(worker int) error {
		p, err := d.create(ctx, 1, 0)
		if err != nil {
			return err
		}
		gate := d.expect(p.ID)
		defer d.forget(p.ID)
		if _, _, err := d.verb(ctx, planVerb(p, "submit", alice)); err != nil {
			return err
		}
		select {
		case hooks[worker] = <-gate:
			return nil
		case <-time.After(30 * time.Second):
			return fmt.Errorf("the hook of plan %s does not arrive", p.ID)
		}
	})
	if err != nil {
		return flood{}, err
	}
	if err := d.settle(ctx); err != nil {
		return flood{}, err
	}
	return collect(o, func(worker int, add func(time.Duration)) error {
		from := d.from[worker*len(d.from)/o.inFlight : (worker+1)*len(d.from)/o.inFlight]
		h := hooks[worker]
		for n := range 40 {
			cb := h.Answer("executing")
			cb.Description = fmt.Sprintf("step %d", n+1)
			if n == 39 {
				cb = h.Answer("success")
			}
			took, err := d.callBack(ctx, from[n%len(from)], cb)
			if err != nil {
				return err
			}
			add(took)
		}
		return nil
	})
}

// collect lets o.inFlight workers work and gathers the times that they add, and how
// many there were per second.
func collect(o options, work func(worker int, add func(time.Duration)) error) (flood, error) {
	var mu sync.Mutex
	var all times
	began := time.Now()
	err := inParallel(o.inFlight, func(worker int) error {
		return work(worker, func(d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, d)
		})
	})
	return flood{took: all, perSecond: float64(len(all)) / time.Since(began).Seconds()}, err
}

// inParallel runs n workers and returns the first error.
func inParallel(n int, work func(worker int) error) error {
	var all sync.WaitGroup
	errs := make(chan error, n)
	for worker := range n {
		all.Go(func() { errs <- work(worker) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
