package feishu

import (
	"errors"

	"slipway"
)

// Feishu's codes for approvals.
const (
	codeMarkTaken     = 60012 // there is an instance with this uuid
	codeBadWidget     = 60006
	codeBadParameter  = 1390001
	codeNoDefinition  = 1390002
	codeNoInstance    = 1390003
	codeNoPerson      = 1390004
	codeListening     = 1390007 // is subscribed to already
	codeNotAllowed    = 1390009
	codeFreeProcess   = 1390013
	codeInactive      = 1390015
	codeDeleted       = 1390016
	codeTryLater      = 1395001
	codeNoScope       = 99991672
	approvalScope     = "approval:approval"
	approvalAdminPage = "https://www.feishu.cn/approval/admin/approvalList?devMode=on"
)

// explain says what a refusal of Feishu's means to people, if no repetition would change
// it. Every other error stays as it is. definition is the name of what was asked for.
func explain(err error, definition string) error {
	var e *apiError
	if !errors.As(err, &e) {
		return err
	}
	var r *slipway.Error
	switch e.Code {
	case codeNoDefinition, codeDeleted:
		r = slipway.Refuse(slipway.Unfit,
			"Feishu has no approval definition %s (any more). Ask an administrator of Slipway to name another one.",
			"飞书中没有审批定义 %s（可能已被删除）。请联系 Slipway 管理员改用其他审批定义。", definition)
	case codeInactive:
		r = slipway.Refuse(slipway.Unfit,
			"The approval definition %s is switched off. Ask a Feishu administrator to switch it on, then submit again.",
			"审批定义 %s 已停用。请联系飞书管理员启用，然后重新提交。", definition)
	case codeFreeProcess:
		r = slipway.Refuse(slipway.Unfit,
			"The approval definition %s lets people make up its process, which Feishu does not support here. Ask an administrator of Slipway to name another one.",
			"审批定义 %s 使用自由流程，飞书接口不支持。请联系 Slipway 管理员改用其他审批定义。", definition)
	case codeNoPerson:
		r = slipway.Refuse(slipway.Unfit,
			"Feishu does not know one of the accounts any more. Ask the approvers, and who asks, to write to the bot in Feishu once, then submit again.",
			"飞书中找不到其中某个账号。请发起人和审批人在飞书中给机器人发一条消息，然后重新提交。")
	case codeNotAllowed, codeNoScope:
		r = slipway.Refuse(slipway.Unfit,
			"The app may not do this in Feishu's approvals: the permission %s is missing, or the definition %s does not allow it. Ask an administrator.",
			"应用没有相应的飞书审批权限：未开通 %s，或审批定义 %s 不允许此操作。请联系管理员。", approvalScope, definition)
	case codeBadParameter, codeBadWidget:
		r = slipway.Refuse(slipway.Unfit,
			"Feishu does not take what was filled into the approval definition %[1]s: %[2]s Ask an administrator of Slipway to check the definition's form.",
			"飞书不接受填入审批定义 %[1]s 的内容：%[2]s 请联系 Slipway 管理员检查审批表单。", definition, shorten(oneLine(printable(e.Msg)), 200))
	default:
		return err
	}
	return r.Because(err)
}
