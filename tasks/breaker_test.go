package tasks

import (
	"testing"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
	"slipway/webhook"
)

// gatekeeper is a breaker with a clock.
type gatekeeper struct {
	*breaker
	now time.Time
}

func (g *gatekeeper) ask(endpoint string) pass {
	return g.enter(&slipway.Endpoint{Name: endpoint}, g.now)
}

func (g *gatekeeper) passes(endpoint string) bool { return g.ask(endpoint).granted }

func TestAFailingEndpointIsPausedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	g := &gatekeeper{newBreaker(128), morning}
	for range breakAfter {
		if !g.passes("bad") {
			t.Fatal("paused too early")
		}
		g.leave("bad", g.now, false)
	}
	scout := g.ask("bad")
	if scout.granted || !scout.parked || !scout.at.Equal(g.now.Add(breakFor)) || !g.passes("good") {
		t.Fatalf("want the good endpoint served, and one hook to come back to the bad one after its pause: %+v", scout)
	}
	if next := g.ask("bad"); next.granted || !next.at.Equal(g.now.Add(parkFor)) {
		t.Errorf("want the others to wait until they are called: %+v", next)
	}
	g.now = g.now.Add(breakFor)
	if !g.passes("bad") || g.passes("bad") {
		t.Fatal("want one hook let through after the pause")
	}
	if free, back := g.leave("bad", g.now, false); free != 1 || back || g.passes("bad") {
		t.Fatalf("want another pause after it failed, and one hook called to be the next to see; %d are called", free)
	}
	g.now = g.now.Add(breakFor)
	if !g.passes("bad") {
		t.Fatal("want one hook let through again")
	}
	if free, back := g.leave("bad", g.now, true); free < 2 || !back {
		t.Errorf("%d hooks are called after a success, want those that wait; it is back: %t", free, back)
	}
}

func TestNoEndpointTakesEveryWorker(t *testing.T) {
	t.Parallel()
	g := &gatekeeper{newBreaker(64), morning}
	taken := map[string]int{}
	for _, endpoint := range []string{"a", "b", "c", "d", "e"} {
		for g.passes(endpoint) {
			taken[endpoint]++
		}
	}
	if taken["a"] != perEndpoint || taken["b"] != perEndpoint || g.flying >= 64 {
		t.Errorf("taken %v of 64", taken)
	}
	for _, endpoint := range []string{"a", "b", "c", "d", "e"} {
		if taken[endpoint] == 0 {
			t.Errorf("nothing is left for %s: %v", endpoint, taken)
		}
	}
	if free, back := g.leave("a", g.now, true); free != 0 || back {
		t.Errorf("%d are called while nearly all are on their way; want them called in batches", free)
	}
	if free := g.turnBack("e"); free == 0 && taken["e"] == 1 {
		t.Error("the only hook has come back, and none of those that wait is called")
	}
}

func TestAnEndpointIsNotSentMoreThanItsRate(t *testing.T) {
	t.Parallel()
	b, now := newBreaker(128), morning
	e := &slipway.Endpoint{Name: "slow", Rate: 2}
	sent := 0
	for at := now; at.Before(now.Add(10 * time.Second)); at = at.Add(50 * time.Millisecond) {
		if b.enter(e, at).granted {
			b.leave(e.Name, at, true)
			sent++
		}
	}
	if sent < 20 || sent > 22 {
		t.Errorf("sent %d in ten seconds at two a second", sent)
	}
	now = now.Add(10 * time.Second)
	for b.enter(e, now).granted {
		b.leave(e.Name, now, true)
	}
	first, second := b.enter(e, now), b.enter(e, now)
	if first.granted || second.granted || first.parked || second.at.Sub(first.at) != 500*time.Millisecond {
		t.Errorf("want each to come back at a time of its own: %+v, %+v", first, second)
	}
	for range 3 * perEndpoint {
		if p := b.enter(&slipway.Endpoint{Name: "free"}, now); p.granted {
			b.leave("free", now, true)
		} else {
			t.Fatal("an endpoint without a rate is held up")
		}
	}
}

// What waits for the breaker is not tried meanwhile: it costs no patience and does not
// stretch the backoff. It comes when the endpoint is well again, not before its time.
func TestAPausedHookIsCalledWhenItsEndpointIsWell(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		first, second := w.plan(t, nil), w.plan(t, nil)
		for range breakAfter {
			w.breaker.enter(&wallEndpoint, w.clock.now())
			w.breaker.leave("wall", w.clock.now(), false)
		}
		for _, hook := range w.due(t, slipway.TaskHook) {
			w.handle(t, hook, Again)
		}
		if n := len(w.sender.ids()); n != 0 {
			t.Fatalf("sent %d times to a paused endpoint", n)
		}
		w.clock.advance(breakFor - 6*time.Second)
		w.handle(t, w.one(t, slipway.TaskHook), Done) // one comes to see
		w.handle(t, w.one(t, slipway.TaskHook), Done) // and the other is called
		for _, p := range []*slipway.Plan{first, second} {
			if d := w.delivery(t, p.ID); d.State != storage.DeliveryDelivered || len(d.Attempts) != 1 {
				t.Errorf("state %s, %d attempts", d.State, len(d.Attempts))
			}
		}
	})
}

// The pause after several failures grows to hours. When the endpoint is back nobody waits for
// its end, unless the endpoint has said when it wants to be asked again.
func TestAHookThatFailedIsCalledWhenItsEndpointIsBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		down := webhook.Attempt{StatusCode: 503, Err: "answered 503", Outcome: webhook.Retry}
		w.sender.answers(down)
		failed := w.plan(t, nil)
		for range breakAfter - 1 {
			w.clock.advance(40 * time.Second)
			w.handle(t, w.one(t, slipway.TaskHook), Again)
		}
		down.RetryAfter = 10 * time.Minute
		w.sender.answers(down)
		told := w.plan(t, nil)
		w.handle(t, w.one(t, slipway.TaskHook), Again)

		w.sender.answers(webhook.Attempt{StatusCode: 200, Outcome: webhook.Delivered})
		scout := w.plan(t, nil)
		w.handle(t, w.one(t, slipway.TaskHook), Again) // the endpoint is in its pause
		w.clock.advance(breakFor - 6*time.Second)
		w.handle(t, w.one(t, slipway.TaskHook), Done) // one comes to see
		w.handle(t, w.one(t, slipway.TaskHook), Done) // and the one that failed is called

		for p, want := range map[*slipway.Plan]storage.DeliveryState{
			failed: storage.DeliveryDelivered, scout: storage.DeliveryDelivered, told: storage.DeliveryPending,
		} {
			if d := w.delivery(t, p.ID); d.State != want {
				t.Errorf("a hook is %s after %d attempts, want %s", d.State, len(d.Attempts), want)
			}
		}
	})
}

var wallEndpoint = wall()

// A hook that is parked while the last one lands is not forgotten.
func TestAHookThatIsParkedTooLateComesAtOnce(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		p := w.plan(t, nil)
		hook := w.one(t, slipway.TaskHook)
		row := w.lease(t, hook, w.owner)
		for range perEndpoint {
			w.breaker.enter(&wallEndpoint, w.clock.now())
		}
		refused := w.perform(t.Context(), row)
		for range perEndpoint {
			free, _ := w.breaker.leave("wall", w.clock.now(), true)
			w.free(t.Context(), "wall", free)
		}
		if ending, _ := w.end(t.Context(), row.Lease, refused); ending != Again {
			t.Fatalf("ended as %s", ending)
		}
		w.handle(t, hook, Done)
		if d := w.delivery(t, p.ID); d.State != storage.DeliveryDelivered {
			t.Errorf("state %s", d.State)
		}
	})
}

// The hooks about one plan reach an endpoint in the order of its life; another plan's do
// not wait for them.
func TestHooksKeepTheirOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		w.sender.answers(webhook.Attempt{StatusCode: 503, Err: "answered 503", Outcome: webhook.Retry})
		p := w.executing(t) // finish_planning and start_execute
		hooks := w.due(t, slipway.TaskHook)
		for _, hook := range hooks {
			w.handle(t, hook, Again)
		}
		ds, err := w.Store.Deliveries(t.Context(), p.ID)
		if err != nil || len(ds) != 2 {
			t.Fatalf("%d deliveries, error %v", len(ds), err)
		}
		if sent := w.sender.ids(); len(sent) != 1 || sent[0] != ds[0].ID {
			t.Fatalf("sent %v, want only the first of %s and %s", sent, ds[0].ID, ds[1].ID)
		}

		w.sender.answers(webhook.Attempt{StatusCode: 200, Outcome: webhook.Delivered})
		other := w.plan(t, nil)
		for _, hook := range w.due(t, slipway.TaskHook) {
			w.handle(t, hook, Done) // the first plan's, after its pause, and the other plan's
		}
		w.handle(t, w.one(t, slipway.TaskHook), Done) // the second is called

		sent := w.sender.ids()
		if len(sent) != 4 || sent[3] != ds[1].ID {
			t.Errorf("sent %v, want the second, %s, last", sent, ds[1].ID)
		}
		if d := w.delivery(t, other.ID); d.State != storage.DeliveryDelivered {
			t.Errorf("the other plan's hook is %s", d.State)
		}
	})
}

// A receiver that answers the hook itself with a result decides at once; anything else
// that it says is only kept.
func TestAnAnswerToTheHookMayDecide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		change func(*slipway.Endpoint)
		want   slipway.Status
	}{
		"yes":                     {`{"result":"success"}`, nil, slipway.FinishPlanning},
		"no":                      {`{"result":"failed","failed_reason":"no rollback plan"}`, nil, slipway.FinishPlanningCheckFailed},
		"at work":                 {`{"result":"executing","description":"1 of 3"}`, nil, slipway.WaitFinishPlanning},
		"nothing":                 {``, nil, slipway.WaitFinishPlanning},
		"no JSON":                 {`success`, nil, slipway.WaitFinishPlanning},
		"no result":               {`{"ok":true}`, nil, slipway.WaitFinishPlanning},
		"another word":            {`{"result":"ok"}`, nil, slipway.WaitFinishPlanning},
		"for another question":    {`{"result":"success","instance_code":"e52e21b68b7ec3"}`, nil, slipway.WaitFinishPlanning},
		"where a token is asked":  {`{"result":"success"}`, func(e *slipway.Endpoint) { e.CallbackToken = "t" }, slipway.WaitFinishPlanning},
		"where it must be signed": {`{"result":"success"}`, func(e *slipway.Endpoint) { e.CallbackSigned = true }, slipway.WaitFinishPlanning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				e := office()
				if c.change != nil {
					c.change(&e)
				}
				w.rules.Endpoints = []slipway.Endpoint{e}
				w.sender.answers(webhook.Attempt{StatusCode: 200, Answer: c.answer, Outcome: webhook.Delivered})
				p := w.plan(t, nil)
				w.handle(t, w.one(t, slipway.TaskHook), Done)
				if now := w.look(t, p.ID); now.Status() != c.want {
					t.Errorf("after %q the plan is in %s, want %s", c.answer, now.Status(), c.want)
				}
			})
		})
	}
}

// A worker that dies between the end of the try and the decision leaves both to the next.
func TestADecisionIsNotLostWithItsWorker(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{office()}
		p := w.plan(t, nil)
		storagetest.Try(t, w.Store, p.Gate.Waits[0].DeliveryID, w.clock.now(), storage.DeliveryDelivered,
			storage.Attempt{StatusCode: 200, Answer: `{"result":"success"}`})
		w.handle(t, w.one(t, slipway.TaskHook), Done)
		if now := w.look(t, p.ID); now.Status() != slipway.FinishPlanning {
			t.Errorf("the plan is in %s", now.Status())
		}
		if n := len(w.sender.ids()); n != 0 {
			t.Errorf("sent %d times more", n)
		}
	})
}
