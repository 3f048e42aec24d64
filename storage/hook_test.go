package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// The hooks of several plans are taken, begun and ended together, and each fares as it would
// alone.
func TestManyHooksAtOnce(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		var freed []slipway.Task
		s.OnCommit(func(_ context.Context, c storage.Committed) { freed = append(freed, c.Tasks...) })
		one := submit(t, s, create(t, s, draft(t, "one")), askingRules).Plan
		two := submit(t, s, create(t, s, draft(t, "two")), askingRules).Plan
		hooks := hookTasks(freed)
		must(t, s.DisableEndpoint(ctx, "wall", "410 Gone", morning))
		later := morning.Add(time.Minute)

		taken, err := s.LeaseTasks(ctx, append(hooks, uuid()), "w1", later, leaseTime)
		must(t, err)
		if len(hooks) != 4 || len(taken) != 4 {
			t.Fatalf("of %d hooks %d were taken", len(hooks), len(taken))
		}
		if again, err := s.LeaseTasks(ctx, hooks, "w2", later, leaseTime); err != nil || len(again) != 0 {
			t.Errorf("taken twice: %v, %v", again, err)
		}
		at, leases := map[string]time.Time{"msg_none": later}, map[string]*storage.Lease{}
		for _, x := range taken {
			if d := x.Delivery; d == nil || !x.InTurn || x.Disabled != (d.Endpoint == "wall") || len(d.Body) == 0 {
				t.Errorf("taken: %+v", x)
			}
			at[x.Delivery.ID], leases[x.Delivery.ID] = later, x.Lease
		}
		begun, err := s.BeginAttempts(ctx, at)
		if err != nil || len(begun) != 4 {
			t.Fatalf("begun: %v, %v", begun, err)
		}
		var sent []storage.Sent
		want := map[string]storage.DeliveryState{}
		for i, p := range []*slipway.Plan{one, two} {
			all, err := s.Deliveries(ctx, p.ID)
			must(t, err)
			for _, d := range all {
				x := storage.Sent{Attempt: begun[d.ID], State: storage.DeliveryDelivered, Lease: leases[d.ID]}
				if x.Attempt.StatusCode = 200; i == 1 {
					x.State, x.Lease, x.Attempt.Error = storage.DeliveryPending, nil, "answered 503"
				}
				want[d.ID] = x.State
				sent = append(sent, x)
			}
		}
		must(t, s.EndAttempts(ctx, sent, later))

		got := map[string]storage.DeliveryState{}
		for _, p := range []*slipway.Plan{one, two} {
			all, err := s.Deliveries(ctx, p.ID)
			must(t, err)
			for _, d := range all {
				got[d.ID] = d.State
				if len(d.Attempts) != 1 || !d.Attempts[0].Ended || (d.DoneAt == 0) != (d.State == storage.DeliveryPending) {
					t.Errorf("delivery %+v", d)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the states (-want +got):\n%s", diff)
		}
		counts, err := s.TaskCounts(ctx)
		must(t, err)
		if counts[slipway.TaskHook] != 2 {
			t.Errorf("%d hooks are left, want those that are tried again", counts[slipway.TaskHook])
		}
		for _, l := range leases { // done already, or their own
			must(t, s.FinishTask(ctx, l))
		}
	})
}

// With the end of a hook the next one for the same endpoint about the same plan comes, and
// only that; and a lease that was lost finishes nothing.
func TestTheNextHookComesWithTheEndOfTheOneBefore(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		var freed []slipway.Task
		s.OnCommit(func(_ context.Context, c storage.Committed) { freed = append(freed, c.Tasks...) })
		d := draft(t, "in order")
		d.Approval = nil
		p := submit(t, s, create(t, s, d), tellingRules).Plan
		start := ask(alice, tellingRules)
		_, err := s.Change(ctx, start, p.ID, func(p *slipway.Plan) (*slipway.Change, error) { return p.Start(start) })
		must(t, err)
		hooks, now := hookTasks(freed), morning.Add(time.Minute)
		if len(hooks) != 2 {
			t.Fatalf("%d hooks, want two", len(hooks))
		}
		taken, err := s.LeaseTasks(ctx, hooks, "w1", now, leaseTime)
		must(t, err)
		first, second := taken[hooks[0]], taken[hooks[1]]
		if !first.InTurn || second.InTurn {
			t.Fatalf("in turn: %v and %v", first.InTurn, second.InTurn)
		}
		must(t, s.ParkTask(ctx, second.Lease, now.Add(time.Hour), "turn"))
		begun, err := s.BeginAttempts(ctx, map[string]time.Time{first.Delivery.ID: now})
		must(t, err)
		lost, err := s.LeaseTasks(ctx, hooks[:1], "w2", now.Add(leaseTime), leaseTime)
		if err != nil || len(lost) != 1 {
			t.Fatalf("not taken over: %v, %v", lost, err)
		}
		freed = nil
		must(t, s.EndAttempts(ctx, []storage.Sent{
			{Attempt: begun[first.Delivery.ID], State: storage.DeliveryDelivered, Lease: first.Lease},
		}, now))

		if got := hookTasks(freed); !cmp.Equal(got, hooks[1:]) {
			t.Errorf("set free %v, want %v", got, hooks[1:])
		}
		if kept, err := renewed(ctx, s, lost[hooks[0]].Lease, now.Add(time.Hour)); err != nil || !kept {
			t.Errorf("the task of the new holder is gone: %v", err)
		}
	})
}

// tellingRules have one endpoint, which is only told.
var tellingRules = &slipway.Rules{Endpoints: askingRules.Endpoints[1:]}

// hookTasks are the ids of those tasks that are hooks.
func hookTasks(tasks []slipway.Task) (ids []string) {
	for _, task := range tasks {
		if task.Kind == slipway.TaskHook {
			ids = append(ids, task.ID)
		}
	}
	return ids
}
