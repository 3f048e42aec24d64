package gitlab

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine/output"
)

// refusal makes a refusal of an answer that says that GitLab did nothing.
func (e *Engine) refusal(err error) *slipway.Error {
	var answer *gl.ErrorResponse
	if !errors.As(err, &answer) {
		return nil
	}
	said := e.vendor.Hide(said(answer))
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized:
		return slipway.Refuse(slipway.Unauthenticated,
			"GitLab at %s does not accept Slipway's access token: it is wrong, revoked or expired. An operator sets a new one in SLIPWAY_GITLAB_TOKEN.",
			"GitLab（%s）不接受 Slipway 的访问令牌：令牌错误、已吊销或已过期。请运维人员在 SLIPWAY_GITLAB_TOKEN 中设置新令牌。", e.host)
	case status == http.StatusForbidden:
		return slipway.Refuse(slipway.Forbidden,
			"GitLab does not let Slipway's account do this (%s). Give the account a higher role in the project.",
			"GitLab 不允许 Slipway 的账号执行此操作（%s）。请在该项目中为其授予更高的角色。", said)
	case status >= 300 && status < 400:
		return slipway.Refuse(slipway.Unavailable,
			"GitLab at %s sends Slipway to another address. An operator sets SLIPWAY_GITLAB_URL to the one that people use, with https if it has that.",
			"GitLab（%s）将请求重定向到了其他地址。请运维人员将 SLIPWAY_GITLAB_URL 设置为实际访问的地址（如使用 https，请写 https）。", e.host)
	case status >= 400 && status < 500 && strings.Contains(said, "set pipeline variables"):
		return &slipway.Error{Code: slipway.Forbidden, Text: textNoVariables}
	}
	return e.vendor.Usual(answer.StatusCode, said)
}

// textNoVariables says why a pipeline cannot be marked, and what to do.
var textNoVariables = slipway.T(
	"Slipway marks each pipeline with a variable, and its account may set none in this project. In GitLab: Settings → CI/CD → Variables → Minimum role to use pipeline variables.",
	"Slipway 需要用变量标记每条流水线，但其账号在该项目中无权设置流水线变量。请在 GitLab 的“设置 → CI/CD → 变量”中调整可使用流水线变量的最低角色。")

// said is what GitLab answered, in one short line.
func said(answer *gl.ErrorResponse) string {
	text := strings.NewReplacer("{message: {base: [", "", "]}}", "", "{message: ", "", "{error: ", "", "}", "").Replace(answer.Message)
	return cmp.Or(output.Short(text), strconv.Itoa(answer.StatusCode))
}

func isNotFound(err error) bool { return errors.Is(err, gl.ErrNotFound) }
