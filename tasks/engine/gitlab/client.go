package gitlab

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

// reading makes an error for people of one from a request that only read.
func (e *Engine) reading(ctx context.Context, err error) error {
	refusal := e.refusal(ctx, err)
	if refusal != nil {
		return refusal
	}
	return slipway.Refuse(slipway.Unavailable,
		"GitLab at %s does not answer at the moment. Try again in a little while.", "GitLab（%s）暂时没有响应，请稍后重试。", e.host).
		Because(e.redacted(err))
}

// acting makes an error of one from a request that was to change something. It is for
// people only if nothing was changed.
func (e *Engine) acting(ctx context.Context, err error) error {
	if refusal := e.refusal(ctx, err); refusal != nil {
		return refusal
	}
	if remote.NeverSent(err) {
		return e.reading(ctx, err)
	}
	return e.redacted(err)
}

// refusal returns what GitLab refused, or the context's end; nil for anything else.
func (e *Engine) refusal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *gl.ErrorResponse
	if !errors.As(err, &answer) {
		return nil
	}
	cause := e.redacted(err)
	said := e.hide(said(answer))
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized:
		return slipway.Refuse(slipway.Unauthenticated,
			"GitLab at %s does not accept Slipway's access token: it is wrong, revoked or expired. An operator sets a new one in SLIPWAY_GITLAB_TOKEN.",
			"GitLab（%s）不接受 Slipway 的访问令牌：令牌错误、已吊销或已过期。请运维人员在 SLIPWAY_GITLAB_TOKEN 中设置新令牌。", e.host).Because(cause)
	case status == http.StatusForbidden:
		return slipway.Refuse(slipway.Forbidden,
			"GitLab does not let Slipway's account do this (%s). Give the account a higher role in the project.",
			"GitLab 不允许 Slipway 的账号执行此操作（%s）。请在该项目中为其授予更高的角色。", said).Because(cause)
	case status == http.StatusNotFound:
		return slipway.Refuse(slipway.NotFound, "GitLab knows no such thing, or Slipway's account may not see it.",
			"GitLab 中没有该对象，或者 Slipway 的账号无权查看。").Because(cause)
	case status >= 300 && status < 400:
		return slipway.Refuse(slipway.Unavailable,
			"GitLab at %s sends Slipway to another address. An operator sets SLIPWAY_GITLAB_URL to the one that people use, with https if it has that.",
			"GitLab（%s）将请求重定向到了其他地址。请运维人员将 SLIPWAY_GITLAB_URL 设置为实际访问的地址（如使用 https，请写 https）。", e.host).Because(cause)
	case status >= 400 && status < 500 && strings.Contains(said, "set pipeline variables"):
		return (&slipway.Error{Code: slipway.Forbidden, Text: textNoVariables}).Because(cause)
	case status == http.StatusTooManyRequests:
		return slipway.Refuse(slipway.TooMany, "GitLab is asked too often. Try again in a minute.", "对 GitLab 的请求过于频繁，请一分钟后重试。").
			Because(cause)
	case status >= 400 && status < 500:
		return slipway.Refuse(slipway.Conflict, "GitLab refuses: %s", "GitLab 拒绝了该操作：%s", said).Because(cause)
	}
	return nil
}

// textNoVariables says why a pipeline cannot be marked, and what to do.
var textNoVariables = slipway.T(
	"Slipway marks each pipeline with a variable, and its account may set none in this project. In GitLab: Settings → CI/CD → Variables → Minimum role to use pipeline variables.",
	"Slipway 需要用变量标记每条流水线，但其账号在该项目中无权设置流水线变量。请在 GitLab 的“设置 → CI/CD → 变量”中调整可使用流水线变量的最低角色。")

// said is what GitLab answered, in one short line.
func said(answer *gl.ErrorResponse) string {
	text := strings.NewReplacer("{message: {base: [", "", "]}}", "", "{message: ", "", "{error: ", "", "}", "", "\n", " ").Replace(answer.Message)
	if text = strings.TrimSpace(text); text == "" {
		text = strconv.Itoa(answer.StatusCode)
	}
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}

// hide replaces our own credentials in a text.
func (e *Engine) hide(text string) string {
	return output.NewMasker([]string{e.config.Token, e.config.WebhookToken}).Mask(text)
}

// redacted returns an error that says the same without credentials, and wraps nothing.
func (e *Engine) redacted(err error) error { return errors.New(e.hide(err.Error())) }

func isNotFound(err error) bool { return errors.Is(err, gl.ErrNotFound) }
