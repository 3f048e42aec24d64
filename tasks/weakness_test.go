package tasks

import (
	"testing"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/webhook"
)

// W10: Zadig sends a hook once, inside the request of the person and while it holds the
// plan's lock. A failure is only logged, a crash loses the hook, and then the plan waits
// for ever.
func TestW10_AHookIsSentLaterAgainAndNotForEver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{office()}
		w.Patience = time.Hour
		p := w.plan(t, nil) // submits, as a person does
		if n := len(w.sender.ids()); n != 0 {
			t.Fatalf("%d hooks were sent while the person waited", n)
		}

		// The process crashes before it sends: the row is still there.
		hook := w.one(t, slipway.TaskHook)
		if l, err := w.Store.LeaseTask(t.Context(), hook, "dies", w.clock.now(), leaseTime); err != nil || l == nil {
			t.Fatalf("lease %v, error %v", l, err)
		}
		w.clock.advance(leaseTime)

		// The endpoint is down, then hangs, then nobody is there; people can work meanwhile.
		for _, failure := range []webhook.Attempt{
			{StatusCode: 503, Err: "answered 503", Outcome: webhook.Retry},
			{Err: "no whole answer within 15s", Outcome: webhook.Retry},
			{Err: "connection refused", Outcome: webhook.Retry},
		} {
			w.sender.answers(failure)
			w.handle(t, hook, Again)
			w.clock.advance(5 * time.Minute)
		}
		if d := w.delivery(t, p.ID); len(d.Attempts) != 3 || d.State != storage.DeliveryPending {
			t.Fatalf("%s after %d attempts", d.State, len(d.Attempts))
		}
		w.clock.advance(time.Hour)
		w.handle(t, hook, Done)
		if now := w.look(t, p.ID); now.Status() != slipway.FinishPlanningCheckFailed || now.Gate.Reason.EN == "" {
			t.Errorf("after its patience the plan is in %s", now.Status())
		}
		if w.count(t, slipway.TaskNotice) == 0 {
			t.Error("nobody is told")
		}
	})
}
