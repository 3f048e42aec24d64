package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/webhook"
)

// endpoint is what the API tells of one.
type endpoint struct {
	Name          string            `json:"name"`
	Secrets       []string          `json:"secrets"`
	CallbackToken string            `json:"callback_token"`
	Headers       map[string]string `json:"headers"`
	Enabled       bool              `json:"enabled"`
	Source        string            `json:"source"`
	Version       int64             `json:"version"`
	UpdatedBy     string            `json:"updated_by"`
	Off           string            `json:"off"`
}

// office is an endpoint as an admin writes it.
func officeDocument(changes map[string]any) map[string]any {
	doc := map[string]any{
		"name": "risk", "url": "https://risk.example.com/hooks", "events": []any{"finish_planning"}, "wait": true, "deadline": "24h",
		"secrets": []any{callbackSecret}, "callback_token": "t0ken-t0ken", "headers": map[string]any{"X-Team": "payments"},
	}
	for k, v := range changes {
		if doc[k] = v; v == nil {
			delete(doc, k)
		}
	}
	return doc
}

func TestAdminsManageEndpoints(t *testing.T) {
	t.Parallel()
	onEach(t, []slipway.Event{slipway.EventStartExecute}, func(t *testing.T, w *world) {
		const at = "/api/v1/endpoints/risk"
		var got endpoint
		w.send("root", "GET", at, "").want(404)
		w.send("root", "PUT", at, encode(t, officeDocument(nil))).want(201).into(&got)
		want := endpoint{
			Name: "risk", Secrets: []string{"***"}, CallbackToken: "***", Headers: map[string]string{"X-Team": "***"}, Enabled: true,
			Source: "database", Version: 1, UpdatedBy: "Root",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("made (-want +got):\n%s", diff)
		}

		// It is in force at once.
		p := w.create(document())
		w.do("alice", p.ID, "submit", "")
		if now := w.show("alice", p.ID); now.Status != slipway.WaitFinishPlanning {
			t.Errorf("the plan is in %s", now.Status)
		}
		q := w.asked(p.ID)
		w.callback(q.reply(slipway.ResultSuccess)).want(401)
		w.callback(q.reply(slipway.ResultSuccess), "Authorization", "Bearer t0ken-t0ken").want(200)

		// What was shown masked stays as it was; somebody who saw an older version is told.
		masked := officeDocument(map[string]any{"secrets": []any{"***"}, "callback_token": "***", "headers": map[string]any{"X-Team": "***"}, "wait": false})
		w.send("root", "PUT", at, encode(t, masked)).want(400)
		w.send("root", "PUT", at, encode(t, masked), "If-Match", "7").want(412)
		w.send("root", "PUT", at, encode(t, masked), "If-Match", `"1"`).want(200).into(&got)
		stored, err := w.store.Endpoints(t.Context())
		if err != nil || stored[0].Secrets[0] != callbackSecret || stored[0].CallbackToken != "t0ken-t0ken" || stored[0].Headers["X-Team"] != "payments" {
			t.Errorf("stored %+v, %v", stored, err)
		}

		var rotated struct{ Secret string }
		w.send("root", "POST", at+"/rotate", "").want(200).into(&rotated)
		stored, err = w.store.Endpoints(t.Context())
		if err != nil || !slices.Equal(stored[0].Secrets, []string{rotated.Secret, callbackSecret}) {
			t.Errorf("after the rotation the secrets are %v, %v", stored[0].Secrets, err)
		}
		w.send("root", "POST", at+"/disable", "").want(200).into(&got)
		if got.Enabled {
			t.Error("it is still enabled")
		}
		if err := w.store.DisableEndpoint(t.Context(), "risk", "It said 410.", w.now()); err != nil {
			t.Fatal(err)
		}
		w.send("root", "GET", at, "").want(200).into(&got)
		if got.Off != "It said 410." {
			t.Errorf("it is off because %q", got.Off)
		}
		w.send("root", "POST", at+"/enable", "").want(200).into(&got)
		if !got.Enabled || got.Off != "" {
			t.Errorf("enabled: %+v", got)
		}
		w.send("root", "DELETE", at, "").want(204)
		w.send("root", "DELETE", at, "").want(404)
	})
}

func TestTheConfigurationDecidesOverItsEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventStartExecute) // office stands in the configuration
	var all struct{ Endpoints []endpoint }
	w.send("root", "GET", "/api/v1/endpoints", "").want(200).into(&all)
	if len(all.Endpoints) != 1 || all.Endpoints[0].Source != "configuration" {
		t.Errorf("endpoints %+v", all.Endpoints)
	}
	const at = "/api/v1/endpoints/office"
	doc := encode(t, officeDocument(map[string]any{"name": "office"}))
	for _, try := range [][2]string{{"PUT", at}, {"DELETE", at}, {"POST", at + "/rotate"}, {"POST", at + "/disable"}} {
		w.send("root", try[0], try[1], map[string]string{"PUT": doc}[try[0]]).want(409)
	}
	for _, try := range [][2]string{
		{"GET", "/api/v1/endpoints"}, {"GET", at}, {"PUT", at}, {"DELETE", at}, {"POST", at + "/test"}, {"POST", at + "/enable"},
	} {
		w.send("alice", try[0], try[1], map[string]string{"PUT": doc}[try[0]]).want(403)
	}
}

func TestEverythingWrongWithAnEndpointIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		changes map[string]any
		paths   []string
	}{
		"unknown key":            {map[string]any{"colour": "red"}, []string{"colour"}},
		"no address":             {map[string]any{"url": nil}, []string{"url"}},
		"this machine":           {map[string]any{"url": "http://127.0.0.1:9/"}, []string{"url"}},
		"a decimal address":      {map[string]any{"url": "http://2130706433/"}, []string{"url"}},
		"no events":              {map[string]any{"events": []any{}}, []string{"events"}},
		"an event of another":    {map[string]any{"events": []any{"finished"}}, []string{"events"}},
		"no duration":            {map[string]any{"deadline": "soon"}, []string{"deadline"}},
		"no secret":              {map[string]any{"secrets": []any{"hunter2"}}, []string{"secrets[0]"}},
		"a secret from nowhere":  {map[string]any{"secrets": []any{callbackSecret, "***"}}, []string{"secrets[1]"}},
		"signed without secrets": {map[string]any{"secrets": nil, "callback_signed": true}, []string{"callback_signed"}},
		"a header of ours":       {map[string]any{"headers": map[string]any{"Webhook-Id": "x"}}, []string{"headers"}},
		"advice without waiting": {map[string]any{"wait": false, "advisory": true}, []string{"advisory"}},
		"asking after nothing":   {map[string]any{"deadline": nil, "after_deadline": "ask"}, []string{"after_deadline"}},
		"calling a stranger":     {map[string]any{"after_deadline": "ask", "ask": []any{"Alice", "nobody@example.com"}}, []string{"ask[1]"}},
		"calling without asking": {map[string]any{"ask": []any{"Alice"}}, []string{"ask"}},
		"no network":             {map[string]any{"allow_networks": []any{"10.0.0.1/8"}}, []string{"allow_networks"}},
		"no certificate":         {map[string]any{"client_cert": "x", "client_key": "y"}, []string{"client_cert"}},
		"a negative rate":        {map[string]any{"rate": -1}, []string{"rate"}},
		"wrong kinds":            {map[string]any{"wait": "yes", "projects": "payments", "rate": "fast"}, []string{"projects", "rate", "wait"}},
	} {
		a := w.send("root", "PUT", "/api/v1/endpoints/risk", encode(t, officeDocument(c.changes))).want(400)
		paths := a.paths()
		if slices.Sort(paths); !slices.Equal(paths, c.paths) {
			t.Errorf("%s: problems at %v, want %v: %s", name, paths, c.paths, a.body)
		}
		if strings.Contains(string(a.body), "hunter2") {
			t.Errorf("%s: the answer repeats a secret", name)
		}
	}
	w.send("root", "PUT", "/api/v1/endpoints/other", encode(t, officeDocument(nil))).want(400)
	w.send("root", "GET", "/api/v1/endpoints/risk", "").want(404)
}

// A test sends what a real hook would, signed, and says what the answer means.
func TestAnEndpointCanBeTried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var status atomic.Int64
	var arrived atomic.Pointer[http.Request]
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := webhook.Verify([]string{callbackSecret}, r.Header, body, w.now()); err != nil {
			t.Errorf("the ping is not signed: %v", err)
		}
		arrived.Store(r)
		rw.Header().Set("Location", "/elsewhere")
		rw.WriteHeader(int(status.Load()))
	}))
	defer receiver.Close()
	w.rules.Endpoints = []slipway.Endpoint{{
		Name: "office", URL: receiver.URL, Events: slipway.Events(), Secrets: []string{callbackSecret}, AllowPrivate: true,
		Headers: map[string]string{"Authorization": "Bearer swordfish"},
	}}
	for code, says := range map[int]string{
		200: "took it with 200", 204: "The hook was signed", 302: "Redirects are not followed", 401: "does not let us in", 404: "Is the URL right",
		410: "switched the endpoint off", 429: "asks for a pause", 500: "fails (500)", 418: "does not take it (418)",
	} {
		status.Store(int64(code))
		var ping struct {
			OK         bool   `json:"ok"`
			StatusCode int    `json:"status_code"`
			Verdict    string `json:"verdict"`
			Sent       string `json:"sent"`
			Body       string `json:"body"`
		}
		a := w.send("root", "POST", "/api/v1/endpoints/office/test", "").want(200)
		a.into(&ping)
		if ping.OK != (code < 300) || ping.StatusCode != code || !strings.Contains(ping.Verdict, says) {
			t.Errorf("%d: %+v, want %q", code, ping, says)
		}
		if strings.Contains(string(a.body), "swordfish") || !strings.Contains(ping.Sent, "Authorization: ***") || !json.Valid([]byte(ping.Body)) {
			t.Errorf("%d: sent %s %s", code, ping.Sent, ping.Body)
		}
	}
	if got := arrived.Load().Header.Get("Authorization"); got != "Bearer swordfish" {
		t.Errorf("Authorization %q arrived", got)
	}
	disabled, err := w.store.DisabledEndpoints(t.Context())
	if err != nil || len(disabled) != 0 {
		t.Errorf("a ping has switched off %v, %v", disabled, err)
	}

	// What must not be called is not called by a test either.
	for _, address := range []string{"http://169.254.169.254/", "http://[::ffff:10.0.0.1]/", "http://100.64.0.1/", "http://[64:ff9b::7f00:1]/", "http://localhost/"} {
		w.rules.Endpoints[0].URL, w.rules.Endpoints[0].AllowPrivate = address, false
		var ping struct{ Verdict string }
		w.send("root", "POST", "/api/v1/endpoints/office/test", "").want(200).into(&ping)
		if !strings.Contains(ping.Verdict, "was not reached") {
			t.Errorf("%s: %s", address, ping.Verdict)
		}
	}
}
