package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// step is one line that somebody types in the room, and what must follow.
type step struct {
	who, text string
	confirm   bool // the answer is a question; its first button is pressed
	plan      int64
	until     slipway.Status
	item      string // it must become
	is        slipway.ItemStatus
	asks      bool   // the item's run must wait for a person
	heard     string // what must have come to somebody who is played
}

// story is the demo: every verb of people and every documented event.
func (d *demonstration) story() []step {
	now := time.Now().In(time.FixedZone("", 8*3600))
	window := fmt.Sprintf("window #1 %s to %s", now.Add(-time.Hour).Format("2006-01-02 15:04"), now.Add(5*time.Hour).Format("2006-01-02 15:04"))
	return []step{
		{who: "Alice", text: "help"},
		{who: "Alice", text: "whoami"},
		{who: "Alice", text: "link"},
		{who: "Alice", text: "new payments 4.2", plan: 1, until: slipway.Planning},
		{who: "Alice", text: "add #1 announce: Tell the **hotline**"},
		{who: "Alice", text: "add #1 dashboards: Watch the dashboards for ten minutes"},
		{who: "Alice", text: "add #1 deploy workflow=deploy-payments project=payments engine=local param.VERSION=4.2"},
		{who: "Alice", text: "add #1 traffic workflow=shift-traffic project=payments engine=deployer"},
		{who: "Alice", text: "add #1 leftover: Not needed after all"},
		{who: "Alice", text: "remove #1 leftover", confirm: true},
		{who: "Alice", text: "move #1 deploy 2"},
		{who: "Alice", text: window},
		{who: "Alice", text: "schedule #1 " + now.Add(4*time.Hour).Format("2006-01-02 15:04")},
		{who: "Alice", text: "schedule #1 none"},
		{who: "Alice", text: "approvers #1 Bob, Carol needed=2"},
		{who: "Alice", text: `edit #1 name="payments 4.2.1"`},
		{who: "Alice", text: "submit #1", plan: 1, until: slipway.WaitForApproval},
		{who: "Alice", text: "approve #1"},
		{who: "Alice", text: "remind #1"},
		{who: "Bob", text: "主页"},
		{who: "Bob", text: "reject #1 no rollback plan", plan: 1, until: slipway.Denied},
		{who: "Alice", text: "replan #1 the rollback is described now", plan: 1, until: slipway.Planning},
		{who: "Alice", text: "sprints #1 add PAY 42"},
		{who: "Alice", text: "submit #1", confirm: true, plan: 1, until: slipway.WaitForApproval},
		{who: "Bob", text: "hours Mon-Fri 9-18"},
		{who: "Bob", text: "away"},
		{who: "Bob", text: "transfer #1 to Olga"},
		{who: "Olga", text: "transfer #1 to Bob"},
		{who: "Bob", text: "通过 #1", plan: 1, until: slipway.WaitForApproval},
		{who: "Bob", text: "withdraw #1 one more look at the rollback", plan: 1, until: slipway.WaitForApproval},
		{who: "Carol", text: "approve #1 the fees are right", plan: 1, until: slipway.WaitForApproval},
		{who: "Bob", text: "通过 #1 回滚方案已确认", plan: 1, until: slipway.Executing},
		{who: "Alice", text: "execute #1 traffic"},
		{who: "Alice", text: "complete #1 announce sent to everybody"},
		{who: "Alice", text: "execute #1 deploy", plan: 1, item: "deploy", is: slipway.Failed},
		{who: "Alice", text: "retry #1 deploy", plan: 1, item: "deploy", is: slipway.Done},
		{who: "Alice", text: "show #1", plan: 1, item: "traffic", is: slipway.Failed},
		{who: "Alice", text: "adopt #1 traffic 7", plan: 1, item: "traffic", is: slipway.Running, asks: true},
		{who: "Alice", text: "decide #1 traffic yes", plan: 1, item: "traffic", is: slipway.Done},
		{who: "Alice", text: "skip #1 dashboards the on-call watches them", plan: 1, until: slipway.AllDoneCheckFailed},
		{who: "Alice", text: "ask again #1", plan: 1, until: slipway.Success},
		{who: "Alice", text: "log #1"},
		{who: "Alice", text: "hooks #1"},
		{who: "Alice", text: "copy #1 quiet night", plan: 2, until: slipway.Planning},
		{who: "Alice", text: "approvers #2 none"},
		{who: "Alice", text: "sprints #2 none"},
		{who: "Alice", text: "submit #2", plan: 2, until: slipway.WaitFinishPlanning},
		{who: "Olga", text: "override #2 checked by phone", plan: 2, until: slipway.FinishPlanning},
		{who: "Alice", text: "start #2", plan: 2, until: slipway.WaitExecute},
		{who: "Alice", text: "cancel #2 shipped with 4.2.1", plan: 2, until: slipway.Cancelled},
		{who: "Alice", text: "list", heard: "PAY-3 Success"},
	}
}

// play types the story, line by line.
func (d *demonstration) play(ctx context.Context) error {
	for _, s := range d.story() {
		if err := d.step(ctx, s); err != nil {
			return fmt.Errorf("%s typed %q: %w", s.who, s.text, err)
		}
	}
	if left := d.untold(); len(left) > 0 {
		return fmt.Errorf("the demo has not shown: %s", strings.Join(left, ", "))
	}
	d.say("slipway", "the story is complete: the verbs were typed, every event was heard")
	return nil
}

func (d *demonstration) step(ctx context.Context, s step) error {
	changes, stop := context.WithTimeout(ctx, demoPatience)
	defer stop()
	notices := d.app.notices.Subscribe(changes)
	seen, err := d.newest(ctx, s.who)
	if err != nil {
		return err
	}
	d.say(s.who, "%s", s.text)
	if err := d.typeLine(ctx, s); err != nil {
		return err
	}
	d.noteVerb(s.text)
	if err := d.printReplies(ctx, s.who, seen); err != nil {
		return err
	}
	if s.confirm {
		if err := d.pressNewest(ctx, s.who); err != nil {
			return err
		}
	}
	return d.await(changes, s, notices)
}

// await waits until what must follow a line has come about, and says so.
func (d *demonstration) await(ctx context.Context, s step, notices <-chan string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		now, reached, err := d.look(ctx, s)
		switch {
		case err != nil:
			return err
		case reached && s.plan != 0:
			d.say("slipway", "%s", now)
			return nil
		case reached:
			return nil
		}
		select {
		case <-notices:
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s after %s, want %s%s%s", now, demoPatience, s.until, s.is, s.heard)
		}
	}
}

// look tells how what a line is about is now, and whether that is what must follow.
func (d *demonstration) look(ctx context.Context, s step) (now string, reached bool, err error) {
	if s.plan == 0 {
		d.mu.Lock()
		defer d.mu.Unlock()
		return "nobody is told", s.heard == "" || d.said[s.heard], nil
	}
	p, err := d.app.store.PlanByIndex(ctx, s.plan)
	if err != nil {
		return "", false, err
	}
	if s.item != "" {
		it := itemNamed(p, s.item)
		now = fmt.Sprintf("item %s is %s", it.Name, it.Status)
		if s.asks && len(it.Workflow.Wait) > 0 {
			return now + ": " + it.Workflow.Wait[0].For.EN, it.Status == s.is, nil
		}
		return now, it.Status == s.is && !s.asks, nil
	}
	now = fmt.Sprintf("#%d is %s", p.Index, p.Status())
	if p.Status() == slipway.WaitForApproval {
		now += fmt.Sprintf(", %d of %d approvals", p.Approval.Approvals(), p.Approval.Needed)
	}
	return now, p.Status() == s.until, nil
}

func itemNamed(p *slipway.Plan, name string) *slipway.Item {
	i := slices.IndexFunc(p.Items, func(it *slipway.Item) bool { return it.Name == name })
	return p.Items[max(i, 0)]
}

// noteVerb remembers which verb a line was.
func (d *demonstration) noteVerb(line string) {
	for _, r := range bot.VerbRows() {
		for _, w := range append([]string{r.Name}, r.ZH...) {
			if line == w || strings.HasPrefix(line, w+" ") {
				d.noted(r.Name)
			}
		}
	}
}

// signIn gives each person a browser with a session, through the one-time link.
func (d *demonstration) signIn(ctx context.Context) error {
	users, err := d.app.store.Users(ctx)
	if err != nil {
		return err
	}
	d.people, d.browser = map[string]*slipway.User{}, map[string]*http.Client{}
	for _, u := range users {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return fmt.Errorf("make cookie jar: %w", err)
		}
		d.people[u.Name], d.browser[u.Name] = u, &http.Client{Jar: jar, Timeout: demoPatience}
		token, err := d.app.commands.NewLink(ctx, u, u.ID)
		if err != nil {
			return err
		}
		if err := d.post(ctx, u.Name, "/signin", url.Values{"token": {token}}); err != nil {
			return fmt.Errorf("sign in %s: %w", u.Name, err)
		}
		d.say(u.Name, "signs in")
	}
	return nil
}

// typeLine types a line into the room, as the console's page does.
func (d *demonstration) typeLine(ctx context.Context, s step) error {
	return d.post(ctx, s.who, "/rooms/"+defaultRoom+"/say", url.Values{"text": {s.text}, "press": {d.app.commands.NewID()}})
}

// pressNewest presses the first button of the newest card that somebody alone sees.
func (d *demonstration) pressNewest(ctx context.Context, who string) error {
	list, err := d.app.store.Messages(ctx, defaultRoom, d.people[who].ID, "", 20)
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(list) {
		if m.OnlyFor == "" || len(m.Card) == 0 {
			continue
		}
		var c bot.Card
		if err := json.Unmarshal(m.Card, &c); err != nil {
			return fmt.Errorf("read question: %w", err)
		}
		if len(c.Actions) == 0 {
			break
		}
		d.say(who, "presses [%s]", c.Actions[0].Label)
		return d.post(ctx, who, "/rooms/"+defaultRoom+"/act", url.Values{
			"msg": {m.ID}, "action": {string(c.Actions[0].ID)}, "value": {c.Actions[0].Value}, "press": {d.app.commands.NewID()},
		})
	}
	return errors.New("there is nothing to press")
}

func (d *demonstration) post(ctx context.Context, who, path string, form url.Values) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.app.config.PublicURL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", d.app.config.PublicURL)
	res, err := d.browser[who].Do(req)
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}

// newest returns the id of the newest message that somebody sees in the room.
func (d *demonstration) newest(ctx context.Context, who string) (string, error) {
	list, err := d.app.store.Messages(ctx, defaultRoom, d.people[who].ID, "", 1)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[len(list)-1].ID, nil
}

// printReplies prints the titles of what the bot answered to somebody alone.
func (d *demonstration) printReplies(ctx context.Context, who, seen string) error {
	list, err := d.app.store.Messages(ctx, defaultRoom, d.people[who].ID, "", 20)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(d.people[who].TimeZone)
	if err != nil {
		return fmt.Errorf("load zone of %s: %w", who, err)
	}
	for i := slices.IndexFunc(list, func(m storage.Message) bool { return m.ID == seen }) + 1; i < len(list); i++ {
		m := list[i]
		if m.AuthorID != "" || m.OnlyFor == "" {
			continue
		}
		var c bot.Card
		if err := json.Unmarshal(m.Card, &c); err != nil {
			return fmt.Errorf("read reply: %w", err)
		}
		d.say("slipway", "(to %s alone) %s", who, firstLine(c.Summary))
		for _, r := range c.Rows[:min(len(c.Rows), 3)] {
			d.say("", "  %s", r.Title.Text(c.Lang, zone))
			for _, line := range r.Details {
				d.say("", "    %s", line.Text(c.Lang, zone))
			}
		}
	}
	return nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}

func readHook(body []byte) (*slipway.HookPlan, error) {
	var env slipway.HookEnvelope
	if err := json.Unmarshal(body, &env); err != nil {
		return nil, fmt.Errorf("read hook: %w", err)
	}
	return env.ReleasePlan, nil
}

// callBack posts the documented answer.
func (o *outsideSystem) callBack(plan *slipway.HookPlan, result slipway.Result) error {
	body, err := json.Marshal(map[string]string{
		"hook_event": string(plan.EventName), "release_plan_id": plan.ID, "instance_code": plan.InstanceCode,
		"result": string(result), "failed_reason": "the error rate is above 1 %", "description": "reading the change request",
	})
	if err != nil {
		return fmt.Errorf("write callback: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.callback, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("call back: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("call back: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, answer)
	}
	return err
}
