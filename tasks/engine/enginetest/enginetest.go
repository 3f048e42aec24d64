// Package enginetest is the suite that every workflow engine passes. An engine's test
// declares its world: which of its workflows behaves as a scenario says, and what else
// the world can do; the suite drives it through the interfaces of package engine alone.
// What the engine has no ability for, or the world does not offer, is not played.
package enginetest

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/remote"
)

// Scenario is a way for a workflow to behave.
type Scenario string

// The scenarios. Jobs are named as said here. Stand-ins get them all from
// standin.Scenarios.
const (
	Passes  Scenario = "passes"  // job "one" prints "hello" and passes
	Fails   Scenario = "fails"   // stage 1: job "bad" fails at once, job "good" passes later; stage 2: job "never"
	Blocks  Scenario = "blocks"  // job "one" prints "ready", then runs until it is ended
	Slow    Scenario = "slow"    // job "one" runs for ever and has a timeout of one second
	Params  Scenario = "params"  // has the params GREETING and TARGET (choice of a, b); job "one" prints [$GREETING][$TARGET]
	Secret  Scenario = "secret"  // has the credential param TOKEN; job "one" prints <TOKEN's value>
	Chatter Scenario = "chatter" // job "one" prints 1 to 200, a number a line
	Stages  Scenario = "stages"  // stage 1: jobs "left" and "right", which pass only if both run at once; stage 2: job "last"
	Broken  Scenario = "broken"  // cannot be run by this engine because of its job "odd"
	Asks    Scenario = "asks"    // job "before" passes; job "gate" waits for a person, then passes; job "after" passes
	Flaky   Scenario = "flaky"   // stage 1: job "one" prints "trying", fails the first time and passes the second; stage 2: job "two"
)

// World is an engine with its workflows. Engine and Workflow are needed; each of the
// others has more of the suite played.
type World struct {
	Engine engine.Engine
	// Workflow names the workflow of a scenario; false if the engine has no such.
	Workflow func(Scenario) (slipway.WorkflowSpec, bool)
	// Another returns an engine of another process that reaches the same world.
	Another func(Settings) engine.Engine
	// Faults are those of the stand-in, and of the way to it.
	Faults *standin.Faults
	// Starts counts the runs in the world that carry a mark.
	Starts func(mark string) int
	// Undecidable says that the engine, asked by another process, can never tell what
	// became of a start: the suite then wants Unknowable where it would want an answer.
	Undecidable bool
	// Rerun has a person run what failed in a run again, in the engine's own page.
	Rerun func(engine.Ref)
	// Edit has somebody change the workflow of a scenario.
	Edit func(Scenario)
	// Said returns the ways in which a person may name a run: its number, its address.
	Said func(engine.Ref) []string
	// Notices sends notices of what happens in the world.
	Notices Notifier
	// Notice returns a notice with a body, signed as the engine's own are.
	Notice func(body []byte) engine.Notice
	// Secrets are the credentials that the engine was given; none may be seen anywhere.
	Secrets []string
}

// Settings are how an engine differs from that of the world. What is zero is as there.
type Settings struct {
	Transport  http.RoundTripper // the way to the world
	Poll       time.Duration     // between two looks at a run, whether it changes or not
	Settle     time.Duration     // how long after its request a run may still appear
	Now        func() time.Time  // the clock
	WrongToken bool              // has credentials that the world does not know; an engine without any is nil then
	Log        *slog.Logger
}

// Change applies the settings, but for the credentials, to how the world is reached.
func (s Settings) Change(a *remote.Access) {
	a.Transport, a.Log = s.Transport, s.Log
	if s.Poll > 0 {
		a.Poll, a.MaxPoll = s.Poll, s.Poll
	}
	if s.Settle > 0 {
		a.Settle = s.Settle
	}
	if s.Now != nil {
		a.Now = s.Now
	}
}

// Quick is how a stand-in is reached, which answers at once.
func Quick() remote.Access {
	return remote.Access{
		Timeout: 2 * time.Second, Poll: 10 * time.Millisecond, MaxPoll: 20 * time.Millisecond, Settle: 50 * time.Millisecond, Now: time.Now,
	}
}

// StandIn is a vendor's server that notes what the vendor would have refused.
type StandIn interface {
	Listen(address string) error
	Close()
	Violations() []string
}

// Serve lets a stand-in listen until the test ends. The test fails if the vendor would
// have refused something.
func Serve(t *testing.T, s StandIn, vendor string) {
	t.Helper()
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if v := s.Violations(); len(v) > 0 {
			t.Errorf("%s would have refused, or answered otherwise:\n%s", vendor, strings.Join(v, "\n"))
		}
	})
}

// Notifier is a stand-in that sends notices.
type Notifier interface {
	Notify(mode standin.Mode)
	NotifyURL(url string)
}

// Patience bounds every wait of the suite.
const Patience = 20 * time.Second

// Run runs the suite; build makes a world of its own for each test.
func Run(t *testing.T, build func(t *testing.T) World) {
	t.Helper()
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			w := build(t)
			spec, ok := w.Workflow(story.scenario)
			if !ok {
				return
			}
			story.play(t, w, spec)
		})
	}
}

var stories = []struct {
	name     string
	scenario Scenario
	play     func(*testing.T, World, slipway.WorkflowSpec)
}{
	{"a workflow passes", Passes, passes},
	{"a failing job lets its siblings finish and skips later stages", Fails, fails},
	{"a run is cancelled", Blocks, cancels},
	{"a run takes too long", Slow, timesOut},
	{"params reach the run as they are", Params, params},
	{"wrong params are refused", Params, wrongParams},
	{"credentials are masked", Secret, secret},
	{"log lines come in order, once, and from where the watcher was", Chatter, chatter},
	{"jobs of a stage run side by side", Stages, stages},
	{"a workflow is started as it was stored", Secret, stored},
	{"what cannot run is refused by name", Broken, broken},
	{"an unknown workflow is refused", Passes, unknown},
	{"an inline workflow is not mistaken for a named one", Passes, inline},
	{"a watcher that leaves does not end the run", Blocks, watcherLeaves},
	{"a changed workflow is not started", Passes, changed},
	{"a workflow that somebody changes is not started", Passes, edited},

	{"a mark starts one run", Passes, startsOnce},
	{"a start is found by its mark", Blocks, found},
	{"a process dies around a start", Blocks, dies},
	{"a process dies while its request is on its way", Passes, onItsWay},

	{"a person's yes lets a run go on", Asks, agrees},
	{"a person's no ends a run", Asks, declines},
	{"what does not wait takes no answer", Asks, notAsked},
	{"a run that waits is cancelled", Asks, cancelsWaiting},
	{"what failed is run again", Flaky, retries},
	{"what failed is run again in the engine's page", Flaky, rerun},
	{"what runs or has passed is not run again", Blocks, notRetried},
	{"a run is adopted", Passes, adopted},
	{"what is no run of the workflow is not adopted", Passes, notAdopted},

	{"notices say which run to look at", Passes, hears},
	{"a run is followed though its notices are lost", Asks, deaf},
	{"notices that are not genuine are refused", Passes, forged},
	{"a nudge makes a watcher look at once", Blocks, nudged},

	{"the engine is down while a run is watched", Blocks, down},
	{"the engine is asked too often", Passes, limited},
	{"credentials that are not accepted are told of", Passes, wrongToken},
	{"no answer makes the engine repeat a credential", Secret, careless},
}
