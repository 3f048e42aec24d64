package feishu

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"slipway/bot"
)

// grace is what is left of the three seconds that Feishu allows, after a handler's
// patience is over, to give the answer.
const grace = 200 * time.Millisecond

// clickPatience is how long somebody who clicked waits for the result of it; after that
// they learn that it is being worked on.
const clickPatience = 600 * time.Millisecond

// afterwards is how long what goes on after an answer may take.
const afterwards = time.Minute

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// running counts what goes on in the background.
type running struct {
	mu   sync.Mutex
	idle *sync.Cond
	n    int
}

func (r *running) init() { r.idle = sync.NewCond(&r.mu) }

func (r *running) add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n += n
	if r.n == 0 {
		r.idle.Broadcast()
	}
}

// wait returns when nothing goes on any more.
func (r *running) wait() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.n > 0 {
		r.idle.Wait()
	}
}

// background does work that outlives the request it comes from, but not by more than a
// minute.
func (f *Feishu) background(ctx context.Context, work func(ctx context.Context)) {
	f.calls.add(1)
	go func() {
		defer f.calls.add(-1)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				f.Log.ErrorContext(ctx, "feishu event panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		work(ctx)
	}()
}

// inTime does work in the background and returns when it is done or the answer to Feishu
// is due.
func (f *Feishu) inTime(ctx context.Context, work func(ctx context.Context)) {
	done := make(chan struct{})
	f.background(ctx, func(ctx context.Context) {
		defer close(done)
		work(ctx)
	})
	due := time.NewTimer(f.patience + grace)
	defer due.Stop()
	select {
	case <-done:
	case <-due.C:
	}
}

// handle gives an event to the bot. What it begins it may end, even if Feishu has to be
// answered before that.
func (f *Feishu) handle(ctx context.Context, ev bot.Event) bot.Reply {
	h, err := f.handler.get(ctx)
	if err != nil {
		f.Log.ErrorContext(ctx, "feishu event without handler", "event", ev.ID, "error", err)
		return bot.Reply{}
	}
	return h.Handle(ctx, ev)
}

// clicks knows which cards' clicks are being answered. Feishu takes back a change of a
// card that comes before the answer.
type clicks struct {
	mu   sync.Mutex
	open map[string]*clicked // by message
}

type clicked struct {
	n    int
	done chan struct{}
}

// landing is how long an answer may be on its way to Feishu. A change that is sent right
// after it may arrive first.
const landing = 300 * time.Millisecond

// begin notes that a click on the message is being answered, until a moment after the
// returned function is called.
func (c *clicks) begin(message string) func() {
	if message == "" {
		return func() {}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[string]*clicked{}
	}
	on := c.open[message]
	if on == nil {
		on = &clicked{done: make(chan struct{})}
		c.open[message] = on
	}
	on.n++
	return sync.OnceFunc(func() {
		time.AfterFunc(landing, func() { c.end(message, on) })
	})
}

func (c *clicks) end(message string, on *clicked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on.n--; on.n == 0 {
		delete(c.open, message)
		close(on.done)
	}
}

// wait returns when no click on the message is being answered.
func (c *clicks) wait(ctx context.Context, message string) error {
	for {
		c.mu.Lock()
		on := c.open[message]
		c.mu.Unlock()
		if on == nil {
			return nil
		}
		select {
		case <-on.done:
		case <-ctx.Done():
			return fmt.Errorf("wait for the answer to a click: %w", ctx.Err())
		}
	}
}
