package storage_test

import (
	"fmt"
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

// Those that wait are counted however old they are, the others since a time.
func TestDeliveriesAreCounted(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		p := create(t, s, bare("payments"))
		for n, d := range []struct {
			state storage.DeliveryState
			at    int64
		}{
			{storage.DeliveryPending, 10},
			{storage.DeliveryPending, 20},
			{storage.DeliveryPending, 150},
			{storage.DeliveryFailed, 99},
			{storage.DeliveryFailed, 100},
			{storage.DeliveryDelivered, 30},
			{storage.DeliveryDelivered, 100},
			{storage.DeliveryDelivered, 200},
			{storage.DeliveryDropped, 40},
		} {
			done := d.at
			if d.state == storage.DeliveryPending {
				done = 0
			}
			must(t, s.Exec(t.Context(), `INSERT INTO deliveries (id, plan_id, endpoint, event, instance_code, waits, body, at, state, attempts, last_error, done_at, seq)
				VALUES (?, ?, 'office', 'start_execute', ?, false, '{}', ?, ?, 0, '', ?, ?)`, fmt.Sprint("d", n), p.ID, fmt.Sprint("c", n), d.at, d.state, done, n))
		}
		counts, err := s.DeliveryCounts(t.Context(), 100)
		must(t, err)
		want := []storage.DeliveryCount{
			{Endpoint: "office", State: storage.DeliveryDelivered, Count: 2, Oldest: 100},
			{Endpoint: "office", State: storage.DeliveryFailed, Count: 1, Oldest: 100},
			{Endpoint: "office", State: storage.DeliveryPending, Count: 3, Oldest: 10},
		}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		for state, want := range map[storage.DeliveryState]int{
			storage.DeliveryPending: 3, storage.DeliveryFailed: 2, storage.DeliveryDropped: 1, storage.DeliveryDelivered: 3,
		} {
			page, err := s.SearchDeliveries(t.Context(), storage.DeliveryFilter{States: []storage.DeliveryState{state}})
			must(t, err)
			if len(page.Rows) != want {
				t.Errorf("%d are %s, want %d", len(page.Rows), state, want)
			}
		}
	})
}
