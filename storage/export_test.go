package storage

import "context"

// Exec runs a statement past everything that Store sees to.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.write.ExecContext(ctx, query, args...)
	return err
}

// Query returns one value, past everything that Store sees to.
func (s *Store) Query(ctx context.Context, value any, query string, args ...any) error {
	return s.write.QueryRowContext(ctx, query, args...).Scan(value)
}
