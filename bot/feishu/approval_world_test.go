package feishu

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu/feishutest"
)

const chen = "ou_chen" // known by e-mail only

var (
	userWang = slipway.User{ID: "u1", Name: "王小明", Email: "wang@example.com", FeishuOpenID: wang}
	userLi   = slipway.User{ID: "u2", Name: "Li Lei", Email: "li@example.com", FeishuOpenID: li}
	userChen = slipway.User{ID: "u3", Name: "陈晨", Email: "chen@example.com"}
	stranger = slipway.User{ID: "u4", Name: "Stranger", Email: "stranger@example.com"}
)

// center is a world in which plans are approved in Feishu.
type center struct {
	*world
	*Approvals
	changed *rung
	setup   ApprovalConfig
}

// rung notes which instances may have changed.
type rung struct {
	mu   sync.Mutex
	refs []string
}

func (r *rung) ring(_ context.Context, ref string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refs = append(r.refs, ref)
}

func (r *rung) times(ref string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, each := range r.refs {
		if each == ref {
			n++
		}
	}
	return n
}

// newCenter starts a company with three people; set changes how approvals are set up.
func newCenter(t *testing.T, cfg feishutest.Config, set ...func(*ApprovalConfig)) *center {
	t.Helper()
	c := &center{changed: &rung{}}
	c.world = newWorld(t, cfg, func(config *Config) {
		config.Approval = &ApprovalConfig{Changed: c.changed.ring}
		for _, change := range set {
			change(config.Approval)
		}
	})
	c.chat.AddUser(feishutest.User{OpenID: chen, Name: "陈晨", Email: "chen@example.com"})
	c.Approvals, c.setup = c.Feishu.Approvals(), *c.Approval
	return c
}

// set asks with another setup from now on, as after a restart; events are heard as before.
func (c *center) set(t *testing.T, change func(*ApprovalConfig)) {
	t.Helper()
	change(&c.setup)
	config, setup := c.Config, c.setup
	config.Approval = &setup
	c.Approvals = demand[*Feishu](t)(New(config)).Approvals()
}

// eachCenter plays a story on both transports.
func eachCenter(t *testing.T, test func(t *testing.T, c *center), set ...func(*ApprovalConfig)) {
	t.Helper()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			test(t, newCenter(t, feishutest.Config{Mode: mode}, set...))
		})
	}
}

// chosen has the definition used that an administrator has made.
func (c *center) chosen(t *testing.T, d feishutest.ApprovalDefinition, fields fieldMap) {
	t.Helper()
	c.set(t, func(a *ApprovalConfig) { a.Definition, a.Fields = c.chat.AddApproval(d), fields })
}

func anyOf(people ...slipway.User) bot.QuestionNode { return bot.QuestionNode{Approvers: people} }

func allOf(people ...slipway.User) bot.QuestionNode {
	return bot.QuestionNode{Approvers: people, All: true}
}

// question is what is asked of a plan. Its mark is the name with zeros before it.
func question(name string, nodes ...bot.QuestionNode) bot.Question {
	mark := "00000000-0000-4000-8000-" + strings.Repeat("0", 12-len(name)) + name
	return bot.Question{
		Mark: mark, Lang: slipway.English, Asker: userWang, Title: "#12 Payments 4.2", URL: pages + "/plans/12", Nodes: nodes,
		Details: []bot.Detail{
			{Key: bot.DetailPlan, Label: "Plan", Text: "#12 Payments 4.2"},
			{Key: bot.DetailManager, Label: "Manager", Text: "王小明"},
			{Key: bot.DetailItems, Label: "Items", Text: "1. Deploy\n2. Announce"},
			{Key: bot.DetailDescription, Label: "Description", Text: ""},
			{Key: bot.DetailLink, Label: "Page", Text: pages + "/plans/12"},
		},
	}
}

// ask asks and returns the instance.
func (c *center) ask(t *testing.T, q bot.Question) string {
	t.Helper()
	ref, err := c.Create(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// stands looks an instance up.
func (c *center) stands(t *testing.T, ref string, want bot.VerdictState) bot.Verdict {
	t.Helper()
	v, err := c.Look(t.Context(), ref)
	if err != nil || v.State != want {
		t.Errorf("%s is %q, %v, want %s", ref, v.State, err, want)
	}
	return v
}

// asked returns the instance as the stand-in has it.
func (c *center) asked(t *testing.T, ref string) feishutest.ApprovalInstance {
	t.Helper()
	for _, i := range c.chat.Instances() {
		if i.Code == ref {
			return i
		}
	}
	t.Fatalf("there is no instance %s", ref)
	return feishutest.ApprovalInstance{}
}

// told fails the test unless an error is a sentence for people that holds all parts, in
// both languages.
func told(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil || slipway.CodeOf(err) != slipway.Unfit {
		t.Errorf("refused with %v, want a sentence with %q", err, parts)
		return
	}
	text := slipway.TextOf(err)
	for _, part := range parts {
		if !strings.Contains(text.EN, part) {
			t.Errorf("%q does not say %q", text.EN, part)
		}
	}
	if text.ZH == "" || slices.Contains([]rune(text.ZH), '%') || strings.Contains(text.EN, "%!") {
		t.Errorf("the sentence is broken: %+v", text)
	}
}
