package storage

import (
	"context"

	"github.com/uptrace/bun"
)

// MigrateTo brings an empty database to where it was after the first n migrations.
func (s *Store) MigrateTo(ctx context.Context, n int) error {
	m, err := s.migrator()
	if err != nil {
		return err
	}
	if err := m.Init(ctx); err != nil {
		return err
	}
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return err
	}
	for i, f := range files[:n] {
		statements, err := migrationFiles.ReadFile("migrations/" + f.Name())
		if err != nil {
			return err
		}
		if _, err := s.write.DB.ExecContext(ctx, string(statements)); err != nil {
			return err
		}
		if i == 0 { // the others note themselves
			if err := s.Exec(ctx, "INSERT INTO bun_migrations (name, group_id) VALUES ('001', 1)"); err != nil {
				return err
			}
		}
	}
	return nil
}

// Exec runs a statement past everything that Store sees to.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.write.ExecContext(ctx, query, args...)
	return err
}

// Query returns one value, past everything that Store sees to.
func (s *Store) Query(ctx context.Context, value any, query string, args ...any) error {
	return s.write.QueryRowContext(ctx, query, args...).Scan(value)
}

// Tx runs fn as the transactions of the store are run.
func (s *Store) Tx(ctx context.Context, fn func() error) error {
	return s.tx(ctx, func(bun.Tx) error { return fn() })
}

// Quickly runs fn as writes are run that do not wait for the disk.
func (s *Store) Quickly(ctx context.Context, fn func() error) error {
	return s.quickly(ctx, func(bun.IDB) error { return fn() })
}
