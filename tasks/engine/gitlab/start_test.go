package gitlab_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/gitlab/gitlabtest"
)

// way changes what passes on the way to GitLab.
type way func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (w way) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func TestAStartThatNeverGotThereIsARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.URL = "http://127.0.0.1:1"
	e := w.another(t)
	mark.Place = e.Place()
	if _, err := e.Start(t.Context(), run, mark); slipway.CodeOf(err) != slipway.Unavailable {
		t.Errorf("error is %v", err)
	}
}

func TestAMarkOfAnotherGitLabIsNotStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	mark.Place = "gitlab.elsewhere.example#1795000000000"
	if _, err := w.Start(t.Context(), run, mark); !errors.Is(err, engine.ErrNoRun) {
		t.Errorf("error is %v", err)
	}
}

func TestWithoutTheProjectAStartIsUnknowable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.Runs = nil
	if ref, outcome, err := w.another(t).Find(t.Context(), mark); err != nil || outcome != engine.Unknowable {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
	lost := errors.New("database is away")
	w.config.Runs = func(context.Context, string) (slipway.WorkflowSpec, error) { return slipway.WorkflowSpec{}, lost }
	if _, _, err := w.another(t).Find(t.Context(), mark); !errors.Is(err, lost) {
		t.Errorf("find: %v", err)
	}
}

func TestAnAccountThatMaySetNoVariablesIsToldWhatToChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *gitlabtest.Config) { c.NoVariables = []string{project} })
	_, err := w.Resolve(t.Context(), spec("passes"))
	enginetest.WantRefusal(t, err, slipway.Invalid, "CI/CD")
	// An account that does not see the setting is refused only when it starts.
	w = newWorld(t, func(c *gitlabtest.Config) { c.NoVariables, c.HidesSettings = []string{project}, true })
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	_, err = w.Start(t.Context(), run, mark)
	enginetest.WantRefusal(t, err, slipway.Forbidden, "CI/CD")
}

// TestPipelinesOfThePastAreNotLookedThrough: a GitLab that does not know a filter lists
// all pipelines.
func TestPipelinesOfThePastAreNotLookedThrough(t *testing.T) {
	t.Parallel()
	var earlier atomic.Bool
	earlier.Store(true)
	w := newWorld(t, func(c *gitlabtest.Config) {
		c.Now = func() time.Time {
			if earlier.Load() {
				return time.Now().Add(-time.Hour)
			}
			return time.Now()
		}
	})
	enginetest.Start(t, w, spec("passes")).End()
	earlier.Store(false)
	looked := atomic.Int64{}
	w.config.Transport = way(func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		q.Del("created_after")
		r.URL.RawQuery = q.Encode()
		if strings.HasSuffix(r.URL.Path, "/variables") {
			looked.Add(1)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	e := w.another(t)
	_, outcome, err := e.Find(t.Context(), engine.Mark{ID: "unused", Place: e.Place()})
	if err != nil || outcome != engine.NeverStarted || looked.Load() > 0 {
		t.Errorf("outcome %d, %v, looked at %d pipelines", outcome, err, looked.Load())
	}
}

func TestCheckTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *gitlabtest.Config) { c.Scopes = []string{"read_api", "read_user"} })
	enginetest.WantRefusal(t, w.Check(t.Context()), slipway.Forbidden, "read_api, read_user")
	elsewhere := httptest.NewServer(http.RedirectHandler("https://gitlab.example/", http.StatusMovedPermanently))
	t.Cleanup(elsewhere.Close)
	w.config.URL = elsewhere.URL
	enginetest.WantRefusal(t, w.another(t).Check(t.Context()), slipway.Unavailable, "SLIPWAY_GITLAB_URL")
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Sign in")) }))
	t.Cleanup(login.Close)
	w.config.URL = login.URL
	enginetest.WantRefusal(t, w.another(t).Check(t.Context()), slipway.Unavailable, strings.TrimPrefix(login.URL, "http://"))
}

func TestNoMoreRequestsAreSentThanAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.PerMinute = 1
	e := w.another(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := e.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if err := e.Check(ctx); err == nil || e.Requests() != 1 {
		t.Errorf("after %d requests: %v", e.Requests(), err)
	}
}
