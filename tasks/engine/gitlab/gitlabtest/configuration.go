package gitlabtest

import (
	"fmt"
	"net/http"
	"strings"

	"go.yaml.in/yaml/v3"

	"slipway/tasks/engine/enginetest/standin"
)

// workflow returns the pipeline of a branch.
func (s *Server) workflow(project int, ref string) (standin.Workflow, bool) {
	for _, w := range s.config.Workflows {
		if w.Project == s.projects[project-1] && w.Name == ref {
			return w, true
		}
	}
	return standin.Workflow{}, false
}

// pairs is a YAML mapping that keeps its order.
type pairs []any

// MarshalYAML writes the pairs in order.
func (p pairs) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, x := range p {
		var part yaml.Node
		if err := part.Encode(x); err != nil {
			return nil, err
		}
		node.Content = append(node.Content, &part)
	}
	return node, nil
}

func (p *pairs) add(key string, value any) { *p = append(*p, key, value) }

// merged is the configuration of a workflow with nothing left to include.
func merged(w standin.Workflow) string {
	var all, variables pairs
	var stages []string
	for _, stage := range w.Stages {
		stages = append(stages, stage.Name)
	}
	all.add("stages", stages)
	for _, p := range w.Params {
		if p.Input {
			continue
		}
		declared := pairs{"value", p.Default, "description", "about " + p.Name}
		if len(p.Choices) > 0 {
			declared.add("options", p.Choices)
		}
		variables.add(p.Name, declared)
	}
	if len(variables) > 0 {
		all.add("variables", variables)
	}
	all.add(".hidden", pairs{"script", []string{"exit 1"}})
	for _, stage := range w.Stages {
		for _, job := range stage.Jobs {
			all.add(job.Name, settings(stage.Name, job))
		}
	}
	text, err := yaml.Marshal(all)
	if err != nil {
		panic(err)
	}
	return "---\n" + string(text)
}

func script(job standin.Job) []string {
	lines := []string{"./" + job.Name + ".sh"}
	for _, line := range job.Says {
		lines = append(lines, "echo "+line)
	}
	return lines
}

func settings(stage string, job standin.Job) pairs {
	p := pairs{"stage", stage, "script", script(job)}
	if job.Asks {
		p.add("when", "manual")
		p.add("allow_failure", false)
	}
	if job.Ends == standin.TimesOut {
		p.add("timeout", "1 second")
	}
	return p
}

func (s *Server) lint(w http.ResponseWriter, r *http.Request) {
	id, ok := s.find(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	if q.Has("sha") && q.Has("content_ref") || q.Has("ref") && q.Has("dry_run_ref") {
		answer(w, http.StatusBadRequest, map[string]string{"error": "sha, content_ref are mutually exclusive"})
		return
	}
	ref := q.Get("content_ref")
	if ref == "" {
		ref = DefaultBranch
	}
	flow, ok := s.workflow(id, ref)
	if !ok {
		answer(w, http.StatusNotFound, map[string]string{"message": "404 Commit Not Found"})
		return
	}
	result := map[string]any{
		"valid": flow.Broken == "", "errors": []string{}, "warnings": []string{}, "merged_yaml": merged(flow), "includes": []any{},
	}
	if flow.Broken != "" {
		result["errors"] = []string{flow.Broken}
	}
	if q.Get("include_jobs") == "true" {
		result["jobs"] = lintJobs(flow)
	}
	answer(w, http.StatusOK, result)
}

func lintJobs(flow standin.Workflow) []map[string]any {
	jobs := []map[string]any{}
	for _, stage := range flow.Stages {
		for _, job := range stage.Jobs {
			when := "on_success"
			if job.Asks {
				when = "manual"
			}
			jobs = append(jobs, map[string]any{
				"name": job.Name, "stage": stage.Name, "before_script": []string{}, "script": script(job), "after_script": []string{},
				"tag_list": []string{}, "only": map[string]any{"refs": []string{"branches", "tags"}}, "except": nil,
				"environment": nil, "when": when, "allow_failure": false, "needs": nil,
			})
		}
	}
	return jobs
}

// file answers with .gitlab-ci.yml, the one file of every branch.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	id, ok := s.find(w, r)
	if !ok {
		return
	}
	ref := r.URL.Query().Get("ref")
	flow, ok := s.workflow(id, ref)
	if path := r.PathValue("path"); !ok || path != ".gitlab-ci.yml" {
		answer(w, http.StatusNotFound, map[string]string{"message": "404 File Not Found"})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, header(flow)+strings.TrimPrefix(merged(flow), "---\n"))
}

// header is what declares the inputs, a document before the configuration.
func header(flow standin.Workflow) string {
	var inputs pairs
	for _, p := range flow.Params {
		if !p.Input {
			continue
		}
		declared := pairs{"description", "about " + p.Name, "default", p.Default}
		if len(p.Choices) > 0 {
			declared.add("options", p.Choices)
		}
		inputs.add(p.Name, declared)
	}
	if len(inputs) == 0 {
		return ""
	}
	text, err := yaml.Marshal(pairs{"spec", pairs{"inputs", inputs}})
	if err != nil {
		panic(err)
	}
	return string(text) + "---\n"
}
