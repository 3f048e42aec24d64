package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// What did not arrive in an outage is found by its period, exported and sent again.
func TestHooksOfAPeriodAreFoundExportedAndSentAgain(t *testing.T) {
	t.Parallel()
	var exported storage.DeliveryFilter
	w := newWorld(t, hooked, func(_ *world, c *web.Config) {
		c.ExportHooks = func(rw http.ResponseWriter, _ *http.Request, f storage.DeliveryFilter) error {
			exported = f
			_, err := rw.Write([]byte("{}\n"))
			return err
		}
	})
	p := w.plan("payments")
	if _, err := w.cmds.Submit(t.Context(), commands.Ask{User: w.alice}, p.ID); err != nil {
		t.Fatal(err)
	}
	ds, err := w.store.Deliveries(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	storagetest.Try(t, w.store, ds[0].ID, noon, storage.DeliveryFailed, storage.Attempt{StatusCode: 503, Error: "answered 503"})
	alice := w.signIn(w.alice)
	for query, found := range map[string]bool{
		"since=2026-11-24T19:59&until=2026-11-24T20:01": true, "until=2026-11-24T20:00": false, "since=2026-11-24T20:01": false, "plan=%231": true,
	} {
		page := alice.get("/hooks?" + query)
		if strings.Contains(page.text(), "#1 payments") != found || strings.Contains(page.text(), "Send again what was given up of these") != found {
			t.Errorf("%s: %s", query, page.text())
		}
	}
	for query, want := range map[string]struct {
		status int
		said   string
	}{
		"plan=%231&since=soon":    {http.StatusBadRequest, "is not a time that is understood"},
		"plan=7&state=delivered":  {http.StatusNotFound, "There is no such release plan."},
		"since=today&until=today": {http.StatusOK, "office"},
	} {
		page := alice.get("/hooks?" + query)
		if page.status != want.status || !strings.Contains(page.text(), want.said) {
			t.Errorf("%s: %d %s", query, page.status, page.text())
		}
		kept, _ := url.ParseQuery(query)
		for name := range kept {
			if got := page.form("Filter").fields.Get(name); got != kept.Get(name) {
				t.Errorf("%s: %s is %q now", query, name, got)
			}
		}
	}
	const period = "since=2026-11-24T19%3A59&until=2026-11-24T20%3A01" // in Shanghai
	page := alice.get("/hooks?" + period)
	if !strings.Contains(page.body, "/hooks/export?"+strings.ReplaceAll(period, "&", "&amp;")) {
		t.Errorf("no link to export: %s", page.body)
	}
	lines := alice.get("/hooks/export?" + period)
	want := storage.DeliveryFilter{Since: noon.Add(-time.Minute).UnixMilli(), Until: noon.Add(time.Minute).UnixMilli()}
	exported.Limit = 0
	if diff := cmp.Diff(want, exported); lines.status != http.StatusOK || diff != "" {
		t.Errorf("exported with %d (-want +got):\n%s", lines.status, diff)
	}
	if page := alice.get("/hooks/export?since=soon"); page.status != http.StatusBadRequest {
		t.Errorf("exported with %d", page.status)
	}
	if page := alice.get("/hooks?" + period).form("/hooks/resend-failed?" + period).send(); !strings.Contains(page.text(), "1 of 1 are sent again.") {
		t.Errorf("sent again: %s", page.text())
	}
	storagetest.Try(t, w.store, ds[0].ID, noon, storage.DeliveryFailed, storage.Attempt{StatusCode: 503, Error: "answered 503"})
	if page := alice.get("/hooks?" + period).form("/resend?" + period).send(); !strings.Contains(page.text(), "It is sent again.") ||
		!strings.HasPrefix(page.path, "/hooks?") || !strings.Contains(page.path, period) {
		t.Errorf("sent again, then at %s: %s", page.path, page.text())
	}
}

func TestTheListOfHooksIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked)
	for i := range 26 {
		p := w.plan(fmt.Sprint("plan ", i))
		if _, err := w.cmds.Submit(t.Context(), commands.Ask{User: w.alice}, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	alice := w.signIn(w.alice)
	next := func(page *view, rel string) string {
		t.Helper()
		_, rest, found := strings.Cut(page.body, rel)
		if !found {
			t.Fatalf("no %s in %s", rel, page.text())
		}
		address, _, _ := strings.Cut(rest, `"`)
		return strings.ReplaceAll(address, "&amp;", "&")
	}
	first := alice.get("/hooks?endpoint=office")
	second := alice.get(next(first, `<a class="btn" href="`))
	if a, b := strings.Count(first.body, `class="delivery"`), strings.Count(second.body, `class="delivery"`); a != 25 || b != 1 {
		t.Errorf("pages of %d and %d hooks", a, b)
	}
	if back := next(second, `<a class="btn" href="`); back != "/hooks?endpoint=office" {
		t.Errorf("the newest are at %s", back)
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
	confirm := func(verb, asked string) *view {
		t.Helper()
		question := alice.get("/hooks").form("/hooks/endpoints/risk/" + verb).send()
		if !strings.Contains(question.text(), asked) {
			t.Errorf("to %s: %s", verb, question.text())
		}
		return question.form("/hooks/endpoints/risk/" + verb).send()
	}
	rotation := alice.get("/hooks").form("/hooks/endpoints/risk/rotate").send().form("/rotate")
	if secrets := endpoints()[0].Secrets; !slices.Equal(secrets, []string{"whsec_old"}) {
		t.Errorf("rotated before it was confirmed: %q", secrets)
	}
	if rotated := rotation.send(); !strings.Contains(rotated.body, "whsec_fresh") || strings.Contains(alice.get("/hooks").body, "whsec_fresh") {
		t.Error("want the new secret shown once")
	}
	if again := rotation.send(); again.status != http.StatusConflict || !slices.Equal(endpoints()[0].Secrets, []string{"whsec_fresh", "whsec_old"}) {
		t.Errorf("the same page rotates twice: %d, %q", again.status, endpoints()[0].Secrets)
	}
	if page := confirm("disable", "plans do not wait for it"); !endpoints()[0].Disabled || !strings.Contains(page.text(), "Switched off") {
		t.Errorf("it is not switched off: %s", page.text())
	}
	alice.get("/hooks").form("/hooks/endpoints/risk/enable").send()
	if page := confirm("delete", "gone for good"); len(endpoints()) != 0 || page.path != "/hooks?done=deleted" {
		t.Errorf("left: %+v, at %s", endpoints(), page.path)
	}
	f := alice.get("/hooks").form("/hooks/endpoints").set("document", "name: office\nurl: https://x.example.com\nevents: [finish_planning]")
	if page := f.send(); page.status != http.StatusConflict || !strings.Contains(page.text(), "configuration file") {
		t.Errorf("the configuration's endpoint: %d %s", page.status, page.text())
	}
}
