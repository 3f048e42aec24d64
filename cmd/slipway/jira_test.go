package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway/cmd/slipway/processtest"
	"slipway/webhook/jira/jiratest"
)

func TestWhatJiraNeeds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env   map[string]string
		yaml  string
		named string // the setting that is wrong, "" if none is
	}{
		{env: map[string]string{"SLIPWAY_JIRA_URL": "https://jira.example.com", "SLIPWAY_JIRA_TOKEN": "pat"}, yaml: "jira: {comment: true}"},
		{env: map[string]string{"SLIPWAY_JIRA_URL": "https://x.atlassian.net", "SLIPWAY_JIRA_USER": "a@example.com", "SLIPWAY_JIRA_TOKEN": "hunter2"}},
		{env: map[string]string{"SLIPWAY_JIRA_URL": "https://bob:hunter2@jira", "SLIPWAY_JIRA_TOKEN": "pat"}, named: "SLIPWAY_JIRA_URL"},
		{env: map[string]string{"SLIPWAY_JIRA_URL": "jira", "SLIPWAY_JIRA_TOKEN": "pat"}, named: "SLIPWAY_JIRA_URL"},
		{env: map[string]string{"SLIPWAY_JIRA_URL": "https://jira.example.com"}, named: "SLIPWAY_JIRA_TOKEN"},
		{env: map[string]string{"SLIPWAY_JIRA_TOKEN": "hunter2"}, named: "SLIPWAY_JIRA_URL"},
		{env: map[string]string{"SLIPWAY_JIRA_URL": "https://jira.example.com", "SLIPWAY_JIRA_TOKEN": "hunter2 x"}, named: "SLIPWAY_JIRA_TOKEN"},
		{env: map[string]string{"SLIPWAY_JIRA_URL": "https://jira.example.com", "SLIPWAY_JIRA_USER": "a:b", "SLIPWAY_JIRA_TOKEN": "x"}, named: "SLIPWAY_JIRA_USER"},
		{yaml: "jira: {comment: true}", named: "jira.comment"},
	} {
		t.Run(fmt.Sprint(test.named, test.env, test.yaml), func(t *testing.T) {
			t.Parallel()
			p, path := surroundings(t, test.env, test.yaml)
			c, err := loadConfig(path, p)
			switch {
			case test.named == "":
				if err != nil || fmt.Sprint(c.Jira) == "" || strings.Contains(fmt.Sprint(c.Jira), "hunter2") {
					t.Errorf("%v, %v", c, err)
				}
			case err == nil || !strings.Contains(err.Error(), "\n  "+test.named+": "):
				t.Errorf("the answer is %v, want %s named", err, test.named)
			case strings.Contains(err.Error(), "hunter2"):
				t.Errorf("a secret is printed: %v", err)
			}
		})
	}
}

func TestDoctorLooksAtJira(t *testing.T) {
	t.Parallel()
	server := jiratest.New(t, jiratest.Payments("", "pat"))
	env := map[string]string{"SLIPWAY_DATA_DIR": t.TempDir(), "SLIPWAY_LISTEN": closedAddress(t), "SLIPWAY_JIRA_URL": server.URL, "SLIPWAY_JIRA_TOKEN": "pat"}
	if said, err := consult(t, env, "", "--lang", "en"); err != nil || !strings.Contains(said, "✓ Jira: it answers and lets Slipway in") {
		t.Errorf("it ended with %v", err)
	}
	env["SLIPWAY_JIRA_TOKEN"] = "hunter2"
	said, err := consult(t, env, "", "--lang", "zh")
	if err == nil || !strings.Contains(said, "✗ Jira：Jira 不接受 Slipway 的凭证。") || strings.Contains(said, "hunter2") {
		t.Errorf("it ended with %v", err)
	}
}

// requirements is the story of a plan with a sprint behind it, from the document to the
// comments, while Jira comes and goes.
func requirements(t *testing.T, program string) {
	server := jiratest.New(t, jiratest.Payments("bot@example.com", "hunter2"))
	ctx, cancel := context.WithTimeout(t.Context(), 4*startTimeout)
	defer cancel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte("jira: {comment: true}\nrooms: [{platform: web, id: releases, locale: zh}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := processtest.Start(ctx, processtest.Config{Path: program, Dir: dir, Env: []string{
		"SLIPWAY_ADMIN_TOKEN=" + adminToken, "SLIPWAY_JIRA_URL=" + server.URL, "SLIPWAY_JIRA_USER=bot@example.com", "SLIPWAY_JIRA_TOKEN=hunter2",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	call := func(method, path string, body any) processtest.Answer {
		t.Helper()
		a, err := processtest.NewClient(adminToken).Do(ctx, p.URL, processtest.Request{Method: method, Path: path, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	document := func(sprint int) map[string]any {
		return map[string]any{
			"name": "payments 4.2", "jira_sprint_association": map[string]any{"sprints": []map[string]any{{"project_key": "PAY", "sprint_id": sprint}}},
			"jobs": []map[string]any{{"name": "announce", "type": "text", "spec": map[string]any{"content": "Tell the hotline"}}},
		}
	}
	if a := call("POST", "/api/v1/plans", document(99)); a.Status != http.StatusBadRequest || !strings.Contains(string(a.Body), "jira_sprint_association.sprints[0].sprint_id") {
		t.Errorf("a sprint that is not there: %d %s", a.Status, a.Body)
	}
	var plan processtest.Plan
	a := call("POST", "/api/v1/plans", document(42))
	if err := a.Decode(&plan); err != nil || !strings.Contains(string(a.Body), `"Sprint 12"`) {
		t.Fatalf("create: %d %s", a.Status, a.Body)
	}
	server.Fail(http.StatusBadGateway) // Jira is down all through the release
	for _, path := range []string{"/submit", "/start", "/jobs/" + plan.Jobs[0].ID + "/complete"} {
		if a := call("POST", "/api/v1/plans/"+plan.ID+path, nil); a.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	server.Fail(0)
	want := "发布计划 #1 payments 4.2 已发布成功：" + p.URL + "/plans/" + plan.ID + "#success"
	patience := time.After(startTimeout)
	for _, key := range []string{"PAY-1", "PAY-5"} {
		for len(server.Comments(key)) == 0 || len(server.Links(key)) == 0 {
			select {
			case <-patience:
				t.Fatalf("%s is never told", key)
			case <-time.After(50 * time.Millisecond):
			}
		}
		if got := server.Comments(key); len(got) != 1 || strings.TrimSpace(got[0]) != want {
			t.Errorf("%s has the comments %q, want %q", key, got, want)
		}
	}
	for _, line := range p.Logged() {
		if strings.Contains(line, "hunter2") {
			t.Errorf("the token is logged: %s", line)
		}
	}
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	noErrors(t, p)
}
