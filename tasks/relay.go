package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"slipway"
	"slipway/storage"
)

const (
	commitBuffer = 1024 // commits that wait to be offered; the sweep finds what is more
	relays       = 8
	sweepEvery   = 500 * time.Millisecond
	sweepBatch   = 200
	offerTimeout = 5 * time.Second
	bundle       = 32              // hooks that are offered as one: the queue would cost more than sending them
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
	case slipway.TaskRun, slipway.TaskJira, slipway.TaskQuestion: // they wait for outside systems, and nobody for them
		return queueRuns
	case slipway.TaskSchedule, slipway.TaskWindow, slipway.TaskDeadline, slipway.TaskPatience, slipway.TaskPresence:
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
			t.offerFresh(ctx, c.Tasks, c.Seq)
		}
	}
}

// offerFresh offers rows that were just written or set free.
func (t *Tasks) offerFresh(ctx context.Context, rows []slipway.Task, seq int64) {
	number := "c" + strconv.FormatInt(seq, 10)
	if seq == 0 {
		number = "f" + strconv.FormatInt(t.Now().UnixMilli(), 10)
	}
	for _, together := range t.bundles(rows) {
		t.offerOrLeave(ctx, together, number)
	}
}

// bundles groups rows by what is offered as one: hooks that are due, of which each is still
// done and leased by itself. All else is offered alone.
func (t *Tasks) bundles(rows []slipway.Task) [][]slipway.Task {
	now := t.Now().UnixMilli()
	var out [][]slipway.Task
	var hooks []slipway.Task
	for _, row := range rows {
		if queueOf(row.Kind) == queueHooks && row.RunAt <= now {
			hooks = append(hooks, row)
		} else {
			out = append(out, []slipway.Task{row})
		}
	}
	return slices.AppendSeq(out, slices.Chunk(hooks, bundle))
}

// offerLater offers a row that waits for another try, so that the dashboard shows it. A
// card that waits for a moment only is offered when that has passed: people look at it,
// and asynq is late by a second or more. If the process ends meanwhile the sweep finds it.
func (t *Tasks) offerLater(ctx context.Context, task slipway.Task) {
	number := "r" + strconv.FormatInt(task.RunAt, 10)
	wait := time.UnixMilli(task.RunAt).Sub(t.Now())
	if queueOf(task.Kind) != queueCards || wait <= 0 || wait > aMoment {
		t.offerOrLeave(ctx, []slipway.Task{task}, number)
		return
	}
	time.AfterFunc(wait+time.Millisecond, func() {
		if !t.isLeaving() {
			t.offerOrLeave(t.work, []slipway.Task{task}, number)
		}
	})
}

// offerOrLeave offers rows as one; what is refused is found by the sweep.
func (t *Tasks) offerOrLeave(ctx context.Context, rows []slipway.Task, number string) {
	if err := t.offer(ctx, rows, number); err != nil && ctx.Err() == nil {
		t.Log.WarnContext(ctx, "offer left to the sweep", "task", rows[0].ID, "kind", rows[0].Kind, "count", len(rows), "err", err)
	}
}

// offer hands the ids of rows to asynq, as one task; they are alike in kind and time. The
// number is of this offer: a worker that was killed keeps its task's id taken for a minute,
// but not that of the next offer.
func (t *Tasks) offer(ctx context.Context, rows []slipway.Task, number string) error {
	ctx, cancel := context.WithTimeout(ctx, offerTimeout)
	defer cancel()
	task := rows[0]
	queue := queueOf(task.Kind)
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	opts := []asynq.Option{
		asynq.TaskID(task.ID + ":" + number), asynq.Queue(queue), asynq.MaxRetry(neverGiveUp), asynq.Timeout(timeoutOf(task.Kind)),
	}
	wait := time.UnixMilli(task.RunAt).Sub(t.Now())
	if wait > 0 {
		// asynq counts in whole seconds and would be early by the rest.
		opts = append(opts, asynq.ProcessIn(wait+time.Second))
	}
	_, err := t.client.EnqueueContext(ctx, asynq.NewTask(string(task.Kind), []byte(strings.Join(ids, " "))), opts...)
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
	// A number of offers tells one row's apart, and a bundle goes by its first row.
	numbers, rows := make(map[string]int64, len(offers)), make([]slipway.Task, len(offers))
	for i, o := range offers {
		numbers[o.Task.ID], rows[i] = o.Number, o.Task
	}
	done := 0
	for _, together := range t.bundles(rows) {
		if err := t.offer(ctx, together, strconv.FormatInt(numbers[together[0].ID], 10)); err != nil {
			return done, err
		}
		done += len(together)
	}
	return done, nil
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
