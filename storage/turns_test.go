package storage

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// queueUp has writers come one after the other while another holds the only turn, and
// returns the order in which they are let in.
func queueUp(t *testing.T, contexts map[string]context.Context, names ...string) []string {
	t.Helper()
	var order []string
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		leave, err := turns.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			ctx := t.Context()
			if name[0] == '-' {
				ctx = InBackground(ctx)
			}
			if c := contexts[name]; c != nil {
				ctx = c
			}
			go func() {
				leave, err := turns.take(ctx)
				if err != nil {
					return
				}
				order = append(order, name) // only who has the turn writes
				leave()
			}()
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		if turns.free != 1 {
			t.Errorf("%d turns are free in the end, want 1", turns.free)
		}
	})
	return order
}

func TestWhoComesFirstWritesFirst(t *testing.T) {
	t.Parallel()
	got := queueUp(t, nil, "a", "b", "c", "d")
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestWorkInTheBackgroundWaitsButNotForEver(t *testing.T) {
	t.Parallel()
	got := queueUp(t, nil, "-x", "a", "-y", "b", "c", "d", "e", "f", "g", "h", "i")
	if diff := cmp.Diff([]string{"a", "b", "-x", "c", "d", "-y", "e", "f", "g", "h", "i"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestWhoGivesUpWaitingLosesNoTurn(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	got := queueUp(t, map[string]context.Context{"b": gone}, "a", "b", "c")
	if diff := cmp.Diff([]string{"a", "c"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
