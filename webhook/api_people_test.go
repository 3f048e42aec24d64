package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway"
)

func TestApproversThroughTheAPI(t *testing.T) {
	t.Parallel()
	w, p := reach(t, slipway.WaitForApproval)
	bob := p.Approval.Approvers[0]
	for body, path := range map[string]string{`{}`: "to", `{"to":"nobody"}`: "to", `{"to":7}`: "to", `{"to":"Eve","for":"Bob"}`: "for"} {
		r := w.send("bob", "POST", "/api/v1/plans/1/transfer", body).want(400).refusal()
		if len(r.Problems) != 1 || r.Problems[0].Path != path {
			t.Errorf("%s: %+v", body, r)
		}
	}
	w.send("bob", "POST", "/api/v1/plans/1/transfer", `{"to":"Alice"}`).want(409)
	passed := w.do("bob", p.ID, "transfer", `{"to":"eve@example.com","comment":"on a train"}`)
	if tr := passed.Approval.Transfers; len(tr) != 1 || tr[0].From != bob || tr[0].To.ID != w.ids["eve"] {
		t.Errorf("passed on: %+v", tr)
	}
	w.do("eve", p.ID, "approve", `{}`)
}

func TestAnAbsenceThroughTheAPI(t *testing.T) {
	t.Parallel()
	w, p := reach(t, slipway.WaitForApproval)
	until := w.now().Add(time.Hour)
	doc := fmt.Sprintf(`{"to":"eve@example.com","end":%q}`, until.Format(time.RFC3339))
	w.send("eve", "PUT", "/api/v1/users/bob@example.com/away", doc).want(403)
	for body, path := range map[string]string{
		`{"to":"Eve"}`: "end", `{"to":"Eve","end":"soon"}`: "end", `{"to":"Bob","end":1999999999}`: "end", `{"end":1999999999}`: "to", `{"to":"Bob","end":1799999999}`: "to",
	} {
		r := w.send("bob", "PUT", "/api/v1/users/me/away", body).want(400).refusal()
		if len(r.Problems) == 0 || !strings.HasPrefix(r.Problems[0].Path, path) {
			t.Errorf("%s: %+v", body, r)
		}
	}
	w.send("bob", "PUT", "/api/v1/users/me/away", doc).want(200)
	for who, n := range map[string]int{"bob": 1, "eve": 1, "root": 1, "alice": 0} {
		var list struct{ Away []slipway.Delegation }
		if w.send(who, "GET", "/api/v1/away", "").want(200).into(&list); len(list.Away) != n {
			t.Errorf("%s sees %+v", who, list.Away)
		}
	}
	after := w.do("eve", p.ID, "approve", `{}`)
	if v := after.Approval.Votes[0]; v.By.ID != w.ids["eve"] || v.For.ID != w.ids["bob"] {
		t.Errorf("the vote is %+v", v)
	}
	w.send("root", "DELETE", "/api/v1/users/bob@example.com/away", "").want(204)
	w.send("bob", "DELETE", "/api/v1/users/me/away", "").want(204)
	w.send("eve", "DELETE", "/api/v1/users/bob@example.com/away", "").want(403)
}
