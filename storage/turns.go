package storage

import (
	"container/list"
	"context"
	"sync"
)

// backgroundShare is which of so many turns work in the background gets at least.
const backgroundShare = 3

type backgroundKey struct{}

// InBackground returns a context for work that nobody waits for, such as bringing cards
// up to date: its writes let those of others go first.
func InBackground(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// turns let a number of writers in at once, and the others in the order in which they
// came. database/sql itself picks among those who wait for a connection at random, so
// that under load some wait many times as long as others.
type turns struct {
	mu     sync.Mutex
	free   int
	given  int       // to those who had to wait
	people list.List // of chan struct{}, which is closed when it is their turn
	others list.List // the same, for work in the background
}

func newTurns(atOnce int) *turns { return &turns{free: atOnce} }

// take waits for a turn, which the caller gives back by leave.
func (t *turns) take(ctx context.Context) (leave func(), err error) {
	queue := &t.people
	if ctx.Value(backgroundKey{}) != nil {
		queue = &t.others
	}
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return t.leave, nil
	}
	mine := make(chan struct{})
	place := queue.PushBack(mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return t.leave, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-mine: // it came just now, and is passed on
		t.next()
	default:
		queue.Remove(place)
	}
	return nil, ctx.Err()
}

func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// next gives a turn to whoever comes next.
func (t *turns) next() {
	queue := &t.people
	if t.people.Len() == 0 || t.others.Len() > 0 && t.given%backgroundShare == backgroundShare-1 {
		queue = &t.others
	}
	first := queue.Front()
	if first == nil {
		t.free++
		return
	}
	t.given++
	close(queue.Remove(first).(chan struct{}))
}
