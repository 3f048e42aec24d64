package tasks

import (
	"testing"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/webhook"
)

// An endpoint that is down for a day gets everything afterwards: the same bytes, in order, and
// was not asked more often than it takes to see that it is back.
func TestAnEndpointThatIsDownForADay(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		const plans = 10
		w.rules.Endpoints = []slipway.Endpoint{office(), wall()}
		back := morning.Add(24 * time.Hour)
		w.sender.answer = func(d webhook.Delivery) webhook.Attempt {
			if d.URL == wallEndpoint.URL && w.clock.now().Before(back) {
				return webhook.Attempt{StatusCode: 503, Err: "answered 503", Outcome: webhook.Retry}
			}
			return webhook.Attempt{StatusCode: 200, Outcome: webhook.Delivered, Answer: "ok"}
		}
		var ids []string
		for range plans {
			ids = append(ids, w.plan(t, nil).ID)
		}
		w.workFor(t, 12*time.Hour)
		for _, id := range ids { // the gate does not wait for who is only told
			g := w.look(t, id).Gate
			_, err := w.Commands.Answer(t.Context(), commands.Callback{
				Event: g.Event, PlanID: id, InstanceCode: g.Waits[0].Code, Result: slipway.ResultSuccess,
			})
			if err != nil {
				t.Fatal(err)
			}
			w.must(t)(w.Commands.Start(t.Context(), commands.Ask{User: alice}, id))
		}
		w.workFor(t, 36*time.Hour)

		if n := w.count(t, slipway.TaskHook); n != 0 {
			t.Errorf("%d hooks are still to be sent", n)
		}
		tries := 0
		for _, id := range ids {
			tries += w.judgeAfterOutage(t, id, back)
		}
		if most := 24 * 60 * 4; tries > most {
			t.Errorf("it was asked %d times in a day, want no more than four times a minute", tries)
		}
		t.Logf("%d hooks came after a day; %d tries while it was down", 2*plans, tries)
	})
}

// workFor does what is due, as time goes on.
func (w *world) workFor(t *testing.T, span time.Duration) {
	t.Helper()
	for end := w.clock.now().Add(span); w.clock.now().Before(end); w.clock.advance(20 * time.Minute) {
		for ids := w.due(t, slipway.TaskHook); len(ids) > 0; ids = w.due(t, slipway.TaskHook) {
			for _, id := range ids {
				w.Handle(t.Context(), id)
			}
		}
	}
}

// judgeAfterOutage looks at the hooks of one plan and returns how many tries were in vain.
func (w *world) judgeAfterOutage(t *testing.T, planID string, back time.Time) (vain int) {
	t.Helper()
	all, err := w.Store.Deliveries(t.Context(), planID)
	if err != nil {
		t.Fatal(err)
	}
	done := int64(0)
	for _, d := range all {
		if d.State != storage.DeliveryDelivered {
			t.Errorf("hook %s of %s to %s is %s after %d tries", d.ID, d.Event, d.Endpoint, d.State, len(d.Attempts))
		}
		if d.Endpoint != "wall" {
			continue
		}
		for _, a := range d.Attempts {
			if a.StartedAt < done {
				t.Errorf("hook %s was sent before the one ahead of it had arrived", d.ID)
			}
		}
		if done = d.DoneAt; done < back.UnixMilli() {
			t.Errorf("hook %s arrived while the endpoint was down", d.ID)
		}
		vain += len(d.Attempts) - 1
		for _, sent := range w.sender.of(d.ID) {
			if string(sent.Body) != string(d.Body) {
				t.Errorf("hook %s was sent with other bytes than were frozen", d.ID)
			}
		}
	}
	return vain
}

// of returns what was sent under an id.
func (s *fakeSender) of(id string) (list []webhook.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.sent {
		if d.ID == id {
			list = append(list, d)
		}
	}
	return list
}
