package web_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"slipway"
	"slipway/bot/web"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// fakeHooks knows no network: every endpoint is fine and answers 200.
type fakeHooks struct{}

func (fakeHooks) Check(e *slipway.Endpoint) []slipway.Problem {
	if e.URL == "" {
		return []slipway.Problem{{Path: "url", Text: slipway.T("must name a host", "缺少主机")}}
	}
	return nil
}

func (fakeHooks) Ping(context.Context, *slipway.Endpoint) commands.Ping {
	return commands.Ping{OK: true, StatusCode: 200, Verdict: slipway.T("The receiver took it.", "接收方已接收。"), Answer: "<b>thanks</b>"}
}

func (fakeHooks) NewSecret() string { return "whsec_fresh" }

// hooked is a world with an endpoint of the configuration, and whatever admins manage.
func hooked(w *world, _ *web.Config) {
	office := slipway.Endpoint{Name: "office", URL: "https://office.example.com", Events: slipway.Events()}
	w.rules.Endpoints = []slipway.Endpoint{office}
	w.cmds.Hooks = fakeHooks{}
	w.cmds.Refresh = func(ctx context.Context) error {
		managed, err := w.store.Endpoints(ctx)
		w.rules.Endpoints = []slipway.Endpoint{office}
		for _, e := range managed {
			w.rules.Endpoints = append(w.rules.Endpoints, e.Endpoint)
		}
		return err
	}
}

func TestThePageOfHooksShowsHowTheyAreTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked)
	p := w.plan("payments")
	if _, err := w.cmds.Submit(t.Context(), commands.Ask{User: w.alice}, p.ID); err != nil {
		t.Fatal(err)
	}
	ds, err := w.store.Deliveries(t.Context(), p.ID)
	if err != nil || len(ds) != 1 {
		t.Fatalf("%d deliveries, %v", len(ds), err)
	}
	storagetest.Try(t, w.store, ds[0].ID, noon, storage.DeliveryFailed,
		storage.Attempt{StatusCode: 503, Error: "answered 503", DurationMS: 120})
	for who, want := range map[*slipway.User][]string{
		w.alice: {"office", "from the configuration", "0 %", "120 ms", "given up", "answered 503", "#1 payments", "Send all again"},
		w.wang:  {"office", "来自配置文件", "已放弃", "answered 503"},
	} {
		page := w.signIn(who).get("/hooks")
		for _, text := range want {
			if !strings.Contains(page.text(), text) {
				t.Errorf("%s does not see %q: %s", who.Name, text, page.text())
			}
		}
	}
	if page := w.signIn(w.wang).get("/hooks"); strings.Contains(page.body, "/hooks/endpoints") || strings.Contains(page.body, "resend") {
		t.Error("Wang Fang is offered what only admins and managers may do")
	}
	for query, found := range map[string]bool{"?state=delivered": false, "?state=failed&endpoint=office": true, "?endpoint=nobody": false} {
		if page := w.signIn(w.alice).get("/hooks" + query); strings.Contains(page.text(), "#1 payments") != found {
			t.Errorf("%s: %s", query, page.text())
		}
	}
	alice := w.signIn(w.alice)
	if page := alice.get("/hooks").form("/hooks/resend-failed").send(); !strings.Contains(page.text(), "1 of 1 are sent again.") {
		t.Errorf("sent again: %s", page.text())
	}
	if d, err := w.store.Delivery(t.Context(), ds[0].ID); err != nil || d.State != storage.DeliveryPending {
		t.Errorf("the delivery is %s, %v", d.State, err)
	}
}

func TestAdminsManageEndpointsOnThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked)
	alice := w.signIn(w.alice)
	refused := alice.get("/hooks").form("/hooks/endpoints").set("document", "name: risk\nevents: [finish_planning]\ncolour: red").send()
	if refused.status != http.StatusBadRequest || !strings.Contains(refused.text(), "must name a host") || !strings.Contains(refused.text(), "colour") {
		t.Errorf("refused with %d: %s", refused.status, refused.text())
	}
	if kept := refused.form("/hooks/endpoints").fields.Get("document"); !strings.Contains(kept, "colour: red") {
		t.Errorf("what was written is lost: %q", kept)
	}
	saved := refused.form("/hooks/endpoints").set("document", "name: risk\nurl: https://risk.example.com\nevents: [finish_planning]\nsecrets: [whsec_old]\n").send()
	if saved.status != http.StatusOK || !strings.Contains(saved.text(), "changed by Alice") {
		t.Fatalf("saved with %d: %s", saved.status, saved.text())
	}
	form := alice.get("/hooks?edit=risk").form("/hooks/endpoints")
	document := form.fields.Get("document")
	if !strings.Contains(document, "secrets: ['***']") || strings.Contains(document, "whsec_old") {
		t.Errorf("to be edited: %s", document)
	}
	form.set("document", document+"wait: true\n").send() // twice the same key
	form.set("document", strings.Replace(document, "wait: false", "wait: true", 1)).send()
	endpoints := func() []storage.Endpoint {
		t.Helper()
		all, err := w.store.Endpoints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if e := endpoints()[0]; !e.Wait || !slices.Equal(e.Secrets, []string{"whsec_old"}) {
		t.Errorf("edited: %+v", e)
	}
	tried := alice.get("/hooks").form("/hooks/endpoints/risk/test").send()
	if !strings.Contains(tried.text(), "The receiver took it.") || strings.Contains(tried.body, "<b>thanks") {
		t.Errorf("tried: %s", tried.text())
	}
	rotated := alice.get("/hooks").form("/hooks/endpoints/risk/rotate").send()
	if !strings.Contains(rotated.body, "whsec_fresh") || strings.Contains(alice.get("/hooks").body, "whsec_fresh") {
		t.Error("want the new secret shown once")
	}
	alice.get("/hooks").form("/hooks/endpoints/risk/disable").send()
	if !endpoints()[0].Disabled {
		t.Error("it is not switched off")
	}
	alice.get("/hooks").form("/hooks/endpoints/risk/enable").send()
	alice.get("/hooks").form("/hooks/endpoints/risk/delete").send()
	if all := endpoints(); len(all) != 0 {
		t.Errorf("left: %+v", all)
	}
	f := alice.get("/hooks").form("/hooks/endpoints").set("document", "name: office\nurl: https://x.example.com\nevents: [finish_planning]")
	if page := f.send(); page.status != http.StatusConflict || !strings.Contains(page.text(), "configuration file") {
		t.Errorf("the configuration's endpoint: %d %s", page.status, page.text())
	}
}
