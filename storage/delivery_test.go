package storage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// A hook that fails first is tried again, under the same id and with the same bytes,
// and every try is on record.
func TestADeliveryAndItsAttempts(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p := submit(t, s, create(t, s, draft(t, "hooked")), askingRules).Plan
		all, err := s.Deliveries(ctx, p.ID)
		must(t, err)
		d := all[0]
		if len(all) != 2 || !d.Waits || d.InstanceCode != p.Gate.Waits[0].Code || len(d.Body) == 0 || all[1].Waits {
			t.Fatalf("deliveries: %+v", all)
		}

		one := storagetest.Try(t, s, d.ID, morning, storage.DeliveryPending,
			storage.Attempt{DurationMS: 120, StatusCode: 503, Error: "503 Service Unavailable", Answer: "busy \x00"})
		begun, err := s.BeginAttempts(ctx, map[string]time.Time{d.ID: morning.Add(time.Second)})
		must(t, err)
		two := begun[d.ID]
		if cut, err := s.Delivery(ctx, d.ID); err != nil || cut.Attempts[1].Ended || cut.LastError != one.Error || cut.DoneAt != 0 {
			t.Errorf("while the second attempt is under way: %+v, %v", cut, err)
		}
		two.DurationMS, two.StatusCode, two.Answer, two.Ended = 80, 200, "ok", true
		must(t, s.EndAttempts(ctx, []storage.Sent{{Attempt: two, State: storage.DeliveryDelivered}}, morning))

		got, err := s.DeliveryByCode(ctx, d.InstanceCode)
		must(t, err)
		one.Answer = "busy \uFFFD"
		want := &storage.Delivery{
			Delivery: d.Delivery, State: storage.DeliveryDelivered, Attempts: []storage.Attempt{one, two},
			DoneAt: morning.Add(time.Second).UnixMilli() + 80,
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the delivery (-want +got):\n%s", diff)
		}
		must(t, s.SettleDelivery(ctx, all[1].ID, storage.DeliveryDropped, "the endpoint is gone", morning))
		dropped, err := s.Delivery(ctx, all[1].ID)
		if err != nil || dropped.State != storage.DeliveryDropped || dropped.DoneAt != morning.UnixMilli() {
			t.Errorf("the dropped delivery: %+v, %v", dropped, err)
		}
	})
}

func TestDeliveriesThatAreNotThere(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		_, err := s.Delivery(t.Context(), "msg_0")
		wantCode(t, err, slipway.NotFound)
		_, err = s.DeliveryByCode(t.Context(), "code")
		wantCode(t, err, slipway.NotFound)
		if begun, err := s.BeginAttempts(t.Context(), map[string]time.Time{"msg_0": morning}); err != nil || len(begun) != 0 {
			t.Errorf("attempts at no delivery: %v, %v", begun, err)
		}
		if list, err := s.Deliveries(t.Context(), "none"); err != nil || len(list) != 0 {
			t.Errorf("deliveries of no plan: %v, %v", list, err)
		}
	})
}

func TestAnEndpointIsDisabledUntilItIsEnabled(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		must(t, s.DisableEndpoint(ctx, "office", "410 Gone", morning))
		must(t, s.DisableEndpoint(ctx, "office", "410 Gone, again", morning))
		must(t, s.DisableEndpoint(ctx, "wall", "by hand", morning))
		must(t, s.EnableEndpoint(ctx, "wall"))
		got, err := s.DisabledEndpoints(ctx)
		if diff := cmp.Diff(map[string]string{"office": "410 Gone, again"}, got); err != nil || diff != "" {
			t.Errorf("disabled endpoints (-want +got): %v\n%s", err, diff)
		}
	})
}
