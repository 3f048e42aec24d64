package storage_test

import (
	"testing"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// BenchmarkChange measures one change of a plan with items and a frozen workflow, one
// after the other, with the commit and what leads to it.
func BenchmarkChange(b *testing.B) {
	eachStore(b, func(b *testing.B, s *storage.Store) {
		p := benchPlan(b, s)
		for b.Loop() {
			benchChange(b, s, p.ID)
		}
	})
}

// BenchmarkChangeParallel measures changes of different plans with many requests in
// flight.
func BenchmarkChangeParallel(b *testing.B) {
	eachStore(b, func(b *testing.B, s *storage.Store) {
		const inFlight = 50
		plans := make(chan string, inFlight)
		for range inFlight {
			plans <- benchPlan(b, s).ID
		}
		b.SetParallelism(inFlight / 2)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			id := <-plans
			for pb.Next() {
				benchChange(b, s, id)
			}
			plans <- id
		})
	})
}

func BenchmarkPlan(b *testing.B) {
	eachStore(b, func(b *testing.B, s *storage.Store) {
		p := benchPlan(b, s)
		for b.Loop() {
			if _, err := s.Plan(b.Context(), p.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTask(b *testing.B) {
	eachStore(b, func(b *testing.B, s *storage.Store) {
		for b.Loop() {
			task := slipway.Task{ID: uuid(), Kind: slipway.TaskCard, Key: "card:x", PlanID: "x", RunAt: morning.UnixMilli()}
			if err := s.PutTask(b.Context(), task, morning); err != nil {
				b.Fatal(err)
			}
			l, err := s.LeaseTask(b.Context(), task.ID, "bench", morning, leaseTime)
			if err != nil || l == nil {
				b.Fatal(l, err)
			}
			if err := s.FinishTask(b.Context(), l); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func eachStore(b *testing.B, bench func(*testing.B, *storage.Store)) {
	b.Run(storage.SQLite, func(b *testing.B) { bench(b, storagetest.New(b)) })
	b.Run(storage.Postgres, func(b *testing.B) { bench(b, storagetest.NewPostgres(b)) })
}

func benchPlan(b *testing.B, s *storage.Store) *slipway.Plan {
	b.Helper()
	d := draft(b, "bench")
	for _, name := range []string{"one", "two", "three"} {
		it := *d.Items[1]
		it.Name = name
		d.Items = append(d.Items, &it)
	}
	return executing(b, s, d)
}

// benchChange sends a hook again: an entry, two tasks and the plan are written.
func benchChange(b *testing.B, s *storage.Store, planID string) {
	req := ask(alice, noRules)
	_, err := s.Change(b.Context(), req, planID, func(p *slipway.Plan) (*slipway.Change, error) {
		p.Items[0].Remark = req.ID
		return p.Resend(req, &slipway.Delivery{ID: "msg_1", Event: slipway.EventStartExecute, Endpoint: "wall"})
	})
	if err != nil {
		b.Error(err)
	}
}
