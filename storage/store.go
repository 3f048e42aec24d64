// Package storage keeps everything that Slipway knows: plans, their operation log,
// the tasks that follow, hooks and runs, people and cards. It speaks to PostgreSQL,
// or to SQLite in the embedded default; the same SQL serves both.
//
// Plans have one write path. Create and Change lock the plan, call a pure transition
// of package slipway and write the plan, exactly one entry and all that follows in
// one transaction. A request that arrives twice has one effect. Nothing outside is
// called inside the transaction, and nothing is announced before its commit: then
// the function given to OnCommit is told.
//
// The tasks table is outbox and scheduler at once. A row is offered to the queue by
// OfferDue, taken by LeaseTask and removed by FinishTask. Whatever crashes in
// between, the row stays and is offered again.
//
// Times are arguments. Plans, users and credentials count in Unix seconds,
// everything else in Unix milliseconds.
package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"slipway"
)

// The dialects.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"
)

// Config says where the data is.
type Config struct {
	// URL is a PostgreSQL URL, "postgres://...". Empty: SQLite.
	URL string
	// Dir is the folder of the SQLite file slipway.db, made if it is missing.
	Dir string
	// Keys seal the secrets of endpoints.
	Keys Keys
	Log  *slog.Logger
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	write   *bun.DB
	read    *bun.DB // the same as write on PostgreSQL
	dialect string
	keys    Keys
	turns   *turns
	log     *slog.Logger
	// definitions are workflows that were read before, so that a large frozen
	// definition is not parsed with every change of its plan.
	definitions definitions
	onCommit    atomic.Pointer[func(context.Context, Committed)]
}

// Committed tells what a commit brought.
type Committed struct {
	PlanID string
	// Seq is the plan's newest change; zero when only a task was set free again.
	Seq      int64
	Tasks    []slipway.Task
	StopRuns []string // runs that are to be cancelled
}

// OnCommit sets the function that is called after every commit of the write path,
// outside of any lock. It must not block. The function set last is called; commits made
// before it was set are not told.
func (s *Store) OnCommit(f func(context.Context, Committed)) { s.onCommit.Store(&f) }

func (s *Store) committed(ctx context.Context, c Committed) {
	if f := s.onCommit.Load(); f != nil {
		(*f)(ctx, c)
	}
}

// Open connects to the database and makes sure that it answers. It does not migrate.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{log: cfg.Log, keys: cfg.Keys}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if cfg.URL != "" {
		err = s.openPostgres(cfg.URL)
	} else {
		err = s.openSQLite(cfg.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		_ = s.Close() // the first error tells more
		return nil, err
	}
	return s, nil
}

// maxConns bounds the connections of one process to PostgreSQL.
const maxConns = 16

func (s *Store) openPostgres(address string) error {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("read database URL: %w", err)
	}
	// bun writes the arguments into the statement, so preparing it would cost a
	// round trip and never be of use again. Simple statements may also be sent several
	// at once.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "slipway"
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s.dialect = Postgres
	s.turns = newTurns(maxConns / 2) // the others are for those who read
	s.write = bun.NewDB(db, postgresDialect{pgdialect.New()})
	s.read = s.write
	return nil
}

// keepPrivate makes the database's file readable for nobody else: plans may hold
// credentials. SQLite gives the files beside it the same permissions.
func keepPrivate(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("keep %s private: %w", file, err)
	}
	return nil
}

// openSQLite opens one connection that writes and a few that only read. With one
// writer nobody ever waits for a lock inside SQLite, and WAL lets readers go on
// meanwhile.
func (s *Store) openSQLite(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	file := filepath.Join(dir, "slipway.db")
	if err := keepPrivate(file); err != nil {
		return err
	}
	write, err := sql.Open("sqlite", sqliteName(file, "immediate",
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-8000)"))
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", sqliteName(file, "deferred", "busy_timeout(5000)", "query_only(1)"))
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
	}
	readers := max(2, runtime.NumCPU())
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	s.dialect = SQLite
	s.turns = newTurns(1)
	s.write = bun.NewDB(write, sqliteDialect{sqlitedialect.New()})
	s.read = bun.NewDB(read, sqliteDialect{sqlitedialect.New()})
	return nil
}

func sqliteName(file, lock string, pragmas ...string) string {
	v := url.Values{"_txlock": {lock}, "_pragma": pragmas}
	// SQLite takes the name apart as a URI.
	return "file:" + (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath() + "?" + v.Encode()
}

// Dialect is Postgres or SQLite.
func (s *Store) Dialect() string { return s.dialect }

// Ping makes sure that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.write.PingContext(ctx); err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	return nil
}

// Close closes all connections.
func (s *Store) Close() error {
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// The dialects replace the NUL character, which no text of PostgreSQL can hold and
// bun refuses, in all that people and outside systems write.
type (
	postgresDialect struct{ *pgdialect.Dialect }
	sqliteDialect   struct{ *sqlitedialect.Dialect }
)

const replacement = "\uFFFD"

// AppendString writes a text as SQL.
func (d postgresDialect) AppendString(b []byte, s string) []byte {
	return d.Dialect.AppendString(b, strings.ReplaceAll(s, "\x00", replacement))
}

// AppendString writes a text as SQL.
func (d sqliteDialect) AppendString(b []byte, s string) []byte {
	return d.Dialect.AppendString(b, strings.ReplaceAll(s, "\x00", replacement))
}
