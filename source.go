package slipway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Source names people who are looked up where they are kept, when an approval is asked
// for: "slack:S0123" and "slack:@oncall" a user group of Slack by id and by handle,
// "feishu:od-1234" a department of Feishu.
type Source string

var sourceWords = regexp.MustCompile(`^(?:slack:(?:S[A-Z0-9]{2,20}|@[\pL\pN._-]{1,80})|feishu:od-[A-Za-z0-9_-]{1,100})$`)

// ParseSource reads the name of a source; false if it is none.
func ParseSource(s string) (Source, bool) {
	s = strings.TrimSpace(s)
	return Source(s), sourceWords.MatchString(s)
}

// NoPerson refuses the source where a person is expected.
func (s Source) NoPerson() error {
	return Refuse(Invalid, "%[1]s is a group of people, which only the levels of an approval can name: any of %[1]s",
		"%[1]s 是一组人，只能用在审批级别中：任一 %[1]s", s)
}

// Sources lists what has to be looked up before the approval is asked for, once each.
func (a *Approval) Sources() []Source {
	if a == nil {
		return nil
	}
	var out []Source
	for _, l := range a.Levels {
		for _, g := range l.Groups {
			for _, s := range g.From {
				if !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// open tells whether people of the group are still to be looked up.
func (g *Group) open() bool { return len(g.From) > 0 && len(g.Found) == 0 }

// find puts the members of the sources beside the people who are named. Whoever is among
// both stays named. What is wrong then is noted.
func (a *Approval) find(members map[Source][]PersonRef, f *Faults) {
	for i := range a.Levels {
		for j := range a.Levels[i].Groups {
			g := &a.Levels[i].Groups[j]
			at, before := fmt.Sprintf("approval.levels[%d].groups[%d]", i, j), f.Len()
			for _, s := range g.From {
				if len(members[s]) == 0 {
					f.Add(at+".approvers", "%s has nobody who could be asked", "%s 中没有可以审批的人", s)
				}
				for _, p := range members[s] {
					if !g.has(p.ID) {
						g.Approvers, g.Found = append(g.Approvers, p), append(g.Found, p)
					}
				}
			}
			if n := g.Need(); len(g.From) > 0 && f.Len() == before && n > len(g.Approvers) {
				f.Add(at+".needed", "%[1]d approvals are needed, but there are only %[2]d people: %[3]s", "需要 %[1]d 人通过，但只有 %[2]d 人：%[3]s", n, len(g.Approvers), g.Text())
			}
		}
	}
	a.settle()
	for i := range a.Levels {
		a.checkOneSystemEach(f, fmt.Sprintf("approval.levels[%d]", i), &a.Levels[i])
	}
	if len(a.Approvers) > MaxPersons {
		tooManyApprovers(f, "approval.levels")
	}
}

// unfind leaves the people who are named.
func (a *Approval) unfind() {
	for i := range a.Levels {
		for j := range a.Levels[i].Groups {
			g := &a.Levels[i].Groups[j]
			g.Approvers = slices.DeleteFunc(g.Approvers, func(p PersonRef) bool { return slices.Contains(g.Found, p) })
			g.Found = nil
		}
	}
	a.settle()
}

// restore gives the rule back as it was written: places that were passed on are their
// owners', and members who were looked up are looked up anew.
func (a *Approval) restore() {
	if a == nil {
		return
	}
	a.untransfer()
	a.unfind()
}
