package storytest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot/screen"
)

func planning() []Story {
	return []Story{
		{Name: "a plan is made with the form", Play: newByForm},
		{Name: "a plan is made with words", Play: newByWords},
		{Name: "a plan is made from a pasted document", Play: newByDocument},
		{Name: "a form with a fault stays open with what was typed", Play: faultyForm},
		{Name: "a closed form does nothing", Play: closedForm},
		{Name: "an item is added and changed with forms", Play: itemForms},
		{Name: "items are added, changed, moved and removed with words", Play: itemWords},
		{Name: "removing an item is asked about", Play: removeItem},
		{Name: "window, schedule and approvers are set with words", Play: settingWords},
		{Name: "window, schedule and approvers are set with forms", Play: settingForms},
		{Name: "a plan is changed with the form", Play: editForm},
		{Name: "a plan is copied", Play: copyPlan},
		{Name: "a plan without items is not submitted", Play: emptyPlan},
	}
}

func newByForm(_ *testing.T, w *World) {
	p := w.made(w.name("payments"))
	w.Alice.Say("new")
	w.Alice.Form("New plan")
	w.Alice.Fill(map[string][]string{
		"Name": {p.Name}, "Description": {"because of **speed**"}, "Approvers": w.Alice.pick("Approvers", w.Bob, w.Carol), "Approvals needed": {"2"},
	}).Told("Created #", p.Name)
	p.find()
	card := p.Card(w.Alice, "Planning", "because of speed", "0 of 2", w.Carol.Name)
	if _, ok := button(card, "", "Submit"); !ok {
		w.t.Errorf("the card cannot be submitted:\n%s", shown(card))
	}
	if t := p.Now(); t.Approval.Needed != 2 || len(t.Approval.Approvers) != 2 {
		w.t.Errorf("plan %+v, approval %+v", t, t.Approval)
	}
}

func newByWords(_ *testing.T, w *World) {
	p := w.NewPlan("payments 4.2", fmt.Sprintf("approvers=%s,%s needed=2 manager=%s", w.Bob.Name, w.Carol.Email, w.Dave.Name))
	p.Card(w.Alice, "Planning", w.Dave.Name, "No items yet")
	if t := p.Now(); t.Approval.Needed != 2 || len(t.Approval.Approvers) != 2 || t.Approval.Approvers[1].Name != w.Carol.Name {
		w.t.Errorf("approval %+v", t.Approval)
	}
}

func newByDocument(_ *testing.T, w *World) {
	p := w.made(w.name("from a document"))
	w.Alice.Say("new\nname: %s\ndescription: pasted\njobs:\n  - name: announce\n    type: text\n    spec: {content: Tell the hotline}\n", p.Name).Told("Created #", p.Name)
	p.find()
	p.Card(w.Bob, "pasted", "announce", "Tell the hotline")
	h := w.Alice.Say("new\nname: x\ncolour: red\nmanager: nobody")
	h.Told("colour")
	h.Told("manager")
}

func faultyForm(_ *testing.T, w *World) {
	p := w.made(w.name("faults"))
	w.Alice.Say("new")
	w.Alice.Form("New plan")
	w.Alice.Fill(map[string][]string{
		"Name": {p.Name}, "Description": {"typed with care"}, "Approvers": w.Alice.pick("Approvers", w.Bob), "Approvals needed": {"3"},
	}).Fault("Approvals needed", "3")
	form := w.Alice.Form("New plan")
	for label, want := range map[string]string{"Name": p.Name, "Description": "typed with care", "Approvals needed": "3"} {
		if got := valueOf(form, label); !slices.Equal(got, []string{want}) {
			w.t.Errorf("the field %s holds %q, want %q", label, got, want)
		}
	}
	w.Alice.Fill(map[string][]string{"Approvals needed": {"1"}}).Told("Created #", p.Name)
	if t := p.find().Now(); !strings.Contains(t.Description, "typed with care") || len(t.Approval.Approvers) != 1 {
		w.t.Errorf("plan %+v", t)
	}
}

func valueOf(f *screen.Form, label string) []string {
	for _, x := range f.Fields {
		if x.Label == label {
			return x.Value
		}
	}
	return nil
}

func closedForm(_ *testing.T, w *World) {
	p := w.NewPlan("closed", "")
	w.Alice.Press(p.Card(w.Alice), "", "Edit")
	w.Alice.Form("Edit " + p.ref())
	if err := w.Alice.client.CloseForm(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Alice.client.Fill(w.ctx, nil); !notThere(err) {
		w.t.Errorf("a closed form was sent: %v", err)
	}
	if t := p.Now(); t.Version != 1 {
		w.t.Errorf("the plan has version %d", t.Version)
	}
}

func itemForms(_ *testing.T, w *World) {
	p := w.NewPlan("items", "")
	w.Alice.Press(p.Card(w.Alice), "", "Add item")
	w.Alice.Form("Add item to " + p.ref())
	w.Alice.Fill(map[string][]string{
		"Name": {"announce"}, "What to do": {"Tell the *hotline*"}, "Owner": w.Alice.pick("Owner", w.Dave),
	}).Told("Changed " + p.ref())
	w.Alice.Press(p.Card(w.Alice, "announce", "Tell the hotline", w.Dave.Name), "", "Add item")
	w.Alice.Form("Add item to " + p.ref())
	w.Alice.Fill(map[string][]string{
		"Name": {"deploy"}, "Kind": {string(slipway.WorkflowItem)}, "Engine": {"local"}, "Workflow": {"deploy"}, "Parameters": {"VERSION=4.2"},
	}).Told("Changed " + p.ref())
	w.Alice.Press(p.Card(w.Alice, "deploy", "VERSION=4.2"), "announce", "Edit item")
	w.Alice.Form("Edit item 1")
	w.Alice.Fill(map[string][]string{"Name": {"deploy"}}).Fault("Name", "has this name already")
	w.Alice.Fill(map[string][]string{"Name": {"tell all"}}).Told("Changed " + p.ref())
	p.Card(w.Alice, "tell all", w.Dave.Name)
}

func itemWords(_ *testing.T, w *World) {
	p := w.NewPlan("items", "")
	for _, text := range []string{
		"add %s announce: Tell the **hotline** owner=" + w.Bob.Name,
		"add %s deploy the api workflow=deploy param.VERSION=4.2",
		"add %s watch: the graphs",
		"move %s watch 1",
		"edit %s 3 param.VERSION=4.3",
	} {
		w.Alice.Say(text, p.ref()).Told("Changed " + p.ref())
	}
	question := w.Alice.Say("remove %s announce", p.ref()).Message("Remove item 2 “announce”")
	if n := len(p.Now().Jobs); n != 3 {
		w.t.Fatalf("%d items are left before it was confirmed", n)
	}
	w.Alice.Press(question, "", "Remove").Told("Changed " + p.ref())
	card := p.Card(w.Bob, "watch", "deploy the api", "VERSION=4.3", "0 of 2 done")
	if strings.Contains(card.Text, "announce") || strings.Index(card.Text, "watch") > strings.Index(card.Text, "deploy the api") {
		w.t.Errorf("the items are wrong:\n%s", card.Text)
	}
}

func removeItem(_ *testing.T, w *World) {
	p := w.NewPlan("items", "")
	w.Alice.Say("add %s watch", p.ref()).Told("Changed")
	card := p.Card(w.Alice, "watch")
	w.Alice.Confirm(card, "watch", "Remove", "Remove item", "watch").Told("Changed " + p.ref())
	p.Card(w.Alice, "No items yet")
}

func settingWords(_ *testing.T, w *World) {
	p := w.NewPlan("settings", "")
	w.Alice.Say("window %s 2031-03-04 22:00 to 2031-03-05 02:00", p.ref()).Told("Changed")
	w.Alice.Say("schedule %s 2031-03-04 22:05", p.ref()).Told("Changed")
	w.Alice.Say("approvers %s %s, %s needed=2", p.ref(), w.Bob.Name, w.Carol.Email).Told("Changed")
	t := p.Now()
	if got := time.Unix(t.Start, 0).UTC().Format(time.DateTime); got != "2031-03-04 14:00:00" || t.End-t.Start != 4*3600 || t.Schedule-t.Start != 300 {
		w.t.Errorf("the window begins %s and lasts %d s, the schedule is %d s later", got, t.End-t.Start, t.Schedule-t.Start)
	}
	p.Card(w.Bob, "0 of 2", w.Carol.Name)
	w.Alice.Say("window %s sometime to 22:00", p.ref()).Told("not a time that is understood")
	w.Alice.Say("approvers %s Zoe%s", p.ref(), w.tag).Told("Zoe" + w.tag)
	w.Alice.Say("window %s none", p.ref()).Told("Changed")
	if t := p.Now(); t.Start != 0 || t.End != 0 {
		w.t.Errorf("the window is still there: %+v", t)
	}
}

func settingForms(_ *testing.T, w *World) {
	p := w.NewPlan("settings", "")
	from := time.Date(2031, 3, 4, 14, 0, 0, 0, time.UTC).Unix()
	w.Alice.Press(p.Card(w.Alice), "", "Window")
	w.Alice.Form("Window of " + p.ref())
	w.Alice.Fill(map[string][]string{"Window starts": {seconds(from)}, "Window ends": {seconds(from - 60)}}).Fault("Window ends", "")
	w.Alice.Fill(map[string][]string{"Window ends": {seconds(from + 7200)}}).Told("Changed " + p.ref())

	w.Alice.Press(p.Card(w.Alice, "Window"), "", "Schedule")
	w.Alice.Form("Schedule of " + p.ref())
	w.Alice.Fill(map[string][]string{"Scheduled execution": {seconds(from + 300)}}).Told("Changed " + p.ref())

	w.Alice.Press(p.Card(w.Alice, "Schedule"), "", "Approvers")
	w.Alice.Form("Approvers of " + p.ref())
	w.Alice.Fill(map[string][]string{"Approvers": w.Alice.pick("Approvers", w.Bob, w.Carol), "Approvals needed": {"2"}}).Told("Changed " + p.ref())
	p.Card(w.Alice, "0 of 2")
	if t := p.Now(); t.Start != from || t.End != from+7200 || t.Schedule != from+300 || t.Approval.Needed != 2 {
		w.t.Errorf("plan %+v", t)
	}
}

func seconds(unix int64) string { return strconv.FormatInt(unix, 10) }

func editForm(_ *testing.T, w *World) {
	p := w.NewPlan("before", fmt.Sprintf("approvers=%s description=old", w.Bob.Name))
	w.Alice.Say("add %s watch", p.ref()).Told("Changed")
	w.Alice.Press(p.Card(w.Alice, "watch"), "", "Edit")
	f := w.Alice.Form("Edit " + p.ref())
	if got := valueOf(f, "Name"); !slices.Equal(got, []string{p.Name}) {
		w.t.Errorf("the form begins with the name %q", got)
	}
	w.Alice.Fill(map[string][]string{"Description": {"new words"}}).Told("Changed " + p.ref())
	card := p.Card(w.Alice, "new words", "watch", w.Bob.Name)
	if t := p.Now(); len(t.Jobs) != 1 || len(t.Approval.Approvers) != 1 {
		w.t.Errorf("the form lost something: %+v\n%s", t, card.Text)
	}
	w.Alice.Press(card, "", "Edit")
	w.Alice.Form("Edit " + p.ref())
	w.Alice.Fill(nil).Told("Nothing changed")
}

func copyPlan(_ *testing.T, w *World) {
	p := w.NewPlan("original", "")
	w.Alice.Say("add %s watch", p.ref()).Told("Changed")
	second := w.made(w.name("second"))
	w.Bob.Say("copy %s %s", p.ref(), second.Name).Told("Created #", second.Name)
	second.find().Card(w.Alice, "watch", "Planning")
	third := w.made(w.name("third"))
	w.Alice.Press(p.Card(w.Alice), "", "Copy")
	f := w.Alice.Form("Copy " + p.ref())
	if got := valueOf(f, "Name of the copy"); !slices.Equal(got, []string{p.Name + " (copy)"}) {
		w.t.Errorf("the copy would be called %q", got)
	}
	w.Alice.Fill(map[string][]string{"Name of the copy": {third.Name}}).Told("Created #", third.Name)
	third.find().Card(w.Alice, "watch")
}

func emptyPlan(_ *testing.T, w *World) {
	p := w.NewPlan("empty", "")
	w.Alice.Press(p.Card(w.Alice, "No items yet"), "", "Submit").Told("item")
	p.Is(slipway.Planning)
}
