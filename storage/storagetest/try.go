package storagetest

import (
	"testing"
	"time"

	"slipway/storage"
)

// Try writes down one try at a delivery as it is on record: begun at a time, ended as
// said, and with the delivery in a state.
func Try(tb testing.TB, s *storage.Store, delivery string, at time.Time, state storage.DeliveryState, said storage.Attempt) storage.Attempt {
	tb.Helper()
	begun, err := s.BeginAttempts(tb.Context(), map[string]time.Time{delivery: at})
	if err != nil {
		tb.Fatal(err)
	}
	a, found := begun[delivery]
	if !found {
		tb.Fatalf("there is no delivery %s", delivery)
	}
	said.ID, said.DeliveryID, said.Number, said.StartedAt, said.Ended = a.ID, a.DeliveryID, a.Number, a.StartedAt, true
	if err := s.EndAttempts(tb.Context(), []storage.Sent{{Attempt: said, State: state}}, at); err != nil {
		tb.Fatal(err)
	}
	return said
}
