package httpengine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// missing makes an error of one about a run.
func (e *Engine) missing(ctx context.Context, err error, ref engine.Ref) error {
	if isNotFound(err) || errors.Is(err, engine.ErrNoRun) {
		return fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	}
	return e.vendor.Acting(ctx, err)
}

// Cancel implements engine.Engine. A server that cannot end a run refuses.
func (e *Engine) Cancel(ctx context.Context, ref engine.Ref) error {
	r, err := parseRef(ref)
	if err != nil {
		return err
	}
	s, err := e.see(ctx, r)
	switch {
	case err != nil:
		return e.missing(ctx, err, ref)
	case s.status.Over():
		return nil
	case e.settings.Cancel == nil:
		return slipway.Refuse(slipway.Conflict, "The engine %s cannot end a run: its settings have no cancel. End it there.",
			"引擎 %s 无法取消运行：其配置中没有 cancel。请到该引擎中取消。", e.config.Name)
	}
	if _, err := e.send(ctx, e.settings.Cancel, http.MethodPost, e.values(r, nil), nil); err != nil {
		return e.missing(ctx, err, ref)
	}
	e.Nudge(ref)
	return nil
}

// Attempt implements engine.Retrier.
func (e Retrying) Attempt(ctx context.Context, ref engine.Ref) (string, error) {
	s, err := e.now(ctx, ref)
	if err != nil {
		return "", err
	}
	return s.attempt, nil
}

func (e *Engine) now(ctx context.Context, ref engine.Ref) (*seen, error) {
	r, err := parseRef(ref)
	if err != nil {
		return nil, err
	}
	s, err := e.see(ctx, r)
	switch {
	case isNotFound(err), errors.Is(err, engine.ErrNoRun):
		return nil, fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	case err != nil:
		return nil, e.vendor.Reading(ctx, err)
	}
	return s, nil
}

// Retry implements engine.Retrier.
func (e Retrying) Retry(ctx context.Context, ref engine.Ref) error {
	s, err := e.now(ctx, ref)
	switch {
	case err != nil:
		return err
	case !s.status.Over():
		return slipway.Refuse(slipway.Conflict, "The run is not over yet.", "该次运行尚未结束。")
	case s.status == engine.Passed:
		return slipway.Refuse(slipway.Conflict, "The run passed: there is nothing to run again.", "该次运行已成功，没有需要重新运行的任务。")
	}
	r, err := parseRef(ref)
	if err != nil {
		return err
	}
	if _, err := e.send(ctx, e.settings.Retry, http.MethodPost, e.values(r, nil), nil); err != nil {
		return e.missing(ctx, err, ref)
	}
	e.again.Keep(ref, attempt{s.attempt, e.config.Now()})
	e.Nudge(ref)
	return nil
}

// stale tells whether what is seen of a run is of an attempt that was run again a moment
// ago: the server may need a while to show the new one.
func (e *Engine) stale(ref engine.Ref, s *seen) bool {
	old, retried := e.again.Of(ref)
	return retried && s.status.Over() && s.attempt == old.of && e.config.Now().Sub(old.at) < e.config.Settle
}

// Answer implements engine.Answerer.
func (e *Engine) Answer(ctx context.Context, ref engine.Ref, job string, answer engine.Answer) error {
	r, err := parseRef(ref)
	if err != nil {
		return err
	}
	how := e.settings.Reject
	if answer.Approve {
		how = e.settings.Approve
	}
	if how == nil {
		return slipway.Refuse(slipway.Conflict, "The engine %s takes no answers from outside. Answer there.", "引擎 %s 不接受外部答复，请到该引擎中处理。", e.config.Name)
	}
	s, err := e.now(ctx, ref)
	if err != nil {
		return err
	}
	v := &view{e: e, ref: ref, run: r, logs: newLogs(e, r)}
	waits := false
	for _, w := range v.state(s).Waits {
		waits = waits || w.Job == job
	}
	if !waits {
		return slipway.Refuse(slipway.Conflict, "“%s” waits for nobody any more.", "“%s”已不再等待处理。", job)
	}
	more := map[string]string{"job": job, "by": answer.By, "comment": answer.Comment}
	if _, err := e.send(ctx, how, http.MethodPost, e.values(r, more), nil); err != nil {
		return e.missing(ctx, err, ref)
	}
	e.Nudge(ref)
	return nil
}

var saidRef = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,199}$`)

// Adopt implements engine.Adopter: it takes the server's name for a run, and asks for it.
func (e *Engine) Adopt(ctx context.Context, spec slipway.WorkflowSpec, said string) (engine.Ref, error) {
	said = strings.TrimSpace(said)
	at := e.settings.Status
	switch {
	case at == nil:
		return "", slipway.Refuse(slipway.Conflict, "The engine %s cannot be asked for a run. Look there whether it runs, then retry or skip the item.",
			"无法向引擎 %s 查询运行。请先到引擎中查看是否在运行，再重试或跳过该发布项。", e.config.Name)
	case !saidRef.MatchString(said):
		return "", slipway.Refuse(slipway.Invalid, "Give the name or the number that the engine %s has for the run.", "请填写该次运行在引擎 %s 中的名称或编号。", e.config.Name)
	}
	r := run{project: spec.Project, workflow: spec.Name, ref: said}
	answer, err := e.read(ctx, &at.Request, e.values(r, nil))
	switch {
	case isNotFound(err):
		return "", slipway.Refuse(slipway.NotFound, "The engine %[1]s has no run %[2]s.", "引擎 %[1]s 中没有运行 %[2]s。", e.config.Name, said)
	case err != nil:
		return "", e.vendor.Reading(ctx, err)
	}
	if of := optional(answer, at.Workflow); at.Workflow != "" && of != spec.Name {
		return "", slipway.Refuse(slipway.Conflict, "That run is one of “%[1]s”; the workflow is “%[2]s”.", "该次运行属于“%[1]s”，而工作流是“%[2]s”。",
			e.vendor.Hide(output.Short(of)), spec.Name)
	}
	r.mark = optional(answer, at.Mark)
	return r.name(), nil
}
