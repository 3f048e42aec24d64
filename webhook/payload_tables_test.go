package webhook_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"slipway"
)

// tableFiles are the document's tables of fields, "table key kind" per line: those of plan
// and items here, those of workflows beside the domain.
var tableFiles = []string{"testdata/hook-tables.txt", "../testdata/workflow-tables.txt"}

// tables are the fields of each table of the document: key and kind.
type tables map[string][][2]string

func readTables(t *testing.T) tables {
	t.Helper()
	all := tables{}
	for _, file := range tableFiles {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			words := strings.Fields(line)
			kind := words[2]
			if other, found := otherKinds[words[0]+" "+words[1]]; found {
				kind = other
			}
			all[words[0]] = append(all[words[0]], [2]string{words[1], kind})
		}
	}
	return all
}

// otherKinds are the fields whose kind in a table disagrees with the example, which
// comes from a real sender.
var otherKinds = map[string]string{
	"HookReleasePlan index":                                       "int",
	"HookReleasePlanJob executed_time":                            "int",
	"DeployVariableKv options":                                    "[]string",
	"WorkflowDistributeImageJobSpec enable_target_image_tag_rule": "bool",
	"WorkflowJob type":                                            "string",
}

// tableOf names the table of what a field's kind leaves open.
var tableOf = map[string]string{
	"text": "TextReleasePlanJob", "workflow": "WorkflowReleasePlanJob",
	"zadig-build": "WorkflowBuildJobSpec", "zadig-deploy": "WorkflowDeployJobSpec", "zadig-vm-deploy": "WorkflowVmDeployJobSpec",
	"zadig-test": "WorkflowTestingJobSpec", "zadig-scanning": "WorkflowScanningsJobSpec",
	"zadig-distribute-image": "WorkflowDistributeImageJobSpec", "freestyle": "WorkflowFreestyleJobSpec",
	"apollo": "WorkflowApolloJobSpec", "nacos": "WorkflowNacosJobSpec", "sql": "WorkflowSqlJobSpec",
}

// below returns the table that a field leads to, "" for a plain value.
func (all tables) below(table, key, kind string, object map[string]any) string {
	if kind == "ReleaseJobSpec" || table == "WorkflowJob" && key == "spec" {
		return tableOf[fmt.Sprint(object["type"])]
	}
	name := strings.TrimPrefix(kind, "[]")
	if _, found := all[name]; found {
		return name
	}
	return ""
}

// fill puts one of everything into the lists and objects that are empty or absent, so
// that every field of every table has a place.
func (all tables) fill(table string, object map[string]any) {
	for _, field := range all[table] {
		key, kind := field[0], field[1]
		name := all.below(table, key, kind, object)
		if name == "" {
			continue
		}
		isList := strings.HasPrefix(kind, "[]")
		if list, _ := object[key].([]any); isList && len(list) == 0 {
			object[key] = []any{map[string]any{"name": "one"}}
		}
		if object[key] == nil {
			object[key] = map[string]any{}
		}
		switch value := object[key].(type) {
		case []any:
			for _, element := range value {
				all.fill(name, element.(map[string]any))
			}
		case map[string]any:
			all.fill(name, value)
		}
	}
}

// Beside the example's keys the bodies hold those of the document's tables, some of
// which spell a field in another way.
func TestHookBodiesHoldEveryFieldOfTheTables(t *testing.T) {
	t.Parallel()
	all := readTables(t)
	full := example(t)
	all.fill("HookReleasePlan", full)
	for ev, body := range play(t, full, slipway.Masked) {
		seen := map[string]bool{}
		all.find(t, seen, "HookReleasePlan", string(ev), parse(t, body)["release_plan"])
		for table, fields := range all {
			for _, field := range fields {
				if !seen[table+"."+field[0]] {
					t.Errorf("%s: %s of %s is nowhere", ev, field[0], table)
				}
			}
		}
	}
}

func (all tables) find(t *testing.T, seen map[string]bool, table, path string, got any) {
	t.Helper()
	object, ok := got.(map[string]any)
	if !ok {
		t.Errorf("%s is %s, want a %s", path, kind(got), table)
		return
	}
	for _, field := range all[table] {
		key, want := field[0], field[1]
		value, found := object[key]
		if !found {
			t.Errorf("%s.%s is missing", path, key)
			continue
		}
		seen[table+"."+key] = true
		name := all.below(table, key, want, object)
		list, isList := value.([]any)
		switch {
		case name != "" && isList:
			for i, element := range list {
				all.find(t, seen, name, fmt.Sprintf("%s.%s[%d]", path, key, i), element)
			}
		case name != "":
			all.find(t, seen, name, path+"."+key, value)
		case !fits(want, value):
			t.Errorf("%s.%s is %s, want %s", path, key, kind(value), want)
		}
	}
}

func fits(want string, value any) bool {
	element, isList := strings.CutPrefix(want, "[]")
	if !isList {
		return kind(value) == want
	}
	list, ok := value.([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { return kind(v) != element })
}
