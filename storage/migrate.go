package storage

import (
	"context"
	"embed"
	"fmt"

	"github.com/uptrace/bun/migrate"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationLock is the PostgreSQL advisory lock that lets one process migrate at a
// time; it goes with the connection, so a crash leaves nothing locked.
const migrationLock = 0x736c6970 // "slip"

// Migrate brings the schema up to date. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) (err error) {
	m, err := s.migrator()
	if err != nil {
		return err
	}
	if s.dialect == Postgres {
		unlock, err := s.lockMigrations(ctx)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if err := retry(ctx, func() error { return m.Init(ctx) }); err != nil {
		return fmt.Errorf("make migration tables: %w", err)
	}
	left, err := s.Pending(ctx)
	if err != nil {
		return err
	}
	group, err := m.Migrate(ctx)
	for tries := 1; err != nil; tries++ {
		// SQLite has no lock to hold meanwhile. If another process was faster, all is well, or
		// goes on where it is by now; one that is at it takes as long as it takes.
		n, e := s.Pending(ctx)
		if e != nil || n > 0 && n >= left && (!again(err) || tries >= maxTries || ctx.Err() != nil) {
			return fmt.Errorf("migrate: %w", err)
		}
		if left = n; n == 0 {
			return nil
		}
		group, err = m.Migrate(ctx)
	}
	for i := range group.Migrations {
		s.log.InfoContext(ctx, "migrated", "migration", group.Migrations[i].Name, "dialect", s.dialect)
	}
	return nil
}

// lockMigrations takes the advisory lock on a connection of its own.
func (s *Store) lockMigrations(ctx context.Context) (unlock func(), err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach database: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", migrationLock); err != nil {
		_ = conn.Close() // the first error tells more
		return nil, fmt.Errorf("lock migrations: %w", err)
	}
	return func() {
		free := context.WithoutCancel(ctx)
		if _, err := conn.ExecContext(free, "SELECT pg_advisory_unlock(?)", migrationLock); err != nil {
			s.log.ErrorContext(free, "unlock migrations", "error", err)
		}
		_ = conn.Close() // gives it back to the pool
	}, nil
}

// Pending counts the migrations that the schema lacks. It changes nothing.
func (s *Store) Pending(ctx context.Context) (int, error) {
	m, err := s.migrator()
	if err != nil {
		return 0, err
	}
	all, err := m.MigrationsWithStatus(ctx)
	if missingTable(err) {
		names, err := migrationFiles.ReadDir("migrations")
		return len(names), err
	}
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	return len(all.Unapplied()), nil
}

func (s *Store) migrator() (*migrate.Migrator, error) {
	ms := migrate.NewMigrations()
	if err := ms.Discover(migrationFiles); err != nil {
		return nil, fmt.Errorf("find migrations: %w", err)
	}
	// By default bun notes a migration before it has run, and skips it for ever if it
	// fails. Upsert keeps one note of each when two processes migrate one SQLite file.
	return migrate.NewMigrator(s.write, ms, migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true)), nil
}
