package jenkins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

// skew is by how much Jenkins' clock may be behind ours.
const skew = 10 * time.Minute

// Place implements engine.Engine: the address of Jenkins, and the time, from which on
// Find has to search.
func (e *Engine) Place() string { return remote.PlaceAt(e.host, e.config.Now()) }

// Start implements engine.Engine.
func (e *Engine) Start(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	if err := remote.CheckMark(mark, e.host); err != nil {
		return "", err
	}
	if !e.starts.Begin(mark.ID, pathOf(run.Workflow)) {
		return "", slipway.Refuse(slipway.Conflict, "This run was started before.", "该次运行已经启动过。")
	}
	ref, err := e.launch(ctx, run, mark)
	refusal := (*slipway.Error)(nil)
	switch {
	case err == nil:
		e.starts.Keep(mark.ID, ref)
	case errors.As(err, &refusal):
		e.starts.Forget(mark.ID)
	}
	return ref, err
}

// launch puts the job into the queue, if it is still what was frozen. Until the last
// request nothing happens, so all before it is refused only.
func (e *Engine) launch(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	spec := run.Workflow
	r, err := e.resolve(ctx, spec)
	if err != nil {
		if ctx.Err() != nil {
			return "", slipway.Refuse(slipway.Unavailable, "The start was interrupted.", "启动被中断。").Because(err)
		}
		return "", err
	}
	if spec.Definition == nil || slipway.CompareDefinitions(spec.Definition.Masked(), r.workflow.Masked()) != nil {
		return "", slipway.Refuse(slipway.Conflict,
			"The job “%s” is not what the plan was approved with: it was changed in Jenkins in between.",
			"任务“%s”与发布计划审批时的不一致：它在此期间在 Jenkins 中被修改过。", r.path)
	}
	for name, value := range map[string]string{markParameter: mark.ID, "SLIPWAY_PLAN": run.PlanID, "SLIPWAY_ITEM": run.ItemID} {
		if r.job.declares(name) {
			r.form.Set(name, value)
		}
	}
	ref, err := e.queue(ctx, r)
	if err != nil {
		return "", masked(err, r.secrets)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.secrets) >= maxRemembered {
		clear(e.secrets)
	}
	e.secrets[ref] = r.secrets
	return ref, nil
}

var itemAddress = regexp.MustCompile(`/queue/item/([0-9]{1,18})/?$`)

// queue asks for a build. A job that declares no parameters is asked in another way.
func (e *Engine) queue(ctx context.Context, r *resolved) (engine.Ref, error) {
	how := "/build"
	if len(r.job.parameters()) > 0 {
		how = "/buildWithParameters"
	}
	a, err := e.send(ctx, addressOf(r.path)+how, nil, r.form)
	if err != nil {
		if a != nil && a.status == http.StatusSeeOther && itemAddress.MatchString(a.header.Get("Location")) {
			return "", slipway.Refuse(slipway.Conflict,
				"A build of “%[1]s” with the same parameters waits in the queue of Jenkins already, so that nothing new was started. Declare the parameter %[2]s in the job, and each start is its own.",
				"Jenkins 队列中已有参数相同的“%[1]s”构建在等待，因此没有启动新的构建。请在该任务中声明参数 %[2]s，使每次启动各自独立。", r.path, markParameter)
		}
		if a != nil && a.status == http.StatusFound && strings.HasSuffix(strings.TrimRight(a.header.Get("Location"), "/."), addressOf(r.path)) {
			return "", slipway.Refuse(slipway.Conflict, "Jenkins did not take “%s” into its queue: it is shutting down, or a plugin refuses the build.",
				"Jenkins 没有将“%s”加入队列：它正在准备关闭，或有插件拒绝了该构建。", r.path)
		}
		err = e.acting(ctx, err)
		if refusal := (*slipway.Error)(nil); errors.As(err, &refusal) || ctx.Err() != nil {
			return "", err
		}
		return "", fmt.Errorf("ask for a build: %w", err)
	}
	m := itemAddress.FindStringSubmatch(a.header.Get("Location"))
	if m == nil {
		return "", fmt.Errorf("ask for a build: Jenkins answers %d and names no item of its queue", a.status)
	}
	id, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return "", fmt.Errorf("read item of the queue: %w", err)
	}
	return refOf(r.path, id), nil
}

// masked keeps the run's credentials out of the error of its start, also as they were
// written in the request.
func masked(err error, secrets map[string]string) error {
	var all []string
	for _, s := range secrets {
		all = append(all, s, url.QueryEscape(s))
	}
	m := output.NewMasker(all)
	var refusal *slipway.Error
	switch {
	case errors.As(err, &refusal):
		refusal.Text.EN, refusal.Text.ZH = m.Mask(refusal.Text.EN), m.Mask(refusal.Text.ZH)
		if refusal.Err != nil {
			refusal.Err = errors.New(m.Mask(refusal.Err.Error()))
		}
		return refusal
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return errors.New(m.Mask(err.Error()))
}
