package tasks

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// BenchmarkCommitToHandler measures how long after the commit of a task its handler
// begins, while nothing else happens.
func BenchmarkCommitToHandler(b *testing.B) {
	for _, bench := range []struct {
		name  string
		store func(testing.TB) *storage.Store
		redis func(testing.TB) string
	}{
		{"embedded", storagetest.New, func(testing.TB) string { return "" }},
		{"servers", storagetest.NewPostgres, storagetest.Redis},
	} {
		b.Run(bench.name, func(b *testing.B) {
			w := newWorld(b, bench.store(b), bench.redis(b))
			begun := make(chan time.Time)
			w.cards.repaint = func(context.Context, string) error {
				begun <- time.Now()
				return nil
			}
			w.start(b)
			took := make([]time.Duration, 0, 1000)
			for b.Loop() {
				id, err := uuid.NewRandomFromReader(rand.Reader)
				if err != nil {
					b.Fatal(err)
				}
				task := slipway.Task{
					ID: id.String(), Kind: slipway.TaskCard, Key: "card:" + id.String(), RunAt: w.clock.now().UnixMilli(),
				}
				if err := w.Store.PutTask(b.Context(), task, w.clock.now()); err != nil {
					b.Fatal(err)
				}
				committed := time.Now()
				took = append(took, (<-begun).Sub(committed))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}
