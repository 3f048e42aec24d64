package storagetest

import (
	"log/slog"
	"testing"

	"slipway/storage"
)

// New returns a migrated store on SQLite in a folder of its own; it ends with the test.
func New(tb testing.TB) *storage.Store {
	tb.Helper()
	return open(tb, storage.Config{Dir: tb.TempDir()})
}

// NewPostgres returns a migrated store on a fresh PostgreSQL database; it ends with the
// test.
func NewPostgres(tb testing.TB) *storage.Store {
	tb.Helper()
	return open(tb, storage.Config{URL: Postgres(tb)})
}

// Each runs a test on both databases, side by side.
func Each(t *testing.T, test func(t *testing.T, s *storage.Store)) {
	t.Helper()
	for name, fresh := range map[string]func(testing.TB) *storage.Store{storage.SQLite: New, storage.Postgres: NewPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

func open(tb testing.TB, cfg storage.Config) *storage.Store {
	tb.Helper()
	cfg.Log = slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := storage.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}
