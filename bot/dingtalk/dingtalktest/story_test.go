package dingtalktest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asked is an organisation in which o has asked a or b, and after them c.
func asked(t *testing.T) (*Server, string) {
	t.Helper()
	s := New(Config{})
	t.Cleanup(func() { _ = s.Close() })
	for _, id := range []string{"a", "b", "c", "o"} {
		s.AddUser(User{ID: id})
	}
	s.AddDefinition(Definition{Code: "PROC-1", Name: "Release", Components: []Component{{Kind: "TextareaField", Name: "Notes"}}})
	post(t, s, OpToken, `{"appKey": "`+s.AppKey()+`", "appSecret": "`+s.AppSecret()+`"}`)
	post(t, s, OpStart, `{"processCode": "PROC-1", "originatorUserId": "o", "formComponentValues": [{"name": "Notes", "value": "x"}],
		"approvers": [{"actionType": "OR", "userIds": ["a", "b"]}, {"actionType": "NONE", "userIds": ["c"]}]}`)
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, s.Instances()[0].ID
}

// post makes a call with a good token and returns its status.
func post(t *testing.T, s *Server, op, body string) int {
	t.Helper()
	path := map[string]string{OpToken: "/v1.0/oauth2/accessToken", OpStart: "/v1.0/workflow/processInstances"}[op]
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for token := range s.tokens {
		r.Header.Set("x-acs-dingtalk-access-token", token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

// waiting are those whose turn it is.
func waiting(s *Server) string { return strings.Join(s.Instances()[0].Waiting, " ") }

func TestPeopleAreAskedInTheirOrder(t *testing.T) {
	t.Parallel()
	s, id := asked(t)
	ctx := t.Context()
	if got := waiting(s); got != "a b" {
		t.Errorf("first it is the turn of %q", got)
	}
	for name, err := range map[string]error{
		"out of turn": s.Agree(ctx, id, "c", ""), "a stranger": s.Agree(ctx, id, "o", ""), "to a stranger": s.Transfer(ctx, id, "a", "x", ""),
		"not the originator": s.Withdraw(ctx, id, "a", ""), "elsewhere": s.Refuse(ctx, "none", "a", ""),
	} {
		if err == nil {
			t.Errorf("%s was possible", name)
		}
	}
	if err := s.Agree(ctx, id, "b", ""); err != nil {
		t.Fatal(err)
	}
	if got := waiting(s); got != "c" || s.Agree(ctx, id, "a", "") == nil {
		t.Errorf("then it is the turn of %q", got)
	}
	if err := s.Transfer(ctx, id, "c", "a", ""); err != nil {
		t.Fatal(err)
	}
	if got := waiting(s); got != "a" {
		t.Errorf("handed on, it is the turn of %q", got)
	}
	if err := s.Agree(ctx, id, "a", ""); err != nil {
		t.Fatal(err)
	}
	if in := s.Instances()[0]; in.Status != completed || in.Result != "agree" || len(in.Waiting) > 0 {
		t.Errorf("in the end it is %+v", in)
	}
}

func TestEventsCanBeLost(t *testing.T) {
	t.Parallel()
	s, id := asked(t)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("success")) }))
	t.Cleanup(app.Close)
	s.SetApp(app.URL)
	s.Faults().LoseEvents(1)
	if err := s.Refuse(t.Context(), id, "a", "no"); err != nil {
		t.Fatal(err)
	}
	type seen struct {
		Event, Kind string
		Lost, Wrong bool
	}
	var got []seen
	for _, d := range s.Deliveries() {
		got = append(got, seen{d.Event, d.Kind, d.Lost, d.Err != nil})
	}
	want := []seen{ // that plain word is not the answer that DingTalk wants
		{"bpms_task_change", "finish", true, false}, {"bpms_task_change", "cancel", false, true}, {"bpms_instance_change", "finish", false, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsMisspeltIsNotOverlooked(t *testing.T) {
	t.Parallel()
	s, _ := asked(t)
	for body, part := range map[string]string{
		`{"processCode": "PROC-1", "originator": "o"}`: `unknown field "originator"`,
		`{"processCode": "PROC-1", "originatorUserId": "o", "approvers": [{"actionType": "NONE", "userIds": ["a"]}], "formComponentValues": [{"name": "Note", "value": "x"}]}`: `no field "Note"`,
		`{"processCode": "PROC-1", "originatorUserId": "o", "approvers": [{"actionType": "ONE", "userIds": ["a"]}], "formComponentValues": [{"name": "Notes", "value": "x"}]}`: `actionType "ONE"`,
	} {
		post(t, s, OpStart, body)
		if v := s.Violations(); len(v) == 0 || !strings.Contains(v[len(v)-1], part) {
			t.Errorf("%s is taken for %q", body, v)
		}
	}
}
