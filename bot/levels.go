package bot

import (
	"regexp"
	"strconv"
	"strings"

	"slipway"
)

// Levels are typed as "any of bob, carol; then lark: all of dave, erin": levels between
// semicolons; groups of a level between plus signs, each with how many of it, and in front
// where it is asked, if not where the approval says.
var (
	quorumOf  = regexp.MustCompile(`(?is)^(?:(any|all|[\d０-９]{1,3})\s+of|(任一|任意一人|全部|所有人)|([\d０-９]{1,3})\s*人)(?:\s*[:：]\s*|\s+)(.+)$`)
	systemOf  = regexp.MustCompile(`(?is)^(native|slipway|chat|站内|lark|feishu|飞书|dingtalk|钉钉)\s*[:：]\s*(.+)$`)
	thenMark  = regexp.MustCompile(`(?is)^(?:then\s+|(?:再|然后|之后)\s*[,，:：]?\s*)`)
	levelMark = regexp.MustCompile(`[;；]`)
	groupMark = regexp.MustCompile(`\s[+＋]\s`)
)

// saysLevels tells whether a text begins as levels do, rather than with a person.
func saysLevels(s string) bool {
	_, s = system(trim(s))
	return quorumOf.MatchString(s)
}

// system takes from a group in front where it is asked, "" if that is not said.
func system(words string) (slipway.ApprovalType, string) {
	m := systemOf.FindStringSubmatch(words)
	if m == nil {
		return "", words
	}
	t := slipway.NativeApproval
	switch fold(m[1]) {
	case "lark", "feishu", "飞书":
		t = slipway.LarkApproval
	case "dingtalk", "钉钉":
		t = slipway.DingTalkApproval
	}
	return t, trim(m[2])
}

// levels reads levels as they are typed.
func (a *answers) levels(text string) []slipway.Level {
	var levels []slipway.Level
	for _, part := range levelMark.Split(text, -1) {
		part = trim(thenMark.ReplaceAllString(trim(part), ""))
		if part == "" {
			continue
		}
		var l slipway.Level
		for _, words := range groupMark.Split(part, -1) {
			l.Groups = append(l.Groups, a.group(trim(words)))
		}
		levels = append(levels, l)
	}
	if len(levels) == 0 {
		a.Add("approval.levels", "at least one level is expected", "至少需要一级审批")
	}
	return levels
}

func (a *answers) group(words string) slipway.Group {
	g := slipway.Group{Needed: slipway.QuorumAny, Approvers: []slipway.PersonRef{}}
	g.Type, words = system(words)
	m := quorumOf.FindStringSubmatch(words)
	if m == nil {
		a.Add("approval.levels", "any of, all of or a number of people is expected, not %q; for example: any of bob, carol; then all of dave, erin",
			"应为“任一”“全部”或“N人”加上人员，而不是 %q；例如：任一 bob、carol；再 全部 dave、erin", shorten(oneLine(words), 80))
		return g
	}
	switch word := fold(m[1] + m[2] + m[3]); word {
	case "any", "任一", "任意一人":
	case "all", "全部", "所有人":
		g.Needed = slipway.QuorumAll
	default:
		n, _ := strconv.Atoi(word) // digits, as the pattern says; the plan refuses a 0
		g.Needed = slipway.Quorum(n)
	}
	for _, name := range list(m[4]) {
		if s, ok := slipway.ParseSource(name); ok {
			g.From = append(g.From, s)
			continue
		}
		if p := a.person("approval.levels", name); p.ID != "" {
			g.Approvers = append(g.Approvers, p)
		}
	}
	return g
}

// setLevels gives a draft levels in place of what it asked. One group alone is the simple
// rule; names of levels and groups stay where their number does.
func setLevels(d *slipway.Draft, levels []slipway.Level) {
	next := &slipway.Approval{Type: slipway.NativeApproval}
	var old []slipway.Level
	if d.Approval != nil {
		next.Type, next.TimeRules, old = d.Approval.Type, d.Approval.TimeRules, d.Approval.Levels
	}
	d.Approval = next
	if len(old) == 0 && len(levels) == 1 && len(levels[0].Groups) == 1 && len(levels[0].Groups[0].From) == 0 {
		g := levels[0].Groups[0]
		next.Approvers, next.Needed = g.Approvers, g.Need()
		if g.Type != "" {
			next.Type = g.Type
		}
		return
	}
	for i := range levels {
		if len(levels) != len(old) {
			break
		}
		levels[i].Name = old[i].Name
		for j := range levels[i].Groups {
			if len(levels[i].Groups) == len(old[i].Groups) {
				levels[i].Groups[j].Name = old[i].Groups[j].Name
			}
		}
	}
	next.Levels = levels
}

// typedLevels writes levels as they are typed.
func typedLevels(levels []slipway.Level, lang slipway.Lang) string {
	var typed []string
	for i := range levels {
		groups := make([]string, len(levels[i].Groups))
		for j := range levels[i].Groups {
			groups[j] = typedGroup(&levels[i].Groups[j]).In(lang)
		}
		typed = append(typed, strings.Join(groups, " + "))
	}
	return strings.Join(typed, slipway.T("; then ", "；再 ").In(lang))
}

func typedGroup(g *slipway.Group) slipway.Text {
	people := make([]slipway.PersonRef, len(g.Approvers))
	for i, p := range g.Approvers {
		people[i] = p
		if strings.ContainsAny(p.Name, ",，、;；+＋") {
			people[i].Name = p.ID
		}
	}
	for _, s := range g.From {
		people = append(people, slipway.PersonRef{Name: string(s)})
	}
	in := slipway.Text{}
	switch g.Type {
	case slipway.LarkApproval:
		in = slipway.T("lark: ", "飞书：")
	case slipway.DingTalkApproval:
		in = slipway.T("dingtalk: ", "钉钉：")
	case slipway.NativeApproval:
		in = slipway.T("native: ", "站内：")
	}
	switch names := personList(people); g.Needed {
	case slipway.QuorumAll:
		return slipway.T("%[1]sall of %[2]s", "%[1]s全部 %[2]s", in, names)
	case slipway.QuorumAny:
		return slipway.T("%[1]sany of %[2]s", "%[1]s任一 %[2]s", in, names)
	default:
		return slipway.T("%[1]s%[2]d of %[3]s", "%[1]s%[2]d人 %[3]s", in, int(g.Needed), names)
	}
}
