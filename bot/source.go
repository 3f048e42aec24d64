package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"slipway"
)

// Grouper is a platform with groups of people that the rule of an approval may name.
type Grouper interface {
	// Members lists the accounts of people in a group: on Slack a user group by id or
	// "@handle", on Feishu a department. It fails with ErrGone if there is no such group,
	// or none that the bot may see.
	Members(ctx context.Context, group string) ([]UserRef, error)
}

// Members implements commands.Sources: it asks the platform that the source names.
// Accounts that are new become users, as if they had written to the bot.
func (b *Bot) Members(ctx context.Context, s slipway.Source) ([]slipway.PersonRef, error) {
	name, group, _ := strings.Cut(string(s), ":")
	id := PlatformID(name)
	grouper, ok := b.platforms[id].(Grouper)
	if !ok {
		return nil, slipway.Refuse(slipway.Unfit, "%[1]s cannot be looked up: %[2]s is not connected here. Connect it, or name people instead.",
			"无法查询 %[1]s：此处未连接%[2]s。请先连接，或直接填写人员。", s, PlatformText(id))
	}
	refs, err := grouper.Members(ctx, group)
	switch {
	case errors.Is(err, ErrGone):
		return nil, slipway.Refuse(slipway.Unfit, "There is no %[1]s in %[2]s that Slipway may see. Correct it with `approvers`, or let Slipway see it.",
			"%[2]s中没有 Slipway 可见的 %[1]s。请用“审批人”更正，或授权 Slipway 查看。", s, PlatformText(id)).Because(err)
	case err != nil:
		return nil, slipway.Refuse(slipway.Unavailable, "%[2]s cannot tell at the moment who is in %[1]s, so the plan is not submitted. Try again in a minute.",
			"%[2]s暂时无法查询 %[1]s 的成员，计划未提交，请稍后重试。", s, PlatformText(id)).Because(err)
	}
	var people []slipway.PersonRef
	for _, ref := range refs {
		u, err := b.userOf(ctx, ref)
		if stranger := (*strangerError)(nil); errors.As(err, &stranger) {
			return nil, slipway.Refuse(slipway.Unfit,
				"%[1]s, who is in %[2]s, has no Slipway user yet. Ask them to write to Slipway once, then submit again.",
				"%[2]s 中的 %[1]s 还没有 Slipway 用户，请先让对方给 Slipway 发一条消息，再重新提交。", stranger.account.Name, s)
		}
		if slipway.CodeOf(err) == slipway.NotFound {
			continue // the account is gone, though the group still has it
		}
		if err != nil {
			return nil, fmt.Errorf("look up member %s: %w", ref.ID, err)
		}
		if !slices.Contains(people, u.Ref()) {
			people = append(people, u.Ref())
		}
	}
	return people, nil
}
