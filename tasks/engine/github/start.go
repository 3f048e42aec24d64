package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v93/github"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// errNoRunYet is the fate of a start that GitHub took without telling the run, and that
// no run is seen of.
var errNoRunYet = errors.New("GitHub took the start and shows no run of it yet")

// refOfRun names a run: the repository, then the run's number.
func refOfRun(r repository, id int64) engine.Ref {
	return engine.Ref(r.String() + "/" + strconv.FormatInt(id, 10))
}

func parseRef(ref engine.Ref) (repository, int64, error) {
	i := max(0, strings.LastIndexByte(string(ref), '/'))
	r, ok := readRepository(string(ref[:i]))
	id, err := strconv.ParseInt(strings.TrimPrefix(string(ref[i:]), "/"), 10, 64)
	if !ok || err != nil || id <= 0 {
		return repository{}, 0, fmt.Errorf("run %q: %w", ref, engine.ErrNoRun)
	}
	return r, id, nil
}

// Place implements engine.Engine: the address of GitHub, and the time, from which on
// Find has to search.
func (e *Engine) Place() string { return e.starts.Place() }

// Start implements engine.Engine.
func (e *Engine) Start(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	return e.starts.Once(mark, run.Workflow, func() (engine.Ref, error) { return e.launch(ctx, run, mark) })
}

// launch starts the run, if the workflow is still what was frozen. Until the last
// request nothing happens, so all before it is refused only.
func (e *Engine) launch(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	spec := run.Workflow
	r, err := e.resolve(ctx, spec)
	if err != nil {
		return "", remote.Interrupted(ctx, err)
	}
	if remote.Changed(spec, r.workflow) {
		return "", slipway.Refuse(slipway.Conflict,
			"The workflow “%s” is not what the plan was approved with: its file was changed in between.",
			"工作流“%s”与发布计划审批时的不一致：其文件在此期间被修改过。", r.workflow.Name)
	}
	if r.takesMark {
		r.inputs[markInput] = mark.ID
	}
	since, _ := e.starts.Since(mark)
	s := search{e: e, repository: r.repository, workflow: r.file, branch: r.ref, mark: mark.ID, since: since}
	if !e.tells.Load() && !r.marked {
		if err := s.noteEarlier(ctx); err != nil {
			return "", remote.Interrupted(ctx, err)
		}
	}
	id, err := e.dispatch(ctx, r)
	switch {
	case err != nil:
		return "", e.vendor.Starting(ctx, "dispatch workflow", err, r.secrets)
	case id == 0:
		e.starts.Taken(mark.ID)
		if id, err = s.await(ctx, r.marked); err != nil {
			return "", err
		}
	}
	ref := refOfRun(r.repository, id)
	e.noted.secrets.Keep(ref, r.secrets)
	return ref, nil
}

// dispatch starts the workflow. The run is 0 if GitHub took it without telling the run.
func (e *Engine) dispatch(ctx context.Context, r *resolved) (int64, error) {
	body := gh.CreateWorkflowDispatchEventRequest{Ref: r.ref, Inputs: r.inputs}
	if !e.silent.Load() {
		body.ReturnRunDetails = new(true)
	}
	told, answer, err := e.api.Actions.CreateWorkflowDispatchEventByID(ctx, r.repository.owner, r.repository.name, r.id, body)
	if statusOf(err) == http.StatusBadRequest && body.ReturnRunDetails != nil {
		// An older Enterprise Server refuses the word that it does not know.
		body.ReturnRunDetails = nil
		told, answer, err = e.api.Actions.CreateWorkflowDispatchEventByID(ctx, r.repository.owner, r.repository.name, r.id, body)
	}
	switch {
	case err != nil:
		return 0, err
	case answer.StatusCode == http.StatusNoContent:
		e.silent.Store(true)
	case told.GetWorkflowRunID() == 0:
		return 0, errors.New("GitHub's answer to the start names no run")
	default:
		e.tells.Store(true)
	}
	return told.GetWorkflowRunID(), nil
}

// await looks for the run of a start that GitHub took without telling the run. By its
// mark it is known as soon as it appears. Without one, it is known only when no other
// can appear any more, and only if it is alone.
func (s *search) await(ctx context.Context, marked bool) (int64, error) {
	now := s.e.config.Now
	until := now().Add(s.e.config.Settle)
	pause := min(s.e.config.Poll, 2*time.Second)
	for {
		last := !now().Before(until)
		found, err := s.look(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, ctx.Err()
		case err == nil && found.marked != 0:
			return found.marked, nil
		case err == nil && last && !marked && s.noted && found.whole && len(found.others) == 1:
			return found.others[0], nil
		case last:
			return 0, errors.Join(errNoRunYet, err)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 10*time.Second)
	}
}
