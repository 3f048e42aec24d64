package gitlab

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
)

func TestTheStagesAndVariablesOfAConfiguration(t *testing.T) {
	t.Parallel()
	stages, variables := readMerged(strings.Join([]string{
		"---", "stages: [a, .post, b]", "variables:", "  PLAIN: x", "  EMPTY:", "  NUMBER: 3",
		"  DESCRIBED: {value: y, description: why, options: [y, z]}", "  UNSET: {description: when}",
	}, "\n"))
	if diff := cmp.Diff([]string{".pre", "a", "b", ".post"}, stages); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	want := []string{
		"{PLAIN string  x true []}", "{EMPTY string   false []}", "{NUMBER string  3 true []}",
		"{DESCRIBED string why y true [y z]}", "{UNSET string when  false []}",
	}
	var got []string
	for _, v := range variables {
		got = append(got, fmt.Sprint(v))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	inputs := readInputs([]byte("spec:\n  inputs:\n    replicas: {type: number, default: 2}\n    on: {type: boolean}\n    free:\n---\njob: {script: x}\n"))
	if len(inputs) != 3 || inputs[0].kind != "number" || inputs[0].value != "2" || inputs[1].kind != "boolean" || inputs[2].hasDefault {
		t.Errorf("inputs are %+v", inputs)
	}
	for _, nonsense := range []string{"", "[", "- a", "variables: [a]", "a: *b"} {
		if _, v := readMerged(nonsense); v != nil {
			t.Errorf("%q: %+v", nonsense, v)
		}
		readInputs([]byte(nonsense))
	}
}

func TestInputsHaveTypes(t *testing.T) {
	t.Parallel()
	declared := readInputs([]byte(strings.Join([]string{
		"spec:", "  inputs:", "    text: {default: x}", "    count: {type: number, default: 1}", "    on: {type: boolean, default: false}",
		"    list: {type: array, default: [a, b]}", "    must:", "    api_token: {default: none}", "---", "job: {script: x}",
	}, "\n")))
	for _, tt := range []struct {
		given, want, fault string
	}{
		{`{"must":"y"}`, `{"must":"y"}`, ""},
		{`{"must":"y","text":"z","count":2,"on":true,"list":["c"]}`, `{"must":"y","text":"z","count":2,"on":true,"list":["c"]}`, ""},
		{`{"must":"y","count":1.5}`, `{"must":"y","count":1.5}`, ""},
		{`{}`, "", "params.must"},
		{`{"must":"y","count":"many"}`, "", "inputs.count"},
		{`{"must":"y","on":"yes"}`, "", "inputs.on"},
		{`{"must":"y","list":"c"}`, "", "inputs.list"},
		{`{"must":"y","api_token":"hunter2"}`, "", "inputs.api_token"},
		{`{"must":"y","nothing":1}`, "", "inputs.nothing"},
		{`"must"`, "", "inputs"},
	} {
		var faults slipway.Faults
		r := &resolved{workflow: &slipway.Workflow{}, inputs: gl.PipelineInputsOption{}}
		typed := r.readTyped(&faults, json.RawMessage(tt.given), declared)
		for _, d := range declared {
			r.addInput(&faults, d, nil, typed)
		}
		err := faults.Err("No.", "不行。")
		if tt.fault != "" {
			problems := slipway.ProblemsOf(err)
			if len(problems) == 0 || problems[0].Path != tt.fault || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", tt.given, err)
			}
			continue
		}
		var want, sent any
		body, marshalErr := json.Marshal(r.inputs)
		if err != nil || marshalErr != nil || json.Unmarshal(body, &sent) != nil || json.Unmarshal([]byte(tt.want), &want) != nil {
			t.Fatalf("%s: %v, %v, %s", tt.given, err, marshalErr, body)
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.given, diff)
		}
	}
}
