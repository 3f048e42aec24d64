package main

import (
	"net/url"
	"strings"
)

// jiraConfig connects Jira, whose sprints hold the requirements behind plans.
type jiraConfig struct {
	URL string `yaml:"url"`
	// User goes with an API token (Cloud) or a password; without one the token is a personal
	// access token (Data Center).
	User  string `yaml:"user"`
	Token secret `yaml:"token"`
	// Comment writes a comment on the issues when a plan succeeds.
	Comment bool `yaml:"comment"`
}

func (c *config) checkJira(note func(key, format string, args ...any)) {
	j := c.Jira
	if u, err := url.Parse(j.URL); j.URL != "" && (err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !isAddress(j.URL)) {
		note("SLIPWAY_JIRA_URL", "an http or https address is expected, without a user, a password or a query in it")
	}
	switch {
	case j.URL == "" && (j.User != "" || j.Token != ""):
		note("SLIPWAY_JIRA_URL", "it is expected beside the other settings of Jira")
	case j.URL != "" && j.Token == "":
		note("SLIPWAY_JIRA_TOKEN", "it is expected beside the other settings of Jira: an API token with SLIPWAY_JIRA_USER (Cloud), or a personal access token without (Data Center)")
	case j.URL == "" && j.Comment:
		note("jira.comment", "needs SLIPWAY_JIRA_URL and SLIPWAY_JIRA_TOKEN")
	}
	if spaceInASecret.MatchString(string(j.Token)) {
		note("SLIPWAY_JIRA_TOKEN", "a secret without spaces is expected")
	}
	if strings.ContainsAny(j.User, ": \t\r\n") {
		note("SLIPWAY_JIRA_USER", "the e-mail or name of an account is expected, without a colon or spaces")
	}
}
