package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"slipway"
)

// The document's example of a hook, and its tables of the fields of workflows, "table
// key kind" per line.
const (
	hookExample    = "../../testdata/hook-example.json"
	workflowTables = "../../testdata/workflow-tables.txt"
)

// specTables names the table of each job type's spec.
var specTables = map[string]string{
	"zadig-build": "WorkflowBuildJobSpec", "zadig-deploy": "WorkflowDeployJobSpec", "zadig-vm-deploy": "WorkflowVmDeployJobSpec",
	"zadig-test": "WorkflowTestingJobSpec", "zadig-scanning": "WorkflowScanningsJobSpec",
	"zadig-distribute-image": "WorkflowDistributeImageJobSpec", "freestyle": "WorkflowFreestyleJobSpec",
	"apollo": "WorkflowApolloJobSpec", "nacos": "WorkflowNacosJobSpec", "sql": "WorkflowSqlJobSpec",
}

// twins are the fields that the example and the tables of the document spell in two
// ways, in the example's spelling. Hooks have both.
var twins = map[string]string{
	"WorkflowTestingJobSpec test_type": "testing_type", "WorkflowScanningsJobSpec scanning_type": "scannings_type",
	"WorkflowScanningsJobSpec scannings": "scannings_modules", "WorkflowParam choice_option": "choice_options",
	"WorkflowApolloJobSpec apolloID": "apollo_id", "WorkflowApolloJobSpec namespaceList": "namespace_list",
	"ApolloNamespace appID": "app_id", "ApolloNamespace clusterID": "cluster_id", "NacosData description": "desc",
}

// ours are the fields of specs that are Slipway's own, beside the document's: the script
// of a job, and what recognises a change of it in Zadig.
var ours = []string{"run", "digest"}

// contract is what the document says of workflows: the fields of each table.
type contract map[string]map[string]field

// field is one of a table.
type field struct {
	below  string // the table that it leads to, "" for a plain value
	always bool   // the example alone has the others, and not everywhere
}

// readContract takes the fields from the tables, and from the example what the tables
// leave out.
func readContract(t *testing.T) contract {
	t.Helper()
	data, err := os.ReadFile(workflowTables)
	if err != nil {
		t.Fatal(err)
	}
	c, kinds := contract{}, map[string]bool{}
	for line := range strings.Lines(string(data)) {
		kinds[strings.Fields(line)[0]] = true
	}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if c[words[0]] == nil {
			c[words[0]] = map[string]field{}
		}
		below := strings.TrimPrefix(words[2], "[]")
		if !kinds[below] {
			below = ""
		}
		c[words[0]][words[1]] = field{below, true}
	}
	for spelling, other := range twins {
		table, key, _ := strings.Cut(spelling, " ")
		c[table][key] = c[table][other]
	}
	c["WorkflowVmDeployJobSpec"]["env_source"] = field{always: true} // Zadig sends it since 4.2
	data, err = os.ReadFile(hookExample)
	if err != nil {
		t.Fatal(err)
	}
	var hook struct {
		ReleasePlan struct {
			Jobs []struct{ Spec map[string]any }
		} `json:"release_plan"`
	}
	if err := json.Unmarshal(data, &hook); err != nil {
		t.Fatal(err)
	}
	for _, item := range hook.ReleasePlan.Jobs {
		if workflow, found := item.Spec["workflow"]; found {
			c.learn("Workflow", workflow)
		}
	}
	return c
}

// learn adds the fields of an object, or of a list of objects, to those of a table.
func (c contract) learn(table string, value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			c.learn(table, element)
		}
	case map[string]any:
		for key, below := range value {
			if _, known := c[table][key]; !known {
				c[table][key] = field{}
			}
			if name := c.below(table, key, value); name != "" {
				c.learn(name, below)
			}
		}
	}
}

func (c contract) below(table, key string, object map[string]any) string {
	if table == "WorkflowJob" && key == "spec" {
		return specTables[fmt.Sprint(object["type"])]
	}
	return c[table][key].below
}

// comparison holds a job in a hook against the contract and the plan.
type comparison struct {
	t      *testing.T
	c      contract
	hidden bool           // credentials are masked
	other  map[string]any // values that the engine decides, by the end of their path
	own    *regexp.Regexp // paths whose values the engine has; nil: none

	values, credentials int // that were compared
}

// compare compares what a hook says of an object of a table with what the plan says.
func (x *comparison) compare(table, path string, plan, hook any) {
	x.t.Helper()
	switch hook := hook.(type) {
	case []any:
		planned, _ := plan.([]any)
		if len(planned) != len(hook) {
			x.t.Errorf("%s has %d elements, the plan %d", path, len(hook), len(planned))
			return
		}
		for i := range hook {
			x.compare(table, fmt.Sprintf("%s[%d]", path, i), planned[i], hook[i])
		}
	case map[string]any:
		planned, _ := plan.(map[string]any)
		if table == "" {
			x.same(path, plan, hook)
			return
		}
		x.fields(table, path, planned, hook)
		for key, value := range planned {
			at := path + "." + key
			below := x.c.below(table, key, hook)
			switch value.(type) {
			case []any, map[string]any:
				x.compare(below, at, value, hook[key])
			default:
				if planned["is_credential"] == true && key == "value" {
					if x.credentials++; x.hidden {
						value = slipway.Mask
					}
				}
				x.same(at, value, hook[key])
			}
		}
	default:
		x.same(path, plan, hook)
	}
}

// fields wants exactly the documented fields, those with two spellings twice.
func (x *comparison) fields(table, path string, plan, hook map[string]any) {
	x.t.Helper()
	for key, f := range x.c[table] {
		_, given := plan[key]
		twin := twins[table+" "+key]
		if _, found := hook[key]; !found && (given || f.always) {
			x.t.Errorf("%s.%s of %s is missing", path, key, table)
		}
		if twin == "" {
			continue
		}
		if a, b := encoded(x.t, hook[key]), encoded(x.t, hook[twin]); a != strings.Replace(b, "service_scannings", "service_scanning", 1) {
			x.t.Errorf("%s.%s is %s, but %s is %s", path, key, a, twin, b)
		}
	}
	for key := range hook {
		_, documented := x.c[table][key]
		if !documented && !slices.Contains(ours, key) {
			x.t.Errorf("%s.%s is no field of %s", path, key, table)
		}
	}
}

// same compares a value; what another than the plan decides is as it says.
func (x *comparison) same(path string, plan, hook any) {
	x.t.Helper()
	x.values++
	if x.own != nil && x.own.MatchString(path) {
		return
	}
	for end, value := range x.other {
		if strings.HasSuffix(path, end) {
			plan = value
		}
	}
	if a, b := encoded(x.t, plan), encoded(x.t, hook); a != b {
		x.t.Errorf("%s is %s, the plan says %s", path, b, a)
	}
}

// encoded is a value as JSON, to be compared.
func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
