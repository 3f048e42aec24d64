package enginetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
)

func down(t *testing.T, w World, spec slipway.WorkflowSpec) {
	if w.Faults == nil {
		return
	}
	p := Start(t, w.Engine, spec)
	watched := p.follow()
	watched.await("was ready", func() bool { return slices.Contains(p.Texts(), "ready") })
	w.Faults.Down(true)
	state := watched.awaitStatus(engine.Unknown)
	if state.WaitFor.EN == "" || state.WaitFor.ZH == "" || len(state.Waits) > 0 {
		t.Errorf("while nothing is known, the state is %+v", state)
	}
	w.Faults.Down(false)
	cancelled(t, w, p, watched.end)
	if diff := cmp.Diff([]string{"ready"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func limited(t *testing.T, w World, spec slipway.WorkflowSpec) {
	if w.Faults == nil {
		return
	}
	run, mark := RunOf(t, w.Engine, spec)
	w.Faults.RateLimit(time.Second)
	ref, err := w.Engine.Start(t.Context(), run, mark)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	w.Faults.RateLimit(time.Second)
	if result := Attach(t, w.Engine, mark, ref).End(); result.Status != engine.Passed {
		t.Errorf("result is %+v", result)
	}
	if w.Starts != nil && w.Starts(mark.ID) != 1 {
		t.Errorf("started %d times", w.Starts(mark.ID))
	}
}

func wrongToken(t *testing.T, w World, spec slipway.WorkflowSpec) {
	if w.Another == nil {
		return
	}
	run, mark := RunOf(t, w.Engine, spec)
	stranger := w.Another(Settings{WrongToken: true})
	if stranger == nil {
		return
	}
	if checker, can := stranger.(engine.Checker); can {
		WantRefusal(t, checker.Check(t.Context()), slipway.Unauthenticated, "SLIPWAY_")
		if err := w.Engine.(engine.Checker).Check(t.Context()); err != nil { //nolint:forcetypeassert // both are of one type
			t.Errorf("with the right credentials: %v", err)
		}
	}
	_, err := stranger.Resolve(t.Context(), spec)
	WantRefusal(t, err, slipway.Unauthenticated, "")
	_, err = stranger.Start(t.Context(), run, mark)
	WantRefusal(t, err, slipway.Unauthenticated, "")
	if w.Starts != nil && w.Starts(mark.ID) != 0 {
		t.Error("it was started")
	}
	ref, err := w.Engine.Start(t.Context(), run, mark)
	if err != nil {
		t.Fatal(err)
	}
	if found, outcome, err := stranger.Find(t.Context(), mark); err == nil && outcome != engine.Unknowable {
		t.Errorf("who is not let in finds %q, outcome %d", found, outcome)
	}
	if states := glance(t, stranger, ref); len(states) == 0 || states[0].Status != engine.Unknown || states[0].WaitFor.EN == "" {
		t.Errorf("who is not let in sees %+v", states)
	}
	Attach(t, w.Engine, mark, ref).End()
}

// glance watches until the first state.
func glance(t *testing.T, e engine.Engine, ref engine.Ref) []engine.State {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), Patience)
	defer stop()
	var seen []engine.State
	_, _ = e.Watch(ctx, ref, engine.Observer{State: func(s engine.State) {
		seen = append(seen, s)
		stop()
	}})
	return seen
}

// echo is a way to an engine with a careless server on it: its answers repeat all that
// the request says, credentials too.
type echo struct {
	status  int               // of the answers; zero: the connection fails
	through http.RoundTripper // for requests that change nothing; nil: they are answered so too
}

// RoundTrip implements http.RoundTripper.
func (e echo) RoundTrip(r *http.Request) (*http.Response, error) {
	if e.through != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return e.through.RoundTrip(r)
	}
	said := []string{r.URL.String()}
	for name, values := range r.Header {
		said = append(said, name+": "+strings.Join(values, ", "))
	}
	if user, password, basic := r.BasicAuth(); basic {
		said = append(said, user+":"+password)
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		said = append(said, string(body))
	}
	all := strings.Join(said, "; ")
	if e.status == 0 {
		return nil, errors.New("connection lost while sending " + all)
	}
	body, err := json.Marshal(map[string]string{"message": all, "error": all, "description": all})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprint(e.status, " ", http.StatusText(e.status)), StatusCode: e.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Repeated": {strings.ReplaceAll(all, "\n", " ")}},
		Body:   io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// log is a logger's output.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// careless plays every ability of an engine against servers that repeat its credentials
// and those of the run.
func careless(t *testing.T, w World, spec slipway.WorkflowSpec) {
	if w.Another == nil || len(w.Secrets) == 0 {
		return
	}
	const ofTheRun = "hunter2-of-the-run"
	spec.Params = map[string]string{"TOKEN": ofTheRun}
	run, mark := RunOf(t, w.Engine, spec)
	mark.ID += "-first"
	ref, err := w.Engine.Start(t.Context(), run, mark)
	if err != nil {
		t.Fatal(err)
	}
	Attach(t, w.Engine, mark, ref).End()
	secrets := []string{ofTheRun}
	for _, s := range w.Secrets {
		secrets = append(secrets, s, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	for _, status := range []int{0, 200, 201, 400, 401, 403, 404, 409, 422, 500} {
		for _, through := range []http.RoundTripper{http.DefaultTransport, nil} {
			if status == 0 && through == nil {
				continue // what reads is sent again, and takes its time
			}
			t.Run(fmt.Sprint(status, ", reads pass: ", through != nil), func(t *testing.T) {
				t.Parallel()
				lines := &log{}
				e := w.Another(Settings{
					Transport: echo{status, through},
					Log:       slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
				})
				again, mark := run, mark
				mark.ID += fmt.Sprintf("-%d-%v", status, through != nil)
				for _, said := range append(everything(t, e, ref, again, mark), lines.String()) {
					for _, s := range secrets {
						if strings.Contains(said, s) {
							t.Errorf("%q is in %q", s, said)
						}
					}
				}
			})
		}
	}
}

// everything uses every ability of an engine, and returns all that it says.
func everything(t *testing.T, e engine.Engine, ref engine.Ref, run slipway.Run, mark engine.Mark) []string {
	t.Helper()
	var said []string
	note := func(what any, err error) {
		text, marshalErr := json.Marshal(what)
		if marshalErr != nil {
			t.Error(marshalErr)
		}
		said = append(append(said, string(text)), wordsOf(err)...)
	}
	ctx := t.Context()
	started, err := e.Start(ctx, run, mark)
	note(started, err)
	asked := run.Workflow
	asked.Definition, asked.Params = nil, nil
	definition, err := e.Resolve(ctx, asked)
	note(definition, err)
	found, outcome, err := e.Find(ctx, mark)
	note([]any{found, outcome}, err)
	note(glance(t, e, ref), nil)
	note(nil, e.Cancel(ctx, ref))
	if retrier, can := e.(engine.Retrier); can {
		attempt, err := retrier.Attempt(ctx, ref)
		note(attempt, err)
		note(nil, retrier.Retry(ctx, ref))
	}
	if answerer, can := e.(engine.Answerer); can {
		note(nil, answerer.Answer(ctx, ref, "one", engine.Answer{Approve: true, By: "Ann"}))
	}
	if adopter, can := e.(engine.Adopter); can {
		adopted, err := adopter.Adopt(ctx, asked, "5")
		note(adopted, err)
	}
	if lister, can := e.(engine.Lister); can {
		list, err := lister.Workflows(ctx, asked.Project)
		note(list, err)
	}
	if checker, can := e.(engine.Checker); can {
		note(nil, checker.Check(ctx))
	}
	if keeper, can := e.(engine.Gatekept); can {
		note(nil, keeper.Reply(ctx, engine.Question{ID: "1", Run: ref, Data: json.RawMessage(`{}`)}, true, "go"))
	}
	return said
}

// wordsOf returns all that an error says, to people and to the log.
func wordsOf(err error) []string {
	var said []string
	for ; err != nil; err = errors.Unwrap(err) {
		said = append(said, err.Error(), fmt.Sprintf("%+v", err))
		var refusal *slipway.Error
		if errors.As(err, &refusal) {
			said = append(said, refusal.Text.EN, refusal.Text.ZH)
			for _, p := range refusal.Problems {
				said = append(said, p.Path, p.Text.EN, p.Text.ZH)
			}
		}
	}
	return said
}
