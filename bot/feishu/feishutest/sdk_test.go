package feishutest_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"
	larkapplication "github.com/larksuite/oapi-sdk-go/v3/service/application/v6"
	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
)

func TestMentionReachesTheSDKAndIsAnsweredInTheThread(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, a *app) {
		got := make(chan *larkim.P2MessageReceiveV1, 1)
		set(a, &a.message, func(e *larkim.P2MessageReceiveV1) {
			got <- e
			_, err := a.client.Im.Message.Reply(t.Context(), larkim.NewReplyMessageReqBuilder().MessageId(*e.Event.Message.MessageId).
				Body(larkim.NewReplyMessageReqBodyBuilder().MsgType("interactive").ReplyInThread(true).Uuid("u1").
					Content(around("Plans", words("**Payments** 4.2"))).Build()).Build())
			if err != nil {
				t.Errorf("reply: %v", err)
			}
		})
		p := a.server.Person(wang)
		if _, err := p.Command(t.Context(), group, "", "list mine"); err != nil {
			t.Fatal(err)
		}
		e := <-got
		m := e.Event.Message
		if *m.Content != `{"text":"@_user_1 list mine"}` || *m.ChatType != "group" || *m.Mentions[0].Id.OpenId != a.server.BotOpenID() {
			t.Errorf("message = %+v", m)
		}
		if *e.Event.Sender.SenderId.OpenId != wang || e.EventV2Base.Header.Token != a.server.VerificationToken() {
			t.Errorf("sender = %+v, header = %+v", e.Event.Sender, e.EventV2Base.Header)
		}
		seen := p.Look(group)
		if len(seen) != 1 || seen[0].Text != "@Slipway list mine" {
			t.Errorf("room = %+v", seen)
		}
		thread := p.Thread(group, seen[0].ID)
		if len(thread) != 1 || thread[0].Text != "Plans\nPayments 4.2" || !thread[0].Bot {
			t.Errorf("thread = %+v", thread)
		}
		noViolations(t, a.server)
	})
}

func TestClickIsAnsweredWithToastAndCard(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, a *app) {
		set(a, &a.clicked, func(e *callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse {
			if e.Event.Operator.OpenID != li || e.Event.Action.Value["do"] != "approve" || !strings.HasPrefix(e.Event.Token, "c-") ||
				e.Event.Action.Timezone != "Europe/Berlin" || e.Event.Context.OpenChatID != group {
				t.Errorf("click = %+v", e.Event)
			}
			return &callback.CardActionTriggerResponse{
				Toast: &callback.Toast{Type: "success", Content: "已同意", I18nContent: map[string]string{"en_us": "Approved"}},
				Card:  raw(around("Payments", words("Approved by Li Lei"))),
			}
		})
		a.send(t, "chat_id", group, around("Payments", words("Waiting"), button("Approve", "approve")))
		p := a.server.Person(li)
		m := a.last(t, li, group)
		answer, err := p.Press(t.Context(), m, m.Buttons[0])
		if err != nil {
			t.Fatal(err)
		}
		if answer.Toast != "Approved" || answer.Kind != "success" {
			t.Errorf("answer = %+v", answer)
		}
		now := a.last(t, wang, group)
		if now.Text != "Payments\nApproved by Li Lei" || now.Edits != 1 {
			t.Errorf("card = %+v", now)
		}
		if _, err := p.Press(t.Context(), m, m.Buttons[0]); !errors.Is(err, screen.ErrNotThere) {
			t.Errorf("pressing what is gone: %v", err)
		}
		if _, err := p.PressSeen(t.Context(), m, m.Buttons[0]); err != nil {
			t.Errorf("pressing what was seen: %v", err)
		}
		noViolations(t, a.server)
	})
}

// formCard asks for everything that a form can ask.
var formCard = around("New plan", words("Fill this in."),
	`{"tag":"form","name":"f","elements":[`+strings.Join([]string{
		`{"tag":"input","name":"name","required":true,"max_length":20,"label":{"tag":"plain_text","content":"Name"}}`,
		words("<font color='red'>⚠️ too short</font>"),
		words("**Engine**"),
		`{"tag":"select_static","name":"engine","initial_index":2,"options":[{"text":{"tag":"plain_text","content":"Zadig"},"value":"z"},{"text":{"tag":"plain_text","content":"Local"},"value":"l"}]}`,
		words("Who runs it."),
		words("**Manager**"), `{"tag":"select_person","name":"manager","options":[{"value":"ou_wang"},{"value":"ou_li"}]}`,
		words("**Approvers**"), `{"tag":"multi_select_person","name":"approvers"}`,
		words("**Start**"), `{"tag":"picker_datetime","name":"start","initial_datetime":"2026-11-24 22:00"}`,
		`{"tag":"checker","name":"sure","text":{"tag":"plain_text","content":"Sure"}}`,
		`{"tag":"button","name":"send","form_action_type":"submit","text":{"tag":"plain_text","content":"Create"},"behaviors":[{"type":"callback","value":{"form":"new"}}]}`,
		button("Close", "close")[:len(button("Close", "close"))-1] + `,"name":"close"}`,
	}, ",")+`]}`)

func TestFormIsFilledInByLabels(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, a *app) {
		// In a group, pickers of people without options offer the members.
		a.send(t, "chat_id", group, formCard)
		p := a.server.Person(li)
		f := p.Form()
		if f == nil {
			t.Fatal("no form is open")
		}
		if f.Title != "New plan" || f.Text != "Fill this in." || f.Submit != "Create" {
			t.Errorf("form = %+v", f)
		}
		people := []screen.Option{{Value: wang, Label: "王小明"}, {Value: li, Label: "Li Lei"}}
		want := []screen.Field{
			{Label: "Name", Kind: screen.Text, Required: true, Max: 20, Error: "too short"},
			{Label: "Engine", Kind: screen.Select, Value: []string{"l"}, Options: []screen.Option{{Value: "z", Label: "Zadig"}, {Value: "l", Label: "Local"}}, Hint: "Who runs it."},
			{Label: "Manager", Kind: screen.Someone, Options: people},
			{Label: "Approvers", Kind: screen.People, Options: people},
			{Label: "Start", Kind: screen.Time, Value: []string{"1795554000"}}, // 22:00 in Berlin
			{Label: "Sure", Kind: screen.Check},
		}
		if diff := cmp.Diff(want, f.Fields); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}

		sent := make(chan map[string]any, 1)
		set(a, &a.clicked, func(e *callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse {
			sent <- e.Event.Action.FormValue
			if e.Event.Action.Name != "send" || e.Event.Action.Value["form"] != "new" {
				t.Errorf("action = %+v", e.Event.Action)
			}
			return &callback.CardActionTriggerResponse{Card: raw(around("New plan", words("Created.")))}
		})
		if answer, err := p.Fill(t.Context(), nil); err != nil || answer.Errors["Name"] == "" {
			t.Errorf("without a name: %+v %v", answer, err)
		}
		if _, err := p.Fill(t.Context(), map[string][]string{"Name": {"x"}, "Manager": {"ou_nobody"}}); !errors.Is(err, screen.ErrNotThere) {
			t.Errorf("with a stranger: %v", err)
		}
		answer, err := p.Fill(t.Context(), map[string][]string{
			"Name": {"Payments"}, "Approvers": {wang, li}, "Start": {"1795557600"}, "Sure": {"true"},
		})
		if err != nil || len(answer.Errors) > 0 {
			t.Fatalf("fill: %+v %v", answer, err)
		}
		if diff := cmp.Diff(map[string]any{
			"name": "Payments", "engine": "l", "manager": "", "approvers": []any{wang, li},
			"start": "2026-11-24 23:00 +0100", "sure": true,
		}, <-sent); diff != "" {
			t.Errorf("form_value (-want +got):\n%s", diff)
		}
		if p.Form() != nil {
			t.Error("the form is still open")
		}
		noViolations(t, a.server)
	})
}

func TestRefusedFormStaysOpenAndSaysWhy(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	set(a, &a.clicked, func(*callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse {
		return &callback.CardActionTriggerResponse{Toast: &callback.Toast{Type: "error", Content: "No."}}
	})
	a.send(t, "open_id", li, formCard)
	p := a.server.Person(li)
	answer, err := p.Fill(t.Context(), map[string][]string{"Name": {"Payments"}})
	if err != nil || answer.Errors[""] != "No." {
		t.Errorf("fill: %+v %v", answer, err)
	}
	if f := p.Form(); f == nil || f.Fields[0].Value[0] != "Payments" {
		t.Errorf("what was filled in is gone: %+v", f)
	}
	set(a, &a.clicked, func(*callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse {
		return &callback.CardActionTriggerResponse{Card: raw(formCard), Toast: &callback.Toast{Type: "error", Content: "No."}}
	})
	answer, err = p.Fill(t.Context(), nil)
	if err != nil || answer.Errors["Name"] != "too short" {
		t.Errorf("fill: %+v %v", answer, err)
	}
	if err := p.CloseForm(t.Context()); err != nil || p.Form() != nil {
		t.Errorf("close: %v, form %+v", err, p.Form())
	}
	noViolations(t, a.server)
}

func TestHomeMenuAndPreview(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, a *app) {
		p := a.server.Person(wang)
		set(a, &a.entered, func(e *larkim.P2ChatAccessEventBotP2pChatEnteredV1) {
			a.send(t, "open_id", *e.Event.OperatorId.OpenId, around("Home", words("Waiting for you: nothing")))
		})
		home, err := p.OpenHome(t.Context())
		if err != nil || home.Text != "Home\nWaiting for you: nothing" {
			t.Errorf("home = %+v %v", home, err)
		}
		set(a, &a.menu, func(e *larkapplication.P2BotMenuV6) {
			a.send(t, "open_id", *e.Event.Operator.OperatorId.OpenId, around("Menu", words(*e.Event.EventKey)))
		})
		if _, err := a.server.Menu(t.Context(), wang, "new_plan"); err != nil || a.last(t, wang, a.server.Direct(wang)).Text != "Menu\nnew_plan" {
			t.Errorf("menu: %v", err)
		}
		set(a, &a.preview, func(e *callback.URLPreviewGetEvent) *callback.URLPreviewGetResponse {
			return &callback.URLPreviewGetResponse{
				Inline: &callback.Inline{I18nTitle: map[string]string{"zh_cn": "发布 " + e.Event.Context.URL[len("https://slipway.example.com/"):]}},
				Card:   raw(around("Payments", words("Running"))),
			}
		})
		shown, err := p.Paste(t.Context(), group, "https://slipway.example.com/1")
		if err != nil || shown != "发布 1\nPayments\nRunning" {
			t.Errorf("preview = %q %v", shown, err)
		}
		noViolations(t, a.server)
	})
}

func TestBigEventComesInParts(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{Part: 500})
	got := make(chan string, 1)
	set(a, &a.message, func(e *larkim.P2MessageReceiveV1) { got <- *e.Event.Message.Content })
	text := strings.Repeat("long ", 300)
	if _, err := a.server.Person(wang).Write(t.Context(), a.server.Direct(wang), "", text); err != nil {
		t.Fatal(err)
	}
	if content := <-got; !strings.Contains(content, text) {
		t.Errorf("content = %s", content)
	}
}

func TestSDKComesBackAfterADrop(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	a.connect(t, a.server.BaseURL())
	a.server.Faults().DropConnections()
	if _, err := a.server.Person(wang).Command(t.Context(), group, "", "list"); err != nil {
		t.Errorf("after a drop: %v", err)
	}
	eventually(t, "both connections", func() bool { return a.server.Connections() == 2 })
	noViolations(t, a.server)
}

func TestUnansweredEventComesAgain(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{Mode: feishutest.HTTP, RetryAfter: 10 * time.Millisecond})
	var times atomic.Int32
	down := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if times.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		a.handler().ServeHTTP(w, r)
	})
	web := serve(t, down)
	a.server.SetApp(web)
	if _, err := a.server.Person(wang).Command(t.Context(), group, "", "list"); err == nil {
		t.Error("the first delivery did not fail")
	}
	eventually(t, "the second delivery", func() bool {
		d := a.server.Deliveries("im.message.receive_v1")
		return len(d) == 2 && d[0].EventID == d[1].EventID && d[1].Err == nil
	})
	if v := a.server.Violations(); len(v) != 1 || !strings.Contains(v[0], "answered with 503") {
		t.Errorf("violations = %v", v)
	}
}

func TestForgedRequestIsNotDispatched(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{Mode: feishutest.HTTP})
	if err := a.server.Verify(t.Context(), "/feishu/events"); err != nil {
		t.Error(err)
	}
	set(a, &a.message, func(*larkim.P2MessageReceiveV1) { t.Error("a forged message was dispatched") })
	body, err := a.server.Envelope([]byte(`{"schema":"2.0","header":{"event_type":"im.message.receive_v1"},"event":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	headers := a.server.Headers(body)
	headers.Set("X-Lark-Signature", feishutest.Sign("1", "2", "another key", body))
	if status := post(t, a.handler(), body, headers); status != http.StatusInternalServerError {
		t.Errorf("status = %d", status)
	}
}

func TestTwiceDeliveredClickGoesToTwoConnections(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	a.connect(t, a.server.BaseURL())
	var clicks atomic.Int32
	set(a, &a.clicked, func(*callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse {
		clicks.Add(1)
		return nil
	})
	a.server.Faults().DeliverTwice(true)
	a.send(t, "chat_id", group, around("x", button("Go", "go")))
	m := a.last(t, wang, group)
	if _, err := a.server.Person(wang).Press(t.Context(), m, m.Buttons[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second click", func() bool { return clicks.Load() == 2 })
	noViolations(t, a.server)
}
