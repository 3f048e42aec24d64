package bot_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/commands"
)

// secretOf takes the secret out of the button that links an account.
func (w *world) secretOf(c bot.Card) string {
	w.t.Helper()
	for _, a := range c.Actions {
		u, err := url.Parse(a.URL)
		if err == nil && strings.HasPrefix(a.URL, "https://slipway.example.com/link?") {
			return u.Query().Get("token")
		}
	}
	w.t.Fatalf("no link in %+v", c)
	return ""
}

// confirm does what the page does when somebody signed in confirms.
func (w *world) confirm(by *bottest.Person, c bot.Card) {
	w.t.Helper()
	if _, err := w.commands.LinkAccount(w.t.Context(), by.User, w.secretOf(c)); err != nil {
		w.t.Fatal(err)
	}
}

func TestAnAccountWithoutAnAddressIsLinkedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submit()
	w.slack.Twice = true
	w.slack.People = map[string]bot.Person{"U-bob": {Name: "bobby", Locale: "zh-CN"}}
	bob := w.slack.Person("U-bob", nil)

	// Everything that bobby tries leads to the link, which bobby alone sees.
	card := w.live(w.slack, w.zhRoom)
	r := bob.Press(card, "approve", 0)
	w.wantWhisper(r, "关联您的账号")
	w.wantWhisper(bob.Say(w.zhRoom, "list"), "由于 Slack 没有提供您的邮箱")
	if home := bob.OpenHome(); home.Title != "关联您的账号" {
		t.Errorf("bobby's page is %q", home.Title)
	}
	if r := bob.SayInThread(card, bot.Chatter, "nice weather"); r.Whisper != nil {
		t.Errorf("a stranger's talk is answered: %+v", r)
	}
	w.is(slipway.WaitForApproval)

	w.confirm(w.bob, *r.Whisper)
	w.wantToast(bob.Press(card, "approve", 0), bot.ToastDone, "1/2 approvals")
	w.wantWhisper(bob.Say(w.zhRoom, "whoami"), "Slack: U-bob")
	if got := w.plan(1).Approval.Votes[0].By.Name; got != "Bob" {
		t.Errorf("%s approved", got)
	}
}

func TestTwoAccountsOfOnePersonCannotApproveForEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.feishu.People = map[string]bot.Person{"ou_dora": {Name: "朵拉", Email: " Dora@Example.com ", Locale: "zh", TimeZone: "Asia/Shanghai"}}
	dora, same := w.slack.Person("dora", nil), w.feishu.Person("ou_dora", nil)
	w.wantToast(dora.Say(w.zhRoom, "new payments approvers=@feishu:ou_dora,Bob"), bot.ToastDone, "#1 payments")
	w.wantToast(dora.Say(w.zhRoom, "add #1 announce"), bot.ToastDone, "#1")
	w.wantToast(dora.Say(w.zhRoom, "submit #1"), bot.ToastDone, "#1")
	room := w.feishu.Room("oc_1")
	w.wantWhisper(same.Say(room, "approve #1"), "Nobody decides on their own plan")
	same.Say(room, "show #1")
	w.wantToast(same.Press(w.live(w.feishu, room), "approve", 0), bot.ToastRefused, "Nobody decides on their own plan")
	w.is(slipway.WaitForApproval)
	u, err := w.store.UserByFeishuOpenID(t.Context(), "ou_dora")
	if err != nil || u.SlackID != "dora" || u.Email != "dora@example.com" {
		t.Errorf("Dora is %+v: %v", u, err)
	}
}

func TestTheFirstEventsOfAPersonMakeOneUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.feishu.People = map[string]bot.Person{"ou_dora": {Name: "Dora", Email: "DORA@example.com"}}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			from := bot.UserRef{Platform: bot.Slack, ID: "dora"}
			if i%2 == 1 {
				from = bot.UserRef{Platform: bot.Feishu, ID: "ou_dora"}
			}
			r := w.Handle(t.Context(), bot.Event{Kind: bot.Command, ID: "first" + string(rune('a'+i)), From: from, Text: "whoami"})
			if r.Whisper == nil || !strings.Contains(textOf(*r.Whisper), "dora@example.com") {
				t.Errorf("answered with %+v", r)
			}
		})
	}
	wg.Wait()
	u, err := w.store.UserByEmail(t.Context(), "dora@example.com")
	if err != nil || u.SlackID != "dora" || u.FeishuOpenID != "ou_dora" {
		t.Errorf("Dora is %+v: %v", u, err)
	}
}

func TestASecondAccountOnAPlatformIsLinkedOnlyByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slack.People = map[string]bot.Person{"U-new": {Name: "carol", Email: "carol@example.com"}}
	again := w.slack.Person("U-new", nil)
	r := again.Say(w.zhRoom, "whoami")
	w.wantWhisper(r, "卡罗, who has your e-mail address, has another Slack account already")
	if u, err := w.store.User(t.Context(), w.carol.Account); err != nil || u.SlackID != "U-carol" {
		t.Errorf("the account was taken away: %+v, %v", u, err)
	}
	w.confirm(w.carol, *r.Whisper)
	w.wantWhisper(again.Say(w.zhRoom, "whoami"), "Slack: U-new")
}

func TestLinkMovesAnAccountOnPurpose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dora := w.slack.Person("dora", nil)
	w.wantWhisper(dora.Say(w.zhRoom, "whoami"), "dora@example.com")
	r := dora.Say(w.zhRoom, "绑定")
	w.wantWhisper(r, "belongs to dora now")
	w.confirm(w.bob, *r.Whisper)
	w.wantWhisper(dora.Say(w.zhRoom, "whoami"), "bob@example.com")
	w.wantWhisper(w.alice.Say(w.room, "link"), "write `link` to Slipway in Slack or Feishu")

	// The button on the card of whoami does the same.
	dora.Say(w.zhRoom, "whoami")
	w.wantWhisper(dora.Press(w.slack.Last("dora", w.zhRoom), "link", 0), "belongs to Bob now")
}

func TestPeopleAreNamedByMentions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slack.People = map[string]bot.Person{"U-x": {Name: "Xaver"}}
	for _, text := range []string{
		"new payments approvers=@slack:U-carol,Bob", "new payments approvers=@slack:U-carol, @slack:Bob", "new payments approvers=@slack:U-carol @slack:Bob",
		"new payments —approvers “@slack:U-carol，@slack:Bob”", "new payments --approver=slack:U-carol,slack:Bob", "新建 payments 审批人＝@slack:U-carol、@slack:Bob",
	} {
		r := w.alice.Say(w.room, text)
		w.wantToast(r, bot.ToastDone, " payments.")
	}
	for i := int64(1); i <= 6; i++ {
		p := w.plan(i)
		if len(p.Approval.Approvers) != 2 || p.Approval.Approvers[0].Name != "卡罗" || p.Approval.Approvers[1].Name != "Bob" {
			t.Errorf("#%d: %+v", i, p.Approval)
		}
	}
	w.wantToast(w.alice.Say(w.room, "edit #1 manager=@slack:Bob"), bot.ToastDone, "Changed")
	w.wantToast(w.bob.Say(w.room, "approvers #1 @slack:U-carol @slack:dora needed=2"), bot.ToastDone, "Changed")
	if p := w.plan(1); p.Manager.Name != "Bob" || p.Approval.Approvers[1].Name != "dora" {
		t.Errorf("manager %s, approvers %+v", p.Manager.Name, p.Approval.Approvers)
	}
	w.wantWhisper(w.bob.Say(w.room, "approvers #1 @slack:U-x"), "Xaver has no Slipway user yet")
}

func TestWhatAPlatformTellsFillsTheGaps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ewa := w.user(commands.NewUser{Name: "Ewa", Email: "ewa@example.com", SlackID: "U-ewa"})
	bob := w.slack.Person("Bob", nil) // in English by choice, with no zone
	there := w.slack.Person("U-ewa", nil)
	for _, p := range []*bottest.Person{there, bob} {
		p.Locale, p.TimeZone = "zh-CN", "Asia/Shanghai"
	}
	w.wantWhisper(there.Say(w.zhRoom, "whoami"), "时区: Asia/Shanghai")
	w.wantWhisper(bob.Say(w.zhRoom, "whoami"), "Language: English")
	there.Locale, there.TimeZone = "en-GB", "Europe/London"
	w.wantWhisper(there.Say(w.zhRoom, "我是谁"), "语言: 中文")
	u, err := w.store.User(t.Context(), ewa.Account)
	if err != nil || u.Locale != slipway.Chinese || u.TimeZone != "Asia/Shanghai" {
		t.Errorf("Ewa is %+v: %v", u, err)
	}
}
