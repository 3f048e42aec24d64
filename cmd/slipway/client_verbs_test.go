package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/bot"
	"slipway/cmd/slipway/storytest"
)

// elsewhereThanTheTerminal are the verbs of chat that the command line has under another
// name, and those that it cannot have, with the reason.
var elsewhereThanTheTerminal = map[string]string{
	"new": "apply FILE", "edit": "--plan '#12'", "add": "--plan '#12'", "remove": "--plan '#12'", "move": "--plan '#12'", "window": "--plan '#12'",
	"schedule": "--plan '#12'", "approvers": "--plan '#12'", "sprints": "--plan '#12'", // a document has all of it
	"list": "plan list", "show": "plan show REF", "log": "plan log REF", "hooks": "hooks list",
	"away": "away", "hours": "hours", "whoami": "whoami",
	"help": "",
	"home": "", // `plan list --manager me` is the part of it that a terminal has
	"link": "", // joins the chat account that it is typed from; a terminal has none
}

// TestTheCommandLineHasEveryVerb holds the table of verbs against the command line's, and
// against what its help names.
func TestTheCommandLineHasEveryVerb(t *testing.T) {
	t.Parallel()
	for _, r := range bot.VerbRows() {
		_, isPlanVerb := planVerbs[string(r.ID)]
		named, isElsewhere := elsewhereThanTheTerminal[r.Name]
		switch {
		case isPlanVerb == isElsewhere:
			t.Errorf("%q is a verb of plan: %t, has another way at the terminal: %t; one of both is expected", r.Name, isPlanVerb, isElsewhere)
		case isPlanVerb:
			named = string(r.ID)
		}
		if !strings.Contains(usage, named) {
			t.Errorf("`slipway help` does not name %q, for %q", named, r.Name)
		}
	}
}

// TestTheCommandLineHasWhatTheAPITakes holds the command line against the description of
// the REST API: the verbs of plans and items with all that may be said.
func TestTheCommandLineHasWhatTheAPITakes(t *testing.T) {
	t.Parallel()
	type schema struct {
		Ref        string                     `json:"$ref"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	type body struct {
		Ref     string                             `json:"$ref"`
		Content map[string]struct{ Schema schema } `json:"content"`
	}
	var api struct {
		Paths map[string]struct {
			Post *struct {
				RequestBody body `json:"requestBody"`
			}
		}
		Components struct {
			Schemas       map[string]schema
			RequestBodies map[string]body `json:"requestBodies"`
		}
	}
	data, err := os.ReadFile("../../webhook/openapi.json")
	if err == nil {
		err = json.Unmarshal(data, &api)
	}
	if err != nil {
		t.Fatal(err)
	}
	last := func(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
	theirs, ours := map[string][]string{}, map[string][]string{}
	for path, calls := range api.Paths {
		rest, ofPlan := strings.CutPrefix(path, "/api/v1/plans/{id}/")
		if !ofPlan || calls.Post == nil {
			continue
		}
		b := calls.Post.RequestBody
		if b.Ref != "" {
			b = api.Components.RequestBodies[last(b.Ref)]
		}
		s := b.Content["application/json"].Schema
		if s.Ref != "" {
			s = api.Components.Schemas[last(s.Ref)]
		}
		for field := range s.Properties {
			if field != "version" { // which a page has seen; a terminal shows nothing that grows old
				theirs[rest] = append(theirs[rest], field)
			}
		}
		slices.Sort(theirs[rest])
	}
	for name, v := range planVerbs {
		path, fields := name, slices.Clone(v.options)
		if v.item {
			path = "jobs/{job}/" + name
		}
		if v.said != "" {
			fields = append(fields, v.said)
		}
		slices.Sort(fields)
		ours[path] = fields
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("the REST API and the command line differ (-API +command line):\n%s", diff)
	}
}

// atTerminal runs a command against a server, and returns what it prints and how it ends.
func atTerminal(t *testing.T, url string, env map[string]string, args ...string) (string, error) {
	t.Helper()
	all := map[string]string{"SLIPWAY_PUBLIC_URL": url, "SLIPWAY_TOKEN": "token"}
	for k, v := range env {
		all[k] = v
	}
	p, _ := surroundings(t, all, "")
	var out bytes.Buffer
	p.stdin, p.stdout = strings.NewReader(env["stdin"]), &out
	err := run(t.Context(), args, p)
	return out.String(), err
}

// What is typed at the terminal is what the API is asked for; what would be left out, or
// is none of the verb's, is refused and asked of nobody.
func TestWhatIsTypedAtTheTerminalIsAskedOfTheAPI(t *testing.T) {
	t.Parallel()
	const jobs = "GET /api/v1/plans/12 "
	for typed, want := range map[string][]string{
		"plan transfer #12 --to bob@example.com --comment away": {`POST /api/v1/plans/12/transfer {"comment":"away","to":"bob@example.com"}`},
		"plan withdraw 12":                             {`POST /api/v1/plans/12/withdraw {}`},
		"plan ask_again 12 --endpoints office,vault":   {`POST /api/v1/plans/12/ask_again {"endpoints":["office","vault"]}`},
		"plan copy 12 --name next":                     {`POST /api/v1/plans/12/copy {"name":"next"}`},
		"plan adopt 12 deploy https://ci.example/7":    {jobs, `POST /api/v1/plans/p/jobs/j/adopt {"run":"https://ci.example/7"}`},
		"plan decide 12 1 no --job gate --comment why": {jobs, `POST /api/v1/plans/p/jobs/j/decide {"approve":false,"comment":"why","job":"gate"}`},
		"plan retry 12 deploy --accept 0af3":           {jobs, `POST /api/v1/plans/p/jobs/j/retry {"accept":"0af3"}`},
		"plan list --status planning":                  {"GET /api/v1/plans?status=planning "},
		"away":                                         {"GET /api/v1/away "},
		"away off --for bob":                           {"DELETE /api/v1/users/bob/away "},
		"away --to carol --until 2026-12-06T00:00:00Z": {`PUT /api/v1/users/me/away {"end":"2026-12-06T00:00:00Z","to":"carol"}`},
		"hours": {"GET /api/v1/me "},
		"hours Mon-Fri_9-18 --off 2026-12-24,2026-12-31": {`PUT /api/v1/users/me/hours {"holidays":["2026-12-24","2026-12-31"],"working_hours":"Mon-Fri 9-18"}`},
		"hours default --off none --for bob":             {`PUT /api/v1/users/bob/hours {"holidays":[],"working_hours":""}`},
		"whoami":                                         {"GET /api/v1/me "},

		"plan frobnicate 12":         {"plan frobnicate: there is no such verb; there are list, show, log, adopt, "},
		"plan":                       {"plan VERB REF"},
		"plan approve 12 --remark x": {"--remark does not go with plan approve; expected: plan approve REF, with --comment"},
		"plan show 12 --comment x":   {"--comment does not go with plan show; expected: plan show REF"},
		"plan transfer 12 bob":       {"expected: plan transfer REF, with --to, --comment"},
		"plan execute 12":            {"expected: plan execute REF ITEM, with --remark"},
		"plan decide 12 1 maybe":     {`yes or no is expected, not "maybe"`},
		"away --to carol":            {"away --to WHO --until TIME is expected"},
		"away --for bob":             {"away --to WHO --until TIME is expected"},
		"away off --until tomorrow":  {"away off takes nothing but --for WHO"},
		"away never":                 {"away off is expected, not away never"},
		"hours Mon-Fri 9-18":         {`"9-18" is more than that`},
		"hours --for bob":            {"--for says whose hours are set"},
		"whoami really":              {`whoami expects nothing more, not "really"`},
	} {
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // what is missing is seen below
			asked = append(asked, r.Method+" "+r.URL.RequestURI()+" "+string(body))
			_, _ = io.WriteString(w, `{"id":"p","jobs":[{"id":"j","name":"deploy"}]}`)
		}))
		args := strings.Fields(typed)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_9", " 9")
		}
		_, err := atTerminal(t, server.URL, nil, args...)
		server.Close()
		if err != nil {
			asked = append(asked, err.Error())
		}
		if !slices.EqualFunc(asked, want, strings.Contains) {
			t.Errorf("%s: %s", typed, cmp.Diff(want, asked))
		}
	}
}

// TestAnApprovalIsPassedOnAtTheTerminal plays a plan from its document to its second
// approver, all of it typed at the terminal.
func TestAnApprovalIsPassedOnAtTheTerminal(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil, nil)
	for _, name := range []string{"Alice", "Bob", "Carol"} {
		h.user(t, storytest.NewPerson{Name: name, Email: strings.ToLower(name) + "@example.com", TimeZone: "UTC"})
	}
	as := func(who string, args ...string) string {
		t.Helper()
		said, err := atTerminal(t, h.url, map[string]string{
			"SLIPWAY_TOKEN": adminOfHouse, "SLIPWAY_ACTOR": who + "@example.com",
			"stdin": "name: payments\napproval: {approvers: [Bob]}\njobs: [{name: announce, type: text, spec: {content: Tell}}]\n",
		}, args...)
		if err != nil {
			said += err.Error()
		}
		return said
	}
	for _, line := range []struct{ who, typed, says string }{
		{"bob", "whoami", "bob@example.com"},
		{"alice", "apply -", "#1 payments"},
		{"alice", "plan submit #1", "wait_for_approval"},
		{"bob", "plan transfer #1 --to nobody@example.com", "to: "},
		{"bob", "plan transfer #1", "to: "},
		{"bob", "plan transfer #1 --to carol@example.com --comment holidays", "wait_for_approval"},
		{"bob", "plan approve #1", "Only the approvers (Carol)"},
		{"bob", "away", "nobody decides"},
		{"carol", "away --to bob --until 2099-01-01T00:00:00Z", "days are possible"},
		{"carol", fmt.Sprintf("away --to bob --until %d", h.app.commands.Now().AddDate(0, 0, 2).Unix()), "Bob  decides in the place of  Carol"},
		{"bob", "away", "Bob  decides in the place of  Carol"},
		{"carol", "away off", ""},
		{"carol", "away", "nobody decides"},
		{"carol", "hours default --off 2026-12-24..2026-12-31", "2026-12-24..2026-12-31"},
		{"carol", "hours --off someday", "holidays"},
		{"carol", "hours", "2026-12-24..2026-12-31"},
		{"carol", "plan approve #1 --comment fine", "executing"},
		{"carol", "plan withdraw #1", "Plan #1"},
		{"alice", "plan log #1", "transfer"},
	} {
		if said := as(line.who, strings.Fields(line.typed)...); !strings.Contains(said, line.says) || line.says == "" && said != "" {
			t.Errorf("%s types %q and is told, instead of %q:\n%s", line.who, line.typed, line.says, said)
		}
	}
}
