// Package queuetest measures the queue under Slipway by itself, as the measure of what can be
// had with it. The benchmark in deploy/bench uses it.
package queuetest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// producers is how many enqueue at once.
const producers = 16

// Rate enqueues n tasks with a payload and handles them at the same time, with handlers that do
// nothing, and returns how many it did per second.
func Rate(ctx context.Context, redisURL string, n int, payload []byte) (float64, error) {
	o, err := redis.ParseURL(redisURL)
	if err != nil {
		return 0, fmt.Errorf("read redis URL: %w", err)
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	handled, done := atomic.Int64{}, make(chan struct{})
	server := asynq.NewServerFromRedisClient(client, asynq.Config{
		Concurrency: 50, Queues: map[string]int{"bare": 1}, TaskCheckInterval: time.Millisecond,
		Logger: quiet{}, LogLevel: asynq.FatalLevel,
	})
	began := time.Now()
	err = server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if handled.Add(1) == int64(n) {
			close(done)
		}
		return nil
	}))
	if err != nil {
		return 0, fmt.Errorf("start asynq: %w", err)
	}
	defer server.Shutdown()
	if err := enqueue(ctx, asynq.NewClientFromRedisClient(client), n, payload); err != nil {
		return 0, err
	}
	select {
	case <-done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

func enqueue(ctx context.Context, client *asynq.Client, n int, payload []byte) error {
	var all sync.WaitGroup
	failed := make(chan error, producers)
	for first := range producers {
		all.Go(func() {
			for range (n - first + producers - 1) / producers {
				if _, err := client.EnqueueContext(ctx, asynq.NewTask("bare", payload), asynq.Queue("bare")); err != nil {
					failed <- fmt.Errorf("enqueue: %w", err)
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

// quiet drops what asynq says, but for the end of the process.
type quiet struct{}

func (quiet) Debug(...any) {}
func (quiet) Info(...any)  {}
func (quiet) Warn(...any)  {}
func (quiet) Error(...any) {}
func (quiet) Fatal(args ...any) {
	slog.Error("asynq", "said", fmt.Sprint(args...))
}
