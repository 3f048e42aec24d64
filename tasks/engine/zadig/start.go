package zadig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

const (
	// pageSize and maxSearched bound the runs that are looked through for a mark.
	pageSize    = 50
	maxSearched = 1000
	// failedToCreate is Zadig's code for many faults of a start. Those that come before
	// anything happens begin with the word workflow; after the others there may be a run.
	failedToCreate = 6160
)

// refOf names a run: the key of the workflow, then its number there.
func refOf(workflow string, task int64) engine.Ref {
	return engine.Ref(workflow + "/" + strconv.FormatInt(task, 10))
}

func parseRef(ref engine.Ref) (workflow string, task int64, err error) {
	workflow, number, _ := strings.Cut(string(ref), "/")
	task, numberErr := strconv.ParseInt(number, 10, 64)
	if !key.MatchString(workflow) || numberErr != nil || task <= 0 {
		return "", 0, fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	}
	return workflow, task, nil
}

// Place implements engine.Engine: the address of Zadig, and the time, from which on Find
// has to search.
func (e *Engine) Place() string { return e.starts.Place() }

// Start implements engine.Engine.
func (e *Engine) Start(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	return e.starts.Once(mark, run.Workflow, func() (engine.Ref, error) { return e.launch(ctx, run, mark) })
}

// launch creates the run, if the workflow is still what was frozen. Until the last
// request nothing happens, so all before it is refused only.
func (e *Engine) launch(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	spec := run.Workflow
	r, err := e.resolve(ctx, spec)
	if err != nil {
		return "", remote.Interrupted(ctx, err)
	}
	if remote.Changed(spec, r.workflow) {
		return "", slipway.Refuse(slipway.Conflict,
			"The workflow “%s” is not what the plan was approved with: it was changed in Zadig in between.",
			"工作流“%s”与发布计划审批时的不一致：其在 Zadig 中被修改过。", r.workflow.Name)
	}
	if r.marked {
		r.request.Parameters = append(r.request.Parameters, paramValue{Name: markParam, Type: slipway.ParamString, Value: mark.ID})
	}
	var made struct {
		Task int64 `json:"task_id"`
	}
	err = e.call(ctx, http.MethodPost, "/openapi/workflows/custom/task", nil, r.request, &made)
	switch {
	case err != nil:
		return "", e.startFault(ctx, err, r.secrets, mark, spec)
	case made.Task <= 0:
		return "", fmt.Errorf("start of workflow %s: the answer names no run", r.request.Workflow)
	}
	ref := refOf(r.request.Workflow, made.Task)
	e.marks.Keep(ref, carried{mark: mark.ID, known: true})
	return ref, nil
}

// startFault keeps the run's credentials out of the error of its start, and decides
// whether anything happened.
func (e *Engine) startFault(ctx context.Context, err error, secrets []string, mark engine.Mark, spec slipway.WorkflowSpec) error {
	var a *answerError
	sure := !errors.As(err, &a) || a.Code != failedToCreate || strings.HasPrefix(a.Said, "workflow ")
	err = e.vendor.Starting(ctx, "start run", err, secrets)
	refusal := (*slipway.Error)(nil)
	if sure || !errors.As(err, &refusal) {
		return err
	}
	since, _ := e.starts.Since(mark)
	if _, outcome, err := e.search(ctx, spec, mark.ID, since); err != nil || outcome != engine.NeverStarted {
		return fmt.Errorf("start run: %w", errors.New(refusal.Error()))
	}
	return refusal
}

// Find implements engine.Engine. It looks through the runs that Slipway's account
// started since the mark was written down. If there is none, it waits until none can
// appear any more, and looks again. A run that carries no mark may be any: then nobody
// can tell.
func (e *Engine) Find(ctx context.Context, mark engine.Mark) (engine.Ref, engine.Outcome, error) {
	return e.starts.Find(ctx, mark, func(ctx context.Context, spec slipway.WorkflowSpec, since time.Time) (engine.Ref, engine.Outcome, error) {
		return e.search(ctx, spec, mark.ID, since)
	})
}

// search looks once.
func (e *Engine) search(ctx context.Context, spec slipway.WorkflowSpec, mark string, since time.Time) (engine.Ref, engine.Outcome, error) {
	project, workflow := spec.Project, spec.Name
	if workflow == "" {
		return "", engine.Unknowable, nil
	}
	outcome := engine.NeverStarted
	for page, searched := 1, 0; searched < maxSearched; page++ {
		var h history
		query := url.Values{"projectKey": {project}, "pageNum": {strconv.Itoa(page)}, "pageSize": {strconv.Itoa(pageSize)}}
		if err := e.get(ctx, "/openapi/workflows/custom/"+url.PathEscape(workflow)+"/tasks", query, &h); err != nil {
			return "", engine.Unknowable, e.reading(ctx, err)
		}
		for _, t := range h.Tasks {
			if t.CreateTime < since.Unix() {
				return "", outcome, nil
			}
			if e.account != "" && t.Creator != e.account {
				continue
			}
			ref := refOf(workflow, t.ID)
			found, err := e.markOf(ctx, ref)
			switch {
			case err != nil:
				return "", engine.Unknowable, err
			case found.mark == mark:
				return ref, engine.Started, nil
			case !found.known:
				outcome = engine.Unknowable
			}
		}
		if searched += len(h.Tasks); len(h.Tasks) == 0 || int64(searched) >= h.Total {
			return "", outcome, nil
		}
	}
	e.config.Log.WarnContext(ctx, "too many runs to look through for the mark of a run", "workflow", workflow, "mark", mark, "runs", maxSearched)
	return "", engine.Unknowable, nil
}

// carried is the mark of a run. It is known if the run's workflow declares the variable
// for it, or if this process started the run.
type carried struct {
	mark  string
	known bool
}

// markOf returns the mark of a run, which never changes.
func (e *Engine) markOf(ctx context.Context, ref engine.Ref) (carried, error) {
	if c, asked := e.marks.Of(ref); asked {
		return c, nil
	}
	t, err := e.task(ctx, ref)
	if err != nil {
		return carried{}, err
	}
	var c carried
	if i := slices.IndexFunc(t.Params, func(p slipway.Param) bool { return p.Name == markParam }); i >= 0 {
		c = carried{mark: t.Params[i].Value, known: true}
	}
	e.marks.Keep(ref, c)
	return c, nil
}

// task reads a run; what is not there is engine.ErrNoRun.
func (e *Engine) task(ctx context.Context, ref engine.Ref) (*task, error) {
	workflow, number, err := parseRef(ref)
	if err != nil {
		return nil, err
	}
	var t task
	err = e.get(ctx, "/openapi/workflows/custom/task", taskQuery(workflow, number), &t)
	switch {
	case missing(err):
		return nil, fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	case err != nil:
		return nil, e.reading(ctx, err)
	}
	return &t, nil
}

func taskQuery(workflow string, task int64) url.Values {
	return url.Values{"workflowKey": {workflow}, "taskId": {strconv.FormatInt(task, 10)}}
}
