package main

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"slipway"
	"slipway/bot/dingtalk"
	"slipway/bot/dingtalk/dingtalktest"
	"slipway/bot/feishu/feishutest"
	"slipway/commands"
)

// channel is a stand-in of an approval system, as a story sees it. What people do there,
// they do to the newest instance, under their Slipway names in lower case.
type channel struct {
	kind      slipway.ApprovalType
	env       map[string]string
	connect   func(t *testing.T, h *house)
	approve   func(ctx context.Context, who string) error
	reject    func(ctx context.Context, who, why string) error
	withdraw  func(ctx context.Context, who string) error
	instances func() []string // how each of them stands
}

const startedAtMost = 30 * time.Second

// inFeishu is a company whose people approve in Feishu.
func inFeishu(t *testing.T) *channel {
	t.Helper()
	s := feishutest.New(feishutest.Config{Mode: feishutest.LongConnection, VerificationToken: "the-verification-token", EncryptKey: "the-encrypt-key"})
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	faultless(t, s.Violations)
	for _, who := range []string{"Alice", "Bob", "Carol"} {
		s.AddUser(feishutest.User{OpenID: account("ou_", who), Name: who, Email: account("", who) + "@example.com"})
	}
	newest := func() string {
		all := s.Instances()
		return all[len(all)-1].Code
	}
	return &channel{
		kind: slipway.LarkApproval,
		env: map[string]string{
			"SLIPWAY_FEISHU_APP_ID": s.AppID(), "SLIPWAY_FEISHU_APP_SECRET": s.AppSecret(), "SLIPWAY_FEISHU_VERIFICATION_TOKEN": s.VerificationToken(),
			"SLIPWAY_FEISHU_ENCRYPT_KEY": s.EncryptKey(), "SLIPWAY_FEISHU_BASE_URL": s.BaseURL(), "SLIPWAY_FEISHU_MODE": feishutest.LongConnection,
		},
		connect: func(t *testing.T, _ *house) { connected(t, s) },
		approve: func(ctx context.Context, who string) error {
			return s.ApproveInstance(ctx, "ou_"+who, newest(), "fine")
		},
		reject: func(ctx context.Context, who, why string) error {
			return s.RejectInstance(ctx, "ou_"+who, newest(), why)
		},
		withdraw: func(ctx context.Context, who string) error { return s.RecallInstance(ctx, "ou_"+who, newest()) },
		instances: func() []string {
			var all []string
			for _, i := range s.Instances() {
				all = append(all, i.Status)
			}
			return all
		},
	}
}

// inDingTalk is an organisation whose people approve in DingTalk.
func inDingTalk(t *testing.T) *channel {
	t.Helper()
	s := dingtalktest.New(dingtalktest.Config{})
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	faultless(t, s.Violations)
	for _, who := range []string{"Alice", "Bob", "Carol"} {
		s.AddUser(dingtalktest.User{ID: account("", who), Name: who})
	}
	s.AddDefinition(dingtalktest.Definition{
		Code: "PROC-release", Name: "Release", Components: []dingtalktest.Component{{Kind: "TextareaField", Name: dingtalk.DefaultField, Required: true}},
	})
	newest := func() string {
		all := s.Instances()
		return all[len(all)-1].ID
	}
	return &channel{
		kind: slipway.DingTalkApproval,
		env: map[string]string{
			"SLIPWAY_DINGTALK_APP_KEY": s.AppKey(), "SLIPWAY_DINGTALK_APP_SECRET": s.AppSecret(), "SLIPWAY_DINGTALK_BASE_URL": s.BaseURL(),
			"SLIPWAY_DINGTALK_CALLBACK_TOKEN": s.CallbackToken(), "SLIPWAY_DINGTALK_CALLBACK_AES_KEY": s.AESKey(),
		},
		connect: func(t *testing.T, h *house) {
			s.SetApp(h.url)
			if err := s.Verify(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		approve:  func(ctx context.Context, who string) error { return s.Agree(ctx, newest(), who, "fine") },
		reject:   func(ctx context.Context, who, why string) error { return s.Refuse(ctx, newest(), who, why) },
		withdraw: func(ctx context.Context, who string) error { return s.Withdraw(ctx, newest(), who, "changed my mind") },
		instances: func() []string {
			var all []string
			for _, i := range s.Instances() {
				all = append(all, i.Status+i.Result)
			}
			return all
		},
	}
}

// account is a person's name as an account.
func account(prefix, who string) string { return prefix + string(who[0]+'a'-'A') + who[1:] }

// asked is a house with a plan that Alice submits, to be approved elsewhere by all of Bob
// and Carol.
type asked struct {
	t     *testing.T
	h     *house
	c     *channel
	alice *slipway.User
	plan  string
}

func ask(t *testing.T, c *channel) *asked {
	t.Helper()
	env := maps.Clone(c.env)
	env["SLIPWAY_CONFIG"] = filepath.Join(t.TempDir(), "slipway.yaml")
	settings := "approvals: {lark: {}}\n"
	if c.kind == slipway.DingTalkApproval {
		settings = "approvals: {dingtalk: {definition: PROC-release}}\n"
	}
	write(t, env["SLIPWAY_CONFIG"], settings)
	a := &asked{t: t, h: openHouse(t, env, nil), c: c}
	c.connect(t, a.h)
	var refs []slipway.PersonRef
	for _, who := range []string{"Alice", "Bob", "Carol"} {
		n := commands.NewUser{Name: who, Email: account("", who) + "@example.com", Locale: "en", DingTalkID: account("", who), FeishuOpenID: account("ou_", who)}
		u, err := a.h.app.commands.KeepUser(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if who == "Alice" {
			a.alice = u
			continue
		}
		refs = append(refs, u.Ref())
	}
	out, err := a.h.app.commands.CreateDraft(t.Context(), commands.Ask{User: a.alice}, slipway.Draft{
		Name: "payments 4.2", Manager: a.alice.Ref(), Approval: &slipway.Approval{Type: c.kind, Needed: 2, Approvers: refs},
		Items: []*slipway.Item{{Name: "announce", Type: slipway.TextItem, Text: &slipway.TextSpec{Content: "Tell the hotline"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.plan = out.Plan.ID
	a.submit()
	return a
}

func (a *asked) submit() {
	a.t.Helper()
	if _, err := a.h.app.commands.Submit(a.t.Context(), commands.Ask{User: a.alice}, a.plan); err != nil {
		a.t.Fatal(err)
	}
}

// await waits until the plan is as it is wanted.
func (a *asked) await(what string, wanted func(*slipway.Plan) bool) *slipway.Plan {
	a.t.Helper()
	topics := a.h.app.notices.Subscribe(a.t.Context())
	ctx, cancel := context.WithTimeout(a.t.Context(), startedAtMost)
	defer cancel()
	for {
		p, err := a.h.app.store.Plan(a.t.Context(), a.plan)
		if err != nil {
			a.t.Fatal(err)
		}
		if wanted(p) {
			return p
		}
		select {
		case <-topics:
		case <-ctx.Done():
			a.t.Fatalf("never: %s; the plan is %s, asked: %+v; there: %v", what, p.Status(), p.Approval.Outside, a.c.instances())
		}
	}
}

// open waits until n instances were made, and the plan shows the newest.
func (a *asked) open(n int) {
	a.t.Helper()
	p := a.await("it is asked there", func(p *slipway.Plan) bool {
		return len(a.c.instances()) == n && slices.ContainsFunc(p.Approval.Outside, func(q slipway.Question) bool { return q.State == slipway.QuestionOpen })
	})
	if q := p.Approval.Outside[len(p.Approval.Outside)-1]; q.Ref == "" {
		a.t.Errorf("the plan shows %+v", q)
	}
}

func (a *asked) is(s slipway.Status) *slipway.Plan {
	a.t.Helper()
	return a.await("the plan is "+string(s), func(p *slipway.Plan) bool { return p.Status() == s })
}

func (a *asked) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// TestPlansAreApprovedElsewhere plays, with each approval system: denied there, planned
// again, withdrawn there by a person, asked again, taken back by Slipway, and at last
// approved.
func TestPlansAreApprovedElsewhere(t *testing.T) {
	for name, system := range map[string]func(*testing.T) *channel{"Feishu": inFeishu, "DingTalk": inDingTalk} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			c := system(t)
			a := ask(t, c)
			a.open(1)
			a.must(c.reject(ctx, "bob", "not on a Friday"))
			denied := a.is(slipway.Denied)
			if said := denied.Approval.Outside[0].Said; len(said) != 1 || said[0].By.Name != "Bob" || said[0].Comment != "not on a Friday" {
				t.Errorf("the plan shows %+v", said)
			}

			_, err := a.h.app.commands.Replan(ctx, commands.Ask{User: a.alice}, a.plan, "")
			a.must(err)
			a.submit()
			a.open(2)
			a.must(c.approve(ctx, "bob"))
			a.await("Bob's approval is shown", func(p *slipway.Plan) bool { return p.Approval.Approvals() == 1 })
			a.must(c.withdraw(ctx, "alice"))
			a.await("it is withdrawn", func(p *slipway.Plan) bool {
				return p.Status() == slipway.WaitForApproval && p.Approval.Outside[len(p.Approval.Outside)-1].State == slipway.QuestionWithdrawn
			})

			_, err = a.h.app.commands.AskAgain(ctx, commands.Ask{User: a.alice}, a.plan)
			a.must(err)
			a.open(3)
			a.must(c.approve(ctx, "bob"))
			a.must(c.approve(ctx, "carol"))
			p := a.is(slipway.Executing)
			if p.Approval.Approvals() != 2 || p.Approval.Result != slipway.ApprovalPassed {
				t.Errorf("the approval is %+v", p.Approval)
			}
			if got := c.instances(); len(got) != 3 {
				t.Errorf("there are %v", got)
			}
		})
	}
}
