// Package storagetest gives tests real databases and queues. [Postgres] and [Redis] start private servers on demand,
// on free ports of the loopback interface, so nothing has to run before the tests and tests do not meet each
// other; a test that kills servers starts its own by [StartPostgres] and [StartRedis]. No server outlives the process
// that started it. What it needs to be installed, deploy/dev/install installs.
package storagetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startTimeout is how long a server may take until it answers. It is generous: a machine that compiles at the same
// time is slow, and a start that fails is noticed at once and not by this limit.
const startTimeout = 60 * time.Second

// Postgres returns the URL of a fresh, empty database on a PostgreSQL server of this process's own. The server is
// started by the first call and ends, with its data, together with the process; the database is dropped when the
// test is over. Tests that need to stop a server start their own by [StartPostgres].
func Postgres(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, "template0")
}

// fresh returns the URL of a copy of the template; it is dropped when the test is over.
func fresh(tb testing.TB, template string) string {
	tb.Helper()
	server, err := sharedPostgres()
	if err != nil {
		tb.Fatalf("start PostgreSQL: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	name := "test_" + strconv.FormatInt(databases.Add(1), 10)
	if err := execOn(ctx, server.URL, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatalf("create database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		if err := execOn(ctx, server.URL, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop database: %v", err)
		}
	})
	return postgresURL(server.port, name)
}

// Redis returns the URL of an empty Redis server that nobody else uses, so a test may empty it. It keeps nothing on
// disk and ends with the test.
func Redis(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "slipway-redis-")
	if err != nil {
		tb.Fatalf("make folder for Redis: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	server := &Server{kind: redisKind{}, dir: dir, temporary: true}
	if err := server.start(ctx); err != nil {
		tb.Fatalf("start Redis: %v", err)
	}
	tb.Cleanup(server.Stop)
	return server.URL
}

// databases numbers the databases of the shared server.
var databases atomic.Int64

// sharedPostgres starts the server behind [Postgres]. Nothing stops it: its watchdog does when this process ends.
var sharedPostgres = sync.OnceValues(func() (*Server, error) {
	dir, err := os.MkdirTemp("", "slipway-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	server := &Server{kind: postgresKind{}, dir: dir, temporary: true}
	return server, server.start(ctx)
})

// Server is a private server on a free port of the loopback interface. It ends at the latest when the process that
// started it does, even by kill -9. Its methods are not for concurrent use.
type Server struct {
	// URL is what clients connect to: redis://127.0.0.1:port/ or postgres://slipway@127.0.0.1:port/postgres. It
	// stays the same over [Server.Restart], and over later starts in the same folder as long as the port is free.
	URL string

	kind      kind
	dir       string
	temporary bool // the folder goes with the server; it cannot be restarted
	port      int
	process   *process
}

// kind is the part that differs between PostgreSQL and Redis.
type kind interface {
	// prepare makes the server's folder ready and returns the command that serves at port.
	prepare(ctx context.Context, dir string, port int) (command, error)
	// ready returns nil if the server at the port is the process pid with its data in dir, and serves.
	ready(ctx context.Context, port, pid int, dir string) error
	// url is what clients connect to.
	url(port int) string
}

// StartPostgres starts a PostgreSQL server whose data is in the folder dir, made if need be, and returns when it
// serves; ctx limits that wait and not the server's life. Committed transactions survive [Server.Kill], but not
// a crash of the machine: the server does not wait for the disk, unless the settings, written as name=value,
// say so: "fsync=on", "full_page_writes=on".
func StartPostgres(ctx context.Context, dir string, settings ...string) (*Server, error) {
	return newServer(ctx, postgresKind{settings: settings}, dir)
}

// StartRedis starts a Redis server whose data is in the folder dir, made if need be, and returns when it serves;
// ctx limits that wait and not the server's life. It keeps nothing on disk unless args, which are added to its
// command line, say so: "--appendonly", "yes".
func StartRedis(ctx context.Context, dir string, args ...string) (*Server, error) {
	return newServer(ctx, redisKind{args: args}, dir)
}

func newServer(ctx context.Context, kind kind, dir string) (*Server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	server := &Server{kind: kind, dir: dir}
	if err := server.start(ctx); err != nil {
		return nil, err
	}
	return server, nil
}

// Stop ends the server in an orderly way and returns when it is gone. It does nothing to a server that has ended.
func (s *Server) Stop() { s.process.stop() }

// Kill ends the server by SIGKILL, as a crash would, and returns when it is gone. It does nothing to a server that
// has ended.
func (s *Server) Kill() { s.process.kill() }

// Restart starts a server that was stopped or killed again, on the same port and with the data it had; ctx limits
// the wait until it serves.
func (s *Server) Restart(ctx context.Context) error { return s.start(ctx) }

// start starts the server at the port it had before, if it is known, else at a free one. A port that is free when it is
// looked for may be taken a moment later, and a killed PostgreSQL leaves children that take a moment to go: both
// end the new process early, and it is tried again.
func (s *Server) start(ctx context.Context) error {
	const attempts = 50
	var exits error
	for range attempts {
		err := s.startOnce(ctx)
		if err == nil {
			return nil
		}
		exit := (*exitError)(nil)
		if !errors.As(err, &exit) {
			return errors.Join(err, exits)
		}
		if exits = err; !mayPass(exit.printed) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), exits)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return exits
}

// mayPass tells from what a server printed before it ended whether another attempt may do better.
func mayPass(printed string) bool {
	return strings.Contains(printed, "Address already in use") || strings.Contains(printed, "pre-existing shared memory block")
}

func (s *Server) startOnce(ctx context.Context) error {
	port, err := choosePort(ctx, s.port, filepath.Join(s.dir, "port"))
	if err != nil {
		return err
	}
	cmd, err := s.kind.prepare(ctx, s.dir, port)
	if err != nil {
		return err
	}
	if s.temporary {
		cmd.remove = s.dir
	}
	if s.process, err = cmd.start(); err != nil {
		return err
	}
	err = s.process.wait(ctx, func(ctx context.Context) error {
		return s.kind.ready(ctx, port, s.process.pid, s.dir)
	})
	if err != nil {
		s.process.kill()
		return err
	}
	s.port, s.URL = port, s.kind.url(port)
	return nil
}

// choosePort returns the port to serve at: the one in use before, or the one noted in file if it is free, or a free
// one, which it notes.
func choosePort(ctx context.Context, before int, file string) (int, error) {
	if before != 0 {
		return before, nil
	}
	var listen net.ListenConfig
	if text, err := os.ReadFile(file); err == nil {
		if l, err := listen.Listen(ctx, "tcp", "127.0.0.1:"+strings.TrimSpace(string(text))); err == nil {
			return l.Addr().(*net.TCPAddr).Port, l.Close()
		}
	}
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := errors.Join(l.Close(), os.MkdirAll(filepath.Dir(file), 0o700)); err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(port)+"\n"), 0o600); err != nil {
		return 0, fmt.Errorf("note port: %w", err)
	}
	return port, nil
}

// findProgram returns the path of a server's program, which Debian does not put on the PATH when there may be several
// versions of it.
func findProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%s is not installed: run `make test`, or deploy/dev/install", name)
	}
	return slices.Max(found), nil
}
