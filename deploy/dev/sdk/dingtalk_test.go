package sdk

import (
	"encoding/json"
	"strings"
	"testing"

	"slipway/bot/dingtalk/dingtalktest"
)

const dingTalkCode = "PROC-17428B8C-6C60-4B0C-924C-64F1037AE067"

// organisation is a stand-in of DingTalk with an approval and four people.
func organisation(t *testing.T) *dingtalktest.Server {
	t.Helper()
	s := dingtalktest.New(dingtalktest.Config{})
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, id := range []string{"manager01", "ann01", "bob01", "cho01"} {
		s.AddUser(dingtalktest.User{ID: id})
	}
	s.AddDefinition(dingtalktest.Definition{Code: dingTalkCode, Name: "Release", Components: []dingtalktest.Component{
		{Kind: "TextField", Name: "Plan", Required: true}, {Kind: "TextareaField", Name: "Notes"},
	}})
	return s
}

func dingTalkEnv(s *dingtalktest.Server) []string {
	return []string{
		"BASE_URL=" + s.BaseURL(), "APP_KEY=" + s.AppKey(), "APP_SECRET=" + s.AppSecret(), "CALLBACK_TOKEN=" + s.CallbackToken(),
		"AES_KEY=" + s.AESKey(), "CODE=" + dingTalkCode, "ORIGINATOR=manager01", "ONE=ann01", "TWO=bob01", "THREE=cho01",
	}
}

// TestDingTalkClient calls the stand-in with the clients of DingTalk's SDK.
func TestDingTalkClient(t *testing.T) {
	t.Parallel()
	s := organisation(t)
	var got map[string]struct {
		Code, Message, InstanceID, AccessToken string
		ExpireIn, Status                       int
		Result                                 json.RawMessage
	}
	runNode(t, &got, nil, "dingtalk-client.mjs", dingTalkEnv(s)...)
	for name, code := range map[string]string{
		"token": "", "form": "", "start": "", "get": "", "startAgain": "", "list": "", "listMore": "",
		"badSecret": "invalidClientIdOrSecret", "badToken": "InvalidAuthentication", "badCode": "processCodeError",
		"badUser": "processInstanceInvalidParameter", "badStep": "processInstanceInvalidParameter", "twice": "processInstanceInvalidParameter",
		"badForm": "formConverterError", "getNone": "processInstanceNotExist", "listTooMany": "invalidMaxResults", "listTooLong": "invalidEndTime",
		"tooFresh": "aflowProcessInstStatusException", "terminateNone": "aflowProcessInstNotExist", "terminateUnsaid": "invalidInstanceTerminateIsSystem",
	} {
		if a, ok := got[name]; !ok || a.Code != code {
			t.Errorf("%s: %+v, want code %q", name, a, code)
		}
	}
	if a := got["token"]; a.AccessToken == "" || a.ExpireIn != 7200 {
		t.Errorf("the token: %+v", a)
	}
	first, second := got["start"].InstanceID, got["startAgain"].InstanceID
	if first == "" || second == "" || first == second {
		t.Errorf("two questions are %q and %q", first, second)
	}
	for name, part := range map[string]string{
		"form": `"label":"Plan"`, "get": `"status":"RUNNING"`, "list": `"` + first + `"`, "listMore": `"` + second + `"`,
	} {
		if !strings.Contains(string(got[name].Result), part) {
			t.Errorf("%s does not tell %s: %s", name, part, got[name].Result)
		}
	}
	for _, part := range []string{`"name":"Notes"`, `"value":"two\nlines"`, `"type":"START_PROCESS_INSTANCE"`, `"userId":"ann01"`, `"approverUserIds":["ann01","bob01","cho01"]`} {
		if !strings.Contains(string(got["get"].Result), part) {
			t.Errorf("the SDK does not see %s: %s", part, got["get"].Result)
		}
	}
	if n := len(s.Instances()); n != 2 {
		t.Errorf("there are %d instances", n)
	}
	// The steps that the script got wrong on purpose are all that was wrong.
	for _, v := range s.Violations() {
		if !strings.Contains(v, "actionType AND") && !strings.Contains(v, "userid错误") {
			t.Errorf("the SDK broke a rule of DingTalk: %s", v)
		}
	}
}

// TestDingTalkEvents has apps hear a story: one made with the library for DingTalk's
// encryption, over HTTP, and one made with DingTalk's SDK for its stream.
func TestDingTalkEvents(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"dingtalk-events.mjs", "dingtalk-stream.mjs"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			s := organisation(t)
			app, url := startNode(t, script, dingTalkEnv(s)...)
			if url == "" {
				if err := s.Connected(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := s.Ping(t.Context()); err != nil {
					t.Errorf("the SDK does not answer pings: %v", err)
				}
			} else {
				s.SetApp(url)
				if err := s.Verify(t.Context()); err != nil {
					t.Errorf("the library fails the check of the address: %v", err)
				}
				app.tells("event", "check_url")
			}
			dingTalkStory(t, s, app)
			if url != "" {
				forgedDingTalkEvent(t, s, app, url)
			}
		})
	}
}

func dingTalkStory(t *testing.T, s *dingtalktest.Server, app *program) {
	t.Helper()
	var got map[string]struct{ InstanceID string }
	runNode(t, &got, nil, "dingtalk-client.mjs", dingTalkEnv(s)...)
	ctx := t.Context()
	if err := s.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	first, second := got["start"].InstanceID, got["startAgain"].InstanceID
	for _, err := range []error{
		s.Agree(ctx, first, "ann01", "好的"), s.Transfer(ctx, first, "bob01", "manager01", ""), s.Agree(ctx, first, "cho01", ""),
		s.Agree(ctx, first, "manager01", "看过了"), s.Refuse(ctx, second, "ann01", "不行"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, what := range []string{
		"bpms_instance_change start", "bpms_task_change start", "bpms_task_change finish agree", "bpms_task_change finish redirect",
		"bpms_task_change finish refuse", "bpms_instance_change finish agree", "bpms_instance_change finish refuse",
	} {
		app.tells("event", what)
	}
	app.tells("instance", first)
	app.tells("instance", second)
	for _, d := range s.Deliveries() {
		if d.Err != nil {
			t.Errorf("the stand-in does not understand the answer: %+v", d)
		}
	}
	if errs, _, _ := app.heard("error"); len(errs) > 0 {
		t.Errorf("the library met errors: %v", errs)
	}
}

// forgedDingTalkEvent sends the library an event with a key that is not its own.
func forgedDingTalkEvent(t *testing.T, s *dingtalktest.Server, app *program, url string) {
	t.Helper()
	other := dingtalktest.New(dingtalktest.Config{AppKey: s.AppKey(), CallbackToken: "another"})
	t.Cleanup(func() { _ = other.Close() })
	other.SetApp(url)
	if err := other.Verify(t.Context()); err == nil {
		t.Error("the library took a forged event")
	}
	app.hears("error")
}
