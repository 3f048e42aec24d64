package webhook_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// delivered is what the API tells of a delivery.
type delivered struct {
	ID       string
	PlanID   string `json:"plan_id"`
	Endpoint string
	State    storage.DeliveryState
	Body     string
	Attempts []struct {
		StatusCode int    `json:"status_code"`
		Sent       string `json:"sent"`
		Answer     string
	}
}

// settle ends every delivery of a plan in a state, with one try.
func (w *world) settle(planID string, state storage.DeliveryState) {
	w.t.Helper()
	ds, err := w.store.Deliveries(w.t.Context(), planID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range ds {
		storagetest.Try(w.t, w.store, d.ID, w.now(), state, storage.Attempt{
			StatusCode: 503, Sent: "Slipway-Callback-Url: /" + d.InstanceCode + "\n", Answer: "you sent " + d.InstanceCode,
		})
	}
}

func TestDeliveriesAreFoundShownExportedAndSentAgain(t *testing.T) {
	t.Parallel()
	onEach(t, []slipway.Event{slipway.EventFinishPlanning}, func(t *testing.T, w *world) {
		var plans []plan
		for i := range 5 {
			p := w.create(document())
			w.do("alice", p.ID, "submit", "")
			w.settle(p.ID, []storage.DeliveryState{storage.DeliveryFailed, storage.DeliveryDelivered}[i%2])
			plans = append(plans, p)
			w.wait(time.Minute)
		}
		search := func(query string) (ids []string, next string) {
			t.Helper()
			var page struct {
				Deliveries []delivered
				Next       string `json:"next_cursor"`
			}
			w.send("eve", "GET", "/api/v1/deliveries?"+query, "").want(200).into(&page)
			for _, d := range page.Deliveries {
				ids = append(ids, d.PlanID)
			}
			return ids, page.Next
		}
		want := func(query string, indexes ...int) {
			t.Helper()
			ids, _ := search(query)
			var expected []string
			for _, i := range indexes {
				expected = append(expected, plans[i].ID)
			}
			if fmt.Sprint(ids) != fmt.Sprint(expected) {
				t.Errorf("%s finds the plans %v, want %v", query, ids, expected)
			}
		}
		want("", 4, 3, 2, 1, 0)
		want("state=failed", 4, 2, 0)
		want("state=delivered,pending", 3, 1)
		want("endpoint=wall")
		want("endpoint=office&event=start_execute")
		want("plan="+plans[2].ID, 2)
		want(fmt.Sprintf("since=%d&until=%d", noon.Add(time.Minute).Unix(), noon.Add(3*time.Minute).Unix()), 2, 1)
		first, next := search("limit=2")
		second, next := search("limit=2&cursor=" + next)
		third, last := search("limit=2&cursor=" + next)
		if len(first)+len(second)+len(third) != 5 || last != "" {
			t.Errorf("pages of %d, %d and %d, then %q", len(first), len(second), len(third), last)
		}
		for _, bad := range []string{"state=lost", "event=x", "since=soon", "since=20&until=10", "limit=0", "cursor=x", "colour=red"} {
			w.send("eve", "GET", "/api/v1/deliveries?"+bad, "").want(400)
		}

		var page struct{ Deliveries []delivered }
		w.send("eve", "GET", "/api/v1/deliveries?plan="+plans[0].ID, "").want(200).into(&page)
		w.watch(plans[0].ID) // its codes must not be told
		var one delivered
		w.send("eve", "GET", "/api/v1/deliveries/"+page.Deliveries[0].ID, "").want(200).into(&one)
		if !json.Valid([]byte(one.Body)) || len(one.Attempts) != 1 || one.Attempts[0].Answer != "you sent ***" || !strings.Contains(one.Attempts[0].Sent, "/***") {
			t.Errorf("the delivery is shown as %+v", one)
		}
		w.send("eve", "GET", "/api/v1/deliveries/msg_0", "").want(404)

		lines := bufio.NewScanner(strings.NewReader(string(w.send("eve", "GET", "/api/v1/deliveries/export?state=failed", "").want(200).body)))
		lines.Buffer(nil, 1<<20)
		var exported []string
		for lines.Scan() {
			var d delivered
			if err := json.Unmarshal(lines.Bytes(), &d); err != nil || d.Body == "" {
				t.Errorf("a line is %.100s: %v", lines.Text(), err)
			}
			exported = append(exported, d.PlanID)
		}
		if fmt.Sprint(exported) != fmt.Sprint([]string{plans[0].ID, plans[2].ID, plans[4].ID}) {
			t.Errorf("exported %v", exported)
		}
		w.send("eve", "GET", "/api/v1/deliveries/export?state=lost", "").want(400)

		replay := func(who, body string, status int) (found, sent, refused int) {
			t.Helper()
			var done struct{ Found, Sent, Refused int }
			w.send(who, "POST", "/api/v1/deliveries/replay", body).want(status).into(&done)
			return done.Found, done.Sent, done.Refused
		}
		if f, s, r := replay("alice", `{"dry_run":true}`, 200); f != 3 || s+r != 0 {
			t.Errorf("a dry run finds %d, sends %d, is refused %d", f, s, r)
		}
		if f, s, r := replay("eve", `{}`, 202); f != 3 || s != 0 || r != 3 {
			t.Errorf("Eve finds %d, sends %d, is refused %d", f, s, r)
		}
		since := fmt.Sprintf(`{"endpoint":"office","since":%d,"until":%q}`, noon.Add(time.Minute).Unix(), noon.Add(3*time.Minute).Format(time.RFC3339))
		if f, s, _ := replay("alice", since, 202); f != 1 || s != 1 {
			t.Errorf("a period has %d, of which %d are sent", f, s)
		}
		want("state=pending", 2)
		if f, s, _ := replay("alice", `{"plan":"1","dry_run":true}`, 200); f != 1 || s != 0 {
			t.Errorf("a plan has %d, of which %d are sent", f, s)
		}
		if f, s, _ := replay("root", `{"endpoint":"office"}`, 202); f != 2 || s != 2 {
			t.Errorf("the others are %d, of which %d are sent", f, s)
		}
		want("state=failed")
		w.send("root", "POST", "/api/v1/deliveries/replay", `{"endpoint":"nobody"}`).want(404)
		w.send("root", "POST", "/api/v1/deliveries/replay", `{"since":"soon","dry_run":1,"x":2}`).want(400)
		w.send("root", "POST", "/api/v1/deliveries/replay", `{"since":"1795500000","until":"1795400000"}`).want(400)
		w.send("root", "POST", "/api/v1/deliveries/replay", `{"plan":"99"}`).want(404)
	})
}
