package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

func (e *Engine) ref(mark string) engine.Ref { return engine.Ref(e.place + "/" + mark) }

func (e *Engine) markOf(ref engine.Ref) (string, error) {
	place, id, _ := strings.Cut(string(ref), "/")
	return id, e.checkMark(engine.Mark{ID: id, Place: place})
}

// Find looks for the record of a start. If the process that made it is dead, it ends
// what is left of the run and settles it as interrupted. Marks of other machines are
// Unknowable.
func (e *Engine) Find(ctx context.Context, mark engine.Mark) (engine.Ref, engine.Outcome, error) {
	if err := e.checkMark(mark); err != nil {
		return "", engine.Unknowable, nil //nolint:nilerr // that is the outcome
	}
	rec, _, err := e.look(ctx, mark.ID)
	switch {
	case errors.Is(err, engine.ErrNoRun):
		return "", engine.NeverStarted, nil
	case err != nil:
		return "", engine.Unknowable, err
	}
	return e.ref(rec.Mark), engine.Started, nil
}

// look returns the record of a run as it is now, and what is closed when it changes;
// nil for a run of another process.
func (e *Engine) look(ctx context.Context, mark string) (*record, <-chan struct{}, error) {
	e.mu.Lock()
	own := e.runs[mark]
	e.mu.Unlock()
	if own != nil {
		rec, changed := own.snapshot()
		return rec, changed, nil
	}
	rec, err := e.records.load(mark)
	switch {
	case err != nil:
		return nil, nil, err
	case rec == nil:
		return nil, nil, fmt.Errorf("run %s: %w", mark, engine.ErrNoRun)
	case rec.Result == nil && !rec.Owner.alive():
		// It may have ended between the two looks.
		if rec, err = e.records.load(mark); err == nil && rec.Result == nil {
			err = e.bury(ctx, rec)
		}
		return rec, nil, err
	}
	return rec, nil, nil
}

// bury ends what is left of a run whose process is dead, and settles it.
func (e *Engine) bury(ctx context.Context, rec *record) error {
	for _, leader := range rec.Leaders {
		if !isOurs(leader, rec.Mark) {
			continue
		}
		killGroup(leader.PID)
		if err := e.awaitEmpty(ctx, leader.PID); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(e.records.path(rec.Mark, "")); err != nil {
		return fmt.Errorf("remove run folder: %w", err)
	}
	now := e.millis()
	for s := range rec.State.Stages {
		stage := &rec.State.Stages[s]
		for j := range stage.Jobs {
			job := &stage.Jobs[j]
			switch job.Status {
			case engine.Running:
				job.Status, job.Ended = engine.Failed, now
				job.Reason = slipway.T("interrupted.", "已中断。")
			case engine.Queued:
				job.Status = engine.Skipped
			case engine.Passed, engine.Failed, engine.Cancelled, engine.Timeout, engine.Skipped, engine.Waiting, engine.Unknown:
			}
		}
		stage.Status = fold(stage.Jobs)
	}
	rec.Result = &engine.Result{Status: engine.Failed, Reason: textInterrupted}
	rec.State.Status, rec.State.Ended = engine.Failed, now
	if err := e.records.save(rec); err != nil {
		return fmt.Errorf("settle run %s: %w", rec.Mark, err)
	}
	e.config.Logger.WarnContext(ctx, "lost run settled", "run_mark", rec.Mark, "owner_pid", rec.Owner.PID)
	return nil
}

// awaitEmpty waits until a killed group has no process left.
func (e *Engine) awaitEmpty(ctx context.Context, group int) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for groupLives(group) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("end process group %d: %w", group, ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

// Watch follows the record and the log of a run, of whatever process.
func (e *Engine) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, error) {
	mark, err := e.markOf(ref)
	if err != nil {
		return engine.Result{}, err
	}
	poll := time.NewTicker(e.config.Poll)
	defer poll.Stop()
	lines := follower{path: e.records.path(mark, ".log"), seen: obs.Seen}
	var last *engine.State
	for {
		rec, changed, err := e.look(ctx, mark)
		if err != nil {
			return engine.Result{}, err
		}
		// The log is read after the record: it is complete when the record says so.
		if err := lines.read(obs.Lines); err != nil {
			return engine.Result{}, err
		}
		if obs.State != nil && (last == nil || !reflect.DeepEqual(*last, rec.State)) {
			obs.State(rec.State)
			last = &rec.State
		}
		if rec.Result != nil {
			return *rec.Result, nil
		}
		var tick <-chan time.Time
		if changed == nil {
			tick = poll.C
		}
		select {
		case <-ctx.Done():
			return engine.Result{}, ctx.Err()
		case <-changed:
		case <-tick:
		}
	}
}

// Cancel stops a run. One of another process is asked by a file to stop itself.
func (e *Engine) Cancel(ctx context.Context, ref engine.Ref) error {
	mark, err := e.markOf(ref)
	if err != nil {
		return err
	}
	rec, _, err := e.look(ctx, mark)
	if err != nil || rec.Result != nil {
		return err
	}
	e.mu.Lock()
	own := e.runs[mark]
	e.mu.Unlock()
	if own != nil {
		own.stop(errCancelled)
		return nil
	}
	err = createFile(e.records.path(mark, ".cancel"), nil)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// follower reads the lines of a log that grows.
type follower struct {
	path   string
	offset int64
	seen   int64
}

// batch is the most lines handed on at once.
const batch = 500

// read hands on the lines that are new. A last line without its end is left for the
// next time; after a crash it stays unread.
func (f *follower) read(hand func([]engine.Line)) error {
	if hand == nil {
		return nil
	}
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open run log: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(f.offset, io.SeekStart); err != nil {
		return fmt.Errorf("seek run log: %w", err)
	}
	r := bufio.NewReaderSize(file, 64<<10)
	var lines []engine.Line
	for {
		data, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read run log: %w", err)
		}
		if len(lines) >= batch || (err != nil && len(lines) > 0) {
			hand(lines)
			lines = nil
		}
		if err != nil {
			return nil
		}
		f.offset += int64(len(data))
		var line engine.Line
		if err := json.Unmarshal(data, &line); err != nil {
			return fmt.Errorf("read line of run log: %w", err)
		}
		if line.Seq > f.seen {
			f.seen = line.Seq
			lines = append(lines, line)
		}
	}
}
