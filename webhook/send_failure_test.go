package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSendSurvivesBrokenConnections(t *testing.T) {
	t.Parallel()
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			seize(t, w, func(conn *net.TCPConn) { _, _ = io.WriteString(conn, text) })
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		err     string
		answer  string
	}{
		{"closed without an answer", write(""), 0, "EOF", ""},
		{"reset", func(w http.ResponseWriter, _ *http.Request) {
			seize(t, w, func(conn *net.TCPConn) { _ = conn.SetLinger(0) })
		}, 0, "reset", ""},
		{"half a head", write("HTTP/1.1 200 O"), 0, "EOF", ""},
		{"half a body", write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), 200, "broke off", "half"},
		{"half a chunk", write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"), 200, "broke off", "half"},
		{"half a body of an error", write("HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf"), 500, "answered 500", "half"},
		{"not HTTP", write("SSH-2.0-OpenSSH_9.6\r\n"), 0, "malformed", ""},
		{"status of two digits", write("HTTP/1.1 20 OK\r\n\r\n"), 0, "malformed", ""},
		{"two lengths", write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 0, "Content-Length", ""},
		{"endless head", func(w http.ResponseWriter, _ *http.Request) {
			seize(t, w, func(conn *net.TCPConn) {
				_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
				for line := "X-A: " + strings.Repeat("a", 1000) + "\r\n"; err == nil; {
					_, err = io.WriteString(conn, line)
				}
			})
		}, 0, "response headers exceeded", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newTestSender(t, SenderConfig{}).Send(t.Context(), receiver(t, c.handler))
			if a.Outcome != Retry || a.StatusCode != c.status || a.Answer != c.answer || !strings.Contains(a.Err, c.err) {
				t.Errorf("Send = %+v, want status %d, error %q, answer %q", a, c.status, c.err, c.answer)
			}
		})
	}
}

func TestSendMeetsNobody(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	d := Delivery{ID: "msg_1", URL: gone.URL, AllowPrivate: true}
	s := newTestSender(t, SenderConfig{})
	if a := s.Send(t.Context(), d); a.Outcome != Retry || a.StatusCode != 0 || !strings.Contains(a.Err, "refused") {
		t.Errorf("Send to a closed port = %+v", a)
	}
	d.AllowPrivate = false
	if a := s.Send(t.Context(), d); a.Outcome != Retry || !strings.Contains(a.Err, "not a public address") {
		t.Errorf("Send to loopback without permission = %+v", a)
	}
}

func TestSendHasOneDeadlineForAll(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // or the server does not notice that we left
		<-r.Context().Done()
	}
	drip := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			_, _ = io.WriteString(w, "z")
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	}
	s := newTestSender(t, SenderConfig{Timeout: 100 * time.Millisecond})
	a := s.Send(t.Context(), receiver(t, hang))
	if a.Outcome != Retry || a.StatusCode != 0 || a.Err != "no whole answer within 100ms" {
		t.Errorf("hanging endpoint: %+v", a)
	}
	a = s.Send(t.Context(), receiver(t, drip))
	if a.Outcome != Retry || a.StatusCode != http.StatusOK || !strings.Contains(a.Err, "no whole answer within 100ms") || !strings.HasPrefix(a.Answer, "z") {
		t.Errorf("dripping endpoint: %+v", a)
	}

	ctx, cancel := context.WithCancel(t.Context())
	d := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		hang(w, r)
	})
	if a = newTestSender(t, SenderConfig{}).Send(ctx, d); a.Outcome != Retry || a.Err != "sending was interrupted" {
		t.Errorf("context that ends: %+v", a)
	}
}

func TestSendVerifiesTLS(t *testing.T) {
	t.Parallel()
	serve := func(c *tls.Config) *httptest.Server {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.TLS = c
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	server := serve(&tls.Config{})
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	d := Delivery{ID: "msg_1", URL: server.URL, AllowPrivate: true}

	if a := newTestSender(t, SenderConfig{RootCAs: roots}).Send(t.Context(), d); a.Outcome != Delivered {
		t.Errorf("good certificate: %+v", a)
	}
	if a := newTestSender(t, SenderConfig{}).Send(t.Context(), d); a.Outcome != Retry || !strings.Contains(a.Err, "unknown authority") {
		t.Errorf("unknown authority: %+v", a)
	}
	d.URL = "https://localhost:" + port // the certificate is for 127.0.0.1 and example.com
	if a := newTestSender(t, SenderConfig{RootCAs: roots}).Send(t.Context(), d); a.Outcome != Retry || !strings.Contains(a.Err, "not localhost") {
		t.Errorf("wrong name: %+v", a)
	}
	d.URL = "http://127.0.0.1:" + port
	if a := newTestSender(t, SenderConfig{}).Send(t.Context(), d); a.Outcome != Retry || a.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP to a TLS port: %+v", a)
	}
	outdated := server.TLS.Clone()
	outdated.MaxVersion = tls.VersionTLS11
	d.URL = serve(outdated).URL
	if a := newTestSender(t, SenderConfig{RootCAs: roots}).Send(t.Context(), d); a.Outcome != Retry || a.StatusCode != 0 {
		t.Errorf("outdated TLS: %+v", a)
	}
}

// It is not beside others: Go's transport gives a connection up whose request it has not
// noted as written within 50 ms of the answer, which a starved machine may take.
func TestSendReusesConnections(t *testing.T) {
	seen := map[string]bool{}
	d := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		seen[r.RemoteAddr] = true
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write(make([]byte, 50<<10)) // must be read to the end
	})
	s := newTestSender(t, SenderConfig{})
	for range 20 {
		s.Send(t.Context(), d)
	}
	if len(seen) != 1 {
		t.Errorf("20 deliveries took %d connections", len(seen))
	}
}

func TestSendForgivesAConnectionClosedWhileIdle(t *testing.T) {
	t.Parallel()
	var first string
	d := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		if first == "" {
			first = r.RemoteAddr
			return
		}
		if r.RemoteAddr == first {
			seize(t, w, func(*net.TCPConn) {})
		}
	})
	s := newTestSender(t, SenderConfig{})
	for try := range 2 {
		if a := s.Send(t.Context(), d); a.Outcome != Delivered {
			t.Errorf("try %d: %+v", try+1, a)
		}
	}
}

func TestSendGivesUpOnlyWhatCanNeverBeSent(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	fine := receiver(t, func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
	s := newTestSender(t, SenderConfig{})
	for name, c := range map[string]struct {
		spoil func(*Delivery)
		want  Outcome
	}{
		"id with a dot":         {func(d *Delivery) { d.ID = "a.b" }, GiveUp},
		"id with a line break":  {func(d *Delivery) { d.ID = "a\r\nX-Evil: 1" }, GiveUp},
		"no id":                 {func(d *Delivery) { d.ID = "" }, GiveUp},
		"secret of a bad form":  {func(d *Delivery) { d.Secrets = []string{"whsec_hunter2"} }, Retry},
		"reserved header":       {func(d *Delivery) { d.Headers = map[string]string{"webhook-ID": "x"} }, Retry},
		"header with a newline": {func(d *Delivery) { d.Headers = map[string]string{"X-A": "b\r\nX-Evil: 1"} }, Retry},
		"name in the URL":       {func(d *Delivery) { d.URL = "http://u:p@127.0.0.1/" }, Retry},
		"no URL":                {func(d *Delivery) { d.URL = "" }, Retry},
	} {
		d := fine
		c.spoil(&d)
		if a := s.Send(t.Context(), d); a.Outcome != c.want || a.Err == "" || a.StatusCode != 0 {
			t.Errorf("%s: %+v, want %v", name, a, c.want)
		}
	}
	if arrived.Load() != 0 {
		t.Errorf("%d spoiled deliveries arrived", arrived.Load())
	}
}
