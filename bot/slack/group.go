package slack

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"slipway/bot"
)

// Members implements bot.Grouper: the people of a user group, by its id or "@handle".
func (s *Slack) Members(ctx context.Context, group string) ([]bot.UserRef, error) {
	if handle, ok := strings.CutPrefix(group, "@"); ok {
		id, err := s.groupByHandle(ctx, handle)
		if err != nil {
			return nil, err
		}
		group = id
	}
	var accounts []string
	err := s.call(ctx, "usergroups.users.list", "", func(ctx context.Context) (err error) {
		accounts, err = s.api.GetUserGroupMembersContext(ctx, group)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list user group: %w", err)
	}
	refs := make([]bot.UserRef, len(accounts))
	for i, a := range accounts {
		refs[i] = bot.UserRef{Platform: bot.Slack, ID: a}
	}
	return refs, nil
}

// groupByHandle finds the id of a user group. Handles may be changed, ids stay.
func (s *Slack) groupByHandle(ctx context.Context, handle string) (string, error) {
	var groups []slack.UserGroup
	err := s.call(ctx, "usergroups.list", "", func(ctx context.Context) (err error) {
		groups, err = s.api.GetUserGroupsContext(ctx)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("find user group: %w", err)
	}
	for _, g := range groups {
		if strings.EqualFold(g.Handle, handle) && g.DateDelete == 0 {
			return g.ID, nil
		}
	}
	return "", fmt.Errorf("find user group %s: %w", handle, bot.ErrGone)
}
