package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/tasks/engine"
)

// answerPatience is how long it is tried to give a person's answer to an engine.
const answerPatience = 10 * time.Minute

var (
	textNoAnswers = slipway.T("The engine takes no answers from outside. Answer there.", "该引擎不接受外部处理，请到引擎中操作。")
	textNotHeard  = slipway.T("The engine did not answer for ten minutes. Try again, or answer there.", "引擎在十分钟内没有响应。请重试，或到引擎中操作。")
)

// answer gives a person's answer to a run that waits. What the engine refuses is told to
// whoever answered.
func (t *Tasks) answer(ctx context.Context, l *storage.Lease) error {
	var d slipway.Decision
	if err := json.Unmarshal(l.Task.Data, &d); err != nil {
		return slipway.Refuse(slipway.Invalid, "The decision cannot be read.", "无法读取该处理意见。").Because(err)
	}
	run, err := t.Store.Run(ctx, l.Task.Ref)
	if err != nil {
		return fmt.Errorf("load run: %w", err)
	}
	if run.Phase != storage.RunPhaseStarted {
		return nil // it ended meanwhile, and the log says how
	}
	reason := textNoAnswers
	if x, able := t.Engines.Named(run.Engine).(engine.Answerer); able {
		err = x.Answer(ctx, engine.Ref(run.Ref), d.Job, engine.Answer{Approve: d.Approve, Comment: d.Comment, By: d.By.Name})
		refusal := (*slipway.Error)(nil)
		switch {
		case err == nil:
			t.look(ctx, run.Engine, engine.Ref(run.Ref))
			return nil
		case errors.Is(err, engine.ErrNoRun):
			reason = textRunGone
		case errors.As(err, &refusal) && !passing(err):
			reason = slipway.TextOf(err)
		case t.Now().Sub(time.UnixMilli(l.CreatedAt)) < answerPatience:
			return t.notYet(l, "answer run "+run.ID, err)
		default:
			t.Log.WarnContext(ctx, "answer given up", "run", run.ID, "err", err)
			reason = textNotHeard
		}
	}
	_, err = t.Commands.DecisionRefused(ctx, requestOf(l), run.PlanID, run.ID, d, reason)
	return err
}
