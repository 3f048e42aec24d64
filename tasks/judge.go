package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/tasks/engine"
)

// A deployment that waits for a plan is looked at so often, and for so long.
const (
	judgeEvery = 15 * time.Second
	judgeFor   = 30 * 24 * time.Hour
)

// question is the data of a TaskJudge.
type question struct {
	Engine   string          `json:"engine"`
	Question engine.Question `json:"question"`
}

// judge decides whether an engine's deployment may go on: it may if a plan that is being
// executed, in its window, has a workflow item for it. While such a plan is on its way
// the deployment waits. Without one it is rejected.
func (t *Tasks) judge(ctx context.Context, l *storage.Lease) error {
	var q question
	if err := json.Unmarshal(l.Task.Data, &q); err != nil {
		return slipway.Refuse(slipway.Invalid, "The question cannot be read.", "无法读取该询问。").Because(err)
	}
	x, able := t.Engines.Named(q.Engine).(engine.Gatekept)
	if !able {
		return nil // it is no longer configured
	}
	plans, err := t.covering(ctx, q)
	if err != nil {
		return err
	}
	now := t.Now()
	var waiting *slipway.Plan
	for _, p := range plans {
		if p.Status() == slipway.Executing && p.AtWindow(now) == nil {
			return t.reply(ctx, l, x, q, true, fmt.Sprintf("Release plan %s is being executed.", t.planLink(p)))
		}
		waiting = p
	}
	if waiting != nil && now.Sub(time.UnixMilli(l.CreatedAt)) < judgeFor {
		return later{at: now.Add(judgeEvery)}
	}
	if waiting != nil {
		return t.reply(ctx, l, x, q, false, fmt.Sprintf("Release plan %s was not executed in time.", t.planLink(waiting)))
	}
	return t.reply(ctx, l, x, q, false, fmt.Sprintf(
		"No release plan covers this deployment. Create one with a workflow item for the project `%s`, and run the deployment again.", q.Question.Project))
}

// covering returns the plans that the question is about: the one whose item runs what
// asks, or else all on their way that use the project.
func (t *Tasks) covering(ctx context.Context, q question) ([]*slipway.Plan, error) {
	if q.Question.Run != "" {
		run, err := t.Store.RunByRef(ctx, q.Engine, string(q.Question.Run))
		if err == nil {
			p, err := t.Store.Plan(ctx, run.PlanID)
			if err != nil {
				return nil, fmt.Errorf("load plan of run: %w", err)
			}
			if it := p.ItemOfRun(run.ID); it != nil && it.Status == slipway.Running {
				return []*slipway.Plan{p}, nil
			}
			return nil, nil // the plan gave it up
		}
		if slipway.CodeOf(err) != slipway.NotFound {
			return nil, err
		}
	}
	return t.Store.PlansUsing(ctx, q.Engine, q.Question.Project)
}

func (t *Tasks) reply(ctx context.Context, l *storage.Lease, x engine.Gatekept, q question, approve bool, comment string) error {
	if err := x.Reply(ctx, q.Question, approve, comment); err != nil {
		if !passing(err) {
			return fmt.Errorf("answer deployment %s: %w", q.Question.ID, err)
		}
		return t.notYet(l, "answer deployment "+q.Question.ID, err)
	}
	t.Log.InfoContext(ctx, "deployment decided", "engine", q.Engine, "project", q.Question.Project,
		"environment", q.Question.Environment, "approved", approve)
	return nil
}

// markdownText is text that must not format or link anything.
var markdownText = strings.NewReplacer("\\", "\\\\", "[", "\\[", "]", "\\]", "`", "\\`", "*", "\\*", "_", "\\_", "<", "\\<", "@", "@\u200b", "\n", " ")

// planLink is a plan's name as Markdown, linked if we know under which address.
func (t *Tasks) planLink(p *slipway.Plan) string {
	name := fmt.Sprintf("#%d %s", p.Index, markdownText.Replace(p.Name))
	if t.PublicURL == "" {
		return name
	}
	return fmt.Sprintf("[%s](%s/plans/%d)", name, strings.TrimSuffix(t.PublicURL, "/"), p.Index)
}
