package feishu

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	larkevent "github.com/larksuite/oapi-sdk-go/v3/event"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"slipway/bot"
	"slipway/bot/feishu/feishutest"
	"slipway/bot/sealed"
)

// kudryavka is an event of Feishu's documentation of encryption, under the key of that
// name.
const kudryavka = "FIAfJPGRmFZWkaxPQ1XrJZVbv2JwdjfLk4jx0k/U1deAqYK3AXOZ5zcHt/cC4ZNTqYwWUW/EoL+b2hW/C4zoAQQ5CeMtbxX2zHjm+E4nX/Aww+FHUL6iuIMaeL2KLxqdtbHRC50vgC2YI7xohnb3KuCNBMUzLiPeNIpVdnYaeteCmSaESb+AZpJB9PExzTpRDzCRv+T6o5vlzaE8UgIneC1sYu85BnPBEMTSuj1ZZzfdQi7ZW992Z4dmJxn9e8FL2VArNm99f5Io3c2O4AcNsQENNKtfAAxVjCqc3mg5jF0nKabA+u/5vrUD76flX1UOF5fzJ0sApG2OEn9wfyPDRBsApn9o+fceF9hNrYBGsdtZrZYyGG387CGOtKsuj8e2E8SNp+Pn4E9oYejOTR+ZNLNi+twxaXVlJhr6l+RXYwEiMGQE9zGFBD6h2dOhKh3W84p1GEYnSRIz1+9/Hp66arjC7RCrhuW5OjCj4QFEQJiwgL45XryxHtiZ7JdAlPmjVsL03CxxFZarzxzffryrWUG3VkRdHRHbTsC34+ScoL5MTDU1QAWdqUC1T7xT0lCvQELaIhBTXAYrznJl6PlA83oqlMxpHh0gZBB1jFbfoUr7OQbBs1xqzpYK6Yjux6diwpQB1zlZErYJUfCqK7G/zI9yK/60b4HW0k3M+AvzMcw="

func TestThePublishedExamplesOfEncryptionAreRead(t *testing.T) {
	t.Parallel()
	got, err := decrypt("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=", "test key")
	if err != nil || string(got) != "hello world" {
		t.Errorf("decrypt = %q, %v", got, err)
	}
	got, err = decrypt(kudryavka, "kudryavka")
	if err != nil || !json.Valid(got) || !strings.HasPrefix(string(got), `{"uuid":"5226cd85b4d843dccee2e279d93f3ed3"`) {
		t.Errorf("decrypt = %q, %v", got, err)
	}
	for name, sealed := range map[string]string{
		"no base64": "%", "empty": "", "one block": "AAAAAAAAAAAAAAAAAAAAAA==", "half a block": "AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "bad padding": kudryavka,
	} {
		if got, err := decrypt(sealed, "another key"); err == nil {
			t.Errorf("%s was decrypted to %q", name, got)
		}
	}
}

func TestSignaturesAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	now, body := time.Unix(1795521600, 0), `{"encrypt":"x"}`
	for age, ok := range map[time.Duration]bool{
		0: true, 5 * time.Minute: true, -5 * time.Minute: true, 5*time.Minute + time.Second: false, -5*time.Minute - time.Second: false,
	} {
		ts := strconv.FormatInt(now.Add(-age).Unix(), 10)
		signature := larkevent.Signature(ts, "nonce", "key", body)
		if err := verify(ts, "nonce", signature, "key", []byte(body), now); (err == nil) != ok {
			t.Errorf("a signature of %s ago: %v", age, err)
		}
		if verify(ts, "nonce", signature, "kez", []byte(body), now) == nil || verify(ts, "nonce", signature[:63], "key", []byte(body), now) == nil ||
			verify("1"+ts, "nonce", signature, "key", []byte(body), now) == nil || verify(ts, "nonce", "", "key", []byte(body), now) == nil {
			t.Error("a wrong signature was taken")
		}
	}
}

// event is a message of somebody to the bot, changed.
func (w *world) event(t *testing.T, change func(header map[string]any)) []byte {
	t.Helper()
	header := map[string]any{
		"event_id": "e1", "event_type": typeMessage, "app_id": w.AppID, "token": w.VerificationToken, "create_time": "1795521600000",
	}
	if change != nil {
		change(header)
	}
	return mustJSON(t, map[string]any{"schema": "2.0", "header": header, "event": map[string]any{
		"sender":  map[string]any{"sender_id": map[string]any{"open_id": li}, "sender_type": "user"},
		"message": map[string]any{"message_id": "om_1", "chat_id": w.chat.Direct(li), "chat_type": "p2p", "message_type": "text", "content": `{"text":"help"}`},
	}})
}

func TestBadRequestsHaveNoEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	envelope := func(payload []byte) []byte { return demand[[]byte](t)(w.chat.Envelope(payload)) }
	good := envelope(w.event(t, nil))
	resign := func(h http.Header, body []byte, at time.Time, key string) {
		ts := strconv.FormatInt(at.Unix(), 10)
		h.Set("X-Lark-Request-Timestamp", ts)
		h.Set("X-Lark-Signature", feishutest.Sign(ts, h.Get("X-Lark-Request-Nonce"), key, body))
	}
	for name, c := range map[string]struct {
		body   []byte
		change func(h http.Header, body []byte)
		want   int
	}{
		"forged":                {good, func(h http.Header, body []byte) { resign(h, body, time.Now(), "another key") }, 401},
		"changed afterwards":    {append(bytes.Clone(good), ' '), func(h http.Header, _ []byte) { resign(h, good, time.Now(), w.EncryptKey) }, 401},
		"unsigned":              {good, func(h http.Header, _ []byte) { h.Del("X-Lark-Signature") }, 401},
		"of an hour ago":        {good, func(h http.Header, body []byte) { resign(h, body, time.Now().Add(-time.Hour), w.EncryptKey) }, 401},
		"of the future":         {good, func(h http.Header, body []byte) { resign(h, body, time.Now().Add(time.Hour), w.EncryptKey) }, 401},
		"plain":                 {w.event(t, nil), nil, 401},
		"plain and unsigned":    {w.event(t, nil), func(h http.Header, _ []byte) { h.Del("X-Lark-Signature") }, 401},
		"truncated":             {good[:len(good)/2], nil, 400},
		"truncated inside":      {[]byte(`{"encrypt":"` + kudryavka[:64] + `"}`), nil, 400},
		"empty":                 {nil, nil, 400},
		"not JSON inside":       {envelope([]byte("hello")), nil, 400},
		"without an event":      {envelope(mustJSON(t, map[string]any{"header": map[string]any{"event_id": "e", "event_type": typeMessage, "app_id": w.AppID, "token": w.VerificationToken}})), nil, 400},
		"without an id":         {envelope(w.event(t, func(h map[string]any) { delete(h, "event_id") })), nil, 400},
		"wrong token":           {envelope(w.event(t, func(h map[string]any) { h["token"] = "wrong" })), nil, 401},
		"no token":              {envelope(w.event(t, func(h map[string]any) { delete(h, "token") })), nil, 401},
		"of another app":        {envelope(w.event(t, func(h map[string]any) { h["app_id"] = "cli_0000000000000000" })), nil, 403},
		"of no app":             {envelope(w.event(t, func(h map[string]any) { delete(h, "app_id") })), nil, 403},
		"oversized":             {bytes.Repeat([]byte(" "), sealed.MaxBody+1), nil, 413},
		"of an unknown type":    {envelope(w.event(t, func(h map[string]any) { h["event_type"] = "drive.file.edit_v9" })), nil, 200},
		"of the first version":  {envelope(mustJSON(t, map[string]any{"uuid": "1", "token": w.VerificationToken, "type": "event_callback", "event": map[string]any{"type": "message"}})), nil, 200},
		"challenge, bad token":  {envelope([]byte(`{"type":"url_verification","challenge":"x","token":"wrong"}`)), nil, 401},
		"challenge of no app":   {[]byte(`{"type":"url_verification","challenge":"x","token":"` + w.VerificationToken + `"}`), nil, 401},
		"recalled message":      {envelope(w.event(t, func(h map[string]any) { h["event_type"] = "im.message.recalled_v1" })), nil, 200},
		"a click by nobody":     {envelope(w.event(t, func(h map[string]any) { h["event_type"] = typeClick })), nil, 400},
		"a broken form":         {envelope(mustJSON(t, brokenForm(w))), nil, 400},
		"an event that is text": {envelope([]byte(`{"header":{"event_id":"e","event_type":"` + typeMenu + `","app_id":"` + w.AppID + `","token":"` + w.VerificationToken + `"},"event":"x"}`)), nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			before := strings.Count(w.log.String(), "\n")
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/feishu/events", bytes.NewReader(c.body))
			req.Header = w.chat.Headers(c.body)
			if c.change != nil {
				c.change(req.Header, c.body)
			}
			rec := httptest.NewRecorder()
			w.Routes().ServeHTTP(rec, req)
			if rec.Code != c.want || !strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") || !json.Valid(rec.Body.Bytes()) {
				t.Errorf("answered with %d %s, want %d", rec.Code, rec.Body, c.want)
			}
			if lines := strings.Count(w.log.String(), "\n") - before; lines != 1 {
				t.Errorf("%d lines in the log, want 1:\n%s", lines, w.log)
			}
			for _, secret := range []string{w.EncryptKey, w.VerificationToken, w.AppSecret, req.Header.Get("X-Lark-Signature")} {
				if secret != "" && strings.Contains(w.log.String(), secret) {
					t.Errorf("the log tells %q:\n%s", secret, w.log)
				}
			}
		})
	}
	if saw := w.bot.saw(); len(saw) > 0 || len(w.direct(li)) > 0 {
		t.Errorf("the bot saw %+v", saw)
	}
}

func brokenForm(w *world) map[string]any {
	return map[string]any{
		"header": map[string]any{"event_id": "e", "event_type": typeClick, "app_id": w.AppID, "token": w.VerificationToken},
		"event": map[string]any{
			"operator": map[string]any{"open_id": li}, "action": map[string]any{"tag": "button", "value": map[string]any{keyForm: "bm90aGluZw"}},
		},
	}
}

func TestBothAddressesTakeEverythingAndTheChallenge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	for _, path := range []string{"/feishu/events", "/feishu/cards"} {
		if err := w.chat.Verify(t.Context(), path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		body := demand[[]byte](t)(w.chat.Envelope(w.event(t, nil)))
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
		req.Header = w.chat.Headers(body)
		rec := httptest.NewRecorder()
		w.Routes().ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			t.Errorf("%s answered with %d", path, rec.Code)
		}
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			rec := httptest.NewRecorder()
			w.Routes().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil))
			if rec.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s answered with %d", method, path, rec.Code)
			}
		}
	}
	if n := len(w.bot.saw()); n != 2 {
		t.Errorf("the bot saw %d events, want 2", n)
	}
}

func TestTheLongConnectionTakesWhatItShould(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	rec := httptest.NewRecorder()
	w.Routes().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/feishu/events", nil))
	if rec.Code != http.StatusNotFound {
		t.Errorf("there is an address, too: %d", rec.Code)
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   int
	}{
		"unknown type":   {func(h map[string]any) { h["event_type"] = "drive.file.edit_v9" }, 200},
		"wrong token":    {func(h map[string]any) { h["token"] = "wrong" }, 401},
		"without token":  {func(h map[string]any) { delete(h, "token"); h["event_type"] = "x" }, 200},
		"of another app": {func(h map[string]any) { h["app_id"] = "cli_0000000000000000" }, 403},
	} {
		status := http.StatusOK
		if _, err := w.receive(t.Context(), w.event(t, c.change)); err != nil {
			status = statusOf(err)
		}
		if status != c.want {
			t.Errorf("%s: answered with %d, want %d", name, status, c.want)
		}
	}
	if len(w.bot.saw()) > 0 {
		t.Errorf("the bot saw %+v", w.bot.saw())
	}
}

func TestEventsInPartsArePutTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket, Part: 100})
	demand[any](t)(w.chat.Person(li).Command(t.Context(), w.chat.Direct(li), "", strings.Repeat("long ", 100)+"text"))
	if ev := w.bot.last(t, bot.Direct); !strings.HasSuffix(ev.Text, "long text") || len(ev.Text) != 504 {
		t.Errorf("the bot saw %q", ev.Text)
	}

	header := func(id string, sum, seq int) larkws.Headers {
		h := larkws.Headers{}
		h.Add(larkws.HeaderMessageID, id)
		h.Add(larkws.HeaderSum, strconv.Itoa(sum))
		h.Add(larkws.HeaderSeq, strconv.Itoa(seq))
		return h
	}
	a := assembly{}
	for i, seq := range []int{2, 0, 2, 1} {
		got, err := a.add(header("m", 3, seq), []byte(strconv.Itoa(seq)))
		if err != nil || (i == 3) != (string(got) == "012") {
			t.Errorf("after part %d: %q, %v", i, got, err)
		}
	}
	for name, h := range map[string]larkws.Headers{"too many parts": header("m", 1000, 0), "no such part": header("m", 2, 2), "before the first": header("m", 2, -1)} {
		if _, err := a.add(h, []byte("x")); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := a.add(header("m", 1, 0), make([]byte, sealed.MaxBody+1)); err == nil {
		t.Error("an oversized event was taken")
	}
	for i := range 100 {
		if _, err := a.add(header(strconv.Itoa(i), 2, 0), []byte("x")); err != nil || len(a) > maxAssembly {
			t.Fatalf("%d halves of events are kept: %v", len(a), err)
		}
	}
}

func TestALostConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	for range 3 {
		w.chat.Faults().DropConnections()
		eventually(t, "the next connection", func() bool { return w.chat.Connections() == 1 && w.Trouble() == "" })
		demand[any](t)(w.chat.Person(li).Command(t.Context(), w.chat.Direct(li), "", "help"))
	}
	if n := len(w.bot.saw()); n != 3 {
		t.Errorf("the bot saw %d events, want 3", n)
	}
	w.chat.Faults().Fail(feishutest.OpEndpoint, 503, 1)
	w.chat.Faults().DropConnections()
	eventually(t, "the trouble", func() bool {
		return strings.HasPrefix(w.Trouble(), "not connected to Feishu: feishu refused: HTTP 503")
	})
	eventually(t, "the next connection", func() bool { return w.Trouble() == "" })
}

func TestAWrongSecretIsAVisibleTrouble(t *testing.T) {
	t.Parallel()
	chat := feishutest.New(feishutest.Config{Mode: modeSocket})
	address := demand[string](t)(chat.Listen("127.0.0.1:0"))
	t.Cleanup(func() { _ = chat.Close() })
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	c := w.Config
	c.Mode, c.AppID, c.AppSecret, c.BaseURL = modeSocket, chat.AppID(), "wrong", address
	f := demand[*Feishu](t)(New(c))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Run(ctx, w.bot)
	}()
	eventually(t, "the trouble", func() bool { return strings.Contains(f.Trouble(), "514") })
	cancel()
	<-done
}

func TestConfigurationsThatCannotWorkAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	_, err := New(Config{Mode: "carrier pigeon", BaseURL: "ftp://x"})
	for _, want := range []string{"app id", "app secret", "carrier pigeon", "base URL", "clock"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said about %s: %v", want, err)
		}
	}
	c := w.Config
	c.EncryptKey = ""
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "encrypt key") {
		t.Errorf("HTTP without an encrypt key: %v", err)
	}
	c.Mode = ""
	for base, want := range map[string]string{"": feishuURL, "feishu": feishuURL, "lark": larkURL, "https://open.example.com/": "https://open.example.com"} {
		c.BaseURL = base
		if f, err := New(c); err != nil || f.BaseURL != want || f.Mode != modeSocket {
			t.Errorf("base URL %q became %v, %v", base, f, err)
		}
	}
}
