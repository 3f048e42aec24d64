package feishu

import (
	"errors"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu/feishutest"
)

func TestWhoHasNoFeishuAccountIsNamed(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeHTTP})
	nobody := slipway.User{ID: "u5", Name: "Nobody"}
	_, err := c.Create(t.Context(), question("1", anyOf(userLi, stranger), allOf(userChen, nobody)))
	told(t, err, "Stranger, Nobody", "write to the bot")
	if text := slipway.TextOf(err); !strings.Contains(text.ZH, "Stranger、Nobody") {
		t.Errorf("in Chinese: %s", text.ZH)
	}
	q := question("1", anyOf(userLi))
	q.Asker = stranger
	_, err = c.Create(t.Context(), q)
	told(t, err, "Stranger, in whose name")
	_, err = c.Create(t.Context(), question("1", anyOf(userLi), anyOf()))
	told(t, err, "Level 2 of the approval names nobody")
	if len(c.chat.Instances()) > 0 || len(c.chat.ApprovalDefinitions()) > 0 {
		t.Error("something was made all the same")
	}
	// That Feishu could not be asked for an account says nothing about the account.
	c.chat.Faults().Fail(feishutest.OpFind, 502, 1)
	if _, err := c.Create(t.Context(), question("1", anyOf(userChen))); err == nil || slipway.CodeOf(err) != slipway.Internal {
		t.Errorf("with a broken directory: %v", err)
	}
	c.set(t, func(a *ApprovalConfig) { a.Initiator = li })
	q.Nodes = []bot.QuestionNode{anyOf(userChen)}
	if got := c.asked(t, c.ask(t, q)).From; got != li {
		t.Errorf("asked for in the name of %s", got)
	}
}

func TestRefusalsOfApprovalsAreSentencesOrTriedAgain(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeHTTP})
	c.ask(t, question("0", anyOf(userLi)))
	for code, part := range map[int]string{
		codeBadParameter: "does not take what was filled", codeBadWidget: "does not take what was filled", codeNoDefinition: "no approval definition",
		codeDeleted: "no approval definition", codeInactive: "switched off", codeFreeProcess: "make up its process", codeNoPerson: "does not know one of the accounts",
		codeNotAllowed: approvalScope, codeNoScope: approvalScope,
	} {
		c.chat.Faults().Fail(feishutest.OpInstanceCreate, code, 1)
		_, err := c.Create(t.Context(), question("1", anyOf(userLi)))
		told(t, err, part)
		if !refusedWith(err, code) {
			t.Errorf("the cause of %v is lost", err)
		}
	}
	for _, code := range []int{codeTryLater, 99991400, 500, 503} {
		c.chat.Faults().Fail(feishutest.OpInstanceCreate, code, 1)
		if _, err := c.Create(t.Context(), question("1", anyOf(userLi))); err == nil || slipway.CodeOf(err) != slipway.Internal {
			t.Errorf("code %d: %v", code, err)
		}
	}
	limited := (*bot.RateLimited)(nil)
	c.chat.Faults().RateLimit(feishutest.OpInstanceGet, 1, 7*time.Second)
	if _, err := c.Look(t.Context(), "x"); !errors.As(err, &limited) || limited.After != 7*time.Second {
		t.Errorf("a limit: %v", err)
	}
	c.chat.SetScopes("contact:user.id:readonly")
	_, err := c.Create(t.Context(), question("1", anyOf(userLi)))
	told(t, err, approvalScope)
	if len(c.chat.Instances()) != 1 {
		t.Errorf("there are %d instances", len(c.chat.Instances()))
	}
}

// TestAnApprovalIsAskedForThoughItIsNotHeardOf: events are only a reason to look.
func TestAnApprovalIsAskedForThoughItIsNotHeardOf(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeHTTP})
	c.chat.Faults().Fail(feishutest.OpApprovalSubscribe, codeTryLater, 1)
	ref := c.ask(t, question("1", anyOf(userLi)))
	c.approve(t, li, ref, "")
	c.stands(t, ref, bot.VerdictApproved)
	if n := c.changed.times(ref); n != 0 || !strings.Contains(c.log.String(), "only looked for") {
		t.Errorf("%d events came; the log:\n%s", n, c.log)
	}
	next := c.ask(t, question("2", anyOf(userLi)))
	eventually(t, "the news of the next one", func() bool { return c.changed.times(next) > 0 })
}

func TestAChosenDefinitionIsSubscribedToAtTheStart(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket})
	code := c.chat.AddApproval(release(feishutest.ApprovalNode{Name: "测试", Type: "OR"}))
	config := c.Config
	config.Approval = &ApprovalConfig{Definition: code, Fields: fieldMap{bot.DetailPlan: "w1"}, Changed: c.changed.ring}
	c.stop()
	c.Feishu = demand[*Feishu](t)(New(config))
	c.Approvals = c.Feishu.Approvals()
	c.run(t)
	defer c.stop()
	eventually(t, "the subscription", func() bool { return len(c.chat.Calls(feishutest.OpApprovalSubscribe)) == 1 })
	ref := c.ask(t, question("1", anyOf(userLi)))
	eventually(t, "the news", func() bool { return c.changed.times(ref) > 0 })
}

func TestASetupOfApprovalsThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, feishutest.Config{Mode: modeHTTP})
	for want, a := range map[string]ApprovalConfig{
		"the initiator of approvals is \"Li Lei\"": {Initiator: "Li Lei"},
		"name it, too": {Fields: fieldMap{bot.DetailPlan: "w1"}},
		"a field of approvals is for \"name\", expected one of":  {Definition: "D", Fields: fieldMap{"name": "w1"}},
		"the field of approvals for plan names no widget":        {Definition: "D", Fields: fieldMap{bot.DetailPlan: ""}},
		"an approval definition's code has no spaces or slashes": {Definition: "https://www.feishu.cn/approval"},
	} {
		c := w.Config
		c.Approval = &a
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v is refused with %v, want %q", a, err, want)
		}
	}
}

func TestTheDoctorLooksAtApprovals(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket})
	findings := func() (good, bad string) {
		for _, f := range c.f.Probe(t.Context()) {
			if f.What.EN == "" || f.What.ZH == "" || !f.OK && (f.Mend.EN == "" || f.Mend.ZH == "") {
				t.Errorf("a finding says nothing: %+v", f)
			}
			if f.OK {
				good += f.What.EN + "\n"
			} else {
				bad += f.What.EN + "\n"
			}
		}
		return good, bad
	}
	if good, bad := findings(); bad != "" || !strings.Contains(good, "made by Slipway") || !strings.Contains(good, "approval_instance, approval_task") {
		t.Errorf("good is\n%s\nbad is\n%s", good, bad)
	}
	c.set(t, func(a *ApprovalConfig) { a.Initiator = li })
	c.chosen(t, release(feishutest.ApprovalNode{Name: "测试", Type: "OR"}, feishutest.ApprovalNode{Name: "总监", Type: "AND"}), fieldMap{bot.DetailPlan: "w1"})
	if good, bad := findings(); bad != "" || !strings.Contains(good, "in the name of Li Lei") || !strings.Contains(good, "can be used; its levels: 1. any of several, 2. all of several.") {
		t.Errorf("good is\n%s\nbad is\n%s", good, bad)
	}
	c.set(t, func(a *ApprovalConfig) { a.Initiator, a.Fields = "ou_nobody", fieldMap{bot.DetailPlan: "x"} })
	if _, bad := findings(); !strings.Contains(bad, "no account ou_nobody") || !strings.Contains(bad, "no widget “x”") || strings.Count(bad, "\n") != 2 {
		t.Errorf("bad is\n%s", bad)
	}
	c.set(t, func(a *ApprovalConfig) { a.Initiator, a.Definition = "", "no-such" })
	if _, bad := findings(); !strings.Contains(bad, "no approval definition no-such") || strings.Count(bad, "\n") != 1 {
		t.Errorf("bad is\n%s", bad)
	}
	c.set(t, func(a *ApprovalConfig) { a.Definition, a.Fields = "", nil })
	scopes := strings.Fields(strings.ReplaceAll(strings.Join(feishutest.DefaultScopes, " "), approvalScope, ""))
	c.chat.SetScopes(scopes...)
	c.chat.Subscribe(feishutest.Subscriptions{Events: []string{typeMessage}, Callbacks: []string{typeClick}})
	if good, bad := findings(); !strings.Contains(bad, "Scope approval:approval, to have plans approved") || strings.Count(bad, "\n") != 1 || !strings.Contains(good, "is seen minutes later") {
		t.Errorf("good is\n%s\nbad is\n%s", good, bad)
	}
	// Who does not have plans approved in Feishu is not bothered.
	w := newWorld(t, feishutest.Config{Mode: modeSocket})
	w.chat.SetScopes(scopes...)
	for _, f := range w.Probe(t.Context()) {
		if !f.OK || strings.Contains(f.What.EN, "approval_instance") {
			t.Errorf("without approvals it says %s", f.What.EN)
		}
	}
}
