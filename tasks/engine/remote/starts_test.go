package remote

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"slipway/tasks/engine"
)

func TestAMarkBeginsOneStart(t *testing.T) {
	t.Parallel()
	s := &Starts{}
	if s.Of("a") != (Made{}) {
		t.Error("a start is known that was not made")
	}
	if !s.Begin("a", "team/app") || s.Begin("a", "team/app") {
		t.Error("a mark is not good for one start")
	}
	if got := s.Of("a"); got != (Made{Project: "team/app"}) {
		t.Errorf("under way it is %+v", got)
	}
	s.Keep("a", "1/2")
	if got := s.Of("a"); got != (Made{"team/app", "1/2"}) || s.Begin("a", "") {
		t.Errorf("made it is %+v", got)
	}
	s.Keep("never begun", "1/3")
	if s.Of("never begun") != (Made{}) {
		t.Error("what was not begun is kept")
	}
	s.Forget("a")
	if s.Of("a") != (Made{}) || !s.Begin("a", "") {
		t.Error("what did not happen is not forgotten")
	}
}

func TestStartsThatAreInDoubtAreRememberedLongest(t *testing.T) {
	t.Parallel()
	s := &Starts{}
	s.Begin("in doubt", "team/app")
	for i := range 2 * maxRemembered {
		mark := fmt.Sprint(i)
		s.Begin(mark, "team/app")
		s.Keep(mark, "1/2")
	}
	if len(s.made) > maxRemembered || s.Of("in doubt") == (Made{}) {
		t.Errorf("%d are remembered, the one in doubt as %+v", len(s.made), s.Of("in doubt"))
	}
}

func TestPlacesSayWhereAndWhen(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_795_000_000_123)
	place := PlaceAt("gitlab.example/git#lab", at)
	if got, ours := ReadPlace(place, "gitlab.example/git#lab"); !ours || !got.Equal(at) {
		t.Errorf("%q is read as %v, %v", place, got, ours)
	}
	for _, other := range []string{"", "gitlab.example", place + "-other", "other.example#1795000000123", "gitlab.example/git#lab#", "#5"} {
		if _, ours := ReadPlace(other, "gitlab.example/git#lab"); ours {
			t.Errorf("%q passes for a place of ours", other)
		}
		if err := CheckMark(engine.Mark{ID: "m", Place: other}, "gitlab.example/git#lab"); !errors.Is(err, engine.ErrNoRun) {
			t.Errorf("mark of %q: %v", other, err)
		}
	}
	if err := CheckMark(engine.Mark{ID: "m", Place: place}, "gitlab.example/git#lab"); err != nil {
		t.Error(err)
	}
	if err := CheckMark(engine.Mark{Place: place}, "gitlab.example/git#lab"); err == nil {
		t.Error("a mark without an ID passes")
	}
}
