package processtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"
)

// Hook is one arrival of a hook.
type Hook struct {
	Endpoint string // the first part of the path that it came to
	At       time.Time
	Header   http.Header
	Body     []byte
	Plan     HookPlan
}

// ID is the webhook-id, the same on every arrival of the same hook.
func (h *Hook) ID() string { return h.Header.Get("Webhook-Id") }

// Answer returns the callback that answers the hook.
func (h *Hook) Answer(result string) Callback {
	return Callback{Event: h.Plan.Event, PlanID: h.Plan.ID, InstanceCode: h.Plan.InstanceCode, Result: result}
}

// HookPlan is the part of a hook's body that drivers need.
type HookPlan struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Event        string `json:"event_name"`
	InstanceCode string `json:"instance_code"`
	Status       string `json:"status"`
}

// Receiver is an outside system that takes hooks at URL/<endpoint>.
type Receiver struct {
	URL    string
	server *httptest.Server
	refuse atomic.Pointer[func(endpoint string) bool]
}

// Refuse has a function say whether a hook to an endpoint is answered with 503 and not told.
func (r *Receiver) Refuse(f func(endpoint string) bool) { r.refuse.Store(&f) }

// NewReceiver starts a receiver. heard is told of each hook before it is answered with
// 200, from several goroutines. A hook whose body is not as documented is answered
// with 400, and unfit is told.
func NewReceiver(heard func(Hook), unfit func(error)) *Receiver {
	r := &Receiver{}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		at := time.Now()
		if f := r.refuse.Load(); f != nil && (*f)(strings.Trim(req.URL.Path, "/")) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		h, err := readHook(req, at)
		if err != nil {
			unfit(err)
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		heard(h)
	}))
	r.URL = r.server.URL
	return r
}

// Close ends the receiver when the hooks that are being answered are.
func (r *Receiver) Close() { r.server.Close() }

func readHook(req *http.Request, at time.Time) (Hook, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return Hook{}, fmt.Errorf("read hook: %w", err)
	}
	var envelope struct {
		Plan *HookPlan `json:"release_plan"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return Hook{}, fmt.Errorf("read hook %q: %w", body, err)
	}
	if envelope.Plan == nil || envelope.Plan.ID == "" || envelope.Plan.InstanceCode == "" {
		return Hook{}, fmt.Errorf("hook %q names no plan or no instance code", body)
	}
	return Hook{Endpoint: strings.Trim(req.URL.Path, "/"), At: at, Header: req.Header.Clone(), Body: body, Plan: *envelope.Plan}, nil
}
