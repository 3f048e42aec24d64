package storytest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"slipway"
	"slipway/bot/screen"
)

func approval() []Story {
	return []Story{
		{Name: "one approver approves with a click", Play: approveByClick},
		{Name: "two of two must approve", Play: twoOfTwo},
		{Name: "both approvers click at once", Play: bothAtOnce},
		{Name: "an approval with a comment shows it", Play: approveWithComment},
		{Name: "a rejection denies the plan, which is planned again", Play: rejectAndReplan},
		{Name: "nobody approves their own plan", Play: ownPlan},
		{Name: "whoever is no approver is told so", Play: noApprover},
		{Name: "approvers are asked in their own room", Play: askedDirectly},
		{Name: "agreeing in the thread is no approval", Play: nodInThread},
		{Name: "approving in the thread needs no number", Play: approveInThread},
		{Name: "approving without naming a plan is asked about", Play: whichPlan},
		{Name: "approvers are reminded", Play: remindApprovers},
	}
}

func approveByClick(_ *testing.T, w *World) {
	p := w.asked(1)
	w.Bob.Confirm(p.Card(w.Bob), "", "Approve", "Approve "+p.title(), "1 item", "0 of 1").Told("Approved "+p.ref(), "Executing")
	card := p.shows(w.Alice, slipway.Executing)
	if !strings.Contains(card.Text, w.Bob.Name+" approved") {
		w.t.Errorf("the card does not tell who approved:\n%s", card.Text)
	}
	if _, ok := button(card, "", "Approve"); ok {
		w.t.Errorf("the card can still be approved:\n%s", shown(card))
	}
}

func twoOfTwo(_ *testing.T, w *World) {
	p := w.asked(2)
	w.Bob.Confirm(p.Card(w.Bob), "", "Approve").Told("1/2")
	p.Card(w.Alice, "1 of 2", w.Bob.Name+" approved", "Asked: "+w.Carol.Name)
	p.Is(slipway.WaitForApproval)
	approve := "Approve"
	if w.OwnWords {
		approve = "通过"
	}
	w.Carol.Confirm(p.Card(w.Carol), "", approve).Told("执行中")
	p.shows(w.Alice, slipway.Executing)
}

func bothAtOnce(_ *testing.T, w *World) {
	p := w.asked(2)
	approve := "Approve"
	if w.OwnWords {
		approve = "通过"
	}
	type click struct {
		who *Person
		m   screen.Message
		b   screen.Button
	}
	var clicks []click
	for who, label := range map[*Person]string{w.Bob: "Approve", w.Carol: approve} {
		m := p.Card(who)
		b, ok := button(m, "", label)
		if !ok {
			w.t.Fatalf("%s cannot approve:\n%s", who.Name, shown(m))
		}
		clicks = append(clicks, click{who, m, b.Agreed()})
	}
	errs := make([]error, len(clicks))
	var all sync.WaitGroup
	for i, c := range clicks {
		all.Go(func() { _, errs[i] = c.who.client.PressSeen(w.ctx, c.m, c.b) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			w.t.Errorf("%s: %v", clicks[i].who.Name, err)
		}
	}
	w.until("both approvals", func() bool { return p.Now().Approval.Approvals() == 2 }, func() string { return fmt.Sprintf("%+v", p.Now().Approval) })
	p.shows(w.Alice, slipway.Executing)
}

func approveWithComment(_ *testing.T, w *World) {
	p := w.asked(1)
	w.Bob.Press(p.Card(w.Bob), "", "Approve with comment")
	w.Bob.Form("Approve")
	w.Bob.Fill(map[string][]string{"Comment": {"rollback *tested*"}}).Told("Approved " + p.ref())
	p.Card(w.Alice, w.Bob.Name+" approved", "rollback *tested*")
	other := w.asked(1)
	w.Bob.Say("approve %s works for me", other.ref()).Told("Approved " + other.ref())
	other.Card(w.Alice, "works for me")
}

func rejectAndReplan(_ *testing.T, w *World) {
	p := w.asked(2)
	w.Bob.Press(p.Card(w.Bob), "", "Reject")
	w.Bob.Form("Reject")
	w.Bob.Fill(map[string][]string{"Why?": {"no way back"}}).Told("Rejected "+p.ref(), "Denied")
	card := p.shows(w.Alice, slipway.Denied)
	if !strings.Contains(card.Text, "no way back") {
		w.t.Errorf("the card does not tell why:\n%s", card.Text)
	}
	w.Alice.Press(card, "", "Replan")
	w.Alice.Form("Back to planning")
	w.Alice.Fill(map[string][]string{"Why?": {"found one"}}).Told("Replanned "+p.ref(), "Planning")
	p.shows(w.Alice, slipway.Planning)
	if n := p.Now().Approval.Approvals(); n != 0 {
		w.t.Errorf("%d approvals are left", n)
	}
}

func ownPlan(_ *testing.T, w *World) {
	p := w.made(w.name("own"))
	w.Bob.Say("new %s approvers=%s,%s", p.Name, w.Bob.Name, w.Carol.Name).Told("Created #")
	p.find()
	w.Bob.Say("add %s think", p.ref()).Told("Changed")
	w.Bob.Say("submit %s", p.ref()).Told("Waiting for approval")
	card := p.shows(w.Bob, slipway.WaitForApproval)
	if _, ok := button(card, "", "Approve"); ok {
		w.Bob.Confirm(card, "", "Approve").Told("Nobody decides on their own plan")
	}
	w.Bob.Say("approve %s", p.ref()).Told("Nobody decides on their own plan")
	p.Is(slipway.WaitForApproval)
}

func noApprover(_ *testing.T, w *World) {
	p := w.asked(1)
	card := p.Card(w.Eve)
	if _, ok := button(card, "", "Approve"); ok {
		w.Eve.Confirm(card, "", "Approve").Told("Only the approvers", w.Bob.Name)
	}
	w.Eve.Say("approve %s", p.ref()).Told("Only the approvers", w.Bob.Name)
	if n := p.Now().Approval.Approvals(); n != 0 {
		w.t.Errorf("%d approvals were counted", n)
	}
}

func askedDirectly(_ *testing.T, w *World) {
	p := w.asked(2)
	bobs := p.CardIn(w.Bob, w.Bob.direct(), "Waiting for approval")
	carols := p.CardIn(w.Carol, w.Carol.direct(), "等待审批")
	if _, ok := button(bobs, "", "Cancel plan"); ok {
		w.t.Errorf("Bob's own card has buttons that he may not press:\n%s", shown(bobs))
	}
	w.Carol.Confirm(carols, "", "通过", "通过 "+p.title(), "1 个发布项", "0/2 人通过").Told("1/2")
	for who, part := range map[*Person]string{w.Bob: "1 of 2", w.Carol: "1/2"} {
		card := p.CardIn(who, who.direct(), part)
		if _, ok := button(card, "", "通过"); ok {
			w.t.Errorf("%s can approve again:\n%s", who.Name, shown(card))
		}
	}
	p.Card(w.Alice, "1 of 2")
	w.Bob.Confirm(p.CardIn(w.Bob, w.Bob.direct()), "", "Approve").Told("Executing")
	p.CardIn(w.Carol, w.Carol.direct(), "执行中")
	if thread := w.Bob.client.Thread(bobs.Room, bobs.ID); len(thread) != 0 {
		w.t.Errorf("the direct card has a history of %d lines", len(thread))
	}
}

func nodInThread(_ *testing.T, w *World) {
	p := w.asked(1)
	card := p.Card(w.Bob)
	if !w.Thread {
		if _, err := w.Bob.client.Write(w.ctx, card.Room, card.ID, "LGTM!"); !notThere(err) {
			w.t.Errorf("the platform has threads after all: %v", err)
		}
		w.Bob.Say("LGTM!").Told("Which plan?") // there is no thread that says which
		p.Is(slipway.WaitForApproval)
		return
	}
	w.Carol.Mumble(card, "同意").Told("不算审批")
	w.Alice.Mumble(card, "ok").Nothing()
	w.Bob.Mumble(card, "is this tested?").Nothing()
	private := w.Bob.Mumble(card, "LGTM!").Message("does not count as an approval")
	if n := p.Now().Approval.Approvals(); n != 0 {
		w.t.Fatalf("%d approvals were counted", n)
	}
	w.Bob.Confirm(private, "", "Approve").Told("Approved " + p.ref())
	p.shows(w.Alice, slipway.Executing)
}

func approveInThread(_ *testing.T, w *World) {
	p := w.asked(1)
	card := p.Card(w.Carol)
	if !w.Thread {
		w.Carol.Say("通过 %s 没问题", p.ref()).Told("执行中")
	} else {
		w.Carol.SayIn(card.Room, card.ID, "通过 没问题").Told("执行中")
	}
	p.Card(w.Alice, w.Carol.Name+" approved", "没问题")
}

func whichPlan(_ *testing.T, w *World) {
	p := w.asked(1)
	choice := w.Bob.Say("approve").Message("Which plan?", p.title())
	i := slices.IndexFunc(choice.Buttons, func(b screen.Button) bool {
		return strings.Contains(b.Label, p.ref()) || strings.Contains(b.Row, p.ref())
	})
	if i < 0 {
		w.t.Fatalf("the plan cannot be chosen:\n%s", shown(choice))
	}
	w.Bob.Press(choice, choice.Buttons[i].Row, choice.Buttons[i].Label).Told("Approved " + p.ref())
}

func remindApprovers(_ *testing.T, w *World) {
	p := w.asked(2)
	w.Bob.Confirm(p.Card(w.Bob), "", "Approve").Told("1/2")
	before := len(w.Carol.client.Look(w.Carol.direct()))
	w.Alice.Say("remind %s", p.ref()).Told("Reminded " + w.Carol.Name + " of " + p.ref())
	w.until("Carol is reminded", func() bool {
		list := w.Carol.client.Look(w.Carol.direct())
		return len(list) > before && slices.ContainsFunc(list[before:], func(m screen.Message) bool { return strings.Contains(m.Text, p.title()) })
	}, func() string { return fmt.Sprint(w.Carol.client.Look(w.Carol.direct())) })
	w.Eve.Say("remind %s", p.ref()).Told("Only")
}
