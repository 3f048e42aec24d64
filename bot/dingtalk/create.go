package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"slipway"
	"slipway/bot"
)

// maxNodes is how many steps an approval has at most.
const maxNodes = 20

// start is the request for an instance.
type start struct {
	ProcessCode string      `json:"processCode"`
	Originator  string      `json:"originatorUserId"`
	Dept        int64       `json:"deptId,omitempty"`
	Approvers   []approvers `json:"approvers"`
	Form        []fill      `json:"formComponentValues"`
}

// approvers are who decides in one step.
type approvers struct {
	Action  string   `json:"actionType"`
	UserIDs []string `json:"userIds"`
}

// Create implements bot.Approvals. DingTalk promises nothing about a repetition.
func (d *DingTalk) Create(ctx context.Context, q bot.Question) (string, error) {
	originator, err := d.originator(q)
	if err != nil {
		return "", err
	}
	nodes, err := d.nodes(q)
	if err != nil {
		return "", err
	}
	form, err := d.form(ctx)
	if err != nil {
		return "", told(err)
	}
	if wrong := d.misfits(form); wrong != nil {
		return "", misfit(wrong)
	}
	in := start{ProcessCode: d.Definition, Originator: originator, Dept: d.Dept, Approvers: nodes, Form: d.fills(form, q)}
	var out struct {
		InstanceID string `json:"instanceId"`
	}
	if err := d.call(ctx, http.MethodPost, pathInstance, nil, in, &out); err != nil {
		return "", told(fmt.Errorf("ask for approval in DingTalk: %w", err))
	}
	if out.InstanceID == "" {
		return "", errors.New("ask for approval in DingTalk: the answer has no instanceId")
	}
	return out.InstanceID, nil
}

// originator returns the account in whose name a question is asked.
func (d *DingTalk) originator(q bot.Question) (string, error) {
	if d.Originator != "" {
		return d.Originator, nil
	}
	if account := d.Account(q.Asker); account != "" {
		return account, nil
	}
	return "", slipway.Refuse(slipway.Unfit,
		"%s has no DingTalk account that Slipway knows of, so DingTalk cannot be asked in their name. An admin can link the account, or name an account that asks for everybody.",
		"Slipway 不知道 %s 的钉钉账号，无法以其名义发起钉钉审批。请管理员关联该账号，或配置统一的发起人。", q.Asker.Name)
}

// nodes writes the steps of a question as DingTalk's. It refuses what DingTalk would
// refuse, or take for something else.
func (d *DingTalk) nodes(q bot.Question) ([]approvers, error) {
	if n := len(q.Nodes); n == 0 || n > maxNodes {
		return nil, slipway.Refuse(slipway.Unfit, "DingTalk takes 1 to %[1]d steps of approval, not %[2]d. Change the levels of the plan's approval.",
			"钉钉审批支持 1 到 %[1]d 个节点，当前为 %[2]d 个。请调整计划的审批层级。", maxNodes, n)
	}
	asked := map[string]bool{}
	var nodes []approvers
	for _, node := range q.Nodes {
		a := approvers{Action: "OR"}
		if node.All {
			a.Action = "AND"
		}
		for _, u := range node.Approvers {
			account := d.Account(u)
			switch {
			case account == "":
				return nil, slipway.Refuse(slipway.Unfit, "%s has no DingTalk account that Slipway knows of. An admin can link it, or choose another approver.",
					"Slipway 不知道 %s 的钉钉账号。请管理员关联该账号，或更换审批人。", u.Name)
			case asked[account]:
				return nil, slipway.Refuse(slipway.Unfit, "DingTalk asks a person only once, and %s is to approve twice. Leave them in one level.",
					"钉钉审批中每人只能出现一次，而 %s 需要审批两次。请只保留在一个层级中。", u.Name)
			}
			asked[account] = true
			a.UserIDs = append(a.UserIDs, account)
		}
		switch len(a.UserIDs) {
		case 0:
			return nil, slipway.Refuse(slipway.Unfit, "Nobody is asked in the level “%s”. Add an approver.", "审批层级“%s”没有审批人，请添加。", node.Name)
		case 1:
			a.Action = "NONE"
		}
		nodes = append(nodes, a)
	}
	return nodes, nil
}

// misfit is the refusal to ask with a form that does not fit.
func misfit(wrong []slipway.Text) error {
	return slipway.Refuse(slipway.Unfit, "The form of the approval in DingTalk does not fit: %s. An admin of DingTalk can put it right, or `slipway doctor` says how to name the fields anew.",
		"钉钉审批表单不匹配：%s。请钉钉管理员修改表单，或用 `slipway doctor` 查看如何重新配置控件名称。", slipway.JoinTexts(wrong))
}

// told turns a refusal that no repetition will change into one for people.
func told(err error) error {
	var e *apiError
	if !errors.As(err, &e) || !e.forGood() {
		return err
	}
	return refusal(e).Because(err)
}

// refusal says in words for people what DingTalk refuses.
func refusal(e *apiError) *slipway.Error {
	switch {
	case e.Code == codeSecret || e.Code == codeToken:
		return slipway.Refuse(slipway.Unfit, "DingTalk does not take the app's key and secret. An admin has to enter them again.",
			"钉钉拒绝了应用的 AppKey 和 AppSecret，请管理员重新配置。")
	case e.Code == codeDenied && len(e.Scopes) > 0:
		return slipway.Refuse(slipway.Unfit, "The app lacks the permission %s in DingTalk. An admin can add it in the developer console.",
			"钉钉应用缺少权限 %s，请管理员在开发者后台开通。", scopes(e))
	case e.Code == codeDenied || slices.Contains(codesForbidden, e.Code):
		return slipway.Refuse(slipway.Unfit, "The app may not do this in DingTalk. An admin can add the permissions for OA approvals in the developer console.",
			"钉钉应用没有操作权限，请管理员在开发者后台开通 OA 审批相关权限。")
	case e.Code == codeAddress:
		return slipway.Refuse(slipway.Unfit, "DingTalk does not take calls from Slipway's address. An admin can add it to the app's outgoing IP addresses.",
			"Slipway 的出口 IP 不在钉钉应用的白名单中，请管理员添加。")
	case slices.Contains(codesPeople, e.Code):
		return slipway.Refuse(slipway.Unfit, "DingTalk does not know one of the people: who asks or an approver has left, or the department is not theirs. An admin can name it with SLIPWAY_DINGTALK_DEPT.",
			"钉钉不认识其中的人员：发起人或审批人可能已离职，或发起部门不正确。管理员可通过 SLIPWAY_DINGTALK_DEPT 指定发起部门。")
	case slices.Contains(codesDefinition, e.Code):
		return slipway.Refuse(slipway.Unfit, "The approval does not exist in DingTalk any more, or is switched off. An admin can switch it on, or choose another.",
			"钉钉中的审批模板已被删除或停用，请管理员启用或更换模板。")
	case slices.Contains(codesForm, e.Code):
		return slipway.Refuse(slipway.Unfit, "DingTalk does not take what is in the form: %s", "钉钉表单校验失败：%s", oneLine(e.Msg, 200))
	}
	return slipway.Refuse(slipway.Unfit, "DingTalk refuses the approval: %[1]s (%[2]s)", "钉钉拒绝了该审批：%[1]s（%[2]s）", oneLine(e.Msg, 200), oneLine(e.Code, 100))
}

func scopes(e *apiError) slipway.Text {
	var list []slipway.Text
	for _, s := range e.Scopes {
		list = append(list, slipway.T(oneLine(s, 80), oneLine(s, 80)))
	}
	return slipway.JoinTexts(list)
}
