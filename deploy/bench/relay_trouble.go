package main

import (
	"context"
	"fmt"
	"time"
)

// hanging times the others while one of the endpoints answers nothing.
func (b *relayBench) hanging(ctx context.Context) (err error) {
	b.r.hangRate = b.r.halfRate
	b.say("one endpoint of twenty hangs")
	if err := b.awaitDone(ctx); err != nil {
		return err
	}
	if b.r.without, err = b.paced(ctx, b.r.hangRate, hangs); err != nil {
		return err
	}
	if err := b.awaitDone(ctx); err != nil {
		return err
	}
	b.sink.hanging.Store(true)
	b.r.with, err = b.paced(ctx, b.r.hangRate, hangs)
	b.sink.hanging.Store(false)
	if err != nil {
		return err
	}
	return b.awaitDone(ctx)
}

// kill kills a worker while it waits for an endpoint, beside another worker.
func (b *relayBench) kill(ctx context.Context) error {
	b.say("a worker is killed")
	b.sink.forgetMissing()
	b.sink.mu.Lock()
	clear(b.sink.slow)
	b.sink.mu.Unlock()
	held := b.sink.held.Load()
	b.sink.hanging.Store(true)
	for range 8 { // as many as may be on their way
		if err := b.outbox.commit(ctx, 0, 1, nil); err != nil {
			return err
		}
	}
	for b.sink.held.Load()-held < 8 {
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	second, err := b.start(ctx, "worker-2")
	if err != nil {
		return err
	}
	defer second.Kill()
	b.sink.hanging.Store(false)
	at := time.Now()
	b.process.Kill()
	for {
		b.sink.mu.Lock()
		again, last := 0, at
		for _, came := range b.sink.slow {
			if !came.IsZero() {
				again++
				if came.After(last) {
					last = came
				}
			}
		}
		b.sink.mu.Unlock()
		if again == 8 {
			b.r.killed, b.r.killGap = again, last.Sub(at)
			return b.awaitDone(ctx)
		}
		if time.Since(at) > 2*time.Minute {
			return fmt.Errorf("of 8 hooks only %d come again", again)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}
