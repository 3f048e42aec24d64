package storage_test

import (
	"context"
	"testing"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// A task that is parked comes when it is set free, or by itself when its time is over.
func TestATaskIsParkedUntilItIsSetFree(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		park := func(key string, at time.Time) string {
			t.Helper()
			task := slipway.Task{ID: "00000000-0000-4000-8000-0000000000" + key, Kind: slipway.TaskHook, Key: key, RunAt: morning.UnixMilli()}
			must(t, s.PutTask(ctx, task, at))
			l, err := s.LeaseTask(ctx, task.ID, "worker", at, time.Minute)
			if err != nil || l == nil {
				t.Fatalf("lease %v, %v", l, err)
			}
			must(t, s.ParkTask(ctx, l, morning.Add(time.Hour), "endpoint:office"))
			return task.ID
		}
		first, second, third := park("01", morning), park("02", morning.Add(time.Second)), park("03", morning.Add(2*time.Second))
		if l, err := s.LeaseTask(ctx, first, "worker", morning.Add(time.Minute), time.Minute); l != nil || err != nil {
			t.Errorf("a parked task is taken: %v, %v", l, err)
		}

		commits := make(chan storage.Committed, 2)
		s.OnCommit(func(_ context.Context, c storage.Committed) { commits <- c })
		if n, err := s.Unpark(ctx, "endpoint:risk", 10, morning); n != 0 || err != nil {
			t.Errorf("%d wait for something else, %v", n, err)
		}
		if n, err := s.Unpark(ctx, "endpoint:office", 2, morning.Add(time.Minute)); n != 2 || err != nil {
			t.Errorf("%d are set free, want the two that wait longest: %v", n, err)
		}
		if c := <-commits; len(c.Tasks) != 2 {
			t.Errorf("told of %+v", c)
		}
		for id, free := range map[string]bool{first: true, second: true, third: false} {
			l, err := s.LeaseTask(ctx, id, "worker", morning.Add(2*time.Minute), time.Minute)
			if err != nil || (l != nil) != free {
				t.Errorf("%s is free: %t, want %t; %v", id, l != nil, free, err)
			}
			if l != nil && l.Attempt != 0 {
				t.Errorf("waiting counted as %d tries", l.Attempt)
			}
		}
		l, err := s.LeaseTask(ctx, third, "worker", morning.Add(time.Hour), time.Minute)
		if err != nil || l == nil {
			t.Fatalf("when its time is over it does not come: %v", err)
		}
		if n, err := s.Unpark(ctx, "endpoint:office", 2, morning.Add(time.Hour)); n != 0 || err != nil {
			t.Errorf("%d that run are set free, %v", n, err)
		}
	})
}

func TestADeliveryWaitsForThoseBeforeIt(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		rules := &slipway.Rules{Endpoints: []slipway.Endpoint{{Name: "wall", URL: "https://wall.example.com", Events: slipway.Events()}}}
		p := submit(t, s, create(t, s, bare("ordered")), rules).Plan
		req := ask(alice, rules)
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Start(req) })
		other := submit(t, s, create(t, s, bare("other")), rules).Plan
		ds, err := s.Deliveries(ctx, p.ID)
		must(t, err)
		others, err := s.Deliveries(ctx, other.ID)
		must(t, err)
		inTurn := func(d *storage.Delivery) bool {
			t.Helper()
			yes, err := s.InTurn(ctx, d)
			must(t, err)
			return yes
		}
		if !inTurn(&ds[0]) || inTurn(&ds[1]) || !inTurn(&others[0]) {
			t.Error("want the first of each plan to go, and the second to wait")
		}
		must(t, s.SettleDelivery(ctx, ds[0].ID, storage.DeliveryFailed, "given up", morning))
		if !inTurn(&ds[1]) {
			t.Error("the second waits for what was given up")
		}
	})
}

func TestEndpointsAreKept(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		e := slipway.Endpoint{Name: "risk", URL: "https://risk.example.com", Events: slipway.Events(), Secrets: []string{"whsec_x"}, Deadline: time.Hour}
		version, err := s.SaveEndpoint(ctx, e, 0, "Root", morning)
		must(t, err)
		if _, err := s.SaveEndpoint(ctx, e, 0, "Root", morning); slipway.CodeOf(err) != slipway.Stale {
			t.Errorf("made twice: %v", err)
		}
		e.Wait = true
		if _, err := s.SaveEndpoint(ctx, e, version+1, "Root", morning); slipway.CodeOf(err) != slipway.Stale {
			t.Errorf("a version that is not there is replaced: %v", err)
		}
		_, err = s.SaveEndpoint(ctx, e, version, "Root", morning.Add(time.Minute))
		must(t, err)
		all, err := s.Endpoints(ctx)
		if err != nil || len(all) != 1 || !all[0].Wait || !all[0].Managed || all[0].Version != 2 || all[0].Deadline != time.Hour || all[0].Secrets[0] != "whsec_x" {
			t.Errorf("kept: %+v, %v", all, err)
		}
		must(t, s.DeleteEndpoint(ctx, "risk"))
		if err := s.DeleteEndpoint(ctx, "risk"); slipway.CodeOf(err) != slipway.NotFound {
			t.Errorf("deleted twice: %v", err)
		}
	})
}
