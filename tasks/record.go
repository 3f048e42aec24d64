package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/tasks/engine"
)

// How often what a run tells is written down, and shown on the cards of its plan.
const (
	recordEvery = 200 * time.Millisecond
	showEvery   = time.Second
)

// recorder writes down what a run tells, in batches: the engine's observer must not
// wait for the database.
type recorder struct {
	r    *running
	seen int64 // the last line that was written down before

	wake    chan struct{} // holds one
	quit    chan struct{}
	stopped chan struct{}

	mu    sync.Mutex
	state *engine.State // not written yet
	lines []engine.Line // not written yet

	// Only of the goroutine that flushes.
	announced bool
	told      bool              // the plan knows of the waits
	waits     []slipway.RunWait // that it knows of
	toShow    bool              // the cards do not show the newest state
	shown     time.Time
}

// newRecorder returns a recorder that goes on after the last line that is stored.
func (r *running) newRecorder(ctx context.Context) (*recorder, error) {
	seen, err := r.lastLine(ctx)
	if err != nil {
		return nil, err
	}
	rec := &recorder{
		r: r, seen: seen, told: r.run.Phase != storage.RunPhaseStarted, // a run that has just begun waits for nobody
		wake: make(chan struct{}, 1), quit: make(chan struct{}), stopped: make(chan struct{}),
	}
	go func() {
		defer close(rec.stopped)
		rec.loop(ctx)
	}()
	return rec, nil
}

// lastLine returns the number of the last line of the run's log that is stored. The
// store numbers them as the engine does, because every line is written once and in
// order.
func (r *running) lastLine(ctx context.Context) (int64, error) {
	const page = 1000
	last := int64(0)
	for {
		lines, err := r.t.Store.RunLog(ctx, r.run.ID, last, page)
		if err != nil {
			return 0, fmt.Errorf("read run log: %w", err)
		}
		if len(lines) > 0 {
			last = lines[len(lines)-1].Seq
		}
		if len(lines) < page {
			return last, nil
		}
	}
}

func (rec *recorder) observer() engine.Observer {
	return engine.Observer{
		Seen: rec.seen,
		State: func(s engine.State) {
			rec.mu.Lock()
			rec.state = &s
			rec.mu.Unlock()
			nudge(rec.wake)
		},
		Lines: func(lines []engine.Line) {
			rec.mu.Lock()
			rec.lines = append(rec.lines, lines...)
			rec.mu.Unlock()
			nudge(rec.wake)
		},
	}
}

// loop writes at once what comes after a silence, and then not more often than
// recordEvery.
func (rec *recorder) loop(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for {
		select {
		case <-rec.quit:
			return
		case <-rec.wake:
		}
		_ = rec.flush(ctx) // what is left is written next time
		rec.show(ctx)
		pause.Reset(recordEvery)
		select {
		case <-rec.quit:
			return
		case <-pause.C:
		}
	}
}

// show has the plan's cards show the newest state, not too often.
func (rec *recorder) show(ctx context.Context) {
	if !rec.toShow {
		return
	}
	t := rec.r.t
	now := t.Now()
	if now.Sub(rec.shown) < showEvery {
		nudge(rec.wake)
		return
	}
	if err := t.Store.RefreshCards(ctx, rec.r.run.PlanID, now); err != nil {
		if ctx.Err() == nil {
			t.Log.WarnContext(ctx, "run not shown on cards", "run", rec.r.run.ID, "err", err)
		}
		nudge(rec.wake)
		return
	}
	rec.toShow, rec.shown = false, now
}

// close ends the loop; what is left is written by a last flush.
func (rec *recorder) close() {
	close(rec.quit)
	<-rec.stopped
}

// flush writes down what was told since the last time. What could not be written is
// tried again with the next flush; the error has been logged.
func (rec *recorder) flush(ctx context.Context) error {
	rec.mu.Lock()
	state, lines := rec.state, rec.lines
	rec.state, rec.lines = nil, nil
	rec.mu.Unlock()
	if state == nil && len(lines) == 0 {
		return nil
	}
	err := rec.writeLines(ctx, lines)
	if err == nil {
		lines = nil // they must not be written twice if the state cannot be
		err = rec.writeState(ctx, state)
	}
	if err != nil {
		rec.mu.Lock()
		if rec.state == nil {
			rec.state = state
		}
		rec.lines = append(lines, rec.lines...)
		rec.mu.Unlock()
		nudge(rec.wake)
		if ctx.Err() == nil {
			rec.r.t.Log.WarnContext(ctx, "run not recorded", "run", rec.r.run.ID, "err", err)
		}
		return err
	}
	topics := []string{TopicRun + rec.r.run.ID}
	if state != nil {
		topics = append(topics, TopicPlan+rec.r.run.PlanID) // its page shows how far the run is
	}
	rec.r.t.Notices.Publish(ctx, topics...)
	return nil
}

func (rec *recorder) writeLines(ctx context.Context, lines []engine.Line) error {
	rows := make([]storage.LogLine, len(lines))
	for i, l := range lines {
		rows[i] = storage.LogLine{Seq: l.Seq, At: l.At, Job: l.Job, Text: l.Text}
	}
	if err := rec.r.t.Store.AppendRunLog(ctx, rec.r.run.ID, rows); err != nil {
		return fmt.Errorf("write run log: %w", err)
	}
	return nil
}

func (rec *recorder) writeState(ctx context.Context, state *engine.State) error {
	if state == nil {
		return nil
	}
	t, run := rec.r.t, rec.r.run
	if err := rec.announce(ctx, state.URL); err != nil {
		return err
	}
	progress, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	if err := t.Store.RunProgress(ctx, run.ID, progress); err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	rec.toShow = true
	return rec.tellWaits(ctx, state.Waits)
}

// tellWaits notes on the plan at which points the run waits for people now.
func (rec *recorder) tellWaits(ctx context.Context, waits []engine.Wait) error {
	now := make([]slipway.RunWait, 0, len(waits))
	for _, w := range waits {
		now = append(now, slipway.RunWait{Job: w.Job, For: w.For, Answerable: w.Answerable})
	}
	if rec.told && slices.Equal(now, rec.waits) {
		return nil
	}
	t, run := rec.r.t, rec.r.run
	// The transition knows what it knows; each call is a request of its own.
	request := requestOf(rec.r.l) + ":waits:" + t.Commands.NewID()
	if _, err := t.Commands.RunWaits(ctx, request, run.PlanID, run.ID, now); err != nil {
		return err
	}
	rec.told, rec.waits = true, now
	return nil
}

// announce says once, on the plan, that the run has begun, with the address at which
// it can be seen.
func (rec *recorder) announce(ctx context.Context, url string) error {
	if rec.announced {
		return nil
	}
	t, run := rec.r.t, rec.r.run
	if _, err := t.Commands.RunStarted(ctx, requestOf(rec.r.l)+":started", run.PlanID, run.ID, url); err != nil {
		return err
	}
	rec.announced = true
	return nil
}
