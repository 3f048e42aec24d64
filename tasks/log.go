package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// repeatAfter is how long the same complaint of asynq is not logged again; while
// Redis is away it complains several times a second.
const repeatAfter = 10 * time.Second

// queueLog is the asynq.Logger that writes to a slog.Logger. What asynq says about
// its own doings is for debugging.
type queueLog struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
}

var _ asynq.Logger = (*queueLog)(nil)

func newQueueLog(log *slog.Logger, now func() time.Time) *queueLog {
	return &queueLog{log: log, now: now, last: map[string]time.Time{}}
}

// Debug implements asynq.Logger.
func (l *queueLog) Debug(args ...any) { l.write(context.Background(), slog.LevelDebug, args) }

// Info implements asynq.Logger.
func (l *queueLog) Info(args ...any) { l.write(context.Background(), slog.LevelDebug, args) }

// Warn implements asynq.Logger.
func (l *queueLog) Warn(args ...any) { l.write(context.Background(), slog.LevelWarn, args) }

// Error implements asynq.Logger. asynq's errors are of Redis, which may go away at any
// time; the rows are safe, so it is a warning.
func (l *queueLog) Error(args ...any) { l.write(context.Background(), slog.LevelWarn, args) }

// Fatal implements asynq.Logger. Unlike what asynq asks for it does not end the
// process, which has more to do than its queue; asynq never calls it.
func (l *queueLog) Fatal(args ...any) { l.write(context.Background(), slog.LevelError, args) }

func (l *queueLog) write(ctx context.Context, level slog.Level, args []any) {
	text := fmt.Sprint(args...)
	if level >= slog.LevelWarn && !l.fresh(text) {
		return
	}
	l.log.Log(ctx, level, "queue", "said", text)
}

// fresh tells whether a text was not logged lately.
func (l *queueLog) fresh(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now()
	if last, found := l.last[text]; found && at.Sub(last) < repeatAfter {
		return false
	}
	if len(l.last) >= 100 {
		clear(l.last)
	}
	l.last[text] = at
	return true
}

// LogRedis makes the Redis client log through a slog.Logger. It sets a variable of
// that package, so the program calls it once, at its start.
func LogRedis(log *slog.Logger, now func() time.Time) {
	redis.SetLogger(redisLog{newQueueLog(log, now)})
}

type redisLog struct{ *queueLog }

// Printf implements the logger of go-redis.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.write(ctx, slog.LevelWarn, []any{fmt.Sprintf(format, args...)})
}
