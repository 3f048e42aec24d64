package webhook

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSendLimitsTheAnswer(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for block := bytes.Repeat([]byte("好"), 1000); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	s := newTestSender(t, SenderConfig{})
	a := s.Send(t.Context(), receiver(t, endless))
	if a.Outcome != Delivered || len(a.Answer) != 4095 || strings.Trim(a.Answer, "好") != "" {
		t.Errorf("endless answer: %v, %d bytes, %q", a.Outcome, len(a.Answer), a.Err)
	}

	var bomb bytes.Buffer
	packed := gzip.NewWriter(&bomb)
	if _, err := packed.Write(make([]byte, 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	var accepted string
	a = s.Send(t.Context(), receiver(t, func(w http.ResponseWriter, r *http.Request) {
		accepted = r.Header.Get("Accept-Encoding")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	}))
	if a.Outcome != Delivered || a.Answer != "(compressed answer, not shown)" || accepted != "identity" {
		t.Errorf("gzip bomb after Accept-Encoding %q: %+v", accepted, a)
	}
}

func TestSendKeepsTheAnswerReadable(t *testing.T) {
	t.Parallel()
	s := newTestSender(t, SenderConfig{})
	for body, want := range map[string]string{
		"":                           "",
		"好的 ✓":                       "好的 ✓",
		"a\x00b\xffc":                "a\uFFFDb\uFFFDc",
		strings.Repeat("\xff ", 4e3): strings.Repeat("\uFFFD ", 1024),
	} {
		a := s.Send(t.Context(), receiver(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		if a.Answer != want || !utf8.ValidString(a.Answer) || len(a.Answer) > 4096 {
			t.Errorf("answer %.20q kept as %.20q (%d bytes)", body, a.Answer, len(a.Answer))
		}
	}
}

func TestAttemptsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	secrets := []string{
		strings.TrimPrefix(vectorKey, "whsec_"), strings.TrimPrefix(otherKey, "whsec_"),
		"bearer-token-1", "cookie-value-2", "zadig-token-3", "query token/4", "query+token%2F4", "user-pass-5",
	}
	echo := func(text func(r *http.Request) string) Delivery {
		d := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			seize(t, w, func(conn *net.TCPConn) { _, _ = io.WriteString(conn, text(r)) })
		})
		d.Secrets = []string{vectorKey, otherKey}
		d.Headers = map[string]string{"Authorization": "Bearer bearer-token-1", "X-Session": "cookie-value-2"}
		d.Compat, d.Token = CompatZadig, "zadig-token-3"
		d.URL += "/?key=query+token%2F4"
		return d
	}
	all := func(r *http.Request) string {
		return strings.Join(secrets[:7], " ") + " " + r.RequestURI + " " + r.Header.Get("Authorization") + " seen"
	}
	ok := echo(func(r *http.Request) string { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + all(r) })
	s := newTestSender(t, SenderConfig{})
	check := func(name string, a Attempt, want string) {
		t.Helper()
		text := a.Err + "\n" + a.Answer
		if !strings.Contains(text, want) {
			t.Errorf("%s: %q, want %q in it", name, text, want)
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %q is in the attempt: %s", name, secret, text)
			}
		}
	}
	check("echoed body", s.Send(t.Context(), ok), "*** seen")
	check("echoed status line", s.Send(t.Context(), echo(func(r *http.Request) string { return all(r) + "\r\n\r\n" })), "malformed")
	check("echoed after the first 4 KiB", s.Send(t.Context(), echo(func(r *http.Request) string {
		return "HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n" + strings.Repeat("x", 4090) + all(r)
	})), "answered 500")

	for name, spoil := range map[string]func(*Delivery){
		"refused connection": func(d *Delivery) { d.URL = "http://127.0.0.1:1/?key=query+token%2F4" },
		"guarded address":    func(d *Delivery) { d.AllowPrivate = false },
		"userinfo":           func(d *Delivery) { d.URL = "http://u:user-pass-5@example.com/?key=query+token%2F4" },
		"unreadable URL":     func(d *Delivery) { d.URL = "http://u:user-pass-5@exa mple.com/%zz?key=query+token%2F4" },
		"bad secret":         func(d *Delivery) { d.Secrets = []string{"whsec_bearer-token-1"} },
		"bad header":         func(d *Delivery) { d.Headers = map[string]string{"Authorization": "Bearer bearer-token-1\n"} },
		"bad token":          func(d *Delivery) { d.Token = "zadig-token-3\n" },
	} {
		d := ok
		spoil(&d)
		a := s.Send(t.Context(), d)
		check(name, a, "")
		if a.Err == "" {
			t.Errorf("%s: %+v, want an error", name, a)
		}
	}
}
