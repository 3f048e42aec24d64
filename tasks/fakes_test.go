package tasks

import (
	"context"
	"slices"
	"sync"

	"slipway"
	"slipway/tasks/engine"
	"slipway/webhook"
)

// fakeSender is the network: it answers hooks as it was told, by default well.
type fakeSender struct {
	mu     sync.Mutex
	answer func(webhook.Delivery) webhook.Attempt
	sent   []webhook.Delivery
}

func (s *fakeSender) Send(_ context.Context, d webhook.Delivery) webhook.Attempt {
	s.mu.Lock()
	answer := s.answer
	s.sent = append(s.sent, d)
	s.mu.Unlock()
	if answer == nil {
		return webhook.Attempt{StatusCode: 200, Outcome: webhook.Delivered, Answer: "ok"}
	}
	return answer(d)
}

func (s *fakeSender) answers(a webhook.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = func(webhook.Delivery) webhook.Attempt { return a }
}

func (s *fakeSender) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, d := range s.sent {
		ids = append(ids, d.ID)
	}
	return ids
}

// fakeCards is the chat platform.
type fakeCards struct {
	mu      sync.Mutex
	repaint func(context.Context, string) error
	painted int
	told    []string
}

func (c *fakeCards) Repaint(ctx context.Context, planID string) error {
	c.mu.Lock()
	c.painted++
	repaint := c.repaint
	c.mu.Unlock()
	if repaint == nil {
		return nil
	}
	return repaint(ctx, planID)
}

func (c *fakeCards) Tell(_ context.Context, _ string, n slipway.Notice, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, n.Text.EN)
	return nil
}

// fakeEngine is an engine that is reached over the network: its runs outlive us.
type fakeEngine struct {
	mu      sync.Mutex
	startAs func() error // nil: well
	findAs  func() (engine.Outcome, error)
	runs    map[engine.Ref]*fakeRun
	starts  []string // marks
	cancels int
}

type fakeRun struct {
	ended   chan struct{}
	changed chan struct{}
	result  engine.Result
	state   engine.State
	lines   []engine.Line
}

func newFakeEngine() *fakeEngine { return &fakeEngine{runs: map[engine.Ref]*fakeRun{}} }

func (*fakeEngine) Name() string  { return "fake" }
func (*fakeEngine) Place() string { return "the network" }

func (*fakeEngine) Resolve(_ context.Context, spec slipway.WorkflowSpec) (*slipway.Workflow, error) {
	switch spec.Name {
	case "missing":
		return nil, slipway.Refuse(slipway.NotFound, "There is no workflow %q.", "没有工作流 %q。", spec.Name)
	case "broken":
		return nil, &slipway.Error{Code: slipway.Invalid, Problems: []slipway.Problem{{Path: "params.version"}}}
	case "away":
		return nil, slipway.Refuse(slipway.Unavailable, "The engine does not answer.", "引擎没有响应。")
	}
	return &slipway.Workflow{Name: spec.Name}, nil
}

func (e *fakeEngine) Start(_ context.Context, _ slipway.Run, mark engine.Mark) (engine.Ref, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.starts = append(e.starts, mark.ID+"@"+mark.Place)
	if e.startAs != nil {
		if err := e.startAs(); err != nil {
			return "", err
		}
	}
	return e.add(mark), nil
}

func (e *fakeEngine) add(mark engine.Mark) engine.Ref {
	ref := engine.Ref("ref-" + mark.ID)
	e.runs[ref] = &fakeRun{
		ended: make(chan struct{}), changed: make(chan struct{}), state: engine.State{Status: engine.Running, URL: "https://engine.example.com/" + mark.ID},
		lines: []engine.Line{{Seq: 1, At: 1, Job: "go", Text: "hello"}, {Seq: 2, At: 2, Job: "go", Text: "world"}},
	}
	return ref
}

func (e *fakeEngine) Find(_ context.Context, mark engine.Mark) (engine.Ref, engine.Outcome, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.findAs != nil {
		outcome, err := e.findAs()
		return "", outcome, err
	}
	ref := engine.Ref("ref-" + mark.ID)
	if e.runs[ref] == nil {
		return "", engine.NeverStarted, nil
	}
	return ref, engine.Started, nil
}

func (e *fakeEngine) Watch(ctx context.Context, ref engine.Ref, o engine.Observer) (engine.Result, error) {
	for first := true; ; first = false {
		e.mu.Lock()
		r := e.runs[ref]
		if r == nil {
			e.mu.Unlock()
			return engine.Result{}, engine.ErrNoRun
		}
		state, lines, changed, ended := r.state, r.lines, r.changed, r.ended
		over := false
		select {
		case <-ended:
			over = true
			if first { // nobody saw how it went
				state.Status = r.result.Status
			}
		default:
		}
		e.mu.Unlock()
		o.State(state)
		if rest := lines[min(int(min(o.Seen, 1000)), len(lines)):]; first && len(rest) > 0 && o.Lines != nil {
			o.Lines(rest)
		}
		if over {
			return r.result, nil
		}
		select {
		case <-ctx.Done():
			return engine.Result{}, ctx.Err()
		case <-changed:
		case <-ended:
			return r.result, nil
		}
	}
}

// shows changes what is to be seen of a run.
func (e *fakeEngine) shows(ref engine.Ref, change func(*engine.State)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runs[ref]
	change(&r.state)
	close(r.changed)
	r.changed = make(chan struct{})
}

func (e *fakeEngine) Cancel(_ context.Context, ref engine.Ref) error {
	e.mu.Lock()
	e.cancels++
	e.mu.Unlock()
	e.end(ref, engine.Result{Status: engine.Cancelled, Reason: slipway.T("Cancelled.", "已取消。")})
	return nil
}

func (e *fakeEngine) end(ref engine.Ref, result engine.Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runs[ref]
	select {
	case <-r.ended:
	default:
		r.result = result
		close(r.ended)
	}
}

// begun returns the marks of all starts.
func (e *fakeEngine) begun() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.starts)
}
