package remote

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// hour is when the marks of these tests were written down.
var hour = time.UnixMilli(1_795_000_000_123)

func startsAt(host string) *Starts {
	return &Starts{Host: host, Settle: time.Minute, Now: func() time.Time { return hour }}
}

func (s *Starts) mark(id string) engine.Mark { return engine.Mark{ID: id, Place: s.Place()} }

func leadsTo(ref engine.Ref, err error) func() (engine.Ref, error) {
	return func() (engine.Ref, error) { return ref, err }
}

func TestAMarkBeginsOneStart(t *testing.T) {
	t.Parallel()
	s, refused, lost := startsAt("gitlab.example"), slipway.Refuse(slipway.NotFound, "No.", "没有。"), errors.New("answer lost")
	for _, tt := range []struct {
		mark  string
		err   error
		again bool // it may be begun once more
	}{
		{"made", nil, false}, {"refused", fmt.Errorf("start: %w", refused), true}, {"in doubt", lost, false},
	} {
		if _, err := s.Once(s.mark(tt.mark), slipway.WorkflowSpec{}, leadsTo("1/2", tt.err)); !errors.Is(err, tt.err) {
			t.Errorf("%s: %v", tt.mark, err)
		}
		_, err := s.Once(s.mark(tt.mark), slipway.WorkflowSpec{}, leadsTo("1/2", nil))
		if tt.again != (err == nil) || (err != nil && slipway.CodeOf(err) != slipway.Conflict) {
			t.Errorf("%s, once more: %v", tt.mark, err)
		}
	}
}

func TestAStartUnderWayIsBegunByNobodyElse(t *testing.T) {
	t.Parallel()
	s := startsAt("gitlab.example")
	_, err := s.Once(s.mark("m"), slipway.WorkflowSpec{}, func() (engine.Ref, error) {
		return s.Once(s.mark("m"), slipway.WorkflowSpec{}, leadsTo("1/2", nil))
	})
	if slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("the second one: %v", err)
	}
}

func TestStartsThatAreInDoubtAreRememberedLongest(t *testing.T) {
	t.Parallel()
	s := startsAt("gitlab.example")
	spec := slipway.WorkflowSpec{Project: "team/app"}
	_, _ = s.Once(s.mark("in doubt"), spec, leadsTo("", errors.New("answer lost")))
	for i := range 2 * maxRemembered {
		if _, err := s.Once(s.mark(fmt.Sprint(i)), spec, leadsTo("1/2", nil)); err != nil {
			t.Fatal(err)
		}
	}
	if m, known := s.of("in doubt"); len(s.made) > maxRemembered || !known || m.spec.Project != "team/app" {
		t.Errorf("%d are remembered, the one in doubt as %+v", len(s.made), m)
	}
}

func TestPlacesSayWhereAndWhen(t *testing.T) {
	t.Parallel()
	s := startsAt("gitlab.example/git#lab")
	if since, ours := s.Since(s.mark("m")); !ours || !since.Equal(hour.Add(-skew)) {
		t.Errorf("%q is read as %v, %v", s.Place(), since, ours)
	}
	for _, mark := range []engine.Mark{
		{ID: "m"},
		{ID: "m", Place: "gitlab.example"},
		{ID: "m", Place: s.Place() + "-other"},
		{ID: "m", Place: "other.example#1795000000123"},
		{ID: "m", Place: "gitlab.example/git#lab#"},
		{ID: "m", Place: "#5"},
		{Place: s.Place()},
	} {
		if _, ours := s.Since(mark); ours {
			t.Errorf("%+v passes for a mark of ours", mark)
		}
		if _, err := s.Once(mark, slipway.WorkflowSpec{}, leadsTo("1/2", nil)); !errors.Is(err, engine.ErrNoRun) {
			t.Errorf("start of %+v: %v", mark, err)
		}
	}
}

func TestNothingHasHappenedBeforeAStart(t *testing.T) {
	t.Parallel()
	left, leave := context.WithCancel(t.Context())
	leave()
	refused := slipway.Refuse(slipway.NotFound, "No.", "没有。")
	if err := Interrupted(t.Context(), refused); !errors.Is(err, refused) {
		t.Errorf("refused: %v", err)
	}
	if err := Interrupted(left, left.Err()); slipway.CodeOf(err) != slipway.Unavailable {
		t.Errorf("interrupted: %v", err)
	}
}
