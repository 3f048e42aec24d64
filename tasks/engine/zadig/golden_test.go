package zadig_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/zadig"
	"slipway/tasks/engine/zadig/zadigtest"
)

const (
	exampleFile = "../../../testdata/hook-example.json"
	tablesFile  = "../../../testdata/workflow-tables.txt"
	goldenFile  = "testdata/starts.golden.json"
)

// documented is a world with the workflows of the document's example.
func documented(t *testing.T) (*world, []zadigtest.Case) {
	t.Helper()
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	flows, cases, err := zadigtest.Documented(example)
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, func(c *zadigtest.Config) {
		c.Workflows = flows
		c.Registries = []zadigtest.Registry{{ID: "64a5b8f1c2caad781e1b4700", Address: "registry.example.com", Namespace: "demo"}}
		c.CodeHosts = []string{"company-gitlab"}
		c.Databases = map[string]string{"68b7e9f9ce13fa85ce223363": "orders"}
	}), cases
}

// specOf is a plan's item with the workflow of a case written into it.
func specOf(t *testing.T, c zadigtest.Case) slipway.WorkflowSpec {
	t.Helper()
	written, problems := slipway.DecodeWorkflow(c.Document)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return slipway.WorkflowSpec{Engine: zadig.Name, Project: c.Project, Name: c.Workflow, Inline: true, Definition: written}
}

// begun is one way of a documented job type: what the plan says, what Zadig is asked,
// and what the plan freezes, which is what hooks carry.
type begun struct {
	Type    string            `json:"type"`
	Plan    json.RawMessage   `json:"plan"`
	Refused []string          `json:"refused,omitempty"`
	Request json.RawMessage   `json:"request,omitempty"`
	Frozen  *slipway.Workflow `json:"frozen,omitempty"`
}

func TestEveryDocumentedJobTypeFromPlanToZadig(t *testing.T) {
	t.Parallel()
	w, cases := documented(t)
	var all []begun
	for _, c := range cases {
		t.Run(c.Workflow+" "+c.Job, func(t *testing.T) {
			one := begun{Type: c.Type, Plan: c.Document}
			s := specOf(t, c)
			if c.Refused {
				_, err := w.Resolve(t.Context(), s)
				enginetest.WantRefusal(t, err, slipway.Invalid, c.Job)
				for _, p := range slipway.ProblemsOf(err) {
					one.Refused = append(one.Refused, p.Path+": "+p.Text.EN, p.Text.ZH)
				}
				all = append(all, one)
				return
			}
			one.Request, one.Frozen = w.startOf(t, s)
			all = append(all, one)
			wantDocumented(t, one.Frozen)
		})
	}
	var types []string
	for _, one := range all {
		if !slices.Contains(types, one.Type) {
			types = append(types, one.Type)
		}
	}
	if len(types) != len(slipway.JobTypes()) {
		t.Errorf("the cases are of types %v", types)
	}
	wantGolden(t, all)
}

// startOf starts a spec, and returns the body of the request and what the plan froze.
func (w *world) startOf(t *testing.T, s slipway.WorkflowSpec) (json.RawMessage, *slipway.Workflow) {
	t.Helper()
	run, mark := enginetest.RunOf(t, w, s)
	mark.ID = "run-1"
	before := len(w.server.Bodies())
	ref, err := made(t, w.config).Start(t.Context(), run, mark)
	if err != nil {
		t.Fatal(err)
	}
	if r := enginetest.Attach(t, w, mark, ref).End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
	bodies := w.server.Bodies()
	if len(bodies) != before+1 {
		t.Fatalf("%d requests", len(bodies)-before)
	}
	return bodies[before], run.Workflow.Definition
}

func wantGolden(t *testing.T, all []begun) {
	t.Helper()
	var got bytes.Buffer
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "oauth") {
		t.Error("the credential of a code host is carried on")
	}
	if err := json.Indent(&got, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(goldenFile, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("%s differs; SLIPWAY_UPDATE_GOLDEN=1 rewrites it (-want +got):\n%s", goldenFile, diff)
	}
}

// tableOf names the document's table of a job type's spec.
var tableOf = map[slipway.JobType]string{
	slipway.JobBuild: "WorkflowBuildJobSpec", slipway.JobDeploy: "WorkflowDeployJobSpec", slipway.JobVMDeploy: "WorkflowVmDeployJobSpec",
	slipway.JobTest: "WorkflowTestingJobSpec", slipway.JobScan: "WorkflowScanningsJobSpec", slipway.JobFreestyle: "WorkflowFreestyleJobSpec",
	slipway.JobSQL: "WorkflowSqlJobSpec",
}

// wantDocumented checks that what is frozen has every field of the document's tables.
func wantDocumented(t *testing.T, w *slipway.Workflow) {
	t.Helper()
	data, err := os.ReadFile(tablesFile)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string][][]string{}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		tables[words[0]] = append(tables[words[0]], words[1:])
	}
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(path, table string, object map[string]any)
	walk = func(path, table string, object map[string]any) {
		for _, field := range tables[table] {
			value, found := object[field[0]]
			if !found {
				t.Errorf("%s.%s of table %s is missing", path, field[0], table)
			}
			below := strings.TrimPrefix(field[1], "[]")
			if table == "WorkflowJob" && field[0] == "spec" {
				below = tableOf[slipway.JobType(object["type"].(string))]
			}
			switch value := value.(type) {
			case map[string]any:
				walk(path+"."+field[0], below, value)
			case []any:
				for i, element := range value {
					if object, ok := element.(map[string]any); ok {
						walk(fmt.Sprintf("%s.%s[%d]", path, field[0], i), below, object)
					}
				}
			}
		}
	}
	walk("workflow", "Workflow", tree)
}

func TestTheSameRunAsInputsOfThePlan(t *testing.T) {
	t.Parallel()
	w, cases := documented(t)
	for _, c := range cases {
		if c.Refused {
			continue
		}
		t.Run(c.Workflow+" "+c.Job, func(t *testing.T) {
			request, frozen := w.startOf(t, specOf(t, c))
			var sent struct {
				Inputs json.RawMessage `json:"inputs"`
			}
			if err := json.Unmarshal(request, &sent); err != nil {
				t.Fatal(err)
			}
			again, same := w.startOf(t, slipway.WorkflowSpec{Engine: zadig.Name, Project: c.Project, Name: c.Workflow, Inputs: sent.Inputs})
			if diff := cmp.Diff(string(request), string(again)); diff != "" {
				t.Errorf("request (-of the workflow in the plan +of the inputs):\n%s", diff)
			}
			if change := slipway.CompareDefinitions(frozen, same); change != nil {
				t.Errorf("what is frozen differs: %v", change.Lines)
			}
		})
	}
}

func TestAWorkflowInThePlanIsFrozenOnce(t *testing.T) {
	t.Parallel()
	w, cases := documented(t)
	for _, c := range cases {
		if c.Refused {
			continue
		}
		s := specOf(t, c)
		first, err := w.Resolve(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		s.Definition = first
		second, err := w.Resolve(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if change := slipway.CompareDefinitions(first, second); change != nil {
			t.Errorf("%s: resolved again it is another: %v", c.Job, change.Lines)
		}
	}
}
