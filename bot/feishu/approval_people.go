package feishu

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"slipway"
	"slipway/bot"
)

// askedNode is a step with the accounts of its approvers.
type askedNode struct {
	name     string
	accounts []string // open ids
	names    []string // of people, as the accounts
	all      bool     // it takes all of several
}

// people finds the account in whose name is asked, and those of all who are asked.
func (a *Approvals) people(ctx context.Context, q bot.Question) (from string, nodes []askedNode, err error) {
	var missing []slipway.Text
	for i, n := range q.Nodes {
		node := askedNode{name: n.Name}
		for _, u := range n.Approvers {
			account, err := a.account(ctx, u)
			switch {
			case err != nil:
				return "", nil, err
			case account == "":
				missing = append(missing, slipway.T(u.Name, u.Name))
			case !slices.Contains(node.accounts, account):
				node.accounts = append(node.accounts, account)
				node.names = append(node.names, u.Name)
			}
		}
		if len(n.Approvers) == 0 {
			return "", nil, slipway.Refuse(slipway.Unfit, "Level %d of the approval names nobody. Add approvers, then submit again.",
				"第 %d 级审批没有审批人，请添加后重新提交。", i+1)
		}
		node.all = n.All && len(node.accounts) > 1
		nodes = append(nodes, node)
	}
	if len(missing) > 0 {
		return "", nil, slipway.Refuse(slipway.Unfit,
			"No Feishu account is known of %s. Ask them to write to the bot in Feishu once, or name other approvers, then submit again.",
			"找不到以下审批人的飞书账号：%s。请对方在飞书中给机器人发一条消息，或更换审批人，然后重新提交。", slipway.JoinTexts(missing))
	}
	if a.Initiator != "" {
		return a.Initiator, nodes, nil
	}
	from, err = a.account(ctx, q.Asker)
	if err == nil && from == "" {
		err = slipway.Refuse(slipway.Unfit,
			"No Feishu account is known of %s, in whose name Feishu is asked. Write to the bot in Feishu once, then submit again.",
			"找不到发起人 %s 的飞书账号。请在飞书中给机器人发一条消息，然后重新提交。", q.Asker.Name)
	}
	return from, nodes, err
}

// account is somebody's open id: the one that is linked, or the one with their e-mail
// address; "" if there is none.
func (a *Approvals) account(ctx context.Context, u slipway.User) (string, error) {
	if u.FeishuOpenID != "" || u.Email == "" {
		return u.FeishuOpenID, nil
	}
	ref, err := a.f.Find(ctx, u.Email)
	if err != nil && !errors.Is(err, bot.ErrGone) {
		return "", fmt.Errorf("find %s: %w", u.ID, err)
	}
	return ref.ID, nil
}
