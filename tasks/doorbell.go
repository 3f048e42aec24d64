package tasks

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// bellChannel is where the processes ring for each other; the message is the
	// name of a queue.
	bellChannel = "slipway:bell"
	// quietPoll is how often a queue that was empty is looked at when nobody rings:
	// when a ring was lost, or a task's time has come.
	quietPoll = 200 * time.Millisecond
)

// bells make idle workers cheap and quick. asynq has no blocking read: it asks Redis
// again and again, which costs tenths of a core on the embedded Redis when a task is
// to be noticed within milliseconds. bells is a hook of the Redis client that holds
// back a question after one that found nothing, until somebody who offered a task
// rings or a moment has passed. It answers nothing itself, so the worst that it can
// do is to delay.
type bells struct {
	mu    sync.Mutex
	queue map[string]*bell
	quit  chan struct{}
}

// bell is the one of a queue.
type bell struct {
	rung  chan struct{} // holds one
	mu    sync.Mutex
	empty bool // the last look found nothing
}

func newBells() *bells { return &bells{queue: map[string]*bell{}, quit: make(chan struct{})} }

func (b *bells) of(queue string) *bell {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue[queue] == nil {
		b.queue[queue] = &bell{rung: make(chan struct{}, 1)}
	}
	return b.queue[queue]
}

// ring wakes the workers of this process for a queue.
func (b *bells) ring(queue string) {
	select {
	case b.of(queue).rung <- struct{}{}:
	default: // it is ringing already
	}
}

// release lets every held question go, now and from now on.
func (b *bells) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.quit:
	default:
		close(b.quit)
	}
}

// listen rings for the queues that other processes name, until the context ends.
func (b *bells) listen(ctx context.Context, client redis.UniversalClient) {
	sub := client.Subscribe(ctx, bellChannel)
	defer func() { _ = sub.Close() }()
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-sub.Channel():
			if !open {
				return
			}
			b.ring(m.Payload)
		}
	}
}

// DialHook implements redis.Hook.
func (b *bells) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessPipelineHook implements redis.Hook.
func (b *bells) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return next(ctx, cmds) }
}

// ProcessHook implements redis.Hook.
func (b *bells) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		queue, ok := polledQueue(cmd)
		if !ok {
			return next(ctx, cmd)
		}
		own := b.of(queue)
		own.hold(ctx, b.quit)
		err := next(ctx, cmd)
		own.note(errors.Is(err, redis.Nil))
		return err
	}
}

func (b *bell) note(empty bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.empty = empty
}

// hold waits, if the last look found nothing, until it is worth looking again.
func (b *bell) hold(ctx context.Context, quit <-chan struct{}) {
	b.mu.Lock()
	empty := b.empty
	b.mu.Unlock()
	if !empty {
		return
	}
	timer := time.NewTimer(quietPoll)
	defer timer.Stop()
	select {
	case <-b.rung:
	case <-timer.C:
	case <-quit:
	case <-ctx.Done():
	}
}

// polledQueue returns the name of the queue whose next task a command asks for. The
// command is asynq's dequeue script, known by its keys: the lists of the pending
// tasks, of the pause, of the active tasks and of the leases of one queue.
func polledQueue(cmd redis.Cmder) (string, bool) {
	args := cmd.Args()
	if len(args) < 5 || cmd.Name() != "evalsha" && cmd.Name() != "eval" {
		return "", false
	}
	pending, _ := args[3].(string)
	paused, _ := args[4].(string)
	queue, isPending := strings.CutSuffix(pending, "}:pending")
	queue, isQueue := strings.CutPrefix(queue, "asynq:{")
	return queue, isPending && isQueue && paused == "asynq:{"+queue+"}:paused"
}
