package bot

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"slipway"
)

// sprintValue names a sprint in a menu and in what is typed: "PAY 42".
func sprintValue(s slipway.Sprint) string { return fmt.Sprintf("%s %d", s.ProjectKey, s.SprintID) }

var sprintNumber = regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9_]*)[\s/#:]*)?#?(\d{1,18})$`)

// readSprint reads a sprint that is named by its number; the project may be left out.
func readSprint(said string) (slipway.Sprint, bool) {
	m := sprintNumber.FindStringSubmatch(trim(strings.Map(foldRune, said)))
	if m == nil {
		return slipway.Sprint{}, false
	}
	id, err := strconv.ParseInt(m[2], 10, 64)
	return slipway.Sprint{ProjectKey: strings.ToUpper(m[1]), SprintID: id}, err == nil && id > 0
}

// Sprints implements SprintChooser: the sprints whose project, board or name contain the text.
func (b *Bot) Sprints(ctx context.Context, text string) ([]Option, error) {
	found, err := b.Commands.SearchSprints(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("search sprints: %w", err)
	}
	out := make([]Option, 0, len(found))
	for i := range found {
		if s := found[i]; s.ProjectKey != "" {
			out = append(out, Option{Value: sprintValue(s.Sprint), Label: sprintLabel(s)})
		}
	}
	return out, nil
}

// sprintLabel is the same in both languages, because menus of platforms are made for nobody
// in particular.
func sprintLabel(s slipway.SprintLook) string {
	label := s.ProjectKey + " · " + s.SprintName + " · #" + strconv.FormatInt(s.SprintID, 10)
	if s.State != "" {
		label += " (" + s.State + ")"
	}
	return label
}

// sprintsField asks for the sprints. What can be chosen is there as far as Jira answers at
// once; what was chosen before always is.
func (a Asker) sprintsField(j *slipway.JiraAssociation) []Field {
	if a.Sprints == nil {
		return nil
	}
	f := Field{
		Name: SprintsField, Kind: ChoicesField, Label: a.say(slipway.T("Sprints", "需求关联")), Max: slipway.MaxSprints,
		Hint: a.say(slipway.T("Jira sprints with the requirements that this release brings. Closed ones: type “sprints #plan add PAY 42”.",
			"本次发布所包含需求的 Jira 冲刺。已关闭的冲刺请输入“关联需求 #计划 添加 PAY 42”。")),
	}
	var err error
	if f.Options, err = a.Sprints(); err != nil {
		f.Hint = a.say(slipway.T("Jira does not answer right now: only what is linked already can be chosen. The plan need not wait for that.",
			"Jira 暂时没有应答，只能选择已关联的冲刺；不影响发布计划继续。"))
	}
	for _, s := range j.List() {
		f.Value = append(f.Value, sprintValue(s))
		if !slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == sprintValue(s) }) {
			f.Options = append(f.Options, Option{Value: sprintValue(s), Label: s.Title()})
		}
	}
	return []Field{f}
}

func notConnected() error {
	return slipway.Refuse(slipway.Unavailable, "Jira is not connected here, so there is nothing to choose from. A sprint can still be named by its number, for example: sprints #12 add PAY 42",
		"尚未连接 Jira，没有可选的冲刺；仍可用编号关联，例如：关联需求 #12 添加 PAY 42")
}

// SprintsForm asks for the sprints behind a plan.
func (a Asker) SprintsForm(p *slipway.Plan) Form {
	f := a.planForm(FormSprints, p, slipway.T("Sprints of %s", "%s 的需求关联", planNumber(p)), slipway.T("Save", "保存"))
	f.Fields = a.sprintsField(p.Jira)
	return f
}

// sprints reads the sprints that were chosen, or typed one after the other. was is what the
// plan has; those are not asked about again.
func (a *answers) sprints(vals Values, was *slipway.JiraAssociation) change {
	var said []string
	for _, v := range vals[SprintsField] {
		if isNone(v) {
			continue
		}
		for _, one := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(",，、;；", r) }) {
			if one = unquote(trim(one)); one != "" {
				said = append(said, one)
			}
		}
	}
	j := &slipway.JiraAssociation{Sprints: []slipway.Sprint{}}
	for i, one := range said {
		s, _, err := a.b.findSprint(a.ctx, was, one)
		if err != nil {
			if isInternal(err) {
				a.err = err
			}
			a.Append(slipway.Problem{Path: fmt.Sprintf("%s[%d]", SprintsField, i), Text: slipway.TextOf(err)})
			continue
		}
		j.Sprints = append(j.Sprints, s)
	}
	a.b.Commands.CheckSprints(a.ctx, &a.Faults, was, j)
	return func(d *slipway.Draft) { d.Jira = relink(d.Jira, j.Sprints) }
}

// relink puts sprints in the place of those that were linked.
func relink(was *slipway.JiraAssociation, sprints []slipway.Sprint) *slipway.JiraAssociation {
	id := ""
	if was != nil {
		id = was.JiraID
	}
	if len(sprints) == 0 && id == "" {
		return nil
	}
	return &slipway.JiraAssociation{JiraID: id, Sprints: slices.Clone(sprints)}
}

// findSprint finds the sprint that somebody named: by number, which need not be known to
// Jira, or by words that only one has. Several are returned beside the error.
func (b *Bot) findSprint(ctx context.Context, was *slipway.JiraAssociation, said string) (slipway.Sprint, []slipway.SprintLook, error) {
	s, numbered := readSprint(said)
	if numbered {
		if old := was.Sprint(s.SprintID); old != nil && (s.ProjectKey == "" || strings.EqualFold(s.ProjectKey, old.ProjectKey)) {
			return *old, nil, nil
		}
		if s.ProjectKey != "" {
			return s, nil, nil
		}
	}
	found, err := b.Commands.SearchSprints(ctx, said)
	switch {
	case err != nil && numbered:
		return s, nil, slipway.Refuse(slipway.Invalid, "Name the project, too, for example: PAY %d", "请同时写明项目，例如：PAY %d", s.SprintID).Because(err)
	case err != nil:
		return s, nil, err
	case numbered:
		found = slices.DeleteFunc(found, func(l slipway.SprintLook) bool { return l.SprintID != s.SprintID })
	default:
		exact := slices.IndexFunc(found, func(l slipway.SprintLook) bool {
			return fold(l.SprintName) == fold(said) || fold(l.Title()) == fold(said)
		})
		if exact >= 0 {
			found = found[exact : exact+1]
		}
	}
	switch len(found) {
	case 1:
		return found[0].Sprint, nil, nil
	case 0:
		return s, nil, slipway.Refuse(slipway.NotFound, "No open sprint has “%s” in its project, board or name. A closed one is named by its number, for example: PAY 42",
			"没有项目、看板或名称包含“%s”的冲刺。已关闭的冲刺请用编号指定，例如：PAY 42", shorten(oneLine(said), 60))
	}
	names := make([]string, 0, maxOffered)
	for _, l := range found[:min(len(found), maxOffered)] {
		names = append(names, sprintValue(l.Sprint)+" ("+l.SprintName+")")
	}
	return s, found, slipway.Refuse(slipway.Invalid, "Several sprints have “%[1]s”: %[2]s. Name one by its number.", "有多个冲刺包含“%[1]s”：%[2]s。请用编号指定其中一个。",
		shorten(oneLine(said), 60), strings.Join(names, ", "))
}

// The words with which one sprint is added or removed.
var (
	addWords    = []string{"add", "link", "添加", "新增", "关联"}
	removeWords = []string{"remove", "rm", "delete", "unlink", "删除", "移除"}
)

// linkSprints answers `sprints`: adds one, removes one, or sets them all.
func (b *Bot) linkSprints(ctx context.Context, v *visit, c Call, p *slipway.Plan) (Reply, error) {
	first, rest := c.Text, ""
	if ws := words(c.Text); len(ws) > 0 {
		first, rest = fold(ws[0].text), unquote(trim(c.Text[ws[0].end:]))
	}
	if err := b.probe(v, deed{verb: slipway.VerbEdit, plan: p}); err != nil {
		return Reply{}, err
	}
	now := p.Jira.List()
	switch {
	case rest == "":
	case slices.Contains(addWords, first):
		s, several, err := b.findSprint(ctx, p.Jira, rest)
		if len(several) > 0 {
			return b.whichSprint(v, c, p, several), nil
		}
		if err != nil {
			return Reply{}, err
		}
		said := make([]string, 0, len(now)+1)
		for _, old := range now {
			said = append(said, sprintValue(old))
		}
		if p.Jira.Sprint(s.SprintID) == nil {
			said = append(said, sprintValue(s))
		}
		return b.editFrom(ctx, v, p, Values{SprintsField: said}, 0)
	case slices.Contains(removeWords, first):
		return b.unlinkSprint(ctx, v, p, rest)
	}
	return b.editFrom(ctx, v, p, Values{SprintsField: {c.Text}}, 0)
}

func (b *Bot) unlinkSprint(ctx context.Context, v *visit, p *slipway.Plan, said string) (Reply, error) {
	s, numbered := readSprint(said)
	left := []string{}
	for _, old := range p.Jira.List() {
		if numbered && old.SprintID == s.SprintID || !numbered && strings.Contains(fold(old.Title()), fold(said)) {
			continue
		}
		left = append(left, sprintValue(old))
	}
	if gone := len(p.Jira.List()) - len(left); gone != 1 {
		linked := slipway.T("none", "无")
		if p.Jira != nil && len(p.Jira.Sprints) > 0 {
			linked = slipway.T("%s", "%s", sprints(p.Jira))
		}
		return Reply{}, slipway.Refuse(slipway.NotFound, "“%[1]s” does not name one of the plan's sprints (%[2]s).", "“%[1]s”没有对应该发布计划的某一个冲刺（已关联：%[2]s）。",
			shorten(oneLine(said), 60), linked)
	}
	return b.editFrom(ctx, v, p, Values{SprintsField: left}, 0)
}

// whichSprint asks which of several sprints is meant.
func (b *Bot) whichSprint(v *visit, c Call, p *slipway.Plan, several []slipway.SprintLook) Reply {
	card := ErrorCard(slipway.Refuse(slipway.Invalid, "Several sprints are called like that.", "有多个名称相近的冲刺。"), b.view(v))
	card.Title, card.State = v.say(slipway.T("Which sprint?", "哪个冲刺？")), nil
	said := v.say(c.Verb.Title())
	for _, l := range several[:min(len(several), maxOffered)] {
		text := slipway.T("%[1]s %[2]s add %[3]s", "%[1]s %[2]s 添加 %[3]s", said, planNumber(p), sprintValue(l.Sprint))
		card.Rows = append(card.Rows, Row{
			Title: Line{bold(l.Title())}, Details: []Line{{plain(l.ProjectName), plain(" · "), plain(v.say(slipway.SprintStateText(l.State)))}},
			Actions: []Action{b.view(v).run(slipway.T("Link it", "关联"), text)},
		})
	}
	return Reply{Whisper: &card}
}
