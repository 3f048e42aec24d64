package jenkins

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"slipway"
	"slipway/tasks/engine"
)

var saidNumber = regexp.MustCompile(`^#?([1-9][0-9]{0,17})$`)

// Adopt implements engine.Adopter: it takes the address of a build, or its number.
func (e *Engine) Adopt(ctx context.Context, spec slipway.WorkflowSpec, said string) (engine.Ref, error) {
	said = strings.TrimSpace(said)
	want := pathOf(spec)
	path, number := want, int64(0)
	if m := saidNumber.FindStringSubmatch(said); m != nil {
		number, _ = strconv.ParseInt(m[1], 10, 64)
	} else if u, err := url.Parse(said); err == nil && u.Host != "" {
		if rest, here := strings.CutPrefix(u.Host+u.EscapedPath(), e.host+"/"); here {
			path, number, _ = readAddress(rest)
		}
	}
	if number <= 0 {
		return "", slipway.Refuse(slipway.Invalid, "Give the build's number, or its address, such as %s.", "请填写构建编号或其地址，例如 %s。",
			e.base+addressOf(want)+"/123/")
	}
	if path != want {
		return "", slipway.Refuse(slipway.Conflict, "That is a build of “%[1]s”; the workflow is “%[2]s”.",
			"该构建属于“%[1]s”，而工作流是“%[2]s”。", path, want)
	}
	ref, err := e.refOfBuild(ctx, path, number)
	switch {
	case isNotFound(err):
		return "", slipway.Refuse(slipway.NotFound, "There is no build %[1]d of “%[2]s”. Give the number or the address of one.",
			"“%[2]s”没有编号为 %[1]d 的构建。请填写已有构建的编号或地址。", number, path)
	case err != nil:
		return "", e.vendor.Reading(ctx, err)
	}
	return ref, nil
}
