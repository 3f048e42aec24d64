// Package local is the engine that runs the operator's own scripts as processes of
// this machine.
//
// A workflow is a YAML file in the workflows folder, in the documented Workflow
// structure; its jobs are of type freestyle and have a shell script in run. Only
// what lies in that folder is run: the author of a plan chooses a workflow by name
// and gives values to its params, which reach the scripts as environment variables
// and never as text inside them. A workflow written into a plan is refused.
//
// A script is read by the shell with -e, in the folder that holds the workflow's
// file, with a small base environment, the workflow's params, the job's envs, and
//
//	SLIPWAY_PLAN_ID, SLIPWAY_ITEM_ID, SLIPWAY_TASK_ID   what it runs for
//	SLIPWAY_PROJECT, SLIPWAY_WORKFLOW, SLIPWAY_STAGE, SLIPWAY_JOB
//	SLIPWAY_RUN_MARK   unique for this run
//	SLIPWAY_RUN_DIR    an empty folder that the jobs of the run share
//
// Each job is a process group of its own, and whatever is left of it when the script
// ends is killed; a service that is meant to go on is started with setsid.
//
// What happens to a run is kept in the state folder, so that a run outlives neither
// silently nor twice the process that started it: the file of a run is made before
// its first process and can be made only once, and the next process to ask for the
// run of a dead one kills what is left of it and settles it as interrupted. Several
// processes of one machine may share the folder, several machines may not.
package local

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// Name is the engine's name in plan documents.
const Name = "local"

// Config is what New needs. Zero values of the optional fields mean the default.
type Config struct {
	Dir      string    // the workflows folder; may be missing or empty
	StateDir string    // where runs are kept; made when missing
	Rand     io.Reader // where the name of a new state folder comes from
	Now      func() time.Time
	Logger   *slog.Logger

	// Environ is the environment of Slipway itself, as KEY=value. Of it, scripts
	// see the names in Pass (PATH, HOME, LANG, LC_ALL, TZ, TMPDIR if nil). Names
	// that begin with SLIPWAY_ are never passed on.
	Environ []string
	Pass    []string

	Shell          string        // optional: /bin/sh
	DefaultTimeout time.Duration // optional: of a job without timeout; one hour
	KillGrace      time.Duration // optional: between SIGTERM and SIGKILL; ten seconds
	MaxLogBytes    int64         // optional: of one run's log; 4 MiB
	Poll           time.Duration // optional: how often another process's run is looked at; 250 ms
}

// Engine is the local engine. Make it with New.
type Engine struct {
	config  Config
	catalog catalog
	records records
	self    process
	place   string
	environ []string

	mu   sync.Mutex
	runs map[string]*run // those of this process that are under way
	done sync.WaitGroup
	shut bool
}

var (
	_ engine.Engine = (*Engine)(nil)
	_ engine.Lister = (*Engine)(nil)
)

// New returns the engine. It makes the state folder but starts nothing.
func New(c Config) (*Engine, error) {
	if c.Pass == nil {
		c.Pass = []string{"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"}
	}
	c.Shell = orDefault(c.Shell, "/bin/sh")
	c.DefaultTimeout = orDefault(c.DefaultTimeout, time.Hour)
	c.KillGrace = orDefault(c.KillGrace, 10*time.Second)
	c.MaxLogBytes = orDefault(c.MaxLogBytes, 4<<20)
	c.Poll = orDefault(c.Poll, 250*time.Millisecond)

	stateDir, err := filepath.Abs(c.StateDir)
	if err != nil {
		return nil, fmt.Errorf("locate state folder: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(stateDir, "runs"), 0o700); err != nil {
		return nil, fmt.Errorf("make state folder: %w", err)
	}
	place, err := readPlace(filepath.Join(stateDir, "place"), c.Rand)
	if err != nil {
		return nil, err
	}
	self, err := inspect(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("inspect own process: %w", err)
	}
	return &Engine{
		config: c, catalog: catalog{dir: c.Dir, logger: c.Logger}, records: records{dir: filepath.Join(stateDir, "runs")},
		self: self, place: place, environ: baseEnviron(c.Environ, c.Pass), runs: make(map[string]*run),
	}, nil
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// readPlace returns the name of a state folder, which is made up on first use. Of
// two processes that make one up at the same time, one wins and both read it.
func readPlace(path string, random io.Reader) (string, error) {
	place, err := os.ReadFile(path) //nolint:gosec // in the state folder
	if errors.Is(err, fs.ErrNotExist) {
		name := make([]byte, 8)
		if _, err := io.ReadFull(random, name); err != nil {
			return "", fmt.Errorf("read randomness: %w", err)
		}
		err = createFile(path, []byte(hex.EncodeToString(name)))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("name state folder: %w", err)
		}
		place, err = os.ReadFile(path) //nolint:gosec // in the state folder
	}
	if err != nil {
		return "", fmt.Errorf("read name of state folder: %w", err)
	}
	return string(place), nil
}

// Name returns "local".
func (*Engine) Name() string { return Name }

// Place returns the name of the state folder.
func (e *Engine) Place() string { return e.place }

// Workflows returns the workflows of the folder that can be read, by name.
func (e *Engine) Workflows(_ context.Context, project string) ([]*slipway.Workflow, error) {
	files, _, err := e.catalog.read()
	if err != nil {
		return nil, err
	}
	var found []*slipway.Workflow
	for _, f := range files {
		if project == "" || f.workflow.Project == project {
			found = append(found, f.workflow)
		}
	}
	return found, nil
}

// Close ends every run of this process, which settle as interrupted, and waits for
// that until the context ends. Nothing can be started any more.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.shut = true
	for _, r := range e.runs {
		r.stop(errInterrupted)
	}
	e.mu.Unlock()

	ended := make(chan struct{})
	go func() {
		e.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("end local runs: %w", ctx.Err())
	}
}

// Prune forgets runs that ended more than seven days before now. To Find they are
// starts that never happened.
func (e *Engine) Prune(now time.Time) error {
	return e.records.prune(now.Add(-7 * 24 * time.Hour))
}
