// Package processtest runs the real program as processes and plays the people and
// outside systems around it, through HTTP only. A [Process] is one Slipway that can be
// killed and started again; a [Client] is a person with the admin token; a [Receiver]
// is an outside system that takes hooks. Tests that crash things and the benchmark in
// deploy/bench are made of them. No process outlives the one that started it.
package processtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// readyPoll is how often a process that starts is asked whether it is ready.
const readyPoll = 5 * time.Millisecond

// Build builds the program into the folder dir, with more flags of go build if there
// are any, and returns its path.
func Build(ctx context.Context, dir string, flags ...string) (string, error) {
	path := filepath.Join(dir, "slipway")
	args := append([]string{"build", "-o", path}, flags...)
	if out, err := exec.CommandContext(ctx, "go", append(args, "slipway/cmd/slipway")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build slipway: %w, it printed:\n%s", err, out)
	}
	return path, nil
}

// Config says how to run the program.
type Config struct {
	Path string   // of the program
	Dir  string   // its working folder; what it prints is kept here
	Args []string // optional
	// Env is its environment, as KEY=value, beside PATH and SLIPWAY_LISTEN.
	Env []string
}

// Process is the program, running at a port of the loopback interface that it keeps
// over restarts. Its methods are not for concurrent use, Printed and Logged excepted.
type Process struct {
	URL string // http://127.0.0.1:port

	config Config
	port   int
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it ended; to be read after exited
}

// Start starts the program and returns when it is ready; ctx limits that wait and not
// the program's life.
func Start(ctx context.Context, c Config) (*Process, error) {
	const attempts = 5 // a port that is free now may be taken a moment later
	for n := 1; ; n++ {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		p := &Process{config: c, port: port, URL: "http://127.0.0.1:" + strconv.Itoa(port)}
		err = p.Restart(ctx)
		if err == nil {
			return p, nil
		}
		if n == attempts || !strings.Contains(err.Error(), "address already in use") {
			return nil, err
		}
	}
}

// Launch starts the program for a command that ends by itself, such as demo. It waits for
// nothing, and the process has no URL.
func Launch(c Config) (*Process, error) {
	p := &Process{config: c}
	if err := p.launch(); err != nil {
		return nil, err
	}
	return p, nil
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Restart starts a process that has ended again, at the same address, and returns
// when it is ready.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.launch(); err != nil {
		return err
	}
	if err := p.awaitReady(ctx); err != nil {
		p.Kill()
		return fmt.Errorf("%w, it printed:\n%s", err, p.tail())
	}
	return nil
}

func (p *Process) launch() error {
	stdout, err := os.OpenFile(filepath.Join(p.config.Dir, "stdout"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep output: %w", err)
	}
	defer stdout.Close()
	stderr, err := os.OpenFile(filepath.Join(p.config.Dir, "stderr"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep output: %w", err)
	}
	defer stderr.Close()
	cmd := exec.Command(p.config.Path, p.config.Args...) //nolint:noctx // Kill and Stop end it
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.config.Dir, stdout, stderr, attributes()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "SLIPWAY_LISTEN=127.0.0.1:" + strconv.Itoa(p.port)}, p.config.Env...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start slipway: %w", err)
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	go func() {
		p.err = cmd.Wait()
		close(exited)
	}()
	return nil
}

func (p *Process) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		if p.isReady(ctx) {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("slipway ended before it was ready: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("slipway is not ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func (p *Process) isReady(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/readyz", nil)
	if err != nil {
		return false
	}
	req.Close = true // nothing of it is left to a process that is killed
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the process by SIGKILL, as a crash would, and returns when it is gone. It
// does nothing to one that has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails when it has ended by itself
	<-p.exited
}

// Stop ends the process by SIGTERM, as an operator would, and returns when it is gone:
// nil if it ended in order. A process that has not ended when ctx does is killed.
func (p *Process) Stop(ctx context.Context) error {
	return errors.Join(p.cmd.Process.Signal(syscall.SIGTERM), p.Wait(ctx))
}

// Interrupt ends the process by SIGINT, as Ctrl-C in its terminal would, and returns like
// Stop.
func (p *Process) Interrupt(ctx context.Context) error {
	return errors.Join(p.cmd.Process.Signal(syscall.SIGINT), p.Wait(ctx))
}

// Wait returns when the process has ended: nil if it ended in order. A process that has
// not ended when ctx does is killed.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return p.err
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("slipway did not stop: %w", ctx.Err())
	}
}

// Printed returns what the process has printed for people, over all its lives.
func (p *Process) Printed() string { return p.read("stdout") }

// Logged returns the lines of the process's log, over all its lives.
func (p *Process) Logged() []string { return strings.Split(strings.TrimSpace(p.read("stderr")), "\n") }

func (p *Process) read(name string) string {
	text, err := os.ReadFile(filepath.Join(p.config.Dir, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// tail returns the last lines of the log.
func (p *Process) tail() string {
	lines := p.Logged()
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
