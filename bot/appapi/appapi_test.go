package appapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// serve answers calls in the platform's place, and returns its address.
func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

func TestACallIsMadeAndAnswered(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"), r.Header.Get("x-token"), body)
	})
	a, err := Do(t.Context(), Client(nil), Call{
		Base: base, Method: http.MethodPost, Path: "/v1/x", Query: url.Values{"id": {"a b"}}, Header: http.Header{"X-Token": {"t"}}, Body: []byte(`{"n":1}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := `POST /v1/x?id=a+b application/json; charset=utf-8 t {"n":1}`; string(a.Body) != want || a.Status != http.StatusTeapot {
		t.Errorf("answered with %d %s, want %s", a.Status, a.Body, want)
	}
	for names, want := range map[string]time.Duration{"Retry-After": 7 * time.Second, "X-Other,Retry-After": 7 * time.Second, "X-Other": time.Second} {
		if got := a.Wait(strings.Split(names, ",")...); got != want {
			t.Errorf("%s: wait %s, want %s", names, got, want)
		}
	}
	for text, want := range map[string]time.Duration{"": time.Second, "soon": time.Second, "-5": time.Second, "0": time.Second, "86400": time.Hour} {
		a := Answer{Header: http.Header{"Retry-After": {text}}}
		if got := a.Wait("Retry-After"); got != want {
			t.Errorf("%q: wait %s, want %s", text, got, want)
		}
	}
}

func TestNobodyElseIsToldWhatACallCarries(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			var told atomic.Int32
			elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { told.Add(1) })
			base := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, status) })
			for _, client := range []*http.Client{nil, {Timeout: time.Minute}} {
				a, err := Do(t.Context(), Client(client), Call{Base: base, Method: http.MethodPost, Path: "/token", Body: []byte(`{"secret":"s"}`)})
				if err != nil || a.Status != status || told.Load() > 0 {
					t.Errorf("answered with %+v, %v; %d requests went elsewhere", a, err, told.Load())
				}
			}
		})
	}
}

func TestAnAnswerThatIsNotReadToItsEndIsNone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size int
		ok   bool
	}{"large": {maxAnswer, true}, "too large": {maxAnswer + 1, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.Copy(w, io.LimitReader(endless{}, int64(tt.size)))
			})
			a, err := Do(t.Context(), Client(nil), Call{Base: base, Method: http.MethodGet, Path: "/x"})
			if (err == nil) != tt.ok || tt.ok && len(a.Body) != tt.size {
				t.Errorf("Do = %v", err)
			}
		})
	}
	cut := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
	})
	for what, base := range map[string]string{"cut off": cut, "nobody there": "http://127.0.0.1:1", "no address": "http://\x00"} {
		if a, err := Do(t.Context(), Client(nil), Call{Base: base, Method: http.MethodGet, Path: "/x"}); err == nil {
			t.Errorf("%s: answered with %+v", what, a)
		}
	}
}

// endless is blanks without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// mint gives out numbered tokens that live for two hours.
type mint struct {
	given atomic.Int32
	err   error
}

func (m *mint) ask(ctx context.Context) (string, time.Duration, error) {
	if m.err != nil {
		return "", 0, m.err
	}
	select {
	case <-time.After(time.Second): // it takes a while
	case <-ctx.Done():
		return "", 0, ctx.Err()
	}
	return fmt.Sprint("token ", m.given.Add(1)), 2 * time.Hour, nil
}

var errStale = errors.New("the token is no good")

// only takes one token.
func only(good string) func(string) error {
	return func(token string) error {
		if token != good {
			return errStale
		}
		return nil
	}
}

func stale(err error) bool { return errors.Is(err, errStale) }

func TestATokenLivesUntilShortlyBeforeItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		tokens := NewTokens(time.Now, m.ask)
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{0, "token 1"}, {time.Hour, "token 1"}, {time.Hour - RenewBefore - 2*time.Second, "token 1"}, {2 * time.Second, "token 2"}, {24 * time.Hour, "token 3"}} {
			time.Sleep(step.after)
			if err := tokens.Use(t.Context(), stale, only(step.want)); err != nil {
				t.Errorf("after %s more: %v, %d given", step.after, err, m.given.Load())
			}
		}
		if err := tokens.Renew(t.Context()); err != nil || m.given.Load() != 4 {
			t.Errorf("Renew = %v, %d given", err, m.given.Load())
		}
	})
}

func TestARevokedTokenIsReplacedOnceByOneOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		tokens := NewTokens(time.Now, m.ask)
		use := func(call func(string) error) error { return tokens.Use(t.Context(), stale, call) }
		if err := use(only("token 1")); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := use(only("token 2")); err != nil {
					t.Errorf("with a revoked token: %v", err)
				}
			})
		}
		all.Wait()
		if n := m.given.Load(); n != 2 {
			t.Errorf("%d tokens were given", n)
		}
		calls := 0
		if err := use(func(string) error { calls++; return errStale }); !stale(err) || calls != 2 || m.given.Load() != 3 {
			t.Errorf("a token that is never good: %v after %d calls, %d given", err, calls, m.given.Load())
		}
		refused := errors.New("no")
		if err := use(func(string) error { return refused }); !errors.Is(err, refused) || m.given.Load() != 3 {
			t.Errorf("another refusal: %v, %d given", err, m.given.Load())
		}
	})
}

func TestWhoHangsUpTakesNobodyDownWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		tokens := NewTokens(time.Now, m.ask)
		first, hangUp := context.WithCancel(t.Context())
		var both sync.WaitGroup
		both.Go(func() {
			if err := tokens.Use(first, stale, only("token 1")); !errors.Is(err, context.Canceled) {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		both.Go(func() {
			if err := tokens.Use(t.Context(), stale, only("token 1")); err != nil {
				t.Errorf("the second: %v", err)
			}
		})
		synctest.Wait()
		hangUp()
		both.Wait()
	})
}

func TestWithoutATokenNoCallIsMade(t *testing.T) {
	t.Parallel()
	down := errors.New("nobody there")
	for name, ask := range map[string]func(context.Context) (string, time.Duration, error){
		"it fails": (&mint{err: down}).ask, "none is given": func(context.Context) (string, time.Duration, error) { return "", time.Hour, nil },
	} {
		tokens := NewTokens(time.Now, ask)
		called := false
		err := tokens.Use(t.Context(), stale, func(string) error { called = true; return nil })
		if !errors.Is(err, ErrNoToken) || called || name == "it fails" && !errors.Is(err, down) {
			t.Errorf("%s: %v, called %t", name, err, called)
		}
	}
}
