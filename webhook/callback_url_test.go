package webhook_test

import (
	"testing"

	"slipway"
)

// W15: Zadig writes no callback down, answers every mistake with 500, and a double, too.
func TestW15_EveryCallbackIsAnEntryAndEveryMistakeIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventFinishPlanning)
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	q := w.asked(p.ID)
	var progress, first, again struct{ ID string }
	working := q.reply(slipway.ResultExecuting)
	working["description"] = "1 of 3"
	w.callback(working).want(200).into(&progress)
	yes := q.reply(slipway.ResultSuccess)
	w.callback(yes).want(200).into(&first)
	w.callback(yes).want(200).into(&again)
	if first != again {
		t.Errorf("the same answer is record %s and record %s", first.ID, again.ID)
	}
	entries, err := w.store.Entries(t.Context(), p.ID, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, e := range entries.Rows {
		if e.Verb == slipway.VerbAnswer {
			said[e.ID] = e.Data.Endpoint + " " + e.Data.Result
		}
	}
	if len(said) != 2 || said[progress.ID] != "office executing" || said[first.ID] != "office success" {
		t.Errorf("the log holds %v", said)
	}
	for status, body := range map[int]map[string]any{
		400: {"hook_event": "finished"},
		404: {"hook_event": "finish_planning", "release_plan_id": "000000000000000000000000", "instance_code": "x", "result": "success"},
		409: {"hook_event": "finish_planning", "release_plan_id": p.ID, "instance_code": "x", "result": "success"},
	} {
		if a := w.callback(body).want(status); a.refusal().Message == "" {
			t.Errorf("%d says nothing", status)
		}
	}
}

// A question can be answered at its own address, which an endpoint may ask for.
func TestAQuestionHasAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventFinishPlanning, slipway.EventStartExecute)
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	address := "/api/callback/release_plan/" + w.asked(p.ID).ReleasePlan.InstanceCode
	for body, status := range map[string]int{
		``: 400, `[]`: 400, `{}`: 400, `{"result":"yes"}`: 400, `{"result":"failed","failed_reason":1}`: 400,
	} {
		w.send("", "POST", address, body).want(status)
	}
	w.send("", "POST", address[:len(address)-1], `{"result":"success"}`).want(404)
	w.send("", "POST", address, `{"result":"executing","description":"1 of 3"}`).want(200)
	var first, again, documented struct{ ID string }
	yes := w.asked(p.ID).reply(slipway.ResultSuccess)
	w.send("", "POST", address, `{"result":"success"}`).want(200).into(&first)
	w.send("", "POST", address, `{"result":"success"}`).want(200).into(&again)
	w.callback(yes).want(200).into(&documented)
	if first != again || first != documented {
		t.Errorf("one answer has the records %s, %s and %s", first.ID, again.ID, documented.ID)
	}
	w.send("", "POST", address, `{"result":"failed"}`).want(409)
	w.do("bob", p.ID, "approve", "")
	w.send("", "POST", address, `{"result":"failed"}`).want(409)
	if got := w.show("alice", p.ID).Status; got != slipway.WaitExecute {
		t.Errorf("the plan is in %s", got)
	}

	w.rules.Endpoints[0].CallbackToken = "s3cret"
	address = "/api/callback/release_plan/" + w.asked(p.ID).ReleasePlan.InstanceCode
	w.send("", "POST", address, `{"result":"success"}`).want(401)
	w.send("", "POST", address, `{"result":"success"}`, "Authorization", "Bearer s3cret").want(200)
}
