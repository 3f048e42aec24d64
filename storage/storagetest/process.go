package storagetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// watchdog is the shell script that every server runs under. Its standard input is a pipe whose other end only
// the launching process holds. However that process ends, kill -9 included, the kernel closes the pipe, the
// script sees the end of its input and stops the server. It answers with the server's process id on standard
// output, removes the folder in $1 (when that is not empty) after the server, and has the server's exit status.
// What the server prints goes to the script's standard error.
const watchdog = `
remove=$1 signal=$2
shift 2
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
echo "$server"
exec >/dev/null 2>&1
(cat <&3; kill -s "$signal" "$server") &
watch=$!
wait "$server"
status=$?
kill "$watch"
if [ -n "$remove" ]; then rm -rf "$remove"; fi
exit "$status"
`

// process is a server process under its watchdog.
type process struct {
	log    *os.File      // what the server printed; readable even when the watchdog has removed the file
	pid    int           // the server itself, not its watchdog
	alive  io.Closer     // our end of the watchdog's pipe
	exited chan struct{} // closed when server and watchdog are gone
	err    error         // how they ended; to be read after exited
}

// command says what to start.
type command struct {
	args   []string
	dir    string              // working folder; the server's log is written into it
	remove string              // a folder that the watchdog removes at the end, or ""
	signal string              // what the watchdog stops the server with: TERM, INT, QUIT
	as     *syscall.Credential // nil: as this process
}

func (c command) start() (*process, error) {
	log, err := os.OpenFile(filepath.Join(c.dir, "server.log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", c.args[0], err)
	}
	p := &process{log: log, exited: make(chan struct{})}
	cmd := exec.Command("/bin/sh", append([]string{"-c", watchdog, "watchdog", c.remove, c.signal}, c.args...)...)
	cmd.Dir, cmd.Stderr = c.dir, log
	cmd.Env = append(os.Environ(), "LC_ALL=C") // mayPass reads what the server prints
	// A session of its own: Ctrl-C in the terminal is not meant for the server, the pipe tells it when to go.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: c.as}
	if err := p.run(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", c.args[0], err), log.Close())
	}
	return p, nil
}

// run starts the watchdog and waits for the server's process id.
func (p *process) run(cmd *exec.Cmd) error {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("open watchdog's input: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("open watchdog's output: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start watchdog: %w", err)
	}
	line, readErr := bufio.NewReader(stdout).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err := errors.Join(readErr, err); err != nil {
		return errors.Join(fmt.Errorf("read process id: %w", err), stdin.Close(), cmd.Wait())
	}
	p.pid, p.alive = pid, stdin
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return nil
}

// stop ends the server in an orderly way and waits until it is gone.
func (p *process) stop() {
	_ = p.alive.Close() // fails when the process has ended by itself
	<-p.exited
	_ = p.log.Close()
}

// kill ends the server with SIGKILL and waits until it is gone.
func (p *process) kill() {
	select {
	case <-p.exited: // the process id may be another's by now
	default:
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	}
	p.stop()
}

// wait returns once ready answers nil, or with an error as soon as the process has ended or ctx is over. The
// process still runs in the latter case.
func (p *process) wait(ctx context.Context, ready func(context.Context) error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		select {
		case <-p.exited:
			return &exitError{cause: p.err, printed: p.printed()}
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		case <-tick.C:
			if last = p.ask(ctx, ready); last == nil {
				return nil
			}
		}
	}
}

// ask calls ready once. It does not hang on another's server that has taken the port: it gives up when the process
// has ended.
func (p *process) ask(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- ready(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-p.exited:
		cancel()
		return <-answer
	}
}

// exitError says that a server ended before it was ready.
type exitError struct {
	cause   error
	printed string
}

func (e *exitError) Error() string {
	return fmt.Sprintf("server ended before it was ready (%v), it printed:\n%s", e.cause, e.printed)
}

// printed returns the end of what the server printed.
func (p *process) printed() string {
	const limit = 4000
	size, err := p.log.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	text := make([]byte, min(size, limit))
	n, err := p.log.ReadAt(text, size-int64(len(text)))
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return string(text[:n])
}

// unprivileged returns whom PostgreSQL, which refuses to run as root, runs as: nil (this process's user) unless
// that is root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("read ids of user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("run PostgreSQL: it refuses to run as root, and there is no user postgres or nobody")
}

// handOver makes dir, creating it if needed, a folder of the user as. Folders of tests sit inside others that only
// root may enter (testing.TB.TempDir makes such), so those below the system's temporary folder are opened for passage.
func handOver(dir string, as *syscall.Credential) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if as == nil {
		return nil
	}
	if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
		return fmt.Errorf("hand over folder: %w", err)
	}
	top := filepath.Clean(os.TempDir())
	for parent := filepath.Dir(dir); strings.HasPrefix(parent, top+"/"); parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return fmt.Errorf("look at folder: %w", err)
		}
		if err := os.Chmod(parent, info.Mode().Perm()|0o001); err != nil {
			return fmt.Errorf("open folder for passage: %w", err)
		}
	}
	return nil
}
