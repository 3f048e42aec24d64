package dingtalk

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/bot"
	"slipway/bot/dingtalk/dingtalktest"
	"slipway/bot/sealed"
)

// The example that DingTalk's repository of encryption ends with.
const (
	sampleToken     = "mryue"
	sampleKey       = "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7"
	sampleOwner     = "ding6ccabc44d2c8d38b"
	sampleSignature = "03044561471240d4a14bb09372dfcfd4fd0e40cb"
	sampleTime      = "1608001896814"
	sampleNonce     = "WL4PK6yA"
	sampleSealed    = "0vJiX6vliEpwG3U45CtXqi+m8PXbQRARJ8p8BbDuD1EMTDf0jKpQ79QS93qEk7XHpP6u+oTTrd15NRPvNvmBKyDCYxxOK+HZeKju4yhELOFchzNukR+t8SB/qk4ROMu3"
)

func TestThePublishedExampleOfEncryptionIsRead(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString(sampleKey + "=")
	must(t, err)
	if err := verify(sampleToken, sampleTime, sampleNonce, sampleSealed, sampleSignature, time.UnixMilli(1608001896814)); err != nil {
		t.Errorf("verify: %v", err)
	}
	plain, err := unseal(sampleSealed, key, sampleOwner)
	var ev event
	if err != nil || json.Unmarshal(plain, &ev) != nil || ev.Type != typeCheck {
		t.Errorf("unseal = %s, %v", plain, err)
	}
	if got, err := dingtalktest.Decrypt(sampleSealed, sampleKey, sampleOwner); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("the stand-in reads %s, %v", got, err)
	}
	if got := dingtalktest.Sign(sampleToken, sampleTime, sampleNonce, sampleSealed); got != sampleSignature {
		t.Errorf("the stand-in signs with %s", got)
	}
	for _, message := range []string{"", "success", strings.Repeat("x", 1000), "中文"} {
		sealed, err := seal(message, key, sampleOwner, rand.Reader)
		must(t, err)
		if got, err := dingtalktest.Decrypt(sealed, sampleKey, sampleOwner); err != nil || string(got) != message {
			t.Errorf("the stand-in reads %s of %s, %v", got, message, err)
		}
	}
}

func TestTheBotIsToldOfEveryChange(t *testing.T) {
	t.Parallel()
	for name, odd := range map[string]func(f *dingtalktest.Faults){
		"as documented": func(*dingtalktest.Faults) {}, "numbers as strings": func(f *dingtalktest.Faults) { f.NumbersAsStrings(true) },
		"twice": func(f *dingtalktest.Faults) { f.DeliverTwice(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.serve(t)
			odd(w.there.Faults())
			must(t, w.there.Verify(t.Context()))
			if got := w.heard(); got != nil {
				t.Errorf("the check of the address told of %q", got)
			}
			q := w.question()
			q.Nodes = q.Nodes[:1]
			ref := w.ask(t, q)
			must(t, w.there.Wait(t.Context()))
			if got := w.heard(); len(got) == 0 {
				t.Error("nobody was told of the beginning")
			}
			before := len(w.heard())
			must(t, w.there.Agree(t.Context(), ref, "ann01", ""))
			if got := w.heard(); len(got) < before+2 || slices.ContainsFunc(got, func(s string) bool { return s != ref }) {
				t.Errorf("told of %q", got)
			}
			for _, d := range w.there.Deliveries() {
				if d.Err != nil {
					t.Errorf("DingTalk was not answered as it wants: %+v", d)
				}
			}
			if w.log.String() != "" {
				t.Errorf("logged: %s", w.log.String())
			}
		})
	}
}

func TestALostEventIsMadeUpForByLooking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve(t)
	w.there.Faults().LoseFinish(true)
	q := w.question()
	q.Nodes = q.Nodes[:1]
	ref := w.ask(t, q)
	must(t, w.there.Wait(t.Context()))
	before := len(w.heard())
	must(t, w.there.Agree(t.Context(), ref, "ann01", ""))
	if got := w.heard(); len(got) != before {
		t.Errorf("told of %q", got)
	}
	if v := w.look(t, ref); v.State != bot.VerdictApproved {
		t.Errorf("looked at: %+v", v)
	}
}

// post sends a request to the address of events.
func post(t *testing.T, address string, query url.Values, body []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/dingtalk/events?"+query.Encode(), bytes.NewReader(body))
	must(t, err)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(answer)
}

func TestWhatIsNotDingTalksIsRefused(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"EventType":"bpms_instance_change","type":"finish","processInstanceId":"pi","processCode":"` + definition + `"}`)
	for name, tt := range map[string]struct {
		payload []byte
		tamper  func(w *world, query url.Values, body []byte) []byte
		status  int
		reason  string
	}{
		"unsigned":      {payload, func(_ *world, q url.Values, b []byte) []byte { q.Del("signature"); return b }, 401, "signature is missing"},
		"no nonce":      {payload, func(_ *world, q url.Values, b []byte) []byte { q.Del("nonce"); return b }, 401, "signature is missing"},
		"forged":        {payload, func(_ *world, q url.Values, b []byte) []byte { q.Set("signature", strings.Repeat("0", 40)); return b }, 401, "signature is wrong"},
		"another nonce": {payload, func(_ *world, q url.Values, b []byte) []byte { q.Set("nonce", "x"); return b }, 401, "signature is wrong"},
		"replayed later": {payload, func(w *world, _ url.Values, b []byte) []byte {
			w.clock.Pass(sealed.Tolerance + time.Second)
			return b
		}, 401, "timestamp is not within five minutes"},
		"given a new date": {payload, func(w *world, q url.Values, b []byte) []byte {
			w.clock.Pass(sealed.Tolerance + time.Second)
			q.Set("timestamp", strconv.FormatInt(w.clock.Now().UnixMilli(), 10))
			return b
		}, 401, "signature is wrong"},
		"truncated":    {payload, func(_ *world, _ url.Values, b []byte) []byte { return b[:len(b)/2] }, 400, "malformed"},
		"empty":        {payload, func(*world, url.Values, []byte) []byte { return nil }, 400, "malformed"},
		"plain":        {payload, func(*world, url.Values, []byte) []byte { return payload }, 400, "malformed"},
		"oversized":    {payload, func(*world, url.Values, []byte) []byte { return bytes.Repeat([]byte("x"), sealed.MaxBody+1) }, 413, "too large"},
		"no instance":  {[]byte(`{"EventType":"bpms_task_change"}`), func(_ *world, _ url.Values, b []byte) []byte { return b }, 400, "malformed"},
		"endless id":   {[]byte(`{"EventType":"bpms_task_change","processInstanceId":"` + strings.Repeat("x", maxRef+1) + `"}`), func(_ *world, _ url.Values, b []byte) []byte { return b }, 400, "malformed"},
		"no type":      {[]byte(`{}`), func(_ *world, _ url.Values, b []byte) []byte { return b }, 400, "malformed"},
		"no JSON":      {[]byte(`success`), func(_ *world, _ url.Values, b []byte) []byte { return b }, 400, "malformed"},
		"other blocks": {payload, func(w *world, q url.Values, _ []byte) []byte { return w.resigned(q, "AAAA") }, 400, "malformed"},
		"noise": {payload, func(w *world, q url.Values, _ []byte) []byte {
			return w.resigned(q, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 96)))
		}, 400, "malformed"},
		"another app": {payload, func(w *world, q url.Values, _ []byte) []byte {
			sealed, _ := dingtalktest.Encrypt(payload, w.there.AESKey(), "dingsomebodyelse")
			return w.resigned(q, sealed)
		}, 403, "another app"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			address := w.serve(t)
			query, body, err := w.there.Envelope(tt.payload)
			must(t, err)
			body = tt.tamper(w, query, body)
			status, answer := post(t, address, query, body)
			if log := w.log.String(); status != tt.status || strings.Count(log, "\n") != 1 || !strings.Contains(log, tt.reason) {
				t.Errorf("answered with %d %s, logged %q, want %d and %q", status, answer, log, tt.status, tt.reason)
			}
			if got := w.heard(); got != nil {
				t.Errorf("told of %q", got)
			}
		})
	}
}

// resigned makes a body of something encrypted, and signs it rightly.
func (w *world) resigned(query url.Values, sealed string) []byte {
	query.Set("signature", dingtalktest.Sign(w.there.CallbackToken(), query.Get("timestamp"), query.Get("nonce"), sealed))
	body, _ := json.Marshal(map[string]string{"encrypt": sealed})
	return body
}

func TestTheSameRequestAgainDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.serve(t)
	query, body, err := w.there.Envelope([]byte(`{"EventType":"bpms_task_change","processInstanceId":"pi"}`))
	must(t, err)
	for range 3 {
		if status, answer := post(t, address, query, body); status != http.StatusOK || !strings.Contains(answer, "msg_signature") {
			t.Errorf("answered with %d %s", status, answer)
		}
	}
	if got := w.heard(); !cmp.Equal(got, []string{"pi"}) || strings.Count(w.log.String(), "came again") != 2 {
		t.Errorf("told of %q, logged %s", got, w.log.String())
	}
}

func TestEventsOfOthersAreConfirmedAndIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.serve(t)
	for _, payload := range []string{
		`{"EventType":"user_add_org","userId":["x"]}`,
		`{"EventType":"bpms_instance_change","processInstanceId":"pi","processCode":"PROC-OTHER"}`,
	} {
		query, body, err := w.there.Envelope([]byte(payload))
		must(t, err)
		query.Set("msg_signature", query.Get("signature")) // by their other names
		query.Set("timeStamp", query.Get("timestamp"))
		query.Del("signature")
		query.Del("timestamp")
		if status, answer := post(t, address, query, body); status != http.StatusOK {
			t.Errorf("%s is answered with %d %s", payload, status, answer)
		}
	}
	if got := w.heard(); got != nil {
		t.Errorf("told of %q", got)
	}
}

func TestWithoutAKeyThereIsNoAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.CallbackToken, c.CallbackKey = "", "" })
	if status, _ := post(t, w.serve(t), nil, []byte(`{"encrypt":"x"}`)); status != http.StatusNotFound {
		t.Errorf("answered with %d", status)
	}
}
