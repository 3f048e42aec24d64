package httpengine

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// run is what a Ref says.
type run struct {
	mark, project, workflow string
	ref                     string // the server's name for it
}

func (r run) name() engine.Ref {
	parts := []string{r.mark, r.project, r.workflow, r.ref}
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return engine.Ref(strings.Join(parts, "/"))
}

func parseRef(ref engine.Ref) (run, error) {
	parts := strings.Split(string(ref), "/")
	for i, p := range parts {
		plain, err := url.PathUnescape(p)
		if err != nil {
			return run{}, fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
		}
		parts[i] = plain
	}
	if len(parts) != 4 || parts[2] == "" || parts[3] == "" {
		return run{}, fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	}
	return run{mark: parts[0], project: parts[1], workflow: parts[2], ref: parts[3]}, nil
}

// hostOf is where the runs of an engine are started.
func hostOf(name string, s *Settings) string {
	u, err := url.Parse(fill(s.Start.URL, values{}, inURL))
	if err != nil {
		return name
	}
	return name + "@" + u.Host
}

// Place implements engine.Engine.
func (e *Engine) Place() string { return e.starts.Place() }

// Start implements engine.Engine.
func (e *Engine) Start(ctx context.Context, r slipway.Run, mark engine.Mark) (engine.Ref, error) {
	return e.starts.Once(mark, r.Workflow, func() (engine.Ref, error) { return e.launch(ctx, r, mark.ID) })
}

// launch sends the start request, if the workflow is still what was frozen.
func (e *Engine) launch(ctx context.Context, r slipway.Run, mark string) (engine.Ref, error) {
	spec := r.Workflow
	found, err := e.resolve(spec)
	if err != nil {
		return "", err
	}
	if remote.Changed(spec, found.workflow) {
		return "", slipway.Refuse(slipway.Conflict,
			"The workflow “%s” is not what the plan was approved with: the engine's settings were changed in between.",
			"工作流“%s”与发布计划审批时的不一致：引擎配置在此期间被修改过。", spec.Name)
	}
	e.secrets.Keep(mark, slices.Clip(found.secrets))
	v := e.values(run{mark: mark, project: spec.Project, workflow: spec.Name}, map[string]string{
		"plan_id": r.PlanID, "item": r.ItemID, "by": r.By, "callback_url": e.config.CallbackURL,
	})
	found.params(v)
	var header http.Header
	if e.settings.Start.Idempotent {
		header = http.Header{"Idempotency-Key": {mark}}
	}
	content, err := e.send(ctx, &e.settings.Start.Request, http.MethodPost, v, header)
	if err != nil {
		return "", e.vendor.Starting(ctx, "start run", err, found.secrets)
	}
	started := run{mark: mark, project: spec.Project, workflow: spec.Name, ref: mark}
	if at := e.settings.Start.Ref; at != "" {
		answer, err := decode(content)
		if err != nil {
			return "", fmt.Errorf("start run: %w", err)
		}
		if started.ref = text(answer, at); started.ref == "" {
			return "", fmt.Errorf("start run: the answer names no run at %s", at)
		}
	}
	return started.name(), nil
}

// Find implements engine.Engine. What the server reported is proof of a start. It is
// asked for the mark if it can be. Else, if it honours Idempotency-Key, the start is
// asked for once more: it leads to the run that is there, or to the one that was meant
// to be. Otherwise nobody can know.
func (e *Engine) Find(ctx context.Context, mark engine.Mark) (engine.Ref, engine.Outcome, error) {
	return e.starts.Find(ctx, mark, func(ctx context.Context, _ slipway.WorkflowSpec, _ time.Time) (engine.Ref, engine.Outcome, error) {
		return e.search(ctx, mark.ID)
	})
}

// search looks once.
func (e *Engine) search(ctx context.Context, mark string) (engine.Ref, engine.Outcome, error) {
	if e.config.Runs == nil {
		return "", engine.Unknowable, nil
	}
	r, err := e.config.Runs(ctx, mark)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return "", engine.Unknowable, nil
	case err != nil:
		return "", engine.Unknowable, fmt.Errorf("look up run: %w", err)
	}
	sought := run{mark: mark, project: r.Workflow.Project, workflow: r.Workflow.Name, ref: mark}
	ref, err := e.reported(ctx, sought)
	switch {
	case err != nil:
		return "", engine.Unknowable, err
	case ref != "":
		return ref, engine.Started, nil
	case e.settings.Find != nil:
		return e.ask(ctx, sought, &e.settings.Find.Request, e.settings.Find.Ref)
	case e.settings.Start.Ref == "" && e.settings.Status != nil: // its name is its mark
		return e.ask(ctx, sought, &e.settings.Status.Request, "")
	case e.settings.Start.Idempotent:
		return e.repeat(ctx, r, mark)
	}
	return "", engine.Unknowable, nil
}

// ask asks the server for a run. Its name is at a path in the answer, if that is set.
func (e *Engine) ask(ctx context.Context, sought run, how *Request, at string) (engine.Ref, engine.Outcome, error) {
	answer, err := e.read(ctx, how, e.values(sought, nil))
	switch {
	case isNotFound(err):
		return "", engine.NeverStarted, nil
	case err != nil:
		return "", engine.Unknowable, e.vendor.Reading(ctx, err)
	}
	if at != "" {
		if sought.ref = text(answer, at); sought.ref == "" {
			return "", engine.NeverStarted, nil
		}
	}
	return sought.name(), engine.Started, nil
}

// repeat asks for a start once more.
func (e *Engine) repeat(ctx context.Context, r slipway.Run, mark string) (engine.Ref, engine.Outcome, error) {
	ref, err := e.launch(ctx, r, mark)
	if code := slipway.CodeOf(err); code == slipway.Conflict || code == slipway.Invalid || code == slipway.NotFound {
		return "", engine.Unknowable, nil // it is another workflow by now, or the server thinks so
	}
	if err != nil {
		return "", engine.Unknowable, err
	}
	e.starts.Keep(mark, ref)
	return ref, engine.Started, nil
}
