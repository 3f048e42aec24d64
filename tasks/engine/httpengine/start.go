package httpengine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

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

// host is the place of the engine: where runs are started.
func (e *Engine) host() string {
	u, err := url.Parse(fill(e.settings.Start.URL, values{}, inURL))
	if err != nil {
		return e.config.Name
	}
	return e.config.Name + "@" + u.Host
}

// Place implements engine.Engine.
func (e *Engine) Place() string { return remote.PlaceAt(e.host(), e.config.Now()) }

// Start implements engine.Engine.
func (e *Engine) Start(ctx context.Context, r slipway.Run, mark engine.Mark) (engine.Ref, error) {
	if err := remote.CheckMark(mark, e.host()); err != nil {
		return "", err
	}
	if !e.starts.Begin(mark.ID, r.Workflow.Name) {
		return "", slipway.Refuse(slipway.Conflict, "This run was started before.", "该次运行已经启动过。")
	}
	ref, err := e.launch(ctx, r, mark.ID)
	refusal := (*slipway.Error)(nil)
	switch {
	case err == nil:
		e.starts.Keep(mark.ID, ref)
	case errors.As(err, &refusal):
		e.starts.Forget(mark.ID)
	}
	return ref, err
}

// launch sends the start request, if the workflow is still what was frozen.
func (e *Engine) launch(ctx context.Context, r slipway.Run, mark string) (engine.Ref, error) {
	spec := r.Workflow
	found, err := e.resolve(spec)
	if err != nil {
		return "", err
	}
	if spec.Definition == nil || slipway.CompareDefinitions(spec.Definition.Masked(), found.workflow.Masked()) != nil {
		return "", slipway.Refuse(slipway.Conflict,
			"The workflow “%s” is not what the plan was approved with: the engine's settings were changed in between.",
			"工作流“%s”与发布计划审批时的不一致：引擎配置在此期间被修改过。", spec.Name)
	}
	e.mu.Lock()
	if len(e.secrets) >= maxRemembered {
		clear(e.secrets)
	}
	e.secrets[mark] = append([]string{}, found.secrets...)
	e.mu.Unlock()
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
		err = e.acting(ctx, err)
		if refusal := (*slipway.Error)(nil); !errors.As(err, &refusal) && ctx.Err() == nil {
			err = fmt.Errorf("start run: %w", err)
		}
		return "", masked(err, found.secrets)
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
	if _, ours := remote.ReadPlace(mark.Place, e.host()); !ours {
		return "", engine.Unknowable, nil
	}
	if known := e.starts.Of(mark.ID); known.Ref != "" {
		return known.Ref, engine.Started, nil
	}
	if e.config.Runs == nil {
		return "", engine.Unknowable, nil
	}
	r, err := e.config.Runs(ctx, mark.ID)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return "", engine.Unknowable, nil
	case err != nil:
		return "", engine.Unknowable, fmt.Errorf("look up run: %w", err)
	}
	sought := run{mark: mark.ID, project: r.Workflow.Project, workflow: r.Workflow.Name, ref: mark.ID}
	switch ref, err := e.reported(ctx, sought); {
	case err != nil:
		return "", engine.Unknowable, err
	case ref != "":
		return ref, engine.Started, nil
	}
	search := e.search(sought)
	switch {
	case search != nil:
		ref, outcome, err := remote.Find(ctx, e.config.Settle, search)
		if outcome == engine.NeverStarted && err == nil {
			e.starts.Forget(mark.ID)
		}
		return ref, outcome, err
	case e.settings.Start.Idempotent:
		return e.repeat(ctx, r, mark.ID)
	}
	return "", engine.Unknowable, nil
}

// search returns how the server is asked for a mark; nil if it cannot be. A run whose
// name is its mark is asked for as any other.
func (e *Engine) search(sought run) remote.Search {
	ask, at := e.settings.Find, ""
	switch {
	case ask != nil:
		at = ask.Ref
	case e.settings.Start.Ref == "" && e.settings.Status != nil:
		ask = &Find{Request: e.settings.Status.Request}
	default:
		return nil
	}
	return func(ctx context.Context) (engine.Ref, engine.Outcome, error) {
		answer, err := e.read(ctx, &ask.Request, e.values(sought, nil))
		switch {
		case isNotFound(err):
			return "", engine.NeverStarted, nil
		case err != nil:
			return "", engine.Unknowable, e.reading(ctx, err)
		}
		found := sought
		if at != "" {
			if found.ref = text(answer, at); found.ref == "" {
				return "", engine.NeverStarted, nil
			}
		}
		return found.name(), engine.Started, nil
	}
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
	e.starts.Begin(mark, r.Workflow.Name)
	e.starts.Keep(mark, ref)
	return ref, engine.Started, nil
}
