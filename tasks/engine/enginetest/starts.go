package enginetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

func startsOnce(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	run, mark := RunOf(t, e, spec)
	w.wantNeverStarted(t, e, mark)
	const tries = 8
	errs := make(chan error, tries)
	for range tries {
		go func() {
			_, err := e.Start(t.Context(), run, mark)
			errs <- err
		}()
	}
	started := 0
	for range tries {
		err := <-errs
		if err == nil {
			started++
		} else if slipway.CodeOf(err) != slipway.Conflict {
			t.Errorf("second start: %v", err)
		}
	}
	if started != 1 {
		t.Errorf("started %d times", started)
	}
	ref := wantOutcome(t, e, mark, engine.Started)
	if result := Attach(t, e, mark, ref).End(); result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
	if again := wantOutcome(t, e, mark, engine.Started); again != ref {
		t.Errorf("after the end it is found as %q, before as %q", again, ref)
	}
}

func found(t *testing.T, w World, spec slipway.WorkflowSpec) {
	e := w.Engine
	p := Start(t, e, spec)
	end := p.Until("ready")
	if ref := wantOutcome(t, e, p.Mark, engine.Started); ref != p.Ref {
		t.Errorf("found %q, started %q", ref, p.Ref)
	}
	elsewhere := engine.Mark{ID: p.Mark.ID, Place: p.Mark.Place + "-other"}
	if p.Mark.Place != "" {
		wantOutcome(t, e, elsewhere, engine.Unknowable)
	}
	if err := e.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	end()
	if _, err := e.Watch(t.Context(), "no/such-run", engine.Observer{}); !errors.Is(err, engine.ErrNoRun) {
		t.Errorf("watch what is not there: %v", err)
	}
}

func wantOutcome(t *testing.T, e engine.Engine, mark engine.Mark, want engine.Outcome) engine.Ref {
	t.Helper()
	ref, outcome, err := e.Find(t.Context(), mark)
	if err != nil || outcome != want || (ref != "") != (want == engine.Started) {
		t.Fatalf("find %v: %q, outcome %d, %v; want outcome %d", mark, ref, outcome, err, want)
	}
	return ref
}

// wantNeverStarted checks that a start is known not to have happened, as far as the
// engine can know.
func (w World) wantNeverStarted(t *testing.T, e engine.Engine, mark engine.Mark) {
	t.Helper()
	if w.Undecidable {
		if _, outcome, err := e.Find(t.Context(), mark); err != nil || outcome == engine.Started {
			t.Fatalf("find %v: outcome %d, %v", mark, outcome, err)
		}
		return
	}
	wantOutcome(t, e, mark, engine.NeverStarted)
}

// changes counts the requests that were to change something, as far as they can be seen.
func (w World) changes() int {
	if w.Faults == nil {
		return 0
	}
	return w.Faults.Changes()
}

// another returns an engine of another process.
func (w World) another() engine.Engine { return w.Another(Settings{}) }

// crashes are the moments around a start at which a process may die.
var crashes = []struct {
	name string
	// die does what the process did before it died; the run is started in between.
	die    func(t *testing.T, w World, start func(context.Context) error)
	want   engine.Outcome
	faulty bool // something is wrong with the engine or the way to it
}{
	{"before the call", func(*testing.T, World, func(context.Context) error) {}, engine.NeverStarted, false},
	{"when the engine is down", func(t *testing.T, w World, start func(context.Context) error) {
		w.Faults.Down(true)
		if err := start(t.Context()); err == nil {
			t.Error("it was started")
		}
		w.Faults.Down(false)
	}, engine.NeverStarted, true},
	{"when the request is lost", func(t *testing.T, w World, start func(context.Context) error) {
		w.Faults.DropNextRequest()
		wantDoubt(t, start(t.Context()))
	}, engine.NeverStarted, true},
	{"when the answer is lost", func(t *testing.T, w World, start func(context.Context) error) {
		w.Faults.LoseNextAnswer()
		wantDoubt(t, start(t.Context()))
	}, engine.Started, true},
	{"during the call", func(t *testing.T, w World, start func(context.Context) error) {
		arrived, letGo := w.Faults.HoldNextRequest()
		ctx, die := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() { over <- start(ctx) }()
		select {
		case <-arrived:
		case err := <-over:
			t.Fatalf("no request was sent: %v", err)
		}
		die()
		wantDoubt(t, <-over)
		letGo()
	}, engine.Started, true},
	{"after the answer", func(t *testing.T, _ World, start func(context.Context) error) {
		if err := start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}, engine.Started, false},
}

// wantDoubt checks that an error leaves it open whether the run was started.
func wantDoubt(t *testing.T, err error) {
	t.Helper()
	var refusal *slipway.Error
	if err == nil || errors.As(err, &refusal) {
		t.Errorf("of a start that may have happened or not it is said: %v", err)
	}
}

// dies plays the crash table: a process writes the mark down and dies around its start,
// and another one has to find out. There is one run then, or a person must look; there
// are never two.
func dies(t *testing.T, w World, spec slipway.WorkflowSpec) {
	if w.Another == nil || w.Starts == nil {
		return
	}
	for _, crash := range crashes {
		if crash.faulty && w.Faults == nil {
			continue
		}
		t.Run(crash.name, func(t *testing.T) {
			run, mark := RunOf(t, w.Engine, spec)
			before := w.changes()
			crash.die(t, w, func(ctx context.Context) error {
				_, err := w.another().Start(ctx, run, mark)
				return err
			})
			if sent := w.changes() - before; sent > 1 {
				t.Errorf("%d requests to start it were sent", sent)
			}
			next := w.another()
			ref, outcome, err := next.Find(t.Context(), mark)
			switch {
			case err != nil:
				t.Fatalf("find: %v", err)
			case w.Undecidable && outcome == engine.Unknowable:
				if n := w.Starts(mark.ID); n > 1 {
					t.Errorf("started %d times", n)
				}
				return
			case outcome != crash.want:
				t.Fatalf("it is found as outcome %d, want %d", outcome, crash.want)
			case outcome == engine.NeverStarted:
				if ref, err = next.Start(t.Context(), run, mark); err != nil {
					t.Fatalf("start: %v", err)
				}
			}
			if again := wantOutcome(t, w.another(), mark, engine.Started); again != ref {
				t.Errorf("a third process finds %q, not %q", again, ref)
			}
			p := Attach(t, w.another(), mark, ref)
			end := p.Until("ready")
			if n := w.Starts(mark.ID); n != 1 {
				t.Errorf("started %d times", n)
			}
			if err := w.Engine.Cancel(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
			if result := end(); result.Status != engine.Cancelled {
				t.Errorf("result is %+v", result)
			}
		})
	}
}

// onItsWay has another process look for a start while the request of the one that died
// is still on its way: that it is not there yet must not pass for an answer. The mark
// was written down a while before, since much may come between that and the request.
func onItsWay(t *testing.T, w World, spec slipway.WorkflowSpec) {
	if w.Another == nil || w.Faults == nil || w.Starts == nil || w.Undecidable {
		return
	}
	run, mark := RunOf(t, w.Engine, spec)
	mark.Place = w.Another(Settings{Now: func() time.Time { return time.Now().Add(-2 * time.Minute) }}).Place()
	arrived, letGo := w.Faults.HoldNextRequest()
	ctx, die := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() {
		_, err := w.another().Start(ctx, run, mark)
		over <- err
	}()
	select {
	case <-arrived:
	case err := <-over:
		t.Fatalf("no request was sent: %v", err)
	}
	die()
	wantDoubt(t, <-over)

	type answer struct {
		ref     engine.Ref
		outcome engine.Outcome
		err     error
	}
	next := w.Another(Settings{Settle: 3 * time.Second})
	found := make(chan answer, 1)
	go func() {
		ref, outcome, err := next.Find(t.Context(), mark)
		found <- answer{ref, outcome, err}
	}()
	select {
	case a := <-found:
		letGo()
		t.Fatalf("outcome %d, %v, while the request was on its way: see remote.Starts; Settings.Settle is how long it may be", a.outcome, a.err)
	case <-time.After(200 * time.Millisecond): // it has looked once by now
		letGo()
	}
	a := <-found
	if a.err != nil || a.outcome != engine.Started || w.Starts(mark.ID) != 1 {
		t.Fatalf("outcome %d, %v, started %d times", a.outcome, a.err, w.Starts(mark.ID))
	}
	Attach(t, next, mark, a.ref).End()
}
