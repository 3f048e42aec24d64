// Package enginetest is the suite that every workflow engine passes. An engine's
// test says, per scenario, which workflow of its world behaves like that; the suite
// drives it through the engine.Engine interface alone.
package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
)

// Scenario is a way for a workflow to behave.
type Scenario string

// The scenarios. Jobs are named as said here.
const (
	Passes  Scenario = "passes"  // job "one" prints "hello" and passes
	Fails   Scenario = "fails"   // stage 1: job "bad" fails at once, job "good" passes later; stage 2: job "never"
	Blocks  Scenario = "blocks"  // job "one" prints "ready", then runs until it is ended
	Slow    Scenario = "slow"    // job "one" runs for ever and has a timeout of one second
	Params  Scenario = "params"  // has the params GREETING and TARGET (choice of a, b); job "one" prints [$GREETING][$TARGET]
	Secret  Scenario = "secret"  // has the credential param TOKEN; job "one" prints <TOKEN's value>
	Chatter Scenario = "chatter" // job "one" prints 1 to 200, a number a line
	Stages  Scenario = "stages"  // stage 1: jobs "left" and "right", which pass only if both run at once; stage 2: job "last"
	Broken  Scenario = "broken"  // cannot be run by this engine because of its job "odd"
)

// World is an engine with its workflows.
type World struct {
	Engine engine.Engine
	// Workflow names the workflow of a scenario; false if the engine has no such.
	Workflow func(Scenario) (slipway.WorkflowSpec, bool)
}

// Patience bounds every wait of the suite.
const Patience = 20 * time.Second

// Run runs the suite; make builds a world of its own for each test.
func Run(t *testing.T, build func(t *testing.T) World) {
	t.Helper()
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			w := build(t)
			spec, ok := w.Workflow(story.scenario)
			if !ok {
				return
			}
			story.play(t, w.Engine, spec)
		})
	}
}

var stories = []struct {
	name     string
	scenario Scenario
	play     func(*testing.T, engine.Engine, slipway.WorkflowSpec)
}{
	{"a workflow passes", Passes, passes},
	{"a failing job lets its siblings finish and skips later stages", Fails, fails},
	{"a run is cancelled", Blocks, cancels},
	{"a run takes too long", Slow, timesOut},
	{"params reach the run as they are", Params, params},
	{"wrong params are refused", Params, wrongParams},
	{"credentials are masked", Secret, secret},
	{"log lines come in order, once, and from where the watcher was", Chatter, chatter},
	{"jobs of a stage run side by side", Stages, stages},
	{"what cannot run is refused by name", Broken, broken},
	{"an unknown workflow is refused", Passes, unknown},
	{"an inline workflow is not mistaken for a named one", Passes, inline},
	{"a mark starts one run", Passes, startsOnce},
	{"a start is found by its mark", Blocks, found},
	{"a watcher that leaves does not end the run", Blocks, watcherLeaves},
	{"a changed workflow is not started", Passes, changed},
}

// Play is a run that was started.
type Play struct {
	t      *testing.T
	Engine engine.Engine
	Mark   engine.Mark
	Ref    engine.Ref

	mu     sync.Mutex
	states []engine.State
	lines  []engine.Line
	noted  chan struct{}
}

// RunOf resolves a spec and returns a run of it with a mark that is the test's own.
func RunOf(t *testing.T, e engine.Engine, spec slipway.WorkflowSpec) (slipway.Run, engine.Mark) {
	t.Helper()
	definition, err := e.Resolve(t.Context(), spec)
	if err != nil {
		t.Fatalf("resolve: %v", err)
	}
	spec.Definition = definition
	id := "run-" + strings.NewReplacer("/", "-", " ", "-", ",", "").Replace(t.Name())
	id = id[max(0, len(id)-100):]
	return slipway.Run{ID: id, PlanID: "plan", ItemID: "item", TaskID: 7, Engine: e.Name(), Workflow: spec},
		engine.Mark{ID: strings.TrimLeft(id, "-."), Place: e.Place()}
}

// Start starts a run of the spec.
func Start(t *testing.T, e engine.Engine, spec slipway.WorkflowSpec) *Play {
	t.Helper()
	run, mark := RunOf(t, e, spec)
	ref, err := e.Start(t.Context(), run, mark)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return Attach(t, e, mark, ref)
}

// Attach returns the play of a run that was started elsewhere.
func Attach(t *testing.T, e engine.Engine, mark engine.Mark, ref engine.Ref) *Play {
	t.Helper()
	return &Play{t: t, Engine: e, Mark: mark, Ref: ref, noted: make(chan struct{}, 1)}
}

func (p *Play) observer() engine.Observer {
	note := func(f func()) {
		p.mu.Lock()
		f()
		p.mu.Unlock()
		select {
		case p.noted <- struct{}{}:
		default:
		}
	}
	return engine.Observer{
		State: func(s engine.State) { note(func() { p.states = append(p.states, s) }) },
		Lines: func(l []engine.Line) { note(func() { p.lines = append(p.lines, l...) }) },
	}
}

// End watches the run to its end.
func (p *Play) End() engine.Result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), Patience)
	defer cancel()
	result, err := p.Engine.Watch(ctx, p.Ref, p.observer())
	if err != nil {
		p.t.Fatalf("watch: %v", err)
	}
	return result
}

// Until watches until the log holds a line, and returns how to wait for the end.
func (p *Play) Until(line string) (end func() engine.Result) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), Patience)
	type outcome struct {
		result engine.Result
		err    error
	}
	over := make(chan outcome, 1)
	go func() {
		result, err := p.Engine.Watch(ctx, p.Ref, p.observer())
		over <- outcome{result, err}
	}()
	p.t.Cleanup(cancel)
	for !slices.Contains(p.Texts(), line) {
		select {
		case <-p.noted:
		case o := <-over:
			p.t.Fatalf("the run ended before it said %q: %+v, log %q", line, o, p.Texts())
		case <-ctx.Done():
			p.t.Fatalf("the run never said %q, log %q", line, p.Texts())
		}
	}
	return func() engine.Result {
		p.t.Helper()
		o := <-over
		if o.err != nil {
			p.t.Fatalf("watch: %v", o.err)
		}
		return o.result
	}
}

// Texts returns the text of every line seen.
func (p *Play) Texts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var texts []string
	for _, line := range p.lines {
		texts = append(texts, line.Text)
	}
	return texts
}

// Jobs returns the last status seen of every job.
func (p *Play) Jobs() map[string]engine.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	jobs := make(map[string]engine.Status)
	if len(p.states) == 0 {
		return jobs
	}
	for _, stage := range p.states[len(p.states)-1].Stages {
		for _, job := range stage.Jobs {
			jobs[job.Name] = job.Status
		}
	}
	return jobs
}

// WantRefusal checks that an error is for people, of a code, and names a thing.
func WantRefusal(t *testing.T, err error, code slipway.Code, names string) {
	t.Helper()
	var refusal *slipway.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("error is %v, want a refusal %s", err, code)
	}
	en, zh := refusal.Text.EN, refusal.Text.ZH
	for _, p := range refusal.Problems {
		en, zh = en+" "+p.Text.EN, zh+" "+p.Text.ZH
	}
	if !strings.Contains(en, names) || !strings.Contains(zh, names) {
		t.Errorf("refusal does not name %q: %q, %q", names, en, zh)
	}
}

func wantJobs(t *testing.T, p *Play, want map[string]engine.Status) {
	t.Helper()
	if diff := cmp.Diff(want, p.Jobs()); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}
