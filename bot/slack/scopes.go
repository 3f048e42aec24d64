package slack

import "slipway"

// Scope is a permission that the app asks for, and what for.
type Scope struct {
	Name string
	For  slipway.Text
}

// Scopes are the bot scopes of the app, in the order of the manifest.
func Scopes() []Scope {
	return []Scope{
		{"commands", slipway.T("the slash command and the shortcuts", "斜杠命令和快捷方式")},
		{"chat:write", slipway.T("posting cards and keeping them up to date", "发送卡片并保持更新")},
		{"chat:write.public", slipway.T("posting in public channels that the bot was not invited to", "在未邀请机器人的公开频道中发消息")},
		{"app_mentions:read", slipway.T("hearing when the bot is mentioned", "接收提及机器人的消息")},
		{"channels:history", slipway.T("hearing “lgtm” in a plan's thread, and finding again what was posted", "听到发布计划话题中的“同意”等回复，并找回已发送的消息")},
		{"groups:history", slipway.T("the same in private channels", "在私有频道中同上")},
		{"im:history", slipway.T("direct messages to the bot", "接收发给机器人的私信")},
		{"im:write", slipway.T("direct messages from the bot", "由机器人发送私信")},
		{"users:read", slipway.T("people's names, languages and time zones", "人员的姓名、语言和时区")},
		{"users:read.email", slipway.T("linking Slack accounts to Slipway users by e-mail", "按邮箱将 Slack 账号与 Slipway 用户关联")},
		{"usergroups:read", slipway.T("looking up the members of user groups that approve", "查询作为审批人的用户组成员")},
		{"links:read", slipway.T("seeing links to plans", "识别发布计划的链接")},
		{"links:write", slipway.T("showing a card below them", "在链接下方显示卡片")},
	}
}

// AppScope is the permission of the app token.
const AppScope = "connections:write"
