package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"

	"slipway"
	"slipway/cmd/slipway/processtest"
	"slipway/cmd/slipway/storytest"
)

// ofThePlan is the value that plans give to the credential of a workflow.
var ofThePlan = kept{name: "the param TOKEN of a plan", value: credentialOf("the-plan"), ofPlan: true}

// TestNoSecretIsShown sets every credential field of every engine, of the approval systems,
// of mail and of Jira, and gives workflows a credential, plays runs and approvals that pass, fail and are refused, with servers that
// repeat all that they are sent, and looks for the secrets in everything that anybody can see. The
// only place that may have some is the database, and hooks to an endpoint that is allowed
// to see them: what a plan gives to its workflows, see mayHold.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	all, secrets := watchedVendors(t)
	secrets = append(secrets, kept{name: "SLIPWAY_ADMIN_TOKEN", value: adminOfHouse}, ofThePlan)
	playedWithSecrets(t, all, newOutsides(t), secrets)
}

// The key of a GitHub app takes the place of a token.
func TestNoKeyOfAnAppIsShown(t *testing.T) {
	t.Parallel()
	v, secrets := watchedApp(t)
	playedWithSecrets(t, []*watchedVendor{v}, nil, append(secrets, ofThePlan))
}

func playedWithSecrets(t *testing.T, all []*watchedVendor, outside *outsides, secrets []kept) {
	t.Helper()
	x := openWatched(t, all, outside)
	x.user(t, storytest.NewPerson{Name: "Alice", Email: "alice@example.com", Role: slipway.RoleAdmin, TimeZone: "UTC"})
	var players sync.WaitGroup
	for _, v := range all {
		players.Go(func() {
			t.Run(v.name, func(t *testing.T) {
				p := &secretPlayer{watched: x, v: v, t: t}
				p.operator = x.operator
				p.operator.t = t
				for _, play := range []func(){
					p.passes, p.fails, p.refusedAtSubmit, p.refusedAtStart, p.watchedBlindly, p.asksInVain, p.planned, p.forged, p.changed,
				} {
					play()
				}
			})
		})
	}
	if outside != nil {
		players.Go(func() { t.Run("approvals", func(t *testing.T) { newApprovalPlayer(t, x).play() }) })
	}
	players.Wait()
	x.t = t
	wrong := x.commandsSay(t)
	x.pages(t)
	x.answers()
	x.database(t.Context(), t, x.env["SLIPWAY_DATA_DIR"])
	places := []string{"the log", "sent to Slack", "sent to Feishu", "hook to office", "hook to vault", "answer to GET /metrics", "doctor", "config show"}
	if outside != nil {
		secrets = append(secrets, outside.all(t, x)...)
		places = append(places, "mail", "sent to DingTalk", "sent to Jira", "questions.body", "posts.thread", "answer to POST /signin", "answer to POST /dingtalk/events")
	}
	for _, place := range places {
		if x.at(place) == "" {
			t.Errorf("nothing was seen of: %s", place)
		}
	}
	x.scan(t, append(secrets, wrong...))
}

// commandsSay runs the commands for operators: with the configuration as it is, with
// careless servers, and with credentials that the engines do not accept, which are
// secrets as well.
func (x *watched) commandsSay(t *testing.T) []kept {
	t.Helper()
	wrong, other := []kept{}, map[string]string{}
	for _, v := range x.vendors {
		for variable, value := range v.env {
			if strings.HasSuffix(variable, "_TOKEN") && !strings.Contains(variable, "WEBHOOK") {
				other[variable] = "wrong+" + value
				wrong = append(wrong, kept{name: "the wrong " + variable, value: other[variable]})
			}
		}
	}
	careless := func(status int) {
		for _, v := range x.vendors {
			v.way.repeat(status, status)
		}
		x.outsides.repeat(status)
	}
	wrong = append(wrong, x.outsides.wrong(other)...)
	say := func(other map[string]string, args ...string) {
		var out bytes.Buffer
		p := x.process(other)
		p.stdout, p.stderr = &out, &out
		if err := run(t.Context(), args, p); err != nil {
			fmt.Fprintln(&out, plainError(err))
		}
		x.see(strings.Join(args[:min(len(args), 2)], " "), out.String())
		x.see(args[0], out.String())
	}
	doctor := func(other map[string]string) {
		say(other, "doctor")
		say(other, "doctor", "--json", "--lang", "zh")
	}
	say(nil, "config", "check")
	say(nil, "config", "show")
	doctor(nil)
	doctor(other)
	for _, status := range []int{200, 401, 404, 500} {
		careless(status)
		doctor(nil)
	}
	careless(0)
	// A configuration that is not in order is told of without its values.
	broken := maps.Clone(x.env)
	for _, v := range x.vendors {
		for variable, value := range v.env {
			broken[variable] = value + " \t" + value
		}
	}
	for variable, value := range x.env {
		if x.outsides.has(value) {
			broken[variable] = value + " \t" + value
		}
	}
	broken["SLIPWAY_CALLBACK_RATE"] = "x"
	say(broken, "config", "check")
	say(broken, "doctor")
	return wrong
}

// answers asks the REST API for all that there is, in both languages.
func (x *watched) answers() {
	x.t.Helper()
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/api/openapi.json", "/api/v1/me", "/api/v1/users", "/api/v1/away", "/api/v1/plans?limit=100", "/api/v1/endpoints", "/api/v1/deliveries"} {
		x.ask(http.MethodGet, path, nil)
	}
	var list struct{ Plans []processtest.Plan }
	if err := x.ask(http.MethodGet, "/api/v1/plans?limit=100", nil).Decode(&list); err != nil || len(list.Plans) == 0 {
		x.t.Fatalf("%d plans (%v)", len(list.Plans), err)
	}
	for _, plan := range list.Plans {
		for _, part := range []string{"", "/log?limit=100", "/deliveries", "/runs"} {
			x.ask(http.MethodGet, "/api/v1/plans/"+plan.ID+part, nil)
		}
		var runs struct{ Runs []struct{ ID string } }
		if err := x.ask(http.MethodGet, "/api/v1/plans/"+plan.ID+"/runs", nil).Decode(&runs); err != nil {
			x.t.Fatal(err)
		}
		for _, r := range runs.Runs {
			x.ask(http.MethodGet, "/api/v1/runs/"+r.ID+"/log", nil)
		}
	}
}

// pages reads the pages of the console as an admin does.
func (x *watched) pages(t *testing.T) {
	t.Helper()
	link, err := x.signIn(t.Context(), "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: watchedWay{x.see}}
	get := func(method, path, body string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, x.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", x.url)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := readAll(res)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s (%v)", path, res.Status, err)
		}
		return text
	}
	get(http.MethodPost, "/signin", url.Values{"token": {u.Query().Get("token")}}.Encode())
	for _, path := range []string{"/", "/rooms/releases", "/plans", "/people", "/hooks", "/queues/", "/queues/api/queues"} {
		get(http.MethodGet, path, "")
	}
	var list struct{ Plans []processtest.Plan }
	if err := x.ask(http.MethodGet, "/api/v1/plans?limit=100", nil).Decode(&list); err != nil {
		t.Fatal(err)
	}
	for _, plan := range list.Plans {
		page := get(http.MethodGet, fmt.Sprintf("/plans/%d", plan.Index), "")
		for _, job := range plan.Jobs {
			if job.RunID != "" && strings.Contains(page, "/runs/") {
				get(http.MethodGet, "/runs/"+job.RunID+"/log", "")
			}
		}
	}
}
