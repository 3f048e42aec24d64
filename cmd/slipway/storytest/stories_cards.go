package storytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot/screen"
)

func cards() []Story {
	return []Story{
		{Name: "a change from another surface shows on the card", Play: changeElsewhere},
		{Name: "the thread holds the history, each line once", Play: threadHistory},
		{Name: "the home shows what waits for me", Play: home},
		{Name: "a link to a plan is shown below it", Play: unfurl},
		{Name: "times are in the reader's zone", Play: zones},
		{Name: "private answers are in the reader's language", Play: languages},
		{Name: "shared cards are in the room's language", Play: roomLanguage},
		{Name: "a card that was deleted is posted anew", Play: deletedCard},
		{Name: "a card in every room where the plan is shown", Play: twoRooms},
	}
}

func changeElsewhere(_ *testing.T, w *World) {
	p := w.asked(1)
	p.CardIn(w.Carol, w.Carol.direct(), "等待审批")
	began := time.Now()
	p.Do(w.Bob, "approve", "from my phone")
	card := p.Card(w.Alice, "Executing", "from my phone")
	w.t.Logf("shown after %v", time.Since(began).Round(time.Millisecond))
	if _, ok := button(card, "announce", "Complete"); !ok {
		w.t.Errorf("the item cannot be completed:\n%s", shown(card))
	}
	p.CardIn(w.Carol, w.Carol.direct(), "执行中")
	p.DoItem(w.Alice, 1, "complete")
	p.Card(w.Bob, "Success")
}

func threadHistory(_ *testing.T, w *World) {
	p := w.asked(2)
	w.Bob.Confirm(p.Card(w.Bob), "", "Approve").Told("1/2")
	p.Do(w.Carol, "approve", "fine")
	w.Alice.Press(p.Card(w.Alice, "Executing"), "announce", "Complete").Told("Success")
	head := p.shows(w.Alice, slipway.Success)
	thread := func() string {
		var text strings.Builder
		for _, m := range w.Alice.client.Thread(head.Room, head.ID) {
			if m.Bot && !m.Only {
				text.WriteString(m.Text + "\n")
			}
		}
		return text.String()
	}
	w.until("the whole history", func() bool { return strings.Contains(thread(), "completed “announce”") }, thread)
	all := thread()
	// The card was posted when the plan was made: its thread tells what happened since.
	for _, e := range p.log() {
		if e.Verb != slipway.VerbCreate && strings.Count(all, verbsInHistory[e.Verb]) == 0 {
			w.t.Errorf("the thread does not tell of %s:\n%s", e.Verb, all)
		}
	}
	at := 0
	for _, part := range []string{
		w.Alice.Name + " added “announce”", w.Alice.Name + " submitted the plan", w.Bob.Name + " approved (1/2)", w.Carol.Name + " approved (2/2)", w.Alice.Name + " completed “announce”",
	} {
		if n := strings.Count(all, part); n != 1 {
			w.t.Errorf("%q is %d times in the thread:\n%s", part, n, all)
		}
		i := strings.Index(all, part)
		if i < at {
			w.t.Errorf("%q comes too early in the thread:\n%s", part, all)
		}
		at = i
	}
}

// verbsInHistory are the words with which the story's deeds are told.
var verbsInHistory = map[slipway.Verb]string{
	slipway.VerbEdit: " added ", slipway.VerbSubmit: " submitted ", slipway.VerbApprove: " approved ", slipway.VerbComplete: " completed ",
}

func home(_ *testing.T, w *World) {
	p := w.asked(1)
	w.until("the plan on Bob's home", func() bool {
		m, err := w.Bob.client.OpenHome(w.ctx)
		return err == nil && strings.Contains(m.Text, p.title())
	}, func() string {
		m, err := w.Bob.client.OpenHome(w.ctx)
		return fmt.Sprint(shown(m), err)
	})
	if m, err := w.Eve.client.OpenHome(w.ctx); err != nil || strings.Contains(m.Text, p.title()) {
		w.t.Errorf("Eve's home: %v\n%s", err, shown(m))
	}
	if !w.Home {
		return
	}
	m, err := w.Bob.client.OpenHome(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, ok := button(m, "", "New plan"); !ok {
		w.t.Fatalf("no plan can be made at home:\n%s", shown(m))
	}
	w.Bob.Press(m, "", "New plan")
	w.Bob.Form("New plan")
	if err := w.Bob.client.CloseForm(w.ctx); err != nil {
		w.t.Error(err)
	}
}

func unfurl(_ *testing.T, w *World) {
	p := w.asked(1)
	link := strings.TrimSuffix(w.URL, "/") + "/plans/" + p.Now().ID
	below, err := w.Bob.client.Paste(w.ctx, w.room, link)
	switch {
	case err != nil:
		w.t.Error(err)
	case w.Unfurl && (!strings.Contains(below, p.title()) || !strings.Contains(below, "Waiting for approval")):
		w.t.Errorf("below the link stands %q", below)
	case !w.Unfurl && below != "":
		w.t.Errorf("the platform shows something below links after all: %q", below)
	}
	if below, err = w.Bob.client.Paste(w.ctx, w.room, strings.TrimSuffix(w.URL, "/")+"/plans/none"); err != nil || below != "" {
		w.t.Errorf("below a dead link stands %q (%v)", below, err)
	}
}

func zones(_ *testing.T, w *World) {
	p := w.NewPlan("zones", "")
	w.Alice.Say("window %s 2031-03-04 22:00 to 2031-03-05 02:00", p.ref()).Told("Changed")
	inUTC, inShanghai := []string{"14:00", "2:00 PM"}, []string{"22:00", "10:00 PM"}
	card := p.Card(w.Bob, "Window")
	if !containsAny(card.Text, inUTC) {
		w.t.Errorf("Bob does not see 14:00 on:\n%s", card.Text)
	}
	alices := p.Card(w.Alice)
	switch {
	case w.OwnClock && !containsAny(alices.Text, inShanghai):
		w.t.Errorf("Alice does not see 22:00 on:\n%s", alices.Text)
	case !w.OwnClock && !strings.Contains(alices.Text, "UTC"):
		w.t.Errorf("the shared card does not tell its zone:\n%s", alices.Text)
	}
	w.Alice.Say("approvers %s %s", p.ref(), w.Carol.Name).Told("Changed")
	w.Alice.Say("add %s watch", p.ref()).Told("Changed")
	w.Alice.Say("submit %s", p.ref()).Told("Waiting for approval")
	if own := p.CardIn(w.Carol, w.Carol.direct(), "等待审批"); !containsAny(own.Text, append(inShanghai, "下午10:00")) {
		w.t.Errorf("Carol does not see 22:00 on her own card:\n%s", own.Text)
	}
}

func containsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
}

func languages(_ *testing.T, w *World) {
	p := w.asked(1)
	w.Carol.Say("log %s", p.ref()).Message("操作日志")
	w.Bob.Say("日志 %s", p.ref()).Message("Log of")
	w.Carol.Say("submit %s", p.ref()).Told("。")
	w.Carol.Say("list").Message("发布计划")
}

func roomLanguage(_ *testing.T, w *World) {
	room := w.newRoom("zh", slipway.Chinese)
	p := w.made(w.name("in Chinese"))
	w.Alice.SayIn(room, "", "new %s", p.Name).Told("Created #") // the answer is for Alice
	p.find()
	head := p.CardIn(w.Carol, room, "规划中", "发布负责人")
	if !w.OwnWords {
		p.CardIn(w.Alice, room, "规划中")
	}
	w.Alice.SayIn(room, "", "edit %s description=new", p.ref()).Told("Changed")
	w.until("the history in Chinese", func() bool {
		return slices.ContainsFunc(w.Bob.client.Thread(room, head.ID), func(m screen.Message) bool {
			return strings.Contains(m.Text, w.Alice.Name+" 修改了描述")
		})
	}, func() string { return fmt.Sprint(w.Bob.client.Thread(room, head.ID)) })
}

func deletedCard(_ *testing.T, w *World) {
	p := w.NewPlan("deleted", "")
	card := p.Card(w.Alice)
	if w.Delete == nil {
		if w.Vanish {
			w.t.Error("the stage cannot delete messages")
		}
		return
	}
	w.Delete(w.t, card.Room, card.ID)
	p.replace(w.Alice, "still there")
	again := p.Card(w.Bob, "still there")
	if again.ID == card.ID {
		w.t.Error("the deleted card came back")
	}
	w.Alice.Say("edit %s description=live", p.ref()).Told("Changed")
	if now := p.Card(w.Bob, "live"); now.ID != again.ID {
		w.t.Error("one more card was posted")
	}
}

func twoRooms(_ *testing.T, w *World) {
	other := w.newRoom("other", slipway.English)
	p := w.NewPlan("in two rooms", "")
	w.Bob.SayIn(other, "", "show %s", p.ref())
	p.CardIn(w.Alice, other, "Planning")
	w.Alice.Say("add %s watch", p.ref()).Told("Changed")
	for _, room := range []string{w.room, other} {
		p.CardIn(w.Bob, room, "watch")
	}
	p.Do(w.Alice, "submit", "")
	for _, room := range []string{w.room, other} {
		p.CardIn(w.Bob, room, "Planned")
	}
}
