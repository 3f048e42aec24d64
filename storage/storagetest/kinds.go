package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// postgresKind starts PostgreSQL: superuser slipway, no password, everything on loopback. Its settings come after
// those of the tests and win.
type postgresKind struct {
	settings []string
}

func (k postgresKind) prepare(ctx context.Context, dir string, port int) (command, error) {
	program, err := findProgram("postgres")
	if err != nil {
		return command{}, err
	}
	as, err := unprivileged()
	if err != nil {
		return command{}, err
	}
	if err := handOver(dir, as); err != nil {
		return command{}, err
	}
	data := filepath.Join(dir, "data")
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		if err := initdb(ctx, data, as); err != nil {
			return command{}, err
		}
	}
	args := []string{
		program, "-D", data, "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300",
		// Not synchronous_commit=off: that would lose commits when the server is killed, these two do not.
		"-c", "fsync=off", "-c", "full_page_writes=off",
	}
	for _, setting := range k.settings {
		args = append(args, "-c", setting)
	}
	return command{args: args, dir: dir, signal: "INT", as: as}, nil
}

// initdb makes a new database cluster in the folder data, which appears complete or not at all.
func initdb(ctx context.Context, data string, as *syscall.Credential) error {
	program, err := findProgram("initdb")
	if err != nil {
		return err
	}
	unfinished := data + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove unfinished cluster: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, "-D", unfinished, "--username=slipway", "--auth=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	cmd.Dir = filepath.Dir(data)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w, it printed:\n%s", err, out)
	}
	if err := os.Rename(unfinished, data); err != nil {
		return fmt.Errorf("name cluster: %w", err)
	}
	return nil
}

func (postgresKind) ready(ctx context.Context, port, _ int, dir string) error {
	conn, err := pgx.Connect(ctx, postgresURL(port, "postgres"))
	if err != nil {
		return err
	}
	var data string
	err = conn.QueryRow(ctx, "SHOW data_directory").Scan(&data)
	if err == nil && filepath.Dir(data) != dir {
		err = fmt.Errorf("port %d is served by another PostgreSQL, with its data in %s", port, data)
	}
	return errors.Join(err, conn.Close(ctx))
}

func (postgresKind) url(port int) string { return postgresURL(port, "postgres") }

func postgresURL(port int, database string) string {
	return "postgres://slipway@" + loopback(port) + "/" + database + "?sslmode=disable"
}

// execOn runs one statement on a connection of its own.
func execOn(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// redisKind starts Redis with more arguments.
type redisKind struct {
	args []string
}

func (k redisKind) prepare(_ context.Context, dir string, port int) (command, error) {
	program, err := findProgram("redis-server")
	if err != nil {
		return command{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return command{}, fmt.Errorf("make folder: %w", err)
	}
	args := []string{
		program, "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir,
		"--save", "", "--appendonly", "no",
	}
	return command{args: append(args, k.args...), dir: dir, signal: "TERM"}, nil
}

func (redisKind) ready(ctx context.Context, port, pid int, _ string) error {
	var dial net.Dialer
	conn, err := dial.DialContext(ctx, "tcp", loopback(port))
	if err != nil {
		return err
	}
	answer, err := askRedis(ctx, conn)
	if err == nil && !strings.Contains(answer, fmt.Sprintf("process_id:%d\r\n", pid)) {
		err = fmt.Errorf("port %d is served by another process", port)
	}
	if err == nil && !strings.Contains(answer, "+PONG\r\n") {
		err = errors.New("still loading its data")
	}
	_ = conn.Close() // closed already when ctx is over
	return err
}

func askRedis(ctx context.Context, conn net.Conn) (string, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, "INFO server\r\nPING\r\nQUIT\r\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

func (redisKind) url(port int) string { return "redis://" + loopback(port) + "/" }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
