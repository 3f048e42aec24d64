package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"slipway/bot"
	"slipway/tasks"
)

// radio is a chat that can be out of order.
type radio struct {
	trouble string
	ends    error
	ran     chan struct{}
}

func (*radio) ID() bot.PlatformID { return bot.Slack }

func (r *radio) Run(ctx context.Context, _ bot.Handler) error {
	close(r.ran)
	if r.ends == nil {
		<-ctx.Done()
	}
	return r.ends
}

func (*radio) Post(context.Context, bot.Target, bot.Card, string) (bot.MsgRef, error) {
	return bot.MsgRef{}, nil
}
func (*radio) Update(context.Context, bot.MsgRef, bot.Card) error { return nil }

func (*radio) Resolve(context.Context, bot.UserRef) (bot.Person, error) { return bot.Person{}, nil }

func (r *radio) Trouble() string { return r.trouble }

func (*radio) Probe(context.Context) []bot.Finding { return nil }

func (*radio) Routes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
}

// withRadio is a program that has the radio for its chat. It is not running.
func withRadio(t *testing.T, role tasks.Role, r *radio) *app {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	a, err := newApp(t.Context(), &config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), WorkflowsDir: t.TempDir()}, role, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	a.chats = []chat{r}
	return a
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

func TestOperatorsSeeThatAChatIsAway(t *testing.T) {
	t.Parallel()
	r := &radio{trouble: "the app token was refused"}
	routes := withRadio(t, tasks.RoleAll, r).routes(t.Context())
	if status, said := get(t, routes, "/readyz"); status != http.StatusOK || said != "ready; slack: the app token was refused\n" {
		t.Errorf("/readyz: %d %q", status, said)
	}
	if _, said := get(t, routes, "/metrics"); !strings.Contains(said, `slipway_platform_connected{platform="slack"} 0`) {
		t.Error("the metric says something else")
	}
	r.trouble = ""
	if _, said := get(t, routes, "/readyz"); said != "ready\n" {
		t.Errorf("/readyz: %q", said)
	}
	if _, said := get(t, routes, "/metrics"); !strings.Contains(said, `slipway_platform_connected{platform="slack"} 1`) {
		t.Error("the metric says something else")
	}
	if status, _ := get(t, routes, "/slack/events"); status != http.StatusTeapot {
		t.Errorf("the chat's route answers %d", status)
	}
	if _, said := get(t, routes, "/metrics"); !strings.Contains(said, `slipway_http_request_seconds_count{status="418",surface="slack"} 1`) {
		t.Error("the chat's route is not measured")
	}
}

func TestAWorkerReceivesNothing(t *testing.T) {
	t.Parallel()
	r := &radio{trouble: "never connected", ran: make(chan struct{})}
	a := withRadio(t, tasks.RoleWorker, r)
	var g errgroup.Group
	a.listenToChats(t.Context(), &g)
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.ran:
		t.Error("it listens to the chat")
	default:
	}
	routes := a.routes(t.Context())
	if _, said := get(t, routes, "/readyz"); said != "ready\n" {
		t.Errorf("/readyz: %q", said)
	}
	if status, _ := get(t, routes, "/slack/events"); status != http.StatusNotFound {
		t.Errorf("the chat's route answers %d", status)
	}
}

func TestAChatThatBreaksEndsNothing(t *testing.T) {
	t.Parallel()
	r := &radio{ran: make(chan struct{}), ends: errors.New("the wire is cut")}
	a := withRadio(t, tasks.RoleAPI, r)
	a.log = slog.New(slog.DiscardHandler)
	var g errgroup.Group
	a.listenToChats(t.Context(), &g)
	if err := g.Wait(); err != nil {
		t.Errorf("the program ends with %v", err)
	}
	<-r.ran
}
