package gitlab

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine/output"
)

const (
	// anyRef is the workflow's name that leaves the ref to the param, or to the project.
	anyRef   = "pipeline"
	paramRef = "ref"
	// own begins the names of the variables that Slipway sets.
	own = "SLIPWAY_"
	// jobType is that of all jobs of pipelines, in definitions and states.
	jobType slipway.JobType = "gitlab"
)

// resolved is what is known of a pipeline before it is started.
type resolved struct {
	project   *gl.Project
	ref       string
	workflow  *slipway.Workflow
	inputs    gl.PipelineInputsOption
	variables []*gl.PipelineVariableOptions // those that the plan gives
	secrets   []string
}

// Resolve implements engine.Engine. It reads the merged configuration of the ref.
func (e *Engine) Resolve(ctx context.Context, spec slipway.WorkflowSpec) (*slipway.Workflow, error) {
	r, err := e.resolve(ctx, spec)
	if err != nil {
		return nil, err
	}
	return r.workflow, nil
}

func (e *Engine) resolve(ctx context.Context, spec slipway.WorkflowSpec) (*resolved, error) {
	var faults slipway.Faults
	if spec.Inline {
		return nil, slipway.Refuse(slipway.Invalid,
			"GitLab runs the pipelines of its projects only, never one that is written into a plan. Name a project and a branch or tag.",
			"GitLab 只运行其项目中的流水线，不运行写在发布计划里的工作流。请填写项目，以及分支或标签。")
	}
	if strings.Trim(spec.Project, "/") == "" || !strings.Contains(spec.Project, "/") {
		faults.Add("project", "Give the project's full path in GitLab, such as “group/app”.", "请填写 GitLab 项目的完整路径，例如“group/app”。")
		return nil, faults.Err("GitLab cannot run workflow “%s”.", "GitLab 无法运行工作流“%s”。", spec.Name)
	}
	project, err := e.project(ctx, spec.Project)
	if err != nil {
		return nil, err
	}
	r := &resolved{project: project, ref: refOf(&faults, spec, project.DefaultBranch)}
	lint, err := e.lint(ctx, project.ID, r.ref)
	if isNotFound(err) {
		return nil, slipway.Refuse(slipway.NotFound, "There is no branch or tag “%[1]s” in %[2]s.", "%[2]s 中没有名为“%[1]s”的分支或标签。",
			r.ref, spec.Project)
	} else if err != nil {
		return nil, e.vendor.Reading(ctx, err)
	}
	if !lint.Valid {
		for _, said := range lint.Errors {
			faults.Add("workflow", "GitLab finds a fault in the configuration: %s", "GitLab 检查配置时发现错误：%s", e.vendor.Hide(output.Short(said)))
		}
	}
	header, err := e.header(ctx, project, r.ref)
	if err != nil {
		return nil, err
	}
	if project.CIPipelineVariablesMinimumOverrideRole == gl.CIPipelineVariablesNoOneAllowedRole {
		faults.Append(slipway.Problem{Path: "project", Text: textNoVariables})
	}
	r.define(&faults, spec, lint, header)
	if err := faults.Err("GitLab cannot run workflow “%s”.", "GitLab 无法运行工作流“%s”。", r.ref); err != nil {
		return nil, err
	}
	return r, nil
}

func refOf(faults *slipway.Faults, spec slipway.WorkflowSpec, otherwise string) string {
	given, found := spec.Params[paramRef]
	switch {
	case spec.Name != "" && spec.Name != anyRef:
		if found && given != spec.Name {
			faults.Add("params."+paramRef, "The workflow names “%[1]s”; leave the param out, or name the workflow “%[2]s”.",
				"工作流已指定“%[1]s”；请去掉该变量，或将工作流填写为“%[2]s”。", spec.Name, anyRef)
		}
		return spec.Name
	case given != "":
		return given
	}
	return otherwise
}

func (e *Engine) project(ctx context.Context, path string) (*gl.Project, error) {
	project, _, err := e.api.Projects.GetProject(path, nil, gl.WithContext(ctx))
	if isNotFound(err) {
		return nil, slipway.Refuse(slipway.NotFound,
			"There is no project “%[1]s” in GitLab at %[2]s that Slipway's account may see. Give its full path, and add the account to it.",
			"GitLab（%[2]s）中没有 Slipway 的账号可见的项目“%[1]s”。请填写完整路径，并将该账号加入项目。", path, e.host)
	} else if err != nil {
		return nil, e.vendor.Reading(ctx, err)
	}
	return project, nil
}

// checked is the answer of the check of a configuration.
type checked struct {
	Valid  bool      `json:"valid"`
	Errors []string  `json:"errors"`
	Merged string    `json:"merged_yaml"`
	Jobs   []jobPlan `json:"jobs"`
}

// jobPlan is a job as the check tells it; the hooks of plans carry it so.
type jobPlan struct {
	Name         string          `json:"name"`
	Stage        string          `json:"stage"`
	BeforeScript []string        `json:"before_script,omitempty"`
	Script       []string        `json:"script,omitempty"`
	AfterScript  []string        `json:"after_script,omitempty"`
	Tags         []string        `json:"tag_list,omitempty"`
	Environment  json.RawMessage `json:"environment,omitempty"`
	When         string          `json:"when,omitempty"`
	AllowFailure bool            `json:"allow_failure,omitempty"`
}

// lint has the configuration of a ref merged and checked. It is not simulated: that
// would leave out jobs whose rules depend on variables that a plan gives.
func (e *Engine) lint(ctx context.Context, project int64, ref string) (*checked, error) {
	request, err := e.api.NewRequest(http.MethodGet, fmt.Sprintf("projects/%d/ci/lint", project),
		&gl.ProjectLintOptions{ContentRef: &ref, IncludeJobs: gl.Ptr(true)}, []gl.RequestOptionFunc{gl.WithContext(ctx)})
	if err != nil {
		return nil, fmt.Errorf("ask GitLab for configuration: %w", err)
	}
	var c checked
	if _, err := e.api.Do(request, &c); err != nil {
		return nil, err
	}
	return &c, nil
}

// header reads what the configuration's own file declares before the configuration.
// A file of another project, or of the web, is not read: its inputs are not known.
func (e *Engine) header(ctx context.Context, project *gl.Project, ref string) ([]declared, error) {
	path := cmp.Or(project.CIConfigPath, ".gitlab-ci.yml")
	if strings.ContainsAny(path, "@:") {
		return nil, nil
	}
	file, _, err := e.api.RepositoryFiles.GetRawFile(project.ID, path, &gl.GetRawFileOptions{Ref: &ref}, gl.WithContext(ctx))
	if isNotFound(err) {
		return nil, nil // Auto DevOps, for one
	} else if err != nil {
		return nil, e.vendor.Reading(ctx, err)
	}
	return readInputs(file), nil
}

// define fills in the workflow.
func (r *resolved) define(faults *slipway.Faults, spec slipway.WorkflowSpec, c *checked, inputs []declared) {
	stages, variables := readMerged(c.Merged)
	digest := sha256.Sum256([]byte(c.Merged))
	r.workflow = &slipway.Workflow{
		Name: r.ref, DisplayName: r.project.PathWithNamespace + " @ " + r.ref, Project: r.project.PathWithNamespace,
		Category: jobTypeCategory, Remark: "configuration sha256:" + hex.EncodeToString(digest[:]),
		Params: []slipway.Param{{Name: paramRef, Type: slipway.ParamString, Value: r.ref, Source: slipway.SourceRuntime}},
		Stages: stagesOf(stages, c.Jobs),
	}
	if c.Valid && len(r.workflow.Stages) == 0 {
		faults.Add("workflow", "The pipeline has no jobs.", "该流水线没有任务。")
	}
	given := maps.Clone(spec.Params)
	delete(given, paramRef)
	typed := r.readTyped(faults, spec.Inputs, inputs)
	r.inputs = gl.PipelineInputsOption{}
	for _, d := range inputs {
		r.addInput(faults, d, given, typed)
		delete(given, d.name)
	}
	for _, d := range variables {
		if strings.HasPrefix(d.name, own) || slices.ContainsFunc(r.workflow.Params, func(p slipway.Param) bool { return p.Name == d.name }) {
			continue
		}
		r.addVariable(faults, d, given)
		delete(given, d.name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		var known []string
		for _, p := range r.workflow.Params {
			known = append(known, p.Name)
		}
		faults.Add("params."+name, "There is no variable or input %[1]s. The pipeline declares: %[2]s.", "没有变量或输入 %[1]s。该流水线声明了：%[2]s。",
			name, strings.Join(known, ", "))
	}
}

const jobTypeCategory = "gitlab"

// stagesOf sorts the jobs by the stages.
func stagesOf(names []string, jobs []jobPlan) []slipway.Stage {
	for _, job := range jobs {
		if !slices.Contains(names, job.Stage) {
			names = append(names, job.Stage)
		}
	}
	var stages []slipway.Stage
	for _, name := range names {
		stage := slipway.Stage{Name: name}
		for _, job := range jobs {
			if job.Stage != name {
				continue
			}
			raw, err := json.Marshal(job)
			if err != nil {
				continue // it was JSON before
			}
			stage.Jobs = append(stage.Jobs, slipway.Job{Name: job.Name, Type: jobType, Spec: &slipway.UnknownSpec{Raw: raw}})
		}
		if len(stage.Jobs) > 0 {
			stages = append(stages, stage)
		}
	}
	return stages
}

// param makes a param of a declaration, and checks the value from the plan.
func (d *declared) param(faults *slipway.Faults, path, value string, isGiven bool) slipway.Param {
	p := slipway.Param{
		Name: d.name, Description: d.description, Type: slipway.ParamString, Default: d.value, Value: d.value,
		IsCredential: slipway.LooksSecret(d.name), Source: slipway.SourceRuntime,
	}
	if len(d.options) > 0 {
		p.Type, p.ChoiceOption = slipway.ParamChoice, d.options
	}
	if !isGiven {
		return p
	}
	p.Value = value
	if len(d.options) > 0 && !slices.Contains(d.options, value) {
		if p.IsCredential {
			faults.Add(path, "The value of %s is not one of its options.", "变量 %s 的值不在可选项中。", d.name)
		} else {
			faults.Add(path, "%[1]q is not an option of %[2]s. Choose %[3]s.", "%[1]q 不是变量 %[2]s 的可选项。可选：%[3]s。",
				value, d.name, strings.Join(d.options, ", "))
		}
	}
	if strings.ContainsRune(value, 0) {
		faults.Add(path, "The value of %s contains a NUL character.", "变量 %s 的值包含 NUL 字符。", d.name)
	}
	return p
}

func (r *resolved) addVariable(faults *slipway.Faults, d declared, given map[string]string) {
	value, found := given[d.name]
	p := d.param(faults, "params."+d.name, value, found)
	r.workflow.Params = append(r.workflow.Params, p)
	if found {
		// What the plan leaves out is left to GitLab, which expands references in it.
		r.variables = append(r.variables, &gl.PipelineVariableOptions{Key: gl.Ptr(d.name), Value: gl.Ptr(value)})
		if p.IsCredential {
			r.secrets = append(r.secrets, value)
		}
	}
}

// readTyped reads the inputs of the plan's document, which have types.
func (r *resolved) readTyped(faults *slipway.Faults, raw json.RawMessage, inputs []declared) map[string]json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var typed map[string]json.RawMessage
	if err := json.Unmarshal(raw, &typed); err != nil {
		faults.Add("inputs", "Inputs must be an object of names and values.", "inputs 应为由名称和值组成的对象。")
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		if !slices.ContainsFunc(inputs, func(d declared) bool { return d.name == name }) {
			faults.Add("inputs."+name, "The pipeline declares no input %s.", "该流水线没有声明输入 %s。", name)
		}
	}
	return typed
}

func (r *resolved) addInput(faults *slipway.Faults, d declared, given map[string]string, typed map[string]json.RawMessage) {
	path := "params." + d.name
	value, found := given[d.name]
	if raw, both := typed[d.name]; both {
		if found {
			faults.Add("inputs."+d.name, "The input %s is given twice, as a param and as an input.", "输入 %s 同时出现在 params 和 inputs 中。", d.name)
		}
		path, value, found = "inputs."+d.name, plain(raw), true
	}
	before := faults.Len()
	p := d.param(faults, path, value, found)
	r.workflow.Params = append(r.workflow.Params, p)
	switch {
	case faults.Len() > before:
		return
	case !found && !d.hasDefault:
		faults.Add(path, "The input %s needs a value.", "输入 %s 需要填写值。", d.name)
		return
	case !found:
		return
	case p.IsCredential:
		faults.Add(path, "An input cannot hold a credential: GitLab shows inputs in its pages. Use a variable.",
			"输入不能用于传递凭据：GitLab 会在页面上显示输入的值。请改用变量。")
		return
	}
	if r.inputs[d.name] = d.typed(value); r.inputs[d.name] == nil {
		faults.Add(path, "The input %[1]s must be of type %[2]s.", "输入 %[1]s 的类型应为 %[2]s。", d.name, d.kind)
	}
}

// plain is a JSON value as the text of a param: strings without quotes.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// typed is a value as GitLab wants it; nil if it is not of the input's type.
func (d *declared) typed(value string) gl.PipelineInputValueInterface {
	switch d.kind {
	case "number":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return gl.NewPipelineInputValue(n)
		}
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			return gl.NewPipelineInputValue(f)
		}
		return nil
	case "boolean":
		if value == "true" || value == "false" {
			return gl.NewPipelineInputValue(value == "true")
		}
		return nil
	case "array":
		var list []string
		if json.Unmarshal([]byte(value), &list) != nil {
			return nil
		}
		return gl.NewPipelineInputValue(list)
	}
	return gl.NewPipelineInputValue(value)
}
