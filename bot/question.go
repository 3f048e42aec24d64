package bot

import (
	"fmt"
	"strings"
	"time"

	"slipway"
)

// NewQuestion puts what is asked about a plan into words for another approval system, in
// the language and the zone of who asks. people are the users whom it names, by id; link is
// the plan's page.
func NewQuestion(p *slipway.Plan, q *slipway.Question, people map[string]*slipway.User, link string) Question {
	asker := userNamed(people, q.Asker)
	lang := asker.Locale
	out := Question{Mark: q.Mark, Lang: lang, Asker: asker, Title: planTitle(p), URL: link, At: q.At}
	for i, n := range q.Nodes {
		node := QuestionNode{Name: n.Name, All: n.All}
		if node.Name == "" {
			node.Name = slipway.T("Approval", "审批").In(lang)
			if len(q.Nodes) > 1 {
				node.Name = slipway.T("Approval %d", "审批 %d", i+1).In(lang)
			}
		}
		for _, x := range n.Approvers {
			node.Approvers = append(node.Approvers, userNamed(people, x))
		}
		out.Nodes = append(out.Nodes, node)
	}
	out.Details = details(p, lang, asker.TimeZone, link)
	return out
}

func userNamed(people map[string]*slipway.User, x slipway.PersonRef) slipway.User {
	if u := people[x.ID]; u != nil {
		return *u
	}
	return slipway.User{ID: x.ID, Name: x.Name}
}

// details are what there is to know about a plan, for those who see no card.
func details(p *slipway.Plan, lang slipway.Lang, zone, link string) []Detail {
	v := View{Lang: lang, Zone: zone}
	at, err := time.LoadLocation(zone)
	if err != nil {
		at = time.UTC
	}
	var out []Detail
	add := func(key DetailKey, label slipway.Text, text string) {
		if text != "" {
			out = append(out, Detail{Key: key, Label: v.say(label), Text: text})
		}
	}
	add(DetailPlan, slipway.T("Release plan", "发布计划"), planTitle(p))
	add(DetailManager, slipway.T("Manager", "发布负责人"), p.Manager.Name)
	add(DetailWindow, slipway.T("Window", "发布窗口期"), v.window(p).Text(lang, at))
	if p.ScheduleExecuteTime != 0 {
		add(DetailSchedule, slipway.T("Schedule", "定时执行"), Clock(p.ScheduleExecuteTime, at))
	}
	items := make([]string, len(p.Items))
	for i, it := range p.Items {
		items[i] = fmt.Sprintf("%d. %s", i+1, it.Name)
		if it.Workflow != nil {
			items[i] += fmt.Sprintf(" (%s)", workflowName(it.Workflow))
			for _, k := range sortedKeys(it.Workflow.ShownParams()) {
				items[i] += fmt.Sprintf("\n   %s=%s", k, it.Workflow.ShownParams()[k])
			}
		}
	}
	add(DetailItems, slipway.T("Items", "发布项"), strings.Join(items, "\n"))
	if p.Jira != nil {
		add(DetailRequired, slipway.T("Sprints", "需求关联"), sprints(p.Jira))
	}
	add(DetailDescription, slipway.T("Description", "描述"), shorten(p.Description, maxDescription))
	add(DetailLink, slipway.T("Details", "详情"), link)
	return out
}
