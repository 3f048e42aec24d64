package slipway

import (
	"fmt"
	"slices"
)

// checkApproval refuses a rule that contradicts itself.
func (d *Draft) checkApproval(f *Faults) {
	a := d.Approval
	if a == nil {
		return
	}
	switch a.Type {
	case NativeApproval, LarkApproval, DingTalkApproval:
	default:
		f.Add("approval.type", "native, lark or dingtalk is expected, not %q", "应为 native、lark 或 dingtalk，而不是 %q", a.Type)
	}
	a.checkPeriods(f)
	if len(a.Levels) > 0 {
		a.checkLevels(f)
		return
	}
	if len(a.Approvers) == 0 {
		f.Add("approval.approvers", "at least one approver is expected", "至少需要一位审批人")
	}
	checkTwice(f, "approval.approvers", a.Approvers)
	if len(a.Approvers) > MaxPersons {
		tooManyApprovers(f, "approval.approvers")
	}
	if a.Needed < 1 || a.Needed > max(1, len(a.Approvers)) {
		f.Add("approval.needed_approvers", "a number from 1 to %[1]d (the approvers named) is expected, not %[2]d",
			"应为 1 到 %[1]d（审批人数）之间的数字，而不是 %[2]d", max(1, len(a.Approvers)), a.Needed)
	}
}

func checkTwice(f *Faults, path string, people []PersonRef) {
	seen := map[string]bool{}
	for i, x := range people {
		if seen[x.ID] {
			f.Add(fmt.Sprintf("%s[%d]", path, i), "%s is named twice", "%s 重复了", x.Name)
		}
		seen[x.ID] = true
	}
}

func tooManyApprovers(f *Faults, path string) {
	f.Add(path, "at most %d approvers are possible", "最多 %d 位审批人", MaxPersons)
}

func (a *Approval) checkLevels(f *Faults) {
	if len(a.Levels) > MaxLevels {
		f.Add("approval.levels", "at most %[1]d levels are possible; this has %[2]d", "最多 %[1]d 级审批，目前为 %[2]d 级", MaxLevels, len(a.Levels))
	}
	known := map[string]bool{}
	for i := range a.Levels {
		l := &a.Levels[i]
		at := fmt.Sprintf("approval.levels[%d]", i)
		if l.Name != "" {
			checkTitle(f, at+".name", l.Name)
		}
		switch n := len(l.Groups); {
		case n == 0:
			f.Add(at+".groups", "at least one group is expected", "至少需要一个审批组")
		case n > MaxLevels:
			f.Add(at+".groups", "at most %[1]d groups are possible; this has %[2]d", "最多 %[1]d 个审批组，目前为 %[2]d 个", MaxLevels, n)
		}
		before := f.Len()
		for j := range l.Groups {
			l.Groups[j].check(f, fmt.Sprintf("%s.groups[%d]", at, j))
		}
		a.checkOneSystemEach(f, at, l)
		for _, p := range l.people() {
			known[p.ID] = true
		}
		everybody := func(id string) string { return id }
		open := slices.ContainsFunc(l.Groups, func(g Group) bool { return g.open() })
		if n := l.count(everybody); f.Len() == before && !open && n < l.Need() {
			f.Add(at, "its groups take the approvals of %[1]d different people, but only %[2]d can fill them; nobody counts in two groups of a level",
				"该级需要 %[1]d 位不同的审批人，但最多只能有 %[2]d 位；同一级中每人只计入一个审批组", l.Need(), n)
		}
	}
	if len(known) > MaxPersons {
		tooManyApprovers(f, "approval.levels")
	}
}

func (g *Group) check(f *Faults, at string) {
	if g.Name != "" {
		checkTitle(f, at+".name", g.Name)
	}
	switch g.Type {
	case "", NativeApproval, LarkApproval, DingTalkApproval:
	default:
		f.Add(at+".type", "native, lark or dingtalk is expected, not %q", "应为 native、lark 或 dingtalk，而不是 %q", g.Type)
	}
	if len(g.From) > MaxLevels {
		f.Add(at+".approvers", "at most %d user groups and departments are possible", "最多 %d 个用户组和部门", MaxLevels)
	}
	if len(g.Approvers)+len(g.From) == 0 {
		f.Add(at+".approvers", "at least one approver is expected", "至少需要一位审批人")
		return
	}
	checkTwice(f, at+".approvers", g.Approvers)
	if g.open() && (g.Needed == QuorumAll || g.Needed > 0) {
		return // how many there are is known when they are asked
	}
	if n := g.Need(); n < 1 || n > len(g.Approvers) {
		f.Add(at+".needed", "any, all or a number from 1 to %[1]d (the approvers named) is expected, not %[2]d",
			"应为 any、all 或 1 到 %[1]d（审批人数）之间的数字，而不是 %[2]d", len(g.Approvers), n)
	}
}
