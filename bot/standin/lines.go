package standin

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Lines are the connections that an app keeps open to a platform. The zero value has none.
// It is safe for concurrent use.
type Lines[C comparable] struct {
	mu     sync.Mutex
	open   []C
	joined chan struct{} // closed at the next one, nil if nobody waits for it
}

// Join adds a connection.
func (l *Lines[C]) Join(c C) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, c)
	if l.joined != nil {
		close(l.joined)
		l.joined = nil
	}
}

// Leave removes a connection.
func (l *Lines[C]) Leave(c C) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = slices.DeleteFunc(l.open, func(other C) bool { return other == c })
}

// Open returns the connections, oldest first.
func (l *Lines[C]) Open() []C {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.open)
}

// Wait returns the connections once there is one.
func (l *Lines[C]) Wait(ctx context.Context) ([]C, error) {
	for {
		l.mu.Lock()
		open := slices.Clone(l.open)
		if l.joined == nil {
			l.joined = make(chan struct{})
		}
		joined := l.joined
		l.mu.Unlock()
		if len(open) > 0 {
			return open, nil
		}
		select {
		case <-joined:
		case <-ctx.Done():
			return nil, fmt.Errorf("there is no connection: %w", ctx.Err())
		}
	}
}
