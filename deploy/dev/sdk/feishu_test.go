package sdk

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
)

const (
	aliceOnFeishu = "ou_alice"
	bobOnFeishu   = "ou_bob"
	groupOnFeishu = "oc_releases"
)

// company is a stand-in with a group, Alice and Bob.
func company(t *testing.T, mode string) *feishutest.Server {
	t.Helper()
	s := feishutest.New(feishutest.Config{Mode: mode, VerificationToken: "a-verification-token", EncryptKey: "an-encrypt-key"})
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.AddUser(feishutest.User{OpenID: aliceOnFeishu, Name: "Alice", Email: "alice@example.com"})
	s.AddUser(feishutest.User{OpenID: bobOnFeishu, Name: "Bob", Email: "bob@example.com", Locale: "en-US"})
	s.AddGroup(feishutest.Group{ID: groupOnFeishu, Name: "releases", Members: []string{aliceOnFeishu, bobOnFeishu}})
	return s
}

func feishuEnv(s *feishutest.Server, more ...string) []string {
	return append([]string{
		"BASE_URL=" + s.BaseURL(), "APP_ID=" + s.AppID(), "APP_SECRET=" + s.AppSecret(), "VERIFICATION_TOKEN=" + s.VerificationToken(),
		"ENCRYPT_KEY=" + s.EncryptKey(),
	}, more...)
}

// TestFeishuSDK has a bot made with Feishu's SDK live in the stand-in.
func TestFeishuSDK(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{feishutest.HTTP, feishutest.LongConnection} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := company(t, mode)
			app, url := startNode(t, "feishu.mjs", feishuEnv(s, "MODE="+mode)...)
			if mode == feishutest.HTTP {
				s.SetApp(url)
				for _, path := range []string{"/feishu/events", "/feishu/cards"} {
					if err := s.Verify(t.Context(), path); err != nil {
						t.Errorf("the SDK fails the challenge at %s: %v", path, err)
					}
				}
				forgedEvents(t, s, app, url)
			}
			feishuStory(t, s, app)
			approvalStory(t, s, app)
			faultless(t, s.Violations())
		})
	}
}

func feishuStory(t *testing.T, s *feishutest.Server, app *program) {
	alice, bob := s.Person(aliceOnFeishu), s.Person(bobOnFeishu)
	for _, tt := range []struct {
		who        screen.Person
		room, chat string
	}{{alice, groupOnFeishu, "group"}, {bob, s.Direct(bobOnFeishu), "p2p"}} {
		if _, err := tt.who.Command(t.Context(), tt.room, "", "are you there?"); err != nil {
			t.Fatalf("the message: %v", err)
		}
		app.tells("chat", tt.chat)
		if text, _ := app.hears("message").(string); !strings.Contains(text, "are you there?") {
			t.Errorf("the SDK heard %v", app.all())
		}
		var card screen.Message
		see(t, s, "the answer", func() bool {
			for _, m := range tt.who.Look(tt.room) {
				if strings.Contains(m.Text, "you called") && len(m.Buttons) == 1 {
					card = m
					return true
				}
			}
			return false
		})
		a, err := tt.who.Press(t.Context(), card, card.Buttons[0])
		if want := map[string]string{"group": "已按下", "p2p": "pressed"}[tt.chat]; err != nil || a.Toast != want || a.Kind != "success" {
			t.Errorf("the button is answered with %+v, %v, want %q", a, err, want)
		}
		app.tells("press", 7.0)
		see(t, s, "the pressed card", func() bool {
			return slices.ContainsFunc(tt.who.Look(tt.room), func(m screen.Message) bool { return m.ID == card.ID && m.Text == "pressed" && len(m.Buttons) == 0 })
		})
	}
	app.tells("by", aliceOnFeishu)
	app.tells("by", bobOnFeishu)
	if errs, _, _ := app.heard("error"); len(errs) > 0 {
		t.Errorf("the SDK met errors: %v", app.all())
	}
}

// approvalStory has the SDK hear how Bob approves what he asks for, and takes it back.
func approvalStory(t *testing.T, s *feishutest.Server, app *program) {
	code := s.AddApproval(feishutest.ApprovalDefinition{Name: "Release", Nodes: []feishutest.ApprovalNode{{ID: "level", Type: "OR"}}})
	if _, err := s.Person(bobOnFeishu).Command(t.Context(), s.Direct(bobOnFeishu), "", "ask with "+code+" at level"); err != nil {
		t.Fatal(err)
	}
	app.tells("approval", "PENDING")
	app.tells("task", "PENDING")
	ref := s.ApprovalTasks(bobOnFeishu)[0].Instance
	if err := s.ApproveInstance(t.Context(), bobOnFeishu, ref, "fine"); err != nil {
		t.Fatal(err)
	}
	app.tells("approver", bobOnFeishu)
	app.tells("approval", "APPROVED")
	app.tells("instance", ref)
	app.tells("time", "string")
	if err := s.RecallInstance(t.Context(), bobOnFeishu, ref); err != nil {
		t.Fatal(err)
	}
	app.tells("approval", "REVERTED")
	app.tells("time", "number")
	if errs, _, _ := app.heard("error"); len(errs) > 0 {
		t.Errorf("the SDK met errors: %v", app.all())
	}
}

// forgedEvents sends the SDK an event whose signature is right, and such whose is not.
func forgedEvents(t *testing.T, s *feishutest.Server, app *program, url string) {
	t.Helper()
	for name, tamper := range map[string]func(h http.Header, body []byte) []byte{
		"signature": func(h http.Header, body []byte) []byte {
			h.Set("X-Lark-Signature", strings.Repeat("0", 64))
			return body
		},
		"time":  func(h http.Header, body []byte) []byte { h.Set("X-Lark-Request-Timestamp", "1"); return body },
		"nonce": func(h http.Header, body []byte) []byte { h.Set("X-Lark-Request-Nonce", "another"); return body },
		"body": func(http.Header, []byte) []byte {
			other, err := s.Envelope([]byte(`{"schema":"2.0"}`))
			if err != nil {
				t.Error(err)
			}
			return other
		},
	} {
		payload, err := json.Marshal(map[string]any{
			"schema": "2.0",
			"header": map[string]any{"event_id": name, "event_type": "im.message.receive_v1", "app_id": s.AppID(), "token": s.VerificationToken(), "create_time": "0"},
			"event": map[string]any{
				"sender":  map[string]any{"sender_id": map[string]string{"open_id": aliceOnFeishu}},
				"message": map[string]string{"message_id": "om_1", "content": `{"text":"forged"}`, "chat_type": "group"},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		body, err := s.Envelope(payload)
		if err != nil {
			t.Fatal(err)
		}
		header := s.Headers(body)
		body = tamper(header, body)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/feishu/events", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	if heard, _, _ := app.heard("message"); len(heard) > 0 {
		t.Errorf("the SDK took forged events: %v", heard)
	}
}

// TestFeishuClient calls the stand-in with the client of Feishu's SDK.
func TestFeishuClient(t *testing.T) {
	t.Parallel()
	s := company(t, feishutest.HTTP)
	s.Faults().RateLimit(feishutest.OpDelete, 1, time.Second)
	var got map[string]struct {
		Code    int
		Status  int
		Msg     string
		Message string
		Data    json.RawMessage
		Headers map[string]string
	}
	runNode(t, &got, nil, "feishu-client.mjs", feishuEnv(s, "CHAT="+groupOnFeishu, "OPEN_ID="+bobOnFeishu, "EMAIL=alice@example.com")...)
	for _, name := range []string{"post", "again", "patch", "reply", "direct", "byEmail", "user"} {
		if a := got[name]; a.Code != 0 || a.Status != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for name, status := range map[string]int{"noChat": 400, "noCard": 400, "badProperty": 400, "noMessage": 400, "badToken": 400} {
		if a := got[name]; a.Code == 0 || a.Status != status {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for name, part := range map[string]string{"byEmail": aliceOnFeishu, "user": "Bob", "reply": `"thread_id"`} {
		if !strings.Contains(string(got[name].Data), part) {
			t.Errorf("%s does not tell %s: %s", name, part, got[name].Data)
		}
	}
	var first, second struct {
		MessageID string `json:"message_id"`
	}
	if json.Unmarshal(got["post"].Data, &first) != nil || json.Unmarshal(got["again"].Data, &second) != nil || first != second {
		t.Errorf("a message sent again with the same uuid is %s and %s", got["post"].Data, got["again"].Data)
	}
	if a := got["badToken"]; a.Code != 99991663 {
		t.Errorf("a worthless token is refused with %+v", a)
	}
	if a := got["limited"]; a.Status != http.StatusTooManyRequests || a.Code != 99991400 || a.Headers["x-ogw-ratelimit-reset"] == "" {
		t.Errorf("the limited call: %+v", a)
	}
}

// TestFeishuApprovals has approvals defined, asked for, approved and withdrawn with the
// client of Feishu's SDK.
func TestFeishuApprovals(t *testing.T) {
	t.Parallel()
	s := company(t, feishutest.HTTP)
	var got map[string]struct {
		Code, Status int
		Msg, Message string
		Data         json.RawMessage
	}
	runNode(t, &got, nil, "feishu-approval.mjs", feishuEnv(s, "ASKER="+aliceOnFeishu, "APPROVER="+bobOnFeishu)...)
	for name, want := range map[string]int{
		"define": 0, "badDefinition": 1390001, "read": 0, "subscribe": 0, "subscribeAgain": 1390007, "ask": 0, "askAgain": 60012, "byMark": 0,
		"approve": 0, "approved": 0, "ask2": 0, "cancelOther": 1390009, "cancel": 0, "comment": 0, "cancelled": 0, "nowhere": 1390003,
	} {
		if a := got[name]; a.Code != want || (a.Status == 0) != (want == 0) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for name, parts := range map[string][]string{
		"read":      {`"approval_name":"Release"`, `"status":"ACTIVE"`, `"custom_node_id":"level"`, `"need_approver":true`, `\"required\":true`},
		"byMark":    {`"status":"PENDING"`, `"uuid":"one"`, `"open_id":"` + aliceOnFeishu, `Payments\\n4.2`},
		"approved":  {`"status":"APPROVED"`, `"comment":"fine"`, `"type":"PASS"`},
		"cancelled": {`"status":"CANCELED"`, `"type":"CANCEL"`, `"comment":"re-planned"`},
	} {
		for _, part := range parts {
			if !strings.Contains(string(got[name].Data), part) {
				t.Errorf("%s does not tell %s: %s", name, part, got[name].Data)
			}
		}
	}
	if n := len(s.Instances()); n != 2 {
		t.Errorf("there are %d instances", n)
	}
}
