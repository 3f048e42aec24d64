package tasks

import (
	"context"
	"fmt"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/webhook"
)

// hook sends a delivery: one try, and what follows from it.
func (t *Tasks) hook(ctx context.Context, row *storage.Taken) error {
	l, d := row.Lease, row.Delivery
	if d == nil {
		var err error
		if d, err = t.Store.Delivery(ctx, l.Task.Ref); err != nil {
			return fmt.Errorf("load delivery: %w", err)
		}
	}
	if d.State != storage.DeliveryPending {
		// An earlier try of this task settled it and ended before its row did.
		return t.settled(ctx, l, d, slipway.T("%[1]s", "%[1]s", d.LastError))
	}
	e := t.Rules().Endpoint(d.Endpoint)
	switch {
	case e == nil:
		return t.unsendable(ctx, l, d, slipway.T("The endpoint %[1]s is no longer configured.", "接收方 %[1]s 已不在配置中。", d.Endpoint))
	case row.Disabled:
		return t.unsendable(ctx, l, d, slipway.T("The endpoint %[1]s is disabled: %[2]s", "接收方 %[1]s 已停用：%[2]s", d.Endpoint, row.Reason))
	case e.Disabled:
		return t.unsendable(ctx, l, d, slipway.T("The endpoint %[1]s is disabled.", "接收方 %[1]s 已停用。", d.Endpoint))
	}
	if !row.InTurn {
		return t.turn(d)
	}
	if p := t.enter(ctx, e); !p.granted {
		now := t.Now()
		if !t.patient(l, now) {
			return t.unsendable(ctx, l, d, t.tiredOf(d.LastError))
		}
		return t.park(e.Name, p)
	}
	return t.try(ctx, l, d, e)
}

// try sends the delivery and writes down what came of it.
func (t *Tasks) try(ctx context.Context, l *storage.Lease, d *storage.Delivery, e *slipway.Endpoint) error {
	at := t.Now()
	attempt, err := t.beginAttempt(ctx, d.ID, at)
	if err != nil {
		t.free(ctx, e.Name, t.breaker.turnBack(e.Name))
		return err
	}
	got := t.Sender.Send(ctx, t.message(d, e, at))
	now := t.Now()
	freed, back := t.breaker.leave(e.Name, now, got.Outcome != webhook.Retry)
	defer func() {
		t.free(context.WithoutCancel(ctx), e.Name, freed)
		if back {
			t.recall(context.WithoutCancel(ctx), e.Name)
		}
	}()
	if t.Attempted != nil {
		t.Attempted(e.Name, got)
	}
	attempt.DurationMS, attempt.StatusCode = got.Duration.Milliseconds(), got.StatusCode
	attempt.Error, attempt.Answer, attempt.Ended = got.Err, got.Answer, true
	attempt.Sent, attempt.AnswerHead, attempt.FirstByteMS = got.Sent, got.AnswerHead, got.FirstByte.Milliseconds()
	next := now.Add(webhook.Backoff(t.tries(d, l), got.RetryAfter, t.chance))
	state, why := storage.DeliveryFailed, slipway.Text{}
	switch got.Outcome {
	case webhook.Delivered:
		state = storage.DeliveryDelivered
	case webhook.Disable:
		why = slipway.T("The endpoint answered 410: it wants no more hooks and is disabled now.",
			"接收方答复 410，不再接收 Hook，现已停用。")
	case webhook.GiveUp:
		why = slipway.T("The hook cannot be sent: %[1]s.", "无法发送 Hook：%[1]s。", got.Err)
	case webhook.Retry:
		if t.patient(l, next) {
			state = storage.DeliveryPending
		} else {
			why = t.tiredOf(got.Err)
		}
	}
	// What happened is written down even if the process is told to end now.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	if got.Outcome == webhook.Disable {
		// Before the delivery is settled: a crash in between repeats both.
		if err := t.Store.DisableEndpoint(keep, e.Name, why.EN, now); err != nil {
			return fmt.Errorf("disable endpoint: %w", err)
		}
	}
	sent := storage.Sent{Attempt: attempt, State: state}
	if state != storage.DeliveryPending && !t.isAwaited(d, e, state) {
		sent.Lease = l // nothing else follows
	}
	if _, _, err := t.ends.get(keep, sent); err != nil {
		return fmt.Errorf("end attempt: %w", err)
	}
	switch {
	case state == storage.DeliveryPending && ctx.Err() != nil:
		return ctx.Err()
	case state == storage.DeliveryPending:
		wait := again{at: next, why: got.Err}
		if got.RetryAfter == 0 {
			wait.on = returnOf(e.Name)
		}
		return wait
	}
	d.State = state
	d.Attempts = append(d.Attempts, attempt)
	return t.follow(keep, l, d, why)
}

// patient tells whether a hook is still to be tried at a time.
func (t *Tasks) patient(l *storage.Lease, at time.Time) bool {
	return at.Before(time.UnixMilli(l.CreatedAt).Add(t.Patience))
}

func (t *Tasks) tiredOf(last string) slipway.Text {
	if last == "" {
		return slipway.T("The endpoint took no hooks for %[1]s.", "接收方已连续 %[1]s 无法接收 Hook。", span(t.Patience))
	}
	return slipway.T("It was tried for %[1]s without success. Last: %[2]s.", "已尝试 %[1]s，仍未成功。最近一次：%[2]s。", span(t.Patience), last)
}

// span says a duration in the largest unit that it is a whole number of.
func span(d time.Duration) slipway.Text {
	for _, unit := range []struct {
		length time.Duration
		one    slipway.Text
		many   slipway.Text
	}{
		{24 * time.Hour, slipway.T("a day", "1 天"), slipway.T("%[1]d days", "%[1]d 天", d/(24*time.Hour))},
		{time.Hour, slipway.T("an hour", "1 小时"), slipway.T("%[1]d hours", "%[1]d 小时", d/time.Hour)},
		{time.Minute, slipway.T("a minute", "1 分钟"), slipway.T("%[1]d minutes", "%[1]d 分钟", d/time.Minute)},
	} {
		switch {
		case d == unit.length:
			return unit.one
		case d > unit.length && d%unit.length == 0:
			return unit.many
		}
	}
	return slipway.T("%[1]s", "%[1]s", d)
}

// message is what the sender is told of a delivery and its endpoint.
func (t *Tasks) message(d *storage.Delivery, e *slipway.Endpoint, at time.Time) webhook.Delivery {
	m := webhook.EndpointDelivery(e)
	m.ID, m.Body, m.At, m.Instance, m.Event = d.ID, d.Body, at, t.PublicURL, "release_plan"
	if e.CallbackURL && d.Waits {
		m.CallbackURL = t.PublicURL + webhook.CallbackPath + "/" + d.InstanceCode
	}
	if e.Envelope == slipway.EnvelopeV5 {
		m.Event = string(d.Event)
	}
	return m
}

// tries is the number of the try that is under way, counted since the task came into
// being.
func (t *Tasks) tries(d *storage.Delivery, l *storage.Lease) int {
	n := 1
	for _, a := range d.Attempts {
		if a.StartedAt >= l.CreatedAt {
			n++
		}
	}
	return n
}

// unsendable settles a delivery that there is nobody to send to.
func (t *Tasks) unsendable(ctx context.Context, l *storage.Lease, d *storage.Delivery, why slipway.Text) error {
	if err := t.Store.SettleDelivery(ctx, d.ID, storage.DeliveryFailed, why.EN, t.Now()); err != nil {
		return fmt.Errorf("settle delivery: %w", err)
	}
	d.State = storage.DeliveryFailed
	return t.settled(ctx, l, d, why)
}
