package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"slices"
	"sync"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// maxMissing is how often in a row a run is not found before it is given up: a new
// run may be missing for a moment.
const maxMissing = 3

// Watchers watch runs by looking at them.
type Watchers struct {
	Service string        // for people, such as "GitLab"
	Poll    time.Duration // at most between two looks at a run that changes
	MaxPoll time.Duration // at most between two looks at one that does not
	Now     func() time.Time
	Rand    io.Reader // spreads the looks; nil: they are not spread

	mu     sync.Mutex
	nudges map[engine.Ref][]chan struct{}
}

// Look reads a run: its state, the log lines that are new since the last look (without
// numbers), and the result if it is over. ErrNoRun says that there is no such run; any
// other error, that nothing is known at present.
type Look func(context.Context) (engine.State, []engine.Line, *engine.Result, error)

// Nudge makes whoever watches the run look at once.
func (w *Watchers) Nudge(ref engine.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wake := range w.nudges[ref] {
		select {
		case wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// listen returns what is told when the run is to be looked at, and how to end that.
func (w *Watchers) listen(ref engine.Ref) (wake chan struct{}, end func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nudges == nil {
		w.nudges = map[engine.Ref][]chan struct{}{}
	}
	w.nudges[ref] = append(w.nudges[ref], c)
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		left := slices.DeleteFunc(slices.Clone(w.nudges[ref]), func(x chan struct{}) bool { return x == c })
		if w.nudges[ref] = left; len(left) == 0 {
			delete(w.nudges, ref)
		}
	}
}

// jitter returns a duration between three quarters of d and d: looks come from the same
// beginning, and go apart.
func (w *Watchers) jitter(d time.Duration) time.Duration {
	var b [8]byte
	if w.Rand == nil || d < 4 {
		return d
	}
	w.mu.Lock()
	_, err := io.ReadFull(w.Rand, b[:])
	w.mu.Unlock()
	if err != nil {
		return d
	}
	return d - time.Duration(binary.LittleEndian.Uint64(b[:])%uint64(d/4)) //nolint:gosec // less than d
}

// Watch looks at a run until it is over, as engine.Engine demands of Watch. While
// nothing is known of the run, its status is unknown, and it is looked at again.
func (w *Watchers) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer, look Look) (engine.Result, error) {
	wake, end := w.listen(ref)
	defer end()
	f := &follower{w: w, obs: obs, read: look, wait: w.Poll}
	routine := obs.Lines != nil && obs.Seen > 0 // it goes on with what it has seen before; else the first look is waited for
	for {
		if ctx.Err() != nil {
			return engine.Result{}, ctx.Err()
		}
		result, err := f.look(looking(ctx, wake, routine))
		switch {
		case ctx.Err() != nil:
			return engine.Result{}, ctx.Err()
		case err != nil:
			return engine.Result{}, err
		case result != nil:
			return *result, nil
		}
		timer := time.NewTimer(w.jitter(f.wait))
		select {
		case <-ctx.Done():
		case <-wake:
			f.wait, routine = w.Poll, false
		case <-timer.C:
			routine = true
		}
		timer.Stop()
	}
}

// follower tells an observer what changes from look to look.
type follower struct {
	w       *Watchers
	obs     engine.Observer
	read    Look
	wait    time.Duration // until the next look
	seq     int64
	told    bool
	last    engine.State
	missing int
	away    time.Time // since when the engine does not answer
}

// look looks once. Its error ends the watch.
func (f *follower) look(ctx context.Context) (*engine.Result, error) {
	state, lines, result, err := f.read(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, engine.ErrNoRun):
		return nil, f.gone(err)
	case err != nil:
		f.absent(err)
		return nil, nil
	}
	f.missing, f.away = 0, time.Time{}
	changed := f.state(state) || len(lines) > 0 // first the jobs, then what they say
	f.lines(lines)
	if changed {
		f.wait = f.w.Poll
	} else {
		f.wait = min(f.wait*3/2, f.w.MaxPoll)
	}
	return result, nil
}

// gone returns the error of a run that is not found, once that is sure.
func (f *follower) gone(err error) error {
	if f.missing++; f.missing < maxMissing {
		return nil
	}
	return err
}

// absent shows that nothing is known at present.
func (f *follower) absent(err error) {
	if f.away.IsZero() {
		f.away = f.w.Now()
	}
	state := f.last
	state.Status, state.Waits = engine.Unknown, nil
	since := f.away.UTC().Format("15:04")
	state.WaitFor = slipway.T("%[1]s has not answered since %[2]s UTC; Slipway keeps asking.",
		"自 %[2]s（UTC）起 %[1]s 没有响应，Slipway 会继续查询。", f.w.Service, since)
	if code := slipway.CodeOf(err); code == slipway.Unauthenticated || code == slipway.Forbidden {
		state.WaitFor = slipway.TextOf(err)
	}
	f.state(state)
	f.wait = min(f.wait*2, f.w.MaxPoll)
}

func (f *follower) state(s engine.State) bool {
	if f.told && reflect.DeepEqual(s, f.last) {
		return false
	}
	f.told, f.last = true, s
	if f.obs.State != nil {
		f.obs.State(s)
	}
	return true
}

// lines numbers new lines, and hands on those that the observer has not seen.
func (f *follower) lines(all []engine.Line) {
	var fresh []engine.Line
	for _, line := range all {
		f.seq++
		if line.Seq = f.seq; line.Seq > f.obs.Seen {
			fresh = append(fresh, line)
		}
	}
	if len(fresh) > 0 && f.obs.Lines != nil {
		f.obs.Lines(fresh)
	}
}
