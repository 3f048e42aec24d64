package jenkins

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// Place implements engine.Engine: the address of Jenkins, and the time, from which on
// Find has to search.
func (e *Engine) Place() string { return e.starts.Place() }

// Start implements engine.Engine.
func (e *Engine) Start(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	return e.starts.Once(mark, run.Workflow, func() (engine.Ref, error) { return e.launch(ctx, run, mark) })
}

// launch puts the job into the queue, if it is still what was frozen. Until the last
// request nothing happens, so all before it is refused only.
func (e *Engine) launch(ctx context.Context, run slipway.Run, mark engine.Mark) (engine.Ref, error) {
	spec := run.Workflow
	r, err := e.resolve(ctx, spec)
	if err != nil {
		return "", remote.Interrupted(ctx, err)
	}
	if remote.Changed(spec, r.workflow) {
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
		return "", err
	}
	e.secrets.Keep(ref, r.secrets)
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
		return "", e.vendor.Starting(ctx, "ask for a build", err, slices.Collect(maps.Values(r.secrets)))
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
