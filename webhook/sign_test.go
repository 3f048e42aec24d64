package webhook

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The vector that the libraries of all languages share.
const (
	vectorKey       = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorSeconds   = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

	otherKey = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func signedHeader(id, stamp, signature string) http.Header {
	h := http.Header{}
	for name, value := range map[string]string{HeaderID: id, HeaderTimestamp: stamp, HeaderSignature: signature} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}

func TestSignReproducesTheSharedVector(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{vectorKey, strings.TrimPrefix(vectorKey, "whsec_")} {
		got, err := Sign([]string{secret}, vectorID, time.Unix(vectorSeconds, 999), []byte(vectorBody))
		if err != nil || got != vectorSignature {
			t.Errorf("Sign with %d-character secret = %q, %v; want %q", len(secret), got, err, vectorSignature)
		}
	}
}

func TestSignRefusesWhatCannotBeVerified(t *testing.T) {
	t.Parallel()
	at := time.Unix(vectorSeconds, 0)
	for _, id := range []string{"", "a.b", "a b", "a\r\nX: y", "ä", strings.Repeat("x", 257)} {
		if _, err := Sign([]string{vectorKey}, id, at, nil); !errors.Is(err, ErrBadID) {
			t.Errorf("Sign with id %q: %v, want ErrBadID", id, err)
		}
	}
	if _, err := Sign(nil, vectorID, at, nil); !errors.Is(err, ErrNoSecret) {
		t.Errorf("Sign without secrets: %v, want ErrNoSecret", err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	at := time.Unix(vectorSeconds, 0)
	stamp := strconv.Itoa(vectorSeconds)
	wrong := "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	good := func() http.Header { return signedHeader(vectorID, stamp, vectorSignature) }
	dotted := signedHeader("msg.1", stamp, vectorSignature)

	for _, c := range []struct {
		name    string
		secrets []string
		header  http.Header
		body    string
		now     time.Time
		want    error
	}{
		{"the shared vector", []string{vectorKey}, good(), vectorBody, at, nil},
		{"secret without its prefix", []string{strings.TrimPrefix(vectorKey, "whsec_")}, good(), vectorBody, at, nil},
		{"second of two secrets", []string{otherKey, vectorKey}, good(), vectorBody, at, nil},
		{"list, the last one right", []string{vectorKey}, signedHeader(vectorID, stamp, wrong+" v1a,abc "+wrong+" "+vectorSignature), vectorBody, at, nil},
		{"exactly five minutes old", []string{vectorKey}, good(), vectorBody, at.Add(Tolerance), nil},
		{"exactly five minutes ahead", []string{vectorKey}, good(), vectorBody, at.Add(-Tolerance), nil},

		{"too old", []string{vectorKey}, good(), vectorBody, at.Add(Tolerance + time.Second), ErrTooOld},
		{"too new", []string{vectorKey}, good(), vectorBody, at.Add(-Tolerance - time.Second), ErrTooNew},
		{"no id", []string{vectorKey}, signedHeader("", stamp, vectorSignature), vectorBody, at, ErrNoHeaders},
		{"no timestamp", []string{vectorKey}, signedHeader(vectorID, "", vectorSignature), vectorBody, at, ErrNoHeaders},
		{"no signature", []string{vectorKey}, signedHeader(vectorID, stamp, ""), vectorBody, at, ErrNoHeaders},
		{"no headers", []string{vectorKey}, http.Header{}, vectorBody, at, ErrNoHeaders},
		{"wrong signature", []string{vectorKey}, signedHeader(vectorID, stamp, wrong), vectorBody, at, ErrNoMatch},
		{"empty signature", []string{vectorKey}, signedHeader(vectorID, stamp, "v1,"), vectorBody, at, ErrNoMatch},
		{"signature without version", []string{vectorKey}, signedHeader(vectorID, stamp, vectorSignature[3:]), vectorBody, at, ErrNoMatch},
		{"signature under another version", []string{vectorKey}, signedHeader(vectorID, stamp, "v2"+vectorSignature[2:]), vectorBody, at, ErrNoMatch},
		{"signature with something after it", []string{vectorKey}, signedHeader(vectorID, stamp, vectorSignature+","), vectorBody, at, ErrNoMatch},
		{"only blanks", []string{vectorKey}, signedHeader(vectorID, stamp, "  "), vectorBody, at, ErrNoMatch},
		{"other secret", []string{otherKey}, good(), vectorBody, at, ErrNoMatch},
		{"tampered body", []string{vectorKey}, good(), vectorBody + " ", at, ErrNoMatch},
		{"empty body", []string{vectorKey}, good(), "", at, ErrNoMatch},
		{"tampered id", []string{vectorKey}, signedHeader(vectorID+"x", stamp, vectorSignature), vectorBody, at, ErrNoMatch},
		{"tampered timestamp", []string{vectorKey}, signedHeader(vectorID, strconv.Itoa(vectorSeconds+1), vectorSignature), vectorBody, at, ErrNoMatch},
		{"id with a dot", []string{vectorKey}, dotted, vectorBody, at, ErrBadID},
		{"timestamp with a sign", []string{vectorKey}, signedHeader(vectorID, "+"+stamp, vectorSignature), vectorBody, at, ErrBadTime},
		{"timestamp with a zero", []string{vectorKey}, signedHeader(vectorID, "0"+stamp, vectorSignature), vectorBody, at, ErrBadTime},
		{"timestamp below zero", []string{vectorKey}, signedHeader(vectorID, "-5", vectorSignature), vectorBody, at, ErrBadTime},
		{"timestamp as a date", []string{vectorKey}, signedHeader(vectorID, "2021-02-25T15:02:10Z", vectorSignature), vectorBody, at, ErrBadTime},
		{"timestamp beyond 64 bits", []string{vectorKey}, signedHeader(vectorID, "99999999999999999999", vectorSignature), vectorBody, at, ErrBadTime},
		{"timestamp at the end of time", []string{vectorKey}, signedHeader(vectorID, "9223372036854775807", vectorSignature), vectorBody, at, ErrNoMatch},
		{"no secrets", nil, good(), vectorBody, at, ErrNoSecret},
		{"empty secret", []string{""}, good(), vectorBody, at, errSecretForm},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := Verify(c.secrets, c.header, []byte(c.body), c.now); !errors.Is(err, c.want) {
				t.Errorf("Verify = %v, want %v", err, c.want)
			}
		})
	}
}

// While a secret is being changed we sign with both; a receiver that knows either
// one accepts the message. The other library is the judge.
func TestTheStandardLibraryAcceptsOurSignatures(t *testing.T) {
	t.Parallel()
	now := time.Now()
	body := []byte(`{"name":"支付 4.2"}`)
	header, err := Sign([]string{otherKey, vectorKey}, "msg_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	h := signedHeader("msg_1", strconv.FormatInt(now.Unix(), 10), header)
	for _, secret := range []string{vectorKey, otherKey} {
		judge, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := judge.Verify(body, h); err != nil {
			t.Errorf("standard library refuses our signature: %v", err)
		}
		if err := judge.Verify(append(body, ' '), h); err == nil {
			t.Error("standard library accepts a tampered body")
		}
		theirs, err := judge.Sign("msg_2", now, body)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify([]string{secret}, signedHeader("msg_2", strconv.FormatInt(now.Unix(), 10), theirs), body, now); err != nil {
			t.Errorf("we refuse the standard library's signature: %v", err)
		}
	}
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	encode := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xAB}, n)) }
	for _, good := range []string{vectorKey, otherKey, encode(24), "whsec_" + encode(64)} {
		if _, err := ParseSecret(good); err != nil {
			t.Errorf("ParseSecret(%q) = %v", good, err)
		}
	}
	for name, bad := range map[string]string{
		"empty":          "",
		"prefix only":    "whsec_",
		"23 bytes":       "whsec_" + encode(23),
		"65 bytes":       "whsec_" + encode(65),
		"not base64":     "whsec_correct-horse-battery-staple!!",
		"line break":     vectorKey + "\n",
		"private key":    "whsk_" + encode(32),
		"prefix doubled": "whsec_" + vectorKey,
	} {
		_, err := ParseSecret(bad)
		if !errors.Is(err, errSecretForm) {
			t.Errorf("%s: ParseSecret = %v, want the expected form", name, err)
			continue
		}
		text := strings.TrimSpace(strings.TrimPrefix(bad, "whsec_"))
		for cut := 8; cut <= len(text); cut++ {
			if part := text[cut-8 : cut]; strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error repeats %q of the secret: %v", name, part, err)
			}
		}
	}
}

func TestNewSecret(t *testing.T) {
	t.Parallel()
	one, two := NewSecret(rand.Reader), NewSecret(rand.Reader)
	if one == two {
		t.Error("two new secrets are the same")
	}
	if key, err := ParseSecret(one); err != nil || len(key) != 32 || !strings.HasPrefix(one, "whsec_") {
		t.Errorf("NewSecret: %d bytes, %v", len(key), err)
	}
}

// Whatever Verify accepts, the reference library accepts too.
func FuzzVerify(f *testing.F) {
	stamp := strconv.Itoa(vectorSeconds)
	f.Add(vectorID, stamp, vectorSignature, []byte(vectorBody), int64(vectorSeconds))
	f.Add(vectorID, stamp, "v1, v1a,x  "+vectorSignature, []byte(vectorBody), int64(vectorSeconds+300))
	f.Add("a.b", "-1", "v1,", []byte{}, int64(0))
	f.Add(vectorID, "9223372036854775807", ",,,", []byte("\x00"), int64(-1))
	judge, err := standardwebhooks.NewWebhook(vectorKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte, now int64) {
		h := signedHeader(id, stamp, signature)
		err := Verify([]string{vectorKey}, h, body, time.Unix(now, 0))
		if err != nil {
			return
		}
		if err := judge.VerifyIgnoringTimestamp(body, h); err != nil {
			t.Errorf("we accept what the reference refuses: %v", err)
		}
		if d := time.Unix(now, 0).Sub(time.Unix(vectorSeconds, 0)).Abs(); stamp == strconv.Itoa(vectorSeconds) && d > Tolerance {
			t.Errorf("accepted %v away from now", d)
		}
	})
}
