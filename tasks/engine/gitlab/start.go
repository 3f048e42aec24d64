package gitlab

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

const (
	markVariable = own + "MARK"
	// maxSearched bounds the pipelines that are looked through for a mark.
	maxSearched = 1000
)

// refOfPipeline names a pipeline: the number of the project, then its own.
func refOfPipeline(project, pipeline int64) engine.Ref {
	return engine.Ref(fmt.Sprintf("%d/%d", project, pipeline))
}

func parseRef(ref engine.Ref) (project, pipeline int64, err error) {
	before, after, _ := strings.Cut(string(ref), "/")
	project, projectErr := strconv.ParseInt(before, 10, 64)
	pipeline, pipelineErr := strconv.ParseInt(after, 10, 64)
	if projectErr != nil || pipelineErr != nil {
		return 0, 0, fmt.Errorf("pipeline %q: %w", ref, engine.ErrNoRun)
	}
	return project, pipeline, nil
}

// Place implements engine.Engine: the address of GitLab, and the time, from which on
// Find has to search.
func (e *Engine) Place() string { return e.starts.Place() }

// Start implements engine.Engine.
func (e *Engine) Start(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	return e.starts.Once(mark, run.Workflow, func() (engine.Ref, error) { return e.launch(ctx, run, mark) })
}

// launch creates the pipeline, if the configuration is still what was frozen. Until
// the last request nothing happens, so all before it is refused only.
func (e *Engine) launch(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	spec := run.Workflow
	r, err := e.resolve(ctx, spec)
	if err != nil {
		return "", remote.Interrupted(ctx, err)
	}
	if remote.Changed(spec, r.workflow) {
		return "", slipway.Refuse(slipway.Conflict,
			"The pipeline of “%s” is not what the plan was approved with: its configuration was changed in between.",
			"“%s”的流水线与发布计划审批时的不一致：其配置在此期间被修改过。", r.ref)
	}
	variables := append(r.variables,
		&gl.PipelineVariableOptions{Key: gl.Ptr(markVariable), Value: &mark.ID},
		&gl.PipelineVariableOptions{Key: gl.Ptr("SLIPWAY_PLAN"), Value: &run.PlanID},
		&gl.PipelineVariableOptions{Key: gl.Ptr("SLIPWAY_ITEM"), Value: &run.ItemID})
	options := &gl.CreatePipelineOptions{Ref: &r.ref, Variables: &variables}
	if len(r.inputs) > 0 {
		options.Inputs = r.inputs
	}
	made, _, err := e.api.Pipelines.CreatePipeline(r.project.ID, options, gl.WithContext(ctx))
	if err != nil {
		return "", e.vendor.Starting(ctx, "create pipeline", err, r.secrets)
	}
	return refOfPipeline(r.project.ID, made.ID), nil
}

// Find implements engine.Engine. It looks through the pipelines that Slipway's account
// created since the mark was written down. If none carries it, it waits until none
// can appear any more, and looks again.
func (e *Engine) Find(ctx context.Context, mark engine.Mark) (engine.Ref, engine.Outcome, error) {
	return e.starts.Find(ctx, mark, func(ctx context.Context, spec slipway.WorkflowSpec, since time.Time) (engine.Ref, engine.Outcome, error) {
		return e.search(ctx, spec.Project, mark.ID, since)
	})
}

// search looks once; the pipelines come with the newest first.
func (e *Engine) search(ctx context.Context, project, mark string, since time.Time) (engine.Ref, engine.Outcome, error) {
	if project == "" {
		return "", engine.Unknowable, nil
	}
	account, err := e.whoami(ctx)
	if err != nil {
		return "", engine.Unknowable, e.vendor.Reading(ctx, err)
	}
	options := &gl.ListProjectPipelinesOptions{
		ListOptions: gl.ListOptions{PerPage: 100, Page: 1}, Source: gl.Ptr("api"), Username: &account, CreatedAfter: &since,
		OrderBy: gl.Ptr("id"), Sort: gl.Ptr("desc"),
	}
	for searched := 0; searched < maxSearched; {
		list, answer, err := e.api.Pipelines.ListProjectPipelines(project, options, gl.WithContext(ctx))
		if err != nil {
			return "", engine.Unknowable, e.vendor.Reading(ctx, err)
		}
		for _, p := range list {
			if p.CreatedAt != nil && p.CreatedAt.Before(since) {
				return "", engine.NeverStarted, nil // an old GitLab lists them all
			}
			carried, err := e.markOf(ctx, p.ProjectID, p.ID)
			if err != nil {
				return "", engine.Unknowable, e.vendor.Reading(ctx, err)
			}
			if carried == mark {
				return refOfPipeline(p.ProjectID, p.ID), engine.Started, nil
			}
		}
		searched += len(list)
		if answer.NextPage == 0 {
			return "", engine.NeverStarted, nil
		}
		options.Page = answer.NextPage
	}
	e.config.Log.WarnContext(ctx, "too many pipelines to look through for the mark of a run", "project", project, "mark", mark, "pipelines", maxSearched)
	return "", engine.Unknowable, nil
}

// whoami returns the username of the token's owner.
func (e *Engine) whoami(ctx context.Context) (string, error) {
	if known := e.account.Load(); known != nil {
		return *known, nil
	}
	user, _, err := e.api.Users.CurrentUser(gl.WithContext(ctx))
	if err != nil {
		return "", err
	}
	e.account.Store(&user.Username)
	return user.Username, nil
}

// markOf returns the mark that a pipeline carries, which never changes.
func (e *Engine) markOf(ctx context.Context, project, pipeline int64) (string, error) {
	mark, known := e.marks.Of(pipeline)
	if known {
		return mark, nil
	}
	variables, _, err := e.api.Pipelines.GetPipelineVariables(project, pipeline, gl.WithContext(ctx))
	if err != nil {
		return "", err
	}
	for _, v := range variables {
		if v.Key == markVariable {
			mark = v.Value
		}
	}
	e.marks.Keep(pipeline, mark)
	return mark, nil
}
