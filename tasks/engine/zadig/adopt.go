package zadig

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"slipway"
	"slipway/tasks/engine"
)

var (
	number  = regexp.MustCompile(`^#?([0-9]{1,18})$`)
	address = regexp.MustCompile(`^/v1/projects/detail/([^/]+)/pipelines/custom/([^/]+)/([0-9]{1,18})/?$`)
)

// Adopt implements engine.Adopter: it takes the address of a run's page, or the run's
// number.
func (e *Engine) Adopt(ctx context.Context, spec slipway.WorkflowSpec, said string) (engine.Ref, error) {
	said = strings.TrimSpace(said)
	workflow, digits := spec.Name, ""
	if m := number.FindStringSubmatch(said); m != nil {
		digits = m[1]
	} else if u, err := url.Parse(said); err == nil && u.Host != "" {
		if path, here := strings.CutPrefix(u.Host+u.Path, e.host); here {
			if m := address.FindStringSubmatch(path); m != nil {
				workflow, digits = m[2], m[3]
			}
		}
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return "", slipway.Refuse(slipway.Invalid, "Give the run's number, or the address of its page, such as %s.",
			"请填写运行编号或其页面地址，例如 %s。", e.page(spec.Project, spec.Name, 123))
	}
	if workflow != spec.Name {
		return "", slipway.Refuse(slipway.Conflict, "That run is one of workflow %[1]s; the item's workflow is %[2]s.",
			"该次运行属于工作流 %[1]s，而发布项的工作流是 %[2]s。", workflow, spec.Name)
	}
	ref := refOf(workflow, id)
	t, err := e.task(ctx, ref)
	switch {
	case errors.Is(err, engine.ErrNoRun):
		return "", slipway.Refuse(slipway.NotFound, "Workflow %[2]s has no run %[1]s. Give the number or the address of one.",
			"工作流 %[2]s 没有编号为 %[1]s 的运行。请填写已有运行的编号或地址。", said, workflow)
	case err != nil:
		return "", err
	case spec.Project != "" && t.Project != spec.Project:
		return "", slipway.Refuse(slipway.Conflict, "That run is one of project %[1]s; the item's workflow is one of %[2]s.",
			"该次运行属于项目 %[1]s，而发布项的工作流属于项目 %[2]s。", t.Project, spec.Project)
	}
	return ref, nil
}
