package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long anything here may take on a machine that is busy.
const patience = time.Minute

// node returns the command that runs a script of this folder.
func node(ctx context.Context, t *testing.T, script string, env ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat(filepath.Join("node_modules", ".package-lock.json")); err != nil {
		t.Fatal("the vendors' SDKs are missing: run make test, or deploy/dev/install sdk")
	}
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is missing: run make test, or deploy/dev/install sdk")
	}
	cmd := exec.CommandContext(ctx, path, script)
	cmd.Env = append(os.Environ(), env...)
	cmd.Env = append(cmd.Env, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	cmd.Stderr = t.Output()
	return cmd
}

// runNode runs a script to its end and reads the JSON that it prints.
func runNode(t *testing.T, into any, input []byte, script string, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	cmd := node(ctx, t, script, env...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s printed %s: %v", script, out, err)
	}
}

// program is a script that keeps running and tells line by line what it hears.
type program struct {
	t *testing.T

	mu    sync.Mutex
	lines []map[string]any
	more  chan struct{}
	ended bool
}

// startNode starts a script, waits until it is ready and returns the address that it
// tells. It ends with the test.
func startNode(t *testing.T, script string, env ...string) (*program, string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := node(ctx, t, script, env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, more: make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var line map[string]any
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Logf("%s: %s", script, lines.Text())
				continue
			}
			p.add(line, false)
		}
		p.add(nil, true)
	}()
	t.Cleanup(func() {
		cancel()
		<-read
		_ = cmd.Wait() // it was killed
	})
	ready := p.hears("ready")
	return p, ready.(string)
}

func (p *program) add(line map[string]any, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if line != nil {
		p.lines = append(p.lines, line)
	}
	p.ended = p.ended || ended
	close(p.more)
	p.more = make(chan struct{})
}

// heard returns what the program told under a key so far.
func (p *program) heard(key string) (values []any, more <-chan struct{}, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if v, ok := line[key]; ok {
			values = append(values, v)
		}
	}
	return values, p.more, p.ended
}

// hears waits until the program tells something under a key, and returns what it told
// last.
func (p *program) hears(key string) any {
	p.t.Helper()
	values := p.until(key, func(values []any) bool { return len(values) > 0 })
	return values[len(values)-1]
}

// tells waits until the program has told a value under a key.
func (p *program) tells(key string, value any) {
	p.t.Helper()
	p.until(key, func(values []any) bool { return slices.Contains(values, value) })
}

func (p *program) until(key string, enough func([]any) bool) []any {
	p.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		values, more, ended := p.heard(key)
		if enough(values) {
			return values
		}
		if ended {
			p.t.Fatalf("the program ended before it told of %q: %v", key, p.all())
		}
		select {
		case <-more:
		case <-late.C:
			p.t.Fatalf("the program does not tell of %q: %v", key, p.all())
		}
	}
}

func (p *program) all() []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines
}
