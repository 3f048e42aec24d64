package github

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"

	gh "github.com/google/go-github/v93/github"

	"slipway"
	"slipway/tasks/engine/output"
)

// refusal makes a refusal of an error that says that GitHub did nothing.
func (e *Engine) refusal(err error) *slipway.Error {
	said := e.vendor.Hide(said(err))
	switch status := statusOf(err); {
	case status == http.StatusUnauthorized && e.config.AppID != "":
		return slipway.Refuse(slipway.Unauthenticated,
			"GitHub at %s does not accept Slipway's app: its number or its private key is wrong. An operator sets SLIPWAY_GITHUB_APP_ID and SLIPWAY_GITHUB_APP_KEY.",
			"GitHub（%s）不接受 Slipway 的 GitHub App：App ID 或私钥错误。请运维人员设置 SLIPWAY_GITHUB_APP_ID 和 SLIPWAY_GITHUB_APP_KEY。", e.host)
	case status == http.StatusUnauthorized:
		return slipway.Refuse(slipway.Unauthenticated,
			"GitHub at %s does not accept Slipway's access token: it is wrong, revoked or expired. An operator sets a new one in SLIPWAY_GITHUB_TOKEN.",
			"GitHub（%s）不接受 Slipway 的访问令牌：令牌错误、已吊销或已过期。请运维人员在 SLIPWAY_GITHUB_TOKEN 中设置新令牌。", e.host)
	case status == http.StatusForbidden:
		return slipway.Refuse(slipway.Forbidden,
			"GitHub does not let Slipway do this (%s). In the repository, Slipway needs the permissions that docs/engines/github.md lists: Actions, Contents, Deployments.",
			"GitHub 不允许 Slipway 执行此操作（%s）。请为 Slipway 授予 docs/engines/github.zh.md 中列出的仓库权限：Actions、Contents、Deployments。", said)
	case status == http.StatusNotFound:
		return slipway.Refuse(slipway.NotFound, "GitHub knows no such thing, or Slipway may not see it.",
			"GitHub 中没有该对象，或者 Slipway 无权查看。")
	case status == http.StatusTooManyRequests:
		return slipway.Refuse(slipway.TooMany, "GitHub is asked too often. Try again in a few minutes.", "对 GitHub 的请求过于频繁，请几分钟后重试。")
	case status >= 300 && status < 400:
		return slipway.Refuse(slipway.NotFound,
			"GitHub sends Slipway to another address: the repository was renamed or moved, or SLIPWAY_GITHUB_URL is not the final address of %s.",
			"GitHub 将 Slipway 重定向到其他地址：仓库已改名或迁移，或者 SLIPWAY_GITHUB_URL 不是 %s 的最终地址。", e.host)
	case status >= 400 && status < 500:
		return e.vendor.Usual(status, said)
	}
	if login := (*loginError)(nil); errors.As(err, &login) {
		return e.vendor.Silent(err)
	}
	return nil
}

// answered is the status that GitHub answered with instead of doing what it was asked,
// and what it said; 0 if it did not answer.
func answered(err error) (status int, message string) {
	var (
		plain    *gh.ErrorResponse
		rate     *gh.RateLimitError
		abuse    *gh.AbuseRateLimitError
		second   *gh.TwoFactorAuthError
		redirect *gh.RedirectionError
		other    *statusError
	)
	switch {
	case errors.As(err, &plain):
		message = plain.Message
		for _, part := range plain.Errors {
			message += " " + part.Message
		}
		return plain.Response.StatusCode, message
	case errors.As(err, &rate):
		return rate.Response.StatusCode, rate.Message
	case errors.As(err, &abuse):
		return abuse.Response.StatusCode, abuse.Message
	case errors.As(err, &second):
		return second.Response.StatusCode, second.Message
	case errors.As(err, &redirect):
		return redirect.StatusCode, ""
	case errors.As(err, &other):
		return other.status, ""
	}
	return 0, ""
}

func statusOf(err error) int {
	status, _ := answered(err)
	return status
}

// said is what GitHub answered, in one short line.
func said(err error) string {
	status, text := answered(err)
	return cmp.Or(output.Short(text), strconv.Itoa(status))
}

func isNotFound(err error) bool { return statusOf(err) == http.StatusNotFound }

// isGone tells whether a run is not there. That an app is not installed says nothing of
// the run.
func isGone(err error) bool {
	var login *loginError
	return isNotFound(err) && !errors.As(err, &login)
}

// accepted makes nothing of the error that is none: GitHub took the request and acts on
// it later.
func accepted(err error) error {
	var later *gh.AcceptedError
	if errors.As(err, &later) {
		return nil
	}
	return err
}
