package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"slipway"
	"slipway/storage/storagetest"
)

func TestATransactionThatOthersGotInTheWayOfIsRunAgain(t *testing.T) {
	t.Parallel()
	s := storagetest.New(t)
	for name, test := range map[string]struct {
		err  error
		runs int
	}{
		"deadlock":              {&pgconn.PgError{Code: "40P01"}, 2},
		"serialization failure": {fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: "40001"}), 2},
		"a constraint":          {&pgconn.PgError{Code: "23505"}, 1},
		"a refusal":             {slipway.Refuse(slipway.Conflict, "No.", "不行。"), 1},
	} {
		runs := 0
		err := s.Tx(t.Context(), func() error {
			if runs++; runs == 1 {
				return test.err
			}
			return nil
		})
		if runs != test.runs || (err == nil) != (test.runs == 2) {
			t.Errorf("%s: run %d times, %v; want %d times", name, runs, err, test.runs)
		}
		runs = 0
		err = s.Tx(t.Context(), func() error {
			runs++
			return test.err
		})
		if !errors.Is(err, test.err) || runs > 5 {
			t.Errorf("%s, for ever: run %d times, %v", name, runs, err)
		}
	}
}

// Leases do not wait for the disk; plans always do, also after a lease, and after one
// whose caller went away.
func TestChangesOfPlansWaitForTheDisk(t *testing.T) {
	t.Parallel()
	s := storagetest.New(t)
	durable := func() {
		t.Helper()
		var level int
		must(t, s.Query(t.Context(), &level, "PRAGMA synchronous"))
		if level != 2 {
			t.Errorf("the level of synchronisation is %d, want 2 (FULL)", level)
		}
	}
	durable()
	task := put(t, s, "k", 0)
	if l := lease(t, s, task.ID, "w", morning); l == nil {
		t.Fatal("no lease")
	}
	durable()
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Quickly(ctx, func() error {
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the context is over", err)
	}
	durable()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = s.Quickly(t.Context(), func() error { panic("a bug") })
	}()
	durable()
}
