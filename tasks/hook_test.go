package tasks

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/webhook"
)

func TestAHookIsDeliveredAndItsAttemptWrittenDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		e := office()
		e.Secrets, e.Headers, e.AllowPrivate = []string{"whsec_c2xpcHdheQ=="}, map[string]string{"X-Team": "pay"}, true
		e.Compat, e.CallbackToken, e.Envelope = webhook.CompatZadig, "token", slipway.EnvelopeV5
		w.rules.Endpoints = []slipway.Endpoint{e}
		w.PublicURL = "https://slipway.example.com"
		w.sender.answers(webhook.Attempt{StatusCode: 202, Duration: 30 * time.Millisecond, Answer: "got it", Outcome: webhook.Delivered})
		p := w.plan(t, nil)

		w.handle(t, w.one(t, slipway.TaskHook), Done)

		d := w.delivery(t, p.ID)
		at := w.clock.now()
		want := webhook.Delivery{
			ID: p.Gate.Waits[0].DeliveryID, URL: e.URL, Body: d.Body, Secrets: e.Secrets, Headers: e.Headers, At: at,
			AllowPrivate: true, Compat: "zadig", Token: "token", Instance: "https://slipway.example.com", Event: "finish_planning",
		}
		if diff := cmp.Diff([]webhook.Delivery{want}, w.sender.sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		attempts := []storage.Attempt{{
			ID: d.ID + "/1", DeliveryID: d.ID, Number: 1, StartedAt: at.UnixMilli(), DurationMS: 30, StatusCode: 202, Answer: "got it", Ended: true,
		}}
		if diff := cmp.Diff(attempts, d.Attempts); diff != "" || d.State != storage.DeliveryDelivered {
			t.Errorf("state %s, attempts (-want +got):\n%s", d.State, diff)
		}
	})
}

// A worker that dies between the answer and the end of its row does not send again;
// one that dies before the answer does, under the same id.
func TestAHookIsSentAgainOnlyIfNobodyKnowsHowItWent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		p := w.plan(t, nil)
		hook := w.one(t, slipway.TaskHook)
		die := func(work func(context.Context, *storage.Taken) error) {
			t.Helper()
			if err := work(t.Context(), w.lease(t, hook, "dies")); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(leaseTime)
		}
		die(func(ctx context.Context, row *storage.Taken) error {
			_, err := w.beginAttempt(ctx, row.Delivery.ID, w.clock.now())
			w.sender.Send(ctx, webhook.Delivery{ID: row.Delivery.ID})
			return err
		})
		die(w.perform)
		w.handle(t, hook, Gone) // it ended with the attempt

		d := w.delivery(t, p.ID)
		if diff := cmp.Diff([]string{d.ID, d.ID}, w.sender.ids()); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		if len(d.Attempts) != 2 || d.Attempts[0].Ended || !d.Attempts[1].Ended {
			t.Errorf("attempts %+v, want one cut short and one that ended", d.Attempts)
		}
	})
}

func TestAFailingHookIsRetriedUntilPatienceEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{office()}
		w.Patience = 10 * time.Minute
		w.sender.answers(webhook.Attempt{StatusCode: 503, Err: "answered 503", Outcome: webhook.Retry})
		p := w.plan(t, nil)
		hook := w.one(t, slipway.TaskHook)

		tries := 1
		for w.Handle(t.Context(), hook) == Again {
			w.clock.advance(500 * time.Millisecond) // the first pause is a second
			w.handle(t, hook, Gone)
			if n := len(w.sender.ids()); n != tries {
				t.Fatalf("sent %d times in %d tries", n, tries)
			}
			w.clock.advance([]time.Duration{time.Second, 6 * time.Second, 36 * time.Second, 3 * time.Minute, 6 * time.Minute}[tries-1])
			tries++
		}

		d := w.delivery(t, p.ID)
		if d.State != storage.DeliveryFailed || len(d.Attempts) != tries || tries != 6 {
			t.Errorf("state %s after %d attempts in %d tries, want failed after six", d.State, len(d.Attempts), tries)
		}
		now := w.look(t, p.ID)
		if now.Status() != slipway.FinishPlanningCheckFailed || !strings.Contains(now.Gate.Reason.EN, "tried for 10 minutes") {
			t.Errorf("status %s, reason %q", now.Status(), now.Gate.Reason.EN)
		}
		if n := w.count(t, slipway.TaskHook); n != 0 {
			t.Errorf("%d hook tasks are left, want none", n)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		w.sender.answers(webhook.Attempt{StatusCode: 429, Err: "answered 429", Outcome: webhook.Retry, RetryAfter: 10 * time.Minute})
		w.plan(t, nil)
		hook := w.one(t, slipway.TaskHook)
		w.handle(t, hook, Again)
		w.clock.advance(10*time.Minute - time.Second)
		w.handle(t, hook, Gone)
		w.clock.advance(3 * time.Minute)
		w.handle(t, hook, Again)
	})
}

func TestHooksThatNobodyTakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*testing.T, *world)
		sent   int
		reason string
	}{
		{"the endpoint says 410", func(_ *testing.T, w *world) {
			w.sender.answers(webhook.Attempt{StatusCode: 410, Err: "answered 410", Outcome: webhook.Disable})
		}, 1, "office: The endpoint answered 410"},
		{"the delivery is malformed", func(_ *testing.T, w *world) {
			w.sender.answers(webhook.Attempt{Err: "bad id", Outcome: webhook.GiveUp})
		}, 1, "office: The hook cannot be sent: bad id."},
		{"the endpoint was disabled by itself", func(t *testing.T, w *world) {
			if err := w.Store.DisableEndpoint(t.Context(), "office", "It said 410.", morning); err != nil {
				t.Fatal(err)
			}
		}, 0, "office: The endpoint office is disabled: It said 410."},
		{"the endpoint was disabled by the operator", func(_ *testing.T, w *world) {
			w.rules.Endpoints[0].Disabled = true
		}, 0, "office: The endpoint office is disabled."},
		{"the endpoint is no longer configured", func(_ *testing.T, w *world) {
			w.rules.Endpoints = nil
		}, 0, "office: The endpoint office is no longer configured."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				w.rules.Endpoints = []slipway.Endpoint{office()}
				p := w.plan(t, nil)
				tt.change(t, w)

				w.handle(t, w.one(t, slipway.TaskHook), Done)

				now := w.look(t, p.ID)
				if now.Status() != slipway.FinishPlanningCheckFailed || !strings.HasPrefix(now.Gate.Reason.EN, tt.reason) {
					t.Errorf("status %s, reason %q, want a failed check because %q", now.Status(), now.Gate.Reason.EN, tt.reason)
				}
				if d := w.delivery(t, p.ID); d.State != storage.DeliveryFailed || d.LastError == "" {
					t.Errorf("the delivery is %s with error %q", d.State, d.LastError)
				}
				if n := len(w.sender.ids()); n != tt.sent {
					t.Errorf("sent %d times, want %d", n, tt.sent)
				}
				disabled, err := w.Store.DisabledEndpoints(t.Context())
				if err != nil || tt.sent == 1 && (disabled["office"] != "") != (w.sender.answer(webhook.Delivery{}).Outcome == webhook.Disable) {
					t.Errorf("disabled endpoints %v, error %v", disabled, err)
				}
			})
		})
	}
}

// Who is only told holds nothing back, so that nobody would notice: the manager learns of
// the first hook of a plan that an endpoint misses, and of no other.
func TestTheManagerLearnsOnceThatAnEndpointIsNotTold(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		w.sender.answers(webhook.Attempt{Err: "bad id", Outcome: webhook.GiveUp})
		work := func() {
			for _, id := range w.due(t, slipway.TaskHook, slipway.TaskNotice) {
				w.handle(t, id, Done)
			}
		}
		p := w.plan(t, nil)
		work()
		w.must(t)(w.Commands.Start(t.Context(), commands.Ask{User: alice}, p.ID))
		work()
		work()
		want := "wall could not be told of plan #1 payments 4.2 (check of the planning). The hook cannot be sent: bad id. The plan goes on."
		if told := w.cards.told; len(told) != 1 || !strings.HasPrefix(told[0], want) {
			t.Errorf("told %q, want once %q", told, want)
		}
		verbs := []slipway.Verb{slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbGiveUp, slipway.VerbStart}
		if diff := cmp.Diff(verbs, w.verbs(t, p.ID)); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		if now := w.look(t, p.ID); now.Status() != slipway.Executing {
			t.Errorf("the plan is in %s", now.Status())
		}
	})
}

// When a plan is cancelled nobody is asked about it any more; who is only told still is.
func TestAQuestionThatIsGivenUpIsNotSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{office(), wall()}
		p := w.plan(t, nil)
		w.sender.answers(webhook.Attempt{Outcome: webhook.Retry, Err: "no answer"})
		for _, id := range w.due(t, slipway.TaskHook) {
			w.handle(t, id, Again)
		}
		w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, p.ID, "no more"))
		w.clock.advance(time.Hour)
		w.sender.answers(webhook.Attempt{Outcome: webhook.Delivered, StatusCode: 200})
		for _, id := range w.due(t, slipway.TaskHook) {
			w.handle(t, id, Done)
		}
		ds, err := w.Store.Deliveries(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			want := storage.DeliveryDelivered
			if d.Waits {
				want = storage.DeliveryDropped
			}
			if d.State != want {
				t.Errorf("the hook to %s is %s, want %s", d.Endpoint, d.State, want)
			}
		}
	})
}

func TestAHookThatIsSentAgainByHandGoesOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.rules.Endpoints = []slipway.Endpoint{wall()}
		p := w.plan(t, nil)
		w.handle(t, w.one(t, slipway.TaskHook), Done)
		d := w.delivery(t, p.ID)
		w.clock.advance(time.Hour)

		w.must(t)(w.Commands.Resend(t.Context(), commands.Ask{User: alice}, d.ID))
		w.handle(t, w.one(t, slipway.TaskHook), Done)

		sent := w.sender.sent
		if len(sent) != 2 || sent[0].ID != sent[1].ID || string(sent[0].Body) != string(sent[1].Body) {
			t.Errorf("sent %d hooks %v, want the same twice", len(sent), w.sender.ids())
		}
	})
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]slipway.Text{
		DefaultPatience:  slipway.T("3 days", "3 天"),
		24 * time.Hour:   slipway.T("a day", "1 天"),
		36 * time.Hour:   slipway.T("36 hours", "36 小时"),
		time.Minute:      slipway.T("a minute", "1 分钟"),
		90 * time.Second: slipway.T("1m30s", "1m30s"),
	} {
		if got := span(d); got != want {
			t.Errorf("%s is %v, want %v", d, got, want)
		}
	}
}
