package tasks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"slipway"
	"slipway/storage"
)

const (
	// checkInterval is about how long asynq rests after it found a queue empty. It may
	// be this short because then the bells hold asynq back until somebody rings.
	checkInterval = time.Millisecond
	// delayedInterval is how often tasks whose time has come are looked for.
	delayedInterval = 500 * time.Millisecond
	// bookkeeping is how long the end of a task may take to be written, even when the
	// work itself was abandoned.
	bookkeeping = 5 * time.Second
)

func (t *Tasks) startServers() error {
	for _, q := range []struct {
		name string
		n    int
	}{
		{queueHooks, t.Concurrency.Hooks},
		{queueRuns, cmp.Or(t.Concurrency.Runs, 1024)},
		{queueTimers, cmp.Or(t.Concurrency.Timers, 8)},
		{queueCards, cmp.Or(t.Concurrency.Cards, 8)},
	} {
		s := asynq.NewServerFromRedisClient(t.Redis, asynq.Config{
			Concurrency: q.n, Queues: map[string]int{q.name: 1},
			TaskCheckInterval: checkInterval, DelayedTaskCheckInterval: delayedInterval,
			// Handlers never fail; this is for tasks of a worker that was killed.
			RetryDelayFunc:  func(int, error, *asynq.Task) time.Duration { return time.Second },
			ShutdownTimeout: time.Hour, // Stop has its own, by abandoning the work
			Logger:          newQueueLog(t.Log, t.Now), LogLevel: asynq.WarnLevel,
		})
		// Start, never Run: that would take over the process's signals.
		if err := s.Start(asynq.HandlerFunc(t.process)); err != nil {
			return fmt.Errorf("start workers of %s: %w", q.name, err)
		}
		t.servers = append(t.servers, s)
	}
	return nil
}

func (t *Tasks) stopServers() {
	var wg sync.WaitGroup
	for _, s := range t.servers {
		wg.Go(s.Shutdown)
	}
	wg.Wait()
}

// process is the one asynq handler. It does not use asynq's context: that ends when
// Redis is away for half a minute, while the lease of the row is kept in the database.
func (t *Tasks) process(_ context.Context, task *asynq.Task) error { //nolint:contextcheck // see above
	ctx, do := t.work, t.handleAlone
	switch queueOf(slipway.TaskKind(task.Type())) {
	case queueCards:
		ctx = storage.InBackground(ctx)
	case queueHooks:
		do = t.handleHook
	}
	var all sync.WaitGroup
	for id := range strings.FieldsSeq(string(task.Payload())) {
		all.Go(func() { do(ctx, id) })
	}
	all.Wait()
	return nil
}

// handleHook does a row when there is a place. What there is none for stays in the queue, and
// is neither leased nor parked.
func (t *Tasks) handleHook(ctx context.Context, id string) {
	select {
	case t.places <- struct{}{}:
		defer func() { <-t.places }()
		t.handle(ctx, id, t.takeTogether)
	case <-t.staying.Done(): // the next process goes on
	}
}

func (t *Tasks) handleAlone(ctx context.Context, id string) { t.handle(ctx, id, t.takeAlone) }

// takeAlone leases one row.
func (t *Tasks) takeAlone(ctx context.Context, id string) (*storage.Taken, error) {
	l, err := t.Store.LeaseTask(ctx, id, t.owner, t.Now(), leaseTime)
	if l == nil || err != nil {
		return nil, err
	}
	return &storage.Taken{Lease: l}, nil
}

// Ending is what became of a row that a worker was handed.
type Ending string

// The endings.
const (
	Gone      Ending = "gone"      // not there, not due, or with another worker
	Done      Ending = "done"      // the work is done and the row is gone
	Again     Ending = "again"     // the row waits for another try
	Dropped   Ending = "dropped"   // no try will go better; the row is gone
	Lost      Ending = "lost"      // the lease was lost on the way; its new holder goes on
	Left      Ending = "left"      // this process is ending; the next one goes on
	Unwritten Ending = "unwritten" // the database did not take the end; the lease will run out
)

// again is the error of a handler that has to wait: until a time, or until what it is parked
// on happens, if that is sooner.
type again struct {
	at  time.Time
	on  string
	why string
}

func (a again) Error() string { return a.why }

// later is the error of a handler whose work has to wait although nothing went wrong:
// until a time, or until what it is parked on happens, if that is sooner. It may have
// happened before the row was parked, so parked looks again and sets it free then.
type later struct {
	at     time.Time
	on     string
	parked func(context.Context)
}

func (l later) Error() string { return "not before " + l.at.Format(time.RFC3339Nano) }

var (
	errLeaseLost = errors.New("the lease was lost")
	errLeaving   = errors.New("the process is ending")
)

// Handle does the work of one row, if it is due and nobody else has it: one step of a
// worker.
func (t *Tasks) Handle(ctx context.Context, id string) Ending {
	return t.handle(ctx, id, t.takeTogether)
}

func (t *Tasks) handle(ctx context.Context, id string, take func(context.Context, string) (*storage.Taken, error)) Ending {
	start := t.Now()
	row, err := take(ctx, id)
	if err != nil {
		t.Log.WarnContext(ctx, "task not taken", "task", id, "err", err)
		return Gone
	}
	if row == nil {
		return Gone
	}
	l := row.Lease
	work, cancel := context.WithCancelCause(ctx)
	letGo := t.hold(l, cancel)
	err = t.perform(work, row)
	lost := errors.Is(context.Cause(work), errLeaseLost)
	cancel(nil)
	letGo()

	ending := Lost
	if !lost {
		ending, err = t.end(ctx, l, err)
	}
	t.note(ctx, l, start, ending, err)
	return ending
}

// perform does the work of a kind. A panic is an error like any other.
func (t *Tasks) perform(ctx context.Context, row *storage.Taken) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	l := row.Lease
	switch l.Task.Kind {
	case slipway.TaskHook:
		return t.hook(ctx, row)
	case slipway.TaskRun:
		return t.run(ctx, l)
	case slipway.TaskSchedule, slipway.TaskWindow, slipway.TaskDeadline, slipway.TaskPatience:
		return t.timer(ctx, l)
	case slipway.TaskPresence:
		return t.presence(ctx, l)
	case slipway.TaskCard, slipway.TaskNotice:
		return t.card(ctx, l)
	case slipway.TaskAnswer:
		return t.answer(ctx, l)
	case slipway.TaskRecheck:
		return t.recheck(ctx, l)
	case slipway.TaskJudge:
		return t.judge(ctx, l)
	case slipway.TaskJira:
		return t.jira(ctx, l)
	case slipway.TaskQuestion:
		return t.inquire(ctx, l)
	}
	return slipway.Refuse(slipway.Invalid, "There is no task of kind %q.", "没有类型为 %q 的任务。", l.Task.Kind)
}

// end writes the end of a task: the one place where an error becomes done, again or
// dropped.
func (t *Tasks) end(ctx context.Context, l *storage.Lease, err error) (Ending, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	now := t.Now()
	ending, at, wait, postponed := Done, now, again{}, later{}
	free, on := t.Store.RetryTask, ""
	switch {
	case err == nil:
	case errors.As(err, &postponed):
		ending, at, on, free = Again, postponed.at, postponed.on, t.Store.ParkTask
	case t.isLeaving() && (errors.Is(err, errLeaving) || errors.Is(err, context.Canceled)):
		ending = Left
	case errors.As(err, &wait):
		ending, at, on = Again, wait.at, wait.on
	case !passing(err) || t.tired(l, now):
		ending = Dropped
	default:
		ending, at = Again, now.Add(t.pause(l.Attempt))
	}
	var write error
	if ending == Again || ending == Left {
		write = free(ctx, l, at, on)
	} else {
		write = t.Store.FinishTask(ctx, l)
	}
	if write != nil {
		return Unwritten, errors.Join(err, write)
	}
	if ending == Again || ending == Left {
		next := l.Task
		next.RunAt = at.UnixMilli()
		t.offerLater(ctx, next)
	}
	if postponed.parked != nil {
		postponed.parked(ctx)
	}
	return ending, err
}

// tired tells whether a task that goes wrong again and again is given up. Only what
// people are told is; hooks count for themselves, and the rest has to be done.
func (t *Tasks) tired(l *storage.Lease, now time.Time) bool {
	switch l.Task.Kind {
	case slipway.TaskCard, slipway.TaskNotice:
		return now.Sub(time.UnixMilli(l.CreatedAt)) > 24*time.Hour
	case slipway.TaskHook, slipway.TaskRun, slipway.TaskSchedule, slipway.TaskWindow, slipway.TaskDeadline, slipway.TaskPatience, slipway.TaskPresence, slipway.TaskAnswer,
		slipway.TaskRecheck, slipway.TaskJudge, slipway.TaskJira, slipway.TaskQuestion:
		return false
	}
	return true
}

// pause is how long a task that went wrong waits: 1 s, 2 s, 4 s, up to a minute, give
// or take a fifth.
func (t *Tasks) pause(attempts int) time.Duration {
	seconds := min(int64(1)<<min(attempts, 6), 60)
	return time.Duration(float64(seconds) * float64(time.Second) * (0.8 + 0.4*t.chance()))
}

// note writes the one line of a task.
func (t *Tasks) note(ctx context.Context, l *storage.Lease, start time.Time, ending Ending, err error) {
	level := slog.LevelInfo
	wait, postponed := again{}, later{}
	switch {
	case err == nil || ending == Left || ending == Lost || errors.As(err, &wait) || errors.As(err, &postponed):
	case storage.Unreachable(err) || errors.Is(err, context.DeadlineExceeded): // what was under way is done again when the database is back
		level = slog.LevelWarn
	case slipway.CodeOf(err) == slipway.Internal:
		level = slog.LevelError
	default:
		level = slog.LevelWarn
	}
	if (ending == Done || ending == Again && level == slog.LevelInfo) && queueOf(l.Task.Kind) == queueCards {
		level = slog.LevelDebug // the bot logs what went wrong in a room
	}
	attrs := []slog.Attr{
		slog.String("kind", string(l.Task.Kind)), slog.String("task", l.Task.ID), slog.String("plan", l.Task.PlanID),
		slog.String("ref", l.Task.Ref), slog.Int("attempt", l.Attempt+1), slog.String("ending", string(ending)),
		slog.Int64("waited_ms", start.UnixMilli()-l.Task.RunAt), slog.Int64("duration_ms", t.Now().Sub(start).Milliseconds()),
	}
	if err != nil {
		attrs = append(attrs, slog.String("err", err.Error()))
	}
	t.Log.LogAttrs(ctx, level, "task", attrs...)
}
