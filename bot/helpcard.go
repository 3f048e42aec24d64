package bot

import (
	"slices"
	"strings"

	"slipway"
)

// HelpCard shows what can be typed. For a plan it shows what the viewer may do now;
// without one, all verbs by group, for admins with those of admins.
func HelpCard(p *slipway.Plan, v View) Card {
	if p != nil {
		return v.planHelp(p)
	}
	c := Card{
		Lang: v.Lang, Zone: v.Zone, Title: v.say(slipway.T("What Slipway understands", "Slipway 使用帮助")),
		Intro: []Line{
			{plain(v.say(slipway.T("Plans are named by number (#12), items by number or name. Quotes keep words together. In a plan's thread its number may be left out.",
				"用编号（#12）指代发布计划，用序号或名称指代发布项；含空格的内容请加引号。在某个发布计划的话题中可以省略编号。")))},
		},
		Actions: []Action{v.button(verbNew, ""), v.run(slipway.T("My plans", "我的发布计划"), slipway.T("list mine", "列表 我的"))},
	}
	c.Summary = c.Title
	for _, g := range Groups() {
		row := Row{Title: Line{bold(v.say(g.Text()))}, Heading: true}
		for i := range verbRows {
			if r := &verbRows[i]; r.Group == g && v.mayEver(r) {
				row.Details = append(row.Details, Line{{Text: v.say(r.Usage), Style: Code}, plain(" " + v.say(r.Does))})
			}
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// mayEver tells whether a verb can be of use to the viewer at all.
func (v View) mayEver(r *VerbRow) bool {
	return v.Viewer == nil || v.Viewer.Admin || r.Move != slipway.VerbOverride
}

// VerbHelpCard explains one verb.
func VerbHelpCard(r *VerbRow, v View) Card {
	c := Card{Lang: v.Lang, Zone: v.Zone, Title: v.say(r.Title()), Summary: v.say(r.Does), Intro: []Line{{plain(v.say(r.Does))}}}
	fact := func(label slipway.Text, value Line) {
		c.Facts = append(c.Facts, Fact{Label: v.say(label), Value: value})
	}
	fact(slipway.T("Write", "写法"), Line{{Text: v.say(r.Usage), Style: Code}})
	fact(slipway.T("Example", "示例"), Line{{Text: v.say(r.Example), Style: Code}})
	fact(slipway.T("Who may", "谁可以用"), Line{plain(v.say(r.Who()))})
	others := slices.Concat(r.Aliases, r.ZH)
	if v.Lang == slipway.Chinese {
		others = slices.Concat(r.ZH[1:], []string{r.Name}, r.Aliases)
	}
	texts := make([]slipway.Text, len(others))
	for i, o := range others {
		texts[i] = slipway.Text{EN: o, ZH: o}
	}
	fact(slipway.T("Also", "也可以写"), Line{plain(v.say(slipway.JoinTexts(texts)))})
	return c
}

// planHelp shows what the viewer may do with a plan now, with the very words to type.
func (v View) planHelp(p *slipway.Plan) Card {
	c := Card{
		Lang: v.Lang, Zone: v.Zone, Title: planTitle(p), State: statusState(p.Status(), v.Lang), Link: v.link(p),
		Summary: v.say(slipway.T("What can be done with %s now", "%s 现在可以进行的操作", planTitle(p))),
	}
	named := strings.NewReplacer("#plan", planNumber(p), "#计划", planNumber(p))
	for i := range verbRows {
		r := &verbRows[i]
		always := r.ID == verbShow || r.ID == verbLog || r.ID == verbHooks || r.ID == verbCopy
		if !always && !slices.Contains(v.planVerbsNow(p), r.Move) {
			continue
		}
		c.Rows = append(c.Rows, Row{
			Title: Line{{Text: named.Replace(v.say(r.Usage)), Style: Code}}, Details: []Line{{plain(v.say(r.Does))}},
		})
	}
	c.Intro = []Line{{plain(c.Summary + v.say(slipway.T(":", "：")))}}
	c.Actions, c.More = v.planActions(p)
	return c
}

// run is a button that runs a text as if it were typed.
func (v View) run(label, text slipway.Text) Action {
	return Action{ID: ActionRun, Value: v.say(text), Label: v.say(label)}
}
