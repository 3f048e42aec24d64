package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"slipway/cmd/slipway/processtest"
	"slipway/storage/storagetest"
)

// startTimeout is how long a program may take to be ready on a machine that is busy
// with other tests. When nothing else runs it is a fraction of a second.
const startTimeout = time.Minute

// TestProcesses runs the real program, as processes of its own.
func TestProcesses(t *testing.T) {
	t.Parallel()
	program, err := processtest.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(t *testing.T, program string){
		"a cold start with nothing configured":        coldStart,
		"200 plans while everything crashes":          crashes,
		"10,000 hooks while everything crashes":       relayChaos,
		"16 people press the same button, each twice": samePress,
		"killed between commit and card":              killedBeforeRepaint,
		"killed around the start of a run":            killedAroundStart,
		"a plan with a sprint of Jira behind it":      requirements,
		"killed around a question put elsewhere":      killedAroundQuestion,
		"the demo":                                    demonstrated,
		"the demo, looked at afterwards":              lookedAtDemo,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, program)
		})
	}
}

func coldStart(t *testing.T, program string) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	began := time.Now()
	p, err := processtest.Start(ctx, processtest.Config{Path: program, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	t.Logf("ready %v after the start", time.Since(began).Round(time.Millisecond))

	link := regexp.MustCompile(regexp.QuoteMeta(p.URL) + `/signin\?token=\S+`)
	if links := link.FindAllString(p.Printed(), -1); len(links) != 1 {
		t.Errorf("the first start printed %d sign-in links, want 1:\n%s", len(links), p.Printed())
	}
	first := p.Printed()
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := p.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if again := strings.TrimPrefix(p.Printed(), first); link.MatchString(again) {
		t.Errorf("the second start printed a sign-in link again:\n%s", again)
	}
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	noErrors(t, p)
}

// noErrors fails the test if a process logged an error. That the database or Redis is
// away for a while is a warning.
func noErrors(t *testing.T, p *processtest.Process) {
	t.Helper()
	for _, line := range p.Logged() {
		if strings.Contains(line, "level=ERROR") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			t.Errorf("logged by %s: %s", p.URL, line)
		}
	}
}

const adminToken = "the-token-of-the-admin"

// hook is an endpoint in slipway.yaml.
type hook struct {
	Name         string   `yaml:"name"`
	URL          string   `yaml:"url"`
	Events       []string `yaml:"events"`
	Wait         bool     `yaml:"wait"`
	Deadline     string   `yaml:"deadline,omitempty"`
	Secrets      []string `yaml:"secrets"`
	AllowPrivate bool     `yaml:"allow_private"`
}

// person is a user in slipway.yaml.
type person struct {
	Name  string `yaml:"name"`
	Email string `yaml:"email"`
	Role  string `yaml:"role,omitempty"`
}

// settings are what a slipway.yaml of these tests holds.
type settings struct {
	Users []person `yaml:"users"`
	Hooks []hook   `yaml:"hooks,omitempty"`
}

// fleet is two Slipways side by side on one PostgreSQL and one Redis.
type fleet struct {
	database *storagetest.Server
	queue    *storagetest.Server
	replicas [2]*processtest.Process
	bases    []string // their addresses, which never change
}

// newFleet starts a fleet with workflow files; it ends with the test. On failure the
// logs are shown, and an error in one of them fails the test.
func newFleet(t *testing.T, program string, s settings, workflows map[string]string) *fleet {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	dir := t.TempDir()
	f := &fleet{}
	var err error
	if f.database, err = storagetest.StartPostgres(ctx, filepath.Join(dir, "postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.database.Stop() })
	if f.queue, err = storagetest.StartRedis(ctx, filepath.Join(dir, "redis"), "--appendonly", "yes"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.queue.Stop() })
	config, err := yaml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "slipway.yaml"), string(config))
	for name, text := range workflows {
		write(t, filepath.Join(dir, "workflows", name+".yaml"), text)
	}
	started := make(chan error, len(f.replicas))
	for i := range f.replicas {
		own := filepath.Join(dir, fmt.Sprintf("replica-%d", i+1))
		if err := os.Mkdir(own, 0o700); err != nil {
			t.Fatal(err)
		}
		// Both at once: they meet at the empty database.
		go func() {
			var err error
			f.replicas[i], err = processtest.Start(ctx, processtest.Config{
				Path: program, Dir: own, Args: []string{"serve", "--role", "all"},
				Env: []string{
					"SLIPWAY_CONFIG=" + filepath.Join(dir, "slipway.yaml"), "SLIPWAY_ADMIN_TOKEN=" + adminToken,
					"SLIPWAY_DATABASE_URL=" + f.database.URL, "SLIPWAY_REDIS_URL=" + f.queue.URL,
					"SLIPWAY_DATA_DIR=" + filepath.Join(dir, "data"), "SLIPWAY_WORKFLOWS_DIR=" + filepath.Join(dir, "workflows"),
				},
			})
			started <- err
		}()
	}
	t.Cleanup(func() { f.end(t) })
	for range f.replicas {
		if err := <-started; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	for _, p := range f.replicas {
		f.bases = append(f.bases, p.URL)
	}
	return f
}

// end stops the replicas in order and judges their logs.
func (f *fleet) end(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for i, p := range f.replicas {
		if p == nil {
			continue
		}
		if err := p.Stop(ctx); err != nil {
			t.Errorf("stop replica %d: %v", i+1, err)
		}
		noErrors(t, p)
		if t.Failed() {
			lines := p.Logged()
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, "level=INFO") })
			t.Logf("what replica %d logged from warnings on:\n%s", i+1, strings.Join(lines[max(0, len(lines)-150):], "\n"))
		}
	}
}

// flush empties Redis.
func (f *fleet) flush(ctx context.Context) error {
	address := strings.Trim(strings.TrimPrefix(f.queue.URL, "redis:"), "/")
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("empty redis: %w", err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "FLUSHALL\r\nQUIT\r\n"); err != nil {
		return fmt.Errorf("empty redis: %w", err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "+OK") {
		return fmt.Errorf("empty redis: it answered %q, %w", answer, err)
	}
	return nil
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
