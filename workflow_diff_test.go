package slipway

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const undisturbed = `{"name":"w","remark":"r","params":[
	{"name":"service","value":"pay"},{"name":"region","value":"eu"},{"name":"replicas","default":"1"},
	{"name":"token","value":"s3cret-old","is_credential":true}],
	"stages":[
	{"name":"build","jobs":[{"name":"image","type":"zadig-build","spec":{"service_and_builds":[{"service_name":"pay","service_module":"api","image_name":"pay-api"}]}}]},
	{"name":"deploy","jobs":[{"name":"roll","type":"freestyle","spec":{"run":"set -e\nkubectl apply\necho done"}},
		{"name":"check","type":"jira","spec":{"tries":3,"hook":{"on":true}}}]}]}`

func TestDifferencesAreSaidForPeople(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		old, new string // one replacement in the undisturbed workflow
		want     []string
	}{
		{"nothing", ``, ``, nil},
		{"a default", `"default":"1"`, `"default":"2"`, []string{"params[2].default: 1 → 2"}},
		{"a value that is empty now", `"value":"eu"`, `"value":""`, []string{`params[1].value: eu → ""`}},
		{"a field of the workflow", `"remark":"r"`, `"remark":"two words"`, []string{"remark: r → two words"}},
		{"a new param", `{"name":"region"`, `{"name":"zone"},{"name":"region"`, []string{"params[zone] added"}},
		{"a param less", `{"name":"region","value":"eu"},`, ``, []string{"params[region] removed"}},
		{"a renamed param", `"name":"region"`, `"name":"zone"`, []string{"params[region] removed", "params[zone] added"}},
		{
			"params that trade places", `{"name":"service","value":"pay"},{"name":"region","value":"eu"}`,
			`{"name":"region","value":"eu"},{"name":"service","value":"pay"}`,
			[]string{"params: in another order"},
		},
		{"a credential", `s3cret-old`, `s3cret-new`, []string{"params[3].value: *** → *** (another value)"}},
		{"a credential elsewhere", `"remark":"r"`, `"remark":"take s3cret-old, now"`, []string{"remark: r → take ***, now"}},
		{"no credential any more", `,"is_credential":true`, ``, []string{"params[3].is_credential: true → false"}},
		{"a job more", `{"name":"check"`, `{"name":"wait","type":"x","spec":{}},{"name":"check"`, []string{"stage deploy: job wait added"}},
		{"a stage less", `{"name":"build","jobs":[{"name":"image","type":"zadig-build","spec":{"service_and_builds":[{"service_name":"pay","service_module":"api","image_name":"pay-api"}]}}]},`, ``, []string{"stage build removed"}},
		{"a line of a script", `kubectl apply`, `kubectl replace`, []string{"stage deploy: job roll: spec.run: line 2: kubectl apply → kubectl replace"}},
		{"several lines of a script", `kubectl apply\necho`, `helm upgrade\n\nexec`, []string{"stage deploy: job roll: spec.run: line 2: kubectl apply → helm upgrade (and 2 more)"}},
		{"the end of a script", `\necho done`, ``, []string{"stage deploy: job roll: spec.run: line 3: echo done → (none)"}},
		{"a run policy", `"type":"jira"`, `"type":"jira","run_policy":"skip"`, []string{`stage deploy: job check: run_policy: "" → skip`}},
		{"what Slipway does not know", `"tries":3`, `"tries":4,"more":[1]`, []string{"stage deploy: job check: spec.more added", "stage deploy: job check: spec.tries: 3 → 4"}},
		{"a number and its text", `"tries":3`, `"tries":"3"`, []string{"stage deploy: job check: spec.tries: another value"}},
		{"another kind of thing", `{"on":true}`, `"no"`, []string{`stage deploy: job check: spec.hook: {"on":true} → no`}},
		{"a list of services", `"pay-api"`, `"pay"`, []string{"stage build: job image: spec.service_and_builds[0].image_name: pay-api → pay"}},
		{"one of two spellings", `"value":"eu"`, `"value":"eu","choice_options":["a"]`, []string{"params[1].choice_option[0] added (a)"}},
	}
	for _, tt := range tests {
		if !strings.Contains(undisturbed, tt.old) {
			t.Fatalf("%s: nothing to replace", tt.name)
		}
		a, b := decode(t, undisturbed), decode(t, strings.Replace(undisturbed, tt.old, tt.new, 1))
		if diff := cmp.Diff(tt.want, DiffWorkflow(a, b)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := DiffWorkflow(nil, decode(t, undisturbed)); !slices.Equal(got, []string{"workflow added"}) || DiffWorkflow(nil, nil) != nil {
		t.Errorf("without a workflow: %q", got)
	}
}

func TestTheOrderOfKeysIsNoDifference(t *testing.T) {
	t.Parallel()
	a := decode(t, `{"name":"w","stages":[{"name":"s","jobs":[{"name":"j","type":"jira","spec":{"a":1,"b":{"c":2,"d":3}}}]}]}`)
	b := decode(t, `{"stages":[{"jobs":[{"spec":{"b":{"d":3,"c":2},"a":1},"type":"jira","name":"j"}],"name":"s"}],"name":"w"}`)
	if change := CompareDefinitions(a, b); change != nil {
		t.Errorf("got %+v", change)
	}
}

func TestManyDifferencesAreCounted(t *testing.T) {
	t.Parallel()
	a, b := &Workflow{Name: "w"}, &Workflow{Name: "w"}
	for i := range 60 {
		a.Params = append(a.Params, Param{Name: fmt.Sprint(i), Value: "1"})
		b.Params = append(b.Params, Param{Name: fmt.Sprint(i), Value: "2"})
	}
	got := DiffWorkflow(a, b)
	if len(got) != maxDiffLines || got[maxDiffLines-1] != "… and 11 more differences" {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}

// TestEveryDifferenceIsSaid disturbs workflows at random and holds what is said
// against what is so.
func TestEveryDifferenceIsSaid(t *testing.T) {
	t.Parallel()
	bases := []string{undisturbed, secrets}
	for _, example := range exampleWorkflows(t) {
		bases = append(bases, string(example))
	}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 11))
		base := decode(t, bases[r.IntN(len(bases))])
		variants := []*Workflow{base}
		for range 2 {
			variants = append(variants, base.rewrite(func(tree map[string]any) {
				for range r.IntN(3) {
					disturb(r, tree)
				}
			}))
		}
		for _, a := range variants {
			for _, b := range variants {
				holdAgainst(t, seed, a, b)
			}
		}
	}
}

func holdAgainst(t *testing.T, seed uint64, a, b *Workflow) {
	t.Helper()
	lines := DiffWorkflow(a, b)
	if same := string(a.canonical()) == string(b.canonical()); same != (len(lines) == 0) {
		t.Fatalf("seed %d: same %t, yet %q\n%s\n%s", seed, same, lines, a.canonical(), b.canonical())
	}
	if again := DiffWorkflow(a.Clone(), b.Clone()); !slices.Equal(lines, again) {
		t.Fatalf("seed %d: once %q, then %q", seed, lines, again)
	}
	if len(lines) > maxDiffLines {
		t.Fatalf("seed %d: %d lines", seed, len(lines))
	}
	credentials := append(a.Credentials(), b.Credentials()...)
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 300 || strings.ContainsAny(line, "\n\r\t") || !utf8.ValidString(line) || Unprintable(line) {
			t.Fatalf("seed %d: the line is %q", seed, line)
		}
		for _, secret := range credentials {
			if len(secret) > 3 && strings.Contains(line, secret) {
				t.Fatalf("seed %d: %q is in %q", seed, secret, line)
			}
		}
	}
	x, y := CompareDefinitions(a, b), CompareDefinitions(b, a)
	if (x == nil) != (len(lines) == 0) || x != nil && (x.Digest == y.Digest || len(x.Digest) != 32 || *jsonOf(t, x) != *jsonOf(t, CompareDefinitions(a.Clone(), b.Clone()))) {
		t.Fatalf("seed %d: %+v one way, %+v the other", seed, x, y)
	}
}

func jsonOf(t *testing.T, v any) *string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	return &text
}

// disturb changes something somewhere in a tree, so that a workflow can still be read
// from it.
func disturb(r *rand.Rand, tree any) {
	switch node := tree.(type) {
	case map[string]any:
		var keys []string
		for key := range node {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		if len(keys) == 0 || r.IntN(6) == 0 {
			node["x_"+fmt.Sprint(r.IntN(3))] = []any{"new", json.Number("7"), true, nil, map[string]any{"is_credential": true, "value": "s3cret-x"}}[r.IntN(5)]
			return
		}
		key := keys[r.IntN(len(keys))]
		switch was := node[key].(type) {
		case map[string]any:
			disturb(r, was)
		case []any:
			if len(was) > 0 && r.IntN(3) == 0 {
				node[key] = shuffled(r, was)
				return
			}
			disturb(r, was)
		case string:
			if key != "type" { // a job of another type has another spec
				node[key] = []string{"", was + "\nmore", "s3cret-y" + was, "\x1b[1m", strings.Repeat("长", 90), "a\tb"}[r.IntN(6)]
			}
		case bool:
			node[key] = !was
		}
	case []any:
		if len(node) > 0 {
			disturb(r, node[r.IntN(len(node))])
		}
	}
}

func shuffled(r *rand.Rand, list []any) []any {
	list = slices.Clone(list)
	switch r.IntN(3) {
	case 0:
		return list[:len(list)-1]
	case 1:
		return append(list, list[r.IntN(len(list))])
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func FuzzDiffWorkflow(f *testing.F) {
	f.Add([]byte(undisturbed), []byte(secrets))
	for _, example := range exampleWorkflows(f) {
		f.Add([]byte(undisturbed), []byte(example))
	}
	f.Fuzz(func(t *testing.T, x, y []byte) {
		a, _ := DecodeWorkflow(x)
		b, _ := DecodeWorkflow(y)
		if a == nil || b == nil {
			return
		}
		holdAgainst(t, 0, a, b)
	})
}
