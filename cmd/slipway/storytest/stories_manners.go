package storytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"slipway"
	"slipway/bot/screen"
)

func manners() []Story {
	return []Story{
		{Name: "did you mean, and a button that does it", Play: didYouMean},
		{Name: "a forbidden verb is explained to the person alone", Play: forbidden},
		{Name: "a stale click is told who did what", Play: staleClick},
		{Name: "a stale form is not taken", Play: staleForm},
		{Name: "a click that arrives twice has one effect", Play: clickTwice},
		{Name: "a line that arrives twice has one effect", Play: lineTwice},
		{Name: "smart quotes and dashes are understood", Play: smartQuotes},
		{Name: "everything is done in Chinese", Play: inChinese},
		{Name: "what people write neither mentions nor formats", Play: neutralText},
		{Name: "a setting that does not belong is refused", Play: strayKey},
		{Name: "a plan with 60 items says what was left out", Play: sixtyItems},
		{Name: "long names, right-to-left text and emoji", Play: wildNames},
		{Name: "an account without e-mail is linked by its owner", Play: linkAccount},
	}
}

func didYouMean(_ *testing.T, w *World) {
	p := w.NewPlan("typo", "")
	w.Alice.Say("add %s watch", p.ref()).Told("Changed")
	m := w.Alice.Say("sumbit %s", p.ref()).Message("Did you mean")
	p.Is(slipway.Planning)
	w.Alice.Press(m, "", "submit "+p.ref()).Told("Submitted " + p.ref())
	p.shows(w.Bob, slipway.FinishPlanning)
	w.Carol.Say("提叫 %s", p.ref()).Told("您是不是想输入")
}

func forbidden(_ *testing.T, w *World) {
	p := w.asked(1)
	before := len(shared(w.Alice.client.Look(w.room)))
	w.Eve.Say("cancel %s because", p.ref()).Told("Only the manager", w.Alice.Name)
	card := p.Card(w.Eve)
	if _, ok := button(card, "", "Cancel plan"); ok == w.OwnButtons {
		w.t.Errorf("the button of another is there: %v", ok)
	} else if ok {
		w.Eve.Press(card, "", "Cancel plan").Told("Only the manager", w.Alice.Name)
	}
	p.Is(slipway.WaitForApproval)
	for _, m := range shared(w.Alice.client.Look(w.room))[before:] {
		if m.Bot && strings.Contains(m.Text, "Only the manager") {
			w.t.Errorf("everybody sees the refusal:\n%s", m.Text)
		}
	}
}

// shared leaves out what only one person sees.
func shared(list []screen.Message) []screen.Message {
	return slices.DeleteFunc(list, func(m screen.Message) bool { return m.Only })
}

func staleClick(_ *testing.T, w *World) {
	p := w.asked(1)
	card := p.Card(w.Bob)
	if _, ok := button(card, "", "Approve"); !ok {
		w.t.Fatalf("Bob cannot approve:\n%s", shown(card))
	}
	p.Do(w.Alice, "replan", "more to do")
	w.Bob.ConfirmSeen(card, "", "Approve").Told(w.Alice.Name, "replan")
	now := p.shows(w.Bob, slipway.Planning)
	if _, ok := button(now, "", "Approve"); ok {
		w.t.Errorf("the card still offers what was refused:\n%s", shown(now))
	}
	if _, err := w.Bob.client.Press(w.ctx, now, screen.Button{Label: "Approve", Handle: "none"}); !notThere(err) {
		w.t.Errorf("a button that is gone was pressed: %v", err)
	}
}

func staleForm(_ *testing.T, w *World) {
	p := w.NewPlan("stale", "")
	w.Alice.Press(p.Card(w.Alice), "", "Edit")
	w.Alice.Form("Edit " + p.ref())
	p.replace(w.Alice, "theirs")
	h := w.Alice.Fill(map[string][]string{"Description": {"mine"}})
	h.Fault("", "has changed since you saw it")
	if t := p.Now(); !strings.Contains(t.Description, "theirs") {
		w.t.Errorf("the plan says %q", t.Description)
	}
}

func clickTwice(_ *testing.T, w *World) {
	p := w.asked(2)
	w.DeliverTwice(w.chat)
	w.Bob.Confirm(p.Card(w.Bob), "", "Approve").Told("Approved "+p.ref(), "1/2")
	p.Card(w.Alice, "1 of 2")
	w.Alice.Press(p.Card(w.Alice), "", "Replan")
	w.Alice.Form("Back to planning")
	w.Alice.Fill(map[string][]string{"Why?": {"again"}}).Told("Replanned " + p.ref())
	p.shows(w.Bob, slipway.Planning)
	verbs := map[slipway.Verb]int{}
	for _, e := range p.log() {
		verbs[e.Verb]++
	}
	if verbs[slipway.VerbApprove] != 1 || verbs[slipway.VerbReplan] != 1 {
		w.t.Errorf("the log counts %v", verbs)
	}
}

func lineTwice(_ *testing.T, w *World) {
	w.DeliverTwice(w.chat)
	p := w.NewPlan("typed twice", "")
	w.Alice.Say("add %s watch", p.ref()).Told("Changed " + p.ref())
	p.Card(w.Bob, "watch")
	if n := len(p.Now().Jobs); n != 1 {
		w.t.Errorf("%d items were added", n)
	}
	cards := 0
	for _, m := range w.Bob.client.Look(w.room) {
		if m.Bot && !m.Only && strings.Contains(m.Text, p.title()) && footer.MatchString(m.Text) {
			cards++
		}
	}
	if cards != 1 {
		w.t.Errorf("the room shows %d cards of the plan", cards)
	}
	var list struct{ Plans []Truth }
	if err := w.ask(nil, http.MethodGet, "/api/v1/plans?q=typed+twice+"+w.tag, nil).Decode(&list); err != nil || len(list.Plans) != 1 {
		w.t.Errorf("%d plans were made: %v", len(list.Plans), err)
	}
}

func smartQuotes(_ *testing.T, w *World) {
	p := w.made(w.name("spring — clean"))
	w.Alice.Say("new name=“%s” description=‘with care’ approvers=%s，%s", p.Name, w.Bob.Name, w.Carol.Name).Told("Created #")
	p.find()
	if t := p.Now(); !strings.Contains(t.Description, "with care") || len(t.Approval.Approvers) != 2 {
		w.t.Errorf("plan %+v, approval %+v", t, t.Approval)
	}
	w.Alice.Say("window %s 2031—03—04 22:00 to 2031–03–05 02:00", p.ref()).Told("Changed")
	w.Alice.Say("edit ＃%d description=「新的」", p.Index).Told("Changed")
	p.Card(w.Bob, "新的")
}

func inChinese(_ *testing.T, w *World) {
	p := w.made(w.name("支付"))
	w.Carol.Say("新建 %s 审批人=%s 负责人=%s", p.Name, w.Bob.Name, w.Carol.Name).Told("已新建 #")
	p.find()
	w.Carol.Say("添加 %s 公告：通知客服热线 负责人=%s", p.ref(), w.Carol.Name).Told("已修改 " + p.ref())
	w.Carol.Say("提交 %s", p.ref()).Told("等待审批")
	w.Carol.Say("通过 %s", p.ref()).Told("只有审批人")
	w.Bob.Say("approve %s", p.ref()).Told("Executing")
	w.Carol.Say("完成 %s 公告 中午已发送", p.ref()).Told("成功")
	p.shows(w.Bob, slipway.Success)
	w.Carol.Say("日志 %s", p.ref()).Message("中午已发送")
}

// wild is text that would mention everybody, or format, if it were taken for markup.
const wild = "<!channel> <!here|x> <@U1> <at id=all></at> *bold* _it_ ~no~ `code` [x](http://evil.example) <http://evil.example|y> R&D"

func neutralText(_ *testing.T, w *World) {
	p := w.made(w.name(wild))
	w.ask(w.Alice, http.MethodPost, "/api/v1/plans", map[string]any{
		"name": p.Name, "approval": map[string]any{"needed_approvers": 1, "approvers": []string{w.Bob.Email}},
		"jobs": []map[string]any{{"name": wild, "type": "text", "spec": map[string]any{"content": "see [x](javascript:alert(1)) <!everyone> <at id=all></at>"}}},
	})
	p.find()
	w.Alice.Say("show %s", p.ref())
	card := p.Card(w.Bob, wild)
	p.Do(w.Alice, "submit", "")
	w.Bob.Say("approve %s %s", p.ref(), wild).Told("Approved", wild)
	now := p.Card(w.Bob, "Executing")
	if strings.Count(now.Text, wild) < 3 {
		w.t.Errorf("not all that was written can be read:\n%s", now.Text)
	}
	for _, m := range []screen.Message{card, now} {
		w.judgeRaw(m)
		for _, b := range m.Buttons {
			if strings.Contains(b.URL, "evil") || strings.Contains(b.URL, "javascript") {
				w.t.Errorf("a button leads to %s", b.URL)
			}
		}
	}
	for _, line := range w.Bob.client.Thread(w.room, now.ID) {
		w.judgeRaw(line)
	}
}

func strayKey(_ *testing.T, w *World) {
	p := w.NewPlan("stray", "")
	for text, part := range map[string]string{
		"edit %s workflow=x":           "workflow= does not belong here",
		"edit %s name=a name=b":        "name= is given twice",
		"edit %s colour=red":           "colour",
		"window %s 22:00 to not-a-day": "not a time that is understood",
	} {
		w.Alice.Say(text, p.ref()).Told(part)
	}
	if t := p.Now(); t.Version != 1 {
		w.t.Errorf("something was changed: %+v", t)
	}
}

func sixtyItems(_ *testing.T, w *World) {
	const items = 60
	var jobs []map[string]any
	for n := range items {
		name := fmt.Sprintf("item %02d %s", n+1, strings.Repeat("very ", 30)+"long")
		jobs = append(jobs, map[string]any{"name": name, "type": "text", "spec": map[string]any{"content": strings.Repeat("words of wisdom ", 30)}})
	}
	p := w.made(w.name("sixty"))
	w.ask(w.Alice, http.MethodPost, "/api/v1/plans", map[string]any{"name": p.Name, "description": strings.Repeat("why ", 2000), "jobs": jobs})
	p.find()
	w.Alice.Say("show %s", p.ref())
	card := p.Card(w.Bob, "item 01", "0 of 60 done")
	n := 0
	for i := range items {
		if strings.Contains(card.Text, fmt.Sprintf("item %02d", i+1)) {
			n++
		}
	}
	if n < items && !strings.Contains(card.Text, fmt.Sprintf("%d more", items-n)) {
		w.t.Errorf("the card shows %d of %d items and does not say what was left out:\n%s", n, items, card.Text)
	}
	p.Do(w.Alice, "submit", "")
	p.Do(w.Alice, "start", "")
	p.Card(w.Bob, "Executing")
	w.Alice.Say("complete %s 60", p.ref()).Told("Completed")
	p.Card(w.Bob, "1 of 60 done")
}

func wildNames(_ *testing.T, w *World) {
	long := strings.Repeat("长名", 90) + w.tag
	rtl := "شحنة الدفع " + w.tag
	emoji := "🚀👩‍👩‍👧‍👦 " + w.tag
	for _, name := range []string{long, rtl, emoji} {
		p := w.made(name)
		w.ask(w.Alice, http.MethodPost, "/api/v1/plans", map[string]any{
			"name": p.Name, "jobs": []map[string]any{{"name": name, "type": "text", "spec": map[string]any{"content": name}}},
		})
		p.find()
		w.Bob.Say("show %s", p.ref())
		w.until("card of "+name, func() bool {
			return slices.ContainsFunc(w.Bob.client.Look(w.room), func(m screen.Message) bool {
				return m.Bot && strings.Contains(m.Text, p.ref()+" "+string([]rune(name)[:10])) && footer.MatchString(m.Text)
			})
		}, func() string { return fmt.Sprint(w.Bob.client.Look(w.room)) })
	}
}

func linkAccount(_ *testing.T, w *World) {
	if !w.Accounts {
		// People are signed in to Slipway itself; there is nothing to link.
		w.Eve.Say("whoami").Message(w.Eve.Email)
		return
	}
	faye := w.person(NewPerson{Name: "Faye", Stranger: true})
	room := w.AddRoom(w.t, "faye-"+strings.ToLower(w.tag), slipway.English, []string{faye.Account, w.Alice.Account})
	offer := faye.SayIn(room, "", "whoami").Message("Link your account", "cannot know who you are")
	i := slices.IndexFunc(offer.Buttons, func(b screen.Button) bool { return b.URL != "" })
	if i < 0 {
		w.t.Fatalf("no way leads on:\n%s", shown(offer))
	}
	console := NewConsole(ConsoleConfig{URL: w.URL, Link: w.SignIn})
	defer console.Close()
	if err := console.Follow(w.ctx, faye.Email, offer.Buttons[i].URL); err != nil {
		w.t.Fatal(err)
	}
	faye.SayIn(room, "", "whoami").Message(faye.Name, faye.Email)
	// The account is the person's from now on, whatever they use.
	p := w.made(w.name("of Faye"))
	w.ask(faye, http.MethodPost, "/api/v1/plans", map[string]any{
		"name": p.Name, "approval": map[string]any{"needed_approvers": 1, "approvers": []string{faye.Email, w.Bob.Email}},
		"jobs": []map[string]any{{"name": "think", "type": "text", "spec": map[string]any{"content": "twice"}}},
	})
	p.find().Do(faye, "submit", "")
	faye.SayIn(room, "", "approve %s", p.ref()).Told("Nobody decides on their own plan")
	p.Is(slipway.WaitForApproval)
}
