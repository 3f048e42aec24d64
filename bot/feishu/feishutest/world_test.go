package feishutest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	lark "github.com/larksuite/oapi-sdk-go/v3"
	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	larkevent "github.com/larksuite/oapi-sdk-go/v3/event"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"
	larkapplication "github.com/larksuite/oapi-sdk-go/v3/service/application/v6"
	larkapproval "github.com/larksuite/oapi-sdk-go/v3/service/approval/v4"
	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
)

const (
	wang  = "ou_wang"
	li    = "ou_li"
	group = "oc_release"
)

// app is an app made of the vendor's SDK alone. Its fields are what it does.
type app struct {
	server *feishutest.Server
	client *lark.Client

	mu      sync.Mutex
	message func(*larkim.P2MessageReceiveV1)
	clicked func(*callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse
	preview func(*callback.URLPreviewGetEvent) *callback.URLPreviewGetResponse
	menu    func(*larkapplication.P2BotMenuV6)
	entered func(*larkim.P2ChatAccessEventBotP2pChatEnteredV1)

	approval func(context.Context, []byte) // first version
	changed  func(*larkapproval.P2InstanceStatusChangedV4)
}

// quiet is a log that nobody reads.
type quiet struct{}

func (quiet) Debug(context.Context, ...any) {}
func (quiet) Info(context.Context, ...any)  {}
func (quiet) Warn(context.Context, ...any)  {}
func (quiet) Error(context.Context, ...any) {}

// newApp starts a stand-in with two people and a group, and an app that is connected to it.
func newApp(t *testing.T, cfg feishutest.Config) *app {
	t.Helper()
	s := feishutest.New(cfg)
	s.AddUser(feishutest.User{OpenID: wang, Name: "王小明", Email: "wang@example.com"})
	s.AddUser(feishutest.User{OpenID: li, Name: "Li Lei", Email: "li@example.com", Locale: "en-US", TZ: "Europe/Berlin"})
	s.AddGroup(feishutest.Group{ID: group, Name: "Release", Members: []string{wang, li}})
	address, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{server: s, client: lark.NewClient(s.AppID(), s.AppSecret(), lark.WithOpenBaseUrl(address), lark.WithLogger(quiet{}))}
	if cfg.Mode == feishutest.HTTP {
		web := httptest.NewServer(a.handler())
		t.Cleanup(web.Close)
		s.SetApp(web.URL)
	} else {
		a.connect(t, address)
	}
	t.Cleanup(func() { _ = s.Close() })
	return a
}

// connect opens one more long connection.
func (a *app) connect(t *testing.T, address string) {
	t.Helper()
	client := larkws.NewClient(a.server.AppID(), a.server.AppSecret(), larkws.WithDomain(address),
		larkws.WithEventHandler(a.dispatcher()), larkws.WithLogger(quiet{}))
	before := a.server.Connections()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = client.Start(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	eventually(t, "the connection", func() bool { return a.server.Connections() > before })
}

func (a *app) dispatcher() *dispatcher.EventDispatcher {
	d := dispatcher.NewEventDispatcher(a.server.VerificationToken(), a.server.EncryptKey())
	d.InitConfig(larkevent.WithLogger(quiet{}))
	first := func(ctx context.Context, e *larkevent.EventReq) error {
		var sealed struct{ Encrypt string } // the SDK hands over what came
		body := e.Body
		if json.Unmarshal(body, &sealed) == nil && sealed.Encrypt != "" {
			body, _ = feishutest.Decrypt(sealed.Encrypt, a.server.EncryptKey())
		}
		if do := get(a, &a.approval); do != nil {
			do(ctx, body)
		}
		return nil
	}
	return d.
		OnCustomizedEvent("approval_instance", first).
		OnCustomizedEvent("approval_task", first).
		OnP2InstanceStatusChangedV4(func(_ context.Context, e *larkapproval.P2InstanceStatusChangedV4) error {
			if do := get(a, &a.changed); do != nil {
				do(e)
			}
			return nil
		}).
		OnP2MessageReceiveV1(func(_ context.Context, e *larkim.P2MessageReceiveV1) error {
			if do := get(a, &a.message); do != nil {
				do(e)
			}
			return nil
		}).
		OnP2BotMenuV6(func(_ context.Context, e *larkapplication.P2BotMenuV6) error {
			if do := get(a, &a.menu); do != nil {
				do(e)
			}
			return nil
		}).
		OnP2ChatAccessEventBotP2pChatEnteredV1(func(_ context.Context, e *larkim.P2ChatAccessEventBotP2pChatEnteredV1) error {
			if do := get(a, &a.entered); do != nil {
				do(e)
			}
			return nil
		}).
		OnP2CardActionTrigger(func(_ context.Context, e *callback.CardActionTriggerEvent) (*callback.CardActionTriggerResponse, error) {
			if do := get(a, &a.clicked); do != nil {
				return do(e), nil
			}
			return nil, nil
		}).
		OnP2CardURLPreviewGet(func(_ context.Context, e *callback.URLPreviewGetEvent) (*callback.URLPreviewGetResponse, error) {
			if do := get(a, &a.preview); do != nil {
				return do(e), nil
			}
			return nil, nil
		})
}

func get[T any](a *app, from *T) T {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *from
}

func set[T any](a *app, to *T, do T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*to = do
}

// handler serves what Feishu posts, through the SDK.
func (a *app) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer := a.dispatcher().Handle(r.Context(), &larkevent.EventReq{Header: r.Header, Body: body, RequestURI: r.URL.Path})
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(answer.Body)
	})
}

// send posts a card and returns its id.
func (a *app) send(t *testing.T, kind, to, card string) string {
	t.Helper()
	resp, err := a.client.Im.Message.Create(t.Context(), larkim.NewCreateMessageReqBuilder().ReceiveIdType(kind).
		Body(larkim.NewCreateMessageReqBodyBuilder().ReceiveId(to).MsgType("interactive").Content(card).Build()).Build())
	if err != nil || !resp.Success() {
		t.Fatalf("send: %v %+v", err, resp)
	}
	return *resp.Data.MessageId
}

// patch replaces a card and returns Feishu's code.
func (a *app) patch(ctx context.Context, id, card string) int {
	resp, err := a.client.Im.Message.Patch(ctx, larkim.NewPatchMessageReqBuilder().MessageId(id).
		Body(larkim.NewPatchMessageReqBodyBuilder().Content(card).Build()).Build())
	if err != nil {
		return -1
	}
	return resp.Code
}

// call calls an interface with a token that is known to be good and returns the answer.
func (a *app) call(t *testing.T, method, path, body string) (status, code int, answer map[string]any) {
	t.Helper()
	var content any
	if body != "" {
		content = json.RawMessage(body)
	}
	got, err := a.client.Do(t.Context(), &larkcore.ApiReq{
		HttpMethod: method, ApiPath: path, Body: content,
		SupportedAccessTokenTypes: []larkcore.AccessTokenType{larkcore.AccessTokenTypeTenant},
	})
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	_ = json.Unmarshal(got.RawBody, &answer)
	n, _ := answer["code"].(float64)
	return got.StatusCode, int(n), answer
}

// around is a card with these elements.
func around(title string, elements ...string) string {
	return `{"schema":"2.0","config":{"update_multi":true},"header":{"title":{"tag":"plain_text","content":"` + title + `"}},` +
		`"body":{"elements":[` + strings.Join(elements, ",") + `]}}`
}

func button(label, value string) string {
	return `{"tag":"button","text":{"tag":"plain_text","content":"` + label + `"},"behaviors":[{"type":"callback","value":{"do":"` + value + `"}}]}`
}

func words(content string) string {
	quoted, _ := json.Marshal(content)
	return `{"tag":"markdown","content":` + string(quoted) + `}`
}

func raw(card string) *callback.Card {
	var data map[string]any
	_ = json.Unmarshal([]byte(card), &data)
	return &callback.Card{Type: "raw", Data: data}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
		<-tick.C
	}
}

// last returns the newest message in a room, as somebody sees it.
func (a *app) last(t *testing.T, who, room string) screen.Message {
	t.Helper()
	seen := a.server.Person(who).Look(room)
	if len(seen) == 0 {
		t.Fatalf("%s sees nothing in %s", who, room)
	}
	return seen[len(seen)-1]
}

func noViolations(t *testing.T, s *feishutest.Server) {
	t.Helper()
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations: %s", strings.Join(v, "\n"))
	}
}

// inBothModes plays a test over the long connection and by HTTP.
func inBothModes(t *testing.T, play func(t *testing.T, a *app)) {
	t.Helper()
	for _, mode := range []string{feishutest.LongConnection, feishutest.HTTP} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			play(t, newApp(t, feishutest.Config{Mode: mode}))
		})
	}
}

// serve serves a handler until the test ends.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	return web.URL
}

// post sends a body to a handler and returns the status.
func post(t *testing.T, h http.Handler, body []byte, headers http.Header) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/feishu/events", bytes.NewReader(body))
	r.Header = headers
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
