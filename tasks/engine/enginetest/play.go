package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
)

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

// Stored returns a definition as a database gives it back: the keys in another order.
func Stored(t *testing.T, w *slipway.Workflow) *slipway.Workflow {
	t.Helper()
	var tree any
	text, err := json.Marshal(w)
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err == nil {
		text, err = json.Marshal(tree)
	}
	read := &slipway.Workflow{}
	if err == nil {
		err = json.Unmarshal(text, read)
	}
	if err != nil {
		t.Fatalf("store the definition: %v", err)
	}
	return read
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
		Lines: func(l []engine.Line) {
			note(func() {
				for _, line := range l {
					if n := len(p.lines); n > 0 && line.Seq != p.lines[n-1].Seq+1 {
						p.t.Errorf("line %d follows line %d", line.Seq, p.lines[n-1].Seq)
					}
					p.lines = append(p.lines, line)
				}
			})
		},
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
	w := p.follow()
	w.await(fmt.Sprintf("said %q", line), func() bool { return slices.Contains(p.Texts(), line) })
	return w.end
}

// UntilStatus watches until the run has a status, and returns that state and how to
// wait for the end.
func (p *Play) UntilStatus(status engine.Status) (state engine.State, end func() engine.Result) {
	p.t.Helper()
	w := p.follow()
	return w.awaitStatus(status), w.end
}

// watching is a play that is being watched.
type watching struct {
	*Play
	ctx    context.Context
	over   chan struct{} // closed when Watch has returned
	result engine.Result
	err    error
}

func (p *Play) follow() *watching {
	ctx, cancel := context.WithTimeout(p.t.Context(), Patience)
	w := &watching{Play: p, ctx: ctx, over: make(chan struct{})}
	go func() {
		defer close(w.over)
		w.result, w.err = p.Engine.Watch(ctx, p.Ref, p.observer())
	}()
	p.t.Cleanup(cancel)
	return w
}

// await waits until something holds of what was seen.
func (w *watching) await(what string, holds func() bool) {
	w.t.Helper()
	for !holds() {
		select {
		case <-w.noted:
		case <-w.over:
			if !holds() {
				w.t.Fatalf("the run ended before it %s: %+v, %v, log %q", what, w.result, w.err, w.Texts())
			}
		case <-w.ctx.Done():
			w.t.Fatalf("the run never %s: %+v, log %q", what, w.States(), w.Texts())
		}
	}
}

func (w *watching) awaitStatus(status engine.Status) (state engine.State) {
	w.t.Helper()
	w.await("was "+string(status), func() bool {
		i := slices.IndexFunc(w.States(), func(s engine.State) bool { return s.Status == status })
		if i >= 0 {
			state = w.States()[i]
		}
		return i >= 0
	})
	return state
}

// end waits for the end.
func (w *watching) end() engine.Result {
	w.t.Helper()
	<-w.over
	if w.err != nil {
		w.t.Fatalf("watch: %v", w.err)
	}
	return w.result
}

// States returns every state seen.
func (p *Play) States() []engine.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.states)
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
