package feishu

import (
	"context"
	"errors"

	"slipway"
	"slipway/bot"
)

// Check refuses, with a sentence that says what to change, an approval definition that
// cannot be used. What can only be known of a plan, its levels, is checked when it is
// asked for.
func (a *Approvals) Check(ctx context.Context) error {
	if a.Definition == "" {
		return nil
	}
	d, err := a.read(ctx, a.Definition)
	if err != nil {
		return err
	}
	return d.usable(a.Fields)
}

// probe checks how approvals are set up.
func (a *Approvals) probe(ctx context.Context) []bot.Finding {
	if a == nil {
		return nil
	}
	var found []bot.Finding
	if a.Initiator != "" {
		found = append(found, a.probeInitiator(ctx))
	}
	if a.Definition == "" {
		return append(found, bot.Finding{OK: true, What: slipway.T(
			"Approval definitions are made by Slipway, one for each shape of levels when it is first needed.",
			"审批定义由 Slipway 自动创建：首次用到某种审批级别组合时创建一个。")})
	}
	d, err := a.read(ctx, a.Definition)
	if err == nil {
		err = d.usable(a.Fields)
	}
	if err != nil {
		return append(found, definitionFinding(err))
	}
	return append(found, bot.Finding{OK: true, What: slipway.T("The approval definition %[1]s can be used; its levels: %[2]s.",
		"审批定义 %[1]s 可以使用，审批级别：%[2]s。", d.title(), stepsThere(d.free()))})
}

// definitionFinding tells why a definition cannot be used.
func definitionFinding(err error) bot.Finding {
	mend := slipway.T("Change it in Feishu's approval administration (%[1]s), or name another one in slipway.yaml.",
		"请在飞书审批管理后台（%[1]s）修改，或在 slipway.yaml 中改用其他审批定义。", approvalAdminPage)
	var told *slipway.Error
	if errors.As(err, &told) {
		return bot.Finding{What: told.Text, Mend: mend}
	}
	return bot.Finding{What: slipway.T("The approval definition could not be read: %s", "无法读取审批定义：%s", oneLine(err.Error())), Mend: mend}
}

func (a *Approvals) probeInitiator(ctx context.Context) bot.Finding {
	who, err := a.f.Resolve(ctx, userRef(a.Initiator))
	switch {
	case errors.Is(err, bot.ErrGone):
		return bot.Finding{
			What: slipway.T("Feishu has no account %s, in whose name approvals are asked for.", "飞书中没有账号 %s，无法以其名义发起审批。", a.Initiator),
			Mend: slipway.T("Name the open id of somebody in your organisation, as this app knows it; `@Slipway whoami` shows it.",
				"请填写本企业成员在此应用下的 Open ID，可用“@Slipway 我是谁”查看。"),
		}
	case err != nil || who.Name == "":
		return bot.Finding{OK: true, What: slipway.T("Approvals are asked for in the name of %s.", "以 %s 的名义发起审批。", a.Initiator)}
	}
	return bot.Finding{OK: true, What: slipway.T("Approvals are asked for in the name of %s.", "以 %s 的名义发起审批。", who.Name)}
}
