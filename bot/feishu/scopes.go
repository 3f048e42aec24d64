package feishu

import (
	"slices"

	"slipway"
)

// Scope is a permission that the app asks for, and what for.
type Scope struct {
	Name string
	For  slipway.Text
	// Spare tells that Slipway works without it, though not as well.
	Spare bool

	wider     []string // names that include it
	approvals bool     // without it plans cannot be approved in Feishu
}

// Scopes are the permissions of the app, those without which nothing works first.
func Scopes() []Scope {
	return []Scope{
		{
			Name: "im:message:send_as_bot", wider: []string{"im:message"},
			For: slipway.T("to post and change cards", "用于发送和更新卡片"),
		},
		{
			Name: "im:message.group_at_msg:readonly", wider: []string{"im:message.group_at_msg", "im:message.group_msg"},
			For: slipway.T("to hear mentions in groups", "用于接收群聊中 @机器人 的消息"),
		},
		{
			Name: "im:message.p2p_msg:readonly", wider: []string{"im:message.p2p_msg"},
			For: slipway.T("to hear direct messages", "用于接收私聊消息"),
		},
		{
			Name: "contact:contact.base:readonly", wider: []string{"contact:contact:readonly_as_app", "contact:contact:access_as_app", "contact:contact:readonly"},
			For: slipway.T("to look people up", "用于查询通讯录"),
		},
		{Name: "contact:user.base:readonly", For: slipway.T("to know people's names", "用于获取用户姓名")},
		{Name: "contact:user.email:readonly", For: slipway.T("to link people's accounts by e-mail", "用于通过邮箱关联账号")},
		{Name: "contact:user.id:readonly", For: slipway.T("to find people by e-mail before they wrote to the bot", "用于在用户联系机器人之前通过邮箱找到其账号")},
		{
			Name: "im:message.urgent", wider: []string{"im:message.urgent:app_send"}, Spare: true,
			For: slipway.T("to remind approvers urgently", "用于催办时发送应用内加急消息"),
		},
		{Name: "im:message.group_msg", Spare: true, For: slipway.T("to hear “lgtm” in the thread of a plan's card", "用于在卡片话题中听到“同意”之类的话")},
		{
			Name: "im:chat.members:bot_access", wider: []string{"im:chat:readonly", "im:chat"}, Spare: true,
			For: slipway.T("to greet a group that the bot is added to", "用于机器人被加入群聊时发送问候"),
		},
		{
			Name: "im:chat.access_event.bot_p2p_chat:read", Spare: true,
			For: slipway.T("to show your page when you open the chat with the bot", "用于打开与机器人的单聊时显示主页"),
		},
		{
			Name: approvalScope, Spare: true, approvals: true,
			For: slipway.T("to have plans approved in Feishu's approval center", "用于在飞书审批中心审批发布计划"),
		},
		{
			Name: "application:application:self_manage", Spare: true,
			For: slipway.T("to let `slipway doctor` check the app's subscriptions", "用于 `slipway doctor` 检查应用的事件和回调订阅"),
		},
	}
}

// in tells whether the permission is among those that were granted.
func (s Scope) in(granted []string) bool {
	return slices.ContainsFunc(append([]string{s.Name}, s.wider...), func(name string) bool { return slices.Contains(granted, name) })
}
