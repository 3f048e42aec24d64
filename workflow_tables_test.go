package slipway

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// wireTable is one table of the document: key and kind of every field.
type wireTable [][2]string

// wireTables reads testdata/workflow-tables.txt, the tables of the document about
// workflows, one "table key kind" per line.
func wireTables(t *testing.T) map[string]wireTable {
	t.Helper()
	data, err := os.ReadFile("testdata/workflow-tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	tables := make(map[string]wireTable)
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		tables[words[0]] = append(tables[words[0]], [2]string{words[1], words[2]})
	}
	return tables
}

// specTables names the table of each job type's spec.
var specTables = map[JobType]string{
	JobBuild: "WorkflowBuildJobSpec", JobDeploy: "WorkflowDeployJobSpec", JobVMDeploy: "WorkflowVmDeployJobSpec",
	JobTest: "WorkflowTestingJobSpec", JobScan: "WorkflowScanningsJobSpec", JobDistributeImage: "WorkflowDistributeImageJobSpec",
	JobFreestyle: "WorkflowFreestyleJobSpec", JobApollo: "WorkflowApolloJobSpec", JobNacos: "WorkflowNacosJobSpec",
	JobSQL: "WorkflowSqlJobSpec",
}

// otherKinds are the fields whose kind in the table disagrees with the example.
var otherKinds = map[string]string{
	"DeployVariableKv options":                                    "[]string",
	"WorkflowDistributeImageJobSpec enable_target_image_tag_rule": "bool",
}

// seed makes an object of a table that holds one of each thing below it.
func seed(tables map[string]wireTable, table string) map[string]any {
	object := make(map[string]any)
	for _, field := range tables[table] {
		key, kind := field[0], field[1]
		below, isList := strings.CutPrefix(kind, "[]")
		if _, found := tables[below]; !found {
			continue
		}
		object[key] = seed(tables, below)
		if isList {
			object[key] = []any{object[key]}
		}
	}
	return object
}

// compare walks an object of a table and reports every key that is missing or of
// another kind.
func compare(t *testing.T, tables map[string]wireTable, table, path string, got any) {
	t.Helper()
	object, ok := got.(map[string]any)
	if !ok {
		t.Errorf("%s is %T, want %s", path, got, table)
		return
	}
	for _, field := range tables[table] {
		key, kind := field[0], field[1]
		if other, found := otherKinds[table+" "+key]; found {
			kind = other
		}
		value, found := object[key]
		at := path + "." + key
		below, isList := strings.CutPrefix(kind, "[]")
		_, isTable := tables[below]
		switch {
		case !found:
			t.Errorf("%s is missing", at)
		case isTable && isList:
			list, _ := value.([]any)
			if len(list) != 1 {
				t.Errorf("%s is %v, want a list of one", at, value)
				continue
			}
			compare(t, tables, below, at+"[0]", list[0])
		case isTable:
			compare(t, tables, below, at, value)
		case kind != "any" && kindOf(value) != kind:
			t.Errorf("%s is %s, want %s", at, kindOf(value), kind)
		}
	}
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case json.Number:
		return "int"
	case []any:
		return "[]string"
	default:
		return fmt.Sprintf("%T", value)
	}
}

func TestEveryKeyOfTheTablesIsWritten(t *testing.T) {
	t.Parallel()
	tables := wireTables(t)
	for i, field := range tables["WorkflowJob"] {
		if field[0] == "type" {
			tables["WorkflowJob"][i][1] = "string"
		}
	}
	for i, field := range tables["Repo"] {
		if field[0] == "prs" {
			tables["Repo"][i][1] = "[]string" // a list, here an empty one
		}
	}
	for _, jobType := range JobTypes() {
		document := seed(tables, "Workflow")
		job := document["stages"].([]any)[0].(map[string]any)["jobs"].([]any)[0].(map[string]any)
		job["name"], job["type"], job["spec"] = "j", jobType, seed(tables, specTables[jobType])
		document["name"] = "w"
		document["params"].([]any)[0].(map[string]any)["name"] = "p"
		data, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		got := tree(t, encode(t, decode(t, string(data)))).(map[string]any)
		compare(t, tables, "Workflow", string(jobType), got)
		job = got["stages"].([]any)[0].(map[string]any)["jobs"].([]any)[0].(map[string]any)
		compare(t, tables, specTables[jobType], string(jobType)+".spec", job["spec"])
	}
}
