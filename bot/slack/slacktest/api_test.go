package slacktest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"slipway/bot/slack/slacktest"
)

func jsonInto(raw []byte, v any) error { return json.Unmarshal(raw, v) }

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// post calls a method as a program without a library would, and returns the answer with its status and header.
func (w *world) post(method, token string, body map[string]any) (map[string]any, int, http.Header) {
	w.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.ctx(), http.MethodPost, w.APIURL()+method, bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		w.t.Fatal(err)
	}
	return answer, resp.StatusCode, resp.Header
}

func TestTheSignatureIsTheOneInSlacksDocuments(t *testing.T) {
	t.Parallel()
	body := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
		"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
		"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
		"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	got := slacktest.Sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", []byte(body))
	if want := "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestSlackGoAcceptsTheSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	now := itoa(time.Now().Unix())
	verifier, err := slack.NewSecretsVerifier(http.Header{
		"X-Slack-Request-Timestamp": {now}, "X-Slack-Signature": {slacktest.Sign(w.SigningSecret(), now, []byte("body"))},
	}, w.SigningSecret())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(&verifier, "body"); err != nil {
		t.Fatal(err)
	}
	if err := verifier.Ensure(); err != nil {
		t.Error(err)
	}
	if err := w.Challenge(w.ctx()); err != nil {
		t.Errorf("challenge: %v", err)
	}
}

func TestTokensAndScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, func(c *slacktest.Config) { c.Scopes = []string{"users:read", "chat:write"} })
	tests := []struct {
		method, token, want string
	}{
		{"auth.test", "", "not_authed"},
		{"auth.test", "xoxb-wrong", "invalid_auth"},
		{"auth.test", w.BotToken(), ""},
		{"apps.connections.open", w.BotToken(), "not_allowed_token_type"},
		{"chat.postMessage", w.AppToken(), "not_allowed_token_type"},
		{"users.lookupByEmail", w.BotToken(), "missing_scope"},
		{"chat.nothing", w.BotToken(), "unknown_method"},
	}
	for _, test := range tests {
		answer, status, header := w.post(test.method, test.token, map[string]any{})
		if got, _ := answer["error"].(string); got != test.want || status != http.StatusOK {
			t.Errorf("%s with %q: %v, status %d", test.method, test.token, answer, status)
		}
		if test.want == "" && header.Get("X-OAuth-Scopes") != "chat:write,users:read" {
			t.Errorf("scopes %q", header.Get("X-OAuth-Scopes"))
		}
		if test.want == "missing_scope" && (answer["needed"] != "users:read.email" || answer["provided"] != "chat:write,users:read") {
			t.Errorf("missing scope says %v", answer)
		}
	}
	w.Faults().Revoke()
	if _, err := w.api.AuthTest(); errorText(err) != "token_revoked" {
		t.Errorf("revoked: %v", err)
	}
	w.Faults().Restore()
	who, err := w.api.AuthTest()
	if err != nil || who.UserID != w.BotUser() {
		t.Errorf("restored: %+v, %v", who, err)
	}
}

func TestMessagesGoWhereTheBotIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	w.AddChannel(slacktest.Channel{ID: "C3", Name: "secret", Members: []string{"U1"}, Private: true})
	hi := slack.MsgOptionText("hi", false)
	for channel, want := range map[string]string{"C1": "", "C2": "not_in_channel", "C3": "channel_not_found", "C9": "channel_not_found", "U1": ""} {
		if _, _, err := w.api.PostMessage(channel, hi); errorText(err) != want {
			t.Errorf("post to %s: %v, want %q", channel, err, want)
		}
	}
	for user, want := range map[string]string{"U1": "", "U9": "user_not_found"} {
		if _, err := w.api.PostEphemeral("C1", user, hi); errorText(err) != want {
			t.Errorf("whisper to %s: %v, want %q", user, err, want)
		}
	}
	if _, _, _, err := w.api.UpdateMessage("C1", "1.000001", hi); errorText(err) != "message_not_found" {
		t.Errorf("update nothing: %v", err)
	}
	if _, _, _, err := w.api.JoinConversation("C2"); err != nil {
		t.Error(err)
	}
	if _, _, err := w.api.PostMessage("C2", hi); err != nil {
		t.Errorf("after joining: %v", err)
	}
	w.clean()
	if _, err := w.Person("U1").Write(w.ctx(), "C1", "", "mine"); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := w.api.UpdateMessage("C1", w.last("U1", "C1").ID, hi); errorText(err) != "cant_update_message" {
		t.Errorf("update another's: %v", err)
	}
}

func TestABotMayPostInPublicChannelsWithTheScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, func(c *slacktest.Config) { c.Scopes = []string{"chat:write", "chat:write.public"} })
	if _, _, err := w.api.PostMessage("C2", slack.MsgOptionText("hi", false)); err != nil {
		t.Error(err)
	}
	if _, _, err := w.api.PostMessage("U1", slack.MsgOptionText("hi", false)); errorText(err) != "missing_scope" {
		t.Errorf("without im:write: %v", err)
	}
}

func TestMetadataComesBackWithHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	_, root, err := w.api.PostMessage("C1", slack.MsgOptionText("root", false),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "slipway_post", EventPayload: map[string]any{"key": "k1"}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.api.PostMessage("C1", slack.MsgOptionText("reply", false), slack.MsgOptionTS(root),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "slipway_post", EventPayload: map[string]any{"key": "k2"}})); err != nil {
		t.Fatal(err)
	}
	history, err := w.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: "C1", IncludeAllMetadata: true, Oldest: "1789999999"})
	if err != nil {
		t.Fatal(err)
	}
	if len(history.Messages) != 1 || history.Messages[0].Metadata.EventPayload["key"] != "k1" || history.Messages[0].ReplyCount != 1 {
		t.Errorf("history %+v", history.Messages)
	}
	replies, _, _, err := w.api.GetConversationReplies(&slack.GetConversationRepliesParameters{ChannelID: "C1", Timestamp: root, IncludeAllMetadata: true})
	if err != nil || len(replies) != 2 || replies[1].Metadata.EventPayload["key"] != "k2" {
		t.Errorf("replies %+v, %v", replies, err)
	}
	link, err := w.api.GetPermalink(&slack.PermalinkParameters{Channel: "C1", Ts: replies[1].Timestamp})
	if err != nil || !strings.Contains(link, "/archives/C1/p1790000000") || !strings.Contains(link, "thread_ts="+root) {
		t.Errorf("permalink %q, %v", link, err)
	}
	if root == replies[1].Timestamp {
		t.Error("two messages have one timestamp")
	}
	if _, _, err := w.api.DeleteMessage("C1", root); err != nil {
		t.Error(err)
	}
	_, _, late, err := w.api.PostMessageWithResponse("C1", slack.MsgOptionText("late", false), slack.MsgOptionTS(root))
	if err != nil || late.ThreadTimestamp != "" {
		t.Errorf("answer to a deleted message: %+v, %v", late, err)
	}
	w.clean()
}

func TestBadBlocksAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	long := slack.NewHeaderBlock(slack.NewTextBlockObject("plain_text", strings.Repeat("x", 151), false, false))
	_, _, err := w.api.PostMessage("C1", slack.MsgOptionText("t", false), slack.MsgOptionBlocks(long))
	refused, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok || refused.Err != "invalid_blocks" {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff([]string{"[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"}, refused.ResponseMetadata.Messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	w.violates("invalid_blocks")
}

func TestPeopleAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	w.AddUser(slacktest.User{ID: "U3", Name: "Eve", Email: "eve@elsewhere.example", Team: "T9"})
	w.AddUserGroup("S1", "U1", "U2")
	u, err := w.api.GetUserByEmail("ANN@example.com")
	if err != nil || u.ID != "U1" || u.TZ != "Asia/Shanghai" || u.TZOffset != 8*3600 {
		t.Errorf("by e-mail: %+v, %v", u, err)
	}
	if _, err := w.api.GetUserByEmail("eve@elsewhere.example"); errorText(err) != "users_not_found" {
		t.Errorf("a stranger by e-mail: %v", err)
	}
	if u, err := w.api.GetUserInfo("U3"); err != nil || !u.IsStranger || u.TeamID != "T9" {
		t.Errorf("stranger: %+v, %v", u, err)
	}
	if u, err := w.api.GetUserInfo("U1"); err != nil || u.Locale != "zh-CN" || u.Profile.Email != "ann@example.com" {
		t.Errorf("user: %+v, %v", u, err)
	}
	if all, err := w.api.GetUsers(slack.GetUsersOptionLimit(2)); err != nil || len(all) != 4 {
		t.Errorf("all users: %d, %v", len(all), err)
	}
	if members, err := w.api.GetUserGroupMembers("S1"); err != nil || len(members) != 2 {
		t.Errorf("group: %v, %v", members, err)
	}
	channel, _, _, err := w.api.OpenConversation(&slack.OpenConversationParameters{Users: []string{"U1"}})
	if err != nil || channel.ID != "DU1" {
		t.Errorf("direct: %+v, %v", channel, err)
	}
	if c, err := w.api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: "C1"}); err != nil || c.Name != "general" || !c.IsMember {
		t.Errorf("channel: %+v, %v", c, err)
	}
	if team, err := w.api.GetTeamInfo(); err != nil || team.Domain == "" {
		t.Errorf("team: %+v, %v", team, err)
	}
	w.clean()
}

func TestMethodsAreLimitedAsTheirTiersSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, func(c *slacktest.Config) { c.Limits = true; c.Events = []string{} })
	var ts string
	for range 5 {
		var err error
		if _, ts, err = w.api.PostMessage("C1", slack.MsgOptionText("x", false)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := w.api.PostMessage("C1", slack.MsgOptionText("x", false))
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); !ok || limited.RetryAfter != time.Second {
		t.Errorf("the sixth post: %v", err)
	}
	if _, _, err := w.api.PostMessage("U1", slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("elsewhere: %v", err)
	}
	w.clock.Pass(time.Second)
	if _, _, err := w.api.PostMessage("C1", slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("a second later: %v", err)
	}
	for range 50 {
		if _, _, _, err := w.api.UpdateMessage("C1", ts, slack.MsgOptionText("y", false)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, _, err = w.api.UpdateMessage("C1", ts, slack.MsgOptionText("y", false))
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); !ok || limited.RetryAfter != 2*time.Second {
		t.Errorf("the 51st update: %v", err)
	}
	w.clean()
}

func TestAResponseAddressIsUsedFiveTimesInHalfAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTP, nil)
	say := func(url, kind string) string {
		_, _, err := w.api.PostMessage("", slack.MsgOptionText("x", false), slack.MsgOptionResponseURL(url, kind))
		return errorText(err)
	}
	command := func() string {
		if _, err := w.Person("U1").Command(w.ctx(), "C2", "", "x"); err != nil {
			t.Fatal(err)
		}
		all := w.app.all("command")
		return all[len(all)-1].str("response_url")
	}
	url := command()
	for i := range 5 {
		if got := say(url, "in_channel"); got != "" {
			t.Errorf("use %d: %s", i+1, got)
		}
	}
	w.clean()
	if seen := w.Person("U1").Look("C2"); len(seen) != 5 || seen[0].Only {
		t.Errorf("%d messages in a channel without the bot", len(seen))
	}
	if got := say(url, "in_channel"); !strings.Contains(got, "404") {
		t.Errorf("the sixth use: %s", got)
	}
	url = command()
	w.clock.Pass(31 * time.Minute)
	if got := say(url, ""); !strings.Contains(got, "404") {
		t.Errorf("too late: %s", got)
	}
	if got := say(strings.TrimSuffix(w.APIURL(), "api/")+"response/none", ""); !strings.Contains(got, "404") {
		t.Errorf("a made up address: %s", got)
	}
	if len(w.Violations()) != 3 {
		t.Errorf("violations %q", w.Violations())
	}
}
