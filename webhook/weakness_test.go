package webhook

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"slipway"
)

// W11: Zadig's hooks have no signature, no time and no id that stays; the secret is sent
// in clear, every URL is called, and credentials of workflows are sent as they are.
func TestW11_AHookProvesItselfAndKeepsSecrets(t *testing.T) {
	t.Parallel()
	var headers []http.Header
	var bodies [][]byte
	d := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		headers, bodies = append(headers, r.Header), append(bodies, body)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s := newTestSender(t, SenderConfig{})
	first := time.Now()
	for i := range 2 {
		d.At = first.Add(time.Duration(i) * time.Minute)
		s.Send(t.Context(), d)
	}
	for i, h := range headers {
		at := first.Add(time.Duration(i) * time.Minute)
		if err := Verify(d.Secrets, h, bodies[i], at); err != nil {
			t.Errorf("try %d: %v", i+1, err)
		}
		if Verify(d.Secrets, h, bodies[i], at.Add(Tolerance+time.Minute)) == nil {
			t.Errorf("try %d is good for ever", i+1)
		}
		if Verify(d.Secrets, h, append(bytes.Clone(bodies[i]), ' '), at) == nil {
			t.Errorf("try %d: another body passes", i+1)
		}
		if h.Get(HeaderTimestamp) != strconv.FormatInt(at.Unix(), 10) {
			t.Errorf("try %d is of %s", i+1, h.Get(HeaderTimestamp))
		}
		for name, values := range h {
			if strings.Contains(strings.Join(values, " "), strings.TrimPrefix(vectorKey, secretPrefix)) {
				t.Errorf("%s holds the secret", name)
			}
		}
	}
	if headers[0].Get(HeaderID) != headers[1].Get(HeaderID) || !bytes.Equal(bodies[0], bodies[1]) {
		t.Error("the second try is another message")
	}

	d.AllowPrivate = false
	if a := s.Send(t.Context(), d); len(headers) != 2 || a.Outcome != Retry {
		t.Errorf("this machine itself was called: %+v", a)
	}

	w := &slipway.Workflow{Params: []slipway.Param{{Name: "TOKEN", Value: "hunter2", IsCredential: true}}}
	if got := w.Masked().Params[0].Value; got != slipway.Mask {
		t.Errorf("a credential is sent as %q", got)
	}
}
