package webhook_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/webhook"
)

var zadigChecks = &commands.Checks{System: "Zadig", Endpoint: "zadig", Token: "z4dig", Approvers: []string{"bob@example.com", "Carol"}, Needed: 1}

// zadigHook is a hook as Zadig sends it: the documented example, which asks.
func zadigHook(t testing.TB, change func(body, plan map[string]any)) string {
	t.Helper()
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(data, &body); err != nil {
		t.Fatal(err)
	}
	plan := body["release_plan"].(map[string]any)
	plan["instance_code"] = "e52e21b68b7ec3"
	if change != nil {
		change(body, plan)
	}
	return encode(t, body)
}

func (w *world) zadig(body string, headers ...string) answer {
	w.t.Helper()
	return w.send("", "POST", "/api/hooks/zadig", body, append([]string{"X-Zadig-Token", "z4dig"}, headers...)...)
}

func TestAPlanOfZadigIsShownAndDecidedHere(t *testing.T) {
	t.Parallel()
	for style, event := range map[string]string{"document": "release_plan", "v5": "all_job_done"} {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: -1}, Checks: zadigChecks})
			hook := zadigHook(t, func(body, _ map[string]any) { body["event"] = event })
			var first, again struct{ ID string }
			w.zadig(hook, "X-Zadig-Webhook-Uuid", "u1").want(200).into(&first)
			w.zadig(hook, "X-Zadig-Webhook-Uuid", "u1").want(200).into(&again)
			if first != again {
				t.Errorf("one hook has the records %s and %s", first.ID, again.ID)
			}
			var sent struct {
				Plan struct {
					ID   string
					Name string
					Jobs []struct{ Name string }
				} `json:"release_plan"`
			}
			if err := json.Unmarshal([]byte(hook), &sent); err != nil {
				t.Fatal(err)
			}
			p := w.show("bob", sent.Plan.ID)
			if p.Status != slipway.WaitForApproval || p.Name != sent.Plan.Name || len(p.Jobs) != len(sent.Plan.Jobs) || p.Jobs[0].Name != sent.Plan.Jobs[0].Name {
				t.Errorf("shown as %s %s with %d items", p.Status, p.Name, len(p.Jobs))
			}
			w.send("root", "POST", "/api/v1/plans/"+p.ID+"/replan", "").want(409)
			w.send("eve", "POST", "/api/v1/plans/"+p.ID+"/approve", "").want(403)
			w.do("bob", p.ID, "approve", `{"comment":"checked"}`)

			ds, err := w.store.Deliveries(t.Context(), p.ID)
			if err != nil || len(ds) != 1 || ds[0].Endpoint != "zadig" || ds[0].State != storage.DeliveryPending {
				t.Fatalf("deliveries %+v, %v", ds, err)
			}
			cb, err := webhook.DecodeCallback(ds[0].Body)
			want := commands.Callback{
				Event: slipway.EventAllJobDone, PlanID: p.ID, InstanceCode: "e52e21b68b7ec3", Result: slipway.ResultSuccess, Description: "checked",
			}
			if err != nil || cb.Event != want.Event || cb.PlanID != want.PlanID || cb.InstanceCode != want.InstanceCode || cb.Result != want.Result || cb.Description != want.Description {
				t.Errorf("Zadig is told %s, %v", ds[0].Body, err)
			}

			// Zadig asks once more under the same code: a question of its own.
			w.zadig(hook, "X-Zadig-Webhook-Uuid", "u2").want(200)
			if p = w.show("bob", p.ID); p.Status != slipway.WaitForApproval {
				t.Errorf("asked again it is %s", p.Status)
			}
		})
	}
}

func TestZadigHooksThatAreNotTaken(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: -1}, Checks: zadigChecks})
	good := zadigHook(t, nil)
	w.send("", "POST", "/api/hooks/zadig", good).want(401)
	w.send("", "POST", "/api/hooks/zadig", good, "X-Zadig-Token", "z4di").want(401)
	for name, change := range map[string]func(body, plan map[string]any){
		"release_plan.id":            func(_, p map[string]any) { p["id"] = "1" },
		"release_plan.event_name":    func(b, p map[string]any) { p["event_name"], b["event"] = "", "release_plan" },
		"release_plan.instance_code": func(_, p map[string]any) { p["instance_code"] = strings.Repeat("a", 201) },
		"object_kind":                func(b, _ map[string]any) { b["object_kind"] = "workflow" },
	} {
		if got := w.zadig(zadigHook(t, change)).want(400).paths(); len(got) != 1 || got[0] != name {
			t.Errorf("problems at %v, want %s", got, name)
		}
	}
	for _, body := range []string{"", "[]", "{", `{"object_kind":"release_plan"}`, `{"object_kind":"release_plan","release_plan":1}`} {
		w.zadig(body).want(400)
	}
	native := w.create(document())
	w.zadig(zadigHook(t, func(_, p map[string]any) { p["id"] = native.ID })).want(409)

	w = newWorldWith(t, webhook.HandlerConfig{})
	w.zadig(good).want(404)
}

// A hook that only informs shows the plan and asks nobody. What other versions send is
// taken, too.
func TestZadigHooksThatOnlyInform(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: -1}, Checks: zadigChecks})
	var id string
	w.zadig(zadigHook(t, func(_, p map[string]any) {
		id = p["id"].(string)
		p["status"], p["event_name"], p["index"] = "executing", "start_execute", "7"
		delete(p, "instance_code")
		jobs := p["jobs"].([]any)
		p["jobs"] = append(jobs, jobs[0]) // of the same name
		p["name"] = strings.Repeat("长", 300) + "\x07"
	})).want(200)
	p := w.show("eve", id)
	if p.Status != slipway.Executing || len(p.Allowed) != 0 {
		t.Errorf("shown in %s, and Eve may %v", p.Status, p.Allowed)
	}
}

func FuzzDecodeZadigHook(f *testing.F) {
	f.Add([]byte(zadigHook(f, nil)))
	f.Add([]byte(`{"object_kind":"release_plan","event":"finish_planning","release_plan":{"id":"6b04d8587efe53958245c151","status":"wait_for_finish_planning_external_check","instance_code":"x","jobs":[{"type":"text"},{"spec":{"workflow":{}}}]}}`))
	f.Add([]byte(`{"object_kind":"release_plan","release_plan":{"jobs":[null,{"spec":null}],"index":"-9","start_time":1e99}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := webhook.DecodeZadigHook(body)
		if err != nil {
			if code := slipway.CodeOf(err); code != slipway.Invalid || slipway.TextOf(err).EN == "" {
				t.Fatalf("refused with %s: %v", code, err)
			}
			return
		}
		// Whatever is taken can be shown.
		d := o.Draft
		d.Manager = slipway.PersonRef{ID: "u", Name: "U"}
		if err := d.Check(); err != nil {
			t.Fatalf("taken, but not fit: %v", err)
		}
	})
}
