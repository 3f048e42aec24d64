package tasks

import (
	"context"
	"fmt"
	"strconv"

	"slipway"
	"slipway/tasks/engine"
)

// ableEngine is an engine with every ability.
type ableEngine struct {
	*fakeEngine

	attempts  map[engine.Ref]int // how often a run was run again
	retryAs   func() error       // nil: well
	answerAs  func() error
	answers   []string
	nudged    chan engine.Ref // may be nil
	hears     []engine.Hint
	version   string // of every workflow
	verdicts  []string
	replyAs   func() error
	attemptAs func() error
}

func (*ableEngine) Name() string { return "able" }
func (*ableEngine) Versioned()   {}

func (e *ableEngine) Resolve(_ context.Context, spec slipway.WorkflowSpec) (*slipway.Workflow, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &slipway.Workflow{Name: spec.Name, Remark: e.version}, nil
}

func (e *ableEngine) Attempt(_ context.Context, ref engine.Ref) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.attemptAs != nil {
		if err := e.attemptAs(); err != nil {
			return "", err
		}
	}
	if e.runs[ref] == nil {
		return "", engine.ErrNoRun
	}
	return strconv.Itoa(e.attempts[ref]), nil
}

func (e *ableEngine) Retry(_ context.Context, ref engine.Ref) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.retryAs != nil {
		if err := e.retryAs(); err != nil {
			return err
		}
	}
	if e.runs[ref] == nil {
		return engine.ErrNoRun
	}
	e.restart(ref)
	return nil
}

// restart runs a run again, as a person does in the engine's page.
func (e *ableEngine) restart(ref engine.Ref) {
	if e.attempts == nil {
		e.attempts = map[engine.Ref]int{}
	}
	e.attempts[ref]++
	e.runs[ref].ended = make(chan struct{})
}

func (e *ableEngine) Answer(_ context.Context, ref engine.Ref, job string, a engine.Answer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers = append(e.answers, fmt.Sprintf("%s %s %t %q by %s", ref, job, a.Approve, a.Comment, a.By))
	if e.answerAs != nil {
		return e.answerAs()
	}
	return nil
}

func (e *ableEngine) Adopt(_ context.Context, _ slipway.WorkflowSpec, said string) (engine.Ref, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ref := engine.Ref("ref-" + said)
	if e.runs[ref] == nil {
		return "", slipway.Refuse(slipway.NotFound, "There is no run %s.", "没有编号为 %s 的运行。", said)
	}
	return ref, nil
}

func (e *ableEngine) Hear(_ context.Context, n engine.Notice) ([]engine.Hint, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n.Header.Get("Token") != "right" {
		return nil, slipway.Refuse(slipway.Unauthenticated, "The token is wrong.", "令牌错误。")
	}
	return e.hears, nil
}

func (e *ableEngine) Nudge(ref engine.Ref) {
	e.mu.Lock()
	nudged := e.nudged
	e.mu.Unlock()
	if nudged != nil {
		nudged <- ref
	}
}

func (e *ableEngine) Reply(_ context.Context, q engine.Question, approve bool, comment string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.replyAs != nil {
		if err := e.replyAs(); err != nil {
			return err
		}
	}
	e.verdicts = append(e.verdicts, fmt.Sprintf("%s %t %s", q.ID, approve, comment))
	return nil
}
