package storagetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"slipway/storage"
)

// New returns a migrated store on SQLite in a folder of its own; it ends with the test.
func New(tb testing.TB) *storage.Store {
	tb.Helper()
	file, err := migratedFile()
	if err != nil {
		tb.Fatalf("migrate SQLite: %v", err)
	}
	dir := tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), file, 0o600); err != nil {
		tb.Fatal(err)
	}
	return open(tb, storage.Config{Dir: dir})
}

// NewPostgres returns a migrated store on a fresh PostgreSQL database; it ends with the
// test.
func NewPostgres(tb testing.TB) *storage.Store {
	tb.Helper()
	if err := migratedDatabase(); err != nil {
		tb.Fatalf("migrate PostgreSQL: %v", err)
	}
	return open(tb, storage.Config{URL: fresh(tb, migrated)})
}

// Each runs a test on both databases, side by side.
func Each(t *testing.T, test func(t *testing.T, s *storage.Store)) {
	t.Helper()
	for name, store := range map[string]func(testing.TB) *storage.Store{storage.SQLite: New, storage.Postgres: NewPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, store(t))
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
	return s
}

const (
	fileName = "slipway.db" // of SQLite, in the store's folder
	migrated = "migrated"   // the database that those of tests are copies of
)

// migratedFile returns a SQLite file that is up to date. Migrating takes longer than
// most tests do, so it is done once in a process.
var migratedFile = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "slipway-sqlite-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := migrate(storage.Config{Dir: dir}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, fileName))
})

// migratedDatabase makes the database migrated, once in a process.
var migratedDatabase = sync.OnceValue(func() error {
	server, err := sharedPostgres()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := execOn(ctx, server.URL, "CREATE DATABASE "+migrated+" TEMPLATE template0"); err != nil {
		return err
	}
	return migrate(storage.Config{URL: postgresURL(server.port, migrated)})
})

func migrate(cfg storage.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	s, err := storage.Open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(ctx), s.Close())
}
