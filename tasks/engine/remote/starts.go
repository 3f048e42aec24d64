package remote

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"slipway/tasks/engine"
)

// maxRemembered bounds what is remembered of starts: it is only to spare requests.
const maxRemembered = 4096

// Starts is what this process knows of the starts it made, by mark. The zero value is
// ready.
type Starts struct {
	mu   sync.Mutex
	made map[string]Made
}

// Made is a start that was made.
type Made struct {
	Project string
	Ref     engine.Ref // empty: under way, or its answer was lost
}

// Begin notes that a mark is used; false if it was before.
func (s *Starts) Begin(mark, project string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[string]Made{}
	}
	if _, used := s.made[mark]; used {
		return false
	}
	for old, m := range s.made {
		if len(s.made) < maxRemembered {
			break
		}
		if m.Ref != "" {
			delete(s.made, old)
		}
	}
	s.made[mark] = Made{Project: project}
	return true
}

// Keep notes what a start led to.
func (s *Starts) Keep(mark string, ref engine.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, begun := s.made[mark]; begun {
		m.Ref = ref
		s.made[mark] = m
	}
}

// Forget notes that a start did not happen.
func (s *Starts) Forget(mark string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.made, mark)
}

// Of returns what is known of a mark.
func (s *Starts) Of(mark string) Made {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made[mark]
}

// PlaceAt is the place of an engine at an address, with the time from which on a search
// for the mark has to look.
func PlaceAt(host string, at time.Time) string {
	return host + "#" + strconv.FormatInt(at.UnixMilli(), 10)
}

// ReadPlace returns when a place of the host was written down; false if it is another's.
func ReadPlace(place, host string) (time.Time, bool) {
	i := strings.LastIndexByte(place, '#')
	if i < 0 {
		return time.Time{}, false
	}
	ms, err := strconv.ParseInt(place[i+1:], 10, 64)
	return time.UnixMilli(ms), err == nil && place[:i] == host
}

// CheckMark refuses a mark that was not made for the host.
func CheckMark(mark engine.Mark, host string) error {
	if _, ours := ReadPlace(mark.Place, host); !ours || mark.ID == "" {
		return fmt.Errorf("mark %q of place %q: %w", mark.ID, mark.Place, engine.ErrNoRun)
	}
	return nil
}
