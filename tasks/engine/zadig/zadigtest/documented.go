package zadigtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"slipway/tasks/engine/enginetest/standin"
)

// Case is a documented type of job in a plan: a workflow of the document's example, cut
// down to the job and to those that it takes its services from. It can be written into a
// plan as it is.
type Case struct {
	Type     string // of the job
	Job      string
	Project  string
	Workflow string          // its key
	Document json.RawMessage // the Workflow object
	Refused  bool            // Zadig's API cannot start it
}

// Documented returns the workflows of the document's example of a hook as Zadig would
// have them stored, and a case for each of their jobs. The stored values differ from
// those of the cases wherever Zadig's API can set them.
func Documented(example []byte) ([]Workflow, []Case, error) {
	var hook struct {
		ReleasePlan struct {
			Jobs []struct {
				Spec struct {
					Workflow map[string]any `json:"workflow"`
				} `json:"spec"`
			} `json:"jobs"`
		} `json:"release_plan"`
	}
	if err := json.Unmarshal(example, &hook); err != nil {
		return nil, nil, fmt.Errorf("read example: %w", err)
	}
	var flows []Workflow
	var cases []Case
	for _, item := range hook.ReleasePlan.Jobs {
		w := item.Spec.Workflow
		if w == nil {
			continue
		}
		found, err := casesOf(w)
		if err != nil {
			return nil, nil, err
		}
		cases = append(cases, found...)
		flow := Workflow{Workflow: standin.Workflow{Project: w["project"].(string), Name: w["name"].(string)}}
		for _, stage := range objects(w["stages"]) {
			kept := Stage{Name: stage["name"].(string)}
			for _, job := range objects(stage["jobs"]) {
				kept.Jobs = append(kept.Jobs, storedJob(job))
			}
			flow.Definition.Stages = append(flow.Definition.Stages, kept)
		}
		flows = append(flows, flow)
	}
	return flows, cases, nil
}

func objects(list any) []map[string]any {
	var all []map[string]any
	elements, _ := list.([]any)
	for _, e := range elements {
		if object, ok := e.(map[string]any); ok {
			all = append(all, object)
		}
	}
	return all
}

func casesOf(w map[string]any) ([]Case, error) {
	var cases []Case
	for _, stage := range objects(w["stages"]) {
		for _, job := range objects(stage["jobs"]) {
			spec, _ := job["spec"].(map[string]any)
			from, _ := spec["job_name"].(string)
			document, err := json.Marshal(cutDown(w, job["name"].(string), from))
			if err != nil {
				return nil, fmt.Errorf("write case: %w", err)
			}
			kind := job["type"].(string)
			_, startable := keys[kind]
			cases = append(cases, Case{
				Type: kind, Job: job["name"].(string), Project: w["project"].(string), Workflow: w["name"].(string),
				Document: document, Refused: !startable,
			})
		}
	}
	return cases, nil
}

// cutDown is a workflow with some of its jobs only.
func cutDown(w map[string]any, jobs ...string) map[string]any {
	less := maps.Clone(w)
	stages := []any{}
	for _, stage := range objects(w["stages"]) {
		kept := []any{}
		for _, job := range objects(stage["jobs"]) {
			if slices.Contains(jobs, job["name"].(string)) {
				kept = append(kept, job)
			}
		}
		if len(kept) > 0 {
			stages = append(stages, map[string]any{"name": stage["name"], "jobs": kept})
		}
	}
	less["stages"] = stages
	return less
}

// storedJob is a job of the example as Zadig stores it: with the fields that hooks do
// not have, and with values of its own.
func storedJob(job map[string]any) map[string]any {
	text, err := json.Marshal(job)
	if err != nil {
		panic(err) // it was JSON before
	}
	var stored map[string]any
	if err := json.Unmarshal(text, &stored); err != nil {
		panic(err)
	}
	spec := stored["spec"].(map[string]any)
	stored["skipped"], stored["error_policy"], stored["execute_policy"] = false, nil, nil
	switch stored["type"] {
	case "zadig-build":
		otherValues(spec)
		spec["docker_registry_id"], spec["service_and_builds_options"] = "64a5b8f1c2caad781e1b4700", spec["service_and_builds"]
	case "zadig-test":
		otherValues(spec)
		spec["service_test_options"] = spec["service_and_tests"]
	case "zadig-scanning":
		otherValues(spec)
		spec["service_scanning_options"] = spec["service_and_scannings"]
	case "freestyle":
		otherValues(spec)
		spec["script"] = "#!/bin/bash\nset -e\necho release"
	case "zadig-deploy":
		spec["env"] = "qa"
		if spec["source"] == "runtime" {
			for _, service := range objects(spec["services"]) {
				for _, module := range objects(service["modules"]) {
					module["image"] = "registry.example.com/stored/" + module["service_module"].(string) + ":0"
				}
			}
		}
	case "zadig-vm-deploy":
		spec["env"], spec["s3_storage_id"] = "qa", "64a5b8f1c2caad781e1b4701"
	case "sql":
		spec["sql"] = "select 1;"
	}
	return stored
}

// otherValues gives every repository another branch, and every variable another value.
// Repositories carry the credentials of their code hosts, as they do in Zadig.
func otherValues(node any) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			otherValues(element)
		}
	case map[string]any:
		if _, repo := node["repo_name"]; repo {
			node["branch"], node["oauth_token"] = "stored", "oauth-of-the-code-host"
		}
		if _, variable := node["key"]; variable && node["type"] != "choice" {
			node["value"] = "stored"
		}
		for _, value := range node {
			otherValues(value)
		}
	}
}
