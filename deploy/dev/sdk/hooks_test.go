package sdk

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"slipway/webhook"
)

// sentHook is a hook as its receiver got it, and the secret it is verified with.
type sentHook struct {
	Secret string            `json:"secret"`
	Header map[string]string `json:"header"`
	Body   string            `json:"body"`

	name  string
	valid bool
}

// libraries is what each library said of a hook, by its name.
type libraries struct {
	Refusals   map[string]string `json:"refusals"`   // "" if it verified the hook
	Signatures map[string]string `json:"signatures"` // its own
}

const (
	hookSecret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// sendHook sends a body through the real sender and returns what arrived.
func sendHook(t *testing.T, body string, secrets ...string) sentHook {
	t.Helper()
	var got sentHook
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // what is missing fails the verification
		got.Body = string(b)
		got.Header = map[string]string{}
		for _, name := range []string{webhook.HeaderID, webhook.HeaderTimestamp, webhook.HeaderSignature} {
			got.Header[strings.ToLower(name)] = r.Header.Get(name)
		}
	}))
	defer receiver.Close()
	s := webhook.NewSender(webhook.SenderConfig{Now: time.Now})
	defer s.Close()
	a := s.Send(t.Context(), webhook.Delivery{ID: "dlv_1", URL: receiver.URL, Body: []byte(body), Secrets: secrets, AllowPrivate: true})
	if a.Outcome != webhook.Delivered {
		t.Fatalf("the hook is not delivered: %s", a.Err)
	}
	got.Secret = hookSecret
	return got
}

// hookCases are genuine hooks and tampered ones.
func hookCases(t *testing.T) []sentHook {
	t.Helper()
	plain := sendHook(t, `{"plan":"payments 4.2"}`, hookSecret)
	change := func(name string, do func(*sentHook)) sentHook {
		h := plain
		h.Header = map[string]string{}
		for k, v := range plain.Header {
			h.Header[k] = v
		}
		h.name = name
		do(&h)
		return h
	}
	valid := func(name string, h sentHook) sentHook {
		h.name, h.valid = name, true
		return h
	}
	shift := func(by time.Duration) func(*sentHook) {
		return func(h *sentHook) {
			at := time.Now().Add(by)
			h.Header["webhook-timestamp"] = strconv.FormatInt(at.Unix(), 10)
			signature, err := webhook.Sign([]string{hookSecret}, "dlv_1", at, []byte(h.Body))
			if err != nil {
				t.Fatal(err)
			}
			h.Header["webhook-signature"] = signature
		}
	}
	return []sentHook{
		valid("a plain hook", plain),
		valid("a body in Chinese with emoji", sendHook(t, `{"计划":"支付 4.2 🚀","x":"é\u2028"}`, hookSecret)),
		valid("a large body", sendHook(t, `{"x":"`+strings.Repeat("发布", 50_000)+`"}`, hookSecret)),
		valid("while the secret is being changed, new first", sendHook(t, `{}`, hookSecret, otherSecret)),
		valid("while the secret is being changed, new last", sendHook(t, `{}`, otherSecret, hookSecret)),
		valid("four minutes old", change("", shift(-4*time.Minute))),
		change("another byte in the body", func(h *sentHook) { h.Body = strings.Replace(h.Body, "4.2", "4.3", 1) }),
		change("a space more", func(h *sentHook) { h.Body += " " }),
		change("another id", func(h *sentHook) { h.Header["webhook-id"] = "dlv_2" }),
		change("another time", func(h *sentHook) {
			h.Header["webhook-timestamp"] = strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10)
		}),
		change("another secret", func(h *sentHook) { h.Secret = otherSecret }),
		change("no signature", func(h *sentHook) { h.Header["webhook-signature"] = "" }),
		change("the signature of another version", func(h *sentHook) {
			h.Header["webhook-signature"] = strings.Replace(h.Header["webhook-signature"], "v1,", "v1a,", 1)
		}),
		change("ten minutes old", shift(-10*time.Minute)),
		change("from the future", shift(10*time.Minute)),
	}
}

func TestHooksAreVerifiedByTheStandardLibraries(t *testing.T) {
	t.Parallel()
	cases := hookCases(t)
	var input bytes.Buffer
	for _, c := range cases {
		if err := json.NewEncoder(&input).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	var answers []libraries
	runNode(t, &answers, input.Bytes(), "hooks.mjs")
	if len(answers) != len(cases) {
		t.Fatalf("%d answers to %d hooks", len(answers), len(cases))
	}
	for i, c := range cases {
		for _, library := range []string{"standardwebhooks", "svix"} {
			refusal, said := answers[i].Refusals[library]
			if !said || (refusal == "") != c.valid {
				t.Errorf("%s: %s says %q, want it verified: %v", c.name, library, refusal, c.valid)
			}
		}
	}
}

// TestOurVerificationAcceptsTheirSignatures is the other way round: what receivers use
// to sign their answers with.
func TestOurVerificationAcceptsTheirSignatures(t *testing.T) {
	t.Parallel()
	h := sentHook{Secret: hookSecret, Body: `{"result":"success"}`, Header: map[string]string{
		"webhook-id": "answer-1", "webhook-timestamp": strconv.FormatInt(time.Now().Unix(), 10), "webhook-signature": "",
	}}
	input, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var answers []libraries
	runNode(t, &answers, input, "hooks.mjs")
	for library, signature := range answers[0].Signatures {
		header := http.Header{}
		header.Set(webhook.HeaderID, h.Header["webhook-id"])
		header.Set(webhook.HeaderTimestamp, h.Header["webhook-timestamp"])
		header.Set(webhook.HeaderSignature, signature)
		if err := webhook.Verify([]string{hookSecret}, header, []byte(h.Body), time.Now()); err != nil {
			t.Errorf("%s signs %q: %v", library, signature, err)
		}
		if err := webhook.Verify([]string{hookSecret}, header, []byte(h.Body+" "), time.Now()); err == nil {
			t.Errorf("%s's signature is taken for another body", library)
		}
	}
	if len(answers[0].Signatures) != 2 {
		t.Errorf("signed by %v", answers[0].Signatures)
	}
}
