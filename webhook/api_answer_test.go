package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"slipway"
	"slipway/webhook"
)

// description is openapi.json, read.
var description = sync.OnceValue(func() routers.Router {
	doc, err := openapi3.NewLoader().LoadFromData(webhook.OpenAPI())
	if err != nil {
		panic(err)
	}
	openapi3filter.RegisterBodyDecoder("application/jsonl", openapi3filter.FileBodyDecoder)
	r, err := gorillamux.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return r
})

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
	asked  string
}

// send makes a request as somebody ("" for nobody) and holds request and answer
// against the description. headers are names and values in turn.
func (w *world) send(who, method, path, body string, headers ...string) answer {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[who])
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(strings.NewReader(body))
	w.handler.ServeHTTP(rec, r)
	a := answer{t: w.t, status: rec.Code, header: rec.Header(), body: rec.Body.Bytes(), asked: who + " " + method + " " + path}
	if err := described(again, a); err != nil {
		w.t.Errorf("%s: not as described: %v\n%.2000s", a.asked, err, a.body)
	}
	w.checkSecrets(a)
	return a
}

// described holds a request that was accepted, and every answer, against openapi.json.
func described(r *http.Request, a answer) error {
	route, params, err := description().FindRoute(r)
	if err != nil {
		if r.Method == http.MethodHead || a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed {
			return nil
		}
		return err
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if a.status < 400 {
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), Options: in.Options,
	})
}

// checkSecrets makes sure that no answer tells what would answer a hook, or a
// credential of a workflow.
func (w *world) checkSecrets(a answer) {
	w.t.Helper()
	text := string(a.body) + fmt.Sprint(a.header)
	if strings.Contains(text, "swordfish") {
		w.t.Errorf("%s: the answer shows a credential", a.asked)
	}
	w.mu.Lock()
	id := w.plan
	w.mu.Unlock()
	if len(w.rules.Endpoints) == 0 || id == "" {
		return
	}
	deliveries, err := w.store.Deliveries(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range deliveries {
		if strings.Contains(text, d.InstanceCode) {
			w.t.Errorf("%s: the answer shows the instance code of %s", a.asked, d.ID)
		}
	}
}

// want fails unless the status is as expected.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d: %.2000s", a.asked, a.status, status, a.body)
	}
	return a
}

// into decodes the answer.
func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.t.Fatalf("%s: %v: %s", a.asked, err, a.body)
	}
}

// plan is what the stories look at in a plan.
type plan struct {
	ID           string
	Index        int64
	Name         string
	Manager      string
	Status       slipway.Status
	Version      int64
	Seq          int64
	InstanceCode string `json:"instance_code"`
	Description  string
	CancelReason string `json:"cancel_reason"`
	Allowed      []slipway.Verb
	Approval     *slipway.Approval
	Gate         *struct {
		Event  slipway.Event
		State  string
		Reason string
		Waits  []struct{ Endpoint, State, Progress, Reason string }
	}
	Overrides []slipway.Overriding
	Jobs      []struct {
		ID, Name, Type, Remark, Reason, Engine, URL string
		Status                                      slipway.ItemStatus
		RunID                                       string `json:"run_id"`
		ExecutedBy                                  string `json:"executed_by"`
		Doubt                                       slipway.Doubt
		Digest                                      string
		Changes                                     []string
		Waits                                       []wait
		Allowed                                     []slipway.Verb
		Spec                                        json.RawMessage
	}
}

// wait is where a run waits for a person.
type wait struct {
	Job, For, By string
	Answerable   bool
}

func (a answer) plan() plan {
	a.t.Helper()
	var p plan
	a.into(&p)
	return p
}

// refusal is the error of an answer.
type refusal struct {
	Code      slipway.Code
	Message   string
	Reference string
	Problems  []struct{ Path, Message string }
}

func (a answer) refusal() refusal {
	a.t.Helper()
	var e struct{ Error refusal }
	a.into(&e)
	return e.Error
}

// paths are the places of the problems of an answer.
func (a answer) paths() []string {
	a.t.Helper()
	var list []string
	for _, p := range a.refusal().Problems {
		list = append(list, p.Path)
	}
	return list
}
