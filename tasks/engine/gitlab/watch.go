package gitlab

import (
	"context"
	"errors"
	"reflect"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// maxMissing is how often in a row a run is not found before it is given up: a new
// pipeline may be missing for a moment.
const maxMissing = 3

// Watch implements engine.Engine. While GitLab does not answer, the run's status is
// unknown, and it is asked again.
func (e *Engine) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, error) {
	project, pipeline, err := parseRef(ref)
	if err != nil {
		return engine.Result{}, err
	}
	wake, end := e.listen(ref)
	defer end()
	f := &follower{e: e, obs: obs, run: newView(e, project, pipeline), wait: e.config.Poll}
	for {
		if ctx.Err() != nil {
			return engine.Result{}, ctx.Err()
		}
		result, err := f.look(ctx)
		switch {
		case ctx.Err() != nil:
			return engine.Result{}, ctx.Err()
		case err != nil:
			return engine.Result{}, err
		case result != nil:
			return *result, nil
		}
		timer := time.NewTimer(e.jitter(f.wait))
		select {
		case <-ctx.Done():
		case <-wake:
			f.wait = e.config.Poll
		case <-timer.C:
		}
		timer.Stop()
	}
}

// follower tells an observer what changes from look to look.
type follower struct {
	e       *Engine
	obs     engine.Observer
	run     *view
	wait    time.Duration // until the next look
	seq     int64
	told    bool
	last    engine.State
	missing int
	away    time.Time // since when GitLab does not answer
}

// look looks once. Its error ends the watch.
func (f *follower) look(ctx context.Context) (*engine.Result, error) {
	state, lines, result, err := f.run.look(ctx)
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
	f.lines(lines)
	changed := f.state(state) || len(lines) > 0
	if changed {
		f.wait = f.e.config.Poll
	} else {
		f.wait = min(f.wait*3/2, f.e.config.MaxPoll)
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
		f.away = f.e.config.Now()
	}
	state := f.last
	state.Status, state.Waits = engine.Unknown, nil
	since := f.away.UTC().Format("15:04")
	state.WaitFor = slipway.T("GitLab has not answered since %s UTC; Slipway keeps asking.", "自 %s（UTC）起 GitLab 没有响应，Slipway 会继续查询。", since)
	if code := slipway.CodeOf(err); code == slipway.Unauthenticated || code == slipway.Forbidden {
		state.WaitFor = slipway.TextOf(err)
	}
	f.state(state)
	f.wait = min(f.wait*2, f.e.config.MaxPoll)
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
