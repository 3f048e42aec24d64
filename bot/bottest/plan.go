package bottest

import (
	"fmt"
	"strings"

	"slipway"
)

// HugePlan is a plan under way of many items, one of which runs a workflow for many
// services. Its names have 300 characters, of right-to-left text and emoji too, and try to
// format and to mention everybody.
func HugePlan(items, services int) *slipway.Plan {
	names := []string{
		strings.Repeat("<!channel> **bold** <at id=all></at> ", 10), strings.Repeat("שלום עולם ", 40), strings.Repeat("👩🏽‍🚀🚢", 60), strings.Repeat("支付服务发布", 60),
	}
	name := func(i int) string { return string([]rune(fmt.Sprintf("%03d ", i) + names[i%len(names)])[:300]) }
	alice := slipway.PersonRef{ID: "0123456789abcdef00000001", Name: name(0)}
	p := &slipway.Plan{
		ID: "0123456789abcdef01234567", Index: 12, Version: 3, Seq: 7, Name: name(1), Phase: slipway.PhaseExecuting,
		Manager: alice, Creator: alice, Editor: alice, Description: strings.Repeat("# Why\n\n* "+name(2)+"\n\n", 300),
		Approval: &slipway.Approval{Type: slipway.NativeApproval, Needed: 1, Result: slipway.ApprovalPassed},
		Last:     slipway.LastMove{Verb: slipway.VerbApprove, By: name(3), At: 1795521600},
	}
	for i := range 50 {
		who := slipway.PersonRef{ID: fmt.Sprintf("%024x", i), Name: name(i)}
		p.Approval.Approvers = append(p.Approval.Approvers, who)
		p.Approval.Votes = append(p.Approval.Votes, slipway.Vote{By: who, Approve: true, Comment: name(i), At: 1795521600})
	}
	for i := range items {
		it := &slipway.Item{
			ID: fmt.Sprintf("%024x", 1000+i), Name: name(i), Owner: alice, Type: slipway.TextItem, Status: slipway.Todo,
			Text: &slipway.TextSpec{Content: strings.Repeat(name(i), 20)},
		}
		if i%3 == 2 {
			it.Status, it.ExecutedBy, it.ExecutedTime, it.Remark = slipway.Done, name(3), 1795521600, name(i)
		}
		p.Items = append(p.Items, it)
	}
	params := map[string]string{}
	for i := range services {
		params[fmt.Sprintf("SERVICE_%03d", i)] = name(i)
	}
	p.Items[0].Type, p.Items[0].Text = slipway.WorkflowItem, nil
	p.Items[0].Workflow = &slipway.WorkflowSpec{Engine: "local", Project: name(3), Name: name(1), Params: params}
	return p
}
