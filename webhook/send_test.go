package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newTestSender(t testing.TB, c SenderConfig) *Sender {
	t.Helper()
	c.Now, c.Version = time.Now, "1.2.3"
	s := NewSender(c)
	t.Cleanup(s.Close)
	return s
}

// receiver starts an endpoint and returns a delivery for it.
func receiver(t testing.TB, h http.HandlerFunc) Delivery {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return Delivery{ID: "msg_1", URL: server.URL, Body: []byte(`{"event":"release_plan"}`), Secrets: []string{vectorKey}, AllowPrivate: true}
}

// seize takes the connection from the server and hands it over as it is.
func seize(t testing.TB, w http.ResponseWriter, use func(*net.TCPConn)) {
	t.Helper()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
		return
	}
	use(conn.(*net.TCPConn))
	_ = conn.Close()
}

func TestSendDeliversTheBytesSigned(t *testing.T) {
	t.Parallel()
	now := time.Now()
	body := []byte("{\"name\": \"支付 <4.2>\"}\n")
	var got *http.Request
	var gotBody []byte
	d := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		gotBody, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	d.Body, d.At = body, now
	d.URL += "/hooks?plan=1"
	d.Secrets = []string{vectorKey, otherKey}
	d.Headers = map[string]string{"Authorization": "Bearer abcdefgh", "x-team": "payments"}

	a := newTestSender(t, SenderConfig{}).Send(t.Context(), d)
	if a.Duration <= 0 {
		t.Error("no duration")
	}
	if !strings.Contains(a.Sent, "Authorization: ***\n") || strings.Contains(a.Sent, "abcdefgh") ||
		!strings.Contains(a.AnswerHead, "Content-Length: 11\n") || a.FirstByte <= 0 || a.FirstByte > a.Duration {
		t.Errorf("the attempt tells of the head\n%s\nof the answer's\n%s\nand of %s", a.Sent, a.AnswerHead, a.FirstByte)
	}
	a.Duration, a.FirstByte, a.Sent, a.AnswerHead = 0, 0, "", ""
	if diff := cmp.Diff(Attempt{StatusCode: 200, Answer: `{"ok":true}`, Outcome: Delivered}, a); diff != "" {
		t.Errorf("attempt (-want +got):\n%s", diff)
	}
	if got.Method != http.MethodPost || got.RequestURI != "/hooks?plan=1" || !bytes.Equal(gotBody, body) {
		t.Errorf("%s %s %q arrived", got.Method, got.RequestURI, gotBody)
	}
	for _, secret := range d.Secrets {
		if err := Verify([]string{secret}, got.Header, gotBody, now); err != nil {
			t.Errorf("Verify at the receiver: %v", err)
		}
	}
	got.Header.Del(HeaderSignature)
	want := http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"},
		"Authorization":   {"Bearer abcdefgh"},
		"Content-Length":  {strconv.Itoa(len(body))},
		"Content-Type":    {"application/json"},
		"User-Agent":      {"Slipway/1.2.3"},
		HeaderID:          {"msg_1"},
		HeaderTimestamp:   {strconv.FormatInt(now.Unix(), 10)},
		"X-Team":          {"payments"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestSendSettlesEveryStatus(t *testing.T) {
	t.Parallel()
	d := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		status := r.URL.Query().Get("status")
		seize(t, w, func(conn *net.TCPConn) {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s \r\nConnection: close\r\nRetry-After: 7\r\n\r\n", status)
		})
	})
	s := newTestSender(t, SenderConfig{})
	base := d.URL
	for status := 100; status <= 599; status++ {
		d.URL = base + "?status=" + strconv.Itoa(status)
		a := s.Send(t.Context(), d)

		want := Attempt{StatusCode: status, Outcome: Retry, RetryAfter: 7 * time.Second}
		switch {
		case status >= 200 && status <= 299:
			want.Outcome, want.RetryAfter = Delivered, 0
		case status == 410:
			want.Outcome, want.RetryAfter = Disable, 0
		case status < 200 && status != 101:
			want.StatusCode, want.RetryAfter = 0, 0 // not final, and nothing followed
		}
		if (a.Err == "") != (want.Outcome == Delivered) {
			t.Errorf("%d: Err = %q", status, a.Err)
		}
		a.Duration, a.FirstByte, a.Err, a.Sent, a.AnswerHead = 0, 0, "", "", ""
		if diff := cmp.Diff(want, a); diff != "" {
			t.Errorf("%d (-want +got):\n%s", status, diff)
		}
		if want.StatusCode != 0 && Classify(status) != want.Outcome {
			t.Errorf("Classify(%d) = %v, want %v", status, Classify(status), want.Outcome)
		}
	}
}

func TestSendReadsTheAnswerAfterAnInformationalOne(t *testing.T) {
	t.Parallel()
	d := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
	})
	if a := newTestSender(t, SenderConfig{}).Send(t.Context(), d); a.StatusCode != http.StatusAccepted || a.Outcome != Delivered {
		t.Errorf("Send = %+v", a)
	}
}

func TestSendFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var landed atomic.Int64
	for _, status := range []int{301, 302, 303, 307, 308} {
		d := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/fine" {
				landed.Add(1)
				return
			}
			http.Redirect(w, r, "/fine?token=s3cr3t-s3cr3t", status)
		})
		a := newTestSender(t, SenderConfig{}).Send(t.Context(), d)
		if a.StatusCode != status || a.Outcome != Retry || !strings.Contains(a.Err, "redirects are not followed") || strings.Contains(a.Err, "s3cr3t") {
			t.Errorf("%d: Send = %+v", status, a)
		}
	}
	if landed.Load() != 0 {
		t.Errorf("%d redirects were followed", landed.Load())
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                                  0,
		"0":                                 0,
		"1":                                 time.Second,
		"0120":                              2 * time.Minute,
		"3600":                              time.Hour,
		"3601":                              time.Hour,
		"99999999999999999999999":           time.Hour,
		"Tue, 24 Nov 2026 22:00:30 GMT":     30 * time.Second,
		"Tuesday, 24-Nov-26 22:01:00 GMT":   time.Minute,
		"Tue Nov 24 22:02:00 2026":          2 * time.Minute,
		"Wed, 25 Nov 2026 22:00:00 GMT":     time.Hour,
		"Tue, 24 Nov 2026 21:59:00 GMT":     0,
		"Thu, 01 Jan 1970 00:00:00 GMT":     0,
		"-5":                                0,
		"+5":                                0,
		"1.5":                               0,
		"1e3":                               0,
		"5 s":                               0,
		"soon":                              0,
		"2026-11-24T22:00:30Z":              0,
		"Tue, 24 Nov 2026 22:00:30 +0800":   0,
		"\u0661\u0662":                      0,
		"Tue, 24 Nov 2026 22:00:30 GMT, 60": 0,
	} {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("Retry-After %q = %v, want %v", value, got, want)
		}
	}
}

// A receiver closes idle connections when it likes. A try that meets such a one goes
// out again on a fresh one and does not count as failed.
// Every way of failing, against an endpoint that repeats all it was sent: no attempt
// may hold anything of the configuration that is secret.
func TestOutcomesHaveWords(t *testing.T) {
	t.Parallel()
	for o, want := range map[Outcome]string{Retry: "retry", Delivered: "delivered", Disable: "disable", GiveUp: "give_up", 9: "outcome 9"} {
		if o.String() != want {
			t.Errorf("%d = %q, want %q", int(o), o, want)
		}
	}
}

func BenchmarkSendSigned(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	s := newTestSender(b, SenderConfig{})
	d := Delivery{ID: "msg_1", URL: server.URL, Body: bytes.Repeat([]byte("x"), 5120), Secrets: []string{vectorKey}, AllowPrivate: true}
	var failed atomic.Pointer[error]
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if a := s.Send(b.Context(), d); a.Outcome != Delivered {
				err := errors.New(a.Err)
				failed.Store(&err)
			}
		}
	})
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hooks/s")
}
