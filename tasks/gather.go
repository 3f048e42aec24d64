package tasks

import (
	"context"
	"sync"

	"slipway/storage"
)

// gather does many of the same thing in one go: what is asked for while a batch is under way
// goes with the next one. Alone, nobody waits for company.
type gather[Q, R any] struct {
	most   int // in one batch
	atOnce int // batches
	// key names what is asked for: a batch holds each name once.
	key func(Q) string
	// do returns the answers by key; what is missing was not there.
	do func(context.Context, []Q) (map[string]R, error)

	mu      sync.Mutex
	waiting []*asked[Q, R]
	running int
}

// asked is one question and its answer, which is there when done is closed.
type asked[Q, R any] struct {
	question Q
	answer   R
	found    bool
	err      error
	done     chan struct{}
}

// get asks and waits for the answer; found is false if what was asked for is not there. The
// end of the context does not end the wait: what was begun may have an effect.
func (g *gather[Q, R]) get(ctx context.Context, question Q) (answer R, found bool, err error) {
	a := &asked[Q, R]{question: question, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, a)
	if g.running < g.atOnce {
		g.running++
		go g.run(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()
	<-a.done
	return a.answer, a.found, a.err
}

// run does batches until nobody waits.
func (g *gather[Q, R]) run(ctx context.Context) {
	for {
		batch := g.next()
		if len(batch) == 0 {
			return
		}
		g.answer(ctx, batch)
		for _, a := range batch {
			close(a.done)
		}
	}
}

// next takes those who are to go together; none ends the run.
func (g *gather[Q, R]) next() []*asked[Q, R] {
	g.mu.Lock()
	defer g.mu.Unlock()
	var batch, later []*asked[Q, R]
	named := map[string]bool{}
	for _, a := range g.waiting {
		if name := g.key(a.question); len(batch) == g.most || named[name] {
			later = append(later, a)
		} else {
			named[name] = true
			batch = append(batch, a)
		}
	}
	g.waiting = later
	if len(batch) == 0 {
		g.running--
	}
	return batch
}

// answer does one batch. If it cannot be done together each is tried by itself, so that one
// does not spoil the others.
func (g *gather[Q, R]) answer(ctx context.Context, batch []*asked[Q, R]) {
	questions := make([]Q, len(batch))
	for i, a := range batch {
		questions[i] = a.question
	}
	limited, cancel := context.WithTimeout(ctx, togetherTime)
	answers, err := g.do(limited, questions)
	away := storage.Unreachable(err) || limited.Err() != nil
	cancel()
	if err != nil && len(batch) > 1 && !away {
		for _, a := range batch {
			g.answer(ctx, []*asked[Q, R]{a})
		}
		return
	}
	for _, a := range batch {
		a.err = err
		if err == nil {
			a.answer, a.found = answers[g.key(a.question)]
		}
	}
}
