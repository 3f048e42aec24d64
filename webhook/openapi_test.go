package webhook_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"slipway/webhook"
)

func TestTheDescriptionIsServedAndComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.send("", "GET", "/api/openapi.json", "").want(200)
	doc, err := openapi3.NewLoader().LoadFromData(a.body)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			described = append(described, method+" "+path)
			if op.Responses.Value("500") == nil || op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s is not described whole", method, path)
			}
		}
	}
	served := webhook.Calls()
	slices.Sort(served)
	slices.Sort(described)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("served (-) and described (+) differ:\n%s", diff)
	}
}

func TestWhatIsNotThereIsAnsweredAsJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api/v1/nothing", http.StatusNotFound, ""},
		{"GET", "/api", http.StatusNotFound, ""},
		{"POST", "/api/v1/plans/1/destroy", http.StatusNotFound, ""},
		{"DELETE", "/api/v1/plans/1", http.StatusMethodNotAllowed, "GET, PUT"},
		{"GET", "/api/v1/plans/1/submit", http.StatusMethodNotAllowed, "POST"},
		{"GET", "/api/callback/release_plan", http.StatusMethodNotAllowed, "POST"},
		{"PATCH", "/api/v1/plans", http.StatusMethodNotAllowed, "GET, POST"},
	} {
		a := w.send("alice", c.method, c.path, "").want(c.status)
		if got := a.header.Get("Allow"); got != c.allow {
			t.Errorf("%s: Allow is %q, want %q", a.asked, got, c.allow)
		}
		if a.refusal().Message == "" {
			t.Errorf("%s: no message", a.asked)
		}
	}
	w.create(document())
	for _, path := range []string{"/api/v1/me", "/api/v1/plans/1", "/api/v1/events?plan=1"} {
		w.send("alice", "HEAD", path, "").want(200)
	}
}
