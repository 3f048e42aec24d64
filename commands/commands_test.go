package commands_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/commands"
)

func (o *office) ask(u *slipway.User, id string) commands.Ask {
	return commands.Ask{RequestID: id, User: u}
}

// plan creates a plan of Alice's with one text item.
func (o *office) plan(t *testing.T, extra string) *slipway.Plan {
	t.Helper()
	doc, err := o.ParseDocument(t.Context(), []byte("name: payments\njobs: [{name: announce, type: text, spec: {content: x}}]\n"+extra))
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.Create(t.Context(), o.ask(o.alice, ""), doc)
	if err != nil {
		t.Fatal(err)
	}
	return out.Plan
}

func TestARequestThatArrivesTwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p := o.plan(t, "")
	first, err := o.Submit(t.Context(), o.ask(o.alice, "test:submit"), p.ID)
	if err != nil || first.Repeated {
		t.Fatalf("submit: %+v, %v", first, err)
	}
	again, err := o.Submit(t.Context(), o.ask(o.alice, "test:submit"), p.ID)
	if err != nil || !again.Repeated || again.Plan.Seq != first.Plan.Seq || again.Entry.ID != first.Entry.ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := o.Start(t.Context(), o.ask(o.alice, "test:submit"), p.ID); slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("the id is taken for another verb: %v", err)
	}
	if _, err := o.Submit(t.Context(), o.ask(o.alice, "test:other"), p.ID); slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("a second submit: %v", err)
	}
}

func TestSubmitNamesEverythingThatIsMissing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p := o.plan(t, "approval: {approvers: [Alice]}")
	out, err := o.EditDraft(t.Context(), o.ask(o.alice, ""), p.ID, func(d *slipway.Draft) error {
		d.Items = append(d.Items, &slipway.Item{
			Name: "deploy", Type: slipway.WorkflowItem, Workflow: &slipway.WorkflowSpec{Engine: "local", Name: "w"},
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o.engine.problems = []slipway.Problem{{Path: "workflow", Text: slipway.T("job build is a zadig-build", "任务 build 是 zadig-build")}}
	_, err = o.Submit(t.Context(), o.ask(o.alice, ""), out.Plan.ID)
	var paths []string
	for _, pr := range slipway.ProblemsOf(err) {
		paths = append(paths, pr.Path)
	}
	if got := strings.Join(paths, " "); slipway.CodeOf(err) != slipway.Unfit || got != "approval.approvers jobs[1].spec.workflow" {
		t.Errorf("%v: %s", slipway.CodeOf(err), got)
	}
}

func TestALinkSignsInOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if _, err := o.NewLink(t.Context(), o.alice, o.bob.ID); slipway.CodeOf(err) != slipway.Forbidden {
		t.Errorf("Alice makes a link for Bob: %v", err)
	}
	link, err := o.NewLink(t.Context(), o.root, o.bob.ID)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := o.Owner(t.Context(), link); err != nil || u.ID != o.bob.ID {
		t.Errorf("whose link: %v, %v", u, err)
	}
	u, session, err := o.SignIn(t.Context(), link)
	if err != nil || u.ID != o.bob.ID {
		t.Fatalf("sign in: %v, %v", u, err)
	}
	if _, _, err := o.SignIn(t.Context(), link); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("the link works twice: %v", err)
	}
	if u, err := o.Session(t.Context(), session); err != nil || u.ID != o.bob.ID {
		t.Errorf("session: %v, %v", u, err)
	}
	o.at = noon.Add(commands.SessionLife + time.Minute)
	if _, err := o.Session(t.Context(), session); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("the session never ends: %v", err)
	}
	o.at = noon
	if err := o.SignOut(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Session(t.Context(), session); slipway.CodeOf(err) != slipway.Unauthenticated {
		t.Errorf("signed out, yet: %v", err)
	}
}

func TestWhoMayActAsWhom(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, token, err := o.AddUser(t.Context(), o.root, commands.NewUser{Name: "Carol", Email: "Carol@Example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		token, as, who string
		code           slipway.Code
	}{
		{"the-admin-token", "", "Root", ""},
		{"the-admin-token", "bob@example.com", "Bob", ""},
		{"the-admin-token", "nobody@example.com", "", slipway.Forbidden},
		{token, "", "Carol", ""},
		{token, "carol@example.com", "Carol", ""},
		{token, "bob@example.com", "", slipway.Forbidden},
		{"", "", "", slipway.Unauthenticated},
		{"wrong", "bob@example.com", "", slipway.Unauthenticated},
	} {
		u, err := o.Authenticate(t.Context(), c.token, c.as)
		if slipway.CodeOf(err) != c.code || err == nil && u.Name != c.who {
			t.Errorf("%s as %q: %v, %v", c.token, c.as, u, err)
		}
	}
	if _, _, err := o.AddUser(t.Context(), o.alice, commands.NewUser{Name: "Dan", Email: "dan@example.com"}); slipway.CodeOf(err) != slipway.Forbidden {
		t.Errorf("Alice adds people: %v", err)
	}
	if _, _, err := o.AddUser(t.Context(), o.root, commands.NewUser{Name: "Carol", Email: "carol@example.com"}); slipway.CodeOf(err) != slipway.Conflict {
		t.Errorf("an e-mail twice: %v", err)
	}
	_, _, err = o.AddUser(t.Context(), o.root, commands.NewUser{Email: "x", Role: "king", Locale: "fr", TimeZone: "Mars"})
	if got := len(slipway.ProblemsOf(err)); got != 5 {
		t.Errorf("%d problems, want name, email, role, locale, time_zone: %v", got, err)
	}
}

func TestACallbackBringsTheCredentialsThatAreDemanded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.rules.Endpoints = []slipway.Endpoint{
		{Name: "token", Events: []slipway.Event{slipway.EventFinishPlanning}, Wait: true, CallbackToken: "sesame"},
		{Name: "signed", Events: []slipway.Event{slipway.EventFinishPlanning}, Wait: true, CallbackSigned: true, Secrets: []string{"s"}},
	}
	p := o.plan(t, "")
	out, err := o.Submit(t.Context(), o.ask(o.alice, ""), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	cb := commands.Callback{Event: slipway.EventFinishPlanning, PlanID: p.ID, Result: slipway.ResultSuccess}
	try := func(name string, want slipway.Code, change func(*commands.Callback)) string {
		c := cb
		change(&c)
		id, err := o.Answer(t.Context(), c)
		if slipway.CodeOf(err) != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		return id
	}
	token, signed := out.Plan.Gate.Waits[0].Code, out.Plan.Gate.Waits[1].Code
	good := func([]string) error { return nil }
	bad := func([]string) error { return errors.New("no match") }
	try("no token", slipway.Unauthenticated, func(c *commands.Callback) { c.InstanceCode = token })
	try("wrong token", slipway.Unauthenticated, func(c *commands.Callback) { c.InstanceCode, c.Bearer = token, "open" })
	try("no signature", slipway.Unauthenticated, func(c *commands.Callback) { c.InstanceCode = signed })
	try("wrong signature", slipway.Unauthenticated, func(c *commands.Callback) { c.InstanceCode, c.Verify = signed, bad })
	try("unknown code, no credentials", slipway.Unauthenticated, func(c *commands.Callback) { c.InstanceCode = "x" })
	try("unknown code", slipway.Conflict, func(c *commands.Callback) { c.InstanceCode, c.Bearer = "x", "sesame" })
	try("unknown plan", slipway.NotFound, func(c *commands.Callback) { c.PlanID = "68b7ec363306e52e21b2dbe6" })
	first := try("right token", "", func(c *commands.Callback) { c.InstanceCode, c.Bearer = token, "sesame" })
	again := try("the same again", "", func(c *commands.Callback) { c.InstanceCode, c.Bearer = token, "sesame" })
	if first == "" || first != again || len(first) != 24 {
		t.Errorf("records %q and %q", first, again)
	}
	try("another answer", slipway.Conflict, func(c *commands.Callback) {
		c.InstanceCode, c.Bearer, c.Result = token, "sesame", slipway.ResultFailed
	})
	try("right signature", "", func(c *commands.Callback) { c.InstanceCode, c.Verify = signed, good })
	now, err := o.Find(t.Context(), "#1")
	if err != nil || now.Status() != slipway.FinishPlanning {
		t.Errorf("now %v, %v", now.Status(), err)
	}
	try("after the gate", "", func(c *commands.Callback) { c.InstanceCode, c.Verify = signed, good })
	try("another answer after the gate", slipway.Conflict, func(c *commands.Callback) {
		c.InstanceCode, c.Verify, c.Result = signed, good, slipway.ResultFailed
	})
}

func TestItemsAndPlansByTheNamesPeopleUse(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p := o.plan(t, "")
	for _, ref := range []string{"1", "#1", "＃1", " #1 ", p.ID} {
		if got, err := o.Find(t.Context(), ref); err != nil || got.ID != p.ID {
			t.Errorf("%q: %v", ref, err)
		}
	}
	for _, ref := range []string{"#2", "", "x", "68b7ec363306e52e21b2dbe6", "99999999999999999999999"} {
		if _, err := o.Find(t.Context(), ref); slipway.CodeOf(err) != slipway.NotFound {
			t.Errorf("%q: %v", ref, err)
		}
	}
	for _, ref := range []string{"1", "announce", "ANNOUNCE", "ann", p.Items[0].ID} {
		if it, err := commands.FindItem(p, ref); err != nil || it != p.Items[0] {
			t.Errorf("%q: %v", ref, err)
		}
	}
	for _, ref := range []string{"0", "2", "", "deploy"} {
		if _, err := commands.FindItem(p, ref); slipway.CodeOf(err) != slipway.NotFound {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestACopyLeavesAnOldWindowBehind(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p := o.plan(t, "end_time: 2026-11-24T13:00:00Z\nschedule_execute_time: 2026-11-24T12:30:00Z")
	o.at = noon.Add(24 * time.Hour)
	out, err := o.Copy(t.Context(), o.ask(o.bob, ""), p.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	c := out.Plan
	if c.Name != "payments (copy)" || c.EndTime != 0 || c.ScheduleExecuteTime != 0 || c.Items[0].ID == p.Items[0].ID || c.Creator.ID != o.bob.ID || c.Manager.ID != o.alice.ID {
		t.Errorf("the copy is %+v", c)
	}
}

func TestKeepingAUserLeavesWhatIsKnown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	keep := func(n commands.NewUser) *slipway.User {
		t.Helper()
		n.Name, n.Email = "Ewa", "ewa@example.com"
		if _, err := o.KeepUser(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		u, err := o.Store.UserByEmail(t.Context(), n.Email)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if u := keep(commands.NewUser{}); u.Locale != slipway.English || !u.LocaleGuessed || u.TimeZone != "" {
		t.Errorf("at first: %+v", u)
	}
	if u := keep(commands.NewUser{Locale: "zh", TimeZone: "Asia/Shanghai"}); u.Locale != slipway.Chinese || u.LocaleGuessed || u.TimeZone != "Asia/Shanghai" {
		t.Errorf("once it is said: %+v", u)
	}
	if u := keep(commands.NewUser{Locale: "en", TimeZone: "Europe/London"}); u.Locale != slipway.Chinese || u.TimeZone != "Asia/Shanghai" {
		t.Errorf("afterwards: %+v", u)
	}
}
