package slack

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"slipway"
	"slipway/bot"
)

// Probe implements bot.Prober.
func (s *Slack) Probe(ctx context.Context) []bot.Finding {
	var auth *slack.AuthTestResponse
	err := s.call(ctx, "auth.test", "", func(ctx context.Context) (err error) {
		auth, err = s.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return append([]bot.Finding{s.tokenRefused(err)}, s.probeSocket(ctx)...)
	}
	findings := []bot.Finding{{
		OK: true, What: slipway.T("the bot token works: %[1]s in workspace %[2]s (%[3]s)", "机器人令牌有效：%[1]s，工作区 %[2]s（%[3]s）", auth.User, auth.Team, auth.TeamID),
	}}
	findings = append(findings, probeScopes(auth.Header)...)
	findings = append(findings, s.probeClock(auth.Header)...)
	findings = append(findings, s.probeSocket(ctx)...)
	return append(findings, s.reminder())
}

// reminder tells what a bot token does not let the app find out.
func (s *Slack) reminder() bot.Finding {
	mode := "`slipway slack manifest --socket`"
	if !s.Socket() {
		mode = "`slipway slack manifest --url " + s.PublicURL + "`"
	}
	return bot.Finding{OK: true, What: slipway.T(
		"to be checked by hand, because Slack does not tell an app: events and interactivity as in %s; `slipway doctor --click slack:C…` shows whether clicks arrive",
		"请人工确认（Slack 不向应用提供这些信息）：事件订阅和 Interactivity 与 %s 的输出一致；`slipway doctor --click slack:C…` 可以确认点击能否到达", mode)}
}

func (s *Slack) tokenRefused(err error) bot.Finding {
	if code := codeOf(err); code != "" {
		return bot.Finding{
			What: slipway.T("Slack refuses the bot token: %s", "Slack 拒绝了机器人令牌：%s", code),
			Mend: slipway.T("Copy the Bot User OAuth Token (xoxb-…) from the app's page, under OAuth & Permissions; install the app again if it is not there.",
				"请在应用页面的 OAuth & Permissions 中复制 Bot User OAuth Token（xoxb-…）；若没有，请重新安装应用。"),
		}
	}
	return bot.Finding{
		What: slipway.T("Slack cannot be reached: %s", "无法连接 Slack：%s", err.Error()),
		Mend: slipway.T("Let this machine reach %s, directly or through HTTPS_PROXY.", "请让本机能够访问 %s（直连或通过 HTTPS_PROXY）。", s.APIURL),
	}
}

// probeScopes names the permissions that the token lacks.
func probeScopes(header http.Header) []bot.Finding {
	list := header.Get("X-Oauth-Scopes")
	if list == "" {
		return []bot.Finding{{
			What: slipway.T("Slack does not tell the permissions of the bot token", "Slack 未返回机器人令牌的权限"),
			Mend: slipway.T("Compare them with `slipway slack manifest`.", "请与 `slipway slack manifest` 的输出对照。"),
		}}
	}
	var granted []string
	for _, name := range strings.Split(list, ",") {
		granted = append(granted, strings.TrimSpace(name))
	}
	var findings []bot.Finding
	for _, scope := range Scopes() {
		if !slices.Contains(granted, scope.Name) {
			findings = append(findings, bot.Finding{
				What: slipway.T("the permission %[1]s is missing; it is for %[2]s", "缺少权限 %[1]s，用途：%[2]s", scope.Name, scope.For),
				Mend: slipway.T("Add the bot scope %s under OAuth & Permissions and install the app again.", "请在 OAuth & Permissions 中添加机器人权限 %s，并重新安装应用。", scope.Name),
			})
		}
	}
	if findings == nil {
		findings = append(findings, bot.Finding{OK: true, What: slipway.T("all %d permissions are there", "%d 项权限齐全", len(Scopes()))})
	}
	return findings
}

// maxSkew is how far the clock may be off before signatures are in danger.
const maxSkew = time.Minute

func (s *Slack) probeClock(header http.Header) []bot.Finding {
	theirs, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return nil
	}
	skew := s.Now().Sub(theirs).Round(time.Second)
	if skew.Abs() <= maxSkew {
		return []bot.Finding{{OK: true, What: slipway.T("the clock agrees with Slack's", "时钟与 Slack 一致")}}
	}
	return []bot.Finding{{
		What: slipway.T("the clock differs from Slack's by %s; requests that seem older than 5 minutes are refused", "时钟与 Slack 相差 %s；超过 5 分钟的请求会被拒绝", skew.String()),
		Mend: slipway.T("Set the clock of this machine by NTP.", "请使用 NTP 校准本机时钟。"),
	}}
}

// probeSocket asks for a connection, as Socket Mode does, without opening it.
func (s *Slack) probeSocket(ctx context.Context) []bot.Finding {
	if !s.Socket() {
		return []bot.Finding{{OK: true, What: slipway.T("deliveries come over HTTP, signed", "通过 HTTP 接收事件并校验签名")}}
	}
	_, _, err := s.api.StartSocketModeContext(ctx)
	if err == nil {
		return []bot.Finding{{OK: true, What: slipway.T("the app token opens connections (Socket Mode)", "应用令牌可以建立连接（Socket Mode）")}}
	}
	if after, ok := limited(err); ok {
		return []bot.Finding{{
			What: slipway.T("Slack wants %s of rest before it opens another connection", "Slack 要求等待 %s 后才能再次建立连接", after.String()),
			Mend: slipway.T("Try again later.", "请稍后重试。"),
		}}
	}
	what := codeOf(err)
	if what == "" {
		what = safe(err).Error()
	}
	return []bot.Finding{{
		What: slipway.T("the app token opens no connection: %s", "应用令牌无法建立连接：%s", what),
		Mend: slipway.T("Make an app-level token (xapp-…) with the scope %s under Basic Information, and switch Socket Mode on.",
			"请在 Basic Information 中生成带 %s 权限的应用级令牌（xapp-…），并启用 Socket Mode。", AppScope),
	}}
}
