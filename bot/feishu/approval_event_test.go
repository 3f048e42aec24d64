package feishu

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"slipway/bot"
	"slipway/bot/feishu/feishutest"
)

// v1 is an event of the first version; change changes its outside and its inside.
func (c *center) v1(t *testing.T, kind, id string, change func(outside, inside map[string]any)) []byte {
	t.Helper()
	inside := map[string]any{
		"app_id": c.AppID, "tenant_key": "t", "type": kind, "approval_code": "A", "instance_code": "I", "status": "APPROVED",
		"operate_time": "1666079207003", "instance_operate_time": "1666079207003", "uuid": "6525bffb",
	}
	outside := map[string]any{"ts": "1502199207.7171419", "uuid": id, "token": c.VerificationToken, "type": "event_callback", "event": inside}
	if change != nil {
		change(outside, inside)
	}
	return mustJSON(t, outside)
}

func (c *center) v2(t *testing.T, kind, id string) []byte {
	t.Helper()
	return mustJSON(t, map[string]any{
		"schema": "2.0",
		"header": map[string]any{"event_id": id, "event_type": kind, "app_id": c.AppID, "token": c.VerificationToken, "create_time": "1666079207003"},
		"event":  map[string]any{"approval_code": "A", "instance_code": "I", "status": "APPROVED", "operate_time": "1666079207003"},
	})
}

// TestEventsOfApprovalsAreAReasonToLook is the table of envelopes; each comes twice.
func TestEventsOfApprovalsAreAReasonToLook(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeHTTP})
	const heard, ignored = true, false
	for name, tt := range map[string]struct {
		event  func(c *center, t *testing.T, id string) []byte
		status int
		heard  bool
	}{
		"an instance, with its time as text": {func(c *center, t *testing.T, id string) []byte { return c.v1(t, typeInstance, id, nil) }, 200, heard},
		"a task":                             {func(c *center, t *testing.T, id string) []byte { return c.v1(t, typeTask, id, nil) }, 200, heard},
		"the second version":                 {func(c *center, t *testing.T, id string) []byte { return c.v2(t, typeInstanceV4, id) }, 200, heard},
		"a task of the second version":       {func(c *center, t *testing.T, id string) []byte { return c.v2(t, typeTaskV4, id) }, 200, heard},
		"with its time as a number":          {with(typeInstance, func(_, in map[string]any) { in["operate_time"] = int64(1666079207003) }), 200, heard},
		"taken back":                         {with(typeInstance, func(_, in map[string]any) { in["status"], in["operate_time"] = "REVERTED", int64(1666079207003) }), 200, heard},
		"withdrawn":                          {with(typeInstance, func(_, in map[string]any) { in["status"] = "CANCELED" }), 200, heard},
		"closed because nobody cared":        {with(typeInstance, func(_, in map[string]any) { in["status"] = "OVERTIME_CLOSE" }), 200, heard},
		"in a state that is not known":       {with(typeTask, func(_, in map[string]any) { in["status"] = 7 }), 200, heard},
		"with more in it than is known":      {with(typeTask, func(_, in map[string]any) { in["extra"] = map[string]any{"rollback_node_ids": []string{"n"}} }), 200, heard},
		"of something else":                  {with("leave_approvalV2", nil), 200, ignored},
		"without an instance":                {with(typeInstance, func(_, in map[string]any) { delete(in, "instance_code") }), 400, ignored},
		"whose instance is a number":         {with(typeInstance, func(_, in map[string]any) { in["instance_code"] = 7 }), 400, ignored},
		"whose instance is too long":         {with(typeInstance, func(_, in map[string]any) { in["instance_code"] = strings.Repeat("x", 500) }), 400, ignored},
		"without an id":                      {with(typeInstance, func(out, _ map[string]any) { delete(out, "uuid") }), 400, ignored},
		"that is text":                       {with(typeInstance, func(out, _ map[string]any) { out["event"] = "x" }), 400, ignored},
		"without an inside":                  {with(typeInstance, func(out, _ map[string]any) { delete(out, "event") }), 400, ignored},
		"with a wrong token":                 {with(typeInstance, func(out, _ map[string]any) { out["token"] = "wrong" }), 401, ignored},
		"of another app":                     {with(typeInstance, func(_, in map[string]any) { in["app_id"] = "cli_0000000000000000" }), 403, ignored},
	} {
		before := c.changed.times("I")
		for range 2 {
			if got := c.post(t, tt.event(c, t, name)); got != tt.status {
				t.Errorf("%s: answered with %d, want %d", name, got, tt.status)
			}
		}
		c.calls.wait()
		want := 0
		if tt.heard {
			want = 1
		}
		if got := c.changed.times("I") - before; got != want {
			t.Errorf("%s: %d looks, want %d", name, got, want)
		}
	}
}

func with(kind string, change func(outside, inside map[string]any)) func(c *center, t *testing.T, id string) []byte {
	return func(c *center, t *testing.T, id string) []byte { return c.v1(t, kind, id, change) }
}

// post sends an event over HTTP, as Feishu does.
func (c *center) post(t *testing.T, payload []byte) int {
	t.Helper()
	body, err := c.chat.Envelope(payload)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/feishu/events", bytes.NewReader(body))
	r.Header = c.chat.Headers(body)
	w := httptest.NewRecorder()
	c.Routes().ServeHTTP(w, r)
	return w.Code
}

func TestWithoutApprovalsTheirEventsAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	c := &center{world: w, changed: &rung{}}
	if got := c.post(t, c.v1(t, typeInstance, "e1", nil)); got != http.StatusOK {
		t.Errorf("answered with %d", got)
	}
	if w.Approvals() != nil {
		t.Error("there is an approval center that nobody has set up")
	}
	silent := newCenter(t, feishutest.Config{Mode: modeHTTP}, func(a *ApprovalConfig) { a.Changed = nil })
	if got := silent.post(t, silent.v1(t, typeInstance, "e1", nil)); got != http.StatusOK {
		t.Errorf("with nobody to tell, answered with %d", got)
	}
}

// TestEventsThatAreLostDoubledOrOddChangeNothing plays one approval under each fault.
func TestEventsThatAreLostDoubledOrOddChangeNothing(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*feishutest.Faults){
		"lost":    func(f *feishutest.Faults) { f.LoseEvents(true) },
		"doubled": func(f *feishutest.Faults) { f.DeliverTwice(true) },
		"numbers": func(f *feishutest.Faults) { f.NumberTimes(true) },
		"mixed":   func(f *feishutest.Faults) { f.OutOfOrder(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachCenter(t, func(t *testing.T, c *center) {
				fault(c.chat.Faults())
				ref := c.ask(t, question("1", anyOf(userLi, userChen)))
				c.approve(t, chen, ref, "")
				c.stands(t, ref, bot.VerdictApproved)
				if name == "lost" {
					c.stop()
					if n := c.changed.times(ref); n != 0 {
						t.Errorf("%d events arrived that were lost", n)
					}
					return
				}
				// Two tasks and the instance begin; one task is approved, one is done, the instance is approved.
				eventually(t, "all news", func() bool { return c.changed.times(ref) == 6 })
				c.stop()
				if n := c.changed.times(ref); n != 6 {
					t.Errorf("%d looks for 6 events", n)
				}
			})
		})
	}
}

func TestTheNewestEventsAreRemembered(t *testing.T) {
	t.Parallel()
	var r recent
	for i := range 3 * len(r.ring) {
		id := string(rune(i + 'a'))
		if !r.first(id) || r.first(id) {
			t.Fatalf("the event %d is not new, or new twice", i)
		}
	}
	if len(r.seen) > len(r.ring) {
		t.Errorf("%d events are remembered", len(r.seen))
	}
}

// FuzzApprovalEvent wants an answer or a refusal of whatever comes, and never a look at
// something without a name.
func FuzzApprovalEvent(f *testing.F) {
	for _, seed := range []string{
		`{"uuid":"1","token":"t","type":"event_callback","event":{"app_id":"cli_1","type":"approval_instance","instance_code":"I","operate_time":"1"}}`,
		`{"uuid":"1","event":{"type":"approval_task","instance_code":"I","operate_time":1666079207003}}`,
		`{"header":{"event_id":"e","event_type":"approval.instance.status_changed_v4","app_id":"cli_1"},"event":{"instance_code":"I"}}`,
		`{"uuid":"1","event":{"type":"approval_instance","instance_code":""}}`, `{"uuid":"1","event":[]}`, `{"event":null}`, `{}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		looked := make(chan string, 1)
		p := &Feishu{Config: Config{AppID: "cli_1", Mode: modeSocket, Log: slog.New(slog.DiscardHandler)}}
		p.calls.init()
		p.approvals = &Approvals{f: p, ApprovalConfig: ApprovalConfig{Changed: func(_ context.Context, ref string) { looked <- ref }}}
		var e envelope
		if json.Unmarshal(payload, &e) == nil && e.Header != nil && !strings.HasPrefix(e.Header.EventType, "approval") {
			return // of another kind
		}
		_, err := p.receive(t.Context(), payload)
		p.calls.wait()
		select {
		case ref := <-looked:
			if err != nil || ref == "" || len(ref) > maxRef {
				t.Errorf("looked at %q, %v", ref, err)
			}
		default:
		}
	})
}
