package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"slipway"
	"slipway/storage"
	"slipway/tasks/engine"
	"slipway/webhook"
)

// topicLook is the topic of a run that its engine told something about: whoever watches
// it looks at once. It is followed by the engine's name, a colon and the run's Ref.
const topicLook = "look:"

var _ webhook.EngineNotices = (*Tasks)(nil)

// Hear implements webhook.EngineNotices. A notice makes those who watch the run look at
// once; if it is about a run that failed, it is looked whether that runs again. What only
// the notice tells is written down before Hear returns.
func (t *Tasks) Hear(ctx context.Context, name string, n webhook.EngineNotice) error {
	x := t.Engines.Named(name)
	if x == nil {
		return &slipway.Error{Code: slipway.NotFound, Text: t.Engines.unknown(name)}
	}
	hearer, able := x.(engine.Hearer)
	if !able {
		return slipway.Refuse(slipway.NotFound, "The engine %q sends no notices.", "引擎 %q 不会发送通知。", name)
	}
	hints, err := hearer.Hear(ctx, engine.Notice{Header: n.Header, Query: n.Query, Body: n.Body})
	if err != nil {
		return fmt.Errorf("hear engine %s: %w", name, err)
	}
	for _, h := range hints {
		if err := t.heed(ctx, name, h); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tasks) heed(ctx context.Context, name string, h engine.Hint) error {
	if h.Question != nil {
		if err := t.ask(ctx, name, *h.Question); err != nil {
			return err
		}
	}
	if h.Ref != "" {
		t.look(ctx, name, h.Ref)
	}
	run, err := t.hinted(ctx, name, h)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return nil // of somebody else, or early: whoever starts the run looks at it anyway
	case err != nil:
		return err
	}
	if h.Report != nil {
		if err := t.Store.SaveRunReport(ctx, run.ID, h.Report); err != nil {
			return err
		}
	}
	if h.Ref == "" && run.Ref != "" {
		t.look(ctx, name, engine.Ref(run.Ref))
	}
	if run.Phase == storage.RunPhaseEnded && run.Attempt != "" && run.Status != slipway.RunPassed {
		return t.recheckAt(ctx, run, t.Now())
	}
	return nil
}

// hinted returns the run that a hint is about. NotFound if it is none of ours.
func (t *Tasks) hinted(ctx context.Context, name string, h engine.Hint) (*storage.Run, error) {
	if h.Ref != "" {
		run, err := t.Store.RunByRef(ctx, name, string(h.Ref))
		if slipway.CodeOf(err) != slipway.NotFound || h.Mark == "" {
			return run, err
		}
	}
	run, err := t.Store.Run(ctx, h.Mark)
	if err == nil && run.Engine != name {
		return nil, slipway.Refuse(slipway.NotFound, "That run is one of another engine.", "该次运行属于另一个引擎。")
	}
	return run, err
}

// look makes those who watch a run look at it at once, in every process.
func (t *Tasks) look(ctx context.Context, name string, ref engine.Ref) {
	t.Notices.Publish(ctx, topicLook+name+":"+string(ref))
}

// listen heeds the notices between processes until the channel is closed.
func (t *Tasks) listen(topics <-chan string) {
	for topic := range topics {
		if run, ok := strings.CutPrefix(topic, topicStop); ok {
			t.stops.wake(run)
		} else if about, ok := strings.CutPrefix(topic, topicLook); ok {
			name, ref, _ := strings.Cut(about, ":")
			if n, able := t.Engines.Named(name).(engine.Nudger); able {
				n.Nudge(engine.Ref(ref))
			}
		} else if topic == Everything {
			t.stops.wakeAll()
		}
	}
}

// ask writes down that an engine wants a decision.
func (t *Tasks) ask(ctx context.Context, name string, q engine.Question) error {
	data, err := json.Marshal(question{Engine: name, Question: q})
	if err != nil {
		return fmt.Errorf("write question: %w", err)
	}
	now := t.Now()
	return t.Store.PutTask(ctx, slipway.Task{
		ID: t.Commands.NewID(), Kind: slipway.TaskJudge, Key: "judge:" + name + ":" + q.ID, RunAt: now.UnixMilli(), Data: data,
	}, now)
}
