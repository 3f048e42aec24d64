package gitlab

import (
	"context"

	"slipway/tasks/engine"
)

// Watch implements engine.Engine. While GitLab does not answer, the run's status is
// unknown, and it is asked again.
func (e *Engine) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, error) {
	project, pipeline, err := parseRef(ref)
	if err != nil {
		return engine.Result{}, err
	}
	return e.watchers.Watch(ctx, ref, obs, newView(e, project, pipeline).look)
}
