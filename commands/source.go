package commands

import (
	"context"
	"fmt"

	"slipway"
)

// members looks up the people of the sources that the approval of a plan names. A plan
// that may not be submitted anyway is left to the transition.
func (c *Commands) members(ctx context.Context, ask Ask, p *slipway.Plan) (map[slipway.Source][]slipway.PersonRef, error) {
	sources := p.Approval.Sources()
	if len(sources) == 0 {
		return nil, nil
	}
	if _, dry := p.Clone().Submit(c.request(ask), nil); dry != nil && slipway.CodeOf(dry) != slipway.Unfit {
		return nil, nil
	}
	members := make(map[slipway.Source][]slipway.PersonRef, len(sources))
	for _, s := range sources {
		if c.Sources == nil {
			return nil, slipway.Refuse(slipway.Unfit, "%s cannot be looked up here: no chat is connected. Name people instead.",
				"此处未连接聊天平台，无法查询 %s，请直接填写人员。", s)
		}
		people, err := c.Sources.Members(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("submit plan: look up %s: %w", s, err)
		}
		members[s] = people
	}
	return members, nil
}
