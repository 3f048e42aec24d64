package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gh "github.com/google/go-github/v93/github"

	"slipway/tasks/engine"
)

// Watch implements engine.Engine. While GitHub does not answer, the run's status is
// unknown, and it is asked again. What did not change since the last look is not sent
// again, and is not counted by GitHub's limit.
func (e *Engine) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, error) {
	r, id, err := parseRef(ref)
	if err != nil {
		return engine.Result{}, err
	}
	v := &view{e: e, ref: ref, repository: r, id: id}
	v.logs = &logs{v: v}
	return e.watchers.Watch(ctx, ref, obs, v.look)
}

// view is what is known of a run from look to look.
type view struct {
	e          *Engine
	ref        engine.Ref
	repository repository
	id         int64
	run        *gh.WorkflowRun
	runTag     string // GitHub's word for this state of the run
	jobs       []job  // of all attempts, the oldest first
	jobsTag    string
	file       *workflowFile // the run's; nil: not read yet
	pending    []*gh.PendingDeployment
	logs       *logs
}

// look reads the state of the run, the log lines that are new since the last look, and
// the result if it is over.
func (v *view) look(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
	if err := v.read(ctx); err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	lines, more, err := v.logs.news(ctx, v.jobs)
	if err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	state := v.state()
	if !state.Status.Over() && v.e.noted.hangs(v.ref, v.e.config.Now(), toEnd) {
		v.e.force(ctx, v.repository, v.id)
	}
	if !state.Status.Over() || more {
		return state, lines, nil, nil
	}
	return state, lines, v.result(ctx, state.Status), nil
}

func (v *view) fault(ctx context.Context, err error) error {
	if isGone(err) {
		return fmt.Errorf("run %d of %s: %w", v.id, v.repository, engine.ErrNoRun)
	}
	return v.e.vendor.Reading(ctx, err)
}

// read asks GitHub for the run, and for what may have changed in it.
func (v *view) read(ctx context.Context) error {
	at := fmt.Sprintf("repos/%s/actions/runs/%d", v.repository, v.id)
	var run *gh.WorkflowRun
	changed, _, err := v.get(ctx, at, &v.runTag, &run)
	if err != nil {
		return err
	}
	if changed {
		v.run = run
	}
	if v.file == nil {
		if err := v.readFile(ctx); err != nil {
			return err
		}
	}
	if err := v.readJobs(ctx, at); err != nil {
		return err
	}
	v.pending = nil
	if v.waits() {
		v.pending, _, err = v.e.api.Actions.GetPendingDeployments(ctx, v.repository.owner, v.repository.name, v.id)
	}
	return err
}

// get reads what changed since its tag was kept; false if nothing did.
func (v *view) get(ctx context.Context, path string, tag *string, into any) (bool, *gh.Response, error) {
	request, err := v.e.api.NewRequest(ctx, http.MethodGet, path, nil, func(r *http.Request) {
		if *tag != "" {
			r.Header.Set("If-None-Match", *tag)
		}
	})
	if err != nil {
		return false, nil, fmt.Errorf("ask GitHub: %w", err)
	}
	answer, err := v.e.api.Do(request, into)
	if *tag != "" && statusOf(err) == http.StatusNotModified {
		return false, answer, nil
	}
	*tag = ""
	if err == nil {
		*tag = answer.Header.Get("ETag")
	}
	return true, answer, err
}

// readJobs reads the jobs of all attempts.
func (v *view) readJobs(ctx context.Context, at string) error {
	var all []job
	tag := v.jobsTag
	for page := 1; page > 0; {
		var list *gh.Jobs
		changed, answer, err := v.get(ctx, fmt.Sprintf("%s/jobs?filter=all&per_page=100&page=%d", at, page), &tag, &list)
		if err != nil || !changed {
			return err
		}
		for _, j := range list.Jobs {
			all = append(all, newJob(j))
		}
		// One tag is kept, so only what fits in one page may be left unread.
		if page = answer.NextPage; page > 0 {
			tag = ""
		}
		if len(all) > 100 {
			tag = ""
		}
	}
	slices.SortStableFunc(all, func(a, b job) int { return int(a.id - b.id) })
	v.jobs, v.jobsTag = all, tag
	return nil
}

// readFile reads the workflow's file as the run has it. Without it nothing is known of
// jobs that did not begin.
func (v *view) readFile(ctx context.Context) error {
	path, _, _ := strings.Cut(v.run.GetPath(), "@")
	v.file = &workflowFile{}
	if !strings.HasPrefix(path, folder) {
		return nil
	}
	text, err := v.e.read(ctx, v.repository, path, v.run.GetHeadSHA())
	var denied *gh.ErrorResponse
	switch {
	case isNotFound(err), errors.As(err, &denied) && denied.Response.StatusCode == http.StatusForbidden:
		return nil
	case err != nil:
		v.file = nil
		return err
	}
	if read, err := readFile(text); err == nil {
		v.file = read
	}
	return nil
}

// waits tells whether anything waits at a protected environment.
func (v *view) waits() bool {
	return v.run.GetStatus() == "waiting" || slices.ContainsFunc(v.jobs, func(j job) bool { return j.status == "waiting" })
}
