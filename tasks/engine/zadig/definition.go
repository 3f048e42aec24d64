package zadig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"slipway"
)

// definition is a workflow as Zadig has it.
type definition struct {
	workflow *slipway.Workflow
	options  map[string]options // by the names of the jobs
	raw      map[string]json.RawMessage
}

// key is how projects and workflows are named in Zadig.
var key = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// define reads a workflow's definition.
func (e *Engine) define(ctx context.Context, project, workflow string) (*definition, error) {
	var faults slipway.Faults
	if !key.MatchString(project) {
		faults.Add("project", "Give the key of the project in Zadig.", "请填写 Zadig 项目的标识。")
	}
	if !key.MatchString(workflow) {
		faults.Add("workflow", "“%s” is not the key of a workflow. It stands in the workflow's settings in Zadig.",
			"“%s”不是工作流标识。请在 Zadig 的工作流配置中查看标识。", workflow)
	}
	if err := faults.Err("Zadig cannot run workflow “%s”.", "Zadig 无法运行工作流“%s”。", workflow); err != nil {
		return nil, err
	}
	var d detail
	err := e.get(ctx, "/openapi/workflows/custom/"+url.PathEscape(workflow)+"/detail", url.Values{"projectKey": {project}}, &d)
	switch {
	case missing(err):
		return nil, slipway.Refuse(slipway.NotFound, "There is no workflow “%[1]s” in Zadig at %[2]s. Give the workflow's key, not the name it is shown with.",
			"Zadig（%[2]s）中没有工作流“%[1]s”。请填写工作流标识，而不是显示名称。", workflow, e.host)
	case err != nil:
		return nil, e.reading(ctx, err)
	}
	read, err := readDefinition(&d)
	if err != nil {
		return nil, odd(workflow, err)
	}
	return read, nil
}

// odd refuses a definition that is not as documented.
func odd(workflow string, err error) error {
	return slipway.Refuse(slipway.Invalid,
		"Zadig tells the definition of workflow “%s” in a way that Slipway does not understand. Tell the operators; the log says more.",
		"Slipway 无法理解 Zadig 返回的工作流“%s”的定义。请联系运维人员，日志中有详细信息。", workflow).Because(err)
}

// readDefinition brings a definition into the documented structure. Of a job it keeps
// the documented fields, and a digest of all the others: these may hold credentials of
// code hosts, and nobody but Zadig understands them.
func readDefinition(d *detail) (*definition, error) {
	read := &definition{options: map[string]options{}, raw: map[string]json.RawMessage{}}
	w := slipway.Workflow{
		Name: d.Key, DisplayName: d.DisplayName, Project: d.Project, Description: d.Description,
		CreatedBy: d.CreatedBy, CreateTime: d.CreateTime, Params: d.Params,
	}
	for _, s := range d.Stages {
		stage := slipway.Stage{Name: s.Name}
		for _, raw := range s.Jobs {
			job, err := read.job(raw)
			if err != nil {
				return nil, fmt.Errorf("read workflow %s: %w", d.Key, err)
			}
			stage.Jobs = append(stage.Jobs, job)
		}
		w.Stages = append(w.Stages, stage)
	}
	read.workflow = &w
	return read, nil
}

func (d *definition) job(raw json.RawMessage) (slipway.Job, error) {
	var s stored
	if err := json.Unmarshal(raw, &s); err != nil {
		return slipway.Job{}, fmt.Errorf("read job: %w", err)
	}
	job := slipway.Job{Name: s.Name, Type: s.Type, RunPolicy: s.RunPolicy, Spec: slipway.NewJobSpec(s.Type)}
	if _, undocumented := job.Spec.(*slipway.UnknownSpec); undocumented {
		job.Spec = &slipway.UnknownSpec{Raw: json.RawMessage("{}")}
	} else if len(s.Spec) > 0 {
		var o options
		if err := json.Unmarshal(s.Spec, job.Spec); err != nil {
			return slipway.Job{}, fmt.Errorf("read job %s: %w", s.Name, err)
		}
		if err := json.Unmarshal(s.Spec, &o); err != nil {
			return slipway.Job{}, fmt.Errorf("read options of job %s: %w", s.Name, err)
		}
		d.options[s.Name] = o
		switch spec := job.Spec.(type) {
		case *slipway.FreestyleSpec:
			spec.Run = o.Script
		case *slipway.BuildSpec:
			spec.ServiceAndBuilds = o.selected(spec.ServiceAndBuilds)
		}
	}
	d.raw[s.Name] = raw
	return job, nil
}

// selected returns the builds that run by default, with all that is known of them.
func (o *options) selected(stored []slipway.ServiceAndBuild) []slipway.ServiceAndBuild {
	if len(o.DefaultBuilds) == 0 {
		return stored
	}
	var list []slipway.ServiceAndBuild
	for _, d := range o.DefaultBuilds {
		for _, b := range append(slices.Clone(o.Builds), stored...) {
			if b.ServiceName == d.ServiceName && b.ServiceModule == d.ServiceModule {
				list = append(list, b)
				break
			}
		}
	}
	return list
}

// find returns a job of the definition, nil if there is none of the name.
func (d *definition) find(name string) *slipway.Job {
	return findJob(d.workflow, name)
}

func findJob(w *slipway.Workflow, name string) *slipway.Job {
	for s := range w.Stages {
		for j := range w.Stages[s].Jobs {
			if w.Stages[s].Jobs[j].Name == name {
				return &w.Stages[s].Jobs[j]
			}
		}
	}
	return nil
}

// frozen returns the workflow of the jobs that run, each with the digest of its
// definition, as a plan freezes it.
func (d *definition) frozen(runs []string) (*slipway.Workflow, error) {
	w := *d.workflow
	w.Stages = nil
	for _, s := range d.workflow.Stages {
		stage := slipway.Stage{Name: s.Name}
		for _, job := range s.Jobs {
			if slices.Contains(runs, job.Name) {
				stage.Jobs = append(stage.Jobs, job)
			}
		}
		if len(stage.Jobs) > 0 {
			w.Stages = append(w.Stages, stage)
		}
	}
	text, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("write workflow: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("read workflow: %w", err)
	}
	for _, s := range tree["stages"].([]any) {
		for _, j := range s.(map[string]any)["jobs"].([]any) {
			job := j.(map[string]any)
			job["spec"].(map[string]any)[digestKey] = digest(d.raw[job["name"].(string)])
		}
	}
	if text, err = json.Marshal(tree); err != nil {
		return nil, fmt.Errorf("write workflow: %w", err)
	}
	full, problems := slipway.DecodeWorkflow(text)
	if len(problems) > 0 {
		return nil, fmt.Errorf("workflow of Zadig is not as documented: %s", problems[0])
	}
	return full, nil
}

// digestKey is where a frozen job has the digest of its definition.
const digestKey = "digest"

// isFrozen tells a workflow that Resolve made from one that a person wrote.
func isFrozen(w *slipway.Workflow) bool {
	return slices.ContainsFunc(w.UnknownKeys(), func(path string) bool { return strings.HasSuffix(path, ".spec."+digestKey) })
}

// unsafe are the fields of a definition that hold credentials, or what a person chose
// last. Replacing a credential is not a change of what is run.
var unsafe = []string{
	"oauth_token", "password", "ssh_key", "private_access_token", "username", "skipped", "token", "secret", "access_key",
	"webhook_notification_config", "hook_url", "weChat_webHook", "lark_hook_notification_config",
}

// digest names a job's whole definition, without credentials.
func digest(raw json.RawMessage) string {
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return ""
	}
	text, err := json.Marshal(stripped(tree))
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func stripped(tree any) any {
	switch node := tree.(type) {
	case []any:
		list := make([]any, len(node))
		for i, element := range node {
			list[i] = stripped(element)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(node))
		for name, value := range node {
			hidden := node["is_credential"] == true && slices.Contains([]string{"value", "choice_value", "choice_option", "default", "script"}, name)
			if !hidden && !slices.Contains(unsafe, name) {
				object[name] = stripped(value)
			}
		}
		return object
	}
	return tree
}

// Workflows implements engine.Lister.
func (e *Engine) Workflows(ctx context.Context, project string) ([]*slipway.Workflow, error) {
	projects := []string{project}
	if project == "" {
		var err error
		if projects, err = e.projects(ctx); err != nil {
			return nil, err
		}
	}
	var all []*slipway.Workflow
	for _, project := range projects {
		var list struct {
			Workflows []struct {
				Key  string `json:"workflow_key"`
				Name string `json:"workflow_name"`
				Type string `json:"type"`
			} `json:"workflows"`
		}
		if err := e.get(ctx, "/openapi/workflows", url.Values{"projectKey": {project}}, &list); err != nil {
			return nil, e.reading(ctx, err)
		}
		for _, w := range list.Workflows {
			if w.Type == "custom" { // the others are of an age before the API
				all = append(all, &slipway.Workflow{Name: w.Key, DisplayName: w.Name, Project: project})
			}
		}
	}
	slices.SortFunc(all, func(a, b *slipway.Workflow) int {
		return strings.Compare(a.Project+"/"+a.Name, b.Project+"/"+b.Name)
	})
	return all, nil
}

// projects returns the keys of the projects that the account may see.
func (e *Engine) projects(ctx context.Context) ([]string, error) {
	var keys []string
	for page := 1; ; page++ {
		var list struct {
			Total    int `json:"total"`
			Projects []struct {
				Key string `json:"project_key"`
			} `json:"projects"`
		}
		query := url.Values{"pageNum": {fmt.Sprint(page)}, "pageSize": {"100"}}
		if err := e.get(ctx, "/openapi/projects/project", query, &list); err != nil {
			return nil, e.reading(ctx, err)
		}
		for _, p := range list.Projects {
			keys = append(keys, p.Key)
		}
		if len(list.Projects) == 0 || len(keys) >= list.Total {
			return keys, nil
		}
	}
}
