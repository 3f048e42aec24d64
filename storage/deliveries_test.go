package storage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/storage"
	"slipway/storage/storagetest"
)

// An endpoint that never answered has figures like any other.
func TestTheFiguresOfEndpoints(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p := submit(t, s, create(t, s, draft(t, "one")), askingRules).Plan
		deliveries, err := s.Deliveries(ctx, p.ID)
		must(t, err)
		tries := map[string][]storage.Attempt{
			"office": {{StatusCode: 200, DurationMS: 10}, {StatusCode: 503, DurationMS: 25, Error: "answered 503"}},
			"wall":   {{DurationMS: 7, Error: "connection refused"}},
		}
		for _, d := range deliveries {
			for _, try := range tries[d.Endpoint] {
				storagetest.Try(t, s, d.ID, morning, storage.DeliveryPending, try)
			}
		}
		got, err := s.EndpointSpeeds(ctx, morning.Add(-time.Hour).UnixMilli())
		must(t, err)
		want := []storage.EndpointSpeed{
			{Endpoint: "office", Tries: 2, Good: 1, Mean: 17.5, Slowest: 25},
			{Endpoint: "wall", Tries: 1, Slowest: 7},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("figures (-want +got):\n%s", diff)
		}
		if later, err := s.EndpointSpeeds(ctx, morning.Add(time.Hour).UnixMilli()); err != nil || len(later) != 0 {
			t.Errorf("of a time without tries: %v, %v", later, err)
		}
	})
}
