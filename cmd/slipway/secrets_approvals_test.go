package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"slipway/bot/mail/mailtest"
	"slipway/cmd/slipway/processtest"
	"slipway/commands"
)

// approvalPlayer plays the stories of approvals in other systems, of mails and of
// requirements.
type approvalPlayer struct {
	*secretPlayer

	o *outsides
}

func newApprovalPlayer(t *testing.T, x *watched) *approvalPlayer {
	t.Helper()
	p := &approvalPlayer{secretPlayer: &secretPlayer{watched: x, t: t}, o: x.outsides}
	p.operator = x.operator
	p.operator.t = t
	for _, who := range []string{"Bob", "Carol", "Erin", "Frank"} {
		n := commands.NewUser{Name: who, Email: account("", who) + "@example.com", Locale: "en"}
		if who == "Bob" || who == "Carol" {
			n.FeishuOpenID, n.DingTalkID = account("ou_", who), account("", who)
		}
		if _, err := x.app.commands.KeepUser(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	p.o.dingtalk.SetApp(x.url)
	if err := p.o.dingtalk.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	connected(t, x.feishu)
	return p
}

func (p *approvalPlayer) play() {
	p.sealed()
	p.mailed()
	for kind, way := range map[string]*careless{"lark": p.o.ways["Feishu"], "dingtalk": p.o.ways["DingTalk"]} {
		p.askedThere(kind)
		p.refusedThere(kind, way)
	}
	p.looksForSprints()
	p.knocksAtTheDoor()
}

// submitted makes a plan that somebody must approve, with a sprint behind it.
func (p *approvalPlayer) submitted(kind string, approvers ...string) processtest.Plan {
	p.t.Helper()
	var plan processtest.Plan
	a := p.try(http.MethodPost, "/api/v1/plans", map[string]any{
		"name": "approved by " + kind, "approval": map[string]any{"type": kind, "approvers": approvers},
		"jira_sprint_association": map[string]any{"sprints": []map[string]any{{"project_key": "PAY", "sprint_id": 42}}},
		"jobs":                    []map[string]any{{"name": "announce", "type": "text", "spec": map[string]any{"content": "Tell the hotline"}}},
	})
	if err := a.Decode(&plan); err != nil || plan.ID == "" {
		p.t.Fatalf("create: %d %s (%v)", a.Status, a.Body, err)
	}
	p.try(http.MethodPost, "/api/v1/plans/"+plan.ID+"/submit", nil)
	return plan
}

// becomes waits for a status of the plan.
func (p *approvalPlayer) becomes(plan processtest.Plan, status string) {
	p.t.Helper()
	p.until(plan, "it is "+status, func(now processtest.Plan) bool { return now.Status == status })
}

func (p *approvalPlayer) cancel(plan processtest.Plan) {
	p.t.Helper()
	p.try(http.MethodPost, "/api/v1/plans/"+plan.ID+"/cancel", map[string]string{"comment": "enough"})
}

// approvals is what a plan shows of its approval.
func (p *approvalPlayer) approvals(plan processtest.Plan) string {
	p.t.Helper()
	return string(p.ask(http.MethodGet, "/api/v1/plans/"+plan.ID, nil).Body)
}

// opened waits until a plan is asked about in the other system.
func (p *approvalPlayer) opened(plan processtest.Plan) {
	p.t.Helper()
	p.until(plan, "it is asked there", func(processtest.Plan) bool { return strings.Contains(p.approvals(plan), `"state":"open"`) })
}

// decide approves or rejects the newest instance there.
func (p *approvalPlayer) decide(kind, who string, approve bool) {
	p.t.Helper()
	f, d := p.feishu, p.o.dingtalk
	do := map[string]func(context.Context) error{
		"larktrue": func(ctx context.Context) error {
			return f.ApproveInstance(ctx, "ou_"+who, f.Instances()[len(f.Instances())-1].Code, "fine")
		},
		"larkfalse": func(ctx context.Context) error {
			return f.RejectInstance(ctx, "ou_"+who, f.Instances()[len(f.Instances())-1].Code, "no")
		},
		"dingtalktrue": func(ctx context.Context) error {
			return d.Agree(ctx, d.Instances()[len(d.Instances())-1].ID, who, "fine")
		},
		"dingtalkfalse": func(ctx context.Context) error {
			return d.Refuse(ctx, d.Instances()[len(d.Instances())-1].ID, who, "no")
		},
	}[kind+fmt.Sprint(approve)]
	if err := do(p.ctx); err != nil {
		p.t.Fatal(err)
	}
}

// askedThere has a plan denied and another one approved in the other system, and Jira told of
// its success: at first in vain.
func (p *approvalPlayer) askedThere(kind string) {
	p.t.Helper()
	denied := p.submitted(kind, "Bob")
	p.opened(denied)
	p.decide(kind, "bob", false)
	p.becomes(denied, "denied")
	plan := p.submitted(kind, "Bob")
	p.opened(plan)
	p.decide(kind, "bob", true)
	p.becomes(plan, "executing")
	told := p.o.ways["Jira"].repeat(0, http.StatusForbidden)
	p.try(http.MethodPost, "/api/v1/plans/"+plan.ID+"/jobs/"+plan.Jobs[0].ID+"/complete", nil)
	p.becomes(plan, "success")
	p.heard("telling Jira", told)
	p.o.ways["Jira"].repeat(0, 0)
}

// refusedThere has the other system refuse to make an instance, to show one and to take one
// back, in every way.
func (p *approvalPlayer) refusedThere(kind string, way *careless) {
	p.t.Helper()
	for _, status := range []int{200, 400, 401, 403, 404, 429, 500} {
		p.o.dingtalk.Faults().Revoke()
		heard := way.repeat(status, status)
		plan := p.submitted(kind, "Bob")
		p.heard(fmt.Sprintf("%s: a question that is answered by %d", kind, status), heard)
		p.approvals(plan)
		p.cancel(plan)
		way.repeat(0, 0)
	}
	for _, status := range []int{400, 403} {
		plan := p.submitted(kind, "Bob")
		p.opened(plan)
		heard := way.repeat(status, status)
		p.decide(kind, "bob", false) // the event leads to a look
		p.heard(fmt.Sprintf("%s: a look that is answered by %d", kind, status), heard)
		heard = way.repeat(status, status)
		p.cancel(plan)
		p.heard(fmt.Sprintf("%s: taking back is answered by %d", kind, status), heard)
		way.repeat(0, 0)
	}
}

// mailed has approvers asked by mail: one is reached and comes through the link, one is
// refused for good, and one for now.
func (p *approvalPlayer) mailed() {
	p.t.Helper()
	plan := p.submitted("native", "Bob", "Erin", "Frank")
	p.awaits("Erin's address is tried", func() bool { return p.o.mail.Tries(refusedByMail) > 0 })
	p.awaits("Frank's address is tried", func() bool { return p.o.mail.Tries(delayedByMail) > 0 })
	var m mailtest.Mail
	select {
	case m = <-p.o.mail.Mails():
	case <-time.After(90 * time.Second):
		p.t.Fatal("no mail comes")
	}
	token := p.o.opened(p.t, p.watched, m)
	client := &http.Client{Transport: watchedWay{p.see}}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": p.url}
	p.knock(p.t, client, http.MethodGet, "/signin?token="+token+"&next=/plans/"+plan.ID, nil, "")
	for range 2 { // the second time it is used up
		p.knock(p.t, client, http.MethodPost, "/signin", form, url.Values{"token": {token}, "next": {"/plans/" + plan.ID}}.Encode())
	}
	p.awaits("the refusal of Erin's address is noted", func() bool { return strings.Contains(p.at("the log"), "mail refused") })
	p.cancel(plan)
}

// awaits waits for something that no plan shows.
func (p *approvalPlayer) awaits(what string, is func() bool) {
	p.t.Helper()
	late, tick := time.NewTimer(90*time.Second), time.NewTicker(50*time.Millisecond)
	defer late.Stop()
	defer tick.Stop()
	for !is() {
		select {
		case <-late.C:
			p.t.Fatalf("%s: not seen", what)
		case <-tick.C:
		}
	}
}

// looksForSprints has Jira refuse to tell anything, while a plan is made and somebody looks
// for a sprint in Slack.
func (p *approvalPlayer) looksForSprints() {
	p.t.Helper()
	for _, status := range []int{200, 302, 400, 401, 403, 404, 429, 500} {
		heard := p.o.ways["Jira"].repeat(status, status)
		a := p.try(http.MethodPost, "/api/v1/plans", map[string]any{
			"name":                    "sprints",
			"jira_sprint_association": map[string]any{"sprints": []map[string]any{{"project_key": "PAY", "sprint_id": 43}}},
			"jobs":                    []map[string]any{{"name": "announce", "type": "text", "spec": map[string]any{"content": "Tell"}}},
		})
		p.heard(fmt.Sprintf("a sprint that is answered by %d", status), heard)
		var plan processtest.Plan
		if err := a.Decode(&plan); err == nil && plan.ID != "" {
			p.try(http.MethodPost, "/api/v1/plans/"+plan.ID+"/submit", nil)
			p.forms.Lock()
			answer, err := p.slack.Person("UALICE").Command(p.ctx, "C1", "", fmt.Sprintf("sprints #%d add refunds", plan.Index))
			p.forms.Unlock()
			p.see("answer about sprints in Slack", fmt.Sprintf("%+v (%v)", answer, err))
			p.cancel(plan)
		}
		p.o.ways["Jira"].repeat(0, 0)
	}
}

// knocksAtTheDoor sends events that are not DingTalk's, and links that are nobody's.
func (p *approvalPlayer) knocksAtTheDoor() {
	p.t.Helper()
	client := &http.Client{Transport: watchedWay{p.see}}
	for _, query := range []string{"", "?signature=x&timestamp=1&nonce=n", "?msg_signature=" + strings.Repeat("a", 40) + "&timestamp=1795000000000&nonce=n"} {
		for _, body := range []string{"{", `{"encrypt": ""}`, `{"encrypt": "AAAA"}`} {
			p.knock(p.t, client, http.MethodPost, "/dingtalk/events"+query, map[string]string{"Content-Type": "application/json"}, body)
		}
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": p.url}
	for _, token := range []string{"", "slp_0000", adminOfHouse + "x"} {
		p.knock(p.t, client, http.MethodPost, "/signin", form, url.Values{"token": {token}}.Encode())
	}
}

// sealed gives an endpoint secrets, which the database has under SLIPWAY_SECRET_KEY alone.
func (p *approvalPlayer) sealed() {
	p.t.Helper()
	token, secret := credentialOf("endpoint_callback"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	p.o.secrets = append(p.o.secrets, kept{name: "the callback token of an endpoint", value: token}, kept{name: "the secret of an endpoint", value: secret})
	endpoint := map[string]any{
		"name": "sealed", "url": p.o.jira.URL + "/sealed", "events": []string{"finish_planning"}, "allow_private": true, "secrets": []string{secret}, "callback_token": token,
	}
	if a := p.try(http.MethodPut, "/api/v1/endpoints/sealed", endpoint); a.Status >= http.StatusMultipleChoices {
		p.t.Fatalf("make endpoint: %d %s", a.Status, a.Body)
	}
	p.ask(http.MethodGet, "/api/v1/endpoints/sealed", nil)
	p.try(http.MethodPost, "/api/v1/endpoints/sealed/test", nil)
	p.try(http.MethodPost, "/api/v1/endpoints/sealed/disable", nil)
	for _, wrong := range []string{"", "wrong+" + token} {
		p.knock(p.t, &http.Client{Transport: watchedWay{p.see}}, http.MethodPost, "/api/callback/release_plan",
			map[string]string{"Authorization": "Bearer " + wrong, "Content-Type": "application/json"}, `{"hook_event": "finish_planning", "result": "success"}`)
	}
}
