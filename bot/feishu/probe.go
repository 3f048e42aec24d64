package feishu

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
)

// scope is a right that the app needs. Any of the names will do.
type scope struct {
	names []string
	why   slipway.Text
}

// scopes are the rights that the app needs, those without which nothing works first.
var scopes = []scope{
	{[]string{"im:message:send_as_bot", "im:message"}, slipway.Text{EN: "to post and change cards", ZH: "用于发送和更新卡片"}},
	{[]string{"im:message.group_at_msg:readonly", "im:message.group_at_msg"}, slipway.Text{EN: "to hear mentions in groups", ZH: "用于接收群聊中 @机器人 的消息"}},
	{[]string{"im:message.p2p_msg:readonly", "im:message.p2p_msg"}, slipway.Text{EN: "to hear direct messages", ZH: "用于接收私聊消息"}},
	{
		[]string{"contact:contact.base:readonly", "contact:contact:readonly_as_app", "contact:contact:access_as_app", "contact:contact:readonly"},
		slipway.Text{EN: "to look people up", ZH: "用于查询通讯录"},
	},
	{[]string{"contact:user.base:readonly"}, slipway.Text{EN: "to know people's names", ZH: "用于获取用户姓名"}},
	{[]string{"contact:user.email:readonly"}, slipway.Text{EN: "to link people's accounts by e-mail", ZH: "用于通过邮箱关联账号"}},
	{[]string{"contact:user.id:readonly"}, slipway.Text{EN: "to find people by e-mail before they wrote to the bot", ZH: "用于在用户联系机器人之前通过邮箱找到其账号"}},
	{[]string{"im:message.urgent", "im:message.urgent:app_send"}, slipway.Text{EN: "to remind people urgently", ZH: "用于发送应用内加急提醒"}},
}

// Probe implements bot.Prober.
func (f *Feishu) Probe(ctx context.Context) []bot.Finding {
	found := []bot.Finding{f.probeToken(ctx)}
	if found[0].OK {
		found = append(found, f.probeBot(ctx))
		found = append(found, f.probeScopes(ctx)...)
	}
	found = append(found, f.probeClock(), f.probeKey())
	return append(found, f.reminder())
}

func (f *Feishu) probeToken(ctx context.Context) bot.Finding {
	if _, err := f.tokens.ask(ctx, f); err != nil {
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
	found := make([]bot.Finding, 0, len(scopes))
	for _, s := range scopes {
		what := slipway.T("Scope %[1]s, %[2]s", "权限 %[1]s，%[2]s", s.names[0], s.why)
		if slices.ContainsFunc(s.names, func(name string) bool { return slices.Contains(have, name) }) {
			found = append(found, bot.Finding{OK: true, What: what})
			continue
		}
		found = append(found, bot.Finding{
			What: slipway.T("%s: is missing.", "%s：尚未开通。", what),
			Mend: slipway.T("Add it under “Permissions & Scopes” in the developer console, then publish a version.",
				"请在开发者后台“权限管理”中开通，然后发布新版本。"),
		})
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

func (f *Feishu) probeKey() bot.Finding {
	switch {
	case f.Mode == modeSocket:
		if t := f.Trouble(); strings.HasPrefix(t, "not ") {
			return bot.Finding{
				What: slipway.T("The long connection is down: %s", "长连接未建立：%s", t),
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

// reminder tells what cannot be found out from here: Feishu never says which events an
// app has subscribed to, and clicks need a subscription of their own.
func (f *Feishu) reminder() bot.Finding {
	mode := slipway.T("the persistent connection", "长连接")
	if f.Mode == modeHTTP {
		mode = slipway.T("your server's addresses /feishu/events and /feishu/cards", "您的服务器地址 /feishu/events 和 /feishu/cards")
	}
	return bot.Finding{OK: true, What: slipway.T(
		"To be checked by hand under “Events & Callbacks”: events AND callbacks are two settings, both must be set to %[1]s. "+
			"Events: %[2]s. Callbacks: %[3]s. If buttons do nothing, the callbacks are not set.",
		"请在“事件与回调”中人工确认：事件配置与回调配置是两项设置，都必须设为%[1]s。事件：%[2]s。回调：%[3]s。如果点击按钮没有反应，说明回调尚未配置。",
		mode, strings.Join([]string{typeMessage, typeMenu, typeEntered, typeAdded}, ", "), strings.Join([]string{typeClick, typePreview}, ", "))}
}
