package github

import (
	"context"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"slipway"
	"slipway/tasks/engine"
)

var (
	runNumber  = regexp.MustCompile(`^#?([0-9]{1,18})$`)
	runAddress = regexp.MustCompile(`^/([^/]+/[^/]+)/actions/runs/([0-9]{1,18})(?:/.*)?$`)
)

// Adopt implements engine.Adopter: it takes the address of a run, or of something below
// it, or the number in its address.
func (e *Engine) Adopt(ctx context.Context, spec slipway.WorkflowSpec, said string) (engine.Ref, error) {
	said = strings.TrimSpace(said)
	where, id, ok := e.readSaid(spec, said)
	r, named := readRepository(where)
	if !ok || !named {
		return "", slipway.Refuse(slipway.Invalid,
			"Give the run's address, such as %[1]s/%[2]s/actions/runs/123456, or the number in it.",
			"请填写该次运行的地址，例如 %[1]s/%[2]s/actions/runs/123456，或其中的编号。", e.web, spec.Project)
	}
	if !strings.EqualFold(where, spec.Project) {
		return "", slipway.Refuse(slipway.Conflict, "That run is one of repository %[1]s; the workflow is one of %[2]s.",
			"该次运行属于仓库 %[1]s，而工作流属于 %[2]s。", where, spec.Project)
	}
	run, _, err := e.api.Actions.GetWorkflowRunByID(ctx, r.owner, r.name, id)
	if isNotFound(err) {
		return "", slipway.Refuse(slipway.NotFound,
			"There is no run %[1]s in %[2]s. Give the address of one, or the number in it; the number behind a # in GitHub's list is another.",
			"%[2]s 中没有运行 %[1]s。请填写已有运行的地址或地址中的编号；GitHub 列表中 # 后面的是另一种编号。", said, where)
	} else if err != nil {
		return "", e.vendor.Reading(ctx, err)
	}
	file, branch := wanted(spec)
	at, _, _ := strings.Cut(run.GetPath(), "@")
	if file != "" && path.Base(at) != file {
		return "", slipway.Refuse(slipway.Conflict, "That run is one of workflow %[1]s; the item's workflow is %[2]s.",
			"该次运行属于工作流 %[1]s，而发布项的工作流是 %[2]s。", path.Base(at), file)
	}
	if branch != "" && run.GetHeadBranch() != branch {
		return "", slipway.Refuse(slipway.Conflict, "That run is of “%[1]s”; the item's workflow runs for “%[2]s”.",
			"该次运行对应“%[1]s”，而发布项的工作流对应“%[2]s”。", run.GetHeadBranch(), branch)
	}
	if full := run.GetRepository().GetFullName(); full != "" {
		r, _ = readRepository(full)
	}
	return refOfRun(r, run.GetID()), nil
}

func (e *Engine) readSaid(spec slipway.WorkflowSpec, said string) (repository string, id int64, ok bool) {
	if m := runNumber.FindStringSubmatch(said); m != nil {
		id, err := strconv.ParseInt(m[1], 10, 64)
		return spec.Project, id, err == nil
	}
	u, err := url.Parse(said)
	if err != nil || u.Scheme+"://"+u.Host != e.web {
		return "", 0, false
	}
	m := runAddress.FindStringSubmatch(u.Path)
	if m == nil {
		return "", 0, false
	}
	id, err = strconv.ParseInt(m[2], 10, 64)
	return m[1], id, err == nil
}

// wanted is the file and the branch of an item's workflow, empty if not known.
func wanted(spec slipway.WorkflowSpec) (file, branch string) {
	name := spec.Name
	if spec.Definition != nil {
		name = spec.Definition.Name
	}
	file, branch, _ = strings.Cut(name, "@")
	if file = strings.TrimPrefix(file, folder); path.Ext(file) != ".yml" && path.Ext(file) != ".yaml" {
		file = ""
	}
	return file, branch
}
