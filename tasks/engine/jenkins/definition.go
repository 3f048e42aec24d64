package jenkins

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"slipway"
)

const (
	// own begins the names of the parameters that Slipway sets.
	own           = "SLIPWAY_"
	markParameter = own + "MARK"
	// jobType is that of all jobs, in definitions and states.
	jobType slipway.JobType = "jenkins"
)

// credential tells by the name of a parameter that it holds a credential, whatever its
// type is. It is not slipway.LooksSecret: what is called a credential in Jenkins is the id
// of one, which may be seen.
var credential = regexp.MustCompile(`(?i)token|passw(or)?d|passphrase|secret|(api|access|private|ssh|deploy|signing)_?key`)

// job is what Jenkins tells of a job.
type job struct {
	Class       string `json:"_class"`
	FullName    string `json:"fullName"`
	DisplayName string `json:"fullDisplayName"`
	Description string `json:"description"`
	Buildable   *bool  `json:"buildable"` // nil: it is no job
	Property    []struct {
		Parameters []parameter `json:"parameterDefinitions"`
	} `json:"property"`
	Jobs []job `json:"jobs"` // of a folder
}

const jobTree = "_class,fullName,fullDisplayName,description,buildable," +
	"property[parameterDefinitions[name,type,description,choices,defaultParameterValue[value]]]"

// parameter is one that a job declares.
type parameter struct {
	Name        string          `json:"name"`
	Type        string          `json:"type"` // the name of its class
	Description string          `json:"description"`
	Choices     json.RawMessage `json:"choices"` // of some types something else than a list
	Default     *struct {
		Value json.RawMessage `json:"value"`
	} `json:"defaultParameterValue"`
}

func (j *job) parameters() []parameter {
	var all []parameter
	for _, p := range j.Property {
		all = append(all, p.Parameters...)
	}
	return all
}

func (j *job) declares(name string) bool {
	return slices.ContainsFunc(j.parameters(), func(p parameter) bool { return p.Name == name })
}

// resolved is what is known of a job before it is started.
type resolved struct {
	path     string
	job      *job
	workflow *slipway.Workflow
	form     url.Values        // the values that the plan gives
	secrets  map[string]string // those of them that are credentials
}

// Resolve implements engine.Engine.
func (e *Engine) Resolve(ctx context.Context, spec slipway.WorkflowSpec) (*slipway.Workflow, error) {
	r, err := e.resolve(ctx, spec)
	if err != nil {
		return nil, err
	}
	return r.workflow, nil
}

func (e *Engine) resolve(ctx context.Context, spec slipway.WorkflowSpec) (*resolved, error) {
	if spec.Inline {
		return nil, slipway.Refuse(slipway.Invalid,
			"Jenkins runs its own jobs only, never one that is written into a plan. Name a folder and a job.",
			"Jenkins 只运行自己的任务，不运行写在发布计划里的工作流。请填写文件夹和任务名称。")
	}
	var faults slipway.Faults
	path := pathOf(spec)
	if path == "" {
		faults.Add("workflow", "Give the name of a job in Jenkins, and its folders as the project, such as “apps/shop”.",
			"请填写 Jenkins 任务的名称，并将其所在文件夹填写为项目，例如“apps/shop”。")
	}
	if inputs := bytes.TrimSpace(spec.Inputs); len(inputs) > 0 && string(inputs) != "null" {
		faults.Add("inputs", "Jenkins takes no inputs: give the values as params.", "Jenkins 不支持 inputs，请使用 params 填写参数值。")
	}
	if err := faults.Err("Jenkins cannot run workflow “%s”.", "Jenkins 无法运行工作流“%s”。", spec.Name); err != nil {
		return nil, err
	}
	var j job
	err := e.get(ctx, addressOf(path), jobTree, &j)
	if isNotFound(err) {
		return nil, slipway.Refuse(slipway.NotFound,
			"There is no job “%[1]s” in Jenkins at %[2]s that Slipway's account may see. Give its folders as the project and its name as the workflow.",
			"Jenkins（%[2]s）中没有 Slipway 的账号可见的任务“%[1]s”。请将文件夹填写为项目，将任务名填写为工作流。", path, e.host)
	} else if err != nil {
		return nil, e.vendor.Reading(ctx, err)
	}
	digest, err := e.digest(ctx, path)
	if err != nil {
		return nil, err
	}
	r := &resolved{path: path, job: &j, workflow: definition(&j, path, digest), form: url.Values{}, secrets: map[string]string{}}
	r.judge(&faults)
	r.give(&faults, spec.Params)
	if err := faults.Err("Jenkins cannot run workflow “%s”.", "Jenkins 无法运行工作流“%s”。", path); err != nil {
		return nil, err
	}
	return r, nil
}

// judge notes why a job cannot be built.
func (r *resolved) judge(faults *slipway.Faults) {
	switch {
	case r.job.Buildable == nil:
		faults.Add("workflow", "“%s” is a folder. Give it as the project, and name one of its jobs.", "“%s”是文件夹。请将其填写为项目，并填写其中的任务名称。", r.path)
	case !*r.job.Buildable:
		faults.Add("workflow", "The job “%s” is disabled in Jenkins. Enable it there.", "任务“%s”在 Jenkins 中已被禁用，请先启用。", r.path)
	}
}

var (
	versions = regexp.MustCompile(` plugin="[^"]*"`)
	actions  = regexp.MustCompile(`(?s)\n {2}<actions>.*?\n {2}</actions>|\n {2}<actions/>`)
)

// digest names the configuration of a job; empty if Slipway's account may not read it.
// The versions of plugins, and what builds leave in it, do not count.
func (e *Engine) digest(ctx context.Context, path string) (string, error) {
	a, err := e.send(ctx, addressOf(path)+"/config.xml", nil, nil)
	switch status := statusOf(err); {
	case status == http.StatusForbidden || status == http.StatusNotFound:
		return "", nil
	case err != nil:
		return "", e.vendor.Reading(ctx, err)
	}
	text := strings.ReplaceAll(string(a.body), "\r\n", "\n")
	sum := sha256.Sum256([]byte(actions.ReplaceAllString(versions.ReplaceAllString(text, ""), "")))
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// definition is a job with the default values of its parameters.
func definition(j *job, path, digest string) *slipway.Workflow {
	folder, name := split(path)
	raw, err := json.Marshal(map[string]any{"class": j.Class, "marked": j.declares(markParameter)})
	if err != nil {
		panic("jenkins: a job cannot be written: " + err.Error())
	}
	w := &slipway.Workflow{
		Name: name, DisplayName: cmp.Or(j.DisplayName, path), Project: folder, Category: string(jobType), Description: j.Description,
		Stages: []slipway.Stage{{Name: name, Jobs: []slipway.Job{{Name: name, Type: jobType, Spec: &slipway.UnknownSpec{Raw: raw}}}}},
	}
	if digest != "" {
		w.Remark = "configuration " + digest
	}
	for _, p := range j.parameters() {
		if !strings.HasPrefix(p.Name, own) {
			w.Params = append(w.Params, p.param())
		}
	}
	return w
}

func (p *parameter) param() slipway.Param {
	q := slipway.Param{
		Name: p.Name, Description: p.Description, Type: slipway.ParamString, Source: slipway.SourceRuntime,
		IsCredential: credential.MatchString(p.Name),
	}
	if p.Default != nil {
		q.Default = plain(p.Default.Value)
	}
	switch p.Type {
	case "BooleanParameterDefinition":
		q.Type, q.ChoiceOption = slipway.ParamChoice, []string{"true", "false"}
	case "ChoiceParameterDefinition":
		var choices []string
		if json.Unmarshal(p.Choices, &choices) == nil {
			q.Type, q.ChoiceOption = slipway.ParamChoice, choices
		}
	case "TextParameterDefinition":
		q.Type = slipway.ParamText
	case "PasswordParameterDefinition", "NonStoredPasswordParameterDefinition":
		q.IsCredential, q.Default = true, ""
	case "FileParameterDefinition", "Base64FileParameterDefinition", "StashedFileParameterDefinition":
		q.Type, q.Default = slipway.ParamFile, ""
	}
	q.Value = q.Default
	return q
}

// plain is a JSON value as the text of a param: strings without quotes, null as none.
func plain(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &text) == nil:
		return text
	}
	return string(raw)
}

// give puts the plan's values in. What the plan leaves out is left to Jenkins.
func (r *resolved) give(faults *slipway.Faults, given map[string]string) {
	known := make([]string, 0, len(r.workflow.Params))
	for _, p := range r.workflow.Params {
		known = append(known, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.Index(known, name)
		switch {
		case i >= 0:
			r.giveOne(faults, &r.workflow.Params[i], given[name])
		case len(known) == 0:
			faults.Add("params."+name, "The job declares no parameters, and no %s.", "该任务没有声明任何参数，也没有 %s。", name)
		default:
			faults.Add("params."+name, "There is no parameter %[1]s. The job declares: %[2]s.", "没有参数 %[1]s。该任务声明了：%[2]s。",
				name, strings.Join(known, ", "))
		}
	}
}

func (r *resolved) giveOne(faults *slipway.Faults, p *slipway.Param, value string) {
	path := "params." + p.Name
	options := strings.Join(p.ChoiceOption, ", ")
	switch {
	case p.Type == slipway.ParamFile:
		faults.Add(path, "The parameter %s takes a file, which a plan cannot give.", "参数 %s 需要上传文件，发布计划无法提供。", p.Name)
	case strings.ContainsRune(value, 0):
		faults.Add(path, "The value of %s contains a NUL character.", "参数 %s 的值包含 NUL 字符。", p.Name)
	case len(p.ChoiceOption) > 0 && !slices.Contains(p.ChoiceOption, value) && p.IsCredential:
		faults.Add(path, "The value of %s is not one of its choices.", "参数 %s 的值不在可选项中。", p.Name)
	case len(p.ChoiceOption) > 0 && !slices.Contains(p.ChoiceOption, value):
		faults.Add(path, "%[1]q is not a choice of %[2]s. Choose %[3]s.", "%[1]q 不是参数 %[2]s 的可选项。可选：%[3]s。", value, p.Name, options)
	}
	p.Value = value
	r.form.Set(p.Name, value)
	if p.IsCredential {
		r.secrets[p.Name] = value
	}
}

// depth is how deep in folders jobs are listed.
const depth = 6

// Workflows implements engine.Lister. The project is a folder. The definitions are
// without the digests of the configurations, each of which would take a request.
func (e *Engine) Workflows(ctx context.Context, project string) ([]*slipway.Workflow, error) {
	folder := strings.Trim(project, "/")
	tree := jobTree
	for range depth {
		tree = jobTree + ",jobs[" + tree + "]"
	}
	var root job
	if folder != "" && pathOf(slipway.WorkflowSpec{Name: folder}) == "" {
		return nil, e.noFolder(folder)
	}
	err := e.get(ctx, addressOf(folder), tree, &root)
	if isNotFound(err) {
		return nil, e.noFolder(folder)
	} else if err != nil {
		return nil, e.vendor.Reading(ctx, err)
	}
	var found []*slipway.Workflow
	var walk func(j *job)
	walk = func(j *job) {
		if j.Buildable != nil && len(j.Jobs) == 0 && j.FullName != "" {
			w := definition(j, j.FullName, "")
			w.Disabled = !*j.Buildable
			found = append(found, w)
		}
		for i := range j.Jobs {
			walk(&j.Jobs[i])
		}
	}
	for i := range root.Jobs {
		walk(&root.Jobs[i])
	}
	return found, nil
}

func (e *Engine) noFolder(folder string) error {
	return slipway.Refuse(slipway.NotFound, "There is no folder “%[1]s” in Jenkins at %[2]s that Slipway's account may see.",
		"Jenkins（%[2]s）中没有 Slipway 的账号可见的文件夹“%[1]s”。", folder, e.host)
}
