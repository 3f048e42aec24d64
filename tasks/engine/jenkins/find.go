package jenkins

import (
	"context"
	"fmt"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// Find implements engine.Engine. It looks through the queue and the builds of the job
// since the mark was written down. If none carries it, it waits until none can appear
// any more, and looks again.
//
// It is sure that nothing was started only if the list of builds has no gaps, and if
// there is none by Slipway's account that carries no mark at all.
func (e *Engine) Find(ctx context.Context, mark engine.Mark) (engine.Ref, engine.Outcome, error) {
	return e.starts.Find(ctx, mark, func(ctx context.Context, spec slipway.WorkflowSpec, since time.Time) (engine.Ref, engine.Outcome, error) {
		return e.search(ctx, pathOf(spec), mark.ID, since)
	})
}

// recentBuild is a build in the list of its job.
type recentBuild struct {
	Number  int64    `json:"number"`
	QueueID int64    `json:"queueId"`
	At      int64    `json:"timestamp"`
	Actions []action `json:"actions"`
}

// search looks once: at the queue first, since what leaves it is built then.
func (e *Engine) search(ctx context.Context, path, mark string, since time.Time) (engine.Ref, engine.Outcome, error) {
	if path == "" {
		return "", engine.Unknowable, nil
	}
	var queue struct {
		Items []item `json:"items"`
	}
	if err := e.get(ctx, "/queue", "items[id,task[url],"+actionTree+"]", &queue); err != nil {
		return "", engine.Unknowable, e.vendor.Reading(ctx, err)
	}
	unsure := false
	for _, i := range queue.Items {
		if where, _, ok := readURL(i.Task.URL); !ok || where != path {
			continue
		}
		switch e.carried(i.Actions, mark) {
		case engine.Started:
			return refOf(path, i.ID), engine.Started, nil
		case engine.Unknowable:
			unsure = true
		case engine.NeverStarted:
		}
	}
	var list struct {
		Next   int64         `json:"nextBuildNumber"`
		Builds []recentBuild `json:"allBuilds"`
	}
	tree := fmt.Sprintf("nextBuildNumber,allBuilds[number,queueId,timestamp,%s]{0,%d}", actionTree, maxSearched)
	if err := e.get(ctx, addressOf(path), tree, &list); err != nil {
		return "", engine.Unknowable, e.vendor.Reading(ctx, err)
	}
	recent := 0
	before := int64(0) // the last build that is too old
	for _, b := range list.Builds {
		if b.At < since.UnixMilli() {
			before = max(before, b.Number)
			continue
		}
		recent++
		switch e.carried(b.Actions, mark) {
		case engine.Started:
			return refOf(path, b.QueueID), engine.Started, nil
		case engine.Unknowable:
			unsure = true
		case engine.NeverStarted:
		}
	}
	if unsure || int64(recent) != list.Next-1-before {
		return "", engine.Unknowable, nil // or some were deleted, or there are too many
	}
	return "", engine.NeverStarted, nil
}

// maxSearched bounds the builds that are looked through for a mark.
const maxSearched = 200

// carried tells whether an item or a build has the mark: Unknowable for one of Slipway's
// account that carries no mark.
func (e *Engine) carried(all []action, mark string) engine.Outcome {
	ours, somebody := false, false
	for _, a := range all {
		for _, p := range a.Parameters {
			if p.Name == markParameter {
				if p.Value == mark {
					return engine.Started
				}
				if p.Value != "" && p.Value != nil {
					return engine.NeverStarted // that of another start
				}
			}
		}
		for _, c := range a.Causes {
			somebody = true
			ours = ours || strings.EqualFold(c.UserID, e.config.User)
		}
	}
	if ours || !somebody {
		return engine.Unknowable
	}
	return engine.NeverStarted
}
