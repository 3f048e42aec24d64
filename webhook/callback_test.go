package webhook_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/webhook"
)

const callbackSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestEveryRowOfTheCallbackTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventFinishPlanning)
	with := func(changes map[string]any) func(map[string]any) {
		return func(body map[string]any) {
			for key, value := range changes {
				if value == nil {
					delete(body, key)
				} else {
					body[key] = value
				}
			}
		}
	}
	for name, c := range map[string]struct {
		change   func(map[string]any)
		status   int
		code     slipway.Code
		problems []string
		after    slipway.Status
	}{
		"success":                {with(nil), 200, "", nil, slipway.WaitForApproval},
		"with unknown keys":      {with(map[string]any{"extra": []any{1}, "Result": "failed"}), 200, "", nil, slipway.WaitForApproval},
		"without failed_reason":  {with(map[string]any{"failed_reason": nil}), 200, "", nil, slipway.WaitForApproval},
		"failed with a reason":   {with(map[string]any{"result": "failed", "failed_reason": "no"}), 200, "", nil, slipway.FinishPlanningCheckFailed},
		"failed without one":     {with(map[string]any{"result": "failed"}), 200, "", nil, slipway.FinishPlanningCheckFailed},
		"executing":              {with(map[string]any{"result": "executing", "description": "1/2"}), 200, "", nil, slipway.WaitFinishPlanning},
		"event missing":          {with(map[string]any{"hook_event": nil}), 400, "invalid", []string{"hook_event"}, ""},
		"event unknown":          {with(map[string]any{"hook_event": "finished"}), 400, "invalid", []string{"hook_event"}, ""},
		"event of another kind":  {with(map[string]any{"hook_event": 1}), 400, "invalid", []string{"hook_event"}, ""},
		"plan missing":           {with(map[string]any{"release_plan_id": ""}), 400, "invalid", []string{"release_plan_id"}, ""},
		"plan of another kind":   {with(map[string]any{"release_plan_id": 12}), 400, "invalid", []string{"release_plan_id"}, ""},
		"code missing":           {with(map[string]any{"instance_code": nil}), 400, "invalid", []string{"instance_code"}, ""},
		"code of another kind":   {with(map[string]any{"instance_code": []any{}}), 400, "invalid", []string{"instance_code"}, ""},
		"result missing":         {with(map[string]any{"result": nil}), 400, "invalid", []string{"result"}, ""},
		"result unknown":         {with(map[string]any{"result": "passed"}), 400, "invalid", []string{"result"}, ""},
		"result of another kind": {with(map[string]any{"result": true}), 400, "invalid", []string{"result"}, ""},
		"reason of another kind": {with(map[string]any{"failed_reason": map[string]any{}}), 400, "invalid", []string{"failed_reason"}, ""},
		"reason too long":        {with(map[string]any{"failed_reason": strings.Repeat("长", 4001)}), 400, "invalid", []string{"failed_reason"}, ""},
		"description of another kind": {
			with(map[string]any{"description": 1.5}), 400, "invalid", []string{"description"}, "",
		},
		"everything at once": {
			with(map[string]any{"hook_event": false, "release_plan_id": nil, "instance_code": 1, "result": "maybe", "failed_reason": 2}),
			400, "invalid",
			[]string{"failed_reason", "hook_event", "instance_code", "release_plan_id", "result"},
			"",
		},
		"no such plan":       {with(map[string]any{"release_plan_id": "000000000000000000000000"}), 404, "not_found", nil, ""},
		"the plan's index":   {with(map[string]any{"release_plan_id": "1"}), 404, "not_found", nil, ""},
		"another code":       {with(map[string]any{"instance_code": "e52e21b68b7ec3"}), 409, "conflict", nil, ""},
		"another gate":       {with(map[string]any{"hook_event": "all_job_done"}), 409, "conflict", nil, ""},
		"the plan's own one": {func(body map[string]any) { body["instance_code"] = "plan" }, 409, "conflict", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := w.create(document())
			w.do("alice", p.ID, "submit", "")
			before := w.show("alice", p.ID)
			body := w.asked(p.ID).reply(slipway.ResultSuccess)
			c.change(body)
			if body["instance_code"] == "plan" {
				body["instance_code"] = before.InstanceCode
			}
			a := w.callback(body).want(c.status)
			now := w.show("alice", p.ID)
			if c.status == 200 {
				var record struct{ ID string }
				a.into(&record)
				if now.Status != c.after || len(record.ID) != 24 {
					t.Errorf("the plan is in %s, want %s; record %q", now.Status, c.after, record.ID)
				}
				return
			}
			e := a.refusal()
			got := a.paths()
			slices.Sort(got)
			if e.Code != c.code || e.Message == "" || !slices.Equal(got, c.problems) {
				t.Errorf("refused with %+v, want %s at %v", e, c.code, c.problems)
			}
			if diff := cmp.Diff(before, now); diff != "" {
				t.Errorf("the plan has changed:\n%s", diff)
			}
		})
	}
}

func TestCallbackBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []string{"", " ", "null", "[]", "1", `"x"`, "{", `{"result":}`, "{}{}", "hook_event=x", "<xml/>", "\xff", strings.Repeat("[", 20000)} {
		w.send("", "POST", "/api/callback/release_plan", body).want(400)
	}
	w.send("", "POST", "/api/callback/release_plan", `{"result":"`+strings.Repeat("x", 1<<20)+`"}`).want(413)
}

func TestAnAnswerIsFinal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventFinishPlanning, slipway.EventStartExecute)
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	yes := w.asked(p.ID).reply(slipway.ResultSuccess)
	var first, again struct{ ID string }
	w.callback(yes).want(200).into(&first)
	w.callback(yes).want(200).into(&again)
	if first.ID != again.ID {
		t.Errorf("the same answer has the records %s and %s", first.ID, again.ID)
	}
	no := maps.Clone(yes)
	no["result"] = "failed"
	w.callback(no).want(409)

	w.do("bob", p.ID, "approve", "")
	w.callback(yes).want(200) // still the answer of then
	no["hook_event"] = "start_execute"
	w.callback(no).want(409) // the code of an earlier question
	if p = w.show("alice", p.ID); p.Status != slipway.WaitExecute {
		t.Errorf("the plan is in %s", p.Status)
	}

	w.do("alice", p.ID, "replan", "")
	w.callback(w.question(p.ID, slipway.EventStartExecute).reply(slipway.ResultSuccess)).want(409)
}

// question returns what was asked about an event, whether it is open or not.
func (w *world) question(planID string, ev slipway.Event) question {
	w.t.Helper()
	deliveries, err := w.store.Deliveries(w.t.Context(), planID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range deliveries {
		if d.Event == ev {
			var q question
			q.ReleasePlan.ID, q.ReleasePlan.EventName, q.ReleasePlan.InstanceCode = planID, ev, d.InstanceCode
			return q
		}
	}
	w.t.Fatalf("nobody was asked about %s", ev)
	return question{}
}

func TestSixteenAnswersAtOnceAreOneEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventFinishPlanning)
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	yes := w.asked(p.ID).reply(slipway.ResultSuccess)
	var wg sync.WaitGroup
	ids := make([]struct{ ID string }, 32)
	for i := range ids {
		wg.Go(func() { w.callback(yes).want(200).into(&ids[i]) })
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("two records: %s and %s", id.ID, ids[0].ID)
		}
	}
	if got := w.show("alice", p.ID); got.Seq != 3 {
		t.Errorf("the plan has changed %d times, want 3", got.Seq)
	}
}

func TestAnEndpointMayDemandCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		endpoint slipway.Endpoint
		good     func(w *world, body string) []string
		bad      func(w *world, body string) []string
	}{
		"token": {
			slipway.Endpoint{CallbackToken: "s3cret"},
			func(*world, string) []string { return []string{"Authorization", "Bearer s3cret"} },
			func(*world, string) []string { return []string{"Authorization", "Bearer guess"} },
		},
		"signature": {
			slipway.Endpoint{CallbackSigned: true, Secrets: []string{callbackSecret}},
			func(w *world, body string) []string { return signed(w, w.now(), body) },
			func(w *world, body string) []string { return signed(w, w.now(), body+" ") },
		},
		"signature, too old": {
			slipway.Endpoint{CallbackSigned: true, Secrets: []string{callbackSecret}},
			func(w *world, body string) []string { return signed(w, w.now(), body) },
			func(w *world, body string) []string { return signed(w, w.now().Add(-6*time.Minute), body) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := c.endpoint
			e.Name, e.Events, e.Wait = "office", slipway.Events(), true
			w.rules.Endpoints = []slipway.Endpoint{e}
			p := w.create(document())
			w.do("alice", p.ID, "submit", "")
			yes := w.asked(p.ID).reply(slipway.ResultSuccess)
			w.callback(yes).want(401)
			w.callback(yes, c.bad(w, encode(t, yes))...).want(401)
			guess := maps.Clone(yes)
			guess["instance_code"] = "guess"
			w.callback(guess).want(401) // codes cannot be probed without credentials
			w.callback(guess, c.good(w, encode(t, guess))...).want(409)
			if got := w.show("alice", p.ID).Status; got != slipway.WaitFinishPlanning {
				t.Errorf("the plan is in %s", got)
			}
			w.callback(yes, c.good(w, encode(t, yes))...).want(200)
		})
	}
}

func signed(w *world, at time.Time, body string) []string {
	w.t.Helper()
	signature, err := webhook.Sign([]string{callbackSecret}, "msg_1", at, []byte(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return []string{
		webhook.HeaderID, "msg_1", webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10), webhook.HeaderSignature, signature,
	}
}

func TestCallbacksAreLimitedPerSender(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: 0.5, Burst: 3}})
	for range 3 {
		w.callback(map[string]any{}).want(400)
	}
	a := w.callback(map[string]any{}).want(http.StatusTooManyRequests)
	if got := a.header.Get("Retry-After"); got != "2" || a.refusal().Code != slipway.TooMany {
		t.Errorf("Retry-After is %q: %s", got, a.body)
	}
	w.wait(2 * time.Second)
	w.callback(map[string]any{}).want(400)
	w.callback(map[string]any{}).want(429)
	w.send("alice", "GET", "/api/v1/me", "").want(200)
}

func TestSendersAreToldApartAndForgotten(t *testing.T) {
	t.Parallel()
	s := webhook.NewSenders(webhook.Rate{PerSecond: 1, Burst: 1})
	for _, c := range []struct {
		remote string
		free   bool
	}{
		{"192.0.2.1:1000", true},
		{"192.0.2.1:2000", false},
		{"[::ffff:192.0.2.1]:1000", false},
		{"192.0.2.2:1000", true},
		{"[2001:db8::1]:1000", true},
		{"[2001:db8::ffff]:1000", false},
		{"[2001:db8:0:1::1]:1000", true},
		{"@", true},
		{"", false},
	} {
		if got := s.Wait(c.remote, noon) == 0; got != c.free {
			t.Errorf("%s may go on: %v, want %v", c.remote, got, c.free)
		}
	}
	for i := range 100 {
		s.Wait(fmt.Sprintf("198.51.100.%d:1", i), noon.Add(time.Second))
	}
	if s.Wait("203.0.113.1:1", noon.Add(2*time.Minute)); s.Remembered() != 1 {
		t.Errorf("%d senders are remembered, want 1", s.Remembered())
	}
}

func FuzzDecodeCallback(f *testing.F) {
	f.Add([]byte(`{"hook_event":"all_job_done","release_plan_id":"68b7ec363306e52e21b2dbe6","instance_code":"e52e21b68b7ec3","result":"success","failed_reason":""}`))
	f.Add([]byte(`{"result":"executing","description":"\ud800","hook_event":null}`))
	f.Add([]byte(`{"result":1e9,"result":[{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		cb, err := webhook.DecodeCallback(body)
		switch {
		case err != nil && slipway.CodeOf(err) != slipway.Invalid:
			t.Errorf("refused with %v", err)
		case err == nil && (cb.PlanID == "" || cb.InstanceCode == "" || cb.Event == "" || cb.Result == ""):
			t.Errorf("accepted %+v", cb)
		case err == nil && len([]rune(cb.Description)) > slipway.MaxComment:
			t.Errorf("accepted a description of %d bytes", len(cb.Description))
		}
	})
}
