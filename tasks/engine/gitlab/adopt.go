package gitlab

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine"
)

var (
	number  = regexp.MustCompile(`^#?([0-9]{1,18})$`)
	address = regexp.MustCompile(`^(.+?)/(?:-/)?(pipelines|jobs)/([0-9]{1,18})(?:/.*)?$`)
)

// Adopt implements engine.Adopter: it takes the address of a pipeline or of one of its
// jobs, or the pipeline's number.
func (e *Engine) Adopt(ctx context.Context, spec slipway.WorkflowSpec, said string) (engine.Ref, error) {
	path, id, isJob, err := e.readSaid(spec, strings.TrimSpace(said))
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(path, strings.Trim(spec.Project, "/")) {
		return "", slipway.Refuse(slipway.Conflict, "That pipeline is one of project %[1]s; the workflow is one of %[2]s.",
			"该流水线属于项目 %[1]s，而工作流属于 %[2]s。", path, spec.Project)
	}
	if isJob {
		job, _, err := e.api.Jobs.GetJob(path, id, gl.WithContext(ctx))
		if err != nil {
			return "", e.notThere(ctx, err, said, path)
		}
		id = job.Pipeline.ID
	}
	p, _, err := e.api.Pipelines.GetPipeline(path, id, gl.WithContext(ctx))
	if err != nil {
		return "", e.notThere(ctx, err, said, path)
	}
	if want := wantedRef(spec); want != "" && p.Ref != want {
		return "", slipway.Refuse(slipway.Conflict, "That pipeline runs “%[1]s”; the workflow is “%[2]s”.",
			"该流水线运行的是“%[1]s”，而工作流是“%[2]s”。", p.Ref, want)
	}
	return refOfPipeline(p.ProjectID, p.ID), nil
}

func (e *Engine) readSaid(spec slipway.WorkflowSpec, said string) (path string, id int64, isJob bool, err error) {
	if m := number.FindStringSubmatch(said); m != nil {
		id, err = strconv.ParseInt(m[1], 10, 64)
		return strings.Trim(spec.Project, "/"), id, false, err
	}
	u, urlErr := url.Parse(said)
	if urlErr == nil && u.Host != "" {
		if rest, here := strings.CutPrefix(u.Host+u.Path, e.host+"/"); here {
			if m := address.FindStringSubmatch(rest); m != nil {
				id, err = strconv.ParseInt(m[3], 10, 64)
				return m[1], id, m[2] == "jobs", err
			}
		}
	}
	return "", 0, false, slipway.Refuse(slipway.Invalid,
		"Give the pipeline's number, or its address, such as https://%[1]s/%[2]s/-/pipelines/123.",
		"请填写流水线编号或其地址，例如 https://%[1]s/%[2]s/-/pipelines/123。", e.host, strings.Trim(spec.Project, "/"))
}

func (e *Engine) notThere(ctx context.Context, err error, said, path string) error {
	if !isNotFound(err) {
		return e.vendor.Reading(ctx, err)
	}
	return slipway.Refuse(slipway.NotFound, "There is no pipeline %[1]s in %[2]s. Give the number or the address of one.",
		"%[2]s 中没有流水线 %[1]s。请填写已有流水线的编号或地址。", strings.TrimSpace(said), path)
}

// wantedRef is the ref that a pipeline of the workflow runs; empty if that is not
// known.
func wantedRef(spec slipway.WorkflowSpec) string {
	if spec.Definition != nil && spec.Definition.Name != "" {
		return spec.Definition.Name
	}
	if spec.Name != anyRef {
		return spec.Name
	}
	return spec.Params[paramRef]
}
