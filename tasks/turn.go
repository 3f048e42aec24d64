package tasks

import (
	"context"
	"fmt"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/webhook"
)

// turn makes a hook wait for those to the same endpoint that came before it in the life
// of its plan.
func (t *Tasks) turn(d *storage.Delivery) error {
	return later{at: t.Now().Add(parkFor), on: turnOf(d), parked: func(ctx context.Context) {
		if first, err := t.Store.InTurn(ctx, d); err == nil && first {
			t.unpark(ctx, turnOf(d), 1)
		}
	}}
}

// turnOf names what the hooks to an endpoint about a plan wait for: each other.
func turnOf(d *storage.Delivery) string { return "turn:" + d.PlanID + "/" + d.Endpoint }

// enter asks for a place at an endpoint, and waits a moment for one that answers well.
func (t *Tasks) enter(ctx context.Context, e *slipway.Endpoint) pass {
	p := t.breaker.enter(e, t.Now())
	if p.soon == nil {
		return p
	}
	patience := time.NewTimer(lineFor)
	defer patience.Stop()
	select {
	case <-p.soon:
		return pass{granted: true}
	case <-patience.C:
	case <-ctx.Done():
	}
	return t.breaker.leaveLine(e.Name, p.soon, t.Now())
}

// park makes a hook wait until its endpoint can be given another one.
func (t *Tasks) park(endpoint string, p pass) error {
	if !p.parked {
		return later{at: p.at}
	}
	return later{at: p.at, on: roomOf(endpoint), parked: func(ctx context.Context) {
		if t.breaker.hasRoom(endpoint, t.Now()) {
			t.unpark(ctx, roomOf(endpoint), 1)
		}
	}}
}

func roomOf(endpoint string) string { return "endpoint:" + endpoint }

// free lets a number of hooks that wait for room at an endpoint come.
func (t *Tasks) free(ctx context.Context, endpoint string, n int) {
	if n > 0 {
		t.breaker.found(endpoint, n, t.unpark(ctx, roomOf(endpoint), n))
	}
}

// returnOf names what the hooks that failed at an endpoint wait for besides their time.
func returnOf(endpoint string) string { return "return:" + endpoint }

// recall lets the hooks come that failed while an endpoint was down: it is back, and the
// pause after several failures is longer than anybody wants to wait for that. If there is
// more than a crowd of them the rest sits its pause out.
func (t *Tasks) recall(ctx context.Context, endpoint string) {
	t.unpark(ctx, returnOf(endpoint), crowd)
}

// unpark sets free what waits. If that fails it comes by itself when its time is over.
func (t *Tasks) unpark(ctx context.Context, on string, n int) int {
	ctx, cancel := context.WithTimeout(ctx, bookkeeping)
	defer cancel()
	got, err := t.Store.Unpark(ctx, on, n, t.Now())
	if err != nil {
		t.Log.WarnContext(ctx, "hooks stay parked", "on", on, "err", err)
	}
	return got
}

// settled does what follows from a delivery that is not pending any more: the next one
// comes, an answer may decide at once, and nobody waits for what cannot be sent, nor
// learns of it too late.
func (t *Tasks) settled(ctx context.Context, l *storage.Lease, d *storage.Delivery, why slipway.Text) error {
	const all = 100
	t.unpark(ctx, turnOf(d), all)
	return t.follow(ctx, l, d, why)
}

// follow is settled without the next one, which came with the end of the attempt.
func (t *Tasks) follow(ctx context.Context, l *storage.Lease, d *storage.Delivery, why slipway.Text) error {
	switch {
	case d.State == storage.DeliveryFailed && !d.Waits:
		_, err := t.Commands.LoseHook(ctx, &d.Delivery, why)
		return err
	case d.State == storage.DeliveryFailed:
		_, err := t.Commands.GiveUpHook(ctx, requestOf(l), l.Task.PlanID, d.ID, why)
		return err
	case d.State == storage.DeliveryDelivered && d.Waits && len(d.Attempts) > 0:
		return t.decided(ctx, d, d.Attempts[len(d.Attempts)-1].Answer)
	}
	return nil
}

// decided takes the answer to a hook for a callback, if it is one.
func (t *Tasks) decided(ctx context.Context, d *storage.Delivery, body string) error {
	e := t.Rules().Endpoint(d.Endpoint)
	if e == nil || !e.AnswersAtOnce() {
		return nil
	}
	a, ok := webhook.AnswerIn(body, &d.Delivery)
	if !ok {
		return nil
	}
	_, err := t.Commands.AnswerHook(ctx, &d.Delivery, a)
	if code := slipway.CodeOf(err); err != nil && (code == slipway.Conflict || code == slipway.NotFound) {
		t.Log.InfoContext(ctx, "answer came too late", "delivery", d.ID, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("take answer to hook: %w", err)
	}
	return nil
}
