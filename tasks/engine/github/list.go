package github

import (
	"context"
	"strings"

	gh "github.com/google/go-github/v93/github"

	"slipway"
)

// Workflows implements engine.Lister: the workflows of a repository that can be started,
// at its default branch. GitHub has too many repositories to go through all.
func (e *Engine) Workflows(ctx context.Context, project string) ([]*slipway.Workflow, error) {
	if project == "" {
		return nil, slipway.Refuse(slipway.Invalid, "Name the repository whose workflows you want to see, as owner/name.",
			"请以 owner/name 的形式填写要查看工作流的仓库。")
	}
	whole, err := e.repository(ctx, slipway.WorkflowSpec{Project: project})
	if err != nil {
		return nil, err
	}
	r := repository{whole.GetOwner().GetLogin(), whole.GetName()}
	workflows := []*slipway.Workflow{}
	options := &gh.ListOptions{PerPage: 100}
	for {
		list, answer, err := e.api.Actions.ListWorkflows(ctx, r.owner, r.name, options)
		if err != nil {
			return nil, e.vendor.Reading(ctx, err)
		}
		for _, w := range list.Workflows {
			if w.GetState() != "active" || !strings.HasPrefix(w.GetPath(), folder) {
				continue
			}
			text, err := e.read(ctx, r, w.GetPath(), whole.GetDefaultBranch())
			if isNotFound(err) {
				continue // it is on another branch only
			} else if err != nil {
				return nil, e.vendor.Reading(ctx, err)
			}
			if f, err := readFile(text); err == nil && f.dispatched {
				workflows = append(workflows, f.listed(r, strings.TrimPrefix(w.GetPath(), folder)))
			}
		}
		if answer.NextPage == 0 {
			return workflows, nil
		}
		options.Page = answer.NextPage
	}
}

// listed is a workflow as it is offered: with its inputs and jobs, without values.
func (f *workflowFile) listed(r repository, file string) *slipway.Workflow {
	w := &slipway.Workflow{Name: file, DisplayName: f.name, Project: r.String(), Category: category, Stages: f.stages()}
	if w.DisplayName == "" {
		w.DisplayName = file
	}
	var none slipway.Faults
	for _, in := range f.inputs {
		if in.name != markInput {
			w.Params = append(w.Params, in.param(&none, "", "", false))
		}
	}
	return w
}
