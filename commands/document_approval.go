package commands

import (
	"encoding/json"
	"fmt"

	"slipway"
)

// approval reads who must approve: so many of some people, or levels of groups.
func (r *reader) approval(v any) *slipway.Approval {
	o, ok := r.object(v, "approval")
	if !ok {
		return nil
	}
	r.keys(o, "approval.", "type", "needed_approvers", "approvers", "levels", "remind_after", "escalate_after", "escalate_to", "expire_after")
	a := &slipway.Approval{Type: slipway.ApprovalType(r.text(o, "type", "approval.")), Needed: 1}
	if a.Type == "" {
		a.Type = slipway.NativeApproval
	}
	if n, ok := r.number(o, "needed_approvers", "approval."); ok {
		a.Needed = int(min(max(n, -1), 1<<20))
	}
	a.Approvers = r.people(o, "approvers", "approval.")
	r.timeRules(o, &a.TimeRules)
	levels, given := o.values["levels"]
	if !given || levels == nil {
		return a
	}
	for _, key := range []string{"approvers", "needed_approvers"} {
		if o.values[key] != nil {
			r.fault("approval."+key, "is not possible beside levels; each group has its own", "不能与 levels 同时使用；每个审批组有各自的设置")
		}
	}
	list := r.list(o, "levels", "approval.")
	if len(list) == 0 && !r.blames("approval.levels") {
		r.fault("approval.levels", "at least one level is expected", "至少需要一级审批")
	}
	r.bad = append(r.bad, "approval.approvers") // they stand in the levels
	for i, x := range list {
		a.Levels = append(a.Levels, r.level(fmt.Sprintf("approval.levels[%d]", i), x))
	}
	return a
}

// timeRules reads what is to happen if the approval does not come.
func (r *reader) timeRules(o object, t *slipway.TimeRules) {
	for key, to := range map[string]*slipway.Period{"remind_after": &t.RemindAfter, "escalate_after": &t.EscalateAfter, "expire_after": &t.ExpireAfter} {
		s := r.text(o, key, "approval.")
		if s == "" {
			continue
		}
		ok := false
		if *to, ok = slipway.ParsePeriod(s); !ok {
			r.fault("approval."+key, "a period from 1m to 90d is expected, for example 4h, or never", "应为 1m 到 90d 之间的时长（例如 4h），或 never")
		}
	}
	if o.values["escalate_to"] != nil {
		t.EscalateTo = r.people(o, "escalate_to", "approval.")
	}
}

func (r *reader) level(at string, v any) slipway.Level {
	var l slipway.Level
	o, ok := r.object(v, at)
	if !ok {
		return l
	}
	r.keys(o, at+".", "name", "groups")
	l.Name = r.text(o, "name", at+".")
	for i, x := range r.list(o, "groups", at+".") {
		l.Groups = append(l.Groups, r.group(fmt.Sprintf("%s.groups[%d]", at, i), x))
	}
	return l
}

func (r *reader) group(at string, v any) slipway.Group {
	g := slipway.Group{Needed: slipway.QuorumAny}
	o, ok := r.object(v, at)
	if !ok {
		return g
	}
	r.keys(o, at+".", "name", "type", "approvers", "needed")
	g.Name = r.text(o, "name", at+".")
	g.Type = slipway.ApprovalType(r.text(o, "type", at+"."))
	g.Approvers, g.From = r.members(o, "approvers", at+".")
	word := ""
	switch needed := o.values["needed"].(type) {
	case nil:
		return g
	case string:
		word = needed
	case json.Number:
		word = needed.String()
	}
	if g.Needed, ok = slipway.ParseQuorum(word); !ok {
		r.fault(at+".needed", "any, all or a number from 1 is expected", "应为 any、all 或大于等于 1 的数字")
	}
	return g
}

// members reads people, and user groups and departments in which they are looked up.
func (r *reader) members(o object, key, prefix string) (people []slipway.PersonRef, from []slipway.Source) {
	people = []slipway.PersonRef{}
	for i, x := range r.list(o, key, prefix) {
		if said, ok := x.(string); ok {
			if s, ok := slipway.ParseSource(said); ok {
				from = append(from, s)
				continue
			}
		}
		people = append(people, r.person(fmt.Sprintf("%s%s[%d]", prefix, key, i), x))
	}
	return people, from
}

func (r *reader) people(o object, key, prefix string) []slipway.PersonRef {
	list := r.list(o, key, prefix)
	people := make([]slipway.PersonRef, 0, len(list))
	for i, x := range list {
		people = append(people, r.person(fmt.Sprintf("%s%s[%d]", prefix, key, i), x))
	}
	return people
}
