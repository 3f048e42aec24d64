package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// server answers request by request as it is told, and then with 200.
type server struct {
	answers []answering
	bodies  []string // of the requests
	at      []time.Duration
	begun   time.Time
}

// RoundTrip implements http.RoundTripper.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.begun.IsZero() {
		s.begun = time.Now()
	}
	s.at = append(s.at, time.Since(s.begun))
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	s.bodies = append(s.bodies, string(body))
	if len(s.answers) == 0 {
		return status(http.StatusOK)(r)
	}
	next := s.answers[0]
	s.answers = s.answers[1:]
	return next(r)
}

type answering func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func status(code int, header ...string) answering {
	return func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "answer %d", code)
		return w.Result(), nil
	}
}

func broken(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }

// silent answers nothing until the request is given up.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// torn ends its body too early.
func torn(r *http.Request) (*http.Response, error) {
	answer, err := status(http.StatusOK)(r)
	answer.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), errReader{}))
	return answer, err
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func large(r *http.Request) (*http.Response, error) {
	answer, err := status(http.StatusOK)(r)
	answer.Body = io.NopCloser(io.LimitReader(zeros{}, maxBody+1))
	return answer, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func request(t *testing.T, method, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://engine.example/x", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body, r.GetBody = nil, nil
	}
	return r
}

func TestOnlyWhatIsSafeIsSentAgain(t *testing.T) {
	t.Parallel()
	const get, post = http.MethodGet, http.MethodPost
	s := time.Second
	for _, tt := range []struct {
		name    string
		method  string
		answers []answering
		at      []time.Duration // when requests were sent
		want    string          // the status, or the error
	}{
		{"all is well", get, nil, []time.Duration{0}, "200"},
		{"a read that breaks", get, []answering{broken, broken}, []time.Duration{0, s, 3 * s}, "200"},
		{"a read that breaks always", get, []answering{broken, broken, broken}, []time.Duration{0, s, 3 * s}, "connection reset"},
		{"a read whose answer is torn", get, []answering{torn}, []time.Duration{0, s}, "200"},
		{"a read through a gateway without a server", get, []answering{status(502), status(503), status(504)}, []time.Duration{0, s, 3 * s}, "504"},
		{"a read that nobody answers", get, []answering{silent, silent, silent}, []time.Duration{0, 6 * s, 13 * s}, "deadline exceeded"},
		{"a read that the server fails at", get, []answering{status(500)}, []time.Duration{0}, "500"},
		{"a read that is refused", get, []answering{status(403)}, []time.Duration{0}, "403"},
		{"a read with too large an answer", get, []answering{large}, []time.Duration{0}, "larger than 8 MiB"},
		{"a read that comes too often", get, []answering{status(429, "Retry-After", "7")}, []time.Duration{0, 7 * s}, "200"},

		{"a change that breaks", post, []answering{broken}, []time.Duration{0}, "connection reset"},
		{"a change whose answer is torn", post, []answering{torn}, []time.Duration{0}, "unexpected EOF"},
		{"a change through a gateway without a server", post, []answering{status(502)}, []time.Duration{0}, "502"},
		{"a change that nobody answers", post, []answering{silent}, []time.Duration{0}, "deadline exceeded"},
		{"a change that comes too often", post, []answering{status(429, "Retry-After", "7")}, []time.Duration{0, 7 * s}, "200"},
		{"a change that comes too often, for how long is not said", post, []answering{status(429)}, []time.Duration{0, s}, "200"},
		{"a change that always comes too often", post, []answering{status(429), status(429), status(429)}, []time.Duration{0, s, 2 * s}, "429"},
		{"a change that comes too often for long", post, []answering{status(429, "Retry-After", "61")}, []time.Duration{0}, "429"},
		{"a wait that makes no sense", post, []answering{status(429, "Retry-After", "-5")}, []time.Duration{0, s}, "200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				body := ""
				if tt.method == post {
					body = "start it"
				}
				next := &server{answers: tt.answers}
				way := NewTransport(TransportConfig{Next: next, Timeout: 5 * s})
				answer, err := way.RoundTrip(request(t, tt.method, body))
				if diff := cmp.Diff(tt.at, next.at); diff != "" || way.Sent() != int64(len(tt.at)) {
					t.Errorf("%d requests were sent (-want +got):\n%s", way.Sent(), diff)
				}
				for i, sent := range next.bodies {
					if sent != body {
						t.Errorf("body of request %d is %q", i, sent)
					}
				}
				if err != nil {
					if !strings.Contains(err.Error(), tt.want) {
						t.Errorf("error is %v", err)
					}
					return
				}
				defer answer.Body.Close()
				if said, err := io.ReadAll(answer.Body); err != nil || fmt.Sprint(answer.StatusCode) != tt.want || string(said) != "answer "+tt.want {
					t.Errorf("answer is %d, %q, %v", answer.StatusCode, said, err)
				}
			})
		})
	}
}

func TestABodyThatCannotBeReadAgainIsSentOnce(t *testing.T) {
	t.Parallel()
	next := &server{answers: []answering{status(429)}}
	r := request(t, http.MethodPost, "x")
	r.GetBody = nil
	answer, err := NewTransport(TransportConfig{Next: next}).RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusTooManyRequests || len(next.at) != 1 {
		t.Errorf("%d requests, %v", len(next.at), err)
	}
	answer.Body.Close()
}

func TestACallerWhoLeavesWaitsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &server{answers: []answering{status(503)}}
		way := NewTransport(TransportConfig{Next: next, Pause: 30 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		before := time.Now()
		answer, err := way.RoundTrip(request(t, http.MethodGet, "").WithContext(ctx))
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable || time.Since(before) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(before), err)
		}
		answer.Body.Close()
	})
}

func TestCredentialsFollowNoRedirect(t *testing.T) {
	t.Parallel()
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(elsewhere.Close)
	here := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(here.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, here.URL, strings.NewReader("secret"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := NewTransport(TransportConfig{}).Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusTemporaryRedirect || asked != 0 {
		t.Errorf("answer is %d, and the other server was asked %d times", answer.StatusCode, asked)
	}
}

func TestWhatNeverReachedTheServer(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	nobody := closed.URL
	closed.Close()
	proxy, err := url.Parse(nobody)
	if err != nil {
		t.Fatal(err)
	}
	for what, next := range map[string]http.RoundTripper{
		"nobody listens": nil, "no proxy listens": &http.Transport{Proxy: http.ProxyURL(proxy)},
	} {
		r := request(t, http.MethodPost, "x")
		r.URL, err = url.Parse(nobody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := NewTransport(TransportConfig{Next: next}).Client().Do(r)
		if err == nil {
			answer.Body.Close()
		}
		if !NeverSent(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, doubtful := range []error{
		nil, io.ErrUnexpectedEOF, context.DeadlineExceeded, &net.OpError{Op: "read", Err: io.EOF}, &net.OpError{Op: "write", Err: io.EOF},
	} {
		if NeverSent(doubtful) {
			t.Errorf("it may have arrived: %v", doubtful)
		}
	}
}

func TestAStreamIsReadAsItComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		comes, writer := io.Pipe()
		next := &server{answers: []answering{func(r *http.Request) (*http.Response, error) {
			answer, err := status(http.StatusOK)(r)
			answer.Body = comes
			return answer, err
		}, broken}}
		way := NewTransport(TransportConfig{Next: next, Timeout: time.Second})
		answer, err := way.Stream(request(t, http.MethodGet, ""))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		<-time.After(time.Minute) // by the bubble's clock: no timeout ends it
		go func() { _, _ = io.WriteString(writer, "line") }()
		line := make([]byte, 4)
		if _, err := io.ReadFull(answer.Body, line); err != nil || string(line) != "line" {
			t.Errorf("%q, %v", line, err)
		}
		broken, err := way.Stream(request(t, http.MethodGet, ""))
		if err == nil {
			broken.Body.Close()
			t.Error("a broken stream is sent again")
		}
		if way.Sent() != 2 {
			t.Errorf("%d requests were sent", way.Sent())
		}
	})
}
