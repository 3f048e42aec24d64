package jenkinstest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"slipway/tasks/engine/enginetest/standin"
)

func pathOf(w standin.Workflow) string { return strings.Trim(w.Project+"/"+w.Name, "/") }

func (s *Server) workflow(path string) (standin.Workflow, bool) {
	for _, w := range s.config.Workflows {
		if pathOf(w) == path {
			return w, true
		}
	}
	return standin.Workflow{}, false
}

// address is where a job is seen.
func (s *Server) address(path string) string {
	address := s.URL()
	for name := range strings.SplitSeq(path, "/") {
		address += "/job/" + url.PathEscape(name)
	}
	return address + "/"
}

func classOf(w standin.Workflow) string {
	if w.Single {
		return "hudson.model.FreeStyleProject"
	}
	return "org.jenkinsci.plugins.workflow.job.WorkflowJob"
}

// folder is a folder with what is in it; nil if there is none. The root's name is empty.
func (s *Server) folder(path string) map[string]any {
	class := "com.cloudbees.hudson.plugins.folder.Folder"
	if path == "" {
		class = "hudson.model.Hudson"
	}
	jobs, seen := []any{}, map[string]bool{}
	for _, w := range s.config.Workflows {
		full := pathOf(w)
		rest, below := strings.CutPrefix(full, path+"/")
		if path == "" {
			rest, below = full, true
		}
		if !below {
			continue
		}
		name, _, deeper := strings.Cut(rest, "/")
		child := strings.Trim(path+"/"+name, "/")
		switch {
		case !deeper:
			jobs = append(jobs, s.job(w))
		case !seen[child]:
			seen[child] = true
			jobs = append(jobs, s.folder(child))
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	f := map[string]any{"_class": class, "jobs": jobs, "description": nil}
	if path == "" {
		f["nodeName"], f["mode"], f["numExecutors"], f["useSecurity"] = "", "NORMAL", 2, true
		return f
	}
	f["name"], f["fullName"], f["fullDisplayName"], f["url"] = path[strings.LastIndexByte(path, '/')+1:], path, display(path), s.address(path)
	return f
}

func display(path string) string { return strings.ReplaceAll(path, "/", " » ") }

func (s *Server) job(w standin.Workflow) map[string]any {
	path := pathOf(w)
	var builds []any
	for _, b := range slices.Backward(s.builds) {
		if b.path == path {
			builds = append(builds, s.shown(b))
		}
	}
	property := []any{map[string]any{"_class": "hudson.plugins.jira.JiraProjectProperty"}}
	if parameters := declared(w); len(parameters) > 0 {
		property = append(property, map[string]any{
			"_class": "hudson.model.ParametersDefinitionProperty", "parameterDefinitions": definitions(parameters),
		})
	}
	return map[string]any{
		"_class": classOf(w), "name": w.Name, "fullName": path, "fullDisplayName": display(path), "description": "about " + w.Name,
		"displayName": w.Name, "url": s.address(path), "buildable": w.Broken == "", "inQueue": false, "color": "blue",
		"nextBuildNumber": s.next[path] + 1, "builds": builds[:min(100, len(builds))], "allBuilds": builds, "property": property,
	}
}

// declared are the parameters of a job, with the one for the mark.
func declared(w standin.Workflow) []standin.Param {
	all := slices.Clone(w.Params)
	if !w.Unmarked {
		all = append(all, standin.Param{Name: "SLIPWAY_MARK"})
	}
	return all
}

func definitions(parameters []standin.Param) []any {
	var list []any
	for _, p := range parameters {
		d := map[string]any{
			"_class": "hudson.model.StringParameterDefinition", "type": "StringParameterDefinition", "name": p.Name,
			"description":           "about " + p.Name,
			"defaultParameterValue": map[string]any{"_class": "hudson.model.StringParameterValue", "name": p.Name, "value": p.Default},
		}
		switch {
		case p.Secret:
			d["_class"], d["type"] = "hudson.model.PasswordParameterDefinition", "PasswordParameterDefinition"
			d["defaultParameterValue"] = map[string]any{"_class": "hudson.model.PasswordParameterValue", "name": p.Name}
		case slices.Equal(p.Choices, []string{"true", "false"}):
			d["_class"], d["type"] = "hudson.model.BooleanParameterDefinition", "BooleanParameterDefinition"
			d["defaultParameterValue"] = map[string]any{"_class": "hudson.model.BooleanParameterValue", "name": p.Name, "value": p.Default == "true"}
		case p.Default == "file:":
			d["_class"], d["type"], d["defaultParameterValue"] = "hudson.model.FileParameterDefinition", "FileParameterDefinition", nil
		case len(p.Choices) > 0:
			d["_class"], d["type"], d["choices"] = "hudson.model.ChoiceParameterDefinition", "ChoiceParameterDefinition", p.Choices
		}
		list = append(list, d)
	}
	return list
}

// values are those of the parameters of a build as they are told: no passwords.
func values(w standin.Workflow, given map[string]string) []any {
	list := []any{}
	for _, p := range declared(w) {
		v := map[string]any{"_class": "hudson.model.StringParameterValue", "name": p.Name, "value": given[p.Name]}
		switch {
		case p.Secret:
			v["_class"] = "hudson.model.PasswordParameterValue"
			delete(v, "value")
		case slices.Equal(p.Choices, []string{"true", "false"}):
			v["_class"], v["value"] = "hudson.model.BooleanParameterValue", given[p.Name] == "true"
		}
		list = append(list, v)
	}
	return list
}

// configuration answers with a job's config.xml, which is XML 1.1.
func (s *Server) configuration(w http.ResponseWriter, flow standin.Workflow) {
	if s.config.Unread {
		w.Header().Set("X-Required-Permission", "hudson.model.Item.ExtendedRead")
		page(w, http.StatusForbidden, s.config.User+" is missing the Job/ExtendedRead permission")
		return
	}
	var script strings.Builder
	for _, g := range flow.Stages {
		for _, j := range g.Jobs {
			fmt.Fprintf(&script, "%s %s %+v\n", g.Name, j.Name, j)
		}
	}
	var escaped strings.Builder
	if err := xml.EscapeText(&escaped, []byte(script.String())); err != nil {
		panic(err)
	}
	volatile := s.NextID()
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<?xml version='1.1' encoding='UTF-8'?>
<project plugin="workflow-job@%d">
  <actions>
    <seen>%d</seen>
  </actions>
  <disabled>%t</disabled>
  <script>%s</script>
</project>`, volatile, volatile, flow.Broken != "", escaped.String())
}
