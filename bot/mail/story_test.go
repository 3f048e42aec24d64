package mail_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"strings"
	"sync/atomic"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/bot/mail/mailtest"
	"slipway/commands"
)

func TestAnApproverIsAskedByMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mailtest.Behaviour{TLS: true, User: "slipway", Password: "p@ss/word"})
	p := w.submitted(w.bob, w.wang)
	w.tellAll(p)

	mails := map[string]mailtest.Letter{}
	for range 2 {
		m, l := w.gets()
		if m.From != "slipway@example.com" {
			t.Errorf("the mail comes from %s", m.From)
		}
		mails[m.To] = l
	}
	w.getsNothing()
	bob, wang := mails["bob@example.com"], mails["wang@example.com"]
	if bob.Subject != "Plan #1 payments 4.2 asks for your approval" || wang.Subject != "发布计划 #1 payments 4.2 需要您审批" {
		t.Errorf("the subjects are %q and %q", bob.Subject, wang.Subject)
	}
	for name, want := range map[string]string{
		"From": `"Slipway" <slipway@example.com>`, "To": `"Bob" <bob@example.com>`, "Auto-Submitted": "auto-generated",
		"List-Id": "Slipway approvals <approvals.example.com>", "Date": "Tue, 24 Nov 2026 14:00:00 +0000",
		"References": "<plan-" + p.ID + "@example.com>", "List-Unsubscribe": "<https://slipway.example.com/>",
	} {
		if got := bob.Header.Get(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for _, want := range []string{
		"Window: 2026-11-24 22:00 – 2026-11-25 00:00 UTC+8", "Schedule: 2026-11-24 22:30 UTC+8", "Manager: Alice", "Sprints: PAY Sprint 7",
		"local: payments/deploy-payments (REGION=eu-west-1, VERSION=4.2.0)", "Asked: Bob, 王芳", "Faster refunds", "until 2026-11-25 22:00 UTC+8",
	} {
		if !strings.Contains(bob.Text, want) {
			t.Errorf("the text lacks %q", want)
		}
		if !strings.Contains(html.UnescapeString(bob.HTML), strings.TrimPrefix(want[strings.Index(want, ":")+1:], " ")) {
			t.Errorf("the HTML lacks %q", want)
		}
	}
	if !strings.Contains(wang.Text, "发布负责人：Alice") || !strings.Contains(wang.HTML, `lang="zh-CN"`) {
		t.Error("the other mail is not in Chinese")
	}
	if !strings.Contains(html.UnescapeString(bob.HTML), token(t, bob)) {
		t.Error("text and HTML have different links")
	}
	w.signsIn(bob, w.bob)
	if _, _, err := w.cmds.SignIn(t.Context(), token(t, bob)); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("the link works twice: %v", err)
	}
	w.clock.Pass(commands.MailLinkLife)
	if _, _, err := w.cmds.SignIn(t.Context(), token(t, wang)); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("the link works after a day: %v", err)
	}
}

// The task may run again at any moment, on this process or another, and two tasks may ask
// for the same.
func TestAMailGoesOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mailtest.Behaviour{})
	p := w.submitted(w.bob)
	all, keys := w.notices()
	w.tells(p, all[0], keys[0])
	w.tells(p, all[0], keys[0])
	w.tells(p, all[0], "notice:of-another-task")
	_, first := w.gets()
	w.getsNothing()

	w.clock.Pass(slipway.RemindPause)
	if _, err := w.cmds.Remind(t.Context(), commands.Ask{User: w.alice}, p.ID); err != nil {
		t.Fatal(err)
	}
	w.tellAll(p)
	_, reminder := w.gets()
	w.getsNothing()
	if reminder.Subject != "Alice reminds you: plan #1 payments 4.2 still waits for your approval" {
		t.Errorf("the subject is %q", reminder.Subject)
	}
	if first.Header.Get("Message-ID") == reminder.Header.Get("Message-ID") || first.Header.Get("References") != reminder.Header.Get("References") {
		t.Error("a reminder is a mail of its own about the same plan")
	}
}

// A process that dies while it sends leaves its claim behind.
func TestAMailIsSentAgainWhenNobodyKnowsWhetherItWas(t *testing.T) {
	t.Parallel()
	lost := true
	w := newWorld(t, mailtest.Behaviour{Data: func(mailtest.Mail) error {
		if !lost {
			return nil
		}
		lost = false
		return mailtest.Hang
	}})
	p := w.submitted(w.bob)
	w.tellAll(p)
	_, one := w.gets()
	_, two := w.gets()
	w.getsNothing()
	if id := one.Header.Get("Message-ID"); id == "" || id != two.Header.Get("Message-ID") {
		t.Errorf("a mail program does not see that %s and %s are one", id, two.Header.Get("Message-ID"))
	}
	w.signsIn(one, w.bob) // whichever of them is shown
	w.signsIn(two, w.bob)
}

func TestAMailServerThatRefusesAPersonIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mailtest.Behaviour{Recipient: func(to string) error {
		if to == "bob@example.com" {
			return mailtest.Refuse(550, "no such user here")
		}
		return nil
	}})
	p := w.submitted(w.bob, w.wang)
	all, keys := w.notices()
	w.tells(p, all[0], keys[0])
	w.tells(p, all[0], keys[0])
	if m, _ := w.gets(); m.To != "wang@example.com" {
		t.Errorf("the mail is for %s", m.To)
	}
	if n := w.server.Tries("bob@example.com"); n != 1 {
		t.Errorf("the server was asked %d times", n)
	}
	told := w.chat.Direct(w.alice.ID)
	if len(told) != 1 {
		t.Fatalf("the manager is told %d times", len(told))
	}
	if said := told[0].Card.Summary; !strings.Contains(said, "asks Bob") || !strings.Contains(said, "“550 5.1.1 no such user here”") {
		t.Errorf("the manager is told: %s", said)
	}
}

func TestAMailServerThatSaysLaterIsAskedLater(t *testing.T) {
	t.Parallel()
	var times atomic.Int32
	w := newWorld(t, mailtest.Behaviour{Recipient: func(string) error {
		if times.Add(1) <= 3 {
			return mailtest.Refuse(451, "greylisted, come back in a minute")
		}
		return nil
	}})
	p := w.submitted(w.bob)
	w.tellAll(p)
	_, l := w.gets()
	w.getsNothing()
	w.signsIn(l, w.bob)
	if n := len(w.chat.Direct(w.bob.ID)); n != 1 {
		t.Errorf("Bob is told in the chat %d times", n)
	}
	if n := len(w.chat.Direct(w.alice.ID)); n != 0 {
		t.Error("the manager is bothered")
	}
}

// Where the mail server is away, chats are not.
func TestAMailServerThatIsAwayHoldsNothingUp(t *testing.T) {
	t.Parallel()
	away := true
	w := newWorld(t, mailtest.Behaviour{Sender: func(string) error {
		if away {
			return mailtest.Refuse(421, "closing down")
		}
		return nil
	}})
	p := w.submitted(w.bob)
	all, keys := w.notices()
	err := w.bot.Tell(t.Context(), p.ID, all[0], keys[0])
	if room := (*bot.RoomError)(nil); !errors.As(err, &room) {
		t.Errorf("the task is told %v", err)
	}
	if n := len(w.chat.Direct(w.bob.ID)); n != 1 {
		t.Errorf("Bob is told in the chat %d times", n)
	}
	away = false
	w.tells(p, all[0], keys[0])
	w.gets()
}

func TestWhoIsNotAskedAnyMoreGetsNoMail(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(context.Context, *world, *slipway.Plan) error{
		"it was decided": func(ctx context.Context, w *world, p *slipway.Plan) error {
			_, err := w.cmds.Approve(ctx, commands.Ask{User: w.bob}, p.ID, "")
			return err
		},
		"it was cancelled": func(ctx context.Context, w *world, p *slipway.Plan) error {
			_, err := w.cmds.Cancel(ctx, commands.Ask{User: w.alice}, p.ID, "no need")
			return err
		},
		"Bob wants no mails": func(ctx context.Context, w *world, _ *slipway.Plan) error {
			w.bob.NoMail = true
			return w.store.UpdateUser(ctx, w.bob)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mailtest.Behaviour{})
			p := w.submitted(w.bob)
			all, keys := w.notices()
			if err := before(t.Context(), w, p); err != nil {
				t.Fatal(err)
			}
			w.tells(p, all[0], keys[0])
			w.getsNothing()
		})
	}
}

// After a re-plan what is asked is another thing, even if the content is the same.
func TestASecondRoundIsASecondMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mailtest.Behaviour{})
	p := w.submitted(w.bob)
	w.tellAll(p)
	w.gets()
	if _, err := w.cmds.Replan(t.Context(), commands.Ask{User: w.alice}, p.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.cmds.Submit(t.Context(), commands.Ask{User: w.alice}, p.ID); err != nil {
		t.Fatal(err)
	}
	w.tellAll(p)
	w.gets()
	w.getsNothing()
}

// Nothing that people write becomes a header, an element of the page, or an image that
// tells who reads it.
func TestWhatPeopleWriteStaysText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mailtest.Behaviour{})
	u, err := w.cmds.PutUser(t.Context(), commands.NewUser{
		Name: `Eve" <eve@example.com>, "x`, Email: "eve.o'hara+x@example.com", Locale: "en", TimeZone: "UTC",
	})
	if err != nil {
		t.Fatal(err)
	}
	d := draft(w.alice, u)
	d.Name = `<script>alert(1)</script> & "q" ` + strings.Repeat("long 名 ", 20) + `Bcc: all@example.com`
	d.Description = "<img src=https://evil.example/a.gif> ![b](https://evil.example/b.gif) [click](javascript:alert(1)) <style>p{color:red}</style>\n\n" +
		"<b onclick=alert(1)>rich</b> <a href='https://ok.example/'>link</a> <form action=https://evil.example><input></form>"
	d.Items[1].Text.Content = "</td></table><script>alert(2)</script>"
	made, err := w.cmds.CreateDraft(t.Context(), commands.Ask{User: w.alice}, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.cmds.Submit(t.Context(), commands.Ask{User: w.alice}, made.Plan.ID); err != nil {
		t.Fatal(err)
	}
	w.tellAll(made.Plan)
	m, l := w.gets()
	if m.To != u.Email {
		t.Errorf("the mail is for %s", m.To)
	}
	if to, err := l.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Name != u.Name || to[0].Address != u.Email {
		t.Errorf("To is %v: %v", to, err)
	}
	if l.Header.Get("Bcc") != "" {
		t.Error("a name has become a header")
	}
	if want := fmt.Sprintf("Plan #1 %s asks for your approval", made.Plan.Name); l.Subject != want {
		t.Errorf("the subject is %q, want %q", l.Subject, want)
	}
	for _, never := range []string{"<script", "<img", "javascript:", "onclick", "<form", "<input", "evil.example/a", "evil.example/b"} {
		if strings.Contains(l.HTML, never) {
			t.Errorf("the HTML has %s", never)
		}
	}
	for _, wanted := range []string{"<b>rich</b>", `href="https://ok.example/"`, "&lt;script&gt;alert(1)"} {
		if !strings.Contains(l.HTML, wanted) {
			t.Errorf("the HTML lacks %s", wanted)
		}
	}
	for line := range strings.Lines(string(m.Raw)) {
		if len(line) > 1000 {
			t.Errorf("a line of the mail has %d bytes; SMTP allows 1000", len(line))
		}
	}
}
