package mail_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/bot/mail"
	"slipway/bot/mail/mailtest"
)

// golden compares with testdata/<name>.golden; SLIPWAY_UPDATE_GOLDEN=1 rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); SLIPWAY_UPDATE_GOLDEN=1 rewrites it:\n%s", file, diff)
	}
}

// asked is a plan of which one of two levels has approved, one of them again.
func asked() *slipway.Plan {
	alice, bob := slipway.PersonRef{ID: "u1", Name: "Alice"}, slipway.PersonRef{ID: "u2", Name: "Bob"}
	wang, dave := slipway.PersonRef{ID: "u3", Name: "王芳"}, slipway.PersonRef{ID: "u4", Name: "Dave"}
	was := slipway.Content{Digest: "was", Parts: []slipway.ContentPart{{Kind: slipway.PartWindow, Digest: "w1"}, {Kind: slipway.PartItem, Name: "deploy", Digest: "d1"}}}
	now := slipway.Content{Digest: "now", Parts: []slipway.ContentPart{{Kind: slipway.PartWindow, Digest: "w2"}, {Kind: slipway.PartItem, Name: "deploy", Digest: "d2"}}}
	d := draft(&slipway.User{ID: "u1", Name: "Alice"})
	for i, it := range d.Items {
		it.ID, it.Status = fmt.Sprintf("i%d", i+1), slipway.Todo
	}
	return &slipway.Plan{
		ID: "0123456789abcdef01234567", Index: 12, Version: 3, Name: "payments 4.2", Description: d.Description, Manager: alice, Creator: alice,
		StartTime: d.StartTime, EndTime: d.EndTime, ScheduleExecuteTime: d.ScheduleExecuteTime, Jira: d.Jira, Labels: []string{"payments", "eu"},
		Items: d.Items, Phase: slipway.PhaseApproval,
		Approval: &slipway.Approval{
			Type: slipway.NativeApproval, Needed: 2, Approvers: []slipway.PersonRef{bob, wang, dave}, Content: "now",
			Levels: []slipway.Level{
				{Name: "QA", Groups: []slipway.Group{{Approvers: []slipway.PersonRef{bob, wang}, Needed: slipway.QuorumAny}}},
				{Groups: []slipway.Group{{Approvers: []slipway.PersonRef{dave}, Needed: slipway.QuorumAll}}},
			},
			Votes:    []slipway.Vote{{By: bob, Approve: true, Comment: "rollback tested", At: 1795521600, Content: "now"}},
			Earlier:  []slipway.Vote{{By: dave, Approve: true, At: 1795435200, Content: "was"}},
			Contents: []slipway.Content{was, now},
		},
		Last: slipway.LastMove{Verb: slipway.VerbApprove, By: "Bob", At: 1795521600},
	}
}

// sent is a letter about a plan as it arrives.
func sent(t *testing.T, p *slipway.Plan, lang slipway.Lang) mailtest.Letter {
	t.Helper()
	server := mailtest.New(t, mailtest.Behaviour{})
	at := time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)
	m, err := mail.New(mail.Config{Server: setting(t, server, mailtest.Behaviour{}), Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	u := &slipway.User{ID: "u4", Name: "Dave", Email: "dave@example.com", Locale: lang}
	actor := u.Actor()
	card := bot.PlanCard(p, bot.View{Lang: lang, Zone: "Asia/Shanghai", Viewer: &actor, Page: true})
	card.Summary = slipway.T("Plan #%[1]d %[2]s asks for your approval.", "发布计划 #%[1]d %[2]s 需要您审批。", p.Index, p.Name).In(lang)
	card.Link = "https://slipway.example.com/signin?next=%2Fplans%2F0123456789abcdef01234567&token=slp_0123"
	err = m.Mail(context.Background(), bot.Letter{
		Key: "k", To: u, Card: card, Until: at.Add(24 * time.Hour).Unix(), Settings: "https://slipway.example.com/",
	})
	if err != nil {
		t.Fatal(err)
	}
	return mailtest.Read(t, <-server.Mails())
}

func TestGoldenLetters(t *testing.T) {
	t.Parallel()
	for _, lang := range []slipway.Lang{slipway.English, slipway.Chinese} {
		l := sent(t, asked(), lang)
		golden(t, fmt.Sprintf("letter.%s.txt", lang), "Subject: "+l.Subject+"\n\n"+l.Text)
		_, body, _ := strings.Cut(l.HTML, "<body>")
		golden(t, fmt.Sprintf("letter.%s.html", lang), body)
	}
}

// Mail programs cut off what is too long, with the end of the page and all of its sense.
func TestALetterAboutAHugePlanIsNotCutOff(t *testing.T) {
	t.Parallel()
	p := bottest.HugePlan(30, 5)
	p.Name = "huge"
	l := sent(t, p, slipway.English)
	if len(l.HTML) > 100<<10 {
		t.Errorf("the HTML has %d bytes", len(l.HTML))
	}
	if !strings.Contains(l.HTML, "Too long for a mail") || !strings.Contains(l.Text, "Too long for a mail") {
		t.Error("it does not say what is left out")
	}
	if !strings.HasSuffix(strings.TrimSpace(l.HTML), "</html>") {
		t.Error("its end is missing")
	}
}
