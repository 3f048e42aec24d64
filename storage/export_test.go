package storage

import (
	"context"

	"github.com/uptrace/bun"
)

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
