package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
	"slipway/bot/slack/slacktest"
	"slipway/cmd/slipway/processtest"
)

// killedBeforeRepaint kills the program after a change is committed and before any card
// shows it. The next start shows it, in both chats.
func killedBeforeRepaint(t *testing.T, program string) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*startTimeout)
	defer cancel()
	workspace, env := workspace(t, true)
	workspace.AddUser(slacktest.User{ID: "U0ALICE", Name: "Alice", Email: emailFor("Alice")})
	workspace.AddChannel(slacktest.Channel{ID: slackRoom, Name: "releases", Members: []string{"U0ALICE"}, Bot: true})
	company, more := company(t, feishutest.LongConnection)
	company.AddUser(feishutest.User{OpenID: "ou_alice", Name: "Alice", Email: emailFor("Alice"), Locale: "en-US"})
	company.AddGroup(feishutest.Group{ID: feishuRoom, Name: "releases", Members: []string{"ou_alice"}})
	variables := []string{"SLIPWAY_ADMIN_TOKEN=" + adminToken}
	for _, set := range []map[string]string{env, more} {
		for k, v := range set {
			variables = append(variables, k+"="+v)
		}
	}
	p, err := processtest.Start(ctx, processtest.Config{Path: program, Dir: t.TempDir(), Env: variables})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	client := processtest.NewClient(adminToken)
	views := []view{{workspace, workspace.Person("U0ALICE"), slackRoom}, {company, company.Person("ou_alice"), feishuRoom}}
	updates := func() int { return len(workspace.Calls("chat.update")) + len(company.Calls(feishutest.OpPatch)) }
	for n := range 2 {
		if err := workspace.WaitConnected(ctx); err != nil {
			t.Fatal(err)
		}
		connected(t, company)
		plan := processtest.Plan{Name: fmt.Sprintf("killed %d", n), Index: int64(n + 1)}
		var first []screen.Message
		for i, v := range views {
			line := []string{"new " + plan.Name, fmt.Sprintf("show #%d", plan.Index)}[i]
			if _, err := v.who.Command(ctx, v.room, "", line); err != nil {
				t.Fatal(err)
			}
			first = append(first, v.awaitCard(t, v.room, plan, shows("Planning")))
		}

		before := updates()
		workspace.Faults().Fail("chat.update", "503", 1<<30)
		company.Faults().Fail(feishutest.OpPatch, http.StatusServiceUnavailable, 1<<30)
		a, err := client.Do(ctx, p.URL, processtest.Request{Path: fmt.Sprintf("/api/v1/plans/%d/cancel", plan.Index), Body: map[string]any{"comment": "gone"}})
		if err != nil || a.Status != http.StatusOK {
			t.Fatalf("cancel: %d %s (%v)", a.Status, a.Message(), err)
		}
		for n == 0 && updates() == before { // once with a repaint under way, then at once
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
				t.Fatal("nobody tries to update a card")
			}
		}
		p.Kill()
		for i, v := range views {
			if m, _ := v.card(v.room, plan); m.Text != first[i].Text {
				t.Fatalf("the card was updated after all:\n%s", m.Text)
			}
		}
		workspace.Faults().Fail("chat.update", "503", 0)
		company.Faults().Heal()
		if err := p.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		for i, v := range views {
			if now := v.awaitCard(t, v.room, plan, shows("Cancelled", "gone")); now.ID != first[i].ID {
				t.Error("the card was posted anew")
			}
		}
	}
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	noErrors(t, p)
}
