package jenkins_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/jenkins/jenkinstest"
)

func TestALostAnswerIsFoundByAnotherProcess(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{false, true} {
		t.Run(fmt.Sprintf("in the queue %t", held), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.server.Hold(held)
			run, mark := enginetest.RunOf(t, w, spec("blocks", "one"))
			w.knows(run.Workflow)
			w.server.Faults().LoseNextAnswer()
			if _, err := w.Start(t.Context(), run, mark); err == nil || slipway.CodeOf(err) != slipway.Internal {
				t.Fatalf("a lost answer is %v", err)
			}
			ref, outcome, err := w.another(t).Find(t.Context(), mark)
			if err != nil || outcome != engine.Started {
				t.Fatalf("find: %q, %d, %v", ref, outcome, err)
			}
			if n := w.server.Starts(mark.ID); n != 1 {
				t.Errorf("started %d times", n)
			}
			if r := cancelled(t, w, ref); r.Status != engine.Cancelled {
				t.Errorf("result is %+v", r)
			}
		})
	}
}

func TestALostRequestNeverStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes", "one"))
	w.server.Build("ann", "passes/one") // what others start does not matter
	w.server.Faults().DropNextRequest()
	if _, err := w.Start(t.Context(), run, mark); slipway.CodeOf(err) != slipway.Internal {
		t.Fatalf("a lost request is %v", err)
	}
	if ref, outcome, err := w.Find(t.Context(), mark); err != nil || outcome != engine.NeverStarted {
		t.Fatalf("find: %q, %d, %v", ref, outcome, err)
	}
	ref, err := w.Start(t.Context(), run, mark)
	if err != nil || w.server.Starts(mark.ID) != 1 {
		t.Fatalf("second start: %v, %d", err, w.server.Starts(mark.ID))
	}
	enginetest.Attach(t, w, mark, ref).End()
}

func TestAJobWithoutThePlaceForAMark(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		lost   bool // the answer, else the request
		others string
		want   engine.Outcome
	}{
		{"a lost request, and nothing was built", false, "", engine.NeverStarted},
		{"a lost request, and others built", false, "ann", engine.NeverStarted},
		{"a lost request, and we built something", false, user, engine.Unknowable},
		{"a lost answer", true, "", engine.Unknowable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			run, mark := enginetest.RunOf(t, w, spec("unmarked", "one"))
			if c.others != "" {
				w.server.Build(c.others, "unmarked/one")
			}
			if c.lost {
				w.server.Faults().LoseNextAnswer()
			} else {
				w.server.Faults().DropNextRequest()
			}
			if _, err := w.Start(t.Context(), run, mark); slipway.CodeOf(err) != slipway.Internal {
				t.Fatalf("start: %v", err)
			}
			if ref, outcome, err := w.Find(t.Context(), mark); err != nil || outcome != c.want {
				t.Errorf("find: %q, %d, %v", ref, outcome, err)
			}
		})
	}
}

func TestADeletedBuildLeavesADoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, mark := enginetest.RunOf(t, w, spec("passes", "one"))
	w.knows(spec("passes", "one"))
	first := w.server.Build("ann", "passes/one")
	w.server.Build("ann", "passes/one")
	w.server.Delete("passes/one", first)
	if ref, outcome, err := w.another(t).Find(t.Context(), mark); err != nil || outcome != engine.Unknowable {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
}

func TestTwoThatAreTheSameInTheQueueAreNoTwoStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Hold(true)
	run, mark := enginetest.RunOf(t, w, spec("unmarked", "one"))
	if _, err := w.Start(t.Context(), run, mark); err != nil {
		t.Fatal(err)
	}
	mark.ID += "-2"
	_, err := w.Start(t.Context(), run, mark)
	enginetest.WantRefusal(t, err, slipway.Conflict, "SLIPWAY_MARK")
}

func TestAStartThatNeverGotThereIsARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes", "one"))
	w.config.URL = "http://127.0.0.1:1"
	e := w.another(t)
	mark.Place = e.Place()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := e.Start(ctx, run, mark); slipway.CodeOf(err) != slipway.Unavailable {
		t.Errorf("error is %v", err)
	}
}

func TestWithoutTheJobAStartIsUnknowable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, mark := enginetest.RunOf(t, w, spec("passes", "one"))
	if ref, outcome, err := w.another(t).Find(t.Context(), mark); err != nil || outcome != engine.Unknowable {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
}

// answers answers every request that changes something, and passes the others on.
type answers struct {
	status int
	header http.Header
	next   http.RoundTripper
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && a.next != nil {
		return a.next.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	w.Header().Set("X-Error", "no for "+r.Header.Get("Authorization"))
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

func TestWhatJenkinsMayAnswerToAStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes", "one"))
	w.knows(run.Workflow)
	for i, c := range []struct {
		answers
		want  slipway.Code // Internal: not known
		names string
	}{
		{answers{status: 201}, slipway.Internal, ""},
		{answers{status: 500}, slipway.Internal, ""},
		{answers{status: 502}, slipway.Internal, ""},
		{answers{status: 401}, slipway.Unauthenticated, "SLIPWAY_JENKINS_TOKEN"},
		{answers{status: 403, header: http.Header{"X-Required-Permission": {"hudson.model.Item.Build"}}}, slipway.Forbidden, "Item.Build"},
		{answers{status: 403}, slipway.Forbidden, "API token"},
		{answers{status: 404}, slipway.NotFound, ""},
		{answers{status: 409}, slipway.Conflict, ""},
		{answers{status: 302, header: http.Header{"Location": {w.server.URL() + "/job/passes/job/one/."}}}, slipway.Conflict, "passes/one"},
		{answers{status: 308, header: http.Header{"Location": {"https://elsewhere.example/"}}}, slipway.Conflict, "SLIPWAY_JENKINS_URL"},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			c.next = http.DefaultTransport
			config := w.config
			config.Transport = c.answers
			e := made(t, config)
			m := mark
			m.ID += fmt.Sprint("-", i)
			_, err := e.Start(t.Context(), run, m)
			if c.want == slipway.Internal {
				if err == nil || slipway.CodeOf(err) != slipway.Internal {
					t.Errorf("error is %v", err)
				}
				return
			}
			enginetest.WantRefusal(t, err, c.want, c.names)
		})
	}
}

func TestNoErrorRepeatsACredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *jenkinstest.Config) { c.Unread = true })
	s := spec("secret", "one")
	const secret = "s3cret of the plan"
	s.Params = map[string]string{"TOKEN": secret}
	run, mark := enginetest.RunOf(t, w, s)
	w.knows(s)
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + token))
	for _, status := range []int{400, 500} {
		for _, next := range []http.RoundTripper{nil, http.DefaultTransport} {
			w.config.Transport = answers{status: status, next: next}
			e := w.another(t)
			var errs []error
			note := func(err error) { errs = append(errs, err) }
			m := mark
			m.ID += fmt.Sprint(status, next != nil)
			_, err := e.Start(t.Context(), run, m)
			note(err)
			_, _, err = e.Find(t.Context(), mark)
			note(err)
			note(e.Cancel(t.Context(), "secret/one@5"))
			note(e.Answer(t.Context(), "secret/one@5", "one", engine.Answer{}))
			_, err = e.Adopt(t.Context(), s, "5")
			note(err)
			_, err = e.Workflows(t.Context(), "")
			note(err)
			note(e.Check(t.Context()))
			if next == nil && errors.Join(errs...) == nil {
				t.Error("nothing failed")
			}
			for i, err := range errs {
				for ; err != nil; err = errors.Unwrap(err) {
					for _, hidden := range []string{token, basic, secret, "s3cret"} {
						if strings.Contains(err.Error()+slipway.TextOf(err).EN+slipway.TextOf(err).ZH, hidden) {
							t.Errorf("error %d repeats %q: %v", i, hidden, err)
						}
					}
				}
			}
		}
	}
}
