package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/tasks/engine"
)

// Engines is the list of workflow engines, by the word that plans use for them.
type Engines struct {
	byName map[string]engine.Engine
	names  []string
}

var _ commands.Workflows = (*Engines)(nil)

// NewEngines returns a list of engines, offered to people in this order.
func NewEngines(engines ...engine.Engine) *Engines {
	e := &Engines{byName: map[string]engine.Engine{}}
	for _, x := range engines {
		e.byName[x.Name()] = x
		e.names = append(e.names, x.Name())
	}
	return e
}

// Names returns the names of the engines.
func (e *Engines) Names() []string { return e.names }

// Named returns the engine of a name, nil if there is none.
func (e *Engines) Named(name string) engine.Engine { return e.byName[name] }

// Resolve implements commands.Workflows: what an engine refuses becomes problems, and
// an engine that could not be asked is an error.
func (e *Engines) Resolve(ctx context.Context, spec *slipway.WorkflowSpec) (*slipway.Workflow, []slipway.Problem, error) {
	x := e.byName[spec.Engine]
	if x == nil {
		return nil, []slipway.Problem{{Path: "engine", Text: e.unknown(spec.Engine)}}, nil
	}
	w, err := x.Resolve(ctx, *spec)
	if err == nil {
		return w, nil, nil
	}
	if passing(err) {
		return nil, nil, fmt.Errorf("ask engine %s: %w", spec.Engine, err)
	}
	if problems := slipway.ProblemsOf(err); len(problems) > 0 {
		return nil, problems, nil
	}
	return nil, []slipway.Problem{{Path: "workflow", Text: slipway.TextOf(err)}}, nil
}

// Adopt implements commands.Workflows.
func (e *Engines) Adopt(ctx context.Context, spec *slipway.WorkflowSpec, said string) (string, error) {
	x := e.byName[spec.Engine]
	if x == nil {
		return "", &slipway.Error{Code: slipway.Unfit, Text: e.unknown(spec.Engine)}
	}
	adopter, ok := x.(engine.Adopter)
	if !ok {
		return "", slipway.Refuse(slipway.Conflict,
			"The engine %q cannot be pointed at a run. Look there whether it runs, then retry or skip the item.",
			"引擎 %q 不支持关联已有的运行。请先到引擎中查看是否在运行，再重试或跳过该发布项。", spec.Engine)
	}
	ref, err := adopter.Adopt(ctx, *spec, said)
	if err != nil {
		return "", fmt.Errorf("ask engine %s: %w", spec.Engine, err)
	}
	return string(ref), nil
}

func (e *Engines) unknown(name string) slipway.Text {
	if len(e.names) == 0 {
		return slipway.T("There is no engine %q; none is configured.", "没有名为 %q 的引擎，当前没有配置任何引擎。", name)
	}
	return slipway.Text{
		EN: fmt.Sprintf("There is no engine %q here. Known: %s.", name, strings.Join(e.names, ", ")),
		ZH: fmt.Sprintf("没有名为 %q 的引擎。现有：%s。", name, strings.Join(e.names, "、")),
	}
}

// closer is an engine whose runs do not outlive this process. Close ends them, and
// their watchers are told.
type closer interface {
	Close(ctx context.Context) error
}

// close ends the runs that would not outlive this process.
func (e *Engines) close(ctx context.Context) error {
	var errs []error
	for _, name := range e.names {
		if c, ok := e.byName[name].(closer); ok {
			if err := c.Close(ctx); err != nil {
				errs = append(errs, fmt.Errorf("close engine %s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// notYet is the error of work that an engine, or the way to it, does not let us do at
// present: it is tried again, and it is no fault of ours.
func (t *Tasks) notYet(l *storage.Lease, what string, err error) error {
	return again{at: t.Now().Add(t.pause(l.Attempt)), why: what + ": " + err.Error()}
}

// passing tells whether an error may be gone on the next try: a fault of ours or of an
// outside part, but not a refusal.
func passing(err error) bool {
	switch slipway.CodeOf(err) {
	case slipway.Internal, slipway.Unavailable, slipway.TooMany:
		return true
	case slipway.Invalid, slipway.Unauthenticated, slipway.Forbidden, slipway.NotFound, slipway.Conflict, slipway.Stale,
		slipway.Unfit, slipway.TooLarge, "":
		return false
	}
	return true
}
