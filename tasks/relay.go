package tasks

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"slipway"
	"slipway/storage"
)

const (
	commitBuffer = 1024 // commits that wait to be offered; the sweep finds what is more
	relays       = 2
	sweepEvery   = time.Second
	sweepBatch   = 200
	offerTimeout = 5 * time.Second
	aMoment      = 5 * time.Second // for which a process keeps the time of a card itself

	// neverGiveUp is an asynq retry count out of reach. A task that asynq gives up is
	// archived and keeps its id; here asynq has nothing to give up, only rows have.
	neverGiveUp = 1 << 20
)

// The queues, as the dashboard shows them. Each has workers of its own, so that none
// holds up another.
const (
	queueHooks  = "hooks"
	queueRuns   = "runs"
	queueTimers = "timers"
	queueCards  = "cards"
)

func queueOf(k slipway.TaskKind) string {
	switch k {
	case slipway.TaskHook:
		return queueHooks
	case slipway.TaskRun:
		return queueRuns
	case slipway.TaskSchedule, slipway.TaskWindow, slipway.TaskDeadline:
		return queueTimers
	case slipway.TaskCard, slipway.TaskNotice, slipway.TaskAnswer, slipway.TaskRecheck, slipway.TaskJudge:
		return queueCards
	}
	return queueCards
}

// timeoutOf is how long asynq lets a task take. It is a net far below the rope: the
// row's lease says who works on it.
func timeoutOf(k slipway.TaskKind) time.Duration {
	if k == slipway.TaskRun {
		return 30 * 24 * time.Hour
	}
	return 10 * time.Minute
}

// committed takes what a commit brought. It must not block: what does not fit is
// found by the sweep.
func (t *Tasks) committed(ctx context.Context, c storage.Committed) {
	topics := make([]string, 0, 1+len(c.StopRuns))
	if c.Seq != 0 {
		topics = append(topics, TopicPlan+c.PlanID)
	}
	for _, run := range c.StopRuns {
		topics = append(topics, topicStop+run)
	}
	t.Notices.Publish(ctx, topics...)
	if len(c.Tasks) == 0 {
		return
	}
	select {
	case t.commits <- c:
	default:
		t.Log.DebugContext(ctx, "offer left to the sweep", "plan", c.PlanID, "seq", c.Seq)
	}
}

// relay offers the tasks of commits until the context ends.
func (t *Tasks) relay(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-t.commits:
			for _, task := range c.Tasks {
				t.offerFresh(ctx, task, c.Seq)
			}
		}
	}
}

// offerFresh offers a row that was just written or set free.
func (t *Tasks) offerFresh(ctx context.Context, task slipway.Task, seq int64) {
	number := "c" + strconv.FormatInt(seq, 10)
	if seq == 0 {
		number = "f" + strconv.FormatInt(t.Now().UnixMilli(), 10)
	}
	t.offerOrLeave(ctx, task, number)
}

// offerLater offers a row that waits for another try, so that the dashboard shows it. A
// card that waits for a moment only is offered when that has passed: people look at it,
// and asynq is late by a second or more. If the process ends meanwhile the sweep finds it.
func (t *Tasks) offerLater(ctx context.Context, task slipway.Task) {
	number := "r" + strconv.FormatInt(task.RunAt, 10)
	wait := time.UnixMilli(task.RunAt).Sub(t.Now())
	if queueOf(task.Kind) != queueCards || wait <= 0 || wait > aMoment {
		t.offerOrLeave(ctx, task, number)
		return
	}
	time.AfterFunc(wait+time.Millisecond, func() {
		if !t.isLeaving() {
			t.offerOrLeave(t.work, task, number)
		}
	})
}

// offerOrLeave offers a row; what is refused is found by the sweep.
func (t *Tasks) offerOrLeave(ctx context.Context, task slipway.Task, number string) {
	if err := t.offer(ctx, task, number); err != nil && ctx.Err() == nil {
		t.Log.WarnContext(ctx, "offer left to the sweep", "task", task.ID, "kind", task.Kind, "err", err)
	}
}

// offer hands a row's id to asynq. The number is of this offer: a worker that was
// killed keeps its task's id taken for a minute, but not that of the next offer.
func (t *Tasks) offer(ctx context.Context, task slipway.Task, number string) error {
	ctx, cancel := context.WithTimeout(ctx, offerTimeout)
	defer cancel()
	queue := queueOf(task.Kind)
	opts := []asynq.Option{
		asynq.TaskID(task.ID + ":" + number), asynq.Queue(queue), asynq.MaxRetry(neverGiveUp), asynq.Timeout(timeoutOf(task.Kind)),
	}
	wait := time.UnixMilli(task.RunAt).Sub(t.Now())
	if wait > 0 {
		// asynq counts in whole seconds and would be early by the rest.
		opts = append(opts, asynq.ProcessIn(wait+time.Second))
	}
	_, err := t.client.EnqueueContext(ctx, asynq.NewTask(string(task.Kind), []byte(task.ID)), opts...)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue task: %w", err)
	}
	if wait <= 0 {
		t.Redis.ring(ctx, queue)
	}
	return nil
}

// Sweep offers every row that is due, is not leased and was not offered lately, and
// returns how many it offered: one step of the sweep. While Redis is away it does
// nothing, so that the rows are offered as soon as it is back.
func (t *Tasks) Sweep(ctx context.Context, now time.Time) (int, error) {
	if err := t.Redis.Ping(ctx).Err(); err != nil {
		return 0, fmt.Errorf("reach redis: %w", err)
	}
	offers, err := t.Store.OfferDue(ctx, now, sweepBatch)
	if err != nil {
		return 0, fmt.Errorf("sweep tasks: %w", err)
	}
	for i, o := range offers {
		if err := t.offer(ctx, o.Task, strconv.FormatInt(o.Number, 10)); err != nil {
			return i, err
		}
	}
	return len(offers), nil
}

// sweepAlways sweeps until the context ends.
func (t *Tasks) sweepAlways(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		n, err := t.Sweep(ctx, t.Now())
		if err != nil && ctx.Err() == nil {
			t.Log.WarnContext(ctx, "sweep", "err", err)
		}
		pause := time.Duration(float64(sweepEvery) * (0.8 + 0.4*t.chance()))
		if n == sweepBatch {
			pause = 0
		}
		timer.Reset(pause)
	}
}
