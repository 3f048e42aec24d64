package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// engineEnvironment connects every engine that is set up by variables.
func engineEnvironment() map[string]string {
	return map[string]string{
		"SLIPWAY_ZADIG_URL": "https://zadig.example.com", "SLIPWAY_ZADIG_TOKEN": "zadig-token", "SLIPWAY_ZADIG_WEBHOOK_TOKEN": "zadig-hook",
		"SLIPWAY_GITHUB_TOKEN": "github-token", "SLIPWAY_GITHUB_WEBHOOK_SECRET": "github-hook",
		"SLIPWAY_GITLAB_URL": "https://gitlab.example.com", "SLIPWAY_GITLAB_TOKEN": "gitlab-token", "SLIPWAY_GITLAB_WEBHOOK_TOKEN": "gitlab-hook",
		"SLIPWAY_JENKINS_URL": "https://jenkins.example.com", "SLIPWAY_JENKINS_USER": "slipway", "SLIPWAY_JENKINS_TOKEN": "jenkins-token",
		"SLIPWAY_JENKINS_WEBHOOK_TOKEN": "jenkins-hook",
	}
}

func TestEnginesAreConnectedByVariables(t *testing.T) {
	t.Parallel()
	p, path := surroundings(t, engineEnvironment(), "engines:\n  zadig: {timeout: 20s, poll: 3s, requests_per_minute: 0}\nleave_runs: true\n")
	c, err := loadConfig(path, p)
	if err != nil {
		t.Fatal(err)
	}
	if c.Zadig.Token != "zadig-token" || c.GitHub.WebhookSecret != "github-hook" || c.GitLab.URL != "https://gitlab.example.com" || c.Jenkins.User != "slipway" || !c.LeaveRuns {
		t.Errorf("the settings are %+v", c)
	}
	if e := c.Engines["zadig"]; duration(e.Timeout).Seconds() != 20 || duration(e.Poll).Seconds() != 3 || e.perMinute(600) != 0 {
		t.Errorf("Zadig is treated as %+v", e)
	}
	if e := c.Engines["gitlab"]; e.perMinute(600) != 600 || duration(e.Poll) != 0 {
		t.Errorf("GitLab is treated as %+v", e)
	}
}

func TestSecretsOfEnginesComeFromFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := engineEnvironment()
	delete(env, "SLIPWAY_ZADIG_TOKEN")
	env["SLIPWAY_ZADIG_TOKEN_FILE"] = file
	p, path := surroundings(t, env, "")
	if c, err := loadConfig(path, p); err != nil || c.Zadig.Token != "from-a-file" {
		t.Errorf("the token is %q (%v)", string(c.Zadig.Token), err)
	}

	env["SLIPWAY_ZADIG_TOKEN"] = "hunter2"
	p, path = surroundings(t, env, "")
	if _, err := loadConfig(path, p); err == nil || !strings.Contains(err.Error(), "SLIPWAY_ZADIG_TOKEN_FILE: ") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a token given twice: %v", err)
	}
	delete(env, "SLIPWAY_ZADIG_TOKEN")
	env["SLIPWAY_ZADIG_TOKEN_FILE"] = file + ".gone"
	p, path = surroundings(t, env, "")
	if _, err := loadConfig(path, p); err == nil || !strings.Contains(err.Error(), "SLIPWAY_ZADIG_TOKEN_FILE: the file cannot be read") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWhatEnginesNeed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change map[string]string
		yaml   string
		named  string // the setting that is wrong, "" if none is
	}{
		{named: ""},
		{change: map[string]string{"SLIPWAY_ZADIG_URL": ""}, named: "SLIPWAY_ZADIG_URL"},
		{change: map[string]string{"SLIPWAY_ZADIG_TOKEN": ""}, named: "SLIPWAY_ZADIG_TOKEN"},
		{change: map[string]string{"SLIPWAY_ZADIG_URL": "ftp://hunter2@zadig"}, named: "SLIPWAY_ZADIG_URL"},
		{change: map[string]string{"SLIPWAY_GITHUB_URL": "github"}, named: "SLIPWAY_GITHUB_URL"},
		{change: map[string]string{"SLIPWAY_GITHUB_APP_ID": "12", "SLIPWAY_GITHUB_TOKEN": ""}, named: "SLIPWAY_GITHUB_APP_KEY"},
		{change: map[string]string{"SLIPWAY_GITHUB_APP_ID": "12", "SLIPWAY_GITHUB_APP_KEY": "hunter2", "SLIPWAY_GITHUB_TOKEN": ""}, named: "SLIPWAY_GITHUB_APP_KEY"},
		{change: map[string]string{"SLIPWAY_GITHUB_APP_ID": "12", "SLIPWAY_GITHUB_APP_KEY": "-----BEGIN PRIVATE KEY-----"}, named: "SLIPWAY_GITHUB_TOKEN"},
		{change: map[string]string{"SLIPWAY_GITLAB_TOKEN": "hunter2 "}, named: "SLIPWAY_GITLAB_TOKEN"},
		{change: map[string]string{"SLIPWAY_JENKINS_USER": ""}, named: "SLIPWAY_JENKINS_USER"},
		{yaml: "engines: {zadig: {poll: soon}}", named: "engines.zadig.poll"},
		{yaml: "engines: {zadig: {timeout: -1s}}", named: "engines.zadig.timeout"},
		{yaml: "engines: {github: {requests_per_minute: -1}}", named: "engines.github.requests_per_minute"},
		{yaml: "engines: {github: {type: http}}", named: "engines.github"},
		{yaml: "engines: {local: {poll: 1s}}", named: "engines.local"},
		{yaml: "engines: {Ours: {type: http}}", named: "engines.Ours"},
		{yaml: "engines: {ours: {type: grpc}}", named: "engines.ours.type"},
	} {
		t.Run(fmt.Sprint(test.named, test.change, test.yaml), func(t *testing.T) {
			t.Parallel()
			env := engineEnvironment()
			for k, v := range test.change {
				env[k] = v
			}
			p, path := surroundings(t, env, test.yaml)
			_, err := loadConfig(path, p)
			switch {
			case test.named == "":
				if err != nil {
					t.Error(err)
				}
			case err == nil || !strings.Contains(err.Error(), "\n  "+test.named+": "):
				t.Errorf("the answer is %v, want %s named", err, test.named)
			case strings.Contains(err.Error(), "hunter2"):
				t.Errorf("a secret is printed: %v", err)
			}
		})
	}
}
