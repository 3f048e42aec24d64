package feishu

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu/feishutest"
)

func TestADefinitionIsMadeOnceForEachShape(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket})
	shapes := func() string {
		var all []string
		for _, d := range c.chat.ApprovalDefinitions() {
			var types []string
			for _, n := range d.Nodes {
				types = append(types, n.Type)
			}
			all = append(all, strings.Join(types, "-"))
		}
		return strings.Join(all, " ")
	}
	one := c.ask(t, question("1", anyOf(userLi)))
	c.ask(t, question("2", allOf(userChen)))         // of one person: the same
	c.ask(t, question("3", anyOf(userLi, userWang))) // any: the same
	c.ask(t, question("4", allOf(userLi, userLi)))   // twice the same person: the same
	if got := shapes(); got != "OR" {
		t.Errorf("made were %s", got)
	}
	c.ask(t, question("5", allOf(userLi, userWang), anyOf(userChen)))
	if n := len(c.chat.Calls(feishutest.OpApprovalCreate)); n != 2 || len(strings.Fields(shapes())) != 2 {
		t.Errorf("%d definitions were made: %s", n, shapes())
	}
	if n := len(c.chat.Calls(feishutest.OpApprovalSubscribe)); n != 2 {
		t.Errorf("%d subscriptions to 2 definitions", n)
	}

	// Another process knows them, and that they are subscribed to is no fault.
	other := demand[*Feishu](t)(New(c.Config)).Approvals()
	if _, err := other.Create(t.Context(), question("6", anyOf(userLi))); err != nil || len(c.chat.ApprovalDefinitions()) != 2 {
		t.Errorf("another process: %v, %d definitions", err, len(c.chat.ApprovalDefinitions()))
	}

	// One that is gone is replaced, once.
	c.chat.SetApproval(c.asked(t, one).Definition, "DELETED")
	c.stands(t, one, bot.VerdictDeleted)
	c.ask(t, question("7", anyOf(userLi)))
	c.ask(t, question("8", anyOf(userLi)))
	if n := len(c.chat.Calls(feishutest.OpApprovalCreate)); n != 3 {
		t.Errorf("%d definitions were made in all", n)
	}
	// One that is switched off is not: somebody has meant it.
	c.chat.SetApproval(c.chat.Instances()[len(c.chat.Instances())-1].Definition, "INACTIVE")
	_, err := c.Create(t.Context(), question("9", anyOf(userLi)))
	told(t, err, "switched off")
}

func TestReplicasMakeOneDefinition(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket})
	replicas := []*Approvals{c.Approvals, demand[*Feishu](t)(New(c.Config)).Approvals()}
	var work sync.WaitGroup
	for i, a := range replicas {
		for k := range 4 {
			q := question(string(rune('a'+4*i+k)), allOf(userLi, userWang))
			work.Go(func() {
				_, err := a.Create(t.Context(), q)
				for errors.Is(err, bot.ErrBusy) { // as a task tries again
					_, err = a.Create(t.Context(), q)
				}
				if err != nil {
					t.Errorf("Create: %v", err)
				}
			})
		}
	}
	work.Wait()
	if n := len(c.chat.ApprovalDefinitions()); n != 1 || len(c.chat.Instances()) != 8 {
		t.Errorf("%d definitions, %d instances", n, len(c.chat.Instances()))
	}
}

func TestWhoDoesNotComeBackFromMakingADefinitionIsReplaced(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket})
	q := question("1", anyOf(userLi))
	c.chat.Faults().Fail(feishutest.OpApprovalCreate, codeTryLater, 1) // refused for sure: free for the next try
	if _, err := c.Create(t.Context(), q); err == nil || slipway.CodeOf(err) != slipway.Internal {
		t.Errorf("with Feishu in trouble: %v", err)
	}
	c.chat.Faults().LoseAnswer(feishutest.OpApprovalCreate, 1)
	if _, err := c.Create(t.Context(), q); err == nil {
		t.Error("it was asked with a definition whose code nobody knows")
	}
	if _, err := c.Create(t.Context(), q); !errors.Is(err, bot.ErrBusy) || !errors.As(err, new(*bot.RateLimited)) {
		t.Errorf("while it is in doubt: %v", err)
	}
	later := c.Config
	later.Now = func() time.Time { return time.Now().Add(time.Minute) }
	if _, err := demand[*Feishu](t)(New(later)).Approvals().Create(t.Context(), q); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	if _, err := c.Create(t.Context(), q); err != nil || len(c.chat.Instances()) != 1 {
		t.Errorf("after that: %v, %d instances", err, len(c.chat.Instances()))
	}
}

// releaseForm is the form of a company that has had one for long.
func releaseForm(more ...feishutest.ApprovalWidget) []feishutest.ApprovalWidget {
	return append([]feishutest.ApprovalWidget{
		{ID: "w1", CustomID: "plan_name", Name: "发布名称", Type: "input", Required: true},
		{ID: "w2", Name: "负责人", Type: "input"},
		{ID: "w3", CustomID: "content", Name: "发布内容", Type: "textarea", Required: true},
	}, more...)
}

func release(nodes ...feishutest.ApprovalNode) feishutest.ApprovalDefinition {
	return feishutest.ApprovalDefinition{Name: "上线审批", Widgets: releaseForm(), Nodes: nodes}
}

func TestAChosenFormIsFilledIn(t *testing.T) {
	t.Parallel()
	eachCenter(t, func(t *testing.T, c *center) {
		c.chosen(t, release(feishutest.ApprovalNode{Name: "测试", Type: "OR"}), fieldMap{bot.DetailPlan: "plan_name", bot.DetailManager: "w2"})
		ref := c.ask(t, question("1", anyOf(userLi)))
		want := map[string]string{
			"w1": "#12 Payments 4.2", "w2": "王小明", "w3": "Items:\n1. Deploy\n2. Announce\nPage: " + pages + "/plans/12",
		}
		if diff := cmp.Diff(want, c.asked(t, ref).Form); diff != "" {
			t.Errorf("filled in was (-want +got):\n%s", diff)
		}

		// In Chinese; several lines in a field of one; what has nothing to say is left out, or a
		// dash where that is not allowed.
		c.set(t, func(a *ApprovalConfig) {
			a.Fields = fieldMap{bot.DetailItems: "w1", bot.DetailDescription: "w3", DetailRest: "w3"}
		})
		q := question("2", anyOf(userLi))
		q.Lang, q.Details = slipway.Chinese, []bot.Detail{{Key: bot.DetailItems, Label: "内容", Text: "1. 部署\n2. 公告"}, {Key: bot.DetailDescription, Label: "说明", Text: " "}}
		if diff := cmp.Diff(map[string]string{"w1": "1. 部署 2. 公告", "w3": "–"}, c.asked(t, c.ask(t, q)).Form); diff != "" {
			t.Errorf("filled in was (-want +got):\n%s", diff)
		}
		q = question("3", anyOf(userLi))
		q.Lang, q.Details = slipway.Chinese, []bot.Detail{{Key: bot.DetailWindow, Label: "窗口", Text: "今晚"}, {Key: bot.DetailItems, Label: "内容", Text: "部署"}, {Key: "new", Label: "新", Text: "a\nb"}}
		if diff := cmp.Diff(map[string]string{"w1": "部署", "w3": "窗口：今晚\n新：\na\nb"}, c.asked(t, c.ask(t, q)).Form); diff != "" {
			t.Errorf("filled in was (-want +got):\n%s", diff)
		}
	})
}

func TestAFormThatCannotBeFilledInIsRefusedBeforehand(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeHTTP})
	long := feishutest.ApprovalWidget{ID: "w4", Name: "备注", Type: "textarea"}
	for name, tt := range map[string]struct {
		widgets []feishutest.ApprovalWidget
		fields  fieldMap
		status  string
		want    []string // parts of the sentence; none: it can be used
	}{
		"everything in its place":                  {releaseForm(), fieldMap{bot.DetailPlan: "w1"}, "", nil},
		"a note that cannot be filled":             {releaseForm(feishutest.ApprovalWidget{ID: "w4", Name: "说明", Type: "text", Required: true}), fieldMap{bot.DetailPlan: "w1"}, "", nil},
		"two fields for the rest":                  {releaseForm(long), fieldMap{bot.DetailPlan: "w1"}, "", []string{"“发布内容” (content), “备注” (w4)", "rest"}},
		"two fields, of which one is it":           {releaseForm(long), fieldMap{bot.DetailPlan: "w1", DetailRest: "content"}, "", nil},
		"two fields, of which one is not required": {releaseForm(long), fieldMap{bot.DetailPlan: "w1", DetailRest: "w4"}, "", []string{"“发布内容” (content) must be filled in"}},
		"no field for the rest":                    {releaseForm()[:2], fieldMap{bot.DetailPlan: "w1"}, "", []string{"no text field of several lines", "“负责人” (w2) input"}},
		"a required widget is left":                {releaseForm(), nil, "", []string{"“发布名称” (plan_name) must be filled in"}},
		"a required date":                          {releaseForm(feishutest.ApprovalWidget{ID: "w4", Name: "日期", Type: "date", Required: true}), fieldMap{bot.DetailPlan: "w1"}, "", []string{"“日期” (w4) must be filled in"}},
		"a widget that is not there":               {releaseForm(), fieldMap{bot.DetailPlan: "plan"}, "", []string{"no widget “plan”", "“发布名称” (plan_name) input"}},
		"a number":                                 {releaseForm(feishutest.ApprovalWidget{ID: "w4", Name: "数量", Type: "number"}), fieldMap{bot.DetailPlan: "w1", bot.DetailItems: "w4"}, "", []string{"“数量” (w4)", "is a number"}},
		"two problems":                             {releaseForm(), fieldMap{bot.DetailPlan: "x", bot.DetailItems: "y"}, "", []string{"“x”", "“y”"}},
		"no widgets":                               {[]feishutest.ApprovalWidget{}, fieldMap{bot.DetailPlan: "x"}, "", []string{"has none"}},
		"switched off":                             {releaseForm(), fieldMap{bot.DetailPlan: "w1"}, "INACTIVE", []string{"“上线审批”", "switched off"}},
		"deleted":                                  {releaseForm(), fieldMap{bot.DetailPlan: "w1"}, "DELETED", []string{"no approval definition"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := release(feishutest.ApprovalNode{Name: "测试", Type: "OR"})
			d.Widgets, d.Status = tt.widgets, tt.status
			c.chosen(t, d, tt.fields)
			before := len(c.chat.Calls(feishutest.OpInstanceCreate))
			checked := c.Check(t.Context())
			_, asked := c.Create(t.Context(), question(strconv.Itoa(before), anyOf(userLi)))
			if tt.want == nil {
				if checked != nil || asked != nil {
					t.Errorf("refused with %v and %v", checked, asked)
				}
				return
			}
			told(t, checked, tt.want...)
			told(t, asked, tt.want...)
			if len(c.chat.Calls(feishutest.OpInstanceCreate)) != before {
				t.Error("it was asked all the same")
			}
		})
	}
	c.set(t, func(a *ApprovalConfig) { a.Definition, a.Fields = "", nil })
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("without a definition: %v", err)
	}
	c.set(t, func(a *ApprovalConfig) { a.Definition = "no-such" })
	told(t, c.Check(t.Context()), "no-such")
}

func TestTheLevelsOfAPlanMustBeThoseOfTheDefinition(t *testing.T) {
	t.Parallel()
	node := func(kind string) feishutest.ApprovalNode { return feishutest.ApprovalNode{Name: "节点", Type: kind} }
	c := newCenter(t, feishutest.Config{Mode: modeHTTP})
	one, among := node("OR"), node("AND")
	one.One, among.Among = true, []string{wang, li}
	for name, tt := range map[string]struct {
		there []feishutest.ApprovalNode
		asked []bot.QuestionNode
		want  []string
	}{
		"the same":                   {[]feishutest.ApprovalNode{node("OR"), node("AND")}, []bot.QuestionNode{anyOf(userLi, userWang), allOf(userLi, userChen)}, nil},
		"one person at any node":     {[]feishutest.ApprovalNode{node("AND"), node("OR"), node("SEQUENTIAL")}, []bot.QuestionNode{anyOf(userLi), allOf(userWang), anyOf(userChen)}, nil},
		"all, one after another":     {[]feishutest.ApprovalNode{node("SEQUENTIAL")}, []bot.QuestionNode{allOf(userLi, userChen)}, nil},
		"a node of others beside it": {[]feishutest.ApprovalNode{{Name: "法务", Type: "OR", Fixed: []string{chen}}, node("OR")}, []bot.QuestionNode{anyOf(userLi, userWang)}, nil},
		"too few":                    {[]feishutest.ApprovalNode{node("OR")}, []bot.QuestionNode{anyOf(userLi, userWang), allOf(userWang, userChen)}, []string{"“上线审批”", "1. any of several there", "1. any of several, 2. all of several in the plan"}},
		"too many":                   {[]feishutest.ApprovalNode{node("OR"), node("SEQUENTIAL")}, []bot.QuestionNode{anyOf(userLi)}, []string{"2. all of several in turn there", "1. one person in the plan"}},
		"any instead of all":         {[]feishutest.ApprovalNode{node("OR")}, []bot.QuestionNode{allOf(userLi, userWang)}, []string{"any of several there", "all of several in the plan"}},
		"all instead of any":         {[]feishutest.ApprovalNode{node("AND")}, []bot.QuestionNode{anyOf(userLi, userWang)}, []string{"all of several there", "any of several in the plan"}},
		"in turn instead of any":     {[]feishutest.ApprovalNode{node("SEQUENTIAL")}, []bot.QuestionNode{anyOf(userLi, userWang)}, []string{"in turn there"}},
		"nobody is chosen there":     {[]feishutest.ApprovalNode{{Name: "法务", Type: "OR", Fixed: []string{chen}}}, []bot.QuestionNode{anyOf(userLi)}, []string{"no level that people are chosen for there"}},
		"one approver only":          {[]feishutest.ApprovalNode{one}, []bot.QuestionNode{anyOf(userLi, userWang)}, []string{"“节点”", "takes one approver", "names 2"}},
		"somebody out of its range":  {[]feishutest.ApprovalNode{among}, []bot.QuestionNode{allOf(userLi, userChen)}, []string{"陈晨 is not among", "“节点”"}},
		"somebody in its range":      {[]feishutest.ApprovalNode{among}, []bot.QuestionNode{allOf(userLi, userWang)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.chosen(t, release(tt.there...), fieldMap{bot.DetailPlan: "w1"})
			before := len(c.chat.Instances())
			ref, err := c.Create(t.Context(), question(strconv.Itoa(before), tt.asked...))
			if tt.want == nil {
				if err != nil || ref == "" {
					t.Errorf("refused with %v", err)
				}
				return
			}
			told(t, err, tt.want...)
			if len(c.chat.Instances()) != before {
				t.Error("it was asked all the same")
			}
		})
	}
}
