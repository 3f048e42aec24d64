package feishutest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	lark "github.com/larksuite/oapi-sdk-go/v3"
	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"
	larkcontact "github.com/larksuite/oapi-sdk-go/v3/service/contact/v3"
	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"

	"slipway/bot/feishu/feishutest"
)

// message is the body of a request that sends a card.
func message(to, card, rest string) string {
	content, _ := json.Marshal(card)
	return `{"receive_id":"` + to + `","msg_type":"interactive","content":` + string(content) + rest + `}`
}

func TestWhatTheAPIRefuses(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	s := a.server
	s.AddUser(feishutest.User{OpenID: "ou_hidden", Hidden: true})
	s.AddGroup(feishutest.Group{ID: "oc_other", Members: []string{wang}, WithoutBot: true})
	if _, err := s.Person(wang).Write(t.Context(), group, "", "hello"); err != nil {
		t.Fatal(err)
	}
	theirs := a.last(t, wang, group).ID
	mine := a.send(t, "chat_id", group, around("x", words("x")))
	gone := a.send(t, "chat_id", group, around("x", words("x")))
	s.Delete(gone)
	card := around("x", words("y"))
	content, _ := json.Marshal(map[string]string{"content": card})
	const messages = "/open-apis/im/v1/messages"
	for name, tc := range map[string]struct {
		method, path, body string
		code               int
	}{
		"an unknown chat":              {"POST", messages + "?receive_id_type=chat_id", message("oc_none", card, ""), 230001},
		"a group without the bot":      {"POST", messages + "?receive_id_type=chat_id", message("oc_other", card, ""), 230002},
		"a person out of reach":        {"POST", messages + "?receive_id_type=open_id", message("ou_hidden", card, ""), 230013},
		"an unknown person":            {"POST", messages + "?receive_id_type=open_id", message("ou_none", card, ""), 230034},
		"an unknown property":          {"POST", messages + "?receive_id_type=open_id", message(wang, around("x", `{"tag":"hr","height":"2px"}`), ""), 230099},
		"a mention of nobody":          {"POST", messages + "?receive_id_type=open_id", message(wang, around("x", words("<at id=ou_none></at>")), ""), 230099},
		"content that is an object":    {"POST", messages + "?receive_id_type=open_id", `{"receive_id":"ou_wang","msg_type":"interactive","content":{}}`, 230001},
		"a long uuid":                  {"POST", messages + "?receive_id_type=open_id", message(wang, card, `,"uuid":"`+strings.Repeat("u", 51)+`"`), 230001},
		"a big card":                   {"POST", messages + "?receive_id_type=open_id", message(wang, around("x", words(strings.Repeat("x", 31_000))), ""), 230025},
		"a reply to what is gone":      {"POST", messages + "/" + gone + "/reply", message("", card, ""), 230011},
		"a patch of what is gone":      {"PATCH", messages + "/" + gone, string(content), 230011},
		"a patch of somebody's":        {"PATCH", messages + "/" + theirs, string(content), 230027},
		"a patch of nothing":           {"PATCH", messages + "/om_none", string(content), 230001},
		"an edit of a card":            {"PUT", messages + "/" + mine, `{"msg_type":"text","content":"{\"text\":\"x\"}"}`, 230001},
		"urging with somebody's":       {"PATCH", messages + "/" + theirs + "/urgent_app?user_id_type=open_id", `{"user_id_list":["ou_wang"]}`, 230012},
		"a user that there is not":     {"GET", "/open-apis/contact/v3/users/ou_none?user_id_type=open_id", "", 41012},
		"a chat that there is not":     {"GET", "/open-apis/im/v1/chats/oc_none", "", 232006},
		"a wrong update token":         {"POST", "/open-apis/interactive/v1/card/update", `{"token":"x","card":{}}`, 300020},
		"an ephemeral card to nobody":  {"POST", "/open-apis/ephemeral/v1/send", `{"chat_id":"` + group + `","open_id":"ou_none","msg_type":"interactive","card":` + card + `}`, 18002},
		"an ephemeral card all to one": {"POST", "/open-apis/ephemeral/v1/send", `{"chat_id":"` + s.Direct(wang) + `","open_id":"ou_wang","msg_type":"interactive","card":` + card + `}`, 18003},
		"a preview of nothing":         {"POST", "/open-apis/im/v2/url_previews/batch_update", `{"preview_tokens":["x"]}`, 230001},
	} {
		t.Run(name, func(t *testing.T) {
			status, code, answer := a.call(t, tc.method, tc.path, tc.body)
			if status != http.StatusBadRequest || code != tc.code {
				t.Errorf("%s %s = %d %v, want code %d", tc.method, tc.path, status, answer, tc.code)
			}
		})
	}
	if _, err := a.client.Do(t.Context(), &larkcore.ApiReq{
		HttpMethod: "GET", ApiPath: "/open-apis/nothing",
		SupportedAccessTokenTypes: []larkcore.AccessTokenType{larkcore.AccessTokenTypeTenant},
	}); err != nil {
		t.Error(err)
	}
	if calls := s.Calls("GET /open-apis/nothing"); len(calls) != 1 || calls[0].Status != http.StatusNotFound {
		t.Errorf("calls = %+v", calls)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(1_800_000_000)
	a := newApp(t, feishutest.Config{Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	s := a.server
	ask := func(secret string) map[string]any {
		body := fmt.Sprintf(`{"app_id":%q,"app_secret":%q}`, s.AppID(), secret)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.BaseURL()+"/open-apis/auth/v3/tenant_access_token/internal", strings.NewReader(body))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer map[string]any
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		return answer
	}
	get := func(token any) (status int, code any) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.BaseURL()+"/open-apis/bot/v3/info", nil)
		if token != nil {
			req.Header.Set("Authorization", fmt.Sprintf("Bearer %s", token))
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer map[string]any
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		return resp.StatusCode, answer["code"]
	}
	check := func(what string, token any, wantStatus, wantCode int) {
		t.Helper()
		if status, code := get(token); status != wantStatus || code != float64(wantCode) {
			t.Errorf("%s: %d %v, want %d %d", what, status, code, wantStatus, wantCode)
		}
	}
	if code := ask("wrong")["code"]; code != float64(10014) {
		t.Errorf("a wrong secret: %v", code)
	}
	first := ask(s.AppSecret())
	token := first["tenant_access_token"]
	if first["expire"] != float64(7200) || ask(s.AppSecret())["tenant_access_token"] != token {
		t.Errorf("token = %v", first)
	}
	check("a good token", token, 200, 0)
	check("no token", nil, 400, 99991661)
	check("a token of another form", "x", 400, 99991671)
	check("a token of nobody", "t-x", 400, 99991663)
	s.Faults().Revoke()
	check("a revoked token", token, 400, 99991663)
	s.Faults().Restore()
	check("a restored token", token, 200, 0)
	now.Add(int64((91 * time.Minute).Seconds()))
	second := ask(s.AppSecret())["tenant_access_token"]
	if second == token {
		t.Error("the token is not renewed in its last half hour")
	}
	check("the old token in its last half hour", token, 200, 0)
	now.Add(int64((31 * time.Minute).Seconds()))
	check("the old token after two hours", token, 400, 99991663)
	check("the new token", second, 200, 0)
	noViolations(t, s)
	for range 30 {
		ask(s.AppSecret())
	}
	if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0], "asked for") {
		t.Errorf("violations = %v", v)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	a.server.SetScopes("contact:user.id:readonly")
	status, code, answer := a.call(t, "GET", "/open-apis/im/v1/chats/"+group, "")
	if status != 400 || code != 99991672 || !strings.Contains(fmt.Sprint(answer["error"]), "im:chat:readonly") {
		t.Errorf("without a scope: %d %v", status, answer)
	}
	_, _, answer = a.call(t, "GET", "/open-apis/application/v6/scopes", "")
	if !strings.Contains(fmt.Sprint(answer["data"]), "contact:user.id:readonly") {
		t.Errorf("scopes = %v", answer)
	}
	a.server.SetScopes("im:message", "im:message.group_at_msg:readonly")
	var told atomic.Int32
	set(a, &a.message, func(*larkim.P2MessageReceiveV1) { told.Add(1) })
	p := a.server.Person(wang)
	if _, err := p.Write(t.Context(), group, "", "lgtm"); err != nil || told.Load() != 0 {
		t.Errorf("the app was told of a message that does not mention it: %v", err)
	}
	if _, err := p.Command(t.Context(), group, "", "list"); err != nil || told.Load() != 1 {
		t.Errorf("the app was not told of a mention: %v", err)
	}
}

func TestSameUUIDSendsOnce(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(1_800_000_000)
	a := newApp(t, feishutest.Config{Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	send := func() any {
		_, _, answer := a.call(t, "POST", "/open-apis/im/v1/messages?receive_id_type=email", message("li@example.com", around("x", words("x")), `,"uuid":"k"`))
		data, _ := answer["data"].(map[string]any)
		return data["message_id"]
	}
	a.server.Faults().LoseAnswer(feishutest.OpSend, 1)
	if _, err := a.client.Post(t.Context(), "/open-apis/im/v1/messages?receive_id_type=email", json.RawMessage(message("li@example.com", around("x", words("x")), `,"uuid":"k"`)), larkcore.AccessTokenTypeTenant); err == nil {
		t.Error("the answer was not lost")
	}
	first, again := send(), send()
	if first == nil || first != again || len(a.server.Messages(a.server.Direct(li))) != 1 {
		t.Errorf("sent %v, then %v", first, again)
	}
	now.Add(3600)
	if later := send(); later == first {
		t.Error("an hour later it is not sent again")
	}
	if calls := a.server.Calls(feishutest.OpSend); len(calls) != 4 || !calls[0].Lost {
		t.Errorf("calls = %+v", calls)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{Limits: true})
	id := a.send(t, "chat_id", group, around("x", words("x")))
	codes := map[int]int{}
	for i := range 7 {
		codes[a.patch(t.Context(), id, around("x", words(fmt.Sprint(i))))]++
	}
	if codes[0] < 5 || codes[0] > 6 || codes[230020] == 0 {
		t.Errorf("codes of seven changes = %v", codes)
	}
	codes = map[int]int{}
	for range 60 {
		_, code, _ := a.call(t, "GET", "/open-apis/bot/v3/info", "")
		codes[code]++
	}
	if codes[99991400] == 0 || codes[0] < 50 {
		t.Errorf("codes of sixty calls = %v", codes)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	f := a.server.Faults()
	id := a.send(t, "chat_id", group, around("x", words("x")))
	f.RateLimit("PATCH /open-apis/im/v1/messages/*", 1, 1500*time.Millisecond)
	resp, err := a.client.Im.Message.Patch(t.Context(), larkim.NewPatchMessageReqBuilder().MessageId(id).
		Body(larkim.NewPatchMessageReqBodyBuilder().Content(around("x", words("y"))).Build()).Build())
	if err != nil || resp.Code != 99991400 || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("x-ogw-ratelimit-reset") != "2" {
		t.Errorf("limited: %+v %v", resp, err)
	}
	f.Fail(feishutest.OpPatch, 230110, 1)
	if code := a.patch(t.Context(), id, around("x", words("y"))); code != 230110 {
		t.Errorf("failed: %d", code)
	}
	if code := a.patch(t.Context(), id, around("x", words("y"))); code != 0 || a.last(t, wang, group).Text != "x\ny" {
		t.Errorf("after the faults: %d", code)
	}
	f.AgeMessages(15 * 24 * time.Hour)
	if code := a.patch(t.Context(), id, around("x", words("z"))); code != 230031 {
		t.Errorf("after 15 days: %d", code)
	}
}

func TestEarlyChangeIsTakenBack(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	before := around("Payments", words("Waiting"), button("Approve", "approve"))
	id := a.send(t, "chat_id", group, before)
	set(a, &a.clicked, func(*callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse {
		if code := a.patch(t.Context(), id, around("Payments", words("Approved"))); code != 0 {
			t.Errorf("patch = %d", code)
		}
		return nil
	})
	m := a.last(t, wang, group)
	if _, err := a.server.Person(wang).Press(t.Context(), m, m.Buttons[0]); err != nil {
		t.Fatal(err)
	}
	if text := a.last(t, wang, group).Text; text != "Payments\nWaiting" {
		t.Errorf("card = %q", text)
	}
	if v := a.server.Violations(); len(v) != 1 || !strings.Contains(v[0], "before the click on it was answered") {
		t.Errorf("violations = %v", v)
	}
}

func TestDelayedUpdate(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	a.send(t, "chat_id", group, around("x", button("Go", "go")))
	var token atomic.Value
	set(a, &a.clicked, func(e *callback.CardActionTriggerEvent) *callback.CardActionTriggerResponse {
		token.Store(e.Event.Token)
		return nil
	})
	m := a.last(t, wang, group)
	if _, err := a.server.Person(wang).Press(t.Context(), m, m.Buttons[0]); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 0, 300040} {
		body := fmt.Sprintf(`{"token":%q,"card":%s}`, token.Load(), around("x", words(fmt.Sprint(i))))
		if _, code, _ := a.call(t, "POST", "/open-apis/interactive/v1/card/update", body); code != want {
			t.Errorf("update %d = %d, want %d", i, code, want)
		}
	}
	if text := a.last(t, li, group).Text; text != "x\n1" {
		t.Errorf("card = %q", text)
	}
	noViolations(t, a.server)
}

func TestEphemeralCardIsForOne(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	_, code, answer := a.call(t, "POST", "/open-apis/ephemeral/v1/send",
		`{"chat_id":"`+group+`","open_id":"`+wang+`","msg_type":"interactive","card":`+around("x", words("only you"))+`}`)
	data, _ := answer["data"].(map[string]any)
	if code != 0 || len(a.server.Person(li).Look(group)) != 0 {
		t.Errorf("code %d; Li sees it too", code)
	}
	if m := a.last(t, wang, group); !m.Only || m.Text != "x\nonly you" {
		t.Errorf("message = %+v", m)
	}
	_, code, _ = a.call(t, "POST", "/open-apis/ephemeral/v1/delete", fmt.Sprintf(`{"message_id":%q}`, data["message_id"]))
	if code != 0 || len(a.server.Person(wang).Look(group)) != 0 {
		t.Errorf("delete = %d", code)
	}
	noViolations(t, a.server)
}

func TestDirectoryThroughTheSDK(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	found, err := a.client.Contact.User.BatchGetId(t.Context(), larkcontact.NewBatchGetIdUserReqBuilder().UserIdType("open_id").
		Body(larkcontact.NewBatchGetIdUserReqBodyBuilder().Emails([]string{"LI@example.com", "none@example.com"}).Build()).Build())
	if err != nil || !found.Success() || *found.Data.UserList[0].UserId != li || found.Data.UserList[1].UserId != nil {
		t.Errorf("found = %+v %v", found, err)
	}
	user, err := a.client.Contact.User.Get(t.Context(), larkcontact.NewGetUserReqBuilder().UserId(li).UserIdType("open_id").Build())
	if err != nil || !user.Success() || *user.Data.User.Name != "Li Lei" || *user.Data.User.Email != "li@example.com" {
		t.Errorf("user = %+v %v", user, err)
	}
	chat, err := a.client.Im.Chat.Get(t.Context(), larkim.NewGetChatReqBuilder().ChatId(group).Build())
	if err != nil || *chat.Data.Name != "Release" || *chat.Data.ChatMode != "group" {
		t.Errorf("chat = %+v %v", chat, err)
	}
	members, err := a.client.Im.ChatMembers.Get(t.Context(), larkim.NewGetChatMembersReqBuilder().ChatId(group).Build())
	if err != nil || len(members.Data.Items) != 2 {
		t.Errorf("members = %+v %v", members, err)
	}
	id := a.send(t, "chat_id", group, around("x", words("x")))
	urged, err := a.client.Im.Message.UrgentApp(t.Context(), larkim.NewUrgentAppMessageReqBuilder().MessageId(id).UserIdType("open_id").
		UrgentReceivers(larkim.NewUrgentReceiversBuilder().UserIdList([]string{li, "ou_none"}).Build()).Build())
	if err != nil || !urged.Success() || urged.Data.InvalidUserIdList[0] != "ou_none" {
		t.Errorf("urged = %+v %v", urged, err)
	}
	if diff := cmp.Diff([]feishutest.Message{{ID: id, Chat: group, Urgent: []string{li}}}, a.server.Messages(group),
		cmpopts.IgnoreFields(feishutest.Message{}, "Card")); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	list, err := a.client.Im.Message.List(t.Context(), larkim.NewListMessageReqBuilder().ContainerIdType("chat").ContainerId(group).Build())
	if err != nil || len(list.Data.Items) != 1 || *list.Data.Items[0].Sender.Id != a.server.AppID() {
		t.Errorf("list = %+v %v", list, err)
	}
	recalled, err := a.client.Im.Message.Delete(t.Context(), larkim.NewDeleteMessageReqBuilder().MessageId(id).Build())
	if err != nil || !recalled.Success() || len(a.server.Person(wang).Look(group)) != 0 {
		t.Errorf("recalled = %+v %v", recalled, err)
	}
	noViolations(t, a.server)
}

func TestSDKWithAWrongSecretIsRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{})
	client := lark.NewClient(a.server.AppID(), "wrong", lark.WithOpenBaseUrl(a.server.BaseURL()), lark.WithLogger(quiet{}))
	if _, err := client.Get(t.Context(), "/open-apis/bot/v3/info", nil, larkcore.AccessTokenTypeTenant); err == nil {
		t.Error("a wrong secret was taken")
	}
}
