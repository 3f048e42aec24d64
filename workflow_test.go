package slipway

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exampleWorkflows are the workflow objects of the document's example.
func exampleWorkflows(t testing.TB) []json.RawMessage {
	t.Helper()
	data, err := os.ReadFile("testdata/hook-example.json")
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		ReleasePlan struct {
			Jobs []struct {
				Type string
				Spec struct{ Workflow json.RawMessage }
			}
		} `json:"release_plan"`
	}
	if err := json.Unmarshal(data, &body); err != nil {
		t.Fatal(err)
	}
	var workflows []json.RawMessage
	for _, job := range body.ReleasePlan.Jobs {
		if job.Type == "workflow" {
			workflows = append(workflows, job.Spec.Workflow)
		}
	}
	if len(workflows) != 3 {
		t.Fatalf("the example has %d workflows, want 3", len(workflows))
	}
	return workflows
}

func decode(t testing.TB, data string) *Workflow {
	t.Helper()
	w, problems := DecodeWorkflow([]byte(data))
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	return w
}

func encode(t testing.TB, w *Workflow) string {
	t.Helper()
	data, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// lost lists the places of want that have another value in got.
func lost(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return []string{path}
		}
		var places []string
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value, found := object[key]
			if !found {
				places = append(places, path+"."+key)
				continue
			}
			places = append(places, lost(path+"."+key, want[key], value)...)
		}
		return places
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return []string{path}
		}
		var places []string
		for i := range want {
			places = append(places, lost(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])...)
		}
		return places
	default:
		if want != got {
			return []string{path}
		}
		return nil
	}
}

func tree(t testing.TB, data string) any {
	t.Helper()
	v, err := parseTree([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheExampleLosesNothing(t *testing.T) {
	t.Parallel()
	for _, example := range exampleWorkflows(t) {
		w := decode(t, string(example))
		if places := lost("", tree(t, string(example)), tree(t, encode(t, w))); len(places) > 0 {
			t.Errorf("%s lost: %v", w.Name, places)
		}
		for _, stage := range w.Stages {
			for _, job := range stage.Jobs {
				if job.Spec.JobType() != job.Type {
					t.Errorf("job %s of type %s has a %T", job.Name, job.Type, job.Spec)
				}
			}
		}
	}
}

func TestNothingIsNullButAnAbsentRepo(t *testing.T) {
	t.Parallel()
	w := Workflow{Params: []Param{{Name: "p"}}, Stages: []Stage{{}}}
	for _, jobType := range JobTypes() {
		w.Stages[0].Jobs = append(w.Stages[0].Jobs, Job{Type: jobType})
	}
	w.Stages[0].Jobs[0].Spec = (*BuildSpec)(nil)
	data := encode(t, &w)
	if n := strings.Count(data, "null"); n != 1 || !strings.Contains(data, `"repo":null`) {
		t.Errorf("%d nulls in %s", n, data)
	}
}

func TestUnknownKeysAndTypesSurvive(t *testing.T) {
	t.Parallel()
	const document = `{"name":"w","hook_ctl":{"enabled":true,"n":1.50},"stages":[{"name":"s","parallel":true,"jobs":[
		{"name":"a","type":"sql","spec":{"id":"1","ticket":9007199254740993},"skip_reason":"none"},
		{"name":"b","type":"jira","spec":{"issues":[1,null,{"x":"<b>"}]},"run_policy":"skip"}]}]}`
	w := decode(t, document)
	if places := lost("", tree(t, document), tree(t, encode(t, w))); len(places) > 0 {
		t.Errorf("lost: %v", places)
	}
	unknown := []string{"hook_ctl", "stages[0].parallel", "stages[0].jobs[0].skip_reason", "stages[0].jobs[0].spec.ticket"}
	slices.Sort(unknown)
	if diff := cmp.Diff(unknown, slices.Sorted(slices.Values(w.UnknownKeys()))); diff != "" {
		t.Errorf("unknown keys (-want +got):\n%s", diff)
	}
	if _, ok := w.Stages[0].Jobs[1].Spec.(*UnknownSpec); !ok {
		t.Errorf("job of unknown type has a %T", w.Stages[0].Jobs[1].Spec)
	}
}

func TestTypedValuesWinOverWhatWasRead(t *testing.T) {
	t.Parallel()
	w := decode(t, `{"name":"w","colour":"red","stages":[{"name":"s","jobs":[
		{"name":"a","type":"sql","spec":{"sql":"old","run":"x"},"owner":"ann"},
		{"name":"b","type":"sql","spec":{},"owner":"ben"}]}]}`)

	w.Name = "renamed"
	w.Stages[0].Jobs[0].Spec.(*SQLSpec).SQL = ""
	w.Stages[0].Jobs[1] = Job{Name: "c", Type: JobFreestyle}

	got := tree(t, encode(t, w)).(map[string]any)
	jobs := got["stages"].([]any)[0].(map[string]any)["jobs"].([]any)
	first, second := jobs[0].(map[string]any), jobs[1].(map[string]any)
	if got["name"] != "renamed" || got["colour"] != "red" {
		t.Errorf("workflow is %v", got)
	}
	if first["spec"].(map[string]any)["sql"] != "" || first["owner"] != "ann" {
		t.Errorf("changed job is %v", first)
	}
	if _, inherited := second["owner"]; inherited {
		t.Errorf("the new job inherited from the one it replaced: %v", second)
	}
}

// bothSpellings are documents in the spelling of the table, and what the example
// calls the same.
var bothSpellings = []struct{ jobType, table, example string }{
	{"zadig-test", `{"testing_type":"service_test"}`, `{"test_type":"service_test"}`},
	{"zadig-scanning", `{"scannings_type":"service_scannings"}`, `{"scanning_type":"service_scanning"}`},
	{"zadig-scanning", `{"scannings_modules":[{"name":"m"}]}`, `{"scannings":[{"name":"m"}]}`},
	{"nacos", `{"nacos_datas":[{"desc":"d"}]}`, `{"nacos_datas":[{"description":"d"}]}`},
	{
		"apollo", `{"apollo_id":"1","namespace_list":[{"app_id":"2","cluster_id":"3"}]}`,
		`{"apolloID":"1","namespaceList":[{"appID":"2","clusterID":"3"}]}`,
	},
	{"zadig-distribute-image", `{"enable_target_image_tag_rule":"true"}`, `{"enable_target_image_tag_rule":true}`},
	{
		"zadig-deploy", `{"services":[{"variable_kvs":[{"options":"a","value":"1"}]}]}`,
		`{"services":[{"variable_kvs":[{"options":["a"],"value":"1"}]}]}`,
	},
}

func TestBothSpellingsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for _, tt := range bothSpellings {
		document := func(spec string) string {
			return fmt.Sprintf(`{"name":"w","stages":[{"name":"s","jobs":[{"name":"j","type":%q,"spec":%s}]}]}`, tt.jobType, spec)
		}
		fromTable, fromExample := decode(t, document(tt.table)), decode(t, document(tt.example))
		if diff := cmp.Diff(encode(t, fromExample), encode(t, fromTable)); diff != "" {
			t.Errorf("%s and %s differ (-example +table):\n%s", tt.example, tt.table, diff)
		}
		want := tree(t, document(tt.example))
		if places := lost("", want, tree(t, encode(t, fromTable))); len(places) > 0 {
			t.Errorf("%s lost: %v", tt.table, places)
		}
	}
	param := decode(t, `{"name":"w","create_time":"17","params":[{"name":"p","choice_options":["a"]}]}`)
	if diff := cmp.Diff([]string{"a"}, param.Params[0].ChoiceOption); diff != "" || param.CreateTime != 17 {
		t.Errorf("create_time %d, choice_option %s", param.CreateTime, diff)
	}
}

func TestAnyValueOfADeployVariableIsKept(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"20221"`, `3`, `1.50`, `true`, `null`, `{"a":[1]}`} {
		w := decode(t, `{"name":"w","stages":[{"jobs":[{"name":"j","type":"zadig-deploy","spec":{"services":[{"variable_kvs":[{"key":"k","value":`+value+`}]}]}}]}]}`)
		if got := encode(t, w); !strings.Contains(got, `"value":`+value+`,`) {
			t.Errorf("value %s became %s", value, got)
		}
	}
}

func TestDecodeWorkflowNamesEveryProblem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, document string
		want           []string
	}{
		{"no JSON", `{`, []string{"want JSON (unexpected EOF)"}},
		{"two values", `{} {}`, []string{"want JSON (text after the value)"}},
		{"no object", `[]`, []string{"want an object"}},
		{
			"wrong types", `{"name":4.2,"disabled":"no","params":{},"create_time":1.5,"stages":[1,{"jobs":[{"name":"j","type":"apollo","spec":{"namespace_list":"x"}}]}]}`,
			[]string{
				"name: want a string (put it in quotes)", "disabled: want true or false", "params: want a list",
				"stages[0]: want an object", "stages[1].jobs[0].spec.namespace_list: want a list", "create_time: want a whole number",
			},
		},
		{
			"broken rules", `{"params":[{"name":"p","type":"colour","source":"moon"},{"name":"p"},{}],
				"stages":[{"jobs":[{},{"name":"a","type":"sql","run_policy":"often"}]},{"jobs":[{"name":"a","type":"sql"}]}]}`,
			[]string{
				"name: want the name of the workflow",
				"params[0].type: want string, text, choice, multi-select, repo or file",
				"params[0].source: want runtime, fixed or reference",
				"params[1].name: want a name that no other param has",
				"params[2].name: want the name of the param",
				"stages[0].jobs[0].name: want the name of the job",
				"stages[0].jobs[0].type: want the type of the job",
				"stages[0].jobs[1].run_policy: want default_not_run, force_run, skip or empty",
				"stages[1].jobs[0].name: want a name that no other job has",
			},
		},
	}
	for _, tt := range tests {
		_, problems := DecodeWorkflow([]byte(tt.document))
		var got []string
		for _, p := range problems {
			got = append(got, p.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	problem := FieldProblem{Path: "name", Want: "a list", WantZH: "列表"}.Under("jobs[1].spec.workflow")
	want := Problem{Path: "jobs[1].spec.workflow.name", Text: Text{EN: "Must be a list.", ZH: "应为列表。"}}
	if diff := cmp.Diff(want, problem); diff != "" {
		t.Error(diff)
	}
	var w Workflow
	if err := json.Unmarshal([]byte(`{"name":1,"stages":2}`), &w); err == nil || !strings.Contains(err.Error(), "stages: want a list") {
		t.Errorf("unmarshal: %v", err)
	}
}

const secrets = `{"name":"w","params":[
	{"name":"p","value":"s3cret-1","default":"s3cret-2","choice_value":["s3cret-3"],"choice_option":["s3cret-3","s3cret-4"],"is_credential":true},
	{"name":"q","value":"open","is_credential":false},{"name":"e","value":"","is_credential":true}],
	"stages":[{"name":"s","jobs":[
	{"name":"a","type":"freestyle","spec":{"envs":[{"key":"k","value":"s3cret-5","script":"s3cret-6","is_credential":true}],
		"extra":{"is_credential":true,"value":{"deep":["s3cret-7",1234567]}}}},
	{"name":"b","type":"zadig-deploy","spec":{"services":[{"variable_kvs":[{"key":"k","value":{"x":"s3cret-8"},"is_credential":true}]}]}},
	{"name":"c","type":"plugin","spec":{"inputs":[[{"value":"s3cret-9","is_credential":"true"}]]}}]}]}`

func TestMaskedLeavesNoCredential(t *testing.T) {
	t.Parallel()
	w := decode(t, secrets)
	credentials := w.Credentials()
	want := []string{
		"1234567", "s3cret-1", "s3cret-2", "s3cret-3", "s3cret-4", "s3cret-5",
		"s3cret-6", "s3cret-7", "s3cret-8", "s3cret-9",
	}
	slices.Sort(credentials)
	if diff := cmp.Diff(want, credentials); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
	before := encode(t, w)
	got := encode(t, w.Masked())
	for _, secret := range want {
		if strings.Contains(got, secret) {
			t.Errorf("%s is in %s", secret, got)
		}
	}
	if !strings.Contains(got, `"value":"open"`) || strings.Count(got, `"value":""`) != 1 {
		t.Errorf("masked too much: %s", got)
	}
	if diff := cmp.Diff(before, encode(t, w)); diff != "" {
		t.Errorf("masking changed the original:\n%s", diff)
	}
}

func TestCloneIsDeep(t *testing.T) {
	t.Parallel()
	w := decode(t, secrets)
	c := w.Clone()
	if !w.Equal(c) {
		t.Fatal("the clone is not equal")
	}
	c.Stages[0].Jobs[0].Name = "other"
	if w.Equal(c) || w.Stages[0].Jobs[0].Name != "a" {
		t.Error("the clone shares its jobs")
	}
}

func FuzzWorkflowRoundTrip(f *testing.F) {
	for _, example := range exampleWorkflows(f) {
		f.Add([]byte(example))
	}
	f.Add([]byte(secrets))
	f.Add([]byte(`{"stages":[null,{"jobs":[null,{"type":"nacos","spec":{"nacos_datas":[{"diff":null,"desc":null}]}}]}],"a":1e400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, _ := DecodeWorkflow(data)
		if w == nil {
			return
		}
		once := encode(t, w)
		again, problems := readWorkflow([]byte(once))
		if len(problems) > 0 {
			t.Fatalf("own JSON is refused: %v\n%s", problems, once)
		}
		if diff := cmp.Diff(once, encode(t, again)); diff != "" {
			t.Fatalf("not stable (-first +second):\n%s", diff)
		}
		w.Masked()
	})
}

func BenchmarkWorkflowMarshal(b *testing.B) {
	w := decode(b, string(exampleWorkflows(b)[0]))
	for b.Loop() {
		if _, err := w.MarshalJSON(); err != nil {
			b.Fatal(err)
		}
	}
}
