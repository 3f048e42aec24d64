package storage

import (
	"context"
	"database/sql/driver"

	"github.com/uptrace/bun"
)

// maxTries is how often a transaction is begun that others get in the way of.
const maxTries = 5

// tx runs fn in a transaction that may write, again if others got in its way.
func (s *Store) tx(ctx context.Context, fn func(tx bun.Tx) error) error {
	leave, err := s.turns.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return retry(ctx, func() error {
		return s.write.RunInTx(ctx, nil, func(_ context.Context, tx bun.Tx) error { return fn(tx) })
	})
}

func retry(ctx context.Context, fn func() error) error {
	var err error
	for range maxTries {
		if err = fn(); err == nil || !again(err) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// quickly runs fn with a connection whose commits, on SQLite, do not wait for the disk.
// They survive a crash of Slipway, and come after all commits before them and before
// all that follow; but a crash of the machine may undo the last ones. PostgreSQL has
// many wait for the disk together and gains little.
//
// It is for what may be done twice, and only for that: leases and ends of tasks,
// attempts, cards, logs. If they are undone the task is simply carried out again, as
// after a crash just before them. They are most of all writes, so this is what the
// speed of the embedded default depends on.
func (s *Store) quickly(ctx context.Context, fn func(db bun.IDB) error) error {
	leave, err := s.turns.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if s.dialect == Postgres {
		return retry(ctx, func() error { return fn(s.write) })
	}
	conn, err := s.write.Conn(ctx) // the only one that writes
	if err != nil {
		return err
	}
	defer func() {
		if _, e := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = FULL"); e != nil {
			// Never used again: the next one is opened with what a change of a plan needs.
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
			s.log.WarnContext(ctx, "connection given up", "error", e)
		}
		_ = conn.Close() // goes back to the pool
	}()
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return err
	}
	return retry(ctx, func() error { return fn(conn) })
}

// quickTx runs fn quickly, in a transaction.
func (s *Store) quickTx(ctx context.Context, fn func(tx bun.Tx) error) error {
	return s.quickly(ctx, func(db bun.IDB) error {
		return db.RunInTx(ctx, nil, func(_ context.Context, tx bun.Tx) error { return fn(tx) })
	})
}
