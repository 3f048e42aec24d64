package tasks

import (
	"context"
	"fmt"
	"time"

	"slipway"
	"slipway/storage"
)

// timer does what the time of a task brings. The transitions look at the plan as it
// is now: where there is nothing left to do they do nothing.
func (t *Tasks) timer(ctx context.Context, l *storage.Lease) error {
	task := l.Task
	plan, err := t.Store.Plan(ctx, task.PlanID)
	if err != nil {
		return fmt.Errorf("load plan: %w", err)
	}
	if plan.Round != task.Round {
		return nil // of a round that was planned again since
	}
	switch task.Kind {
	case slipway.TaskWindow:
		_, err = t.Commands.EndWindow(ctx, requestOf(l), task.PlanID)
	case slipway.TaskSchedule:
		_, err = t.Commands.FireSchedule(ctx, requestOf(l), task.PlanID)
	case slipway.TaskDeadline:
		_, err = t.Commands.ExpireGate(ctx, requestOf(l), task.PlanID, task.Ref)
	case slipway.TaskPatience:
		return t.patience(ctx, l)
	case slipway.TaskHook, slipway.TaskRun, slipway.TaskCard, slipway.TaskNotice, slipway.TaskAnswer, slipway.TaskRecheck, slipway.TaskJudge, slipway.TaskJira, slipway.TaskQuestion, slipway.TaskPresence:
	}
	return err
}

// patience does what is due about an approval that does not come, and waits for the rest.
func (t *Tasks) patience(ctx context.Context, l *storage.Lease) error {
	return until(t.Commands.LosePatience(ctx, requestOf(l), l.Task.PlanID))
}

// presence has looked at what waits for a person, and waits for when they leave or come.
func (t *Tasks) presence(ctx context.Context, l *storage.Lease) error {
	return until(t.Commands.LookAgainFor(ctx, l.Task.Ref))
}

// until has a task wait for the next time at which there is something to do, if there is one.
func until(next time.Time, err error) error {
	if err == nil && !next.IsZero() {
		return later{at: next}
	}
	return err
}

// requestOf is the request id of what a task asks for: the same each time that it
// runs.
func requestOf(l *storage.Lease) string { return "task:" + l.Task.ID }
