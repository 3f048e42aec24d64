package webhook_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"slipway"
)

func TestWhoIsAsking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tokens["stranger"] = "slp_nobody"
	for _, c := range []struct {
		name, who string
		headers   []string
		status    int
		is        string
	}{
		{"nobody", "", nil, 401, ""},
		{"another scheme", "", []string{"Authorization", "Basic YTpi"}, 401, ""},
		{"an empty token", "", []string{"Authorization", "Bearer "}, 401, ""},
		{"an unknown token", "stranger", nil, 401, ""},
		{"Alice", "alice", nil, 200, "alice"},
		{"the scheme in small letters", "", []string{"Authorization", "bearer " + w.tokens["alice"]}, 200, "alice"},
		{"Alice as herself", "alice", []string{"Slipway-Actor", "ALICE@example.com"}, 200, "alice"},
		{"Alice as Bob", "alice", []string{"Slipway-Actor", "bob@example.com"}, 403, ""},
		{"the admin", "root", nil, 200, "root"},
		{"the admin as Bob", "root", []string{"Slipway-Actor", "bob@example.com"}, 200, "bob"},
		{"the admin as nobody known", "root", []string{"Slipway-Actor", "zoe@example.com"}, 403, ""},
	} {
		a := w.send(c.who, "GET", "/api/v1/me", "", c.headers...)
		if a.status != c.status {
			t.Errorf("%s: %d, want %d: %s", c.name, a.status, c.status, a.body)
			continue
		}
		if c.status == http.StatusUnauthorized && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate is %q", c.name, a.header.Get("WWW-Authenticate"))
		}
		if c.is != "" {
			var u slipway.User
			if a.into(&u); u.ID != w.ids[c.is] {
				t.Errorf("%s is %s, want %s", c.name, u.Name, c.is)
			}
		}
	}
	for _, path := range []string{"/api/v1/plans", "/api/v1/plans/1", "/api/v1/users", "/api/v1/events?plan=1", "/api/v1/plans/1/log", "/api/v1/runs/x/log"} {
		w.send("", "GET", path, "").want(401)
	}
	w.send("", "POST", "/api/v1/plans", strings.Repeat(" ", 2<<20)).want(401)
}

func TestAdminsMakeUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const zoe = `{"name":"Zoe","email":"Zoe@Example.com","locale":"zh-CN","time_zone":"Asia/Shanghai","slack_id":"U1"}`
	w.send("alice", "POST", "/api/v1/users", zoe).want(403)
	var made struct {
		slipway.User
		Token string
	}
	w.send("root", "POST", "/api/v1/users", zoe).want(201).into(&made)
	if made.Email != "zoe@example.com" || made.Locale != slipway.Chinese || made.TimeZone != "Asia/Shanghai" || made.Role != slipway.RoleMember {
		t.Errorf("made %+v", made.User)
	}
	w.tokens["zoe"] = made.Token
	w.send("zoe", "GET", "/api/v1/me", "").want(200)
	if e := w.send("root", "POST", "/api/v1/users", strings.Replace(zoe, "U1", "U2", 1)).want(409).refusal(); !strings.Contains(e.Message, "zoe@example.com") {
		t.Errorf("a second Zoe: %q", e.Message)
	}

	var admins, others struct{ Users []map[string]any }
	w.send("root", "GET", "/api/v1/users", "").want(200).into(&admins)
	w.send("alice", "GET", "/api/v1/users", "").want(200).into(&others)
	if len(admins.Users) != 7 || len(others.Users) != 7 {
		t.Errorf("there are %d and %d users, want 7", len(admins.Users), len(others.Users))
	}
	for _, u := range others.Users {
		if len(u) != 2 || u["name"] == "" || u["id"] == "" {
			t.Errorf("Alice sees %v", u)
		}
	}
}

func TestAUserIsMadeOnce(t *testing.T) {
	t.Parallel()
	onEach(t, nil, aUserIsMadeOnce)
}

func aUserIsMadeOnce(t *testing.T, w *world) {
	const key = "Idempotency-Key"
	var wg sync.WaitGroup
	type made struct{ ID, Token string }
	all := make([]made, 4)
	for i := range all {
		wg.Go(func() {
			w.send("root", "POST", "/api/v1/users", `{"name":"Zoe","email":"zoe@example.com"}`, key, "z").want(201).into(&all[i])
		})
	}
	wg.Wait()
	for i, m := range all {
		if m.ID != all[0].ID {
			t.Errorf("two users were made: %s and %s", m.ID, all[0].ID)
		}
		w.tokens["zoe"] = all[i].Token
		w.send("zoe", "GET", "/api/v1/me", "").want(200)
	}
	w.send("root", "POST", "/api/v1/users", `{"name":"Yan","email":"yan@example.com"}`, key, "z").want(409)
	w.send("root", "POST", "/api/v1/users", `{"name":"Alice","email":"alice@example.com"}`, key, "a").want(409)
	w.send("root", "POST", "/api/v1/users", `{"name":"Alice","email":"alice@example.com"}`, key, "a").want(409)
	w.send("alice", "POST", "/api/v1/users", `{"name":"Zoe","email":"zoe@example.com"}`, key, "z").want(403)
}

func TestUsersThatAreNotRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		body  string
		paths []string
	}{
		{``, nil},
		{`[]`, nil},
		{`"x"`, nil},
		{`{"name":`, nil},
		{`{} {}`, nil},
		{`{}`, []string{"name", "email"}},
		{
			`{"name":1,"email":[],"role":{},"locale":true,"time_zone":null,"x":1,"slack_id":2,"feishu_open_id":false}`,
			[]string{"email", "feishu_open_id", "locale", "name", "role", "slack_id", "x"},
		},
		{`{"name":"Z","email":"nobody"}`, []string{"email"}},
		{`{"name":"Z","email":"Z <z@example.com>"}`, []string{"email"}},
		{`{"name":"a\nb","email":"z@example.com","role":"king","locale":"fr","time_zone":"Mars/Base"}`, []string{"locale", "name", "role", "time_zone"}},
		{fmt.Sprintf(`{"name":%q,"email":"z@example.com"}`, strings.Repeat("x", 201)), []string{"name"}},
		{`{"name":"Z","name":"Y","email":"z@example.com"}`, []string{"name"}},
	} {
		a := w.send("root", "POST", "/api/v1/users", c.body).want(400)
		got := a.paths()
		slices.Sort(got)
		want := slices.Clone(c.paths)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: problems at %v, want %v", c.body, got, want)
		}
	}
	users, err := w.store.Users(t.Context())
	if err != nil || len(users) != 6 {
		t.Errorf("there are %d users (%v), want 6", len(users), err)
	}
}
