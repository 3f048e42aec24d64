package github

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v93/github"

	"slipway"
	"slipway/tasks/engine/output"
)

const (
	paramRef = "ref"
	// markInput is the input that a workflow may declare for Slipway's mark.
	markInput = "slipway_mark"
	category  = "github"
	folder    = ".github/workflows/"
	// maxCalled bounds the workflows that are read because others call them.
	maxCalled = 50
)

// jobType is that of all jobs, in definitions and states.
const jobType slipway.JobType = "github"

// repository names one; name and owner never hold a slash.
type repository struct{ owner, name string }

func (r repository) String() string { return r.owner + "/" + r.name }

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*(_[A-Za-z0-9]+)?/[A-Za-z0-9._-]+$`)

func readRepository(said string) (repository, bool) {
	owner, name, _ := strings.Cut(said, "/")
	return repository{owner, name}, repositoryName.MatchString(said) && strings.Trim(name, ".") != ""
}

// resolved is what is known of a workflow before it is started.
type resolved struct {
	repository repository
	id         int64 // GitHub's number of the workflow
	file       string
	ref        string
	marked     bool // its runs are found by the mark
	takesMark  bool // it has an input for the mark
	workflow   *slipway.Workflow
	inputs     map[string]any // those that the plan gives
	secrets    []string
}

// Resolve implements engine.Engine. It reads the workflow's file at the ref.
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
			"GitHub runs the workflows of its repositories only, never one that is written into a plan. Name a repository and a workflow.",
			"GitHub 只运行其仓库中的工作流，不运行写在发布计划里的工作流。请填写仓库和工作流。")
	}
	whole, err := e.repository(ctx, spec)
	if err != nil {
		return nil, err
	}
	name, ref, _ := strings.Cut(spec.Name, "@")
	chosen := ref != ""
	if ref = cmp.Or(ref, cmp.Or(spec.Params[paramRef], whole.GetDefaultBranch())); strings.HasPrefix(ref, "refs/") {
		ref = strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
	}
	r := &resolved{repository: repository{whole.GetOwner().GetLogin(), whole.GetName()}, ref: ref, inputs: map[string]any{}}
	found, err := e.workflow(ctx, r.repository, name)
	if err != nil {
		return nil, err
	}
	r.id, r.file = found.GetID(), path.Base(found.GetPath())
	text, err := e.read(ctx, r.repository, found.GetPath(), ref)
	if isNotFound(err) {
		return nil, slipway.Refuse(slipway.NotFound,
			"There is no branch or tag “%[1]s” in %[2]s, or no workflow “%[3]s” there.", "%[2]s 中没有名为“%[1]s”的分支或标签，或者其中没有工作流“%[3]s”。",
			ref, r.repository, name)
	} else if err != nil {
		return nil, e.vendor.Reading(ctx, err)
	}
	var faults slipway.Faults
	if whole.GetArchived() {
		faults.Add("project", "The repository %s is archived: nothing runs there.", "仓库 %s 已归档，无法运行任何工作流。", r.repository)
	}
	if state := found.GetState(); state != "active" {
		faults.Add("workflow", "The workflow “%[1]s” is disabled in GitHub (%[2]s). Enable it there, on the page Actions.",
			"工作流“%[1]s”已在 GitHub 中停用（%[2]s）。请在其 Actions 页面启用。", r.file, strings.ReplaceAll(state, "_", " "))
	}
	if err := e.define(ctx, r, &faults, spec, text, chosen); err != nil {
		return nil, err
	}
	if err := faults.Err("GitHub cannot run workflow “%s”.", "GitHub 无法运行工作流“%s”。", r.workflow.Name); err != nil {
		return nil, err
	}
	return r, nil
}

// repository reads the repository of a plan, which must spell it as GitHub does.
func (e *Engine) repository(ctx context.Context, spec slipway.WorkflowSpec) (*gh.Repository, error) {
	named, ok := readRepository(spec.Project)
	if !ok {
		var faults slipway.Faults
		faults.Add("project", "Give the repository as owner/name, such as “octo-org/app”.", "请以 owner/name 的形式填写仓库，例如“octo-org/app”。")
		return nil, faults.Err("GitHub cannot run workflow “%s”.", "GitHub 无法运行工作流“%s”。", spec.Name)
	}
	whole, _, err := e.api.Repositories.Get(ctx, named.owner, named.name)
	if isNotFound(err) {
		return nil, slipway.Refuse(slipway.NotFound,
			"There is no repository “%[1]s” in GitHub at %[2]s that Slipway may see. Give it as owner/name, and let Slipway's account, or its app, into it.",
			"GitHub（%[2]s）中没有 Slipway 可见的仓库“%[1]s”。请以 owner/name 的形式填写，并授权 Slipway 的账号或 App 访问该仓库。", spec.Project, e.host)
	} else if err != nil {
		return nil, e.vendor.Reading(ctx, err)
	}
	if full := whole.GetFullName(); full != spec.Project {
		var faults slipway.Faults
		faults.Add("project", "GitHub spells the repository “%s”: write it so.", "GitHub 中该仓库的写法为“%s”，请按此填写。", full)
		return nil, faults.Err("GitHub cannot run workflow “%s”.", "GitHub 无法运行工作流“%s”。", spec.Name)
	}
	return whole, nil
}

// workflow finds a workflow by its file, its number or its name.
func (e *Engine) workflow(ctx context.Context, r repository, name string) (*gh.Workflow, error) {
	name = strings.TrimPrefix(strings.TrimSpace(name), folder)
	var found *gh.Workflow
	var err error
	if id, notNumber := strconv.ParseInt(name, 10, 64); notNumber == nil {
		found, _, err = e.api.Actions.GetWorkflowByID(ctx, r.owner, r.name, id)
	} else if ext := path.Ext(name); (ext == ".yml" || ext == ".yaml") && !strings.ContainsAny(name, `/\`) {
		found, _, err = e.api.Actions.GetWorkflowByFileName(ctx, r.owner, r.name, url.PathEscape(name))
	} else {
		found, err = e.workflowNamed(ctx, r, name)
	}
	if found == nil && (err == nil || isNotFound(err)) {
		return nil, slipway.Refuse(slipway.NotFound,
			"There is no workflow “%[1]s” in %[2]s. Give its file, such as “deploy.yml”, its name or its number; “deploy.yml@main” names the branch too.",
			"%[2]s 中没有名为“%[1]s”的工作流。请填写工作流的文件名（例如“deploy.yml”）、名称或编号；“deploy.yml@main”可同时指定分支。", name, r)
	} else if err != nil {
		return nil, e.vendor.Reading(ctx, err)
	}
	return found, nil
}

func (e *Engine) workflowNamed(ctx context.Context, r repository, name string) (*gh.Workflow, error) {
	options := &gh.ListOptions{PerPage: 100}
	for {
		list, answer, err := e.api.Actions.ListWorkflows(ctx, r.owner, r.name, options)
		if err != nil {
			return nil, err
		}
		for _, w := range list.Workflows {
			if w.GetName() == name {
				return w, nil
			}
		}
		if answer.NextPage == 0 {
			return nil, nil
		}
		options.Page = answer.NextPage
	}
}

// read returns a file of a repository.
func (e *Engine) read(ctx context.Context, r repository, path, ref string) ([]byte, error) {
	file, _, _, err := e.api.Repositories.GetContents(ctx, r.owner, r.name, path, &gh.RepositoryContentGetOptions{Ref: ref})
	if err != nil {
		return nil, err
	}
	if file == nil {
		return nil, &statusError{status: http.StatusNotFound, body: []byte("it is a folder")}
	}
	text, err := file.GetContent()
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return []byte(text), nil
}

// define fills in the workflow. Its error is GitHub's; faults are the plan's.
func (e *Engine) define(ctx context.Context, r *resolved, faults *slipway.Faults, spec slipway.WorkflowSpec, text []byte, chosen bool) error {
	r.workflow = &slipway.Workflow{Name: r.file + "@" + r.ref, Project: r.repository.String(), Category: category}
	f, err := readFile(text)
	if err != nil {
		faults.Add("workflow", "The file %[1]s is no workflow: %[2]s", "文件 %[1]s 不是有效的工作流：%[2]s", r.file, output.Short(err.Error()))
		return nil
	}
	digest, err := e.digest(ctx, r, f, text)
	if err != nil {
		return e.vendor.Reading(ctx, err)
	}
	r.marked = f.marked()
	r.workflow.DisplayName = cmp.Or(f.name, r.file)
	r.workflow.Remark = "file sha256:" + digest
	if r.marked {
		r.workflow.Remark += ", runs are named by " + markInput
	}
	r.workflow.Stages = f.stages()
	f.check(faults, r.file)
	r.params(faults, spec, f, chosen)
	return e.checkEnvironments(ctx, r, faults, f)
}

// checkEnvironments sees that the environments that inputs name are there: GitHub makes
// those that are not, without any protection.
func (e *Engine) checkEnvironments(ctx context.Context, r *resolved, faults *slipway.Faults, f *workflowFile) error {
	for _, in := range f.inputs {
		name, found := r.inputs[in.name].(string)
		if in.kind != "environment" || !found || name == "" {
			continue
		}
		_, _, err := e.api.Repositories.GetEnvironment(ctx, r.repository.owner, r.repository.name, name)
		if isNotFound(err) {
			faults.Add("params."+in.name, "There is no environment “%[1]s” in %[2]s.", "%[2]s 中没有名为“%[1]s”的环境。", name, r.repository)
		} else if err != nil {
			return e.vendor.Reading(ctx, err)
		}
	}
	return nil
}

// digest is one of the file and of all workflows of the same repository that it calls.
func (e *Engine) digest(ctx context.Context, r *resolved, f *workflowFile, text []byte) (string, error) {
	sum := sha256.New()
	sum.Write(text)
	seen, files := map[string]bool{}, []*workflowFile{f}
	for len(files) > 0 && len(seen) < maxCalled {
		next := files[0]
		files = files[1:]
		for _, j := range next.jobs {
			called, local := strings.CutPrefix(j.uses, "./")
			if !local || seen[called] || strings.Contains(called, "..") {
				continue
			}
			seen[called] = true
			text, err := e.read(ctx, r.repository, called, r.ref)
			if isNotFound(err) {
				continue // GitHub will say so
			} else if err != nil {
				return "", err
			}
			fmt.Fprintf(sum, "\x00%s\x00%d\x00", called, len(text))
			sum.Write(text)
			if f, err := readFile(text); err == nil {
				files = append(files, f)
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// check finds what GitHub would refuse, or fail at once.
func (f *workflowFile) check(faults *slipway.Faults, file string) {
	if !f.dispatched {
		faults.Add("workflow", "%s cannot be started from outside. Add “workflow_dispatch:” to its “on:”.",
			"%s 不能从外部启动。请在其“on:”中添加“workflow_dispatch:”。", file)
	}
	if len(f.jobs) == 0 {
		faults.Add("workflow", "%s has no jobs.", "%s 没有任务。", file)
	}
	for _, j := range f.jobs {
		if j.depth == 0 {
			faults.Add("workflow", "Job %[1]s of %[2]s needs, directly or not, itself or a job that is not there.",
				"%[2]s 的任务 %[1]s 直接或间接依赖了自身或不存在的任务。", j.id, file)
		} else if !j.runs && j.uses == "" {
			faults.Add("workflow", "Job %[1]s of %[2]s has neither “runs-on” nor “uses”.", "%[2]s 的任务 %[1]s 既没有“runs-on”也没有“uses”。", j.id, file)
		}
	}
}

// stages folds the jobs by the depth of what they need.
func (f *workflowFile) stages() []slipway.Stage {
	var stages []slipway.Stage
	for _, j := range f.jobs {
		for len(stages) < max(1, j.depth) {
			stages = append(stages, slipway.Stage{Name: stageName(len(stages) + 1)})
		}
		at := &stages[max(1, j.depth)-1]
		at.Jobs = append(at.Jobs, slipway.Job{Name: j.id, Type: jobType, Spec: &slipway.UnknownSpec{Raw: j.raw}})
	}
	return stages
}

// stageName is that of the jobs of a depth.
func stageName(depth int) string { return strconv.Itoa(max(1, depth)) }
