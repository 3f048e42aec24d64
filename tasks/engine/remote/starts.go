package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// skew is by how much a vendor's clock may be behind ours.
const skew = 10 * time.Minute

// Starts starts the runs of an engine, each once, and finds what became of a start.
type Starts struct {
	Host   string        // of the vendor's server, with its path: another's marks are none of ours
	Settle time.Duration // how long after its request a run may still appear
	Now    func() time.Time
	// Runs tells what a mark was to start, so that it is known where to look for it; nil:
	// only starts of this process are found.
	Runs func(ctx context.Context, mark string) (slipway.WorkflowSpec, error)

	mu   sync.Mutex
	made map[string]made // by mark
}

// made is a start of this process.
type made struct {
	spec  slipway.WorkflowSpec // what was to be started; only until ref is known
	ref   engine.Ref           // empty: under way, or its answer was lost
	taken bool                 // see Taken
}

// Place is the vendor's address, with the time from which on Find has to look.
func (s *Starts) Place() string { return placeAt(s.Host, s.Now()) }

func placeAt(host string, at time.Time) string {
	return host + "#" + strconv.FormatInt(at.UnixMilli(), 10)
}

// Since returns from when on the run of a mark may be there, by the vendor's clock;
// false if the mark was not made for this vendor.
func (s *Starts) Since(mark engine.Mark) (time.Time, bool) {
	i := strings.LastIndexByte(mark.Place, '#')
	if i < 0 || mark.ID == "" {
		return time.Time{}, false
	}
	ms, err := strconv.ParseInt(mark.Place[i+1:], 10, 64)
	return time.UnixMilli(ms).Add(-skew), err == nil && mark.Place[:i] == s.Host
}

// Once starts the run of a mark, if it was not begun before. An error of launch that is
// a *slipway.Error says that nothing happened. After any other, the start is in doubt.
func (s *Starts) Once(mark engine.Mark, spec slipway.WorkflowSpec, launch func() (engine.Ref, error)) (engine.Ref, error) {
	if _, ours := s.Since(mark); !ours {
		return "", fmt.Errorf("mark %q of place %q: %w", mark.ID, mark.Place, engine.ErrNoRun)
	}
	if !s.begin(mark.ID, spec) {
		return "", slipway.Refuse(slipway.Conflict, "This run was started before.", "该次运行已经启动过。")
	}
	ref, err := launch()
	refusal := (*slipway.Error)(nil)
	switch {
	case err == nil:
		s.Keep(mark.ID, ref)
	case errors.As(err, &refusal):
		s.forget(mark.ID)
	}
	return ref, err
}

// begin notes that a mark is used; false if it was before.
func (s *Starts) begin(mark string, spec slipway.WorkflowSpec) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[string]made{}
	}
	if _, used := s.made[mark]; used {
		return false
	}
	for old, m := range s.made {
		if len(s.made) < maxRemembered {
			break
		}
		if m.ref != "" {
			delete(s.made, old)
		}
	}
	s.made[mark] = made{spec: spec}
	return true
}

// Keep notes what a start led to.
func (s *Starts) Keep(mark string, ref engine.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[string]made{}
	}
	s.made[mark] = made{ref: ref}
}

// Taken notes that the vendor took a start that is under way, though no run is seen of
// it yet: Find never says that there was none.
func (s *Starts) Taken(mark string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.made[mark]
	m.taken = true
	s.made[mark] = m
}

func (s *Starts) forget(mark string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.made, mark)
}

func (s *Starts) of(mark string) (made, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, known := s.made[mark]
	return m, known
}

// Interrupted makes an error of what came before a start: nothing has happened yet, even
// if the context has ended.
func Interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return slipway.Refuse(slipway.Unavailable, "The start was interrupted.", "启动被中断。").Because(err)
	}
	return err
}

// Changed tells whether a workflow is not the one that the plan was approved with.
func Changed(spec slipway.WorkflowSpec, now *slipway.Workflow) bool {
	return spec.Definition == nil || slipway.CompareDefinitions(spec.Definition.Masked(), now.Masked()) != nil
}
