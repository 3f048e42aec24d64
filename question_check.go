package slipway

import (
	"fmt"
	"slices"
)

// checkOneSystemEach refuses a level that names somebody twice if one of the groups is
// asked elsewhere: other systems do not know that nobody counts in two groups.
func (a *Approval) checkOneSystemEach(f *Faults, at string, l *Level) {
	for j := range l.Groups {
		for k := range j {
			g, before := &l.Groups[j], &l.Groups[k]
			if !a.typeOf(g).Outside() && !a.typeOf(before).Outside() {
				continue
			}
			for n, x := range g.Approvers {
				if before.has(x.ID) {
					f.Add(fmt.Sprintf("%s.groups[%d].approvers[%d]", at, j, n),
						"%[1]s stands in two groups of this level; with approvals in %[2]s each person may stand in one of them only",
						"%[1]s 出现在该级的两个审批组中；使用%[2]s审批时，同一级中每人只能在一个审批组", x.Name, a.outsideOf(g, before).Text())
				}
			}
		}
	}
}

// outsideOf returns the other system in which one of two groups is asked.
func (a *Approval) outsideOf(g, h *Group) ApprovalType {
	if t := a.typeOf(g); t.Outside() {
		return t
	}
	return a.typeOf(h)
}

// checkAble refuses a rule that those who may decide cannot fulfil.
func (p *Plan) checkAble(f *Faults, rules *Rules) {
	a := p.Approval
	rule := a.Rule()
	var missing []ApprovalType
	for i := range rule {
		l := a.here(&rule[i])
		able := l.count(func(id string) string { return p.decider(id, rules) })
		switch {
		case able >= l.Need():
		case len(a.Levels) > 0:
			f.Add(fmt.Sprintf("approval.levels[%d]", i),
				"approvals needed: %[1]d, possible: %[2]d; nobody approves a plan that they manage, created or edited last, and nobody counts in two groups of a level",
				"该级需要 %[1]d 人审批，但最多只有 %[2]d 人可以审批：负责人、创建者和最后编辑者不能审批自己的发布计划，同一级中每人只计入一个审批组",
				l.Need(), able)
		default:
			f.Add("approval.approvers",
				"approvals needed: %[1]d, approvers who may decide: %[2]d; nobody approves a plan that they manage, created or edited last",
				"需要 %[1]d 人审批，但只有 %[2]d 位审批人可以审批：负责人、创建者和最后编辑者不能审批自己的发布计划", l.Need(), able)
		}
		for j := range rule[i].Groups {
			g, at := &rule[i].Groups[j], "approval."
			if len(a.Levels) > 0 {
				at = fmt.Sprintf("approval.levels[%d].groups[%d].", i, j)
			}
			t := a.typeOf(g)
			switch {
			case !t.Outside():
			case !slices.Contains(rules.Outside, t):
				if !slices.Contains(missing, t) {
					missing = append(missing, t)
					notSetUp(f, at+"type", t)
				}
			default:
				p.checkNode(f, rules, at, g, t)
			}
		}
	}
}

// notSetUp refuses an approval system that is not configured, and says how it would be.
func notSetUp(f *Faults, at string, t ApprovalType) {
	f.Add(at, "approval in %[1]s is not set up here; choose native, or an operator sets up approvals.%[2]s in slipway.yaml",
		"此处未配置%[1]s审批。请选择 native，或由运维人员在 slipway.yaml 中配置 approvals.%[2]s", t.Text(), t)
}

// checkNode refuses a group that cannot be a node of the other system, which knows only
// any and all, and cannot tell who may not decide.
func (p *Plan) checkNode(f *Faults, rules *Rules, at string, g *Group, t ApprovalType) {
	needed, may := at+"needed", 0
	if at == "approval." {
		needed = "approval.needed_approvers"
	}
	for _, x := range g.Approvers {
		if p.mayDecide(x.ID, rules) {
			may++
		}
	}
	switch n := g.Need(); {
	case n > 1 && n < len(g.Approvers):
		f.Add(needed, "%[1]s knows any or all approvers, not %[2]d of %[3]d; choose one of both, or native",
			"%[1]s审批只支持任一或全部审批人，不支持 %[3]d 人中的 %[2]d 人；请改为任一或全部，或选择 native", t.Text(), n, len(g.Approvers))
	case may < n:
		f.Add(at+"approvers", "approvals needed: %[1]d, approvers who may decide: %[2]d; nobody approves a plan that they manage, created or edited last",
			"需要 %[1]d 人审批，但只有 %[2]d 位审批人可以审批：负责人、创建者和最后编辑者不能审批自己的发布计划", n, may)
	}
}
