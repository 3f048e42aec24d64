package feishu

import (
	"context"
	"errors"
	"net/http"
	"time"

	"slipway"
	"slipway/bot"
)

// Probe implements bot.Prober.
func (f *Feishu) Probe(ctx context.Context) []bot.Finding {
	found := []bot.Finding{f.probeToken(ctx)}
	if found[0].OK {
		found = append(found, f.probeBot(ctx))
		found = append(found, f.probeScopes(ctx)...)
		found = append(found, f.probeSubscriptions(ctx)...)
		found = append(found, f.approvals.probe(ctx)...)
	}
	return append(found, f.probeClock(), f.probeKey(ctx))
}

func (f *Feishu) probeToken(ctx context.Context) bot.Finding {
	if err := f.tokens.Renew(ctx); err != nil {
		reason := oneLine(err.Error())
		var e *apiError
		if !errors.As(err, &e) {
			return bot.Finding{
				What: slipway.T("Feishu cannot be reached at %[1]s: %[2]s", "无法连接飞书（%[1]s）：%[2]s", f.BaseURL, reason),
				Mend: slipway.T("Check the network and SLIPWAY_FEISHU_BASE_URL: feishu for China, lark for everywhere else.",
					"请检查网络和 SLIPWAY_FEISHU_BASE_URL：飞书填 feishu，Lark 填 lark。"),
			}
		}
		return bot.Finding{
			What: slipway.T("Feishu does not take the app's id and secret: %s", "飞书拒绝了应用的 App ID 和 App Secret：%s", reason),
			Mend: slipway.T("Copy both again from “Credentials & Basic Info” in the developer console. Feishu and Lark have separate apps: check SLIPWAY_FEISHU_BASE_URL, too.",
				"请在开发者后台的“凭证与基础信息”重新复制二者。飞书与 Lark 的应用互不相通，请同时检查 SLIPWAY_FEISHU_BASE_URL。"),
		}
	}
	return bot.Finding{OK: true, What: slipway.T("Feishu takes the app's id and secret.", "App ID 和 App Secret 有效。")}
}

// activated is the activate_status of a bot that works.
const activated = 2

func (f *Feishu) probeBot(ctx context.Context) bot.Finding {
	var out botInfo
	err := f.call(ctx, http.MethodGet, "/open-apis/bot/v3/info", nil, nil, &out)
	if err != nil || out.Bot.OpenID == "" || out.Bot.Activate != activated {
		return bot.Finding{
			What: slipway.T("The app has no working bot.", "应用的机器人能力不可用。"),
			Mend: slipway.T("In the developer console add the feature “Bot”, then publish a version and have it approved.",
				"请在开发者后台“添加应用能力”中添加“机器人”，然后创建版本并发布、通过审核。"),
		}
	}
	return bot.Finding{OK: true, What: slipway.T("The bot is called %s.", "机器人名称：%s。", out.Bot.AppName)}
}

// granted is the grant_status of a scope that the app has.
const granted = 1

func (f *Feishu) probeScopes(ctx context.Context) []bot.Finding {
	var out struct {
		Data struct {
			Scopes []struct {
				Name   string `json:"scope_name"`
				Status int    `json:"grant_status"`
			} `json:"scopes"`
		} `json:"data"`
	}
	if err := f.call(ctx, http.MethodGet, "/open-apis/application/v6/scopes", nil, nil, &out); err != nil {
		return []bot.Finding{{
			What: slipway.T("What the app may do could not be found out: %s", "无法查询应用权限：%s", oneLine(err.Error())),
			Mend: slipway.T("Publish a version of the app and have it approved, then try again.", "请发布应用版本并通过审核后重试。"),
		}}
	}
	var have []string
	for _, s := range out.Data.Scopes {
		if s.Status == granted {
			have = append(have, s.Name)
		}
	}
	var found []bot.Finding
	for _, s := range Scopes() {
		what := slipway.T("Scope %[1]s, %[2]s", "权限 %[1]s，%[2]s", s.Name, s.For)
		switch {
		case s.in(have):
		case s.Spare && (!s.approvals || f.approvals == nil):
			found = append(found, bot.Finding{OK: true, What: slipway.T("%s: not granted; it may be left out.", "%s：未开通，可以不开通。", what)})
		default:
			found = append(found, bot.Finding{
				What: slipway.T("%s: is missing.", "%s：尚未开通。", what),
				Mend: slipway.T("Add it under “Permissions & Scopes” in the developer console, then publish a version.",
					"请在开发者后台“权限管理”中开通，然后发布新版本。"),
			})
		}
	}
	if found == nil {
		found = append(found, bot.Finding{OK: true, What: slipway.T("All %d scopes are granted.", "%d 项权限均已开通。", len(Scopes()))})
	}
	return found
}

// maxSkew is how far the clocks may be apart before anything is said; events are refused
// at five minutes.
const maxSkew = 2 * time.Minute

// probeClock compares with the clock that Feishu's last answer was dated by.
func (f *Feishu) probeClock() bot.Finding {
	if skew := f.skew.Load(); skew != nil {
		return clockFinding(*skew)
	}
	return bot.Finding{
		What: slipway.T("Feishu's clock could not be read.", "无法读取飞书服务器的时间。"),
		Mend: slipway.T("Make sure by yourself that this machine's clock is right.", "请自行确认本机时钟准确。"),
	}
}

func clockFinding(skew time.Duration) bot.Finding {
	if skew.Abs() <= maxSkew {
		return bot.Finding{OK: true, What: slipway.T("The clock is right.", "本机时钟准确。")}
	}
	return bot.Finding{
		What: slipway.T("This machine's clock is off by %s.", "本机时钟与飞书相差 %s。", skew.Round(time.Second).String()),
		Mend: slipway.T("Set it right, best with NTP: requests more than five minutes off are refused.", "请校准时钟（建议使用 NTP）：相差超过五分钟的请求会被拒绝。"),
	}
}

// probeKey looks whether events can come: over the long connection, which is asked for
// but not opened, or in requests that are known to be Feishu's.
func (f *Feishu) probeKey(ctx context.Context) bot.Finding {
	switch {
	case f.Mode == modeSocket:
		if _, _, err := f.endpoint(ctx); err != nil {
			return bot.Finding{
				What: slipway.T("Feishu gives no long connection: %s", "无法建立长连接：%s", oneLine(err.Error())),
				Mend: slipway.T("Choose “Receive events through persistent connection” under “Events & Callbacks”, and see that this machine can open connections to Feishu.",
					"请在“事件与回调”中将订阅方式设为“使用长连接接收事件”，并确认本机可以访问飞书。"),
			}
		}
		return bot.Finding{OK: true, What: slipway.T("Events come over the long connection; it needs no encrypt key.", "通过长连接接收事件，无需 Encrypt Key。")}
	case f.VerificationToken == "":
		return bot.Finding{
			What: slipway.T("No verification token is configured.", "未配置 Verification Token。"),
			Mend: slipway.T("Copy it from “Events & Callbacks” > “Encryption Strategy” to SLIPWAY_FEISHU_VERIFICATION_TOKEN.",
				"请从“事件与回调”>“加密策略”复制到 SLIPWAY_FEISHU_VERIFICATION_TOKEN。"),
		}
	}
	return bot.Finding{OK: true, What: slipway.T("Requests are encrypted and signed.", "请求已加密并签名。")}
}
