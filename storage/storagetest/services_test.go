package storagetest

import (
	"bufio"
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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// childVariable makes the test binary play the process whose servers must not outlive it.
const childVariable = "SLIPWAY_STORAGETEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestPostgresGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	one, two := Postgres(t), Postgres(t)

	if err := execOn(t.Context(), one, "CREATE TABLE plans AS SELECT '发布' AS name"); err != nil {
		t.Fatal(err)
	}

	if got, want := queryText(t, one, "SELECT name FROM plans"), "发布"; got != want {
		t.Errorf("name in the first database = %q, want %q", got, want)
	}
	count := "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"
	if got := queryText(t, two, count); got != "0" {
		t.Errorf("the second database has %s tables, want none", got)
	}
}

func TestPostgresDropsTheDatabaseOfATestThatIsOver(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("a test", func(t *testing.T) { url = Postgres(t) })

	err := execOn(t.Context(), url, "SELECT 1")

	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("connecting to its database afterwards: %v, want that it does not exist", err)
	}
}

func TestRedisGivesEachTestItsOwnServer(t *testing.T) {
	t.Parallel()
	one, two := Redis(t), Redis(t)

	got := []string{
		redisSay(t, one, "SET word slip"),
		redisSay(t, two, "FLUSHALL"),
		redisSay(t, one, "EXISTS word"),
		redisSay(t, two, "EXISTS word"),
	}

	if diff := cmp.Diff([]string{"+OK", "+OK", ":1", ":0"}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestCommittedRowsSurviveAKill(t *testing.T) {
	t.Parallel()
	server, err := StartPostgres(t.Context(), filepath.Join(t.TempDir(), "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	url := server.URL
	open, err := pgx.Connect(t.Context(), url) // a session that is open when the server dies
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = open.Close(context.Background()) })
	if _, err := open.Exec(t.Context(), "CREATE TABLE plans AS SELECT 'kept' AS name"); err != nil {
		t.Fatal(err)
	}

	server.Kill()
	if err := execOn(t.Context(), url, "SELECT 1"); err == nil {
		t.Fatal("a killed server still answers")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}

	if server.URL != url {
		t.Errorf("URL after the restart = %s, want %s as before", server.URL, url)
	}
	if got := queryText(t, url, "SELECT name FROM plans"); got != "kept" {
		t.Errorf("name = %q, want %q", got, "kept")
	}
}

func TestRedisKeepsWhatItIsToldToKeep(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"by default nothing":       {want: ":0"},
		"with an append-only file": {args: []string{"--appendonly", "yes", "--appendfsync", "always"}, want: ":1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := StartRedis(t.Context(), t.TempDir(), test.args...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { server.Stop() })
			redisSay(t, server.URL, "SET word slip")

			server.Kill()
			if err := server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}

			if got := redisSay(t, server.URL, "EXISTS word"); got != test.want {
				t.Errorf("EXISTS after a kill = %s, want %s", got, test.want)
			}
		})
	}
}

func TestServerStaysOnItsPort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := StartRedis(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	first.Stop()

	second, err := StartRedis(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if second.URL != first.URL {
		t.Errorf("a later start in the same folder has URL %s, want %s", second.URL, first.URL)
	}
	second.Stop()

	other, err := net.Listen("tcp", strings.Trim(strings.TrimPrefix(first.URL, "redis:"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err = second.Restart(ctx)
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("restart while another has the port: %v, want that the address is in use", err)
	}
	third, err := StartRedis(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(third.Stop)
	if third.URL == first.URL {
		t.Errorf("a start while another has the port has the same URL %s", third.URL)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.Restart(t.Context()); err != nil {
		t.Errorf("restart when the port is free again: %v", err)
	}
	second.Stop()
}

func TestAServerThatCannotRunSaysWhy(t *testing.T) {
	t.Parallel()
	_, err := StartRedis(t.Context(), t.TempDir(), "--no-such-setting", "1")
	if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("error = %v, want one with what the server printed", err)
	}
	_, err = findProgram("no-such-program")
	if err == nil || !strings.Contains(err.Error(), "run `make test`, or deploy/dev/install") {
		t.Errorf("error = %v, want one that says how to install", err)
	}
}

// However a process ends, its servers and their folders are gone soon after.
func TestServersEndWithTheirProcess(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*exec.Cmd, io.Closer) error{
		"it returns":   func(_ *exec.Cmd, stdin io.Closer) error { return stdin.Close() },
		"it is killed": func(cmd *exec.Cmd, _ io.Closer) error { return cmd.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), childVariable+"=1")
			cmd.Stderr = t.Output()
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var pids []int
			var dirs []string
			lines := bufio.NewScanner(stdout)
			for len(pids) < 2 && lines.Scan() {
				pid, dir, _ := strings.Cut(lines.Text(), " ")
				number, err := strconv.Atoi(pid)
				if err != nil {
					t.Fatal(err)
				}
				pids, dirs = append(pids, number), append(dirs, dir)
			}
			if len(pids) != 2 {
				t.Fatalf("the child named %d servers, want 2", len(pids))
			}
			for i, pid := range pids {
				if gone(pid) || !exists(dirs[i]) {
					t.Fatalf("process %d or its folder %s is not there at first", pid, dirs[i])
				}
			}

			if err := end(cmd, stdin); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // fails for the one that is killed

			for i, pid := range pids {
				eventually(t, func() bool { return gone(pid) && !exists(dirs[i]) },
					fmt.Sprintf("process %d and its folder %s are gone", pid, dirs[i]))
			}
		})
	}
}

// child starts servers, names their processes and folders, and waits for the end of its input.
func child() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db, err := sharedPostgres()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "slipway-redis-")
	if err != nil {
		return err
	}
	queue := &Server{kind: redisKind{}, dir: dir, temporary: true}
	if err := queue.start(ctx); err != nil {
		return err
	}
	for _, server := range []*Server{db, queue} {
		fmt.Println(server.process.pid, server.dir)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func eventually(t *testing.T, happened func() bool, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func queryText(t *testing.T, url, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	err = conn.QueryRow(t.Context(), query).Scan(&text)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

// redisSay returns the first line of a Redis server's answer to a command.
func redisSay(t *testing.T, url, command string) string {
	t.Helper()
	var dial net.Dialer
	conn, err := dial.DialContext(t.Context(), "tcp", strings.Trim(strings.TrimPrefix(url, "redis:"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
