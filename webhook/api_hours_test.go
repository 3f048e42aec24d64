package webhook_test

import (
	"slices"
	"testing"
	"time"

	"slipway"
)

func TestPeopleSayWhenTheyWorkThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var u slipway.User
	w.send("bob", "PUT", "/api/v1/users/me/hours", `{"working_hours":"Mon-Fri 9-17","holidays":["2026-12-25","2026-10-01..2026-10-07"]}`).want(200).into(&u)
	if u.WorkingHours != "Mon-Fri 09:00-17:00" || !slices.Equal(u.Holidays, []string{"2026-10-01..2026-10-07", "2026-12-25"}) {
		t.Errorf("Bob works %q without %v", u.WorkingHours, u.Holidays)
	}
	w.send("bob", "PUT", "/api/v1/users/me/hours", `{"holidays":[]}`).want(200)
	u = slipway.User{}
	w.send("bob", "GET", "/api/v1/me", "").want(200).into(&u)
	if u.WorkingHours != "Mon-Fri 09:00-17:00" || len(u.Holidays) != 0 {
		t.Errorf("Bob works %q without %v", u.WorkingHours, u.Holidays)
	}
	bad := w.send("bob", "PUT", "/api/v1/users/me/hours", `{"working_hours":"late","holidays":["someday"],"zone":"x"}`).want(400)
	if !slices.Contains(bad.paths(), "zone") {
		t.Errorf("named: %v", bad.paths())
	}
	bad = w.send("bob", "PUT", "/api/v1/users/me/hours", `{"working_hours":"late","holidays":["someday"]}`).want(400)
	if !slices.Equal(bad.paths(), []string{"working_hours", "holidays"}) {
		t.Errorf("named: %v", bad.paths())
	}
	w.send("eve", "PUT", "/api/v1/users/"+u.ID+"/hours", `{"working_hours":""}`).want(403)
	w.send("root", "PUT", "/api/v1/users/nobody/hours", `{"working_hours":""}`).want(404)
	w.send("root", "PUT", "/api/v1/users/"+u.ID+"/hours", `{"working_hours":""}`).want(200)
	w.send("root", "PUT", "/api/v1/users/bob@example.com/hours", `{"working_hours":"Mon-Thu 9-17"}`).want(200).into(&u)
	if u.WorkingHours != "Mon-Thu 09:00-17:00" {
		t.Errorf("Bob works %q", u.WorkingHours)
	}
	w.send("root", "POST", "/api/v1/users", `{"name":"Ida","email":"ida@example.com","working_hours":"Mon-Fri 10-18","holidays":["2026-12-25"]}`).want(201).into(&u)
	if u.WorkingHours != "Mon-Fri 10:00-18:00" {
		t.Errorf("Ida works %q", u.WorkingHours)
	}
}

func TestThePlanTellsWhatIsToComeOfItsApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := document()
	doc["approval"] = map[string]any{"approvers": []any{"Bob"}, "remind_after": "2h", "escalate_after": "1d", "escalate_to": []any{"Root"}, "expire_after": "3d"}
	p := w.create(doc)
	w.do("alice", p.ID, "submit", "")
	var shown struct {
		Approval struct {
			RemindAfter string              `json:"remind_after"`
			Waiting     slipway.Waiting     `json:"waiting"`
			Next        int64               `json:"next_reminder"`
			Escalates   int64               `json:"escalates_at"`
			Expires     int64               `json:"expires_at"`
			EscalateTo  []slipway.PersonRef `json:"escalate_to"`
		} `json:"approval"`
	}
	w.send("alice", "GET", "/api/v1/plans/"+p.ID, "").want(200).into(&shown)
	a := shown.Approval
	asked := a.Waiting.Asked
	if a.RemindAfter != "2h" || asked != noon.Unix() || a.Next != asked+2*3600 || a.Expires != asked+72*3600 || a.Escalates <= a.Next || len(a.EscalateTo) != 1 {
		t.Errorf("asked at %s: %+v", time.Unix(asked, 0).UTC(), a)
	}
}
